// Rooms, publications, broadcasts, own frames, ends and partial writes at random, 100,000 of them,
// against a model of a few lines: every byte that a session writes is what the model says.
//
// The model knows no blocks, no logs and no references: a queue is a list of payloads.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ErrorCode,
  FullPolicy,
  Opcode,
  Option,
  PublishRecord,
  Role,
  SelectRecord,
  Sent,
  StatsRecord,
} from '../../build/limpet.abi.js';
import { Random } from '../fuzz/random.js';
import { CORES } from '../support/cores.js';
import { Driver } from '../support/driver.js';
import { encode } from '../support/frames.js';
import { matches } from '../support/rooms.js';

const SEED = 4;
const STEPS = 100_000;
const NAMES = ['a', 'a/b', 'a/b/c', 'b', 'b/c', '$a', '$a/b', ''];
const PATTERNS = ['#', 'a/#', 'a/+', '+/c', '+', 'a/+/c', '+/+', '$a/#'];

class Member {
  readonly topics = new Set<string>();
  /** Bytes that are to be written. */
  expects = Buffer.alloc(0);
  open = true;
  /** Inside a fragmented message. */
  fragments = false;

  constructor(
    readonly handle: number,
    readonly policy: FullPolicy,
    readonly queueMax: number,
  ) {}

  /** Queues a message as the core should: whether it does. */
  takes(opcode: number, payload: Buffer, fin = true): boolean {
    const frame = encode({ opcode, payload, fin });
    if (!this.open) return false;
    if (this.expects.length + frame.length > this.queueMax) {
      if (this.policy >= FullPolicy.CLOSE_1008) {
        this.close(this.policy === FullPolicy.CLOSE_1008 ? 1008 : 1013);
      }
      return false;
    }
    this.expects = Buffer.concat([this.expects, frame]);
    return true;
  }

  close(code: number): void {
    const payload = Buffer.from([code >> 8, code & 255]);
    this.expects = Buffer.concat([this.expects, encode({ opcode: Opcode.CLOSE, payload })]);
    this.open = false;
  }
}

class Model {
  readonly random = new Random(SEED);
  readonly driver: Driver;
  members: Member[] = [];
  /** What the core's counters are to say. */
  published = 0;
  delivered = 0;
  undelivered = 0;

  constructor(path: string) {
    this.driver = new Driver(path);
    this.driver.checks = false;
  }

  step(): void {
    const { random } = this;
    const member = this.members.length ? random.pick(this.members) : undefined;
    const choice = random.below(100);
    if (!member || (choice < 4 && this.members.length < 14)) this.join();
    else if (choice < 12) this.subscribe(member);
    else if (choice < 16) this.unsubscribe(member);
    else if (choice < 50) this.publish();
    else if (choice < 55) this.broadcast();
    else if (choice < 63) this.send(member);
    else if (choice < 65 || (!member.open && random.once(2))) this.end(member);
    else this.write(member);
  }

  join(): void {
    const { driver, random } = this;
    const handle = driver.attach(Role.SERVER);
    assert.ok(handle > 0);
    // So little that the arena always has a block: what happens without one is told in vectors.
    const member = new Member(
      handle,
      random.below(4) as FullPolicy,
      random.pick([150, 1500, 1500, 1500]),
    );
    driver.setOption(handle, Option.FULL_POLICY, member.policy);
    driver.setOption(handle, Option.QUEUE_MAX, member.queueMax);
    this.members.push(member);
  }

  subscribe(member: Member): void {
    const topic = this.random.pick([...NAMES, ...PATTERNS]);
    const [ptr = 0, length = 0] = this.driver.pass(topic);
    const answer = this.driver.core.limpet_subscribe(member.handle, ptr, length);
    if (topic === '') assert.equal(answer, ErrorCode.VALUE);
    else if (!member.open) assert.equal(answer, ErrorCode.STATE);
    else if (answer === 0 || answer === 1) {
      assert.equal(answer === 1, !member.topics.has(topic));
      member.topics.add(topic);
    } else {
      // The pools of the small profile are small.
      assert.ok(answer === ErrorCode.ROOMS || answer === ErrorCode.MEMBERSHIPS);
      assert.ok(!member.topics.has(topic));
    }
  }

  unsubscribe(member: Member): void {
    const topic = this.random.pick([...NAMES, ...PATTERNS, ...member.topics]);
    if (topic === '') return;
    const [ptr = 0, length = 0] = this.driver.pass(topic);
    const answer = this.driver.core.limpet_unsubscribe(member.handle, ptr, length);
    assert.equal(answer === 1, member.topics.delete(topic));
  }

  /** A payload where it may lie: in the ingress region, or where it is sent from. */
  message(): { opcode: Opcode; payload: Buffer; at: number } {
    const { driver, random } = this;
    const opcode = random.once(2) ? Opcode.TEXT : Opcode.BINARY;
    const length = random.once(10) ? random.below(1200) : random.below(140);
    const payload = Buffer.alloc(length, random.below(256));
    const at = random.once(3) ? driver.core.limpet_publish_room(length) : driver.ingress;
    assert.ok(at > 0);
    driver.write(at, payload);
    return { opcode, payload, at };
  }

  /** What a publication came to, against what its record says. */
  told(record: number, reached: Member[], opcode: number, payload: Buffer): void {
    assert.ok(record > 0);
    const open = reached.filter((member) => member.open);
    const dropped = open.filter((member) => member.fragments || !member.takes(opcode, payload));
    const { driver } = this;
    assert.equal(driver.u32(record + PublishRecord.delivered), open.length - dropped.length);
    assert.equal(driver.u32(record + PublishRecord.dropped), dropped.length);
    this.published += 1;
    this.delivered += open.length - dropped.length;
    this.undelivered += dropped.length;
  }

  publish(): void {
    const { driver, random, members } = this;
    const topic = random.pick(NAMES.slice(0, -1));
    const except = members.length && random.once(3) ? random.pick(members).handle : 0;
    const { opcode, payload, at } = this.message();
    const [ptr = 0, n = 0] = driver.pass(topic);
    const record = driver.core.limpet_publish(ptr, n, opcode, at, payload.length, except);
    const reached = members.filter(
      ({ handle, topics }) =>
        handle !== except && [...topics].some((pattern) => matches(pattern, topic)),
    );
    this.told(record, reached, opcode, payload);
  }

  broadcast(): void {
    const { driver, random, members } = this;
    const except = members.length && random.once(2) ? random.pick(members).handle : 0;
    const { opcode, payload, at } = this.message();
    const select = Buffer.alloc(SelectRecord.size);
    select.writeInt32LE(except, SelectRecord.except);
    const [ptr = 0] = except ? driver.pass(select) : [];
    const record = driver.core.limpet_broadcast(ptr, opcode, at, payload.length);
    const reached = members.filter(({ handle }) => handle !== except);
    this.told(record, reached, opcode, payload);
  }

  send(member: Member): void {
    const { driver, random } = this;
    const payload = Buffer.alloc(random.below(random.once(5) ? 600 : 60), random.below(256));
    driver.write(driver.ingress, payload);
    const ping = payload.length <= 125 && random.once(4);
    const fin = ping || !random.once(4);
    const opcode = ping ? Opcode.PING : member.fragments ? Opcode.CONTINUATION : Opcode.TEXT;
    const kind = opcode | (fin ? 0 : 0x10);
    const answer = driver.core.limpet_send(member.handle, kind, driver.ingress, payload.length);
    if (!member.open) assert.equal(answer, ErrorCode.STATE);
    else if (ping) {
      // Control frames obey no bound.
      assert.ok(answer === Sent.OK || answer === Sent.BACKPRESSURE);
      member.expects = Buffer.concat([member.expects, encode({ opcode, payload, fin })]);
    } else {
      const taken = member.takes(opcode, payload, fin);
      assert.equal(answer === Sent.OK || answer === Sent.BACKPRESSURE, taken);
      if (taken) member.fragments = !fin;
    }
  }

  /** Closes, or is gone. */
  end(member: Member): void {
    const { driver, random } = this;
    if (member.open && random.once(4)) {
      const answer = driver.core.limpet_close(member.handle, 1000, 0, 0);
      assert.equal(answer, 0);
      member.close(1000);
      return;
    }
    driver.eof(member.handle);
    driver.events();
    this.members = this.members.filter((other) => other !== member);
  }

  /** Writes some of what is queued, or all of it. */
  write(member: Member): void {
    const { driver, random } = this;
    const { pieces, length, more } = driver.output(member.handle);
    const bytes = Buffer.concat(pieces.map((piece) => piece.bytes ?? Buffer.alloc(0)));
    assert.equal(bytes.length, length);
    const said = member.expects.subarray(0, length);
    assert.ok(bytes.equals(said), `${bytes.toString('hex')} is not ${said.toString('hex')}`);
    assert.equal(more, length < member.expects.length);
    const n = random.once(2) ? length : random.below(length + 1);
    assert.ok(driver.core.limpet_tx_ack(member.handle, n) >= 0);
    member.expects = Buffer.from(member.expects.subarray(n));
    driver.events();
  }

  finish(): void {
    const { driver } = this;
    const at = driver.core.limpet_stats();
    assert.equal(driver.u64(at + StatsRecord.published), this.published);
    assert.equal(driver.u64(at + StatsRecord.delivered), this.delivered);
    assert.equal(driver.u64(at + StatsRecord.undelivered), this.undelivered);
    // The last publication gives back what limpet_publish_room kept.
    for (const { handle } of this.members) driver.eof(handle);
    driver.events();
    driver.check('the end');
    const { active, arenaUsed } = driver.stats();
    assert.deepEqual([active, arenaUsed], [0, 0]);
    assert.equal(driver.u32(at + StatsRecord.roomsUsed), 0);
    assert.equal(driver.u32(at + StatsRecord.membershipsUsed), 0);
  }
}

for (const core of CORES) {
  // The checks walk over the whole arena: those of the server's would take minutes.
  if (core.lacks.has('topics') || (core.debug && core.profile !== 'micro')) continue;
  describe(core.name, () => {
    it(`does what a naive model does, ${STEPS} times (seed ${SEED})`, () => {
      const model = new Model(core.path);
      for (let step = 0; step < STEPS; step++) {
        model.step();
        if (core.debug && step % 10 === 0) model.driver.check(`step ${step}`);
      }
      assert.ok(model.delivered > STEPS, `${model.delivered} deliveries`);
      model.finish();
    });
  });
}
