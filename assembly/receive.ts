// Bytes of one read → events. The pump; read this first.
//
//   limpet_rx ─► HANDSHAKE   http/handshake.ts gathers and judges the head
//             ─► PENDING     bytes behind the head are held until the host has decided
//             ─► OPEN        frames(): header ─► control frame ─► ping, pong, close
//                                             └► data frame ─► in place, gathered or streamed
//             ─► ENDING      discarded
//
// A message that lies whole in the ingress region is unmasked where it lies and delivered from
// there. Any other is gathered in an arena block, or, past what a block holds, streamed from the
// ingress region as it comes. RFC 6455 5 and 6.2.

import { Delivery, ErrorCode, EventFlag, EventKind, EventRecord, Opcode, State } from './abi';
import { handshakeRead, holdRead, holdRoom } from './http/handshake';
import { copyBytes, stats } from './memory';
import { BLOCK_MAX_BYTES, EVENTS, INGRESS_BYTES } from './profile';
import {
  CONTROL_MAX,
  FIN,
  headerKey,
  headerLength,
  headerPayload,
  headerRefuse,
} from './protocol/frame';
import { keyAfter, unmask } from './protocol/mask';
import { UTF8_COMPLETE, UTF8_REJECT, utf8Check } from './protocol/utf8';
import { arenaBytes, arenaGive, arenaTake, Use } from './session/arena';
import { closeCame, fail } from './session/ending';
import { eventPush, eventRelease, eventRoom, EVENTS_PER_FRAME, eventWord } from './session/events';
import { queueTakesPong } from './session/queue';
import { sendControl } from './session/send';
import {
  Flag,
  PHASE_CONTROL,
  PHASE_DATA,
  PHASE_FAILED,
  PHASE_HEADER,
  pool,
  Session,
} from './session/session';

/** The least that is taken for a gathered message at once; it doubles as bytes come. */
const GATHER_MIN: u64 = 1024;

/**
 * Feeds bytes to a session.
 *
 * @param s the session
 * @param p the bytes; they are overwritten by the unmasked payload
 * @param n how many
 * @returns how many were taken. Fewer than `n`: the event ring is full, the session is paused, or
 *   it waits for its send queue (limpet_rx_room says 0 in the last two cases)
 */
export function receive(s: Session, p: usize, n: i32): i32 {
  const end = p + n;
  let at = p;
  if (n) s.activeAt = pool().clock;
  if (s.paused && s.state == State.OPEN) return 0;
  if (s.hold && s.state != State.PENDING && !releaseHold(s)) return 0;
  // A head may be followed by frames in the same read: go on as long as the state changes.
  while (true) {
    const state = s.state;
    if (state == State.OPEN || state == State.CLOSING) {
      at = frames(s, at, end);
    } else if (state == State.HANDSHAKE) {
      at = handshakeRead(s, at, end);
    } else if (state == State.PENDING) {
      return <i32>(holdRead(s, at, end) - p);
    } else {
      return n;
    }
    if (s.state == state) return <i32>(at - p);
  }
}

/** Bytes that a session takes now, 0 to INGRESS_BYTES. */
export function receiveRoom(s: Session): i32 {
  if (s.state == State.PENDING) return holdRoom(s);
  if (s.state == State.OPEN && (s.paused || (s.flags & Flag.BLOCKED && !queueTakesPong(s)))) {
    return 0;
  }
  return INGRESS_BYTES;
}

/** Feeds the bytes that were held behind the head; false when some had to stay. */
function releaseHold(s: Session): bool {
  const block = <usize>s.hold;
  const from = block + s.holdFrom;
  const end = block + s.holdTo;
  if (eventRoom() < EVENTS_PER_FRAME) return false;
  // A session that ends gives `hold` back at once, but events may point into this block.
  s.hold = 0;
  const at = s.state == State.OPEN || s.state == State.CLOSING ? frames(s, from, end) : end;
  if (at < end) {
    s.hold = <u32>block;
    s.holdFrom = <u32>(at - block);
    return false;
  }
  eventRelease(s, block);
  return true;
}

/**
 * Runs the frame parser over `at`..`end`; returns how far it came.
 *
 * A frame that makes the core answer (ping, close, a broken rule) waits until the events before it
 * are acknowledged: the application's replies to earlier messages go out first, however the bytes
 * were cut into reads. The parser then stops in front of the frame, or of one byte that it has seen.
 */
function frames(s: Session, at: usize, end: usize): usize {
  while (true) {
    if (s.phase == PHASE_FAILED) {
      if (answersWait()) return at;
      fail(s, s.cause);
      return end;
    }
    if (at == end || eventRoom() < EVENTS_PER_FRAME) return at;
    if (s.phase == PHASE_HEADER) {
      const next = header(s, at, end);
      if (next == at) return at;
      at = next;
    }
    // A frame without payload is whole with its header.
    if (s.phase != PHASE_HEADER && s.phase != PHASE_FAILED && (at < end || !s.remaining)) {
      at = s.phase == PHASE_DATA ? data(s, at, end) : control(s, at, end);
    }
    // One byte is left for the call in which the failure is told.
    if (s.phase == PHASE_FAILED) at -= 1;
    if (s.state > State.CLOSING) return end;
  }
}

/** Whether events are not acknowledged yet: what the core would queue now could overtake replies to them. */
// @ts-ignore: decorator
@inline
function answersWait(): bool {
  return eventRoom() != EVENTS;
}

/** The peer broke a rule: nothing more is parsed. */
function failSoon(s: Session, error: i32): void {
  s.cause = error;
  s.phase = PHASE_FAILED;
}

/**
 * Takes a frame header, whole or in pieces, and judges it as soon as its first two bytes are here.
 *
 * @returns how far it came; `at` when the frame cannot be begun now
 */
function header(s: Session, at: usize, end: usize): usize {
  let have: u32 = s.headHave;
  if (have == 0 && end - at >= 2) {
    const length = headerLength(load<u8>(at, 1));
    if (end - at >= length) return begin(s, at, length) ? at + length : at;
  }
  const head = changetype<usize>(s) + offsetof<Session>('header0');
  while (at < end) {
    store<u8>(head + have, load<u8>(at));
    at += 1;
    have += 1;
    if (have < 2) continue;
    if (have == 2) {
      const error = headerRefuse(load<u8>(head), load<u8>(head, 1), s.role);
      if (error) {
        failSoon(s, error);
        return at;
      }
    }
    const length = headerLength(load<u8>(head, 1));
    if (have == length) {
      s.headHave = 0;
      if (begin(s, head, length)) return at;
      // Its last byte is taken when the frame can be begun.
      s.headHave = <u8>(have - 1);
      return at - 1;
    }
  }
  s.headHave = <u8>have;
  return at;
}

/**
 * Begins the frame whose header lies at `head`.
 *
 * @returns false when it has to wait: for the acknowledgement of events before it, or, a ping, for
 *   room in the send queue
 */
function begin(s: Session, head: usize, length: u32): bool {
  const b0: u32 = load<u8>(head);
  const opcode: i32 = b0 & 0x0f;
  let error = headerRefuse(b0, load<u8>(head, 1), s.role);
  const payload = headerPayload(head);
  if (!error && payload < 0) error = <i32>payload;
  if (!error && opcode <= Opcode.BINARY) {
    const continues = opcode == Opcode.CONTINUATION;
    if (continues && !s.messageOpcode) error = ErrorCode.CONTINUATION;
    else if (!continues && s.messageOpcode) error = ErrorCode.INTERLEAVED;
    else if (s.messageMax && s.messageLength + payload > <u64>s.messageMax)
      error = ErrorCode.TOO_BIG;
  }
  if (error) {
    failSoon(s, error);
    return true;
  }
  if (opcode == Opcode.CLOSE || (opcode == Opcode.PING && s.autoPong && s.state == State.OPEN)) {
    if (answersWait()) return false;
    if (opcode == Opcode.PING && !queueTakesPong(s)) {
      s.flags |= Flag.BLOCKED;
      return false;
    }
  }

  s.flags &= ~Flag.BLOCKED;
  s.opcode = <u8>opcode;
  s.maskKey = headerKey(head, length);
  s.remaining = payload;
  if (opcode > Opcode.BINARY) {
    s.phase = PHASE_CONTROL;
    s.controlHave = 0;
    return true;
  }
  s.phase = PHASE_DATA;
  let flags: u32 = s.flags & ~Flag.FIN;
  if (b0 & FIN) flags |= Flag.FIN;
  if (opcode != Opcode.CONTINUATION) {
    s.messageOpcode = <u8>opcode;
    flags = (flags & ~Flag.STREAMING) | Flag.BEGIN;
    if (s.delivery == Delivery.STREAM) flags |= Flag.STREAMING;
  }
  s.flags = flags;
  return true;
}

/** Takes payload of a data frame: in place, streamed or gathered. Returns how far it came. */
function data(s: Session, at: usize, end: usize): usize {
  const here: u64 = end - at;
  const take = <u32>min(s.remaining, here);
  const left = s.remaining - take;
  const ends = left == 0 && (s.flags & Flag.FIN) != 0;
  const inPlace =
    s.flags & Flag.STREAMING || s.state != State.OPEN || (ends && s.messageLength == 0);
  let to = at;
  if (!inPlace && take) {
    to = gatherRoom(s, take, left);
    // Past what a block holds the message goes on as a stream, or the session has failed.
    if (!to) {
      if (s.phase == PHASE_FAILED) return at + take;
      to = at;
    }
  }

  const bits = unmask(to, at, take, s.maskKey);
  if (s.messageOpcode == Opcode.TEXT && (bits || s.utf8)) {
    s.utf8 = <u8>utf8Check(s.utf8, to, take);
  }
  // RFC 6455 8.1: a text that ends inside a character is as wrong as one with a wrong byte.
  if (s.utf8 && (s.utf8 == UTF8_REJECT || ends)) {
    failSoon(s, ErrorCode.UTF8);
    return at + take;
  }
  s.maskKey = keyAfter(s.maskKey, take);
  s.remaining = left;
  s.messageLength += take;
  if (left == 0) s.phase = PHASE_HEADER;
  if (s.state == State.OPEN) {
    if (!(s.flags & Flag.STREAMING)) {
      if (ends) message(s, to);
    } else if (take || ends || s.flags & Flag.BEGIN) {
      chunk(s, to, take, left, ends);
    }
  }
  if (ends) messageReset(s);
  return at + take;
}

/** Delivers a whole message: the bytes at `at`, or the block they were added to. */
// @ts-ignore: decorator
@inline
function message(s: Session, at: usize): void {
  const block = <usize>s.block;
  const length = <u32>s.messageLength;
  const e = eventPush(
    s,
    eventWord(EventKind.MESSAGE, 0, s.messageOpcode),
    block ? block : at,
    length,
  );
  e.block = <u32>block;
  s.block = 0;
  count(s, length, true);
}

/** Delivers a piece of a streamed message. */
function chunk(s: Session, at: usize, n: u32, left: u64, ends: bool): EventRecord {
  let flags: u32 = s.flags & Flag.BEGIN ? EventFlag.BEGIN : 0;
  if (ends) flags |= EventFlag.END;
  const e = eventPush(s, eventWord(EventKind.CHUNK, flags, s.messageOpcode), at, n);
  e.remaining = <u32>min<u64>(left, u32.MAX_VALUE);
  s.flags &= ~Flag.BEGIN;
  count(s, n, ends);
  return e;
}

/** Counts payload bytes received and, at its end, the message. */
function count(s: Session, bytes: u32, ends: bool): void {
  const st = stats();
  s.bytesIn += bytes;
  st.bytesIn += bytes;
  if (ends) {
    s.messagesIn += 1;
    st.messagesIn += 1;
  }
}

/** The message is over: the parser is ready for the next one. */
// @ts-ignore: decorator
@inline
function messageReset(s: Session): void {
  s.messageOpcode = 0;
  s.messageLength = 0;
  if (s.block) {
    // Only a message that is not delivered any more (CLOSING) still has its block.
    arenaGive(s.block, Use.IN);
    s.block = 0;
  }
}

/**
 * Where `take` more bytes of the gathered message go.
 *
 * @param take bytes that are here
 * @param left bytes of the frame that will follow them
 * @returns the address; 0 when the message is a stream from now on, or the session has failed
 */
function gatherRoom(s: Session, take: u32, left: u64): usize {
  const length = s.messageLength;
  const need = length + take;
  if (s.block && need <= <u64>arenaBytes(s.block)) return <usize>s.block + <usize>length;
  // As much again as there is, but no more than is declared: memory follows the bytes that came.
  const want = max(need, min(need + left, max(2 * need, GATHER_MIN)));
  let block: usize = 0;
  if (need <= <u64>BLOCK_MAX_BYTES) {
    block = arenaTake(<u32>min<u64>(want, BLOCK_MAX_BYTES), Use.IN);
    if (!block) block = arenaTake(<u32>need, Use.IN);
  }
  const old = <usize>s.block;
  if (block) {
    if (old) {
      copyBytes(block, old, <usize>length);
      arenaGive(old, Use.IN);
    }
    s.block = <u32>block;
    return block + <usize>length;
  }
  if (s.delivery == Delivery.WHOLE) {
    failSoon(s, need > <u64>BLOCK_MAX_BYTES ? ErrorCode.TOO_BIG : ErrorCode.OVERLOAD);
    return 0;
  }
  s.flags |= Flag.STREAMING;
  if (old && s.state == State.OPEN) {
    s.block = 0;
    chunk(s, old, <u32>length, take + left, false).block = <u32>old;
  }
  return 0;
}

/** Takes payload of a control frame, RFC 6455 5.5. Returns how far it came. */
function control(s: Session, at: usize, end: usize): usize {
  const have: u32 = s.controlHave;
  const take = <u32>min<u64>(s.remaining, end - at);
  const left = <u32>s.remaining - take;
  let to = at;
  if (have || left) {
    if (!s.controlBlock) {
      s.controlBlock = <u32>arenaTake(CONTROL_MAX, Use.CONTROL_IN);
      if (!s.controlBlock) {
        failSoon(s, ErrorCode.OVERLOAD);
        return at + take;
      }
    }
    to = <usize>s.controlBlock + have;
  }
  unmask(to, at, take, s.maskKey);
  s.maskKey = keyAfter(s.maskKey, take);
  s.remaining = left;
  s.controlHave = <u8>(have + take);
  if (left) return at + take;

  s.phase = PHASE_HEADER;
  const block = <usize>s.controlBlock;
  s.controlBlock = 0;
  controlDone(s, block ? block : at, have + take);
  // The event points into the block: it goes back when that is acknowledged.
  if (block) eventRelease(s, block);
  return at + take;
}

/** Acts on a whole control frame whose payload lies unmasked at `p`. */
function controlDone(s: Session, p: usize, n: u32): void {
  if (s.opcode == Opcode.CLOSE) {
    closeCame(s, p, n);
    return;
  }
  if (s.state != State.OPEN) return;
  if (s.opcode == Opcode.PING) {
    eventPush(s, EventKind.PING, p, n);
    // RFC 6455 5.5.3: "a Pong frame sent in response to a Ping frame must have identical
    // Application data".
    if (s.autoPong) sendControl(s, Opcode.PONG, p, n);
  } else {
    s.flags &= ~Flag.PINGED;
    eventPush(s, EventKind.PONG, p, n);
  }
}
