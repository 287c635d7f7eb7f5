// The profile's limits → the bytes of the hub's regions. Each file of the hub says how its own region
// is laid out; the strides stand here, where assembly/memory.ts finds them.

import {
  HEADERS,
  METADATA,
  METADATA_ENTRIES,
  METADATA_KEY_BYTES,
  METADATA_VALUE_BYTES,
} from '../profile';

/** Bytes of the region TOPICS: see rooms.ts. */
export const TOPICS_BYTES: i32 = 0;
/** Stride of the entries of metadata: a head of 8 bytes, key and value. */
export const ENTRY_BYTES: i32 = (8 + METADATA_KEY_BYTES + METADATA_VALUE_BYTES + 3) & ~3;
/** Bytes for the names of the fields that are kept past the handshake: see http/keep.ts. */
export const KEEP_BYTES: i32 = HEADERS ? 256 : 0;
/** Where they lie in the region METADATA: behind the entries. */
export const KEEP_OFFSET: i32 = METADATA ? METADATA_ENTRIES * ENTRY_BYTES : 0;
/** Bytes of the region METADATA: see metadata.ts. */
export const METADATA_BYTES: i32 = KEEP_OFFSET + KEEP_BYTES;
/** Bytes of the region ADDRESSES: see addresses.ts. */
export const ADDRESSES_BYTES: i32 = 0;
/** Bytes of the region RATES: see rates.ts. */
export const RATES_BYTES: i32 = 0;
/** Bytes of the region SECURITY: see security.ts. */
export const SECURITY_BYTES: i32 = 0;
/** Bytes of the region HEARTBEATS: see heartbeat.ts. */
export const HEARTBEATS_BYTES: i32 = 0;

// Where in HUB_STATE (memory.ts) each file keeps its heads of lists and counters; 256 bytes in all.
export const TOPICS_STATE: usize = 0;
export const METADATA_STATE: usize = 128;
export const ADDRESSES_STATE: usize = 144;
export const RATES_STATE: usize = 160;
export const SECURITY_STATE: usize = 192;
export const HEARTBEATS_STATE: usize = 224;
export const SHUTDOWN_STATE: usize = 240;
