// Sessions and topics → who is in which room, and whom a publication reaches: by the names that
// other hubs give it, at the limits of the pools, and against a model that knows no pools.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Opcode, PublishRecord, Region } from '../../build/limpet.abi.js';
import { Random } from '../fuzz/random.js';
import { CORES } from '../support/cores.js';
import { Driver, errorName, ErrorCode, Role } from '../support/driver.js';
import {
  members,
  room,
  rooms,
  roomStats,
  subscribe,
  subscribed,
  unsubscribe,
  matches,
} from '../support/rooms.js';

/** Publishes two bytes of text; returns to how many. */
function publish(driver: Driver, topic: string, except = 0): number {
  const [ptr = 0, length = 0, payload = 0, bytes = 0] = driver.pass(topic, 'hi');
  const at = driver.core.limpet_publish(ptr, length, Opcode.TEXT, payload, bytes, except);
  return at < 0 ? at : driver.u32(at + PublishRecord.delivered);
}

/** A session's transport is gone, and it was told. */
function end(driver: Driver, handle: number): void {
  driver.eof(handle);
  driver.events();
}

const isPattern = (topic: string) => /(^|\/)[+#](\/|$)/.test(topic);

/** The levels, in pieces of 16 bytes, that patterns have together. */
function levelsOf(patterns: Iterable<string>): number {
  const found = new Set<string>();
  for (const pattern of patterns) {
    let path = '';
    for (const level of pattern.split('/')) {
      if (level === '#') break;
      for (let at = 0; at === 0 || at < level.length; at += 16) {
        path += `|${level.slice(at, at + 16)}${level.length > at + 16 ? '' : '/'}`;
        found.add(path);
      }
    }
  }
  return found.size;
}

/** What rooms are, without pools. */
class Model {
  readonly rooms = new Map<string, Set<number>>();

  constructor(
    readonly limits: { rooms: number; memberships: number; levels: number; bytes: number },
  ) {}

  get memberships(): number {
    return [...this.rooms.values()].reduce((sum, { size }) => sum + size, 0);
  }

  get levels(): number {
    return levelsOf([...this.rooms.keys()].filter(isPattern));
  }

  join(handle: number, topic: string): number {
    if (topic.length === 0 || topic.length > this.limits.bytes) return ErrorCode.VALUE;
    const members = this.rooms.get(topic);
    if (members?.has(handle)) return 0;
    if (this.memberships === this.limits.memberships) return ErrorCode.MEMBERSHIPS;
    if (members) return (members.add(handle), 1);
    const patterns = [...this.rooms.keys(), topic].filter(isPattern);
    if (this.rooms.size === this.limits.rooms || levelsOf(patterns) > this.limits.levels) {
      return ErrorCode.ROOMS;
    }
    this.rooms.set(topic, new Set([handle]));
    return 1;
  }

  leave(handle: number, topic: string): number {
    if (topic.length === 0 || topic.length > this.limits.bytes) return ErrorCode.VALUE;
    const members = this.rooms.get(topic);
    if (!members?.delete(handle)) return 0;
    if (members.size === 0) this.rooms.delete(topic);
    return 1;
  }

  of(handle: number): string[] {
    return [...this.rooms].filter(([, members]) => members.has(handle)).map(([topic]) => topic);
  }

  reached(topic: string, except: number): Set<number> {
    const found = new Set<number>();
    for (const [pattern, members] of this.rooms) {
      if (!matches(pattern, topic)) continue;
      for (const member of members) if (member !== except) found.add(member);
    }
    return found;
  }
}

/** A life of sessions, rooms and publications, each answer held against the model's. */
class Life {
  readonly sessions: number[] = [];
  readonly model: Model;
  /** How often each kind of answer came. */
  readonly seen = new Map<string, number>();

  constructor(
    readonly driver: Driver,
    readonly random: Random,
    bytes: number,
  ) {
    const { rooms, memberships, levels } = roomStats(driver);
    const limits = { rooms: rooms.all, memberships: memberships.all, levels: levels.all, bytes };
    this.model = new Model(limits);
  }

  #saw(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  #topic(wild: boolean): string {
    const { random } = this;
    const level = () =>
      random.pick(['a', 'b', 'c', '', '$', 'a level of 16 by', 'a level of 16 bytes']);
    const levels = Array.from({ length: 1 + random.below(3) }, level);
    if (wild && random.once(2)) levels[random.below(levels.length)] = '+';
    if (wild && random.once(4)) levels[levels.length - 1] = '#';
    return levels.join('/');
  }

  step(): void {
    const { driver, random, model, sessions } = this;
    const choice = random.below(100);
    const handle = sessions.length ? random.pick(sessions) : 0;
    if (!handle || (choice < 8 && sessions.length < 12)) {
      sessions.push(driver.attach(Role.SERVER));
    } else if (choice < 55) {
      const known = [...model.rooms.keys()];
      const topic =
        known.length && random.once(2) ? random.pick(known) : this.#topic(random.once(2));
      const answer = subscribe(driver, handle, topic);
      assert.equal(answer, model.join(handle, topic), `subscribe ${topic}`);
      this.#saw(answer < 0 ? errorName(answer) : `join ${answer}`);
    } else if (choice < 80) {
      const joined = model.of(handle);
      const topic = joined.length && !random.once(4) ? random.pick(joined) : this.#topic(true);
      const answer = unsubscribe(driver, handle, topic);
      assert.equal(answer, model.leave(handle, topic), `unsubscribe ${topic}`);
      this.#saw(answer < 0 ? errorName(answer) : `leave ${answer}`);
    } else if (choice < 82) {
      sessions.splice(sessions.indexOf(handle), 1);
      for (const topic of model.of(handle)) model.leave(handle, topic);
      end(driver, handle);
      this.#saw('end');
    } else if (choice < 92) {
      this.#publish(random.once(3) ? handle : 0);
    } else {
      this.#look(handle);
    }
  }

  #publish(except: number): void {
    const { driver, model } = this;
    const topic = this.#topic(false);
    if (topic.length === 0 || topic.length > model.limits.bytes) return;
    const expected = model.reached(topic, except);
    assert.equal(publish(driver, topic, except), expected.size, `publish ${topic}`);
    for (const member of this.sessions) {
      const { bytes } = driver.drain(member);
      assert.equal(bytes.toString('hex'), expected.has(member) ? '81026869' : '', topic);
    }
    this.#saw(expected.size ? 'publish' : 'publish to none');
  }

  #look(handle: number): void {
    const { driver, model, random } = this;
    const topic = this.#topic(true);
    assert.equal(
      subscribed(driver, handle, topic),
      Number(model.rooms.get(topic)?.has(handle) ?? false),
    );
    assert.deepEqual(
      rooms(driver, handle)
        .map(({ topic }) => topic)
        .sort(),
      model.of(handle).sort(),
    );
    const all = rooms(driver);
    assert.deepEqual(all.map(({ topic }) => topic).sort(), [...model.rooms.keys()].sort());
    for (const { topic, members: count, wildcard } of all) {
      const expected = model.rooms.get(topic) ?? new Set();
      assert.equal(count, expected.size);
      assert.equal(wildcard, isPattern(topic));
      const told = members(driver, topic, 1 + random.below(4));
      assert.deepEqual(told.sort(), [...expected].sort());
    }
    const { rooms: r, memberships, levels } = roomStats(driver);
    assert.deepEqual(
      [r.used, memberships.used, levels.used],
      [model.rooms.size, model.memberships, model.levels],
    );
    this.#saw('look');
  }
}

const cores = CORES.filter(({ debug, lacks }) => debug && !lacks.has('topics'));
const TOPIC_MAX: Record<string, number> = { micro: 32, server: 128, 'server-simd': 128 };

for (const core of cores) {
  describe(core.name, () => {
    const topicMax = TOPIC_MAX[core.profile] ?? 0;
    const load = (sessions = 3) => {
      const driver = new Driver(core.path);
      // The check walks over the whole arena.
      driver.checks = core.profile === 'micro';
      return {
        driver,
        handles: Array.from({ length: sessions }, () => driver.attach(Role.SERVER)),
      };
    };

    it('joinRoom, join_room: a session joins a room, once', () => {
      const {
        driver,
        handles: [a = 0, b = 0],
      } = load();
      assert.equal(subscribe(driver, a, 'chat:general'), 1);
      assert.equal(subscribe(driver, a, 'chat:general'), 0);
      assert.equal(subscribe(driver, b, 'chat:general'), 1);
      assert.equal(subscribe(driver, a, 'notifications'), 1);
      assert.deepEqual(
        rooms(driver, a).map(({ topic }) => topic),
        ['notifications', 'chat:general'],
      );
      driver.check();
    });

    it('leaveRoom, leave_room: a session leaves a room, and the others stay', () => {
      const {
        driver,
        handles: [a = 0, b = 0],
      } = load();
      for (const handle of [a, b]) subscribe(driver, handle, 'chat_room_1');
      assert.equal(unsubscribe(driver, a, 'chat_room_1'), 1);
      assert.equal(unsubscribe(driver, a, 'chat_room_1'), 0);
      assert.deepEqual(members(driver, 'chat_room_1'), [b]);
      assert.equal(publish(driver, 'chat_room_1'), 1);
      driver.check();
    });

    it('get_room_members: the members of a room, in pages', () => {
      const { driver, handles } = load(9);
      for (const handle of handles) subscribe(driver, handle, 'chat_room_1');
      for (let page = 1; page < 12; page++) {
        assert.deepEqual(members(driver, 'chat_room_1', page), [...handles].reverse());
      }
      assert.deepEqual(members(driver, 'no such room'), []);
    });

    it('roomSize: how many are in a room; inRoom: whether a session is', () => {
      const {
        driver,
        handles: [a = 0, b = 0, c = 0],
      } = load();
      for (const handle of [a, b]) subscribe(driver, handle, 'lobby');
      assert.equal((room(driver, 'lobby') as { members: number }).members, 2);
      assert.equal(subscribed(driver, a, 'lobby'), 1);
      assert.equal(subscribed(driver, c, 'lobby'), 0);
      assert.equal(subscribed(driver, a, 'lobb'), 0);
      end(driver, a);
      assert.equal((room(driver, 'lobby') as { members: number }).members, 1);
      assert.equal(subscribed(driver, a, 'lobby'), ErrorCode.HANDLE);
      assert.equal(room(driver, 'lob'), ErrorCode.ABSENT);
      assert.equal(room(driver, 'lob#'), ErrorCode.VALUE);
    });

    it('Room/Channel System: a room has statistics, comes with its first member, goes with its last', () => {
      const {
        driver,
        handles: [a = 0, b = 0],
      } = load();
      for (const handle of [a, b]) subscribe(driver, handle, 'x');
      publish(driver, 'x');
      publish(driver, 'x', a);
      const expected = { topic: 'x', members: 2, wildcard: false, messages: 2, bytes: 4 };
      assert.deepEqual(room(driver, 'x'), expected);
      unsubscribe(driver, a, 'x');
      end(driver, b);
      assert.equal(room(driver, 'x'), ErrorCode.ABSENT);
      // A room of that name again is another one.
      subscribe(driver, a, 'x');
      assert.deepEqual(room(driver, 'x'), { ...expected, members: 1, messages: 0, bytes: 0 });
      driver.check();
    });

    it('Topic-Based Routing: a topic reaches its room and the patterns that match, each session once', () => {
      const {
        driver,
        handles: [a = 0, b = 0, c = 0],
      } = load();
      for (const topic of ['news/sport', 'news/+', 'news/#', '#']) subscribe(driver, a, topic);
      subscribe(driver, b, 'news/+');
      subscribe(driver, c, 'news/sport');
      assert.equal(publish(driver, 'news/sport'), 3);
      assert.equal(publish(driver, 'news/sport', a), 2);
      assert.equal(publish(driver, 'news/weather'), 2);
      assert.equal(publish(driver, 'news'), 1);
      assert.equal(publish(driver, 'news/sport/tennis'), 1);
      assert.equal(publish(driver, '$news'), 0);
      assert.equal(publish(driver, 'news/+'), ErrorCode.VALUE);
      driver.check();
    });

    it('takes topics up to the limit of bytes, and none past it', () => {
      const {
        driver,
        handles: [a = 0],
      } = load();
      assert.equal(subscribe(driver, a, 'x'.repeat(topicMax)), 1);
      assert.equal(subscribe(driver, a, 'x'.repeat(topicMax + 1)), ErrorCode.VALUE);
      assert.equal(subscribe(driver, a, `${'x'.repeat(topicMax - 2)}/#`), 1);
      assert.equal(publish(driver, 'x'.repeat(topicMax)), 1);
      assert.equal(publish(driver, 'x'.repeat(topicMax + 1)), ErrorCode.VALUE);
      driver.check();
    });

    it('goes through rooms that go meanwhile, and refuses what is no room', () => {
      const {
        driver,
        handles: [a = 0, b = 0],
      } = load();
      for (const topic of ['1', '2', '3', '4']) subscribe(driver, a, topic);
      const { core: x } = driver;
      const cursors: number[] = [];
      for (let at = 0; (at = x.limpet_room_next(at)) > 0;) {
        cursors.push(at);
        unsubscribe(driver, a, String(cursors.length));
      }
      assert.equal(cursors.length, 4);
      const [first = 0] = cursors;
      subscribe(driver, b, '5');
      for (const wrong of [
        first + 1,
        first - 4,
        1,
        -1,
        -0x80000000,
        x.limpet_region(Region.TOPICS),
      ]) {
        assert.equal(x.limpet_room_next(wrong), ErrorCode.ARGUMENT);
        assert.equal(x.limpet_session_room_next(b, wrong), ErrorCode.ARGUMENT);
      }
      assert.equal(x.limpet_session_room_next(a, 0), 0);
      for (const at of cursors) {
        const answer = x.limpet_session_room_next(a, at);
        assert.equal(answer, ErrorCode.ARGUMENT);
      }
      const [ptr = 0, length = 0] = driver.pass('5');
      const page = (after: number, out: number, max: number) =>
        x.limpet_room_members(ptr, length, after, out, max);
      assert.equal(page(0, driver.scratch + 16, 4), 1);
      for (const after of [a, -1, 1, b + 0x10000, 0x7fffffff]) {
        assert.equal(page(after, driver.scratch + 16, 4), ErrorCode.ARGUMENT);
      }
      const end = driver.memory.length;
      for (const [out, max] of [
        [end, 1],
        [end - 4, 2],
        [-4, 1],
        [driver.scratch, -1],
        [driver.scratch, 0x40000001],
      ] as const) {
        assert.equal(page(0, out, max), ErrorCode.ARGUMENT, `${out} ${max}`);
      }
      assert.equal(page(0, 0, 0), 0);
      driver.check();
    });

    it('answers as a model does, whatever happens', () => {
      const { driver } = load(0);
      const steps = core.profile === 'micro' ? 60_000 : 20_000;
      const life = new Life(driver, new Random(7), topicMax);
      for (let i = 0; i < steps; i++) {
        life.step();
        if (i % 2000 === 0) driver.check(`step ${i}`);
      }
      for (const what of ['join 1', 'join 0', 'leave 1', 'leave 0', 'end', 'publish', 'look']) {
        assert.ok((life.seen.get(what) ?? 0) > 100, `${what}: ${life.seen.get(what)}`);
      }
      // The small pools run out often.
      const full = core.profile === 'micro' ? 100 : 0;
      for (const what of ['ROOMS', 'MEMBERSHIPS'])
        assert.ok((life.seen.get(what) ?? 0) >= full, what);
      for (const handle of life.sessions) end(driver, handle);
      const { rooms: r, memberships, levels, roomsFull, membershipsFull } = roomStats(driver);
      assert.deepEqual([r.used, memberships.used, levels.used], [0, 0, 0]);
      assert.equal(roomsFull, life.seen.get('ROOMS') ?? 0);
      assert.equal(membershipsFull, life.seen.get('MEMBERSHIPS') ?? 0);
      driver.check('the end');
    });
  });
}

describe('micro: pools that run out', () => {
  const { path = '' } = cores.find(({ profile }) => profile === 'micro') ?? {};

  it('refuses a membership past the last one, and loses none', { skip: !path }, () => {
    const driver = new Driver(path);
    const handles = Array.from({ length: 16 }, () => driver.attach(Role.SERVER));
    // 48: three rooms of all.
    for (const topic of ['1', '2', '3']) {
      for (const handle of handles) assert.equal(subscribe(driver, handle, topic), 1);
    }
    const [a = 0] = handles;
    for (const topic of ['4', '#']) {
      assert.equal(subscribe(driver, a, topic), ErrorCode.MEMBERSHIPS);
      assert.equal(room(driver, topic), ErrorCode.ABSENT);
    }
    assert.equal(subscribe(driver, a, '1'), 0);
    assert.equal(publish(driver, '2'), 16);
    assert.equal(roomStats(driver).membershipsFull, 2);
    assert.deepEqual(roomStats(driver).memberships, { used: 48, peak: 48, all: 48 });
    end(driver, handles.pop() ?? 0);
    for (const topic of ['4', '5', '6']) assert.equal(subscribe(driver, a, topic), 1);
    assert.equal(subscribe(driver, a, '7'), ErrorCode.MEMBERSHIPS);
  });

  it('refuses a pattern whose levels do not fit, and keeps none of them', { skip: !path }, () => {
    const driver = new Driver(path);
    const a = driver.attach(Role.SERVER);
    assert.equal(subscribe(driver, a, '1/2/3/4/5/6/7/8/9/a/b/c/d/+'), 1);
    assert.deepEqual(roomStats(driver).levels, { used: 14, peak: 14, all: 16 });
    assert.equal(subscribe(driver, a, 'x/y/+'), ErrorCode.ROOMS);
    assert.equal(subscribe(driver, a, '1/2/x/y/z/#'), ErrorCode.ROOMS);
    assert.equal(roomStats(driver).levels.used, 14);
    assert.equal(roomStats(driver).roomsFull, 2);
    assert.equal(subscribe(driver, a, '1/2/x/y/#'), 1);
    assert.equal(subscribe(driver, a, '1/2/#'), 1);
    assert.equal(subscribe(driver, a, 'no/pattern/needs/no/level'), 1);
    assert.equal(publish(driver, '1/2/x/y'), 1);
    assert.equal(unsubscribe(driver, a, '1/2/3/4/5/6/7/8/9/a/b/c/d/+'), 1);
    assert.equal(roomStats(driver).levels.used, 4);
  });
});
