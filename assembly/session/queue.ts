// Frames → the session's send queue → spans for the host to write.
//
// A queue is a list of pieces. Small frames share an arena block, so that all messages of one turn
// leave in one span; a block may be followed by a payload of the host's own that never enters
// linear memory. Frames for many sessions lie in a log (see log.ts) and the queues refer to it: what
// one turn appends to it for a session that has nothing queued is one piece, and one span. An empty
// queue has no piece.
//
//   piece    0 next    4 first unsent    8 end of bytes    12 what is behind them, or where they are
//            16 bytes of its own ...
//
// The word at 12 is 0 or more for a block with bytes of its own: so many bytes of the host's payload
// follow. Less than 0, it names the log in which the bytes are: a reference, of 16 bytes. Each
// session's first reference has its place in the region TOPICS, so that it costs no block:
//
//   reference    0 number of the session's last publication (see hub/publish.ts)    4 piece

import { ErrorCode, Role, Sent, Span, State, TX_SPANS_MAX, TxFlag } from '../abi';
import { REFERENCE_BYTES } from '../hub/layout';
import { copyBytes, POOL_STATE, REFERENCES, TX_SPANS, txRecord } from '../memory';
import { BLOCK_MAX_BYTES, BLOCK_MIN_BYTES, BLOCK_SEND_BYTES, CLIENT, TOPICS } from '../profile';
import { maskKeyNext } from '../protocol/entropy';
import { headerSize, headerWrite } from '../protocol/frame';
import {
  arenaBytes,
  arenaCan,
  arenaGive,
  arenaTake,
  arenaTakeRoomy,
  PIECE_HEADER,
  Use,
} from './arena';
import { Notice, notify } from './events';
import { listAppend, listRemove } from './list';
import { Log, logRelease } from './log';
import { pool, PoolState, Session } from './session';

/** The list of sessions with output, and where a session's node in it is. */
export const LISTED: usize = POOL_STATE + offsetof<PoolState>('txFirst');
const NODE: usize = offsetof<Session>('txNext');


@unmanaged
export class Piece {
  next: u32;
  head: u32;
  tail: u32;
  /** Bytes of the host's payload behind it; or less the address of the log that it refers to. */
  behind: i32;
}

/** The longest pong: 131 = 2 + 4 + 125. */
const PONG_MAX: u32 = 131;
/** What a peer that sends pings and does not read may make a queue grow past QUEUE_MAX: 8 pongs. */
const CONTROL_SLACK: u32 = 8 * PONG_MAX;

/** Whether a pong of any size may be queued; if not, input stops until it may. RFC 6455 5.5.2. */
export function queueTakesPong(s: Session): bool {
  return s.queued < s.queueMax + CONTROL_SLACK && arenaCan(PONG_MAX + PIECE_HEADER);
}

/** Whether a piece is a block with room for `bytes` more. */
function hasRoom(piece: Piece, bytes: u32): bool {
  const at = changetype<usize>(piece);
  return at != 0 && !piece.behind && <u32>at + arenaBytes(at) - piece.tail >= bytes;
}

/**
 * Makes room for `bytes` more at the end of a queue; they are part of it at once.
 *
 * @returns where they go, or 0 when the arena has no block
 */
export function queueReserve(s: Session, bytes: u32, use: Use): usize {
  let piece = changetype<Piece>(<usize>s.queueTail);
  if (!hasRoom(piece, bytes)) {
    const block = arenaTakeRoomy(bytes + PIECE_HEADER, roomy(s), use);
    if (!block) return 0;
    piece = changetype<Piece>(block);
    pieceAppend(s, piece, <u32>block + PIECE_HEADER, 0);
  }
  const at: usize = piece.tail;
  piece.tail += bytes;
  s.queued += bytes;
  queueListed(s);
  return at;
}

/**
 * Bytes that a new block at the end of a queue is to have: BLOCK_SEND_BYTES for the first one and
 * four times the last one's; few behind a reference, since another one may follow.
 */
function roomy(s: Session): u32 {
  const tail: usize = s.queueTail;
  if (!tail) return BLOCK_SEND_BYTES;
  return TOPICS && changetype<Piece>(tail).behind < 0 ? 0 : arenaBytes(tail) * 4;
}

/** Puts a piece without bytes at the end of a queue. */
function pieceAppend(s: Session, piece: Piece, at: u32, behind: i32): void {
  piece.next = 0;
  piece.head = piece.tail = at;
  piece.behind = behind;
  const address = <u32>changetype<usize>(piece);
  if (s.queueTail) changetype<Piece>(<usize>s.queueTail).next = address;
  else s.queueHead = address;
  s.queueTail = address;
}

/** Where a session's reference lies: the number of its last publication, and a piece behind it. */
// @ts-ignore: decorator
@inline
export function referenceOf(s: Session): usize {
  return REFERENCES + (s.handle & 0xffff) * REFERENCE_BYTES;
}

/**
 * Queues a frame that lies in a log.
 *
 * @param from its first byte
 * @param to one past its last
 * @returns false when the arena has no block
 */
// @ts-ignore: decorator
@inline
export function queueRefer(s: Session, log: Log, from: usize, to: usize): bool {
  // Without a piece this looks at the 0 before the first region.
  const tail = changetype<Piece>(<usize>s.queueTail);
  if (tail.behind != -(<i32>changetype<usize>(log)) || tail.tail != <u32>from) {
    return refer(s, log, from, <u32>(to - from));
  }
  tail.tail = <u32>to;
  s.queued += <u32>(to - from);
  if (!s.txOwner) queueListed(s);
  return true;
}

/** The same for a frame that the last piece does not just grow by. */
function refer(s: Session, log: Log, from: usize, bytes: u32): bool {
  const tail = changetype<Piece>(<usize>s.queueTail);
  const behind = -(<i32>changetype<usize>(log));
  // A frame smaller than what a reference costs is copied: to those of the session's own, and where
  // frames for others lie between.
  const copies = bytes <= <u32>BLOCK_MIN_BYTES && (tail.behind == behind || hasRoom(tail, bytes));
  if (copies) {
    const at = queueReserve(s, bytes, Use.OUT);
    if (at) copyBytes(at, from, bytes);
    return at != 0;
  }
  let piece = changetype<Piece>(referenceOf(s) + 4);
  if (piece.behind) piece = changetype<Piece>(arenaTake(PIECE_HEADER, Use.OUT));
  if (!changetype<usize>(piece)) return false;
  pieceAppend(s, piece, <u32>from, behind);
  piece.tail += bytes;
  log.references += 1;
  s.queued += bytes;
  queueListed(s);
  return true;
}

/** Ends the latest reservation at `end`: it was made before its length was known. */
export function queueTrim(s: Session, end: usize): void {
  const tail = changetype<Piece>(<usize>s.queueTail);
  s.queued -= tail.tail - <u32>end;
  tail.tail = <u32>end;
}

/** Whether a session masks what it sends. RFC 6455 5.1. */
// @ts-ignore: decorator
@inline
export function masks(s: Session): bool {
  return CLIENT && s.role == Role.CLIENT;
}

/**
 * Queues a frame's header, and room for what of its payload is not left to the host. The masking
 * key is in `sendKey` then.
 *
 * @param b0 the first byte of the frame
 * @param payload bytes
 * @param room bytes of it that the queue holds: all or none
 * @returns where the payload goes, or 0 when the arena has no block
 */
export function queueFrame(s: Session, b0: u32, payload: u32, room: u32, use: Use): usize {
  const masked = masks(s);
  const at = queueReserve(s, headerSize(payload, masked) + room, use);
  if (!at) return 0;
  const key: u32 = !masked ? 0 : s.keyed ? s.request : maskKeyNext();
  pool().sendKey = key;
  return headerWrite(at, b0, payload, masked, key);
}

/**
 * Queues a payload that stays with the host behind the bytes reserved last.
 *
 * @param bytes its length
 */
export function queueExternal(s: Session, bytes: u32): void {
  changetype<Piece>(<usize>s.queueTail).behind = bytes;
  s.queued += bytes;
}

/** Lists a session as one that has something to write, or to end. */
export function queueListed(s: Session): void {
  listAppend(LISTED, changetype<usize>(s) + NODE);
}

/** Takes a session off the list. */
export function queueUnlisted(s: Session): void {
  listRemove(LISTED, changetype<usize>(s) + NODE);
}

/** Takes the first session off the list; its handle, or 0 when the list is empty. */
export function queueNext(): i32 {
  const node: usize = pool().txFirst;
  if (!node) return 0;
  listRemove(LISTED, node);
  return changetype<Session>(node - NODE).handle;
}

/** Bytes of the host's payload behind a piece. */
// @ts-ignore: decorator
@inline
function external(piece: Piece): u32 {
  return TOPICS ? max(piece.behind, 0) : piece.behind;
}

/** Fills the TxRecord and its spans with what is to be written next. */
export function queueSpans(s: Session): void {
  const record = txRecord();
  record.count = record.bytes = 0;
  let piece = changetype<Piece>(<usize>s.queueHead);
  while (changetype<usize>(piece) && record.count < <u32>TX_SPANS_MAX - 1) {
    spanAdd(piece.head, piece.tail - piece.head);
    spanAdd(0, external(piece));
    piece = changetype<Piece>(<usize>piece.next);
  }
  let flags: u32 = changetype<usize>(piece) ? TxFlag.MORE : 0;
  if (s.state == State.ENDING) flags |= TxFlag.END;
  if (s.state == State.ABORTED) flags |= TxFlag.ABORT;
  record.flags = flags;
  queueUnlisted(s);
}

function spanAdd(ptr: u32, len: u32): void {
  if (!len) return;
  const record = txRecord();
  const span = changetype<Span>(TX_SPANS + (record.count << 3));
  span.ptr = ptr;
  span.len = len;
  record.count += 1;
  record.bytes += len;
}

/**
 * Takes `bytes` written bytes off the front of a queue.
 *
 * @returns 1 when something is left to write, or to end, else 0; ErrorCode.ARGUMENT when more than is queued
 */
export function queueAcknowledge(s: Session, bytes: u32): i32 {
  if (bytes > s.queued) return ErrorCode.ARGUMENT;
  s.queued -= bytes;
  while (s.queueHead) {
    const piece = changetype<Piece>(<usize>s.queueHead);
    const own = min(bytes, piece.tail - piece.head);
    piece.head += own;
    bytes -= own;
    const behind = min(bytes, external(piece));
    piece.behind -= behind;
    bytes -= behind;
    if (piece.head < piece.tail || external(piece)) break;
    dropFirst(s);
  }
  if (s.over && s.queued <= s.highWater / 2) {
    s.over = false;
    notify(s, Notice.WRITABLE);
  }
  return s.queued || s.state >= State.ENDING ? 1 : 0;
}

function dropFirst(s: Session): void {
  const first = <usize>s.queueHead;
  const piece = changetype<Piece>(first);
  s.queueHead = piece.next;
  if (!s.queueHead) s.queueTail = 0;
  const behind = piece.behind;
  if (TOPICS && behind < 0) {
    piece.behind = 0;
    logRelease(changetype<Log>(<usize>-behind));
    if (first == referenceOf(s) + 4) return;
  }
  arenaGive(first, Use.OUT);
}

/** Gives all pieces of a queue back, written or not. */
export function queueClear(s: Session): void {
  while (s.queueHead) dropFirst(s);
  s.queued = 0;
}

/** Remembers that a queue passed its mark; answers what limpet_send* returns for a queued frame. */
export function queueMark(s: Session): i32 {
  if (s.queued <= s.highWater) return Sent.OK;
  s.over = true;
  return Sent.BACKPRESSURE;
}
