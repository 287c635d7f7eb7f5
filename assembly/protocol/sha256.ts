// Bytes → their SHA-256. FIPS 180-4 6.2; the feature `security` keeps bearer tokens as these hashes.
//
//   sha256Begin ─► sha256Add, a byte at a time ─► sha256End
//
// A byte at a time, because a token may come percent-encoded, and there is nowhere to decode it to.

import { copyBytes, DIGEST, zeroWords } from '../memory';
import { HASH as H, hashAdd, hashEnd, scheduleAt, scheduleByte, SCHEDULE as W } from './digest';
import { SHA256_TABLE } from './sha256-table';

/** Bytes of a hash. */
export const SHA256_BYTES: i32 = 32;

/** Behind the eight words of the hash: how many bytes came. */
const COUNT: usize = DIGEST + 96;
/** Where a hash lies. */
export const SHA256_HASH: usize = H;
/** Behind the hash of nothing: a word for each round. */
const K: usize = SHA256_TABLE + 32;

/** Begins a hash; SHA-1 uses the same memory. */
export function sha256Begin(): void {
  copyBytes(H, SHA256_TABLE, SHA256_BYTES);
  store<u32>(COUNT, 0);
}

/** Adds a byte to the message. */
export function sha256Add(byte: u32): void {
  const count = load<u32>(COUNT);
  scheduleByte(count, byte);
  store<u32>(COUNT, count + 1);
  if ((count & 63) == 63) block();
}

/**
 * Ends the message.
 *
 * @returns the address of SHA256_BYTES bytes, valid until the next hash
 */
export function sha256End(): usize {
  // FIPS 180-4 5.1.1: the byte 0x80, zeros, and the length in bits as the last of eight bytes.
  const count = load<u32>(COUNT);
  sha256Add(0x80);
  while ((load<u32>(COUNT) & 63) != 56) sha256Add(0);
  store<u32>(W, count >> 29, 56);
  store<u32>(W, count << 3, 60);
  block();
  // The last 16 words of the schedule tell the message: nothing of a token stays here.
  zeroWords(W, 64);
  return hashEnd(SHA256_BYTES);
}

/** The hash of `n` bytes at `p`, as sha256End returns it. */
export function sha256(p: usize, n: u32): usize {
  const end = p + n;
  sha256Begin();
  while (p < end) {
    sha256Add(load<u8>(p));
    p += 1;
  }
  return sha256End();
}

/** The block in W into the hash. FIPS 180-4 6.2.2. */
function block(): void {
  let a = load<u32>(H);
  let b = load<u32>(H, 4);
  let c = load<u32>(H, 8);
  let d = load<u32>(H, 12);
  let e = load<u32>(H, 16);
  let f = load<u32>(H, 20);
  let g = load<u32>(H, 24);
  let h = load<u32>(H, 28);
  for (let t: u32 = 0; t < 64; t++) {
    const at = scheduleAt(t);
    let word = load<u32>(at);
    if (t >= 16) {
      const w1 = load<u32>(scheduleAt(t + 1));
      const w14 = load<u32>(scheduleAt(t + 14));
      word += rotr(w1, 7) ^ rotr(w1, 18) ^ (w1 >> 3);
      word += rotr(w14, 17) ^ rotr(w14, 19) ^ (w14 >> 10);
      word += load<u32>(scheduleAt(t + 9));
      store<u32>(at, word);
    }
    word += h + load<u32>(K + (t << 2)) + (g ^ (e & (f ^ g)));
    word += rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
    h = g;
    g = f;
    f = e;
    e = d + word;
    word += ((a & b) | (c & (a | b))) + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22));
    d = c;
    c = b;
    b = a;
    a = word;
  }
  hashAdd(0, a);
  hashAdd(4, b);
  hashAdd(8, c);
  hashAdd(12, d);
  hashAdd(16, e);
  hashAdd(20, f);
  hashAdd(24, g);
  hashAdd(28, h);
}
