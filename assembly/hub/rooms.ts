// Topics and sessions → rooms with members. A room is a topic, or a pattern of topics, that
// sessions are subscribed to: it comes with its first member and goes with its last one.
//
//   session.rooms ─► Member ─► Member ─► ...     its memberships, the newest first
//                      │ room
//                      ▼
//   room.first ────► Member ─► Member ─► ...     its members, the newest first
//
// A room is found by a hash of its topic, a membership by one of session and room, and both of a
// membership's lists lead back as well as forth: joining and leaving walk no list. Patterns are
// found by the levels of a topic, see levels.ts.
//
// A session is a member until it leaves or is gone: one that closes still has its rooms.

import { ErrorCode, RoomRecord, State, StatsRecord } from '../abi';
import { copyBytes, HUB_STATE, stats, TOPIC_TABLES } from '../memory';
import { MEMBERSHIPS, ROOMS, TOPIC_MAX_BYTES } from '../profile';
import { listDrop, listPush } from '../session/list';
import { Session, sessionAt, sessionFind } from '../session/session';
import {
  HEADS_BYTES,
  MEMBER_BYTES,
  MEMBER_HEADS,
  ROOM_BYTES,
  ROOM_HEADS,
  TOPICS_STATE,
} from './layout';
import { levelsAdd, levelsMatch, levelsMatchNext, levelsRemove } from './levels';
import { bytesEqual, chainAdd, chainRemove, hashBytes, recordGive, recordTake } from './table';
import { TOPIC_NAME, TOPIC_PATTERN, topicKind } from './topics';


@unmanaged
export class Room extends RoomRecord {
  /** Its first Member, 0 = none: the record is in no use. */
  first: u32;
  /** The hash of its topic, and the next Room of that chain. */
  hash: u32;
  chain: u32;
  /** A pattern's last level: see levels.ts. */
  level: u32;
  // Its topic follows.
}


@unmanaged
export class Member {
  /** The node (see list.ts) of the room's list: the next Member, 0 = none. */
  next: u32;
  owner: u32;
  /** The node of the session's list. */
  sessionNext: u32;
  sessionOwner: u32;
  /** The next Member of its chain. */
  chain: u32;
  /** The session's slot and the room's number, 1 or more: as one word they are the key. */
  slot: u16;
  room: u16;
}

const TOPIC: usize = 48;
const ROOM_LINK: usize = offsetof<Room>('chain');
const MEMBER_LINK: usize = offsetof<Member>('chain');
const KEY: usize = offsetof<Member>('slot');
export const SESSION_NODE: usize = offsetof<Member>('sessionNext');

const ROOM_CHAINS: usize = TOPIC_TABLES;
const MEMBER_CHAINS: usize = ROOM_CHAINS + (ROOM_HEADS << 2);
export const ROOM_RECORDS: usize = TOPIC_TABLES + HEADS_BYTES;
const MEMBER_RECORDS: usize = ROOM_RECORDS + ROOMS * ROOM_BYTES;

/** 2^32 over the golden ratio. */
const GOLDEN: u32 = 0x9e3779b1;

export const ROOM_POOL: usize = HUB_STATE + TOPICS_STATE;
export const MEMBER_POOL: usize = ROOM_POOL + 8;
/** The room that the topic under way names, 0 = none, or it was told. */
const EXACT: usize = ROOM_POOL + 16;

const ROOM_USE: usize = offsetof<StatsRecord>('roomsUsed');
const MEMBER_USE: usize = offsetof<StatsRecord>('membershipsUsed');

// --------------------------------------------------------------------- finding

/** Number, 1 or more → room. */
export function roomAt(number: u32): Room {
  return changetype<Room>(ROOM_RECORDS + (number - 1) * ROOM_BYTES);
}

export function roomNumber(room: Room): u32 {
  return 1 + <u32>(changetype<usize>(room) - ROOM_RECORDS) / ROOM_BYTES;
}

function roomHead(hash: u32): usize {
  return ROOM_CHAINS + ((hash & (ROOM_HEADS - 1)) << 2);
}

function roomOf(p: usize, n: u32, hash: u32): Room {
  let room = changetype<Room>(<usize>load<u32>(roomHead(hash)));
  while (changetype<usize>(room)) {
    if (room.hash == hash && bytesEqual(room.ptr, room.len, p, n)) break;
    room = changetype<Room>(<usize>room.chain);
  }
  return room;
}

/** The room of a topic or a pattern, or null. */
export function roomFind(p: usize, n: u32): Room {
  if (n > <u32>TOPIC_MAX_BYTES) return changetype<Room>(0);
  return roomOf(p, n, hashBytes(p, n));
}

/**
 * A key's chain: each room has a place of its own among the heads, and the slots go on from there.
 * So the members of one room share no chain and lie side by side, and the multiples of the golden
 * ratio keep the rooms apart.
 */
function memberHead(key: u32): usize {
  const place = ((key >> 16) * GOLDEN) >> (clz(MEMBER_HEADS) + 1);
  return MEMBER_CHAINS + (((place + (key & 0xffff)) & (MEMBER_HEADS - 1)) << 2);
}

function memberKey(s: Session, room: Room): u32 {
  return (s.handle & 0xffff) | (roomNumber(room) << 16);
}

function memberOf(key: u32): Member {
  let member = changetype<Member>(<usize>load<u32>(memberHead(key)));
  while (changetype<usize>(member)) {
    if (keyOf(member) == key) break;
    member = changetype<Member>(<usize>member.chain);
  }
  return member;
}

// @ts-ignore: decorator
@inline
function keyOf(member: Member): u32 {
  return load<u32>(changetype<usize>(member), KEY);
}

/** A session's membership of a room, or null. */
export function memberFind(s: Session, room: Room): Member {
  return memberOf(memberKey(s, room));
}

// ----------------------------------------------------------- joining and leaving

/** Subscribes a session: 1, or 0 when it was subscribed; or an ErrorCode. */
export function join(s: Session, p: usize, n: u32): i32 {
  const kind = topicKind(p, n);
  if (!kind) return ErrorCode.VALUE;
  if (s.state != State.OPEN) return ErrorCode.STATE;
  const hash = hashBytes(p, n);
  let room = roomOf(p, n, hash);
  if (changetype<usize>(room) && changetype<usize>(memberFind(s, room))) return 0;
  const st = stats();
  if (st.membershipsUsed == MEMBERSHIPS) {
    st.membershipsFull += 1;
    return ErrorCode.MEMBERSHIPS;
  }
  if (!changetype<usize>(room)) {
    room = roomMake(p, n, hash, kind == TOPIC_PATTERN);
    if (!changetype<usize>(room)) {
      st.roomsFull += 1;
      return ErrorCode.ROOMS;
    }
  }
  memberMake(s, room);
  return 1;
}

/** A room without members, or null when no record is free for it or for its levels. */
function roomMake(p: usize, n: u32, hash: u32, wildcard: bool): Room {
  const st = stats();
  if (st.roomsUsed == ROOMS) return changetype<Room>(0);
  const use = changetype<usize>(st) + ROOM_USE;
  const record = recordTake(ROOM_POOL, use, ROOM_RECORDS, ROOM_BYTES);
  const room = changetype<Room>(record);
  if (wildcard) {
    const level = levelsAdd(p, n, roomNumber(room));
    if (level < 0) {
      recordGive(ROOM_POOL, use, record);
      return changetype<Room>(0);
    }
    room.level = level;
  }
  copyBytes(record + TOPIC, p, n);
  room.messages = room.bytes = 0;
  room.ptr = <u32>(record + TOPIC);
  room.len = n;
  room.members = room.first = 0;
  room.wildcard = u32(wildcard);
  room.hash = hash;
  chainAdd(roomHead(hash), record, ROOM_LINK);
  return room;
}

function memberMake(s: Session, room: Room): void {
  const key = memberKey(s, room);
  const use = changetype<usize>(stats()) + MEMBER_USE;
  const record = recordTake(MEMBER_POOL, use, MEMBER_RECORDS, MEMBER_BYTES);
  store<u32>(record, key, KEY);
  chainAdd(memberHead(key), record, MEMBER_LINK);
  listPush(changetype<usize>(room) + offsetof<Room>('first'), record);
  listPush(changetype<usize>(s) + offsetof<Session>('rooms'), record + SESSION_NODE);
  room.members += 1;
}

/** Takes a membership away, and the room with its last one. */
function memberDrop(member: Member): void {
  const record = changetype<usize>(member);
  const room = roomAt(member.room);
  chainRemove(memberHead(keyOf(member)), record, MEMBER_LINK);
  listDrop(record);
  listDrop(record + SESSION_NODE);
  const st = changetype<usize>(stats());
  recordGive(MEMBER_POOL, st + MEMBER_USE, record);
  room.members -= 1;
  if (room.members) return;
  if (room.wildcard) levelsRemove(room.level, room.ptr, room.len);
  chainRemove(roomHead(room.hash), changetype<usize>(room), ROOM_LINK);
  recordGive(ROOM_POOL, st + ROOM_USE, changetype<usize>(room));
}

/** Ends a subscription: 1, or 0 when there was none; or an ErrorCode. */
export function leave(s: Session, p: usize, n: u32): i32 {
  if (!topicKind(p, n)) return ErrorCode.VALUE;
  const room = roomFind(p, n);
  if (!changetype<usize>(room)) return 0;
  const member = memberFind(s, room);
  if (!changetype<usize>(member)) return 0;
  memberDrop(member);
  return 1;
}

/** Ends all subscriptions of a session. */
export function leaveAll(s: Session): void {
  while (s.rooms) memberDrop(changetype<Member>(<usize>s.rooms - SESSION_NODE));
}

// --------------------------------------------------------------------- listing

/** Whether a word that a host passed is the address of a room's record, in use or not. */
function roomKnown(address: u32): bool {
  const at = address - <u32>ROOM_RECORDS;
  return at < <u32>(ROOMS * ROOM_BYTES) && at % ROOM_BYTES == 0;
}

/**
 * The next room in use.
 *
 * @param address 0 to begin, else a room's, which may have been freed since
 * @returns its address, 0 after the last one, or ErrorCode.ARGUMENT
 */
export function roomAfter(address: i32): i32 {
  if (address && !roomKnown(address)) return ErrorCode.ARGUMENT;
  let at = address ? <usize>address + ROOM_BYTES : ROOM_RECORDS;
  const end = ROOM_RECORDS + load<u32>(ROOM_POOL, 4) * ROOM_BYTES;
  for (; at < end; at += ROOM_BYTES) {
    if (changetype<Room>(at).members) return <i32>at;
  }
  return 0;
}

/** The same over the rooms of a session; a room that it is not in (any more) is ErrorCode.ARGUMENT. */
export function sessionRoomAfter(s: Session, address: i32): i32 {
  let node: usize = s.rooms;
  if (address) {
    if (!roomKnown(address)) return ErrorCode.ARGUMENT;
    const member = memberFind(s, changetype<Room>(<usize>address));
    if (!changetype<usize>(member)) return ErrorCode.ARGUMENT;
    node = member.sessionNext;
  }
  if (!node) return 0;
  return <i32>changetype<usize>(roomAt(changetype<Member>(node - SESSION_NODE).room));
}

/**
 * Writes down handles of a room's members.
 *
 * @param after the member behind which to begin, 0 for the first one
 * @param out where they go, an i32 each
 * @param most how many at the most
 * @returns how many; ErrorCode.ARGUMENT when `after` is no member
 */
export function roomMembers(room: Room, after: i32, out: usize, most: u32): i32 {
  let next = room.first;
  if (after) {
    const s = sessionFind(after);
    if (!changetype<usize>(s)) return ErrorCode.ARGUMENT;
    const member = memberFind(s, room);
    if (!changetype<usize>(member)) return ErrorCode.ARGUMENT;
    next = member.next;
  }
  let count: u32 = 0;
  while (next && count < most) {
    const member = changetype<Member>(<usize>next);
    store<i32>(out + (count << 2), sessionAt(member.slot).handle);
    next = member.next;
    count += 1;
  }
  return count;
}

// -------------------------------------------------------------------- matching

/**
 * Begins to look for the rooms that a message to a topic reaches.
 *
 * @returns false when that is no topic name. MQTT 5 4.7.1: "wildcard characters MUST NOT be used
 *   within a Topic Name"
 */
export function matchBegin(p: usize, n: u32): bool {
  if (topicKind(p, n) != TOPIC_NAME) return false;
  store<u32>(EXACT, <u32>changetype<usize>(roomFind(p, n)));
  levelsMatch(p, n);
  return true;
}

/**
 * The next of these rooms, each once: the one of that topic first, then those of patterns; or null.
 * Nobody joins or leaves, and the topic stays where it is, until the last one.
 */
export function matchNext(): Room {
  const exact = load<u32>(EXACT);
  if (exact) {
    store<u32>(EXACT, 0);
    return changetype<Room>(<usize>exact);
  }
  const number = levelsMatchNext();
  return number ? roomAt(number) : changetype<Room>(0);
}
