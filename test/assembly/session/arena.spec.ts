// The buddy system: sizes, places, splitting, joining, and who may have how much.

import { ARENA, stats } from '../../../assembly/memory';
import { ARENA_BYTES, BLOCK_MAX_BYTES, BLOCK_MIN_BYTES } from '../../../assembly/profile';
import {
  arenaBytes,
  arenaCan,
  arenaGive,
  arenaGrow,
  arenaTake,
  arenaTrim,
  Use,
} from '../../../assembly/session/arena';
import { HERE } from '../bytes';

/** Where the blocks that a spec has taken are noted. */
function taken(i: i32): usize {
  return load<u32>(HERE + (i << 2));
}

/** Takes blocks until there is none; returns how many. */
function takeAll(bytes: u32, use: Use, from: i32): i32 {
  let n = 0;
  while (true) {
    const block = arenaTake(bytes, use);
    if (!block) return n;
    store<u32>(HERE + ((from + n) << 2), <u32>block);
    n += 1;
  }
}

describe('arenaTake', () => {
  it('takes the smallest power of two that serves, at a multiple of its size', () => {
    for (let bytes: u32 = 1; bytes <= <u32>BLOCK_MAX_BYTES; bytes = bytes * 2 + 1) {
      const block = arenaTake(bytes, Use.OUT);
      const size = arenaBytes(block);
      expect<bool>(size >= bytes && (size == BLOCK_MIN_BYTES || size / 2 < bytes)).toBe(true);
      expect<usize>((block - ARENA) & (size - 1)).toBe(0);
      expect<u32>(stats().arenaUsed).toBe(size);
      arenaGive(block, Use.OUT);
    }
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('gives distinct blocks that do not meet', () => {
    const n = 200;
    for (let i = 0; i < n; i++)
      store<u32>(HERE + (i << 2), <u32>arenaTake(1 + ((i * 911) % 5000), Use.OUT));
    let wrong = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        const a = taken(i);
        const b = taken(j);
        if (a + arenaBytes(a) > b && b + arenaBytes(b) > a) wrong += 1;
      }
    }
    expect<i32>(wrong).toBe(0);
    for (let i = 0; i < n; i += 2) arenaGive(taken(i), Use.OUT);
    for (let i = n - 1; i > 0; i -= 2) arenaGive(taken(i), Use.OUT);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('joins buddies again: the largest blocks are whole after any order of giving', () => {
    const n = takeAll(BLOCK_MIN_BYTES, Use.OUT, 0);
    expect<i32>(n).toBe((ARENA_BYTES - ARENA_BYTES / 16) / BLOCK_MIN_BYTES);
    for (let i = 0; i < n; i++) {
      const j = <i32>((<i64>i * 7919) % n);
      arenaGive(taken(j), Use.OUT);
    }
    const m = takeAll(BLOCK_MAX_BYTES, Use.CONTROL, 0);
    expect<i32>(m).toBe(ARENA_BYTES / BLOCK_MAX_BYTES);
    for (let i = 0; i < m; i++) arenaGive(taken(i), Use.CONTROL);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('leaves the others something: incoming data three quarters, outgoing data 15 of 16', () => {
    const inputs = takeAll(BLOCK_MAX_BYTES, Use.IN, 0);
    expect<i32>(inputs).toBe(((ARENA_BYTES / 4) * 3) / BLOCK_MAX_BYTES);
    const outputs = takeAll(BLOCK_MIN_BYTES, Use.OUT, inputs);
    expect<u32>(stats().arenaUsed).toBe(ARENA_BYTES - ARENA_BYTES / 16);
    const controls = takeAll(BLOCK_MIN_BYTES, Use.CONTROL, inputs + outputs);
    expect<u32>(stats().arenaUsed).toBe(ARENA_BYTES);
    expect<bool>(arenaCan(1)).toBe(false);
    expect<u32>(stats().arenaPeak).toBe(ARENA_BYTES);
    for (let i = 0; i < inputs; i++) arenaGive(taken(i), Use.IN);
    expect<bool>(arenaCan(BLOCK_MAX_BYTES)).toBe(true);
    for (let i = 0; i < outputs; i++) arenaGive(taken(inputs + i), Use.OUT);
    for (let i = 0; i < controls; i++) arenaGive(taken(inputs + outputs + i), Use.CONTROL);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('counts what it has to refuse', () => {
    const before = stats().memoryFull;
    expect<usize>(arenaTake(BLOCK_MAX_BYTES + 1, Use.CONTROL)).toBe(0);
    expect<u64>(stats().memoryFull).toBe(before + 1);
  });
});

describe('arenaGrow and arenaTrim', () => {
  it('keeps what a block has, and gives back what it does not need any more', () => {
    const small = arenaGrow(0, 0, 1, BLOCK_MIN_BYTES);
    store<u64>(small, 0x0123456789abcdef);
    expect<usize>(arenaGrow(small, 8, BLOCK_MIN_BYTES, 1)).toBe(small);
    const large = arenaGrow(small, 8, BLOCK_MIN_BYTES + 1, 4 * BLOCK_MIN_BYTES);
    expect<u64>(load<u64>(large)).toBe(0x0123456789abcdef);
    expect<u32>(stats().arenaUsed).toBe(4 * BLOCK_MIN_BYTES);
    arenaTrim(large, BLOCK_MIN_BYTES + 1, Use.IN);
    expect<u32>(arenaBytes(large)).toBe(2 * BLOCK_MIN_BYTES);
    arenaTrim(large, 1, Use.IN);
    expect<u32>(stats().arenaUsed).toBe(BLOCK_MIN_BYTES);
    expect<u64>(load<u64>(large)).toBe(0x0123456789abcdef);
    arenaGive(large, Use.IN);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('leaves the share of incoming data alone when an outgoing block is cut', () => {
    const out = arenaTake(4 * BLOCK_MIN_BYTES, Use.OUT);
    arenaTrim(out, 1, Use.OUT);
    expect<u32>(stats().arenaUsed).toBe(BLOCK_MIN_BYTES);
    arenaGive(out, Use.OUT);
    // Incoming data may have three quarters of the arena, and not a block more.
    let taken: usize = 0;
    let count = 0;
    for (let block = arenaTake(BLOCK_MAX_BYTES, Use.IN); block; count++) {
      store<u32>(block, <u32>taken);
      taken = block;
      block = arenaTake(BLOCK_MAX_BYTES, Use.IN);
    }
    expect<i32>(count).toBe(((ARENA_BYTES / 4) * 3) / BLOCK_MAX_BYTES);
    while (taken) {
      const next: usize = load<u32>(taken);
      arenaGive(taken, Use.IN);
      taken = next;
    }
    expect<u32>(stats().arenaUsed).toBe(0);
  });
});
