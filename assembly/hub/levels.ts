// Patterns of topics → a tree of their levels; a topic → the patterns that match it. MQTT 5 4.7.1,
// "Topic wildcards".
//
//   patterns       a/+/c    a/#    +/b
//
//   root ─┬─ a ─── + ─── c (room of a/+/c)
//         │  └ rest: room of a/#
//         └─ + ─── b (room of +/b)
//
// A level is found by a hash of its parent and its text, and knows its + by number; what # stands for
// needs no level, the room lies with the parent. A text of more than TEXT_BYTES is cut into pieces,
// each the parent of the next. Levels come with the first pattern that has them and go with the last.
//
// A topic of n levels is walked down the tree and, where a level has both its text and a +, up again
// and down the other way. In a tree each level is met once, so that a topic costs what there is of
// levels that match its beginning (TOPIC_LEVELS at the most), not what there is of patterns. The
// walk needs no stack: a level knows its parent, and the topic where its levels begin.

import { StatsRecord } from '../abi';
import { HUB_STATE, stats, TOPIC_TABLES } from '../memory';
import { MEMBERSHIPS, ROOMS, TOPIC_LEVELS } from '../profile';
import {
  HEADS_BYTES,
  LEVEL_BYTES,
  LEVEL_HEADS,
  MEMBER_BYTES,
  MEMBER_HEADS,
  ROOM_BYTES,
  ROOM_HEADS,
  TOPICS_STATE,
} from './layout';
import { chainAdd, chainRemove, hashWord, recordGive, recordTake, wordAt } from './table';
import { ANY_LEVEL, ANY_REST, LEVEL_END } from './topics';

/** One level of patterns, or a piece of one, by number; 0 is the root. */
@unmanaged
export class Level {
  /** The next Level of its chain. */
  chain: u32;
  parent: u16;
  /** Levels below it, or further pieces of it. */
  children: u16;
  /** The level + below it, 0 = none. */
  any: u16;
  /** The room of the pattern that ends here, and of the one that goes on with #; 0 = none. */
  room: u16;
  rest: u16;
  /** Bytes of the text, and CONTINUES when the next piece follows. */
  length: u16;
  text0: u64;
  text8: u64;
}

const TEXT_BYTES: u32 = 16;
const CONTINUES: u32 = 0x80;

/** Where the walk is. */
@unmanaged
class Walk {
  /** The topic, and what is behind it. */
  from: u32;
  end: u32;
  /** Where the level below the current one begins: behind the slash, or behind `end`. */
  at: u32;
  level: u16;
  /** What comes next there: a WALK_. */
  step: u16;
}

/** The walk came down to a level: what follows is matched by #. */
const WALK_REST: u16 = 0;
/** Then the topic ends here, or goes on with a level of this text, */
const WALK_TEXT: u16 = 1;
/** or with any level. */
const WALK_ANY: u16 = 2;
/** All below was seen. */
const WALK_UP: u16 = 3;
const WALK_OVER: u16 = 4;

export const LEVEL_CHAINS: usize = TOPIC_TABLES + ((ROOM_HEADS + MEMBER_HEADS) << 2);
const LEVEL_RECORDS: usize =
  TOPIC_TABLES + HEADS_BYTES + ROOMS * ROOM_BYTES + MEMBERSHIPS * MEMBER_BYTES;
export const LEVEL_POOL: usize = HUB_STATE + TOPICS_STATE + 24;
const WALK: usize = LEVEL_POOL + 8;
const LEVEL_LINK: usize = offsetof<Level>('chain');
const LEVEL_USE: usize = offsetof<StatsRecord>('levelsUsed');

// @ts-ignore: decorator
@inline
function walk(): Walk {
  return changetype<Walk>(WALK);
}

export function levelAt(number: u32): Level {
  return changetype<Level>(LEVEL_RECORDS + number * LEVEL_BYTES);
}

function levelNumber(level: Level): u32 {
  return <u32>(changetype<usize>(level) - LEVEL_RECORDS) / LEVEL_BYTES;
}

function levelHead(parent: u32, length: u32, text0: u64, text8: u64): usize {
  const hash = hashWord(hashWord(hashWord(0, text0), text8), parent | (length << 16));
  return LEVEL_CHAINS + (((<u32>hash) & (LEVEL_HEADS - 1)) << 2);
}

/** Where the level that begins at `at` ends: at its slash, or at `end`. */
function levelEnd(at: usize, end: usize): usize {
  while (at < end && load<u8>(at) != LEVEL_END) at += 1;
  return at;
}

/** The level, or piece of one, with this key: in the chain from `head`; or null. */
function levelOf(head: usize, parent: u32, length: u32, text0: u64, text8: u64): Level {
  let level = changetype<Level>(<usize>load<u32>(head));
  while (changetype<usize>(level)) {
    const same = level.text0 == text0 && level.text8 == text8;
    if (same && level.parent == parent && level.length == length) break;
    level = changetype<Level>(<usize>level.chain);
  }
  return level;
}

/**
 * The level below `parent` with the text from `at` to `to`.
 *
 * @param makes whether it is made where there is none
 * @returns its number, 0 when there is none and it is not made; -1 when there is no record for it
 */
function levelBelow(parent: u32, at: usize, to: usize, makes: bool): i32 {
  let left = <u32>(to - at);
  do {
    const n = min(left, TEXT_BYTES);
    const length = left > n ? n | CONTINUES : n;
    const text0 = wordAt(at, n);
    const text8 = n > 8 ? wordAt(at + 8, n - 8) : 0;
    const head = levelHead(parent, length, text0, text8);
    let level = levelOf(head, parent, length, text0, text8);
    if (!changetype<usize>(level)) {
      if (!makes) return 0;
      if (stats().levelsUsed == TOPIC_LEVELS) {
        // What was made of the pattern goes again.
        levelsPrune(parent);
        return -1;
      }
      level = levelMake(parent, head);
      level.length = <u16>length;
      level.text0 = text0;
      level.text8 = text8;
    }
    parent = levelNumber(level);
    at += n;
    left -= n;
  } while (left);
  return parent;
}

/** A level below `parent` without a text. */
function levelMake(parent: u32, head: usize): Level {
  const use = changetype<usize>(stats()) + LEVEL_USE;
  const record = recordTake(LEVEL_POOL, use, LEVEL_RECORDS + LEVEL_BYTES, LEVEL_BYTES);
  const level = changetype<Level>(record);
  level.parent = <u16>parent;
  level.children = level.any = level.room = level.rest = 0;
  chainAdd(head, record, LEVEL_LINK);
  levelAt(parent).children += 1;
  return level;
}

/** Frees a level, and those above it, that no pattern has any more. */
function levelsPrune(number: u32): void {
  const use = changetype<usize>(stats()) + LEVEL_USE;
  while (number) {
    const level = levelAt(number);
    if (level.children | level.room | level.rest) return;
    const above = levelAt(level.parent);
    if (above.any == number) above.any = 0;
    above.children -= 1;
    chainRemove(
      levelHead(level.parent, level.length, level.text0, level.text8),
      changetype<usize>(level),
      LEVEL_LINK,
    );
    number = level.parent;
    recordGive(LEVEL_POOL, use, changetype<usize>(level));
  }
}

/** Whether a pattern, which is valid, ends with #. */
function endsWithRest(p: usize, n: u32): bool {
  return load<u8>(p + n - 1) == ANY_REST;
}

/**
 * Adds a valid pattern.
 *
 * @param room the number of its room
 * @returns what levelsRemove is to be told, or -1 when there are not enough records
 */
export function levelsAdd(p: usize, n: u32, room: u32): i32 {
  const rest = endsWithRest(p, n);
  // The last level, #, is none; in front of it there is a slash, or nothing.
  const end = rest ? p + n - 1 : p + n + 1;
  let number: u32 = 0;
  for (let at = p; at < end;) {
    const to = levelEnd(at, p + n);
    const below = levelBelow(number, at, to, true);
    if (below < 0) return -1;
    if (at < to && load<u8>(at) == ANY_LEVEL) levelAt(number).any = <u16>below;
    number = below;
    at = to + 1;
  }
  if (rest) levelAt(number).rest = <u16>room;
  else levelAt(number).room = <u16>room;
  return number;
}

/** Takes a pattern away that levelsAdd answered with `number`. */
export function levelsRemove(number: u32, p: usize, n: u32): void {
  if (endsWithRest(p, n)) levelAt(number).rest = 0;
  else levelAt(number).room = 0;
  levelsPrune(number);
}

// -------------------------------------------------------------------- matching

/** Begins to look for the patterns that match a topic name. */
export function levelsMatch(p: usize, n: u32): void {
  const w = walk();
  w.from = w.at = <u32>p;
  w.end = <u32>(p + n);
  w.level = 0;
  w.step = WALK_REST;
}

/** The number of the room of the next one, or 0. */
export function levelsMatchNext(): u32 {
  const w = walk();
  while (w.step != WALK_OVER) {
    const level = levelAt(w.level);
    // MQTT 5 4.7.2: no filter that begins with a wildcard matches a topic that begins with $.
    const hidden = !w.level && load<u8>(w.from) == 0x24;
    switch (w.step) {
      case WALK_REST:
        w.step = WALK_TEXT;
        if (level.rest && !hidden) return level.rest;
        break;
      case WALK_TEXT:
        if (w.at > w.end) {
          w.step = WALK_UP;
          if (level.room) return level.room;
        } else if (!walkDown(levelBelow(w.level, w.at, levelEnd(w.at, w.end), false))) {
          w.step = WALK_ANY;
        }
        break;
      case WALK_ANY:
        if (hidden || !walkDown(level.any)) w.step = WALK_UP;
        break;
      default:
        walkUp(level);
    }
  }
  return 0;
}

/** Goes on to a level below, if there is one. */
function walkDown(number: u32): bool {
  if (!number) return false;
  const w = walk();
  w.at = <u32>levelEnd(w.at, w.end) + 1;
  w.level = <u16>number;
  w.step = WALK_REST;
  return true;
}

/** Goes back to the level above: from its text to its +, from there further up. */
function walkUp(level: Level): void {
  const w = walk();
  if (!w.level) {
    w.step = WALK_OVER;
    return;
  }
  // Over the slash that the last level ended with, and to the one before it.
  w.at -= 1;
  while (w.at > w.from && load<u8>(w.at - 1) != LEVEL_END) w.at -= 1;
  let parent = levelAt(level.parent);
  if (parent.any != w.level) w.step = WALK_ANY;
  w.level = level.parent;
  // Over the pieces of a long text.
  while (parent.length & CONTINUES) {
    w.level = parent.parent;
    parent = levelAt(parent.parent);
  }
}
