// What a client wants → the opening handshake's request; the server's response → OPEN or an error.
// RFC 6455 4.1.
//
// The session's block keeps what the response must be held against, in front of the response:
//
//   Request | accept value, 28 bytes | the subprotocols asked for | response head ...

import { ErrorCode, EventFlag, EventKind } from '../abi';
import { copyBytes, fieldRecord } from '../memory';
import { base64Write } from '../protocol/base64';
import { maskKeyNext } from '../protocol/entropy';
import { arenaTake, Use } from '../session/arena';
import { eventPush, eventWord } from '../session/events';
import { queueReserve, queueTrim, RESERVE_MAX } from '../session/queue';
import { Session } from '../session/session';
import { acceptWrite, ACCEPT_LENGTH, headersValid, opened } from './handshake';
import {
  COMMA,
  fieldIs,
  fieldRead,
  lineEnd,
  listHas,
  listToken,
  skipSpace,
  tokenEnd,
} from './head';
import { bytesEqual, KEY_LENGTH, Request, REQUEST_BYTES, requestClear } from './request';
import * as text from './text';

/** The most bytes of a request beside what the host gives. */
const REQUEST_EXTRA: u32 = 256;
/** acceptWrite needs 60 bytes: key and GUID. */
const ACCEPT_ROOM: u32 = 64;

/** Whether all bytes are visible ASCII. */
function visible(p: usize, n: u32): bool {
  for (let i: u32 = 0; i < n; i++) {
    const byte = load<u8>(p + i);
    if (byte <= 32 || byte >= 127) return false;
  }
  return true;
}

/** Whether it is a list of distinct tokens without empty elements. RFC 6455 4.1, item 10. */
function listValid(p: usize, n: u32): bool {
  const end = p + n;
  while (true) {
    p = skipSpace(p, end);
    const last = tokenEnd(p, end);
    const next = skipSpace(last, end);
    if (last == p || (next < end && load<u8>(next) != COMMA)) return false;
    if (next == end) return true;
    if (listContains(next, end, p, <u32>(last - p))) return false;
    p = next + 1;
  }
}

/** Whether a list of tokens has this one, in the same case. */
function listContains(list: usize, end: usize, p: usize, n: u32): bool {
  while (list && listToken(list, end)) {
    if (bytesEqual(p, n, fieldRecord().ptr, fieldRecord().len)) return true;
    list = fieldRecord().namePtr;
  }
  return false;
}

/**
 * Queues the request of an opening handshake.
 *
 * @param s a client session in HANDSHAKE
 * @param target path and query, beginning with "/"
 * @param host the Host field's value
 * @param protocols a comma-separated list, or nothing
 * @param headers field lines to add, each with its CRLF
 */
export function requestSend(
  s: Session,
  target: usize,
  targetLength: u32,
  host: usize,
  hostLength: u32,
  protocols: usize,
  protocolsLength: u32,
  headers: usize,
  headersLength: u32,
): i32 {
  if (!targetLength || load<u8>(target) != 47 || !visible(target, targetLength))
    return ErrorCode.VALUE;
  if (!hostLength || !visible(host, hostLength)) return ErrorCode.VALUE;
  if (protocolsLength && !listValid(protocols, protocolsLength)) return ErrorCode.VALUE;
  if (!headersValid(headers, headersLength)) return ErrorCode.VALUE;
  const most = targetLength + hostLength + protocolsLength + headersLength + REQUEST_EXTRA;
  if (most > RESERVE_MAX) return ErrorCode.ARGUMENT;
  const from = REQUEST_BYTES + ACCEPT_ROOM + protocolsLength;
  const block = arenaTake(from, Use.IN);
  if (!block) return ErrorCode.MEMORY;
  s.block = <u32>block;
  const begin = queueReserve(s, most, Use.CONTROL);
  if (!begin) return ErrorCode.MEMORY;

  store<u32>(begin, 0x20544547); // "GET "
  copyBytes(begin + 4, target, targetLength);
  let p = text.textCopy(begin + 4 + targetLength, text.REQUEST_TAIL);
  copyBytes(p, host, hostLength);
  p = text.textCopy(p + hostLength, text.REQUEST_UPGRADE);
  // RFC 6455 4.1: "a nonce consisting of a randomly selected 16-byte value".
  const nonce = block + REQUEST_BYTES;
  for (let i = 0; i < 16; i += 4) store<u32>(nonce + i, maskKeyNext());
  base64Write(p, nonce, 16);
  acceptWrite(nonce, p);
  p += KEY_LENGTH;
  store<u16>(p, 0x0a0d);
  p += 2;
  if (protocolsLength) {
    p = text.textCopy(p, text.PROTOCOL);
    copyBytes(p, protocols, protocolsLength);
    p += protocolsLength;
    store<u16>(p, 0x0a0d);
    p += 2;
  }
  copyBytes(p, headers, headersLength);
  p += headersLength;
  store<u16>(p, 0x0a0d);
  queueTrim(s, most - <u32>(p + 2 - begin));

  requestClear(block, from);
  const r = changetype<Request>(block);
  r.accept = <u16>REQUEST_BYTES;
  r.protocols = <u16>(REQUEST_BYTES + ACCEPT_ROOM);
  r.protocolsLength = <u16>protocolsLength;
  copyBytes(block + r.protocols, protocols, protocolsLength);
  s.messageLength = from;
  return 0;
}

/** "HTTP/1.1 " and three digits → the status; 0 when the line is something else. RFC 9112 4. */
function statusRead(p: usize): i32 {
  if (load<u64>(p) != 0x312e312f50545448 || load<u8>(p, 8) != 32) return 0;
  let status = 0;
  for (let i: usize = 9; i < 12; i++) {
    const digit = <u32>load<u8>(p + i) - 48;
    if (digit > 9) return 0;
    status = status * 10 + digit;
  }
  const next = load<u8>(p, 12);
  return next == 32 || next == 13 ? status : 0;
}

/** What the fields of a response said. */
const enum Seen {
  UPGRADE = 1,
  CONNECTION = 2,
  ACCEPT = 4,
  ACCEPT_WRONG = 8,
  PROTOCOL = 16,
  PROTOCOL_WRONG = 32,
  EXTENSION = 64,
}

/** Judges the whole response in the session's block: OPEN with an event, or an ErrorCode. RFC 6455 4.1. */
export function responseJudge(s: Session, block: usize): i32 {
  const r = changetype<Request>(block);
  const field = fieldRecord();
  const end = block + r.end - 2;
  const status = statusRead(block + r.from);
  if (!status) return ErrorCode.HTTP_SYNTAX;
  if (status != 101) return ErrorCode.RESPONSE_STATUS;
  let seen: u32 = 0;
  let chosen: usize = 0;
  let chosenLength: u32 = 0;
  let p = lineEnd(block + r.from);
  while (p < end) {
    p = fieldRead(p, end);
    if (!p) return ErrorCode.HTTP_SYNTAX;
    const value = <usize>field.ptr;
    const n = field.len;
    if (fieldIs(field, text.N_UPGRADE)) {
      if (text.textIs(value, n, text.V_WEBSOCKET)) seen |= Seen.UPGRADE;
    } else if (fieldIs(field, text.N_CONNECTION)) {
      if (listHas(value, n, text.N_UPGRADE)) seen |= Seen.CONNECTION;
    } else if (fieldIs(field, text.N_ACCEPT)) {
      const right = bytesEqual(value, n, block + r.accept, ACCEPT_LENGTH) && !(seen & Seen.ACCEPT);
      seen |= Seen.ACCEPT | (right ? 0 : Seen.ACCEPT_WRONG);
    } else if (fieldIs(field, text.N_EXTENSIONS)) {
      seen |= Seen.EXTENSION;
    } else if (fieldIs(field, text.N_PROTOCOL)) {
      const list = r.protocolsLength ? block + r.protocols : 0;
      const asked = listContains(list, list + r.protocolsLength, value, n);
      if (seen & Seen.PROTOCOL || !asked) seen |= Seen.PROTOCOL_WRONG;
      seen |= Seen.PROTOCOL;
      chosen = value;
      chosenLength = n;
    }
  }
  if ((seen & (Seen.UPGRADE | Seen.CONNECTION)) != (Seen.UPGRADE | Seen.CONNECTION)) {
    return ErrorCode.RESPONSE_HEADER;
  }
  if ((seen & (Seen.ACCEPT | Seen.ACCEPT_WRONG)) != Seen.ACCEPT) return ErrorCode.RESPONSE_ACCEPT;
  if (seen & Seen.EXTENSION) return ErrorCode.RESPONSE_EXTENSION;
  if (seen & Seen.PROTOCOL_WRONG) return ErrorCode.RESPONSE_PROTOCOL;
  const e = eventPush(s, eventWord(EventKind.OPEN, EventFlag.REMOTE, status), chosen, chosenLength);
  // The subprotocol lies in the head's block, which the event now owns.
  e.block = <u32>block;
  s.block = 0;
  opened(s);
  return 0;
}
