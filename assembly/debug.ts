// The state of the whole module → is it sound? For tests and the fuzzer: only debug builds have it.
//
// The canaries between the regions are painted on the first call and looked at on each further
// one. Then every list, queue and block is walked and held against the counters.

import { Region, State } from './abi';
import { windowAddress } from './deflate/windows';
import { rateSound } from './hub/rates';
import { ARENA, BOOK, CANARY_BYTES, MEMORY_END, regionAddress, regionBytes, stats } from './memory';
import { ARENA_BYTES, BLOCK_MIN_BYTES, DEFLATE, RATES, SESSIONS, TAKEOVERS } from './profile';
import { NOTICES } from './session/events';
import { Node } from './session/list';
import { LISTED } from './session/queue';
import { pool, Session, sessionAt } from './session/session';

const CANARY: u64 = 0x5ca1ab1e0ddba115;
const REGIONS: i32 = Region.GLOBALS + 1;
/** Bit in a book's byte: the block is free (see session/arena.ts). */
const FREE: u32 = 0x80;

let painted: bool = false;

/**
 * Checks the module.
 * @returns 0 when it is sound; 1 + region when the canary behind that region is broken; 100 and
 *   above for a broken invariant: 101 arena, 102 queue, 103 sessions, 104 list with output,
 *   105 list with notices, 106 windows, 111 rates
 */
export function limpet_debug_check(): i32 {
  for (let region = 0; region < REGIONS; region++) {
    const canary = <usize>(regionAddress(region) + regionBytes(region));
    for (let i = 0; i < CANARY_BYTES; i += 8) {
      if (!painted) store<u64>(canary + i, CANARY);
      else if (load<u64>(canary + i) != CANARY) return 1 + region;
    }
  }
  painted = true;
  if (!arenaSound()) return 101;
  let active: u32 = 0;
  let windows: u32 = 0;
  for (let slot: u32 = 0; slot < pool().fresh; slot++) {
    const s = sessionAt(slot);
    if (RATES && !rateSound(s)) return 111;
    if (s.state == State.FREE) continue;
    active += 1;
    windows += u32(s.windowIn != 0) + u32(s.windowOut != 0);
    if (!queueSound(s)) return 102;
  }
  if (active != stats().active) return 103;
  if (!listSound(LISTED)) return 104;
  if (!listSound(NOTICES)) return 105;
  return DEFLATE && !windowsSound(windows) ? 106 : 0;
}

/** A free block is in a list: what is written behind the end of another would break it. */
function nodeSound(block: usize): bool {
  const owner = changetype<Node>(block).owner;
  return owner < <u32>MEMORY_END && load<u32>(owner) == <u32>block;
}

/** The carved part is tiled by blocks, and those in use add up to what the counters say. */
function arenaSound(): bool {
  let used: u32 = 0;
  let at: usize = 0;
  while (at < <usize>ARENA_BYTES) {
    const entry: u32 = load<u8>(BOOK + at / BLOCK_MIN_BYTES);
    // Nothing is carved from here on.
    if (entry == 0) break;
    const order = entry & FREE ? entry & ~FREE : entry - 1;
    const bytes = (<usize>BLOCK_MIN_BYTES) << order;
    if (at & (bytes - 1)) return false;
    for (let inside = at + BLOCK_MIN_BYTES; inside < at + bytes; inside += BLOCK_MIN_BYTES) {
      if (load<u8>(BOOK + inside / BLOCK_MIN_BYTES)) return false;
    }
    if (!(entry & FREE)) used += <u32>bytes;
    else if (!nodeSound(ARENA + at)) return false;
    at += bytes;
  }
  for (; at < <usize>ARENA_BYTES; at += BLOCK_MIN_BYTES) {
    if (load<u8>(BOOK + at / BLOCK_MIN_BYTES)) return false;
  }
  return used == stats().arenaUsed && used <= stats().arenaPeak;
}

/** A queue's blocks hold as many bytes as the session says. */
function queueSound(s: Session): bool {
  let bytes: u32 = 0;
  let block = <usize>s.queueHead;
  let last: usize = 0;
  while (block) {
    if (block < ARENA || block >= MEMORY_END) return false;
    bytes += load<u32>(block, 8) - load<u32>(block, 4) + load<u32>(block, 12);
    last = block;
    block = load<u32>(block);
  }
  return bytes == s.queued && last == s.queueTail;
}

/** Those that sessions name and those freed are all that were ever used. */
function windowsSound(used: u32): bool {
  let window = pool().windowFreed;
  while (window && used <= <u32>TAKEOVERS) {
    used += 1;
    window = load<u32>(windowAddress(window), 4);
  }
  return used == pool().windowFresh;
}

/** Each node of a list is owned by the word in front of it, and the last one is the list's last. */
function listSound(list: usize): bool {
  let owner = list;
  for (let count = 0; load<u32>(owner); count++) {
    const node: usize = load<u32>(owner);
    if (changetype<Node>(node).owner != <u32>owner || count > SESSIONS) return false;
    owner = node;
  }
  const last: usize = load<u32>(list, 4);
  return last == owner || last == 0;
}
