// A request head → what it asks for, and whether it may. RFC 9112 3, RFC 6455 4.2.1. The same record
// in front of a response: RFC 6455 4.1.
//
// The head lies in an arena block behind a Request, which notes where its parts are; offsets count
// from the block. It lives until the host has decided; keep.ts says what of it lives longer.

import { ErrorCode } from '../abi';
import { bytesEqual } from '../hub/table';
import { fieldRecord, zeroWords } from '../memory';
import { HEADERS, HTTP, PROTOCOLS } from '../profile';
import { Session } from '../session/session';
import { BODY, fieldsSee, MALFORMED, once, VISIBLE_64 } from './fields';
import { Field, fieldNumber, fieldRead, find, lineEnd, listToken, span, tokenEnd } from './head';

/** Bytes of a key of 16 bytes in base64: 22 characters and "==". */
export const KEY_LENGTH: u32 = 24;
/** The most subprotocols that a client may offer: the check for doubles is quadratic. */
export const PROTOCOLS_MAX: i32 = 32;

/** Visible ASCII but `#`, a set for span in head.ts. RFC 6455 3: a fragment identifier "MUST NOT be used". */
const TARGET_0: u64 = 0xfffffff600000000;
/** "HTTP/1.1", "GET " and "HEAD", little-endian. */
export const HTTP_11: u64 = 0x312e312f50545448;
const GET: u32 = 0x20544547;
const HEAD: u32 = 0x44414548;

/** Where the parts of a head are. Offset and length of each Part but ORIGIN, in their order, come first. */
@unmanaged
export class Request {
  head: u16;
  headLength: u16;
  method: u16;
  methodLength: u16;
  path: u16;
  pathLength: u16;
  query: u16;
  queryLength: u16;
  host: u16;
  hostLength: u16;
  /** The subprotocol that the server chose: a client's, or of a request that is kept (see keep.ts). */
  protocol: u16;
  protocolLength: u16;
  key: u16;
  /** Where among the subprotocols `bearer` stands in front of a token: its number + 1, 0 = nowhere. */
  bearer: u16;
  /** What permessage-deflate is offered or answered (see extensions.ts), 0 = nothing. */
  terms: u32;
}

/** Bytes of a Request. */
export const REQUEST_BYTES: u32 = 32;
/** Accept values: 28 = 4 * ceil(20 / 3). */
export const ACCEPT_LENGTH: u32 = 28;
/** Client: behind the Request lies the expected accept value; it is made of 60 bytes, key and GUID. */
export const EXPECTED: u32 = REQUEST_BYTES;
/** Client: behind the accept value lies what permessage-deflate it offered; 4 = the next word. */
export const OFFERED: u32 = EXPECTED + ACCEPT_LENGTH + 4;
/** Client: behind that, and in front of the response, lies the field line with the subprotocols. */
export const ASKED: u32 = EXPECTED + 64;

/** Makes the Request of a new block; its head will begin at offset `from`. */
export function requestClear(block: usize, from: u32): void {
  zeroWords(block, REQUEST_BYTES);
  changetype<Request>(block).head = <u16>from;
}

/** The first field line of the whole head in a block. */
export function fieldsFrom(block: usize): usize {
  return lineEnd(block + changetype<Request>(block).head);
}

/** One past the last field line: the empty line. */
export function fieldsEnd(block: usize): usize {
  const r = changetype<Request>(block);
  return block + r.head + r.headLength - 2;
}

/**
 * Judges the first line of a head: method SP request-target SP HTTP/1.1. RFC 9112 3.
 *
 * @param block the arena block, the line in it at the Request's `head`
 * @returns 0 with method, path and query noted in the Request, or an ErrorCode
 */
export function requestLine(s: Session, block: usize): i32 {
  const r = changetype<Request>(block);
  const from = block + r.head;
  const end = lineEnd(from) - 2;
  let p = tokenEnd(from, end);
  if (HEADERS) r.method = r.head;
  r.methodLength = <u16>(p - from);
  if (HTTP) s.headMethod = r.methodLength == 4 && load<u32>(from) == HEAD;
  const target = p + 1;
  p = span(target, end, TARGET_0, VISIBLE_64);
  // Without a space behind the method there is none behind the target, or no target.
  if (load<u8>(target - 1) != 32 || p <= target || p + 9 != end || load<u8>(p) != 32) {
    return ErrorCode.HTTP_SYNTAX;
  }
  const version = load<u64>(p, 1) ^ HTTP_11;
  // "HTTP/" are five of the eight bytes.
  if (version << 24) return ErrorCode.HTTP_SYNTAX;
  if (version) return ErrorCode.HTTP_VERSION;
  return targetRead(block, target, p) ? 0 : ErrorCode.HTTP_SYNTAX;
}

/** origin-form or absolute-form → path and query. RFC 9112 3.2; RFC 6455 4.2.1 asks for both forms. */
// @ts-ignore: decorator
@inline
function targetRead(block: usize, p: usize, end: usize): bool {
  const r = changetype<Request>(block);
  if (load<u8>(p) != 47) {
    // scheme "://" authority, and then the path.
    p = find(p, end, 58);
    const authority = p + 3;
    if (authority >= end || load<u16>(p, 1) != 0x2f2f) return false;
    p = min(find(authority, end, 47), find(authority, end, 63));
    if (p == authority) return false;
  }
  const question = find(p, end, 63);
  r.pathLength = <u16>(question - p);
  if (question == p) {
    // RFC 9112 3.2.2: no path is the path "/"; one stands in the target's "://".
    while (load<u8>(p) != 47) p -= 1;
    r.pathLength = 1;
  }
  r.path = <u16>(p - block);
  if (HEADERS) {
    p = question + usize(question < end);
    r.query = <u16>(p - block);
    r.queryLength = <u16>(end - p);
  }
  return true;
}

/**
 * Judges the fields of a whole request head; its first line was judged before.
 *
 * @returns 0 with the Request filled and `upgrade` set for an opening handshake, or an ErrorCode
 */
export function requestRead(s: Session, block: usize): i32 {
  const r = changetype<Request>(block);
  const seen = fieldsSee(s, block);
  if (seen & MALFORMED) return ErrorCode.HTTP_SYNTAX;
  if (!once(seen, Field.HOST)) return ErrorCode.HTTP_HOST;
  // RFC 9112 6.3: Transfer-Encoding together with Content-Length "ought to be handled as an error".
  const both: u32 = (1 << Field.LENGTH) | (1 << Field.ENCODING);
  if (seen & (0x10000 << Field.LENGTH) || (seen & both) == both) return ErrorCode.HTTP_BODY;
  if (!(seen & ((1 << Field.UPGRADE) | (1 << Field.KEY) | (1 << Field.VERSION)))) {
    return HTTP ? 0 : ErrorCode.HTTP_PLAIN;
  }

  // An opening handshake, RFC 6455 4.2.1, judged in the order in which an answer names its faults.
  s.upgrade = true;
  if (load<u32>(block + r.head) != GET) return ErrorCode.UPGRADE_METHOD;
  if (!r.hostLength) return ErrorCode.HTTP_HOST;
  if (seen & BODY) return ErrorCode.HTTP_BODY;
  if (~seen & ((1 << Field.UPGRADE) | (1 << Field.CONNECTION))) return ErrorCode.UPGRADE_HEADER;
  if (!once(seen, Field.VERSION)) return ErrorCode.UPGRADE_VERSION;
  if (!once(seen, Field.KEY)) return ErrorCode.UPGRADE_KEY;
  if (seen & (0x10000 << Field.EXTENSIONS)) return ErrorCode.UPGRADE_EXTENSION;
  if (!PROTOCOLS) return 0;
  return protocolsValid(fieldsFrom(block), fieldsEnd(block)) ? 0 : ErrorCode.UPGRADE_PROTOCOL;
}

/** RFC 6455 4.1: the subprotocols "MUST all be unique strings", and tokens. */
export function protocolsValid(p: usize, end: usize): bool {
  const field = fieldRecord();
  for (let i = 0; i <= PROTOCOLS_MAX; i++) {
    const answer = protocolAt(p, end, i);
    if (answer) return answer == ErrorCode.ABSENT;
    if (protocolFind(p, end, field.ptr, field.len) != i) return false;
  }
  return false;
}

/** The number of a subprotocol among those that the field lines from `p` to `end` offer, or -1. */
export function protocolFind(p: usize, end: usize, name: usize, n: u32): i32 {
  for (let i = 0; protocolAt(p, end, i) == 0; i++) {
    if (bytesEqual(name, n, fieldRecord().ptr, fieldRecord().len)) return i;
  }
  return -1;
}

/**
 * Finds the subprotocol of number `index` among those that field lines offer, in their order.
 *
 * @param p the first field line
 * @param end one past the last one
 * @returns 0 with it in the FieldRecord's `ptr` and `len`; ErrorCode.ABSENT past the last one,
 *   ErrorCode.UPGRADE_PROTOCOL where the list is no list of tokens
 */
export function protocolAt(p: usize, end: usize, index: i32): i32 {
  const field = fieldRecord();
  while (p < end) {
    p = fieldRead(p, end);
    if (fieldNumber() != Field.PROTOCOL) continue;
    const listEnd = <usize>field.ptr + field.len;
    let list = <usize>field.ptr;
    do {
      if (!listToken(list, listEnd)) return ErrorCode.UPGRADE_PROTOCOL;
      list = field.namePtr;
      if (index-- == 0) {
        field.namePtr = 0;
        return 0;
      }
    } while (list);
  }
  return ErrorCode.ABSENT;
}
