// Topics as strings → calls of the core's rooms, and what it tells of them.

import { RoomRecord, StatsRecord } from '../../build/limpet.abi.js';
import { errorName, ErrorCode, type Driver } from './driver.js';

/** MQTT 5 4.7, "Topic Names and Topic Filters", word by word: whether a filter matches a topic name. */
export function matches(pattern: string, topic: string): boolean {
  const wanted = pattern.split('/');
  const levels = topic.split('/');
  if (topic.startsWith('$') && /^[+#]/.test(pattern)) return false;
  for (const [i, level] of wanted.entries()) {
    if (level === '#') return true;
    if (i >= levels.length || (level !== '+' && level !== levels[i])) return false;
  }
  return wanted.length === levels.length || wanted[levels.length] === '#';
}

export function subscribe(driver: Driver, handle: number, topic: string | Uint8Array): number {
  const [ptr = 0, length = 0] = driver.pass(topic);
  return driver.core.limpet_subscribe(handle, ptr, length);
}

export function unsubscribe(driver: Driver, handle: number, topic: string | Uint8Array): number {
  const [ptr = 0, length = 0] = driver.pass(topic);
  return driver.core.limpet_unsubscribe(handle, ptr, length);
}

export function subscribed(driver: Driver, handle: number, topic: string): number {
  const [ptr = 0, length = 0] = driver.pass(topic);
  return driver.core.limpet_subscribed(handle, ptr, length);
}

export interface RoomInfo {
  topic: string;
  members: number;
  wildcard: boolean;
  messages: number;
  bytes: number;
}

function roomAt(driver: Driver, at: number): RoomInfo {
  const ptr = driver.u32(at + RoomRecord.ptr);
  return {
    topic: driver.copy(ptr, driver.u32(at + RoomRecord.len)).toString(),
    members: driver.u32(at + RoomRecord.members),
    wildcard: driver.u32(at + RoomRecord.wildcard) === 1,
    messages: driver.u64(at + RoomRecord.messages),
    bytes: driver.u64(at + RoomRecord.bytes),
  };
}

/** A room, or an ErrorCode. */
export function room(driver: Driver, topic: string): RoomInfo | number {
  const [ptr = 0, length = 0] = driver.pass(topic);
  const at = driver.core.limpet_room(ptr, length);
  return at < 0 ? at : roomAt(driver, at);
}

/** All rooms, or those of one session. */
export function rooms(driver: Driver, handle?: number): RoomInfo[] {
  const { core } = driver;
  const found: RoomInfo[] = [];
  for (let at = 0; ;) {
    at =
      handle === undefined ? core.limpet_room_next(at) : core.limpet_session_room_next(handle, at);
    if (at < 0) throw new Error(`limpet_room_next: ${errorName(at)}`);
    if (at === 0) return found;
    found.push(roomAt(driver, at));
  }
}

/** The handles of a room's members, `page` with each call; none when there is no such room. */
export function members(driver: Driver, topic: string, page = 8): number[] {
  const found: number[] = [];
  const [ptr = 0, length = 0] = driver.pass(topic, Buffer.alloc(3));
  // Behind the topic, aligned.
  const out = (ptr + length + 3) & ~3;
  while (true) {
    const count = driver.core.limpet_room_members(ptr, length, found.at(-1) ?? 0, out, page);
    if (count === ErrorCode.ABSENT) return [];
    if (count < 0) throw new Error(`limpet_room_members: ${errorName(count)}`);
    for (let i = 0; i < count; i++) found.push(driver.view.getInt32(out + 4 * i, true));
    if (count < page) return found;
  }
}

export interface PoolUse {
  used: number;
  peak: number;
  all: number;
}

export interface RoomStats {
  rooms: PoolUse;
  memberships: PoolUse;
  levels: PoolUse;
  roomsFull: number;
  membershipsFull: number;
}

/** How many rooms, memberships and levels are in use, were at most, and there are; and what was refused. */
export function roomStats(driver: Driver): RoomStats {
  const at = driver.core.limpet_stats();
  const of = (name: 'rooms' | 'memberships' | 'levels'): PoolUse => ({
    used: driver.u32(at + StatsRecord[`${name}Used`]),
    peak: driver.u32(at + StatsRecord[`${name}Peak`]),
    all: driver.u32(at + StatsRecord[name]),
  });
  return {
    rooms: of('rooms'),
    memberships: of('memberships'),
    levels: of('levels'),
    roomsFull: driver.u64(at + StatsRecord.roomsFull),
    membershipsFull: driver.u64(at + StatsRecord.membershipsFull),
  };
}
