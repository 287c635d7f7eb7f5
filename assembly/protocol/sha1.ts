// Up to 119 bytes → their SHA-1. RFC 3174 6.1; RFC 6455 4.2.2 uses it for Sec-WebSocket-Accept.
//
// The opening handshake hashes 60 bytes, so one or two blocks of 64 are all there is.

import { HASH as H, hashAdd, hashEnd, scheduleAt, scheduleByte, SCHEDULE as W } from './digest';

/** Bytes of a hash. */
export const SHA1_BYTES: i32 = 20;

/**
 * Hashes a message.
 *
 * @param p the message
 * @param n its bytes, 0 to 119
 * @returns the address of SHA1_BYTES bytes, valid until the next call
 */
export function sha1(p: usize, n: u32): usize {
  store<u64>(H, 0xefcdab8967452301);
  store<u64>(H, 0x1032547698badcfe, 8);
  store<u32>(H, 0xc3d2e1f0, 16);
  // The message, the byte 0x80, zeros, and the length in bits as the last of eight bytes.
  let i: u32 = 0;
  while (true) {
    scheduleByte(i, i < n ? <u32>load<u8>(p + i) : i == n ? 0x80 : 0);
    i += 1;
    if (i & 63) continue;
    const last = i >= n + 9;
    if (last) store<u32>(W, n << 3, 60);
    block();
    if (last) break;
  }
  return hashEnd(SHA1_BYTES);
}

/** The block in W into the hash. RFC 3174 6.2. */
function block(): void {
  let a = load<u32>(H);
  let b = load<u32>(H, 4);
  let c = load<u32>(H, 8);
  let d = load<u32>(H, 12);
  let e = load<u32>(H, 16);
  for (let t: u32 = 0; t < 80; t++) {
    const at = scheduleAt(t);
    if (t >= 16) {
      const word =
        load<u32>(scheduleAt(t + 13)) ^ load<u32>(scheduleAt(t + 8)) ^ load<u32>(scheduleAt(t + 2));
      store<u32>(at, rotl(word ^ load<u32>(at), 1));
    }
    let f = b ^ c ^ d;
    if (t < 20) f = (d ^ (b & (c ^ d))) + 0x5a827999;
    else if (t < 40) f += 0x6ed9eba1;
    else if (t < 60) f = ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
    else f += 0xca62c1d6;
    const next = rotl(a, 5) + f + e + load<u32>(at);
    e = d;
    d = c;
    c = rotl(b, 30);
    b = a;
    a = next;
  }
  hashAdd(0, a);
  hashAdd(4, b);
  hashAdd(8, c);
  hashAdd(12, d);
  hashAdd(16, e);
}
