// The profile's limits as compile-time constants.
//
// `tools/build.ts` hands the compiler a version of this file made from
// assembly/profiles/<name>.json; what stands here is `server.json`, for editors and unit tests.

/** Sessions in the pool, 1 to 32,767. */
export const SESSIONS: i32 = 16384;
/** Bytes of the ingress region: the most that one read may bring. */
export const INGRESS_BYTES: i32 = 262144;
/** Bytes of the scratch region: the longest string that a host may pass by pointer. */
export const SCRATCH_BYTES: i32 = 65536;
/** Entries of the event ring, a power of two, at least 16. */
export const EVENTS: i32 = 4096;
/** Bytes of the arena, a multiple of BLOCK_MAX_BYTES. */
export const ARENA_BYTES: i32 = 33554432;
/** Bytes of the smallest block, a power of two, at least 64. */
export const BLOCK_MIN_BYTES: i32 = 256;
/** Bytes of the largest block, a power of two: the longest message held whole. */
export const BLOCK_MAX_BYTES: i32 = 262144;
/** Bytes of the first block of a send queue, a power of two. */
export const BLOCK_SEND_BYTES: i32 = 8192;
/** Longest HTTP head, bytes. */
export const HEAD_MAX_BYTES: i32 = 16384;
/** Default of Option.MESSAGE_MAX, bytes. */
export const MESSAGE_MAX_BYTES: i32 = 16777216;
/** Rooms in the pool: topics, and patterns of topics, that sessions are subscribed to. */
export const ROOMS: i32 = 16384;
/** Memberships in the pool: a session in a room each. */
export const MEMBERSHIPS: i32 = 131072;
/** Longest topic, bytes. */
export const TOPIC_MAX_BYTES: i32 = 128;
/** Levels of wildcard topics in the pool. */
export const TOPIC_LEVELS: i32 = 16384;
/** Entries of metadata in the pool. */
export const METADATA_ENTRIES: i32 = 32768;
/** Longest key of metadata, bytes. */
export const METADATA_KEY_BYTES: i32 = 32;
/** Longest value of metadata, bytes. */
export const METADATA_VALUE_BYTES: i32 = 88;
/** Bytes of the list of allowed origins, and of that of subprotocols. */
export const ALLOWED_BYTES: i32 = 8192;
/** Bearer tokens in the list. */
export const TOKENS: i32 = 1024;
/** Whether client sessions are compiled in. */
export const CLIENT: bool = true;
/** Whether plain HTTP requests are told to the host, and its answers may have headers and bodies. */
export const HTTP: bool = true;
/** Whether the host can read the fields of a request: limpet_request_part, limpet_header_next. */
export const HEADERS: bool = true;
/** Whether subprotocols are negotiated. RFC 6455 1.9. */
export const PROTOCOLS: bool = true;
/** Whether messages are counted, sessions listed (limpet_session_next) and options told. */
export const INSPECTION: bool = true;
/** Whether UTF-8 is judged a character at a time where it can be, not byte by byte. */
export const FAST_UTF8: bool = true;
/** Whether permessage-deflate is compiled in. RFC 7692. */
export const DEFLATE: bool = true;
/** The largest window that the codec compresses over, log2 of its bytes, 8 to 15. RFC 7692 7.1.2. */
export const DEFLATE_WINDOW_BITS: i32 = 15;
/** Entries of the codec's table of hashes, log2. */
export const DEFLATE_HASH_BITS: i32 = 15;
/** The most literals and matches of one DEFLATE block, a power of two. */
export const DEFLATE_TOKENS: i32 = 16384;
/** The window that a session keeps for context takeover, per direction: log2 of its bytes, 8 to 15. */
export const TAKEOVER_BITS: i32 = 11;
/** How many such windows there are; a session takes up to two. RFC 7692 7.1.1. */
export const TAKEOVERS: i32 = 16384;
/** Whether sessions subscribe to topics, and messages are published and broadcast in the core. */
export const TOPICS: bool = true;
/** Whether sessions have metadata. */
export const METADATA: bool = true;
/** Whether remote addresses are kept, counted and read from proxies. */
export const ADDRESSES: bool = true;
/** Whether rates are limited. */
export const RATES: bool = true;
/** Whether origins, subprotocols and tokens are held against lists. */
export const SECURITY: bool = true;
/** Whether heartbeats are sent and round-trip times measured. */
export const HEARTBEAT: bool = true;
/** Whether all sessions can be ended in order: limpet_shutdown. */
export const SHUTDOWN: bool = true;
/** Whether canaries stand between the regions and assertions are kept. */
export const DEBUG: bool = false;
