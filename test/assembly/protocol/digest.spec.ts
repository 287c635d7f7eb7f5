// The words that SHA-1 and SHA-256 share: where each lies, and in which order its bytes do.

import { zeroWords } from '../../../assembly/memory';
import {
  HASH,
  hashAdd,
  hashEnd,
  SCHEDULE,
  scheduleAt,
  scheduleByte,
} from '../../../assembly/protocol/digest';
import { isHex } from '../bytes';

describe('scheduleAt', () => {
  it('is a ring of 16 words in front of the hash', () => {
    expect<usize>(scheduleAt(0)).toBe(SCHEDULE);
    expect<usize>(scheduleAt(1)).toBe(SCHEDULE + 4);
    expect<usize>(scheduleAt(15)).toBe(HASH - 4);
    expect<usize>(scheduleAt(16)).toBe(SCHEDULE);
    expect<usize>(scheduleAt(79)).toBe(HASH - 4);
    expect<usize>(scheduleAt(79 + 14)).toBe(SCHEDULE + 52);
  });
});

describe('scheduleByte', () => {
  it('makes words with the first byte highest, block after block', () => {
    zeroWords(SCHEDULE, 64);
    for (let i: u32 = 0; i < 64; i++) scheduleByte(i, i);
    expect<u32>(load<u32>(scheduleAt(0))).toBe(0x00010203);
    expect<u32>(load<u32>(scheduleAt(1))).toBe(0x04050607);
    expect<u32>(load<u32>(scheduleAt(15))).toBe(0x3c3d3e3f);
    scheduleByte(64, 0xff);
    scheduleByte(67, 0xee);
    expect<u32>(load<u32>(scheduleAt(0))).toBe(0xff0102ee);
    scheduleByte(127, 0xdd);
    expect<u32>(load<u32>(scheduleAt(15))).toBe(0x3c3d3edd);
  });

  it('takes the low byte of what it is given', () => {
    store<u32>(HASH, 0x01020304);
    scheduleByte(60, 0x1ab);
    expect<u32>(load<u32>(scheduleAt(15)) >> 24).toBe(0xab);
    expect<u32>(load<u32>(HASH)).toBe(0x01020304);
  });
});

describe('hashAdd', () => {
  it('adds modulo 2^32, to one word', () => {
    zeroWords(HASH, 32);
    hashAdd(4, 0xffff_ffff);
    hashAdd(4, 2);
    hashAdd(28, 7);
    expect<u32>(load<u32>(HASH)).toBe(0);
    expect<u32>(load<u32>(HASH, 4)).toBe(1);
    expect<u32>(load<u32>(HASH, 8)).toBe(0);
    expect<u32>(load<u32>(HASH, 28)).toBe(7);
  });
});

describe('hashEnd', () => {
  it('puts as many bytes as the hash has in the order of the network', () => {
    for (let i: u32 = 0; i < 32; i += 4) store<u32>(HASH + i, 0x10203040 + i);
    expect<usize>(hashEnd(20)).toBe(HASH);
    expect<bool>(isHex(HASH, '10203040 10203044 10203048 1020304c 10203050')).toBe(true);
    // What is behind them stays as it is.
    expect<u32>(load<u32>(HASH, 20)).toBe(0x10203054);
    for (let i: u32 = 0; i < 32; i += 4) store<u32>(HASH + i, 0x10203040 + i);
    expect<usize>(hashEnd(32)).toBe(HASH);
    expect<bool>(isHex(HASH + 28, '1020305c')).toBe(true);
  });
});
