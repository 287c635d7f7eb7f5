// Time → sessions whose deadline has come: a timing wheel. RFC 6455 says when a connection may be
// given up (7.1.1, 7.2.1); how long to wait is policy, in the session's limits.
//
//   level 0   32 slots of 1 ms        level 3   32 slots of 32,768 ms
//   level 1   32 slots of 32 ms       level 4   of 17 min
//   level 2   32 slots of 1,024 ms    level 5   of 9 h
//
// A session is in one slot at most: that of its next deadline, at the level on which it is 1 to 32
// slots away. When the slot's time begins, the session either is due or moves to a finer level, so
// a deadline is met to the millisecond after at most five moves. Received bytes do not touch the
// wheel: a session found to be not due any more is put back for later. A sweep costs one bitmap
// test a level and the sessions it finds, however many there are.

import { ErrorCode, State } from '../abi';
import { WHEEL, WHEEL_LEVELS } from '../memory';
import { Flag, pool, Session, sessionAt } from './session';

/** Bytes of one level: 32 list heads and their bitmap. */
const LEVEL_BYTES: i32 = 68;
const BITMAP: i32 = 64;
/** The farthest deadline that the wheel holds, ms; a later one is looked at again then. */
const SPAN_MAX: u64 = (1 << 30) - 1;
const NEVER: u64 = u64.MAX_VALUE;

/** The moment `ms` after `from`, or NEVER when `ms` is 0: no bound. */
// @ts-ignore: decorator
@inline
function after(from: u64, ms: u32): u64 {
  return ms ? from + ms : NEVER;
}

/** When something is next to be done for a session, ms; NEVER when nothing is. */
function deadlineOf(s: Session): u64 {
  switch (s.state) {
    case State.HANDSHAKE:
    case State.PENDING:
      return after(s.openedAt, s.handshakeMs);
    case State.OPEN: {
      const idle = after(s.activeAt, s.idleMs);
      if (!waits(s)) return min(idle, after(s.activeAt, s.pingMs));
      // Without a bound on the answer the pings just go on.
      return min(idle, after(s.markedAt, s.pongMs ? s.pongMs : s.pingMs));
    }
    case State.CLOSING:
    case State.ENDING:
      return after(s.markedAt, s.closeMs);
    default:
      return NEVER;
  }
}

/** Whether nothing has come since the core's last ping. */
function waits(s: Session): bool {
  return (s.flags & Flag.PINGED) != 0 && s.activeAt <= s.markedAt;
}

/**
 * When a session is to be looked at: at its deadline, or earlier. Received bytes do not touch the
 * wheel, and they may bring the next ping before the end of the wait for an answer.
 */
function wakeOf(s: Session): u64 {
  const due = deadlineOf(s);
  if (s.state != State.OPEN || !waits(s)) return due;
  const ping = after(s.markedAt, s.pingMs);
  return ping > pool().clock ? min(due, ping) : due;
}

/** What a session's deadline means, once it has come: an ErrorCode, or 0 for "send a ping". */
export function timerCause(s: Session): i32 {
  if (s.state < State.OPEN) return ErrorCode.TIMEOUT_HANDSHAKE;
  if (s.state > State.OPEN) return ErrorCode.TIMEOUT_CLOSE;
  const now = pool().clock;
  if (waits(s) && now >= after(s.markedAt, s.pongMs)) {
    return ErrorCode.TIMEOUT_PONG;
  }
  return now >= after(s.activeAt, s.idleMs) ? ErrorCode.TIMEOUT_IDLE : 0;
}

/** Takes a session out of the wheel. */
export function timerStop(s: Session): void {
  const list: u32 = s.timerList;
  if (!list) return;
  s.timerList = 0;
  const next: u32 = s.timerNext;
  const previous: u32 = s.timerPrevious;
  if (next) sessionAt(next).timerPrevious = <u16>previous;
  if (previous) {
    sessionAt(previous).timerNext = <u16>next;
    return;
  }
  const level = WHEEL + ((list - 1) >> 5) * LEVEL_BYTES;
  const slot = (list - 1) & 31;
  store<u16>(level + (slot << 1), <u16>next);
  if (!next) store<u32>(level, load<u32>(level, BITMAP) & ~(1 << slot), BITMAP);
}

/** Puts a session where its next deadline says; to be called when a deadline may have come nearer. */
export function timerSet(s: Session): void {
  timerStop(s);
  const due = wakeOf(s);
  if (due == NEVER) return;
  const swept = pool().swept;
  const away: u64 = due > swept ? min(due - swept, SPAN_MAX) : 1;
  const number: u32 = (31 - clz(<u32>away)) / 5;
  const slot = (<u32>((swept + away) >> (number * 5))) & 31;
  const level = WHEEL + number * LEVEL_BYTES;
  const next: u32 = load<u16>(level + (slot << 1));
  const link: u32 = s.link;
  s.timerList = <u16>((number << 5) + slot + 1);
  s.timerNext = <u16>next;
  s.timerPrevious = 0;
  if (next) sessionAt(next).timerPrevious = <u16>link;
  store<u16>(level + (slot << 1), <u16>link);
  store<u32>(level, load<u32>(level, BITMAP) | (1 << slot), BITMAP);
}

/** When the next slot that holds a session begins: after the last sweep's moment; NEVER when all are empty. */
function nextMoment(): u64 {
  const swept = pool().swept;
  let next = NEVER;
  for (let number: u32 = 0; number < <u32>WHEEL_LEVELS; number++) {
    const slots = load<u32>(WHEEL + number * LEVEL_BYTES, BITMAP);
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
 * Nothing can be put into such a slot meanwhile: at that moment a level's slots are 1 to 31 away.
 */
function takeBegun(): Session {
  const swept = pool().swept;
  for (let number: u32 = 0; number < <u32>WHEEL_LEVELS; number++) {
    const at = swept >> (number * 5);
    if (at << (number * 5) != swept) break;
    const level = WHEEL + number * LEVEL_BYTES;
    const slot = (<u32>at) & 31;
    if ((load<u32>(level, BITMAP) >> slot) & 1) {
      const s = sessionAt(load<u16>(level + (slot << 1)));
      timerStop(s);
      return s;
    }
  }
  return changetype<Session>(0);
}

/**
 * Finds the next session that is due, and takes it out of the wheel.
 *
 * The sweep goes from one slot that holds a session to the next, up to the clock; call it until it
 * returns null. The caller acts on the session and calls timerSet.
 */
export function timerNext(): Session {
  const now = pool().clock;
  while (true) {
    const s = takeBegun();
    if (changetype<usize>(s)) {
      if (deadlineOf(s) <= now) return s;
      timerSet(s);
      continue;
    }
    const next = nextMoment();
    if (next > now) {
      pool().swept = now;
      return changetype<Session>(0);
    }
    pool().swept = next;
  }
}

/** Milliseconds from the clock to the next moment at which limpet_tick has work, or -1 when there is none. */
export function timerDelay(): i32 {
  const next = nextMoment();
  if (next == NEVER) return -1;
  const now = pool().clock;
  return next <= now ? 0 : <i32>min<u64>(next - now, SPAN_MAX);
}
