// Message → DEFLATE blocks, literals and matches of what came before. RFC 1951 4, "Compression
// algorithm details"; RFC 7692 7.2.1, "Compression".
//
//   base ──────── from ──────────── end      to ────────── limit
//   history       message                    blocks
//
// Positions with the same hash of four bytes are a chain: HEADS has the newest of each hash, LINKS
// how far before a position the next one lies, modulo 2^16. Whatever a chain leads to within the
// window is compared, so an entry that is too old costs time and nothing else.
//
// Nothing is left of the calls before: HEADS is cleared, as much of it as there are positions, and a
// chain begins at an entry of this call. Each link leads to a position modulo the size of LINKS that
// was entered, or to 0, which none is and whose link is cleared.

import { CODEC, zeroWords } from '../memory';
import { DEFLATE_HASH_BITS, DEFLATE_TOKENS, DEFLATE_WINDOW_BITS } from '../profile';
import {
  LENGTH_FIRST,
  LENGTH_LAST,
  outputBegin,
  outputEnd,
  tally,
  TOKENS,
  writeBlock,
} from './block';
import { COUNTS } from './huffman';
import { inflateForget } from './inflate';
import { DISTANCES_FIRST, headOffset, linkOffset, SYMBOLS } from './layout';
import { LEVELS } from './tables';

const HEADS: usize = CODEC + headOffset;
const LINKS: usize = CODEC + linkOffset;
const LINKS_MASK: u32 = (1 << DEFLATE_WINDOW_BITS) - 1;
/** Room stays for a literal or match, one that was found before, and the end of the block. */
const TOKENS_FULL: usize = TOKENS + (DEFLATE_TOKENS - 4) * 4;

/** Shorter ones than the hash has bytes are not found. */
const MATCH_MIN: u32 = 4;
/** RFC 1951 3.2.5. */
const MATCH_MAX: u32 = 258;
/** A match in one word: its distance << 9 and its length. */
const MATCH_LENGTH: u32 = 511;

// Of the message: position 1 is its oldest byte, so that no entry of cleared HEADS is a position.
let origin: usize = 0;
/** One past the last position that has four bytes. */
let hashEnd: usize = 0;
/** 32 less the bits of a hash. */
let hashShift: u32 = 0;

/**
 * Compresses a message, or a fragment of one, in one call.
 *
 * @param base where the history begins, at the most as far back as matches shall reach; `from` for none
 * @param from the message, right behind its history
 * @param end one past its last byte
 * @param to where the output goes
 * @param limit one past the last byte that may be written
 * @param level 0 (stored blocks only) to 9
 * @param windowBits matches reach back 2^windowBits bytes at the most, 8 to 15. RFC 7692 7.1.2
 * @param flush whether the empty block at the end keeps its 00 00 ff ff: a fragment that is not the
 *   last. RFC 7692 7.2.1
 * @returns one past the last byte written, or 0 when it does not fit
 */
export function deflate(
  base: usize,
  from: usize,
  end: usize,
  to: usize,
  limit: usize,
  level: i32,
  windowBits: i32,
  flush: bool,
): usize {
  inflateForget();
  outputBegin(to, limit, level ? 0 : from);
  if (level) {
    const window: u32 = 1 << min(windowBits, DEFLATE_WINDOW_BITS);
    if (from - base > window) base = from - window;
    const bits = min(32 - clz(<u32>(end - base)), DEFLATE_HASH_BITS);
    zeroWords(HEADS, 2 << bits);
    store<u16>(LINKS, 0);
    hashShift = 32 - bits;
    hashEnd = end - 3;
    origin = base - 1;
    enter(base, from);
    while (from < end) {
      from = writeMatches(from, end, window, LEVELS + ((level - 1) << 2));
      if (!from) return 0;
    }
  }
  return outputEnd(end, flush);
}

/** Where the four bytes at `p` have their entry in HEADS. */
// @ts-ignore: decorator
@inline function hash(p: usize): u32 {
  return ((load<u32>(p) * 0x9e3779b1) >>> hashShift) << 1;
}

/** Enters the positions from `p` to `stop` into the chains. */
function enter(p: usize, stop: usize): void {
  stop = min(stop, hashEnd);
  for (; p < stop; p++) {
    const position = <u32>(p - origin);
    const head = hash(p);
    store<u16>((position & LINKS_MASK) << 1, position - load<u16>(head, HEADS), LINKS);
    store<u16>(head, position, HEADS);
  }
}

/**
 * Finds literals and matches from `from` on, until the end or until a block is full, and writes
 * that block.
 * @returns where the block ends, or 0 when it does not fit
 */
function writeMatches(from: usize, end: usize, window: u32, settings: usize): usize {
  const chain: u32 = 1 << load<u8>(settings);
  const nice: u32 = load<u8>(settings, 1);
  const lazy: u32 = load<u8>(settings, 2);
  const good: u32 = load<u8>(settings, 3);
  zeroWords(COUNTS, 2 * SYMBOLS);
  let token = TOKENS;
  let fixed: u32 = 0;
  let extra: u32 = 0;
  let p = from;
  /** The first position that is not entered. */
  let fresh = p;
  /** The match at p - 1, that gives way to a longer one at p; or 0. */
  let last: u32 = 0;
  while (last || (p < end && token < TOKENS_FULL)) {
    const length = last & MATCH_LENGTH;
    let match: u32 = 0;
    if (p < hashEnd && length < lazy && token < TOKENS_FULL) {
      const most = min(<u32>(end - p), MATCH_MAX);
      match = longest(p, most, length, window, length < good ? chain : chain >> 2, nice);
      fresh = p + 1;
    }
    let next: u32;
    if (last && !match) {
      next = length == MATCH_MAX ? LENGTH_LAST : coded(LENGTH_FIRST, length - 3, 2);
      store<u32>(token, next);
      token += 4;
      tally(next);
      fixed += 12 + u32((next & 511) > 279);
      extra += (next >> 9) & 15;
      next = coded(DISTANCES_FIRST, (last >> 9) - 1, 1);
      extra += (next >> 9) & 15;
      p += length - 1;
      if (lazy > 1 || length <= good) enter(fresh, p);
      fresh = p;
      last = 0;
    } else {
      const waits = match && !last;
      next = load<u8>(last ? p - 1 : p);
      last = match;
      p += 1;
      if (waits) continue;
      fixed += 8 + u32(next > 143);
    }
    store<u32>(token, next);
    token += 4;
    tally(next);
  }
  return writeBlock(from, p, token, fixed, extra) ? p : 0;
}

/**
 * Enters a position into its chain, and looks there for the longest match.
 *
 * @param most the longest that it may be
 * @param least a length that it has to exceed
 * @param window how far back it may begin
 * @param tries how many positions are tried
 * @param nice a length that is good enough
 * @returns the match, or 0
 */
// @ts-ignore: decorator
@inline function longest(p: usize, most: u32, least: u32, window: u32, tries: u32, nice: u32): u32 {
  const position = <u32>(p - origin);
  const head = hash(p);
  let distance = (position - load<u16>(head, HEADS)) & 0xffff;
  store<u16>((position & LINKS_MASK) << 1, distance, LINKS);
  store<u16>(head, position, HEADS);
  let match: u32 = 0;
  least = max(least, MATCH_MIN - 1);
  if (least >= most) return 0;
  const far = min(position - 1, window);
  // A distance of 0 is 2^16, and too far.
  for (; tries && distance - 1 < far; tries--) {
    const q = p - distance;
    // A longer match has the byte behind the longest so far, and the three before that.
    if (load<u32>(q + least - 3) == load<u32>(p + least - 3)) {
      const n = equal(p, q, most);
      if (n > least) {
        match = (distance << 9) | n;
        if (n >= nice || n == most) return match;
        least = n;
      }
    }
    distance += load<u16>(((position - distance) & LINKS_MASK) << 1, LINKS);
  }
  return match;
}

/** How many bytes at `p` and `q` are the same, up to `most`. */
// @ts-ignore: decorator
@inline function equal(p: usize, q: usize, most: u32): u32 {
  let n: u32 = 0;
  for (; n + 8 <= most; n += 8) {
    const difference = load<u64>(p + n) ^ load<u64>(q + n);
    if (difference) return n + ((<u32>ctz(difference)) >> 3);
  }
  while (n < most && load<u8>(p + n) == load<u8>(q + n)) n += 1;
  return n;
}

/** A length - 3 (`shift` 2) or distance - 1 (`shift` 1) → its token. RFC 1951 3.2.5. */
function coded(first: u32, value: u32, shift: u32): u32 {
  const extra = 31 - shift - clz(value | (1 << shift));
  const symbol = first + (extra << shift) + (value >> extra);
  return symbol | (extra << 9) | ((value & ((1 << extra) - 1)) << 13);
}
