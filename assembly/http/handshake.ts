// Bytes of a new connection → UPGRADE or REQUEST event, and the host's decision → an HTTP answer.
// RFC 6455 4.2, RFC 9112.
//
//   HANDSHAKE ─ head whole and right ─► PENDING ─ limpet_accept ─► OPEN
//       │                                  └───── limpet_respond ─► ENDING
//       └─ wrong: 400, 405, 426, 431, 503, 505 ─► ENDING
//
// The head is gathered in one arena block that grows with it. Bytes behind the head are held in
// another until the host has decided: data that a client sends along is never lost.

import { ErrorCode, EventFlag, EventKind, Role, State } from '../abi';
import { copyBytes, fieldRecord, stats } from '../memory';
import { BLOCK_MAX_BYTES, CLIENT, HEAD_MAX_BYTES } from '../profile';
import { base64Write } from '../protocol/base64';
import { sha1, SHA1_BYTES } from '../protocol/sha1';
import { arenaBytes, arenaGive, arenaTake, Use } from '../session/arena';
import { endAfterAnswer } from '../session/ending';
import {
  eventPush,
  eventRelease,
  eventRoom,
  EVENTS_PER_FRAME,
  eventWord,
  Notice,
  notify,
} from '../session/events';
import { queueClear, queueExternal, queueReserve, queueTrim, RESERVE_MAX } from '../session/queue';
import { Flag, Session } from '../session/session';
import { timerSet } from '../session/timers';
import { responseJudge } from './client';
import { fieldRead, Scan, scanNext, tokenEnd } from './head';
import {
  bytesEqual,
  KEY_LENGTH,
  protocolAt,
  Request,
  REQUEST_BYTES,
  requestClear,
  requestLine,
  requestRead,
} from './request';
import * as text from './text';

/** The most early bytes that are held for a session: as many as a head may have. */
const HOLD_MAX: u32 = HEAD_MAX_BYTES < BLOCK_MAX_BYTES ? HEAD_MAX_BYTES : BLOCK_MAX_BYTES;
/** Accept values: 28 = 4 * ceil(20 / 3). */
export const ACCEPT_LENGTH: u32 = 28;
/** The most bytes of an answer beside its headers: status line, fixed fields and lengths. */
const ANSWER_EXTRA: u32 = 192;

/**
 * Makes `*block` large enough for `bytes`, keeping its first `kept` bytes.
 *
 * @returns the block, or 0 when the arena has none
 */
function grow(block: usize, kept: u32, bytes: u32): usize {
  if (block && arenaBytes(block) >= bytes) return block;
  const larger = arenaTake(bytes, Use.IN);
  if (larger && block) {
    copyBytes(larger, block, kept);
    arenaGive(block, Use.IN);
  }
  return larger;
}

/** Gathers head bytes from `at`..`end`; judges the head when it is whole. Returns how far it came. */
export function handshakeRead(s: Session, at: usize, end: usize): usize {
  if (eventRoom() < EVENTS_PER_FRAME) return at;
  let scan: i32 = s.headHave;
  // RFC 9112 2.2: a server "SHOULD ignore at least one empty line (CRLF) received prior to the
  // request-line".
  while (at < end && scan == Scan.START && (load<u8>(at) == 13 || load<u8>(at) == 10)) at += 1;
  let p = at;
  let lines = 0;
  while (p < end && scan < Scan.DONE) {
    scan = scanNext(scan, load<u8>(p));
    if (scan == Scan.FIELD) lines += 1;
    p += 1;
  }
  s.headHave = <u8>scan;

  const had = s.block ? <u32>s.messageLength : REQUEST_BYTES;
  const has = had + <u32>(p - at);
  const from: u32 = CLIENT && s.block ? changetype<Request>(<usize>s.block).from : REQUEST_BYTES;
  let error = 0;
  if (has - from > <u32>HEAD_MAX_BYTES) error = ErrorCode.HTTP_TOO_LARGE;
  else if (scan == Scan.BAD) error = ErrorCode.HTTP_SYNTAX;
  else {
    const block = grow(s.block, had, has);
    if (!block) error = ErrorCode.HTTP_OVERLOAD;
    else {
      if (!s.block) requestClear(block, REQUEST_BYTES);
      s.block = <u32>block;
      copyBytes(block + had, at, p - at);
      s.messageLength = has;
      // What is not HTTP at all is told apart by its first line.
      if (lines && s.role == Role.SERVER && !changetype<Request>(block).methodLength) {
        error = requestLine(block);
      }
      if (!error && scan == Scan.DONE) error = headJudge(s, block, has);
    }
  }
  if (error) {
    handshakeFail(s, error);
    return end;
  }
  return p;
}

/** The head is whole: PENDING with an event, or OPEN for a client; an ErrorCode when it is refused. */
function headJudge(s: Session, block: usize, has: u32): i32 {
  const r = changetype<Request>(block);
  r.end = <u16>has;
  if (CLIENT && s.role == Role.CLIENT) return responseJudge(s, block);
  const error = requestRead(block);
  if (error) return error;
  s.state = State.PENDING;
  if (r.upgrade) s.flags |= Flag.UPGRADE;
  if (r.headMethod) s.flags |= Flag.HEAD;
  eventPush(s, r.upgrade ? EventKind.UPGRADE : EventKind.REQUEST, block + r.path, r.pathLength);
  return 0;
}

/** Bytes behind a head that can be held now. */
export function holdRoom(s: Session): u32 {
  return HOLD_MAX - (s.hold ? s.holdTo : 0);
}

/** Holds bytes from `at`..`end` for later; returns how far it came. */
export function holdRead(s: Session, at: usize, end: usize): usize {
  const had: u32 = s.hold ? s.holdTo : 0;
  const take = min<u32>(<u32>(end - at), HOLD_MAX - had);
  if (take == 0) return at;
  const block = grow(s.hold, had, had + take);
  if (!block) return at;
  copyBytes(block + had, at, take);
  s.hold = <u32>block;
  s.holdFrom = 0;
  s.holdTo = had + take;
  return at + take;
}

/** The status that tells a client of an ErrorCode: one table for all refusals. RFC 6455 4.2.2 and 4.4. */
export function statusOf(error: i32): i32 {
  switch (error) {
    case ErrorCode.HTTP_TOO_LARGE:
      return 431;
    case ErrorCode.HTTP_VERSION:
      return 505;
    case ErrorCode.UPGRADE_METHOD:
      return 405;
    case ErrorCode.UPGRADE_VERSION:
      return 426;
    case ErrorCode.HTTP_OVERLOAD:
      return 503;
    default:
      return 400;
  }
}

/** Refuses a head: a status to the client, an ERROR to the host. A client just ends. */
export function handshakeFail(s: Session, error: i32): void {
  const status = s.role == Role.SERVER ? statusOf(error) : 0;
  stats().violations += 1;
  s.cause = error;
  eventPush(s, eventWord(EventKind.ERROR, EventFlag.REMOTE, status), 0, 0).detail = error;
  if (status) answer(s, status, 0, 0, 0);
  endAfterAnswer(s);
}

/**
 * HANDSHAKE_MS passed: 408 for a head that never became whole; for a host that never decided, 503,
 * or 426 to a plain request.
 */
export function handshakeLate(s: Session): void {
  let status = 0;
  if (s.role == Role.SERVER) {
    status = s.state == State.HANDSHAKE ? 408 : s.flags & Flag.UPGRADE ? 503 : 426;
    answer(s, status, 0, 0, 0);
  }
  s.cause = ErrorCode.TIMEOUT_HANDSHAKE;
  s.closeCode = <u16>status;
  notify(s, Notice.ERROR);
  endAfterAnswer(s);
}

/** Writes decimal digits; returns one past them. */
function decimal(to: usize, number: u32): usize {
  let divisor: u32 = 1;
  while (number / divisor >= 10) divisor *= 10;
  while (divisor) {
    store<u8>(to, <u8>(48 + ((number / divisor) % 10)));
    to += 1;
    divisor /= 10;
  }
  return to;
}

/** Writes the reason phrase of a status, or nothing for one that the table does not have. */
function reasonCopy(to: usize, status: i32): usize {
  let p = text.REASONS;
  while (load<u8>(p)) {
    const number = <i32>load<u8>(p) * 100 + <i32>load<u8>(p, 1) * 10 + load<u8>(p, 2) - 48 * 111;
    p += 3;
    while (load<u8>(p) != 124) {
      if (number == status) {
        store<u8>(to, load<u8>(p));
        to += 1;
      }
      p += 1;
    }
    p += 1;
  }
  return to;
}

/**
 * Queues the head of a final answer: `Connection: close`, and what its status demands.
 *
 * @returns false when the arena has no block for it
 */
function answer(
  s: Session,
  status: i32,
  headers: usize,
  headersLength: u32,
  bodyLength: u32,
): bool {
  const most = headersLength + ANSWER_EXTRA;
  const begin = queueReserve(s, most, Use.CONTROL);
  if (!begin) return false;
  let p = decimal(text.textCopy(begin, text.HTTP_11), status);
  store<u8>(p, 32);
  p = line(reasonCopy(p + 1, status));
  if (status == 426) p = text.textCopy(p, text.VERSION_13);
  if (status == 405) p = text.textCopy(p, text.ALLOW_GET);
  copyBytes(p, headers, headersLength);
  p = text.textCopy(p + headersLength, text.CLOSE);
  // RFC 9110 7.8: who sends Upgrade names it in Connection.
  if (status == 426) p = text.textCopy(p, text.AND_UPGRADE);
  p = line(p);
  // RFC 9110 8.6: no Content-Length in a 204; one in a 304 would have to be that of the 200.
  if (status != 204 && status != 304) p = line(decimal(text.textCopy(p, text.LENGTH), bodyLength));
  p = line(p);
  queueTrim(s, most - <u32>(p - begin));
  return true;
}

/** Writes CRLF. */
function line(to: usize): usize {
  store<u16>(to, 0x0a0d);
  return to + 2;
}

/**
 * Whether `headers` is a sequence of field lines, each ending with CRLF, and none of them one that
 * the core writes itself. Keeps the host's values from ending the head early.
 */
export function headersValid(p: usize, n: u32): bool {
  const end = p + n;
  const field = fieldRecord();
  while (p < end) {
    p = fieldRead(p, end);
    if (
      !p ||
      fieldIsOurs(text.N_HOST) ||
      fieldIsOurs(text.N_CONNECTION) ||
      fieldIsOurs(text.N_UPGRADE) ||
      fieldIsOurs(text.N_LENGTH) ||
      fieldIsOurs(text.N_ENCODING) ||
      // Sec-WebSocket-*: all of them are the core's.
      (field.nameLen > 14 && text.textIs(field.namePtr, 14, text.N_SEC))
    ) {
      return false;
    }
  }
  return true;
}

function fieldIsOurs(name: usize): bool {
  return text.textIs(fieldRecord().namePtr, fieldRecord().nameLen, name);
}

/** Key in base64 → accept value, RFC 6455 4.2.2: base64 of SHA-1 of the key and the GUID. */
export function acceptWrite(to: usize, key: usize): usize {
  // The destination has room for 60 bytes: the accept value is written over the hashed text.
  copyBytes(to, key, KEY_LENGTH);
  const last = text.textCopy(to + KEY_LENGTH, text.GUID);
  return base64Write(to, sha1(to, <u32>(last - to)), SHA1_BYTES);
}

/**
 * PENDING → OPEN: answers 101. RFC 6455 4.2.2.
 *
 * @param protocol one of those offered, `protocolLength` 0 for none
 * @param headers field lines to add, each with its CRLF
 */
export function accept(
  s: Session,
  protocol: usize,
  protocolLength: u32,
  headers: usize,
  headersLength: u32,
): i32 {
  if (s.state != State.PENDING || !(s.flags & Flag.UPGRADE)) return ErrorCode.STATE;
  const block = <usize>s.block;
  if (protocolLength && !offered(block, protocol, protocolLength)) return ErrorCode.VALUE;
  if (!headersValid(headers, headersLength)) return ErrorCode.VALUE;
  const most = protocolLength + headersLength + ANSWER_EXTRA + ACCEPT_LENGTH;
  if (most > RESERVE_MAX) return ErrorCode.ARGUMENT;
  const begin = queueReserve(s, most, Use.CONTROL);
  if (!begin) return ErrorCode.MEMORY;
  let p = text.textCopy(text.textCopy(begin, text.HTTP_11), text.SWITCHING);
  p = line(acceptWrite(p, block + changetype<Request>(block).key));
  if (protocolLength) {
    p = text.textCopy(p, text.PROTOCOL);
    copyBytes(p, protocol, protocolLength);
    p = line(p + protocolLength);
  }
  copyBytes(p, headers, headersLength);
  p = line(p + headersLength);
  queueTrim(s, most - <u32>(p - begin));
  opened(s);
  return 0;
}

/** The session is open: the head's block goes back, the parser starts afresh. */
export function opened(s: Session): void {
  if (s.block) eventRelease(s, s.block);
  s.block = 0;
  s.messageLength = 0;
  s.headHave = 0;
  s.state = State.OPEN;
  s.flags |= Flag.OPENED;
  timerSet(s);
}

/** Whether the request offers a subprotocol. RFC 6455 4.2.2: the server's choice is "derived from the client's". */
function offered(block: usize, p: usize, n: u32): bool {
  for (let i = 0; protocolAt(block, i) == 0; i++) {
    if (bytesEqual(p, n, fieldRecord().ptr, fieldRecord().len)) return true;
  }
  return false;
}

/**
 * PENDING → ENDING: answers with a status and a body.
 *
 * @param status 200 to 599; 0 for the default: 426 to a plain request, 400 to a handshake
 * @param headers field lines to add, each with its CRLF
 * @param body its bytes, or 0 when they stay with the host
 * @returns the body's bytes that the host is to write itself, or an ErrorCode
 */
export function respond(
  s: Session,
  status: i32,
  headers: usize,
  headersLength: u32,
  body: usize,
  bodyLength: u32,
): i32 {
  if (s.state != State.PENDING) return ErrorCode.STATE;
  if (status == 0) status = s.flags & Flag.UPGRADE ? 400 : 426;
  if (status < 200 || status > 599) return ErrorCode.ARGUMENT;
  if ((status == 204 || status == 304) && bodyLength) return ErrorCode.ARGUMENT;
  if (headersLength > RESERVE_MAX - ANSWER_EXTRA) return ErrorCode.ARGUMENT;
  if (!headersValid(headers, headersLength)) return ErrorCode.VALUE;
  if (!answer(s, status, headers, headersLength, bodyLength)) return ErrorCode.MEMORY;
  let owed = 0;
  // RFC 9110 9.3.2: the answer to HEAD has no content.
  if (bodyLength && !(s.flags & Flag.HEAD)) {
    if (body) {
      const to = bodyLength <= RESERVE_MAX ? queueReserve(s, bodyLength, Use.OUT) : 0;
      if (!to) {
        // Nothing is answered by halves: the host may try again with less.
        queueClear(s);
        return ErrorCode.MEMORY;
      }
      copyBytes(to, body, bodyLength);
    } else {
      queueExternal(s, bodyLength);
      owed = bodyLength;
    }
  }
  endAfterAnswer(s);
  return owed;
}
