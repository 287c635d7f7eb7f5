// A frame in the send queue, not masked yet → the same frame with a compressed payload. RFC 7692 6.1
// and 7.2.1.
//
//   sendBegin   compressBegin decides, and takes the block for the compressed bytes
//   sendEnd     compressEnd: window + payload ─► deflate ─► block ─► into the queue, shorter
//
// A message that would not shrink stays as it is. One whose first fragment was compressed goes on
// that way: its fragments share one RSV1.

import { ErrorCode, Opcode, Option, SEND_MORE, SEND_PLAIN } from '../abi';
import { copyBytes } from '../memory';
import { BLOCK_MAX_BYTES, DEFLATE } from '../profile';
import { headerSize, headerWrite, RSV1 } from '../protocol/frame';
import { arenaGive, arenaTake, Use } from '../session/arena';
import { masks, queueTrim } from '../session/queue';
import { optionDefault, pool, Session } from '../session/session';
import { deflate } from './deflate';
import { DEFLATE_NOW } from './incoming';
import { DEFLATE_BITS, windowAppend, windowFirst, windowHeld } from './windows';

/** By how much `bytes` may grow when they are stored, block by block, and flushed. */
// @ts-ignore: decorator
@inline
export function growth(bytes: u32): u32 {
  return (bytes >> 7) + 16;
}

/** What a queue keeps free behind the longest payload. */
export const GROWTH_MAX: u32 = DEFLATE ? (BLOCK_MAX_BYTES >> 7) + 16 : 0;

/**
 * Decides whether a frame is compressed.
 *
 * @param kind its opcode; of a data frame with SEND_MORE and SEND_PLAIN
 * @param bytes its payload
 * @returns the bytes beside its payload that the queue is to hold, or ErrorCode.MEMORY
 */
export function compressBegin(s: Session, kind: i32, bytes: u32): i32 {
  const p = pool();
  compressCancel();
  p.sendKind = kind;
  if (!s.deflateOut || kind >> 3 == 1) return 0;
  const goesOn = (kind & 15) == Opcode.CONTINUATION;
  if (goesOn) {
    if (!(s.deflateOut & DEFLATE_NOW)) return 0;
  } else {
    s.deflateOut &= <u8>~DEFLATE_NOW;
    if (kind & SEND_PLAIN || bytes < optionDefault(Option.DEFLATE_THRESHOLD) || !bytes) return 0;
  }
  const extra = growth(bytes);
  p.sendDeflated = <u32>arenaTake(bytes + extra, Use.OUT);
  if (!goesOn) return 0;
  return p.sendDeflated ? extra : ErrorCode.MEMORY;
}

/** Gives back what compressBegin took, if anything. */
export function compressCancel(): void {
  const p = pool();
  arenaGive(p.sendDeflated, Use.OUT);
  p.sendDeflated = 0;
}

/**
 * Puts a compressed payload into the room that sendBegin made, if compressBegin decided so.
 *
 * @param from the payload: in that room, or elsewhere
 * @returns false when it is to go as it is
 */
export function compressEnd(s: Session, from: usize): bool {
  const p = pool();
  const block: usize = p.sendDeflated;
  if (!block) return false;
  const bytes = p.sendLength;
  const more = p.sendKind & SEND_MORE;
  const begins = (p.sendKind & 15) != Opcode.CONTINUATION;
  // A message is sent compressed only if it shrinks, a fragment of one at any length.
  const most = begins ? bytes - 1 : bytes + growth(bytes);
  const end = compress(s, from, bytes, block, block + most, more != 0);
  if (end) {
    const length = <u32>(end - block);
    const masked = masks(s);
    if (s.windowOut) windowAppend(s.windowOut, from, bytes);
    const header = <usize>p.sendPayload - headerSize(bytes, masked);
    // The key stands where the header ends, whatever its length.
    let b0: u32 = load<u8>(header);
    if (begins) b0 |= RSV1;
    if (more) s.deflateOut |= <u8>DEFLATE_NOW;
    const to = headerWrite(header, b0, length, masked, p.sendKey);
    queueTrim(s, copyBytes(to, block, length));
    p.sendPayload = <u32>to;
    p.sendLength = length;
  }
  compressCancel();
  return end != 0;
}

/** Compresses a payload behind the session's context, if that is kept and there is memory to join the two. */
function compress(
  s: Session,
  from: usize,
  bytes: u32,
  to: usize,
  limit: usize,
  flush: bool,
): usize {
  const window: u32 = s.windowOut;
  const held: u32 = window ? windowHeld(window) : 0;
  const joined: usize = held ? arenaTake(held + bytes, Use.OUT) : 0;
  let base = from;
  if (joined) {
    base = joined;
    const rest = copyBytes(joined, windowFirst(window), held);
    copyBytes(rest, from, bytes);
    from = rest;
  }
  const level: i32 = optionDefault(Option.DEFLATE_LEVEL);
  const bits: i32 = s.deflateOut & DEFLATE_BITS;
  const end = deflate(base, from, from + bytes, to, limit, level, bits, flush);
  arenaGive(joined, Use.OUT);
  return end;
}
