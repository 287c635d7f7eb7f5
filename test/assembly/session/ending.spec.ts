// Every way a session ends: the rows of the table in ending.ts, one after the other.

import { ErrorCode, EventFlag, EventKind, Opcode, Role, State } from '../../../assembly/abi';
import { stats, TX_SPANS } from '../../../assembly/memory';
import { BLOCK_MAX_BYTES, BLOCK_MIN_BYTES } from '../../../assembly/profile';
import { Scan } from '../../../assembly/http/head';
import { arenaGive, arenaTake, Use } from '../../../assembly/session/arena';
import {
  abort,
  closeBegin,
  closeCame,
  enter,
  fail,
  gone,
  handshakeEnd,
  idleOut,
  release,
} from '../../../assembly/session/ending';
import { seed } from '../../../assembly/protocol/entropy';
import { send } from '../../../assembly/session/send';
import { queueNext, queueSpans } from '../../../assembly/session/queue';
import { clockSet, pool, Session, sessionOpen } from '../../../assembly/session/session';
import { timerDelay, timerNext } from '../../../assembly/session/timers';
import { ascii, HERE, hex, isAscii, isHex } from '../bytes';
import { acknowledge, newest, told, waiting } from '../told';

function open(state: State = State.OPEN, role: Role = Role.SERVER): Session {
  return sessionOpen(role, state);
}

/** The transport is gone, and nothing of the session stays. */
function end(s: Session): void {
  gone(s);
  acknowledge();
  expect<u32>(stats().arenaUsed).toBe(0);
}

/** Whether a session's output is this, in hex; '' for none. */
function wrote(s: Session, text: string): bool {
  queueSpans(s);
  return s.queued == hex(HERE + 1024, text) && isHex(load<u32>(TX_SPANS), text);
}

/** Whether it begins with the status line of a refusal. */
function refused(s: Session, status: i32): bool {
  const line = 'HTTP/1.1 ' + status.toString() + ' \r\n';
  queueSpans(s);
  return s.queued > <u32>line.length && isAscii(load<u32>(TX_SPANS), line.length, line);
}

/** A session in CLOSING, of which nothing waits any more. */
function closing(): Session {
  const s = open();
  closeBegin(s, 1000, 0, 0);
  acknowledge();
  return s;
}

/** Whether a session is due after `ms`, and not a millisecond before. */
function dueIn(ms: i32, s: Session): bool {
  const clock = <i32>pool().clock;
  clockSet(clock + ms - 1);
  const early = changetype<usize>(timerNext());
  clockSet(clock + ms);
  return !early && timerNext() == s;
}

/** The peer's Close frame, its payload in hex. */
function comes(s: Session, payload: string): void {
  closeCame(s, HERE, hex(HERE, payload));
}

describe('limpet_close', () => {
  it('of an open session sends Close with code and reason: CLOSING', () => {
    const s = open();
    closeBegin(s, 1000, HERE, ascii(HERE, 'bye'));
    expect<i32>(s.state).toBe(State.CLOSING);
    expect<bool>(told(EventKind.CLOSING, 0, 1000, 0)).toBe(true);
    expect<bool>(wrote(s, '88 05 03e8 627965')).toBe(true);
    expect<bool>(s.closeSent && !s.closeReceived).toBe(true);
    end(s);
  });

  it('without a code sends an empty Close, and with the longest reason 125 bytes', () => {
    let s = open();
    closeBegin(s, 0, 0, 0);
    expect<bool>(told(EventKind.CLOSING, 0, 1005, 0)).toBe(true);
    expect<bool>(wrote(s, '88 00')).toBe(true);
    end(s);
    s = open();
    closeBegin(s, 4999, HERE, 123);
    queueSpans(s);
    expect<bool>(isHex(load<u32>(TX_SPANS), '88 7d 1387')).toBe(true);
    expect<u32>(s.queued).toBe(127);
    end(s);
  });

  it('of a client sends a Close that is masked', () => {
    hex(HERE, '0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20');
    seed(HERE, 32);
    const s = open(State.OPEN, Role.CLIENT);
    closeBegin(s, 1000, HERE, ascii(HERE, 'bye'));
    queueSpans(s);
    const at: usize = load<u32>(TX_SPANS);
    expect<u32>(s.queued).toBe(11);
    expect<bool>(isHex(at, '88 85')).toBe(true);
    for (let i = 0; i < 5; i++) {
      store<u8>(at + 6 + i, load<u8>(at + 6 + i) ^ load<u8>(at + 2 + (i & 3)));
    }
    expect<bool>(isHex(at + 6, '03e8 627965')).toBe(true);
    end(s);
  });

  it('without memory for a Close gives the session up', () => {
    const s = open();
    let taken: usize = 0;
    let size: u32 = BLOCK_MAX_BYTES;
    while (size >= <u32>BLOCK_MIN_BYTES) {
      const block = arenaTake(size, Use.CONTROL);
      if (!block) size >>= 1;
      else {
        store<u32>(block, <u32>taken);
        taken = block;
      }
    }
    closeBegin(s, 1000, 0, 0);
    expect<i32>(s.state).toBe(State.ABORTED);
    expect<bool>(s.closeSent).toBe(false);
    while (taken) {
      const next: usize = load<u32>(taken);
      arenaGive(taken, Use.CONTROL);
      taken = next;
    }
    end(s);
  });
});

describe("the peer's Close", () => {
  it('is answered with its code by an open session: ENDING', () => {
    const s = open();
    comes(s, '0fa0 627965');
    expect<i32>(s.state).toBe(State.ENDING);
    expect<bool>(isAscii(newest().ptr, newest().len, 'bye')).toBe(true);
    expect<bool>(told(EventKind.CLOSING, EventFlag.REMOTE, 4000, 0)).toBe(true);
    expect<bool>(wrote(s, '88 02 0fa0')).toBe(true);
    gone(s);
    expect<bool>(told(EventKind.CLOSED, EventFlag.CLEAN, 4000, 0)).toBe(true);
  });

  it('without a payload is answered without one', () => {
    const s = open();
    comes(s, '');
    expect<bool>(told(EventKind.CLOSING, EventFlag.REMOTE, 1005, 0)).toBe(true);
    expect<bool>(wrote(s, '88 00')).toBe(true);
    end(s);
  });

  it('ends the close handshake of a session in CLOSING, and nothing more goes out', () => {
    const s = closing();
    comes(s, '03e9');
    expect<i32>(s.state).toBe(State.ENDING);
    expect<bool>(told(EventKind.CLOSING, EventFlag.REMOTE, 1001, 0)).toBe(true);
    expect<bool>(wrote(s, '88 02 03e8')).toBe(true);
    gone(s);
    // RFC 6455 7.1.5: the code is the one received.
    expect<bool>(told(EventKind.CLOSED, EventFlag.CLEAN, 1001, 0)).toBe(true);
  });

  it('that breaks a rule is a fault like any other', () => {
    const faults: string[] = ['03', '03ed', '03e8 ff'];
    const codes: i32[] = [1002, 1002, 1007];
    for (let i = 0; i < 3; i++) {
      const s = open();
      comes(s, faults[i]);
      expect<i32>(s.state).toBe(State.ENDING);
      expect<bool>(s.closeReceived).toBe(false);
      const error = ErrorCode.CLOSE_LENGTH - i;
      expect<bool>(told(EventKind.ERROR, EventFlag.REMOTE, codes[i], error)).toBe(true);
      expect<bool>(wrote(s, i < 2 ? '88 02 03ea' : '88 02 03ef')).toBe(true);
      gone(s);
      expect<bool>(told(EventKind.CLOSED, 0, 1006, error)).toBe(true);
    }
  });
});

describe('fail', () => {
  it('tells the peer of an open session the close code: ENDING', () => {
    const errors: i32[] = [
      ErrorCode.RSV,
      ErrorCode.UTF8,
      ErrorCode.RATE,
      ErrorCode.FRAGMENTS,
      ErrorCode.TOO_BIG,
      ErrorCode.OVERLOAD,
    ];
    const codes: i32[] = [1002, 1007, 1008, 1008, 1009, 1013];
    const st = stats();
    const before = st.violations;
    const tooBig = st.tooBig;
    const rejected = st.rateRejected;
    for (let i = 0; i < 6; i++) {
      const s = open();
      fail(s, errors[i]);
      expect<i32>(s.state).toBe(State.ENDING);
      expect<bool>(told(EventKind.ERROR, EventFlag.REMOTE, codes[i], errors[i])).toBe(true);
      expect<bool>(wrote(s, '88 02 03' + (codes[i] & 0xff).toString(16))).toBe(true);
      end(s);
    }
    expect<u64>(st.violations - before).toBe(6);
    expect<u64>(st.tooBig - tooBig).toBe(1);
    expect<u64>(st.rateRejected - rejected).toBe(1);
  });

  it('tells the peer of a session in CLOSING nothing more: ENDING', () => {
    const s = closing();
    fail(s, ErrorCode.OPCODE);
    expect<i32>(s.state).toBe(State.ENDING);
    expect<bool>(told(EventKind.ERROR, EventFlag.REMOTE, 1002, ErrorCode.OPCODE)).toBe(true);
    expect<bool>(wrote(s, '88 02 03e8')).toBe(true);
    end(s);
  });

  it('answers a head that breaks a rule with an HTTP status, and a response with nothing', () => {
    let s = open(State.HANDSHAKE);
    fail(s, ErrorCode.HTTP_VERSION);
    expect<i32>(s.state).toBe(State.ENDING);
    expect<bool>(refused(s, 505)).toBe(true);
    expect<bool>(told(EventKind.ERROR, EventFlag.REMOTE, 505, ErrorCode.HTTP_VERSION)).toBe(true);
    end(s);
    s = open(State.HANDSHAKE, Role.CLIENT);
    fail(s, ErrorCode.RESPONSE_STATUS);
    expect<i32>(s.state).toBe(State.ENDING);
    expect<bool>(wrote(s, '')).toBe(true);
    expect<bool>(told(EventKind.ERROR, EventFlag.REMOTE, 0, ErrorCode.RESPONSE_STATUS)).toBe(true);
    end(s);
  });
});

describe('handshakeEnd', () => {
  it('tells who is to blame that it took too long', () => {
    const late = ErrorCode.TIMEOUT_HANDSHAKE;
    let s = open(State.HANDSHAKE);
    handshakeEnd(s, late);
    expect<i32>(s.state).toBe(State.ENDING);
    expect<bool>(refused(s, 408)).toBe(true);
    expect<bool>(told(EventKind.ERROR, 0, 408, late)).toBe(true);
    end(s);
    for (let upgrade = 0; upgrade < 2; upgrade++) {
      s = open(State.PENDING);
      s.headHave = <u8>Scan.DONE;
      s.upgrade = upgrade != 0;
      handshakeEnd(s, late);
      expect<bool>(refused(s, upgrade ? 503 : 426)).toBe(true);
      expect<bool>(told(EventKind.ERROR, 0, upgrade ? 503 : 426, late)).toBe(true);
      end(s);
    }
  });

  it('answers 503 for limpet_shutdown, and a client says nothing', () => {
    let s = open(State.HANDSHAKE);
    handshakeEnd(s, ErrorCode.SHUTDOWN);
    expect<bool>(refused(s, 503)).toBe(true);
    expect<bool>(told(EventKind.ERROR, 0, 503, ErrorCode.SHUTDOWN)).toBe(true);
    end(s);
    s = open(State.HANDSHAKE, Role.CLIENT);
    handshakeEnd(s, ErrorCode.TIMEOUT_HANDSHAKE);
    expect<i32>(s.state).toBe(State.ENDING);
    expect<bool>(wrote(s, '')).toBe(true);
    end(s);
  });
});

describe('idleOut', () => {
  it('sends Close(1001) to who was silent: CLOSING', () => {
    const s = open();
    idleOut(s);
    expect<i32>(s.state).toBe(State.CLOSING);
    expect<bool>(told(EventKind.ERROR, 0, 1001, ErrorCode.TIMEOUT_IDLE)).toBe(true);
    expect<bool>(wrote(s, '88 02 03e9')).toBe(true);
    // Though the peer answers, it was not clean.
    comes(s, '03e9');
    acknowledge();
    gone(s);
    expect<bool>(told(EventKind.CLOSED, 0, 1001, ErrorCode.TIMEOUT_IDLE)).toBe(true);
  });
});

describe('abort', () => {
  it('gives up who does not answer, and says so: ABORTED', () => {
    for (let i = 0; i < 2; i++) {
      const error = i ? ErrorCode.TIMEOUT_PONG : ErrorCode.TIMEOUT_HEARTBEAT;
      const s = open();
      abort(s, error);
      expect<i32>(s.state).toBe(State.ABORTED);
      expect<bool>(told(EventKind.ERROR, 0, 1006, error)).toBe(true);
      expect<bool>(wrote(s, '')).toBe(true);
      end(s);
    }
  });

  it('without an error says nothing, in any state', () => {
    for (let state: i32 = State.HANDSHAKE; state < State.ABORTED; state++) {
      const s = open(state);
      abort(s, 0);
      expect<i32>(s.state).toBe(State.ABORTED);
      expect<u32>(waiting()).toBe(0);
      expect<i32>(s.closeCode).toBe(0);
      // The host finds it among those with something to do.
      expect<i32>(queueNext()).toBe(s.handle);
      end(s);
    }
  });
});

describe('enter', () => {
  it('begins the time of the new state, unless a shutdown runs', () => {
    clockSet(5_000);
    const s = open();
    clockSet(6_000);
    enter(s, State.ENDING);
    expect<u64>(s.markedAt).toBe(pool().clock);
    expect<bool>(dueIn(10_000, s)).toBe(true);
    end(s);
    const warned = open();
    warned.warned = true;
    clockSet(17_000);
    enter(warned, State.CLOSING);
    expect<bool>(dueIn(9_000, warned)).toBe(true);
    end(warned);
  });

  it('gives incoming data back in ENDING, together with the last event that points into it', () => {
    const s = open();
    s.controlBlock = <u32>arenaTake(100, Use.CONTROL_IN);
    s.hold = <u32>arenaTake(100, Use.IN);
    s.block = <u32>arenaTake(100, Use.IN);
    enter(s, State.CLOSING);
    expect<u32>(stats().arenaUsed).toBe(3 * BLOCK_MIN_BYTES);
    enter(s, State.ENDING);
    expect<u32>(s.block | s.hold | s.controlBlock).toBe(0);
    expect<u32>(stats().arenaUsed).toBe(0);
    end(s);
  });
});

describe('gone', () => {
  it('ends a session in any state, and tells it once', () => {
    for (let state: i32 = State.HANDSHAKE; state < State.CLOSED; state++) {
      const s = open(state);
      const handle = s.handle;
      gone(s);
      expect<i32>(s.state).toBe(State.CLOSED);
      gone(s);
      expect<bool>(told(EventKind.CLOSED, 0, 1006, 0)).toBe(true);
      // That event is the end of the handle.
      expect<bool>(s.state == State.FREE && s.handle != handle).toBe(true);
    }
  });

  it('gives all back that a session holds', () => {
    const s = open();
    send(s, Opcode.TEXT, HERE, 1000);
    s.over = true;
    s.block = <u32>arenaTake(100, Use.IN);
    gone(s);
    expect<u32>(stats().arenaUsed).toBe(0);
    expect<bool>(s.over).toBe(false);
    expect<i32>(queueNext()).toBe(0);
    expect<i32>(timerDelay()).toBe(-1);
    acknowledge();
    expect<u32>(stats().active).toBe(0);
  });
});

describe('release', () => {
  it('may be called for a session that holds nothing', () => {
    const s = open();
    release(s);
    release(s);
    expect<u32>(stats().arenaUsed).toBe(0);
    expect<i32>(s.state).toBe(State.OPEN);
    end(s);
  });
});
