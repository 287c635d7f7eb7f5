// Handle ↔ session record, and the pool of them. Opening and closing are O(1).
//
// A handle is generation << 16 | slot. The generation changes when the slot is freed, so a stale
// handle finds nothing rather than somebody else's connection; after 32,767 reuses of one slot it
// comes round.
//
//   0   what a frame touches: parser, key, message     (first 72 bytes)
//   72  send queue, lists, timers
//   112 limits, copied from the defaults at opening
//   168 header gathered, counters and times

import { Delivery, HANDLE_SLOT, Opcode, Option, Role, State, Takeover, TokenSource } from '../abi';
import { heartbeatOpen, heartbeatOption, TIMEOUT_DEFAULT_MS } from '../hub/heartbeat';
import {
  copyBytes,
  DEFAULTS,
  POOL_STATE,
  SESSION_BYTES,
  SESSION_RECORDS,
  stats,
  zeroWords,
} from '../memory';
import {
  BLOCK_MAX_BYTES,
  DEFLATE,
  DEFLATE_WINDOW_BITS,
  HEAD_MAX_BYTES,
  HEARTBEAT,
  INSPECTION,
  MESSAGE_MAX_BYTES,
  SESSIONS,
} from '../profile';

/** What the parser waits for: the values of Session.phase. */
export const PHASE_HEADER: u8 = 0;
export const PHASE_DATA: u8 = 1;
export const PHASE_CONTROL: u8 = 2;
/** The session fails with its `failure` as soon as the events before are acknowledged. */
export const PHASE_FAILED: u8 = 3;


@unmanaged
export class Session {
  /** A State. */
  state: i32;
  /** A Role. */
  role: u8;
  /** What the parser waits for: a PHASE_. */
  phase: u8;
  /** Opcode of the current frame. */
  opcode: u8;
  /** Opcode of the message under way, with DROPPED or not; 0 = none. */
  messageOpcode: u8;
  /** Header bytes gathered; in HANDSHAKE the state of the head scan. */
  headHave: u8;
  /** Bytes of the control payload gathered. */
  controlHave: u8;
  /** Owed notices: bits of Notice. */
  notices: u8;
  /** PHASE_FAILED: the ErrorCode. */
  failure: i8;
  /** The current data frame has FIN. */
  fin: bool;
  /** The message under way is delivered as chunks. */
  streaming: bool;
  /** The next chunk is the first of its message. */
  begins: bool;
  /** Input stopped because the send queue has no room for a pong; limpet_tx_ack ends it. PENDING: no memory to hold it. */
  blocked: bool;
  /** The queue went over its high-water mark: WRITABLE is owed. */
  over: bool;
  /** A fragmented message of ours is open: only CONTINUATION may follow. */
  sending: bool;
  /** A Close frame of ours is queued, one of the peer came. RFC 6455 7.1.4. */
  closeSent: bool;
  closeReceived: bool;
  /** A ping of the core waits for a sign of life. */
  pinged: bool;
  /** PENDING: the request is an opening handshake, not plain HTTP. */
  upgrade: bool;
  /** PENDING: the request's method is HEAD; its answer has no body. */
  headMethod: bool;
  /** Why the session failed: an ErrorCode or 0. */
  cause: i8;
  /** generation << 16 | slot; in a free slot the handle that it will have next. */
  handle: i32;
  /** State of the UTF-8 check over the message's fragments. */
  utf8: u32;
  /** The masking key, rotated: its low byte masks the next payload byte. PHASE_FAILED: what broke the rule. */
  maskKey: u32;
  /** The block in which the message, the head or the PROXY header is gathered, 0 = none. */
  block: u32;
  /** Payload bytes of the current frame still to come. */
  remaining: u64;
  /** Payload bytes of the message under way; in HANDSHAKE the bytes of the head's block in use, or of the PROXY header. */
  messageLength: u64;
  /** The block in which a control payload is gathered, 0 = none. */
  controlBlock: u32;
  /** The block with early bytes behind the head, 0 = none. */
  hold: u32;
  /** Frames of the message under way behind its first one. */
  continuations: u32;
  /** Of the early bytes the next one, and one past the last. */
  holdFrom: u16;
  holdTo: u16;

  /** Send queue: first and last block, bytes in all. */
  queueHead: u32;
  queueTail: u32;
  queued: u32;
  /** Nodes (see list.ts) of the list with output and of that with notices. */
  txNext: u32;
  txOwner: u32;
  noticeNext: u32;
  noticeOwner: u32;
  /** In the wheel of deadlines (see timers.ts): the sessions behind and before it, and its slot; 0 = none. */
  timerNext: u16;
  timerPrevious: u16;
  timerList: u16;
  /** The close code received, else the one sent, or the HTTP status of a failed handshake; or 0. */
  closeCode: u16;
  /** permessage-deflate: what was agreed on for each direction (see deflate/windows.ts), 0 = none. */
  deflateIn: u8;
  deflateOut: u8;
  /** The window that keeps the context of what is sent, 0 = none. */
  windowOut: u16;

  // limits: LIMIT_WORDS words in the order of Option
  messageMax: u32;
  delivery: u32;
  highWater: u32;
  queueMax: u32;
  fullPolicy: u32;
  handshakeMs: u32;
  idleMs: u32;
  pingMs: u32;
  pongMs: u32;
  closeMs: u32;
  autoPong: u32;
  user: i32;
  paused: u32;
  fragmentsMax: u32;

  /** The gathered header, HEADER_MAX bytes. */
  header0: u64;
  header8: u32;
  header12: u16;
  /** The window that keeps the context of what is received, 0 = none. */
  windowIn: u16;
  // counters and times as SessionInfo has them
  messagesIn: u64;
  messagesOut: u64;
  bytesIn: u64;
  bytesOut: u64;
  /** When the session was opened, when the last byte came, when the last ping or Close frame went: ms. */
  openedAt: u64;
  activeAt: u64;
  markedAt: u64;

  // what the hub has of it
  /** Its first membership (see hub/rooms.ts), 0 = none. */
  rooms: u32;
  /** Its first entry of metadata (see hub/metadata.ts), 0 = none. */
  metadata: u32;
  /** The block with what is kept of its request, 0 = none; a client's masking key, if it is `keyed`. */
  request: u32;
  /** Bits of Trust: what its bytes may still say of its address. */
  trust: u8;
  /** It is not read from for its rate. */
  slowed: bool;
  /** It was told of the shutdown. */
  warned: bool;
  /** Client: the host gave its masking key. */
  keyed: bool;
}

export const FIRST_GENERATION: i32 = 1 << 16;
/** Words that a session copies from the defaults: the Options before UTF8. */
const LIMIT_WORDS: i32 = Option.UTF8;
const LIMITS: usize = offsetof<Session>('messageMax');


@unmanaged
export class PoolState {
  /** Host time, widened to 64 bits. */
  clock: u64;
  /** Up to when deadlines were looked for. */
  swept: u64;
  /** First freed record, 0 = none; linked through `txNext`. */
  freed: u32;
  /** Slots never used begin here. */
  fresh: u32;
  /** Lists (see list.ts): sessions with output, sessions with notices. */
  txFirst: u32;
  txLast: u32;
  noticeFirst: u32;
  noticeLast: u32;
  /** 1 once the defaults are written. */
  ready: u32;
  /** 1 once the clock is set. */
  started: u32;
  /** The payload that limpet_send_begin left to the host: its masking key, or 0, address and length. */
  sendKey: u32;
  sendPayload: u32;
  sendLength: u32;
  /** What that frame is, and the block for its compressed payload, 0 = none. */
  sendKind: u32;
  sendDeflated: u32;
  /** Windows (see deflate/windows.ts): the first freed one, 0 = none; how many were ever used. */
  windowFreed: u32;
  windowFresh: u32;
}

// @ts-ignore: decorator
@inline
export function pool(): PoolState {
  return changetype<PoolState>(POOL_STATE);
}

/** Slot → record. */
// @ts-ignore: decorator
@inline
export function sessionAt(slot: u32): Session {
  return changetype<Session>(SESSION_RECORDS + slot * SESSION_BYTES);
}

/** Handle → record, or null when it is stale or never was one. */
export function sessionFind(handle: i32): Session {
  const slot: u32 = handle & HANDLE_SLOT;
  const s = sessionAt(slot);
  const found = slot < <u32>SESSIONS && s.handle == handle && s.state != State.FREE;
  return changetype<Session>(found ? changetype<usize>(s) : 0);
}

/** Widens the host's clock: its low 32 bits may begin anywhere and wrap, but never step back. */
export function clockSet(now: i32): void {
  const p = pool();
  const step = <u32>now - <u32>p.clock;
  // A step of more than 2^31 ms is one back: the clock stands still rather than leaping 49 days.
  if (<i32>step > 0 || !p.started) p.clock += step;
  if (!p.started) p.swept = p.clock;
  p.started = 1;
}

/** The defaults of sessions to come: words in the order of Option. */
function defaults(): usize {
  if (!pool().ready) {
    pool().ready = 1;
    optionStore(Option.MESSAGE_MAX, MESSAGE_MAX_BYTES);
    optionStore(Option.DELIVERY, Delivery.AUTO);
    optionStore(Option.HIGH_WATER, BLOCK_MAX_BYTES);
    optionStore(Option.QUEUE_MAX, 4 * BLOCK_MAX_BYTES);
    optionStore(Option.HANDSHAKE_MS, 10_000);
    optionStore(Option.PONG_MS, 10_000);
    optionStore(Option.CLOSE_MS, 10_000);
    optionStore(Option.AUTO_PONG, 1);
    optionStore(Option.UTF8, 1);
    optionStore(Option.SESSIONS_MAX, SESSIONS);
    optionStore(Option.HEAD_MAX, HEAD_MAX_BYTES);
    optionStore(Option.RATE_WINDOW_MS, 1_000);
    optionStore(Option.TOKEN_SOURCES, TokenSource.HEADER | TokenSource.PROTOCOL);
    if (HEARTBEAT) optionStore(Option.HEARTBEAT_TIMEOUT_MS, TIMEOUT_DEFAULT_MS);
    if (DEFLATE) {
      optionStore(Option.DEFLATE_LEVEL, 6);
      optionStore(Option.DEFLATE_WINDOW, DEFLATE_WINDOW_BITS);
      optionStore(Option.DEFLATE_THRESHOLD, 64);
      optionStore(Option.DEFLATE_TAKEOVER, Takeover.OUT | Takeover.IN);
    }
  }
  return DEFAULTS;
}

function optionStore(option: i32, value: i32): void {
  store<i32>(DEFAULTS + (option << 2), value);
}

/** An option of the module, from UTF8 on. A session was opened before. */
// @ts-ignore: decorator
@inline
export function optionDefault(option: Option): u32 {
  return load<u32>(DEFAULTS + (option << 2));
}

/** Of Session.messageOpcode: the message is past a rate, and nothing of it is told. */
export const DROPPED: u32 = 0x80;

/**
 * Whether a message is longer than Option.MESSAGE_MAX and, of its type, TEXT_MAX or BINARY_MAX let
 * it be.
 *
 * @param opcode TEXT or BINARY, DROPPED or not
 */
export function tooLong(s: Session, opcode: u32, length: u64): bool {
  // Opcodes and options have the two in the same order.
  const most = optionDefault(Option.TEXT_MAX - Opcode.TEXT + (opcode & 15));
  return (most != 0 && length > most) || (s.messageMax != 0 && length > s.messageMax);
}

/** Where an option's word lies: in the session's record, or in the defaults for a null session. */
export function optionAddress(s: Session, option: i32): usize {
  if (!changetype<usize>(s)) return defaults() + (option << 2);
  if (HEARTBEAT && option >= Option.HEARTBEAT_MS) return heartbeatOption(s, option);
  return changetype<usize>(s) + LIMITS + (option << 2);
}

/**
 * Opens a session.
 *
 * @returns the record with all parser fields 0, or null when SESSIONS_MAX is reached
 */
export function sessionOpen(role: Role, state: State): Session {
  const p = pool();
  const from = defaults();
  const st = stats();
  if (st.active >= load<u32>(from, Option.SESSIONS_MAX << 2)) {
    st.sessionsFull += 1;
    return changetype<Session>(0);
  }
  let s = changetype<Session>(<usize>p.freed);
  let handle = s.handle;
  if (p.freed) p.freed = s.txNext;
  else {
    s = sessionAt(p.fresh);
    handle = FIRST_GENERATION | p.fresh;
    p.fresh += 1;
  }
  zeroWords(changetype<usize>(s), SESSION_BYTES);
  s.handle = handle;
  s.state = state;
  s.role = <u8>role;
  copyBytes(changetype<usize>(s) + LIMITS, from, LIMIT_WORDS << 2);
  s.openedAt = s.activeAt = s.markedAt = p.clock;
  if (HEARTBEAT) heartbeatOpen(s);
  st.opened += 1;
  st.active += 1;
  st.activePeak = max(st.activePeak, st.active);
  return s;
}

/** The handle that a slot has next. Generations run from 1 to 32,767: it is neither 0 nor negative. */
export function handleAfter(handle: i32): i32 {
  handle += FIRST_GENERATION;
  return handle > 0 ? handle : FIRST_GENERATION | (handle & HANDLE_SLOT);
}

/** Frees the slot; the handle is stale from here on. The caller has emptied queue, lists, blocks and metadata. */
export function sessionFree(s: Session): void {
  const p = pool();
  s.state = State.FREE;
  s.handle = handleAfter(s.handle);
  s.txNext = p.freed;
  p.freed = <u32>changetype<usize>(s);
  stats().active -= 1;
}

/** Which of the two counters of each pair: 8 bytes from one to the next. */
export const DIRECTION_IN: i32 = 0;
export const DIRECTION_OUT: i32 = 8;

/** Counts payload bytes and, at its end, the message: of the session and of the module. */
export function count(s: Session, direction: i32, bytes: u32, ends: bool): void {
  if (!INSPECTION) return;
  tally(changetype<usize>(s) + offsetof<Session>('messagesIn') + direction, bytes, ends);
  tally(changetype<usize>(stats()) + direction, bytes, ends);
}

/** Adds to a counter of messages, and to that of bytes two behind it. */
function tally(counter: usize, bytes: u32, ends: bool): void {
  store<u64>(counter, load<u64>(counter) + u64(ends));
  store<u64>(counter, load<u64>(counter, 16) + bytes, 16);
}

/** Counts a whole message that a session shares with others: of the session only; countMany does the rest. */
// @ts-ignore: decorator
@inline
export function countOut(s: Session, bytes: u32): void {
  if (!INSPECTION) return;
  s.messagesOut += 1;
  s.bytesOut += bytes;
}

/** Counts a message that went to `n` sessions: of the module. */
export function countMany(n: u32, bytes: u32): void {
  if (!INSPECTION) return;
  stats().messagesOut += n;
  stats().bytesOut += <u64>n * bytes;
}

/** The handle of the first session in use behind `handle`'s slot (0: of all), or 0. */
export function sessionAfter(handle: i32): i32 {
  for (let slot: u32 = handle ? (handle & HANDLE_SLOT) + 1 : 0; slot < pool().fresh; slot++) {
    const s = sessionAt(slot);
    if (s.state != State.FREE) return s.handle;
  }
  return 0;
}
