// Bytes wanted → a block of the arena: a buddy system over a static region.
//
// Blocks are powers of two from BLOCK_MIN_BYTES to BLOCK_MAX_BYTES, each at a multiple of its
// size. The book has one byte per smallest block, written at a block's first one:
//
//   0              not the first byte of a block
//   order + 1      a block in use            (order 0 = BLOCK_MIN_BYTES)
//   FREE | order   a free block, a node in the list of its order (see list.ts)
//
// Largest blocks are carved from the region one after the other as they are first needed, so the
// zeroed arena is a valid empty one. Both calls cost O(orders), 11 at the most.
//
// Who may have how much: incoming data three quarters of the arena, outgoing data all but a
// sixteenth, and the control frames, which are never dropped, the rest too. A flood of one kind
// cannot starve the others.

import { ARENA, ARENA_STATE, BOOK, copyBytes, stats } from '../memory';
import { ARENA_BYTES, BLOCK_MAX_BYTES, BLOCK_MIN_BYTES, DEBUG } from '../profile';
import { listPush, listRemove } from './list';

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

/** Bytes before the frames in a block of a send queue: see queue.ts. */
export const PIECE_HEADER: u32 = 16;
/** The most bytes of frames that one block holds. */
export const RESERVE_MAX: u32 = BLOCK_MAX_BYTES - PIECE_HEADER;

const MIN_SHIFT: u32 = 31 - clz(BLOCK_MIN_BYTES);
const MAX_ORDER: u32 = 31 - clz(BLOCK_MAX_BYTES) - MIN_SHIFT;
const FREE: u32 = 0x80;
const IN_MAX: u32 = ARENA_BYTES - ARENA_BYTES / 4;
const OUT_MAX: u32 = ARENA_BYTES - ARENA_BYTES / 16;


@unmanaged
class ArenaState {
  /** Bytes carved so far. */
  carved: u32;
  /** Bytes in use by Use.IN. */
  usedIn: u32;
  // then a list of 8 bytes for each order
}

const LISTS: usize = ARENA_STATE + 8;

// @ts-ignore: decorator
@inline
function arena(): ArenaState {
  return changetype<ArenaState>(ARENA_STATE);
}

function bookOf(block: usize): usize {
  return BOOK + ((block - ARENA) >> MIN_SHIFT);
}

/** The list of the free blocks of an order. */
function listOf(order: u32): usize {
  return LISTS + (order << 3);
}

/** Bytes, 1 or more → the smallest order that holds them; more than MAX_ORDER when none does. */
// @ts-ignore: decorator
@inline
function orderOf(bytes: u32): u32 {
  return 32 - clz((bytes - 1) >> MIN_SHIFT);
}

/** The smallest order from `order` on of which there is a free block; more than MAX_ORDER when there is none. */
function orderFree(order: u32): u32 {
  while (order <= MAX_ORDER && !load<u32>(listOf(order))) order += 1;
  return order;
}

function free(block: usize, order: u32): void {
  listPush(listOf(order), block);
  store<u8>(bookOf(block), <u8>(FREE | order));
}

/** Halves a block of order `has` until it is one of `order`, in use; its other halves are free. */
function split(block: usize, has: u32, order: u32): void {
  while (has > order) {
    has -= 1;
    free(block + ((<usize>BLOCK_MIN_BYTES) << has), has);
  }
  store<u8>(bookOf(block), <u8>(order + 1));
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
  const st = stats();
  const size: u32 = BLOCK_MIN_BYTES << order;
  const used = st.arenaUsed + size;
  const usedIn = a.usedIn + size;
  let has = orderFree(order);
  if (
    order > MAX_ORDER ||
    used > (use >= Use.CONTROL ? <u32>ARENA_BYTES : OUT_MAX) ||
    (use == Use.IN && usedIn > IN_MAX) ||
    (has > MAX_ORDER && a.carved == ARENA_BYTES)
  ) {
    st.memoryFull += 1;
    return 0;
  }

  let block: usize = load<u32>(listOf(has));
  if (has > MAX_ORDER) {
    has = MAX_ORDER;
    block = ARENA + a.carved;
    a.carved += BLOCK_MAX_BYTES;
  } else {
    listRemove(listOf(has), block);
  }
  split(block, has, order);
  if (use == Use.IN || use == Use.CONTROL_IN) a.usedIn = usedIn;
  st.arenaUsed = used;
  st.arenaPeak = max(st.arenaPeak, used);
  return block;
}

/**
 * Takes a block for outgoing data: one that more will fit into, so that a turn's output lies in few
 * spans; the smallest that serves once half of the arena is in use.
 *
 * @param bytes how many it must hold
 * @param roomy how many it is to hold; no more than a quarter of the largest block counts
 */
export function arenaTakeRoomy(bytes: u32, roomy: u32, use: Use): usize {
  let block: usize = 0;
  if (stats().arenaUsed < <u32>ARENA_BYTES / 2) {
    block = arenaTake(max(bytes, min<u32>(roomy, BLOCK_MAX_BYTES / 4)), use);
  }
  return block ? block : arenaTake(bytes, use);
}

/** Whether a block of `bytes` can be taken for Use.CONTROL now. */
export function arenaCan(bytes: u32): bool {
  return arena().carved < <u32>ARENA_BYTES || orderFree(orderOf(bytes)) <= MAX_ORDER;
}

/** Bytes that a block in use holds. */
export function arenaBytes(block: usize): u32 {
  return (BLOCK_MIN_BYTES >> 1) << load<u8>(bookOf(block));
}

/** Gives a block back, if it is one; `use` as it was taken. */
export function arenaGive(block: usize, use: Use): void {
  if (!block) return;
  const size = arenaBytes(block);
  if (DEBUG) assert(size <= <u32>BLOCK_MAX_BYTES);
  stats().arenaUsed -= size;
  if (use == Use.IN) arena().usedIn -= size;
  let order = orderOf(size);
  while (order < MAX_ORDER) {
    const buddy = ARENA + ((block - ARENA) ^ ((<usize>BLOCK_MIN_BYTES) << order));
    if (load<u8>(bookOf(buddy)) != <u8>(FREE | order)) break;
    listRemove(listOf(order), buddy);
    store<u8>(bookOf(max(block, buddy)), 0);
    block = min(block, buddy);
    order += 1;
  }
  free(block, order);
}

/**
 * Makes a block of Use.IN large enough, keeping its first `kept` bytes.
 *
 * @param need bytes that it must hold
 * @param want bytes that another one is to hold if this one is too small
 * @returns the block, or 0 when the arena has none
 */
export function arenaGrow(block: usize, kept: u32, need: u32, want: u32): usize {
  if (block && arenaBytes(block) >= need) return block;
  const larger = arenaTake(want, Use.IN);
  if (larger && block) {
    copyBytes(larger, block, kept);
    arenaGive(block, Use.IN);
  }
  return larger;
}

/** Gives back what a block has beside its first `bytes` bytes, 1 or more; `use` as it was taken. */
export function arenaTrim(block: usize, bytes: u32, use: Use): void {
  const size = arenaBytes(block);
  split(block, orderOf(size), orderOf(bytes));
  const less = size - arenaBytes(block);
  stats().arenaUsed -= less;
  if (use == Use.IN) arena().usedIn -= less;
}
