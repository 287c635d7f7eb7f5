// Handles, the pool of sessions, and the clock.

import { Option, Role, State } from '../../../assembly/abi';
import { stats } from '../../../assembly/memory';
import { SESSIONS } from '../../../assembly/profile';
import {
  clockSet,
  optionAddress,
  pool,
  Session,
  sessionAfter,
  sessionFind,
  sessionFree,
  sessionOpen,
} from '../../../assembly/session/session';

function open(): Session {
  return sessionOpen(Role.SERVER, State.OPEN);
}

function found(handle: i32): bool {
  return changetype<usize>(sessionFind(handle)) != 0;
}

describe('sessionOpen', () => {
  it('gives a record with the defaults, found by its handle', () => {
    const s = open();
    expect<bool>(s.handle > 0).toBe(true);
    expect<bool>(sessionFind(s.handle) == s).toBe(true);
    expect<u32>(s.autoPong).toBe(1);
    expect<u32>(s.closeMs).toBe(10_000);
    expect<u32>(s.queueHead | s.queued | s.block | s.hold).toBe(0);
    sessionFree(s);
  });

  it('makes a handle stale when its slot is freed', () => {
    const s = open();
    const handle = s.handle;
    sessionFree(s);
    expect<bool>(found(handle)).toBe(false);
    const again = open();
    expect<bool>(again == s).toBe(true);
    expect<bool>(again.handle != handle).toBe(true);
    expect<bool>(found(handle)).toBe(false);
    sessionFree(again);
  });

  it('gives no handle twice in 32,766 uses of a slot, and none that is 0 or negative', () => {
    const first = open();
    let handle = first.handle;
    const begin = handle;
    sessionFree(first);
    let wrong = 0;
    for (let i = 0; i < 32_766; i++) {
      const s = open();
      if (s.handle <= 0 || s.handle == begin || s.handle == handle) wrong += 1;
      handle = s.handle;
      sessionFree(s);
    }
    expect<i32>(wrong).toBe(0);
    const round = open();
    expect<i32>(round.handle).toBe(begin);
    sessionFree(round);
  });

  it('fills the pool and no more', () => {
    const before = stats().sessionsFull;
    for (let i = 0; i < SESSIONS; i++) open();
    expect<u32>(stats().active).toBe(SESSIONS);
    expect<usize>(changetype<usize>(open())).toBe(0);
    expect<u64>(stats().sessionsFull).toBe(before + 1);
    let count = 0;
    for (let handle = sessionAfter(0); handle; handle = sessionAfter(handle)) count += 1;
    expect<i32>(count).toBe(SESSIONS);
    for (let handle = sessionAfter(0); handle; handle = sessionAfter(0))
      sessionFree(sessionFind(handle));
    expect<u32>(stats().active).toBe(0);
  });

  it('obeys SESSIONS_MAX, and copies defaults that were set', () => {
    const none = changetype<Session>(0);
    store<i32>(optionAddress(none, Option.SESSIONS_MAX), 1);
    store<i32>(optionAddress(none, Option.IDLE_MS), 77);
    const s = open();
    expect<u32>(s.idleMs).toBe(77);
    expect<usize>(changetype<usize>(open())).toBe(0);
    sessionFree(s);
    store<i32>(optionAddress(none, Option.SESSIONS_MAX), SESSIONS);
    store<i32>(optionAddress(none, Option.IDLE_MS), 0);
  });
});

describe('sessionFind', () => {
  it('finds nothing for what never was a handle', () => {
    expect<bool>(found(0)).toBe(false);
    expect<bool>(found(-1)).toBe(false);
    expect<bool>(found(i32.MIN_VALUE)).toBe(false);
    expect<bool>(found(i32.MAX_VALUE)).toBe(false);
    expect<bool>(found(1)).toBe(false);
    expect<bool>(found(0xffff)).toBe(false);
    expect<bool>(found(0x10000 | SESSIONS)).toBe(false);
  });
});

describe('sessionAfter', () => {
  it('goes over free slots, and ends for any word', () => {
    const a = open();
    const b = open();
    const c = open();
    sessionFree(b);
    let count = 0;
    let found = 0;
    for (let handle = sessionAfter(0); handle; handle = sessionAfter(handle)) {
      count += 1;
      if (handle == a.handle || handle == c.handle) found += 1;
    }
    expect<i32>(count).toBe(2);
    expect<i32>(found).toBe(2);
    expect<i32>(sessionAfter(-1)).toBe(0);
    sessionFree(a);
    sessionFree(c);
  });
});

describe('clockSet', () => {
  it('widens 32 bits, over their end', () => {
    clockSet(1000);
    const start = pool().clock;
    clockSet(1000 + 0x70000000);
    clockSet(<i32>(1000 + 0xe0000000));
    clockSet(500);
    expect<u64>(pool().clock - start).toBe(0x100000000 - 500);
    clockSet(400);
    expect<u64>(pool().clock - start).toBe(0x100000000 - 500);
    clockSet(600);
    expect<u64>(pool().clock - start).toBe(0x100000000 - 400);
  });
});
