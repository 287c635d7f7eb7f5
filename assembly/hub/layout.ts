// The profile's limits → the bytes of the hub's regions. Each file of the hub says how its own region
// is laid out; the strides stand here, where assembly/memory.ts finds them.

import { SESSION_TOPICS_BYTES } from '../abi';
import {
  ADDRESSES,
  ALLOWED_BYTES,
  HEADERS,
  HEARTBEAT,
  MEMBERSHIPS,
  METADATA,
  METADATA_ENTRIES,
  METADATA_KEY_BYTES,
  METADATA_VALUE_BYTES,
  RATES,
  ROOMS,
  SECURITY,
  SESSIONS,
  SHUTDOWN,
  TOKENS,
  TOPIC_LEVELS,
  TOPIC_MAX_BYTES,
  TOPICS,
} from '../profile';

// TOPICS: heads of the chains of rooms, memberships and levels (see table.ts); rooms, memberships,
// levels; prepared messages, as many as rooms; the sessions' references. There are as many heads as records, rounded up to a power of two.
/** A Room (rooms.ts) and its topic. */
export const ROOM_BYTES: i32 = 48 + ((TOPIC_MAX_BYTES + 7) & ~7);
/** A Member (rooms.ts). */
export const MEMBER_BYTES: i32 = 24;
/** A Level (levels.ts) and its text. */
export const LEVEL_BYTES: i32 = 32;
export const ROOM_HEADS: i32 = 1 << (32 - clz(ROOMS - 1));
export const MEMBER_HEADS: i32 = 1 << (32 - clz(MEMBERSHIPS - 1));
export const LEVEL_HEADS: i32 = 1 << (32 - clz(TOPIC_LEVELS - 1));
export const HEADS_BYTES: i32 = (((ROOM_HEADS + MEMBER_HEADS + LEVEL_HEADS) << 2) + 7) & ~7;
// One level more than the pool has: the root, which none of them is.
const TOPIC_RECORDS_BYTES: i32 =
  ROOMS * ROOM_BYTES + MEMBERSHIPS * MEMBER_BYTES + (1 + TOPIC_LEVELS) * LEVEL_BYTES;
/** A session's reference (session/queue.ts). */
export const REFERENCE_BYTES: i32 = SESSION_TOPICS_BYTES;
export const REFERENCES_BYTES: i32 = TOPICS ? (SESSIONS * REFERENCE_BYTES + 15) & ~15 : 0;

/** The record of a prepared message (prepared.ts). */
export const PREPARED_RECORD_BYTES: i32 = 8;
export const PREPARED_BYTES: i32 = ROOMS * PREPARED_RECORD_BYTES;

/** Bytes of the region TOPICS. */
export const TOPICS_BYTES: i32 = TOPICS
  ? HEADS_BYTES + TOPIC_RECORDS_BYTES + PREPARED_BYTES + REFERENCES_BYTES
  : 0;
/** Stride of the entries of metadata: a head of 8 bytes, key and value. */
export const ENTRY_BYTES: i32 = (8 + METADATA_KEY_BYTES + METADATA_VALUE_BYTES + 3) & ~3;
/** Bytes for the names of the fields that are kept past the handshake: see http/keep.ts. */
export const KEEP_BYTES: i32 = HEADERS ? 256 : 0;
/** Where they lie in the region METADATA: behind the entries. */
export const KEEP_OFFSET: i32 = METADATA ? METADATA_ENTRIES * ENTRY_BYTES : 0;
/** Bytes of the region METADATA: see metadata.ts. */
export const METADATA_BYTES: i32 = KEEP_OFFSET + KEEP_BYTES;
/** Bytes of an AddressRecord, of an Address and of a Peer: see addresses.ts. */
export const ADDRESS_RECORD_BYTES: i32 = 24;
export const ADDRESS_BYTES: i32 = 24;
export const PEER_BYTES: i32 = 6;
/** Buckets of the table of addresses, log2: at least as many as there are sessions. */
export const ADDRESS_BITS: i32 = 32 - clz((SESSIONS - 1) | 1);
/** Bytes of the region ADDRESSES: see addresses.ts. */
export const ADDRESSES_BYTES: i32 = ADDRESSES
  ? 2 * ADDRESS_RECORD_BYTES + SESSIONS * (ADDRESS_BYTES + PEER_BYTES) + (2 << ADDRESS_BITS)
  : 0;
/** Bytes of the region SECURITY: digests of tokens, origins, subprotocols; see security.ts. */
export const SECURITY_BYTES: i32 = SECURITY ? (TOKENS * 32 + 2 * ALLOWED_BYTES + 7) & ~7 : 0;
/** Bytes that heartbeat.ts has for a session: 11 words, the moments of four heartbeats, and one word more. */
export const HEARTBEAT_BYTES: i32 = 64;
/** Bytes of the region HEARTBEATS. */
export const HEARTBEATS_BYTES: i32 = HEARTBEAT ? SESSIONS * HEARTBEAT_BYTES : 0;
/** Bytes of a Rate, one for each session. */
export const RATE_BYTES: i32 = 32;
/** Bytes of the region RATES: see rates.ts. */
export const RATES_BYTES: i32 = RATES ? SESSIONS * RATE_BYTES : 0;

/** Bytes of HUB_STATE: none without any of its features. */
export const HUB_STATE_BYTES: i32 = TOPICS
  ? 464
  : METADATA || HEADERS || ADDRESSES || RATES || SECURITY || SHUTDOWN
    ? 256
    : 0;

// Where in HUB_STATE (memory.ts) each file keeps its heads of lists and counters.
// TOPICS_STATE: 0 to 63 rooms.ts and levels.ts.
export const TOPICS_STATE: usize = 0;
/** The pool of prepared messages: hub/prepared.ts, 8 bytes. */
export const PREPARED_STATE: usize = 64;
export const METADATA_STATE: usize = 128;
export const ADDRESSES_STATE: usize = 144;
export const RATES_STATE: usize = 160;
export const SECURITY_STATE: usize = 192;
export const SHUTDOWN_STATE: usize = 240;
/** The logs that are appended to: session/log.ts, 36 bytes. */
export const LOGS_STATE: usize = 256;
/** The message under way to many sessions: hub/frames.ts, 164 bytes. */
export const PUBLISH_STATE: usize = 292;
