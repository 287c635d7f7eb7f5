// Deadlines: each is met to the millisecond, at any distance and whatever the steps.

import { Role, State } from '../../../assembly/abi';
import {
  clockSet,
  pool,
  Session,
  sessionFree,
  sessionOpen,
} from '../../../assembly/session/session';
import { timerDelay, timerNext, timerSet, timerStop } from '../../../assembly/session/timers';

let now: i32 = 1000;

/** A session whose only deadline is silence for `ms`. */
function idle(ms: u32): Session {
  const s = sessionOpen(Role.SERVER, State.OPEN);
  s.idleMs = ms;
  timerSet(s);
  return s;
}

/** A session that was dealt with. */
function done(s: Session): void {
  timerStop(s);
  sessionFree(s);
}

/** Moves the clock; returns the session that is due, or 0. */
function pass(ms: i32): usize {
  now += ms;
  clockSet(now);
  return changetype<usize>(timerNext());
}

describe('the timers', () => {
  it('is empty at first', () => {
    expect<usize>(pass(0)).toBe(0);
    expect<i32>(timerDelay()).toBe(-1);
  });

  it('meets deadlines of 1 ms to 9 days, not a millisecond early', () => {
    let ms: i32 = 1;
    while (ms < 800_000_000) {
      const s = idle(ms);
      if (ms > 1) expect<usize>(pass(ms - 1)).toBe(0);
      expect<usize>(pass(1)).toBe(changetype<usize>(s));
      done(s);
      expect<usize>(pass(0)).toBe(0);
      ms = ms * 2 + (ms % 7) - 1 + (ms < 3 ? 2 : 0);
    }
    expect<i32>(timerDelay()).toBe(-1);
  });

  it('says when to come next, and asks for few calls on the way', () => {
    const s = idle(5_000_000);
    let calls = 0;
    let left = 5_000_000;
    while (true) {
      const delay = timerDelay();
      if (delay <= 0 || delay > left) break;
      left -= delay;
      calls += 1;
      if (pass(delay)) break;
    }
    expect<i32>(left).toBe(0);
    expect<bool>(calls <= 6).toBe(true);
    done(s);
  });

  it('finds all that are due after a long sleep', () => {
    const n = 300;
    for (let i = 0; i < n; i++) idle(1 + ((i * 7919) % 100_000));
    expect<bool>(pass(0) == 0).toBe(true);
    let found = 0;
    let s = pass(100_000);
    while (s) {
      done(changetype<Session>(s));
      found += 1;
      s = pass(0);
    }
    expect<i32>(found).toBe(n);
    expect<i32>(timerDelay()).toBe(-1);
  });

  it('puts a session back that received bytes meanwhile', () => {
    const s = idle(1000);
    pass(900);
    s.activeAt = pool().clock;
    expect<usize>(pass(999)).toBe(0);
    expect<usize>(pass(1)).toBe(changetype<usize>(s));
    done(s);
  });

  it('forgets a session that is stopped, first, last or between others in its slot', () => {
    const a = idle(500);
    const b = idle(500);
    const c = idle(500);
    timerStop(b);
    timerStop(b);
    timerStop(a);
    expect<usize>(pass(500)).toBe(changetype<usize>(c));
    timerStop(c);
    expect<usize>(pass(0)).toBe(0);
    expect<i32>(timerDelay()).toBe(-1);
    sessionFree(a);
    sessionFree(b);
    sessionFree(c);
  });

  it('moves a session whose deadline changed', () => {
    const s = idle(100_000);
    s.idleMs = 10;
    timerSet(s);
    expect<usize>(pass(9)).toBe(0);
    expect<usize>(pass(1)).toBe(changetype<usize>(s));
    s.idleMs = 0;
    timerSet(s);
    expect<i32>(timerDelay()).toBe(-1);
    done(s);
  });
});
