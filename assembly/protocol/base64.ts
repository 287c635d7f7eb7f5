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
  const end = p + n;
  let word: u32 = 0;
  let bits: i32 = 0;
  // Bytes come in from below, past the end zeros; six bits a character go out from above.
  while (p < end || bits) {
    if (bits < 6) {
      word = (word << 8) | (p < end ? <u32>load<u8>(p) : 0);
      bits += 8;
      p += 1;
    }
    const past = (<i32>(p - end)) << 3;
    store<u8>(to, <u8>(bits > past ? character((word >> (bits - 6)) & 63) : 61));
    bits -= 6;
    to += 1;
  }
  return to;
}
