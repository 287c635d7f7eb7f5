// How often each symbol occurs → Huffman codes of limited length. RFC 1951 3.2.2.
//
// The symbols that occur are sorted, the rarest first. The inner nodes of the tree over them, made
// in order, are sorted by themselves, so the two lightest are always the first of the symbols or
// nodes that are left. All that is wanted of the tree is how many leaves each depth has. Codes are
// kept with their first bit lowest: so they are sent.

import { CODEC, zeroWords } from '../memory';
import {
  codeOffset,
  countOffset,
  depthOffset,
  lengthOffset,
  sortOffset,
  treeOffset,
} from './layout';

/** How often each symbol occurs, a half-word each. */
export const COUNTS: usize = CODEC + countOffset;
/** Lengths of the codes, a byte each. */
export const LENGTHS: usize = CODEC + lengthOffset;
/** The codes, bits reversed, and their lengths << 16, a word each. */
export const CODES: usize = CODEC + codeOffset;
/** The symbols that occur, the rarest first: count << 9, symbol. */
const SORTED: usize = CODEC + sortOffset;
const TREE: usize = CODEC + treeOffset;
const DEPTHS: usize = CODEC + depthOffset;

/**
 * COUNTS → LENGTHS. One symbol alone gets a length of 1.
 *
 * @param first the alphabet's first symbol
 * @param n its symbols; both are multiples of 8
 * @param limit the longest code, bits
 * @returns the bits of all that occurs
 */
export function huffmanLengths(first: u32, n: u32, limit: u32): u32 {
  zeroWords(LENGTHS + first, n);
  zeroWords(DEPTHS, 64);
  let end = SORTED;
  for (let i = first; i < first + n; i++) {
    // Most symbols do not occur.
    if (!(i & 3) && !load<u64>(i << 1, COUNTS)) {
      i += 3;
      continue;
    }
    const count: u32 = load<u16>(i << 1, COUNTS);
    if (!count) continue;
    store<u32>(end, (count << 9) | i);
    end += 4;
  }
  sort(end);
  if (end > SORTED + 4) leaves(end, limit);
  else add(1, u32(end > SORTED));

  let bits: u32 = 0;
  end = SORTED;
  for (let length = limit; length; length--) {
    for (let leaf = load<u32>(length << 2, DEPTHS); leaf; leaf--) {
      const key = load<u32>(end);
      store<u8>(key & 511, <u8>length, LENGTHS);
      bits += length * (key >> 9);
      end += 4;
    }
  }
  return bits;
}

/** Sorts the words from SORTED to `end` by Shell's method. */
function sort(end: usize): void {
  for (let gap: usize = 121 * 4; gap; gap = (gap / 12) << 2) {
    for (let next = SORTED + gap; next < end; next += 4) {
      const key = load<u32>(next);
      let at = next;
      for (; at >= SORTED + gap; at -= gap) {
        const before = load<u32>(at - gap);
        if (before < key) break;
        store<u32>(at, before);
      }
      store<u32>(at, key);
    }
  }
}

/** Two or more symbols from SORTED to `end` → how many codes of each length, in DEPTHS. */
function leaves(end: usize, limit: u32): void {
  // A node is its weight until another takes it, then where that one is: its parent.
  let leaf = SORTED;
  let node = TREE;
  let next = TREE;
  for (let left = end - SORTED - 4; left; left -= 4) {
    let weight: u32 = 0;
    for (let child = 0; child < 2; child++) {
      const light = load<u32>(leaf) >> 9;
      if (leaf < end && (node == next || light <= load<u32>(node))) {
        weight += light;
        leaf += 4;
      } else {
        weight += load<u32>(node);
        store<u32>(node, <u32>next);
        node += 4;
      }
    }
    store<u32>(next, weight);
    next += 4;
  }
  // Parents to depths, from the root on; its parent lies behind it. What a depth offers and no
  // node takes are leaves.
  let room: i32 = 1 << limit;
  store<u32>(node, <u32>next);
  store<u32>(next, -1);
  let open: u32 = 1;
  for (let depth: u32 = 0; open; depth++) {
    let inner: u32 = 0;
    for (; node >= TREE && load<u32>(load<u32>(node)) + 1 == depth; node -= 4) {
      store<u32>(node, depth);
      inner += 1;
    }
    const length = min(depth, limit);
    add(length, open - inner);
    room -= (open - inner) << (limit - length);
    open = inner << 1;
  }
  // Codes cut to the limit are too many: a shorter one gives way to two of one bit more, and a cut
  // one becomes the second of them.
  for (; room < 0; room++) {
    let length = limit - 1;
    while (!load<u32>(length << 2, DEPTHS)) length -= 1;
    add(length, -1);
    add(length + 1, 2);
    add(limit, -1);
  }
}

/** That many codes more of a length. */
function add(length: u32, n: u32): void {
  store<u32>(length << 2, load<u32>(length << 2, DEPTHS) + n, DEPTHS);
}

/** LENGTHS → CODES, of the `n` symbols from `first` on, a multiple of 8. RFC 1951 3.2.2. */
export function huffmanCodes(first: u32, n: u32): void {
  zeroWords(DEPTHS, 64);
  for (let i = first; i < first + n; i++) {
    if (!(i & 7) && !load<u64>(i, LENGTHS)) {
      i += 7;
      continue;
    }
    const depth = (<u32>load<u8>(i, LENGTHS)) << 2;
    store<u32>(depth, load<u32>(depth, DEPTHS) + 1, DEPTHS);
  }
  let code: u32 = 0;
  for (let length: u32 = 1; length < 16; length++) {
    const count = load<u32>(length << 2, DEPTHS);
    store<u32>(length << 2, code, DEPTHS);
    code = (code + count) << 1;
  }
  for (let i = first; i < first + n; i++) {
    const length: u32 = load<u8>(i, LENGTHS);
    if (!length) continue;
    code = load<u32>(length << 2, DEPTHS);
    store<u32>(length << 2, code + 1, DEPTHS);
    // 16 bits reversed: bytes, nibbles, pairs, bits.
    code = (code >> 8) | (code << 8);
    code = ((code >> 4) & 0x0f0f) | ((code & 0x0f0f) << 4);
    code = ((code >> 2) & 0x3333) | ((code & 0x3333) << 2);
    code = ((code >> 1) & 0x5555) | ((code & 0x5555) << 1);
    store<u32>(i << 2, (code >> (16 - length)) | (length << 16), CODES);
  }
}
