// sha256 against the examples of FIPS 180-4, the additional ones of NIST, and lengths around the
// ends of blocks.

import { DIGEST } from '../../../assembly/memory';
import {
  sha256,
  SHA256_BYTES,
  sha256Add,
  sha256Begin,
  sha256End,
} from '../../../assembly/protocol/sha256';
import { ascii, HERE, hex, isHex } from '../bytes';

function hash(text: string): usize {
  return sha256(HERE, ascii(HERE, text));
}

function fill(byte: u8, n: u32): usize {
  for (let i: u32 = 0; i < n; i++) store<u8>(HERE + i, byte);
  return sha256(HERE, n);
}

/** `n` times `a`. */
function hashA(n: u32, expected: string): bool {
  return isHex(fill(97, n), expected);
}

describe('sha256', () => {
  it('hashes the examples of FIPS 180-4: one block, two, three', () => {
    expect<bool>(
      isHex(hash('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'),
    ).toBe(true);
    expect<bool>(
      isHex(
        hash('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
        '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
      ),
    ).toBe(true);
    expect<bool>(
      isHex(
        hash(
          'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno' +
            'ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu',
        ),
        'cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1',
      ),
    ).toBe(true);
  });

  it('hashes a million times "a"', () => {
    sha256Begin();
    for (let i = 0; i < 1_000_000; i++) sha256Add(97);
    expect<bool>(
      isHex(sha256End(), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'),
    ).toBe(true);
  });

  it('hashes the additional examples of NIST', () => {
    expect<bool>(
      isHex(
        sha256(HERE, hex(HERE, 'bd')),
        '68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b',
      ),
    ).toBe(true);
    expect<bool>(
      isHex(
        sha256(HERE, hex(HERE, 'c98c8e55')),
        '7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504',
      ),
    ).toBe(true);
    expect<bool>(
      isHex(fill(0, 1000), '541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53'),
    ).toBe(true);
    expect<bool>(
      isHex(fill(0x41, 1000), 'c2e686823489ced2017f6059b8b239318b6364f6dcd835d0a519105a1eadd6e4'),
    ).toBe(true);
    expect<bool>(
      isHex(fill(0x55, 1005), 'f4d62ddec0f3dd90ea1380fa16a5ff8dc4c54b21740650f24afc4120903552b0'),
    ).toBe(true);
  });

  it('hashes nothing, and lengths around the end of a block', () => {
    expect<bool>(hashA(0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')).toBe(
      true,
    );
    expect<bool>(hashA(1, 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb')).toBe(
      true,
    );
    expect<bool>(
      hashA(55, '9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318'),
    ).toBe(true);
    expect<bool>(
      hashA(56, 'b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a'),
    ).toBe(true);
    expect<bool>(
      hashA(63, '7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34'),
    ).toBe(true);
    expect<bool>(
      hashA(64, 'ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb'),
    ).toBe(true);
    expect<bool>(
      hashA(65, '635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0'),
    ).toBe(true);
    expect<bool>(
      hashA(119, '31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb'),
    ).toBe(true);
    expect<bool>(
      hashA(120, '2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c'),
    ).toBe(true);
    expect<bool>(
      hashA(128, '6836cf13bac400e9105071cd6af47084dfacad4e5e302c94bfed24e013afb73e'),
    ).toBe(true);
  });

  it('hashes every length up to 200', () => {
    // The hash of all hashes, of bytes that differ by place and length; made with node:crypto.
    const all = HERE + 1024;
    let at = all;
    for (let n: u32 = 0; n <= 200; n++) {
      for (let i: u32 = 0; i < n; i++) store<u8>(HERE + i, <u8>(i * 7 + n));
      memory.copy(at, sha256(HERE, n), SHA256_BYTES);
      at += SHA256_BYTES;
    }
    expect<bool>(
      isHex(
        sha256(all, <u32>(at - all)),
        'e673d33f6940a6d3856d0d305fd88363ae0ba3b96e2411d8ddd5e0dd443f4525',
      ),
    ).toBe(true);
  });

  it('keeps nothing from which the message could be told', () => {
    hash('a secret of 32 bytes, more or less');
    for (let i = 0; i < 64; i += 8) expect<u64>(load<u64>(DIGEST + i)).toBe(0);
  });
});
