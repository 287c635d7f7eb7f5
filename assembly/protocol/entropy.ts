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
const ROUNDS: i32 = 10;

function quarterRound(a: usize, b: usize, c: usize, d: usize): void {
  let va = load<u32>(a);
  let vb = load<u32>(b);
  let vc = load<u32>(c);
  let vd = load<u32>(d);
  va += vb;
  vd = rotl(vd ^ va, 16);
  vc += vd;
  vb = rotl(vb ^ vc, 12);
  va += vb;
  vd = rotl(vd ^ va, 8);
  vc += vd;
  vb = rotl(vb ^ vc, 7);
  store<u32>(a, va);
  store<u32>(b, vb);
  store<u32>(c, vc);
  store<u32>(d, vd);
}

/** State → next block; the counter goes up. RFC 8439 2.3.1. */
export function chachaBlock(state: usize, block: usize): void {
  copyBytes(block, state, 64);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < 4; i++) {
      quarterRound(
        block + (i << 2),
        block + 16 + (i << 2),
        block + 32 + (i << 2),
        block + 48 + (i << 2),
      );
    }
    for (let i = 0; i < 4; i++) {
      quarterRound(
        block + (i << 2),
        block + 16 + (((i + 1) & 3) << 2),
        block + 32 + (((i + 2) & 3) << 2),
        block + 48 + (((i + 3) & 3) << 2),
      );
    }
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
  store<u32>(STATE, 0x61707865);
  store<u32>(STATE, 0x3320646e, 4);
  store<u32>(STATE, 0x79622d32, 8);
  store<u32>(STATE, 0x6b206574, 12);
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
