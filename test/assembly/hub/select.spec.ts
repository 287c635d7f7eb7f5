// A SelectRecord: each of its fields alone, at its edge and one past it.

import { Role, SelectRecord, State } from '../../../assembly/abi';
import { metaRelease, metaSet } from '../../../assembly/hub/metadata';
import { selectNext, selects } from '../../../assembly/hub/select';
import { zeroWords } from '../../../assembly/memory';
import { Session, sessionFree, sessionOpen } from '../../../assembly/session/session';
import { ascii, THERE } from '../bytes';

const NULL = changetype<SelectRecord>(0);
const select = changetype<SelectRecord>(THERE);
const KEY: usize = THERE + 128;
const VALUE: usize = THERE + 256;

function open(state: State = State.OPEN): Session {
  return sessionOpen(Role.SERVER, state);
}

/** Gives the slot back, which is the next one to be used: those opened last go first. */
function free(s: Session): void {
  metaRelease(s);
  sessionFree(s);
}

/** A record that leaves all bounds out. */
function clear(): void {
  zeroWords(THERE, 80);
}

/** Which of the states a session is selected in, a bit each. */
function statesOf(s: Session, record: SelectRecord): u32 {
  let states: u32 = 0;
  for (let state: i32 = State.HANDSHAKE; state <= State.CLOSED; state++) {
    s.state = state;
    if (selects(record, s)) states |= 1 << state;
  }
  s.state = State.OPEN;
  return states;
}

function give(s: Session, key: string, value: string): void {
  expect<i32>(metaSet(s, KEY, ascii(KEY, key), VALUE, ascii(VALUE, value))).toBe(0);
}

/** Asks for a key. */
function withKey(key: string): void {
  clear();
  select.keyPtr = <u32>KEY;
  select.keyLen = ascii(KEY, key);
}

/** Asks for a key with a value. */
function withValue(key: string, value: string): void {
  withKey(key);
  select.valuePtr = <u32>VALUE;
  select.valueLen = ascii(VALUE, value);
}

describe('selects', () => {
  it('names what is open without a record, and without bits of states', () => {
    const s = open();
    clear();
    expect<u32>(statesOf(s, NULL)).toBe(1 << State.OPEN);
    expect<u32>(statesOf(s, select)).toBe(1 << State.OPEN);
    for (let state: i32 = State.HANDSHAKE; state <= State.CLOSED; state++) {
      select.states = 1 << state;
      expect<u32>(statesOf(s, select)).toBe(1 << state);
    }
    select.states = (1 << State.PENDING) | (1 << State.CLOSING);
    expect<u32>(statesOf(s, select)).toBe((1 << State.PENDING) | (1 << State.CLOSING));
    free(s);
  });

  it('holds each bound at its edge, and not past it', () => {
    const s = open();
    s.openedAt = 100;
    s.messagesIn = 5;
    s.messagesOut = 7;
    // In the order of the record; the moment that ends a span is not in it.
    const edges: u64[] = [100, 101, 5, 5, 7, 7];
    for (let i = 0; i < 6; i++) {
      const past: u64 = i & 1 ? edges[i] - 1 : edges[i] + 1;
      clear();
      store<u64>(THERE + (i << 3), edges[i]);
      expect<bool>(selects(select, s)).toBe(true);
      store<u64>(THERE + (i << 3), past);
      expect<bool>(selects(select, s)).toBe(false);
      // A bound of 64 bits is held with all of them.
      store<u64>(THERE + (i << 3), past | (1 << 40));
      expect<bool>(selects(select, s)).toBe((i & 1) == 1);
    }
    free(s);
  });

  it('leaves one session out', () => {
    const a = open();
    const b = open();
    clear();
    select.except = a.handle;
    expect<bool>(selects(select, a)).toBe(false);
    expect<bool>(selects(select, b)).toBe(true);
    // Who had the slot before is somebody else.
    select.except = a.handle - 0x10000;
    expect<bool>(selects(select, a)).toBe(true);
    free(b);
    free(a);
  });

  it('asks for a key, with any value or with one', () => {
    const red = open();
    const empty = open();
    const none = open();
    give(red, 'color', 'red');
    give(empty, 'color', '');
    give(none, 'colo', 'red');
    withKey('color');
    expect<bool>(selects(select, red)).toBe(true);
    expect<bool>(selects(select, empty)).toBe(true);
    expect<bool>(selects(select, none)).toBe(false);
    withValue('color', 'red');
    expect<bool>(selects(select, red)).toBe(true);
    expect<bool>(selects(select, empty)).toBe(false);
    expect<bool>(selects(select, none)).toBe(false);
    withValue('color', 're');
    expect<bool>(selects(select, red)).toBe(false);
    withValue('color', '');
    expect<bool>(selects(select, red)).toBe(false);
    expect<bool>(selects(select, empty)).toBe(true);
    // Without a key a value says nothing.
    withValue('', 'blue');
    expect<bool>(selects(select, none)).toBe(true);
    free(none);
    free(empty);
    free(red);
  });

  it('asks for all of it at once', () => {
    const s = open(State.CLOSING);
    s.messagesIn = 5;
    give(s, 'color', 'red');
    withValue('color', 'red');
    select.states = 1 << State.CLOSING;
    select.messagesInFrom = 5;
    expect<bool>(selects(select, s)).toBe(true);
    select.messagesInFrom = 6;
    expect<bool>(selects(select, s)).toBe(false);
    select.messagesInFrom = 5;
    select.states = 1 << State.OPEN;
    expect<bool>(selects(select, s)).toBe(false);
    free(s);
  });
});

describe('selectNext', () => {
  it('goes from slot to slot over what is not named, and ends', () => {
    const a = open();
    const b = open(State.CLOSING);
    const c = open();
    clear();
    expect<i32>(selectNext(select, 0)).toBe(a.handle);
    expect<i32>(selectNext(select, a.handle)).toBe(c.handle);
    expect<i32>(selectNext(NULL, a.handle)).toBe(c.handle);
    expect<i32>(selectNext(select, c.handle)).toBe(0);
    // A handle that is stale says where to go on, too.
    const handle = b.handle;
    free(b);
    expect<i32>(selectNext(select, handle)).toBe(c.handle);
    expect<i32>(selectNext(select, -1)).toBe(0);
    free(c);
    free(a);
  });

  it('names no slot that is free, whatever the states say', () => {
    const a = open();
    const b = open();
    free(a);
    clear();
    select.states = 0xffff_ffff;
    expect<i32>(selectNext(select, 0)).toBe(b.handle);
    select.states = 1 << State.FREE;
    expect<i32>(selectNext(select, 0)).toBe(0);
    free(b);
    select.states = 0xffff_ffff;
    expect<i32>(selectNext(select, 0)).toBe(0);
  });
});
