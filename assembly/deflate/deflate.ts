// Message → DEFLATE blocks. RFC 1951 4, "Compression algorithm details"; RFC 7692 7.2.1.

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
import { DISTANCES_FIRST, headOffset, linkOffset, SYMBOLS } from './layout';
import { LEVELS } from './tables';

const HEADS: usize = CODEC + headOffset;
const LINKS: usize = CODEC + linkOffset;
const WINDOW_MASK: usize = (1 << DEFLATE_WINDOW_BITS) - 1;
/** Room stays for a match that is found already, and for the end of the block. */
const TOKENS_FULL: usize = TOKENS + (DEFLATE_TOKENS - 4) * 4;

const MATCH_MIN: usize = 4;
const MATCH_MAX: usize = 258;

/** Position 1 is the oldest byte: no entry of a cleared table is a position. */
let origin: usize = 0;
/** The last position that has four bytes. */
let hashEnd: usize = 0;
let hashShift: u32 = 0;

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
  outputBegin(to, limit, level ? 0 : from);
  if (level) {
    const window: usize = 1 << min(windowBits, DEFLATE_WINDOW_BITS);
    if (from - base > window) base = from - window;
    const bits = min(32 - clz<u32>(<u32>(end - base)), DEFLATE_HASH_BITS);
    zeroWords(HEADS, 2 << bits);
    hashShift = 32 - bits;
    origin = base - 1;
    hashEnd = end - 3;
    index(base, from);
    while (from < end) {
      from = compress(from, end, window, LEVELS + ((level - 1) << 2));
      if (!from) return 0;
    }
  }
  return outputEnd(end, flush);
}

// @ts-ignore: decorator
@inline function hash(p: usize): usize {
  return ((load<u32>(p) * 0x9e3779b1) >>> hashShift) << 1;
}

/** Enters the positions from `p` to `stop` into the chains. */
function index(p: usize, stop: usize): void {
  stop = min(stop, hashEnd);
  for (; p < stop; p++) {
    const position = p - origin;
    const head = hash(p);
    store<u16>((position & WINDOW_MASK) << 1, position - load<u16>(head, HEADS), LINKS);
    store<u16>(head, position, HEADS);
  }
}

/** One block. Returns where it ends, or 0 */
function compress(from: usize, end: usize, window: usize, settings: usize): usize {
  const chainMax: u32 = 1 << load<u8>(settings);
  const nice: usize = load<u8>(settings, 1);
  const lazy: usize = load<u8>(settings, 2);
  const good: usize = load<u8>(settings, 3);
  zeroWords(COUNTS, 2 * SYMBOLS);
  let token = TOKENS;
  let fixed: u32 = 0;
  let extra: u32 = 0;
  let p = from;
  let fresh = p;
  let pending: usize = 0;
  let pendingDistance: usize = 0;
  while (pending || (p < end && token < TOKENS_FULL)) {
    let best = max(pending, MATCH_MIN - 1);
    let distance: usize = 0;
    const most = min(end - p, MATCH_MAX);
    if (p < hashEnd && best < most && pending < lazy && token < TOKENS_FULL) {
      const position = p - origin;
      const head = hash(p);
      let d: usize = (position - load<u16>(head, HEADS)) & 0xffff;
      store<u16>((position & WINDOW_MASK) << 1, d, LINKS);
      store<u16>(head, position, HEADS);
      fresh = p + 1;
      const far = min(position - 1, window);
      let chain = pending >= good ? chainMax >> 2 : chainMax;
      const enough = min(nice, most);
      while (d - 1 < far && chain) {
        chain -= 1;
        const q = p - d;
        if (load<u32>(q + best - 3) == load<u32>(p + best - 3)) {
          const n = matching(p, q, most);
          if (n > best) {
            best = n;
            distance = d;
            if (n >= enough) break;
          }
        }
        d += load<u16>(((position - d) & WINDOW_MASK) << 1, LINKS);
      }
    }
    let next: u32;
    if (pending && !distance) {
      next = pending == MATCH_MAX ? LENGTH_LAST : coded(LENGTH_FIRST, <u32>pending - 3, 2);
      store<u32>(token, next);
      token += 4;
      tally(next);
      fixed += 12 + u32((next & 511) > 279);
      extra += (next >> 9) & 15;
      next = coded(DISTANCES_FIRST, <u32>pendingDistance - 1, 1);
      extra += (next >> 9) & 15;
      p += pending - 1;
      if (lazy > 1 || pending <= good) index(fresh, p);
      fresh = p;
      pending = 0;
    } else {
      const here = pending || !distance;
      next = load<u8>(pending ? p - 1 : p);
      pending = distance ? best : 0;
      pendingDistance = distance;
      p += 1;
      if (!here) continue;
      fixed += 8 + u32(next > 143);
    }
    store<u32>(token, next);
    token += 4;
    tally(next);
  }
  return writeBlock(from, p, token, fixed, extra) ? p : 0;
}

/** A length - 3 (`shift` 2) or distance - 1 (`shift` 1) → its token. RFC 1951 3.2.5. */
function coded(first: u32, value: u32, shift: u32): u32 {
  const extra = 31 - shift - clz(value | (1 << shift));
  const symbol = first + (extra << shift) + (value >> extra);
  return symbol | (extra << 9) | ((value & ((1 << extra) - 1)) << 13);
}

// @ts-ignore: decorator
@inline function matching(p: usize, q: usize, most: usize): usize {
  let n: usize = 0;
  while (n + 8 <= most) {
    const difference = load<u64>(p + n) ^ load<u64>(q + n);
    if (difference) return n + ((<usize>ctz(difference)) >> 3);
    n += 8;
  }
  while (n < most && load<u8>(p + n) == load<u8>(q + n)) n += 1;
  return n;
}
