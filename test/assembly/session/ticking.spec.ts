// What is due at its moment, and not a millisecond before: each branch of tick.

import {
  ErrorCode,
  EventKind,
  Opcode,
  Option,
  RatePolicy,
  Role,
  State,
} from '../../../assembly/abi';
import { heartbeatOf } from '../../../assembly/hub/heartbeat';
import { rateJudge, ratesClear, Verdict } from '../../../assembly/hub/rates';
import { stats, TX_SPANS } from '../../../assembly/memory';
import { gone } from '../../../assembly/session/ending';
import { queueSpans } from '../../../assembly/session/queue';
import { send } from '../../../assembly/session/send';
import {
  clockSet,
  optionAddress,
  pool,
  Session,
  sessionOpen,
} from '../../../assembly/session/session';
import { tick } from '../../../assembly/session/ticking';
import { timerSet } from '../../../assembly/session/timers';
import { HERE, isHex } from '../bytes';
import { acknowledge, told, waiting } from '../told';

let now: i32 = 1_000;

/** Moves the clock and does what is due. */
function pass(ms: i32): i32 {
  now += ms;
  clockSet(now);
  return tick();
}

/** A session without any deadline of its own but that of its state. */
function open(state: State = State.OPEN): Session {
  pass(0);
  const s = sessionOpen(Role.SERVER, state);
  timerSet(s);
  return s;
}

function end(s: Session): void {
  gone(s);
  acknowledge();
  expect<i32>(tick()).toBe(-1);
  expect<u32>(stats().arenaUsed).toBe(0);
}

/** The host reads a sign of life. */
function hear(s: Session): void {
  s.activeAt = pool().clock;
}

/** Whether `bytes` bytes are queued, and begin with these. */
function wrote(s: Session, bytes: u32, text: string): bool {
  queueSpans(s);
  return s.queued == bytes && isHex(load<u32>(TX_SPANS), text);
}

describe('tick', () => {
  it('has nothing to do without sessions, and for one without bounds', () => {
    expect<i32>(pass(0)).toBe(-1);
    const s = open();
    expect<i32>(pass(1_000_000)).toBe(-1);
    expect<i32>(s.state).toBe(State.OPEN);
    expect<u32>(waiting() + s.queued).toBe(0);
    end(s);
  });

  it('answers 408 to a head that is late', () => {
    const before = stats().timeoutHandshake;
    const s = open(State.HANDSHAKE);
    s.handshakeMs = 500;
    timerSet(s);
    pass(499);
    expect<i32>(s.state).toBe(State.HANDSHAKE);
    pass(1);
    expect<i32>(s.state).toBe(State.ENDING);
    expect<bool>(told(EventKind.ERROR, 0, 408, ErrorCode.TIMEOUT_HANDSHAKE)).toBe(true);
    expect<u64>(stats().timeoutHandshake - before).toBe(1);
    end(s);
  });

  it('gives up what does not end: CLOSING, ENDING, and a session that was warned', () => {
    const before = stats().timeoutClose;
    const a = open(State.CLOSING);
    const b = open(State.ENDING);
    const c = open();
    c.warned = true;
    timerSet(c);
    pass(9_999);
    expect<i32>(a.state).toBe(State.CLOSING);
    expect<i32>(b.state).toBe(State.ENDING);
    expect<i32>(c.state).toBe(State.OPEN);
    expect<i32>(pass(1)).toBe(-1);
    expect<i32>(a.state).toBe(State.ABORTED);
    expect<i32>(b.state).toBe(State.ABORTED);
    expect<i32>(c.state).toBe(State.ABORTED);
    expect<u32>(waiting()).toBe(0);
    expect<u64>(stats().timeoutClose - before).toBe(3);
    gone(a);
    gone(b);
    end(c);
  });

  it('reads again from who waited for its rate, whose silence was not its own', () => {
    const none = changetype<Session>(0);
    store<i32>(optionAddress(none, Option.RATE_MESSAGES), 1);
    store<i32>(optionAddress(none, Option.RATE_POLICY), RatePolicy.QUEUE);
    ratesClear();
    const s = open();
    s.idleMs = 300;
    expect<i32>(rateJudge(s, true, true, 5)).toBe(Verdict.PASS);
    expect<i32>(rateJudge(s, true, true, 5)).toBe(Verdict.WAIT);
    expect<i32>(pass(999)).toBe(1);
    expect<bool>(s.slowed).toBe(true);
    expect<bool>(pass(1) > 0).toBe(true);
    expect<bool>(s.slowed).toBe(false);
    expect<bool>(told(EventKind.READABLE, 0, 0, 0)).toBe(true);
    expect<i32>(s.state).toBe(State.OPEN);
    end(s);
    store<i32>(optionAddress(none, Option.RATE_MESSAGES), 0);
    store<i32>(optionAddress(none, Option.RATE_POLICY), RatePolicy.DROP);
  });

  it('closes who was silent for too long', () => {
    const before = stats().timeoutIdle;
    const s = open();
    s.idleMs = 700;
    timerSet(s);
    pass(600);
    hear(s);
    pass(100);
    expect<i32>(s.state).toBe(State.OPEN);
    pass(599);
    expect<i32>(s.state).toBe(State.OPEN);
    pass(1);
    expect<i32>(s.state).toBe(State.CLOSING);
    expect<bool>(told(EventKind.ERROR, 0, 1001, ErrorCode.TIMEOUT_IDLE)).toBe(true);
    expect<bool>(wrote(s, 4, '88 02 03e9')).toBe(true);
    expect<u64>(stats().timeoutIdle - before).toBe(1);
    end(s);
  });

  it('asks who is silent, and gives up who does not answer', () => {
    const before = stats().timeoutPong;
    const s = open();
    s.pingMs = 400;
    s.pongMs = 300;
    timerSet(s);
    expect<i32>(pass(399)).toBe(1);
    expect<u32>(s.queued).toBe(0);
    pass(1);
    expect<bool>(wrote(s, 2, '89 00')).toBe(true);
    pass(299);
    expect<i32>(s.state).toBe(State.OPEN);
    pass(1);
    expect<i32>(s.state).toBe(State.ABORTED);
    expect<bool>(told(EventKind.ERROR, 0, 1006, ErrorCode.TIMEOUT_PONG)).toBe(true);
    expect<u64>(stats().timeoutPong - before).toBe(1);
    end(s);
  });

  it('asks again after a sign of life, and at no other time', () => {
    const s = open();
    s.pingMs = 400;
    s.pongMs = 300;
    timerSet(s);
    pass(400);
    pass(100);
    hear(s);
    pass(399);
    expect<u32>(s.queued).toBe(2);
    pass(1);
    expect<u32>(s.queued).toBe(4);
    end(s);
  });

  it('tells of the missing pong when idleness is due at the same moment', () => {
    const s = open();
    s.pingMs = 400;
    s.pongMs = 300;
    s.idleMs = 700;
    timerSet(s);
    pass(400);
    pass(300);
    expect<i32>(s.state).toBe(State.ABORTED);
    expect<bool>(told(EventKind.ERROR, 0, 1006, ErrorCode.TIMEOUT_PONG)).toBe(true);
    end(s);
  });

  it('sends heartbeats whatever comes, and gives up who does not answer them', () => {
    const before = stats().timeoutPong;
    const s = open();
    store<u32>(optionAddress(s, Option.HEARTBEAT_MS), 200);
    store<u32>(optionAddress(s, Option.HEARTBEAT_TIMEOUT_MS), 250);
    timerSet(s);
    expect<i32>(pass(199)).toBe(1);
    hear(s);
    pass(1);
    expect<bool>(wrote(s, 14, '89 0c 00000000')).toBe(true);
    pass(200);
    expect<u32>(s.queued).toBe(28);
    hear(s);
    pass(49);
    expect<i32>(s.state).toBe(State.OPEN);
    pass(1);
    expect<i32>(s.state).toBe(State.ABORTED);
    expect<bool>(told(EventKind.ERROR, 0, 1006, ErrorCode.TIMEOUT_HEARTBEAT)).toBe(true);
    expect<u64>(stats().timeoutPong - before).toBe(1);
    end(s);
  });

  it('leaves a heartbeat out when too much waits to be written', () => {
    const s = open();
    store<u32>(optionAddress(s, Option.HEARTBEAT_MS), 200);
    send(s, Opcode.BINARY, HERE, 2_000);
    s.queueMax = 100;
    timerSet(s);
    const queued = s.queued;
    pass(200);
    expect<u32>(s.queued).toBe(queued);
    expect<u32>(heartbeatOf(s).sent).toBe(0);
    s.queueMax = queued;
    s.highWater = queued + 13;
    pass(200);
    expect<u32>(s.queued).toBe(queued + 14);
    expect<u32>(heartbeatOf(s).sent).toBe(1);
    // It counts to the queue like what the host sends.
    expect<bool>(s.over).toBe(true);
    end(s);
  });

  it('does all that is due in one call', () => {
    const a = open(State.HANDSHAKE);
    const b = open();
    const c = open();
    b.idleMs = 10_000;
    c.pingMs = 10_000;
    timerSet(b);
    timerSet(c);
    pass(20_000);
    expect<i32>(a.state).toBe(State.ENDING);
    expect<i32>(b.state).toBe(State.CLOSING);
    expect<u32>(c.queued).toBe(2);
    expect<u32>(acknowledge()).toBe(2);
    gone(a);
    gone(b);
    end(c);
  });
});
