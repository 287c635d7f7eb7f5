// One whole message for many sessions → a frame in a log for each way to write it → a reference in
// each queue. RFC 6455 5.2; RFC 7692 7.2.1.
//
//   frame 0          the payload as it is
//   frames 1 to 8    compressed without context, over a window of 2^8 to 2^15 bytes
//
// A frame is made when the first session comes that takes it, in the log of its class; of a message
// that is kept (see prepared.ts), in one of its own. Compressed
// bytes without context are right behind any: the sender's context is a permission, RFC 7692 7.1.1;
// and a message that is shorter than a session's window needs no more window than its length, so
// that short ones are compressed once for all. A client masks each frame with a key of its own, RFC 6455 5.3: it gets a
// copy, as limpet_send makes it, and so does a session when no log has a block.

import { ErrorCode, Option, SEND_PLAIN, State } from '../abi';
import { deflate } from '../deflate/deflate';
import { compressCancel } from '../deflate/outgoing';
import { DEFLATE_BITS, windowAppend } from '../deflate/windows';
import { copyBytes, HUB_STATE, stats } from '../memory';
import { ARENA_BYTES, DEFLATE } from '../profile';
import { FIN, headerSize, headerWrite, RSV1 } from '../protocol/frame';
import { arenaTrim, Use } from '../session/arena';
import { Log, logAlone, LOG_CLASSES, logRelease, logWith } from '../session/log';
import { masks, queueMark, queueRefer } from '../session/queue';
import { admit, full, send } from '../session/send';
import { countMany, countOut, optionDefault, pool, Session } from '../session/session';
import { PUBLISH_STATE } from './layout';


@unmanaged
class Frame {
  /** The log that it lies in, 0 = not made yet. */
  log: u32;
  from: u32;
  to: u32;
}


@unmanaged
class Shared {
  // the PublishRecord (see publish.ts)
  delivered: u32;
  over: u32;
  dropped: u32;
  flush: u32;
  /** The payload, and its length. */
  from: u32;
  bytes: u32;
  /** TEXT or BINARY, with SEND_PLAIN. */
  kind: i32;
  /** Bytes of frame 0. */
  size: u32;
  /** The frame whose window covers the message, 0 = it is not compressed. */
  covers: u32;
  /** Sessions that refer to a frame. */
  references: u32;
  /** The log in which payloadReserve left room, 0 = none. */
  held: u32;
  /** The number of the last publication. */
  number: u32;
  /** Publications that wait to be written. */
  waiting: u32;
  /** 1 while a prepared message is sent: each frame has a log of its own. */
  alone: u32;
  // then the frames
}

const FRAMES: usize = HUB_STATE + PUBLISH_STATE + 56;
const FRAME_BYTES: u32 = 12;
/** Frame n compresses over 2^(n + 7) bytes. */
const WINDOW_BITS_BEFORE: u32 = 7;

// @ts-ignore: decorator
@inline
export function shared(): Shared {
  return changetype<Shared>(HUB_STATE + PUBLISH_STATE);
}

// @ts-ignore: decorator
@inline
export function frameAt(number: u32): Frame {
  return changetype<Frame>(FRAMES + number * FRAME_BYTES);
}

/** Begins a message; framesEnd comes in the same call into the module. */
export function framesBegin(kind: i32, from: usize, bytes: u32): void {
  const m = shared();
  m.from = <u32>from;
  m.bytes = bytes;
  m.kind = kind;
  m.size = headerSize(bytes, false) + bytes;
  if (!DEFLATE) return;
  // What limpet_send_begin left is not to be compressed in place any more.
  compressCancel();
  m.covers = 0;
  if (kind & SEND_PLAIN || !bytes || bytes < optionDefault(Option.DEFLATE_THRESHOLD)) return;
  m.covers = min(max(32 - clz(bytes - 1), 8), 15) - WINDOW_BITS_BEFORE;
}

/** The frame that a session takes of the message under way. */
// @ts-ignore: decorator
@inline
export function frameNumber(s: Session): u32 {
  if (!DEFLATE || !s.deflateOut) return 0;
  return min((s.deflateOut & DEFLATE_BITS) - WINDOW_BITS_BEFORE, shared().covers);
}

/** Queues the message for a session. Sent or ErrorCode, as limpet_send answers. */
export function framesSend(s: Session): i32 {
  const m = shared();
  if (masks(s)) return send(s, m.kind, m.from, m.bytes);
  if (s.state != State.OPEN || s.sending || s.queued + m.size > s.queueMax) {
    return admit(s, m.kind, m.bytes);
  }
  // Who does not read keeps what was published from being forgotten, for all: not when memory is short.
  if (s.over && stats().arenaUsed > <u32>ARENA_BYTES / 2) return full(s, 1);
  const number = frameNumber(s);
  let frame = frameAt(number);
  if (!frame.log) {
    frame = frameMake(number);
    if (!frame.log) return send(s, m.kind, m.from, m.bytes);
  }
  if (!queueRefer(s, changetype<Log>(<usize>frame.log), frame.from, frame.to)) {
    return ErrorCode.MEMORY;
  }
  if (DEFLATE && s.windowOut && frame.log != frameAt(0).log) {
    windowAppend(s.windowOut, m.from, m.bytes);
  }
  m.references += 1;
  countOut(s, m.bytes);
  return queueMark(s);
}

/** Makes a frame, or answers frame 0 instead of one that would not shrink; its log is 0 when there is no block. */
function frameMake(number: u32): Frame {
  const m = shared();
  const frame = frameAt(number);
  const log = logFor(number);
  if (frameFill(frame, number, log)) return frame;
  const plain = frameAt(0);
  // A message that is kept is compressed when there is a block another time.
  if (!number || (m.alone && !changetype<usize>(log))) return plain;
  // From here on it stands for frame 0.
  if (!plain.log) frameFill(plain, 0, logFor(0));
  frame.log = plain.log;
  frame.from = plain.from;
  frame.to = plain.to;
  // Without a block for either nothing is compressed for nothing again.
  if (!plain.log) m.covers = 0;
  return frame;
}

/** A log with room for a frame, or 0. */
function logFor(number: u32): Log {
  const m = shared();
  return m.alone ? logAlone(m.size) : logWith(number, m.size);
}

/** Writes a frame into a log; false when there is none, or it would not shrink. */
function frameFill(frame: Frame, number: u32, log: Log): bool {
  if (!changetype<usize>(log)) return false;
  log.references += 1;
  const end = frameWrite(log.end, number);
  if (!end) {
    logRelease(log);
    return false;
  }
  frame.log = <u32>changetype<usize>(log);
  frame.from = log.end;
  frame.to = log.end = <u32>end;
  if (shared().alone)
    arenaTrim(changetype<usize>(log), <u32>(end - changetype<usize>(log)), Use.OUT);
  return true;
}

/** Writes a frame where a log has room for it; one past its end, or 0 when it would not shrink. */
export function frameWrite(at: usize, number: u32): usize {
  const m = shared();
  const from = <usize>m.from;
  const bytes = m.bytes;
  const b0 = FIN | (m.kind & 15);
  if (!DEFLATE || !number) {
    const to = headerWrite(at, b0, bytes, false, 0);
    if (to != from) copyBytes(to, from, bytes);
    m.from = <u32>to;
    return to + bytes;
  }
  const to = at + headerSize(bytes, false);
  const level: i32 = optionDefault(Option.DEFLATE_LEVEL);
  const bits = number + WINDOW_BITS_BEFORE;
  const end = deflate(from, from, from + bytes, to, to + bytes - 1, level, bits, false);
  if (!end) return 0;
  const length = <u32>(end - to);
  return copyBytes(headerWrite(at, b0 | RSV1, length, false, 0), to, length);
}

/** Counts what was queued. */
export function framesCounted(): void {
  const m = shared();
  countMany(m.references, m.bytes);
  m.references = 0;
}

/** Ends what framesBegin began. */
export function framesEnd(): void {
  framesCounted();
  const plain = frameAt(0).log;
  for (let number: u32 = 0; number < LOG_CLASSES; number++) {
    const frame = frameAt(number);
    const log: usize = frame.log;
    frame.log = 0;
    if (log && (!number || log != plain)) logRelease(changetype<Log>(log));
  }
  payloadRelease();
}

/**
 * Keeps room for a frame and its payload at the end of the log of frames that are not compressed.
 * What is written there needs no copy when it is sent from there.
 *
 * @returns where the payload goes, good until framesEnd or the next call; or ErrorCode.MEMORY
 */
export function payloadReserve(bytes: u32): i32 {
  payloadRelease();
  const header = headerSize(bytes, false);
  const log = logWith(0, header + bytes);
  if (!changetype<usize>(log)) return ErrorCode.MEMORY;
  log.references += 1;
  shared().held = <u32>changetype<usize>(log);
  return <i32>(log.end + header);
}

/** Gives back what payloadReserve kept, if it did. */
export function payloadRelease(): void {
  const m = shared();
  if (m.held) logRelease(changetype<Log>(<usize>m.held));
  m.held = 0;
}
