// Time → what is due: timeouts, keep-alive pings and heartbeats. Policy of RFC 6455 7.1.1, 7.2.1 and 5.5.2.

import { ErrorCode, Opcode, State } from '../abi';
import { HEARTBEAT_PAYLOAD, heartbeatDue, heartbeatLost, heartbeatWrite } from '../hub/heartbeat';
import { rateAt, rateResume } from '../hub/rates';
import { stats } from '../memory';
import { HEARTBEAT, INSPECTION, RATES, SHUTDOWN } from '../profile';
import { abort, handshakeEnd, idleOut } from './ending';
import { queueTakesPong } from './queue';
import { send, sendBegin, sendEnd } from './send';
import { pool, Session } from './session';
import { idleAt, pingAt, pongAt, timerDelay, timerNext, timerSet } from './timers';

/**
 * Does all that is due at the clock.
 *
 * @returns milliseconds until the next call has something to do, -1 when nothing waits
 */
export function tick(): i32 {
  while (true) {
    const s = timerNext();
    if (!changetype<usize>(s)) return timerDelay();
    if (s.state < State.OPEN) late(s);
    else if (RATES && s.slowed && rateAt(s) <= pool().clock) rateResume(s);
    else if (s.state > State.OPEN || (SHUTDOWN && s.warned)) unfinished(s);
    else waiting(s);
  }
}

// @ts-ignore: decorator
@inline
function late(s: Session): void {
  if (INSPECTION) stats().timeoutHandshake += 1;
  handshakeEnd(s, ErrorCode.TIMEOUT_HANDSHAKE);
}

// @ts-ignore: decorator
@inline
function unfinished(s: Session): void {
  if (INSPECTION) stats().timeoutClose += 1;
  abort(s, 0);
}

/** An open session has heard nothing, or no answer, for one of its bounds; or it is to ask. */
// @ts-ignore: decorator
@inline
function waiting(s: Session): void {
  const now = pool().clock;
  if (now >= pongAt(s)) {
    unanswered(s, ErrorCode.TIMEOUT_PONG);
  } else if (now >= idleAt(s)) {
    if (INSPECTION) stats().timeoutIdle += 1;
    idleOut(s);
  } else if (HEARTBEAT && heartbeatLost(s)) {
    unanswered(s, ErrorCode.TIMEOUT_HEARTBEAT);
  } else {
    if (HEARTBEAT && heartbeatDue(s)) beat(s);
    if (!HEARTBEAT || now >= pingAt(s)) {
      // RFC 6455 5.5.2: a ping may be empty. Without memory for it, the silence still counts.
      s.pinged = true;
      s.markedAt = now;
      send(s, Opcode.PING, 0, 0);
    }
    timerSet(s);
  }
}

/** Sends a heartbeat; without memory for it, or with too much that waits to be written, it is left out. */
// @ts-ignore: decorator
@inline
function beat(s: Session): void {
  const payload = queueTakesPong(s) ? sendBegin(s, Opcode.PING, HEARTBEAT_PAYLOAD) : 0;
  if (payload <= 0) return;
  heartbeatWrite(s, payload);
  sendEnd(s);
}

/** The peer has not answered what it was asked: the connection is half-open, or it is stuck. */
function unanswered(s: Session, error: i32): void {
  if (INSPECTION) stats().timeoutPong += 1;
  abort(s, error);
}
