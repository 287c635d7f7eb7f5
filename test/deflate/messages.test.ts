// Compressed messages through the core's calls, held against zlib: RFC 7692 6 and 7.2, as each
// profile with permessage-deflate ships and with its checks.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { constants, createDeflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  Opcode,
  Option,
  PublishRecord,
  SEND_MORE,
  SEND_PLAIN,
  Sent,
  State,
} from '../../build/limpet.abi.js';
import { CORES } from '../support/cores.js';
import { Driver, ErrorCode, EventKind, Role } from '../support/driver.js';
import { decode, encode, type Frame } from '../support/frames.js';
import { KEY } from '../support/payload.js';
import { words } from './samples.js';

const RSV1 = 4;
const TAKEOVER = 0x10;
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

/** What limpet_attach takes: what was agreed on for what comes, and for what goes. */
const agreed = (comes: number, goes = comes) => comes | (goes << 8);

/** A peer that keeps its context: messages in, payloads out, in order. */
function packer(windowBits: number) {
  const stream = createDeflateRaw({ windowBits, level: 6, memLevel: 8 });
  return (message: Uint8Array) =>
    new Promise<Buffer>((resolve) => {
      const parts: Buffer[] = [];
      const take = (part: Buffer) => parts.push(part);
      stream.on('data', take);
      stream.write(message);
      stream.flush(constants.Z_SYNC_FLUSH, () => {
        stream.off('data', take);
        const bytes = Buffer.concat(parts);
        resolve(bytes.subarray(0, bytes.length - 4));
      });
    });
}

const pack = (message: Uint8Array, windowBits = 15) => {
  const bytes = deflateRawSync(message, { windowBits, finishFlush: constants.Z_SYNC_FLUSH });
  return bytes.subarray(0, bytes.length - 4);
};

const unpack = (payload: Uint8Array, windowBits: number, dictionary?: Buffer) =>
  inflateRawSync(Buffer.concat([payload, TAIL]), {
    windowBits,
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(dictionary?.length ? { dictionary } : {}),
  });

/** Frames of one compressed message of a client. */
function message(payload: Uint8Array, opcode: Opcode, pieces = 1): Buffer {
  const size = Math.ceil(payload.length / pieces) || 1;
  const frames: Buffer[] = [];
  for (let at = 0; at < payload.length || at === 0; at += size) {
    frames.push(
      encode({
        fin: at + size >= payload.length,
        rsv: at === 0 ? RSV1 : 0,
        opcode: at === 0 ? opcode : Opcode.CONTINUATION,
        payload: payload.subarray(at, at + size),
        key: KEY,
      }),
    );
  }
  return Buffer.concat(frames);
}

/** Messages that events tell, pieces put together. */
function told(driver: Driver, handle: number, bytes: Uint8Array): Buffer[] {
  const messages: Buffer[] = [];
  let pieces: Buffer[] = [];
  const { events, left } = driver.feed(handle, bytes);
  assert.equal(left.length, 0, 'all was taken');
  for (const { kind, data, flags } of events) {
    if (kind === EventKind.MESSAGE) messages.push(data);
    if (kind !== EventKind.CHUNK) continue;
    pieces.push(data);
    if (!(flags & 2)) continue;
    messages.push(Buffer.concat(pieces));
    pieces = [];
  }
  return messages;
}

const failure = (driver: Driver, handle: number, bytes: Uint8Array) =>
  driver.feed(handle, bytes).events.find(({ kind }) => kind === EventKind.ERROR);

function sent(driver: Driver, handle: number): Frame[] {
  const { bytes } = driver.drain(handle);
  const { frames, length } = decode(bytes);
  assert.equal(length, bytes.length, 'whole frames');
  return frames;
}

for (const core of CORES.filter(({ profile }) => profile !== 'nano')) {
  describe(core.name, () => {
    const micro = core.profile === 'micro';
    const bits = micro ? 10 : 15;
    const keptBits = micro ? 9 : 11;
    const load = () => {
      const driver = new Driver(core.path);
      if (!micro) driver.checks = false;
      return driver;
    };
    const sound = (driver: Driver) => {
      driver.check('the test');
    };
    const put = (driver: Driver, handle: number, kind: number, data: Buffer) => {
      assert.ok(data.length <= driver.ingressBytes);
      driver.write(driver.ingress, data);
      return driver.core.limpet_send(handle, kind, driver.ingress, data.length);
    };

    it('sends what zlib inflates, at every level and window, without context', () => {
      const driver = load();
      for (let window = 8; window <= bits; window++) {
        const handle = driver.attach(Role.SERVER, agreed(window));
        for (let level = 0; level <= 9; level++) {
          driver.setOption(0, Option.DEFLATE_LEVEL, level);
          for (const size of [1, 64, 200, 1000, 4000]) {
            const data = words(size, level);
            assert.equal(put(driver, handle, Opcode.TEXT, data), Sent.OK);
            const [frame, ...more] = sent(driver, handle);
            assert.equal(more.length, 0);
            const shrunk = frame?.rsv === RSV1;
            assert.equal(shrunk, level > 0 && size >= 64, `${size} bytes at level ${level}`);
            const payload = frame?.payload ?? Buffer.alloc(0);
            assert.deepEqual(shrunk ? unpack(payload, window) : payload, data);
          }
        }
        driver.eof(handle);
        driver.events();
      }
      assert.equal(driver.stats().arenaUsed, 0);
      sound(driver);
    });

    it('keeps its context over messages, and what it keeps is all that it uses', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER, agreed(bits, bits | TAKEOVER));
      let history = Buffer.alloc(0);
      let bytes = 0;
      for (let i = 0; i < 300; i++) {
        const data = words(20 + ((i * 37) % 900), i % 7);
        const plain = i % 11 === 10;
        assert.equal(put(driver, handle, Opcode.TEXT | (plain ? SEND_PLAIN : 0), data), Sent.OK);
        const [frame] = sent(driver, handle);
        const payload = frame?.payload ?? Buffer.alloc(0);
        if (frame?.rsv !== RSV1) {
          assert.deepEqual(payload, data);
          continue;
        }
        assert.equal(plain, false);
        bytes += data.length - payload.length;
        assert.deepEqual(unpack(payload, bits, history), data);
        history = Buffer.concat([history, data]).subarray(-(1 << keptBits));
      }
      assert.ok(bytes > 40_000, `${bytes} bytes saved`);
      driver.eof(handle);
      driver.events();
      assert.equal(driver.stats().arenaUsed, 0);
      sound(driver);
    });

    it('sends a message in fragments under one RSV1, whatever they hold', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER, agreed(bits, bits | TAKEOVER));
      const random = Buffer.from(Array.from({ length: 700 }, (_, i) => (i * i * 7919) >>> 5));
      const parts = [words(500, 1), random, Buffer.alloc(0), words(500, 1)];
      parts.forEach((part, i) => {
        const last = i === parts.length - 1;
        const kind = (i ? Opcode.CONTINUATION : Opcode.BINARY) | (last ? 0 : SEND_MORE);
        assert.equal(put(driver, handle, kind, part), Sent.OK);
      });
      const frames = sent(driver, handle);
      assert.deepEqual(
        frames.map(({ rsv, opcode, fin }) => [rsv, opcode, fin]),
        [
          [RSV1, 2, false],
          [0, 0, false],
          [0, 0, false],
          [0, 0, true],
        ],
      );
      const payload = Buffer.concat(frames.map((frame) => frame.payload));
      assert.deepEqual(unpack(payload, bits), Buffer.concat(parts));
      // RFC 6455 5.4: a fragment that stays with the host cannot be compressed.
      put(driver, handle, Opcode.TEXT | SEND_MORE, words(300, 2));
      const external = driver.core.limpet_send_external(handle, Opcode.CONTINUATION, 10);
      assert.equal(external, ErrorCode.STATE);
      sound(driver);
    });

    it('masks what a client compresses', () => {
      const driver = load();
      driver.seed();
      const handle = driver.attach(Role.CLIENT, agreed(bits));
      const data = words(600, 3);
      const [ptr = 0, length = 0] = [driver.ingress, data.length];
      const to = driver.core.limpet_send_begin(handle, Opcode.TEXT, length);
      driver.write(to, data);
      assert.equal(driver.core.limpet_send_end(handle), Sent.OK);
      driver.write(ptr, data);
      const [frame] = sent(driver, handle);
      assert.equal(frame?.masked, true);
      assert.equal(frame.rsv, RSV1);
      assert.deepEqual(unpack(frame.payload, bits), data);
    });

    it('takes 1,000 messages of a client that keeps its context', async () => {
      const driver = load();
      const peer = packer(keptBits);
      const handle = driver.attach(Role.SERVER, agreed(keptBits | TAKEOVER));
      for (let i = 0; i < 1000; i++) {
        const data = words(1 + ((i * 131) % 1500), i % 5);
        const payload = await peer(data);
        const got = told(driver, handle, message(payload, Opcode.TEXT, 1 + (i % 4)));
        assert.deepEqual(got, [data], `message ${i}`);
      }
      driver.eof(handle);
      driver.events();
      assert.equal(driver.stats().arenaUsed, 0);
      sound(driver);
    });

    it('takes a message at any cut, with pings between its fragments', () => {
      const driver = load();
      const data = words(700, 4);
      const payload = pack(data);
      const ping = encode({ opcode: Opcode.PING, payload: Buffer.from('?'), key: KEY });
      const whole = message(payload, Opcode.TEXT, 3);
      const handle = driver.attach(Role.SERVER, agreed(bits));
      for (let cut = 1; cut < whole.length; cut++) {
        const first = told(driver, handle, whole.subarray(0, cut));
        const second = told(driver, handle, whole.subarray(cut));
        assert.deepEqual([...first, ...second], [data], `cut at ${cut}`);
      }
      const half = payload.length >> 1;
      const stream = Buffer.concat([
        encode({ fin: false, rsv: RSV1, opcode: 1, payload: payload.subarray(0, half), key: KEY }),
        ping,
        encode({ opcode: 0, payload: payload.subarray(half), key: KEY }),
      ]);
      const messages = [...stream].flatMap((byte) => told(driver, handle, Buffer.from([byte])));
      assert.deepEqual(messages, [data]);
      sound(driver);
    });

    it('lets two sessions inflate byte by byte in turns', () => {
      const driver = load();
      const data = [words(900, 1), words(900, 2)];
      const handles = data.map(() => driver.attach(Role.SERVER, agreed(bits)));
      const streams = data.map((bytes) => message(pack(bytes), Opcode.BINARY, 2));
      const got: Buffer[][] = [[], []];
      for (let at = 0; at < 2000; at++) {
        handles.forEach((handle, i) => {
          const byte = streams[i]?.subarray(at, at + 1);
          if (byte?.length) got[i]?.push(...told(driver, handle, byte));
        });
        // What is sent meanwhile goes through the same codec.
        if (at % 50 === 0) put(driver, handles[0] ?? 0, Opcode.TEXT, words(300, at));
      }
      assert.deepEqual(got, [[data[0]], [data[1]]]);
      sound(driver);
    });

    it('streams what is longer than a block, at any delivery', () => {
      const driver = load();
      driver.setOption(0, Option.MESSAGE_MAX, 0);
      const data = words(micro ? 60_000 : 1_500_000, 6);
      const payload = pack(data, Math.max(9, bits));
      for (const delivery of [1, 2]) {
        const handle = driver.attach(Role.SERVER, agreed(bits));
        driver.setOption(handle, Option.DELIVERY, delivery);
        const got = told(driver, handle, message(payload, Opcode.TEXT, 5));
        assert.equal(got.length, 1);
        assert.ok(got[0]?.equals(data), `delivery ${delivery}`);
        assert.equal(driver.stats().arenaUsed, 0);
      }
      const whole = driver.attach(Role.SERVER, agreed(bits));
      driver.setOption(whole, Option.DELIVERY, 0);
      assert.equal(
        failure(driver, whole, message(payload, Opcode.TEXT))?.detail,
        ErrorCode.TOO_BIG,
      );
      sound(driver);
    });

    it('keeps pieces of a stream in place until they are acknowledged, though the session ends', () => {
      const driver = load();
      driver.setOption(0, Option.MESSAGE_MAX, 0);
      const data = words(micro ? 3000 : 60_000, 6);
      const handle = driver.attach(Role.SERVER, agreed(bits));
      driver.setOption(handle, Option.DELIVERY, 1);
      const bytes = message(pack(data, bits), Opcode.BINARY);
      driver.rx(handle, bytes.subarray(0, bytes.length - 1));
      driver.eof(handle);
      const before = driver.peek();
      const other = driver.attach(Role.SERVER);
      for (let i = 0; i < 8; i++) put(driver, other, Opcode.BINARY, Buffer.alloc(1000, 0xee));
      const after = driver.peek();
      assert.ok(before.some(({ kind }) => kind === EventKind.CHUNK));
      before.forEach((event, i) => {
        assert.deepEqual(after[i]?.data, event.data);
      });
      driver.drain(other);
      driver.events();
      assert.equal(driver.stats().arenaUsed, 0);
      sound(driver);
    });

    it('refuses more than MESSAGE_MAX with 1009, before it is made', () => {
      const driver = load();
      driver.setOption(0, Option.MESSAGE_MAX, 1000);
      const bomb = pack(Buffer.alloc(10_000_000));
      for (const delivery of [0, 1, 2]) {
        const handle = driver.attach(Role.SERVER, agreed(bits));
        driver.setOption(handle, Option.DELIVERY, delivery);
        const error = failure(driver, handle, message(bomb, Opcode.BINARY));
        assert.deepEqual([error?.detail, error?.code], [ErrorCode.TOO_BIG, 1009]);
        assert.ok(driver.stats().arenaPeak <= (micro ? 16_384 : 262_144));
      }
      // A bound that comes down is met by the next bytes.
      driver.setOption(0, Option.MESSAGE_MAX, 0);
      const late = driver.attach(Role.SERVER, agreed(bits));
      const half = message(pack(words(3000, 1)), Opcode.TEXT, 4);
      driver.feed(late, half.subarray(0, half.length >> 1));
      driver.setOption(late, Option.MESSAGE_MAX, 100);
      const error = failure(driver, late, half.subarray(half.length >> 1));
      assert.deepEqual([error?.detail, error?.code], [ErrorCode.TOO_BIG, 1009]);
      driver.setOption(0, Option.MESSAGE_MAX, 1000);
      const exact = driver.attach(Role.SERVER, agreed(bits));
      const most = Buffer.alloc(1000, 97);
      assert.deepEqual(told(driver, exact, message(pack(most), Opcode.TEXT)), [most]);
      sound(driver);
    });

    it('refuses what is no DEFLATE, or ends too soon, with 1007', () => {
      const driver = load();
      const payload = pack(words(300, 5));
      const wrong = [
        Buffer.from('07', 'hex'),
        Buffer.from('00 0100 ffff 61'.replaceAll(' ', ''), 'hex'),
        payload.subarray(0, payload.length - 3),
        Buffer.alloc(0),
      ];
      for (const bytes of wrong) {
        const handle = driver.attach(Role.SERVER, agreed(bits));
        const error = failure(driver, handle, message(bytes, Opcode.BINARY));
        assert.deepEqual([error?.detail, error?.code], [ErrorCode.DEFLATE, 1007]);
        driver.eof(handle);
        driver.events();
      }
      const handle = driver.attach(Role.SERVER, agreed(bits));
      const text = failure(driver, handle, message(pack(Buffer.from([0x61, 0xff])), Opcode.TEXT));
      assert.deepEqual([text?.detail, text?.code], [ErrorCode.UTF8, 1007]);
      sound(driver);
    });

    // The server's arena is too large to be filled in no time.
    const small = micro ? it : () => undefined;
    void small('waits for the memory that its own output has', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER, agreed(bits));
      driver.setOption(handle, Option.QUEUE_MAX, 0x7fffffff);
      const plain = Opcode.BINARY | SEND_PLAIN;
      while (put(driver, handle, plain, Buffer.alloc(4000)) >= 0);
      while (put(driver, handle, plain, Buffer.alloc(100)) >= 0);
      const data = words(3000, 3);
      const { events, left } = driver.feed(handle, message(pack(data), Opcode.TEXT));
      assert.deepEqual(events, []);
      assert.ok(left.length > 0);
      assert.equal(driver.core.limpet_rx_room(handle), 0);
      driver.drain(handle);
      assert.deepEqual(told(driver, handle, left), [data]);
      sound(driver);
    });

    it('does not inflate behind its own Close frame', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER, agreed(bits));
      const bytes = message(pack(Buffer.from('grüße '.repeat(80))), Opcode.TEXT, 4);
      driver.feed(handle, bytes.subarray(0, bytes.length >> 1));
      driver.core.limpet_close(handle, 1000, 0, 0);
      driver.drain(handle);
      const { events } = driver.feed(handle, bytes.subarray(bytes.length >> 1));
      assert.deepEqual(
        events.map(({ kind }) => kind),
        [EventKind.CLOSING],
      );
      driver.feed(handle, message(Buffer.from('07', 'hex'), Opcode.BINARY));
      const close = encode({ opcode: 8, payload: Buffer.from([3, 0xe8]), key: KEY });
      driver.feed(handle, close);
      assert.equal(driver.info(handle)?.state, State.ENDING);
      driver.eof(handle);
      driver.events();
      assert.equal(driver.stats().arenaUsed, 0);
      sound(driver);
    });

    it('publishes to members that agreed on 9+, on the largest window and on nothing: each can read it', () => {
      // A small window and pieces of output as small: no distance past the window goes unseen.
      const strict = (payload: Uint8Array, windowBits: number, dictionary?: Buffer) =>
        inflateRawSync(Buffer.concat([payload, TAIL]), {
          windowBits,
          chunkSize: 64,
          finishFlush: constants.Z_SYNC_FLUSH,
          ...(dictionary?.length ? { dictionary } : {}),
        });
      const driver = load();
      const windows = [9 | TAKEOVER, bits | TAKEOVER, 0];
      const members = windows.map((window) =>
        driver.attach(Role.SERVER, window ? agreed(bits, window) : 0),
      );
      const { core: x, ingress } = driver;
      for (const handle of members) {
        const [ptr = 0, length = 0] = driver.pass('room');
        assert.equal(x.limpet_subscribe(handle, ptr, length), 1);
      }
      const histories = members.map(() => Buffer.alloc(0));
      for (let i = 0; i < 4; i++) {
        // What repeats is farther away than 2^9 bytes, and nearer than 2^10.
        const data = Buffer.concat([0, 1, 2, 3].map(() => words(700, i + 1)));
        driver.write(ingress, data);
        const [ptr = 0, length = 0] = driver.pass('room');
        const record = x.limpet_publish(ptr, length, Opcode.TEXT, ingress, data.length, 0);
        assert.equal(driver.u32(record + PublishRecord.delivered), 3);
        const frames = members.map((handle) => sent(driver, handle)[0]);
        const [near, far, plain] = frames.map((frame) => frame?.payload ?? Buffer.alloc(0));
        assert.ok(near && far && plain);
        assert.deepEqual(plain, data);
        assert.deepEqual(strict(near, 9), data);
        assert.deepEqual(strict(far, bits), data);
        assert.throws(() => strict(far, 9));
        // Each keeps it as context for its own messages.
        members.slice(0, 2).forEach((handle, n) => {
          put(driver, handle, Opcode.TEXT, data);
          const [frame] = sent(driver, handle);
          const window = (windows[n] ?? 0) & 15;
          const reach = Math.min(window, keptBits);
          const context = Buffer.concat([histories[n] ?? Buffer.alloc(0), data]);
          const history = context.subarray(-(1 << reach));
          assert.deepEqual(strict(frame?.payload ?? Buffer.alloc(0), window, history), data);
          histories[n] = Buffer.concat([context, data]);
        });
        sent(driver, members[2] ?? 0);
      }
      sound(driver);
    });

    it('compresses once for each window what it sends to many', () => {
      const driver = load();
      const windows = [0, 8, bits, bits | TAKEOVER];
      const handles = windows.map((window) =>
        driver.attach(Role.SERVER, window ? agreed(bits, window) : 0),
      );
      const list = Buffer.from(Int32Array.from([...handles, 0x7fff_0000]).buffer);
      const histories = handles.map(() => Buffer.alloc(0));
      for (let i = 0; i < 5; i++) {
        const data = words(micro ? 400 : 800, 1);
        driver.write(driver.scratch, list);
        driver.write(driver.ingress, data);
        const { core: x, ingress, scratch } = driver;
        assert.equal(x.limpet_send_many(scratch, 5, Opcode.TEXT, ingress, data.length), 0);
        const answers = new Int32Array(Uint8Array.from(driver.copy(scratch, 20)).buffer);
        assert.deepEqual([...answers], [0, 0, 0, 0, ErrorCode.HANDLE]);
        const frames = handles.map((handle) => sent(driver, handle)[0]);
        assert.deepEqual(frames[0]?.payload, data);
        frames.forEach((frame, n) => {
          const window = windows[n];
          if (!window) return;
          assert.equal(frame?.rsv, RSV1);
          assert.deepEqual(unpack(frame.payload, window & 15), data);
        });
        assert.deepEqual(frames[2]?.payload, frames[3]?.payload);
        // Each keeps it as context: the next message of its own refers to it.
        handles.forEach((handle, n) => {
          put(driver, handle, Opcode.TEXT, data);
          const [frame] = sent(driver, handle);
          const window = windows[n] ?? 0;
          if (!window || !frame) return;
          const context = Buffer.concat([histories[n] ?? Buffer.alloc(0), data]);
          const history = window & TAKEOVER ? context.subarray(-(1 << keptBits)) : undefined;
          assert.deepEqual(unpack(frame.payload, window & 15, history), data);
          if (history) assert.ok(frame.payload.length < 40, `${frame.payload.length} bytes`);
          histories[n] = Buffer.concat([context, data]);
        });
      }
      assert.equal(
        driver.core.limpet_send_many(driver.scratch, 1, Opcode.PING, 0, 0),
        ErrorCode.ARGUMENT,
      );
      sound(driver);
    });
  });
}
