// The memory map, and the two ways to move bytes.

import { Region } from '../../assembly/abi';
import {
  ARENA,
  copyBytes,
  MEMORY_END,
  regionAddress,
  regionBytes,
  SESSION_BYTES,
  zeroWords,
} from '../../assembly/memory';
import { ARENA_BYTES, INGRESS_BYTES, SESSIONS } from '../../assembly/profile';
import { Session } from '../../assembly/session/session';
import { HERE, hex, isHex, THERE } from './bytes';

/** Numbers of Region: one more than the last. */
const REGIONS: i32 = Region.GLOBALS + 1;

function begin(region: i32): i32 {
  return <i32>regionAddress(region);
}

function end(region: i32): i32 {
  return begin(region) + regionBytes(region);
}

describe('the memory map', () => {
  it('has regions that do not meet', () => {
    for (let a = 0; a < REGIONS; a++) {
      expect<bool>(begin(a) > 0 && end(a) >= begin(a) && end(a) <= <i32>MEMORY_END).toBe(true);
      for (let b = 0; b < a; b++) {
        expect<bool>(end(a) <= begin(b) || end(b) <= begin(a)).toBe(true);
      }
    }
  });

  it('has no region of any other number', () => {
    expect<bool>(begin(-1) > 0).toBe(false);
    expect<bool>(begin(REGIONS) > 0).toBe(false);
    expect<bool>(regionBytes(REGIONS) > 0).toBe(false);
  });

  it('says how large things are', () => {
    expect<i32>(regionBytes(Region.INGRESS)).toBe(INGRESS_BYTES);
    expect<i32>(regionBytes(Region.SESSIONS)).toBe(SESSIONS * SESSION_BYTES);
    expect<i32>(regionBytes(Region.ARENA)).toBe(ARENA_BYTES);
    expect<usize>(ARENA & 15).toBe(0);
    expect<usize>(offsetof<Session>()).toBe(SESSION_BYTES);
    expect<bool>(SESSION_BYTES <= 256).toBe(true);
  });
});

describe('copyBytes', () => {
  it('copies every length, and no byte more', () => {
    let wrong = 0;
    for (let i: u32 = 0; i < 200; i++) store<u8>(HERE + i, <u8>(i + 1));
    for (let n: u32 = 0; n < 150; n++) {
      for (let i: u32 = 0; i < 200; i++) store<u8>(THERE + i, 0);
      copyBytes(THERE + 3, HERE + 1, n);
      for (let i: u32 = 0; i < 200; i++) {
        const expected = i >= 3 && i < n + 3 ? <u8>(i - 3 + 2) : 0;
        if (load<u8>(THERE + i) != expected) wrong += 1;
      }
    }
    expect<i32>(wrong).toBe(0);
  });

  it('copies down over itself', () => {
    hex(HERE, '00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11');
    copyBytes(HERE, HERE + 1, 17);
    expect<bool>(isHex(HERE, '01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 11')).toBe(true);
  });
});

describe('zeroWords', () => {
  it('zeroes what it is told and nothing else', () => {
    for (let i: u32 = 0; i < 32; i++) store<u8>(HERE + i, 0xff);
    zeroWords(HERE + 8, 16);
    expect<u64>(load<u64>(HERE)).toBe(u64.MAX_VALUE);
    expect<u64>(load<u64>(HERE, 8)).toBe(0);
    expect<u64>(load<u64>(HERE, 16)).toBe(0);
    expect<u64>(load<u64>(HERE, 24)).toBe(u64.MAX_VALUE);
  });
});
