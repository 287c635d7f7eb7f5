// The memory map: every region, its size and how the figure is derived. No address is chosen
// anywhere else.
//
//   16        GLOBALS: lists, counters, the records that calls fill
//             texts (http/text.ts, a few hundred bytes)
//   INGRESS   the bytes of one read
//   SCRATCH   strings that the host passes by pointer
//   EVENTS    EVENTS x 32
//   CODEC     tables of the deflate codec (deflate/layout.ts)
//   SESSIONS  SESSIONS x SESSION_BYTES
//   ARENA     blocks
//   BOOK      one byte per smallest arena block
//   WINDOWS   TAKEOVERS x (8 + 2^TAKEOVER_BITS)
//   TOPICS ... HEARTBEATS   the hub's tables (hub/layout.ts)
//
// What most functions touch comes first: an address below 64 takes one byte of code, one below
// 8,192 two, one above 1 MiB four. The others follow in the order of Region, so that a region's
// address is the sum of the sizes before it.
//
// All but the texts is zero at the start and the zero state is the valid empty state, so the module
// has no initialiser and the regions cost no bytes in the binary. Debug builds put a canary behind
// each region (debug.ts checks them).

import {
  ErrorCode,
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
  BLOCK_MAX_BYTES,
  BLOCK_MIN_BYTES,
  DEBUG,
  DEFLATE,
  EVENTS,
  INGRESS_BYTES,
  SCRATCH_BYTES,
  SECURITY,
  SESSIONS,
  TAKEOVER_BITS,
  TAKEOVERS,
} from './profile';
import { CODEC_BYTES } from './deflate/layout';
import {
  ADDRESSES_BYTES,
  HEARTBEATS_BYTES,
  HUB_STATE_BYTES,
  METADATA_BYTES,
  PREPARED_BYTES,
  RATES_BYTES,
  REFERENCES_BYTES,
  SECURITY_BYTES,
  TOPICS_BYTES,
} from './hub/layout';
import { unmask } from './protocol/mask';

/** Bytes of an EventRecord. */
export const EVENT_BYTES: i32 = 32;
/** Stride of the session records: their 256 bytes. */
export const SESSION_BYTES: i32 = 256;
/** Bytes between two regions: the canary of debug builds. */
export const CANARY_BYTES: i32 = DEBUG ? 16 : 0;

/** Bytes of the hash and cipher states: SHA-1 keeps 16 + 5 words, SHA-256 16 + 9, ChaCha20 16 + 16 and a position. */
const DIGEST_BYTES: i32 = SECURITY ? 112 : 96;
const CIPHER_BYTES: i32 = 144;
/** Levels of the timing wheel (session/timers.ts), and the bytes of one: 32 list heads and their bitmap. */
export const WHEEL_LEVELS: u32 = 6;
export const WHEEL_LEVEL_BYTES: u32 = 68;
/** Bytes of the arena's state: two counters, and a list of two words for each size of block. */
const ARENA_STATE_BYTES: i32 = 8 + (32 - clz(BLOCK_MAX_BYTES / BLOCK_MIN_BYTES)) * 8;

/** Bytes of a StatsRecord: 30 counters of 8 bytes, 28 figures of 4. */
const STATS_BYTES: i32 = 352;
/** Words of the defaults: one for each Option, rounded up to 16 bytes. */
const DEFAULTS_BYTES: i32 = 40 * 4;

// Offsets within GLOBALS, in the order of their use.
const ringOffset: i32 = 0;
const poolOffset: i32 = ringOffset + 16;
const statsOffset: i32 = poolOffset + 96;
const fieldOffset: i32 = statsOffset + STATS_BYTES;
const defaultsOffset: i32 = fieldOffset + 16;
const infoOffset: i32 = defaultsOffset + DEFAULTS_BYTES;
const hubOffset: i32 = infoOffset + 96;
const arenaOffset: i32 = hubOffset + HUB_STATE_BYTES;
const wheelOffset: i32 = arenaOffset + ((ARENA_STATE_BYTES + 15) & ~15);
const digestOffset: i32 = wheelOffset + ((WHEEL_LEVELS * WHEEL_LEVEL_BYTES + 15) & ~15);
const cipherOffset: i32 = digestOffset + DIGEST_BYTES;
const txOffset: i32 = cipherOffset + CIPHER_BYTES;
const GLOBALS_BYTES: i32 = txOffset + 16 + TX_SPANS_MAX * 8;

// Static data lies in memory in the order in which the compiler meets it: globals, texts, regions.
const GLOBALS: usize = memory.data(GLOBALS_BYTES + CANARY_BYTES, 16);
import './http/statuses';
import './http/text';
import './deflate/tables';
import './protocol/sha256-table';

const EVENTS_BYTES: i32 = EVENTS * EVENT_BYTES;
const SESSIONS_BYTES: i32 = SESSIONS * SESSION_BYTES;
const BOOK_BYTES: i32 = (ARENA_BYTES / BLOCK_MIN_BYTES + 15) & ~15;
/** Bytes of a window: its head (see deflate/windows.ts) and 2^TAKEOVER_BITS. */
export const WINDOW_BYTES: i32 = 8 + (1 << TAKEOVER_BITS);
const WINDOWS_BYTES: i32 = DEFLATE ? TAKEOVERS * WINDOW_BYTES : 0;

// Each region begins at a multiple of 16.
const scratchOffset: i32 = (INGRESS_BYTES + CANARY_BYTES + 15) & ~15;
const eventsOffset: i32 = scratchOffset + ((SCRATCH_BYTES + CANARY_BYTES + 15) & ~15);
const codecOffset: i32 = eventsOffset + ((EVENTS_BYTES + CANARY_BYTES + 15) & ~15);
const sessionsOffset: i32 = codecOffset + ((CODEC_BYTES + CANARY_BYTES + 15) & ~15);
const arenaRegionOffset: i32 = sessionsOffset + ((SESSIONS_BYTES + CANARY_BYTES + 15) & ~15);
const bookOffset: i32 = arenaRegionOffset + ((ARENA_BYTES + CANARY_BYTES + 15) & ~15);
const windowsOffset: i32 = bookOffset + ((BOOK_BYTES + CANARY_BYTES + 15) & ~15);
const topicsOffset: i32 = windowsOffset + ((WINDOWS_BYTES + CANARY_BYTES + 15) & ~15);
const metadataOffset: i32 = topicsOffset + ((TOPICS_BYTES + CANARY_BYTES + 15) & ~15);
const addressesOffset: i32 = metadataOffset + ((METADATA_BYTES + CANARY_BYTES + 15) & ~15);
const ratesOffset: i32 = addressesOffset + ((ADDRESSES_BYTES + CANARY_BYTES + 15) & ~15);
const securityOffset: i32 = ratesOffset + ((RATES_BYTES + CANARY_BYTES + 15) & ~15);
const heartbeatsOffset: i32 = securityOffset + ((SECURITY_BYTES + CANARY_BYTES + 15) & ~15);
const TOTAL_BYTES: i32 = heartbeatsOffset + ((HEARTBEATS_BYTES + CANARY_BYTES + 15) & ~15);

export const INGRESS: usize = memory.data(TOTAL_BYTES, 16);
export const SCRATCH: usize = INGRESS + scratchOffset;
export const EVENT_ENTRIES: usize = INGRESS + eventsOffset;
export const SESSION_RECORDS: usize = INGRESS + sessionsOffset;
export const ARENA: usize = INGRESS + arenaRegionOffset;
export const BOOK: usize = INGRESS + bookOffset;
export const CODEC: usize = INGRESS + codecOffset;
export const WINDOWS: usize = INGRESS + windowsOffset;
export const TOPIC_TABLES: usize = INGRESS + topicsOffset;
/** The sessions' references (session/queue.ts), at the end of TOPICS. */
export const REFERENCES: usize = TOPIC_TABLES + (TOPICS_BYTES - REFERENCES_BYTES);
/** The records of prepared messages (hub/prepared.ts), in front of them. */
export const PREPARED_RECORDS: usize = REFERENCES - PREPARED_BYTES;
export const METADATA_TABLES: usize = INGRESS + metadataOffset;
export const ADDRESS_TABLES: usize = INGRESS + addressesOffset;
export const RATE_TABLES: usize = INGRESS + ratesOffset;
export const SECURITY_TABLES: usize = INGRESS + securityOffset;
export const HEARTBEAT_TABLES: usize = INGRESS + heartbeatsOffset;
/** One past the last byte that belongs to the core. */
export const MEMORY_END: usize = INGRESS + TOTAL_BYTES;

export const POOL_STATE: usize = GLOBALS + poolOffset;
export const ARENA_STATE: usize = GLOBALS + arenaOffset;
export const DEFAULTS: usize = GLOBALS + defaultsOffset;
export const HUB_STATE: usize = GLOBALS + hubOffset;
export const WHEEL: usize = GLOBALS + wheelOffset;
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

/** Region → its bytes, or ErrorCode.ARGUMENT for a number that names none. */
export function regionBytes(region: i32): i32 {
  switch (region) {
    case Region.INGRESS:
      return INGRESS_BYTES;
    case Region.SCRATCH:
      return SCRATCH_BYTES;
    case Region.EVENTS:
      return EVENTS_BYTES;
    case Region.SESSIONS:
      return SESSIONS_BYTES;
    case Region.ARENA:
      return ARENA_BYTES;
    case Region.ARENA_BOOK:
      return BOOK_BYTES;
    case Region.CODEC:
      return CODEC_BYTES;
    case Region.WINDOWS:
      return WINDOWS_BYTES;
    case Region.TOPICS:
      return TOPICS_BYTES;
    case Region.METADATA:
      return METADATA_BYTES;
    case Region.ADDRESSES:
      return ADDRESSES_BYTES;
    case Region.RATES:
      return RATES_BYTES;
    case Region.SECURITY:
      return SECURITY_BYTES;
    case Region.HEARTBEATS:
      return HEARTBEATS_BYTES;
    case Region.GLOBALS:
      return GLOBALS_BYTES;
    default:
      return ErrorCode.ARGUMENT;
  }
}

/** Region → its address, or ErrorCode.ARGUMENT for a number that names none. */
export function regionAddress(region: i32): i32 {
  if (region == Region.GLOBALS) return <i32>GLOBALS;
  if (<u32>region > <u32>Region.GLOBALS) return ErrorCode.ARGUMENT;
  let address = <i32>INGRESS;
  while (--region >= 0) address += (regionBytes(region) + CANARY_BYTES + 15) & ~15;
  return address;
}

/** `n` bytes from `from` to `to`, whose end it returns; the two may overlap only if `to` is lower. */
export function copyBytes(to: usize, from: usize, n: usize): usize {
  unmask(to, from, n, 0);
  return to + n;
}

/** Zeroes `n` bytes at `to`, a multiple of 8. */
export function zeroWords(to: usize, n: usize): void {
  const end = to + n;
  while (to < end) {
    store<u64>(to, 0);
    to += 8;
  }
}
