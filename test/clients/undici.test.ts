// undici's WebSocket, the one that Node's `WebSocket` is, as the client.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'undici';
import { next } from '../host/support/serving.js';
import { within } from '../host/support/wait.js';
import { echoServer } from './echo-server.js';

interface Told {
  data: unknown;
  code: number;
  reason: string;
  wasClean: boolean;
}

const event = (ws: WebSocket, name: 'open' | 'message' | 'close') =>
  within(
    new Promise<Told>((resolve) => {
      ws.addEventListener(
        name,
        (told) => {
          resolve(told as unknown as Told);
        },
        { once: true },
      );
    }),
    name,
    10_000,
  );

async function connect(t: TestContext, protocols: string[] = []) {
  const { server, url } = await echoServer(t);
  const ws = new WebSocket(url, protocols);
  ws.binaryType = 'arraybuffer';
  const opened = next(server, 'open');
  await event(ws, 'open');
  const [socket] = await opened;
  return { server, ws, socket };
}

test('text, bytes, nothing, 1 MiB: each comes back as it went', async (t) => {
  const { ws } = await connect(t);
  for (const data of ['hello', 'žluť 🐚', '', 'x'.repeat(100_000)]) {
    const echo = event(ws, 'message');
    ws.send(data);
    assert.equal((await echo).data, data);
  }
  for (const length of [0, 1, 65_536, 1 << 20]) {
    const data = Buffer.alloc(length, 'limpet');
    const echo = event(ws, 'message');
    ws.send(data);
    assert.ok(data.equals(Buffer.from((await echo).data as ArrayBuffer)), `${length} bytes`);
  }
});

test('it answers pings of the server', async (t) => {
  const { server, socket } = await connect(t);
  const pong = next(server, 'pong');
  socket.ping('there?');
  assert.equal((await pong)[1].toString(), 'there?');
});

test('a subprotocol is agreed on, and permessage-deflate declined', async (t) => {
  const { ws } = await connect(t, ['one', 'two']);
  assert.deepEqual([ws.protocol, ws.extensions], ['one', '']);
});

test('the client closes', async (t) => {
  const { server, ws } = await connect(t);
  const told = next(server, 'close');
  const over = event(ws, 'close');
  ws.close(3333, 'done');
  const { code, wasClean } = await over;
  assert.deepEqual([code, wasClean], [3333, true]);
  assert.deepEqual((await told).slice(1), [3333, 'done', true]);
});

test('the server closes, with what had been sent before', async (t) => {
  const { ws, socket } = await connect(t);
  const over = event(ws, 'close');
  const last = event(ws, 'message');
  socket.send('last words');
  socket.close(4321, 'žluť');
  assert.equal((await last).data, 'last words');
  const { code, reason, wasClean } = await over;
  assert.deepEqual([code, reason, wasClean], [4321, 'žluť', true]);
});

test('the server is gone without a word: 1006', async (t) => {
  const { ws, socket } = await connect(t);
  const over = event(ws, 'close');
  socket.terminate();
  const { code, wasClean } = await over;
  assert.deepEqual([code, wasClean], [1006, false]);
});
