// Handle ↔ session record, and the pool of them. Opening and closing are O(1).
//
// A handle is generation << 16 | slot. The generation changes when the slot is freed, so a stale
// handle finds nothing rather than somebody else's connection; after 32,767 reuses of one slot it
// comes round.
//
//   0   what a frame touches: parser, key, message     (first 88 bytes)
//   88  send queue, lists, timers
//   120 limits, copied from the defaults at opening
//   176 counters and times

import { Delivery, Option, Role, State } from '../abi';
import {
  copyBytes,
  DEFAULTS,
  POOL_STATE,
  SESSION_BYTES,
  SESSION_RECORDS,
  stats,
  zeroWords,
} from '../memory';
import { BLOCK_MAX_BYTES, MESSAGE_MAX_BYTES, SESSIONS } from '../profile';

/** Bits of Session.flags. */
export const enum Flag {
  /** The current data frame has FIN. */
  FIN = 0x0001,
  /** The message under way is delivered as chunks. */
  STREAMING = 0x0002,
  /** The next chunk is the first of its message. */
  BEGIN = 0x0004,
  /** Input stopped because the send queue has no room for a pong; limpet_tx_ack ends it. */
  BLOCKED = 0x0008,
  /** The queue went over its high-water mark: WRITABLE is owed. */
  OVER = 0x0010,
  /** In the list of sessions with output. */
  TX_LISTED = 0x0020,
  /** In the list of sessions with notices. */
  NOTICE_LISTED = 0x0040,
  /** A fragmented message of ours is open: only CONTINUATION may follow. */
  SENDING = 0x0080,
  /** A Close frame of ours is queued. RFC 6455 5.5.1: no data frame after it. */
  CLOSE_SENT = 0x0100,
  /** A Close frame of the peer came. */
  CLOSE_RECEIVED = 0x0200,
  /** A ping of the core waits for a sign of life. */
  PINGED = 0x0400,
  /** PENDING: the request is an opening handshake, not plain HTTP. */
  UPGRADE = 0x0800,
  /** PENDING: the request's method is HEAD; its answer has no body. */
  HEAD = 0x1000,
  /** The session reached OPEN. */
  OPENED = 0x2000,
}

/** What the parser waits for: the values of Session.phase. */
export const PHASE_HEADER: u8 = 0;
export const PHASE_DATA: u8 = 1;
export const PHASE_CONTROL: u8 = 2;
/** The session fails with its `cause` as soon as the events before are acknowledged. */
export const PHASE_FAILED: u8 = 3;


@unmanaged
export class Session {
  /** A State. */
  state: i32;
  /** Flag bits. */
  flags: u32;
  /** A Role. */
  role: i32;
  /** generation << 16 | slot; in a free slot the handle that it will have next. */
  handle: i32;
  /** A PHASE_. */
  phase: u8;
  /** Opcode of the current frame. */
  opcode: u8;
  /** Opcode of the message under way, 0 = none. */
  messageOpcode: u8;
  /** State of the UTF-8 check over the message's fragments. */
  utf8: u8;
  /** Header bytes gathered; in HANDSHAKE the state of the head scan. */
  headHave: u8;
  /** Bytes of the control payload gathered. */
  controlHave: u8;
  /** Slot + 1: how lists name this session. */
  link: u16;
  /** The masking key, rotated: its low byte masks the next payload byte. */
  maskKey: u32;
  /** Payload bytes of the current frame still to come. */
  remaining: u64;
  /** Payload bytes of the message under way; in HANDSHAKE the bytes of the head. */
  messageLength: u64;
  /** The block in which the message or head is gathered, 0 = none. */
  block: u32;
  /** The block in which a control payload is gathered, 0 = none. */
  controlBlock: u32;
  /** Early bytes behind the head: block, next byte, end. */
  hold: u32;
  holdFrom: u32;
  holdTo: u32;
  /** The gathered header, HEADER_MAX bytes in 16. */
  header0: u64;
  header1: u64;

  /** Send queue: first and last block, bytes in all. */
  queueHead: u32;
  queueTail: u32;
  queued: u32;
  /** Links are slot + 1, 0 = end. In the list with output; `txNext` is the free list's link, too. */
  txNext: u16;
  txPrevious: u16;
  /** In the list with notices. */
  noticeNext: u16;
  /** Timing wheel: neighbours (slot + 1) and the list it is in (level * 32 + slot + 1, 0 = none). */
  timerNext: u16;
  timerPrevious: u16;
  timerList: u16;
  /** Owed notices: bits of Notice. */
  notices: u8;
  reserved0: u8;
  /** The close code received, else the one sent, or the HTTP status of a failed handshake; or 0. */
  closeCode: u16;
  /** Why the session failed: an ErrorCode or 0. */
  cause: i32;

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
  reserved: u32;

  messagesIn: u64;
  messagesOut: u64;
  bytesIn: u64;
  bytesOut: u64;
  /** When the session was opened, when the last byte came, when the last ping or Close frame went: ms. */
  openedAt: u64;
  activeAt: u64;
  markedAt: u64;
}

const FIRST_GENERATION: i32 = 1 << 16;
/** Words that a session copies from the defaults: the Options before SESSIONS_MAX. */
const LIMIT_WORDS: i32 = Option.SESSIONS_MAX;
const LIMITS: usize = offsetof<Session>('messageMax');


@unmanaged
class PoolState {
  /** Host time, widened to 64 bits. */
  clock: u64;
  /** First freed slot + 1, 0 = none. */
  freed: u32;
  /** Slots never used begin here. */
  fresh: u32;
  /** First and last slot + 1 of the list with output. */
  txFirst: u32;
  txLast: u32;
  /** First and last slot + 1 of the list with notices. */
  noticeFirst: u32;
  noticeLast: u32;
  /** 1 once the defaults are written. */
  ready: u32;
  /** The payload that limpet_send_begin left to the host: its masking key, or 0. */
  sendKey: u32;
  /** Host time of the last sweep of the timing wheel. */
  swept: u64;
  /** The payload's address and length. */
  sendPayload: u32;
  sendLength: u32;
  /** 1 once the clock is set. */
  started: u32;
}

// @ts-ignore: decorator
@inline
export function pool(): PoolState {
  return changetype<PoolState>(POOL_STATE);
}

/** Slot + 1 → record. */
// @ts-ignore: decorator
@inline
export function sessionAt(link: u32): Session {
  return changetype<Session>(SESSION_RECORDS + (link - 1) * SESSION_BYTES);
}

/** Handle → record, or null when it is stale or never was one. */
export function sessionFind(handle: i32): Session {
  const slot: u32 = handle & 0xffff;
  if (slot < <u32>SESSIONS) {
    const s = sessionAt(slot + 1);
    if (s.handle == handle && s.state != State.FREE) return s;
  }
  return changetype<Session>(0);
}

/** Widens the host's clock: its low 32 bits may begin anywhere and wrap, but never step back. */
export function clockSet(now: i32): void {
  const p = pool();
  if (!p.started) {
    p.started = 1;
    p.clock = p.swept = <u32>now;
  }
  const step = <u32>now - <u32>p.clock;
  // A step of more than 2^31 ms is one back: the clock stands still rather than leaping 49 days.
  if (<i32>step > 0) p.clock += step;
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
    optionStore(Option.SESSIONS_MAX, SESSIONS);
  }
  return DEFAULTS;
}

function optionStore(option: i32, value: i32): void {
  store<i32>(DEFAULTS + (option << 2), value);
}

/** Where an option's word lies: in the session's record, or in the defaults for a null session. */
export function optionAddress(s: Session, option: i32): usize {
  if (changetype<usize>(s)) return changetype<usize>(s) + LIMITS + (option << 2);
  return defaults() + (option << 2);
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
  if (st.active >= load<u32>(from + (Option.SESSIONS_MAX << 2)) || st.active >= <u32>SESSIONS) {
    st.sessionsFull += 1;
    return changetype<Session>(0);
  }
  let link = p.freed;
  if (link) p.freed = sessionAt(link).txNext;
  else link = ++p.fresh;
  const s = sessionAt(link);
  const handle = s.handle;
  zeroWords(changetype<usize>(s), SESSION_BYTES);
  s.handle = handle ? handle : FIRST_GENERATION | (link - 1);
  s.link = <u16>link;
  s.state = state;
  s.role = role;
  copyBytes(changetype<usize>(s) + LIMITS, from, LIMIT_WORDS << 2);
  s.openedAt = s.activeAt = s.markedAt = p.clock;
  st.opened += 1;
  st.active += 1;
  if (st.active > st.activePeak) st.activePeak = st.active;
  return s;
}

/** Frees the slot; the handle is stale from here on. The caller has emptied queue, lists and blocks. */
export function sessionFree(s: Session): void {
  const p = pool();
  s.state = State.FREE;
  // Generations run from 1 to 32,767: a handle is neither 0 nor negative.
  const handle = s.handle + FIRST_GENERATION;
  s.handle = handle > 0 ? handle : FIRST_GENERATION | (handle & 0xffff);
  s.txNext = <u16>p.freed;
  p.freed = s.link;
  stats().active -= 1;
}

/** The handle of the first session in use behind `handle`'s slot (0: of all), or 0. */
export function sessionAfter(handle: i32): i32 {
  const last = pool().fresh;
  for (let link: u32 = handle ? (handle & 0xffff) + 2 : 1; link <= last; link++) {
    const s = sessionAt(link);
    if (s.state != State.FREE) return s.handle;
  }
  return 0;
}
