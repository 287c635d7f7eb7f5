// Masked payload → payload, and whether it is ASCII, in one pass. RFC 6455 5.3, "Client-to-Server
// Masking": octet i of the output is octet i of the input XOR octet (i modulo 4) of the key.
//
// The key is kept rotated: its low byte belongs to the next payload byte, so a frame may be cut
// anywhere and the four phases need no branches. A key of 0 makes the pass a copy, which is what
// a client needs for the plain frames of a server, and what copyBytes in memory.ts is.

/** The high bit of each of eight bytes: set in none of them when they are ASCII. */
export const HIGH_BITS: u64 = 0x8080808080808080;

/**
 * Unmasks `n` bytes from `src` to `dst` and collects their high bits.
 *
 * @param dst where the payload goes; may equal `src`, or lie below it
 * @param src the masked bytes
 * @param n how many
 * @param key the masking key, rotated: its low byte masks the first byte
 * @returns 0 when all bytes are ASCII (below 0x80), anything else when one is not
 */
export function unmask(dst: usize, src: usize, n: usize, key: u32): u64 {
  const key64: u64 = (<u64>key) | ((<u64>key) << 32);
  const end = src + n;
  let bits: u64 = 0;

  if (ASC_FEATURE_SIMD) {
    const key128 = i64x2.splat(key64);
    let bits128 = i64x2.splat(0);
    while (src + 64 <= end) {
      const a = v128.xor(v128.load(src), key128);
      const b = v128.xor(v128.load(src, 16), key128);
      const c = v128.xor(v128.load(src, 32), key128);
      const d = v128.xor(v128.load(src, 48), key128);
      v128.store(dst, a);
      v128.store(dst, b, 16);
      v128.store(dst, c, 32);
      v128.store(dst, d, 48);
      bits128 = v128.or(bits128, v128.or(v128.or(a, b), v128.or(c, d)));
      src += 64;
      dst += 64;
    }
    while (src + 16 <= end) {
      const a = v128.xor(v128.load(src), key128);
      v128.store(dst, a);
      bits128 = v128.or(bits128, a);
      src += 16;
      dst += 16;
    }
    bits = i64x2.extract_lane(bits128, 0) | i64x2.extract_lane(bits128, 1);
  } else {
    // Two words an iteration: the loads and stores of one overlap the next.
    while (src + 16 <= end) {
      const a = load<u64>(src) ^ key64;
      const b = load<u64>(src, 8) ^ key64;
      store<u64>(dst, a);
      store<u64>(dst, b, 8);
      bits |= a | b;
      src += 16;
      dst += 16;
    }
  }
  if (src + 8 <= end) {
    const a = load<u64>(src) ^ key64;
    store<u64>(dst, a);
    bits |= a;
    src += 8;
    dst += 8;
  }
  while (src < end) {
    const a = load<u8>(src) ^ (<u8>key);
    store<u8>(dst, a);
    bits |= a;
    key = rotr(key, 8);
    src += 1;
    dst += 1;
  }
  return bits & HIGH_BITS;
}

/** The key for the byte `n` bytes further on. */
// @ts-ignore: decorator
@inline
export function keyAfter(key: u32, n: u32): u32 {
  return rotr(key, n << 3);
}
