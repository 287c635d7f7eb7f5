// Frame header → may its message pass now? Token buckets for messages and payload bytes, of each
// session and of all together.
//
//   a bucket     holds RATE_… tokens, and as many come back in RATE_WINDOW_MS, evenly
//   a message    takes one token of messages at its first frame, and of bytes as many as each of its
//                frames has payload, as it comes
//   past a rate  RATE_POLICY: DROP, QUEUE or REJECT
//
// What counts is what is owed: tokens times window, so that a millisecond forgives exactly the limit
// and nothing is rounded. Zeroed memory is a full bucket. A frame longer than the bucket passes when
// the bucket is full, and what it took is owed like all else: no policy holds it back for ever.
//
// With QUEUE a frame that has to wait takes its tokens at once. So those who wait for the rate of all
// go on in the order in which they came, each at its moment, and nobody is asked twice.

import { Option, RatePolicy, State } from '../abi';
import { DEFAULTS, HUB_STATE, RATE_TABLES, stats } from '../memory';
import { HEARTBEAT } from '../profile';
import { Notice, notify } from '../session/events';
import { optionDefault, pool, Session, sessionAt } from '../session/session';
import { timerSet } from '../session/timers';
import { heartbeatForget } from './heartbeat';
import { RATE_BYTES, RATES_STATE } from './layout';

/** What a session, or all of them, took of their rates. */
@unmanaged
export class Rate {
  /** What is owed: messages times window, bytes times window. */
  messages: u64;
  bytes: u64;
  /** Up to when debts were forgiven, ms. */
  at: u64;
  /** Of a session: what the frame took that waits: bytes, and ONE_MESSAGE. */
  taken: u32;
  /** How long it waits, ms from `at` on. */
  wait: u32;
}

/** Of Rate.taken: beside its bytes a message. */
const ONE_MESSAGE: u32 = 1 << 31;
/** A frame counts for this many bytes at the most: no limit is larger. */
const FRAME_MAX: u64 = i32.MAX_VALUE;
/** More than this is not owed: the largest limit times the largest window is half of it. */
const DEBT_MAX: u64 = 1 << 63;

/** What is done with a frame. */
export const enum Verdict {
  /** It passes. */
  PASS = 0,
  /** Its message is dropped. */
  DROP = 1,
  /** It waits: the session is not read from until rateResume. */
  WAIT = 2,
  /** The session fails. */
  REJECT = 3,
}

function rateOf(s: Session): Rate {
  return changetype<Rate>(RATE_TABLES + (s.handle & 0xffff) * RATE_BYTES);
}

// @ts-ignore: decorator
@inline
function rateOfAll(): Rate {
  return changetype<Rate>(HUB_STATE + RATES_STATE);
}

/** Whether there is any rate to keep. */
// @ts-ignore: decorator
@inline
export function rated(): bool {
  // The four of them are words in a row.
  const first = DEFAULTS + (Option.RATE_MESSAGES << 2);
  return (load<u64>(first) | load<u64>(first, 8)) != 0;
}

/**
 * Takes tokens out of a bucket after `elapsed` ms.
 *
 * @returns how long it takes until they fit into it, ms: 0 when they do
 */
function bucketTake(bucket: usize, limit: u64, tokens: u64, elapsed: u64): u64 {
  if (!limit) return 0;
  const window: u64 = optionDefault(Option.RATE_WINDOW_MS);
  const owed = load<u64>(bucket);
  const charge = tokens * window;
  const debt = min(owed - min(owed, elapsed * limit) + charge, DEBT_MAX);
  store<u64>(bucket, debt);
  const most = max(limit * window, charge);
  return tokens && debt > most ? (debt - most + limit - 1) / limit : 0;
}

/** Takes what a frame takes out of both buckets, of which the first one's limit is the option `first`. */
function rateTake(r: Rate, first: Option, taken: u32): u64 {
  const clock = pool().clock;
  // 2^32 ms times any limit do not overflow.
  const elapsed = min<u64>(clock - r.at, 1 << 32);
  r.at = clock;
  const at = changetype<usize>(r);
  return max(
    bucketTake(at, optionDefault(first), taken >> 31, elapsed),
    bucketTake(at + 8, optionDefault(first + 1), taken & ~ONE_MESSAGE, elapsed),
  );
}

/** Puts back what a frame took that did not pass. */
function rateGive(r: Rate, taken: u32): void {
  const window: u64 = optionDefault(Option.RATE_WINDOW_MS);
  r.messages -= min(r.messages, u64(taken >> 31) * window);
  r.bytes -= min(r.bytes, u64(taken & ~ONE_MESSAGE) * window);
}

/**
 * Judges a data frame of an open session by its header.
 *
 * @param begins it is the first frame of its message
 * @param untold nothing of its message was told: only then it may be dropped
 * @param payload bytes of the frame
 * @returns a Verdict; on WAIT the session is in the wheel, and the frame passes when it is back
 */
export function rateJudge(s: Session, begins: bool, untold: bool, payload: u64): Verdict {
  const own = rateOf(s);
  if (own.taken) {
    // It has waited.
    own.taken = 0;
    return Verdict.PASS;
  }
  const all = rateOfAll();
  const taken = (<u32>min(payload, FRAME_MAX)) | (begins ? ONE_MESSAGE : 0);
  const wait = max(
    rateTake(own, Option.RATE_MESSAGES, taken),
    rateTake(all, Option.RATE_ALL_MESSAGES, taken),
  );
  if (!wait) return Verdict.PASS;
  const policy = optionDefault(Option.RATE_POLICY);
  // Of a message that was told in part the rest waits.
  if (policy == RatePolicy.REJECT || (policy == RatePolicy.DROP && untold)) {
    rateGive(own, taken);
    rateGive(all, taken);
    return policy == RatePolicy.DROP ? Verdict.DROP : Verdict.REJECT;
  }
  own.taken = taken;
  own.wait = <u32>min<u64>(wait, u32.MAX_VALUE);
  s.slowed = true;
  stats().rateQueued += 1;
  timerSet(s);
  return Verdict.WAIT;
}

/** When a session that waits for its rate is read from again. */
export function rateAt(s: Session): u64 {
  const own = rateOf(s);
  return own.at + own.wait;
}

/** A session need not wait for its rate any more: its moment has come, or it is open no more. */
export function rateResume(s: Session): void {
  s.slowed = false;
  // It was this side that did not read: silence counts from now on.
  s.activeAt = pool().clock;
  if (HEARTBEAT) heartbeatForget(s);
  timerSet(s);
  notify(s, Notice.READABLE);
}

/** A session ends: what its frame took and never used is given back to all, its own buckets are full. */
export function rateRelease(s: Session): void {
  const own = rateOf(s);
  rateGive(rateOfAll(), own.taken);
  s.slowed = false;
  own.messages = own.bytes = own.at = 0;
  own.taken = 0;
}

/** A rate was set: all buckets are full, and who waited goes on. */
export function ratesClear(): void {
  const all = rateOfAll();
  all.messages = all.bytes = 0;
  for (let slot: u32 = 0; slot < pool().fresh; slot++) {
    const s = sessionAt(slot);
    const own = rateOf(s);
    own.messages = own.bytes = 0;
    if (s.slowed) rateResume(s);
  }
}

/** Whether a session waits only where it may, and a free slot owes nothing. For debug builds. */
export function rateSound(s: Session): bool {
  const own = rateOf(s);
  if (s.slowed) {
    return s.state == State.OPEN && own.taken != 0 && s.timerList != 0;
  }
  if (s.state != State.FREE && s.state != State.CLOSED) return true;
  return !own.messages && !own.bytes && !own.at && !own.taken;
}
