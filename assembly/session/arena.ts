// Bytes wanted → a block of the arena: a buddy system over a static region.
//
// Blocks are powers of two from BLOCK_MIN_BYTES to BLOCK_MAX_BYTES, each at a multiple of its
// size. The book has one byte per smallest block, written at a block's first one:
//
//   0              not the first byte of a block
//   order + 1      a block in use            (order 0 = BLOCK_MIN_BYTES)
//   FREE | order   a free block, linked through its first eight bytes: next, previous
//
// Largest blocks are carved from the region one after the other as they are first needed, so the
// zeroed arena is a valid empty one. Both calls cost O(orders), 11 at the most.
//
// Who may have how much: incoming data three quarters of the arena, outgoing data all but a sixteenth, and
// the control frames, which are never dropped, the rest too. A flood of one kind cannot starve
// the others.

import { ARENA, ARENA_STATE, BOOK, stats } from '../memory';
import { ARENA_BYTES, BLOCK_MAX_BYTES, BLOCK_MIN_BYTES, DEBUG } from '../profile';

/** What a block is for: it decides how full the arena may be. */
export const enum Use {
  /** Heads, reassembly. */
  IN = 0,
  /** Send queues. */
  OUT = 1,
  /** Ping, pong and close frames, handshake answers. */
  CONTROL = 2,
  /** The payload of a control frame that comes in pieces; given back as IN. */
  CONTROL_IN = 3,
}

const MIN_SHIFT: u32 = 31 - clz(BLOCK_MIN_BYTES);
const MAX_ORDER: u32 = 31 - clz(BLOCK_MAX_BYTES) - MIN_SHIFT;
const FREE: u32 = 0x80;
const IN_MAX: u32 = ARENA_BYTES - ARENA_BYTES / 4;
const OUT_MAX: u32 = ARENA_BYTES - ARENA_BYTES / 16;

/** The free lists: a bitmap of those that are not empty, and the first block of each. */
@unmanaged
class ArenaState {
  /** Bytes carved so far. */
  carved: u32;
  /** Bit n is set when a free block of order n exists. */
  orders: u32;
  /** Bytes in use by Use.IN. */
  usedIn: u32;
  reserved: u32;
  // then 32 list heads of 4 bytes
}

const LISTS: usize = ARENA_STATE + 16;

// @ts-ignore: decorator
@inline
function arena(): ArenaState {
  return changetype<ArenaState>(ARENA_STATE);
}

// @ts-ignore: decorator
@inline
function bookOf(block: usize): usize {
  return BOOK + ((block - ARENA) >> MIN_SHIFT);
}

function listPush(block: usize, order: u32): void {
  const head = LISTS + (order << 2);
  const next = load<u32>(head);
  store<u32>(block, next);
  store<u32>(block, 0, 4);
  if (next) store<u32>(next, <u32>block, 4);
  store<u32>(head, <u32>block);
  store<u8>(bookOf(block), <u8>(FREE | order));
  arena().orders |= 1 << order;
}

function listRemove(block: usize, order: u32): void {
  const next = load<u32>(block);
  const previous = load<u32>(block, 4);
  if (next) store<u32>(next, previous, 4);
  if (previous) {
    store<u32>(previous, next);
    return;
  }
  store<u32>(LISTS + (order << 2), next);
  if (!next) arena().orders &= ~(1 << order);
}

/** Bytes → the smallest order that holds them; more than MAX_ORDER when none does. */
// @ts-ignore: decorator
@inline
function orderOf(bytes: u32): u32 {
  return bytes <= <u32>BLOCK_MIN_BYTES ? 0 : 32 - clz(bytes - 1) - MIN_SHIFT;
}

/**
 * Takes a block.
 *
 * @param bytes how many it must hold at least
 * @param use what for
 * @returns its address, a multiple of 16, or 0 (counted in StatsRecord.memoryFull)
 */
export function arenaTake(bytes: u32, use: Use): usize {
  const order = orderOf(bytes);
  const a = arena();
  const size: u32 = BLOCK_MIN_BYTES << order;
  const used = stats().arenaUsed + size;
  if (
    order > MAX_ORDER ||
    used > (use >= Use.CONTROL ? <u32>ARENA_BYTES : OUT_MAX) ||
    (use == Use.IN && a.usedIn + size > IN_MAX)
  ) {
    stats().memoryFull += 1;
    return 0;
  }

  let block: usize;
  let has: u32;
  const fitting = a.orders >> order;
  if (fitting) {
    has = order + ctz(fitting);
    block = load<u32>(LISTS + (has << 2));
    listRemove(block, has);
  } else {
    if (a.carved == ARENA_BYTES) {
      stats().memoryFull += 1;
      return 0;
    }
    has = MAX_ORDER;
    block = ARENA + a.carved;
    a.carved += BLOCK_MAX_BYTES;
  }
  while (has > order) {
    has -= 1;
    listPush(block + ((<usize>BLOCK_MIN_BYTES) << has), has);
  }
  store<u8>(bookOf(block), <u8>(order + 1));
  if (use == Use.IN || use == Use.CONTROL_IN) a.usedIn += size;
  stats().arenaUsed = used;
  if (used > stats().arenaPeak) stats().arenaPeak = used;
  return block;
}

/** Whether a block of `bytes` can be taken for Use.CONTROL now. */
export function arenaCan(bytes: u32): bool {
  return arena().carved < <u32>ARENA_BYTES || arena().orders >> orderOf(bytes) != 0;
}

/** Bytes that a block in use holds. */
// @ts-ignore: decorator
@inline
export function arenaBytes(block: usize): u32 {
  return (BLOCK_MIN_BYTES >> 1) << load<u8>(bookOf(block));
}

/** Gives a block back; `use` as it was taken. */
export function arenaGive(block: usize, use: Use): void {
  let order: u32 = load<u8>(bookOf(block)) - 1;
  if (DEBUG) assert(order <= MAX_ORDER);
  const size: u32 = BLOCK_MIN_BYTES << order;
  stats().arenaUsed -= size;
  if (use == Use.IN) arena().usedIn -= size;
  while (order < MAX_ORDER) {
    const buddy = ARENA + ((block - ARENA) ^ ((<usize>BLOCK_MIN_BYTES) << order));
    if (load<u8>(bookOf(buddy)) != <u8>(FREE | order)) break;
    listRemove(buddy, order);
    store<u8>(bookOf(buddy), 0);
    store<u8>(bookOf(block), 0);
    block = min(block, buddy);
    order += 1;
  }
  listPush(block, order);
}
