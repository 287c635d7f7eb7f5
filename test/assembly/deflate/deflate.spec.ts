// deflate: the messages of RFC 7692 7.2.3, and the longest and the farthest match. All else is held
// against zlib in test/deflate/deflate.test.ts.

import { deflate } from '../../../assembly/deflate/deflate';
import { Inflate, inflate, inflateBegin, inflateEnded } from '../../../assembly/deflate/inflate';
import { ascii, HERE, hex, isHex } from '../bytes';

const OUTPUT: usize = HERE + 100_000;

/** Whether "Hello" behind this history becomes these bytes. */
function hello(text: string, history: string, level: i32, flush: bool): bool {
  const from = HERE + ascii(HERE, history);
  const end = from + ascii(from, 'Hello');
  const n = deflate(HERE, from, end, OUTPUT, OUTPUT + 100, level, 15, flush) - OUTPUT;
  return n == hex(OUTPUT + 100, text) && isHex(OUTPUT, text);
}

/** How many bytes the message becomes; 0 when inflate does not make the same of them. */
function bytesOf(from: usize, end: usize, level: i32, windowBits: i32): usize {
  const after = deflate(HERE, from, end, OUTPUT, OUTPUT + 1000, level, windowBits, true);
  const z = changetype<Inflate>(OUTPUT + 1008);
  const copy = OUTPUT + 2048;
  for (let p = HERE; p < from; p++) store<u8>(copy + (p - HERE), load<u8>(p));
  inflateBegin(z);
  z.from = <u32>OUTPUT;
  z.end = <u32>after;
  z.base = <u32>copy;
  z.to = <u32>(copy + (from - HERE));
  z.limit = <u32>(copy + (end - HERE));
  inflate(z);
  if (!inflateEnded(z) || z.to != z.limit) return 0;
  for (let p = from; p < end; p++) {
    if (load<u8>(copy + (p - HERE)) != load<u8>(p)) return 0;
  }
  return after - OUTPUT;
}

describe('deflate', () => {
  it('encodes the messages of RFC 7692 7.2.3', () => {
    expect<bool>(hello('f2 48 cd c9 c9 07 00', '', 6, false)).toBe(true);
    expect<bool>(hello('00 05 00 fa ff 48 65 6c 6c 6f 00', '', 0, false)).toBe(true);
    expect<bool>(hello('f2 48 cd c9 c9 07 00 00 00 ff ff', '', 1, true)).toBe(true);
  });

  it('takes all of a message from its history', () => {
    // A match of 5 at a distance of 5; 7.2.3.2 has a literal and a match of 4.
    expect<bool>(hello('02 13 00 00', 'Hello', 6, false)).toBe(true);
  });

  it('says 0 when there is no room', () => {
    ascii(HERE, 'Hello');
    expect<usize>(deflate(HERE, HERE, HERE + 5, OUTPUT, OUTPUT + 6, 6, 15, false)).toBe(0);
    expect<usize>(deflate(HERE, HERE, HERE + 5, OUTPUT, OUTPUT + 10, 6, 15, true)).toBe(0);
  });

  it('finds what lies as far back as the window, and nothing beyond', () => {
    for (let windowBits = 8; windowBits <= 15; windowBits++) {
      for (let beyond: usize = 0; beyond < 2; beyond++) {
        const from = HERE + (1 << windowBits) + beyond;
        for (let p = HERE; p < from; p++) store<u8>(p, 32);
        ascii(HERE, 'limpet');
        const n = bytesOf(from, from + ascii(from, 'limpet'), 9, windowBits);
        // Six literals of 8 bits, 13 bits around them and the lengths of the empty block; or a match.
        if (beyond) expect<usize>(n).toBe(12);
        else expect<bool>(n > 4 && n < 10).toBe(true);
      }
    }
  });
});
