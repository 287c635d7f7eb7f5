// Payload of a compressed message → its bytes, in the session's block. RFC 7692 6.2 and 7.2.2.
//
//   block   Incoming | Inflate | context of earlier messages | the message ...
//
// The message is gathered there whole, in a block that grows with it. Past what a block holds, or
// what the arena has, and with Delivery.STREAM from the start, it is told in pieces: each call tells
// what it made. When the block is full and all pieces are acknowledged, its last bytes move to the
// front, as many as a distance may reach back, and it is filled again.

import { Delivery, ErrorCode } from '../abi';
import { grow } from '../http/handshake';
import { copyBytes } from '../memory';
import { BLOCK_MAX_BYTES } from '../profile';
import { arenaBytes, arenaTake, Use } from '../session/arena';
import { Session } from '../session/session';
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
function reach(s: Session): u32 {
  return 1 << (s.deflateIn & DEFLATE_BITS);
}

/**
 * Output may go to the first byte past MESSAGE_MAX, which tells that the message is too long, or to
 * the block's last byte but one: the end of a message may make one that is refused.
 */
function bound(s: Session, length: u64): void {
  const z = stream(s);
  z.limit = s.block + arenaBytes(s.block) - 1;
  const most = <u64>s.messageMax + 1;
  if (s.messageMax && most < length + (z.limit - z.to)) {
    // MESSAGE_MAX may have been lowered meanwhile.
    z.limit = z.to + <u32>(most - min(most, length));
  }
}

/** Whether the block can hold what a stream needs: an ErrorCode if not. */
function streamFits(s: Session): i32 {
  if (arenaBytes(s.block) >= HEAD_BYTES + reach(s) + PIECE_MIN) return 0;
  return arenaBytes(s.block) < <u32>BLOCK_MAX_BYTES ? ErrorCode.OVERLOAD : ErrorCode.TOO_BIG;
}

/** Takes the block of a message whose first `take` payload bytes are here: 0 or an ErrorCode. */
function begin(s: Session, take: u32): i32 {
  const window: u32 = s.windowIn;
  // A window may hold more than this peer's distances reach.
  const held: u32 = window ? min(windowHeld(window), reach(s)) : 0;
  let room = 2 * reach(s);
  if (!s.streaming) {
    const most =
      s.messageMax && s.messageMax < <u32>BLOCK_MAX_BYTES ? s.messageMax + 1 : BLOCK_MAX_BYTES;
    room = held + min<u32>(max(take * RATIO, PIECE_MIN), most);
  }
  const block = arenaTake(min<u32>(HEAD_BYTES + room, BLOCK_MAX_BYTES), Use.IN);
  if (!block) return ErrorCode.OVERLOAD;
  s.block = <u32>block;
  incoming(s).again = 0;
  incoming(s).tail = 0xffff0000;
  const z = stream(s);
  inflateBegin(z);
  z.base = z.to = <u32>block + HEAD_BYTES;
  if (held) z.to = <u32>copyBytes(z.to, windowFirst(window) + windowHeld(window) - held, held);
  return s.streaming ? streamFits(s) : 0;
}

/**
 * Whether payload can be decoded now.
 *
 * @param take bytes of it that are here
 * @param wait events are not acknowledged yet: what was told may not be moved
 * @returns 1, or 0 when they have to be first; or an ErrorCode
 */
export function inflateReady(s: Session, take: u32, wait: bool): i32 {
  if (!s.block) {
    const error = begin(s, take);
    if (error) return error;
  } else if (s.streaming && take) {
    const z = stream(s);
    if (s.block + arenaBytes(s.block) - z.to < PIECE_MIN) {
      if (wait) return 0;
      const kept = min(z.to - z.base, reach(s));
      z.to = <u32>copyBytes(z.base, z.to - kept, kept);
    }
  }
  bound(s, s.messageLength);
  return 1;
}

/** The block is full: a larger one, or the message goes on as a stream. 0 or an ErrorCode. */
function widen(s: Session): i32 {
  const old: u32 = s.block;
  const bytes = arenaBytes(old);
  const z = stream(s);
  const kept = z.to - old;
  let block: usize = 0;
  if (bytes < <u32>BLOCK_MAX_BYTES) {
    block = grow(old, kept, bytes + 1, min<u32>(bytes * 4, BLOCK_MAX_BYTES));
    if (!block) block = grow(old, kept, bytes + 1, bytes * 2);
  }
  if (block) {
    s.block = <u32>block;
    stream(s).base += <u32>block - old;
    stream(s).to += <u32>block - old;
    return 0;
  }
  s.streaming = s.delivery != Delivery.WHOLE;
  if (s.streaming) return streamFits(s);
  return bytes < <u32>BLOCK_MAX_BYTES ? ErrorCode.OVERLOAD : ErrorCode.TOO_BIG;
}

/**
 * Decodes `take` unmasked bytes at `at`; inflateReady said 1.
 *
 * @param last the message ends with them
 * @returns how many bytes they made, which end at inflateEnd; or an ErrorCode. inflateTaken says how
 *   many were taken: the rest waits for room
 */
export function inflatePayload(s: Session, at: usize, take: u32, last: bool): i32 {
  let z = stream(s);
  const had = z.to - z.base;
  z.from = <u32>at + incoming(s).again;
  z.end = <u32>at + take;
  let result = inflate(z);
  while (result == INFLATE_FULL && !s.streaming) {
    const length = s.messageLength + (z.to - z.base - had);
    if (s.messageMax && length > <u64>s.messageMax) return ErrorCode.TOO_BIG;
    const error = widen(s);
    if (error) return error;
    z = stream(s);
    bound(s, length);
    if (!s.streaming) result = inflate(z);
  }
  if (result == INFLATE_BAD) return ErrorCode.DEFLATE;
  const c = incoming(s);
  const taken = z.from - <u32>at;
  // The output is full, and bits of the last byte are still to come.
  const again = u32(result == INFLATE_FULL && taken == take);
  c.again = again;
  c.taken = taken - again;
  const made = z.to - z.base - had;
  if (s.messageMax && s.messageLength + made > <u64>s.messageMax) return ErrorCode.TOO_BIG;
  if (last && result == INFLATE_MORE) {
    // The tail makes no output: it ends the empty block with which the message ended.
    z.from = <u32>changetype<usize>(c) + offsetof<Incoming>('tail');
    z.end = z.from + 4;
    z.limit = z.to + 1;
    if (inflate(z) != INFLATE_MORE || !inflateEnded(z)) return ErrorCode.DEFLATE;
    if (s.windowIn) {
      // What the window held itself lies in front of the message, as long as the block has room.
      const length = min<u64>(s.messageLength + made, WINDOW_MAX);
      const kept = min(z.to - z.base, <u32>length);
      windowAppend(s.windowIn, z.to - kept, kept);
    }
  }
  return made;
}

/** How many bytes of payload the last call took. */
export function inflateTaken(s: Session): u32 {
  return incoming(s).taken;
}

/** One past the last byte that was made. */
export function inflateEnd(s: Session): usize {
  return stream(s).to;
}
