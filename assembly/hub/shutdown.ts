// limpet_shutdown → no session begins any more, and those that there are end. RFC 6455 7.1.1 and 7.4.1.
//
//   session                 at the call              then
//   HANDSHAKE, PENDING      503                      ENDING
//   OPEN                    SHUTDOWN event           its acknowledgement: Close(code), CLOSING
//   any                     -                        the timeout: ABORTED
//   new                     refused with SHUTDOWN
//
// What the application sends between the event and its acknowledgement goes out before the Close
// frame. Called again, it moves the timeout, and tells nobody twice.

import { CLOSE_BY_HOST, ErrorCode, State } from '../abi';
import { HUB_STATE, stats } from '../memory';
import { CLOSE_GOING_AWAY } from '../protocol/close';
import { abort, closeBegin, handshakeEnd } from '../session/ending';
import { Notice, notify } from '../session/events';
import { pool, Session, sessionAt } from '../session/session';
import { NEVER } from '../session/timers';
import { SHUTDOWN_STATE } from './layout';


@unmanaged
class Shutdown {
  /** The moment of the timeout, with all bits turned: 0, as at the start, is NEVER. */
  untilTurned: u64;
  /** What is told in Close frames, or CLOSE_BY_HOST; 0 before limpet_shutdown. */
  code: i32;
}

// @ts-ignore: decorator
@inline
function shutdown(): Shutdown {
  return changetype<Shutdown>(HUB_STATE + SHUTDOWN_STATE);
}

/** Whether a new session is refused. */
export function shutdownRefuses(): bool {
  if (!shutdown().code) return false;
  stats().refusedShutdown += 1;
  return true;
}

/** When the sessions that are still there are given up; NEVER when there are none. */
export function shutdownAt(): u64 {
  return stats().active ? ~shutdown().untilTurned : NEVER;
}

/** Tells the sessions, and gives them up `timeoutMs` from now. */
export function shutdownBegin(timeoutMs: u32, code: i32): void {
  shutdown().code = code ? code : CLOSE_GOING_AWAY;
  shutdown().untilTurned = ~(pool().clock + timeoutMs);
  shutdownTick();
  for (let slot: u32 = 0; slot < pool().fresh; slot++) {
    const s = sessionAt(slot);
    if (s.state == State.HANDSHAKE || s.state == State.PENDING) handshakeEnd(s, ErrorCode.SHUTDOWN);
    if (s.state != State.OPEN || s.warned) continue;
    s.warned = true;
    notify(s, Notice.SHUTDOWN);
  }
}

/** Gives up the sessions that are still there, once their time is over. */
export function shutdownTick(): void {
  if (pool().clock < shutdownAt()) return;
  shutdown().untilTurned = 0;
  for (let slot: u32 = 0; slot < pool().fresh; slot++) {
    const s = sessionAt(slot);
    if (s.state && s.state < State.ABORTED) abort(s, 0);
  }
}

/** The application has seen a session's SHUTDOWN event: the close handshake begins. */
export function shutdownTold(s: Session): void {
  const code = shutdown().code;
  if (s.state == State.OPEN && code != CLOSE_BY_HOST) closeBegin(s, code, 0, 0);
}
