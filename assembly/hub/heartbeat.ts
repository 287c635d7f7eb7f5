// Time → Ping frames with a number and a time; their Pongs → round-trip times. RFC 6455 5.5.2 and 5.5.3.
//
//   payload    0 number      4 time: the core's clock, ms            in network order, 12 bytes
//
// Keepalive (PING_MS, PONG_MS: see session/ticking.ts) asks after silence and takes any byte for an
// answer: it finds a connection that is gone. A heartbeat asks every HEARTBEAT_MS, whatever the
// traffic, and nothing but its own Pong answers it: it also finds a peer that still sends but does
// not read, or does not answer, any more.
//
// A round trip may take longer than the interval: as many as WAITING_MAX heartbeats wait for their
// Pongs. When a heartbeat went is told by this file's own record, never by the peer's bytes. RFC
// 6455 5.5.3 lets a peer answer only the latest of several pings, so an answer settles those before
// it, too; what comes for them later is a PONG like any other.

import { Option, SessionInfo } from '../abi';
import { copyBytes, HEARTBEAT_TABLES, stats, zeroWords } from '../memory';
import { networkOrder } from '../protocol/frame';
import { optionDefault, pool, Session } from '../session/session';
import { after, NEVER } from '../session/timers';
import { HEARTBEAT_BYTES } from './layout';

/** Bytes of a heartbeat's payload. */
export const HEARTBEAT_PAYLOAD: u32 = 12;
/** HEARTBEAT_TIMEOUT_MS of the defaults as they begin. */
export const TIMEOUT_DEFAULT_MS: u32 = 10_000;
/** Heartbeats whose moments are remembered, a power of two. */
export const WAITING_MAX: u32 = 4;
/** The longest round-trip time that is told, ms: eighths of it fit a word. Three days. */
const RTT_MAX: u64 = (1 << 28) - 1;
/** What heartbeatAnswered says of a pong that answers none. */
export const NO_ANSWER: i32 = -1;


@unmanaged
export class Heartbeat {
  /** HEARTBEAT_MS and HEARTBEAT_TIMEOUT_MS of the session, in the order of Option. */
  intervalMs: u32;
  timeoutMs: u32;
  /** When the last heartbeat was due; before the first one, when the session was open: ms. */
  dueLast: u64;
  // as SessionInfo has them
  /** Heartbeats sent: the number of the next one. */
  sent: u32;
  answered: u32;
  rttLast: u32;
  rttLeast: u32;
  rttMost: u32;
  /** The smoothed round-trip time, in eighths of a millisecond. */
  rttSmoothed8: u32;
  /** The number of the oldest one that waits; `sent` when none does. */
  oldest: u32;
  // then WAITING_MAX words: when those that wait went, the clock's low 32 bits
  // then a word that is not 0 when the record is in use
}

const MOMENTS: usize = offsetof<Heartbeat>('oldest') + 4;
const USED: usize = MOMENTS + ((<usize>WAITING_MAX) << 2);

/** The heartbeats of a session. */
export function heartbeatOf(s: Session): Heartbeat {
  return changetype<Heartbeat>(HEARTBEAT_TABLES + <usize>(s.handle & 0xffff) * HEARTBEAT_BYTES);
}

/**
 * Where a session's HEARTBEAT_MS or HEARTBEAT_TIMEOUT_MS lies. Who asks may write there: from now on
 * the record is in use.
 */
export function heartbeatOption(s: Session, option: i32): usize {
  use(s);
  return changetype<usize>(heartbeatOf(s)) + ((option - Option.HEARTBEAT_MS) << 2);
}

/** Whether a record says anything: as long as nothing is set it is untouched memory, which costs nothing. */
// @ts-ignore: decorator
@inline
function isUsed(h: Heartbeat): bool {
  return load<u32>(changetype<usize>(h), USED) != 0;
}

/** Makes a record that of a session for which nothing is set, unless it is in use. */
function use(s: Session): void {
  const h = heartbeatOf(s);
  if (isUsed(h)) return;
  store<u32>(changetype<usize>(h), 1, USED);
  h.timeoutMs = TIMEOUT_DEFAULT_MS;
  h.dueLast = s.openedAt;
}

/** A session is new: it has the defaults. */
export function heartbeatOpen(s: Session): void {
  const h = heartbeatOf(s);
  if (isUsed(h)) zeroWords(changetype<usize>(h), HEARTBEAT_BYTES);
  const intervalMs = optionDefault(Option.HEARTBEAT_MS);
  const timeoutMs = optionDefault(Option.HEARTBEAT_TIMEOUT_MS);
  if (!intervalMs && timeoutMs == TIMEOUT_DEFAULT_MS) return;
  use(s);
  h.intervalMs = intervalMs;
  h.timeoutMs = timeoutMs;
}

/** A session is open: the first interval begins. */
export function heartbeatBegin(s: Session): void {
  const h = heartbeatOf(s);
  if (isUsed(h)) h.dueLast = pool().clock;
}

/** A session was not read from, so that no answer could come: those that wait do so no more. */
export function heartbeatForget(s: Session): void {
  const h = heartbeatOf(s);
  if (h.oldest != h.sent) h.oldest = h.sent;
}

/** Where the moment of a heartbeat lies. */
function momentOf(h: Heartbeat, number: u32): usize {
  return changetype<usize>(h) + MOMENTS + ((number & (WAITING_MAX - 1)) << 2);
}

/** When a heartbeat that waits went. */
function sentAt(h: Heartbeat, number: u32): u64 {
  const now = pool().clock;
  return now - <u32>(<u32>now - load<u32>(momentOf(h, number)));
}

/** When the oldest heartbeat that waits counts as lost; NEVER when none does. */
function lostAt(h: Heartbeat): u64 {
  return h.oldest == h.sent ? NEVER : after(sentAt(h, h.oldest), h.timeoutMs);
}

function nextAt(h: Heartbeat): u64 {
  return after(h.dueLast, h.intervalMs);
}

/** When an open session is to be looked at for its heartbeats; NEVER when it has none. */
export function heartbeatAt(s: Session): u64 {
  const h = heartbeatOf(s);
  return h.intervalMs ? min(lostAt(h), nextAt(h)) : NEVER;
}

/** Whether a heartbeat has waited for too long. */
export function heartbeatLost(s: Session): bool {
  const h = heartbeatOf(s);
  if (!h.intervalMs || pool().clock < lostAt(h)) return false;
  if (!s.paused) return true;
  heartbeatForget(s);
  return false;
}

/** Whether a heartbeat is to be sent now; in any case the next interval begins if it is time. */
export function heartbeatDue(s: Session): bool {
  const h = heartbeatOf(s);
  const now = pool().clock;
  if (now < nextAt(h)) return false;
  h.dueLast = now;
  if (h.sent - h.oldest < WAITING_MAX) return true;
  // The oldest one's time runs; where that has no bound it is given up for the next one.
  if (h.timeoutMs) return false;
  h.oldest += 1;
  return true;
}

/** Writes the payload of the next heartbeat to `to`; it is sent. */
export function heartbeatWrite(s: Session, to: usize): void {
  const h = heartbeatOf(s);
  const now = pool().clock;
  store<u32>(to, bswap<u32>(h.sent));
  store<u64>(to, bswap<u64>(now), 4);
  store<u32>(momentOf(h, h.sent), <u32>now);
  h.sent += 1;
}

/**
 * A pong came, its payload of `n` bytes at `p`.
 *
 * @returns the round-trip time, ms, or NO_ANSWER when it answers no heartbeat that waits
 */
export function heartbeatAnswered(s: Session, p: usize, n: u32): i32 {
  const h = heartbeatOf(s);
  if (n != HEARTBEAT_PAYLOAD) return NO_ANSWER;
  const number = <u32>networkOrder(p, 4);
  if (number - h.oldest >= h.sent - h.oldest) return NO_ANSWER;
  const at = sentAt(h, number);
  if (networkOrder(p + 4, 8) != at) return NO_ANSWER;
  h.oldest = number + 1;
  const rtt = <u32>min<u64>(pool().clock - at, RTT_MAX);
  measured(h, rtt);
  return rtt;
}

/** Counts a round-trip time: for the session and for the module. */
// @ts-ignore: decorator
@inline
function measured(h: Heartbeat, rtt: u32): void {
  const first = h.answered == 0;
  h.answered += 1;
  h.rttLast = rtt;
  h.rttLeast = first ? rtt : min(h.rttLeast, rtt);
  h.rttMost = max(h.rttMost, rtt);
  // RFC 6298 2.2 and 2.3: SRTT is the first measurement, then 7/8 of itself and 1/8 of the next.
  h.rttSmoothed8 = first ? rtt << 3 : h.rttSmoothed8 - (h.rttSmoothed8 >> 3) + rtt;
  const st = stats();
  st.rttLeast = st.heartbeats ? min(st.rttLeast, rtt) : rtt;
  st.rttMost = max(st.rttMost, rtt);
  st.heartbeats += 1;
  st.rttTotal += rtt;
}

/** Tells what a SessionInfo has of it. */
export function heartbeatTell(s: Session, info: SessionInfo): void {
  const h = heartbeatOf(s);
  const to = changetype<usize>(info) + offsetof<SessionInfo>('heartbeats');
  // The same words, in the same order, but for the last one.
  const words = offsetof<SessionInfo>('rttSmoothed') - offsetof<SessionInfo>('heartbeats');
  copyBytes(to, changetype<usize>(h) + offsetof<Heartbeat>('sent'), words);
  info.rttSmoothed = h.rttSmoothed8 >> 3;
}
