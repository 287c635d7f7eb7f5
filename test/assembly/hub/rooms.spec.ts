// Rooms and their members: pools at their edges, lists, cursors.

import { ErrorCode, Role, State } from '../../../assembly/abi';
import { ROOM_BYTES } from '../../../assembly/hub/layout';
import {
  join,
  leave,
  leaveAll,
  Member,
  memberFind,
  Room,
  ROOM_RECORDS,
  roomAfter,
  roomFind,
  roomMembers,
  sessionRoomAfter,
} from '../../../assembly/hub/rooms';
import { roomsSound } from '../../../assembly/hub/rooms-sound';
import { stats } from '../../../assembly/memory';
import { MEMBERSHIPS, ROOMS, SESSIONS, TOPIC_MAX_BYTES } from '../../../assembly/profile';
import { Session, sessionAt, sessionFree, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, isAscii, THERE } from '../bytes';

function open(): Session {
  return sessionOpen(Role.SERVER, State.OPEN);
}

function close(s: Session): void {
  leaveAll(s);
  sessionFree(s);
}

function joins(s: Session, topic: string): i32 {
  return join(s, HERE, ascii(HERE, topic));
}

function leaves(s: Session, topic: string): i32 {
  return leave(s, HERE, ascii(HERE, topic));
}

function room(topic: string): Room {
  return roomFind(HERE, ascii(HERE, topic));
}

function exists(room: Room): bool {
  return changetype<usize>(room) != 0;
}

/** Joins the room of a number: five octal digits and more. */
function joinNumber(s: Session, number: u32): i32 {
  for (let i = 0; i < 8; i++) store<u8>(HERE + i, <u8>(48 + ((number >> (3 * i)) & 7)));
  return join(s, HERE, 8);
}

describe('join', () => {
  it('makes a room with its first member, and says who is in', () => {
    const a = open();
    const b = open();
    expect<bool>(exists(room('chat/general'))).toBe(false);
    expect<i32>(joins(a, 'chat/general')).toBe(1);
    expect<i32>(joins(a, 'chat/general')).toBe(0);
    expect<i32>(joins(b, 'chat/general')).toBe(1);
    const found = room('chat/general');
    expect<u32>(found.members).toBe(2);
    expect<u32>(found.wildcard).toBe(0);
    expect<u64>(found.messages | found.bytes).toBe(0);
    expect<bool>(isAscii(found.ptr, found.len, 'chat/general')).toBe(true);
    expect<bool>(exists(changetype<Room>(memberFind(a, found)))).toBe(true);
    expect<i32>(changetype<Member>(<usize>found.first).slot).toBe(b.handle & 0xffff);
    close(b);
    expect<u32>(found.members).toBe(1);
    close(a);
    expect<bool>(exists(room('chat/general'))).toBe(false);
    expect<bool>(roomsSound()).toBe(true);
  });

  it('refuses what is no topic, and sessions that are not open', () => {
    const s = open();
    expect<i32>(joins(s, '')).toBe(ErrorCode.VALUE);
    expect<i32>(joins(s, 'a#')).toBe(ErrorCode.VALUE);
    expect<i32>(join(s, HERE, TOPIC_MAX_BYTES + 1)).toBe(ErrorCode.VALUE);
    for (let state = <i32>State.HANDSHAKE; state <= State.CLOSED; state++) {
      s.state = state;
      expect<i32>(joins(s, 'a')).toBe(state == State.OPEN ? 1 : ErrorCode.STATE);
    }
    s.state = State.CLOSING;
    expect<i32>(leaves(s, 'a')).toBe(1);
    close(s);
    expect<u32>(stats().roomsUsed).toBe(0);
  });

  it('tells rooms apart that differ in their last byte, or in their length', () => {
    const s = open();
    for (let n: u32 = 1; n <= <u32>TOPIC_MAX_BYTES; n++) {
      store<u8>(HERE + n - 1, 0x61);
      expect<i32>(join(s, HERE, n)).toBe(1);
      store<u8>(HERE + n - 1, 0x62);
      expect<i32>(join(s, HERE, n)).toBe(1);
      store<u8>(HERE + n - 1, 0x61);
    }
    expect<u32>(stats().roomsUsed).toBe(2 * TOPIC_MAX_BYTES);
    expect<i32>(leave(s, HERE, 5)).toBe(1);
    expect<i32>(leave(s, HERE, 5)).toBe(0);
    expect<i32>(leave(s, HERE, 4)).toBe(1);
    expect<bool>(roomsSound()).toBe(true);
    close(s);
    expect<u32>(stats().roomsUsed | stats().membershipsUsed).toBe(0);
  });

  it('answers ROOMS when the last room is taken, until one goes', () => {
    const s = open();
    const t = open();
    let refused = 0;
    for (let i = 0; i < ROOMS; i++) if (joinNumber(s, i) != 1) refused += 1;
    expect<i32>(refused).toBe(0);
    const full = stats().roomsFull;
    expect<i32>(joins(s, 'one more')).toBe(ErrorCode.ROOMS);
    expect<i32>(joins(s, 'a/+/pattern')).toBe(ErrorCode.ROOMS);
    expect<u64>(stats().roomsFull).toBe(full + 2);
    // A room that there is takes members.
    expect<i32>(joinNumber(t, 5)).toBe(1);
    expect<u32>(stats().roomsUsed).toBe(ROOMS);
    expect<bool>(roomsSound()).toBe(true);
    joinNumber(s, 7);
    expect<i32>(leave(s, HERE, 8)).toBe(1);
    expect<i32>(joins(s, 'one more')).toBe(1);
    close(s);
    expect<u32>(stats().roomsUsed).toBe(1);
    close(t);
    expect<u32>(stats().roomsUsed).toBe(0);
    expect<u32>(stats().roomsPeak).toBe(ROOMS);
    expect<bool>(roomsSound()).toBe(true);
  });

  it('answers MEMBERSHIPS when the last one is taken, and makes no room for it', () => {
    const perRoom = min(SESSIONS, MEMBERSHIPS);
    for (let i = 0; i < perRoom; i++) open();
    let refused = 0;
    let joined = 0;
    for (let i = 0; joined < MEMBERSHIPS; i++) {
      for (let slot = 0; slot < perRoom && joined < MEMBERSHIPS; slot++) {
        if (joinNumber(sessionAt(slot), i) != 1) refused += 1;
        joined += 1;
      }
    }
    expect<i32>(refused).toBe(0);
    const full = stats().membershipsFull;
    const rooms = stats().roomsUsed;
    const s = sessionAt(0);
    expect<i32>(joins(s, 'one more')).toBe(ErrorCode.MEMBERSHIPS);
    expect<u64>(stats().membershipsFull).toBe(full + 1);
    expect<u32>(stats().roomsUsed).toBe(rooms);
    expect<i32>(joinNumber(s, 0)).toBe(0);
    expect<i32>(leave(s, HERE, 8)).toBe(1);
    expect<i32>(joins(s, 'one more')).toBe(1);
    expect<bool>(roomsSound()).toBe(true);
    for (let slot = 0; slot < perRoom; slot++) close(sessionAt(slot));
    expect<u32>(stats().roomsUsed | stats().membershipsUsed).toBe(0);
    expect<u32>(stats().membershipsPeak).toBe(MEMBERSHIPS);
    expect<bool>(roomsSound()).toBe(true);
  });
});

describe('leave', () => {
  it('says who was not in, and refuses what is no topic', () => {
    const a = open();
    const b = open();
    joins(a, 'x');
    expect<i32>(leaves(b, 'x')).toBe(0);
    expect<i32>(leaves(b, 'y')).toBe(0);
    expect<i32>(leaves(b, '#x')).toBe(ErrorCode.VALUE);
    expect<i32>(leaves(a, 'x')).toBe(1);
    expect<i32>(leaves(a, 'x')).toBe(0);
    close(a);
    close(b);
  });

  it('takes a topic that lies in the record that it frees', () => {
    const s = open();
    joins(s, 'a/+');
    const record = room('a/+');
    expect<i32>(leave(s, record.ptr, record.len)).toBe(1);
    expect<bool>(roomsSound()).toBe(true);
    close(s);
  });
});

describe('roomAfter', () => {
  it('goes through the rooms, also when they go meanwhile', () => {
    const s = open();
    joins(s, 'a');
    joins(s, 'b');
    joins(s, 'c');
    const first = roomAfter(0);
    const second = roomAfter(first);
    const gone = changetype<Room>(<usize>second);
    expect<i32>(leave(s, gone.ptr, gone.len)).toBe(1);
    const third = roomAfter(second);
    expect<bool>(third > second && second > first && first > 0).toBe(true);
    expect<i32>(roomAfter(third)).toBe(0);
    close(s);
    expect<i32>(roomAfter(0)).toBe(0);
    expect<i32>(roomAfter(first)).toBe(0);
  });

  it('refuses what is no address of a room', () => {
    const last = <i32>ROOM_RECORDS + (ROOMS - 1) * ROOM_BYTES;
    expect<i32>(roomAfter(last)).toBe(0);
    expect<i32>(roomAfter(last + ROOM_BYTES)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(roomAfter(last + 1)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(roomAfter(<i32>ROOM_RECORDS - ROOM_BYTES)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(roomAfter(1)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(roomAfter(-1)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(roomAfter(i32.MIN_VALUE)).toBe(ErrorCode.ARGUMENT);
  });
});

describe('sessionRoomAfter', () => {
  it('goes through the rooms of one session, the newest first', () => {
    const a = open();
    const b = open();
    joins(a, 'x');
    joins(b, 'y');
    joins(a, 'z');
    joins(b, 'x');
    const first = sessionRoomAfter(a, 0);
    expect<i32>(first).toBe(<i32>changetype<usize>(room('z')));
    const second = sessionRoomAfter(a, first);
    expect<i32>(second).toBe(<i32>changetype<usize>(room('x')));
    expect<i32>(sessionRoomAfter(a, second)).toBe(0);
    // A room that it is not in, or no more, or that there is not.
    expect<i32>(sessionRoomAfter(a, <i32>changetype<usize>(room('y')))).toBe(ErrorCode.ARGUMENT);
    leaves(a, 'z');
    expect<i32>(sessionRoomAfter(a, first)).toBe(ErrorCode.ARGUMENT);
    leaves(a, 'x');
    expect<i32>(sessionRoomAfter(a, second)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(sessionRoomAfter(a, second + 8)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(sessionRoomAfter(a, -1)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(sessionRoomAfter(a, 0)).toBe(0);
    close(a);
    close(b);
  });
});

describe('roomMembers', () => {
  it('writes pages of handles, each member once, the newest first', () => {
    const s0 = open();
    const s1 = open();
    const s2 = open();
    joins(s0, 'x');
    joins(s1, 'x');
    joins(s2, 'x');
    const x = room('x');
    store<i32>(THERE, -5, 8);
    expect<i32>(roomMembers(x, 0, THERE, 2)).toBe(2);
    expect<i32>(load<i32>(THERE)).toBe(s2.handle);
    expect<i32>(load<i32>(THERE, 4)).toBe(s1.handle);
    expect<i32>(load<i32>(THERE, 8)).toBe(-5);
    expect<i32>(roomMembers(x, s1.handle, THERE, 2)).toBe(1);
    expect<i32>(load<i32>(THERE)).toBe(s0.handle);
    expect<i32>(roomMembers(x, s0.handle, THERE, 2)).toBe(0);
    expect<i32>(roomMembers(x, 0, THERE, 0)).toBe(0);
    // One that left, and a handle that is stale though its slot is in use.
    leaves(s1, 'x');
    expect<i32>(roomMembers(x, s1.handle, THERE, 2)).toBe(ErrorCode.ARGUMENT);
    const stale = s0.handle;
    close(s0);
    const again = open();
    joins(again, 'x');
    expect<i32>(again.handle & 0xffff).toBe(stale & 0xffff);
    expect<i32>(roomMembers(x, stale, THERE, 2)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(roomMembers(x, -1, THERE, 2)).toBe(ErrorCode.ARGUMENT);
    close(s1);
    close(s2);
    close(again);
  });
});
