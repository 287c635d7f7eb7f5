// The send queue: order, growth, partial acknowledgements, host payloads, the list with output.

import { ErrorCode, Role, Sent, State, TX_SPANS_MAX, TxFlag } from '../../../assembly/abi';
import { stats, TX_SPANS, txRecord } from '../../../assembly/memory';
import { BLOCK_SEND_BYTES } from '../../../assembly/profile';
import { Use } from '../../../assembly/session/arena';
import {
  queueAcknowledge,
  queueClear,
  queueExternal,
  queueMark,
  queueNext,
  queueReserve,
  queueSpans,
  queueTakesPong,
  queueTrim,
  queueUnlisted,
} from '../../../assembly/session/queue';
import { Session, sessionFree, sessionOpen } from '../../../assembly/session/session';

function open(): Session {
  const s = sessionOpen(Role.SERVER, State.OPEN);
  s.queueMax = 1_000_000;
  s.highWater = 100;
  return s;
}

function free(s: Session): void {
  queueClear(s);
  queueUnlisted(s);
  sessionFree(s);
}

/** Queues `n` bytes that count up from `first`. */
function put(s: Session, n: u32, first: u32): void {
  const at = queueReserve(s, n, Use.OUT);
  for (let i: u32 = 0; i < n; i++) store<u8>(at + i, <u8>(first + i));
}

function spans(s: Session): i32 {
  queueSpans(s);
  return txRecord().count;
}

function spanPtr(i: i32): usize {
  return load<u32>(TX_SPANS + (i << 3));
}

function spanLen(i: i32): u32 {
  return load<u32>(TX_SPANS + (i << 3), 4);
}

describe('the send queue', () => {
  it('keeps small frames in one span', () => {
    const s = open();
    put(s, 10, 0);
    put(s, 20, 10);
    put(s, 30, 30);
    expect<i32>(spans(s)).toBe(1);
    expect<u32>(spanLen(0)).toBe(60);
    expect<u32>(txRecord().bytes).toBe(60);
    let wrong = 0;
    for (let i: u32 = 0; i < 60; i++) if (load<u8>(spanPtr(0) + i) != <u8>i) wrong += 1;
    expect<i32>(wrong).toBe(0);
    free(s);
  });

  it('takes acknowledgements of any size, and gives its blocks back', () => {
    const s = open();
    for (let i: u32 = 0; i < 100; i++) put(s, 200, i);
    let left: u32 = 20_000;
    expect<u32>(s.queued).toBe(left);
    for (let n: u32 = 1; left > 0; n = min(n * 2 + 1, left)) {
      expect<i32>(queueAcknowledge(s, n)).toBe(left > n ? 1 : 0);
      left -= n;
      expect<u32>(s.queued).toBe(left);
      queueSpans(s);
      if (!(txRecord().flags & TxFlag.MORE)) expect<u32>(txRecord().bytes).toBe(left);
    }
    expect<u32>(s.queueHead | s.queueTail).toBe(0);
    expect<u32>(stats().arenaUsed).toBe(0);
    free(s);
  });

  it('refuses to acknowledge more than there is', () => {
    const s = open();
    put(s, 10, 0);
    expect<i32>(queueAcknowledge(s, 11)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(queueAcknowledge(s, u32.MAX_VALUE)).toBe(ErrorCode.ARGUMENT);
    expect<u32>(s.queued).toBe(10);
    free(s);
  });

  it('puts a payload of the host in its place', () => {
    const s = open();
    put(s, 4, 0);
    queueExternal(s, 1000);
    put(s, 6, 4);
    expect<i32>(spans(s)).toBe(3);
    expect<u32>(spanLen(0)).toBe(4);
    expect<usize>(spanPtr(1)).toBe(0);
    expect<u32>(spanLen(1)).toBe(1000);
    expect<u32>(spanLen(2)).toBe(6);
    queueAcknowledge(s, 504);
    expect<i32>(spans(s)).toBe(2);
    expect<usize>(spanPtr(0)).toBe(0);
    expect<u32>(spanLen(0)).toBe(500);
    expect<i32>(queueAcknowledge(s, 506)).toBe(0);
    expect<u32>(stats().arenaUsed).toBe(0);
    free(s);
  });

  it('gives back what was reserved too much', () => {
    const s = open();
    const at = queueReserve(s, 100, Use.OUT);
    queueTrim(s, at + 30);
    put(s, 5, 0);
    queueSpans(s);
    expect<u32>(txRecord().bytes).toBe(35);
    expect<u32>(s.queued).toBe(35);
    free(s);
  });

  it('says MORE when the spans do not hold all', () => {
    const s = open();
    for (let i = 0; i < 40; i++) {
      put(s, 2, i);
      queueExternal(s, 10);
    }
    const count = spans(s);
    expect<bool>(count <= TX_SPANS_MAX).toBe(true);
    expect<u32>(txRecord().flags & TxFlag.MORE).toBe(TxFlag.MORE);
    queueAcknowledge(s, txRecord().bytes);
    while (spans(s)) queueAcknowledge(s, txRecord().bytes);
    expect<u32>(s.queued).toBe(0);
    free(s);
  });

  it('marks a queue over its high water', () => {
    const s = open();
    put(s, 100, 0);
    expect<i32>(queueMark(s)).toBe(Sent.OK);
    put(s, 1, 0);
    expect<i32>(queueMark(s)).toBe(Sent.BACKPRESSURE);
    free(s);
  });

  it('takes pongs over its bound, but not without one', () => {
    const s = open();
    s.queueMax = 100;
    put(s, 100, 0);
    expect<bool>(queueTakesPong(s)).toBe(true);
    put(s, 8 * 131, 0);
    expect<bool>(queueTakesPong(s)).toBe(false);
    queueAcknowledge(s, 1);
    expect<bool>(queueTakesPong(s)).toBe(true);
    free(s);
  });

  it('lets a first block serve small frames only', () => {
    const s = open();
    put(s, BLOCK_SEND_BYTES + 1, 0);
    queueSpans(s);
    expect<u32>(txRecord().bytes).toBe(BLOCK_SEND_BYTES + 1);
    free(s);
  });
});

describe('the list with output', () => {
  it('is in order, each session once', () => {
    const a = open();
    const b = open();
    const c = open();
    put(b, 1, 0);
    put(a, 1, 0);
    put(b, 1, 0);
    put(c, 1, 0);
    queueUnlisted(a);
    expect<i32>(queueNext()).toBe(b.handle);
    expect<i32>(queueNext()).toBe(c.handle);
    expect<i32>(queueNext()).toBe(0);
    put(a, 1, 0);
    expect<i32>(queueNext()).toBe(a.handle);
    expect<i32>(queueNext()).toBe(0);
    free(a);
    free(b);
    free(c);
  });
});
