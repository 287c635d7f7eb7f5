// How often each symbol occurs → Huffman codes of limited length. RFC 1951 3.2.2.
//
// Symbols of all alphabets are numbered on: literals and lengths, distances, code lengths. The
// used ones are sorted, the rarest first; the tree over them is made in place (Moffat and
// Katajainen, "In-Place Calculation of Minimum-Redundancy Codes"), and all that is wanted of it is
// how many leaves each depth has. Codes are kept with their first bit lowest, as they are written.

import { CODEC, zeroWords } from '../memory';
import { codeOffset, countOffset, lengthOffset, orderOffset, treeOffset } from './layout';

const COUNTS: usize = CODEC + countOffset;
const CODES: usize = CODEC + codeOffset;
const TREE: usize = CODEC + treeOffset;
const ORDER: usize = CODEC + orderOffset;
const LENGTHS: usize = CODEC + lengthOffset;

/**
 * Code lengths from counts; huffmanCodes makes the codes. One symbol alone gets a length of 1.
 *
 * @param first the alphabet's first symbol
 * @param n its symbols
 * @param limit the longest code, bits
 * @returns the bits of all occurrences together
 */
export function huffmanLengths(first: u32, n: u32, limit: u32): u32 {
  let used: u32 = 0;
  for (let i = first; i < first + n; i++) {
    const count: u32 = load<u16>(i << 1, COUNTS);
    store<u32>(i << 2, 0, CODES);
    if (!count) continue;
    store<u32>(used << 2, (count << 9) | i, TREE);
    used += 1;
  }
  sort(used);
  for (let i: u32 = 0; i < used; i++) {
    const key = load<u32>(i << 2, TREE);
    store<u16>(i << 1, key & 511, ORDER);
    store<u32>(i << 2, key >> 9, TREE);
  }
  zeroWords(LENGTHS, 64);
  if (used > 1) leaves(used, limit);
  else store<u32>(LENGTHS, used, 4);

  let bits: u32 = 0;
  let at: u32 = 0;
  for (let length = limit; length; length--) {
    for (let leaf = load<u32>(length << 2, LENGTHS); leaf; leaf--) {
      const symbol: u32 = load<u16>(at << 1, ORDER);
      store<u16>(symbol << 2, length, CODES + 2);
      bits += length * load<u16>(symbol << 1, COUNTS);
      at += 1;
    }
  }
  return bits;
}

/** Sorts `n` words of TREE by Shell's method. */
function sort(n: u32): void {
  for (let gap: u32 = 121; gap; gap /= 3) {
    for (let i = gap; i < n; i++) {
      const key = load<u32>(i << 2, TREE);
      let at = i;
      while (at >= gap && load<u32>((at - gap) << 2, TREE) > key) {
        store<u32>(at << 2, load<u32>((at - gap) << 2, TREE), TREE);
        at -= gap;
      }
      store<u32>(at << 2, key, TREE);
    }
  }
}

/** `n` sorted counts in TREE, at least two → how many codes of each length, in LENGTHS. */
function leaves(n: u32, limit: u32): void {
  // Each inner node takes the two lightest of leaves and nodes; a node taken keeps its parent.
  let leaf: u32 = 0;
  let node: u32 = 0;
  for (let next: u32 = 0; next < n - 1; next++) {
    let weight: u32 = 0;
    for (let child = 0; child < 2; child++) {
      if (leaf >= n || (node < next && load<u32>(node << 2, TREE) < load<u32>(leaf << 2, TREE))) {
        weight += load<u32>(node << 2, TREE);
        store<u32>(node << 2, next, TREE);
        node += 1;
      } else {
        weight += load<u32>(leaf << 2, TREE);
        leaf += 1;
      }
    }
    store<u32>(next << 2, weight, TREE);
  }
  // Parents to depths, from the root on; what a depth offers and no node takes are leaves.
  let open: u32 = 2;
  let depth: u32 = 1;
  node = n - 2;
  store<u32>(node << 2, 0, TREE);
  while (open) {
    let inner: u32 = 0;
    while (node) {
      const above = load<u32>(load<u32>((node - 1) << 2, TREE) << 2, TREE) + 1;
      if (above != depth) break;
      node -= 1;
      store<u32>(node << 2, depth, TREE);
      inner += 1;
    }
    add(min(depth, limit), open - inner);
    open = inner << 1;
    depth += 1;
  }
  // Codes cut to the limit took too much: a shorter code gives way to two of one bit more, one of
  // which a cut one takes.
  let room: i32 = 1 << limit;
  for (let length: u32 = 1; length <= limit; length++) {
    room -= load<u32>(length << 2, LENGTHS) << (limit - length);
  }
  while (room < 0) {
    let length = limit - 1;
    while (!load<u32>(length << 2, LENGTHS)) length -= 1;
    add(limit, -1);
    add(length, -1);
    add(length + 1, 2);
    room += 1;
  }
}

function add(length: u32, n: u32): void {
  store<u32>(length << 2, load<u32>(length << 2, LENGTHS) + n, LENGTHS);
}

/** Codes from the code lengths of the `n` symbols from `first` on. RFC 1951 3.2.2. */
export function huffmanCodes(first: u32, n: u32): void {
  zeroWords(LENGTHS, 64);
  for (let i = first; i < first + n; i++) add(load<u16>(i << 2, CODES + 2), 1);
  let code: u32 = 0;
  for (let length: u32 = 1; length < 16; length++) {
    const count = load<u32>(length << 2, LENGTHS);
    store<u32>(length << 2, code, LENGTHS);
    code = (code + count) << 1;
  }
  for (let i = first; i < first + n; i++) {
    let length: u32 = load<u16>(i << 2, CODES + 2);
    if (!length) continue;
    code = load<u32>(length << 2, LENGTHS);
    add(length, 1);
    let reversed: u32 = 0;
    for (; length; length--) {
      reversed = (reversed << 1) | (code & 1);
      code >>= 1;
    }
    store<u16>(i << 2, reversed, CODES);
  }
}
