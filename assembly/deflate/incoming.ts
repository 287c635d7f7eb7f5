// Payload of a compressed message → its bytes, in the session's block. RFC 7692 6.2 and 7.2.2.
//
//   block   Incoming | Inflate | context of earlier messages | the message ...
//
// The message is gathered there whole, in a block that grows with it. Past what a block holds, or
// what the arena has, and with Delivery.STREAM from the start, it is told in pieces: each call tells
// what it made. When the block is full and all pieces are acknowledged, its last bytes move to the
// front, as many as a distance may reach back, and it is filled again.

import { Delivery, ErrorCode } from '../abi';
import { copyBytes } from '../memory';
import { BLOCK_MAX_BYTES } from '../profile';
import { unmask } from '../protocol/mask';
import { arenaBytes, arenaGrow, arenaTake, arenaTrim, Use } from '../session/arena';
import { Session, tooLong } from '../session/session';
import {
  Inflate,
  inflate,
  inflateBegin,
  inflateEnded,
  INFLATE_BAD,
  INFLATE_BYTES,
  INFLATE_FULL,
  INFLATE_MORE,
} from './inflate';
import { DEFLATE_BITS, windowAppend, windowFirst, windowHeld, WINDOW_MAX } from './windows';

/** What inflatePayload answers when events have to be acknowledged first. */
export const INFLATE_WAIT: i32 = i32.MIN_VALUE;

/** Of Session.deflateIn: the message under way is compressed. */
export const DEFLATE_NOW: u32 = 0x20;

/** What a call leaves for the next one, in front of the block. */
@unmanaged
class Incoming {
  /** Bytes of payload that the last call took. */
  taken: u32;
  /** 1 when the next byte was decoded already: it was left so that the frame does not seem over. */
  again: u32;
  /** The 00 00 ff ff that the sender took off the end. RFC 7692 7.2.1. */
  tail: u32;
  reserved: u32;
}

const INCOMING_BYTES: i32 = 16;
const HEAD_BYTES: u32 = INCOMING_BYTES + INFLATE_BYTES;
/** A piece of a stream has at least this much room. */
const PIECE_MIN: u32 = 512;
const STREAM_MAX: u32 = BLOCK_MAX_BYTES - HEAD_BYTES - PIECE_MIN;
/** The largest window, in bits, that a block holds beside a piece. */
export const REACH_BITS_MAX: u32 = STREAM_MAX >= 1 << 15 ? 15 : 31 - clz(STREAM_MAX);
/** Room for the first block of a message: as many times its payload. */
const RATIO: u32 = 4;

// @ts-ignore: decorator
@inline
function incoming(s: Session): Incoming {
  return changetype<Incoming>(<usize>s.block);
}

// @ts-ignore: decorator
@inline
function stream(s: Session): Inflate {
  return changetype<Inflate>(<usize>s.block + INCOMING_BYTES);
}

/** Whether the message under way is compressed. */
// @ts-ignore: decorator
@inline
export function inflating(s: Session): bool {
  return (s.deflateIn & DEFLATE_NOW) != 0;
}

/** How far back the peer's distances may reach. RFC 7692 7.1.2. */
// @ts-ignore: decorator
@inline
function reach(s: Session): u32 {
  return 1 << (s.deflateIn & DEFLATE_BITS);
}

/** Output may go to the block's last byte but one: there is room for what a wrong tail makes. */
// @ts-ignore: decorator
@inline
function bound(s: Session): void {
  stream(s).limit = s.block + arenaBytes(s.block) - 1;
}

/** Whether the block can hold what a stream needs: an ErrorCode if not. */
function streamFits(s: Session): i32 {
  if (arenaBytes(s.block) >= HEAD_BYTES + reach(s) + PIECE_MIN) return 0;
  return arenaBytes(s.block) < <u32>BLOCK_MAX_BYTES ? ErrorCode.OVERLOAD : ErrorCode.TOO_BIG;
}

/** Takes the block of a message whose first `take` payload bytes are here: 0, INFLATE_WAIT or an ErrorCode. */
// @ts-ignore: decorator
@inline
function begin(s: Session, take: u32, later: bool): i32 {
  const window: u32 = s.windowIn;
  // A window may hold more than this peer's distances reach.
  const held: u32 = window ? min(windowHeld(window), reach(s)) : 0;
  const room = s.streaming ? 2 * reach(s) : held + max(take * RATIO, PIECE_MIN);
  const block = arenaTake(min<u32>(HEAD_BYTES + room, BLOCK_MAX_BYTES), Use.IN);
  if (!block) return later ? INFLATE_WAIT : ErrorCode.OVERLOAD;
  s.block = <u32>block;
  incoming(s).again = 0;
  incoming(s).tail = 0xffff0000;
  const z = stream(s);
  inflateBegin(z);
  z.base = z.to = <u32>block + HEAD_BYTES;
  if (held) z.to = <u32>copyBytes(z.to, windowFirst(window) + (windowHeld(window) - held), held);
  bound(s);
  return s.streaming ? streamFits(s) : 0;
}

/**
 * The block is full: a larger one, or the message goes on as a stream. 0, INFLATE_WAIT or an
 * ErrorCode.
 */
// @ts-ignore: decorator
@inline
function widen(s: Session, later: bool): i32 {
  const old: u32 = s.block;
  const bytes = arenaBytes(old);
  let block: usize = 0;
  if (bytes < <u32>BLOCK_MAX_BYTES) {
    block = arenaGrow(old, stream(s).to - old, bytes + 1, bytes * 2);
    if (!block && later) return INFLATE_WAIT;
  }
  if (block) {
    s.block = <u32>block;
    const z = stream(s);
    z.base += <u32>block - old;
    z.to += <u32>block - old;
    bound(s);
    return 0;
  }
  s.streaming = s.delivery != Delivery.WHOLE;
  if (s.streaming) return streamFits(s);
  return bytes < <u32>BLOCK_MAX_BYTES ? ErrorCode.OVERLOAD : ErrorCode.TOO_BIG;
}

/**
 * Takes `take` bytes of payload at `at`: unmasks and decodes them.
 *
 * @param last the message ends with them
 * @param wait events are not acknowledged yet: what was told may not be moved, and gives memory back
 * @returns how many bytes they made, which end at inflateEnd; INFLATE_WAIT; or an ErrorCode.
 *   inflateTaken says how many were taken: the rest waits for room
 */
export function inflatePayload(s: Session, at: usize, take: u32, last: bool, wait: bool): i32 {
  // What the session has queued gives memory back, too, and what comes can wait for that.
  const later = wait || (take != 0 && s.queued != 0);
  if (!s.block) {
    const error = begin(s, take, later);
    if (error) return error;
  }
  let z = stream(s);
  if (s.streaming && take && z.limit - z.to < PIECE_MIN) {
    if (wait) return INFLATE_WAIT;
    const kept = min(z.to - z.base, reach(s));
    z.to = <u32>copyBytes(z.base, z.to - kept, kept);
  }
  unmask(at, at, take, s.maskKey);
  const had = z.to - z.base;
  z.from = <u32>at + incoming(s).again;
  z.end = <u32>at + take;
  let made: u32 = 0;
  let result = 0;
  do {
    result = inflate(z);
    if (result == INFLATE_BAD) return ErrorCode.DEFLATE;
    made = z.to - z.base - had;
    if (tooLong(s, s.messageOpcode, s.messageLength + made)) return ErrorCode.TOO_BIG;
    if (result != INFLATE_FULL || s.streaming) break;
    const error = widen(s, later);
    if (error == INFLATE_WAIT) break;
    if (error) return error;
    z = stream(s);
  } while (!s.streaming);
  const c = incoming(s);
  const taken = z.from - <u32>at;
  // The output is full, and bits of the last byte are still to come.
  const again = u32(result == INFLATE_FULL && taken == take);
  c.again = again;
  c.taken = taken - again;
  if (last && result != INFLATE_FULL) {
    // The tail makes no output: it ends the empty block with which the message ended.
    z.from = <u32>changetype<usize>(c) + offsetof<Incoming>('tail');
    z.end = z.from + 4;
    z.limit = z.to + 1;
    if (inflate(z) != INFLATE_MORE || !inflateEnded(z)) return ErrorCode.DEFLATE;
    if (s.windowIn) {
      // Of a message that was told in pieces the block has the last ones.
      const kept = <u32>min<u64>(s.messageLength + made, min(z.to - z.base, WINDOW_MAX));
      windowAppend(s.windowIn, z.to - kept, kept);
    }
  }
  return made;
}

/** How many bytes of payload the last call took. */
// @ts-ignore: decorator
@inline
export function inflateTaken(s: Session): u32 {
  return incoming(s).taken;
}

/** One past the last byte that was made. */
// @ts-ignore: decorator
@inline
export function inflateEnd(s: Session): usize {
  return stream(s).to;
}

/**
 * Lays a whole message at the front of its block, when it needs no more than half of it, and gives
 * the rest back: a read may bring many short ones.
 *
 * @param end one past its last byte
 * @returns its first byte
 */
export function inflateSettle(s: Session, end: usize, length: u32): usize {
  const block = <usize>s.block;
  const from = end - length;
  if (length > arenaBytes(block) / 2) return from;
  copyBytes(block, from, length);
  arenaTrim(block, max(length, 1), Use.IN);
  return block;
}
