// Time → sessions whose deadline has come. RFC 6455 says when a connection may be given up (7.1.1,
// 7.2.1); how long to wait is policy, in the session's limits.
//
// The sessions that wait for something are a heap: each has up to two others behind it, which are
// due no sooner. Two heaps become one when the sooner root takes the other heap into one of those
// behind it, left and right by turns: a skew heap, whose calls take O(log n) steps on average.
//
//   timerFirst ─► due 10 ─┬─► due 20 ─► ...
//                         └─► due 12 ─► ...
//
// Received bytes do not touch the heap: a session found to be not due any more is put back for later.

import { State } from '../abi';
import { POOL_STATE } from '../memory';
import { pool, PoolState, Session } from './session';

const NEVER: u64 = u64.MAX_VALUE;
/** Where the heap's root is named. */
const FIRST: usize = POOL_STATE + offsetof<PoolState>('timerFirst');
const LEFT: usize = offsetof<Session>('timerLeft');

/** The moment `ms` after `from`, or NEVER when `ms` is 0: no bound. */
function after(from: u64, ms: u32): u64 {
  return ms ? from + ms : NEVER;
}

/** Whether nothing has come since the core's last ping. */
function pinged(s: Session): bool {
  return s.pinged && s.activeAt <= s.markedAt;
}

/** When the core's last ping counts as lost; NEVER when none waits. */
export function pongAt(s: Session): u64 {
  return pinged(s) ? after(s.markedAt, s.pongMs) : NEVER;
}

/** When the peer has been silent for IDLE_MS. */
export function idleAt(s: Session): u64 {
  return after(s.activeAt, s.idleMs);
}

/**
 * When a session is to be looked at next, ms; NEVER when nothing is to be done for it. Once that
 * has come and is still the answer, it is due.
 */
function dueAt(s: Session): u64 {
  const state = s.state;
  if (state < State.OPEN) return after(s.openedAt, s.handshakeMs);
  if (state > State.ENDING) return NEVER;
  if (state > State.OPEN) return after(s.markedAt, s.closeMs);
  if (!pinged(s)) return min(idleAt(s), after(s.activeAt, s.pingMs));
  // Received bytes may bring the next ping before the wait for an answer ends; and without a bound
  // on the answer the pings just go on.
  const ping = after(s.markedAt, s.pingMs);
  return min(min(idleAt(s), pongAt(s)), s.pongMs && ping <= pool().clock ? NEVER : ping);
}

/** Lets the word at `owner` name the root of the heaps `a` and `b` melded. */
function meld(owner: usize, a: usize, b: usize): void {
  while (a && b) {
    const s = changetype<Session>(changetype<Session>(a).due < changetype<Session>(b).due ? a : b);
    b ^= a ^ changetype<usize>(s);
    store<u32>(owner, <u32>changetype<usize>(s));
    s.timerOwner = <u32>owner;
    s.timerTurn ^= 4;
    owner = changetype<usize>(s) + LEFT + s.timerTurn;
    a = load<u32>(owner);
  }
  a |= b;
  store<u32>(owner, <u32>a);
  if (a) changetype<Session>(a).timerOwner = <u32>owner;
}

/** Takes a session out of the heap. */
export function timerStop(s: Session): void {
  if (s.timerOwner) meld(s.timerOwner, s.timerLeft, s.timerRight);
  s.timerOwner = s.timerLeft = s.timerRight = 0;
}

/** Puts a session where its next deadline says; to be called when a deadline may have come nearer. */
export function timerSet(s: Session): void {
  timerStop(s);
  s.due = dueAt(s);
  if (s.due != NEVER) meld(FIRST, load<u32>(FIRST), changetype<usize>(s));
}

/** The next session that is due, or null. The caller acts on it, and thereby calls timerSet. */
export function timerNext(): Session {
  while (true) {
    const s = changetype<Session>(<usize>pool().timerFirst);
    if (changetype<usize>(s) == 0 || s.due > pool().clock) return changetype<Session>(0);
    timerSet(s);
    if (s.due <= pool().clock) return s;
  }
}

/** Milliseconds from the clock to the next moment at which limpet_tick has work, or -1 when there is none. */
export function timerDelay(): i32 {
  const s = changetype<Session>(<usize>pool().timerFirst);
  return changetype<usize>(s) ? <i32>min<u64>(s.due - pool().clock, i32.MAX_VALUE) : -1;
}
