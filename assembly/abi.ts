// The words of the ABI: every constant, code and record that a host may see.
//
// `tools/abi.ts` reads this file and `index.ts` and writes build/limpet.abi.json from them, and
// from that JSON the C header and the TypeScript types. Nothing here holds logic. Each name has
// one line of documentation, which travels with it.

/** Raised when a host built for the previous version could no longer drive the core. */
export const ABI_VERSION: i32 = 1;

/** What a session is. The numbers follow a connection's life, so `state >= CLOSING` reads "ending". */
export const enum State {
  /** The slot is in the pool; no handle leads here. */
  FREE = 0,
  /** Server: the request head is being gathered. Client: the response head is. RFC 6455 4. */
  HANDSHAKE = 1,
  /** Server: an UPGRADE or REQUEST event waits for limpet_accept or limpet_respond. */
  PENDING = 2,
  /** Messages flow both ways. RFC 6455 4: "the WebSocket connection is in the OPEN state". */
  OPEN = 3,
  /** This side sent a Close frame and waits for the peer's. RFC 6455 7.1.3. */
  CLOSING = 4,
  /** Nothing more is read; what is queued is written, then the write side ends. RFC 6455 7.1.1. */
  ENDING = 5,
  /** The transport is to be destroyed at once; limpet_eof comes next. */
  ABORTED = 6,
  /** The transport is gone; the handle dies when the CLOSED event is acknowledged. */
  CLOSED = 7,
}

/** Which end of the connection a session is; decides who masks. RFC 6455 5.1. */
export const enum Role {
  /** Reads masked frames and writes plain ones. */
  SERVER = 0,
  /** Reads plain frames and masks what it writes. */
  CLIENT = 1,
}

/** RFC 6455 11.8, the registry of opcodes. */
export const enum Opcode {
  /** A further fragment of the message begun before. */
  CONTINUATION = 0,
  /** A message of UTF-8 text. */
  TEXT = 1,
  /** A message of bytes. */
  BINARY = 2,
  /** The Close frame, RFC 6455 5.5.1. */
  CLOSE = 8,
  /** The Ping frame, RFC 6455 5.5.2. */
  PING = 9,
  /** The Pong frame, RFC 6455 5.5.3. */
  PONG = 10,
}

/** Added to an opcode in limpet_send*: FIN stays 0 and CONTINUATION frames follow. RFC 6455 5.4. */
export const SEND_MORE: i32 = 0x10;

/** Added to a data opcode in limpet_send*: the message goes as it is, whatever was agreed on. RFC 7692 6. */
export const SEND_PLAIN: i32 = 0x20;

/** In place of limpet_shutdown's close code: the host closes each session itself, some time after its SHUTDOWN event. */
export const CLOSE_BY_HOST: i32 = -1;

/** What an event says; see EventRecord for its fields. */
export const enum EventKind {
  /** Nothing for the host: skip it. */
  NONE = 0,
  /** An opening handshake came (server): answer with limpet_accept or limpet_respond. `ptr`, `len`: the path. */
  UPGRADE = 1,
  /** A plain HTTP request came (server): answer with limpet_respond; status 0 is 426. `ptr`, `len`: the path. */
  REQUEST = 2,
  /** Client: the server accepted, messages flow. A server's session is open once limpet_accept returned. */
  OPEN = 3,
  /** A whole message: `code` its opcode, `ptr` and `len` its payload. */
  MESSAGE = 4,
  /** A piece of a streamed message: `code` its opcode, `flags` BEGIN and END. */
  CHUNK = 5,
  /** A ping came (and was answered if AUTO_PONG is on): `ptr` and `len` its payload. */
  PING = 6,
  /** A pong came: `ptr` and `len` its payload. */
  PONG = 7,
  /** A Close frame went, or came (`flags` has REMOTE): `code`, and its reason at `ptr`, `len`. */
  CLOSING = 8,
  /** The last event of a session: `code` its close code (1006 without a Close frame), `flags` has CLEAN. */
  CLOSED = 9,
  /** The session failed: `detail` says why (an ErrorCode), `code` is the close code or the HTTP status sent. `ptr`, `len`: the head that was refused, as far as it is here (feature `headers`). */
  ERROR = 10,
  /** The send queue fell to half its high-water mark after having been over it. */
  WRITABLE = 11,
  /** limpet_shutdown was called: last messages may be sent until this event is acknowledged, then the session closes. */
  SHUTDOWN = 12,
  /** The pong of a heartbeat came: `detail` is the round-trip time, ms; `ptr` and `len` its payload. */
  HEARTBEAT = 13,
  /** The session was not read from for its rate (RatePolicy.QUEUE), and is again: feed it what was kept. */
  READABLE = 14,
}

/** Bits of EventRecord.flags. */
export const enum EventFlag {
  /** CHUNK: the first piece of its message. */
  BEGIN = 1,
  /** CHUNK: the last piece of its message. */
  END = 2,
  /** CLOSING, ERROR: the peer caused it. */
  REMOTE = 4,
  /** CLOSED: both Close frames were seen and nothing failed. RFC 6455 7.1.4: "closed _cleanly_". */
  CLEAN = 8,
}

/** Keys of limpet_option_set and limpet_option_get. Session 0 stands for the defaults of sessions to come. */
export const enum Option {
  /** Longest message taken, bytes, 0 = no bound (streams only); past it 1009. Default: the profile's. */
  MESSAGE_MAX = 0,
  /** A Delivery. Default AUTO. */
  DELIVERY = 1,
  /** Queue bytes past which limpet_send* answers BACKPRESSURE. Default: the largest block. */
  HIGH_WATER = 2,
  /** Queue bytes that data frames never pass; FULL_POLICY says what happens. Default: four of the largest blocks. */
  QUEUE_MAX = 3,
  /** A FullPolicy. Default REFUSE. */
  FULL_POLICY = 4,
  /** Milliseconds from opening to OPEN, 0 = no bound; then 408, or 503 where the host has not decided. Default 10,000. */
  HANDSHAKE_MS = 5,
  /** Milliseconds without a received byte, 0 = no bound; then close 1001. Default 0. */
  IDLE_MS = 6,
  /** Milliseconds of silence after which a ping is sent, 0 = never. Default 0. */
  PING_MS = 7,
  /** Milliseconds a ping may stay without any received byte, 0 = no bound; then the session is aborted. Default 10,000. */
  PONG_MS = 8,
  /** Milliseconds the close handshake and the last writes may take, 0 = no bound; then the session is aborted. Default 10,000. */
  CLOSE_MS = 9,
  /** 1: pings are answered by the core (default). 0: the host answers. RFC 6455 5.5.3. */
  AUTO_PONG = 10,
  /** The user-data word, copied into every event of the session. */
  USER = 11,
  /** 1: the session takes no input (limpet_rx_room is 0) until it is 0 again; meanwhile its silence does not count, and from then on from the last call that told the time. */
  PAUSED = 12,
  /** Most frames that one message may come in, 0 = no bound; past it close 1008. Default 0. RFC 6455 5.4. */
  FRAGMENTS_MAX = 13,
  /** 1: text and close reasons have to be UTF-8 (default). 0: neither is judged, which breaks RFC 6455 8.1. Defaults only: of all sessions at once. */
  UTF8 = 14,
  /** How many sessions may be open at once; defaults only. Default: the pool's size. */
  SESSIONS_MAX = 15,
  /** 1: permessage-deflate is accepted (server) and offered (client). Default 0. This and what follows: defaults only, in modules with it. RFC 7692. */
  DEFLATE = 16,
  /** How hard messages are compressed, 0 to 9. Default 6. */
  DEFLATE_LEVEL = 17,
  /** The largest window to agree on for what goes out, log2 of its bytes, 8 to 15. Default: the profile's. RFC 7692 7.1.2. */
  DEFLATE_WINDOW = 18,
  /** Messages of fewer bytes are sent as they are. Default 64. */
  DEFLATE_THRESHOLD = 19,
  /** Whose contexts are kept over messages while there are windows for them: bits of Takeover. Default both. RFC 7692 7.1.1. */
  DEFLATE_TAKEOVER = 20,
  /** The same as DEFLATE_WINDOW for what comes in; 0 = as DEFLATE_WINDOW, the default. */
  DEFLATE_WINDOW_IN = 21,
  /** Longest text message taken, bytes, 0 = what MESSAGE_MAX says; past it 1009. Defaults only. */
  TEXT_MAX = 22,
  /** The same for binary messages. Defaults only. */
  BINARY_MAX = 23,
  /** Longest HTTP head taken, bytes, 1 or more; past it 431. Default and bound: the profile's. Defaults only. */
  HEAD_MAX = 24,
  /** How many sessions one remote address may have, 0 = no bound; past it 429. Defaults only, feature `addresses`. */
  ADDRESS_SESSIONS = 25,
  /** The window over which the rates count, ms, 1 or more. Default 1,000. This and the next five: defaults only, feature `rates`. */
  RATE_WINDOW_MS = 26,
  /** Messages that one session may send in a window, 0 = no bound. To set this, the window or one of the next three ends all waits. */
  RATE_MESSAGES = 27,
  /** Payload bytes that one session may send in a window, 0 = no bound. */
  RATE_BYTES = 28,
  /** Messages that all sessions together may send in a window, 0 = no bound. */
  RATE_ALL_MESSAGES = 29,
  /** Payload bytes that all sessions together may send in a window, 0 = no bound. */
  RATE_ALL_BYTES = 30,
  /** A RatePolicy. Default DROP. */
  RATE_POLICY = 31,
  /** Where a bearer token may stand: bits of TokenSource. Default HEADER and PROTOCOL. Defaults only, feature `security`. */
  TOKEN_SOURCES = 32,
  /** After how many published messages PublishRecord.flush says "write now", 0 = only at the end of the turn. Defaults only, feature `topics`. */
  BATCH = 33,
  /** Milliseconds between two heartbeats, 0 = none. Default 0. This and the next one: of the defaults or of a session, feature `heartbeat`. */
  HEARTBEAT_MS = 34,
  /** Milliseconds a heartbeat may stay unanswered, 0 = no bound; then the session is aborted. Default 10,000. */
  HEARTBEAT_TIMEOUT_MS = 35,
  /** What the close handshake has beside what RFC 6455 asks: bits of Closing. Default 0. Defaults only. */
  CLOSING = 36,
}

/** Bits of Option.CLOSING. */
export const enum Closing {
  /** Messages that cross a Close frame of ours are told. RFC 6455 1.4 discards what comes behind the peer's only. */
  TOLD = 1,
  /** A Close frame is answered with its reason, too, not with its code alone. RFC 6455 5.5.1. */
  REASON = 2,
}

/** Bits of Option.DEFLATE_TAKEOVER: of which direction the context is kept. RFC 7692 7.1.1. */
export const enum Takeover {
  /** Of what goes out: a server's `server_no_context_takeover`, a client's `client_no_context_takeover` without it. */
  OUT = 1,
  /** Of what comes in: the other one of the two. */
  IN = 2,
}

/** What happens to a message past a rate: Option.RATE_POLICY. */
export const enum RatePolicy {
  /** The message is dropped and counted. */
  DROP = 0,
  /** The session is not read from until the message fits (limpet_rx_room is 0); then READABLE. */
  QUEUE = 1,
  /** The session closes with 1008 (policy violation). */
  REJECT = 2,
}

/** Bits of Option.TOKEN_SOURCES: where a client may put its bearer token. */
export const enum TokenSource {
  /** `Authorization: Bearer TOKEN`. RFC 6750 2.1. */
  HEADER = 1,
  /** `Sec-WebSocket-Protocol: bearer, TOKEN`, for browsers; `bearer` is answered unless another is chosen. */
  PROTOCOL = 2,
  /** The query parameter `access_token`. RFC 6750 2.3. */
  QUERY = 4,
}

/** Bits of limpet_address_set: what a session's first bytes and head may say of its remote address. */
export const enum Trust {
  /** A PROXY protocol header, version 1 or 2, may come before the request. */
  PROXY = 1,
  /** A PROXY protocol header has to come, else the connection is dropped. */
  PROXY_REQUIRED = 2,
  /** The last address in X-Forwarded-For is the client's. */
  FORWARDED = 4,
}

/** How messages reach the host: Option.DELIVERY. */
export const enum Delivery {
  /** Whole, or 1013 when no memory is left for it. */
  WHOLE = 0,
  /** As CHUNK events, straight from the ingress region, for messages of any length. */
  STREAM = 1,
  /** Whole as long as it fits into one arena block; from there on as CHUNK events. */
  AUTO = 2,
}

/** What happens to a data frame for which the queue has no room: Option.FULL_POLICY. */
export const enum FullPolicy {
  /** The call returns FULL; the message is not queued. */
  REFUSE = 0,
  /** The message is dropped and counted; the call returns DROPPED. */
  DROP = 1,
  /** The session closes with 1008 (policy violation). */
  CLOSE_1008 = 2,
  /** The session closes with 1013 (try again later). */
  CLOSE_1013 = 3,
}

/** Answers of limpet_send* that are not errors. */
export const enum Sent {
  /** Queued. */
  OK = 0,
  /** Queued, and the queue is over its high-water mark: a WRITABLE event follows. */
  BACKPRESSURE = 1,
  /** Not queued: FullPolicy.DROP. */
  DROPPED = 2,
}

/**
 * Negative answers of calls, and `detail` of ERROR events, whose `remaining` says what broke the rule: FRAME, the
 * first bytes of the frame's header (bits 0-7 are byte 0: FIN, RSV, opcode; 8-15 byte 1: MASK and length; 16-31,
 * only for lengths of 64 bits, the first two bytes of the length); CLOSE, the code in the Close frame; else 0.
 */
export const enum ErrorCode {
  /** No error. */
  NONE = 0,
  /** The handle is stale, or never was one. */
  HANDLE = -1,
  /** A pointer, a length, a key or a value is out of range. */
  ARGUMENT = -2,
  /** The session's state or role does not allow the call. */
  STATE = -3,
  /** No session is free, or SESSIONS_MAX is reached. */
  SESSIONS = -4,
  /** The arena has no block for it now; or the list that it is to be added to is full. */
  MEMORY = -5,
  /** The send queue is full (FullPolicy.REFUSE), or closed the session. */
  FULL = -6,
  /** limpet_seed was not called: a client's masking keys would be predictable. RFC 6455 10.3. */
  UNSEEDED = -7,
  /** A header, subprotocol or reason given by the host is not fit to be sent. */
  VALUE = -8,
  /** The part or header asked for is absent. */
  ABSENT = -9,
  /** The core was built without that: see the features of its profile. */
  UNSUPPORTED = -10,
  /** No record of a room, or of a level of a wildcard topic, is free. */
  ROOMS = -11,
  /** No membership is free. */
  MEMBERSHIPS = -12,
  /** No entry of metadata is free. */
  METADATA = -13,
  /** The remote address has all the sessions that it may have. */
  ADDRESSES = -14,
  /** limpet_shutdown was called. */
  SHUTDOWN = -15,

  /** A reserved bit is set and no extension gave it a meaning: 1002. FRAME. RFC 6455 5.2. */
  RSV = -20,
  /** A reserved opcode: 1002. FRAME. RFC 6455 5.2. */
  OPCODE = -21,
  /** A fragmented control frame: 1002. FRAME. RFC 6455 5.4. */
  CONTROL_FRAGMENTED = -22,
  /** A control frame of more than 125 bytes: 1002. FRAME. RFC 6455 5.5. */
  CONTROL_LENGTH = -23,
  /** A length that is not in its shortest form: 1002. FRAME. RFC 6455 5.2. */
  LENGTH_FORM = -24,
  /** A 64-bit length with its most significant bit set: 1002. FRAME. RFC 6455 5.2. */
  LENGTH_SIGN = -25,
  /** A frame to a server without a mask: 1002. FRAME. RFC 6455 5.1. */
  UNMASKED = -26,
  /** A frame to a client with a mask: 1002. FRAME. RFC 6455 5.1. */
  MASKED = -27,
  /** A continuation frame without a message to continue: 1002. FRAME. RFC 6455 5.4. */
  CONTINUATION = -28,
  /** A new message inside a fragmented one: 1002. FRAME. RFC 6455 5.4. */
  INTERLEAVED = -29,
  /** Text that is not UTF-8: 1007. RFC 6455 8.1. */
  UTF8 = -30,
  /** A Close frame with a payload of one byte: 1002. CLOSE: that byte. RFC 6455 5.5.1. */
  CLOSE_LENGTH = -31,
  /** A close code that must not be sent: 1002. CLOSE. RFC 6455 7.4. */
  CLOSE_CODE = -32,
  /** A close reason that is not UTF-8: 1007. CLOSE. RFC 6455 5.5.1. */
  CLOSE_REASON = -33,
  /** A message of more than MESSAGE_MAX, TEXT_MAX or BINARY_MAX: 1009. FRAME, or 0 where it was too long only when it was inflated. RFC 6455 7.4.1. */
  TOO_BIG = -34,
  /** No memory is left for a message that has to be gathered (Delivery.WHOLE, or compressed): 1013. */
  OVERLOAD = -35,
  /** A compressed message that is not DEFLATE, or ends too soon: 1007. RFC 7692 7.2.2. */
  DEFLATE = -36,
  /** More messages or bytes than the rate allows (RatePolicy.REJECT): 1008. FRAME. RFC 6455 7.4.1. */
  RATE = -37,
  /** A message in more frames than FRAGMENTS_MAX: 1008. FRAME. RFC 6455 7.4.1. */
  FRAGMENTS = -38,

  /** The head is not HTTP/1.1: 400. RFC 9112 3 and 5. */
  HTTP_SYNTAX = -40,
  /** The head is longer than HEAD_MAX: 431. RFC 6585 5. */
  HTTP_TOO_LARGE = -41,
  /** An HTTP version other than 1.1: 505. RFC 6455 4.1. */
  HTTP_VERSION = -42,
  /** No Host header, or two, or a malformed one: 400. RFC 9112 3.2. */
  HTTP_HOST = -43,
  /** An upgrade with a body, or contradicting body lengths: 400. RFC 9112 6. */
  HTTP_BODY = -44,
  /** An upgrade that is not a GET: 405. RFC 6455 4.1. */
  UPGRADE_METHOD = -45,
  /** Upgrade or Connection does not say what an opening handshake says: 400. RFC 6455 4.2.1. */
  UPGRADE_HEADER = -46,
  /** Sec-WebSocket-Version is not 13: 426 with `Sec-WebSocket-Version: 13`. RFC 6455 4.4. */
  UPGRADE_VERSION = -47,
  /** Sec-WebSocket-Key is absent, doubled, or not 16 bytes in base64: 400. RFC 6455 4.2.1. */
  UPGRADE_KEY = -48,
  /** Sec-WebSocket-Protocol is not a list of distinct tokens: 400. RFC 6455 4.1. */
  UPGRADE_PROTOCOL = -49,
  /** Sec-WebSocket-Extensions is malformed: 400. RFC 6455 9.1. */
  UPGRADE_EXTENSION = -50,
  /** No memory is left for the head: 503. */
  HTTP_OVERLOAD = -51,
  /** A plain request to a core that was built without answers to them: 426. */
  HTTP_PLAIN = -52,
  /** The remote address has all the sessions that it may have: 429. RFC 6585 4. */
  HTTP_ADDRESS = -53,
  /** The origin is not on the list: 403. RFC 6455 10.2. */
  UPGRADE_ORIGIN = -54,
  /** No bearer token, a wrong one, or several: 401. RFC 6750 3. */
  UPGRADE_TOKEN = -55,
  /** Subprotocols are offered, and none of them is on the list: 400. */
  UPGRADE_PROTOCOL_REFUSED = -56,
  /** The PROXY protocol header is malformed, or absent where it has to be: the connection is dropped. */
  PROXY = -57,

  /** Client: the response's status is not 101. RFC 6455 4.1. */
  RESPONSE_STATUS = -60,
  /** Client: Upgrade or Connection is absent or wrong in the response. RFC 6455 4.1. */
  RESPONSE_HEADER = -61,
  /** Client: Sec-WebSocket-Accept is absent or wrong. RFC 6455 4.1. */
  RESPONSE_ACCEPT = -62,
  /** Client: a subprotocol that was not asked for. RFC 6455 4.1. */
  RESPONSE_PROTOCOL = -63,
  /** Client: an extension that was not asked for. RFC 6455 4.1. */
  RESPONSE_EXTENSION = -64,

  /** HANDSHAKE_MS passed. */
  TIMEOUT_HANDSHAKE = -80,
  /** IDLE_MS passed. */
  TIMEOUT_IDLE = -81,
  /** PONG_MS passed. */
  TIMEOUT_PONG = -82,
  /** HEARTBEAT_TIMEOUT_MS passed. */
  TIMEOUT_HEARTBEAT = -84,
}

/** The regions of linear memory, for limpet_region and limpet_region_size. */
export const enum Region {
  /** Where the host puts the bytes of one read before limpet_rx. */
  INGRESS = 0,
  /** Where the host puts strings that it passes by pointer. */
  SCRATCH = 1,
  /** EventRecords, a ring. */
  EVENTS = 2,
  /** permessage-deflate: the tables of the one codec that all sessions share. */
  CODEC = 3,
  /** Session records. */
  SESSIONS = 4,
  /** Blocks for heads, reassembly and send queues. */
  ARENA = 5,
  /** The arena's book: one byte per smallest block. */
  ARENA_BOOK = 6,
  /** permessage-deflate: the windows of sessions that keep their context. RFC 7692 7.1.1. */
  WINDOWS = 7,
  /** Rooms, memberships, the levels of wildcard topics, and what each session has of them. */
  TOPICS = 8,
  /** Entries of metadata; names of the header fields that are kept past the handshake. */
  METADATA = 9,
  /** Remote addresses of the sessions, and how many each address has. */
  ADDRESSES = 10,
  /** How much of its rates each session has used. */
  RATES = 11,
  /** The lists of allowed origins, subprotocols and tokens. */
  SECURITY = 12,
  /** The heartbeats of the sessions and their round-trip times. */
  HEARTBEATS = 13,
  /** Timers, free lists, counters and the records that calls fill. */
  GLOBALS = 14,
}

/** Parts of a request head, for limpet_request_part. */
export const enum Part {
  /** The whole head with its last CRLF CRLF. */
  HEAD = 0,
  /** The method, `GET`. */
  METHOD = 1,
  /** The path of the request target, without query; `/` for an absolute target without path. */
  PATH = 2,
  /** What follows the first `?`, without it. */
  QUERY = 3,
  /** The Host header. */
  HOST = 4,
  /** The Origin header. RFC 6454 7. */
  ORIGIN = 5,
  /** The subprotocol that was chosen, once the handshake is accepted. */
  PROTOCOL = 6,
}

/** Bits of TxRecord.flags. */
export const enum TxFlag {
  /** When all spans are written and acknowledged, end the write side (FIN) and keep reading. RFC 6455 7.1.1. */
  END = 1,
  /** Destroy the transport now and call limpet_eof. */
  ABORT = 2,
  /** More spans are queued than the record holds: call again after the acknowledgement. */
  MORE = 4,
}

/** Bytes that Region.TOPICS has for each session, beside what it has for rooms and memberships. */
export const SESSION_TOPICS_BYTES: i32 = 20;

/**
 * `handle & HANDLE_SLOT` is a session's place in the pool, less than StatsRecord.sessions: for hosts that keep
 * a table with a row per session. Sessions in use never share one; the next session at a place has
 * another handle.
 */
export const HANDLE_SLOT: i32 = 0xffff;

/** The longest PROXY protocol header of version 1, bytes: so many tell limpet_proxy_length how long any header is. PROXY 2.1. */
export const PROXY_LINE_MAX: i32 = 107;

/** Spans in a TxRecord: as many buffers as one writev takes without losing its use. */
export const TX_SPANS_MAX: i32 = 32;

/**
 * One event, 32 bytes.
 *
 *     0      1      2      4         8     12    16     20       24      28
 *     kind   flags  code   session   ptr   len   user   detail   block   remaining
 */
@unmanaged
export class EventRecord {
  /** An EventKind. */
  kind: u8;
  /** EventFlag bits. */
  flags: u8;
  /** An opcode, a close code or an HTTP status, as the kind says. */
  code: u16;
  /** The session's handle. */
  session: i32;
  /** First payload byte; valid until the event is acknowledged and the ingress region is written again. */
  ptr: u32;
  /** Payload bytes. */
  len: u32;
  /** The session's user-data word. */
  user: i32;
  /** ERROR, CLOSED: an ErrorCode, or 0. HEARTBEAT: the round-trip time, ms. */
  detail: i32;
  /** Arena block that the acknowledgement frees, or that stays the session's: for the core only. */
  block: u32;
  /** CHUNK: payload bytes of the current frame still to come, at most 2^32 - 1. ERROR: what broke the rule, see ErrorCode. */
  remaining: u32;
}

/** The ring of EventRecords: entry i is at `base + (i & mask) * 32`, for tail <= i < head. */
@unmanaged
export class EventRing {
  /** Events written so far. */
  head: u32;
  /** Events acknowledged so far. */
  tail: u32;
  /** Entries - 1. */
  mask: u32;
  /** Address of entry 0. */
  base: u32;
}

/** One piece of output. */
@unmanaged
export class Span {
  /** First byte, or 0: the next `len` bytes are the host's own payload, see limpet_send_external. */
  ptr: u32;
  /** Bytes. */
  len: u32;
}

/** What limpet_tx found: `count` spans follow the record, at offset 16. */
@unmanaged
export class TxRecord {
  /** Spans, 0 to TX_SPANS_MAX. */
  count: u32;
  /** Bytes of all spans together. */
  bytes: u32;
  /** TxFlag bits. */
  flags: u32;
  /** Always 0. */
  reserved: u32;
}

/** A piece of linear memory or, from limpet_header_next, a name with its value. */
@unmanaged
export class FieldRecord {
  /** First byte of the name; 0 when only a value was asked for. */
  namePtr: u32;
  /** Bytes of the name. */
  nameLen: u32;
  /** First byte of the value. */
  ptr: u32;
  /** Bytes of the value. */
  len: u32;
}

/** What limpet_session_info tells. Times are the host's clock, widened to 64 bits. */
@unmanaged
export class SessionInfo {
  /** Messages received. */
  messagesIn: u64;
  /** Messages queued for sending. */
  messagesOut: u64;
  /** Payload bytes received in messages. */
  bytesIn: u64;
  /** Payload bytes queued in messages. */
  bytesOut: u64;
  /** When the session was opened, ms. */
  openedAt: u64;
  /** When the last bytes came, or a wait for its rate ended, ms. */
  activeAt: u64;
  /** Bytes in the send queue. */
  queued: u32;
  /** A State. */
  state: u8;
  /** A Role. */
  role: u8;
  /** The close code so far, 0 = none. */
  closeCode: u16;
  /** permessage-deflate as agreed on for what comes, 0 = none: window bits 8 to 15, and 0x10 when the context is kept. */
  deflateIn: u8;
  /** The same for what goes out. */
  deflateOut: u8;
  /** Always 0. */
  reserved: u16;
  /** Heartbeats sent. */
  heartbeats: u32;
  /** Heartbeats answered. */
  heartbeatsAnswered: u32;
  /** Round-trip time of the last heartbeat answered, ms. */
  rttLast: u32;
  /** The shortest one, ms. */
  rttLeast: u32;
  /** The longest one, ms. */
  rttMost: u32;
  /** Smoothed over the last ones, ms. RFC 6298 2. */
  rttSmoothed: u32;
}

/** What a publication or broadcast came to. */
@unmanaged
export class PublishRecord {
  /** Sessions that it was queued for. */
  delivered: u32;
  /** Of these, sessions whose queue is over its high-water mark now. */
  over: u32;
  /** Sessions that it was not queued for: their queue or the arena is full, WRITABLE is owed while half of the arena is in use, or they are inside a fragmented message. */
  dropped: u32;
  /** 1 when as many messages as Option.BATCH says wait to be written. */
  flush: u32;
}

/** A room: the sessions that subscribed to one topic, or to one pattern of topics. */
@unmanaged
export class RoomRecord {
  /** Messages published to it. */
  messages: u64;
  /** Payload bytes published to it. */
  bytes: u64;
  /** First byte of its topic, UTF-8. */
  ptr: u32;
  /** Bytes of its topic. */
  len: u32;
  /** Sessions in it. */
  members: u32;
  /** 1 for a pattern: its topic has `+` or `#`. */
  wildcard: u32;
}

/** Which sessions limpet_broadcast or limpet_select means: all for which everything in it holds. Zeros leave a bound out. */
@unmanaged
export class SelectRecord {
  /** Opened at this moment of the host's clock or later, ms. */
  openedFrom: u64;
  /** Opened before this moment, ms. */
  openedUntil: u64;
  /** Messages received: at least. This and the next three: feature `inspection`, without it nothing is counted. */
  messagesInFrom: u64;
  /** Messages received: at most. */
  messagesInTo: u64;
  /** Messages sent: at least. */
  messagesOutFrom: u64;
  /** Messages sent: at most. */
  messagesOutTo: u64;
  /** Bit n: sessions of State n. 0: OPEN. */
  states: u32;
  /** First byte of a key of metadata that they have. Feature `metadata`, without it nobody has one. */
  keyPtr: u32;
  /** Bytes of that key, 0 = any metadata or none. */
  keyLen: u32;
  /** First byte of the value that they have under it, 0 = any value. */
  valuePtr: u32;
  /** Bytes of that value. */
  valueLen: u32;
  /** A session that is left out, 0 = none. */
  except: i32;
}

/** Where a session's peer is. */
@unmanaged
export class AddressRecord {
  /** The first bytes of an IPv6 address in the order of the network; an IPv4 address in the first four. */
  ip0: u64;
  /** The last bytes of an IPv6 address. */
  ip8: u64;
  /** The port, 0 = not known. */
  port: u16;
  /** 4, 6, or 0 when the address is not known. */
  family: u8;
  /** 1 when a proxy told it. */
  forwarded: u8;
  /** Sessions of this address that count to ADDRESS_SESSIONS now: neither one that was refused, nor one not judged yet. */
  sessions: u32;
}

/** What limpet_stats tells, since the module was instantiated. */
@unmanaged
export class StatsRecord {
  /** Messages received. */
  messagesIn: u64;
  /** Messages queued for sending. */
  messagesOut: u64;
  /** Payload bytes received in messages. */
  bytesIn: u64;
  /** Payload bytes queued in messages. */
  bytesOut: u64;
  /** Sessions opened. */
  opened: u64;
  /** Data frames dropped or refused because a send queue was full, or over its mark when memory was short. */
  queueFull: u64;
  /** Times the arena had no block, or kept requests had all of their share. */
  memoryFull: u64;
  /** Sessions refused because none was free, or SESSIONS_MAX was reached. */
  sessionsFull: u64;
  /** Sessions that failed by the peer's fault: ERROR events with REMOTE, handshakes that were refused among them. */
  violations: u64;
  /** Sessions refused because of shutdown. */
  refusedShutdown: u64;
  /** Sessions refused because their address had its share. */
  refusedAddress: u64;
  /** Handshakes refused for their origin. */
  refusedOrigin: u64;
  /** Handshakes refused for their token. */
  refusedToken: u64;
  /** Handshakes refused for their subprotocols. */
  refusedProtocol: u64;
  /** Messages that were too long: 1009. */
  tooBig: u64;
  /** Messages dropped for a rate. */
  rateDropped: u64;
  /** Times a session was not read from for a rate. */
  rateQueued: u64;
  /** Sessions closed for a rate. */
  rateRejected: u64;
  /** Handshakes that were late, or not decided in time: 408, 503. */
  timeoutHandshake: u64;
  /** Sessions closed because nothing came for IDLE_MS. */
  timeoutIdle: u64;
  /** Sessions given up because a ping or a heartbeat was not answered. */
  timeoutPong: u64;
  /** Sessions given up because CLOSE_MS, or the timeout of limpet_shutdown, passed. */
  timeoutClose: u64;
  /** Calls of limpet_publish and limpet_broadcast that sent a message, to whomever. */
  published: u64;
  /** Sessions that these messages were queued for, summed up. */
  delivered: u64;
  /** Sessions that they were not queued for (PublishRecord.dropped), summed up. */
  undelivered: u64;
  /** Subscriptions refused because no room, or no level of wildcard topics, was free. */
  roomsFull: u64;
  /** Subscriptions refused because no membership was free. */
  membershipsFull: u64;
  /** Metadata refused: no entry was free. */
  metadataFull: u64;
  /** Heartbeats answered. */
  heartbeats: u64;
  /** The sum of their round-trip times, ms. */
  rttTotal: u64;
  /** The shortest round-trip time, ms. */
  rttLeast: u32;
  /** The longest round-trip time, ms. */
  rttMost: u32;
  /** Sessions in use now. */
  active: u32;
  /** Most sessions in use at once. */
  activePeak: u32;
  /** Sessions in the pool. */
  sessions: u32;
  /** Arena bytes in use now. */
  arenaUsed: u32;
  /** Most arena bytes in use at once. */
  arenaPeak: u32;
  /** Arena bytes. */
  arena: u32;
  /** Windows in use now, of sessions that keep a context. RFC 7692 7.1.1. */
  windowsUsed: u32;
  /** Most windows in use at once. */
  windowsPeak: u32;
  /** Windows in the pool. */
  windows: u32;
  /** Rooms in use now. */
  roomsUsed: u32;
  /** Rooms: most in use at once. */
  roomsPeak: u32;
  /** Rooms in the pool. */
  rooms: u32;
  /** Memberships in use now. */
  membershipsUsed: u32;
  /** Memberships: most in use at once. */
  membershipsPeak: u32;
  /** Memberships in the pool. */
  memberships: u32;
  /** Levels of wildcard topics in use now. */
  levelsUsed: u32;
  /** Levels of wildcard topics: most in use at once. */
  levelsPeak: u32;
  /** Levels of wildcard topics in the pool. */
  levels: u32;
  /** Entries of metadata in use now. */
  metadataUsed: u32;
  /** Entries of metadata: most in use at once. */
  metadataPeak: u32;
  /** Entries of metadata in the pool. */
  metadata: u32;
  /** Most events that waited at once. */
  eventsPeak: u32;
  /** Entries of the event ring. */
  events: u32;
  /** Messages that limpet_prepare keeps now. */
  preparedUsed: u32;
  /** Messages kept: most at once. */
  preparedPeak: u32;
  /** Messages that it may keep: as many as there are rooms in the pool. */
  prepared: u32;
}
