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
//              one takes, bits 16-30 where in DYNAMIC its table lies
//   bit  7     STOP: the end of the block if bit 16 is set, else no code at all
//   bits 8-11  bits of the code
//   bits 16-30 a literal, the base of a length or of a distance, or a symbol for code lengths
//   bit  31    LITERAL

import { CODEC, copyBytes, zeroWords } from '../memory';
import {
  DISTANCE_BITS,
  distanceSubsWithin,
  dynamicOffset,
  endsOffset,
  fixedOffset,
  lengthSymbol,
  LITERAL_BITS,
  LITERALS,
  literalsWithin,
  ownerOffset,
  sortedOffset,
  subsWithin,
} from './layout';

/** What inflate answers: all input is consumed. */
export const INFLATE_MORE: i32 = 0;
/** The output is full, and more may come. */
export const INFLATE_FULL: i32 = 1;
/** The input breaks RFC 1951. */
export const INFLATE_BAD: i32 = -1;
/** What the parts of it answer besides: nothing is missing. */
const DONE: i32 = 2;

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
  /** Input that is not decoded yet, the next bit lowest; above it may lie some of what comes next. */
  bits: u64;
  /** How many bits of it are taken from the input. */
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
/** Pairs of tables; the code for code lengths has the place of the distances. */
const FIXED: usize = CODEC + fixedOffset;
const DYNAMIC: usize = CODEC + dynamicOffset;
/** That code has 7 bits at the most, as many as the first look at a distance takes. */
const LENGTH_BITS: i32 = DISTANCE_BITS;

const ONES: u64 = -1;

const SUB: u64 = 1 << 6;
const STOP: u64 = 1 << 7;
const END: u64 = 1 << 16;
const LITERAL: u64 = 1 << 31;

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
  return result;
}

/** Goes from mode to mode until something is missing. */
function decode(z: Inflate): i32 {
  const at = changetype<usize>(z);
  while (true) {
    switch (z.mode) {
      case Mode.BLOCK: {
        const head = read(z, 3);
        if (head < 0) return INFLATE_MORE;
        z.final = <bool>(head & 1);
        z.fixed = head >> 1 == 1;
        z.mode = (head >> 1) + 1;
        // RFC 1951 3.2.4: "Any bits of input up to the next byte boundary are ignored."
        if (head < 2) take(z, z.count & 7);
        break;
      }
      case Mode.STORED_LENGTH: {
        if (!need(z, 32)) return INFLATE_MORE;
        const length = <u32>z.bits;
        if ((length >> 16) + (length & 0xffff) != 0xffff) return bad(z);
        z.left = <u16>length;
        // Of what came in an earlier call nothing is left but this length.
        z.from -= (z.count - 32) >> 3;
        z.bits = 0;
        z.count = 0;
        z.mode = Mode.STORED;
        break;
      }
      case Mode.STORED: {
        const n = min(<u32>z.left, min(z.end - z.from, z.limit - z.to));
        copyBytes(z.to, z.from, n);
        z.from += n;
        z.to += n;
        const left = z.left - n;
        z.left = <u16>left;
        if (left) return z.to == z.limit ? INFLATE_FULL : INFLATE_MORE;
        z.mode = Mode.BLOCK;
        break;
      }
      case Mode.TABLES: {
        const head = read(z, 14);
        if (head < 0) return INFLATE_MORE;
        const literals = 257 + (head & 31);
        const distances = 1 + ((head >> 5) & 31);
        if (literals > 286 || distances > 30) return bad(z);
        z.literals = <u16>literals;
        z.symbols = <u16>(literals + distances);
        z.lengthCodes = <u8>(4 + (head >> 10));
        zeroWords(at + literalLengths, INFLATE_BYTES - literalLengths);
        z.have = 0;
        z.mode = Mode.LENGTH_CODES;
        break;
      }
      case Mode.LENGTH_CODES: {
        while (z.have < z.lengthCodes) {
          const length = read(z, 3);
          if (length < 0) return INFLATE_MORE;
          putLength(at + lengthLengths, lengthSymbol(z.have), length);
          z.have += 1;
        }
        z.have = 0;
        disown(z);
        z.mode = Mode.LENGTHS;
        break;
      }
      case Mode.LENGTHS: {
        if (own(z) && !build(at + lengthLengths, 2, DYNAMIC, LENGTH_BITS, 0)) return bad(z);
        const result = lengths(z);
        if (result != DONE) return result;
        disown(z);
        z.mode = Mode.CODES;
        break;
      }
      case Mode.CODES: {
        if (z.fixed) {
          if (!load<u32>(FIXED)) buildFixed(z);
        } else if (own(z) && !buildPair(z, DYNAMIC)) {
          return bad(z);
        }
        const result = codes(z);
        if (result != DONE) return result;
        break;
      }
      case Mode.MATCH: {
        const n = min(<u32>z.left, z.limit - z.to);
        const stop = z.to + n;
        for (let to = z.to; to < stop; to++) store<u8>(to, load<u8>(to - z.distance));
        z.to = stop;
        const left = z.left - n;
        z.left = <u16>left;
        if (left) return INFLATE_FULL;
        z.mode = Mode.CODES;
        break;
      }
      default:
        return INFLATE_BAD;
    }
  }
}

/** RFC 1951 is broken, and stays so. */
function bad(z: Inflate): i32 {
  z.mode = Mode.BAD;
  return INFLATE_BAD;
}

// ------------------------------------------------------------------------------------------ bits

/** Takes input into `bits` until 56 or more are there, or it ends. */
function fill(z: Inflate): void {
  const end = z.end;
  let from = z.from;
  let bits = z.bits;
  let count = z.count;
  if (end - from >= 8) {
    bits |= load<u64>(from) << count;
    from += (63 - count) >> 3;
    count |= 56;
  }
  while (count < 56 && from < end) {
    bits |= (<u64>load<u8>(from)) << count;
    from += 1;
    count += 8;
  }
  z.from = from;
  z.bits = bits;
  z.count = count;
}

/** Whether there are `n` bits, 56 at the most. */
function need(z: Inflate, n: u32): bool {
  if (z.count < n) fill(z);
  return z.count >= n;
}

/** Drops `n` bits that are there. */
function take(z: Inflate, n: u32): void {
  z.bits >>= n;
  z.count -= n;
}

/** The next `n` bits, 31 at the most, or -1 when they are not all there. */
function read(z: Inflate, n: u32): i32 {
  if (!need(z, n)) return -1;
  const value = <i32>lowBits(z.bits, n);
  take(z, n);
  return value;
}

/** The low `n` bits; of `n` itself the low six count. */
// @ts-ignore: decorator
@inline
function lowBits(bits: u64, n: u64): u64 {
  return bits & ~(ONES << n);
}

/** The entry of a code for which the first look, `entry`, was not enough. */
// @ts-ignore: decorator
@inline
function lookAgain(root: u64, bits: u64, entry: u64): u64 {
  const index = <usize>lowBits(bits >> root, entry >> 8);
  return load<u32>(DYNAMIC + <usize>(entry >> 16) + (index << 2));
}

/** What an entry stands for: its base and the extra bits. */
// @ts-ignore: decorator
@inline
function valueOf(entry: u64, bits: u64): u32 {
  return <u32>((entry >> 16) + (lowBits(bits, entry) >> (entry >> 8)));
}

// ----------------------------------------------------------------------------------------- codes

/** A match is copied in words, and at least four of them. */
const COPIED_MIN: u32 = 32;

/** Codes, until the block ends, a match has little room (it waits in MATCH) or something is missing. */
function codes(z: Inflate): i32 {
  fill(z);
  const pair = z.fixed ? FIXED : DYNAMIC;
  const end = z.end;
  const limit = z.limit;
  let from = z.from;
  let to = z.to;
  let bits = z.bits;
  let count = z.count;
  let result = DONE;

  while (true) {
    // There are bits enough for a code, if the input has them: the look need not wait for more.
    let entry: u64 = load<u32>(pair + ((<usize>lowBits(bits, LITERAL_BITS)) << 2), literalsWithin);
    if (end - from >= 8) {
      bits |= load<u64>(from) << count;
      from += (63 - count) >> 3;
      count |= 56;
    } else {
      while (count < 56 && from < end) {
        bits |= (<u64>load<u8>(from)) << count;
        from += 1;
        count += 8;
      }
    }
    if (entry & SUB) entry = lookAgain(LITERAL_BITS, bits, entry);
    let drop = (<u32>entry) & 63;
    if (drop > count) {
      result = INFLATE_MORE;
      break;
    }
    if (<i32>entry < 0) {
      if (to == limit) {
        result = INFLATE_FULL;
        break;
      }
      store<u8>(to, <u8>(entry >> 16));
      to += 1;
      bits >>= entry;
      count -= drop;
      // A second literal needs no more input: there were bits for two.
      entry = load<u32>(pair + ((<usize>lowBits(bits, LITERAL_BITS)) << 2), literalsWithin);
      drop = (<u32>entry) & 63;
      if (<i32>entry >= 0 || drop > count || to == limit) continue;
      store<u8>(to, <u8>(entry >> 16));
      to += 1;
      bits >>= entry;
      count -= drop;
      continue;
    }
    if (entry & STOP) {
      z.mode = entry & END ? Mode.BLOCK : Mode.BAD;
      // After the last block of a stream the next one begins with a byte. RFC 7692 7.2.3.4.
      if (z.final) drop += (count - drop) & 7;
      bits >>= drop;
      count -= drop;
      break;
    }
    const rest = bits >> entry;
    let far: u64 = load<u32>(pair + ((<usize>lowBits(rest, DISTANCE_BITS)) << 2));
    if (far & SUB) far = lookAgain(DISTANCE_BITS, rest, far);
    drop += (<u32>far) & 63;
    if (drop > count) {
      result = INFLATE_MORE;
      break;
    }
    const length = valueOf(entry, bits);
    let distance = valueOf(far, rest);
    if (far & STOP || distance > to - z.base) {
      z.mode = Mode.BAD;
      break;
    }
    bits = rest >> far;
    count -= drop;
    if (length + COPIED_MIN > limit - to) {
      z.left = <u16>length;
      z.distance = <u16>distance;
      z.mode = Mode.MATCH;
      break;
    }
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
  z.count = count;
  return result;
}

// ---------------------------------------------------------------------------------- code lengths

/** Code lengths; positive when all are there. RFC 1951 3.2.7. */
function lengths(z: Inflate): i32 {
  const at = changetype<usize>(z) + literalLengths;
  while (z.have < z.symbols) {
    // A code has 7 bits at the most, and so have the extra bits.
    if (z.count < 14) fill(z);
    const bits = z.bits;
    const entry = load<u32>(DYNAMIC + ((<usize>lowBits(bits, LENGTH_BITS)) << 2));
    const symbol = (entry >> 16) & 31;
    const code = entry & 63;
    let drop = code;
    let last: u32 = z.last;
    let have: u32 = z.have;
    let next = have + 1;
    if (symbol < 16) {
      last = symbol;
    } else {
      // 16: repeat the last one 3 to 6 times; 17: 3 to 10 zeros; 18: 11 to 138 zeros.
      drop += symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
      next += ((<u32>lowBits(bits, drop)) >> code) + (symbol == 18 ? 10 : 2);
      if (symbol != 16) last = 0;
    }
    if (drop > z.count) return INFLATE_MORE;
    if (next > z.symbols || (symbol == 16 && !have)) return bad(z);
    take(z, drop);
    z.last = <u8>last;
    z.have = <u16>next;
    if (last) {
      const literals: u32 = z.literals;
      for (; have < next; have++) {
        putLength(at, have < literals ? have : have - literals + LITERALS, last);
      }
    }
  }
  // Without a code for it the block has no end.
  return load<u8>(at, 128) & 15 ? DONE : bad(z);
}

/** Puts one into a list of them; 0 was there. */
function putLength(lengths: usize, index: u32, length: u32): void {
  const at = lengths + (index >> 1);
  store<u8>(at, <u8>(load<u8>(at) | (length << ((index & 1) << 2))));
}

// ---------------------------------------------------------------------------------------- tables

/** The tables of the stream are not built. */
function disown(z: Inflate): void {
  z.stamp = load<u32>(OWNER) - 1;
}

/** Whether the tables in DYNAMIC are to be built, since they are not this stream's; now they are. */
function own(z: Inflate): bool {
  const owner = load<u32>(OWNER);
  if (z.stamp == owner) return false;
  z.stamp = owner + 1;
  store<u32>(OWNER, owner + 1);
  return true;
}

/** Builds the tables for literals and distances. */
function buildPair(z: Inflate, pair: usize): bool {
  const at = changetype<usize>(z);
  return (
    build(at + literalLengths, LITERALS / 16, pair + literalsWithin, LITERAL_BITS, 2) &&
    build(at + distanceLengths, 2, pair, DISTANCE_BITS, 1)
  );
}

/** RFC 1951 3.2.6. The lengths go where those of a dynamic block would. */
function buildFixed(z: Inflate): void {
  const at = changetype<usize>(z) + literalLengths;
  for (let i: usize = 0; i < 160; i++) {
    store<u8>(at + i, i < 72 ? 0x88 : i < 128 ? 0x99 : i < 140 ? 0x77 : i < 144 ? 0x88 : 0x55);
  }
  buildPair(z, FIXED);
}

/**
 * Code lengths → table.
 *
 * @param lengths four bits for each symbol, 0 where it has no code
 * @param words how many words of 16 lengths there are
 * @param table where the first look goes
 * @param root how many bits it takes
 * @param shift 0 for code lengths, 2 for literals and lengths, 1 for distances: see entryOf
 * @returns false when they are no code: over-subscribed, or incomplete with more than one symbol
 */
function build(lengths: usize, words: u32, table: usize, root: u32, shift: u32): bool {
  zeroWords(ENDS, 32);
  sort(lengths, words);
  // How much of all codes of 15 bits is taken, and how many codes there are.
  let taken: u32 = 0;
  let codes: u32 = 0;
  let length: u32 = 1;
  for (; length < 16; length++) {
    const n = ends(length);
    store<u16>(ENDS + (length << 1), <u16>codes);
    taken += n << (15 - length);
    codes += n;
  }
  if (taken != 1 << 15) {
    // One code, of one bit, is allowed, and none at all. RFC 1951 3.2.7 has both for distances.
    if (taken > 1 << 15 || !shift || taken != codes << 14) return false;
    for (let i: u32 = 0; i < 1 << root; i++) store<u32>(table + (i << 2), (<u32>STOP) | 1);
  }
  sort(lengths, words);

  // The bits of a code come highest first: the code, reversed, is the index.
  let code: u32 = 0;
  let next = DYNAMIC + (shift == 2 ? subsWithin : distanceSubsWithin);
  let sub = next;
  let subBits: u32 = 0;
  length = 1;
  for (let i: u32 = 0; i < codes; i++) {
    while (ends(length) <= i) length += 1;
    let to = table;
    let index = code;
    let bits = root;
    let step = length;
    if (length > root) {
      index >>= root;
      step -= root;
      if (!index) {
        // The first one with these first bits: as many more as the longest such code has.
        subBits = step;
        let used = ends(length) - i;
        while (used < 1 << subBits) {
          subBits += 1;
          used = (used << 1) + ends(root + subBits) - ends(root + subBits - 1);
        }
        sub = next;
        next += 4 << subBits;
        store<u32>(table + (code << 2), ((sub - DYNAMIC) << 16) | (subBits << 8) | (<u32>SUB));
      }
      to = sub;
      bits = subBits;
    }
    const entry = entryOf(load<u16>(SORTED + (i << 1)), length, shift);
    for (; index < 1 << bits; index += 1 << step) store<u32>(to + (index << 2), entry);
    // One more, reversed: the highest 0 becomes 1, and what is above it 0.
    const bit = (<u32>(1 << 31)) >> clz(~code & ~(-1 << length));
    code = (code & (bit - 1)) | bit;
  }
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

/** The tables of the codes of a block are written over: whose they were builds them again. */
// @ts-ignore: decorator
@inline
export function inflateForget(): void {
  store<u32>(OWNER, load<u32>(OWNER) + 1);
}
