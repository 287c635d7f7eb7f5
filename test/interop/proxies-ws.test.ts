// Clients ↔ nginx or haproxy ↔ limpet/ws, on a port of its own and behind node:http.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import * as npm from 'ws';
import { within } from '../host/support/wait.js';
import { limpet } from '../ws/support/limpet.js';
import { skipped } from './support/proxy.js';
import { CLIENT, WAYS, type Way } from './support/ways.js';

type Ours = npm.WebSocket & { remoteAddress: string };

/** A server behind a proxy, and a client that comes through it. */
async function behind(t: TestContext, way: Way, shared: boolean) {
  const { WebSocketServer } = await limpet();
  const http = createServer();
  const options = { trustProxy: way.trustProxy, perMessageDeflate: true, maxPayload: 16 << 20 };
  const wss = new WebSocketServer(
    shared ? { server: http, ...options } : { port: 0, host: '127.0.0.1', ...options },
  );
  if (shared) http.listen(0, '127.0.0.1');
  await once(wss, 'listening');
  const connected = once(wss, 'connection') as Promise<[Ours]>;
  const { port } = wss.address() as AddressInfo;
  const front = await way.proxy.start(t, { upstream: port, ...way.setup });
  const client = new npm.WebSocket(`${front.url}path?query`, {
    localAddress: CLIENT,
    ...(front.ca && { ca: front.ca }),
  });
  t.after(() => {
    client.terminate();
    for (const ws of wss.clients) ws.terminate();
    wss.close();
    http.close();
  });
  await within(once(client, 'open'), 'the connection');
  const [server] = await connected;
  return { client, server };
}

for (const way of WAYS) {
  // What speaks the PROXY protocol cannot go through node:http.
  for (const shared of way.trustProxy === 'proxy' ? [false] : [false, true]) {
    const title = `${way.title}, ${shared ? 'behind node:http' : 'a port of its own'}`;
    test(`${title}: messages, addresses, ends`, { skip: skipped(way.proxy) }, async (t) => {
      const { client, server } = await behind(t, way, shared);
      assert.equal(server.remoteAddress, CLIENT);
      assert.equal(client.extensions, 'permessage-deflate');
      server.on('message', (data: Buffer, isBinary) => {
        server.send(data, { binary: isBinary });
      });
      for (const data of ['', 'žluť 🐚', 'x'.repeat(70_000), Buffer.alloc(8 << 20, 'limpet')]) {
        client.send(data);
        const [echo, isBinary] = (await within(once(client, 'message'), 'an echo', 20_000)) as [
          Buffer,
          boolean,
        ];
        assert.ok(echo.equals(Buffer.from(data)));
        assert.equal(isBinary, typeof data !== 'string');
      }
      const pong = once(server, 'pong') as Promise<[Buffer]>;
      server.ping('there?');
      assert.equal((await within(pong, 'a pong'))[0].toString(), 'there?');
      const heard = once(server, 'close') as Promise<[number, Buffer]>;
      client.close(4000, 'bye');
      const [code, reason] = await within(heard, 'the close');
      assert.deepEqual([code, reason.toString()], [4000, 'bye']);
    });
  }
}
