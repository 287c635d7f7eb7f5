// Time → sessions whose deadline has come: a timing wheel. RFC 6455 says when a connection may be
// given up (7.1.1, 7.2.1); how long to wait is policy, in the session's limits.
//
//   level 0   32 slots of 1 ms        level 3   32 slots of 32,768 ms
//   level 1   32 slots of 32 ms       level 4   of 17 min
//   level 2   32 slots of 1,024 ms    level 5   of 9 h
//
// A session is in one slot at most: that of its next deadline, at the level on which it is 1 to 31
// slots away. When the slot's time begins, the session either is due or moves to a finer level, so
// a deadline is met to the millisecond after at most five moves. Putting a session in and taking it
// out are O(1); a tick costs one bitmap test a level and the sessions that it finds.
//
// Received bytes do not touch the wheel: a session found to be not due any more is put back for later.

import { State } from '../abi';
import { heartbeatAt } from '../hub/heartbeat';
import { rateAt } from '../hub/rates';
import { WHEEL, WHEEL_LEVEL_BYTES, WHEEL_LEVELS } from '../memory';
import { HEARTBEAT, RATES, SHUTDOWN } from '../profile';
import { pool, Session, sessionAt } from './session';

/** Behind the 32 list heads of a level, a half-word each: which of them have a session. */
const BITMAP: usize = 64;
/** The farthest deadline that the wheel holds, ms; a later one is looked at again then. */
const SPAN_MAX: u64 = (1 << 30) - 1;
export const NEVER: u64 = u64.MAX_VALUE;

/** The moment `ms` after `from`, or NEVER when `ms` is 0: no bound. */
export function after(from: u64, ms: u32): u64 {
  return ms ? from + ms : NEVER;
}

/** Whether nothing has come since the core's last ping. */
function pinged(s: Session): bool {
  return s.pinged && s.activeAt <= s.markedAt;
}

// While the host does not read, the silence is this side's: none of these three comes.

/** When the core's last ping counts as lost; NEVER when none waits. */
export function pongAt(s: Session): u64 {
  return pinged(s) && !s.paused ? after(s.markedAt, s.pongMs) : NEVER;
}

/** When the peer has been silent for IDLE_MS. */
export function idleAt(s: Session): u64 {
  return s.paused ? NEVER : after(s.activeAt, s.idleMs);
}

/** When the core's next ping is due. */
export function pingAt(s: Session): u64 {
  if (s.paused) return NEVER;
  if (!pinged(s)) return after(s.activeAt, s.pingMs);
  // Received bytes may bring the next ping before the wait for an answer ends; and without a bound
  // on the answer the pings just go on.
  const ping = after(s.markedAt, s.pingMs);
  return s.pongMs && ping <= pool().clock ? NEVER : ping;
}

/**
 * When a session is to be looked at next, ms; NEVER when nothing is to be done for it. Once that
 * has come and is still the answer, it is due.
 */
function dueAt(s: Session): u64 {
  const state = s.state;
  if (state < State.OPEN) return after(s.openedAt, s.handshakeMs);
  if (state > State.ENDING) return NEVER;
  if (state > State.OPEN || (SHUTDOWN && s.warned)) {
    const end = after(s.markedAt, s.closeMs);
    return RATES && s.slowed ? min(end, rateAt(s)) : end;
  }
  // Held back by its own rate: its silence is this side's.
  if (RATES && s.slowed) return rateAt(s);
  const silence = min(min(idleAt(s), pongAt(s)), pingAt(s));
  return HEARTBEAT ? min(silence, heartbeatAt(s)) : silence;
}

/** Where a level lies. */
// @ts-ignore: decorator
@inline
function levelAt(number: u32): usize {
  return WHEEL + number * WHEEL_LEVEL_BYTES;
}

/** Number + 1 of a session's slot in the pool → the session. */
// @ts-ignore: decorator
@inline
function sessionOf(link: u32): Session {
  return sessionAt(link - 1);
}

/** Takes a session out of the wheel. */
export function timerStop(s: Session): void {
  const list: u32 = s.timerList;
  if (!list) return;
  s.timerList = 0;
  const next: u32 = s.timerNext;
  const previous: u32 = s.timerPrevious;
  if (next) sessionOf(next).timerPrevious = <u16>previous;
  if (previous) {
    sessionOf(previous).timerNext = <u16>next;
    return;
  }
  const level = levelAt((list - 1) >> 5);
  const slot = (list - 1) & 31;
  store<u16>(level + (slot << 1), <u16>next);
  if (!next) store<u32>(level, load<u32>(level, BITMAP) & ~(1 << slot), BITMAP);
}

/** Puts a session where its next deadline says; to be called when a deadline may have come nearer. */
export function timerSet(s: Session): void {
  timerStop(s);
  const due = dueAt(s);
  if (due == NEVER) return;
  const swept = pool().swept;
  const away: u64 = due > swept ? min(due - swept, SPAN_MAX) : 1;
  const number: u32 = (31 - clz(<u32>away)) / 5;
  const slot = (<u32>((swept + away) >> (number * 5))) & 31;
  const level = levelAt(number);
  const next: u32 = load<u16>(level + (slot << 1));
  const link: u32 = (s.handle & 0xffff) + 1;
  s.timerList = <u16>((number << 5) + slot + 1);
  s.timerNext = <u16>next;
  s.timerPrevious = 0;
  if (next) sessionOf(next).timerPrevious = <u16>link;
  store<u16>(level + (slot << 1), <u16>link);
  store<u32>(level, load<u32>(level, BITMAP) | (1 << slot), BITMAP);
}

/** When the next slot that has a session begins, behind the last sweep's moment; NEVER when all are empty. */
function nextMoment(): u64 {
  const swept = pool().swept;
  let next = NEVER;
  for (let number: u32 = 0; number < WHEEL_LEVELS; number++) {
    const slots = load<u32>(levelAt(number), BITMAP);
    if (!slots) continue;
    const at = swept >> (number * 5);
    const steps = ctz(rotr(slots, (<u32>(at + 1)) & 31)) + 1;
    next = min(next, (at + steps) << (number * 5));
  }
  return next;
}

/**
 * Takes a session out of a slot that begins at the last sweep's moment; null when there is none.
 *
 * Nothing is put into such a slot meanwhile: at that moment a level's slots are 1 to 31 away.
 */
function takeBegun(): Session {
  const swept = pool().swept;
  for (let number: u32 = 0; number < WHEEL_LEVELS; number++) {
    const at = swept >> (number * 5);
    if (at << (number * 5) != swept) break;
    const link: u32 = load<u16>(levelAt(number) + (((<u32>at) & 31) << 1));
    if (!link) continue;
    const s = sessionOf(link);
    timerStop(s);
    return s;
  }
  return changetype<Session>(0);
}

/**
 * The next session that is due, taken out of the wheel, or null. The caller acts on it, and thereby
 * calls timerSet; to be called until it returns null.
 */
export function timerNext(): Session {
  const p = pool();
  const now = p.clock;
  while (true) {
    const s = takeBegun();
    if (changetype<usize>(s)) {
      if (dueAt(s) <= now) return s;
      timerSet(s);
      continue;
    }
    const next = nextMoment();
    p.swept = min(next, now);
    if (next > now) return s;
  }
}

/** Milliseconds from the clock to the next moment at which limpet_tick has work, or -1 when there is none. */
export function timerDelay(): i32 {
  const next = nextMoment();
  return next == NEVER ? -1 : <i32>min<u64>(next - min(next, pool().clock), SPAN_MAX);
}
