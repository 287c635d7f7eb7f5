// The memory map: every region, its size and how the figure is derived. No address is chosen
// anywhere else.
//
//   16        static tables and texts (from `memory.data`, a few hundred bytes)
//   GLOBALS   timers, free lists, counters, the records that calls fill
//   SCRATCH   strings that the host passes by pointer
//   INGRESS   the bytes of one read
//   EVENTS    EVENTS x 32
//   SESSIONS  SESSIONS x SESSION_BYTES
//   BOOK      one byte per smallest arena block
//   ARENA     blocks
//
// The smallest come first: an address below 8,192 takes two bytes of code, one above 2 MiB four.
//
// All of it is zero at the start and the zero state is the valid empty state, so the module has
// no initialiser and the regions cost no bytes in the binary. Debug builds put a canary behind
// each region (debug.ts checks them).

// First of all, so that the texts get the lowest addresses: memory.data goes in order of compilation.
import './http/text';
import {
  EventRing,
  FieldRecord,
  SessionInfo,
  StatsRecord,
  TX_SPANS_MAX,
  TxRecord,
  Region,
} from './abi';
import {
  ARENA_BYTES,
  BLOCK_MIN_BYTES,
  DEBUG,
  EVENTS,
  INGRESS_BYTES,
  SCRATCH_BYTES,
  SESSIONS,
} from './profile';

/** Bytes of an EventRecord. */
export const EVENT_BYTES: i32 = 32;
/** Stride of the session records: their 232 bytes. */
export const SESSION_BYTES: i32 = 232;
/** Bytes between two regions: the canary of debug builds. */
export const CANARY_BYTES: i32 = DEBUG ? 16 : 0;

/** Levels and slots of the timing wheel: 32^6 ms are 12 days. */
export const WHEEL_LEVELS: i32 = 6;
/** Bytes of the wheel: 32 list heads of 2 bytes and a bitmap of 4 per level. */
const WHEEL_BYTES: i32 = WHEEL_LEVELS * (32 * 2 + 4);
/** Bytes of the hash and cipher states: SHA-1 keeps 16 + 5 words, ChaCha20 16 + 16 and a position. */
const DIGEST_BYTES: i32 = 96;
const CIPHER_BYTES: i32 = 144;

// Offsets within GLOBALS, in the order of their use.
const ringOffset: i32 = 0;
const poolOffset: i32 = ringOffset + 16;
const arenaOffset: i32 = poolOffset + 80;
const wheelOffset: i32 = arenaOffset + 144;
const defaultsOffset: i32 = wheelOffset + ((WHEEL_BYTES + 15) & ~15);
const txOffset: i32 = defaultsOffset + 64;
const fieldOffset: i32 = txOffset + 16 + TX_SPANS_MAX * 8;
const infoOffset: i32 = fieldOffset + 16;
const statsOffset: i32 = infoOffset + 64;
const digestOffset: i32 = statsOffset + 112;
const cipherOffset: i32 = digestOffset + DIGEST_BYTES;
const GLOBALS_BYTES: i32 = cipherOffset + CIPHER_BYTES;

const BOOK_BYTES: i32 = (ARENA_BYTES / BLOCK_MIN_BYTES + 15) & ~15;
// Each region begins at a multiple of 16.
const globalsOffset: i32 = 0;
const scratchOffset: i32 = (globalsOffset + GLOBALS_BYTES + CANARY_BYTES + 15) & ~15;
const ingressOffset: i32 = (scratchOffset + SCRATCH_BYTES + CANARY_BYTES + 15) & ~15;
const eventsOffset: i32 = (ingressOffset + INGRESS_BYTES + CANARY_BYTES + 15) & ~15;
const sessionsOffset: i32 = eventsOffset + EVENTS * EVENT_BYTES + CANARY_BYTES;
const bookOffset: i32 = (sessionsOffset + SESSIONS * SESSION_BYTES + CANARY_BYTES + 15) & ~15;
const arenaRegionOffset: i32 = bookOffset + BOOK_BYTES + CANARY_BYTES;
const TOTAL_BYTES: i32 = (arenaRegionOffset + ARENA_BYTES + CANARY_BYTES + 15) & ~15;

const BASE: usize = memory.data(TOTAL_BYTES, 16);

export const INGRESS: usize = BASE + ingressOffset;
export const SCRATCH: usize = BASE + scratchOffset;
export const EVENT_ENTRIES: usize = BASE + eventsOffset;
export const SESSION_RECORDS: usize = BASE + sessionsOffset;
export const BOOK: usize = BASE + bookOffset;
export const ARENA: usize = BASE + arenaRegionOffset;
const GLOBALS: usize = BASE + globalsOffset;
/** One past the last byte that belongs to the core. */
export const MEMORY_END: usize = BASE + TOTAL_BYTES;

export const POOL_STATE: usize = GLOBALS + poolOffset;
export const ARENA_STATE: usize = GLOBALS + arenaOffset;
export const WHEEL: usize = GLOBALS + wheelOffset;
export const DEFAULTS: usize = GLOBALS + defaultsOffset;
export const DIGEST: usize = GLOBALS + digestOffset;
export const CIPHER: usize = GLOBALS + cipherOffset;
/** First of the TX_SPANS_MAX spans behind the TxRecord. */
export const TX_SPANS: usize = GLOBALS + txOffset + 16;

// @ts-ignore: decorator
@inline export function eventRing(): EventRing {
  return changetype<EventRing>(GLOBALS + ringOffset);
}
// @ts-ignore: decorator
@inline export function txRecord(): TxRecord {
  return changetype<TxRecord>(GLOBALS + txOffset);
}
// @ts-ignore: decorator
@inline export function fieldRecord(): FieldRecord {
  return changetype<FieldRecord>(GLOBALS + fieldOffset);
}
// @ts-ignore: decorator
@inline export function infoRecord(): SessionInfo {
  return changetype<SessionInfo>(GLOBALS + infoOffset);
}
// @ts-ignore: decorator
@inline export function stats(): StatsRecord {
  return changetype<StatsRecord>(GLOBALS + statsOffset);
}

/** Region → address, or 0 for a number that names none. */
export function regionAddress(region: i32): usize {
  switch (region) {
    case Region.INGRESS:
      return INGRESS;
    case Region.SCRATCH:
      return SCRATCH;
    case Region.EVENTS:
      return EVENT_ENTRIES;
    case Region.SESSIONS:
      return SESSION_RECORDS;
    case Region.ARENA:
      return ARENA;
    case Region.ARENA_BOOK:
      return BOOK;
    case Region.GLOBALS:
      return GLOBALS;
    default:
      return 0;
  }
}

/** Region → bytes, or 0 for a number that names none. */
export function regionBytes(region: i32): i32 {
  switch (region) {
    case Region.INGRESS:
      return INGRESS_BYTES;
    case Region.SCRATCH:
      return SCRATCH_BYTES;
    case Region.EVENTS:
      return EVENTS * EVENT_BYTES;
    case Region.SESSIONS:
      return SESSIONS * SESSION_BYTES;
    case Region.ARENA:
      return ARENA_BYTES;
    case Region.ARENA_BOOK:
      return BOOK_BYTES;
    case Region.GLOBALS:
      return GLOBALS_BYTES;
    default:
      return 0;
  }
}

/** `n` bytes from `from` to `to`; the two may overlap only if `to` is lower. */
export function copyBytes(to: usize, from: usize, n: usize): void {
  const end = from + n;
  while (from + 32 <= end) {
    const a = load<u64>(from);
    const b = load<u64>(from, 8);
    const c = load<u64>(from, 16);
    const d = load<u64>(from, 24);
    store<u64>(to, a);
    store<u64>(to, b, 8);
    store<u64>(to, c, 16);
    store<u64>(to, d, 24);
    from += 32;
    to += 32;
  }
  while (from + 8 <= end) {
    store<u64>(to, load<u64>(from));
    from += 8;
    to += 8;
  }
  while (from < end) {
    store<u8>(to, load<u8>(from));
    from += 1;
    to += 1;
  }
}

/** Zeroes `n` bytes at `to`, a multiple of 8. */
export function zeroWords(to: usize, n: usize): void {
  const end = to + n;
  while (to < end) {
    store<u64>(to, 0);
    to += 8;
  }
}
