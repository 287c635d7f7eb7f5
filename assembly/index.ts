// The ABI: the only file with exports. It checks handles, pointers and lengths, and delegates.
//
//   bytes in    limpet_region(INGRESS) ─ the host writes ─► limpet_rx
//   events out  limpet_events ─ the host reads the ring ─► limpet_event_ack
//   bytes out   limpet_tx ─ the host writes the spans ─► limpet_tx_ack
//   time        limpet_tick, and `now` in a few calls: milliseconds of a clock that never steps
//               back, its low 32 bits
//
// Every value is an i32; pointers are addresses in linear memory. A negative answer is an
// ErrorCode. A handle is positive, and stale once its CLOSED event was acknowledged.
//
// What has a @feature is exported by the profiles that have it (see profile.ts), no other one.

import {
  ABI_VERSION,
  CLOSE_BY_HOST,
  ErrorCode,
  Opcode,
  Option,
  Part,
  Role,
  SelectRecord,
  SEND_PLAIN,
  Sent,
  SessionInfo,
  State,
  Trust,
} from './abi';
import { DEFLATE_BITS, DEFLATE_TAKEOVER } from './deflate/windows';
import { requestSend } from './http/client';
import { attachTake, attachValid } from './http/extensions';
import { accept, respond } from './http/handshake';
import { fieldRead } from './http/head';
import { cookieFind, headerFind, keepSet, partTell, requestOf } from './http/keep';
import { fieldsEnd, fieldsFrom, protocolAt } from './http/request';
import { addressOf, addressSet } from './hub/addresses';
import { payloadRelease, payloadReserve } from './hub/frames';
import { heartbeatForget, heartbeatTell } from './hub/heartbeat';
import { metaDelete, metaFind, metaNext, metaSet, metaTell } from './hub/metadata';
import { broadcast, publish, publishFlushed, reachNext, sendMany } from './hub/publish';
import { prepare, PREPARED, preparedFind, preparedFree, preparedSend } from './hub/prepared';
import { ratesClear } from './hub/rates';
import {
  join,
  leave,
  matchBegin,
  memberFind,
  roomAfter,
  roomFind,
  roomMembers,
  sessionRoomAfter,
} from './hub/rooms';
import {
  digestAdd,
  originAdd,
  protocolAdd,
  protocolOffered,
  securityClear,
  tokenAdd,
} from './hub/security';
import { selectNext } from './hub/select';
import { shutdownBegin, shutdownRefuses } from './hub/shutdown';
import { topicKind } from './hub/topics';
import {
  copyBytes,
  fieldRecord,
  infoRecord,
  INGRESS,
  MEMORY_END,
  regionAddress,
  regionBytes,
  SCRATCH,
  stats,
  txRecord,
} from './memory';
import {
  ARENA_BYTES,
  CLIENT,
  DEFLATE,
  EVENTS,
  HEARTBEAT,
  INGRESS_BYTES,
  INSPECTION,
  MEMBERSHIPS,
  METADATA,
  METADATA_ENTRIES,
  RATES,
  ROOMS,
  SCRATCH_BYTES,
  SECURITY,
  SESSIONS,
  SHUTDOWN,
  TAKEOVERS,
  TOPIC_LEVELS,
  TOPICS,
} from './profile';
import { closeCodeValid, REASON_MAX } from './protocol/close';
import { seed, SEED_MIN, seeded } from './protocol/entropy';
import { PORT_MAX } from './protocol/ip';
import { PROXY_KEPT, proxyLength } from './protocol/proxy';
import { SHA256_BYTES } from './protocol/sha256';
import { UTF8_COMPLETE, utf8Check } from './protocol/utf8';
import { receive, receiveRoom } from './receive';
import { abort, closeBegin, gone, release } from './session/ending';
import { eventRingReady, eventsAcknowledge, eventsCount } from './session/events';
import { optionKnown, optionValid } from './session/options';
import { masks, queueAcknowledge, queueNext, queueSpans } from './session/queue';
import { send, SEND_MAX, sendBegin, sendEnd, sendExternal } from './session/send';
import {
  clockSet,
  optionAddress,
  pool,
  Session,
  sessionAfter,
  sessionFind,
  sessionFree,
  sessionOpen,
} from './session/session';
import { tick } from './session/ticking';
import { timerSet } from './session/timers';

export { __heap_base, __data_end };

/** Whether `n` bytes at `p` lie in linear memory below its end. */
function inMemory(p: i32, n: i32): bool {
  return n >= 0 && p >= 0 && <u32>p <= <u32>MEMORY_END && <u32>n <= <u32>MEMORY_END - <u32>p;
}

/** Bytes of a SelectRecord. */
const SELECT_BYTES: i32 = offsetof<SelectRecord>();

function absent(s: Session): bool {
  return changetype<usize>(s) == 0;
}

// ---------------------------------------------------------------- the module

/**
 * The version of this ABI; a host checks it before anything else.
 * @returns ABI_VERSION
 */
export function limpet_abi_version(): i32 {
  return ABI_VERSION;
}

/**
 * Where a region of linear memory begins. Addresses never change.
 * @param region a Region
 * @returns its address, or ErrorCode.ARGUMENT
 */
export function limpet_region(region: i32): i32 {
  return regionAddress(region);
}

/**
 * How large a region of linear memory is.
 * @param region a Region
 * @returns its bytes, or ErrorCode.ARGUMENT
 */
export function limpet_region_size(region: i32): i32 {
  return regionBytes(region);
}

/**
 * Seeds the masking keys of client sessions. RFC 6455 10.3. May be called again at any time.
 * @param ptr bytes from a cryptographic source, in linear memory
 * @param len how many, 32 or more
 * @returns 0, or ErrorCode.ARGUMENT
 * @feature client
 */
export function limpet_seed(ptr: i32, len: i32): i32 {
  if (!inMemory(ptr, len) || len < SEED_MIN) return ErrorCode.ARGUMENT;
  seed(ptr, len);
  return 0;
}

/**
 * Counters of the module since its instantiation.
 * @returns the address of a StatsRecord, always the same and always current
 */
export function limpet_stats(): i32 {
  const s = stats();
  s.sessions = SESSIONS;
  s.arena = ARENA_BYTES;
  if (INSPECTION) {
    s.events = EVENTS;
    eventsCount();
  }
  if (DEFLATE) s.windows = TAKEOVERS;
  if (TOPICS) {
    s.rooms = ROOMS;
    s.memberships = MEMBERSHIPS;
    s.levels = TOPIC_LEVELS;
    s.prepared = PREPARED;
  }
  if (METADATA) s.metadata = METADATA_ENTRIES;
  return <i32>changetype<usize>(s);
}

/**
 * Does what is due: timeouts, keep-alive pings, heartbeats, the end of waits for a rate. Sessions that
 * got something to write are found by limpet_tx_next.
 * @param now the host's clock, ms
 * @returns milliseconds until the next call has something to do; -1 when nothing waits. A new
 *   session, an option or a close may bring that moment nearer
 */
export function limpet_tick(now: i32): i32 {
  clockSet(now);
  return tick();
}

// ------------------------------------------------------------------ sessions

/**
 * Opens a server session for a new connection; it expects the head of a request. RFC 6455 4.2.
 * @param now the host's clock, ms
 * @returns a handle; ErrorCode.SESSIONS when none is free, SHUTDOWN after limpet_shutdown
 */
export function limpet_open(now: i32): i32 {
  return opened(Role.SERVER, State.HANDSHAKE, now);
}

/**
 * Opens a session on a connection whose handshake was done elsewhere.
 * @param role a Role
 * @param deflate what permessage-deflate was agreed on, 0 for none: `in | out << 8`, both as
 *   SessionInfo has them; a context that comes is kept for windows of TAKEOVER_BITS at the most
 * @param now the host's clock, ms
 * @returns a handle of state OPEN; ErrorCode.SESSIONS, SHUTDOWN, ARGUMENT, UNSEEDED for a client, UNSUPPORTED
 *   for one without the feature `client`, or MEMORY when no window is free for the context of what
 *   comes
 */
export function limpet_attach(role: i32, deflate: i32, now: i32): i32 {
  if (<u32>role > <u32>Role.CLIENT || !attachValid(deflate)) return ErrorCode.ARGUMENT;
  if (!CLIENT && role) return ErrorCode.UNSUPPORTED;
  const handle = opened(role, State.OPEN, now);
  if (!DEFLATE || handle < 0 || !deflate) return handle;
  const s = sessionFind(handle);
  return begun(s, attachTake(s, deflate) ? 0 : ErrorCode.MEMORY);
}

/** The handle of a new session; or, when it could not begin, the error, and there is no session. */
function begun(s: Session, error: i32): i32 {
  if (!error) return s.handle;
  release(s);
  sessionFree(s);
  return error;
}

/** A new session's handle, or an ErrorCode. */
function opened(role: Role, state: State, now: i32): i32 {
  clockSet(now);
  if (CLIENT && role == Role.CLIENT && !seeded()) return ErrorCode.UNSEEDED;
  if (SHUTDOWN && shutdownRefuses()) return ErrorCode.SHUTDOWN;
  const s = sessionOpen(role, state);
  if (absent(s)) return ErrorCode.SESSIONS;
  timerSet(s);
  return s.handle;
}

/**
 * Opens a client session and queues its opening handshake. RFC 6455 4.1. OPEN or ERROR follows.
 * @param target_ptr path and query, visible ASCII beginning with "/"
 * @param target_len bytes
 * @param host_ptr the Host field's value
 * @param host_len bytes
 * @param protocols_ptr subprotocols, a comma-separated list of distinct tokens, at most 32
 * @param protocols_len bytes, 0 for none
 * @param headers_ptr field lines to add, each ending with CRLF
 * @param headers_len bytes, 0 for none
 * @param now the host's clock, ms
 * @returns a handle; ErrorCode.SESSIONS, SHUTDOWN, MEMORY, UNSEEDED, ARGUMENT, or VALUE for a string that
 *   may not be sent
 * @feature client
 */
export function limpet_connect(
  target_ptr: i32,
  target_len: i32,
  host_ptr: i32,
  host_len: i32,
  protocols_ptr: i32,
  protocols_len: i32,
  headers_ptr: i32,
  headers_len: i32,
  now: i32,
): i32 {
  if (
    !inMemory(target_ptr, target_len) ||
    !inMemory(host_ptr, host_len) ||
    !inMemory(protocols_ptr, protocols_len) ||
    !inMemory(headers_ptr, headers_len)
  ) {
    return ErrorCode.ARGUMENT;
  }
  const handle = opened(Role.CLIENT, State.HANDSHAKE, now);
  if (handle < 0) return handle;
  const s = sessionFind(handle);
  const error = requestSend(
    s,
    target_ptr,
    target_len,
    host_ptr,
    host_len,
    protocols_ptr,
    protocols_len,
    headers_ptr,
    headers_len,
  );
  return begun(s, error);
}

/**
 * Tells that the transport is gone: ended by the peer, failed, or destroyed. CLOSED follows, and
 * its acknowledgement frees the handle. The session's queue and blocks go back at once.
 * @param handle a session
 * @param now the host's clock, ms
 * @returns 0, or ErrorCode.HANDLE
 */
export function limpet_eof(handle: i32, now: i32): i32 {
  clockSet(now);
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  gone(s);
  return 0;
}

/**
 * Reads an option.
 * @param handle a session, or 0 for the defaults
 * @param option an Option
 * @returns its value (USER may be negative); ErrorCode.HANDLE or ARGUMENT
 * @feature inspection
 */
export function limpet_option_get(handle: i32, option: i32): i32 {
  const s = sessionFind(handle);
  if (handle && absent(s)) return ErrorCode.HANDLE;
  if (!optionKnown(s, option)) return ErrorCode.ARGUMENT;
  return load<i32>(optionAddress(s, option));
}

/**
 * Sets an option: of a session at once, of the defaults for sessions to come. What is of the defaults
 * only counts at once, for all.
 * @param handle a session, or 0 for the defaults
 * @param option an Option
 * @param value what its Option says; 0 or more, but for USER
 * @returns 0; ErrorCode.HANDLE, or ARGUMENT for a key or value out of range
 */
export function limpet_option_set(handle: i32, option: i32, value: i32): i32 {
  const s = sessionFind(handle);
  if (handle && absent(s)) return ErrorCode.HANDLE;
  if (!optionValid(s, option, value)) return ErrorCode.ARGUMENT;
  store<i32>(optionAddress(s, option), value);
  if (handle) {
    // It was this side that did not read: silence counts from now on.
    if (option == Option.PAUSED) {
      s.activeAt = pool().clock;
      if (HEARTBEAT) heartbeatForget(s);
    }
    timerSet(s);
  }
  if (RATES && option >= Option.RATE_WINDOW_MS && option < Option.RATE_POLICY) ratesClear();
  return 0;
}

/** Of deflateIn and deflateOut what a host may know. */
const AGREED: u8 = <u8>(DEFLATE_BITS | DEFLATE_TAKEOVER);

/**
 * What is known of a session.
 * @param handle a session
 * @returns the address of a SessionInfo, valid until the next call of this function; or ErrorCode.HANDLE
 */
export function limpet_session_info(handle: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  const info = infoRecord();
  // The counters and times of both records are the same words, in the same order.
  const first = changetype<usize>(s) + offsetof<Session>('messagesIn');
  copyBytes(changetype<usize>(info), first, offsetof<SessionInfo>('queued'));
  info.queued = s.queued;
  info.state = <u8>s.state;
  info.role = s.role;
  info.closeCode = s.closeCode;
  info.deflateIn = s.deflateIn & AGREED;
  info.deflateOut = s.deflateOut & AGREED;
  if (HEARTBEAT) heartbeatTell(s, info);
  return <i32>changetype<usize>(info);
}

/**
 * Goes through the sessions in use.
 * @param handle 0 to begin, else what the last call returned
 * @returns the next session's handle, or 0 after the last one
 * @feature inspection
 */
export function limpet_session_next(handle: i32): i32 {
  return sessionAfter(handle);
}

// ----------------------------------------------------------------- receiving

/**
 * How many bytes a session takes now: what a host reads from its transport at the most.
 * @param handle a session
 * @returns 0 (do not read: it is paused, or waits for its send queue, its rate or a decision) to the
 *   size of the ingress region; or ErrorCode.HANDLE
 */
export function limpet_rx_room(handle: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  return receiveRoom(s);
}

/**
 * Feeds bytes that came from the transport. They are overwritten by what they mean, and events
 * may point at them until the next bytes are put there.
 * @param handle a session
 * @param ptr the bytes, in the ingress region
 * @param len how many; 0 lets the session go on with what it holds
 * @param now the host's clock, ms
 * @returns how many were taken. When fewer than `len`: acknowledge the events and feed the rest (a
 *   frame that the core answers waits for the replies to messages before it, a compressed one for
 *   the memory that they hold); if still none are
 *   taken, keep the rest until limpet_rx_room is not 0. Or ErrorCode.HANDLE, ARGUMENT
 */
export function limpet_rx(handle: i32, ptr: i32, len: i32, now: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  const at = <u32>ptr - <u32>INGRESS;
  if (at > <u32>INGRESS_BYTES || <u32>len > <u32>INGRESS_BYTES - at) return ErrorCode.ARGUMENT;
  clockSet(now);
  return receive(s, ptr, len);
}

/**
 * The ring of events.
 * @returns the address of an EventRing, always the same and always current
 */
export function limpet_events(): i32 {
  return <i32>changetype<usize>(eventRingReady());
}

/**
 * Hands the oldest events back: what their pointers point at may be used again, and a CLOSED
 * session's handle is stale from here on.
 * @param count how many
 * @returns 0, or ErrorCode.ARGUMENT when there are not so many
 */
export function limpet_event_ack(count: i32): i32 {
  return eventsAcknowledge(count);
}

// ----------------------------------------------------------------- handshake

/**
 * Sets what is kept of requests past the handshake, for sessions that are accepted from now on: the
 * request line, the fields Host, Origin and Cookie, the subprotocol that was chosen and the fields
 * named here, until limpet_eof. They may have a quarter of the arena: a session for which there is no
 * room is opened all the same, and nothing of its request is kept.
 * @param names_ptr field names, a comma-separated list; `*` for all
 * @param names_len bytes; 0 to keep nothing, which is the default
 * @returns 0; ErrorCode.ARGUMENT, VALUE for what is no list of tokens, or MEMORY for one of more than
 *   255 bytes, one counted for each name
 * @feature headers
 */
export function limpet_request_keep(names_ptr: i32, names_len: i32): i32 {
  if (!inMemory(names_ptr, names_len)) return ErrorCode.ARGUMENT;
  return keepSet(names_ptr, names_len);
}

/**
 * A part of the request, while the session is PENDING, and later if it is kept.
 * @param handle a session
 * @param part a Part; HEAD is, once the session is open, the head without the lines that are not kept
 * @returns the address of a FieldRecord with the part in `ptr` and `len`, valid until the next call
 *   into the module, its bytes until limpet_accept or limpet_respond, those that are kept until
 *   limpet_eof; ErrorCode.ABSENT for an Origin or a subprotocol that there is not; or HANDLE, STATE,
 *   ARGUMENT
 * @feature headers
 */
export function limpet_request_part(handle: i32, part: i32): i32 {
  const block = requestBlock(handle);
  if (block < 0) return block;
  const error = partTell(block, part);
  return error ? error : <i32>changetype<usize>(fieldRecord());
}

/** Where the head of a session lies that is PENDING, or an ErrorCode. */
function pendingBlock(handle: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  return s.state == State.PENDING ? s.block : ErrorCode.STATE;
}

/** Where that lies, or what is kept of it, or an ErrorCode. */
function requestBlock(handle: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  const block = <i32>requestOf(s);
  return block ? block : ErrorCode.STATE;
}

/**
 * Goes through the header fields of the request, while the session is PENDING, and later through
 * those that are kept.
 * @param handle a session
 * @param cursor 0 to begin, else what the last call returned, in the same state
 * @returns the next cursor, with name and value in the FieldRecord that limpet_request_part
 *   returns; ErrorCode.ABSENT after the last field; or HANDLE, STATE, ARGUMENT
 * @feature headers
 */
export function limpet_header_next(handle: i32, cursor: i32): i32 {
  const block = requestBlock(handle);
  if (block < 0) return block;
  const end = fieldsEnd(block);
  const first = fieldsFrom(block);
  const from = cursor ? <usize>block + cursor : first;
  if (from == end) return ErrorCode.ABSENT;
  const next: usize = from < first || from > end ? 0 : fieldRead(from, end);
  return next ? <i32>(next - block) : ErrorCode.ARGUMENT;
}

/**
 * The first field of a name, in any case, while the session is PENDING, and later if it is kept.
 * @param handle a session
 * @param name_ptr the name
 * @param name_len bytes
 * @returns the address of a FieldRecord with name and value, valid as in limpet_request_part;
 *   ErrorCode.ABSENT; or HANDLE, STATE, ARGUMENT
 * @feature headers
 */
export function limpet_header(handle: i32, name_ptr: i32, name_len: i32): i32 {
  const block = requestBlock(handle);
  if (block < 0) return block;
  if (!inMemory(name_ptr, name_len)) return ErrorCode.ARGUMENT;
  const found = headerFind(block, name_ptr, name_len);
  return found ? <i32>changetype<usize>(fieldRecord()) : ErrorCode.ABSENT;
}

/**
 * The first cookie of a name, over all Cookie fields, while the session is PENDING, and later if the
 * request is kept. RFC 6265 4.2.1: quotes around a value are part of it.
 * @param handle a session
 * @param name_ptr the name; its case counts
 * @param name_len bytes
 * @returns the address of a FieldRecord with name and value, valid as in limpet_request_part;
 *   ErrorCode.ABSENT; or HANDLE, STATE, ARGUMENT
 * @feature headers
 */
export function limpet_cookie(handle: i32, name_ptr: i32, name_len: i32): i32 {
  const block = requestBlock(handle);
  if (block < 0) return block;
  if (!inMemory(name_ptr, name_len)) return ErrorCode.ARGUMENT;
  const found = cookieFind(block, name_ptr, name_len);
  return found ? <i32>changetype<usize>(fieldRecord()) : ErrorCode.ABSENT;
}

/**
 * A subprotocol that the client offers, over all its Sec-WebSocket-Protocol fields. RFC 6455 4.1. Of
 * those that limpet_protocol_add does not allow, and of a bearer token, nothing is told: a host that
 * chooses the first one chooses one that it may.
 * @param handle a session
 * @param index 0 for the one it prefers
 * @returns the address of a FieldRecord with it in `ptr` and `len`; ErrorCode.ABSENT past the last
 *   one; or HANDLE, STATE
 * @feature protocols
 */
export function limpet_protocol_at(handle: i32, index: i32): i32 {
  const block = pendingBlock(handle);
  if (block < 0) return block;
  const answer = SECURITY
    ? protocolOffered(block, index)
    : protocolAt(fieldsFrom(block), fieldsEnd(block), index);
  return answer ? ErrorCode.ABSENT : <i32>changetype<usize>(fieldRecord());
}

/**
 * Accepts an opening handshake: 101, and the session is OPEN. RFC 6455 4.2.2. Then call limpet_rx
 * with 0 bytes until it brings no event: frames may have come with the head.
 * @param handle a session, after its UPGRADE event
 * @param protocol_ptr the subprotocol chosen, one of those that limpet_protocol_at tells
 * @param protocol_len bytes, 0 for none: then `bearer` is answered where a token stood behind it
 * @param headers_ptr field lines to add, each ending with CRLF
 * @param headers_len bytes, 0 for none
 * @returns 0; ErrorCode.HANDLE, STATE, MEMORY, ARGUMENT, or VALUE for a subprotocol that was not
 *   offered or is not allowed, a malformed field, or one that the core writes itself
 */
export function limpet_accept(
  handle: i32,
  protocol_ptr: i32,
  protocol_len: i32,
  headers_ptr: i32,
  headers_len: i32,
): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (!inMemory(protocol_ptr, protocol_len) || !inMemory(headers_ptr, headers_len)) {
    return ErrorCode.ARGUMENT;
  }
  return accept(s, protocol_ptr, protocol_len, headers_ptr, headers_len);
}

/**
 * Answers a plain request, or refuses an opening handshake, with `Connection: close`. RFC 9112 9.6.
 * @param handle a session, after its REQUEST or UPGRADE event
 * @param status 200 to 599; 0 for the default, 426 to a plain request and 400 to a handshake
 * @param headers_ptr field lines to add, each ending with CRLF
 * @param headers_len bytes, 0 for none
 * @param body_ptr the body, or 0 when its bytes stay with the host (see limpet_send_external)
 * @param body_len bytes, 0 for none
 * @returns the bytes of the body that the host is to write itself (0 in answer to HEAD);
 *   ErrorCode.HANDLE, STATE, MEMORY, ARGUMENT, VALUE for a header that may not be sent, or
 *   UNSUPPORTED for headers or a body without the feature `http`
 */
export function limpet_respond(
  handle: i32,
  status: i32,
  headers_ptr: i32,
  headers_len: i32,
  body_ptr: i32,
  body_len: i32,
): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (!inMemory(headers_ptr, headers_len) || body_len < 0) return ErrorCode.ARGUMENT;
  if (body_ptr && !inMemory(body_ptr, body_len)) return ErrorCode.ARGUMENT;
  return respond(s, status, headers_ptr, headers_len, body_ptr, body_len);
}

// ------------------------------------------------------------------- sending

/**
 * The longest payload that limpet_send and limpet_send_begin take.
 * @returns bytes: the largest block less the longest header
 */
export function limpet_send_max(): i32 {
  return SEND_MAX;
}

/**
 * Queues a frame with a copy of its payload. RFC 6455 6.1.
 * @param handle an open session; for PONG also one of state CLOSING
 * @param kind an Opcode but CLOSE; a data opcode with SEND_MORE when fragments follow, with
 *   SEND_PLAIN when it is not to be compressed
 * @param ptr the payload: UTF-8 if it is text, which is not checked
 * @param len bytes, at most 125 for PING and PONG, and limpet_send_max() for data
 * @returns a Sent; ErrorCode.HANDLE, STATE, ARGUMENT, MEMORY or FULL
 */
export function limpet_send(handle: i32, kind: i32, ptr: i32, len: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (!inMemory(ptr, len)) return ErrorCode.ARGUMENT;
  return send(s, kind, ptr, len);
}

/**
 * Queues a frame whose payload the host writes into the queue itself. limpet_send_end comes next,
 * before any other call into the module.
 * @param handle an open session
 * @param kind as in limpet_send
 * @param len bytes of payload, as in limpet_send
 * @returns where the payload goes; 0 when it was dropped (FullPolicy.DROP); or an ErrorCode as
 *   limpet_send has them
 */
export function limpet_send_begin(handle: i32, kind: i32, len: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (len < 0) return ErrorCode.ARGUMENT;
  const payload = sendBegin(s, kind, len);
  return payload == Sent.DROPPED ? 0 : payload;
}

/**
 * Ends what limpet_send_begin began: the payload is written.
 * @param handle the same session
 * @returns a Sent, or ErrorCode.HANDLE
 */
export function limpet_send_end(handle: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  return sendEnd(s);
}

/**
 * Queues the header of a frame whose payload never enters linear memory: limpet_tx hands it out as
 * a span of `ptr` 0, in its turn, and the host writes its own bytes there. Servers only: a client
 * has to mask.
 * @param handle an open server session
 * @param kind as in limpet_send, data only
 * @param len bytes of payload
 * @returns a Sent, or an ErrorCode as limpet_send has them
 */
export function limpet_send_external(handle: i32, kind: i32, len: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (len < 0) return ErrorCode.ARGUMENT;
  return sendExternal(s, kind, len);
}

/**
 * Gives the masking key of all frames that a client session sends from now on, in place of keys of the
 * core's own, until it is called again. RFC 6455 5.3 and 10.3: whoever gives keys answers for it that
 * nobody can foretell them.
 * @param handle a client session
 * @param key its low byte comes first on the wire
 * @returns 0, or ErrorCode.HANDLE, or STATE for a server's session
 * @feature client
 */
export function limpet_masking_key(handle: i32, key: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (!masks(s)) return ErrorCode.STATE;
  s.keyed = true;
  s.request = key;
  return 0;
}

/**
 * Begins the close handshake. RFC 6455 7.1.2. What is queued is sent first.
 * @param handle an open session
 * @param code 1000-1003, 1007-1014 or 3000-4999; 0 for a Close frame without a code
 * @param ptr the reason, UTF-8
 * @param len bytes, at most 123; 0 with code 0
 * @returns 0; ErrorCode.HANDLE, STATE, ARGUMENT, or VALUE for a code that may not be sent or a
 *   reason that is not UTF-8
 */
export function limpet_close(handle: i32, code: i32, ptr: i32, len: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (s.state != State.OPEN) return ErrorCode.STATE;
  const error = limpet_close_check(code, ptr, len);
  if (!error) closeBegin(s, code, ptr, len);
  return error;
}

/**
 * Whether a Close frame may say this, for hosts that send it later.
 * @param code as in limpet_close
 * @param ptr the reason, UTF-8
 * @param len bytes
 * @returns 0; ErrorCode.ARGUMENT, or VALUE for a code that may not be sent or a reason that is not UTF-8
 */
export function limpet_close_check(code: i32, ptr: i32, len: i32): i32 {
  if (!inMemory(ptr, len) || len > REASON_MAX || (code == 0 && len)) return ErrorCode.ARGUMENT;
  if (code && !closeCodeValid(code)) return ErrorCode.VALUE;
  return utf8Check(UTF8_COMPLETE, ptr, len) == UTF8_COMPLETE ? 0 : ErrorCode.VALUE;
}

/**
 * Gives a session up without a close handshake: limpet_tx says ABORT, and limpet_eof comes next.
 * @param handle a session
 * @returns 0, or ErrorCode.HANDLE
 */
export function limpet_terminate(handle: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (s.state < State.ABORTED) abort(s, 0);
  return 0;
}

/**
 * The next session that has something to write, or to end; it leaves the list. A host that is
 * still writing for it may leave it until that write is acknowledged.
 * @returns its handle, or 0 when there is none
 */
export function limpet_tx_next(): i32 {
  const handle = queueNext();
  if (TOPICS && !handle) publishFlushed();
  return handle;
}

/**
 * What is to be written for a session now; it leaves the list of limpet_tx_next.
 * @param handle a session
 * @returns the address of a TxRecord with its spans, valid until the next call of this function;
 *   the bytes stay where they are until limpet_tx_ack. Or ErrorCode.HANDLE
 */
export function limpet_tx(handle: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  queueSpans(s);
  return <i32>changetype<usize>(txRecord());
}

/**
 * Tells that bytes were written: their blocks may be used again.
 * @param handle a session
 * @param bytes how many, from the front of what limpet_tx said; the host's own payloads count
 * @returns 1 when something is left to write, or to end; else 0. Or ErrorCode.HANDLE, ARGUMENT
 */
export function limpet_tx_ack(handle: i32, bytes: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  return queueAcknowledge(s, bytes);
}

// --------------------------------------------------------------------- rooms

/**
 * Subscribes a session to a topic, or to all topics of a pattern: it joins that room, which comes
 * with its first member. MQTT 5 4.7. It leaves all rooms when its transport is gone.
 * @param handle an open session
 * @param topic_ptr UTF-8 without U+0000; levels between slashes, `+` for any one level, `#` at the
 *   end for any rest
 * @param topic_len bytes, 1 to TOPIC_MAX_BYTES
 * @returns 1 when it joined, 0 when it was in; ErrorCode.HANDLE, STATE, ARGUMENT, VALUE for what is
 *   no topic and no pattern, ROOMS or MEMBERSHIPS
 * @feature topics
 */
export function limpet_subscribe(handle: i32, topic_ptr: i32, topic_len: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (!inMemory(topic_ptr, topic_len)) return ErrorCode.ARGUMENT;
  return join(s, topic_ptr, topic_len);
}

/**
 * Ends a subscription: the session leaves that room, which goes with its last member.
 * @param handle a session
 * @param topic_ptr the topic or pattern, as it was subscribed to
 * @param topic_len bytes
 * @returns 1 when it left, 0 when it was not in; ErrorCode.HANDLE, ARGUMENT, or VALUE for what is no
 *   topic and no pattern
 * @feature topics
 */
export function limpet_unsubscribe(handle: i32, topic_ptr: i32, topic_len: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (!inMemory(topic_ptr, topic_len)) return ErrorCode.ARGUMENT;
  return leave(s, topic_ptr, topic_len);
}

/**
 * Whether a session is in a room.
 * @param handle a session
 * @param topic_ptr the topic or pattern, as it was subscribed to
 * @param topic_len bytes
 * @returns 1 or 0; or ErrorCode.HANDLE, ARGUMENT
 * @feature topics
 */
export function limpet_subscribed(handle: i32, topic_ptr: i32, topic_len: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (!inMemory(topic_ptr, topic_len)) return ErrorCode.ARGUMENT;
  const room = roomFind(topic_ptr, topic_len);
  return i32(changetype<usize>(room) != 0 && changetype<usize>(memberFind(s, room)) != 0);
}

/**
 * What is known of a room.
 * @param topic_ptr its topic or pattern
 * @param topic_len bytes
 * @returns the address of its RoomRecord, always current, valid until its last member leaves; or
 *   ErrorCode.ABSENT, ARGUMENT, VALUE for what is no topic and no pattern
 * @feature topics
 */
export function limpet_room(topic_ptr: i32, topic_len: i32): i32 {
  if (!inMemory(topic_ptr, topic_len)) return ErrorCode.ARGUMENT;
  if (!topicKind(topic_ptr, topic_len)) return ErrorCode.VALUE;
  const room = roomFind(topic_ptr, topic_len);
  return changetype<usize>(room) ? <i32>changetype<usize>(room) : ErrorCode.ABSENT;
}

/**
 * Goes through all rooms, of topics and of patterns. They may come and go meanwhile: each that stays
 * is told once.
 * @param room 0 to begin, else what the last call returned
 * @returns the address of the next room's RoomRecord, 0 after the last one; or ErrorCode.ARGUMENT
 * @feature topics
 */
export function limpet_room_next(room: i32): i32 {
  return roomAfter(room);
}

/**
 * Writes down members of one room, the last to join first. Sessions that close are members until
 * their transport is gone. Members of patterns that match its topic are those of other rooms.
 * @param topic_ptr its topic or pattern
 * @param topic_len bytes
 * @param after the last member that was written down before, 0 to begin
 * @param out_ptr where handles go, an i32 each
 * @param max how many at the most
 * @returns how many; ErrorCode.ABSENT, or ARGUMENT, also when `after` is not a member (any more)
 * @feature topics
 */
export function limpet_room_members(
  topic_ptr: i32,
  topic_len: i32,
  after: i32,
  out_ptr: i32,
  max: i32,
): i32 {
  if (!inMemory(topic_ptr, topic_len)) return ErrorCode.ARGUMENT;
  if (<u32>max > (<u32>MEMORY_END) >> 2 || !inMemory(out_ptr, max << 2)) return ErrorCode.ARGUMENT;
  const room = roomFind(topic_ptr, topic_len);
  if (!changetype<usize>(room)) return ErrorCode.ABSENT;
  return roomMembers(room, after, out_ptr, max);
}

/**
 * Goes through the rooms of a session, the last that it joined first.
 * @param handle a session
 * @param room 0 to begin, else what the last call returned
 * @returns the address of the next room's RoomRecord, 0 after the last one; ErrorCode.HANDLE, or
 *   ARGUMENT when the session is not in that room (any more)
 * @feature topics
 */
export function limpet_session_room_next(handle: i32, room: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  return sessionRoomAfter(s, room);
}

// ---------------------------------------------------------------- publishing

/** Whether a message may go to many sessions: TEXT or BINARY, and one that limpet_send takes. */
function publishable(kind: i32, ptr: i32, len: i32): bool {
  const opcode = kind & ~SEND_PLAIN;
  return (
    (opcode == Opcode.TEXT || opcode == Opcode.BINARY) && inMemory(ptr, len) && <u32>len <= SEND_MAX
  );
}

/** The error of a publication that is not made: the room that limpet_publish_room left for it goes back. */
function refused(error: i32): i32 {
  payloadRelease();
  return error;
}

/** Whether a SelectRecord, and what it points at, lie in linear memory. */
function selectable(ptr: i32): bool {
  if (!inMemory(ptr, SELECT_BYTES)) return false;
  const select = changetype<SelectRecord>(ptr);
  return inMemory(select.keyPtr, select.keyLen) && inMemory(select.valuePtr, select.valueLen);
}

/**
 * Sends one whole message to the members of all rooms whose topic, or pattern, matches a topic; to each
 * once. It is made once for all of them, and compressed once for each of their windows that is
 * smaller than the message. RFC 7692 7.1.
 * @param topic_ptr the topic, as in limpet_subscribe but without wildcards. MQTT 5 4.7.1
 * @param topic_len bytes
 * @param kind TEXT or BINARY, with SEND_PLAIN if it is to go as it is
 * @param ptr the payload, as in limpet_send; where limpet_publish_room said, it needs no copy
 * @param len bytes, as in limpet_send
 * @param except a session that gets nothing, 0 for none
 * @returns the address of a PublishRecord, valid until the next call of this function or
 *   limpet_broadcast; or ErrorCode.ARGUMENT, or VALUE for what is no topic
 * @feature topics
 */
export function limpet_publish(
  topic_ptr: i32,
  topic_len: i32,
  kind: i32,
  ptr: i32,
  len: i32,
  except: i32,
): i32 {
  if (!publishable(kind, ptr, len) || !inMemory(topic_ptr, topic_len)) {
    return refused(ErrorCode.ARGUMENT);
  }
  if (!matchBegin(topic_ptr, topic_len)) return refused(ErrorCode.VALUE);
  return <i32>changetype<usize>(publish(kind, ptr, len, except));
}

/**
 * Goes through the open sessions that a message to a topic reaches, for hosts that have to send it
 * to each by itself: a longer one than limpet_publish takes, or one that other messages have to precede.
 * The whole way looks at every session of the pool.
 * @param topic_ptr the topic, as in limpet_publish
 * @param topic_len bytes
 * @param after 0 to begin, else what the last call returned
 * @returns the next such session's handle, 0 after the last one; or ErrorCode.ARGUMENT, or VALUE for
 *   what is no topic
 * @feature topics
 */
export function limpet_topic_next(topic_ptr: i32, topic_len: i32, after: i32): i32 {
  if (!inMemory(topic_ptr, topic_len)) return ErrorCode.ARGUMENT;
  if (!matchBegin(topic_ptr, topic_len)) return ErrorCode.VALUE;
  return reachNext(topic_ptr, topic_len, after);
}

/**
 * Sends one whole message to all open sessions, or to some of them, as limpet_publish does.
 * @param select_ptr a SelectRecord that names the sessions (those of them that are not open get
 *   nothing); 0 for all open ones
 * @param kind TEXT or BINARY, with SEND_PLAIN if it is to go as it is
 * @param ptr the payload, as in limpet_send; where limpet_publish_room said, it needs no copy
 * @param len bytes, as in limpet_send
 * @returns the address of a PublishRecord, valid until the next call of this function or
 *   limpet_publish; or ErrorCode.ARGUMENT
 * @feature topics
 */
export function limpet_broadcast(select_ptr: i32, kind: i32, ptr: i32, len: i32): i32 {
  if (!publishable(kind, ptr, len) || (select_ptr && !selectable(select_ptr))) {
    return refused(ErrorCode.ARGUMENT);
  }
  return <i32>changetype<usize>(broadcast(changetype<SelectRecord>(select_ptr), kind, ptr, len));
}

/**
 * Goes through the sessions that a SelectRecord names. The whole way looks at every session of the pool.
 * @param select_ptr the record; 0 for all open sessions
 * @param after 0 to begin, else what the last call returned
 * @returns the next such session's handle, 0 after the last one; or ErrorCode.ARGUMENT
 * @feature topics
 */
export function limpet_select(select_ptr: i32, after: i32): i32 {
  if (select_ptr && !selectable(select_ptr)) return ErrorCode.ARGUMENT;
  return selectNext(changetype<SelectRecord>(select_ptr), after);
}

/**
 * Makes room for a payload where it will be sent from. The host writes it there, and hands the
 * address to limpet_publish, limpet_broadcast or limpet_send_many with the same length: it is not
 * copied. (limpet_prepare takes it from there, too, but copies it.) No other call comes between; the
 * room is given back by the next one of these five calls.
 * @param len bytes of payload, as in limpet_send
 * @returns where it goes; or ErrorCode.ARGUMENT, MEMORY
 * @feature topics
 */
export function limpet_publish_room(len: i32): i32 {
  return <u32>len > SEND_MAX ? refused(ErrorCode.ARGUMENT) : payloadReserve(len);
}

/**
 * Queues one whole message for a list of sessions, made once for all of them as limpet_broadcast makes it.
 * @param handles_ptr their handles, an i32 each; over each a Sent or an ErrorCode is written, as
 *   limpet_send answers
 * @param count how many, at most as many as the pool has
 * @param kind TEXT or BINARY, with SEND_PLAIN if it is to go as it is
 * @param ptr the payload, as in limpet_send
 * @param len bytes, as in limpet_send
 * @returns 0, or ErrorCode.ARGUMENT
 * @feature topics
 */
export function limpet_send_many(handles_ptr: i32, count: i32, kind: i32, ptr: i32, len: i32): i32 {
  if (
    <u32>count > <u32>SESSIONS ||
    !inMemory(handles_ptr, count << 2) ||
    !publishable(kind, ptr, len)
  ) {
    return refused(ErrorCode.ARGUMENT);
  }
  sendMany(handles_ptr, count, kind, ptr, len);
  return 0;
}

/**
 * Keeps one whole message, to be sent to any sessions at any time: it is framed here, and compressed once
 * for each window that a session asks for. RFC 7692 7.1. It stays until limpet_prepared_free, and costs
 * arena blocks as long as the frames are.
 * @param kind TEXT or BINARY, with SEND_PLAIN if it is to go as it is
 * @param ptr the payload, as in limpet_send, or where limpet_publish_room said; it is copied
 * @param len bytes, as in limpet_send
 * @returns its number, more than 0; ErrorCode.ARGUMENT, or MEMORY when the arena has no block for it, or as
 *   many are kept as there are rooms in the pool
 * @feature topics
 */
export function limpet_prepare(kind: i32, ptr: i32, len: i32): i32 {
  const answer = publishable(kind, ptr, len) ? prepare(kind, ptr, len) : ErrorCode.ARGUMENT;
  payloadRelease();
  return answer;
}

/**
 * Queues a prepared message for a session, without a copy; a client, which masks, gets one.
 * @param handle an open session
 * @param prepared what limpet_prepare returned
 * @returns a Sent, or an ErrorCode as limpet_send has them: HANDLE for the session, ARGUMENT for a message
 *   that was freed, or never was one
 * @feature topics
 */
export function limpet_send_prepared(handle: i32, prepared: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  const record = preparedFind(prepared);
  return changetype<usize>(record) ? preparedSend(s, record) : ErrorCode.ARGUMENT;
}

/**
 * Forgets a prepared message: its number is stale. What is queued of it is still sent.
 * @param prepared what limpet_prepare returned
 * @returns 0, or ErrorCode.ARGUMENT for one that was freed, or never was one
 * @feature topics
 */
export function limpet_prepared_free(prepared: i32): i32 {
  const record = preparedFind(prepared);
  if (!changetype<usize>(record)) return ErrorCode.ARGUMENT;
  preparedFree(record);
  return 0;
}

// ------------------------------------------------------------------ metadata

/**
 * Gives a session a value under a key, in place of the one that it has there. Both may be any
 * bytes. They stay until the handle is stale: a CLOSED event still finds them.
 * @param handle a session
 * @param key_ptr the key
 * @param key_len bytes, 1 to METADATA_KEY_BYTES
 * @param value_ptr the value
 * @param value_len bytes, at most METADATA_VALUE_BYTES
 * @returns 0; ErrorCode.HANDLE, ARGUMENT, also for a key or value of another length, or METADATA when
 *   no entry is free, and nothing changed
 * @feature metadata
 */
export function limpet_meta_set(
  handle: i32,
  key_ptr: i32,
  key_len: i32,
  value_ptr: i32,
  value_len: i32,
): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (!inMemory(key_ptr, key_len) || !inMemory(value_ptr, value_len)) return ErrorCode.ARGUMENT;
  return metaSet(s, key_ptr, key_len, value_ptr, value_len);
}

/**
 * The value that a session has under a key.
 * @param handle a session
 * @param key_ptr the key
 * @param key_len bytes
 * @returns the address of a FieldRecord with key and value, valid until the next call into the
 *   module, its bytes until that key is set or deleted; ErrorCode.HANDLE, ARGUMENT, or ABSENT
 * @feature metadata
 */
export function limpet_meta_get(handle: i32, key_ptr: i32, key_len: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (!inMemory(key_ptr, key_len)) return ErrorCode.ARGUMENT;
  const entry = metaFind(s, key_ptr, key_len);
  if (!entry) return ErrorCode.ABSENT;
  metaTell(entry);
  return <i32>changetype<usize>(fieldRecord());
}

/**
 * Forgets a key of a session.
 * @param handle a session
 * @param key_ptr the key
 * @param key_len bytes
 * @returns 1, or 0 when the session does not have it; ErrorCode.HANDLE or ARGUMENT
 * @feature metadata
 */
export function limpet_meta_delete(handle: i32, key_ptr: i32, key_len: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (!inMemory(key_ptr, key_len)) return ErrorCode.ARGUMENT;
  return metaDelete(s, key_ptr, key_len);
}

/**
 * Goes through what a session has, in the order in which its keys came.
 * @param handle a session
 * @param key_ptr 0 to begin, else `namePtr` of the last call's FieldRecord
 * @returns the address of a FieldRecord with the next key and value, valid as in limpet_meta_get;
 *   ErrorCode.ABSENT after the last one; or HANDLE, ARGUMENT for a key that was deleted
 * @feature metadata
 */
export function limpet_meta_next(handle: i32, key_ptr: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  const error = metaNext(s, key_ptr);
  return error ? error : <i32>changetype<usize>(fieldRecord());
}

// ----------------------------------------------------------------- addresses

/** All bits of Trust. */
const TRUST_ALL: u32 = Trust.PROXY | Trust.PROXY_REQUIRED | Trust.FORWARDED;

/**
 * Tells where a session's peer is, and what its first bytes may say of that. To be called after
 * limpet_open or limpet_attach, before any byte is fed.
 * @param handle a server session of state HANDSHAKE, or one that limpet_attach opened
 * @param ptr the address in the order of the network; one of IPv6 that maps one of IPv4 is that
 * @param len its bytes: 4, 16, or 0 when it is not known
 * @param port 0 to 65535, 0 when it is not known
 * @param trust bits of Trust, 0 for a peer that speaks for itself
 * @returns 0; ErrorCode.ADDRESSES when the address has ADDRESS_SESSIONS: the host may cut the connection
 *   off, else its head is answered 429 (a session that limpet_attach opened goes on, and does not count).
 *   What is trusted to tell another address is judged by that, when its head is whole. Or HANDLE,
 *   ARGUMENT, or STATE for a client, or once a byte was fed
 * @feature addresses
 */
export function limpet_address_set(handle: i32, ptr: i32, len: i32, port: i32, trust: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  if (
    (len != 0 && len != 4 && len != 16) ||
    !inMemory(ptr, len) ||
    <u32>port > PORT_MAX ||
    <u32>trust > TRUST_ALL
  ) {
    return ErrorCode.ARGUMENT;
  }
  return addressSet(s, ptr, len, port, trust);
}

/**
 * Where a session's peer is, until limpet_eof: as limpet_address_set told, or as a trusted proxy did.
 * @param handle a session
 * @returns the address of an AddressRecord, valid until the next call of this function; or
 *   ErrorCode.HANDLE
 * @feature addresses
 */
export function limpet_address(handle: i32): i32 {
  const s = sessionFind(handle);
  if (absent(s)) return ErrorCode.HANDLE;
  return <i32>changetype<usize>(addressOf(s));
}

/**
 * How long the PROXY protocol header is with which the bytes of a connection begin: for a host that has
 * to take it off before something else, such as TLS. It feeds the header to the session before all else.
 * @param ptr the bytes, or the first PROXY_LINE_MAX of them
 * @param len how many there are, 0 or more
 * @returns more than `len` when so many have to be there before it can be said; the header's length, at
 *   most `len`; ErrorCode.ABSENT when there is none, PROXY when it is malformed; or ARGUMENT
 * @feature addresses
 */
export function limpet_proxy_length(ptr: i32, len: i32): i32 {
  if (len < 0 || !inMemory(ptr, min(len, PROXY_KEPT))) return ErrorCode.ARGUMENT;
  return proxyLength(ptr, len);
}

// ------------------------------------------------------------------ security

/** Whether `n` bytes at `p` lie in the scratch region. */
function inScratch(p: i32, n: i32): bool {
  const at = <u32>p - <u32>SCRATCH;
  return at <= <u32>SCRATCH_BYTES && <u32>n <= <u32>SCRATCH_BYTES - at;
}

/**
 * Adds to the list of origins whose pages may open connections. As long as it is empty, any may; from
 * then on a handshake is refused with 403 unless an entry admits its Origin field. RFC 6455 10.2.
 * @param ptr an origin as browsers send it, without regard to case: `https://example.com`, with its port
 *   unless that is the scheme's own; `https://*.example.com` for all its subdomains; `*` for all
 *   origins but `null`; `null`; or nothing for requests without an Origin, as programs send them
 * @param len bytes
 * @returns 0; ErrorCode.ARGUMENT, VALUE when it is none of these, or MEMORY when the list is full
 * @feature security
 */
export function limpet_origin_add(ptr: i32, len: i32): i32 {
  return inMemory(ptr, len) ? originAdd(ptr, len) : ErrorCode.ARGUMENT;
}

/**
 * Adds to the list of subprotocols. As long as it is empty, a client may offer and a host choose any;
 * from then on a handshake that offers some, but none of the list, is refused with 400, and
 * limpet_protocol_at and limpet_accept know none but those of the list.
 * @param ptr a token, in the case in which clients send it
 * @param len bytes
 * @returns 0; ErrorCode.ARGUMENT, VALUE when it is no token, MEMORY when the list is full, or
 *   UNSUPPORTED without the feature `protocols`
 * @feature security
 */
export function limpet_protocol_add(ptr: i32, len: i32): i32 {
  return inMemory(ptr, len) ? protocolAdd(ptr, len) : ErrorCode.ARGUMENT;
}

/**
 * Adds to the list of bearer tokens. As long as it is empty none is asked for; from then on a handshake
 * is refused with 401 unless one of the list comes in one of the places that Option.TOKEN_SOURCES
 * names. RFC 6750. Only a token's SHA-256 is kept.
 * @param ptr the token, in the scratch region, where it is overwritten with zeros: letters, digits and
 *   `-._~+/`, then any number of `=`
 * @param len bytes, 1 or more
 * @returns 0; ErrorCode.ARGUMENT, VALUE when no client could send it, or MEMORY when the list is full
 * @feature security
 */
export function limpet_token_add(ptr: i32, len: i32): i32 {
  return inScratch(ptr, len) ? tokenAdd(ptr, len) : ErrorCode.ARGUMENT;
}

/**
 * Adds a bearer token of which the host has no more than its SHA-256.
 * @param ptr the 32 bytes
 * @returns 0; ErrorCode.ARGUMENT, or MEMORY when the list is full
 * @feature security
 */
export function limpet_token_add_digest(ptr: i32): i32 {
  return inMemory(ptr, SHA256_BYTES) ? digestAdd(ptr) : ErrorCode.ARGUMENT;
}

/**
 * Empties the lists of origins, subprotocols and tokens: nothing is asked of handshakes that come
 * from then on.
 * @returns 0
 * @feature security
 */
export function limpet_security_clear(): i32 {
  securityClear();
  return 0;
}

// ------------------------------------------------------------------ shutdown

/**
 * Ends everything, in order: from now on no session begins; those whose handshake is under way are
 * answered 503; those that are open get a SHUTDOWN event, and when it is acknowledged, behind all
 * that was sent until then, the close handshake begins. It is over when StatsRecord.active is 0.
 * Called again, it moves the timeout. It cannot be taken back.
 * @param timeout_ms how long that may take; those that are still there then are aborted (limpet_tick
 *   does it, and its answer counts that moment); 0 aborts all at once
 * @param code what Close frames say, as in limpet_close; 0 for 1001, going away; CLOSE_BY_HOST when
 *   the host calls limpet_close itself: later, or with a reason
 * @param now the host's clock, ms
 * @returns 0; ErrorCode.ARGUMENT, or VALUE for a code that may not be sent
 * @feature shutdown
 */
export function limpet_shutdown(timeout_ms: i32, code: i32, now: i32): i32 {
  if (timeout_ms < 0) return ErrorCode.ARGUMENT;
  if (code && code != CLOSE_BY_HOST && !closeCodeValid(code)) return ErrorCode.VALUE;
  clockSet(now);
  shutdownBegin(timeout_ms, code);
  return 0;
}
