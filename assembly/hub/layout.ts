// The profile's limits → the bytes of the hub's regions. Each file of the hub says how its own region
// is laid out; the strides stand here, where assembly/memory.ts finds them.

import { ADDRESSES, SESSIONS } from '../profile';

/** Bytes of the region TOPICS: see rooms.ts. */
export const TOPICS_BYTES: i32 = 0;
/** Bytes of the region METADATA: see metadata.ts. */
export const METADATA_BYTES: i32 = 0;
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
