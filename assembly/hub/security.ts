// The host's lists of origins, bearer tokens and subprotocols ↔ the head of an opening handshake:
// may it come to the host? RFC 6455 10.2, RFC 6750 2 and 3.
//
//   head whole and right ─► origin ─► token ─► subprotocols ─► UPGRADE
//                            403       401       400
//
// An empty list judges nothing. The region SECURITY:
//
//   DIGESTS    TOKENS x 32 bytes: the SHA-256 of each token
//   ORIGINS    ALLOWED_BYTES: entries, each its length (2 bytes) and its text in lower case
//   LISTED     ALLOWED_BYTES: the same for subprotocols, in the case in which they were given
//
// A client may put its token into Sec-WebSocket-Protocol, as `bearer, TOKEN`. These two are no
// subprotocols then: the host is not offered them, and the token is never chosen.

import { ErrorCode, Option, TokenSource } from '../abi';
import { digitsEnd } from '../http/fields';
import { fieldRead, find, lineEnd, skipSpace, span, tokenEnd } from '../http/head';
import { namesEqual } from '../http/keep';
import { fieldsEnd, fieldsFrom, protocolAt, PROTOCOLS_MAX, Request } from '../http/request';
import * as text from '../http/text';
import { copyBytes, fieldRecord, HUB_STATE, SECURITY_TABLES, stats, zeroWords } from '../memory';
import { ALLOWED_BYTES, PROTOCOLS, TOKENS } from '../profile';
import {
  sha256,
  SHA256_BYTES,
  SHA256_HASH,
  sha256Add,
  sha256Begin,
  sha256End,
} from '../protocol/sha256';
import { optionDefault } from '../session/session';
import { SECURITY_BYTES, SECURITY_STATE } from './layout';
import { bytesEqual } from './table';

export const DIGESTS: usize = SECURITY_TABLES;
export const ORIGINS: usize = DIGESTS + TOKENS * SHA256_BYTES;
export const LISTED: usize = ORIGINS + ALLOWED_BYTES;

const STAR: u32 = 42;
const PERCENT: u32 = 37;
const DOT: u32 = 46;
const COLON: u32 = 58;
/** "*." and "//"; "null": little-endian. */
const STAR_DOT: u16 = 0x2e2a;
const SLASHES: u16 = 0x2f2f;
const NULL: u32 = 0x6c6c756e;

// Sets of bytes: see span in head.ts.
/** Letters; with `_`; with `_` and `~`. */
const LETTERS_64: u64 = 0x07fffffe07fffffe;
const NAME_64: u64 = 0x07fffffe87fffffe;
const B64_64: u64 = 0x47fffffe87fffffe;
/** Digits, `+`, `-`, `.`: with letters those of a scheme. RFC 3986 3.1. */
const SCHEME_0: u64 = 0x03ff680000000000;
/** Digits, `-`: with letters and `_` those of a host's label; with `.` those of its name. */
const LABEL_0: u64 = 0x03ff200000000000;
const NAME_0: u64 = 0x03ff600000000000;
/** Digits, `-`, `.`, `+`, `/`: with letters, `_` and `~` those of a token; `=` ends it. RFC 6750 2.1. */
const B64_0: u64 = 0x03ffe80000000000;
const EQUALS_0: u64 = 0x2000000000000000;


@unmanaged
export class SecurityState {
  /** Bytes of ORIGINS and of LISTED in use. */
  origins: u32;
  listed: u32;
  /** Digests in use. */
  tokens: u32;
  /** What the request refused last is told in its 401: a text. */
  challenge: u32;
}

/** Bytes of text.BEARER and of text.ACCESS_TOKEN. */
export const BEARER_LENGTH: u32 = 6;
const ACCESS_TOKEN_LENGTH: u32 = 13;

// @ts-ignore: decorator
@inline
export function security(): SecurityState {
  return changetype<SecurityState>(HUB_STATE + SECURITY_STATE);
}

// ----------------------------------------------------------------- the lists

/**
 * Adds an entry to a list.
 *
 * @param list where it lies
 * @param used where its bytes in use are counted
 * @returns the address of the entry's text, 0 when there is no room
 */
function entryAdd(list: usize, used: usize, p: usize, n: u32): usize {
  const had = load<u32>(used);
  const has = had + 2 + n;
  if (has > <u32>ALLOWED_BYTES) return 0;
  store<u32>(used, has);
  store<u16>(list + had, <u16>n);
  copyBytes(list + had + 2, p, n);
  return list + had + 2;
}

/** One past `scheme://` at `p`; 0 when that does not stand there. */
function schemeEnd(p: usize, end: usize): usize {
  const colon = span(p, end, SCHEME_0, LETTERS_64);
  const right =
    colon > p && end - colon > 2 && load<u8>(colon) == COLON && load<u16>(colon, 1) == SLASHES;
  return right ? colon + 3 : 0;
}

/** Whether a host and, if there is one, `:` and a port are all that `p`..`end` has. */
function authorityValid(p: usize, end: usize): bool {
  // RFC 3986 3.2.2: an IPv6 address stands in brackets.
  const literal = p < end && load<u8>(p) == 91;
  let last = literal ? find(p, end, 93) + 1 : span(p, end, NAME_0, NAME_64);
  if (last < end && load<u8>(last) == COLON) {
    p = last + 1;
    last = digitsEnd(p, end);
    if (last == p) return false;
  }
  return last == end;
}

/** Whether the bytes are what a browser says of a page: RFC 6454 6.2, scheme "://" host [ ":" port ]. */
function originValid(p: usize, n: u32): bool {
  const host = schemeEnd(p, p + n);
  return host != 0 && authorityValid(host, p + n);
}

/** Whether an entry may be one of the list of origins. */
function entryValid(p: usize, n: u32): bool {
  if (n < 2) return n == 0 || load<u8>(p) == STAR;
  if (n == 4 && load<u32>(p) == NULL) return true;
  const end = p + n;
  const host = schemeEnd(p, end);
  if (!host || end - host < 3 || load<u16>(host) != STAR_DOT) return originValid(p, n);
  return span(host + 2, end, LABEL_0, NAME_64) > host + 2 && authorityValid(host + 2, end);
}

/** Adds an origin: 0, or an ErrorCode; see limpet_origin_add. */
export function originAdd(p: usize, n: u32): i32 {
  if (!entryValid(p, n)) return ErrorCode.VALUE;
  const used = changetype<usize>(security()) + offsetof<SecurityState>('origins');
  const entry = entryAdd(ORIGINS, used, p, n);
  if (!entry) return ErrorCode.MEMORY;
  for (let i: u32 = 0; i < n; i++) store<u8>(entry + i, <u8>text.lower(load<u8>(entry + i)));
  return 0;
}

/** Adds a subprotocol: 0, or an ErrorCode; see limpet_protocol_add. */
export function protocolAdd(p: usize, n: u32): i32 {
  if (!PROTOCOLS) return ErrorCode.UNSUPPORTED;
  if (!n || tokenEnd(p, p + n) != p + n) return ErrorCode.VALUE;
  const used = changetype<usize>(security()) + offsetof<SecurityState>('listed');
  return entryAdd(LISTED, used, p, n) ? 0 : ErrorCode.MEMORY;
}

/** Adds a token, and zeroes its text: 0, or an ErrorCode; see limpet_token_add. */
export function tokenAdd(p: usize, n: u32): i32 {
  const end = p + n;
  // RFC 6750 2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
  const last = span(p, end, B64_0, B64_64);
  const right = last > p && span(last, end, EQUALS_0, 0) == end;
  const answer = right ? digestAdd(sha256(p, n)) : ErrorCode.VALUE;
  while (p < end) {
    store<u8>(p, 0);
    p += 1;
  }
  return answer;
}

/** Adds a token by its SHA-256: 0, or ErrorCode.MEMORY. */
export function digestAdd(digest: usize): i32 {
  const count = security().tokens;
  if (count == TOKENS) return ErrorCode.MEMORY;
  copyBytes(DIGESTS + count * SHA256_BYTES, digest, SHA256_BYTES);
  security().tokens = count + 1;
  return 0;
}

/** Empties all three lists. */
export function securityClear(): void {
  // Nothing of what they held stays behind.
  zeroWords(SECURITY_TABLES, SECURITY_BYTES);
  zeroWords(HUB_STATE + SECURITY_STATE, offsetof<SecurityState>());
}

// ------------------------------------------------------------- the judgement

/**
 * Judges the whole and right head of an opening handshake.
 *
 * @param block the arena block with the head, behind its Request
 * @returns 0, or an ErrorCode
 */
export function securityJudge(block: usize): i32 {
  if (!originJudge(block)) {
    stats().refusedOrigin += 1;
    return ErrorCode.UPGRADE_ORIGIN;
  }
  if (!tokenJudge(block)) {
    stats().refusedToken += 1;
    return ErrorCode.UPGRADE_TOKEN;
  }
  if (PROTOCOLS && !protocolsJudge(block)) {
    stats().refusedProtocol += 1;
    return ErrorCode.UPGRADE_PROTOCOL_REFUSED;
  }
  return 0;
}

/**
 * Finds a field by its lower-case name.
 *
 * @param p a field line's first byte
 * @returns one past that line, its value in the FieldRecord; 0 when there is none from `p` on
 */
function fieldNext(block: usize, p: usize, name: usize): usize {
  const field = fieldRecord();
  const end = fieldsEnd(block);
  while (p < end) {
    p = fieldRead(p, end);
    if (text.textIs(field.namePtr, field.nameLen, name)) return p;
  }
  return 0;
}

/** Whether the list admits the request's Origin, or its absence. RFC 6455 10.2. */
// @ts-ignore: decorator
@inline
function originJudge(block: usize): bool {
  const end = ORIGINS + security().origins;
  if (end == ORIGINS) return true;
  const field = fieldRecord();
  const next = fieldNext(block, fieldsFrom(block), text.ORIGIN);
  const value: usize = next ? <usize>field.ptr : 0;
  const n: u32 = next ? field.len : 0;
  // RFC 6454 7.3: a user agent "MUST NOT include more than one Origin header field".
  if (next && (!n || fieldNext(block, next, text.ORIGIN))) return false;
  for (let at = ORIGINS; at < end; at += 2 + <usize>load<u16>(at)) {
    if (originIs(value, n, at + 2, load<u16>(at))) return true;
  }
  return false;
}

/** Whether an origin is what an entry of the list says; `n` 0 when the request has none. */
function originIs(p: usize, n: u32, entry: usize, length: u32): bool {
  const star = find(entry, entry + length, STAR);
  const head = <u32>(star - entry);
  if (head == length) return namesEqual(p, n, entry, length);
  if (length == 1) return originValid(p, n);
  // What the star stands for: behind head, in front of tail.
  const tail = length - head - 1;
  return (
    n > head + tail &&
    namesEqual(p, head, entry, head) &&
    namesEqual(p + n - tail, tail, star + 1, tail) &&
    labelsValid(p + head, p + n - tail)
  );
}

/** Whether `p`..`end` are one label or several with a dot between them: `a`, `a.b`. */
function labelsValid(p: usize, end: usize): bool {
  while (true) {
    const last = span(p, end, LABEL_0, NAME_64);
    if (last == p) return false;
    if (last == end) return true;
    if (load<u8>(last) != DOT) return false;
    p = last + 1;
  }
}

/** Whether the request has one token, and that is on the list; else notes the challenge. RFC 6750 3. */
// @ts-ignore: decorator
@inline
function tokenJudge(block: usize): bool {
  const s = security();
  if (!s.tokens) return true;
  const sources = optionDefault(Option.TOKEN_SOURCES);
  let given: u32 = 0;
  if (sources & TokenSource.HEADER) given = headerTokens(block);
  if (PROTOCOLS && sources & TokenSource.PROTOCOL) given += protocolToken(block);
  if (sources & TokenSource.QUERY) given += queryTokens(block);
  if (given == 1 && tokenListed()) return true;
  s.challenge = <u32>(
    (given == 0 ? text.CHALLENGE : given == 1 ? text.CHALLENGE_TOKEN : text.CHALLENGE_REQUEST)
  );
  return false;
}

// Each of the three ways: how many tokens came. The digest is that of the last one. One that is
// empty counts as two, for RFC 6750 3.1 has one answer, invalid_request, to a token that is
// "malformed" and to "more than one method for including an access token".

/** `Authorization: Bearer TOKEN`. RFC 6750 2.1; RFC 9110 11.1: the scheme in any case. */
function headerTokens(block: usize): u32 {
  const field = fieldRecord();
  let given: u32 = 0;
  let p = fieldsFrom(block);
  while ((p = fieldNext(block, p, text.AUTHORIZATION))) {
    const from = <usize>field.ptr;
    const end = from + field.len;
    const scheme = tokenEnd(from, end);
    if (!text.textIs(from, <u32>(scheme - from), text.BEARER)) continue;
    const token = skipSpace(scheme, end);
    given += 1 + u32(token == end);
    sha256(token, <u32>(end - token));
  }
  return given;
}

/** `Sec-WebSocket-Protocol: bearer, TOKEN`; the Request notes where. */
function protocolToken(block: usize): u32 {
  const field = fieldRecord();
  const from = fieldsFrom(block);
  const end = fieldsEnd(block);
  for (let i = 0; protocolAt(from, end, i) == 0; i++) {
    if (!isBearer(field.ptr, field.len)) continue;
    if (protocolAt(from, end, i + 1)) return 0;
    changetype<Request>(block).bearer = <u16>(i + 1);
    sha256(field.ptr, field.len);
    return 1;
  }
  return 0;
}

/** Whether it is the subprotocol `bearer`: unlike a scheme, it has a case. */
function isBearer(p: usize, n: u32): bool {
  return bytesEqual(p, n, text.BEARER, BEARER_LENGTH);
}

/** `access_token=TOKEN` in the query. RFC 6750 2.3. */
function queryTokens(block: usize): u32 {
  const head = block + changetype<Request>(block).head;
  let given: u32 = 0;
  // The target ends at the first space behind its "?"; without one the line is over at once.
  let p = find(head, lineEnd(head), 63) + 1;
  const end = find(p, lineEnd(head), 32);
  while (p < end) {
    const last = find(p, end, 38);
    const value = p + ACCESS_TOKEN_LENGTH;
    if (
      value <= last &&
      bytesEqual(p, ACCESS_TOKEN_LENGTH, text.ACCESS_TOKEN, ACCESS_TOKEN_LENGTH)
    ) {
      given += 1 + u32(value == last);
      hashDecoded(value, last);
    }
    p = last + 1;
  }
  return given;
}

/**
 * Hashes a value of the query, percent-decoded: `+`, `/` and `=` of a token may come either way. RFC
 * 3986 2.1. A `%` without two digits stands for itself, and is in no token.
 */
function hashDecoded(p: usize, end: usize): void {
  sha256Begin();
  while (p < end) {
    let byte: u32 = load<u8>(p);
    p += 1;
    if (byte == PERCENT && end - p >= 2) {
      const code = (digitOf(load<u8>(p)) << 4) | digitOf(load<u8>(p, 1));
      if (code < 256) {
        byte = code;
        p += 2;
      }
    }
    sha256Add(byte);
  }
  sha256End();
}

/** The value of a hexadecimal digit; more than 255 for any other byte. */
function digitOf(byte: u32): u32 {
  const letter = (byte | 32) - 97;
  return byte - 48 < 10 ? byte - 48 : letter < 6 ? letter + 10 : 256;
}

/**
 * Whether the hash at hand is on the list. Every entry is looked at, whole, and no branch depends on
 * their bytes: how long it takes tells nothing of how much of a token was right, nor of which one.
 */
function tokenListed(): bool {
  let found: u64 = 0;
  const end = DIGESTS + security().tokens * SHA256_BYTES;
  for (let entry = DIGESTS; entry < end; entry += SHA256_BYTES) {
    let differ: u64 = 0;
    for (let i = 0; i < SHA256_BYTES; i += 8) {
      differ |= load<u64>(entry + i) ^ load<u64>(SHA256_HASH + i);
    }
    // Of 0 alone neither the number nor its negative has the highest bit.
    found |= ~(differ | (0 - differ));
  }
  return found >> 63 != 0;
}

/** Whether the client offers no subprotocol, or one that the list has. */
// @ts-ignore: decorator
@inline
function protocolsJudge(block: usize): bool {
  if (!security().listed || protocolOffered(block, 0) == 0) return true;
  const own = changetype<Request>(block).bearer ? 2 : 0;
  return protocolAt(fieldsFrom(block), fieldsEnd(block), own) != 0;
}

// ------------------------------------------------------------ behind UPGRADE

/** Whether the list of subprotocols has one, or there is no list. */
function protocolListed(p: usize, n: u32): bool {
  const end = LISTED + security().listed;
  if (end == LISTED) return true;
  for (let at = LISTED; at < end; at += 2 + <usize>load<u16>(at)) {
    if (bytesEqual(p, n, at + 2, load<u16>(at))) return true;
  }
  return false;
}

/**
 * Finds the subprotocol of number `index` among those that a client offers and the list has.
 *
 * @returns 0 with it in the FieldRecord's `ptr` and `len`, or an ErrorCode
 */
export function protocolOffered(block: usize, index: i32): i32 {
  const field = fieldRecord();
  const bearer = <i32>changetype<Request>(block).bearer - 1;
  for (let i = 0; i < PROTOCOLS_MAX; i++) {
    if (protocolAt(fieldsFrom(block), fieldsEnd(block), i)) break;
    if (bearer >= 0 && (i == bearer || i == bearer + 1)) continue;
    if (protocolListed(field.ptr, field.len) && index-- == 0) return 0;
  }
  return ErrorCode.ABSENT;
}

/** Whether a host may choose a subprotocol. */
export function protocolMay(block: usize, name: usize, n: u32): bool {
  const field = fieldRecord();
  for (let i = 0; protocolOffered(block, i) == 0; i++) {
    if (bytesEqual(name, n, field.ptr, field.len)) return true;
  }
  return changetype<Request>(block).bearer != 0 && isBearer(name, n);
}

/** The field line with which a 401 says why, a text. RFC 6750 3. */
export function challenge(): usize {
  return security().challenge;
}
