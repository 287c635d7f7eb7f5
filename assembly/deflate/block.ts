// Literals and matches → one DEFLATE block, the shortest of the three kinds. RFC 1951 3.2.3.
//
// A token is a symbol and the extra bits behind its code:
//
//   bits 0-8 the symbol      bits 9-12 how many extra bits      bits 13-25 their value
//
// A literal is one token, a match two: its length and its distance.

import { CODEC, copyBytes } from '../memory';
import { CODES, COUNTS, huffmanCodes, huffmanLengths, LENGTHS } from './huffman';
import {
  DISTANCES,
  DISTANCES_FIRST,
  lengthSymbol,
  LENGTHS as CODE_LENGTHS,
  LENGTHS_FIRST,
  LITERALS,
  runOffset,
  SYMBOLS,
  tokenOffset,
} from './layout';

/** The tokens of a block, a word each. */
export const TOKENS: usize = CODEC + tokenOffset;
/** The code lengths of a block's head, as tokens. */
const RUNS: usize = CODEC + runOffset;

/** RFC 1951 3.2.5: 256 ends a block, lengths begin behind it. */
const END_OF_BLOCK: u32 = 256;
export const LENGTH_FIRST: u32 = 257;
export const LENGTH_LAST: u32 = 285;
/** Tokens for runs of code lengths: 3 to 6 times the last, 3 to 10 zeros, 11 to 138 zeros. */
const REPEAT: u32 = (LENGTHS_FIRST + 16) | (2 << 9);
const ZEROS: u32 = (LENGTHS_FIRST + 17) | (3 << 9);
const ZEROS_MANY: u32 = (LENGTHS_FIRST + 18) | (7 << 9);
/** The most bytes of a stored block. RFC 1951 3.2.4. */
const STORED_MAX: usize = 65535;
/** With fewer tokens than these, dynamic codes seldom save the bits of their lengths: not tried. */
const DYNAMIC_MIN: u32 = 48;

// What is written goes to `output`, by way of up to 7 bits that wait for the rest of their byte.
let output: usize = 0;
let outputLimit: usize = 0;
let waiting: u64 = 0;
let waitingBits: u32 = 0;
/** Where bytes begin that are to be stored, with those of the next block if these are, too; or 0. */
let held: usize = 0;
/** One past the last of RUNS. */
let runsEnd: usize = 0;

/**
 * Begins to write at `to`, and never at `limit` or behind it.
 * @param store where bytes begin that are to be stored, or 0
 */
export function outputBegin(to: usize, limit: usize, store: usize): void {
  output = to;
  outputLimit = limit;
  waiting = 0;
  waitingBits = 0;
  held = store;
}

/** Whether that many more bits have room. */
function fits(bits: u32): bool {
  return (waitingBits + bits + 7) >> 3 <= <u32>(outputLimit - output);
}

/** Writes the low `n` bits of `value`, the others being 0. There is room. */
function put(value: u64, n: u32): void {
  waiting |= value << waitingBits;
  for (waitingBits += n; waitingBits > 7; waitingBits -= 8) {
    store<u8>(output, <u8>waiting);
    output += 1;
    waiting >>= 8;
  }
}

/** Begins a stored block: its bits, and 0 up to the next byte. Whether there was room. */
function putStored(): bool {
  if (!fits(3)) return false;
  put(0, waitingBits > 5 ? 16 - waitingBits : 8 - waitingBits);
  return true;
}

/**
 * Writes what the tokens stand for.
 *
 * @param from the bytes
 * @param end one past the last of them
 * @param tokens one past the last token, with room for one more
 * @param fixed the bits of the tokens in fixed Huffman codes
 * @param extra the bits behind these codes
 * @returns whether there was room for it
 */
export function writeBlock(from: usize, end: usize, tokens: usize, fixed: u32, extra: u32): bool {
  store<u32>(tokens, END_OF_BLOCK);
  store<u16>(END_OF_BLOCK << 1, 1, COUNTS);
  fixed += 3 + 7 + extra;
  let bits = fixed;
  let literals: u32 = 286;
  let distances: u32 = 30;
  let lengths: u32 = 19;
  if (tokens - TOKENS >= DYNAMIC_MIN << 2) {
    bits = 3 + 14 + extra;
    bits += huffmanLengths(0, LITERALS, 15);
    bits += huffmanLengths(DISTANCES_FIRST, DISTANCES, 15);
    while (!load<u8>(literals - 1, LENGTHS)) literals -= 1;
    while (distances > 1 && !load<u8>(distances - 1, LENGTHS + DISTANCES_FIRST)) distances -= 1;
    // One sequence of both: what it overwrites is not used, or not yet.
    copyBytes(LENGTHS + literals, LENGTHS + DISTANCES_FIRST, distances);
    bits += runLengths(literals + distances);
    bits += huffmanLengths(LENGTHS_FIRST, CODE_LENGTHS, 7);
    while (!lengthOf(lengths - 1)) lengths -= 1;
    bits += 3 * lengths;
  }
  const dynamic = bits < fixed;
  if (!dynamic) bits = fixed;
  // 3 bits, up to 7 to the next byte, and two half-words begin a stored block.
  if (<u32>(end - from) * 8 + (held ? 0 : 40) <= bits) {
    if (!held) held = from;
    return true;
  }
  if (!writeStored(from)) return false;
  if (!fits(bits)) return false;
  if (dynamic) {
    writeLengths(literals, distances, lengths);
  } else {
    // BFINAL 0, BTYPE 01.
    put(2, 3);
    fixedCodes();
  }
  writeTokens(TOKENS, tokens + 4);
  return true;
}

/** The length of the code for the `i`th code length of a block's head. */
function lengthOf(i: u32): u32 {
  return load<u8>(LENGTHS_FIRST + lengthSymbol(i), LENGTHS);
}

/** Writes what is held, up to `end`, as stored blocks. Whether there was room. RFC 1951 3.2.4. */
function writeStored(end: usize): bool {
  let from = held;
  held = 0;
  while (from && from < end) {
    const n = min(end - from, STORED_MAX);
    if (!putStored() || outputLimit - output < n + 4) return false;
    put(n | ((~n & 0xffff) << 16), 32);
    output = copyBytes(output, from, n);
    from += n;
  }
  return true;
}

/**
 * Ends at the message's end with an empty stored block, whole or without lengths. RFC 7692 7.2.1.
 * @returns one past the last byte written, or 0 when there was no room
 */
export function outputEnd(end: usize, flush: bool): usize {
  if (!writeStored(end) || !putStored()) return 0;
  if (flush) {
    if (!fits(32)) return 0;
    put(0xffff0000, 32);
  }
  return output;
}

/** The codes of RFC 1951 3.2.6, unless they are there: no others have a symbol 287. */
function fixedCodes(): void {
  if (load<u32>((LITERALS - 1) << 2, CODES)) return;
  for (let i: u32 = 0; i < <u32>SYMBOLS; i++) {
    store<u8>(i, i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : i < <u32>LITERALS ? 8 : 5, LENGTHS);
  }
  huffmanCodes(0, LITERALS);
  huffmanCodes(DISTANCES_FIRST, DISTANCES);
}

/** The first `n` of LENGTHS → their runs, counted; the extra bits of these. RFC 1951 3.2.7. */
function runLengths(n: u32): u32 {
  runsEnd = RUNS;
  let extra: u32 = 0;
  let i: u32 = 0;
  while (i < n) {
    const from = i;
    const length: u32 = load<u8>(i, LENGTHS);
    do i += 1;
    while (i < n && load<u8>(i, LENGTHS) == length);
    let left = i - from;
    if (length) {
      putRun(LENGTHS_FIRST + length);
      left -= 1;
    }
    while (left >= 3) {
      const run = length ? REPEAT : left < 11 ? ZEROS : ZEROS_MANY;
      const n = min<u32>(left, length ? 6 : 138);
      putRun(run | ((n - (run < ZEROS_MANY ? 3 : 11)) << 13));
      extra += run >> 9;
      left -= n;
    }
    for (; left; left--) putRun(LENGTHS_FIRST + length);
  }
  return extra;
}

function putRun(token: u32): void {
  store<u32>(runsEnd, token);
  runsEnd += 4;
  tally(token);
}

/** Counts the symbol of a token. */
// @ts-ignore: decorator
@inline export function tally(token: u32): void {
  const at = (token & 511) << 1;
  store<u16>(at, load<u16>(at, COUNTS) + 1, COUNTS);
}

/** Writes the head of a block with dynamic Huffman codes, and makes them. RFC 1951 3.2.7. */
function writeLengths(literals: u32, distances: u32, lengths: u32): void {
  huffmanCodes(0, literals);
  huffmanCodes(DISTANCES_FIRST, DISTANCES);
  huffmanCodes(LENGTHS_FIRST, CODE_LENGTHS);
  store<u32>((LITERALS - 1) << 2, 0, CODES);
  // BFINAL 0, BTYPE 10, HLIT, HDIST, HCLEN.
  put(4 | ((literals - 257) << 3) | ((distances - 1) << 8) | ((lengths - 4) << 13), 17);
  for (let i: u32 = 0; i < lengths; i++) put(lengthOf(i), 3);
  writeTokens(RUNS, runsEnd);
}

/** Writes tokens. */
function writeTokens(at: usize, end: usize): void {
  let to = output;
  let bits = waiting;
  let n = waitingBits;
  for (; at < end; at += 4) {
    const token = load<u32>(at);
    const code = load<u32>((token & 511) << 2, CODES);
    bits |= (<u64>(code & 0xffff)) << n;
    n += code >> 16;
    bits |= (<u64>(token >> 13)) << n;
    n += (token >> 9) & 15;
    // At the most 7 + 15 + 13 bits.
    if (to + 8 <= outputLimit) {
      store<u64>(to, bits);
      to += n >> 3;
      bits >>= n & ~7;
      n &= 7;
    }
    for (; n > 7; n -= 8) {
      store<u8>(to, <u8>bits);
      to += 1;
      bits >>= 8;
    }
  }
  output = to;
  waiting = bits;
  waitingBits = n;
}
