// inflate: the messages of RFC 7692 7.2.3, and what no cut or room may change about them. All else is
// held against zlib in test/deflate/inflate.test.ts.

import {
  Inflate,
  inflate,
  INFLATE_BAD,
  INFLATE_BYTES,
  INFLATE_FULL,
  INFLATE_MORE,
  inflateBegin,
  inflateEnded,
} from '../../../assembly/deflate/inflate';
import { ascii, HERE, hex, isAscii } from '../bytes';

const z = changetype<Inflate>(HERE);
const INPUT: usize = HERE + 1024;
const OUTPUT: usize = HERE + 2048;

/** A new stream with `room` bytes of output behind this history. */
function begin(room: u32, history: string = ''): void {
  inflateBegin(z);
  z.base = <u32>OUTPUT;
  z.to = <u32>OUTPUT + ascii(OUTPUT, history);
  z.limit = z.to + room;
}

function feed(text: string): i32 {
  z.from = <u32>INPUT;
  z.end = <u32>INPUT + hex(INPUT, text);
  return inflate(z);
}

/** Whether this message, and nothing after it, comes out. */
function gives(text: string, message: string): bool {
  if (feed(text) != INFLATE_MORE || feed('00 00 ff ff') != INFLATE_MORE) return false;
  return inflateEnded(z) && isAscii(OUTPUT, z.to - <u32>OUTPUT, message);
}

describe('inflate', () => {
  it('decodes the messages of RFC 7692 7.2.3', () => {
    begin(100);
    expect<bool>(gives('f2 48 cd c9 c9 07 00', 'Hello')).toBe(true);
    expect<bool>(gives('f2 00 11 00 00', 'HelloHello')).toBe(true);
    begin(100);
    expect<bool>(gives('00 05 00 fa ff 48 65 6c 6c 6f 00', 'Hello')).toBe(true);
    begin(100);
    expect<bool>(gives('f3 48 cd c9 c9 07 00 00', 'Hello')).toBe(true);
    begin(100);
    expect<bool>(gives('f2 48 05 00 00 00 ff ff ca c9 c9 07 00', 'Hello')).toBe(true);
  });

  it('goes on where it stopped', () => {
    begin(100);
    expect<i32>(feed('f2 48')).toBe(INFLATE_MORE);
    expect<bool>(inflateEnded(z)).toBe(false);
    expect<bool>(gives('cd c9 c9 07 00', 'Hello')).toBe(true);
  });

  it('stops when the output is full, and leaves the rest of the input', () => {
    begin(2);
    store<u8>(OUTPUT + 2, 0x2a);
    expect<i32>(feed('f2 48 cd c9 c9 07 00')).toBe(INFLATE_FULL);
    expect<u32>(z.to - <u32>OUTPUT).toBe(2);
    expect<u8>(load<u8>(OUTPUT + 2)).toBe(0x2a);
    // 3 bits of the header, 16 of two literals: 5 bits of the third byte are in the record.
    expect<u32>(z.from - <u32>INPUT).toBe(3);
    z.limit += 100;
    expect<i32>(inflate(z)).toBe(INFLATE_MORE);
    expect<bool>(isAscii(OUTPUT, z.to - <u32>OUTPUT, 'Hello')).toBe(true);
  });

  it('keeps a match that has no room', () => {
    begin(2, 'Hello');
    // 'H', then 4 bytes from 5 before.
    expect<i32>(feed('f2 00 11 00 00')).toBe(INFLATE_FULL);
    expect<bool>(isAscii(OUTPUT, z.to - <u32>OUTPUT, 'HelloHe')).toBe(true);
    z.limit += 100;
    expect<i32>(inflate(z)).toBe(INFLATE_MORE);
    expect<bool>(isAscii(OUTPUT, z.to - <u32>OUTPUT, 'HelloHello')).toBe(true);
  });

  it('refuses a distance that reaches below the base', () => {
    begin(100, 'Hel');
    expect<i32>(feed('f2 00 11 00 00')).toBe(INFLATE_BAD);
    expect<i32>(feed('00')).toBe(INFLATE_BAD);
  });

  it('has a record whose size is a multiple of 16, and touches nothing behind it', () => {
    expect<i32>(INFLATE_BYTES & 15).toBe(0);
    store<u64>(HERE + INFLATE_BYTES, 0x0123456789abcdef);
    begin(100);
    // The head of a block with codes of its own, all code lengths 15 bits long.
    feed('f4 ff ff ff ff ff ff ff ff ff ff ff ff ff');
    expect<u64>(load<u64>(HERE + INFLATE_BYTES)).toBe(0x0123456789abcdef);
  });
});
