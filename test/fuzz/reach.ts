// Random topics and SelectRecords → the sessions that they reach, held against what each session says
// of itself.

import { SelectRecord, SessionInfo, State } from '../../build/limpet.abi.js';
import { ErrorCode, type Driver } from '../support/driver.js';
import { matches, rooms } from '../support/rooms.js';
import type { Random } from './random.js';
import { Fault } from './watch.js';

interface Members {
  driver: Driver;
  random: Random;
  sessions: readonly { handle: number }[];
  gone: readonly number[];
}

const stateOf = (driver: Driver, handle: number) => driver.info(handle)?.state ?? State.FREE;

/** Sessions that a message to a topic reaches, by the rooms of each. */
export function reached({ driver, sessions }: Members, topic: string): number[] {
  return sessions
    .map(({ handle }) => handle)
    .filter((handle) => stateOf(driver, handle) === State.OPEN)
    .filter((handle) => rooms(driver, handle).some((room) => matches(room.topic, topic)));
}

/** A SelectRecord in the scratch region, and the sessions that it names. */
export function selection(members: Members): { at: number; named: number[] } {
  const { driver, random, sessions, gone } = members;
  const handles = sessions.map(({ handle }) => handle);
  const counter = (handle: number, field: number) =>
    driver.u64(driver.core.limpet_session_info(handle) + field);
  const record = Buffer.alloc(SelectRecord.size);
  const tests: ((handle: number) => boolean)[] = [];
  /** A bound near what some session has; 0 is none. */
  const bound = (field: number, at: number, holds: (value: number, limit: number) => boolean) => {
    if (!random.once(4) || handles.length === 0) return;
    const limit = Math.max(counter(random.pick(handles), field) + random.below(3) - 1, 0);
    record.writeBigUInt64LE(BigInt(limit), at);
    if (limit) tests.push((handle) => holds(counter(handle, field), limit));
  };
  const least = (value: number, limit: number) => value >= limit;
  const most = (value: number, limit: number) => value <= limit;
  bound(SessionInfo.openedAt, SelectRecord.openedFrom, least);
  bound(SessionInfo.openedAt, SelectRecord.openedUntil, (value, limit) => value < limit);
  bound(SessionInfo.messagesIn, SelectRecord.messagesInFrom, least);
  bound(SessionInfo.messagesIn, SelectRecord.messagesInTo, most);
  bound(SessionInfo.messagesOut, SelectRecord.messagesOutFrom, least);
  bound(SessionInfo.messagesOut, SelectRecord.messagesOutTo, most);
  const states = random.once(2) ? random.below(256) : 0;
  record.writeUInt32LE(states, SelectRecord.states);
  tests.push((handle) => (((states || 1 << State.OPEN) >> stateOf(driver, handle)) & 1) === 1);
  const except = random.once(3) ? random.pick([...handles, ...gone.slice(-3), -1]) : 0;
  record.writeInt32LE(except, SelectRecord.except);
  tests.push((handle) => handle !== except);
  if (random.once(3)) {
    const key = random.pick(['a', 'b', 'ab', 'none']);
    const value = random.once(2) ? random.bytes(random.below(2)) : undefined;
    const [, , keyPtr = 0, keyLen = 0, valuePtr = 0, valueLen = 0] = driver.pass(
      ...[record, key, value ?? ''],
    );
    record.writeUInt32LE(keyPtr, SelectRecord.keyPtr);
    record.writeUInt32LE(keyLen, SelectRecord.keyLen);
    record.writeUInt32LE(value ? valuePtr : 0, SelectRecord.valuePtr);
    record.writeUInt32LE(value ? valueLen : 0, SelectRecord.valueLen);
    tests.push((handle) =>
      driver
        .metadata(handle)
        .some((entry) => entry.name.toString() === key && (!value || entry.value.equals(value))),
    );
  }
  driver.write(driver.scratch, record);
  return { at: driver.scratch, named: handles.filter((handle) => tests.every((is) => is(handle))) };
}

/** Goes through the sessions of a topic and those of a SelectRecord. */
export function checkReach(members: Members): void {
  const { driver, random } = members;
  const { core } = driver;
  const levels = ['a', 'b', 'c', '', '$', 'a level of some', '+'];
  const topic = Array.from({ length: 1 + random.below(2) }, () => random.pick(levels)).join('/');
  const [ptr = 0, length = 0] = driver.pass(topic);
  const first = core.limpet_topic_next(ptr, length, 0);
  if (first === ErrorCode.UNSUPPORTED) return;
  if (topic === '' || topic.includes('+')) {
    if (first !== ErrorCode.VALUE) throw new Fault(`limpet_topic_next("${topic}") is ${first}`);
  } else {
    const told = handlesOf((after) => core.limpet_topic_next(ptr, length, after));
    same(`topic "${topic}"`, told, reached(members, topic));
  }
  const { at, named } = selection(members);
  same(
    'selection',
    handlesOf((after) => core.limpet_select(at, after)),
    named,
  );
}

function handlesOf(next: (after: number) => number): number[] {
  const found: number[] = [];
  for (let handle = 0; (handle = next(handle)) > 0;) found.push(handle);
  return found;
}

function same(what: string, told: number[], should: number[]): void {
  const shown = (handles: number[]) => [...handles].sort((a, b) => a - b).join();
  if (shown(told) !== shown(should))
    throw new Fault(`${what}: ${shown(told)}, not ${shown(should)}`);
}
