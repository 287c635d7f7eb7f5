// Bytes → well-formed UTF-8 or not, resumable at any byte. RFC 3629 4, "Syntax of UTF-8 Byte
// Sequences"; RFC 6455 8.1 asks it of every text message and close reason.
//
// The state is one byte: what the next continuation byte must be, and how many follow it.
//
//   state        next byte   then           reached by
//   COMPLETE     any lead    -              a whole character
//   ONE          80-BF       COMPLETE       C2-DF, or the last but one byte
//   TWO          80-BF       ONE            E1-EC, EE, EF
//   THREE        80-BF       TWO            F1-F3
//   TWO_E0       A0-BF       ONE            E0: below lies an overlong form
//   TWO_ED       80-9F       ONE            ED: above lie the surrogates
//   THREE_F0     90-BF       TWO            F0: below lies an overlong form
//   THREE_F4     80-8F       TWO            F4: above lies what Unicode does not have
//
// The leads C0, C1 and F5-FF begin no character. A byte that fits none of the rows fails at once.

import { HIGH_BITS } from './mask';

/** No character is begun: a text may end here. */
export const UTF8_COMPLETE: u32 = 0;
const ONE: u32 = 1;
const TWO: u32 = 2;
const THREE: u32 = 3;
const TWO_E0: u32 = 4;
const TWO_ED: u32 = 5;
const THREE_F0: u32 = 6;
const THREE_F4: u32 = 7;
/** The bytes are not UTF-8, whatever follows. */
export const UTF8_REJECT: u32 = 8;

/** Lead byte, 80 or above → state. */
function lead(byte: u32): u32 {
  if (byte < 0xc2) return UTF8_REJECT;
  if (byte < 0xe0) return ONE;
  if (byte < 0xf0) return byte == 0xe0 ? TWO_E0 : byte == 0xed ? TWO_ED : TWO;
  if (byte < 0xf5) return byte == 0xf0 ? THREE_F0 : byte == 0xf4 ? THREE_F4 : THREE;
  return UTF8_REJECT;
}

/** State and its next byte → state. */
function follow(state: u32, byte: u32): u32 {
  const low: u32 = state == TWO_E0 ? 0xa0 : state == THREE_F0 ? 0x90 : 0x80;
  const high: u32 = state == TWO_ED ? 0x9f : state == THREE_F4 ? 0x8f : 0xbf;
  if (byte < low || byte > high) return UTF8_REJECT;
  if (state <= THREE) return state - 1;
  return state <= TWO_ED ? ONE : TWO;
}

/** The bytes of the whole character that the little-endian `word` begins with, or 0 if it does not. */
// @ts-ignore: decorator
@inline
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
    if (state != UTF8_COMPLETE) {
      state = follow(state, load<u8>(p));
      if (state == UTF8_REJECT) return state;
      p += 1;
      continue;
    }
    while (p + 8 <= end && !(load<u64>(p) & HIGH_BITS)) p += 8;
    // One character or ASCII byte after the other, until eight ASCII bytes in a row are likely again.
    while (p < end) {
      const byte: u32 = load<u8>(p);
      if (byte < 0x80) {
        p += 1;
        if (p + 8 <= end && !(load<u64>(p) & HIGH_BITS)) break;
        continue;
      }
      const whole: u32 = p + 4 <= end ? wholeCharacter(load<u32>(p)) : 0;
      if (whole) {
        p += whole;
        continue;
      }
      state = lead(byte);
      if (state == UTF8_REJECT) return state;
      p += 1;
      break;
    }
  }
  return state;
}
