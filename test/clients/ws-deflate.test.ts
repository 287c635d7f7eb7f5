// npm's `ws` as the client, with permessage-deflate on both sides. RFC 7692.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { test, type TestContext } from 'node:test';
import { WebSocket, type PerMessageDeflateOptions } from 'ws';
import type { ServerOptions } from '../../host/node/index.js';
import { within } from '../host/support/wait.js';
import { echoServer } from './echo-server.js';

type Message = [data: Buffer, isBinary: boolean];

const message = async (ws: WebSocket) =>
  (await within(once(ws, 'message'), 'a message', 10_000)) as Message;

async function connect(
  t: TestContext,
  options: ServerOptions,
  perMessageDeflate: PerMessageDeflateOptions,
) {
  const { url } = await echoServer(t, { deflateThreshold: 0, ...options });
  const ws = new WebSocket(url, { perMessageDeflate: { threshold: 0, ...perMessageDeflate } });
  t.after(() => {
    ws.terminate();
  });
  const upgraded = once(ws, 'upgrade') as Promise<[IncomingMessage]>;
  await within(once(ws, 'open'), 'the connection');
  const [response] = await upgraded;
  return {
    ws,
    answer: response.headers['sec-websocket-extensions'] ?? '',
    /** Bytes that came from the server so far. */
    received: () => response.socket.bytesRead,
  };
}

const record = (i: number) => JSON.stringify({ id: i, name: `limpet ${i % 7}`, tide: 'žluť 🐚' });

const MIB = 1 << 20;
const TEXTS = ['hello', '', 'žluť 🐚 貝', record(1), record(2).repeat(1000), 'x'.repeat(MIB)];
const BYTES = [Buffer.from([0]), Buffer.alloc(0), Buffer.alloc(MIB), noise(70_000), noise(MIB)];

/** Nothing to compress. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, state = 1; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** What the client asks for, what the server may do, and what has to be in the answer. */
const SETTINGS: [name: string, PerMessageDeflateOptions, ServerOptions, answer: RegExp][] = [
  ['as they come', {}, {}, /^permessage-deflate/],
  [
    'no takeover of the server',
    { serverNoContextTakeover: true },
    {},
    /; server_no_context_takeover/,
  ],
  ['no takeover of the client', { clientNoContextTakeover: true }, {}, /^permessage-deflate/],
  [
    'no takeover at all',
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
    {},
    /; server_no_context_takeover/,
  ],
  [
    'windows of 9 bits',
    { serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    {},
    /; server_max_window_bits=[89]\b/,
  ],
  [
    'windows of 15 bits',
    { serverMaxWindowBits: 15, clientMaxWindowBits: 15 },
    { deflateWindow: 15 },
    /^permessage-deflate/,
  ],
  [
    'a window of 10 bits for the server, no takeover',
    { serverMaxWindowBits: 10, serverNoContextTakeover: true },
    {},
    /; server_max_window_bits=([89]|10)\b/,
  ],
  [
    'a server without takeover',
    {},
    { contextTakeover: false },
    /; (server|client)_no_context_takeover.*; (server|client)_no_context_takeover/,
  ],
  ['a server of level 1', {}, { deflate: 1 }, /^permessage-deflate/],
  ['a server of level 9, windows of 10 bits', {}, { deflate: 9, deflateWindow: 10 }, /=10\b/],
];

for (const [name, perMessageDeflate, options, wanted] of SETTINGS) {
  test(`${name}: text, bytes, nothing, 1 MiB: each comes back as it went`, async (t) => {
    const { ws, answer } = await connect(t, { deflate: true, ...options }, perMessageDeflate);
    assert.equal(ws.extensions, 'permessage-deflate');
    assert.match(answer, wanted);
    // Twice: the second time there may be a context to refer to.
    for (const data of [...TEXTS, ...TEXTS]) {
      ws.send(data);
      const [echo, isBinary] = await message(ws);
      assert.ok(echo.toString() === data && !isBinary, `text of ${data.length} characters`);
    }
    for (const data of [...BYTES, ...BYTES]) {
      ws.send(data);
      const [echo, isBinary] = await message(ws);
      assert.ok(echo.equals(data) && isBinary, `${data.length} bytes`);
    }
  });

  test(`${name}: 2,000 messages in one go, all echoed in order`, async (t) => {
    const { ws } = await connect(t, { deflate: true, ...options }, perMessageDeflate);
    const echoes: string[] = [];
    const all = new Promise<void>((resolve) => {
      ws.on('message', (data: Buffer) => {
        echoes.push(data.toString());
        if (echoes.length === 2000) resolve();
      });
    });
    const records = Array.from({ length: 2000 }, (_, i) => record(i));
    for (const data of records) ws.send(data);
    await within(all, '2,000 echoes', 20_000);
    assert.deepEqual(echoes, records);
  });
}

test('the server compresses: 1 MiB of one letter is a few KiB on the wire', async (t) => {
  const { ws, received } = await connect(t, { deflate: true }, {});
  const before = received();
  ws.send('x'.repeat(MIB));
  const [echo] = await message(ws);
  assert.equal(echo.length, MIB);
  const bytes = received() - before;
  assert.ok(bytes < 32_768, `${bytes} bytes`);
});

test('the server refers to earlier messages: the same again is a few bytes', async (t) => {
  const { ws, received } = await connect(t, { deflate: true }, {});
  const same = [1, 2, 3, 4].map(record).join();
  const sizes: number[] = [];
  for (let i = 0; i < 3; i++) {
    const before = received();
    ws.send(same);
    await message(ws);
    sizes.push(received() - before);
  }
  assert.ok(sizes[0] > 60 && sizes[1] < 20 && sizes[2] < 20, sizes.join());
});

test('fragments of compressed messages, with a ping among them', async (t) => {
  const { ws } = await connect(t, { deflate: true }, {});
  ws.send('one '.repeat(1000), { fin: false });
  ws.ping('between');
  ws.send('two '.repeat(1000), { fin: false });
  ws.send('three', { fin: true });
  const [echo] = await message(ws);
  assert.equal(echo.toString(), 'one '.repeat(1000) + 'two '.repeat(1000) + 'three');
});

test('messages that the client does not compress, between those that it does', async (t) => {
  const { ws } = await connect(t, { deflate: true }, {});
  for (let i = 0; i < 20; i++) {
    ws.send(record(i), { compress: i % 2 === 0 });
    const [echo] = await message(ws);
    assert.equal(echo.toString(), record(i));
  }
});
