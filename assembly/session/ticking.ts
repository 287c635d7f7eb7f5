// Time → what is due: timeouts and keep-alive pings. Policy of RFC 6455 7.1.1, 7.2.1 and 5.5.2.

import { ErrorCode, State } from '../abi';
import { handshakeLate } from '../http/handshake';
import { abort, idleOut } from './ending';
import { sendKeepAlive } from './send';
import { timerCause, timerDelay, timerNext } from './timers';

/**
 * Does all that is due at the clock.
 *
 * @returns milliseconds until the next call has something to do, -1 when nothing waits
 */
export function tick(): i32 {
  while (true) {
    const s = timerNext();
    if (!changetype<usize>(s)) return timerDelay();
    const cause = timerCause(s);
    if (cause == ErrorCode.TIMEOUT_HANDSHAKE) handshakeLate(s);
    else if (cause == ErrorCode.TIMEOUT_IDLE) idleOut(s);
    else if (cause) abort(s, s.state == State.OPEN ? cause : 0);
    else sendKeepAlive(s);
  }
}
