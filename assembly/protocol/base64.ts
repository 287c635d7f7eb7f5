// Bytes → base64. RFC 4648 4.

/** The character of six bits. */
function character(bits: u32): u32 {
  if (bits < 26) return bits + 65;
  if (bits < 52) return bits + 71;
  if (bits < 62) return bits - 4;
  return bits == 62 ? 43 : 47;
}

/** Whether `byte` stands for six bits. */
export function base64Is(byte: u32): bool {
  return byte - 65 < 26 || byte - 97 < 26 || byte - 48 < 10 || byte == 43 || byte == 47;
}

/** Characters that `n` bytes make, padding included. */
// @ts-ignore: decorator
@inline
export function base64Length(n: u32): u32 {
  return ((n + 2) / 3) << 2;
}

/** Writes `n` bytes from `p` as base64 to `to`, with padding; returns one past the last character. */
export function base64Write(to: usize, p: usize, n: u32): usize {
  for (let i: u32 = 0; i < n; i += 3) {
    const has = n - i;
    const word =
      ((<u32>load<u8>(p + i)) << 16) |
      (has > 1 ? (<u32>load<u8>(p + i, 1)) << 8 : 0) |
      (has > 2 ? <u32>load<u8>(p + i, 2) : 0);
    store<u8>(to, <u8>character(word >> 18));
    store<u8>(to, <u8>character((word >> 12) & 63), 1);
    store<u8>(to, <u8>(has > 1 ? character((word >> 6) & 63) : 61), 2);
    store<u8>(to, <u8>(has > 2 ? character(word & 63) : 61), 3);
    to += 4;
  }
  return to;
}
