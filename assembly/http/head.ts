// Bytes → HTTP/1.1 message head: where it ends, its fields, its lists. RFC 9112 2 to 5; RFC 9110 5.
//
//   start-line CRLF *( name ":" OWS value OWS CRLF ) CRLF
//
// The scan finds the end byte by byte, so that a head may be cut anywhere, and refuses at once what
// no later byte can repair: a bare CR or LF, a control byte, a folded line, a line that begins with
// anything but a token. Everything else is judged when the head is whole.

import { FieldRecord } from '../abi';
import { fieldRecord } from '../memory';
import { textIs } from './text';

/** Where the scan stands between two bytes. */
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

const CR: u32 = 13;
const LF: u32 = 10;
const TAB: u32 = 9;
const SPACE: u32 = 32;
export const COMMA: u32 = 44;
const SEMICOLON: u32 = 59;

/** The token characters below 128, RFC 9110 5.6.2: a bit for each of 33-127, in three words. */
export function tokenIs(byte: u32): bool {
  if (byte - 48 < 10 || (byte | 32) - 97 < 26) return true;
  switch (byte) {
    case 33: // !
    case 35: // #
    case 36: // $
    case 37: // %
    case 38: // &
    case 39: // '
    case 42: // *
    case 43: // +
    case 45: // -
    case 46: // .
    case 94: // ^
    case 95: // _
    case 96: // `
    case 124: // |
    case 126: // ~
      return true;
    default:
      return false;
  }
}

/** Whether a byte may stand in a field value: VCHAR, obs-text, space and tab. RFC 9110 5.5. */
// @ts-ignore: decorator
@inline
function valueIs(byte: u32): bool {
  return byte == TAB || (byte >= SPACE && byte != 127);
}

/** One more byte of a head → where the scan stands. */
export function scanNext(scan: i32, byte: u32): i32 {
  switch (scan) {
    case Scan.LINE: {
      if (byte == CR) return Scan.LINE_CR;
      return valueIs(byte) ? Scan.LINE : Scan.BAD;
    }
    case Scan.LINE_CR:
      return byte == LF ? Scan.FIELD : Scan.BAD;
    case Scan.FIELD: {
      if (byte == CR) return Scan.LAST_CR;
      return tokenIs(byte) ? Scan.LINE : Scan.BAD;
    }
    case Scan.LAST_CR:
      return byte == LF ? Scan.DONE : Scan.BAD;
    default:
      return tokenIs(byte) ? Scan.LINE : Scan.BAD;
  }
}

/** One past the CRLF of the line at `p`. */
export function lineEnd(p: usize): usize {
  while (load<u8>(p) != CR) p += 1;
  return p + 2;
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
  field.namePtr = <u32>p;
  while (p < end && tokenIs(load<u8>(p))) p += 1;
  field.nameLen = <u32>p - field.namePtr;
  if (p == end || field.nameLen == 0 || load<u8>(p) != 58) return 0;
  p = skipSpace(p + 1, end);
  field.ptr = <u32>p;
  while (p < end && valueIs(load<u8>(p))) p += 1;
  if (p + 2 > end || load<u16>(p) != 0x0a0d) return 0;
  let last = p;
  while (last > <usize>field.ptr && spaceIs(load<u8>(last - 1))) last -= 1;
  field.len = <u32>last - field.ptr;
  return p + 2;
}

/** Whether the name in the FieldRecord is `name`, a lower-case text. */
export function fieldIs(field: FieldRecord, name: usize): bool {
  return textIs(field.namePtr, field.nameLen, name);
}

// @ts-ignore: decorator
@inline
function spaceIs(byte: u32): bool {
  return byte == SPACE || byte == TAB;
}

/** One past the spaces at `p`. */
export function skipSpace(p: usize, end: usize): usize {
  while (p < end && spaceIs(load<u8>(p))) p += 1;
  return p;
}

/** One past the token at `p`; `p` itself when there is none. */
export function tokenEnd(p: usize, end: usize): usize {
  while (p < end && tokenIs(load<u8>(p))) p += 1;
  return p;
}

/** Whether the comma-separated list has the element `text`, in any case. RFC 9110 5.6.1. */
export function listHas(p: usize, n: u32, text: usize): bool {
  const end = p + n;
  while (p < end) {
    p = skipSpace(p, end);
    const from = p;
    while (p < end && load<u8>(p) != COMMA) p += 1;
    let last = p;
    while (last > from && spaceIs(load<u8>(last - 1))) last -= 1;
    if (textIs(from, <u32>(last - from), text)) return true;
    p += 1;
  }
  return false;
}

/** One past the spaces and empty elements at `p`. RFC 9110 5.6.1.2: a recipient ignores empty elements. */
function skipEmpty(p: usize, end: usize): usize {
  while (p < end && (spaceIs(load<u8>(p)) || load<u8>(p) == COMMA)) p += 1;
  return p;
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
  const field = fieldRecord();
  p = skipEmpty(p, end);
  const last = tokenEnd(p, end);
  field.ptr = <u32>p;
  field.len = <u32>(last - p);
  if (last == p) return false;
  p = skipSpace(last, end);
  const ends = p == end;
  if (!ends && load<u8>(p) != COMMA) return false;
  p = skipEmpty(p, end);
  field.namePtr = p == end ? 0 : <u32>p;
  return true;
}

/** Whether a Sec-WebSocket-Extensions value has the form of RFC 6455 9.1; what it offers is not judged. */
export function extensionsValid(p: usize, n: u32): bool {
  const end = p + n;
  p = skipEmpty(p, end);
  // 1#( token *( ";" token [ "=" ( token / quoted-string ) ] ) )
  do {
    p = parameterEnd(p, end);
    if (!p) return false;
    const next: u32 = p < end ? load<u8>(p) : COMMA;
    if (next == COMMA) p = skipEmpty(p, end);
    else if (next == SEMICOLON) p = skipSpace(p + 1, end);
    else return false;
    // Behind ";" a parameter must follow.
    if (p == end) return next == COMMA;
  } while (true);
}

/** One past `token [ "=" ( token / quoted-string ) ]` and the spaces behind it; 0 when it is not there. */
function parameterEnd(p: usize, end: usize): usize {
  let last = tokenEnd(p, end);
  if (last == p) return 0;
  p = skipSpace(last, end);
  if (p == end || load<u8>(p) != 61) return p;
  p = skipSpace(p + 1, end);
  const quoted = p < end && load<u8>(p) == 34;
  if (quoted) p += 1;
  // RFC 6455 9.1: what is quoted "MUST conform to the 'token' ABNF".
  last = tokenEnd(p, end);
  if (last == p || (quoted && (last == end || load<u8>(last) != 34))) return 0;
  return skipSpace(quoted ? last + 1 : last, end);
}
