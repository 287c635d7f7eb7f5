// The state of the whole module → is it sound? For tests and the fuzzer: only debug builds have it.
//
// The canaries between the regions are painted on the first call and looked at on each further
// one. Then every list, queue and block is walked and held against the counters.

import { Region, State } from './abi';
import { windowAddress } from './deflate/windows';
import { keepSound } from './http/keep';
import { addressAt, addressState, bucketAt, bucketOf, peerOf } from './hub/addresses';
import { shared } from './hub/frames';
import { heartbeatOf, WAITING_MAX } from './hub/heartbeat';
import { ADDRESS_BITS } from './hub/layout';
import { metaCount, metaSound } from './hub/metadata';
import { logOf, Prepared, PREPARED, preparedAt } from './hub/prepared';
import { rateSound } from './hub/rates';
import { roomsSound } from './hub/rooms-sound';
import { LISTED as PROTOCOLS_LISTED, ORIGINS, security } from './hub/security';
import { ARENA, BOOK, CANARY_BYTES, MEMORY_END, regionAddress, regionBytes, stats } from './memory';
import {
  ADDRESSES,
  ALLOWED_BYTES,
  ARENA_BYTES,
  BLOCK_MIN_BYTES,
  DEFLATE,
  HEADERS,
  HEARTBEAT,
  METADATA,
  RATES,
  SECURITY,
  SESSIONS,
  TAKEOVERS,
  TOKENS,
  TOPICS,
} from './profile';
import { arenaBytes } from './session/arena';
import { NOTICES } from './session/events';
import { Node } from './session/list';
import { Log, LOG_CLASSES, LOG_HEADER, LOGS } from './session/log';
import { LISTED, Piece, referenceOf } from './session/queue';
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
 *   105 list with notices, 106 windows, 107 rooms, 108 logs, 109 metadata and kept requests,
 *   110 addresses, 111 rates, 112 lists of allowed origins and subprotocols, 113 heartbeats
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
  if (!logsSound()) return 108;
  let entries: u32 = 0;
  let kept: u32 = 0;
  for (let slot: u32 = 0; slot < pool().fresh; slot++) {
    const s = sessionAt(slot);
    if (RATES && !rateSound(s)) return 111;
    if (s.state == State.FREE) continue;
    active += 1;
    windows += u32(s.windowIn != 0) + u32(s.windowOut != 0);
    if (METADATA) entries += metaCount(s.metadata, slot);
    if (HEADERS && s.request && !s.keyed) kept += arenaBytes(s.request);
    if (!queueSound(s)) return 102;
    if (HEARTBEAT && !heartbeatSound(s)) return 113;
  }
  if (active != stats().active) return 103;
  if (!listSound(LISTED)) return 104;
  if (!listSound(NOTICES)) return 105;
  if (DEFLATE && !windowsSound(windows)) return 106;
  if (TOPICS && !roomsSound()) return 107;
  if (METADATA && !metaSound(entries)) return 109;
  if (HEADERS && !keepSound(kept)) return 109;
  if (ADDRESSES && !addressesSound()) return 110;
  return SECURITY && !securitySound() ? 112 : 0;
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

/** Whether a block of the arena begins here that is in use. */
function isBlock(at: usize): bool {
  if (at < ARENA || at >= ARENA + ARENA_BYTES || (at - ARENA) % BLOCK_MIN_BYTES) return false;
  const entry = load<u8>(BOOK + (at - ARENA) / BLOCK_MIN_BYTES);
  return entry != 0 && !(entry & FREE);
}

/** A queue's pieces hold as many bytes as the session says, and its own reference is free or among them. */
function queueSound(s: Session): bool {
  let bytes: u32 = 0;
  let last: u32 = 0;
  const own = TOPICS ? referenceOf(s) + 4 : 0;
  let owns = !TOPICS || !changetype<Piece>(own).behind;
  for (let at = <usize>s.queueHead; at; at = changetype<Piece>(at).next) {
    const piece = changetype<Piece>(at);
    if (TOPICS && at == own) owns = piece.behind < 0;
    else if (!isBlock(at)) return false;
    if (piece.head > piece.tail) return false;
    bytes += piece.tail - piece.head + max(piece.behind, 0);
    last = <u32>at;
  }
  return owns && bytes == s.queued && last == s.queueTail;
}

/** References and those who append are as many as each log says, and its frames hold what is referred to. */
function logsSound(): bool {
  if (!TOPICS) return true;
  const held = changetype<Log>(<usize>shared().held);
  if (changetype<usize>(held)) held.references -= 1;
  // The references are taken off their logs, which must then have none left, and put back.
  let sound = logsCount(-1) & logsCount(0);
  for (let number: u32 = 0; number < LOG_CLASSES; number++) {
    const owner = LOGS + (number << 2);
    const log = changetype<Log>(<usize>load<u32>(owner));
    if (!changetype<usize>(log)) continue;
    sound &= i32(isBlock(changetype<usize>(log)) && log.owner == <u32>owner);
    sound &= i32(log.references == 0);
  }
  sound &= logsCount(1);
  if (changetype<usize>(held)) held.references += 1;
  return sound != 0;
}

/** Adds to the count of each log that is referred to, once for each reference; with 0, whether all are 0. */
function logsCount(step: i32): i32 {
  for (let slot: u32 = 0; slot < <u32>PREPARED; slot++) {
    const record = preparedAt(slot);
    if (record.number > 0 && !preparedCount(record.block, step)) return 0;
  }
  for (let slot: u32 = 0; slot < pool().fresh; slot++) {
    for (let at = <usize>sessionAt(slot).queueHead; at; at = changetype<Piece>(at).next) {
      const piece = changetype<Piece>(at);
      if (piece.behind >= 0) continue;
      const log = changetype<Log>(<usize>-piece.behind);
      if (!isBlock(changetype<usize>(log))) return 0;
      log.references += step;
      if (!step && log.references) return 0;
      const first = <u32>changetype<usize>(log) + LOG_HEADER;
      if (piece.head < first || piece.tail > log.end) return 0;
    }
  }
  return 1;
}

/** The same for the logs of one prepared message. */
function preparedCount(block: usize, step: i32): bool {
  const p = changetype<Prepared>(block);
  if (!isBlock(block)) return false;
  p.references += step;
  let sound = step != 0 || !p.references;
  for (let number: u32 = 1; number < LOG_CLASSES; number++) {
    const log = changetype<Log>(<usize>load<u32>(logOf(p, number)));
    if (!changetype<usize>(log) || changetype<usize>(log) == block) continue;
    if (!isBlock(changetype<usize>(log))) return false;
    log.references += step;
    sound = sound && (step != 0 || !log.references);
  }
  return sound;
}

/** No more wait than are remembered, none is answered that did not go, and the times are in order. */
function heartbeatSound(s: Session): bool {
  const h = heartbeatOf(s);
  const ordered = h.rttLeast <= h.rttLast && h.rttLast <= h.rttMost;
  return h.sent - h.oldest <= WAITING_MAX && h.answered <= h.oldest && ordered;
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

/** The entries of both lists are as long together as what is counted. */
function securitySound(): bool {
  const s = security();
  return (
    s.tokens <= <u32>TOKENS &&
    entriesSound(ORIGINS, s.origins) &&
    entriesSound(PROTOCOLS_LISTED, s.listed)
  );
}

function entriesSound(list: usize, used: u32): bool {
  let at: u32 = 0;
  while (at < used) at += 2 + <u32>load<u16>(list + at);
  return at == used && used <= <u32>ALLOWED_BYTES;
}

/** Each address in use is in the chain of its bucket, and has as many sessions as there are. */
function addressesSound(): bool {
  const state = addressState();
  let sessions: i32 = 0;
  let used: u32 = 0;
  for (let bucket: u32 = 0; state.fresh && bucket < 1 << ADDRESS_BITS; bucket++) {
    for (let number: u32 = load<u16>(bucketAt(bucket)); number; used++) {
      const a = addressAt(number);
      if (number > state.fresh || used > state.fresh || bucketOf(a.ip0, a.ip8) != bucket)
        return false;
      if (!a.sessions || a.counted > a.sessions) return false;
      sessions += a.sessions;
      number = a.next;
    }
  }
  for (let number = state.freed; number && used <= state.fresh; used++)
    number = addressAt(number).next;
  for (let slot: u32 = 0; slot < pool().fresh; slot++) {
    const s = sessionAt(slot);
    const number: u32 = peerOf(s).address;
    // A free slot has none; the counters of a chain are those of the slots.
    if (number && (s.state == State.FREE || number > state.fresh)) return false;
    sessions -= i32(number != 0);
  }
  return used == state.fresh && !sessions;
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
