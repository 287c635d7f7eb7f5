// Each option at its least value, its most, and one past both: of a session and of the defaults.

import { Option, Role, State } from '../../../assembly/abi';
import { HEAD_MAX_BYTES, SESSIONS } from '../../../assembly/profile';
import { optionKnown, optionValid } from '../../../assembly/session/options';
import { Session, sessionFree, sessionOpen } from '../../../assembly/session/session';

const NULL = changetype<Session>(0);
/** Behind the last Option. */
const END: i32 = Option.CLOSING + 1;

/** The least and the most that an option may be; USER may be anything. */
function least(option: i32): i32 {
  if (option == Option.USER) return i32.MIN_VALUE;
  if (option == Option.DEFLATE_WINDOW) return 8;
  return option == Option.HEAD_MAX || option == Option.RATE_WINDOW_MS ? 1 : 0;
}

function most(option: i32): i32 {
  switch (option) {
    case Option.AUTO_PONG:
    case Option.PAUSED:
    case Option.UTF8:
    case Option.DEFLATE:
      return 1;
    case Option.DELIVERY:
    case Option.RATE_POLICY:
      return 2;
    case Option.FULL_POLICY:
    case Option.DEFLATE_TAKEOVER:
    case Option.CLOSING:
      return 3;
    case Option.TOKEN_SOURCES:
      return 7;
    case Option.DEFLATE_LEVEL:
      return 9;
    case Option.DEFLATE_WINDOW:
    case Option.DEFLATE_WINDOW_IN:
      return 15;
    case Option.SESSIONS_MAX:
      return SESSIONS;
    case Option.HEAD_MAX:
      return HEAD_MAX_BYTES;
    default:
      return i32.MAX_VALUE;
  }
}

/** Whether a session may have an option: the limits that it copies, and its heartbeats. */
function ofSession(option: i32): bool {
  const beats = option >= Option.HEARTBEAT_MS && option <= Option.HEARTBEAT_TIMEOUT_MS;
  return option <= Option.FRAGMENTS_MAX || beats;
}

describe('optionKnown', () => {
  it('knows all of them as defaults, and nothing else', () => {
    for (let option = 0; option < END; option++) {
      expect<bool>(optionKnown(NULL, option)).toBe(true);
    }
    expect<bool>(optionKnown(NULL, -1)).toBe(false);
    expect<bool>(optionKnown(NULL, END)).toBe(false);
    expect<bool>(optionKnown(NULL, i32.MIN_VALUE)).toBe(false);
    expect<bool>(optionKnown(NULL, i32.MAX_VALUE)).toBe(false);
  });

  it('knows the limits of a session and its heartbeats, and nothing else', () => {
    const s = sessionOpen(Role.SERVER, State.OPEN);
    for (let option = 0; option < END; option++) {
      expect<bool>(optionKnown(s, option)).toBe(ofSession(option));
    }
    expect<bool>(optionKnown(s, -1)).toBe(false);
    expect<bool>(optionKnown(s, END)).toBe(false);
    sessionFree(s);
  });
});

describe('optionValid', () => {
  it('takes the least and the most value of each option', () => {
    for (let option = 0; option < END; option++) {
      expect<bool>(optionValid(NULL, option, least(option))).toBe(true);
      expect<bool>(optionValid(NULL, option, most(option))).toBe(true);
    }
  });

  it('refuses one less and one more, but for the word of the user', () => {
    for (let option = 0; option < END; option++) {
      const any = option == Option.USER;
      // One more than the most number is the least negative one.
      expect<bool>(optionValid(NULL, option, least(option) - 1)).toBe(any);
      expect<bool>(optionValid(NULL, option, most(option) + 1)).toBe(any);
      expect<bool>(optionValid(NULL, option, i32.MIN_VALUE)).toBe(any);
    }
  });

  it('holds a session to the same bounds, and refuses it what is of the defaults only', () => {
    const s = sessionOpen(Role.SERVER, State.OPEN);
    for (let option = 0; option < END; option++) {
      const any = option == Option.USER;
      expect<bool>(optionValid(s, option, least(option))).toBe(ofSession(option));
      expect<bool>(optionValid(s, option, most(option))).toBe(ofSession(option));
      expect<bool>(optionValid(s, option, least(option) - 1)).toBe(any);
      expect<bool>(optionValid(s, option, most(option) + 1)).toBe(any);
    }
    sessionFree(s);
  });

  it('takes no window between none of its own and the smallest for what comes', () => {
    for (let bits = 0; bits <= 15; bits++) {
      const right = bits == 0 || bits >= 8;
      expect<bool>(optionValid(NULL, Option.DEFLATE_WINDOW_IN, bits)).toBe(right);
    }
  });

  it('refuses what is no option, whatever the value', () => {
    for (let value = -1; value < 10; value++) {
      expect<bool>(optionValid(NULL, -1, value)).toBe(false);
      expect<bool>(optionValid(NULL, END, value)).toBe(false);
    }
  });
});
