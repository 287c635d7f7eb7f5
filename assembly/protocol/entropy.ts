// Seed → unpredictable words: ChaCha20 as a generator. RFC 8439 2.3 is the block function; RFC
// 6455 10.3 is why: "the masking key MUST be derived from a strong source of entropy, and the
// masking key for a given frame MUST NOT make it simple for a server/proxy to predict the masking
// key for a subsequent frame."
//
//   words 0-3    the constant "expand 32-byte k"
//   words 4-11   key: the seed
//   words 12-15  block counter and nonce, 0 at first
//
// Each block makes 16 words: the first eight become the next key, so an earlier output cannot be
// computed from a later state, and the last eight are handed out.

import { CIPHER, copyBytes } from '../memory';

/** Bytes that a seed has at least: the key of 256 bits. */
export const SEED_MIN: i32 = 32;

const STATE: usize = CIPHER;
const BLOCK: usize = CIPHER + 64;
/** Word after the two: 0 = unseeded, else words of the block handed out, 8 to 16. */
const POSITION: usize = CIPHER + 128;
const ROUNDS: u32 = 10;

/** RFC 8439 2.1, on four words of a block. */
function quarterRound(a: usize, b: usize, c: usize, d: usize): void {
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
}

/** x += y; z = (z ^ x) <<< bits. */
function step(x: usize, y: usize, z: usize, bits: u32): void {
  const sum = load<u32>(x) + load<u32>(y);
  store<u32>(x, sum);
  store<u32>(z, rotl(load<u32>(z) ^ sum, bits));
}

/** State → next block; the counter goes up. RFC 8439 2.3.1. */
export function chachaBlock(state: usize, block: usize): void {
  copyBytes(block, state, 64);
  // Four column rounds, four diagonal rounds: in those each row begins one word later than the last.
  for (let i: u32 = 0; i < ROUNDS * 8; i++) {
    const skew = (i >> 2) & 1;
    quarterRound(
      block + ((i & 3) << 2),
      block + 16 + (((i + skew) & 3) << 2),
      block + 32 + (((i + 2 * skew) & 3) << 2),
      block + 48 + (((i + 3 * skew) & 3) << 2),
    );
  }
  for (let i = 0; i < 64; i += 4)
    store<u32>(block + i, load<u32>(block + i) + load<u32>(state + i));
  store<u32>(state, load<u32>(state, 48) + 1, 48);
}

/** Whether words can be had. */
export function seeded(): bool {
  return load<u32>(POSITION) != 0;
}

/**
 * Mixes a seed in; may be called again at any time.
 *
 * @param p SEED_MIN or more bytes from a cryptographic source
 * @param n how many
 */
export function seed(p: usize, n: i32): void {
  store<u64>(STATE, 0x3320646e61707865);
  store<u64>(STATE, 0x6b20657479622d32, 8);
  const key = STATE + 16;
  for (let i = 0; i < n; i++) {
    const at = key + (i & 31);
    store<u8>(at, load<u8>(at) ^ load<u8>(p + i));
  }
  refill();
}

function refill(): void {
  chachaBlock(STATE, BLOCK);
  copyBytes(STATE + 16, BLOCK, 32);
  store<u32>(POSITION, 8);
}

/** The next unpredictable word; `seeded` holds. */
export function maskKeyNext(): u32 {
  let position = load<u32>(POSITION);
  if (position == 16) {
    refill();
    position = 8;
  }
  store<u32>(POSITION, position + 1);
  return load<u32>(BLOCK + (position << 2));
}
