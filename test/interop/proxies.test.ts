// Clients ↔ nginx or haproxy ↔ Limpet: upgrades, messages, ends and addresses, as the proxy hands them on.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { WebSocket, type ClientOptions } from 'ws';
import { text } from '../conformance/frame.js';
import type { ServerOptions, Socket } from '../../host/node/index.js';
import { handshake, Peer } from '../host/support/peer.js';
import { collect, echoing, next, serving, type Serving } from '../host/support/serving.js';
import { pass, within } from '../host/support/wait.js';
import { haproxy, skipped, type Front, type Setup } from './support/proxy.js';
import { CLIENT, WAYS, type Way } from './support/ways.js';

interface Behind extends Serving {
  front: Front;
  /** A client at another address that comes through the proxy, and the server's end of it. */
  through: (options?: ClientOptions) => Promise<{ ws: WebSocket; socket: Socket }>;
}

async function behind(
  t: TestContext,
  { proxy, setup, trustProxy }: Way,
  options: ServerOptions = {},
  more: Omit<Setup, 'upstream'> = {},
): Promise<Behind> {
  const served = await serving(t, { trustProxy, ...options });
  echoing(served.server);
  const front = await proxy.start(t, { upstream: served.port, ...setup, ...more });
  const through = async (clientOptions: ClientOptions = {}) => {
    const opened = next(served.server, 'open');
    const ws = new WebSocket(front.url, {
      localAddress: CLIENT,
      ...(front.ca && { ca: front.ca }),
      ...clientOptions,
    });
    t.after(() => {
      ws.terminate();
    });
    ws.on('error', () => {});
    await within(once(ws, 'open'), 'the connection');
    const [socket] = await opened;
    return { ws, socket };
  };
  return { ...served, front, through };
}

const messageOf = async (ws: WebSocket) =>
  (await within(once(ws, 'message'), 'a message', 20_000)) as [Buffer, boolean];

const closeOf = async (ws: WebSocket) => {
  const [code, reason] = (await within(once(ws, 'close'), 'the close')) as [number, Buffer];
  return [code, reason.toString()];
};

for (const way of WAYS) {
  const skip = skipped(way.proxy);

  test(`${way.title}: messages of all sizes, both ways`, { skip }, async (t) => {
    const { through } = await behind(t, way, { maxMessage: 16 << 20 });
    const { ws } = await through();
    for (const data of ['', 'hello', 'žluť 🐚', 'x'.repeat(70_000)]) {
      ws.send(data);
      const [echo, isBinary] = await messageOf(ws);
      assert.deepEqual([echo.toString(), isBinary], [data, false]);
    }
    const large = Buffer.alloc(8 << 20);
    for (let i = 0; i < large.length; i++) large[i] = i * 7 + (i >>> 8);
    ws.send(large);
    assert.ok((await messageOf(ws))[0].equals(large));
  });

  test(`${way.title}: where the client is`, { skip }, async (t) => {
    const { through } = await behind(t, way);
    const { ws, socket } = await through();
    assert.equal(socket.remoteAddress, CLIENT);
    if (way.trustProxy === 'proxy') {
      const { _socket } = ws as unknown as { _socket: { localPort: number } };
      assert.equal(socket.remotePort, _socket.localPort);
    }
  });

  test(`${way.title}: close codes, both ways`, { skip }, async (t) => {
    const { server, through } = await behind(t, way);
    const first = await through();
    const told = next(server, 'close');
    first.ws.close(4000, 'žluť');
    assert.deepEqual((await told).slice(1), [4000, 'žluť', true]);
    const second = await through();
    const heard = closeOf(second.ws);
    second.socket.close(4001, 'enough');
    assert.deepEqual(await heard, [4001, 'enough']);
  });

  test(`${way.title}: an end without a Close frame, either side`, { skip }, async (t) => {
    const { server, through } = await behind(t, way);
    const first = await through();
    const told = next(server, 'close');
    first.ws.terminate();
    assert.deepEqual((await told).slice(1), [1006, '', false]);
    const second = await through();
    const heard = closeOf(second.ws);
    second.socket.terminate();
    assert.deepEqual(await heard, [1006, '']);
  });

  test(`${way.title}: pings of both, and fragments`, { skip }, async (t) => {
    const { server, through } = await behind(t, way);
    const { ws, socket } = await through();
    const pong = once(ws, 'pong') as Promise<[Buffer]>;
    ws.send('one ', { fin: false });
    ws.ping('from the client');
    ws.send('message');
    assert.equal((await within(pong, 'a pong'))[0].toString(), 'from the client');
    const answered = next(server, 'pong');
    socket.ping('from the server');
    assert.equal((await answered)[1].toString(), 'from the server');
  });

  test(`${way.title}: permessage-deflate`, { skip }, async (t) => {
    const { through } = await behind(t, way, { deflate: true });
    const { ws } = await through();
    assert.equal(ws.extensions, 'permessage-deflate');
    ws.send('w'.repeat(500_000));
    assert.equal((await messageOf(ws))[0].length, 500_000);
  });

  test(`${way.title}: a refusal`, { skip }, async (t) => {
    const { front } = await behind(t, way, { authenticate: () => null });
    const ws = new WebSocket(front.url, front.ca ? { ca: front.ca } : {});
    const [error] = (await within(once(ws, 'error'), 'the refusal')) as [Error];
    assert.match(error.message, /401/);
  });

  test(`${way.title}: a heartbeat outlasts its patience`, { skip }, async (t) => {
    const cutting = { idle_s: 1 };
    const beats = { heartbeat: { interval: 300, timeout: 2000 } };
    const [quiet, beating] = await Promise.all([
      behind(t, way, {}, cutting),
      behind(t, way, beats, cutting),
    ]);
    const [cut, { ws }] = await Promise.all([quiet.through(), beating.through()]);
    assert.deepEqual(await within(closeOf(cut.ws), 'the cut', 10_000), [1006, '']);
    await pass(1200);
    ws.send('still here');
    assert.equal((await messageOf(ws))[0].toString(), 'still here');
  });

  test(`${way.title}: 100 connections, and one address counted`, { skip }, async (t) => {
    const { server, front, through } = await behind(t, way, { maxConnectionsPerAddress: 100 });
    server.setMaxListeners(0);
    const opened = collect(server, 'open');
    const all = Array.from({ length: 100 }, async (_, i) => {
      const { ws } = await through();
      ws.send(`message ${i}`);
      assert.equal((await messageOf(ws))[0].toString(), `message ${i}`);
    });
    await Promise.all(all);
    assert.equal(opened.length, 100);
    const refused = new WebSocket(front.url, { localAddress: CLIENT, ca: front.ca });
    const [error] = (await within(once(refused, 'error'), 'the refusal')) as [Error];
    assert.match(error.message, /429/);
    // Another client of the same proxy is another address.
    await through({ localAddress: '127.0.0.8' });
  });
}

for (const way of WAYS.filter(({ setup }) => !setup.tls)) {
  const skip = skipped(way.proxy);
  test(`${way.title}: frames right behind the request`, { skip }, async (t) => {
    const { front } = await behind(t, way);
    const peer = await Peer.connect(front.port);
    t.after(() => peer.transport.destroy());
    peer.write(handshake({ path: '/early' }), text('one'), text('two'));
    await peer.upgraded();
    assert.deepEqual([await peer.text(), await peer.text()], ['one', 'two']);
  });
}

const lying: Way = { title: '', proxy: haproxy, setup: {}, trustProxy: 'forwarded' };

test(
  'a client says who it is: only what the proxy adds counts',
  { skip: skipped(haproxy) },
  async (t) => {
    const { through } = await behind(t, lying);
    const { socket } = await through({ headers: { 'X-Forwarded-For': '10.0.0.1' } });
    assert.equal(socket.remoteAddress, CLIENT);
  },
);

test(
  'trustPeer: a proxy that is not trusted is the peer',
  { skip: skipped(haproxy) },
  async (t) => {
    const { through } = await behind(t, lying, { trustPeer: () => false });
    const { socket } = await through();
    assert.equal(socket.remoteAddress, '127.0.0.1');
  },
);
