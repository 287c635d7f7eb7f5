// A payload → a frame in the send queue. RFC 6455 5.2, 5.4 and 6.1.
//
//   limpet_send           the payload lies in linear memory: copied
//   limpet_send_begin     the host writes the payload into the queue itself, then limpet_send_end
//   limpet_send_external  the payload stays with the host; only the header is queued (servers)
//
// Data frames obey the queue's limits. Control frames do not: they are never dropped.

import { ErrorCode, FullPolicy, Opcode, Role, Sent, SEND_MORE, State } from '../abi';
import { copyBytes, stats } from '../memory';
import { CLIENT } from '../profile';
import { maskKeyNext } from '../protocol/entropy';
import { CONTROL_MAX, FIN, HEADER_MAX, headerSize, headerWrite } from '../protocol/frame';
import { unmask } from '../protocol/mask';
import { Use } from './arena';
import { closeBegin } from './ending';
import { queueExternal, queueMark, queueReserve, RESERVE_MAX } from './queue';
import { Flag, pool, Session } from './session';
import { timerSet } from './timers';

/** The longest payload that is copied into a queue. */
export const SEND_MAX: u32 = RESERVE_MAX - HEADER_MAX;

// @ts-ignore: decorator
@inline
function masks(s: Session): bool {
  return CLIENT && s.role == Role.CLIENT;
}

/**
 * Whether a frame may be queued now.
 *
 * @param kind an Opcode, data opcodes with SEND_MORE if fragments follow
 * @param bytes its payload
 * @returns Sent.OK, Sent.DROPPED or an ErrorCode
 */
function admit(s: Session, kind: i32, bytes: u32): i32 {
  if (s.state != State.OPEN) return ErrorCode.STATE;
  if (kind == Opcode.PING || kind == Opcode.PONG) {
    return bytes <= CONTROL_MAX ? Sent.OK : ErrorCode.ARGUMENT;
  }
  const opcode = kind & ~SEND_MORE;
  if (<u32>opcode > <u32>Opcode.BINARY) return ErrorCode.ARGUMENT;
  // RFC 6455 5.4: "The fragments of one message MUST NOT be interleaved".
  const continues = opcode == Opcode.CONTINUATION;
  if (continues != ((s.flags & Flag.SENDING) != 0)) return ErrorCode.STATE;
  const size = headerSize(bytes, masks(s)) + bytes;
  if (size <= s.queueMax && s.queued <= s.queueMax - size) return Sent.OK;
  const answer = refuse(s);
  // A message of which one fragment is dropped would be another message.
  const whole = !continues && kind == opcode;
  return answer == Sent.DROPPED && !whole ? ErrorCode.FULL : answer;
}

/** The queue has no room for a data frame: the session's policy. */
function refuse(s: Session): i32 {
  stats().queueFull += 1;
  switch (s.fullPolicy) {
    case FullPolicy.DROP:
      return Sent.DROPPED;
    case FullPolicy.CLOSE_1008: {
      closeBegin(s, 1008, 0, 0);
      return ErrorCode.FULL;
    }
    case FullPolicy.CLOSE_1013: {
      closeBegin(s, 1013, 0, 0);
      return ErrorCode.FULL;
    }
    default:
      return ErrorCode.FULL;
  }
}

/** Counts a queued frame and notes whether a fragmented message is open. */
function sent(s: Session, kind: i32, bytes: u32): void {
  if (kind >= Opcode.CLOSE && kind < SEND_MORE) return;
  const st = stats();
  s.bytesOut += bytes;
  st.bytesOut += bytes;
  if (kind & SEND_MORE) {
    s.flags |= Flag.SENDING;
    return;
  }
  s.flags &= ~Flag.SENDING;
  s.messagesOut += 1;
  st.messagesOut += 1;
}

/** SEND_* kind → the first byte of the frame. */
// @ts-ignore: decorator
@inline
function firstByte(kind: i32): u32 {
  return kind & SEND_MORE ? kind & ~SEND_MORE : FIN | kind;
}

/**
 * Queues a frame with room for its payload.
 *
 * @param kind an Opcode, data opcodes with SEND_MORE if fragments follow
 * @param bytes payload, at most SEND_MAX
 * @returns where the payload goes, 0 when it was dropped, or an ErrorCode
 */
export function sendBegin(s: Session, kind: i32, bytes: u32): i32 {
  const answer = admit(s, kind, bytes);
  if (answer != Sent.OK) return answer == Sent.DROPPED ? 0 : answer;
  const masked = masks(s);
  const head = headerSize(bytes, masked);
  if (bytes > SEND_MAX) return ErrorCode.ARGUMENT;
  const control = kind >= Opcode.CLOSE && kind < SEND_MORE;
  const at = queueReserve(s, head + bytes, control ? Use.CONTROL : Use.OUT);
  if (!at) return ErrorCode.MEMORY;
  const p = pool();
  const key: u32 = masked ? maskKeyNext() : 0;
  const payload = headerWrite(at, firstByte(kind), bytes, masked, key);
  p.sendKey = key;
  p.sendPayload = <u32>payload;
  p.sendLength = bytes;
  sent(s, kind, bytes);
  return <i32>payload;
}

/** Ends what sendBegin began: masks the payload of a client. Sent.OK or Sent.BACKPRESSURE. */
export function sendEnd(s: Session): i32 {
  if (CLIENT) {
    const p = pool();
    if (p.sendKey) unmask(p.sendPayload, p.sendPayload, p.sendLength, p.sendKey);
    p.sendKey = 0;
  }
  return queueMark(s);
}

/** Queues a frame with a copy of the payload at `p`. Sent or ErrorCode. */
export function send(s: Session, kind: i32, p: usize, bytes: u32): i32 {
  const payload = sendBegin(s, kind, bytes);
  if (payload <= 0) return payload == 0 ? Sent.DROPPED : payload;
  copyBytes(payload, p, bytes);
  return sendEnd(s);
}

/** Queues the header of a frame whose payload the host writes itself. Sent or ErrorCode. */
export function sendExternal(s: Session, kind: i32, bytes: u32): i32 {
  if (masks(s) || (kind >= Opcode.CLOSE && kind < SEND_MORE)) return ErrorCode.STATE;
  const answer = admit(s, kind, bytes);
  if (answer != Sent.OK) return answer;
  const head = headerSize(bytes, false);
  const at = queueReserve(s, head, Use.OUT);
  if (!at) return ErrorCode.MEMORY;
  headerWrite(at, firstByte(kind), bytes, false, 0);
  queueExternal(s, bytes);
  sent(s, kind, bytes);
  return queueMark(s);
}

/** Queues a ping or pong of the core's own. Nothing is queued when the arena is empty to the last block. */
export function sendControl(s: Session, opcode: Opcode, p: usize, bytes: u32): void {
  send(s, opcode, p, bytes);
}

/** Sends the keep-alive ping: empty, RFC 6455 5.5.2 permits it. */
export function sendKeepAlive(s: Session): void {
  s.flags |= Flag.PINGED;
  s.markedAt = pool().clock;
  send(s, Opcode.PING, 0, 0);
  timerSet(s);
}
