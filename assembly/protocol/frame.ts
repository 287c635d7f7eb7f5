// Bytes ↔ frame header. RFC 6455 5.2, "Base Framing Protocol".
//
//   byte 0  FIN RSV1 RSV2 RSV3 OPCODE(4)      byte 1  MASK LEN(7)
//   then    length (2 bytes if LEN = 126, 8 if 127), masking key (4 bytes if MASK)
//
// Byte 1 alone says how long the header will be, and the first two bytes are enough to refuse
// all that no later byte can repair.

import { ErrorCode, Opcode, Role } from '../abi';
import { DEFLATE } from '../profile';

/** The longest header: 14 = 2 + 8 + 4. */
export const HEADER_MAX: i32 = 14;
/** The longest payload of a control frame. RFC 6455 5.5. */
export const CONTROL_MAX: u32 = 125;
export const FIN: u32 = 0x80;
const RSV: u32 = 0x70;
/** The message is compressed. RFC 7692 6. */
export const RSV1: u32 = 0x40;
const MASK: u32 = 0x80;

/** Bit n is set when opcode n is defined: 0-2 data, 8-10 control. RFC 6455 11.8. */
const OPCODES_DEFINED: u32 = 0b0000_0111_0000_0111;

/** Byte 1 → bytes of the whole header, 2 to HEADER_MAX. */
export function headerLength(b1: u32): u32 {
  const len7 = b1 & 0x7f;
  return 2 + (len7 < 126 ? 0 : len7 == 126 ? 2 : 8) + ((b1 & MASK) >> 5);
}

/**
 * Judges the first two bytes.
 *
 * @param b0 the first byte
 * @param b1 the second
 * @param role who reads: a server wants the mask bit, a client refuses it. RFC 6455 5.1
 * @param deflate not 0: permessage-deflate was agreed on, which gives RSV1 a meaning
 * @returns 0, or the ErrorCode of the first rule that is broken
 */
// @ts-ignore: decorator
@inline
export function headerRefuse(b0: u32, b1: u32, role: u32, deflate: u32): i32 {
  const opcode = b0 & 0x0f;
  // RFC 7692 6.1: RSV1 stands in the first frame of a message, never in a control frame.
  const begins = opcode == Opcode.TEXT || opcode == Opcode.BINARY;
  if (b0 & (DEFLATE && deflate && begins ? RSV ^ RSV1 : RSV)) return ErrorCode.RSV;
  if (!((OPCODES_DEFINED >> opcode) & 1)) return ErrorCode.OPCODE;
  if (opcode >= 8) {
    if (!(b0 & FIN)) return ErrorCode.CONTROL_FRAGMENTED;
    if ((b1 & 0x7f) > CONTROL_MAX) return ErrorCode.CONTROL_LENGTH;
  }
  // The mask bit is for the server, whose number is 0.
  if (b1 >> 7 != role) return 0;
  return role == <u32>Role.SERVER ? ErrorCode.UNMASKED : ErrorCode.MASKED;
}

/** `n` bytes in network order → their number. */
export function networkOrder(p: usize, n: usize): u64 {
  const end = p + n;
  let number: u64 = 0;
  while (p < end) {
    number = (number << 8) | load<u8>(p);
    p += 1;
  }
  return number;
}

/**
 * Reads the payload length of a whole header.
 *
 * @param p the header
 * @returns the length, or an ErrorCode: RFC 6455 5.2, "the minimal number of bytes MUST be used"
 *   and "the most significant bit MUST be 0"
 */
// @ts-ignore: decorator
@inline
export function headerPayload(p: usize): i64 {
  const len7: u32 = load<u8>(p, 1) & 0x7f;
  if (len7 < 126) return len7;
  const long = len7 == 127;
  const length = <i64>networkOrder(p + 2, long ? 8 : 2);
  if (length < 0) return ErrorCode.LENGTH_SIGN;
  const least: i64 = long ? 0x10000 : 126;
  return length < least ? ErrorCode.LENGTH_FORM : length;
}

/** The masking key of a whole header of `length` bytes; 0 when it has none. */
// @ts-ignore: decorator
@inline
export function headerKey(p: usize, length: u32): u32 {
  return load<u8>(p, 1) & MASK ? load<u32>(p + length - 4) : 0;
}

/** Bytes of the header that `headerWrite` makes. */
export function headerSize(payload: u32, masked: bool): u32 {
  return (payload < 126 ? 2 : payload <= 0xffff ? 4 : 10) + (masked ? 4 : 0);
}

/**
 * Writes a header in its shortest form.
 *
 * @param p where; `headerSize` bytes
 * @param b0 FIN, reserved bits and opcode
 * @param payload bytes of payload
 * @param masked whether `key` follows the length
 * @param key the masking key, its low byte first on the wire
 * @returns one past the header
 */
export function headerWrite(p: usize, b0: u32, payload: u32, masked: bool, key: u32): usize {
  const end = p + headerSize(payload, false);
  // The length from its last byte to its first; what is left of it at byte 1 is the 7-bit form.
  let rest = payload;
  for (let last = end - 1; last > p + 1; last--) {
    store<u8>(last, <u8>rest);
    rest >>= 8;
  }
  const len7: u32 = payload < 126 ? payload : payload <= 0xffff ? 126 : 127;
  store<u8>(p, <u8>b0);
  store<u8>(p, <u8>(len7 | (masked ? MASK : 0)), 1);
  if (!masked) return end;
  store<u32>(end, key);
  return end + 4;
}
