// Messages for which the core has no memory → they wait in Node's, in order, and the connection
// looks the same from outside.

import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import {
  createServer,
  ErrorCode,
  SendStatus,
  type Server,
  type ServerOptions,
  type Socket,
} from '../../host/node/index.js';
import { FrameReader, type ServerFrame } from '../conformance/frame.js';
import { headEnd } from '../conformance/http.js';
import { handshake } from './support/peer.js';
import { next } from './support/serving.js';
import { turns, until, within } from './support/wait.js';

/** A client that reads when it is told to. */
class Reader extends Duplex {
  readonly frames: ServerFrame[] = [];
  #bytes = Buffer.alloc(0);
  #isOpen = false;
  #blocked: (() => void) | undefined;
  #reads = true;
  readonly #reader = new FrameReader((frame) => this.frames.push(frame));

  constructor() {
    super({ read: () => {} });
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    const take = () => {
      this.#take(Buffer.from(chunk));
      done();
    };
    if (this.#reads) take();
    else this.#blocked = take;
  }

  #take(bytes: Buffer): void {
    if (this.#isOpen) {
      this.#reader.push(bytes);
      return;
    }
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const end = headEnd(this.#bytes);
    this.#isOpen = end >= 0;
    if (this.#isOpen) this.#reader.push(this.#bytes.subarray(end));
  }

  reads(reads: boolean): void {
    this.#reads = reads;
    const blocked = this.#blocked;
    this.#blocked = undefined;
    if (reads) blocked?.();
  }
}

async function stuck(
  t: TestContext,
  options: ServerOptions = {},
): Promise<{ server: Server; socket: Socket; reader: Reader }> {
  const server = createServer({ profile: 'nano', ...options });
  const reader = new Reader();
  t.after(() => {
    reader.destroy();
    return within(server.close({ timeout: 0 }), 'server.close');
  });
  const opened = next(server, 'open');
  server.attach(reader);
  reader.push(handshake());
  const [socket] = await opened;
  await turns(2);
  reader.reads(false);
  return { server, socket, reader };
}

/** Sends until the core's memory is used up and `more` messages wait; returns how many were sent. */
function fill(socket: Socket, more = 20): number {
  let count = 0;
  for (let extra = 0; extra < more; count++) {
    const status = socket.send(`${count} `.padEnd(100, 'x'));
    assert.ok(status >= 0, `message ${count}: ${status}`);
    if (status === SendStatus.BACKPRESSURE) extra++;
  }
  return count;
}

test('BACKPRESSURE, then everything in order, then one drain', async (t) => {
  const { server, socket, reader } = await stuck(t);
  let drains = 0;
  server.on('drain', () => drains++);
  const count = fill(socket);
  await turns(3);
  assert.equal(drains, 0);
  reader.reads(true);
  await until(() => reader.frames.length === count, `${count} messages`);
  for (const [i, { payload }] of reader.frames.entries()) {
    assert.equal(payload.toString(), `${i} `.padEnd(100, 'x'));
  }
  await until(() => drains > 0, 'drain');
  await turns(3);
  assert.equal(drains, 1);
  assert.equal(socket.send('fine'), SendStatus.OK);
});

test('bufferedAmount counts all that waits', async (t) => {
  const { socket, reader } = await stuck(t);
  await turns(1);
  const count = fill(socket, 50);
  const least = count * 100;
  assert.ok(socket.bufferedAmount >= least, `${socket.bufferedAmount} of at least ${least} bytes`);
  reader.reads(true);
  await until(() => reader.frames.length === count, `${count} messages`);
  assert.equal(socket.bufferedAmount, 0);
});

test('close comes behind what waits, and nothing can be sent after it', async (t) => {
  const { socket, reader } = await stuck(t);
  const count = fill(socket);
  socket.close(4000, 'enough');
  assert.equal(socket.isOpen, false);
  assert.equal(socket.send('late'), ErrorCode.STATE);
  assert.equal(socket.ping('late'), ErrorCode.STATE);
  reader.reads(true);
  await until(() => reader.frames.at(-1)?.opcode === 8, 'the Close frame');
  assert.equal(reader.frames.length, count + 1);
  const { payload } = reader.frames[count] ?? {};
  assert.deepEqual([payload?.readUInt16BE(0), payload?.toString('utf8', 2)], [4000, 'enough']);
});

test('close refuses what may not be sent, also while messages wait', async (t) => {
  const { socket } = await stuck(t);
  fill(socket);
  assert.throws(() => {
    socket.close(1005);
  }, RangeError);
  assert.throws(() => {
    socket.close(1000, 'x'.repeat(124));
  }, RangeError);
  assert.equal(socket.isOpen, true);
});

test('a client that never reads is cut off by closeTimeout, with all that waits for it', async (t) => {
  const { server, socket } = await stuck(t, { closeTimeout: 100 });
  fill(socket);
  await turns(2);
  const closed = next(server, 'close', 2000);
  socket.close();
  assert.equal((await closed)[3], false);
  assert.deepEqual([server.stats().active, server.stats().arenaUsed], [0, 0]);
});

test('fragments that wait stay one message', async (t) => {
  const { socket, reader } = await stuck(t);
  const count = fill(socket, 1);
  for (let i = 0; i < 30; i++) assert.ok(socket.send(`part ${i} `, { fin: false }) >= 0);
  assert.ok(socket.send('end') >= 0);
  assert.ok(socket.send('another') >= 0);
  reader.reads(true);
  await until(() => reader.frames.at(-1)?.payload.toString() === 'another', 'the last message');
  const parts = reader.frames.slice(count);
  assert.deepEqual(
    parts.map(({ opcode, fin }) => [opcode, fin]),
    [[1, false], ...Array.from({ length: 29 }, () => [0, false]), [0, true], [1, true]],
  );
});

test('messages that wait are bounded by maxBackpressure, and what was taken arrives', async (t) => {
  const { socket, reader } = await stuck(t, { maxBackpressure: 20_000 });
  let taken = 0;
  let status: number = SendStatus.OK;
  while (status >= 0 && taken < 10_000) {
    status = socket.send('x'.repeat(100));
    if (status >= 0) taken++;
  }
  assert.equal(status, ErrorCode.FULL);
  assert.ok(taken < 300, `${taken} messages of 100 bytes`);
  reader.reads(true);
  await until(() => reader.frames.length === taken, `${taken} messages`);
  await until(() => socket.send('more') === SendStatus.OK, 'room');
});

for (const [fullPolicy, answer, code] of [
  ['drop', SendStatus.DROPPED, 0],
  ['close', ErrorCode.FULL, 1013],
  ['close-1008', ErrorCode.FULL, 1008],
  ['close-1013', ErrorCode.FULL, 1013],
] as const) {
  test(`past maxBackpressure messages that wait obey fullPolicy '${fullPolicy}'`, async (t) => {
    const { socket, reader } = await stuck(t, { maxBackpressure: 20_000, fullPolicy });
    let taken = 0;
    let status: number = SendStatus.OK;
    while (taken < 10_000) {
      status = socket.send('x'.repeat(100));
      if (status !== SendStatus.OK && status !== SendStatus.BACKPRESSURE) break;
      taken++;
    }
    assert.equal(status, answer);
    assert.equal(socket.isOpen, code === 0);
    reader.reads(true);
    await until(() => reader.frames.length >= taken + (code ? 1 : 0), `${taken} messages`);
    const last = reader.frames.at(-1);
    if (code) assert.equal(last?.payload.readUInt16BE(0), code);
    else await until(() => socket.send('more') === SendStatus.OK, 'room');
  });
}

test('whose handler changes its bytes after sending them sends what they were', async (t) => {
  const { socket, reader } = await stuck(t);
  fill(socket, 1);
  const bytes = Buffer.from('as they were');
  socket.send(bytes, { binary: false });
  await turns(2);
  bytes.fill('!');
  reader.reads(true);
  await until(() => reader.frames.at(-1)?.payload.toString() === 'as they were', 'the message');
});
