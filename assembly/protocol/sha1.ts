// Up to 119 bytes → their SHA-1. RFC 3174 6.1; RFC 6455 4.2.2 uses it for Sec-WebSocket-Accept.
//
// The opening handshake hashes 60 bytes, so one or two blocks of 64 are all there is.

import { DIGEST } from '../memory';

/** Bytes of a hash. */
export const SHA1_BYTES: i32 = 20;

/** The message schedule as a ring of 16 words, RFC 3174 6.2; behind it the five words of the hash. */
const W: usize = DIGEST;
const H: usize = DIGEST + 64;

/** The padded message's byte at `i`: the message, 0x80, zeros, and its length in bits at the end. */
function padded(p: usize, n: u32, i: u32, total: u32): u32 {
  if (i < n) return load<u8>(p + i);
  if (i == n) return 0x80;
  if (i == total - 2) return (n << 3) >> 8;
  return i == total - 1 ? (n << 3) & 0xff : 0;
}

/**
 * Hashes a message.
 *
 * @param p the message
 * @param n its bytes, 0 to 119
 * @returns the address of SHA1_BYTES bytes, valid until the next call
 */
export function sha1(p: usize, n: u32): usize {
  store<u32>(H, 0x67452301);
  store<u32>(H, 0xefcdab89, 4);
  store<u32>(H, 0x98badcfe, 8);
  store<u32>(H, 0x10325476, 12);
  store<u32>(H, 0xc3d2e1f0, 16);
  // 9 = the byte 0x80 and the length's eight.
  const total: u32 = n + 9 <= 64 ? 64 : 128;
  for (let from: u32 = 0; from < total; from += 64) block(p, n, from, total);
  for (let i = 0; i < SHA1_BYTES; i += 4) store<u32>(H + i, bswap<u32>(load<u32>(H + i)));
  return H;
}

function block(p: usize, n: u32, from: u32, total: u32): void {
  for (let i: u32 = 0; i < 64; i += 4) {
    const at = from + i;
    const word =
      (padded(p, n, at, total) << 24) |
      (padded(p, n, at + 1, total) << 16) |
      (padded(p, n, at + 2, total) << 8) |
      padded(p, n, at + 3, total);
    store<u32>(W + i, word);
  }
  let a = load<u32>(H);
  let b = load<u32>(H, 4);
  let c = load<u32>(H, 8);
  let d = load<u32>(H, 12);
  let e = load<u32>(H, 16);
  for (let t: u32 = 0; t < 80; t++) {
    const at = W + ((t & 15) << 2);
    if (t >= 16) {
      const word =
        load<u32>(W + (((t + 13) & 15) << 2)) ^
        load<u32>(W + (((t + 8) & 15) << 2)) ^
        load<u32>(W + (((t + 2) & 15) << 2)) ^
        load<u32>(at);
      store<u32>(at, rotl(word, 1));
    }
    let f: u32;
    if (t < 20) f = ((b & c) | (~b & d)) + 0x5a827999;
    else if (t < 40) f = (b ^ c ^ d) + 0x6ed9eba1;
    else if (t < 60) f = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else f = (b ^ c ^ d) + 0xca62c1d6;
    const next = rotl(a, 5) + f + e + load<u32>(at);
    e = d;
    d = c;
    c = rotl(b, 30);
    b = a;
    a = next;
  }
  store<u32>(H, load<u32>(H) + a);
  store<u32>(H, load<u32>(H, 4) + b, 4);
  store<u32>(H, load<u32>(H, 8) + c, 8);
  store<u32>(H, load<u32>(H, 12) + d, 12);
  store<u32>(H, load<u32>(H, 16) + e, 16);
}
