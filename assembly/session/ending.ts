// Every way a session ends, as one table. RFC 6455 7.
//
//   state     what happens                       next      what goes out        what is told
//   OPEN      limpet_close                       CLOSING   Close(code, reason)  CLOSING
//   OPEN      Close frame comes                  ENDING    Close(same code)     CLOSING, remote
//   CLOSING   Close frame comes                  ENDING    -                    -
//   OPEN      the peer breaks a rule             ENDING    Close(1002, 7, 9)    ERROR
//   CLOSING   the peer breaks a rule             ENDING    -                    ERROR
//   OPEN      idle                               CLOSING   Close(1001)          ERROR
//   OPEN      no pong                            ABORTED   -                    ERROR
//   < OPEN    the head breaks a rule, or is late ENDING    an HTTP status       ERROR
//   CLOSING   CLOSE_MS passes                    ABORTED   -                    -
//   ENDING    CLOSE_MS passes                    ABORTED   -                    -
//   any       limpet_terminate                   ABORTED   -                    -
//   any       limpet_eof: the transport is gone  CLOSED    -                    CLOSED
//
// In ENDING the host writes what is queued, then ends its write side and keeps reading until the
// peer ends its own: RFC 6455 7.1.1, so that no unread byte turns the end into a reset that
// overtakes the Close frame.

import { ErrorCode, EventFlag, EventKind, Opcode, Role, State } from '../abi';
import { CLOSE_ABNORMAL, closeCodeOf, CLOSE_NO_STATUS, closeRead } from '../protocol/close';
import { FIN, headerSize, headerWrite } from '../protocol/frame';
import { copyBytes, stats } from '../memory';
import { maskKeyNext } from '../protocol/entropy';
import { unmask } from '../protocol/mask';
import { arenaGive, Use } from './arena';
import { eventPush, eventRelease, eventWord, Notice, notify } from './events';
import { queueClear, queueListed, queueReserve, queueUnlisted } from './queue';
import { Flag, pool, Session } from './session';
import { timerSet, timerStop } from './timers';

/** Gives back what a session holds of incoming data. */
export function inputRelease(s: Session): void {
  // Events may point into a head and into early bytes.
  if (s.block) eventRelease(s, s.block);
  if (s.controlBlock) arenaGive(s.controlBlock, Use.IN);
  if (s.hold) eventRelease(s, s.hold);
  s.block = s.controlBlock = s.hold = 0;
}

/** Moves a session on; its deadline changes with the state. */
function enter(s: Session, state: State): void {
  s.state = state;
  s.markedAt = pool().clock;
  if (state >= State.ENDING) inputRelease(s);
  timerSet(s);
  if (state >= State.ENDING) queueListed(s);
}

/**
 * Queues a Close frame, RFC 6455 5.5.1. Without memory even for that the session is aborted.
 *
 * @param code the close code; 0 or CLOSE_NO_STATUS for a frame without payload
 * @param reason UTF-8, at most REASON_MAX bytes
 */
function closeQueue(s: Session, code: i32, reason: usize, reasonLength: u32): bool {
  const bare = code == 0 || code == CLOSE_NO_STATUS;
  const length: u32 = bare ? 0 : 2 + reasonLength;
  const masked = s.role == Role.CLIENT;
  const at = queueReserve(s, headerSize(length, masked) + length, Use.CONTROL);
  if (!at) {
    enter(s, State.ABORTED);
    return false;
  }
  const key: u32 = masked ? maskKeyNext() : 0;
  const payload = headerWrite(at, FIN | Opcode.CLOSE, length, masked, key);
  if (!bare) {
    store<u16>(payload, bswap<u16>(<u16>code));
    copyBytes(payload + 2, reason, reasonLength);
    unmask(payload, payload, length, key);
  }
  s.flags |= Flag.CLOSE_SENT;
  return true;
}

/** OPEN → CLOSING: this side begins the close handshake. */
export function closeBegin(s: Session, code: i32, reason: usize, reasonLength: u32): void {
  s.closeCode = <u16>(code ? code : CLOSE_NO_STATUS);
  if (closeQueue(s, code, reason, reasonLength)) enter(s, State.CLOSING);
  notify(s, Notice.CLOSING);
}

/** OPEN or CLOSING → ENDING: the peer's Close frame came. Its payload lies unmasked at `p`. */
export function closeCame(s: Session, p: usize, n: u32): void {
  const code = closeRead(p, n);
  if (code < 0) return fail(s, code);
  s.flags |= Flag.CLOSE_RECEIVED;
  s.closeCode = <u16>code;
  if (s.state == State.OPEN) {
    const reason: u32 = n > 2 ? n - 2 : 0;
    eventPush(s, eventWord(EventKind.CLOSING, EventFlag.REMOTE, code), p + 2, reason);
    // RFC 6455 5.5.1: "the endpoint typically echos the status code it received".
    if (!closeQueue(s, code, 0, 0)) return;
  }
  enter(s, State.ENDING);
}

/** The peer broke a rule: tells it the close code and nothing else. RFC 6455 7.1.7. The ring has room. */
export function fail(s: Session, error: i32): void {
  stats().violations += 1;
  const code = closeCodeOf(error);
  s.cause = error;
  eventPush(s, eventWord(EventKind.ERROR, EventFlag.REMOTE, code), 0, 0).detail = error;
  if (s.state == State.OPEN) {
    s.closeCode = <u16>code;
    if (!closeQueue(s, code, 0, 0)) return;
  }
  enter(s, State.ENDING);
}

/** A handshake failed or a plain request was answered: what is queued goes out, then the end. */
export function endAfterAnswer(s: Session): void {
  enter(s, State.ENDING);
}

/** Any → ABORTED: the transport is to be destroyed. */
export function abort(s: Session, error: i32): void {
  if (error) {
    s.cause = error;
    if (!s.closeCode) s.closeCode = <u16>CLOSE_ABNORMAL;
    notify(s, Notice.ERROR);
  }
  enter(s, State.ABORTED);
}

/** OPEN → CLOSING because nothing came for IDLE_MS. */
export function idleOut(s: Session): void {
  s.cause = ErrorCode.TIMEOUT_IDLE;
  s.closeCode = <u16>closeCodeOf(ErrorCode.TIMEOUT_IDLE);
  notify(s, Notice.ERROR);
  if (closeQueue(s, s.closeCode, 0, 0)) enter(s, State.CLOSING);
}

/** Gives back all that a session holds, and takes it off all lists. */
export function release(s: Session): void {
  queueClear(s);
  inputRelease(s);
  timerStop(s);
  queueUnlisted(s);
  s.flags &= ~Flag.OVER;
}

/** Any → CLOSED: the transport is gone. */
export function gone(s: Session): void {
  if (s.state == State.CLOSED) return;
  release(s);
  s.state = State.CLOSED;
  notify(s, Notice.CLOSED);
}
