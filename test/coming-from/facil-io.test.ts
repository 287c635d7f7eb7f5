// What facil.io's WebSocket extension documents of limits, keepalive and its own data → what Limpet
// does, over real sockets, with npm's `ws` as the client. docs/coming-from.md lists these tests.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { next } from '../host/support/serving.js';
import { until } from '../host/support/wait.js';
import { joining, texts, type Joined } from './support/joining.js';

test('facil.io: Websocket.max_msg_size', async (t) => {
  const { server, join } = await joining(t, { maxMessage: 262_144 });
  const { client } = await join();
  const message = next(server, 'message');
  client.ws.send(Buffer.alloc(262_144));
  assert.equal((await message)[1].length, 262_144);
  client.ws.send(Buffer.alloc(262_145));
  assert.equal((await client.closed())[0], 1009);
});

test('facil.io: Websocket.timeout', async (t) => {
  // Silence is answered with a ping, and not with the end.
  const { join } = await joining(t, { pingInterval: 40 });
  const { client, socket } = await join();
  await until(() => client.pings.length === 3, 'three pings');
  assert.ok(socket.isOpen);
});

test('facil.io: Websocket.each', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(3);
  const [originator] = all;
  for (const socket of server.sockets()) {
    if (socket !== originator?.socket) socket.send(`for ${socket.id}`);
  }
  const expected = all.slice(1).map(({ socket }) => [`for ${socket.id}`]);
  assert.deepEqual(await texts(all), [[], ...expected]);
});

test('facil.io: Websocket.count', async (t) => {
  const { server, joins } = await joining(t);
  const [one] = await joins(3);
  assert.deepEqual([server.metrics().active, server.sessions().length], [3, 3]);
  const closed = next(server, 'close');
  one?.client.ws.terminate();
  await closed;
  assert.deepEqual([server.metrics().active, server.sessions().length], [2, 2]);
});

test('facil.io: on_shutdown', async (t) => {
  const { server, join } = await joining(t);
  const { client, socket } = await join();
  const seen: string[] = [];
  server.on('closing', (whose) => {
    seen.push(`closing ${whose === socket} ${whose.isOpen}`);
    whose.send('last words');
  });
  server.on('close', () => seen.push('close'));
  await server.close();
  assert.deepEqual(await client.closed(), [1001, '']);
  assert.deepEqual(client.texts, ['last words']);
  assert.deepEqual(seen, ['closing true true', 'close']);
});

test('facil.io: Websocket.get_udata and set_udata', async (t) => {
  // Set before the connection is established (`user`), or after it (`data`).
  const { server, joins } = await joining(t, { authenticate: ({ path }) => ({ path }) });
  const [one, two] = (await joins(2)) as [Joined, Joined];
  const [mine, yours] = [{ mine: 1 }, { yours: 2 }];
  one.socket.data = mine;
  two.socket.data = yours;
  const message = next(server, 'message');
  two.client.ws.send('x');
  const [whose] = await message;
  assert.equal(whose.data, yours);
  assert.deepEqual(whose.user, { path: '/' });
  assert.equal(one.socket.data, mine);
});
