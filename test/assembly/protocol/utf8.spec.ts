// utf8Check: every code point, every pair of bytes, every cut. RFC 3629 4.

import { UTF8_COMPLETE, utf8Check, UTF8_REJECT } from '../../../assembly/protocol/utf8';
import { HERE, hex } from '../bytes';

function check(text: string): u32 {
  return utf8Check(UTF8_COMPLETE, HERE, hex(HERE, text));
}

/** The same, byte by byte. */
function slowly(n: u32): u32 {
  let state = UTF8_COMPLETE;
  for (let i: u32 = 0; i < n && state != UTF8_REJECT; i++) state = utf8Check(state, HERE + i, 1);
  return state;
}

/** Writes a code point as UTF-8, surrogates too; returns its bytes. */
function encode(at: usize, c: u32): u32 {
  if (c < 0x80) {
    store<u8>(at, <u8>c);
    return 1;
  }
  const n: u32 = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (let i = n - 1; i > 0; i--) {
    store<u8>(at + i, <u8>(0x80 | (c & 63)));
    c >>= 6;
  }
  store<u8>(at, <u8>((0xf00 >> n) | c));
  return n;
}

describe('utf8Check', () => {
  it('takes every code point but the surrogates', () => {
    let wrong = 0;
    for (let c: u32 = 0; c < 0x110000; c++) {
      const n = encode(HERE, c);
      // Four bytes more, so that the fast way is gone, too.
      store<u32>(HERE + n, 0x61616161);
      const right = c < 0xd800 || c > 0xdfff;
      if ((utf8Check(UTF8_COMPLETE, HERE, n) == UTF8_COMPLETE) != right) wrong += 1;
      if ((utf8Check(UTF8_COMPLETE, HERE, n + 4) == UTF8_COMPLETE) != right) wrong += 1;
    }
    expect<i32>(wrong).toBe(0);
  });

  it('refuses what lies beyond U+10FFFF', () => {
    let wrong = 0;
    for (let c: u32 = 0x110000; c < 0x200000; c += 61) {
      const n = encode(HERE, c);
      if (utf8Check(UTF8_COMPLETE, HERE, n) != UTF8_REJECT) wrong += 1;
    }
    expect<i32>(wrong).toBe(0);
  });

  it('judges every pair of bytes alike, whole, byte by byte and before ASCII', () => {
    let wrong = 0;
    for (let a: u32 = 0; a < 256; a++) {
      for (let b: u32 = 0; b < 256; b++) {
        store<u8>(HERE, <u8>a);
        store<u8>(HERE + 1, <u8>b);
        store<u64>(HERE + 2, 0x6161616161616161);
        const whole = utf8Check(UTF8_COMPLETE, HERE, 2);
        if (whole != slowly(2)) wrong += 1;
        const ends = whole == UTF8_COMPLETE;
        if ((utf8Check(UTF8_COMPLETE, HERE, 10) == UTF8_COMPLETE) != ends) wrong += 1;
      }
    }
    expect<i32>(wrong).toBe(0);
  });

  it('takes a text of all lengths of characters at every cut', () => {
    const n = hex(
      HERE,
      '61 c3a9 e282ac f09f9880 6162636465666768 c3a9 61 f48fbfbf 61626364 ed9fbf',
    );
    let wrong = 0;
    for (let cut: u32 = 0; cut <= n; cut++) {
      const state = utf8Check(UTF8_COMPLETE, HERE, cut);
      if (state == UTF8_REJECT || utf8Check(state, HERE + cut, n - cut) != UTF8_COMPLETE)
        wrong += 1;
    }
    expect<i32>(wrong).toBe(0);
  });

  it('refuses overlong forms, surrogates and bytes that never are', () => {
    expect<u32>(check('c080')).toBe(UTF8_REJECT);
    expect<u32>(check('c1bf')).toBe(UTF8_REJECT);
    expect<u32>(check('e09fbf')).toBe(UTF8_REJECT);
    expect<u32>(check('f08fbfbf')).toBe(UTF8_REJECT);
    expect<u32>(check('eda080')).toBe(UTF8_REJECT);
    expect<u32>(check('edbfbf')).toBe(UTF8_REJECT);
    expect<u32>(check('f4908080')).toBe(UTF8_REJECT);
    expect<u32>(check('f5808080')).toBe(UTF8_REJECT);
    expect<u32>(check('ff')).toBe(UTF8_REJECT);
    expect<u32>(check('80')).toBe(UTF8_REJECT);
    expect<u32>(check('61616161616161616161bf6161')).toBe(UTF8_REJECT);
  });

  it('refuses at the first byte that cannot be right', () => {
    expect<u32>(check('e09f')).toBe(UTF8_REJECT);
    expect<u32>(check('eda0')).toBe(UTF8_REJECT);
    expect<u32>(check('f08f')).toBe(UTF8_REJECT);
    expect<u32>(check('f490')).toBe(UTF8_REJECT);
    expect<u32>(check('c3c3')).toBe(UTF8_REJECT);
  });

  it('is neither complete nor wrong inside a character', () => {
    for (let n: u32 = 1; n < 4; n++) {
      hex(HERE, 'f09f9880');
      const state = utf8Check(UTF8_COMPLETE, HERE, n);
      expect<bool>(state != UTF8_COMPLETE && state != UTF8_REJECT).toBe(true);
    }
  });
});
