// The field lines of a head → what they say, as a set of bits: one judgement for requests and for
// responses. RFC 6455 4.1 and 4.2.1, RFC 9110 7.2 and 8.6.

import { Role } from '../abi';
import { bytesEqual } from '../hub/table';
import { fieldRecord } from '../memory';
import { CLIENT, HEADERS, PROTOCOLS } from '../profile';
import { Session } from '../session/session';
import { extensionsRead } from './extensions';
import { Field, fieldNumber, fieldRead, listHas, span } from './head';
import {
  ACCEPT_LENGTH,
  ASKED,
  EXPECTED,
  fieldsEnd,
  fieldsFrom,
  KEY_LENGTH,
  protocolFind,
  Request,
} from './request';
import * as text from './text';

/** Sets of bytes: see span in head.ts. */
const VISIBLE_0: u64 = 0xfffffffe00000000;
export const VISIBLE_64: u64 = 0x7fffffffffffffff;
/** Visible ASCII but `" # , / < > ? @` and backslash: no delimiter that ends an authority, no userinfo. RFC 9110 7.2. */
const HOST_0: u64 = 0x2fff6ff200000000;
const HOST_64: u64 = 0x7fffffffeffffffe;
/** Digits; the digit 0. */
const DIGIT_0: u64 = 0x03ff000000000000;
const ZERO_0: u64 = 0x0001000000000000;
/** Letters, digits, `+` and `/`. RFC 4648 4. */
const BASE64_0: u64 = 0x03ff880000000000;
const BASE64_64: u64 = 0x07fffffe07fffffe;

/** Of what fieldsSee returns: a line is no field. */
export const MALFORMED: u32 = 1;
/** A body follows the head. */
export const BODY: u32 = 0x1000;

/** Whether a field came once, and right. */
export function once(seen: u32, field: Field): bool {
  return ((seen >> field) & 0x10001) == 1;
}

/**
 * Reads the fields of a whole head.
 *
 * @returns bit n when Field n came; bit 16 + n, too, when it was wrong or came once more. Of Upgrade
 *   and Connection only those count that name what an opening handshake names
 */
export function fieldsSee(s: Session, block: usize): u32 {
  const end = fieldsEnd(block);
  let seen: u32 = 0;
  for (let p = fieldsFrom(block); p < end;) {
    p = fieldRead(p, end);
    if (!p) return MALFORMED;
    seen |= fieldSee(s, block, seen);
  }
  return seen;
}

/** What the field in the FieldRecord adds to `seen`. */
function fieldSee(s: Session, block: usize, seen: u32): u32 {
  const r = changetype<Request>(block);
  const value = <usize>fieldRecord().ptr;
  const n = fieldRecord().len;
  const end = value + n;
  const client = CLIENT && s.role == Role.CLIENT;
  const number = fieldNumber();
  const bit: u32 = 1 << number;
  let right = true;
  let body: u32 = 0;
  switch (number) {
    case Field.HOST: {
      if (HEADERS) r.host = <u16>(value - block);
      r.hostLength = <u16>n;
      right = span(value, end, HOST_0, HOST_64) == end;
      break;
    }
    case Field.UPGRADE: {
      // RFC 6455 4.1: in the answer it is "websocket" and nothing else.
      return (client ? text.textIs(value, n, text.WEBSOCKET) : listHas(text.WEBSOCKET)) ? bit : 0;
    }
    case Field.CONNECTION:
      return listHas(text.UPGRADE) ? bit : 0;
    case Field.LENGTH: {
      right = n - 1 < 18 && digitsEnd(value, end) == end;
      if (span(value, end, ZERO_0, 0) != end) body = BODY;
      break;
    }
    case Field.ENCODING:
      return bit | BODY;
    case Field.KEY: {
      r.key = <u16>(value - block);
      right = keyValid(value, n);
      break;
    }
    case Field.VERSION: {
      right = n == 2 && load<u16>(value) == 0x3331;
      break;
    }
    case Field.EXTENSIONS:
      return extensionsRead(r, client) ? bit : bit << 16;
    case Field.PROTOCOL: {
      if (!client) return bit;
      r.protocol = <u16>(value - block);
      r.protocolLength = <u16>n;
      right = PROTOCOLS && protocolFind(block + ASKED, block + r.head, value, n) >= 0;
      break;
    }
    case Field.ACCEPT: {
      right = client && bytesEqual(value, n, block + EXPECTED, ACCEPT_LENGTH);
      break;
    }
    default:
      return 0;
  }
  return bit | body | (right && !(seen & bit) ? 0 : bit << 16);
}

/** RFC 6455 4.2.1: "a base64-encoded value that, when decoded, is 16 bytes in length". */
function keyValid(p: usize, n: u32): bool {
  const end = p + 22;
  return n == KEY_LENGTH && load<u16>(end) == 0x3d3d && span(p, end, BASE64_0, BASE64_64) == end;
}

/** Whether all bytes are visible ASCII, and there are some. */
export function visible(p: usize, n: u32): bool {
  return n != 0 && span(p, p + n, VISIBLE_0, VISIBLE_64) == p + n;
}

/** One past the decimal digits at `p`. */
export function digitsEnd(p: usize, end: usize): usize {
  return span(p, end, DIGIT_0, 0);
}
