// Frames of a server for many sessions → one block that all their queues refer to.
//
// A log is an arena block to which frames are appended, one behind the other; queues name ranges of
// it (see queue.ts), and it counts them. It goes back to the arena when the last of them is written.
// Frames are appended to one log for each class, the first one for which somebody writes:
//
//   class 0          frames as they are
//   classes 1 to 8   compressed ones, whose distances reach back 2^8 to 2^15 bytes at the most
//
//   log   0 references    4 end of the frames    8 address of the word that names it, 0 = not appended to
//         12 ...
//
// Who appends holds a reference meanwhile, so a log without one never stays. The frames of a message
// that is kept (hub/prepared.ts) have a log each, which it refers to.

import { LOGS_STATE } from '../hub/layout';
import { HUB_STATE } from '../memory';
import { BLOCK_SEND_BYTES, DEFLATE } from '../profile';
import { arenaBytes, arenaGive, arenaTake, arenaTakeRoomy, Use } from './arena';


@unmanaged
export class Log {
  references: u32;
  end: u32;
  owner: u32;
}

/** Bytes before the first frame of a log. */
export const LOG_HEADER: u32 = 12;
/** Logs that are appended to. */
export const LOG_CLASSES: u32 = DEFLATE ? 9 : 1;
/** The words that name them. */
export const LOGS: usize = HUB_STATE + LOGS_STATE;

/**
 * The log of a class, with room behind its end; the caller takes a reference.
 *
 * @returns null when the arena has no block for it
 */
export function logWith(number: u32, room: u32): Log {
  const owner = LOGS + (number << 2);
  const log = changetype<Log>(<usize>load<u32>(owner));
  let roomy: u32 = BLOCK_SEND_BYTES;
  if (changetype<usize>(log)) {
    const bytes = arenaBytes(changetype<usize>(log));
    if (changetype<usize>(log) + bytes - log.end >= room) return log;
    roomy = bytes * 4;
  }
  const block = arenaTakeRoomy(room + LOG_HEADER, roomy, Use.OUT);
  if (block) {
    // The full one goes back with its last reference.
    if (changetype<usize>(log)) log.owner = 0;
    store<u32>(owner, <u32>block);
  }
  return logBegin(block, owner);
}

/** A log for one frame of `room` bytes, behind which nothing is appended; as logWith otherwise. */
export function logAlone(room: u32): Log {
  return logBegin(arenaTake(room + LOG_HEADER, Use.OUT), 0);
}

/** A block, if it is one → an empty log. */
function logBegin(block: usize, owner: usize): Log {
  const log = changetype<Log>(block);
  if (block) {
    log.references = 0;
    log.end = <u32>block + LOG_HEADER;
    log.owner = <u32>owner;
  }
  return log;
}

/** Gives a reference back, and the log with its last one. */
export function logRelease(log: Log): void {
  log.references -= 1;
  if (log.references) return;
  if (log.owner) store<u32>(<usize>log.owner, 0);
  arenaGive(changetype<usize>(log), Use.OUT);
}
