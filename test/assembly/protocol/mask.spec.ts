// unmask and keyAfter. RFC 6455 5.3.

import { keyAfter, unmask } from '../../../assembly/protocol/mask';
import { HERE, hex, isHex, THERE } from '../bytes';

const KEY: u32 = 0x04030201;

describe('unmask', () => {
  it('unmasks the text of RFC 6455 5.7', () => {
    hex(HERE, '7f 9f 4d 51 58');
    expect<u64>(unmask(HERE, HERE, 5, 0x3d21fa37)).toBe(0);
    expect<bool>(isHex(HERE, '48 65 6c 6c 6f')).toBe(true);
  });

  it('masks octet i with octet i modulo 4, at every length up to 200', () => {
    let wrong = 0;
    for (let n: u32 = 0; n <= 200; n++) {
      for (let i: u32 = 0; i < n + 1; i++) store<u8>(HERE + i, <u8>(i * 7));
      unmask(HERE, HERE, n, KEY);
      for (let i: u32 = 0; i < n; i++) {
        if (load<u8>(HERE + i) != ((<u8>(i * 7)) ^ (<u8>((i & 3) + 1)))) wrong += 1;
      }
      if (load<u8>(HERE + n) != <u8>(n * 7)) wrong += 1;
    }
    expect<i32>(wrong).toBe(0);
  });

  it('copies to a lower address, and with a key of 0 copies only', () => {
    let wrong = 0;
    for (let i: u32 = 0; i < 100; i++) store<u8>(HERE + 3 + i, <u8>i);
    unmask(HERE, HERE + 3, 100, 0);
    for (let i: u32 = 0; i < 100; i++) if (load<u8>(HERE + i) != <u8>i) wrong += 1;
    unmask(THERE, HERE, 100, KEY);
    for (let i: u32 = 0; i < 100; i++) {
      if (load<u8>(THERE + i) != ((<u8>i) ^ (<u8>((i & 3) + 1)))) wrong += 1;
    }
    expect<i32>(wrong).toBe(0);
  });

  it('sees a high bit at any place of any length, after unmasking', () => {
    let wrong = 0;
    for (let n: u32 = 1; n <= 100; n++) {
      for (let i: u32 = 0; i < n; i++) store<u8>(HERE + i, 0x41);
      if (unmask(HERE, HERE, n, 0)) wrong += 1;
      for (let at: u32 = 0; at < n; at++) {
        store<u8>(HERE + at, 0x80);
        if (!unmask(HERE, HERE, n, 0)) wrong += 1;
        store<u8>(HERE + at, 0x41);
      }
    }
    expect<i32>(wrong).toBe(0);
  });

  it("does not take the high bits of masked bytes for the text's", () => {
    hex(HERE, 'c1 c1 c1');
    expect<u64>(unmask(HERE, HERE, 3, 0x80808080)).toBe(0);
  });
});

describe('keyAfter', () => {
  it('rotates the key by the bytes that are done', () => {
    expect<u32>(keyAfter(KEY, 0)).toBe(KEY);
    expect<u32>(keyAfter(KEY, 1)).toBe(0x01040302);
    expect<u32>(keyAfter(KEY, 2)).toBe(0x02010403);
    expect<u32>(keyAfter(KEY, 3)).toBe(0x03020104);
    expect<u32>(keyAfter(KEY, 4)).toBe(KEY);
    expect<u32>(keyAfter(KEY, 0xffffffff)).toBe(0x03020104);
  });

  it('makes the parts of a payload one', () => {
    let wrong = 0;
    for (let cut: u32 = 0; cut <= 50; cut++) {
      for (let i: u32 = 0; i < 50; i++) store<u8>(HERE + i, 0);
      unmask(HERE, HERE, cut, KEY);
      unmask(HERE + cut, HERE + cut, 50 - cut, keyAfter(KEY, cut));
      for (let i: u32 = 0; i < 50; i++) {
        if (load<u8>(HERE + i) != <u8>((i & 3) + 1)) wrong += 1;
      }
    }
    expect<i32>(wrong).toBe(0);
  });
});
