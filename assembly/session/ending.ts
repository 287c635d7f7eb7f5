// Every way a session ends, as one table. RFC 6455 7.
//
//   state     what happens                       next      what goes out        what is told
//   OPEN      limpet_close                       CLOSING   Close(code, reason)  CLOSING
//   OPEN      Close frame comes                  ENDING    Close(same code)     CLOSING, remote
//   CLOSING   Close frame comes                  ENDING    -                    CLOSING, remote
//   OPEN      the peer breaks a rule             ENDING    Close(1002, 7, 8, 9) ERROR
//   CLOSING   the peer breaks a rule             ENDING    -                    ERROR
//   OPEN      the send queue is full             CLOSING   Close(1008, 1013)    CLOSING
//   OPEN      idle                               CLOSING   Close(1001)          ERROR
//   OPEN      no pong                            ABORTED   -                    ERROR
//   OPEN      no answer to a heartbeat           ABORTED   -                    ERROR
//   < OPEN    the head breaks a rule, or is late ENDING    an HTTP status       ERROR
//   < OPEN    no PROXY header where one is due   ABORTED   -                    ERROR
//   < OPEN    limpet_shutdown                    ENDING    503                  ERROR
//   OPEN      SHUTDOWN is acknowledged           CLOSING   Close(code)          CLOSING
//   any       limpet_shutdown's timeout passes   ABORTED   -                    -
//   CLOSING   CLOSE_MS passes                    ABORTED   -                    -
//   ENDING    CLOSE_MS passes                    ABORTED   -                    -
//   any       limpet_terminate                   ABORTED   -                    -
//   any       limpet_eof: the transport is gone  CLOSED    -                    CLOSED
//
// In ENDING the host writes what is queued, then ends its write side and keeps reading until the
// peer ends its own: RFC 6455 7.1.1, so that no unread byte turns the end into a reset that
// overtakes the Close frame.

import { Closing, ErrorCode, EventFlag, EventKind, Opcode, Option, State } from '../abi';
import { windowsRelease } from '../deflate/windows';
import { answer, refuse, statusOf } from '../http/handshake';
import { keepRelease } from '../http/keep';
import { Request } from '../http/request';
import { addressRelease } from '../hub/addresses';
import { rateRelease, rateResume } from '../hub/rates';
import { leaveAll } from '../hub/rooms';
import { copyBytes, stats } from '../memory';
import {
  ADDRESSES,
  CLIENT,
  DEFLATE,
  HEADERS,
  INSPECTION,
  RATES,
  SHUTDOWN,
  TOPICS,
} from '../profile';
import {
  CLOSE_ABNORMAL,
  CLOSE_GOING_AWAY,
  CLOSE_NO_STATUS,
  closeCodeOf,
  closeCodeRead,
  closeRead,
} from '../protocol/close';
import { FIN } from '../protocol/frame';
import { unmask } from '../protocol/mask';
import { arenaGive, Use } from './arena';
import { BLOCK_LENT, eventPush, eventRelease, eventWord, Notice, notify } from './events';
import { queueClear, queueFrame, queueListed, queueUnlisted } from './queue';
import { optionDefault, pool, Session } from './session';
import { timerSet, timerStop } from './timers';

/** Gives back what a session holds of incoming data. */
function inputRelease(s: Session): void {
  // Events may point into a head, into early bytes and into what was inflated.
  const block: u32 = s.block;
  eventRelease(block, s.messageOpcode ? block | BLOCK_LENT : 0);
  arenaGive(s.controlBlock, Use.IN);
  eventRelease(s.hold, 0);
  s.block = s.controlBlock = s.hold = 0;
}

/** Moves a session on; its deadline changes with the state. */
export function enter(s: Session, state: State): void {
  s.state = state;
  // Of a shutdown the timeout does not move.
  if (!SHUTDOWN || !s.warned) s.markedAt = pool().clock;
  if (RATES && s.slowed) rateResume(s);
  timerSet(s);
  if (state < State.ENDING) return;
  inputRelease(s);
  queueListed(s);
}

/**
 * Queues a Close frame, RFC 6455 5.5.1, and moves the session on to `next`. Without memory even for
 * that it is aborted.
 *
 * @param code the close code; CLOSE_NO_STATUS for a frame without payload
 * @param reason UTF-8, at most REASON_MAX bytes
 */
function closeQueue(s: Session, code: u32, reason: usize, reasonLength: u32, next: State): void {
  s.closeCode = <u16>code;
  const length: u32 = code == CLOSE_NO_STATUS ? 0 : 2 + reasonLength;
  const payload = queueFrame(s, FIN | Opcode.CLOSE, length, length, Use.CONTROL);
  if (!payload) {
    enter(s, State.ABORTED);
    return;
  }
  if (length) {
    store<u8>(payload, <u8>(code >> 8));
    store<u8>(payload, <u8>code, 1);
    copyBytes(payload + 2, reason, reasonLength);
    unmask(payload, payload, length, pool().sendKey);
  }
  s.closeSent = true;
  enter(s, next);
}

/** OPEN → CLOSING: this side begins the close handshake. */
export function closeBegin(s: Session, code: i32, reason: usize, reasonLength: u32): void {
  closeQueue(s, code ? code : CLOSE_NO_STATUS, reason, reasonLength, State.CLOSING);
  notify(s, Notice.CLOSING);
}

/** OPEN or CLOSING → ENDING: the peer's Close frame came. Its payload lies unmasked at `p`. */
export function closeCame(s: Session, p: usize, n: u32): void {
  s.maskKey = closeCodeRead(p, n);
  const code = closeRead(p, n, optionDefault(Option.UTF8));
  if (code < 0) return fail(s, code);
  s.closeReceived = true;
  s.closeCode = <u16>code;
  eventPush(s, eventWord(EventKind.CLOSING, EventFlag.REMOTE, code), p + 2, n > 2 ? n - 2 : 0);
  // RFC 6455 5.5.1: "the endpoint typically echos the status code it received".
  const reason = n > 2 && (optionDefault(Option.CLOSING) & Closing.REASON) != 0;
  peerEnds(s, code, p + 2, reason ? n - 2 : 0);
}

/** → ENDING by what the peer did, with a Close frame unless one was sent or none is possible. */
function peerEnds(s: Session, code: i32, reason: usize, reasonLength: u32): void {
  if (s.state == State.OPEN) closeQueue(s, code, reason, reasonLength, State.ENDING);
  else enter(s, State.ENDING);
}

/**
 * The peer broke a rule: tells it the close code, or the HTTP status, and nothing else. RFC 6455
 * 7.1.7. The ring has room. What broke it is where the masking key was, see session.ts.
 */
export function fail(s: Session, error: i32): void {
  const st = stats();
  st.violations += 1;
  if (INSPECTION && error == ErrorCode.TOO_BIG) st.tooBig += 1;
  if (RATES && error == ErrorCode.RATE) st.rateRejected += 1;
  s.cause = <i8>error;
  const code = s.state == State.HANDSHAKE ? statusOf(s, error) : closeCodeOf(error);
  // The head that broke it stays where it is until the event is acknowledged: inputRelease.
  const isHead = HEADERS && s.state == State.HANDSHAKE && error != ErrorCode.PROXY;
  const head: usize = isHead ? s.block : 0;
  const at: usize = head ? head + load<u16>(head, offsetof<Request>('head')) : 0;
  const length: u32 = head ? load<u16>(head, offsetof<Request>('headLength')) : 0;
  const e = eventPush(s, eventWord(EventKind.ERROR, EventFlag.REMOTE, code), at, length);
  e.detail = error;
  e.remaining = s.maskKey;
  if (s.state == State.HANDSHAKE && code) refuse(s, code, error);
  // PROXY 2.1: what is no such header must "cause the receiver to abort the connection".
  if (ADDRESSES && error == ErrorCode.PROXY) enter(s, State.ABORTED);
  else peerEnds(s, code, 0, 0);
}

/** HANDSHAKE or PENDING → ENDING, and not by the peer's fault: HANDSHAKE_MS passed, or limpet_shutdown was called. */
export function handshakeEnd(s: Session, error: i32): void {
  const status = statusOf(s, error);
  if (status) answer(s, status, 0, 0, 0, 0);
  s.cause = <i8>error;
  s.closeCode = <u16>status;
  notify(s, Notice.ERROR);
  enter(s, State.ENDING);
}

/** Any → ABORTED: the transport is to be destroyed. */
export function abort(s: Session, error: i32): void {
  if (error) {
    s.closeCode = <u16>CLOSE_ABNORMAL;
    s.cause = <i8>error;
    notify(s, Notice.ERROR);
  }
  enter(s, State.ABORTED);
}

/** OPEN → CLOSING because nothing came for IDLE_MS. */
export function idleOut(s: Session): void {
  closeQueue(s, CLOSE_GOING_AWAY, 0, 0, State.CLOSING);
  s.cause = <i8>ErrorCode.TIMEOUT_IDLE;
  notify(s, Notice.ERROR);
}

/** Gives back all that a session holds, and takes it off all lists. */
export function release(s: Session): void {
  queueClear(s);
  inputRelease(s);
  if (DEFLATE) windowsRelease(s);
  if (TOPICS) leaveAll(s);
  if (HEADERS && !(CLIENT && s.keyed)) keepRelease(s);
  if (ADDRESSES) addressRelease(s);
  if (RATES) rateRelease(s);
  timerStop(s);
  queueUnlisted(s);
  s.over = false;
}

/** Any → CLOSED: the transport is gone. */
export function gone(s: Session): void {
  if (s.state == State.CLOSED) return;
  release(s);
  s.state = State.CLOSED;
  notify(s, Notice.CLOSED);
}
