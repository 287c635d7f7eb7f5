// A payload → a frame in the send queue. RFC 6455 5.2, 5.4 and 6.1.
//
//   limpet_send           the payload lies in linear memory: copied
//   limpet_send_begin     the host writes the payload into the queue itself, then limpet_send_end
//   limpet_send_external  the payload stays with the host; only the header is queued (servers)
//
// Data frames obey the queue's limits. Control frames do not: they are never dropped.

import { ErrorCode, FullPolicy, Opcode, Sent, SEND_MORE, SEND_PLAIN, State } from '../abi';
import { compressBegin, compressCancel, compressEnd, GROWTH_MAX } from '../deflate/outgoing';
import { copyBytes, stats } from '../memory';
import { CLIENT, DEFLATE } from '../profile';
import { CONTROL_MAX, FIN, HEADER_MAX, headerSize } from '../protocol/frame';
import { unmask } from '../protocol/mask';
import { RESERVE_MAX, Use } from './arena';
import { closeBegin } from './ending';
import { masks, queueExternal, queueFrame, queueMark } from './queue';
import { count, DIRECTION_OUT, pool, Session } from './session';

/** The longest payload that is copied into a queue. */
export const SEND_MAX: u32 = RESERVE_MAX - HEADER_MAX - GROWTH_MAX;

/** Whether a kind is one of a control frame. */
// @ts-ignore: decorator
@inline
function isControl(kind: i32): bool {
  return kind >> 3 == 1;
}

/**
 * Whether a frame may be queued now.
 *
 * @param kind an Opcode, data opcodes with SEND_MORE if fragments follow, or SEND_PLAIN
 * @param bytes its payload
 * @returns Sent.OK, Sent.DROPPED or an ErrorCode
 */
export function admit(s: Session, kind: i32, bytes: u32): i32 {
  // RFC 6455 5.5.1 forbids data behind a Close frame; 5.5.2 asks for pongs until the peer's has come.
  const last = kind == Opcode.PONG ? State.CLOSING : State.OPEN;
  if (s.state < State.OPEN || s.state > last) return ErrorCode.STATE;
  if (kind == Opcode.PING || kind == Opcode.PONG) {
    return bytes <= CONTROL_MAX ? Sent.OK : ErrorCode.ARGUMENT;
  }
  const opcode = kind & ~(SEND_MORE | SEND_PLAIN);
  if (<u32>opcode > <u32>Opcode.BINARY) return ErrorCode.ARGUMENT;
  // RFC 6455 5.4: "The fragments of one message MUST NOT be interleaved".
  if ((opcode == Opcode.CONTINUATION) != s.sending) return ErrorCode.STATE;
  const size = headerSize(bytes, masks(s)) + bytes;
  if (size <= s.queueMax && s.queued <= s.queueMax - size) return Sent.OK;
  // A message of which one fragment is dropped would be another message.
  return full(s, opcode && !(kind & SEND_MORE));
}

/**
 * The queue has no room for a data frame: the session's policy.
 *
 * @param whole whether it is a whole message
 * @returns Sent.DROPPED or ErrorCode.FULL
 */
export function full(s: Session, whole: i32): i32 {
  stats().queueFull += 1;
  const policy = s.fullPolicy;
  if (policy == FullPolicy.DROP) return whole ? Sent.DROPPED : ErrorCode.FULL;
  if (policy != FullPolicy.REFUSE)
    closeBegin(s, policy == FullPolicy.CLOSE_1008 ? 1008 : 1013, 0, 0);
  return ErrorCode.FULL;
}

/**
 * Queues an admitted frame with room for its payload, or without.
 *
 * @param kind as in admit
 * @param bytes payload
 * @param room bytes that the queue is to hold of it: none, or all and what it may grow by
 * @returns where the payload goes, or ErrorCode.MEMORY
 */
function enqueue(s: Session, kind: i32, bytes: u32, room: u32): i32 {
  const more = kind & SEND_MORE;
  const control = isControl(kind);
  const use = control ? Use.CONTROL : Use.OUT;
  const payload = queueFrame(s, (kind & 15) | (more ? 0 : FIN), bytes, room, use);
  if (!payload) return ErrorCode.MEMORY;
  if (!control) {
    s.sending = more != 0;
    count(s, DIRECTION_OUT, bytes, !more);
  }
  return <i32>payload;
}

/**
 * Queues a frame with room for its payload; sendEnd comes next.
 *
 * @returns where the payload goes, Sent.DROPPED, or an ErrorCode
 */
export function sendBegin(s: Session, kind: i32, bytes: u32): i32 {
  const p = pool();
  p.sendLength = 0;
  const answer = admit(s, kind, bytes);
  if (answer) return answer;
  if (bytes > SEND_MAX) return ErrorCode.ARGUMENT;
  let room = bytes;
  if (DEFLATE) {
    const extra = compressBegin(s, kind, bytes);
    if (extra < 0) return extra;
    room += extra;
  }
  let payload = enqueue(s, kind, bytes, room);
  if (DEFLATE && payload < 0 && room == bytes) {
    // The block for the compressed bytes may be what is missing.
    compressCancel();
    payload = enqueue(s, kind, bytes, bytes);
  }
  if (payload > 0) {
    p.sendPayload = <u32>payload;
    p.sendLength = bytes;
  } else if (DEFLATE) {
    compressCancel();
  }
  return payload;
}

/**
 * Ends what sendBegin began with the payload at `from`: compresses it, or lays it there if it is
 * not; masks it for a client. Sent.OK or Sent.BACKPRESSURE.
 */
function sendFrom(s: Session, from: usize): i32 {
  const p = pool();
  if ((!DEFLATE || !compressEnd(s, from)) && from != p.sendPayload) {
    copyBytes(p.sendPayload, from, p.sendLength);
  }
  if (CLIENT) {
    if (p.sendKey) unmask(p.sendPayload, p.sendPayload, p.sendLength, p.sendKey);
    p.sendLength = 0;
  }
  return queueMark(s);
}

/** Ends what sendBegin began: the payload is where it said. Sent.OK or Sent.BACKPRESSURE. */
export function sendEnd(s: Session): i32 {
  return sendFrom(s, pool().sendPayload);
}

/** Queues a frame with a copy of the payload at `p`. Sent or ErrorCode. */
export function send(s: Session, kind: i32, p: usize, bytes: u32): i32 {
  const payload = sendBegin(s, kind, bytes);
  return payload <= Sent.DROPPED ? payload : sendFrom(s, p);
}

/** Queues the header of a frame whose payload the host writes itself. Sent or ErrorCode. */
export function sendExternal(s: Session, kind: i32, bytes: u32): i32 {
  if (masks(s) || isControl(kind)) return ErrorCode.STATE;
  const answer = admit(s, kind, bytes);
  if (answer) return answer;
  if (DEFLATE && compressBegin(s, kind, 0)) {
    // The message was begun compressed: its fragments have to be, too.
    compressCancel();
    return ErrorCode.STATE;
  }
  const payload = enqueue(s, kind, bytes, 0);
  if (payload < 0) return payload;
  queueExternal(s, bytes);
  return queueMark(s);
}
