// Many clients in one process: they share what they can, and none is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Handlers } from '../../host/node/handlers.js';
import { openSession } from '../../host/node/ws/client/loops.js';
import type { Peer } from '../../host/node/ws/websocket.js';
import { pass, until } from '../host/support/wait.js';
import { both, echo, Limpet, next, opened } from './support/client.js';

both('1,000 clients at once', async (t, WebSocket) => {
  const { url, server } = await echo(t);
  const clients = Array.from({ length: 1000 }, () => new WebSocket(url));
  await Promise.all(clients.map((ws) => opened(ws)));
  assert.equal(server.clients.size, 1000);
  const answers = clients.map((ws) => next(ws, 'message', 20_000));
  clients.forEach((ws, i) => {
    ws.send(`I am ${i}`);
  });
  const texts = (await Promise.all(answers)).map(([data]) => String(data));
  assert.deepEqual(
    texts,
    clients.map((_, i) => `I am ${i}`),
  );
  const ends = clients.map((ws) => next(ws, 'close', 20_000));
  clients.forEach((ws, i) => {
    if (i % 2 === 0) ws.close(1000);
    else ws.terminate();
  });
  const codes = (await Promise.all(ends)).map(([code]) => code);
  assert.deepEqual(
    codes,
    clients.map((_, i) => (i % 2 === 0 ? 1000 : 1006)),
  );
});

test('more clients than a pool has sessions: one loop more', async () => {
  // No other test has a loop of these settings.
  const options = { perMessageDeflate: { threshold: 77 } };
  const deaf = new Proxy({} as Handlers<Peer>, { get: () => () => undefined });
  const open = () => openSession(options, '', () => deaf);
  const links = Array.from({ length: 16_385 }, open);
  const [first, last] = [links[0], links[links.length - 1]].map(({ loop }) => loop);
  assert.notEqual(first, last);
  assert.deepEqual([first.size, last.size], [16_384, 1]);
  // A session that is free again is taken before another loop's.
  first.terminate(links[5]);
  await until(() => first.size === 16_383, 'the end of one');
  assert.equal(open().loop, first);
  for (const loop of [first, last]) for (const link of loop.links()) loop.terminate(link);
  await until(() => first.size + last.size === 0, 'the end of all');
});

test('clients that come and go take no more memory', async (t) => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const { url } = await echo(t, { clientTracking: false });
  const round = async () => {
    const clients = Array.from({ length: 200 }, () => new Limpet(url));
    await Promise.all(clients.map((ws) => opened(ws)));
    const ends = clients.map((ws) => next(ws, 'close', 20_000));
    for (const ws of clients) ws.terminate();
    await Promise.all(ends);
    await pass(20);
    gc();
    return process.memoryUsage().heapUsed;
  };
  for (let i = 0; i < 4; i++) await round();
  const before = await round();
  let after = before;
  for (let i = 0; i < 10; i++) after = await round();
  // 2,000 more of them: what one left behind would be seen.
  assert.ok(after - before < 2_000_000, `${after - before} bytes more`);
});
