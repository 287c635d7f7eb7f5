// More connections than one pool: instances of the same module, rooms, counters and bounds over all
// of them. `micro` has 16 sessions a shard.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerOptions, Socket } from '../../host/node/index.js';
import { text } from '../conformance/frame.js';
import type { Peer } from './support/peer.js';
import { collect, echoing, next, serving } from './support/serving.js';
import { until } from './support/wait.js';

const POOL = 16;

interface Pair {
  peer: Peer;
  socket: Socket;
}

async function sharded(
  t: Parameters<typeof serving>[0],
  count: number,
  options: ServerOptions = {},
) {
  const it = await serving(t, { profile: 'micro', maxConnections: 3 * POOL, ...options });
  const pairs: Pair[] = [];
  for (let i = 0; i < count; i++) pairs.push(await it.pair());
  return { ...it, pairs };
}

test('past one pool connections go on in further shards, up to maxConnections', async (t) => {
  const { server, connect, pair, pairs } = await sharded(t, 3 * POOL);
  echoing(server);
  assert.equal(new Set(pairs.map(({ socket }) => socket.id)).size, 3 * POOL, 'ids are distinct');
  for (const { socket } of pairs) assert.equal(server.socket(socket.id), socket);
  for (const [i, { peer }] of pairs.entries()) {
    peer.write(text(`hello ${i}`));
    assert.equal(await peer.text(), `hello ${i}`);
  }
  const refused = await connect();
  assert.notEqual(await refused.overAs(), '');
  const { active, activePeak, sessions, sessionsFull, messagesIn } = server.metrics();
  assert.deepEqual(
    { active, activePeak, sessions, sessionsFull, messagesIn },
    {
      active: 3 * POOL,
      activePeak: 3 * POOL,
      sessions: 3 * POOL,
      sessionsFull: 1,
      messagesIn: 3 * POOL,
    },
  );
  const closed = next(server, 'close');
  pairs[2].socket.terminate();
  await closed;
  await pair();
  assert.equal(server.sessions().length, 3 * POOL, 'a freed place is given again');
});

test('a room, a broadcast and a selection span shards', async (t) => {
  const { server, pairs } = await sharded(t, 2 * POOL + 2);
  for (const { socket } of pairs) socket.subscribe('news/#');
  const first = pairs[0];
  const last = pairs[2 * POOL + 1];
  last.socket.metadata.set('place', 'last');
  assert.equal(server.room('news/#')?.members, pairs.length);
  assert.deepEqual(
    server.rooms().map(({ topic, members }) => [topic, members]),
    [['news/#', pairs.length]],
  );
  assert.equal(server.members('news/#').length, pairs.length);

  const published = first.socket.publish('news/ž', 'to all but me');
  assert.deepEqual(published, { delivered: pairs.length - 1, over: 0, dropped: 0 });
  for (const { peer } of pairs.slice(1)) assert.equal(await peer.text(), 'to all but me');
  server.publish('news/sport', 'but one', { except: last.socket });
  for (const { peer } of pairs.slice(0, -1)) assert.equal(await peer.text(), 'but one');
  const { messages, bytes } = server.room('news/#') ?? {};
  assert.deepEqual([messages, bytes], [2, 20]);

  assert.equal(server.broadcast('all').delivered, pairs.length);
  for (const { peer } of pairs) assert.equal(await peer.text(), 'all');
  const to = { metadata: { key: 'place', value: 'last' } };
  assert.equal(server.broadcast('you', { to }).delivered, 1);
  assert.equal(await last.peer.text(), 'you');
  assert.deepEqual(server.select(to), [last.socket]);
  const odd = new Set(pairs.filter((_, i) => i % 2).map(({ socket }) => socket));
  assert.equal(server.broadcast('odd', { to: (socket) => odd.has(socket) }).delivered, odd.size);
  for (const { peer } of pairs.filter((_, i) => i % 2)) assert.equal(await peer.text(), 'odd');
});

test('maxConnectionsPerAddress counts over shards', async (t) => {
  const { server, open, pair, pairs } = await sharded(t, 2 * POOL, {
    maxConnectionsPerAddress: 2 * POOL,
  });
  await assert.rejects(open(), /429/);
  const closed = next(server, 'close');
  pairs[0].socket.terminate();
  await closed;
  await pair();
});

test('what all may send together is shared out among shards', async (t) => {
  const { server, pairs } = await sharded(t, 2 * POOL, {
    rateLimit: { all: { messages: 20 }, window: 60_000, policy: 'drop' },
  });
  const came = collect(server, 'message');
  for (const { peer } of pairs) peer.write(text('one'), text('two'));
  await until(() => server.metrics().messagesIn + server.metrics().rateDropped === 4 * POOL, 'all');
  assert.equal(came.length, 20);
});

test('close ends the sessions of all shards', async (t) => {
  const { server, pairs } = await sharded(t, POOL + 1);
  const over = server.close({ code: 1012, timeout: 2000 });
  for (const { peer } of pairs) {
    assert.deepEqual(await peer.closeFrame(), [1012, '']);
    peer.transport.end();
  }
  await over;
  assert.equal(server.sessions().length, 0);
});
