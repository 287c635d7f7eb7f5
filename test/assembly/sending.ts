// What specs of sending share: sessions that end, options of the module, the output, payloads, a full arena.

import { Option } from '../../assembly/abi';
import { stats, TX_SPANS } from '../../assembly/memory';
import { ARENA_BYTES, BLOCK_MAX_BYTES, BLOCK_MIN_BYTES } from '../../assembly/profile';
import { arenaGive, arenaTake, Use } from '../../assembly/session/arena';
import { release } from '../../assembly/session/ending';
import { queueSpans } from '../../assembly/session/queue';
import { optionAddress, Session, sessionFree } from '../../assembly/session/session';
import { HERE } from './bytes';

export function free(s: Session): void {
  release(s);
  sessionFree(s);
}

/** Sets an option of the module. */
export function set(option: Option, value: u32): void {
  store<u32>(optionAddress(changetype<Session>(0), option), value);
}

/** The first span. */
export function output(s: Session): usize {
  queueSpans(s);
  return load<u32>(TX_SPANS);
}

/** The same text again and again. */
export function repeated(n: u32): void {
  for (let i: u32 = 0; i < n; i++) store<u8>(HERE + i, <u8>(97 + (i % 13)));
}

/** The newest of the blocks that fillArena took. */
let taken: usize = 0;

/** Leaves room in the arena for control frames only, or to `used` bytes in use. */
export function fillArena(used: u32 = ARENA_BYTES): void {
  let size: u32 = BLOCK_MAX_BYTES;
  while (size >= <u32>BLOCK_MIN_BYTES && stats().arenaUsed < used) {
    const block = arenaTake(size, Use.OUT);
    if (!block) size >>= 1;
    else {
      store<u32>(block, <u32>taken);
      taken = block;
    }
  }
}

export function emptyArena(): void {
  while (taken) {
    const next: usize = load<u32>(taken);
    arenaGive(taken, Use.OUT);
    taken = next;
  }
}
