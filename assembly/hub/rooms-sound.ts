// The tables of rooms, memberships and levels → are they sound? For limpet_debug_check (debug.ts).
//
// Each record in use is found by its key, leads to the others that it belongs to and back, and
// all of them add up to what the counters say.

import { State } from '../abi';
import { stats } from '../memory';
import { MEMBERSHIPS, ROOMS, SESSIONS, TOPIC_LEVELS } from '../profile';
import { pool, Session, sessionAt } from '../session/session';
import { LEVEL_HEADS, ROOM_BYTES } from './layout';
import { Level, LEVEL_CHAINS, LEVEL_POOL, levelAt } from './levels';
import {
  Member,
  MEMBER_POOL,
  memberFind,
  Room,
  ROOM_POOL,
  ROOM_RECORDS,
  roomAt,
  roomFind,
  roomNumber,
  SESSION_NODE,
} from './rooms';
import { Pool } from './table';

export function roomsSound(): bool {
  const st = stats();
  let rooms: u32 = 0;
  let members: u32 = 0;
  let patterns: u32 = 0;
  const end = ROOM_RECORDS + changetype<Pool>(ROOM_POOL).fresh * ROOM_BYTES;
  for (let at = ROOM_RECORDS; at < end; at += ROOM_BYTES) {
    const room = changetype<Room>(at);
    if (!room.members) continue;
    if (!roomSound(room)) return false;
    rooms += 1;
    members += room.members;
    patterns += room.wildcard;
  }
  let memberships: u32 = 0;
  for (let slot: u32 = 0; slot < pool().fresh; slot++) {
    const joined = joinedBy(sessionAt(slot));
    if (joined < 0) return false;
    memberships += joined;
  }
  return (
    rooms == st.roomsUsed &&
    members == st.membershipsUsed &&
    memberships == members &&
    levelsSound(patterns) &&
    poolSound(ROOM_POOL, rooms, ROOMS) &&
    poolSound(MEMBER_POOL, members, MEMBERSHIPS) &&
    poolSound(LEVEL_POOL, st.levelsUsed, TOPIC_LEVELS)
  );
}

/** What is in use and what was given back is all that was ever used. */
function poolSound(pool: usize, used: u32, count: u32): bool {
  const p = changetype<Pool>(pool);
  let record = p.freed;
  while (record && used <= count) {
    used += 1;
    record = load<u32>(record);
  }
  return used == p.fresh && used <= count;
}

/** A room is found by its topic, and has as many members as it says. */
function roomSound(room: Room): bool {
  if (roomFind(room.ptr, room.len) != room) return false;
  let owner = changetype<usize>(room) + offsetof<Room>('first');
  let count: u32 = 0;
  for (let next = room.first; next; next = load<u32>(next)) {
    const member = changetype<Member>(<usize>next);
    if (member.owner != <u32>owner || member.room != roomNumber(room)) return false;
    if (<i32>member.slot >= SESSIONS) return false;
    if (memberFind(sessionAt(member.slot), room) != member) return false;
    owner = next;
    count += 1;
    if (count > room.members) return false;
  }
  if (count != room.members) return false;
  if (!room.wildcard) return true;
  const level = levelAt(room.level);
  const number = roomNumber(room);
  return level.room == number || level.rest == number;
}

/** How many rooms a session is in, or -1: each membership is its own, and none is left of one gone. */
function joinedBy(s: Session): i32 {
  const slot: u32 = s.handle & 0xffff;
  let owner = changetype<usize>(s) + offsetof<Session>('rooms');
  let count = 0;
  let node: u32 = s.rooms;
  while (node) {
    const member = changetype<Member>(<usize>node - SESSION_NODE);
    if (member.sessionOwner != <u32>owner || member.slot != slot) return -1;
    if (!roomAt(member.room).members || count > MEMBERSHIPS) return -1;
    owner = node;
    node = member.sessionNext;
    count += 1;
  }
  return count && (s.state == State.FREE || s.state == State.CLOSED) ? -1 : count;
}

/** Each level is below one that knows it, leads to a pattern, and each pattern has its place. */
function levelsSound(patterns: u32): bool {
  const root = levelAt(0);
  let below: u32 = root.children;
  let rooms = u32(root.rest != 0);
  let levels: u32 = 0;
  for (let head = 0; head < LEVEL_HEADS; head++) {
    let at = load<u32>(LEVEL_CHAINS + (head << 2));
    while (at) {
      const level = changetype<Level>(<usize>at);
      levels += 1;
      if (levels > <u32>TOPIC_LEVELS) return false;
      below += level.children;
      rooms += u32(level.room != 0) + u32(level.rest != 0);
      if (!(level.children | level.room | level.rest)) return false;
      at = level.chain;
    }
  }
  return levels == stats().levelsUsed && below == levels && rooms == patterns && !root.room;
}
