// What SHA-1 and SHA-256 share: where their words lie. RFC 3174 6.2, FIPS 180-4 6.2.
//
//   0   the message schedule, a ring of 16 words     64   the words of the hash

import { DIGEST } from '../memory';

/** The block that is gathered, then the schedule. */
export const SCHEDULE: usize = DIGEST;
/** The hash so far. */
export const HASH: usize = DIGEST + 64;

/** Where word `t` of the schedule lies. */
export function scheduleAt(t: u32): usize {
  return SCHEDULE + ((t & 15) << 2);
}

/** Puts byte `i` of the message into the block. Words are big-endian: byte i of one is byte i ^ 3 of a little-endian one. */
export function scheduleByte(i: u32, byte: u32): void {
  store<u8>(SCHEDULE + ((i & 63) ^ 3), <u8>byte);
}

/** Adds to the word of the hash that lies at an offset. */
export function hashAdd(offset: usize, word: u32): void {
  store<u32>(HASH + offset, load<u32>(HASH + offset) + word);
}

/** The `bytes` of the hash in the order of the network: their address. */
export function hashEnd(bytes: i32): usize {
  for (let i = 0; i < bytes; i += 4) store<u32>(HASH + i, bswap<u32>(load<u32>(HASH + i)));
  return HASH;
}
