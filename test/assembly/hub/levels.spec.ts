// Which patterns match a topic: by examples, against a matcher that compares, and at its worst.

import { ErrorCode, Role, State } from '../../../assembly/abi';
import {
  join,
  leave,
  leaveAll,
  matchBegin,
  matchNext,
  Room,
  roomFind,
} from '../../../assembly/hub/rooms';
import { roomsSound } from '../../../assembly/hub/rooms-sound';
import { stats } from '../../../assembly/memory';
import { TOPIC_LEVELS, TOPIC_MAX_BYTES } from '../../../assembly/profile';
import { Session, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, THERE } from '../bytes';

const s: Session = sessionOpen(Role.SERVER, State.OPEN);

function joins(pattern: string): i32 {
  return join(s, HERE, ascii(HERE, pattern));
}

function leaves(pattern: string): i32 {
  return leave(s, HERE, ascii(HERE, pattern));
}

/** How many rooms a topic reaches; -1 when it may not be published to. */
function reached(topic: string): i32 {
  return matched(THERE, ascii(THERE, topic));
}

function matched(p: usize, n: u32): i32 {
  if (!matchBegin(p, n)) return -1;
  let count = 0;
  while (changetype<usize>(matchNext())) count += 1;
  // It is over, and stays so.
  if (changetype<usize>(matchNext())) return -2;
  return count;
}

/** Whether a pattern alone reaches a topic, and leaves nothing behind. */
function matches(pattern: string, topic: string): bool {
  joins(pattern);
  const count = reached(topic);
  leaves(pattern);
  if (count > 1 || stats().levelsUsed || stats().roomsUsed) return false;
  return count == 1;
}

/** MQTT 5 4.7 as it reads, level by level from the left: what the tree is held against. */
function matchesSlowly(f: usize, fn: u32, t: usize, tn: u32): bool {
  if (load<u8>(t) == 36 && (load<u8>(f) == 43 || load<u8>(f) == 35)) return false;
  let i: u32 = 0;
  let j: u32 = 0;
  while (true) {
    // Both at the beginning of a level.
    if (i < fn && load<u8>(f + i) == 35) return true;
    if (i < fn && load<u8>(f + i) == 43) {
      i += 1;
      while (j < tn && load<u8>(t + j) != 47) j += 1;
    } else {
      while (i < fn && load<u8>(f + i) != 47) {
        if (j >= tn || load<u8>(t + j) != load<u8>(f + i)) return false;
        i += 1;
        j += 1;
      }
      if (j < tn && load<u8>(t + j) != 47) return false;
    }
    if (j == tn) return i == fn || (i + 2 == fn && load<u8>(f + i + 1) == 35);
    if (i == fn) return false;
    i += 1;
    j += 1;
  }
  return false;
}

let seed: u32 = 12345;
function below(n: u32): u32 {
  seed = seed * 1664525 + 1013904223;
  return (seed >> 8) % n;
}

/** Writes a random topic or pattern of few different levels; returns its length. */
function random(at: usize, wild: bool): u32 {
  let n: u32 = 0;
  const levels: u32 = below(5) + 1;
  for (let i: u32 = 0; i < levels; i++) {
    if (i) n += ascii(at + n, '/');
    const choice = below(wild ? 7 : 5);
    if (choice == 6 && i + 1 == levels) n += ascii(at + n, '#');
    else if (choice >= 5) n += ascii(at + n, '+');
    else if (choice == 4) n += ascii(at + n, 'a level of more than sixteen');
    else if (choice == 3) n += ascii(at + n, 'a level of more t');
    else if (choice == 2) n += ascii(at + n, i ? '' : '$');
    else n += ascii(at + n, choice ? 'a' : 'b');
  }
  if (!n) n = ascii(at, '/');
  return n;
}

describe('matchNext', () => {
  it('reaches what MQTT 5 4.7.1 says that # and + do', () => {
    expect<bool>(matches('sport/tennis/player1/#', 'sport/tennis/player1')).toBe(true);
    expect<bool>(matches('sport/tennis/player1/#', 'sport/tennis/player1/ranking')).toBe(true);
    expect<bool>(matches('sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon')).toBe(
      true,
    );
    expect<bool>(matches('sport/tennis/player1/#', 'sport/tennis/player12')).toBe(false);
    expect<bool>(matches('sport/#', 'sport')).toBe(true);
    expect<bool>(matches('#', 'any/topic')).toBe(true);
    expect<bool>(matches('#', '/')).toBe(true);
    expect<bool>(matches('sport/tennis/+', 'sport/tennis/player1')).toBe(true);
    expect<bool>(matches('sport/tennis/+', 'sport/tennis/player1/ranking')).toBe(false);
    expect<bool>(matches('sport/+', 'sport')).toBe(false);
    expect<bool>(matches('sport/+', 'sport/')).toBe(true);
    expect<bool>(matches('+/+', '/finance')).toBe(true);
    expect<bool>(matches('/+', '/finance')).toBe(true);
    expect<bool>(matches('+', '/finance')).toBe(false);
    expect<bool>(matches('+', 'finance')).toBe(true);
    expect<bool>(matches('a/+/c', 'a/b/c')).toBe(true);
    expect<bool>(matches('a/+/c', 'a/b/d')).toBe(false);
    expect<bool>(matches('a/+/c', 'a/b')).toBe(false);
    expect<bool>(matches('a/+/#', 'a')).toBe(false);
    expect<bool>(matches('a/+/#', 'a/b')).toBe(true);
    expect<bool>(matches('+/', 'a/')).toBe(true);
    expect<bool>(matches('+/', 'a')).toBe(false);
    expect<bool>(matches('+//b', 'a//b')).toBe(true);
    expect<bool>(matches('+//b', 'a/b')).toBe(false);
    expect<bool>(matches('ACCOUNTS/#', 'Accounts')).toBe(false);
  });

  it('hides topics that begin with $ from a wildcard in front. MQTT 5 4.7.2', () => {
    expect<bool>(matches('#', '$SYS/monitor')).toBe(false);
    expect<bool>(matches('+/monitor/Clients', '$SYS/monitor/Clients')).toBe(false);
    expect<bool>(matches('+', '$SYS')).toBe(false);
    expect<bool>(matches('$SYS/#', '$SYS/monitor')).toBe(true);
    expect<bool>(matches('$SYS/monitor/+', '$SYS/monitor/Clients')).toBe(true);
    expect<bool>(matches('a/#', 'a/$b')).toBe(true);
    expect<bool>(matches('a/+', 'a/$b')).toBe(true);
  });

  it('tells levels apart that are longer than a record of a level', () => {
    expect<bool>(matches('0123456789abcdef/+', '0123456789abcdef/x')).toBe(true);
    expect<bool>(matches('0123456789abcdef/+', '0123456789abcdefg/x')).toBe(false);
    expect<bool>(matches('0123456789abcdefg/+', '0123456789abcdefg/x')).toBe(true);
    expect<bool>(matches('0123456789abcdefg/+', '0123456789abcdef/x')).toBe(false);
    expect<bool>(matches('0123456789abcdefg/+', '0123456789abcdef/g/x')).toBe(false);
    expect<bool>(matches('0123456789abcdef/g/#', '0123456789abcdefg')).toBe(false);
    // Both at once: a level, and the first piece of another.
    joins('+/0123456789abcdef');
    joins('+/0123456789abcdefg');
    joins('+/0123456789abcdef0123456789abcdef0123456789abcdef/#');
    expect<u32>(stats().levelsUsed).toBe(1 + 1 + 2 + 2);
    expect<i32>(reached('x/0123456789abcdef')).toBe(1);
    expect<i32>(reached('x/0123456789abcdefg')).toBe(1);
    expect<i32>(reached('x/0123456789abcdef0123456789abcdef')).toBe(0);
    expect<i32>(reached('x/0123456789abcdef0123456789abcdef0123456789abcdef/y')).toBe(1);
    leaveAll(s);
    expect<u32>(stats().levelsUsed).toBe(0);
  });

  it('tells the room of the topic first, and each room once', () => {
    joins('#');
    joins('a/b');
    joins('+/b');
    joins('a/+');
    joins('a/#');
    joins('a/b/#');
    joins('+/+');
    joins('+/#');
    joins('b/#');
    expect<i32>(reached('a/b')).toBe(8);
    matchBegin(THERE, ascii(THERE, 'a/b'));
    expect<u32>(matchNext().wildcard).toBe(0);
    expect<i32>(reached('a')).toBe(3);
    expect<i32>(reached('c')).toBe(2);
    expect<i32>(reached('a/b/c')).toBe(4);
    leaveAll(s);
    expect<i32>(reached('a/b')).toBe(0);
  });

  it('publishes to names only', () => {
    expect<i32>(reached('a/+')).toBe(-1);
    expect<i32>(reached('#')).toBe(-1);
    expect<i32>(reached('')).toBe(-1);
    expect<i32>(reached('a#')).toBe(-1);
  });

  it('does not take what lies behind a pattern for a part of it', () => {
    ascii(HERE, '+/+/+');
    // "+/": its second level is empty.
    expect<i32>(join(s, HERE, 2)).toBe(1);
    expect<i32>(reached('a/')).toBe(1);
    expect<i32>(reached('a/b')).toBe(0);
    leaveAll(s);
  });

  it('finds what a matcher without a tree finds, in 20,000 random cases', () => {
    let wrong = 0;
    let some = 0;
    for (let round = 0; round < 400; round++) {
      // Texts lie 256 bytes apart behind HERE.
      for (let i: usize = 0; i < 30; i++) {
        const at = HERE + i * 256;
        store<u32>(at, random(at + 4, below(4) > 0));
        join(s, at + 4, load<u32>(at));
      }
      for (let i: usize = 0; i < 8; i++) {
        const at = HERE + below(30) * 256;
        leave(s, at + 4, load<u32>(at));
      }
      for (let i = 0; i < 50; i++) {
        const n = min<u32>(random(THERE, false), TOPIC_MAX_BYTES);
        let expected = 0;
        for (let k: usize = 0; k < 30; k++) {
          const at = HERE + k * 256;
          const length = load<u32>(at);
          const room = roomFind(at + 4, length);
          if (!changetype<usize>(room)) continue;
          // Patterns that were drawn twice count once.
          let twice = false;
          for (let e: usize = 0; e < k; e++) {
            const other = HERE + e * 256;
            if (roomFind(other + 4, load<u32>(other)) == room) twice = true;
          }
          if (!twice && matchesSlowly(at + 4, length, THERE, n)) expected += 1;
        }
        if (matched(THERE, n) != expected) wrong += 1;
        some += i32(expected > 1);
      }
      if (round % 50 == 0 && !roomsSound()) wrong += 1;
      leaveAll(s);
    }
    expect<i32>(wrong).toBe(0);
    expect<bool>(some > 3000).toBe(true);
    expect<u32>(stats().levelsUsed | stats().roomsUsed).toBe(0);
  });
});

describe('matchNext at its worst', () => {
  it('goes through all patterns of a and + once, whether they match or not', () => {
    // All 4,096 of 12 levels, one of which is no pattern: a tree of 8,189 levels that match a/a/a ...
    for (let i = 0; i < 4096; i++) {
      for (let k = 0; k < 12; k++) {
        store<u8>(HERE + 2 * k, (i >> k) & 1 ? 0x2b : 0x61);
        store<u8>(HERE + 2 * k + 1, 0x2f);
      }
      join(s, HERE, 23);
    }
    expect<u32>(stats().roomsUsed).toBe(4096);
    expect<u32>(stats().levelsUsed).toBe(8189);
    expect<i32>(reached('a/a/a/a/a/a/a/a/a/a/a/a')).toBe(4096);
    expect<i32>(reached('a/a/a/a/a/a/a/a/a/a/a/b')).toBe(2048);
    expect<i32>(reached('b/b/b/b/b/b/b/b/b/b/b/b')).toBe(1);
    // All levels match, and no pattern ends there.
    expect<i32>(reached('a/a/a/a/a/a/a/a/a/a/a/a/a')).toBe(0);
    expect<i32>(reached('a/a/a/a/a/a/a/a/a/a/a')).toBe(0);
    leaveAll(s);
    expect<u32>(stats().levelsUsed).toBe(0);
  });

  it('goes as deep as a topic has levels', () => {
    // a/a/a ... with one + in each place, and # behind each level.
    const n: u32 = TOPIC_MAX_BYTES - 1;
    for (let i: u32 = 0; i < n; i++) store<u8>(THERE + i, i & 1 ? 0x2f : 0x61);
    let rooms = 0;
    for (let i: u32 = 0; i < n; i += 2) {
      memory.copy(HERE, THERE, n);
      store<u8>(HERE + i, 0x2b);
      rooms += join(s, HERE, n);
      store<u8>(HERE + i, 0x23);
      rooms += join(s, HERE, i + 1);
    }
    expect<i32>(rooms).toBe(n + 1);
    expect<i32>(matched(THERE, n)).toBe(n + 1);
    // And of empty levels only: as many as there can be.
    memory.fill(THERE, 0x2f, TOPIC_MAX_BYTES);
    memory.fill(HERE, 0x2f, TOPIC_MAX_BYTES);
    store<u8>(HERE + TOPIC_MAX_BYTES - 1, 0x2b);
    expect<i32>(join(s, HERE, TOPIC_MAX_BYTES)).toBe(1);
    // "#" reaches it, too.
    expect<i32>(matched(THERE, TOPIC_MAX_BYTES - 1)).toBe(2);
    expect<i32>(matched(THERE, TOPIC_MAX_BYTES)).toBe(1);
    leaveAll(s);
    expect<u32>(stats().levelsUsed).toBe(0);
  });
});

describe('levelsAdd', () => {
  it('shares the levels of patterns, and frees them with the last one', () => {
    joins('a/b/+');
    expect<u32>(stats().levelsUsed).toBe(3);
    joins('a/b/#');
    expect<u32>(stats().levelsUsed).toBe(3);
    joins('a/c/#');
    expect<u32>(stats().levelsUsed).toBe(4);
    joins('a/b/+/d');
    expect<u32>(stats().levelsUsed).toBe(5);
    leaves('a/b/+');
    expect<u32>(stats().levelsUsed).toBe(5);
    leaves('a/b/+/d');
    expect<u32>(stats().levelsUsed).toBe(3);
    expect<i32>(reached('a/b/d')).toBe(1);
    leaves('a/b/#');
    expect<u32>(stats().levelsUsed).toBe(2);
    leaves('a/c/#');
    expect<u32>(stats().levelsUsed).toBe(0);
    joins('#');
    expect<u32>(stats().levelsUsed).toBe(0);
    leaves('#');
  });

  it('answers ROOMS when levels run out, and keeps none of that pattern', () => {
    // "NNNN/+": two levels each.
    let refused = 0;
    for (let i = 0; i < TOPIC_LEVELS / 2 - 1; i++) {
      for (let k = 0; k < 4; k++) store<u8>(HERE + k, <u8>(65 + ((i >> (4 * k)) & 15)));
      ascii(HERE + 4, '/+');
      if (join(s, HERE, 6) != 1) refused += 1;
    }
    expect<i32>(refused).toBe(0);
    expect<u32>(stats().levelsUsed).toBe(TOPIC_LEVELS - 2);
    const full = stats().roomsFull;
    const rooms = stats().roomsUsed;
    expect<i32>(joins('x/y/+')).toBe(ErrorCode.ROOMS);
    expect<i32>(joins('x/one level of three pieces of text/#')).toBe(ErrorCode.ROOMS);
    expect<u64>(stats().roomsFull).toBe(full + 2);
    expect<u32>(stats().roomsUsed).toBe(rooms);
    expect<u32>(stats().levelsUsed).toBe(TOPIC_LEVELS - 2);
    expect<bool>(roomsSound()).toBe(true);
    // Two fit, and a pattern that needs none.
    expect<i32>(joins('x/+')).toBe(1);
    expect<i32>(joins('x/#')).toBe(1);
    expect<i32>(joins('#')).toBe(1);
    expect<i32>(joins('y/#')).toBe(ErrorCode.ROOMS);
    expect<i32>(reached('x/y')).toBe(3);
    expect<u32>(stats().levelsPeak).toBe(TOPIC_LEVELS);
    leaveAll(s);
    expect<u32>(stats().levelsUsed | stats().roomsUsed | stats().membershipsUsed).toBe(0);
    expect<bool>(roomsSound()).toBe(true);
  });
});
