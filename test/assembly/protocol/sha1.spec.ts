// sha1 against RFC 3174 7.3 and FIPS 180-1, and the example of RFC 6455 1.3.

import { sha1 } from '../../../assembly/protocol/sha1';
import { ascii, HERE, isHex } from '../bytes';

function hash(text: string): usize {
  return sha1(HERE, ascii(HERE, text));
}

describe('sha1', () => {
  it('hashes the tests of RFC 3174 7.3', () => {
    expect<bool>(isHex(hash('abc'), 'a9993e364706816aba3e25717850c26c9cd0d89d')).toBe(true);
    expect<bool>(
      isHex(
        hash('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
        '84983e441c3bd26ebaae4aa1f95129e5e54670f1',
      ),
    ).toBe(true);
  });

  it('hashes nothing, one block, and what needs two', () => {
    expect<bool>(isHex(hash(''), 'da39a3ee5e6b4b0d3255bfef95601890afd80709')).toBe(true);
    expect<bool>(isHex(hash('a'.repeat(55)), 'c1c8bbdc22796e28c0e15163d20899b65621d65a')).toBe(
      true,
    );
    expect<bool>(isHex(hash('a'.repeat(56)), 'c2db330f6083854c99d4b5bfb6e8f29f201be699')).toBe(
      true,
    );
    expect<bool>(isHex(hash('a'.repeat(64)), '0098ba824b5c16427bd7a1122a5a442a25ec644d')).toBe(
      true,
    );
    expect<bool>(isHex(hash('a'.repeat(119)), 'ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56')).toBe(
      true,
    );
  });

  it('hashes the key of RFC 6455 1.3 with the GUID', () => {
    const at = hash('dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11');
    expect<bool>(isHex(at, 'b37a4f2cc0624f1690f64606cf385945b2bec4ea')).toBe(true);
  });
});
