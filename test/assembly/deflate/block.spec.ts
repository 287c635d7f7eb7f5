// Tokens → blocks: which of the three kinds is the shortest, and where there is no room for it. RFC
// 1951 3.2. What comes of whole messages is held against zlib in test/deflate/.

import {
  LENGTH_FIRST,
  outputBegin,
  outputEnd,
  tally,
  TOKENS,
  writeBlock,
} from '../../../assembly/deflate/block';
import { COUNTS } from '../../../assembly/deflate/huffman';
import { Inflate, inflate, inflateBegin, inflateEnded } from '../../../assembly/deflate/inflate';
import { DISTANCES_FIRST, SYMBOLS } from '../../../assembly/deflate/layout';
import { zeroWords } from '../../../assembly/memory';
import { ascii, HERE, isHex } from '../bytes';

/** Where the message lies, what becomes of it, and what that is again. */
const MESSAGE: usize = HERE;
const OUTPUT: usize = HERE + 80_000;
const COPY: usize = HERE + 160_000;
const STATE: usize = HERE + 250_000;
const ROOM: usize = 70_000;

/** The kinds of blocks, BTYPE. */
const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;

/** The bytes of the message from `from` to `end` as a block of literals; whether there was room. */
function literals(from: u32, end: u32): bool {
  zeroWords(COUNTS, 2 * SYMBOLS);
  let token = TOKENS;
  let fixed: u32 = 0;
  for (let i = from; i < end; i++) {
    const byte: u32 = load<u8>(MESSAGE + i);
    store<u32>(token, byte);
    tally(byte);
    token += 4;
    fixed += byte > 143 ? 9 : 8;
  }
  return writeBlock(MESSAGE + from, MESSAGE + end, token, fixed, 0);
}

/** Whether what lies from OUTPUT to `after`, and its end, are the first `n` bytes of the message. */
function says(after: usize, n: u32): bool {
  const z = changetype<Inflate>(STATE);
  inflateBegin(z);
  z.from = <u32>OUTPUT;
  z.end = <u32>after;
  z.base = z.to = <u32>COPY;
  z.limit = <u32>COPY + n + 1;
  inflate(z);
  return inflateEnded(z) && z.to == <u32>COPY + n && !memory.compare(COPY, MESSAGE, n);
}

/** One block of literals for the first `n` bytes; its kind. */
function kindOf(n: u32): u32 {
  outputBegin(OUTPUT, OUTPUT + ROOM, 0);
  expect<bool>(literals(0, n)).toBe(true);
  const after = outputEnd(MESSAGE + n, true);
  expect<bool>(says(after, n)).toBe(true);
  return (load<u8>(OUTPUT) >> 1) & 3;
}

/** How many bytes of room are too few for one block of literals and the end; -1 when more than that are written. */
function needs(n: u32, flush: bool): i32 {
  for (let room: usize = 0; room < 2000; room++) {
    memory.fill(OUTPUT, 0xa5, room + 64);
    outputBegin(OUTPUT, OUTPUT + room, 0);
    const after = literals(0, n) ? outputEnd(MESSAGE + n, flush) : 0;
    for (let i: usize = 0; i < 64; i++) {
      if (load<u8>(OUTPUT + room + i) != 0xa5) return -1;
    }
    if (after) return after == OUTPUT + room ? <i32>room : -1;
  }
  return -1;
}

/** Bytes that `step` leads through, so that none is like the one before. */
function fill(n: u32, step: u32, first: u32): void {
  for (let i: u32 = 0; i < n; i++) store<u8>(MESSAGE + i, <u8>(first + ((i * step) & 127)));
}

describe('writeBlock', () => {
  it('writes the fixed codes of RFC 7692 7.2.3.1', () => {
    ascii(MESSAGE, 'Hello');
    outputBegin(OUTPUT, OUTPUT + ROOM, 0);
    expect<bool>(literals(0, 5)).toBe(true);
    expect<usize>(outputEnd(MESSAGE + 5, false)).toBe(OUTPUT + 7);
    expect<bool>(isHex(OUTPUT, 'f2 48 cd c9 c9 07 00')).toBe(true);
  });

  it('writes a length and a distance, with the bits behind their codes', () => {
    // "limpet" and the same again, nine times: a length of 54 is 51 and 3, a distance of 6
    // is 5 and 1.
    ascii(MESSAGE, 'limpet'.repeat(10));
    zeroWords(COUNTS, 2 * SYMBOLS);
    for (let i = 0; i < 6; i++) store<u32>(TOKENS + (i << 2), load<u8>(MESSAGE + i));
    store<u32>(TOKENS, (LENGTH_FIRST + 18) | (3 << 9) | (3 << 13), 24);
    store<u32>(TOKENS, (DISTANCES_FIRST + 4) | (1 << 9) | (1 << 13), 28);
    outputBegin(OUTPUT, OUTPUT + ROOM, 0);
    const end = MESSAGE + 60;
    expect<bool>(writeBlock(MESSAGE, end, TOKENS + 32, 6 * 8 + 12, 4)).toBe(true);
    // 3 + 48 + 12 + 4 + 7 bits, 3 of the next block and 0 up to the next byte.
    expect<usize>(outputEnd(end, true)).toBe(OUTPUT + 10 + 4);
    expect<bool>(says(OUTPUT + 14, 60)).toBe(true);
  });

  it('stores when the codes are no shorter', () => {
    // 9 bits for each byte and 10 around them; or 8 bits and 40.
    fill(100, 37, 0x80);
    for (let i: u32 = 0; i < 100; i++) store<u8>(MESSAGE + i, load<u8>(MESSAGE + i) | 0x90);
    expect<u32>(kindOf(29)).toBe(FIXED);
    expect<u32>(kindOf(30)).toBe(STORED);
    expect<bool>(isHex(OUTPUT, '00 1e00 e1ff 90')).toBe(true);
  });

  it('tries codes of its own from 48 tokens on', () => {
    ascii(MESSAGE, 'ab'.repeat(500));
    expect<u32>(kindOf(47)).toBe(FIXED);
    expect<u32>(kindOf(48)).toBe(DYNAMIC);
    expect<u32>(kindOf(1000)).toBe(DYNAMIC);
  });

  it('writes code lengths whatever their runs', () => {
    // A symbol here and there leaves gaps of every length up to 256 zeros; neighbours make runs.
    for (let step: u32 = 1; step < 128; step++) {
      for (let i: u32 = 0; i < 1000; i++) store<u8>(MESSAGE + i, <u8>(((i % 5) * step) & 255));
      expect<u32>(kindOf(1000)).toBe(DYNAMIC);
      for (let i: u32 = 0; i < 1000; i++) store<u8>(MESSAGE + i, <u8>(i % step));
      if (step < 100) expect<u32>(kindOf(1000)).toBe(DYNAMIC);
    }
    // 7 bits each: the lengths are of one run.
    fill(1000, 1, 0);
    expect<u32>(kindOf(1000)).toBe(DYNAMIC);
  });

  it('has the fixed codes again behind a block with codes of its own', () => {
    ascii(MESSAGE, 'Hello' + 'ab'.repeat(500) + 'Hello');
    outputBegin(OUTPUT, OUTPUT + ROOM, 0);
    expect<bool>(literals(0, 5)).toBe(true);
    expect<bool>(literals(5, 1005)).toBe(true);
    expect<bool>(literals(1005, 1010)).toBe(true);
    expect<bool>(says(outputEnd(MESSAGE + 1010, true), 1010)).toBe(true);
  });
});

describe('what is to be stored', () => {
  it('is one block over several, up to 65,535 bytes', () => {
    fill(70_000, 37, 0x80);
    outputBegin(OUTPUT, OUTPUT + 75_000, MESSAGE);
    expect<usize>(outputEnd(MESSAGE + 65_535, false)).toBe(OUTPUT + 5 + 65_535 + 1);
    expect<bool>(isHex(OUTPUT, '00 ffff 0000')).toBe(true);
    outputBegin(OUTPUT, OUTPUT + 75_000, MESSAGE);
    const after = outputEnd(MESSAGE + 65_536, true);
    expect<usize>(after).toBe(OUTPUT + 5 + 65_535 + 5 + 1 + 5);
    expect<bool>(isHex(OUTPUT + 5 + 65_535, '00 0100 feff')).toBe(true);
    expect<bool>(says(after, 65_536)).toBe(true);
  });

  it('waits for the next block, which is not shorter either, or comes in front of it', () => {
    for (let i: u32 = 0; i < 100; i++) store<u8>(MESSAGE + i, <u8>(0x90 | (i * 37)));
    outputBegin(OUTPUT, OUTPUT + ROOM, 0);
    expect<bool>(literals(0, 40)).toBe(true);
    expect<bool>(literals(40, 60)).toBe(true);
    expect<usize>(outputEnd(MESSAGE + 60, true)).toBe(OUTPUT + 5 + 60 + 5);
    expect<bool>(says(OUTPUT + 70, 60)).toBe(true);
    ascii(MESSAGE + 60, 'ab'.repeat(500));
    outputBegin(OUTPUT, OUTPUT + ROOM, 0);
    expect<bool>(literals(0, 60)).toBe(true);
    expect<bool>(literals(60, 1060)).toBe(true);
    const after = outputEnd(MESSAGE + 1060, true);
    expect<bool>(isHex(OUTPUT, '00 3c00 c3ff')).toBe(true);
    expect<bool>(says(after, 1060)).toBe(true);
  });
});

describe('the room', () => {
  it('is used to the last byte, and no byte behind it is written', () => {
    ascii(MESSAGE, 'Hello');
    expect<i32>(needs(5, false)).toBe(7);
    expect<i32>(needs(5, true)).toBe(11);
    ascii(MESSAGE, 'ab'.repeat(500));
    const bytes = needs(1000, false);
    // Codes of 1 and 2 bits for 500 each, and the head of the block.
    expect<bool>(bytes > 187 && bytes < 208).toBe(true);
    expect<i32>(needs(1000, true)).toBe(bytes + 4);
    fill(400, 37, 0x80);
    for (let i: u32 = 0; i < 40; i++) store<u8>(MESSAGE + i, load<u8>(MESSAGE + i) | 0x90);
    expect<i32>(needs(40, false)).toBe(5 + 40 + 1);
    expect<i32>(needs(40, true)).toBe(5 + 40 + 5);
    expect<i32>(needs(0, false)).toBe(2);
  });
});
