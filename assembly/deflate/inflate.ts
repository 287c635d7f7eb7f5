// DEFLATE blocks → bytes, cut anywhere on either side. RFC 1951.
//
// All streams share one set of tables. What a stream has for itself is its Inflate record: up to
// 63 bits of input, what of a block is left, and the code lengths that its tables are built from,
// should another stream have built its own meanwhile.
//
//   BLOCK ─┬─ STORED_LENGTH ── STORED ──────────────────────┐
//     ▲    ├─ (fixed) ──────────────────── CODES ◄─► MATCH   │
//     │    └─ TABLES ── LENGTH_CODES ── LENGTHS ──┘ │ end    │
//     └─────────────────────────────────────────────┴────────┘
//
// An entry of a table says all about the code that leads to it:
//
//   bits 0-5   bits to drop: those of the code and the extra bits behind it
//   bit  6     SUB: the code is longer than the first look; bits 8-11 say how many bits the second
//              one takes, bits 16-30 where its table lies
//   bit  7     STOP: the end of the block if bit 16 is set, else no code at all
//   bits 8-11  bits of the code
//   bits 16-30 a literal, the base of a length or of a distance, or a symbol for code lengths
//   bit  31    LITERAL

import { CODEC, copyBytes, zeroWords } from '../memory';
import {
  DISTANCE_BITS,
  distanceOffset,
  endsOffset,
  FIXED_BITS,
  FIXED_DISTANCE_BITS,
  fixedDistanceOffset,
  fixedOffset,
  LENGTH_BITS,
  LITERAL_BITS,
  LITERALS,
  literalOffset,
  ownerOffset,
  sortedOffset,
} from './layout';

/** What inflate answers: all input is consumed. */
export const INFLATE_MORE: i32 = 0;
/** The output is full, and more may come. */
export const INFLATE_FULL: i32 = 1;
/** The input breaks RFC 1951. */
export const INFLATE_BAD: i32 = -1;

/** What comes next: the values of Inflate.mode. A block's type is the mode that follows, less 1. */
const enum Mode {
  BLOCK,
  STORED_LENGTH,
  CODES,
  TABLES,
  BAD,
  STORED,
  LENGTH_CODES,
  LENGTHS,
  MATCH,
}

/** What a stream has between two calls; it may be moved between them. */
@unmanaged
export class Inflate {
  /** Input: the next byte, one past the last. */
  from: u32;
  end: u32;
  /** Output: the lowest byte that a distance may reach, the next byte to write, one past the last. */
  base: u32;
  to: u32;
  limit: u32;
  /** The tables are this stream's if their owner is the same. */
  stamp: u32;
  /** Input that is not decoded yet, the next bit lowest. */
  bits: u64;
  /** How many bits. */
  count: u32;
  /** A Mode. */
  mode: i32;
  /** Bytes to come of a stored block or of a match. */
  left: u16;
  /** How far back the match lies. */
  distance: u16;
  /** LENGTHS: symbols of literals and lengths, then of distances too. RFC 1951 3.2.7. */
  literals: u16;
  symbols: u16;
  /** Code lengths that have come. */
  have: u16;
  /** The newest of them. */
  last: u8;
  /** The block is the last of a stream. */
  final: bool;
  /** It has the fixed codes. */
  fixed: bool;
  /** LENGTH_CODES: how many code lengths there are for code lengths. */
  lengthCodes: u8;
}

// Behind the fields: code lengths, four bits each. RFC 1951 3.2.7.
const literalLengths: u32 = 56;
const distanceLengths: u32 = literalLengths + LITERALS / 2;
const lengthLengths: u32 = distanceLengths + 16;

/** Bytes of an Inflate. */
export const INFLATE_BYTES: i32 = 240;

const OWNER: usize = CODEC + ownerOffset;
const ENDS: usize = CODEC + endsOffset;
const SORTED: usize = CODEC + sortedOffset;
const FIXED: usize = CODEC + fixedOffset;
const FIXED_DISTANCE: usize = CODEC + fixedDistanceOffset;
const LITERAL_TABLE: usize = CODEC + literalOffset;
const DISTANCE_TABLE: usize = CODEC + distanceOffset;

const ONES: u64 = -1;

const SUB: u64 = 1 << 6;
const STOP: u64 = 1 << 7;
const END: u64 = 1 << 16;
const LITERAL: u64 = 1 << 31;

/** Sixteen equal code lengths. */
const FIVE: u64 = 0x5555555555555555;
const SEVEN: u64 = 0x7777777777777777;
const EIGHT: u64 = 0x8888888888888888;
const NINE: u64 = 0x9999999999999999;

/** Makes it the state at the beginning of a message. */
export function inflateBegin(z: Inflate): void {
  zeroWords(changetype<usize>(z), literalLengths);
}

/** Whether the stream stands between two blocks with nothing left over. */
export function inflateEnded(z: Inflate): bool {
  return z.mode == Mode.BLOCK && z.count == 0;
}

/**
 * Decodes from `from`..`end` to `to`..`limit`, moving `from` and `to`.
 *
 * @returns INFLATE_MORE, INFLATE_FULL or INFLATE_BAD. With INFLATE_FULL the bytes that were read
 *   too far are given back: `from` may lie before `end`.
 */
export function inflate(z: Inflate): i32 {
  const began = z.from;
  const result = decode(z);
  if (result == INFLATE_FULL) {
    const back = min(z.count >> 3, z.from - began);
    z.from -= back;
    z.count -= back << 3;
  }
  // What lies above comes again.
  z.bits = lowBits(z.bits, z.count);
  return result;
}

/** Goes from mode to mode until something is missing. */
function decode(z: Inflate): i32 {
  while (true) {
    switch (z.mode) {
      case Mode.BLOCK: {
        if (!need(z, 3)) return INFLATE_MORE;
        z.final = <bool>take(z, 1);
        const type = take(z, 2);
        z.fixed = type == 1;
        z.mode = type + 1;
        // RFC 1951 3.2.4: "Any bits of input up to the next byte boundary are ignored."
        if (type == 0) take(z, z.count & 7);
        break;
      }
      case Mode.STORED_LENGTH: {
        if (!need(z, 32)) return INFLATE_MORE;
        const length = take(z, 32);
        z.left = <u16>length;
        z.mode = (length >> 16) + (length & 0xffff) == 0xffff ? Mode.STORED : Mode.BAD;
        break;
      }
      case Mode.STORED: {
        while (z.left) {
          if (z.to == z.limit) return INFLATE_FULL;
          if (z.count) {
            literal(z, take(z, 8));
            z.left -= 1;
          } else {
            const n = min(<u32>z.left, min(z.end - z.from, z.limit - z.to));
            if (!n) return INFLATE_MORE;
            copyBytes(z.to, z.from, n);
            // What fill put above the count is no longer what comes next.
            z.bits = 0;
            z.from += n;
            z.to += n;
            z.left -= <u16>n;
          }
        }
        endBlock(z);
        break;
      }
      case Mode.TABLES: {
        if (!need(z, 14)) return INFLATE_MORE;
        z.literals = <u16>(257 + take(z, 5));
        const distances = 1 + take(z, 5);
        z.symbols = <u16>(z.literals + distances);
        z.lengthCodes = <u8>(4 + take(z, 4));
        z.have = 0;
        zeroWords(changetype<usize>(z) + literalLengths, 176);
        z.mode = z.literals > 286 || distances > 30 ? Mode.BAD : Mode.LENGTH_CODES;
        break;
      }
      case Mode.LENGTH_CODES: {
        while (z.have < z.lengthCodes) {
          if (!need(z, 3)) return INFLATE_MORE;
          putLength(changetype<usize>(z) + lengthLengths, lengthSymbol(z.have), take(z, 3));
          z.have += 1;
        }
        z.have = 0;
        disown(z);
        z.mode = Mode.LENGTHS;
        break;
      }
      case Mode.LENGTHS: {
        if (z.stamp != load<u32>(OWNER) && !buildLengths(z)) {
          z.mode = Mode.BAD;
          break;
        }
        if (!lengths(z)) return INFLATE_MORE;
        break;
      }
      case Mode.CODES: {
        if (z.fixed) {
          if (!load<u32>(FIXED)) buildFixed(z);
        } else if (z.stamp != load<u32>(OWNER) && !buildCodes(z)) {
          z.mode = Mode.BAD;
          break;
        }
        if (z.end - z.from >= FAST_INPUT && z.limit - z.to >= FAST_OUTPUT) fast(z);
        const result = slow(z);
        if (result >= 0) return result;
        break;
      }
      case Mode.MATCH: {
        if (z.distance > z.to - z.base) {
          z.mode = Mode.BAD;
          break;
        }
        while (z.left) {
          if (z.to == z.limit) return INFLATE_FULL;
          literal(z, load<u8>(z.to - z.distance));
          z.left -= 1;
        }
        z.mode = Mode.CODES;
        break;
      }
      default:
        return INFLATE_BAD;
    }
  }
}

// ------------------------------------------------------------------------------------------ bits

/** Takes input into `bits` until 56 or more are there, or it ends. */
function fill(z: Inflate): void {
  if (z.end - z.from >= 8) {
    z.bits |= load<u64>(z.from) << z.count;
    z.from += (63 - z.count) >> 3;
    z.count |= 56;
  } else {
    while (z.count < 56 && z.from < z.end) {
      z.bits |= (<u64>load<u8>(z.from)) << z.count;
      z.from += 1;
      z.count += 8;
    }
  }
}

/** Whether there are `n` bits, 56 at the most. */
function need(z: Inflate, n: u32): bool {
  if (z.count < n) fill(z);
  return z.count >= n;
}

/** The next `n` bits, 32 at the most; they are there. */
function take(z: Inflate, n: u32): u32 {
  const value = <u32>lowBits(z.bits, n);
  z.bits >>= n;
  z.count -= n;
  return value;
}

/** The low `n` bits; of `n` itself the low six count. */
// @ts-ignore: decorator
@inline
function lowBits(bits: u64, n: u64): u64 {
  return bits & ~(ONES << n);
}

/** The entry of the code that `bits` begin with. */
function look(table: usize, root: u64, bits: u64): u64 {
  const entry: u64 = load<u32>(table + ((<usize>lowBits(bits, root)) << 2));
  return entry & SUB ? lookAgain(table, root, bits, entry) : entry;
}

// @ts-ignore: decorator
@inline
function lookAgain(table: usize, root: u64, bits: u64, entry: u64): u64 {
  const index = <usize>lowBits(bits >> root, entry >> 8);
  return load<u32>(table + <usize>(entry >> 16) + (index << 2));
}

/** What an entry stands for: its base and the extra bits. */
// @ts-ignore: decorator
@inline
function valueOf(entry: u64, bits: u64): u32 {
  return <u32>((entry >> 16) + (lowBits(bits, entry) >> (entry >> 8)));
}

// ---------------------------------------------------------------------------------------- output

function literal(z: Inflate, byte: u32): void {
  store<u8>(z.to, <u8>byte);
  z.to += 1;
}

/** After the last block of a stream the next one begins with a byte. RFC 7692 7.2.3.4. */
function endBlock(z: Inflate): void {
  if (z.final) take(z, z.count & 7);
  z.mode = Mode.BLOCK;
}

// ----------------------------------------------------------------------------------------- codes

/** What fast asks for before it begins a code: two words of input, three literals of output. */
const FAST_INPUT: u32 = 16;
const FAST_OUTPUT: u32 = 3;
/** A match is copied in words, and at least four of them. */
const FAST_MATCH: u32 = 32;

/** One code of a block; negative when that was done, else what is missing. */
function slow(z: Inflate): i32 {
  fill(z);
  const entry = z.fixed
    ? look(FIXED, FIXED_BITS, z.bits)
    : look(LITERAL_TABLE, LITERAL_BITS, z.bits);
  const drop = (<u32>entry) & 63;
  if (drop > z.count) return INFLATE_MORE;
  if (<i32>entry < 0) {
    if (z.to == z.limit) return INFLATE_FULL;
    literal(z, (<u32>entry) >> 16);
    take(z, drop);
  } else if (entry & STOP) {
    z.mode = Mode.BAD;
    take(z, drop);
    if (entry & END) endBlock(z);
  } else {
    const bits = z.bits >> drop;
    const far = z.fixed
      ? look(FIXED_DISTANCE, FIXED_DISTANCE_BITS, bits)
      : look(DISTANCE_TABLE, DISTANCE_BITS, bits);
    const both = drop + ((<u32>far) & 63);
    if (both > z.count) return INFLATE_MORE;
    z.left = <u16>valueOf(entry, z.bits);
    z.distance = <u16>valueOf(far, bits);
    z.bits >>= both;
    z.count -= both;
    z.mode = far & STOP ? Mode.BAD : Mode.MATCH;
  }
  return -1;
}

/** Codes in a row, as long as input and output have room for a word more than these need. */
function fast(z: Inflate): void {
  const lastFrom = z.end - FAST_INPUT;
  const limit = z.limit;
  const lastTo = limit - FAST_OUTPUT;
  const base = z.base;
  let table: usize = LITERAL_TABLE;
  let root: u64 = LITERAL_BITS;
  let distances: usize = DISTANCE_TABLE;
  let distanceRoot: u64 = DISTANCE_BITS;
  if (z.fixed) {
    table = FIXED;
    root = FIXED_BITS;
    distances = FIXED_DISTANCE;
    distanceRoot = FIXED_DISTANCE_BITS;
  }
  const mask = lowBits(ONES, root);
  const distanceMask = lowBits(ONES, distanceRoot);
  let from = z.from;
  let to = z.to;
  let bits = z.bits;
  // Only the low six bits of the count count: whole entries are subtracted from it, and shifts
  // and `& 7` look no further.
  let count: u64 = z.count;

  while (from <= lastFrom && to <= lastTo) {
    bits |= load<u64>(from) << count;
    from += (<u32>(~count >> 3)) & 7;
    count |= 56;
    let entry: u64 = load<u32>(table + ((<usize>(bits & mask)) << 2));
    if (<i32>entry < 0) {
      bits >>= entry;
      count -= entry;
      store<u8>(to, <u8>(entry >> 16));
      to += 1;
      entry = load<u32>(table + ((<usize>(bits & mask)) << 2));
      if (<i32>entry < 0) {
        bits >>= entry;
        count -= entry;
        store<u8>(to, <u8>(entry >> 16));
        to += 1;
        entry = load<u32>(table + ((<usize>(bits & mask)) << 2));
        if (<i32>entry < 0) {
          bits >>= entry;
          count -= entry;
          store<u8>(to, <u8>(entry >> 16));
          to += 1;
          continue;
        }
      }
      bits |= load<u64>(from) << count;
      from += (<u32>(~count >> 3)) & 7;
      count |= 56;
    }
    if (entry & (SUB | STOP)) {
      if (entry & STOP) break;
      entry = lookAgain(table, root, bits, entry);
      if (<i32>entry < 0) {
        bits >>= entry;
        count -= entry;
        store<u8>(to, <u8>(entry >> 16));
        to += 1;
        continue;
      }
      if (entry & STOP) break;
    }
    const length = valueOf(entry, bits);
    const rest = bits >> entry;
    let far: u64 = load<u32>(distances + ((<usize>(rest & distanceMask)) << 2));
    if (far & SUB) far = lookAgain(distances, distanceRoot, rest, far);
    if (far & STOP) break;
    let distance = valueOf(far, rest);
    // slow says what is wrong, or copies what has room.
    if (distance > to - base || length + FAST_MATCH > limit - to) break;
    bits = rest >> far;
    count -= entry + far;
    const stop = to + length;
    if (distance < 8) {
      // Eight bytes singly; then they repeat at 8 or more, too: at the next multiple.
      const single = to + 8;
      do {
        store<u8>(to, load<u8>(to - distance));
        to += 1;
      } while (to < single);
      distance = (0xeca89880 >> (distance << 2)) & 15;
    } else {
      const source = to - distance;
      store<u64>(to, load<u64>(source));
      store<u64>(to, load<u64>(source, 8), 8);
      store<u64>(to, load<u64>(source, 16), 16);
      store<u64>(to, load<u64>(source, 24), 24);
      to += 32;
    }
    while (to < stop) {
      store<u64>(to, load<u64>(to - distance));
      to += 8;
    }
    to = stop;
  }
  z.from = from;
  z.to = to;
  z.bits = bits;
  z.count = (<u32>count) & 63;
}

// ---------------------------------------------------------------------------------- code lengths

/** Code lengths until all are there; false when input is missing. RFC 1951 3.2.7. */
function lengths(z: Inflate): bool {
  const at = changetype<usize>(z) + literalLengths;
  const literals: u32 = z.literals;
  const symbols: u32 = z.symbols;
  let have: u32 = z.have;
  let last: u32 = z.last;
  let bits = z.bits;
  let count = z.count;
  let more = false;
  while (have < symbols) {
    // A code has 7 bits at the most, and so have the extra bits.
    if (count < 14) {
      z.bits = bits;
      z.count = count;
      fill(z);
      bits = z.bits;
      count = z.count;
    }
    const entry = load<u32>(LITERAL_TABLE + ((<usize>lowBits(bits, LENGTH_BITS)) << 2));
    const symbol = (entry >> 16) & 31;
    // 16: repeat the last one 3 to 6 times; 17: 3 to 10 zeros; 18: 11 to 138 zeros.
    const extra: u32 = symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
    const drop = (entry & 63) + extra;
    more = drop > count;
    if (more) break;
    let next = have + 1;
    if (symbol < 16) {
      last = symbol;
    } else {
      next = have + ((<u32>lowBits(bits, drop)) >> (entry & 63)) + (symbol == 18 ? 11 : 3);
      if ((symbol == 16 && !have) || next > symbols) {
        z.mode = Mode.BAD;
        return true;
      }
      if (symbol != 16) last = 0;
    }
    bits >>= drop;
    count -= drop;
    if (last) {
      for (; have < next; have++) {
        putLength(at, have < literals ? have : have - literals + LITERALS, last);
      }
    }
    have = next;
  }
  z.have = <u16>have;
  z.last = <u8>last;
  z.bits = bits;
  z.count = count;
  if (more) return false;
  disown(z);
  // Without a code for it the block has no end.
  z.mode = load<u8>(at, 128) & 15 ? Mode.CODES : Mode.BAD;
  return true;
}

/** Which symbol the code length at `index` is for: 16, 17, 18, 0, 8, 7, 9, 6 … 14, 1, 15. */
function lengthSymbol(index: u32): u32 {
  return index < 4 ? (16 + index) % 19 : (index & 1 ? 19 - index : 12 + index) >> 1;
}

/** Puts one into a list of them; 0 was there. */
function putLength(lengths: usize, index: u32, length: u32): void {
  const at = lengths + (index >> 1);
  store<u8>(at, <u8>(load<u8>(at) | (length << ((index & 1) << 2))));
}

// ---------------------------------------------------------------------------------------- tables

/** The tables of the block are not built yet. */
function disown(z: Inflate): void {
  z.stamp = load<u32>(OWNER) - 1;
}

/** From now on the tables are this stream's, and no other one's. */
function own(z: Inflate): void {
  z.stamp = load<u32>(OWNER) + 1;
  store<u32>(OWNER, z.stamp);
}

function buildLengths(z: Inflate): bool {
  own(z);
  return build(changetype<usize>(z) + lengthLengths, 2, LITERAL_TABLE, LENGTH_BITS, 0);
}

function buildCodes(z: Inflate): bool {
  own(z);
  const at = changetype<usize>(z);
  return (
    build(at + literalLengths, LITERALS / 16, LITERAL_TABLE, LITERAL_BITS, 2) &&
    build(at + distanceLengths, 2, DISTANCE_TABLE, DISTANCE_BITS, 1)
  );
}

/** RFC 1951 3.2.6. The lengths go where those of a dynamic block would. */
function buildFixed(z: Inflate): void {
  const at = changetype<usize>(z) + literalLengths;
  for (let i: usize = 0; i < 160; i += 8) {
    store<u64>(at + i, i < 72 ? EIGHT : i < 128 ? NINE : i < 144 ? SEVEN : FIVE);
  }
  store<u32>(at, <u32>EIGHT, 140);
  build(at, LITERALS / 16, FIXED, FIXED_BITS, 2);
  build(at + LITERALS / 2, 2, FIXED_DISTANCE, FIXED_DISTANCE_BITS, 1);
}

/**
 * Code lengths → table.
 *
 * @param lengths four bits for each symbol, 0 where it has no code
 * @param words how many words of 16 lengths there are
 * @param table where it goes
 * @param root the bits of the first look
 * @param shift 0 for code lengths, 2 for literals and lengths, 1 for distances: see entryOf
 * @returns false when they are no code: over-subscribed, or incomplete with more than one symbol
 */
function build(lengths: usize, words: u32, table: usize, root: u32, shift: u32): bool {
  zeroWords(ENDS, 32);
  sort(lengths, words);
  // How much of all codes of 15 bits is taken, and how many codes there are.
  let taken: u32 = 0;
  let codes: u32 = 0;
  for (let length: u32 = 1; length < 16; length++) {
    const n: u32 = load<u16>(ENDS + (length << 1));
    store<u16>(ENDS + (length << 1), <u16>codes);
    taken += n << (15 - length);
    codes += n;
  }
  // One code, of one bit, is allowed, and none at all. RFC 1951 3.2.7 has both for distances.
  if (taken != 1 << 15 && (taken > 1 << 15 || !shift || taken != codes << 14)) return false;
  sort(lengths, words);

  store<u32>(table, (<u32>STOP) | 1);
  // The part of the table that is filled, log2; it is doubled when codes become longer.
  let filled: u32 = 0;
  // The bits of a code come highest first: the code, reversed, is the index.
  let code: u32 = 0;
  let length: u32 = 0;
  let sub = table;
  let subBits: u32 = 0;
  let next = table + (4 << root);
  let prefix: u32 = -1;
  for (let i: u32 = 0; i < codes; i++) {
    while (load<u16>(ENDS + (length << 1)) <= i) length += 1;
    filled = double(table, filled, min(length, root));
    const entry = entryOf(load<u16>(SORTED + (i << 1)), length, shift);
    if (length <= root) {
      store<u32>(table + (code << 2), entry);
    } else {
      if ((code & ~(-1 << root)) != prefix) {
        prefix = code & ~(-1 << root);
        sub = next;
        subBits = length - root;
        // As many bits as the longest code with these first ones has.
        let used = ends(length) - i;
        while (used < 1 << subBits) {
          subBits += 1;
          used = (used << 1) + ends(root + subBits) - ends(root + subBits - 1);
        }
        next += 4 << subBits;
        store<u32>(table + (prefix << 2), ((sub - table) << 16) | (subBits << 8) | (<u32>SUB));
      }
      for (let j = code >> root; j < 1 << subBits; j += 1 << (length - root)) {
        store<u32>(sub + (j << 2), entry);
      }
    }
    // One more, reversed: the highest 0 becomes 1, and what is above it 0.
    const bit = (<u32>(1 << 31)) >> clz(~code & ~(-1 << length));
    code = (code & (bit - 1)) | bit;
  }
  double(table, filled, root);
  return true;
}

/** Puts symbols behind those of the same length; where that is says ENDS, which moves. */
function sort(lengths: usize, words: u32): void {
  for (let i: u32 = 0; i < words << 3; i += 8) {
    for (let word = load<u64>(lengths + i); word;) {
      const at = ctz(word) & 60;
      const end = ENDS + ((<usize>((word >> at) & 15)) << 1);
      const index: usize = load<u16>(end);
      store<u16>(SORTED + (index << 1), <u16>((i << 1) + ((<u32>at) >> 2)));
      store<u16>(end, <u16>(index + 1));
      word &= ~((<u64>15) << at);
    }
  }
}

/** Repeats the 2^filled first entries until there are 2^wanted; returns the larger of both. */
function double(table: usize, filled: u32, wanted: u32): u32 {
  for (; filled < wanted; filled++) copyBytes(table + (4 << filled), table, 4 << filled);
  return filled;
}

/** One past the last symbol with a code of that length. */
function ends(length: u32): u32 {
  return load<u16>(ENDS + (length << 1));
}

/**
 * The entry of a symbol. RFC 1951 3.2.5: the first 2 << `shift` lengths and distances have no extra
 * bits, the next 1 << `shift` have one, and so on.
 */
function entryOf(symbol: u32, length: u32, shift: u32): u32 {
  const bits = length * 0x101;
  if (shift != 1) {
    if (symbol < 256) return (<u32>LITERAL) | (symbol << 16) | bits;
    if (symbol == 256) return (<u32>(END | STOP)) | bits;
    symbol -= 257;
    // The longest one has a symbol of its own.
    if (symbol == 28) return (258 << 16) | bits;
  }
  if (symbol >= 30 - (shift >> 1)) return (<u32>STOP) | bits;
  const extra = max(symbol >> shift, 1) - 1;
  const base = extra ? ((1 << shift) | (symbol & ((1 << shift) - 1))) << extra : symbol;
  return ((base + 2 * shift - 1) << 16) | (bits + extra);
}
