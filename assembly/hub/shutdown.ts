// limpet_shutdown → no session begins any more, and those that there are end. RFC 6455 7.1.1 and 7.4.1.
//
//   session                 at the call              then
//   new                                              refused with SHUTDOWN
//   HANDSHAKE, PENDING      503                      ENDING
//   OPEN                    SHUTDOWN event           its acknowledgement: Close(code), CLOSING
//   any                     warned                   the timeout: ABORTED
//
// What the application sends between the event and its acknowledgement goes out before the Close
// frame. A session that was warned has one deadline, the timeout: it lies where that of the close
// handshake lies, `closeMs` after `markedAt`, and no change of its state moves it. Its rates still
// hold it back, and let it go on (rates.ts).

import { ErrorCode, State } from '../abi';
import { HUB_STATE, stats } from '../memory';
import { CLOSE_GOING_AWAY } from '../protocol/close';
import { abort, closeBegin, handshakeEnd } from '../session/ending';
import { Notice, notify } from '../session/events';
import { pool, Session, sessionAt } from '../session/session';
import { timerSet } from '../session/timers';
import { SHUTDOWN_STATE } from './layout';


@unmanaged
class Shutdown {
  /** What Close frames say, or CLOSE_BY_HOST; 0 before limpet_shutdown. */
  code: i32;
}

// @ts-ignore: decorator
@inline
function shutdown(): Shutdown {
  return changetype<Shutdown>(HUB_STATE + SHUTDOWN_STATE);
}

/** Whether a new session is refused. */
// @ts-ignore: decorator
@inline
export function shutdownRefuses(): bool {
  if (!shutdown().code) return false;
  stats().refusedShutdown += 1;
  return true;
}

/** Warns all sessions: `timeoutMs` from now they are given up. Called again, it tells nobody twice. */
export function shutdownBegin(timeoutMs: u32, code: i32): void {
  shutdown().code = code ? code : CLOSE_GOING_AWAY;
  for (let slot: u32 = 0; slot < pool().fresh; slot++) {
    const s = sessionAt(slot);
    const state = s.state;
    if (state == State.FREE || state >= State.ABORTED) continue;
    if (!timeoutMs) {
      abort(s, 0);
      continue;
    }
    if (state < State.OPEN) handshakeEnd(s, ErrorCode.SHUTDOWN);
    s.closeMs = timeoutMs;
    s.markedAt = pool().clock;
    if (state == State.OPEN && !s.warned) notify(s, Notice.SHUTDOWN);
    s.warned = true;
    timerSet(s);
  }
}

/** The application has seen a session's SHUTDOWN event: the close handshake begins. */
// @ts-ignore: decorator
@inline
export function shutdownTold(s: Session): void {
  const code = shutdown().code;
  if (s.state == State.OPEN && code > 0) closeBegin(s, code, 0, 0);
}
