// Frames → the session's send queue → spans for the host to write.
//
// A queue is a list of arena blocks. Small frames share a block, so that all messages of one turn
// leave in one span; a block may be followed by a payload of the host's own that never enters
// linear memory. An empty queue has no block.
//
//   block    0 next    4 first unsent    8 end of bytes    12 bytes of the host's payload behind it
//            16 bytes ...
//
// Offsets 4 and 8 count from the block's own address.

import { ErrorCode, Role, Sent, Span, State, TX_SPANS_MAX, TxFlag } from '../abi';
import { POOL_STATE, stats, TX_SPANS, txRecord } from '../memory';
import { ARENA_BYTES, BLOCK_MAX_BYTES, BLOCK_SEND_BYTES, CLIENT } from '../profile';
import { maskKeyNext } from '../protocol/entropy';
import { headerSize, headerWrite } from '../protocol/frame';
import { arenaBytes, arenaCan, arenaGive, arenaTake, Use } from './arena';
import { Notice, notify } from './events';
import { listAppend, listRemove } from './list';
import { pool, PoolState, Session } from './session';

/** The list of sessions with output, and where a session's node in it is. */
export const LISTED: usize = POOL_STATE + offsetof<PoolState>('txFirst');
const NODE: usize = offsetof<Session>('txNext');


@unmanaged
class Block {
  next: u32;
  head: u32;
  tail: u32;
  external: u32;
}

/** Bytes before a block's own. */
const BLOCK_HEADER: u32 = 16;
/** The most bytes that one reservation can have. */
export const RESERVE_MAX: u32 = BLOCK_MAX_BYTES - BLOCK_HEADER;
/** The longest pong: 131 = 2 + 4 + 125. */
const PONG_MAX: u32 = 131;
/** What a peer that sends pings and does not read may make a queue grow past QUEUE_MAX: 8 pongs. */
const CONTROL_SLACK: u32 = 8 * PONG_MAX;

/** Whether a pong of any size may be queued; if not, input stops until it may. RFC 6455 5.5.2. */
export function queueTakesPong(s: Session): bool {
  return s.queued < s.queueMax + CONTROL_SLACK && arenaCan(PONG_MAX + BLOCK_HEADER);
}

/**
 * Makes room for `bytes` more at the end of a queue; they are part of it at once.
 *
 * @returns where they go, or 0 when the arena has no block
 */
export function queueReserve(s: Session, bytes: u32, use: Use): usize {
  let tail = changetype<Block>(<usize>s.queueTail);
  if (!s.queueTail || tail.external || arenaBytes(changetype<usize>(tail)) - tail.tail < bytes) {
    const block = takeBlock(s, bytes, use);
    if (!block) return 0;
    tail = changetype<Block>(block);
  }
  const at = changetype<usize>(tail) + tail.tail;
  tail.tail += bytes;
  s.queued += bytes;
  queueListed(s);
  return at;
}

/**
 * Puts a new block at the end of a queue: BLOCK_SEND_BYTES at first and four times the last one
 * from then on, so that a turn's output lies in few spans; the smallest that serves once half of
 * the arena is in use.
 */
function takeBlock(s: Session, bytes: u32, use: Use): usize {
  const need = bytes + BLOCK_HEADER;
  let block: usize = 0;
  if (stats().arenaUsed < <u32>ARENA_BYTES / 2) {
    const grown: u32 = s.queueTail ? arenaBytes(s.queueTail) * 4 : BLOCK_SEND_BYTES;
    block = arenaTake(max(need, min<u32>(grown, BLOCK_MAX_BYTES / 4)), use);
  }
  if (!block) block = arenaTake(need, use);
  if (!block) return 0;
  const b = changetype<Block>(block);
  b.next = 0;
  b.head = b.tail = BLOCK_HEADER;
  b.external = 0;
  if (s.queueTail) changetype<Block>(<usize>s.queueTail).next = <u32>block;
  else s.queueHead = <u32>block;
  s.queueTail = <u32>block;
  return block;
}

/** Ends the latest reservation at `end`: it was made before its length was known. */
export function queueTrim(s: Session, end: usize): void {
  const tail = changetype<Block>(<usize>s.queueTail);
  const length = <u32>(end - changetype<usize>(tail));
  s.queued -= tail.tail - length;
  tail.tail = length;
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
  const key: u32 = masked ? maskKeyNext() : 0;
  pool().sendKey = key;
  return headerWrite(at, b0, payload, masked, key);
}

/**
 * Queues a payload that stays with the host behind the bytes reserved last.
 *
 * @param bytes its length
 */
export function queueExternal(s: Session, bytes: u32): void {
  changetype<Block>(<usize>s.queueTail).external = bytes;
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

/** Fills the TxRecord and its spans with what is to be written next. */
export function queueSpans(s: Session): void {
  const record = txRecord();
  record.count = record.bytes = 0;
  let b = changetype<Block>(<usize>s.queueHead);
  while (changetype<usize>(b) && record.count < <u32>TX_SPANS_MAX - 1) {
    spanAdd(<u32>changetype<usize>(b) + b.head, b.tail - b.head);
    spanAdd(0, b.external);
    b = changetype<Block>(<usize>b.next);
  }
  let flags: u32 = changetype<usize>(b) ? TxFlag.MORE : 0;
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
    const b = changetype<Block>(<usize>s.queueHead);
    const own = min(bytes, b.tail - b.head);
    b.head += own;
    bytes -= own;
    const external = min(bytes, b.external);
    b.external -= external;
    bytes -= external;
    if (b.head < b.tail || b.external) break;
    dropFirst(s);
  }
  if (s.over && s.queued <= s.highWater / 2) {
    s.over = false;
    notify(s, Notice.WRITABLE);
  }
  return s.queued || s.state >= State.ENDING ? 1 : 0;
}

function dropFirst(s: Session): void {
  const block = <usize>s.queueHead;
  s.queueHead = changetype<Block>(block).next;
  if (!s.queueHead) s.queueTail = 0;
  arenaGive(block, Use.OUT);
}

/** Gives all blocks of a queue back, written or not. */
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
