// Time → what is due: timeouts, keep-alive pings, and the end of a wait for a rate. Policy of RFC 6455 7.1.1, 7.2.1 and 5.5.2.

import { ErrorCode, Opcode, State } from '../abi';
import { rateResume } from '../hub/rates';
import { stats } from '../memory';
import { INSPECTION, RATES } from '../profile';
import { abort, handshakeLate, idleOut } from './ending';
import { send } from './send';
import { pool, Session } from './session';
import { idleAt, pongAt, timerDelay, timerNext, timerSet } from './timers';

/**
 * Does all that is due at the clock.
 *
 * @returns milliseconds until the next call has something to do, -1 when nothing waits
 */
export function tick(): i32 {
  while (true) {
    const s = timerNext();
    if (!changetype<usize>(s)) return timerDelay();
    if (s.state < State.OPEN) handshakeLate(s);
    else if (s.state > State.OPEN) closeLate(s);
    else if (RATES && s.slowed) rateResume(s);
    else silent(s);
  }
}

/** CLOSE_MS passed. */
// @ts-ignore: decorator
@inline
function closeLate(s: Session): void {
  if (INSPECTION) stats().timeoutClose += 1;
  abort(s, 0);
}

/** An open session has heard nothing for one of its bounds. */
// @ts-ignore: decorator
@inline
function silent(s: Session): void {
  const now = pool().clock;
  if (now >= pongAt(s)) {
    if (INSPECTION) stats().timeoutPong += 1;
    abort(s, ErrorCode.TIMEOUT_PONG);
  } else if (now >= idleAt(s)) {
    idleOut(s);
  } else {
    // RFC 6455 5.5.2: a ping may be empty. Without memory for it, the silence still counts.
    s.pinged = true;
    s.markedAt = now;
    send(s, Opcode.PING, 0, 0);
    timerSet(s);
  }
}
