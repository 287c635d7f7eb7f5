// The ring of events, and notices that wait for room in it.

import { ErrorCode, EventKind, EventRecord, Role, State } from '../../../assembly/abi';
import { EVENT_BYTES, EVENT_ENTRIES, eventRing, stats } from '../../../assembly/memory';
import { EVENTS } from '../../../assembly/profile';
import { arenaTake, Use } from '../../../assembly/session/arena';
import {
  BLOCK_LENT,
  eventPush,
  eventRelease,
  eventRingReady,
  eventRoom,
  eventsAcknowledge,
  eventsCount,
  EVENTS_PER_FRAME,
  Notice,
  notify,
} from '../../../assembly/session/events';
import { pool, Session, sessionFind, sessionOpen } from '../../../assembly/session/session';

function open(): Session {
  return sessionOpen(Role.SERVER, State.OPEN);
}

/** The event at `index`, counted since the beginning. */
function event(index: u32): EventRecord {
  return changetype<EventRecord>(EVENT_ENTRIES + (index & (EVENTS - 1)) * EVENT_BYTES);
}

/** Leaves as much room as one frame may need. */
function fill(s: Session): void {
  for (let n = eventRoom(); n > EVENTS_PER_FRAME; n--) eventPush(s, EventKind.PONG, 0, 0);
}

function close(s: Session): void {
  s.state = State.CLOSED;
  notify(s, Notice.CLOSED);
}

describe('the ring', () => {
  it('tells where it lies', () => {
    const ring = eventRingReady();
    expect<u32>(ring.mask).toBe(EVENTS - 1);
    expect<u32>(ring.base).toBe(<u32>EVENT_ENTRIES);
    expect<u32>(eventRoom()).toBe(EVENTS);
  });

  it('refuses to acknowledge more than there is', () => {
    const s = open();
    expect<i32>(eventsAcknowledge(1)).toBe(ErrorCode.ARGUMENT);
    close(s);
    expect<i32>(eventsAcknowledge(2)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(eventsAcknowledge(u32.MAX_VALUE)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(eventsAcknowledge(1)).toBe(0);
  });

  it('knows how many events waited at once', () => {
    const s = open();
    stats().eventsPeak = 0;
    for (let i = 0; i < 5; i++) eventPush(s, EventKind.PONG, 0, 0);
    eventsAcknowledge(4);
    expect<u32>(stats().eventsPeak).toBe(5);
    eventPush(s, EventKind.PONG, 0, 0);
    eventsAcknowledge(2);
    expect<u32>(stats().eventsPeak).toBe(5);
    for (let i = 0; i < 6; i++) eventPush(s, EventKind.PONG, 0, 0);
    eventsCount();
    expect<u32>(stats().eventsPeak).toBe(6);
    eventsAcknowledge(6);
    close(s);
    eventsAcknowledge(1);
  });

  it('gives a block back with the newest event that has none to give back', () => {
    const s = open();
    eventPush(s, EventKind.PONG, 0, 0);
    eventPush(s, EventKind.PONG, 0, 0);
    eventRelease(arenaTake(100, Use.IN), 0);
    eventRelease(arenaTake(100, Use.IN), 0);
    const used = stats().arenaUsed;
    eventsAcknowledge(1);
    expect<u32>(stats().arenaUsed).toBe(used / 2);
    eventsAcknowledge(1);
    expect<u32>(stats().arenaUsed).toBe(0);
    close(s);
    eventsAcknowledge(1);
  });

  it('gives a block back at once when no event is out', () => {
    eventRelease(arenaTake(100, Use.IN), 0);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('gives a block that is lent back with the newest event that points into it', () => {
    const s = open();
    const block = <u32>arenaTake(100, Use.IN);
    const other = <u32>arenaTake(100, Use.IN);
    eventPush(s, EventKind.CHUNK, block, 10).block = block | BLOCK_LENT;
    eventPush(s, EventKind.CHUNK, block + 10, 10).block = block | BLOCK_LENT;
    eventPush(s, EventKind.CHUNK, other, 10).block = other | BLOCK_LENT;
    eventPush(s, EventKind.PONG, 0, 0);
    eventRelease(block, block | BLOCK_LENT);
    const first = eventRing().tail;
    expect<u32>(event(first).block).toBe(block | BLOCK_LENT);
    expect<u32>(event(first + 1).block).toBe(block);
    expect<u32>(event(first + 2).block).toBe(other | BLOCK_LENT);
    expect<u32>(event(first + 3).block).toBe(0);
    const used = stats().arenaUsed;
    eventsAcknowledge(1);
    expect<u32>(stats().arenaUsed).toBe(used);
    eventsAcknowledge(1);
    expect<u32>(stats().arenaUsed).toBe(used / 2);
    // One that is still lent is the session's: its event gives nothing back.
    eventsAcknowledge(2);
    expect<u32>(stats().arenaUsed).toBe(used / 2);
    // No event points into it any more.
    eventRelease(other, other | BLOCK_LENT);
    expect<u32>(stats().arenaUsed).toBe(0);
    close(s);
    eventsAcknowledge(1);
  });

  it('frees a session with its CLOSED event', () => {
    const s = open();
    const handle = s.handle;
    s.user = 42;
    close(s);
    const e = event(eventRing().head - 1);
    expect<i32>(e.kind).toBe(EventKind.CLOSED);
    expect<i32>(e.code).toBe(1006);
    expect<i32>(e.session).toBe(handle);
    expect<i32>(e.user).toBe(42);
    expect<bool>(changetype<usize>(sessionFind(handle)) != 0).toBe(true);
    eventsAcknowledge(1);
    expect<bool>(changetype<usize>(sessionFind(handle)) != 0).toBe(false);
  });

  it('keeps its order over the end of the ring', () => {
    const s = open();
    for (let i = 0; i < EVENTS + 10; i++) {
      eventPush(s, EventKind.PONG, 0, 0);
      expect<u32>(eventRoom()).toBe(EVENTS - 1);
      eventsAcknowledge(1);
    }
    close(s);
    eventsAcknowledge(1);
  });
});

describe('notices', () => {
  it('wait for room, and come in the order of their sessions', () => {
    const filler = open();
    fill(filler);
    const a = open();
    const b = open();
    close(a);
    close(b);
    const before = eventRing().head;
    expect<bool>(pool().noticeFirst != 0).toBe(true);
    eventsAcknowledge(2);
    expect<u32>(eventRing().head - before).toBe(2);
    expect<i32>(event(before).session).toBe(a.handle);
    expect<i32>(event(before + 1).session).toBe(b.handle);
    expect<u32>(pool().noticeFirst).toBe(0);
    eventsAcknowledge(EVENTS - eventRoom());
    close(filler);
    eventsAcknowledge(1);
    expect<u32>(stats().active).toBe(0);
  });

  it('of one session come in their order: WRITABLE, ERROR, CLOSING, CLOSED', () => {
    const s = open();
    fill(s);
    const before = eventRing().head;
    notify(s, Notice.CLOSING);
    notify(s, Notice.ERROR);
    notify(s, Notice.WRITABLE);
    eventsAcknowledge(EVENTS - EVENTS_PER_FRAME);
    expect<i32>(event(before).kind).toBe(EventKind.WRITABLE);
    expect<i32>(event(before + 1).kind).toBe(EventKind.ERROR);
    expect<i32>(event(before + 2).kind).toBe(EventKind.CLOSING);
    eventsAcknowledge(3);
    close(s);
    eventsAcknowledge(1);
  });
});
