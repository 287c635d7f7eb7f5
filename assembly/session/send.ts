// A payload → a frame in the send queue. RFC 6455 5.2, 5.4 and 6.1.
//
//   limpet_send           the payload lies in linear memory: copied
//   limpet_send_begin     the host writes the payload into the queue itself, then limpet_send_end
//   limpet_send_external  the payload stays with the host; only the header is queued (servers)
//
// Data frames obey the queue's limits. Control frames do not: they are never dropped.

import { ErrorCode, FullPolicy, Opcode, Sent, SEND_MORE, State } from '../abi';
import { copyBytes, stats } from '../memory';
import { CONTROL_MAX, FIN, HEADER_MAX, headerSize } from '../protocol/frame';
import { unmask } from '../protocol/mask';
import { CLIENT } from '../profile';
import { Use } from './arena';
import { closeBegin } from './ending';
import { masks, queueExternal, queueFrame, queueMark, RESERVE_MAX } from './queue';
import { count, DIRECTION_OUT, pool, Session } from './session';

/** The longest payload that is copied into a queue. */
export const SEND_MAX: u32 = RESERVE_MAX - HEADER_MAX;

/** Whether a kind is one of a control frame. */
// @ts-ignore: decorator
@inline
function isControl(kind: i32): bool {
  return kind >> 3 == 1;
}

/**
 * Whether a frame may be queued now.
 *
 * @param kind an Opcode, data opcodes with SEND_MORE if fragments follow
 * @param bytes its payload
 * @returns Sent.OK, Sent.DROPPED or an ErrorCode
 */
function admit(s: Session, kind: i32, bytes: u32): i32 {
  // RFC 6455 5.5.1 forbids data behind a Close frame; 5.5.2 asks for pongs until the peer's has come.
  const last = kind == Opcode.PONG ? State.CLOSING : State.OPEN;
  if (s.state < State.OPEN || s.state > last) return ErrorCode.STATE;
  if (kind == Opcode.PING || kind == Opcode.PONG) {
    return bytes <= CONTROL_MAX ? Sent.OK : ErrorCode.ARGUMENT;
  }
  const opcode = kind & ~SEND_MORE;
  if (<u32>opcode > <u32>Opcode.BINARY) return ErrorCode.ARGUMENT;
  // RFC 6455 5.4: "The fragments of one message MUST NOT be interleaved".
  if ((opcode == Opcode.CONTINUATION) != s.sending) return ErrorCode.STATE;
  const size = headerSize(bytes, masks(s)) + bytes;
  if (size <= s.queueMax && s.queued <= s.queueMax - size) return Sent.OK;
  // The queue has no room for a data frame: the session's policy.
  stats().queueFull += 1;
  const policy = s.fullPolicy;
  // A message of which one fragment is dropped would be another message.
  if (policy == FullPolicy.DROP) return opcode && kind == opcode ? Sent.DROPPED : ErrorCode.FULL;
  if (policy != FullPolicy.REFUSE)
    closeBegin(s, policy == FullPolicy.CLOSE_1008 ? 1008 : 1013, 0, 0);
  return ErrorCode.FULL;
}

/**
 * Queues a frame with room for its payload, or without.
 *
 * @param kind an Opcode, data opcodes with SEND_MORE if fragments follow
 * @param bytes payload
 * @param room bytes of it that the queue is to hold: all or none
 * @returns where the payload goes, Sent.DROPPED, or an ErrorCode
 */
function enqueue(s: Session, kind: i32, bytes: u32, room: u32): i32 {
  const answer = admit(s, kind, bytes);
  if (answer) return answer;
  if (room > SEND_MAX) return ErrorCode.ARGUMENT;
  const more = kind & SEND_MORE;
  const control = isControl(kind);
  const use = control ? Use.CONTROL : Use.OUT;
  const payload = queueFrame(s, more ? kind ^ SEND_MORE : kind | FIN, bytes, room, use);
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
  const payload = enqueue(s, kind, bytes, bytes);
  const p = pool();
  p.sendLength = 0;
  if (payload > Sent.DROPPED) {
    p.sendPayload = <u32>payload;
    p.sendLength = bytes;
  }
  return payload;
}

/** Ends what sendBegin began: masks the payload of a client. Sent.OK or Sent.BACKPRESSURE. */
export function sendEnd(s: Session): i32 {
  if (CLIENT) {
    const p = pool();
    if (p.sendKey) unmask(p.sendPayload, p.sendPayload, p.sendLength, p.sendKey);
    p.sendLength = 0;
  }
  return queueMark(s);
}

/** Queues a frame with a copy of the payload at `p`. Sent or ErrorCode. */
export function send(s: Session, kind: i32, p: usize, bytes: u32): i32 {
  const payload = sendBegin(s, kind, bytes);
  if (payload <= Sent.DROPPED) return payload;
  copyBytes(payload, p, bytes);
  return sendEnd(s);
}

/** Queues the header of a frame whose payload the host writes itself. Sent or ErrorCode. */
export function sendExternal(s: Session, kind: i32, bytes: u32): i32 {
  if (masks(s) || isControl(kind)) return ErrorCode.STATE;
  const payload = enqueue(s, kind, bytes, 0);
  if (payload <= Sent.DROPPED) return payload;
  queueExternal(s, bytes);
  return queueMark(s);
}
