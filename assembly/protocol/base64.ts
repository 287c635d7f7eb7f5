// Bytes → base64. RFC 4648 4.

/** The character of six bits. */
function character(bits: u32): u32 {
  if (bits < 26) return bits + 65;
  if (bits < 52) return bits + 71;
  if (bits < 62) return bits - 4;
  return bits == 62 ? 43 : 47;
}

/** Writes `n` bytes from `p` as base64 to `to`, with padding; returns one past the last character. */
export function base64Write(to: usize, p: usize, n: u32): usize {
  const bits = n << 3;
  // Four characters for every 24 bits; those behind the last bit are padding.
  for (let bit: u32 = 0; bit < bits || bit % 24; bit += 6) {
    const at = bit >> 3;
    // Six bits lie in two bytes at the most; zeros follow the last one.
    const word = ((<u32>load<u8>(p + at)) << 8) | (at + 1 < n ? <u32>load<u8>(p + at, 1) : 0);
    store<u8>(to, <u8>(bit < bits ? character((word >> (10 - (bit & 7))) & 63) : 61));
    to += 1;
  }
  return to;
}
