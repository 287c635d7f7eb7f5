// server.prepare(data) → one message, sent to any connections at any time; its memory comes back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ErrorCode, SendStatus, type Server } from '../../host/node/index.js';
import { deflating } from './support/deflating.js';
import { serving } from './support/serving.js';
import { turns, until } from './support/wait.js';

/** Messages that the core keeps now, and bytes of its arena in use. */
const kept = (server: Server) => server.metrics().preparedUsed;

test('a prepared message is sent again and again, as text or binary', async (t) => {
  const { server, pair } = await serving(t);
  const [a, b] = [await pair(), await pair()];
  const data = Buffer.from('Hello');
  const message = server.prepare('Hello');
  const binary = server.prepare(data);
  data.fill('x');
  assert.equal(kept(server), 0, 'nothing is kept before it is sent');
  assert.equal(a.socket.send(message), SendStatus.OK);
  assert.equal(b.socket.send(message), SendStatus.OK);
  assert.equal(a.socket.send(binary), SendStatus.OK);
  await turns(1);
  assert.equal(a.socket.send(message), SendStatus.OK);
  await until(() => a.peer.frames.length === 3 && b.peer.frames.length === 1, 'all messages');
  const seen = a.peer.frames.map(({ opcode, payload }) => [opcode, payload.toString()]);
  assert.deepEqual(seen, [
    [1, 'Hello'],
    [2, 'Hello'],
    [1, 'Hello'],
  ]);
  assert.equal(kept(server), 2);
  message.free();
  binary.free();
  assert.equal(kept(server), 0);
  await until(() => server.metrics().arenaUsed === 0, 'an empty arena');
});

test('options of a prepared message are those of a publication', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  socket.send(server.prepare('Hello', { binary: true }));
  socket.send(server.prepare(Buffer.from('Hello'), { binary: false }));
  await until(() => peer.frames.length === 2, 'both messages');
  assert.deepEqual(
    peer.frames.map(({ opcode }) => opcode),
    [2, 1],
  );
  assert.throws(() => server.prepare(5 as unknown as string), TypeError);
});

test('what was sent still leaves when the message is freed, and it can be freed twice', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const message = server.prepare('Hello');
  socket.send(message);
  message.free();
  message.free();
  server.prepare('another one').free();
  assert.throws(() => socket.send(message), /freed/);
  await until(() => peer.frames.length === 1, 'the message');
  assert.equal(peer.frames[0].payload.toString(), 'Hello');
  await until(() => server.metrics().arenaUsed === 0, 'an empty arena');
});

test('it is sent behind what waits, and to nobody whose connection is over', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const message = server.prepare('last');
  socket.send('first', { fin: false });
  assert.equal(socket.send(message), ErrorCode.STATE, 'not inside another message');
  socket.send(' of all');
  assert.equal(socket.send(message), SendStatus.OK);
  await until(() => peer.frames.length === 3, 'all frames');
  socket.close();
  assert.equal(socket.send(message), ErrorCode.STATE);
  socket.terminate();
  await until(() => server.sessions().length === 0, 'the end');
  assert.equal(socket.send(message), ErrorCode.STATE);
});

test('each shard keeps it once a connection of its own gets it', async (t) => {
  const { server, pair } = await serving(t, { profile: 'micro', maxConnections: 17 });
  const pairs: Awaited<ReturnType<typeof pair>>[] = [];
  for (let i = 0; i < 17; i++) pairs.push(await pair());
  const message = server.prepare('Hello');
  pairs[0].socket.send(message);
  assert.equal(kept(server), 1);
  for (const { socket } of pairs) assert.equal(socket.send(message), SendStatus.OK);
  assert.equal(kept(server), 2);
  await until(() => pairs.every(({ peer }) => peer.frames.length > 0), 'all messages');
  message.free();
  assert.equal(kept(server), 0);
});

test('a profile that keeps none, and a message longer than its frames, are sent as any other', async (t) => {
  const nano = await serving(t, { profile: 'nano' });
  const first = await nano.pair();
  assert.equal(first.socket.send(nano.server.prepare('Hello')), SendStatus.OK);
  await until(() => first.peer.frames.length === 1, 'the message');
  const micro = await serving(t, { profile: 'micro' });
  const second = await micro.pair();
  const long = Buffer.alloc(100_000, 'a');
  const message = micro.server.prepare(long);
  assert.ok(second.socket.send(message) >= 0);
  assert.equal(kept(micro.server), 0);
  await until(() => second.peer.frames.length === 1, 'the long message');
  assert.ok(second.peer.frames[0].payload.equals(long));
});

test('past as many as the core keeps messages are sent as any other', async (t) => {
  const { server, pair } = await serving(t, { profile: 'micro' });
  const { peer, socket } = await pair();
  const { prepared } = server.metrics();
  const messages = Array.from({ length: prepared + 1 }, (_, i) => server.prepare(`message ${i}`));
  for (const message of messages) assert.equal(socket.send(message), SendStatus.OK);
  assert.equal(kept(server), prepared);
  await until(() => peer.frames.length === messages.length, 'all messages');
  for (const [i, { payload }] of peer.frames.entries()) {
    assert.equal(payload.toString(), `message ${i}`);
  }
});

test('it is compressed once, and with a context kept it is one of the messages', async (t) => {
  const { server, open } = deflating(t, { deflateThreshold: 0 });
  const text = 'Hello, Hello, Hello, Hello, Hello';
  const message = server.prepare(text);
  const plain = server.prepare(text, { compress: false });
  const [a, b] = [await open(), await open()];
  for (const { socket } of [a, b]) {
    socket.send(message);
    socket.send(plain);
    socket.send(text);
    socket.send(message);
  }
  for (const { client } of [a, b]) {
    const messages = await client.received(4);
    assert.deepEqual(
      messages.map(({ data, frames }) => [data.toString(), frames[0].rsv]),
      [4, 0, 4, 4].map((rsv) => [text, rsv]),
    );
    const [first, , second, third] = messages.map(({ frames }) => frames[0].payload);
    assert.ok(second.length < first.length, 'the message is context of the next one');
    assert.ok(third.equals(first), 'it is the same frame');
  }
});

test('a message that is forgotten gives its memory back', async (t) => {
  const { server, pair } = await serving(t);
  const { socket } = await pair();
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let i = 0; i < 100; i++) socket.send(server.prepare(`message ${i}`));
  assert.equal(kept(server), 100);
  await until(() => {
    gc();
    return kept(server) === 0;
  }, 'all of them are freed');
});
