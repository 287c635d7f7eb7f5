// Pools of records, chains, hashes.

import {
  bytesEqual,
  chainAdd,
  chainRemove,
  hashBytes,
  hashWord,
  recordGive,
  recordTake,
  wordAt,
} from '../../../assembly/hub/table';
import { ascii, HERE, THERE } from '../bytes';

const POOL: usize = HERE;
const USE: usize = HERE + 8;
const HEAD: usize = HERE + 16;
const RECORDS: usize = HERE + 64;
const BYTES: u32 = 24;
const LINK: usize = 8;

function take(): usize {
  return recordTake(POOL, USE, RECORDS, BYTES);
}

describe('recordTake and recordGive', () => {
  it('give fresh records, then the last one that was given back, and count', () => {
    memory.fill(HERE, 0, 64);
    const a = take();
    const b = take();
    const c = take();
    expect<usize>(a).toBe(RECORDS);
    expect<usize>(c).toBe(RECORDS + 2 * BYTES);
    recordGive(POOL, USE, a);
    recordGive(POOL, USE, c);
    expect<u32>(load<u32>(USE)).toBe(1);
    expect<u32>(load<u32>(USE, 4)).toBe(3);
    expect<usize>(take()).toBe(c);
    expect<usize>(take()).toBe(a);
    expect<usize>(take()).toBe(b + 2 * BYTES);
    expect<u32>(load<u32>(USE)).toBe(4);
    expect<u32>(load<u32>(USE, 4)).toBe(4);
  });
});

describe('chainAdd and chainRemove', () => {
  it('leave the others where they are', () => {
    memory.fill(HERE, 0, 256);
    for (let i: usize = 0; i < 4; i++) chainAdd(HEAD, RECORDS + i * BYTES, LINK);
    // 3 2 1 0: the middle, the first, the last.
    chainRemove(HEAD, RECORDS + 2 * BYTES, LINK);
    chainRemove(HEAD, RECORDS + 3 * BYTES, LINK);
    expect<usize>(load<u32>(HEAD)).toBe(RECORDS + BYTES);
    chainRemove(HEAD, RECORDS, LINK);
    expect<usize>(load<u32>(HEAD)).toBe(RECORDS + BYTES);
    expect<u32>(load<u32>(RECORDS + BYTES + LINK)).toBe(0);
    chainRemove(HEAD, RECORDS + BYTES, LINK);
    expect<u32>(load<u32>(HEAD)).toBe(0);
  });
});

describe('wordAt', () => {
  it('takes up to 8 bytes and zeros behind them', () => {
    ascii(HERE, '123456789');
    expect<u64>(wordAt(HERE, 0)).toBe(0);
    expect<u64>(wordAt(HERE, 1)).toBe(0x31);
    expect<u64>(wordAt(HERE, 3)).toBe(0x333231);
    expect<u64>(wordAt(HERE, 7)).toBe(0x37363534333231);
    expect<u64>(wordAt(HERE, 8)).toBe(0x3837363534333231);
    expect<u64>(wordAt(HERE, 9)).toBe(0x3837363534333231);
  });
});

describe('hashBytes', () => {
  it('is the same wherever the bytes lie, and another for another byte or length', () => {
    for (let n: u32 = 1; n < 40; n++) {
      for (let i: u32 = 0; i < n; i++) {
        store<u8>(HERE + i, <u8>(i * 7 + 1));
        store<u8>(THERE + 3 + i, <u8>(i * 7 + 1));
      }
      store<u8>(THERE + 3 + n, 0x55);
      const hash = hashBytes(HERE, n);
      expect<u32>(hashBytes(THERE + 3, n)).toBe(hash);
      for (let i: u32 = 0; i < n; i++) {
        store<u8>(THERE + 3 + i, load<u8>(THERE + 3 + i) ^ 1);
        expect<bool>(hashBytes(THERE + 3, n) == hash).toBe(false);
        store<u8>(THERE + 3 + i, load<u8>(THERE + 3 + i) ^ 1);
      }
    }
    store<u64>(HERE, 0x61);
    expect<bool>(hashBytes(HERE, 1) == hashBytes(HERE, 2)).toBe(false);
  });

  it('spreads names that follow each other over their chains', () => {
    // 4,096 names over as many chains: at random the longest is 6 to 8, and 63 % of them are taken.
    memory.fill(THERE, 0, 4096);
    let longest: u32 = 0;
    let taken = 0;
    ascii(HERE, 'chat/room/000000');
    for (let i = 0; i < 4096; i++) {
      for (let digit = 0, left = i; digit < 6; digit++, left /= 10) {
        store<u8>(HERE + 15 - digit, <u8>(48 + (left % 10)));
      }
      const chain = THERE + (hashBytes(HERE, 16) & 4095);
      const count: u32 = load<u8>(chain) + 1;
      store<u8>(chain, <u8>count);
      longest = max(longest, count);
      if (count == 1) taken += 1;
    }
    expect<bool>(longest <= 9).toBe(true);
    expect<bool>(taken > 2450).toBe(true);
  });

  it('loses nothing of a word', () => {
    for (let bit = 0; bit < 64; bit++) {
      expect<bool>(<u32>hashWord(0, (<u64>1) << bit) == <u32>hashWord(0, 0)).toBe(false);
    }
  });
});

describe('bytesEqual', () => {
  it('compares each of n bytes and none behind them', () => {
    for (let n: u32 = 0; n < 34; n++) {
      for (let i: u32 = 0; i < n; i++) {
        store<u8>(HERE + i, <u8>i);
        store<u8>(THERE + 1 + i, <u8>i);
      }
      store<u8>(HERE + n, 1);
      store<u8>(THERE + 1 + n, 2);
      expect<bool>(bytesEqual(HERE, n, THERE + 1, n)).toBe(true);
      expect<bool>(bytesEqual(HERE, n, THERE + 1, n + 1)).toBe(false);
      for (let i: u32 = 0; i < n; i++) {
        store<u8>(HERE + i, <u8>(i + 1));
        expect<bool>(bytesEqual(HERE, n, THERE + 1, n)).toBe(false);
        store<u8>(HERE + i, <u8>i);
      }
    }
  });
});
