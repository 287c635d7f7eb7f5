// huffmanLengths and huffmanCodes: lengths that use up what there is of codes, within the limit; the
// example of RFC 1951 3.2.2.

import {
  CODES,
  COUNTS,
  huffmanCodes,
  huffmanLengths,
  LENGTHS,
} from '../../../assembly/deflate/huffman';

function countsClear(): void {
  for (let i: u32 = 0; i < 288; i++) store<u16>(i << 1, 0, COUNTS);
}

/** The share that the codes take of all there are, in 2^-15. */
function share(n: u32): u32 {
  let all: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const length: u32 = load<u8>(i, LENGTHS);
    if (length) all += 1 << (15 - length);
  }
  return all;
}

/** The bits of all that occurs. */
function bitsOf(n: u32): u32 {
  let bits: u32 = 0;
  for (let i: u32 = 0; i < n; i++) bits += <u32>load<u8>(i, LENGTHS) * load<u16>(i << 1, COUNTS);
  return bits;
}

/** The longest code; 99 when a symbol has a shorter one than another that occurs more often. */
function longest(n: u32): u32 {
  let most: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    most = max<u32>(most, load<u8>(i, LENGTHS));
    for (let j: u32 = 0; j < n; j++) {
      const rarer = load<u16>(i << 1, COUNTS) < load<u16>(j << 1, COUNTS);
      if (rarer && load<u8>(i, LENGTHS) && load<u8>(i, LENGTHS) < load<u8>(j, LENGTHS)) return 99;
    }
  }
  return most;
}

/** Each count the sum of the two before: no counts make longer codes. */
function fibonacci(n: u32): void {
  countsClear();
  let a: u32 = 1;
  let b: u32 = 1;
  for (let i: u32 = 0; i < n; i++) {
    // Not in order.
    store<u16>(((i * 7) % n) << 1, <u16>a, COUNTS);
    const next = a + b;
    a = b;
    b = next;
  }
}

describe('huffmanLengths', () => {
  it('gives codes of the least bits', () => {
    fibonacci(6);
    // 1, 1, 2, 3, 5 and 8 times with 5, 5, 4, 3, 2 and 1 bits.
    expect<u32>(huffmanLengths(0, 8, 15)).toBe(45);
    expect<u32>(longest(8)).toBe(5);
    expect<u32>(share(8)).toBe(1 << 15);
  });

  it('keeps to the limit', () => {
    for (let limit: u32 = 5; limit <= 15; limit++) {
      fibonacci(22);
      const bits = huffmanLengths(0, 24, limit);
      expect<u32>(longest(24)).toBe(limit);
      expect<u32>(share(24)).toBe(1 << 15);
      expect<u32>(bits).toBe(bitsOf(24));
    }
  });

  it('gives 288 symbols codes, whatever their counts', () => {
    let random: u32 = 1;
    for (let round = 0; round < 50; round++) {
      countsClear();
      for (let i: u32 = 0; i < 288; i++) {
        random = random * 1664525 + 1013904223;
        if (random >> 28 > 4)
          store<u16>(i << 1, <u16>(random >> (16 + ((random >> 8) & 15))), COUNTS);
      }
      const bits = huffmanLengths(0, 288, 15);
      expect<u32>(share(288)).toBe(1 << 15);
      expect<bool>(longest(288) <= 15).toBe(true);
      expect<u32>(bits).toBe(bitsOf(288));
    }
  });

  it('gives one symbol one bit, and none nothing', () => {
    countsClear();
    expect<u32>(huffmanLengths(0, 288, 15)).toBe(0);
    expect<u32>(share(288)).toBe(0);
    store<u16>(14, 9, COUNTS);
    expect<u32>(huffmanLengths(0, 288, 15)).toBe(9);
    expect<u32>(load<u8>(7, LENGTHS)).toBe(1);
    expect<u32>(share(288)).toBe(1 << 14);
  });
});

describe('huffmanCodes', () => {
  it('gives the codes of RFC 1951 3.2.2', () => {
    // ABCDEFGH: 010, 011, 100, 101, 110, 00, 1110 and 1111, the first bit lowest.
    store<u64>(LENGTHS, 0x0404020303030303);
    huffmanCodes(0, 8);
    expect<u32>(load<u32>(CODES)).toBe(0x30002);
    expect<u32>(load<u32>(CODES, 4)).toBe(0x30006);
    expect<u32>(load<u32>(CODES, 8)).toBe(0x30001);
    expect<u32>(load<u32>(CODES, 12)).toBe(0x30005);
    expect<u32>(load<u32>(CODES, 16)).toBe(0x30003);
    expect<u32>(load<u32>(CODES, 20)).toBe(0x20000);
    expect<u32>(load<u32>(CODES, 24)).toBe(0x40007);
    expect<u32>(load<u32>(CODES, 28)).toBe(0x4000f);
  });
});
