// ChaCha20 against RFC 8439 2.3.2, and the generator made from it.

import { CIPHER } from '../../../assembly/memory';
import { chachaBlock, maskKeyNext, seed, seeded } from '../../../assembly/protocol/entropy';
import { HERE, hex, isHex, THERE } from '../bytes';

const ZEROS = '0000000000000000000000000000000000000000000000000000000000000000';

describe('chachaBlock', () => {
  it('makes the block of RFC 8439 2.3.2', () => {
    hex(HERE, '657870616e642033322d62797465206b');
    hex(HERE + 16, '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
    hex(HERE + 48, '01000000 000000090000004a00000000');
    chachaBlock(HERE, THERE);
    expect<bool>(
      isHex(THERE, '10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e'),
    ).toBe(true);
    expect<bool>(
      isHex(THERE + 32, 'd2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e'),
    ).toBe(true);
    expect<u32>(load<u32>(HERE, 48)).toBe(2);
  });

  it('makes the first block of the key of zeros, RFC 8439 A.1', () => {
    hex(HERE, '657870616e642033322d62797465206b' + ZEROS + '00000000000000000000000000000000');
    chachaBlock(HERE, THERE);
    expect<bool>(
      isHex(THERE, '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7'),
    ).toBe(true);
    expect<bool>(
      isHex(THERE + 32, 'da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586'),
    ).toBe(true);
  });
});

describe('maskKeyNext', () => {
  it('has no words before a seed, and the second half of each block after one', () => {
    for (let i = 0; i < 144; i += 4) store<u32>(CIPHER + i, 0);
    expect<bool>(seeded()).toBe(false);
    hex(HERE, ZEROS);
    seed(HERE, 32);
    expect<bool>(seeded()).toBe(true);
    expect<u32>(maskKeyNext()).toBe(0x7c5941da);
    expect<u32>(maskKeyNext()).toBe(0x8d485751);
  });

  it('does not repeat a block, nor come back to its key', () => {
    hex(HERE, ZEROS);
    for (let i = 0; i < 144; i += 4) store<u32>(CIPHER + i, 0);
    seed(HERE, 32);
    let same = 0;
    for (let i = 0; i < 64; i++) store<u32>(THERE + (i << 2), maskKeyNext());
    for (let i = 0; i < 64; i++) {
      for (let j = 0; j < i; j++) {
        if (load<u32>(THERE + (i << 2)) == load<u32>(THERE + (j << 2))) same += 1;
      }
    }
    expect<i32>(same).toBe(0);
  });

  it('mixes a further seed with what there was', () => {
    hex(HERE, ZEROS);
    for (let i = 0; i < 144; i += 4) store<u32>(CIPHER + i, 0);
    seed(HERE, 32);
    const first = maskKeyNext();
    seed(HERE, 32);
    expect<bool>(maskKeyNext() != first).toBe(true);
  });
});
