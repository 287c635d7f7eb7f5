// Heartbeats: numbers, moments and round-trip times, at every border of their figures.

import { Option, Role, SessionInfo, State } from '../../../assembly/abi';
import {
  HEARTBEAT_PAYLOAD,
  heartbeatAnswered,
  heartbeatAt,
  heartbeatBegin,
  heartbeatDue,
  heartbeatForget,
  heartbeatLost,
  heartbeatOf,
  heartbeatOption,
  heartbeatTell,
  heartbeatWrite,
  NO_ANSWER,
} from '../../../assembly/hub/heartbeat';
import { infoRecord, stats } from '../../../assembly/memory';
import { networkOrder } from '../../../assembly/protocol/frame';
import {
  clockSet,
  optionAddress,
  pool,
  Session,
  sessionFree,
  sessionOpen,
} from '../../../assembly/session/session';
import { NEVER, timerStop } from '../../../assembly/session/timers';
import { HERE, isHex } from '../bytes';

let now: i32 = 5_000;

function pass(ms: i32): void {
  now += ms;
  clockSet(now);
}

/** An open session with heartbeats. */
function beating(intervalMs: u32, timeoutMs: u32): Session {
  pass(0);
  const s = sessionOpen(Role.SERVER, State.OPEN);
  store<u32>(optionAddress(s, Option.HEARTBEAT_MS), intervalMs);
  store<u32>(optionAddress(s, Option.HEARTBEAT_TIMEOUT_MS), timeoutMs);
  return s;
}

function done(s: Session): void {
  timerStop(s);
  sessionFree(s);
}

/** Lets an interval pass and sends the heartbeat; its payload lies at HERE + 16 * its number. */
function beat(s: Session, ms: i32): bool {
  pass(ms);
  if (!heartbeatDue(s)) return false;
  heartbeatWrite(s, HERE + 16 * heartbeatOf(s).sent);
  return true;
}

function answered(s: Session, number: u32): i32 {
  return heartbeatAnswered(s, HERE + 16 * number, HEARTBEAT_PAYLOAD);
}

function told(s: Session): SessionInfo {
  heartbeatTell(s, infoRecord());
  return infoRecord();
}

describe('the options of heartbeats', () => {
  it('are those of the defaults in a new session, and its own from then on', () => {
    const none = changetype<Session>(0);
    store<u32>(optionAddress(none, Option.HEARTBEAT_MS), 700);
    const s = sessionOpen(Role.SERVER, State.OPEN);
    expect<u32>(heartbeatOf(s).intervalMs).toBe(700);
    expect<u32>(heartbeatOf(s).timeoutMs).toBe(10_000);
    store<u32>(heartbeatOption(s, Option.HEARTBEAT_TIMEOUT_MS), 1);
    expect<u32>(heartbeatOf(s).timeoutMs).toBe(1);
    expect<u32>(load<u32>(optionAddress(none, Option.HEARTBEAT_TIMEOUT_MS))).toBe(10_000);
    store<u32>(optionAddress(none, Option.HEARTBEAT_MS), 0);
    expect<u32>(heartbeatOf(s).intervalMs).toBe(700);
    done(s);
  });

  it('leave the record of a session untouched as long as nobody asks for one', () => {
    const before = sessionOpen(Role.SERVER, State.OPEN);
    const slot = before.handle & 0xffff;
    done(before);
    for (let round = 0; round < 2; round++) {
      pass(1);
      const s = sessionOpen(Role.SERVER, State.HANDSHAKE);
      expect<i32>(s.handle & 0xffff).toBe(slot);
      heartbeatBegin(s);
      heartbeatForget(s);
      expect<bool>(heartbeatLost(s)).toBe(false);
      expect<u64>(heartbeatAt(s)).toBe(NEVER);
      const record = changetype<usize>(heartbeatOf(s));
      for (let at: usize = 0; at < 64; at += 8) expect<u64>(load<u64>(record + at)).toBe(0);
      // Who does finds the defaults; the slot's next session has none of it.
      const opened = pool().clock;
      pass(1);
      expect<u32>(load<u32>(heartbeatOption(s, Option.HEARTBEAT_MS))).toBe(0);
      expect<u32>(load<u32>(heartbeatOption(s, Option.HEARTBEAT_TIMEOUT_MS))).toBe(10_000);
      store<u32>(heartbeatOption(s, Option.HEARTBEAT_MS), 1_000);
      expect<u64>(heartbeatAt(s)).toBe(opened + 1_000);
      done(s);
    }
  });
});

describe('a heartbeat', () => {
  it('is a number and a time, in network order', () => {
    const s = beating(1000, 0);
    expect<bool>(beat(s, 1000)).toBe(true);
    expect<bool>(isHex(HERE, '00 00 00 00')).toBe(true);
    expect<u64>(networkOrder(HERE + 4, 8)).toBe(pool().clock);
    expect<bool>(beat(s, 1000)).toBe(true);
    expect<bool>(isHex(HERE + 16, '00 00 00 01')).toBe(true);
    done(s);
  });

  it('is due an interval behind the one before, however late that was', () => {
    const s = beating(1000, 0);
    expect<bool>(beat(s, 999)).toBe(false);
    expect<bool>(beat(s, 501)).toBe(true);
    expect<u64>(heartbeatAt(s)).toBe(pool().clock + 1000);
    done(s);
  });

  it('has no deadline when there are none', () => {
    const s = beating(0, 500);
    pass(100_000);
    expect<u64>(heartbeatAt(s)).toBe(NEVER);
    expect<bool>(heartbeatDue(s)).toBe(false);
    expect<bool>(heartbeatLost(s)).toBe(false);
    done(s);
  });

  it('is lost at its timeout, not a millisecond before', () => {
    const s = beating(1000, 300);
    beat(s, 1000);
    pass(299);
    expect<bool>(heartbeatLost(s)).toBe(false);
    pass(1);
    expect<bool>(heartbeatLost(s)).toBe(true);
    done(s);
  });

  it('is not lost while its session is paused', () => {
    const s = beating(1000, 300);
    s.paused = 1;
    beat(s, 1000);
    pass(300);
    expect<bool>(heartbeatLost(s)).toBe(false);
    expect<i32>(answered(s, 0)).toBe(NO_ANSWER);
    done(s);
  });

  it('that is forgotten is waited for no more, and the next one is', () => {
    const s = beating(1000, 300);
    beat(s, 1000);
    heartbeatForget(s);
    expect<u64>(heartbeatAt(s)).toBe(pool().clock + 1000);
    expect<bool>(beat(s, 1000)).toBe(true);
    pass(5);
    expect<i32>(answered(s, 0)).toBe(NO_ANSWER);
    expect<i32>(answered(s, 1)).toBe(5);
    done(s);
  });

  it('goes as the fifth only when one of four is answered', () => {
    const s = beating(10, 1000);
    for (let i = 0; i < 4; i++) expect<bool>(beat(s, 10)).toBe(true);
    expect<bool>(beat(s, 10)).toBe(false);
    expect<i32>(answered(s, 0)).toBe(40);
    expect<bool>(beat(s, 9)).toBe(false);
    expect<bool>(beat(s, 1)).toBe(true);
    done(s);
  });

  it('goes as the fifth without a timeout, and the first is given up', () => {
    const s = beating(10, 0);
    for (let i = 0; i < 5; i++) expect<bool>(beat(s, 10)).toBe(true);
    expect<i32>(answered(s, 0)).toBe(NO_ANSWER);
    expect<i32>(answered(s, 1)).toBe(30);
    done(s);
  });
});

describe('an answer', () => {
  it('counts once', () => {
    const s = beating(10, 0);
    beat(s, 10);
    pass(3);
    expect<i32>(answered(s, 0)).toBe(3);
    expect<i32>(answered(s, 0)).toBe(NO_ANSWER);
    expect<u32>(told(s).heartbeatsAnswered).toBe(1);
    done(s);
  });

  it('settles those before it', () => {
    const s = beating(10, 0);
    beat(s, 10);
    beat(s, 10);
    expect<i32>(answered(s, 1)).toBe(0);
    expect<i32>(answered(s, 0)).toBe(NO_ANSWER);
    done(s);
  });

  it('is none when a single bit of it differs, or its length', () => {
    const s = beating(10, 0);
    beat(s, 10);
    for (let bit = 0; bit < 96; bit++) {
      const byte = HERE + (bit >> 3);
      const mask: u32 = 1 << (bit & 7);
      store<u8>(byte, <u8>(load<u8>(byte) ^ mask));
      expect<i32>(answered(s, 0)).toBe(NO_ANSWER);
      store<u8>(byte, <u8>(load<u8>(byte) ^ mask));
    }
    for (let n: u32 = 0; n < 126; n++) {
      if (n == HEARTBEAT_PAYLOAD) continue;
      expect<i32>(heartbeatAnswered(s, HERE, n)).toBe(NO_ANSWER);
    }
    expect<i32>(answered(s, 0)).toBe(0);
    done(s);
  });

  it('counts over the wrap of the numbers', () => {
    const s = beating(10, 0);
    const h = heartbeatOf(s);
    h.sent = h.oldest = u32.MAX_VALUE;
    for (let i = 0; i < 2; i++) {
      pass(10);
      expect<bool>(heartbeatDue(s)).toBe(true);
      heartbeatWrite(s, HERE + 16 * i);
    }
    expect<bool>(isHex(HERE, 'ff ff ff ff')).toBe(true);
    expect<bool>(isHex(HERE + 16, '00 00 00 00')).toBe(true);
    expect<i32>(answered(s, 0)).toBe(10);
    expect<i32>(answered(s, 1)).toBe(0);
    done(s);
  });

  it('tells a time of three days at the most', () => {
    const s = beating(10, 0);
    beat(s, 10);
    pass(1 << 28);
    expect<i32>(answered(s, 0)).toBe((1 << 28) - 1);
    expect<u32>(told(s).rttSmoothed).toBe((1 << 28) - 1);
    done(s);
  });
});

describe('the round-trip times', () => {
  it('of the module are those of all sessions', () => {
    const st = stats();
    const count = st.heartbeats;
    const total = st.rttTotal;
    const a = beating(10, 0);
    beat(a, 10);
    pass(20);
    answered(a, 0);
    done(a);
    const b = beating(10, 0);
    beat(b, 10);
    pass(4);
    answered(b, 0);
    expect<u64>(st.heartbeats - count).toBe(2);
    expect<u64>(st.rttTotal - total).toBe(24);
    expect<u32>(st.rttLeast).toBe(0);
    done(b);
  });

  it('are smoothed as RFC 6298 says, and settle at a steady one from both sides', () => {
    const s = beating(1, 0);
    beat(s, 1);
    pass(1000);
    answered(s, 0);
    expect<u32>(told(s).rttSmoothed).toBe(1000);
    // 7/8 of 1,000 and 1/8 of 200.
    beat(s, 1);
    pass(200);
    answered(s, 1);
    expect<u32>(told(s).rttSmoothed).toBe(900);
    for (let i = 2; i < 80; i++) {
      beat(s, 1);
      pass(50);
      answered(s, i);
    }
    expect<u32>(told(s).rttSmoothed).toBe(50);
    for (let i = 80; i < 160; i++) {
      beat(s, 1);
      pass(61);
      answered(s, i);
    }
    // Eighths are cut off: from below it stays short of the goal by less than one.
    expect<bool>(told(s).rttSmoothed == 61 || told(s).rttSmoothed == 60).toBe(true);
    expect<u32>(told(s).rttLeast).toBe(50);
    expect<u32>(told(s).rttMost).toBe(1000);
    expect<u32>(told(s).rttLast).toBe(61);
    expect<u32>(told(s).heartbeats).toBe(160);
    done(s);
  });
});
