// What a client wants → the opening handshake's request; the server's response → OPEN or an error.
// RFC 6455 4.1.
//
// The session's block keeps what the response must be held against, in front of the response:
//
//   Request | EXPECTED: accept value | OFFERED: terms of permessage-deflate
//     | ASKED: the field line with the subprotocols | response head ...

import { ErrorCode, EventFlag, EventKind } from '../abi';
import { copyBytes } from '../memory';
import { DEFLATE, HEAD_MAX_BYTES, PROTOCOLS } from '../profile';
import { base64Write } from '../protocol/base64';
import { maskKeyNext } from '../protocol/entropy';
import { arenaTake, RESERVE_MAX, Use } from '../session/arena';
import { eventPush, eventWord } from '../session/events';
import { queueReserve, queueTrim } from '../session/queue';
import { Session } from '../session/session';
import { answerTake, EXTENSIONS_MAX, fallbackTerms, offerTerms, termsWrite } from './extensions';
import { digitsEnd, fieldsSee, MALFORMED, once, visible } from './fields';
import { acceptWrite, headersValid, opened } from './handshake';
import { COMMA, Field, skipSpace, tokenEnd } from './head';
import {
  ASKED,
  EXPECTED,
  HTTP_11,
  KEY_LENGTH,
  OFFERED,
  protocolsValid,
  Request,
  requestClear,
} from './request';
import * as text from './text';
import { crlf, line, textCopy } from './write';

/** The most bytes of a request beside what the host gives. */
const REQUEST_EXTRA: u32 = 256 + 2 * EXTENSIONS_MAX;
/** Bytes of the field line with the subprotocols beside these: name, colon, space and CRLF. */
const PROTOCOL_EXTRA: u32 = 26;

/** Whether it is a list of tokens without empty elements. RFC 6455 4.1, item 10. */
function listValid(p: usize, n: u32): bool {
  const end = p + n;
  while (true) {
    p = skipSpace(p, end);
    const last = tokenEnd(p, end);
    const next = skipSpace(last, end);
    if (last == p || (next < end && load<u8>(next) != COMMA)) return false;
    if (next == end) return true;
    p = next + 1;
  }
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
  if (
    !visible(target, targetLength) ||
    load<u8>(target) != 47 ||
    !visible(host, hostLength) ||
    (protocolsLength && !(PROTOCOLS && listValid(protocols, protocolsLength))) ||
    !headersValid(headers, headersLength)
  ) {
    return ErrorCode.VALUE;
  }
  const most = targetLength + hostLength + protocolsLength + headersLength + REQUEST_EXTRA;
  // A Request counts in 16 bits: what a request asks for lies in front of the response's head.
  if (most > min(RESERVE_MAX, 0xffff - ASKED - HEAD_MAX_BYTES)) return ErrorCode.ARGUMENT;
  const asks: u32 = protocolsLength ? protocolsLength + PROTOCOL_EXTRA : 0;
  const block = arenaTake(ASKED + asks, Use.IN);
  s.block = <u32>block;
  const begin = queueReserve(s, most, Use.CONTROL);
  if (!block || !begin) return ErrorCode.MEMORY;

  store<u32>(begin, 0x20544547); // "GET "
  let p = textCopy(copyBytes(begin + 4, target, targetLength), text.REQUEST_TAIL);
  p = textCopy(textCopy(copyBytes(p, host, hostLength), text.UPGRADE_LINES), text.VERSION_KEY);
  // RFC 6455 4.1: "a nonce consisting of a randomly selected 16-byte value".
  const nonce = block + EXPECTED;
  for (let i = 0; i < 16; i += 4) store<u32>(nonce + i, maskKeyNext());
  base64Write(p, nonce, 16);
  acceptWrite(nonce, p);
  p = crlf(p + KEY_LENGTH);
  let asked = block + ASKED;
  if (protocolsLength) {
    const end = line(p, text.PROTOCOL, protocols, protocolsLength);
    asked = copyBytes(asked, p, end - p);
    p = end;
  }
  const terms = DEFLATE ? offerTerms(s) : 0;
  store<u32>(block + OFFERED, terms);
  if (terms) {
    p = termsWrite(p, terms);
    const fallback = fallbackTerms(s, terms);
    if (fallback) p = termsWrite(p, fallback);
  }
  queueTrim(s, crlf(copyBytes(p, headers, headersLength)));
  if (PROTOCOLS && !protocolsValid(block + ASKED, asked)) return ErrorCode.VALUE;
  s.messageLength = asked - block;
  requestClear(block, <u32>(asked - block));
  return 0;
}

/** " 101", little-endian. */
const SWITCHING: u32 = 0x31303120;

/** Whether a line begins with an HTTP version, 1.1, and a status. RFC 9112 4. */
// @ts-ignore: decorator
@inline
function statusValid(p: usize): bool {
  const end = p + 12;
  const next = load<u8>(end);
  return (
    load<u64>(p) == HTTP_11 &&
    load<u8>(p, 8) == 32 &&
    digitsEnd(p + 9, end) == end &&
    (next == 32 || next == 13)
  );
}

/** Judges the whole response in the session's block: OPEN with an event, or an ErrorCode. RFC 6455 4.1. */
export function responseJudge(s: Session, block: usize): i32 {
  const r = changetype<Request>(block);
  const p = block + r.head;
  if (!statusValid(p)) return ErrorCode.HTTP_SYNTAX;
  if (load<u32>(p, 8) != SWITCHING) return ErrorCode.RESPONSE_STATUS;
  const seen = fieldsSee(s, block);
  if (seen & MALFORMED) return ErrorCode.HTTP_SYNTAX;
  if (~seen & ((1 << Field.UPGRADE) | (1 << Field.CONNECTION))) return ErrorCode.RESPONSE_HEADER;
  if (!once(seen, Field.ACCEPT)) return ErrorCode.RESPONSE_ACCEPT;
  if (
    seen & ((DEFLATE ? 0x10000 : 0x10001) << Field.EXTENSIONS) ||
    (DEFLATE && !answerTake(s, load<u32>(block + OFFERED), r.terms))
  ) {
    return ErrorCode.RESPONSE_EXTENSION;
  }
  if (seen & (0x10000 << Field.PROTOCOL)) return ErrorCode.RESPONSE_PROTOCOL;
  const what = eventWord(EventKind.OPEN, EventFlag.REMOTE, 101);
  const e = eventPush(s, what, r.protocolLength ? block + r.protocol : 0, r.protocolLength);
  // The subprotocol lies in the head's block, which the event now owns.
  e.block = <u32>block;
  s.block = 0;
  opened(s);
  return 0;
}
