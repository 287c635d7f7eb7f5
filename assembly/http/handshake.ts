// Bytes of a new connection → UPGRADE or REQUEST event, and the host's decision → an HTTP answer.
// RFC 6455 4.2, RFC 9112.
//
//   HANDSHAKE ─ head whole and right ─► PENDING ─ limpet_accept ─► OPEN
//       │                                  └───── limpet_respond ─► ENDING
//       └─ wrong: 400, 405, 426, 429, 431, 503, 505 ─► ENDING
//
// The head is gathered in one arena block that grows with it. Bytes behind the head are held in
// another until the host has decided: data that a client sends along is never lost.

import { ErrorCode, EventKind, Option, Role, State, Trust } from '../abi';
import { addressBegun, addressJudge } from '../hub/addresses';
import { heartbeatBegin } from '../hub/heartbeat';
import { forwardedTake, proxyDue, proxyTake } from '../hub/proxies';
import { BEARER_LENGTH, challenge, protocolMay, securityJudge } from '../hub/security';
import { copyBytes } from '../memory';
import {
  ADDRESSES,
  BLOCK_MAX_BYTES,
  CLIENT,
  DEFLATE,
  HEAD_MAX_BYTES,
  HEADERS,
  HEARTBEAT,
  HTTP,
  PROTOCOLS,
  SECURITY,
  SHUTDOWN,
} from '../profile';
import { base64Write } from '../protocol/base64';
import { sha1, SHA1_BYTES } from '../protocol/sha1';
import { arenaGrow, RESERVE_MAX, Use } from '../session/arena';
import { enter, fail } from '../session/ending';
import { eventPush, eventRelease, eventRoom, EVENTS_PER_FRAME } from '../session/events';
import { queueExternal, queueReserve, queueTrim } from '../session/queue';
import { optionDefault, Session } from '../session/session';
import { timerSet } from '../session/timers';
import { responseJudge } from './client';
import { EXTENSIONS_MAX, termsMake, termsWrite } from './extensions';
import { Field, fieldNumber, fieldRead, find, Scan, scanNext } from './head';
import { keep } from './keep';
import {
  ACCEPT_LENGTH,
  fieldsEnd,
  fieldsFrom,
  KEY_LENGTH,
  protocolFind,
  Request,
  REQUEST_BYTES,
  requestClear,
  requestLine,
  requestRead,
} from './request';
import { STATUSES } from './statuses';
import * as text from './text';
import { crlf, decimal, line, statusLine, textCopy } from './write';

/** The most early bytes that are held for a session: as many as a head may have. */
const HOLD_MAX: u32 = HEAD_MAX_BYTES < BLOCK_MAX_BYTES ? HEAD_MAX_BYTES : BLOCK_MAX_BYTES;
/** The most bytes of an answer beside its headers: status line, fixed fields and lengths. */
const ANSWER_EXTRA: u32 = 192;

/** Gathers head bytes from `at`..`end`; judges the head when it is whole. Returns how far it came. */
export function handshakeRead(s: Session, at: usize, end: usize): usize {
  if (eventRoom() < EVENTS_PER_FRAME) return at;
  if (ADDRESSES) {
    addressBegun(s);
    if (proxyDue(s)) {
      at = proxyTake(s, at, end);
      if (at == end || s.state != State.HANDSHAKE) return at;
    }
  }
  return headRead(s, at, end);
}

/** The same once no PROXY header is due. */
export function headRead(s: Session, at: usize, end: usize): usize {
  let scan: i32 = s.headHave;
  // RFC 9112 2.2: a server "SHOULD ignore at least one empty line (CRLF) received prior to the
  // request-line".
  while (at < end && scan == Scan.START && (load<u8>(at) == 13 || load<u8>(at) == 10)) at += 1;
  let p = at;
  let lines = false;
  while (p < end && scan < Scan.DONE) {
    scan = scanNext(scan, load<u8>(p));
    if (scan == Scan.FIELD) lines = true;
    p += 1;
  }
  s.headHave = <u8>scan;
  const error = gather(s, at, <u32>(p - at), scan, lines);
  if (!error) return p;
  fail(s, error);
  return end;
}

/** Adds `n` bytes of the head, and judges what is whole. */
// @ts-ignore: decorator
@inline
function gather(s: Session, p: usize, n: u32, scan: i32, lines: bool): i32 {
  let block: usize = s.block;
  const had = block ? <u32>s.messageLength : REQUEST_BYTES;
  const has = had + n;
  const from: u32 = CLIENT && block ? changetype<Request>(block).head : REQUEST_BYTES;
  if (has - from > optionDefault(Option.HEAD_MAX)) return ErrorCode.HTTP_TOO_LARGE;
  if (scan == Scan.BAD) return ErrorCode.HTTP_SYNTAX;
  block = arenaGrow(block, had, has, has);
  if (!block) return ErrorCode.HTTP_OVERLOAD;
  if (!s.block) requestClear(block, REQUEST_BYTES);
  s.block = <u32>block;
  s.messageLength = has;
  copyBytes(block + had, p, n);
  const r = changetype<Request>(block);
  r.headLength = <u16>(has - from);
  if (CLIENT && s.role == Role.CLIENT) return scan == Scan.DONE ? responseJudge(s, block) : 0;
  // What is not HTTP at all is told apart by its first line.
  let error = lines && !r.methodLength ? requestLine(s, block) : 0;
  if (error || scan != Scan.DONE) return error;
  error = requestRead(s, block);
  if (ADDRESSES && !error) {
    if (s.trust & Trust.FORWARDED) forwardedTake(s, block);
    error = addressJudge(s);
  }
  if (SECURITY && !error && s.upgrade) error = securityJudge(block);
  if (error) return error;
  s.state = State.PENDING;
  const kind = s.upgrade ? EventKind.UPGRADE : EventKind.REQUEST;
  eventPush(s, kind, block + r.path, r.pathLength);
  return 0;
}

/** Bytes behind a head that may still be held. */
export function holdRoom(s: Session): u32 {
  return HOLD_MAX - s.holdTo;
}

/** Holds bytes from `at`..`end` for later; returns how far it came. */
export function holdRead(s: Session, at: usize, end: usize): usize {
  const had = s.holdTo;
  const take = min<u32>(<u32>(end - at), HOLD_MAX - had);
  if (take == 0) return at;
  const block = arenaGrow(s.hold, had, had + take, had + take);
  s.blocked = !block;
  if (!block) return at;
  copyBytes(block + had, at, take);
  s.hold = <u32>block;
  s.holdTo = <u16>(had + take);
  return at + take;
}

/** The status that tells a client of an ErrorCode; 0 where none is due. RFC 6455 4.2.2 and 4.4. */
export function statusOf(s: Session, error: i32): i32 {
  // A client has no status to send.
  if (CLIENT && s.role == Role.CLIENT) return 0;
  // PROXY 2: a receiver "MUST NOT start processing the connection before" the header is whole.
  if (ADDRESSES && proxyDue(s)) return 0;
  if (SHUTDOWN && error == ErrorCode.SHUTDOWN) return 503;
  if (error != ErrorCode.TIMEOUT_HANDSHAKE) {
    return 400 + load<u8>(STATUSES + (ErrorCode.HTTP_SYNTAX - error));
  }
  // The head never became whole, or the host never decided.
  if (s.headHave != <u8>Scan.DONE) return 408;
  return s.upgrade ? 503 : 426;
}

/** Queues the answer to a head that is refused for an ErrorCode: its status, and what that demands. */
export function refuse(s: Session, status: i32, error: i32): void {
  // RFC 9110 15.5.2: a 401 MUST have a challenge.
  const headers: usize = SECURITY && error == ErrorCode.UPGRADE_TOKEN ? challenge() : 0;
  answer(
    s,
    status,
    headers,
    headers ? <u32>(find(headers, usize.MAX_VALUE, 0) - headers) : 0,
    0,
    0,
  );
}

/**
 * Queues a final answer: `Connection: close`, and what its status demands.
 *
 * @param body 0 when its bytes are not to be queued
 * @returns false when the arena has no block for it
 */
export function answer(
  s: Session,
  status: i32,
  headers: usize,
  headersLength: u32,
  body: usize,
  bodyLength: u32,
): bool {
  const here: u32 = body ? bodyLength : 0;
  const use = body ? Use.OUT : Use.CONTROL;
  const begin = queueReserve(s, headersLength + ANSWER_EXTRA + here, use);
  if (!begin) return false;
  let p = crlf(statusLine(begin, status));
  // RFC 9110 7.8: a sender of Upgrade "MUST also send an 'Upgrade' connection option".
  const upgrade = status == 426;
  if (upgrade) p = textCopy(p, text.VERSION_13);
  if (status == 405) p = textCopy(p, text.ALLOW_GET);
  if (HTTP || SECURITY) p = copyBytes(p, headers, headersLength);
  p = textCopy(p, text.CLOSE);
  if (upgrade) p = textCopy(p, text.AND_UPGRADE);
  // RFC 9110 8.6: no Content-Length in a 204; one in a 304 would have to be that of the 200.
  if (!HTTP || (status != 204 && status != 304)) p = decimal(textCopy(p, text.LENGTH), bodyLength);
  p = crlf(crlf(p));
  queueTrim(s, HTTP ? copyBytes(p, body, here) : p);
  return true;
}

/**
 * Whether `headers` is a sequence of field lines, each ending with CRLF, and none of them one that
 * the core writes itself. Keeps the host's values from ending the head early.
 */
export function headersValid(p: usize, n: u32): bool {
  const end = p + n;
  while (p < end) {
    p = fieldRead(p, end);
    if (!p || fieldNumber() != Field.OTHER) return false;
  }
  return true;
}

/** Key in base64 → accept value, RFC 6455 4.2.2: base64 of SHA-1 of the key and the GUID. */
export function acceptWrite(to: usize, key: usize): usize {
  // The destination has room for 60 bytes: the accept value is written over the hashed text.
  const last = textCopy(copyBytes(to, key, KEY_LENGTH), text.GUID);
  return base64Write(to, sha1(to, <u32>(last - to)), SHA1_BYTES);
}

/** Whether a host may choose a subprotocol. RFC 6455 4.2.2: its choice is "derived from the client's". */
// @ts-ignore: decorator
@inline
function protocolValid(block: usize, protocol: usize, n: u32): bool {
  if (!PROTOCOLS) return false;
  if (SECURITY) return protocolMay(block, protocol, n);
  return protocolFind(fieldsFrom(block), fieldsEnd(block), protocol, n) >= 0;
}

/**
 * PENDING → OPEN: answers 101. RFC 6455 4.2.2.
 *
 * @param protocol one of those offered, `protocolLength` 0 for none: then `bearer`, if that was
 * @param headers field lines to add, each with its CRLF
 */
export function accept(
  s: Session,
  protocol: usize,
  protocolLength: u32,
  headers: usize,
  headersLength: u32,
): i32 {
  if (s.state != State.PENDING || !s.upgrade) return ErrorCode.STATE;
  const block = <usize>s.block;
  if (
    (protocolLength && !protocolValid(block, protocol, protocolLength)) ||
    !headersValid(headers, headersLength)
  ) {
    return ErrorCode.VALUE;
  }
  // Browsers fail a handshake of which none of the subprotocols is chosen, and `bearer` is one to them.
  if (SECURITY && !protocolLength && changetype<Request>(block).bearer) {
    protocol = text.BEARER;
    protocolLength = BEARER_LENGTH;
  }
  const extra = ANSWER_EXTRA + ACCEPT_LENGTH + EXTENSIONS_MAX;
  const most = protocolLength + headersLength + extra;
  if (most > RESERVE_MAX) return ErrorCode.ARGUMENT;
  let p = queueReserve(s, most, Use.CONTROL);
  if (!p) return ErrorCode.MEMORY;
  p = textCopy(textCopy(textCopy(p, text.HTTP_11), text.SWITCHING), text.UPGRADE_LINES);
  p = crlf(acceptWrite(textCopy(p, text.ACCEPT), block + changetype<Request>(block).key));
  if (protocolLength) p = line(p, text.PROTOCOL, protocol, protocolLength);
  const terms = DEFLATE ? termsMake(s, changetype<Request>(block).terms) : 0;
  if (terms) p = termsWrite(p, terms);
  queueTrim(s, crlf(copyBytes(p, headers, headersLength)));
  if (HEADERS) keep(s, protocol, protocolLength);
  opened(s);
  return 0;
}

/** The session is open: the head's block goes back, the parser starts afresh. */
export function opened(s: Session): void {
  eventRelease(s.block, 0);
  s.block = 0;
  s.messageLength = 0;
  s.headHave = 0;
  s.state = State.OPEN;
  if (HEARTBEAT) heartbeatBegin(s);
  timerSet(s);
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
  if (!HTTP && headersLength + bodyLength) return ErrorCode.UNSUPPORTED;
  if (status == 0) status = s.upgrade ? 400 : 426;
  if (
    <u32>(status - 200) > 399 ||
    (HTTP && (status == 204 || status == 304) && bodyLength) ||
    headersLength > RESERVE_MAX - ANSWER_EXTRA
  ) {
    return ErrorCode.ARGUMENT;
  }
  if (HTTP && !headersValid(headers, headersLength)) return ErrorCode.VALUE;
  if (!HTTP) {
    if (!answer(s, status, 0, 0, 0, 0)) return ErrorCode.MEMORY;
    enter(s, State.ENDING);
    return 0;
  }
  // RFC 9110 9.3.2: the answer to HEAD has no content.
  const none = bodyLength == 0 || s.headMethod;
  if (!answer(s, status, headers, headersLength, none ? 0 : body, bodyLength))
    return ErrorCode.MEMORY;
  const owed: u32 = none || body ? 0 : bodyLength;
  queueExternal(s, owed);
  enter(s, State.ENDING);
  return owed;
}
