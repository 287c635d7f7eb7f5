// Many sends → few writes; too many → backpressure, drain and the policy of a full queue.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, SendStatus, type Socket } from '../../host/node/index.js';
import { binary, close, text } from '../conformance/frame.js';
import { collect, echoing, next, serving } from './support/serving.js';
import { pass, turns, until } from './support/wait.js';

const MIB = 1 << 20;

/** Sends until the answer is `status`; returns how many answers of OK or BACKPRESSURE there were. */
function sendUntil(socket: Socket, status: number, payload: Buffer | string): number {
  for (let sent = 0; sent < 10_000; sent++) if (socket.send(payload) === status) return sent;
  throw new Error(`10,000 sends and never ${status}`);
}

test('1,000 sends of one turn arrive whole, in order, in few reads', async (t) => {
  const { pair } = await serving(t);
  const { peer, socket } = await pair();
  const readsBefore = peer.reads;
  for (let i = 0; i < 1000; i++) assert.equal(socket.send(`message ${i}`), SendStatus.OK);
  await until(() => peer.frames.length === 1000, '1,000 frames');
  for (const [i, { payload }] of peer.frames.entries()) {
    assert.equal(payload.toString(), `message ${i}`);
  }
  assert.ok(peer.reads - readsBefore <= 3, `${peer.reads - readsBefore} reads`);
});

test('small and large messages of one turn keep their order', async (t) => {
  const { pair } = await serving(t);
  const { peer, socket } = await pair();
  const sizes = Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 20_000 + i : i * 7));
  for (const size of sizes) socket.send(Buffer.alloc(size, size & 0xff));
  await until(() => peer.frames.length === sizes.length, `${sizes.length} frames`);
  for (const [i, { payload }] of peer.frames.entries()) {
    assert.ok(payload.equals(Buffer.alloc(sizes[i], sizes[i] & 0xff)), `message ${i}`);
  }
});

test('over the high-water mark: BACKPRESSURE, then one drain, then OK', async (t) => {
  const { server, pair } = await serving(t, { highWater: 2 * MIB });
  const { peer, socket } = await pair();
  const drained = collect(server, 'drain');
  peer.transport.pause();
  const payload = Buffer.alloc(MIB);
  const before = sendUntil(socket, SendStatus.BACKPRESSURE, payload);
  assert.equal(before, 1, 'two of 1 MiB with their headers are over 2 MiB');
  sendUntil(socket, SendStatus.BACKPRESSURE, payload);
  // The kernel's buffers take some; what is over stays.
  for (let i = 0; i < 12; i++) socket.send(payload);
  await turns(10);
  assert.ok(socket.bufferedAmount > 2 * MIB);
  assert.equal(drained.length, 0);
  peer.transport.resume();
  await until(() => drained.length > 0, 'drain');
  assert.ok(drained[0]?.[0] === socket);
  await until(() => peer.frames.length === 15, 'all messages');
  await until(() => socket.bufferedAmount === 0, 'an empty queue');
  assert.equal(drained.length, 1);
  assert.equal(socket.send('fine'), SendStatus.OK);
});

test("fullPolicy 'refuse': FULL, the connection stays, and what was taken arrives", async (t) => {
  const { server, pair } = await serving(t, { maxBackpressure: 8 * MIB });
  const { peer, socket } = await pair();
  peer.transport.pause();
  const taken = sendUntil(socket, ErrorCode.FULL, Buffer.alloc(MIB));
  assert.equal(taken, 7);
  assert.ok(server.stats().queueFull >= 1);
  assert.equal(socket.isOpen, true);
  peer.transport.resume();
  await until(() => peer.frames.length === 7, '7 messages');
  await until(() => socket.bufferedAmount === 0, 'an empty queue');
  assert.equal(socket.send('more'), SendStatus.OK);
});

test("fullPolicy 'drop': DROPPED, and the connection goes on without it", async (t) => {
  const { pair } = await serving(t, { maxBackpressure: 8 * MIB, fullPolicy: 'drop' });
  const { peer, socket } = await pair();
  peer.transport.pause();
  assert.equal(sendUntil(socket, SendStatus.DROPPED, Buffer.alloc(MIB)), 7);
  assert.equal(socket.send('x'.repeat(MIB)), SendStatus.DROPPED);
  assert.equal(socket.send('small ones fit'), SendStatus.BACKPRESSURE);
  peer.transport.resume();
  await until(() => peer.frames.length === 8, '8 messages');
  assert.equal(peer.frames[7]?.payload.toString(), 'small ones fit');
});

for (const [fullPolicy, code] of [
  ['close-1008', 1008],
  ['close-1013', 1013],
] as const) {
  test(`fullPolicy '${fullPolicy}': the connection is closed with ${code}`, async (t) => {
    const { server, pair } = await serving(t, { maxBackpressure: 8 * MIB, fullPolicy });
    const { peer, socket } = await pair();
    peer.transport.pause();
    assert.equal(sendUntil(socket, ErrorCode.FULL, Buffer.alloc(MIB)), 7);
    assert.equal(socket.isOpen, false);
    assert.equal(socket.send('late'), ErrorCode.STATE);
    const closed = next(server, 'close');
    peer.transport.resume();
    assert.equal((await peer.closeFrame())[0], code);
    peer.write(close(code));
    assert.equal((await closed)[1], code);
  });
}

test('fragments are refused, not dropped, and leave the connection usable', async (t) => {
  for (const dropsLast of [false, true]) {
    const { pair } = await serving(t, { maxBackpressure: 8 * MIB, fullPolicy: 'drop' });
    const { peer, socket } = await pair();
    peer.transport.pause();
    if (dropsLast) socket.send('the first part of a message', { fin: false });
    // A message of which one fragment is dropped would be another message.
    const full = dropsLast ? ErrorCode.FULL : SendStatus.DROPPED;
    while (socket.send(Buffer.alloc(MIB), { fin: !dropsLast }) !== full);
    assert.equal(socket.send(Buffer.alloc(MIB), { fin: dropsLast }), ErrorCode.FULL);
    peer.transport.resume();
    await until(() => socket.bufferedAmount === 0, 'an empty queue');
    if (dropsLast) assert.equal(socket.send('its last part'), SendStatus.OK);
    assert.equal(socket.send('a message'), SendStatus.OK, dropsLast ? 'last' : 'first');
    await until(() => peer.frames.at(-1)?.payload.toString() === 'a message', 'a message');
  }
});

test('a message longer than maxBackpressure is refused, and a shorter one is not', async (t) => {
  const { pair } = await serving(t, { maxBackpressure: 1000 });
  const { peer, socket } = await pair();
  assert.equal(socket.send('x'.repeat(1000)), ErrorCode.FULL);
  assert.equal(socket.send('x'.repeat(990)), SendStatus.OK);
  assert.equal((await peer.frame()).payload.length, 990);
});

test('a slow consumer does not disturb the others', async (t) => {
  const { server, pair } = await serving(t);
  echoing(server);
  const slow = await pair();
  const quick = await pair();
  slow.peer.transport.pause();
  for (let i = 0; i < 32; i++) slow.socket.send(Buffer.alloc(MIB, i));
  for (let i = 0; i < 200; i++) {
    quick.peer.write(text(`message ${i}`));
    assert.equal(await quick.peer.text(1000), `message ${i}`);
  }
  slow.peer.transport.resume();
  await until(() => slow.peer.frames.length === 32, 'the slow one’s messages', 10_000);
  for (const [i, { payload }] of slow.peer.frames.entries()) {
    assert.ok(payload.equals(Buffer.alloc(MIB, i)), `message ${i}`);
  }
});

for (const profile of ['nano', 'micro', 'server']) {
  test(`${profile}: BACKPRESSURE comes before small messages have used up memory`, async (t) => {
    const { server, pair } = await serving(t, { profile });
    echoing(server);
    const slow = await pair();
    const quick = await pair();
    slow.peer.transport.pause();
    // The kernel takes a few MiB before anything has to wait here.
    let status: number = SendStatus.OK;
    for (let i = 0; i < 160_000 && status === SendStatus.OK; i++) {
      status = slow.socket.send('x'.repeat(100));
      if (i % 2 === 0) await turns(1);
    }
    assert.equal(status, SendStatus.BACKPRESSURE);
    quick.peer.write(text('is there room for me?'));
    assert.equal(await quick.peer.text(), 'is there room for me?');
    const drained = next(server, 'drain');
    slow.peer.transport.resume();
    assert.ok((await drained)[0] === slow.socket);
    assert.equal(slow.socket.send('more'), SendStatus.OK);
  });
}

test('pause holds the peer back by TCP, resume takes everything that waited', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const messages = collect(server, 'message');
  socket.pause();
  await turns(2);
  const all = Array.from({ length: 32 }, (_, i) => Buffer.alloc(MIB, i));
  for (const data of all) peer.write(binary(data));
  await pass(200);
  assert.equal(messages.length, 0);
  assert.ok(peer.transport.writableLength > 8 * MIB, 'the client’s writes wait');
  socket.resume();
  await until(() => messages.length === 32, '32 messages', 10_000);
  for (const [i, [, data]] of messages.entries()) assert.ok(data.equals(all[i]), `message ${i}`);
});

test('pause in a message handler stops what comes after this read; resume brings it', async (t) => {
  const { server, pair } = await serving(t);
  const { peer } = await pair();
  const seen: string[] = [];
  server.on('message', (socket, data) => {
    seen.push(data.toString());
    if (seen.length === 1) socket.pause();
  });
  peer.write(text('one'));
  await until(() => seen.length === 1, 'the first message');
  peer.write(text('two'));
  await pass(100);
  assert.deepEqual(seen, ['one']);
  for (const socket of server.sockets()) socket.resume();
  await until(() => seen.length === 2, 'the second message');
  assert.deepEqual(seen, ['one', 'two']);
});
