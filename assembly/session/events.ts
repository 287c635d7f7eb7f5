// What happened → EventRecords in the ring, and their acknowledgement.
//
// limpet_rx writes events straight into the ring and stops when fewer than EVENTS_PER_FRAME are
// free. Everything else that a session has to tell (a timeout, the end, WRITABLE) is a *notice*: a
// bit in its record, turned into an event as soon as the ring has room. So no event is ever lost
// and no call fails because the host was slow to read.

import { ErrorCode, EventFlag, EventKind, EventRecord, EventRing, State } from '../abi';
import { metaRelease } from '../hub/metadata';
import { shutdownTold } from '../hub/shutdown';
import { EVENT_BYTES, EVENT_ENTRIES, eventRing, POOL_STATE, stats } from '../memory';
import { DEBUG, EVENTS, INSPECTION, METADATA, RATES, SHUTDOWN } from '../profile';
import { CLOSE_ABNORMAL } from '../protocol/close';
import { arenaGive, Use } from './arena';
import { listAppend, listRemove } from './list';
import { pool, PoolState, Session, sessionFind, sessionFree } from './session';

/** The most events that one frame causes: its own, ERROR, and one for each block that goes back. */
export const EVENTS_PER_FRAME: u32 = 4;

/** Of EventRecord.block: the event points into the block, which stays the session's. */
export const BLOCK_LENT: u32 = 1;

/** Bits of Session.notices, in the order in which they are told. */
export const enum Notice {
  WRITABLE = 1,
  SHUTDOWN = 2,
  READABLE = 4,
  ERROR = 8,
  CLOSING = 16,
  CLOSED = 32,
}

/** The list of sessions with notices, and where a session's node in it is. */
export const NOTICES: usize = POOL_STATE + offsetof<PoolState>('noticeFirst');
const NODE: usize = offsetof<Session>('noticeNext');

/** The entry of the event with this number. */
// @ts-ignore: decorator
@inline
function eventAt(number: u32): EventRecord {
  return changetype<EventRecord>(EVENT_ENTRIES + (number & (EVENTS - 1)) * EVENT_BYTES);
}

/** Free entries. */
export function eventRoom(): u32 {
  const ring = eventRing();
  return <u32>EVENTS - (ring.head - ring.tail);
}

/**
 * Writes an event; the caller has seen that there is room.
 *
 * @param what the record's first word, see eventWord
 * @returns the record, for the fields that only some kinds have
 */
export function eventPush(s: Session, what: u32, ptr: usize, len: u32): EventRecord {
  const ring = eventRing();
  const head = ring.head;
  if (DEBUG) assert(head - ring.tail < <u32>EVENTS);
  const e = eventAt(head);
  store<u32>(changetype<usize>(e), what);
  e.session = s.handle;
  e.ptr = <u32>ptr;
  e.len = len;
  e.user = s.user;
  e.detail = 0;
  // `block` and `remaining`.
  store<u64>(changetype<usize>(e), 0, offsetof<EventRecord>('block'));
  ring.head = head + 1;
  return e;
}

/** Kind, flags and code as the record's first word, little-endian. */
// @ts-ignore: decorator
@inline
export function eventWord(kind: u32, flags: u32, code: u32): u32 {
  return kind | (flags << 8) | (code << 16);
}

/**
 * Gives back a block, if it is one, that events may point into: together with the newest event that
 * gives back none yet. An event that points into a block is such an event when the block is given
 * back, so none that does is newer than the one found; when none is found it goes back at once.
 *
 * @param lent what EventRecord.block of such an event is: 0, or BLOCK_LENT and the block
 */
export function eventRelease(block: usize, lent: u32): void {
  const ring = eventRing();
  for (let i = ring.head; block && i != ring.tail;) {
    i -= 1;
    const e = eventAt(i);
    if (e.block != lent) continue;
    e.block = <u32>block;
    return;
  }
  if (block) arenaGive(block, Use.IN);
}

/** The ring as the host sees it. */
export function eventRingReady(): EventRing {
  const ring = eventRing();
  ring.mask = EVENTS - 1;
  ring.base = <u32>EVENT_ENTRIES;
  return ring;
}

/** Owes the host a notice, and tells it at once if it can. */
export function notify(s: Session, notice: Notice): void {
  s.notices |= <u8>notice;
  listAppend(NOTICES, changetype<usize>(s) + NODE);
  noticesTell();
}

/** Turns owed notices into events, as many as the ring has room for beside what a frame may need. */
function noticesTell(): void {
  while (pool().noticeFirst && eventRoom() > EVENTS_PER_FRAME) {
    const node: usize = pool().noticeFirst;
    const s = changetype<Session>(node - NODE);
    const rest: u32 = s.notices & (s.notices - 1);
    noticeTell(s, s.notices ^ rest);
    s.notices = <u8>rest;
    if (!rest) listRemove(NOTICES, node);
  }
}

/** One notice → its event. */
// @ts-ignore: decorator
@inline
function noticeTell(s: Session, notice: u32): void {
  let what: u32 = EventKind.CLOSING;
  let code: u32 = s.closeCode;
  let detail = 0;
  if (notice == Notice.WRITABLE || (SHUTDOWN && notice == Notice.SHUTDOWN)) {
    what = notice == Notice.WRITABLE ? EventKind.WRITABLE : EventKind.SHUTDOWN;
    // A session that ended meanwhile has nothing more to write, and no goodbye to say.
    if (s.state != State.OPEN) what = EventKind.NONE;
    code = 0;
  } else if (RATES && notice == Notice.READABLE) {
    what = s.state <= State.CLOSING ? EventKind.READABLE : EventKind.NONE;
    code = 0;
  } else if (notice != Notice.CLOSING) {
    what = EventKind.ERROR;
    detail = s.cause;
    if (notice == Notice.CLOSED) {
      const clean = s.closeSent && s.closeReceived && !detail ? EventFlag.CLEAN : 0;
      what = eventWord(EventKind.CLOSED, clean, 0);
      // RFC 6455 7.1.5: the code is that of the Close frame received.
      if (!s.closeReceived) code = CLOSE_ABNORMAL;
    }
  }
  eventPush(s, what | (code << 16), 0, 0).detail = detail;
}

/** Keeps StatsRecord.eventsPeak: fewer events wait only when some are acknowledged. */
export function eventsCount(): void {
  const st = stats();
  st.eventsPeak = max(st.eventsPeak, <u32>EVENTS - eventRoom());
}

/**
 * Takes back the `count` oldest events: gives their blocks to the arena, frees the sessions that a
 * CLOSED event ended, and closes those that a SHUTDOWN event told of it.
 */
export function eventsAcknowledge(count: u32): i32 {
  const ring = eventRing();
  if (count > ring.head - ring.tail) return ErrorCode.ARGUMENT;
  if (INSPECTION) eventsCount();
  const end = ring.tail + count;
  for (let i = ring.tail; i != end; i++) {
    const e = eventAt(i);
    if (!(e.block & BLOCK_LENT)) arenaGive(e.block, Use.IN);
    const kind: u32 = e.kind;
    if (kind != EventKind.CLOSED && (!SHUTDOWN || kind != EventKind.SHUTDOWN)) continue;
    const s = sessionFind(e.session);
    if (!changetype<usize>(s)) continue;
    // A block that goes back now goes with an event that is still to come.
    if (SHUTDOWN) ring.tail = i + 1;
    if (SHUTDOWN && kind == EventKind.SHUTDOWN) {
      shutdownTold(s);
      continue;
    }
    if (METADATA) metaRelease(s);
    sessionFree(s);
  }
  ring.tail = end;
  noticesTell();
  return 0;
}
