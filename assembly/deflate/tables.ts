// The static table of the deflate codec. In a file of its own, so that memory.ts can give it its place
// in front of the regions.

import { DEFLATE } from '../profile';

/**
 * What each level from 1 on does, much as zlib's: how many positions of a chain it tries (log2); the
 * length that ends the search; the length from which on it does not look for a longer match one
 * byte later; the length from which on it tries a quarter of the positions for that. Levels 1 to 3
 * take the first match, and do not enter the bytes within one longer than the last number.
 */
// prettier-ignore
export const LEVELS: usize = DEFLATE ? memory.data<u8>([
  2, 8, 1, 4,
  3, 16, 1, 5,
  5, 32, 1, 6,
  4, 16, 6, 4,
  5, 32, 16, 8,
  7, 128, 16, 8,
  8, 128, 32, 8,
  10, 255, 128, 32,
  12, 255, 255, 32,
]) : 0;
