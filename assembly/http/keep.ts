// The head of a request → its fields and cookies by name, and what stays of it past the handshake.
// RFC 9110 5.1, RFC 6265 4.2.1.
//
//   Request | request line | the field lines that are kept | CRLF | the subprotocol that was chosen
//
// Nothing is kept unless the host has named fields: their names lie behind the entries of metadata,
// each behind its length; a length of 0 ends them. What is kept is copied to a block of its own size, as
// the UPGRADE event still points into the head. A client can make heads long, and they stay as long
// as it does: all of them together may have a quarter of the arena. Past that, or where the arena has
// no block, a session is opened without.

import { ErrorCode, Part, State } from '../abi';
import { KEEP_BYTES, KEEP_OFFSET, METADATA_STATE } from '../hub/layout';
import { bytesEqual } from '../hub/table';
import { copyBytes, fieldRecord, HUB_STATE, METADATA_TABLES, stats } from '../memory';
import { ARENA_BYTES, CLIENT } from '../profile';
import { arenaBytes, arenaGive, arenaTake, Use } from '../session/arena';
import { Session } from '../session/session';
import { fieldRead, find, listToken, SEMICOLON, skipSpace, textNumber, valueSet } from './head';
import { fieldsEnd, fieldsFrom, Request } from './request';
import * as text from './text';
import { crlf } from './write';

/** The names of the fields that the host wants. */
const NAMES: usize = METADATA_TABLES + KEEP_OFFSET;
/** The word with the bytes of all blocks that hold kept requests; in front of it is what metadata.ts counts. */
const KEPT: usize = HUB_STATE + METADATA_STATE + 8;
const KEPT_MAX: u32 = ARENA_BYTES / 4;
/** A name of one byte, `*`, little-endian: all fields. */
const ALL: u32 = 0x2a01;
const EQUALS: u32 = 61;

/**
 * Sets what is kept of requests to come.
 *
 * @param p a comma-separated list of field names, `*` for all; `n` 0 to keep nothing
 * @returns 0; ErrorCode.VALUE for what is no list of tokens, MEMORY for one that is too long; then
 *   what was set before holds
 */
export function keepSet(p: usize, n: u32): i32 {
  const end = p + n;
  const field = fieldRecord();
  let bytes: u32 = 1;
  for (let at = n ? p : 0; at; at = field.namePtr) {
    if (!listToken(at, end)) return ErrorCode.VALUE;
    bytes += 1 + field.len;
  }
  if (bytes > <u32>KEEP_BYTES) return ErrorCode.MEMORY;
  let to = NAMES;
  for (let at = n ? p : 0; at; at = field.namePtr) {
    listToken(at, end);
    store<u8>(to, <u8>field.len);
    to = copyBytes(to + 1, field.ptr, field.len);
  }
  store<u8>(to, 0);
  return 0;
}

/** Whether the field in the FieldRecord is kept. */
function wanted(): bool {
  const name = <usize>fieldRecord().namePtr;
  const n = fieldRecord().nameLen;
  if (textNumber(name, n, text.KEPT)) return true;
  let length: u32;
  for (let at = NAMES; (length = load<u8>(at)); at += 1 + length) {
    if (load<u16>(at) == ALL || namesEqual(at + 1, length, name, n)) return true;
  }
  return false;
}

/** Copies the field lines that are kept to `to`, and returns one past them; with `to` 0 it only counts. */
function linesKeep(block: usize, to: usize): usize {
  const end = fieldsEnd(block);
  const copies = to != 0;
  let next: usize = 0;
  for (let p = fieldsFrom(block); p < end; p = next) {
    next = fieldRead(p, end);
    if (!wanted()) continue;
    if (copies) copyBytes(to, p, next - p);
    to += next - p;
  }
  return to;
}

/** Keeps what the host wants of the head of a session that is accepted. */
export function keep(s: Session, protocol: usize, protocolLength: u32): void {
  if (!load<u8>(NAMES)) return;
  const head = <usize>s.block;
  const first = fieldsFrom(head) - head;
  // 2 = the empty line.
  const bytes = <u32>(first + linesKeep(head, 0)) + 2 + protocolLength;
  const block = arenaTake(bytes, Use.IN);
  if (!block) return;
  const kept = load<u32>(KEPT) + arenaBytes(block);
  if (kept > KEPT_MAX) {
    stats().memoryFull += 1;
    arenaGive(block, Use.IN);
    return;
  }
  store<u32>(KEPT, kept);
  s.request = <u32>block;
  // The request line lies where it lay; of the other parts only Host does not.
  const r = changetype<Request>(block);
  const last = crlf(linesKeep(head, copyBytes(block, head, first)));
  r.headLength = <u16>(last - block - r.head);
  headerFind(block, text.HOST, text.HOST_LENGTH);
  r.host = <u16>(<usize>fieldRecord().ptr - block);
  r.protocol = <u16>(last - block);
  r.protocolLength = <u16>protocolLength;
  copyBytes(last, protocol, protocolLength);
}

/** Gives back what is kept of a session's request. */
export function keepRelease(s: Session): void {
  if (!s.request) return;
  store<u32>(KEPT, load<u32>(KEPT) - arenaBytes(s.request));
  arenaGive(s.request, Use.IN);
  s.request = 0;
}

/** Whether `bytes` are those of all blocks with kept requests; for debug.ts. */
export function keepSound(bytes: u32): bool {
  return bytes == load<u32>(KEPT) && bytes <= KEPT_MAX;
}

/** Where the request of a session lies that is PENDING, or what is kept of it; else 0. */
export function requestOf(s: Session): usize {
  if (s.state == State.PENDING) return s.block;
  return CLIENT && s.keyed ? 0 : s.request;
}

/**
 * Tells a part of the request in a block, in the FieldRecord's `ptr` and `len`.
 *
 * @returns 0; ErrorCode.ABSENT for an Origin or a subprotocol that there is not, or ARGUMENT
 */
export function partTell(block: usize, part: i32): i32 {
  const field = fieldRecord();
  let found = true;
  if (part == Part.ORIGIN) found = headerFind(block, text.ORIGIN, text.ORIGIN_LENGTH);
  else if (<u32>part > <u32>Part.PROTOCOL) return ErrorCode.ARGUMENT;
  else {
    // The Request begins with the offset and length of each Part but ORIGIN, in their order.
    const at = block + ((part - i32(part > Part.ORIGIN)) << 2);
    field.ptr = <u32>(block + load<u16>(at));
    field.len = load<u16>(at, 2);
    found = part != Part.PROTOCOL || field.len != 0;
  }
  field.namePtr = field.nameLen = 0;
  return found ? 0 : ErrorCode.ABSENT;
}

/** Whether two names are the same, in any case. RFC 9110 5.1. */
export function namesEqual(p: usize, n: u32, q: usize, m: u32): bool {
  if (n != m) return false;
  const end = p + n;
  while (p < end) {
    if (text.lower(load<u8>(p)) != text.lower(load<u8>(q))) return false;
    p += 1;
    q += 1;
  }
  return true;
}

/** Finds the first field of a name: the FieldRecord has it. */
export function headerFind(block: usize, name: usize, n: u32): bool {
  const field = fieldRecord();
  const end = fieldsEnd(block);
  for (let p = fieldsFrom(block); p < end;) {
    p = fieldRead(p, end);
    if (namesEqual(name, n, field.namePtr, field.nameLen)) return true;
  }
  return false;
}

/**
 * Finds the first cookie of a name, over all Cookie fields: RFC 6265 5.4 allows one, but a proxy
 * that speaks HTTP/2 may leave several (RFC 9113 8.2.3). The FieldRecord has it.
 */
export function cookieFind(block: usize, name: usize, n: u32): bool {
  const field = fieldRecord();
  const end = fieldsEnd(block);
  for (let p = fieldsFrom(block); p < end;) {
    p = fieldRead(p, end);
    if (!namesEqual(text.COOKIE, text.COOKIE_LENGTH, field.namePtr, field.nameLen)) continue;
    if (pairFind(<usize>field.ptr, <usize>field.ptr + field.len, name, n)) return true;
  }
  return false;
}

/**
 * Finds a cookie in cookie-string = cookie-pair *( ";" SP cookie-pair ). RFC 6265 4.2.1. Its name
 * counts with its case. Quotes are part of a cookie-value (4.1.1): they stay. Space around a name or
 * a value is not (5.2).
 */
function pairFind(p: usize, end: usize, name: usize, n: u32): bool {
  const field = fieldRecord();
  while (p < end) {
    const next = find(p, end, SEMICOLON);
    p = skipSpace(p, next);
    const equals = find(p, next, EQUALS);
    valueSet(p, equals);
    if (n && equals < next && bytesEqual(p, field.len, name, n)) {
      field.namePtr = <u32>p;
      field.nameLen = n;
      valueSet(skipSpace(equals + 1, next), next);
      return true;
    }
    p = next + 1;
  }
  return false;
}
