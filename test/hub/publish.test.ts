// Publications and broadcasts through the calls of every core that has rooms: what vectors cannot say.
// Spans, blocks, pointers, pools that are exhausted on purpose.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Opcode,
  Option,
  PublishRecord,
  SelectRecord,
  SEND_MORE,
  SEND_PLAIN,
  StatsRecord,
} from '../../build/limpet.abi.js';
import { CORES } from '../support/cores.js';
import { Driver, ErrorCode, Role } from '../support/driver.js';
import { encode } from '../support/frames.js';

for (const core of CORES) {
  if (core.lacks.has('topics')) continue;
  const micro = core.profile === 'micro';
  const members = micro ? 16 : 1000;

  const load = () => {
    const driver = new Driver(core.path);
    if (!micro) driver.checks = false;
    return driver;
  };
  const join = (driver: Driver, handle: number, topic: string) => {
    const [ptr = 0, length = 0] = driver.pass(topic);
    assert.equal(driver.core.limpet_subscribe(handle, ptr, length), 1);
  };
  const room = (driver: Driver, n: number) =>
    Array.from({ length: n }, () => {
      const handle = driver.attach(Role.SERVER);
      join(driver, handle, 'room');
      return handle;
    });
  /** Publishes to the room: delivered, over, dropped. */
  const publish = (driver: Driver, payload: Buffer, except = 0) => {
    driver.write(driver.ingress, payload);
    const [ptr = 0, length = 0] = driver.pass('room');
    const { ingress } = driver;
    const { core: x } = driver;
    const record = x.limpet_publish(ptr, length, Opcode.TEXT, ingress, payload.length, except);
    assert.ok(record > 0);
    const { delivered, over, dropped } = PublishRecord;
    return [delivered, over, dropped].map((field) => driver.u32(record + field));
  };
  const end = (driver: Driver) => {
    for (let handle; (handle = driver.core.limpet_session_next(0)) > 0;) {
      driver.eof(handle);
      driver.events();
    }
    driver.check('the end');
    assert.equal(driver.stats().arenaUsed, 0);
  };

  describe(core.name, () => {
    it(`broadcastToRoom: 16 messages of one turn to ${members} members are one span for each, and one block for all`, () => {
      const driver = load();
      const handles = room(driver, members);
      const payload = Buffer.alloc(60, 'x');
      for (let i = 0; i < 16; i++) assert.deepEqual(publish(driver, payload), [members, 0, 0]);
      const frame = encode({ opcode: Opcode.TEXT, payload });
      const turn = Buffer.concat(Array<Buffer>(16).fill(frame));
      // A micro's first block has 512 bytes: a second one, and with it a second reference of each.
      assert.equal(driver.stats().arenaUsed, micro ? 512 + 2048 + members * 128 : 8192);
      for (const handle of handles) {
        const { pieces } = driver.output(handle);
        assert.ok(pieces.length <= (micro ? 2 : 1));
        assert.deepEqual(Buffer.concat(pieces.map(({ bytes }) => bytes ?? Buffer.of())), turn);
        driver.core.limpet_tx_ack(handle, turn.length);
      }
      assert.equal(driver.stats().arenaUsed, 0);
      assert.deepEqual(publish(driver, payload, handles[3]), [members - 1, 0, 0]);
      assert.equal(driver.info(handles[3] ?? 0)?.queued, 0);
      end(driver);
    });

    it('broadcast, broadcastExcept: counts in the statistics and in the room', () => {
      const driver = load();
      const [a = 0, b = 0] = room(driver, 2);
      driver.setOption(b, Option.QUEUE_MAX, 5);
      const select = Buffer.alloc(SelectRecord.size);
      select.writeInt32LE(a, SelectRecord.except);
      const [at = 0] = driver.pass(select);
      const { core: x, ingress } = driver;
      driver.write(ingress, Buffer.from('abcdef'));
      const tell = (record: number) => [
        driver.u32(record + PublishRecord.delivered),
        driver.u32(record + PublishRecord.dropped),
      ];
      assert.deepEqual(tell(x.limpet_broadcast(0, Opcode.TEXT, ingress, 3)), [2, 0]);
      assert.deepEqual(tell(x.limpet_broadcast(at, Opcode.TEXT, ingress, 0)), [0, 1]);
      assert.deepEqual(publish(driver, Buffer.from('abcdef')), [1, 0, 1]);
      const stats = x.limpet_stats();
      const counters = [
        'published',
        'delivered',
        'undelivered',
        'messagesOut',
        'bytesOut',
      ] as const;
      assert.deepEqual(
        counters.map((name) => driver.u64(stats + StatsRecord[name])),
        [3, 3, 2, 3, 12],
      );
      assert.equal(driver.u64(stats + StatsRecord.queueFull), 2);
      end(driver);
    });

    it('refuses pointers out of memory, kinds that are none, and messages that are too long', () => {
      const driver = load();
      const { core: x, scratch, ingress, memory } = driver;
      const handle = driver.attach(Role.SERVER);
      driver.write(scratch, Buffer.from('room'));
      const size = memory.length;
      const bad = [
        [size, 1],
        [size - 3, 4],
        [-4, 4],
        [ingress, -1],
        [0x7fffffff, 0x7fffffff],
        [-0x80000000, 0],
      ] as const;
      for (const [ptr, length] of bad) {
        assert.equal(x.limpet_publish(scratch, 4, 1, ptr, length, 0), ErrorCode.ARGUMENT);
        assert.equal(x.limpet_publish(ptr, length, 1, ingress, 1, 0), ErrorCode.ARGUMENT);
        assert.equal(x.limpet_broadcast(0, 1, ptr, length), ErrorCode.ARGUMENT);
        if (ptr !== ingress) {
          assert.equal(x.limpet_broadcast(ptr, 1, ingress, 1), ErrorCode.ARGUMENT);
          assert.equal(x.limpet_select(ptr, 0), ErrorCode.ARGUMENT);
        }
        // The key, then the value that a record points at.
        for (const at of [SelectRecord.keyPtr, SelectRecord.valuePtr]) {
          const select = Buffer.alloc(SelectRecord.size);
          select.writeInt32LE(ptr, at);
          select.writeInt32LE(length, at + 4);
          driver.write(scratch, select);
          assert.equal(x.limpet_select(scratch, 0), ErrorCode.ARGUMENT);
          assert.equal(x.limpet_broadcast(scratch, 1, ingress, 1), ErrorCode.ARGUMENT);
        }
        driver.write(scratch, Buffer.from('room'));
      }
      for (const kind of [-1, 0, 3, 8, 9, 10, 1 | SEND_MORE, SEND_PLAIN, 0x41]) {
        assert.equal(x.limpet_publish(scratch, 4, kind, ingress, 1, 0), ErrorCode.ARGUMENT);
        assert.equal(x.limpet_broadcast(0, kind, ingress, 1), ErrorCode.ARGUMENT);
      }
      const most = x.limpet_send_max();
      driver.setOption(handle, Option.QUEUE_MAX, 0x7fffffff);
      assert.equal(x.limpet_publish_room(-1), ErrorCode.ARGUMENT);
      assert.equal(x.limpet_publish_room(most + 1), ErrorCode.ARGUMENT);
      assert.equal(x.limpet_broadcast(0, 2, 16, most + 1), ErrorCode.ARGUMENT);
      const record = x.limpet_broadcast(0, 2, 16, most);
      assert.equal(driver.u32(record + PublishRecord.delivered), 1);
      end(driver);
    });

    it('goes to the others when the arena has no block for one', () => {
      const driver = load();
      driver.checks = false;
      const [a = 0, b = 0, c = 0] = room(driver, 3);
      const { core: x } = driver;
      // b does not write: its reference is in use, and the next frame for it is not right behind.
      assert.deepEqual(publish(driver, Buffer.alloc(100, '1')), [3, 0, 0]);
      assert.deepEqual(publish(driver, Buffer.from('2'), b), [2, 0, 0]);
      for (const handle of [a, c]) driver.drain(handle);
      const hog = driver.attach(Role.SERVER);
      driver.setOption(hog, Option.QUEUE_MAX, 0x7fffffff);
      for (const size of [driver.ingressBytes, 4096, 2048, 1024, 512, 256, 128]) {
        const bytes = Math.min(size, driver.ingressBytes) - 26;
        while (x.limpet_send(hog, Opcode.BINARY, driver.ingress, bytes) >= 0);
      }
      // The block of frames has room, but b needs one for another reference.
      const third = Buffer.alloc(300, '3');
      assert.deepEqual(publish(driver, third), [2, 0, 1]);
      for (const handle of [a, c]) {
        assert.deepEqual(driver.drain(handle).bytes, encode({ opcode: 1, payload: third }));
      }
      // Once it is full there is none for a frame either.
      let last: number[];
      do {
        last = publish(driver, Buffer.alloc(1000, '4'));
        for (const handle of [a, c]) driver.drain(handle);
      } while (last[0] === 2);
      assert.deepEqual(last, [0, 0, 3]);
      driver.check('the arena is full');
      driver.eof(hog);
      driver.events();
      assert.deepEqual(
        driver.drain(b).bytes,
        encode({ opcode: 1, payload: Buffer.alloc(100, '1') }),
      );
      assert.deepEqual(publish(driver, Buffer.from('again')), [3, 0, 0]);
      end(driver);
    });
  });
}
