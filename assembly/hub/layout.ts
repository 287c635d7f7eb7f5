// The profile's limits → the bytes of the hub's regions. Each file of the hub says how its own region
// is laid out; the strides stand here, where assembly/memory.ts finds them.

import { RATES, SESSIONS } from '../profile';

/** Bytes of the region TOPICS: see rooms.ts. */
export const TOPICS_BYTES: i32 = 0;
/** Bytes of the region METADATA: see metadata.ts. */
export const METADATA_BYTES: i32 = 0;
/** Bytes of the region ADDRESSES: see addresses.ts. */
export const ADDRESSES_BYTES: i32 = 0;
/** Bytes of a Rate, one for each session. */
export const RATE_BYTES: i32 = 32;
/** Bytes of the region RATES: see rates.ts. */
export const RATES_BYTES: i32 = RATES ? SESSIONS * RATE_BYTES : 0;
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
