// A whole request head → what it asks for. RFC 9112 3, RFC 6455 4.2.1.
//
// The head lies in an arena block behind a Request, which notes where its parts are; offsets count
// from the block. It lives until the host has decided.

import { ErrorCode } from '../abi';
import { fieldRecord, zeroWords } from '../memory';
import { base64Is } from '../protocol/base64';
import { extensionsValid, fieldIs, fieldRead, lineEnd, listHas, listToken, tokenEnd } from './head';
import * as text from './text';

/** Bytes of a key of 16 bytes in base64: 22 characters and "==". */
export const KEY_LENGTH: u32 = 24;
/** The most subprotocols that a client may offer: the check for doubles is quadratic. */
const PROTOCOLS_MAX: i32 = 32;

/** Where the parts of a head are. */
@unmanaged
export class Request {
  /** First byte of the head, and one past its last CRLF CRLF. */
  from: u16;
  end: u16;
  methodLength: u16;
  path: u16;
  pathLength: u16;
  query: u16;
  queryLength: u16;
  host: u16;
  hostLength: u16;
  key: u16;
  /** Client: the expected accept value and the subprotocols that were asked for. */
  accept: u16;
  protocols: u16;
  protocolsLength: u16;
  reserved: u16;
  /** 1 when the request is an opening handshake. */
  upgrade: u8;
  /** 1 when the method is HEAD. */
  headMethod: u8;
  reserved1: u16;
}

/** Bytes in front of the head. */
export const REQUEST_BYTES: u32 = 32;

/** Makes the Request of a new block; its head will begin at offset `from`. */
export function requestClear(block: usize, from: u32): void {
  zeroWords(block, REQUEST_BYTES);
  changetype<Request>(block).from = <u16>from;
}

/** What the fields of a head said, collected over all of them. */
const enum Seen {
  UPGRADE = 0x01,
  CONNECTION = 0x02,
  /** A field that only opening handshakes have. */
  HANDSHAKE = 0x04,
  VERSION = 0x08,
  VERSION_WRONG = 0x10,
  KEY = 0x20,
  KEY_WRONG = 0x40,
  HOST = 0x80,
  HOST_WRONG = 0x100,
  BODY = 0x200,
  BODY_WRONG = 0x400,
  LENGTH = 0x800,
  EXTENSION_WRONG = 0x1000,
  ENCODING = 0x2000,
}

/**
 * Judges the fields of a whole request head; its first line was judged before.
 *
 * @param block the arena block, its Request's `from` and `end` set
 * @returns 0 with the Request filled, or an ErrorCode
 */
export function requestRead(block: usize): i32 {
  const r = changetype<Request>(block);
  let seen: u32 = 0;
  const end = block + r.end - 2;
  let p = lineEnd(block + r.from);
  while (p < end) {
    p = fieldRead(p, end);
    if (!p) return ErrorCode.HTTP_SYNTAX;
    seen |= fieldSee(block, r, seen);
  }
  if ((seen & (Seen.HOST | Seen.HOST_WRONG)) != Seen.HOST) return ErrorCode.HTTP_HOST;
  if (seen & Seen.BODY_WRONG) return ErrorCode.HTTP_BODY;
  // RFC 9112 6.3: Transfer-Encoding together with Content-Length "ought to be handled as an error".
  if ((seen & (Seen.LENGTH | Seen.ENCODING)) == (Seen.LENGTH | Seen.ENCODING))
    return ErrorCode.HTTP_BODY;

  if (!(seen & (Seen.HANDSHAKE | Seen.UPGRADE))) return 0;
  return upgradeRefuse(block, r, seen);
}

/** The rules of an opening handshake, RFC 6455 4.2.1, in the order in which an answer names them. */
function upgradeRefuse(block: usize, r: Request, seen: u32): i32 {
  r.upgrade = 1;
  const get =
    r.methodLength == 3 &&
    load<u16>(block + r.from) == 0x4547 &&
    load<u8>(block + r.from, 2) == 0x54;
  if (!get) return ErrorCode.UPGRADE_METHOD;
  if (r.hostLength == 0) return ErrorCode.HTTP_HOST;
  if (seen & Seen.BODY) return ErrorCode.HTTP_BODY;
  const both: u32 = Seen.UPGRADE | Seen.CONNECTION;
  if ((seen & both) != both) return ErrorCode.UPGRADE_HEADER;
  if ((seen & (Seen.VERSION | Seen.VERSION_WRONG)) != Seen.VERSION)
    return ErrorCode.UPGRADE_VERSION;
  if ((seen & (Seen.KEY | Seen.KEY_WRONG)) != Seen.KEY) return ErrorCode.UPGRADE_KEY;
  if (seen & Seen.EXTENSION_WRONG) return ErrorCode.UPGRADE_EXTENSION;
  return protocolsValid(block, r) ? 0 : ErrorCode.UPGRADE_PROTOCOL;
}

/**
 * Judges the first line of a head: method SP request-target SP HTTP/1.1. RFC 9112 3.
 *
 * @param block the arena block, its Request's `from` set
 * @returns 0 with method, path and query noted in the Request, or an ErrorCode
 */
export function requestLine(block: usize): i32 {
  const r = changetype<Request>(block);
  const from = block + r.from;
  const end = lineEnd(from) - 2;
  let p = tokenEnd(from, end);
  r.methodLength = <u16>(p - from);
  r.headMethod = r.methodLength == 4 && load<u32>(from) == 0x44414548 ? 1 : 0;
  if (p == end || load<u8>(p) != 32) return ErrorCode.HTTP_SYNTAX;
  p += 1;
  const target = p;
  // RFC 6455 3: a fragment identifier "MUST NOT be used"; bytes above 126 are no URI characters.
  while (p < end && load<u8>(p) > 32 && load<u8>(p) < 127 && load<u8>(p) != 35) p += 1;
  if (p == target || p + 9 != end || load<u8>(p) != 32) return ErrorCode.HTTP_SYNTAX;
  // "HTTP/1.1" and "HTTP/", little-endian.
  const version = load<u64>(p, 1);
  if (<u32>version != 0x50545448 || <u8>(version >> 32) != 0x2f) return ErrorCode.HTTP_SYNTAX;
  if (version >> 40 != 0x312e31) return ErrorCode.HTTP_VERSION;
  return targetRead(block, r, target, p) ? 0 : ErrorCode.HTTP_SYNTAX;
}

/** origin-form or absolute-form → path and query. RFC 9112 3.2; RFC 6455 4.2.1 asks for both forms. */
function targetRead(block: usize, r: Request, p: usize, end: usize): bool {
  if (load<u8>(p) != 47) {
    // scheme "://" authority, and then the path.
    while (p < end && load<u8>(p) != 58) p += 1;
    if (p + 3 >= end || load<u8>(p, 1) != 47 || load<u8>(p, 2) != 47) return false;
    p += 3;
    const authority = p;
    while (p < end && load<u8>(p) != 47 && load<u8>(p) != 63) p += 1;
    if (p == authority) return false;
  }
  const path = p;
  while (p < end && load<u8>(p) != 63) p += 1;
  r.path = <u16>(path - block);
  r.pathLength = <u16>(p - path);
  if (p == path) {
    // RFC 9112 3.2.2: no path is the path "/"; one stands in the target's "://".
    while (load<u8>(block + r.path) != 47) r.path -= 1;
    r.pathLength = 1;
  }
  if (p < end) p += 1;
  r.query = <u16>(p - block);
  r.queryLength = <u16>(end - p);
  return true;
}

/** Notes what the field in the FieldRecord means; returns the Seen bits to add. */
function fieldSee(block: usize, r: Request, seen: u32): u32 {
  const field = fieldRecord();
  const value = <usize>field.ptr;
  const n = field.len;
  if (fieldIs(field, text.N_HOST)) {
    r.host = <u16>(value - block);
    r.hostLength = <u16>n;
    return Seen.HOST | (seen & Seen.HOST || !hostValid(value, n) ? Seen.HOST_WRONG : 0);
  }
  if (fieldIs(field, text.N_UPGRADE)) return listHas(value, n, text.V_WEBSOCKET) ? Seen.UPGRADE : 0;
  if (fieldIs(field, text.N_CONNECTION))
    return listHas(value, n, text.N_UPGRADE) ? Seen.CONNECTION : 0;
  if (fieldIs(field, text.N_VERSION)) {
    const right = n == 2 && load<u16>(value) == 0x3331 && !(seen & Seen.VERSION);
    return Seen.HANDSHAKE | Seen.VERSION | (right ? 0 : Seen.VERSION_WRONG);
  }
  if (fieldIs(field, text.N_KEY)) {
    r.key = <u16>(value - block);
    return (
      Seen.HANDSHAKE | Seen.KEY | (keyValid(value, n) && !(seen & Seen.KEY) ? 0 : Seen.KEY_WRONG)
    );
  }
  if (fieldIs(field, text.N_EXTENSIONS))
    return extensionsValid(value, n) ? 0 : Seen.EXTENSION_WRONG;
  if (fieldIs(field, text.N_ENCODING)) return Seen.BODY | Seen.ENCODING;
  if (fieldIs(field, text.N_LENGTH)) {
    const length = contentLength(value, n);
    if (length < 0 || seen & Seen.LENGTH) return Seen.BODY_WRONG;
    return Seen.LENGTH | (length ? Seen.BODY : 0);
  }
  return 0;
}

/** Digits → their number, at most i32.MAX_VALUE; -1 when they are none. RFC 9110 8.6. */
function contentLength(p: usize, n: u32): i32 {
  if (n == 0 || n > 18) return -1;
  let number: u64 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const digit = <u32>load<u8>(p + i) - 48;
    if (digit > 9) return -1;
    number = number * 10 + digit;
  }
  return <i32>min<u64>(number, i32.MAX_VALUE);
}

/** RFC 6455 4.2.1: "a base64-encoded value that, when decoded, is 16 bytes in length". */
function keyValid(p: usize, n: u32): bool {
  if (n != KEY_LENGTH || load<u16>(p, 22) != 0x3d3d) return false;
  for (let i: usize = 0; i < 22; i++) if (!base64Is(load<u8>(p + i))) return false;
  return true;
}

/** uri-host [ ":" port ]: no space, no delimiter that would end an authority, no userinfo. RFC 9110 7.2. */
function hostValid(p: usize, n: u32): bool {
  for (let i: u32 = 0; i < n; i++) {
    const byte: u32 = load<u8>(p + i);
    if (byte <= 32 || byte >= 127) return false;
    switch (byte) {
      case 34: // "
      case 35: // #
      case 44: // ,
      case 47: // /
      case 60: // <
      case 62: // >
      case 63: // ?
      case 64: // @
      case 92: // backslash
        return false;
      default:
    }
  }
  return true;
}

/** RFC 6455 4.1: the subprotocols "MUST all be unique strings", and tokens. */
function protocolsValid(block: usize, r: Request): bool {
  let count = 0;
  while (true) {
    const answer = protocolAt(block, count);
    if (answer < 0) return answer == ErrorCode.ABSENT;
    if (count == PROTOCOLS_MAX) return false;
    const p = <usize>fieldRecord().ptr;
    const n = fieldRecord().len;
    for (let i = 0; i < count; i++) {
      protocolAt(block, i);
      if (bytesEqual(p, n, fieldRecord().ptr, fieldRecord().len)) return false;
    }
    count += 1;
  }
}

export function bytesEqual(p: usize, n: u32, q: usize, m: u32): bool {
  if (n != m) return false;
  for (let i: u32 = 0; i < n; i++) if (load<u8>(p + i) != load<u8>(q + i)) return false;
  return true;
}

/**
 * Finds the subprotocol of number `index` among all that the request offers, in their order.
 *
 * @returns 0 with it in the FieldRecord's `ptr` and `len`; ErrorCode.ABSENT past the last one,
 *   ErrorCode.UPGRADE_PROTOCOL where the list is no list of tokens
 */
export function protocolAt(block: usize, index: i32): i32 {
  const r = changetype<Request>(block);
  const field = fieldRecord();
  const end = block + r.end - 2;
  let p = lineEnd(block + r.from);
  while (p < end) {
    p = fieldRead(p, end);
    if (!fieldIs(field, text.N_PROTOCOL)) continue;
    const listEnd = <usize>field.ptr + field.len;
    let list = <usize>field.ptr;
    do {
      if (!listToken(list, listEnd)) return ErrorCode.UPGRADE_PROTOCOL;
      if (index-- == 0) {
        field.namePtr = 0;
        return 0;
      }
      list = field.namePtr;
    } while (list);
  }
  return ErrorCode.ABSENT;
}
