// The profile's limits → the bytes of the hub's regions. Each file of the hub says how its own region
// is laid out; the strides stand here, where assembly/memory.ts finds them.

import { SESSIONS, TOPICS } from '../profile';

/** Bytes of a session's reference (see session/queue.ts): a piece of its queue and a publication's number. */
export const REFERENCE_BYTES: i32 = 20;
/** Bytes of the references of all sessions, which end the region TOPICS. */
export const REFERENCES_BYTES: i32 = TOPICS ? (SESSIONS * REFERENCE_BYTES + 15) & ~15 : 0;
/** Bytes of the region TOPICS: see rooms.ts. */
export const TOPICS_BYTES: i32 = REFERENCES_BYTES;
/** Bytes of the region METADATA: see metadata.ts. */
export const METADATA_BYTES: i32 = 0;
/** Bytes of the region ADDRESSES: see addresses.ts. */
export const ADDRESSES_BYTES: i32 = 0;
/** Bytes of the region RATES: see rates.ts. */
export const RATES_BYTES: i32 = 0;
/** Bytes of the region SECURITY: see security.ts. */
export const SECURITY_BYTES: i32 = 0;
/** Bytes of the region HEARTBEATS: see heartbeat.ts. */
export const HEARTBEATS_BYTES: i32 = 0;

/** Bytes of HUB_STATE. */
export const HUB_STATE_BYTES: i32 = TOPICS ? 464 : 256;

// Where in HUB_STATE (memory.ts) each file keeps its heads of lists and counters.
export const TOPICS_STATE: usize = 0;
export const METADATA_STATE: usize = 128;
export const ADDRESSES_STATE: usize = 144;
export const RATES_STATE: usize = 160;
export const SECURITY_STATE: usize = 192;
export const HEARTBEATS_STATE: usize = 224;
export const SHUTDOWN_STATE: usize = 240;
/** The logs that are appended to: session/log.ts, 36 bytes. */
export const LOGS_STATE: usize = 256;
/** The message under way to many sessions: hub/frames.ts, 160 bytes. */
export const PUBLISH_STATE: usize = 292;
