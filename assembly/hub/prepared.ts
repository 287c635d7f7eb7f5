// A message that is sent again and again → its frames, each made once. RFC 6455 5.2; RFC 7692 7.2.1.
//
//   number ─► record ─► block of frame 0: log | Prepared | frame 0
//                          └─► a log for each window over which it was compressed
//
// Each frame has a log of its own (see session/log.ts), which queues refer to as they do to those of
// publications. Frame 0 is made at once and holds the payload; one that is compressed is made when the
// first session comes that takes it (see frames.ts). The message's own references keep the logs until
// it is freed; what is queued then stays until it is written.
//
//   record    0 the block, or the next free record    4 number; less than 0 while it is free
//
// A number is generation << 16 | slot, as a session's handle is: a stale one finds nothing.

import { ErrorCode, StatsRecord } from '../abi';
import { PREPARED_RECORDS, HUB_STATE, stats } from '../memory';
import { DEFLATE, ROOMS } from '../profile';
import { HEADER_MAX } from '../protocol/frame';
import { Log, LOG_CLASSES, LOG_HEADER, logAlone, logRelease } from '../session/log';
import { FIRST_GENERATION, handleAfter, Session } from '../session/session';
import {
  frameAt,
  frameNumber,
  framesBegin,
  framesCounted,
  framesSend,
  frameWrite,
  shared,
} from './frames';
import { PREPARED_RECORD_BYTES, PREPARED_STATE } from './layout';
import { recordGive, recordTake } from './table';


@unmanaged
export class Prepared extends Log {
  /** TEXT or BINARY, with SEND_PLAIN. */
  kind: i32;
  /** The payload, in frame 0. */
  from: u32;
  // then the log of each further frame: 0 = not made yet, this one = it would not shrink
}


@unmanaged
export class PreparedRecord {
  block: u32;
  number: i32;
}

/** Bytes before frame 0: 12 of the log, 8, and 4 for each further frame. */
const PREPARED_HEADER: u32 = LOG_HEADER + 8 + 4 * (LOG_CLASSES - 1);
const POOL: usize = HUB_STATE + PREPARED_STATE;
/** One for each room that there may be. */
export const PREPARED: i32 = ROOMS;

/** The word that names the log of a frame, 1 or more. */
export function logOf(p: Prepared, number: u32): usize {
  return changetype<usize>(p) + (PREPARED_HEADER - 4 * LOG_CLASSES) + (number << 2);
}

/** The record of a slot. */
// @ts-ignore: decorator
@inline
export function preparedAt(slot: u32): PreparedRecord {
  return changetype<PreparedRecord>(PREPARED_RECORDS + slot * PREPARED_RECORD_BYTES);
}

/** A number's record, or null when it is stale or never was one. */
export function preparedFind(number: i32): PreparedRecord {
  const record = preparedAt(number & 0xffff);
  const found = number > 0 && (number & 0xffff) < PREPARED && record.number == number;
  return changetype<PreparedRecord>(found ? changetype<usize>(record) : 0);
}

/** Where the counts of what is in use lie. */
// @ts-ignore: decorator
@inline
function used(): usize {
  return changetype<usize>(stats()) + offsetof<StatsRecord>('preparedUsed');
}

/** Keeps a message of `bytes` bytes at `from`. Its number, or ErrorCode.MEMORY. */
export function prepare(kind: i32, from: usize, bytes: u32): i32 {
  if (stats().preparedUsed == PREPARED) return ErrorCode.MEMORY;
  const log = logAlone(PREPARED_HEADER - LOG_HEADER + HEADER_MAX + bytes);
  if (!changetype<usize>(log)) return ErrorCode.MEMORY;
  const p = changetype<Prepared>(changetype<usize>(log));
  p.references = 1;
  p.kind = kind;
  framesBegin(kind, from, bytes);
  p.end = <u32>frameWrite(changetype<usize>(p) + PREPARED_HEADER, 0);
  p.from = shared().from;
  for (let number: u32 = 1; number < LOG_CLASSES; number++) store<u32>(logOf(p, number), 0);
  const at = recordTake(POOL, used(), PREPARED_RECORDS, PREPARED_RECORD_BYTES);
  const record = changetype<PreparedRecord>(at);
  record.block = <u32>changetype<usize>(p);
  const slot = <i32>(at - PREPARED_RECORDS) / PREPARED_RECORD_BYTES;
  record.number = record.number ? -record.number : FIRST_GENERATION | slot;
  return record.number;
}

/** Queues a prepared message for a session. Sent or ErrorCode, as limpet_send answers. */
export function preparedSend(s: Session, record: PreparedRecord): i32 {
  const p = changetype<Prepared>(<usize>record.block);
  framesBegin(p.kind, p.from, p.end - p.from);
  const m = shared();
  const plain = frameAt(0);
  plain.log = record.block;
  plain.from = record.block + PREPARED_HEADER;
  plain.to = p.end;
  m.alone = 1;
  const number = DEFLATE ? frameNumber(s) : 0;
  const frame = frameAt(number);
  if (number) {
    const log = load<u32>(logOf(p, number));
    frame.log = log;
    frame.from = log == plain.log ? plain.from : log + LOG_HEADER;
    frame.to = changetype<Log>(<usize>log).end;
  }
  const answer = framesSend(s);
  if (number) store<u32>(logOf(p, number), frame.log);
  frame.log = plain.log = m.alone = 0;
  framesCounted();
  return answer;
}

/** Forgets a prepared message: its number is stale. What is queued of it stays until it is written. */
export function preparedFree(record: PreparedRecord): void {
  const block = <usize>record.block;
  const p = changetype<Prepared>(block);
  for (let number: u32 = 1; number < LOG_CLASSES; number++) {
    const log = load<u32>(logOf(p, number));
    if (log && log != <u32>block) logRelease(changetype<Log>(<usize>log));
  }
  logRelease(p);
  record.number = -handleAfter(record.number);
  recordGive(POOL, used(), changetype<usize>(record));
}
