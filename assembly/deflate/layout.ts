// Where each table of the deflate codec lies in the CODEC region, and how large it is.

import { DEFLATE, DEFLATE_HASH_BITS, DEFLATE_TOKENS, DEFLATE_WINDOW_BITS } from '../profile';

/** Symbols for literals and lengths, of which 286 and 287 are never used. RFC 1951 3.2.6. */
export const LITERALS: i32 = 288;
/** Symbols of the code for code lengths: 19, and what aligns them. RFC 1951 3.2.7. */
export const LENGTHS: i32 = 32;
/** Symbols for distances, of which 30 and 31 are never used. RFC 1951 3.2.6. */
export const DISTANCES: i32 = 32;
/** The compressor numbers the symbols of all three alphabets on, in this order. */
export const LENGTHS_FIRST: i32 = LITERALS;
export const DISTANCES_FIRST: i32 = LENGTHS_FIRST + LENGTHS;
export const SYMBOLS: i32 = DISTANCES_FIRST + DISTANCES;

/**
 * Which symbol the code length at `index` of a block's head is for: 16, 17, 18, 0, 8, 7, 9, 6 … 14, 1, 15.
 * RFC 1951 3.2.7.
 */
export function lengthSymbol(index: u32): u32 {
  return index < 4 ? (16 + index) % 19 : (index & 1 ? 19 - index : 12 + index) >> 1;
}

/** Bits of a code that the first look into a table takes; longer codes need a second one. */
export const LITERAL_BITS: i32 = 9;
export const DISTANCE_BITS: i32 = 7;

// Words of the tables. No complete code of 286 symbols of up to 15 bits needs more than 852 with a
// first look of 9 bits, and none of 30 symbols more than 400 with one of 7. Found by trying all, as
// zlib's examples/enough.c does.
const LITERAL_WORDS: i32 = 852;
const DISTANCE_WORDS: i32 = 400;
/** A pair of tables begins with the first looks, distances before literals. */
export const literalsWithin: i32 = 4 << DISTANCE_BITS;
export const subsWithin: i32 = literalsWithin + (4 << LITERAL_BITS);
export const distanceSubsWithin: i32 = literalsWithin + 4 * LITERAL_WORDS;

/** The tables of the codes of a block; the compressor writes over them, see inflateForget. */
export const dynamicOffset: i32 = 0;
const DYNAMIC_BYTES: i32 = 4 * (LITERAL_WORDS + DISTANCE_WORDS);

// Offsets of the compressor's tables within CODEC.

/** u16 for each hash: the newest position that has it. */
export const headOffset: i32 = 0;
/** u16 for each position of the window: how far before it lies the next one of the same hash. */
export const linkOffset: i32 = headOffset + (2 << DEFLATE_HASH_BITS);
/** u32 for each token of a block. */
export const tokenOffset: i32 = linkOffset + (2 << DEFLATE_WINDOW_BITS);
/** u16 for each symbol: how often a block has it. */
export const countOffset: i32 =
  tokenOffset + 4 * DEFLATE_TOKENS > DYNAMIC_BYTES
    ? tokenOffset + 4 * DEFLATE_TOKENS
    : DYNAMIC_BYTES;
/** u32 for each symbol: its code, bits reversed, and the length of the code << 16. */
export const codeOffset: i32 = countOffset + 2 * SYMBOLS;
/** u8 for each symbol: the length of its code. */
export const lengthOffset: i32 = codeOffset + 4 * SYMBOLS;
/** u32 for each symbol of the largest alphabet: its count << 9 and itself, the rarest first. */
export const sortOffset: i32 = lengthOffset + SYMBOLS;
/** u32 for each inner node of the tree over them. */
export const treeOffset: i32 = sortOffset + 4 * LITERALS;
/** u32 for each code length in the head of a block: a token. Only LENGTHS have a tree by then. */
export const runOffset: i32 = treeOffset + 4 * LENGTHS;
/** u32 for each length from 0 to 15: how many codes have it, or the next such code. */
export const depthOffset: i32 = runOffset + 4 * (LITERALS + DISTANCES);
const DEFLATE_BYTES: i32 = (depthOffset + 4 * 16 + 15) & ~15;

// Offsets of the decompressor's tables within CODEC.

/** u32: the stamp of the stream whose codes the tables are for. */
export const ownerOffset: i32 = DEFLATE_BYTES;
/** u16 for each length: how many codes have it, then one past the last of them among the sorted. */
export const endsOffset: i32 = ownerOffset + 16;
/** u16: symbols in the order of their codes. */
export const sortedOffset: i32 = endsOffset + 2 * 16;
/** The tables of the fixed codes, kept once they are built; no code needs a second look. */
export const fixedOffset: i32 = sortedOffset + 2 * LITERALS;
const INFLATE_END: i32 = fixedOffset + subsWithin;

/** Bytes of the CODEC region. */
export const CODEC_BYTES: i32 = DEFLATE ? INFLATE_END : 0;
