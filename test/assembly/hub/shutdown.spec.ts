// Shutdown: what becomes of a session in each state. This module is of no use any more afterwards.

import { CLOSE_BY_HOST, EventKind, EventRecord, Role, State } from '../../../assembly/abi';
import { shutdownBegin, shutdownRefuses } from '../../../assembly/hub/shutdown';
import { EVENT_BYTES, eventRing, stats } from '../../../assembly/memory';
import { EVENTS } from '../../../assembly/profile';
import { gone } from '../../../assembly/session/ending';
import {
  eventPush,
  eventRingReady,
  eventRoom,
  eventsAcknowledge,
} from '../../../assembly/session/events';
import { clockSet, Session, sessionOpen } from '../../../assembly/session/session';
import { tick } from '../../../assembly/session/ticking';
import { timerSet } from '../../../assembly/session/timers';

let now: i32 = 2_000;

function pass(ms: i32): i32 {
  now += ms;
  clockSet(now);
  return tick();
}

function opened(state: State): Session {
  pass(0);
  const s = sessionOpen(Role.SERVER, state);
  timerSet(s);
  return s;
}

/** Acknowledges all events; returns how many of them were SHUTDOWN. */
function acknowledge(): i32 {
  const ring = eventRingReady();
  let found = 0;
  for (let i = ring.tail; i != ring.head; i++) {
    const e = changetype<EventRecord>(<usize>ring.base + (i & ring.mask) * EVENT_BYTES);
    if (e.kind == EventKind.SHUTDOWN) found += 1;
  }
  eventsAcknowledge(ring.head - ring.tail);
  return found;
}

function end(s: Session): void {
  gone(s);
  acknowledge();
}

describe('shutdownBegin', () => {
  it('refuses nothing before', () => {
    expect<bool>(shutdownRefuses()).toBe(false);
  });

  it('moves each state on, and gives all up at the timeout', () => {
    const handshake = opened(State.HANDSHAKE);
    const pending = opened(State.PENDING);
    const open = opened(State.OPEN);
    const closing = opened(State.CLOSING);
    const ending = opened(State.ENDING);
    const aborted = opened(State.ABORTED);
    shutdownBegin(300, 0);
    expect<i32>(handshake.state).toBe(State.ENDING);
    expect<i32>(pending.state).toBe(State.ENDING);
    expect<i32>(open.state).toBe(State.OPEN);
    expect<i32>(acknowledge()).toBe(1);
    expect<i32>(open.state).toBe(State.CLOSING);
    expect<i32>(open.closeCode).toBe(1001);
    expect<i32>(closing.state).toBe(State.CLOSING);
    expect<bool>(pass(299) > 0).toBe(true);
    expect<i32>(ending.state).toBe(State.ENDING);
    expect<i32>(pass(1)).toBe(-1);
    expect<i32>(handshake.state).toBe(State.ABORTED);
    expect<i32>(pending.state).toBe(State.ABORTED);
    expect<i32>(open.state).toBe(State.ABORTED);
    expect<i32>(closing.state).toBe(State.ABORTED);
    expect<i32>(ending.state).toBe(State.ABORTED);
    end(handshake);
    end(pending);
    end(open);
    end(closing);
    end(ending);
    end(aborted);
    expect<u32>(stats().active).toBe(0);
  });

  it('refuses from then on, and counts it', () => {
    const refused = stats().refusedShutdown;
    expect<bool>(shutdownRefuses()).toBe(true);
    expect<u64>(stats().refusedShutdown).toBe(refused + 1);
  });

  it('tells a session when the ring is full as soon as there is room', () => {
    const s = opened(State.OPEN);
    while (eventRoom() > 0) eventPush(s, EventKind.NONE, 0, 0);
    shutdownBegin(1000, CLOSE_BY_HOST);
    expect<u32>(eventRing().head - eventRing().tail).toBe(EVENTS);
    expect<i32>(acknowledge()).toBe(0);
    expect<i32>(acknowledge()).toBe(1);
    expect<i32>(s.state).toBe(State.OPEN);
    // Nobody is told twice.
    shutdownBegin(1000, CLOSE_BY_HOST);
    expect<i32>(acknowledge()).toBe(0);
    shutdownBegin(0, 0);
    expect<i32>(s.state).toBe(State.ABORTED);
    end(s);
  });

  it('tells no session that ended while its notice waited', () => {
    const s = opened(State.OPEN);
    while (eventRoom() > 0) eventPush(s, EventKind.NONE, 0, 0);
    shutdownBegin(1000, 0);
    shutdownBegin(0, 0);
    expect<i32>(acknowledge()).toBe(0);
    expect<i32>(acknowledge()).toBe(0);
    expect<i32>(s.state).toBe(State.ABORTED);
    end(s);
  });
});
