// Logs and references: who names a log, when it goes back, what a queue makes of ranges of it.

import { Role, State } from '../../../assembly/abi';
import { stats, TX_SPANS, txRecord } from '../../../assembly/memory';
import { BLOCK_MIN_BYTES, BLOCK_SEND_BYTES } from '../../../assembly/profile';
import { arenaBytes, Use } from '../../../assembly/session/arena';
import {
  Log,
  LOG_HEADER,
  logAlone,
  logRelease,
  LOGS,
  logWith,
} from '../../../assembly/session/log';
import {
  queueAcknowledge,
  queueClear,
  queueRefer,
  queueReserve,
  queueSpans,
  queueUnlisted,
} from '../../../assembly/session/queue';
import { Session, sessionFree, sessionOpen } from '../../../assembly/session/session';

function open(): Session {
  const s = sessionOpen(Role.SERVER, State.OPEN);
  s.queueMax = 1_000_000;
  s.highWater = 1_000_000;
  return s;
}

function free(s: Session): void {
  queueClear(s);
  queueUnlisted(s);
  sessionFree(s);
}

/** A log of class 0 that the spec holds a reference to. */
function take(room: u32): Log {
  const log = logWith(0, room);
  log.references += 1;
  return log;
}

/** Appends `n` bytes; their first one. */
function append(log: Log, n: u32): usize {
  const from = log.end;
  for (let i: u32 = 0; i < n; i++) store<u8>(from + i, <u8>i);
  log.end += n;
  return from;
}

function spans(s: Session): u32 {
  queueSpans(s);
  return txRecord().count;
}

describe('a log', () => {
  it('goes back with its last reference', () => {
    const log = take(10);
    expect<u32>(load<u32>(LOGS)).toBe(<u32>changetype<usize>(log));
    log.references += 1;
    logRelease(log);
    expect<u32>(stats().arenaUsed).toBe(BLOCK_SEND_BYTES);
    logRelease(log);
    expect<u32>(stats().arenaUsed).toBe(0);
    expect<u32>(load<u32>(LOGS)).toBe(0);
  });

  it('is appended to as long as there is room, then the next one is four times as large', () => {
    const first = take(10);
    append(first, BLOCK_SEND_BYTES - LOG_HEADER - 10);
    expect<usize>(changetype<usize>(logWith(0, 10))).toBe(changetype<usize>(first));
    const second = take(11);
    expect<bool>(changetype<usize>(second) != changetype<usize>(first)).toBe(true);
    expect<u32>(arenaBytes(changetype<usize>(second))).toBe(4 * BLOCK_SEND_BYTES);
    expect<u32>(first.owner).toBe(0);
    logRelease(first);
    expect<u32>(load<u32>(LOGS)).toBe(<u32>changetype<usize>(second));
    logRelease(second);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('is as large as one message needs', () => {
    const log = take(100_000);
    expect<u32>(arenaBytes(changetype<usize>(log))).toBe(131_072);
    logRelease(log);
  });
});

describe('logAlone', () => {
  it('is a log of its own, to which nothing is appended', () => {
    const shared = take(10);
    const log = logAlone(10);
    log.references = 1;
    expect<u32>(log.owner).toBe(0);
    expect<u32>(log.end).toBe(<u32>changetype<usize>(log) + LOG_HEADER);
    expect<u32>(arenaBytes(changetype<usize>(log))).toBe(BLOCK_MIN_BYTES);
    expect<u32>(load<u32>(LOGS)).toBe(<u32>changetype<usize>(shared));
    logRelease(log);
    logRelease(shared);
    expect<u32>(stats().arenaUsed).toBe(0);
  });
});

describe('a reference', () => {
  it('grows by what is appended right behind it, and costs no block', () => {
    const s = open();
    const log = take(100);
    const used = stats().arenaUsed;
    for (let i = 0; i < 16; i++) {
      const from = append(log, 5);
      expect<bool>(queueRefer(s, log, from, log.end)).toBe(true);
    }
    expect<u32>(log.references).toBe(2);
    expect<u32>(stats().arenaUsed).toBe(used);
    expect<u32>(spans(s)).toBe(1);
    expect<u32>(load<u32>(TX_SPANS)).toBe(<u32>changetype<usize>(log) + LOG_HEADER);
    expect<u32>(load<u32>(TX_SPANS, 4)).toBe(80);
    logRelease(log);
    expect<i32>(queueAcknowledge(s, 79)).toBe(1);
    expect<u32>(log.references).toBe(1);
    expect<i32>(queueAcknowledge(s, 1)).toBe(0);
    expect<u32>(stats().arenaUsed).toBe(0);
    free(s);
  });

  it('is not written to by what comes behind it', () => {
    const s = open();
    const log = take(100);
    const from = append(log, 5);
    queueRefer(s, log, from, log.end);
    const own = queueReserve(s, 4, Use.OUT);
    store<u32>(own, 0x04030201);
    expect<u32>(log.end).toBe(<u32>from + 5);
    expect<u32>(spans(s)).toBe(2);
    expect<u32>(load<u32>(TX_SPANS, 8)).toBe(<u32>own);
    // A block behind a reference is a small one: another reference may follow.
    expect<u32>(arenaBytes(s.queueTail)).toBe(BLOCK_MIN_BYTES);
    logRelease(log);
    free(s);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('is a copy where the frame is small and the last block has room', () => {
    const s = open();
    const log = take(1000);
    const own = queueReserve(s, 4, Use.OUT);
    store<u32>(own, 0);
    const small = append(log, BLOCK_MIN_BYTES);
    queueRefer(s, log, small, log.end);
    expect<u32>(log.references).toBe(1);
    expect<u32>(spans(s)).toBe(1);
    expect<i32>(memory.compare(own + 4, small, BLOCK_MIN_BYTES)).toBe(0);
    const large = append(log, BLOCK_MIN_BYTES + 1);
    queueRefer(s, log, large, log.end);
    expect<u32>(log.references).toBe(2);
    expect<u32>(spans(s)).toBe(2);
    logRelease(log);
    free(s);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('is a copy where frames for others lie between, unless the frame is large', () => {
    const s = open();
    const log = take(1000);
    queueRefer(s, log, append(log, 5), log.end);
    append(log, 5);
    queueRefer(s, log, append(log, 5), log.end);
    append(log, 5);
    queueRefer(s, log, append(log, 5), log.end);
    expect<u32>(log.references).toBe(2);
    expect<u32>(spans(s)).toBe(2);
    queueRefer(s, log, append(log, 300), log.end);
    append(log, 5);
    queueRefer(s, log, append(log, 300), log.end);
    expect<u32>(log.references).toBe(4);
    expect<u32>(spans(s)).toBe(4);
    expect<u32>(s.queued).toBe(615);
    logRelease(log);
    queueAcknowledge(s, 14);
    expect<u32>(log.references).toBe(2);
    queueAcknowledge(s, 601);
    expect<u32>(stats().arenaUsed).toBe(0);
    free(s);
  });

  it('has its place again once it is written, whatever is behind it', () => {
    const s = open();
    const log = take(1000);
    queueRefer(s, log, append(log, 5), log.end);
    queueReserve(s, 300, Use.OUT);
    queueAcknowledge(s, 5);
    const used = stats().arenaUsed;
    queueRefer(s, log, append(log, 300), log.end);
    expect<u32>(stats().arenaUsed).toBe(used);
    logRelease(log);
    free(s);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('goes back with its session, written or not', () => {
    const a = open();
    const b = open();
    const log = take(1000);
    const from = append(log, 300);
    queueRefer(a, log, from, log.end);
    queueRefer(b, log, from, log.end);
    logRelease(log);
    expect<u32>(log.references).toBe(2);
    free(a);
    expect<u32>(log.references).toBe(1);
    free(b);
    expect<u32>(stats().arenaUsed).toBe(0);
  });
});
