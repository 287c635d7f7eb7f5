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

import { FAST_UTF8 } from '../profile';
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
  let next = CONTINUATION;
  if (byte == 0xe0) next = 0xa0bf;
  if (byte == 0xed) next = 0x809f;
  if (byte == 0xf0) next = 0x90bf;
  if (byte == 0xf4) next = 0x808f;
  return (ONE * (1 + u32(byte >= 0xe0) + u32(byte >= 0xf0))) | next;
}

/** The bytes of the whole character that the little-endian `word` begins with, or 0 if it does not. */
function wholeCharacter(word: u32): u32 {
  if ((word & 0xc0e0) == 0x80c0) return word & 0x1e ? 2 : 0;
  if ((word & 0xc0c0f0) == 0x8080e0) {
    // The bits that tell an overlong form (all 0) and a surrogate (1101, 1) from the rest.
    const top = word & 0x200f;
    return top != 0 && top != 0x200d ? 3 : 0;
  }
  if ((word & 0xc0c0c0f8) == 0x808080f0) {
    const top = word & 0x3007;
    return top != 0 && ((top & 7) < 4 || top == 4) ? 4 : 0;
  }
  return 0;
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
      if (FAST_UTF8 && p + 4 <= end) {
        const whole = wholeCharacter(load<u32>(p));
        p += whole;
        if (whole) continue;
      }
      state = lead(byte);
    } else {
      while (p + 8 <= end && !(load<u64>(p) & HIGH_BITS)) p += 8;
      if (p == end || load<u8>(p) >= 0x80) continue;
    }
    p += 1;
  }
  return state;
}
