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

import {
  Closing,
  Delivery,
  ErrorCode,
  EventFlag,
  EventKind,
  EventRecord,
  Opcode,
  Option,
  State,
} from './abi';
import {
  DEFLATE_NOW,
  INFLATE_WAIT,
  inflateEnd,
  inflatePayload,
  inflateSettle,
  inflateTaken,
  inflating,
} from './deflate/incoming';
import { handshakeRead, holdRead, holdRoom } from './http/handshake';
import { heartbeatAnswered, NO_ANSWER } from './hub/heartbeat';
import { rated, rateJudge, Verdict } from './hub/rates';
import { eventRing, stats } from './memory';
import { BLOCK_MAX_BYTES, DEFLATE, HEARTBEAT, INGRESS_BYTES, RATES } from './profile';
import {
  CONTROL_MAX,
  FIN,
  headerKey,
  headerLength,
  headerPayload,
  headerRefuse,
  RSV1,
} from './protocol/frame';
import { keyAfter, unmask } from './protocol/mask';
import { UTF8_COMPLETE, UTF8_REJECT, utf8Check } from './protocol/utf8';
import { arenaGive, arenaGrow, arenaTake, Use } from './session/arena';
import { closeCame, fail } from './session/ending';
import {
  BLOCK_LENT,
  eventPush,
  eventRelease,
  eventRoom,
  EVENTS_PER_FRAME,
  eventWord,
} from './session/events';
import { queueTakesPong } from './session/queue';
import { send } from './session/send';
import {
  count,
  DIRECTION_IN,
  DROPPED,
  optionDefault,
  PHASE_CONTROL,
  PHASE_DATA,
  PHASE_FAILED,
  PHASE_HEADER,
  pool,
  Session,
  tooLong,
} from './session/session';

/** The least that is taken for a gathered message at once; it doubles as bytes come. */
const GATHER_MIN: u64 = 1024;
/** The frame cannot be begun now: see frames, or a pong would be owed for which the queue has no room. */
const WAIT: i32 = 1;

/**
 * Feeds bytes to a session.
 *
 * @param s the session
 * @param p the bytes; they are overwritten by the unmasked payload
 * @param n how many
 * @returns how many were taken. Fewer than `n`: the event ring is full, the session is paused, or
 *   it waits for its send queue or its rate (limpet_rx_room says 0 but in the first case)
 */
export function receive(s: Session, p: usize, n: i32): i32 {
  const took = feed(s, p, n);
  // Bytes that are offered and not taken are no sign of life.
  if (took) s.activeAt = pool().clock;
  return took;
}

function feed(s: Session, p: usize, n: i32): i32 {
  const end = p + n;
  let at = p;
  if (stopped(s)) return 0;
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

/** Whether an open session is not to be read from: the host paused it, or its rate does. */
// @ts-ignore: decorator
@inline
function stopped(s: Session): bool {
  return s.state == State.OPEN && (s.paused != 0 || (RATES && s.slowed));
}

/** Bytes that a session takes now, 0 to INGRESS_BYTES. */
export function receiveRoom(s: Session): i32 {
  if (stopped(s)) return 0;
  const state = s.state;
  // Without memory to hold early bytes none are taken until the decision.
  const waits = state == State.PENDING;
  const blocked = s.blocked && (waits || outputFirst(s) || !queueTakesPong(s));
  if (state <= State.CLOSING && blocked) return 0;
  return waits ? holdRoom(s) : INGRESS_BYTES;
}

/** Whether a compressed message waits for memory that the session's own output has. */
// @ts-ignore: decorator
@inline
function outputFirst(s: Session): bool {
  return DEFLATE && s.phase == PHASE_DATA && s.queued != 0;
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
    s.holdFrom = <u16>(at - block);
    return false;
  }
  eventRelease(block, 0);
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
      fail(s, s.failure);
      return end;
    }
    if (at == end || eventRoom() < EVENTS_PER_FRAME) return at;
    if (s.phase == PHASE_HEADER) {
      const next = header(s, at, end);
      if (next == at) return at;
      at = next;
    }
    // A frame without payload is whole with its header.
    const begun = s.phase == PHASE_DATA || s.phase == PHASE_CONTROL;
    if (begun && (at < end || !s.remaining)) {
      const next = payload(s, at, end);
      // What a compressed message makes has no room before the events are acknowledged.
      if (next == at && s.remaining) return at;
      at = next;
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
  return eventRing().head != eventRing().tail;
}

/** The peer broke a rule: nothing more is parsed. */
function failSoon(s: Session, error: i32): void {
  s.cause = <i8>error;
  s.failure = <i8>error;
  s.maskKey = 0;
  s.phase = PHASE_FAILED;
}

/**
 * Takes a frame header, whole or in pieces, judges it as soon as its first two bytes are here, and
 * begins its frame when it is whole.
 *
 * @returns how far it came; `at` when the frame cannot be begun now
 */
function header(s: Session, at: usize, end: usize): usize {
  let have: u32 = s.headHave;
  let head = at;
  let next = at;
  let need: u32 = 2;
  if (have == 0 && end - at >= 2) need = headerLength(load<u8>(at, 1));
  if (have == 0 && end - at >= need) {
    have = need;
    next += need;
  } else {
    // In pieces: one byte more than the session has, judged when it is the second or the last.
    head = changetype<usize>(s) + offsetof<Session>('header0');
    store<u8>(head + have, load<u8>(at));
    have += 1;
    next += 1;
    need = have < 2 ? 2 : headerLength(load<u8>(head, 1));
  }
  let error = 0;
  if (have >= 2) {
    error = headerRefuse(load<u8>(head), load<u8>(head, 1), s.role, s.deflateIn);
    if (!error && have == need) {
      error = begin(s, head, have);
      // Its last byte, or all of it, is taken when the frame can be begun.
      if (error == WAIT) return at;
      have = 0;
    }
  }
  s.headHave = <u8>have;
  if (error) {
    failSoon(s, error);
    // Only a 64-bit length makes a header of ten bytes or more.
    s.maskKey = error == ErrorCode.TOO_BIG && need >= 10 ? load<u32>(head) : load<u16>(head);
  }
  return next;
}

/** Begins the frame whose header of `length` bytes lies at `head`: 0, WAIT or an ErrorCode. */
// @ts-ignore: decorator
@inline
function begin(s: Session, head: usize, length: u32): i32 {
  const b0: u32 = load<u8>(head);
  const opcode: i32 = b0 & 0x0f;
  const payload = headerPayload(head);
  if (payload < 0) return <i32>payload;
  if (opcode <= Opcode.BINARY) {
    const continues = opcode == Opcode.CONTINUATION;
    // A message is under way, or there is none to continue.
    if (continues != (s.messageOpcode != 0)) {
      return continues ? ErrorCode.CONTINUATION : ErrorCode.INTERLEAVED;
    }
    const kind: u32 = continues ? s.messageOpcode : opcode;
    const deflated = DEFLATE && (continues ? inflating(s) : (b0 & RSV1) != 0);
    // What a compressed message will be is known when it is inflated.
    if (!deflated && tooLong(s, kind, s.messageLength + payload)) return ErrorCode.TOO_BIG;
    let verdict = Verdict.PASS;
    if (RATES && rated() && s.state == State.OPEN && !(kind & DROPPED)) {
      verdict = rateJudge(s, !continues, !continues || s.begins, payload);
      if (verdict == Verdict.WAIT) return WAIT;
      if (verdict == Verdict.REJECT) return ErrorCode.RATE;
    }
    s.phase = PHASE_DATA;
    s.fin = (b0 & FIN) != 0;
    if (!continues) {
      s.messageOpcode = <u8>opcode;
      s.begins = true;
      s.streaming = s.delivery == Delivery.STREAM;
      if (DEFLATE) s.deflateIn = <u8>((s.deflateIn & ~DEFLATE_NOW) | (deflated ? DEFLATE_NOW : 0));
    }
    if (continues && oneMore(s)) return ErrorCode.FRAGMENTS;
    if (RATES && verdict == Verdict.DROP) drop(s);
  } else {
    // RFC 6455 5.5.2: a ping is answered until the peer's Close frame has come.
    const pongs = opcode == Opcode.PING && s.autoPong;
    if ((pongs || opcode == Opcode.CLOSE) && answersWait()) return WAIT;
    if (pongs && !queueTakesPong(s)) {
      s.blocked = true;
      return WAIT;
    }
    s.phase = PHASE_CONTROL;
    s.controlHave = 0;
  }
  s.blocked = false;
  s.opcode = <u8>opcode;
  s.maskKey = headerKey(head, length);
  s.remaining = payload;
  return 0;
}

/** Counts a continuation frame; whether there are more frames than FRAGMENTS_MAX. */
function oneMore(s: Session): bool {
  // The last one begins anew.
  const count = s.continuations + 1;
  s.continuations = s.fin ? 0 : count;
  // Without a bound, 0, one less is more than there can be.
  return count > s.fragmentsMax - 1;
}

/** The message under way is past a rate: nothing of it was told, and nothing will be. */
function drop(s: Session): void {
  stats().rateDropped += 1;
  s.messageOpcode |= <u8>DROPPED;
  s.utf8 = UTF8_COMPLETE;
  if (decodes(s)) return;
  arenaGive(s.block, Use.IN);
  s.block = 0;
}

/** Whether the message under way is told. */
// @ts-ignore: decorator
@inline
function told(s: Session): bool {
  return (s.state == State.OPEN || crossing(s)) && !(RATES && s.messageOpcode & DROPPED);
}

/** Whether it is told though our Close frame went. */
function crossing(s: Session): bool {
  return s.state == State.CLOSING && (optionDefault(Option.CLOSING) & Closing.TOLD) != 0;
}

/** Whether the message under way has to be inflated: it is told, or the next ones refer to it. */
// @ts-ignore: decorator
@inline
function decodes(s: Session): bool {
  if (told(s)) return true;
  return RATES && DEFLATE && s.state == State.OPEN && inflating(s) && s.windowIn != 0;
}

/** Takes payload of the current frame. Returns how far it came. */
function payload(s: Session, at: usize, end: usize): usize {
  const here: u64 = end - at;
  const take = <u32>min(s.remaining, here);
  const left = s.remaining - take;
  const next = at + take;
  if (DEFLATE && s.phase == PHASE_DATA && inflating(s)) return compressed(s, at, take);
  const to = s.phase == PHASE_DATA ? dataRoom(s, at, take, left) : controlRoom(s, at, take, left);
  if (!to) return next;
  const bits = unmask(to, at, take, s.maskKey);
  s.maskKey = keyAfter(s.maskKey, take);
  s.remaining = left;
  if (s.phase == PHASE_CONTROL) {
    s.controlHave += <u8>take;
    if (left == 0) controlDone(s, to + take - s.controlHave, s.controlHave);
  } else {
    dataTaken(s, to, take, left, bits);
  }
  return next;
}

/**
 * Takes `take` bytes of payload of a compressed message. RFC 7692 6.2.
 *
 * @returns how far it came: fewer when events have to be acknowledged before there is room for what
 *   the rest makes
 */
function compressed(s: Session, at: usize, take: u32): usize {
  let taken = take;
  let made = 0;
  const last = messageEnds(s, s.remaining - take);
  if (decodes(s)) {
    // An empty fragment has nothing to wait with: its header is taken.
    if (take || last) {
      const wait = answersWait();
      made = inflatePayload(s, at, take, last, take != 0 && wait);
      // Memory comes back with events, or with what this session has queued.
      s.blocked = made == INFLATE_WAIT && !wait;
      if (made == INFLATE_WAIT) return at;
      if (made < 0) {
        failSoon(s, made);
        return at + take;
      }
      taken = inflateTaken(s);
    }
  } else {
    s.utf8 = UTF8_COMPLETE;
  }
  const key = keyAfter(s.maskKey, taken);
  // What is left will be unmasked once more.
  if (taken < take) unmask(at + taken, at + taken, take - taken, key);
  s.maskKey = key;
  s.remaining -= taken;
  dataTaken(s, s.block ? inflateEnd(s) - made : 0, made, s.remaining, u64(made));
  return at + taken;
}

/** Whether the frame ends a message with the payload at hand. */
// @ts-ignore: decorator
@inline
function messageEnds(s: Session, left: u64): bool {
  return left == 0 && s.fin;
}

/** Where payload of a data frame goes: it stays in place, or is gathered. 0 when the session has failed. */
// @ts-ignore: decorator
@inline
function dataRoom(s: Session, at: usize, take: u32, left: u64): usize {
  const whole = messageEnds(s, left) && s.messageLength == 0;
  if (whole || s.streaming || !told(s) || take == 0) return at;
  const to = gatherRoom(s, take, left);
  // Past what a block holds the message goes on as a stream.
  return to || s.phase == PHASE_FAILED ? to : at;
}

/** Delivers payload of a data frame that lies at `p`, unmasked or inflated; `bits` says whether it is ASCII. */
function dataTaken(s: Session, p: usize, n: u32, left: u64, bits: u64): void {
  const ends = messageEnds(s, left);
  if (s.messageOpcode == Opcode.TEXT && (bits || s.utf8)) {
    s.utf8 = optionDefault(Option.UTF8) ? utf8Check(s.utf8, p, n) : UTF8_COMPLETE;
  }
  // RFC 6455 8.1: a text that ends inside a character is as wrong as one with a wrong byte.
  if (s.utf8 == UTF8_REJECT || (ends && s.utf8)) {
    failSoon(s, ErrorCode.UTF8);
    return;
  }
  s.messageLength += n;
  if (left == 0) s.phase = PHASE_HEADER;
  if (told(s)) {
    if (!s.streaming) {
      if (ends) message(s, p + n);
    } else if (n || ends || s.begins) {
      // The first piece is all that there is so far.
      const length = s.begins ? <u32>s.messageLength : n;
      const block: u32 = s.block;
      const e = chunk(s, p + n - length, length, left, ends);
      if (block) e.block = block | BLOCK_LENT;
    }
  }
  if (!ends) return;
  // The message is over. One that was told in pieces, or is not delivered (CLOSING, DROPPED), still
  // has its block.
  s.messageOpcode = 0;
  s.messageLength = 0;
  const block: u32 = s.block;
  eventRelease(block, block | BLOCK_LENT);
  s.block = 0;
}

/** Delivers a whole message: what lies before `end`, or was gathered in the block. */
// @ts-ignore: decorator
@inline
function message(s: Session, end: usize): void {
  const length = <u32>s.messageLength;
  const block: u32 = s.block;
  let at = block ? <usize>block : end - length;
  if (DEFLATE && inflating(s)) at = inflateSettle(s, end, length);
  const what = eventWord(EventKind.MESSAGE, 0, s.messageOpcode);
  eventPush(s, what, at, length).block = block;
  s.block = 0;
  count(s, DIRECTION_IN, length, true);
}

/** Delivers a piece of a streamed message. */
function chunk(s: Session, at: usize, n: u32, left: u64, ends: bool): EventRecord {
  // EventFlag.BEGIN and EventFlag.END.
  const flags = u32(s.begins) | (u32(ends) << 1);
  const e = eventPush(s, eventWord(EventKind.CHUNK, flags, s.messageOpcode), at, n);
  e.remaining = <u32>min<u64>(left, u32.MAX_VALUE);
  s.begins = false;
  count(s, DIRECTION_IN, n, ends);
  return e;
}

/**
 * Where `take` more bytes of the gathered message go.
 *
 * @param take bytes that are here
 * @param left bytes of the frame that will follow them
 * @returns the address; 0 when the message is a stream from now on, or the session has failed
 */
function gatherRoom(s: Session, take: u32, left: u64): usize {
  const length = <u32>s.messageLength;
  const need = s.messageLength + take;
  // As much again as there is, but no more than is declared: memory follows the bytes that came.
  const want = max(need, min(need + left, max(2 * need, GATHER_MIN)));
  const old = <usize>s.block;
  if (need <= <u64>BLOCK_MAX_BYTES) {
    let block = arenaGrow(old, length, <u32>need, <u32>min<u64>(want, BLOCK_MAX_BYTES));
    if (!block) block = arenaGrow(old, length, <u32>need, <u32>need);
    if (block) {
      s.block = <u32>block;
      return block + length;
    }
  }
  if (s.delivery == Delivery.WHOLE) {
    failSoon(s, need > <u64>BLOCK_MAX_BYTES ? ErrorCode.TOO_BIG : ErrorCode.OVERLOAD);
    return 0;
  }
  s.streaming = true;
  if (old && told(s)) {
    s.block = 0;
    chunk(s, old, length, take + left, false).block = <u32>old;
  }
  return 0;
}

/** Where payload of a control frame goes, RFC 6455 5.5: it stays in place, or is gathered. 0: no memory. */
// @ts-ignore: decorator
@inline
function controlRoom(s: Session, at: usize, take: u32, left: u64): usize {
  if (!s.controlHave && !left) return at;
  if (!s.controlBlock) s.controlBlock = <u32>arenaTake(CONTROL_MAX, Use.CONTROL_IN);
  if (s.controlBlock) return <usize>s.controlBlock + s.controlHave;
  failSoon(s, ErrorCode.OVERLOAD);
  return 0;
}

/** Acts on a whole control frame whose payload lies unmasked at `p`. */
// @ts-ignore: decorator
@inline
function controlDone(s: Session, p: usize, n: u32): void {
  const block = s.controlBlock;
  s.controlBlock = 0;
  s.phase = PHASE_HEADER;
  if (s.opcode == Opcode.CLOSE) {
    closeCame(s, p, n);
  } else {
    const ping = s.opcode == Opcode.PING;
    const rtt = HEARTBEAT && !ping ? heartbeatAnswered(s, p, n) : NO_ANSWER;
    if (HEARTBEAT && rtt != NO_ANSWER) eventPush(s, EventKind.HEARTBEAT, p, n).detail = rtt;
    else eventPush(s, ping ? EventKind.PING : EventKind.PONG, p, n);
    // RFC 6455 5.5.3: "a Pong frame sent in response to a Ping frame must have identical
    // Application data".
    if (!ping) s.pinged = false;
    else if (s.autoPong) send(s, Opcode.PONG, p, n);
  }
  // The event points into the block: it goes back when that is acknowledged.
  eventRelease(block, 0);
}
