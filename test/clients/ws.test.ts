// npm's `ws` as the client.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import type { ServerOptions, Socket } from '../../host/node/index.js';
import { next } from '../host/support/serving.js';
import { within } from '../host/support/wait.js';
import { echoServer } from './echo-server.js';

type Message = [data: Buffer, isBinary: boolean];
type Close = [code: number, reason: Buffer];

const message = async (ws: WebSocket) =>
  (await within(once(ws, 'message'), 'a message', 10_000)) as Message;
const closed = async (ws: WebSocket) => {
  const [code, reason] = (await within(once(ws, 'close'), 'the close', 10_000)) as Close;
  return [code, reason.toString()];
};

async function connect(t: TestContext, options?: ServerOptions, protocols: string[] = []) {
  const { server, url } = await echoServer(t, options);
  const ws = new WebSocket(url, protocols);
  t.after(() => {
    ws.terminate();
  });
  const opened = next(server, 'open');
  await within(once(ws, 'open'), 'the connection');
  const [socket] = await opened;
  return { server, ws, socket };
}

for (const profile of ['nano', 'micro', 'server']) {
  test(`${profile}: text, bytes, nothing, 1 MiB: each comes back as it went`, async (t) => {
    const { ws } = await connect(t, { profile });
    for (const data of ['hello', 'žluť 🐚', '', 'x'.repeat(70_000)]) {
      ws.send(data);
      const [echo, isBinary] = await message(ws);
      assert.deepEqual([echo.toString(), isBinary], [data, false]);
    }
    const large = Buffer.alloc(1 << 20);
    for (let i = 0; i < large.length; i++) large[i] = i * 7 + (i >>> 8);
    for (const data of [Buffer.from([0, 1, 255]), Buffer.alloc(0), large]) {
      ws.send(data);
      const [echo, isBinary] = await message(ws);
      assert.ok(echo.equals(data) && isBinary, `${data.length} bytes`);
    }
  });
}

test('fragments, with a ping among them', async (t) => {
  const { server, ws } = await connect(t);
  const pinged = next(server, 'ping');
  ws.send('one ', { fin: false });
  ws.ping('between');
  ws.send('two ', { fin: false });
  ws.send('three', { fin: true });
  const [echo] = await message(ws);
  assert.equal(echo.toString(), 'one two three');
  assert.equal((await pinged)[1].toString(), 'between');
});

test('fragments of the server are one message', async (t) => {
  const { ws, socket } = await connect(t);
  socket.send('one ', { fin: false });
  socket.send('x'.repeat(100_000), { fin: false });
  socket.send(' three');
  const [data, isBinary] = await message(ws);
  assert.deepEqual([data.toString(), isBinary], [`one ${'x'.repeat(100_000)} three`, false]);
});

test('pings of both sides are answered', async (t) => {
  const { server, ws, socket } = await connect(t);
  const answered = once(ws, 'pong') as Promise<[Buffer]>;
  ws.ping('from the client');
  assert.equal((await within(answered, 'a pong'))[0].toString(), 'from the client');
  const pong = next(server, 'pong');
  socket.ping('from the server');
  assert.equal((await pong)[1].toString(), 'from the server');
});

test('a subprotocol is agreed on', async (t) => {
  const { ws, socket } = await connect(t, {}, ['chat', 'other']);
  assert.deepEqual([ws.protocol, socket.protocol, ws.extensions], ['chat', 'chat', '']);
});

test('the client closes', async (t) => {
  const { server, ws } = await connect(t);
  const told = next(server, 'close');
  ws.close(4000, 'žluť');
  assert.deepEqual(await closed(ws), [4000, '']);
  const [, code, reason, clean] = await told;
  assert.deepEqual([code, reason, clean], [4000, 'žluť', true]);
});

test('the client closes without a code, and without a word', async (t) => {
  const { server, ws } = await connect(t);
  const told = next(server, 'close');
  ws.close();
  assert.deepEqual(await closed(ws), [1005, '']);
  assert.deepEqual((await told).slice(1), [1005, '', true]);
  const second = await connect(t);
  const abrupt = next(second.server, 'close');
  second.ws.terminate();
  assert.deepEqual((await abrupt).slice(1), [1006, '', false]);
});

test('the server closes, terminates, and goes', async (t) => {
  const ends: [(socket: Socket) => void, number, string][] = [
    [
      (socket) => {
        socket.close(3001, 'enough');
      },
      3001,
      'enough',
    ],
    [
      (socket) => {
        socket.close(0);
      },
      1005,
      '',
    ],
    [
      (socket) => {
        socket.terminate();
      },
      1006,
      '',
    ],
  ];
  for (const [end, code, reason] of ends) {
    const { ws, socket } = await connect(t);
    ws.on('error', () => {});
    const over = closed(ws);
    end(socket);
    assert.deepEqual(await over, [code, reason]);
  }
  const { server, ws } = await connect(t);
  const over = closed(ws);
  await server.close();
  assert.deepEqual(await over, [1001, '']);
});

test('10,000 messages in one go, all echoed in order', async (t) => {
  const { ws } = await connect(t);
  const echoes: string[] = [];
  const all = new Promise<void>((resolve) => {
    ws.on('message', (data: Buffer) => {
      echoes.push(data.toString());
      if (echoes.length === 10_000) resolve();
    });
  });
  for (let i = 0; i < 10_000; i++) ws.send(`message ${i}`);
  await within(all, '10,000 echoes', 10_000);
  assert.deepEqual(
    echoes,
    Array.from({ length: 10_000 }, (_, i) => `message ${i}`),
  );
});

test('permessage-deflate is offered and declined; a refusal is seen as its status', async (t) => {
  const { server, url } = await echoServer(t);
  const ws = new WebSocket(url, { perMessageDeflate: true });
  await within(once(ws, 'open'), 'the connection');
  assert.equal(ws.extensions, '');
  ws.terminate();
  server.removeAllListeners('upgrade');
  server.on('upgrade', (request) => {
    request.reject(401);
  });
  const refused = new WebSocket(url);
  const [error] = (await within(once(refused, 'error'), 'the refusal')) as [Error];
  assert.match(error.message, /401/);
});
