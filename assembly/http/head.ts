// Bytes → HTTP/1.1 message head: where it ends, its fields, its lists. RFC 9112 2 to 5; RFC 9110 5.
//
//   start-line CRLF *( name ":" OWS value OWS CRLF ) CRLF
//
// The scan finds the end byte by byte, so that a head may be cut anywhere, and refuses at once what
// no later byte can repair: a bare CR or LF, a control byte, a folded line, a line that begins with
// anything but a token. Everything else is judged when the head is whole.

import { fieldRecord } from '../memory';
import { SEC, SEC_NAMES, NAMES, textIs } from './text';

/** Where the scan stands between two bytes. Odd: before a CR that ends a line; even: behind it. */
export const enum Scan {
  /** Nothing yet: a token character begins the start-line. */
  START = 0,
  /** Within a line. */
  LINE = 1,
  /** Behind a CR that ends a line. */
  LINE_CR = 2,
  /** Behind CRLF: a field, or the CR of the empty line. */
  FIELD = 3,
  /** Behind the CR of the empty line. */
  LAST_CR = 4,
  /** Behind CRLF CRLF. */
  DONE = 5,
  /** This is not HTTP. */
  BAD = 6,
}

/** The fields that the core knows: first those of text.NAMES, then those of text.SEC_NAMES. */
export const enum Field {
  OTHER = 0,
  HOST = 1,
  UPGRADE = 2,
  CONNECTION = 3,
  LENGTH = 4,
  ENCODING = 5,
  /** Sec-WebSocket-*, but none of the following. */
  SEC_OTHER = 6,
  KEY = 7,
  VERSION = 8,
  PROTOCOL = 9,
  EXTENSIONS = 10,
  ACCEPT = 11,
}

const CR: u32 = 13;
const LF: u32 = 10;
const TAB: u32 = 9;
const SPACE: u32 = 32;
export const COMMA: u32 = 44;
export const SEMICOLON: u32 = 59;

/** tchar, RFC 9110 5.6.2: a bit for each byte that is one, 0-63 and 64-127. */
const TOKEN_0: u64 = 0x03ff6cfa00000000;
const TOKEN_64: u64 = 0x57ffffffc7fffffe;

/** Tab and space; comma. */
const SPACE_0: u64 = 0x0000000100000200;
const COMMA_0: u64 = 0x0000100000000000;

/** Whether a byte is in a set: bits for 0-63 and 64-127. */
function isIn(byte: u32, set0: u64, set64: u64): bool {
  return byte < 128 && ((byte < 64 ? set0 : set64) >> (byte & 63)) & 1 ? true : false;
}

/** One past the bytes from `p` on that are in a set. */
export function span(p: usize, end: usize, set0: u64, set64: u64): usize {
  while (p < end && isIn(load<u8>(p), set0, set64)) p += 1;
  return p;
}

/** The next `byte` from `p` on, or `end`. */
export function find(p: usize, end: usize, byte: u32): usize {
  while (p < end && load<u8>(p) != byte) p += 1;
  return p;
}

/** One past the token at `p`; `p` itself when there is none. */
export function tokenEnd(p: usize, end: usize): usize {
  return span(p, end, TOKEN_0, TOKEN_64);
}

/** Whether a byte may stand in a field value: VCHAR, obs-text, space and tab. RFC 9110 5.5. */
function valueIs(byte: u32): bool {
  return byte == TAB || (byte >= SPACE && byte != 127);
}

/** One more byte of a head → where the scan stands. */
export function scanNext(scan: i32, byte: u32): i32 {
  const inLine = scan & 1;
  if (scan && byte == (inLine ? CR : LF)) return scan + 1;
  if (scan && !inLine) return Scan.BAD;
  // A line begins with a token: the method, or a field's name.
  return (scan == Scan.LINE ? valueIs(byte) : isIn(byte, TOKEN_0, TOKEN_64)) ? Scan.LINE : Scan.BAD;
}

/** One past the CRLF of the line at `p`. */
export function lineEnd(p: usize): usize {
  return find(p, usize.MAX_VALUE, CR) + 2;
}

/** One past the spaces and tabs at `p`. */
export function skipSpace(p: usize, end: usize): usize {
  return span(p, end, SPACE_0, 0);
}

/** One past the spaces and empty elements at `p`. RFC 9110 5.6.1.2: a recipient ignores empty elements. */
export function skipEmpty(p: usize, end: usize): usize {
  return span(p, end, SPACE_0 | COMMA_0, 0);
}

/** Notes the bytes from `p` to `end`, less the space behind them, as the FieldRecord's value. */
export function valueSet(p: usize, end: usize): void {
  while (end > p && skipSpace(end - 1, end) == end) end -= 1;
  const field = fieldRecord();
  field.ptr = <u32>p;
  field.len = <u32>(end - p);
}

/**
 * Reads the field line at `p` into the FieldRecord.
 *
 * @param p a line's first byte
 * @param end one past the bytes that may be read
 * @returns one past its CRLF; 0 when it is not `token ":" OWS value OWS CRLF`
 */
export function fieldRead(p: usize, end: usize): usize {
  const field = fieldRecord();
  const colon = tokenEnd(p, end);
  field.namePtr = <u32>p;
  field.nameLen = <u32>(colon - p);
  if (colon == p || colon == end || load<u8>(colon) != 58) return 0;
  const value = skipSpace(colon + 1, end);
  p = value;
  while (p < end && valueIs(load<u8>(p))) p += 1;
  if (p + 2 > end || load<u16>(p) != 0x0a0d) return 0;
  valueSet(value, p);
  return p + 2;
}

/** Which Field the FieldRecord names. */
export function fieldNumber(): Field {
  const name = <usize>fieldRecord().namePtr;
  const n = fieldRecord().nameLen;
  // 14 = the length of SEC.
  if (n > 14 && textIs(name, 14, SEC))
    return Field.SEC_OTHER + textNumber(name + 14, n - 14, SEC_NAMES);
  return textNumber(name, n, NAMES);
}

/** Which of the texts one after the other `n` bytes are: 1 for the first; 0 for none of them. */
export function textNumber(p: usize, n: u32, texts: usize): i32 {
  let number = 1;
  while (load<u8>(texts)) {
    if (textIs(p, n, texts)) return number;
    texts = find(texts, usize.MAX_VALUE, 0) + 1;
    number += 1;
  }
  return 0;
}

/** Whether the FieldRecord's value, a comma-separated list, has the element `text`. RFC 9110 5.6.1. */
export function listHas(text: usize): bool {
  const field = fieldRecord();
  let p: usize = field.ptr;
  const end = p + field.len;
  while (p < end) {
    const comma = find(p, end, COMMA);
    valueSet(skipSpace(p, comma), comma);
    if (textIs(field.ptr, field.len, text)) return true;
    p = comma + 1;
  }
  return false;
}

/**
 * Takes the next token of a list of tokens.
 *
 * @param p the list's first byte, or what the last call left in the FieldRecord's `namePtr`
 * @param end one past the list
 * @returns true with the token in `ptr`, `len` and the rest's first byte in `namePtr` (0 when the
 *   list is over); false when no token stands there
 */
export function listToken(p: usize, end: usize): bool {
  p = skipEmpty(p, end);
  const last = tokenEnd(p, end);
  const next = skipSpace(last, end);
  valueSet(p, last);
  if (last == p || (next < end && load<u8>(next) != COMMA)) return false;
  p = skipEmpty(next, end);
  fieldRecord().namePtr = p == end ? 0 : <u32>p;
  return true;
}
