// Static tables of the deflate codec. In a file of their own, so that memory.ts can give them their
// place in front of the regions.

import { DEFLATE } from '../profile';

/** RFC 1951 3.2.7: the order of the code lengths for the code length alphabet. */
export const LENGTHS_ORDER: usize = DEFLATE
  ? memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])
  : 0;

/** For each level from 1 on: chain (log2), nice, lazy, good. */
export const LEVELS: usize = DEFLATE
  ? memory.data<u8>([
      2, 8, 1, 4, 3, 16, 1, 5, 5, 32, 1, 6, 4, 16, 4, 4, 5, 32, 16, 8, 7, 128, 16, 8, 8, 128, 32, 8,
      10, 255, 128, 32, 12, 255, 255, 32,
    ])
  : 0;
