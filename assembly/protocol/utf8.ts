// Bytes → well-formed UTF-8 or not, resumable at any byte. RFC 3629 4, "Syntax of UTF-8 Byte
// Sequences"; RFC 6455 8.1 asks it of every text message and close reason.
//
// The state says what the next byte must be, and how many continuation bytes there are to come:
//
//   bits 16-23 how many      bits 8-15 the lowest      bits 0-7 the highest next byte
//
//   lead     to come   next byte    why it is not 80-BF
//   C2-DF    1         80-BF
//   E0       2         A0-BF        below lies an overlong form
//   E1-EF    2         80-BF
//   ED       2         80-9F        above lie the surrogates
//   F0       3         90-BF        below lies an overlong form
//   F1-F3    3         80-BF
//   F4       3         80-8F        above lies what Unicode does not have
//
// The leads C0, C1 and F5-FF begin no character. A byte that fits none of the rows fails at once.

import { HIGH_BITS } from './mask';

/** No character is begun: a text may end here. */
export const UTF8_COMPLETE: u32 = 0;
/** The bytes are not UTF-8, whatever follows: no byte is 1 or more and 0 or less. */
export const UTF8_REJECT: u32 = 0x100;

/** Any continuation byte, 80-BF. */
const CONTINUATION: u32 = 0x80bf;
const ONE: u32 = 0x10000;

/** Lead byte, 80 or above → state. */
function lead(byte: u32): u32 {
  if (byte - 0xc2 > 0xf4 - 0xc2) return UTF8_REJECT;
  if (byte < 0xe0) return ONE | CONTINUATION;
  if (byte < 0xf0)
    return (2 * ONE) | (byte == 0xe0 ? 0xa0bf : byte == 0xed ? 0x809f : CONTINUATION);
  return (3 * ONE) | (byte == 0xf0 ? 0x90bf : byte == 0xf4 ? 0x808f : CONTINUATION);
}

/**
 * Carries the check over `n` more bytes.
 *
 * @param state UTF8_COMPLETE at the beginning of a text, else what the last call returned
 * @param p the bytes
 * @param n how many
 * @returns the state after them; UTF8_REJECT at the first byte that cannot be right
 */
export function utf8Check(state: u32, p: usize, n: usize): u32 {
  const end = p + n;
  while (p < end) {
    const byte: u32 = load<u8>(p);
    if (state) {
      if (byte < ((state >> 8) & 0xff) || byte > (state & 0xff)) return UTF8_REJECT;
      state = state < 2 * ONE ? UTF8_COMPLETE : ((state - ONE) & ~0xffff) | CONTINUATION;
    } else if (byte >= 0x80) {
      state = lead(byte);
    } else {
      while (p + 8 <= end && !(load<u64>(p) & HIGH_BITS)) p += 8;
      if (p == end || load<u8>(p) >= 0x80) continue;
    }
    p += 1;
  }
  return state;
}
