// An open client: messages, pings and closes against servers of both packages.

import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test, type TestContext } from 'node:test';
import { createServer } from '../../host/node/index.js';
import {
  answering,
  both,
  echo,
  Limpet,
  message,
  next,
  opened,
  switching,
  told,
  type Client,
} from './support/client.js';

/** A server of limpet's own face that sends back what it gets; its address. */
async function limpet(t: TestContext, deflate = false): Promise<string> {
  const server = createServer({ deflate });
  server.on('message', (socket, data, isBinary) => {
    socket.send(data, { binary: isBinary });
  });
  const { port } = await server.listen();
  t.after(() => server.close({ timeout: 0 }));
  return `ws://127.0.0.1:${port}`;
}

/** Bytes in which nothing repeats soon. */
function bytes(length: number): Buffer {
  const made = Buffer.alloc(length);
  for (let i = 0; i < length; i++) made[i] = (i * 7 + (i >>> 8) * 13) & 255;
  return made;
}

/** Text and bytes of many lengths come back as they went. */
async function echoes(WebSocket: Client, url: string, options: object = {}): Promise<void> {
  const ws = new WebSocket(url, options);
  await opened(ws);
  const lengths = [0, 1, 125, 126, 127, 1000, 65_535, 65_536, 300_000, 1 << 20];
  for (const text of [
    'hello',
    'žluť 🐚',
    ...lengths.map((n) => 'abc'.repeat(n / 3 + 1).slice(0, n)),
  ]) {
    ws.send(text);
    assert.equal(await message(ws), text);
  }
  for (const length of lengths) {
    ws.send(bytes(length));
    const [data, isBinary] = (await next(ws, 'message')) as [Buffer, boolean];
    assert.ok(data.equals(bytes(length)) && isBinary, `${length} bytes`);
  }
  const closed = next(ws, 'close');
  ws.close(4000, 'žluť');
  assert.equal((await closed)[0], 4000);
}

both('messages of many lengths to a server of ws', async (t, WebSocket) => {
  const { url } = await echo(t);
  await echoes(WebSocket, url);
});

both('messages of many lengths to a server of limpet', async (t, WebSocket) => {
  await echoes(WebSocket, await limpet(t));
});

const DEFLATES: [title: string, client: object | boolean, server: object | boolean][] = [
  ['both as they are by default', true, true],
  ['the server keeps no context', true, { serverNoContextTakeover: true }],
  ['the client keeps none', { clientNoContextTakeover: true }, true],
  ['nobody keeps one', { serverNoContextTakeover: true, clientNoContextTakeover: true }, true],
  ['windows of 256 and 512 bytes', { serverMaxWindowBits: 9, clientMaxWindowBits: 9 }, true],
  ['the server cannot bound its window', true, { serverMaxWindowBits: false }],
  ['the server bounds windows', true, { serverMaxWindowBits: 10, clientMaxWindowBits: 10 }],
  ['hardly, all of them', { zlibDeflateOptions: { level: 1 }, threshold: 0 }, { threshold: 0 }],
];

for (const [title, client, server] of DEFLATES) {
  both(`permessage-deflate with a server of ws: ${title}`, async (t, WebSocket) => {
    const { url } = await echo(t, { perMessageDeflate: server });
    const ws = new WebSocket(url, { perMessageDeflate: client });
    await opened(ws);
    assert.equal(ws.extensions, 'permessage-deflate');
    ws.terminate();
    await echoes(WebSocket, url, { perMessageDeflate: client });
  });
}

test('permessage-deflate: what is offered', async (t) => {
  const { url, http } = await echo(t);
  const none = 'permessage-deflate; server_no_context_takeover; client_max_window_bits';
  const offers: [options: object, offer: string][] = [
    [{}, `permessage-deflate; server_max_window_bits=11; client_max_window_bits, ${none}`],
    [{ serverNoContextTakeover: true }, none],
    [
      { serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
      'permessage-deflate; server_max_window_bits=9; client_max_window_bits=10',
    ],
    [
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits',
    ],
  ];
  for (const [perMessageDeflate, offer] of offers) {
    const upgrade = next(http, 'upgrade');
    const ws = new Limpet(url, { perMessageDeflate });
    const [{ headers }] = (await upgrade) as [IncomingMessage];
    assert.equal(headers['sec-websocket-extensions'], offer);
    await opened(ws);
    ws.terminate();
  }
});

both('permessage-deflate with a server of limpet', async (t, WebSocket) => {
  const url = await limpet(t, true);
  const ws = new WebSocket(url);
  await opened(ws);
  assert.equal(ws.extensions, 'permessage-deflate');
  ws.terminate();
  await echoes(WebSocket, url);
});

both('permessage-deflate that only one side wants', async (t, WebSocket) => {
  const deaf = await echo(t);
  await echoes(WebSocket, deaf.url);
  const { url } = await echo(t, { perMessageDeflate: true });
  const ws = new WebSocket(url, { perMessageDeflate: false });
  await opened(ws);
  assert.equal(ws.extensions, '');
  ws.terminate();
  await echoes(WebSocket, url, { perMessageDeflate: false });
});

both('repetitive messages take few bytes', async (t, WebSocket) => {
  const { url, http } = await echo(t, { perMessageDeflate: true });
  const connection = next(http, 'connection');
  const ws = new WebSocket(url);
  await opened(ws);
  const [socket] = (await connection) as [{ bytesRead: number; bytesWritten: number }];
  const before = [socket.bytesRead, socket.bytesWritten];
  ws.send('hello '.repeat(100_000));
  await message(ws);
  assert.ok(socket.bytesRead - before[0] < 10_000);
  ws.terminate();
});

both('fragments, with a ping among them', async (t, WebSocket) => {
  const { url, server } = await echo(t);
  const connection = next(server, 'connection');
  const ws = new WebSocket(url);
  await opened(ws);
  const [there] = (await connection) as [import('ws').WebSocket];
  const pinged = next(there, 'ping');
  ws.send('one ', { fin: false });
  ws.ping('between');
  ws.send('two ', { fin: false });
  ws.send('three', { fin: true });
  assert.equal(await message(ws), 'one two three');
  assert.equal(String((await pinged)[0]), 'between');
  there.send('four ', { fin: false });
  there.send('five', { fin: true });
  assert.equal(await message(ws), 'four five');
  ws.terminate();
});

both('pings: answered, unless autoPong is false', async (t, WebSocket) => {
  const { url, server } = await echo(t);
  for (const autoPong of [true, false]) {
    const connection = next(server, 'connection');
    const ws = new WebSocket(url, { autoPong });
    await opened(ws);
    const [there] = (await connection) as [import('ws').WebSocket];
    const pongs: string[] = [];
    there.on('pong', (data) => pongs.push(data.toString()));
    const pinged = next(ws, 'ping');
    there.ping('are you there?');
    assert.equal(String((await pinged)[0]), 'are you there?');
    ws.pong('by hand');
    ws.send('x');
    await message(ws);
    assert.deepEqual(pongs, [...(autoPong ? ['are you there?'] : []), 'by hand']);
    ws.terminate();
  }
});

for (const allowSynchronousEvents of [true, false]) {
  both(`allowSynchronousEvents ${allowSynchronousEvents}`, async (t, WebSocket) => {
    const url = await answering(
      t,
      (accept) => switching(accept),
      (socket) => {
        setTimeout(() => socket.write(Buffer.from('\x81\x01a\x81\x01b\x89\x01c', 'latin1')), 20);
      },
    );
    const ws = new WebSocket(url, { allowSynchronousEvents });
    const lines: string[] = [];
    const tell = (data: unknown) => {
      lines.push(String(data));
      queueMicrotask(() => lines.push('turn'));
    };
    ws.on('message', tell).on('ping', tell);
    await next(ws, 'ping');
    await new Promise((resolve) => setTimeout(resolve, 20));
    const each = ['a', 'turn', 'b', 'turn', 'c', 'turn'];
    assert.deepEqual(
      lines,
      allowSynchronousEvents ? ['a', 'b', 'c', 'turn', 'turn', 'turn'] : each,
    );
    ws.terminate();
  });
}

both('maxPayload', async (t, WebSocket) => {
  const { url } = await echo(t, { perMessageDeflate: true });
  for (const perMessageDeflate of [false, true]) {
    const ws = new WebSocket(url, { maxPayload: 1000, perMessageDeflate });
    await opened(ws);
    ws.send('x'.repeat(1000));
    assert.equal((await message(ws)).length, 1000);
    const failed = next(ws, 'error');
    const closed = next(ws, 'close');
    ws.send('x'.repeat(1001));
    const [error] = (await failed) as [RangeError & { code: string }];
    assert.ok(error instanceof RangeError);
    assert.deepEqual(
      [error.message, error.code],
      ['Max payload size exceeded', 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'],
    );
    assert.equal((await closed)[0], 1006);
  }
});

both('clients with different options at the same time', async (t, WebSocket) => {
  const { url } = await echo(t, { perMessageDeflate: true });
  const all = [100, 1000].flatMap((maxPayload) =>
    [true, false].map((perMessageDeflate) => ({ maxPayload, perMessageDeflate })),
  );
  await Promise.all(
    all.map(async (options) => {
      const ws = new WebSocket(url, options);
      await opened(ws);
      ws.send('x'.repeat(options.maxPayload));
      assert.equal((await message(ws)).length, options.maxPayload);
      ws.on('error', () => undefined);
      const closed = next(ws, 'close');
      ws.send('x'.repeat(options.maxPayload + 1));
      assert.equal((await closed)[0], 1006);
    }),
  );
});

both('the server says goodbye', async (t, WebSocket) => {
  const { url, server } = await echo(t);
  server.on('connection', (there) => {
    there.close(3001, 'enough');
  });
  const ws = new WebSocket(url);
  const lines = told(ws);
  await next(ws, 'close');
  assert.deepEqual(lines, ['upgrade 101', 'open', 'close 3001 enough']);
});

both('closeTimeout: the server does not answer the Close frame', async (t, WebSocket) => {
  const url = await answering(
    t,
    (accept) => switching(accept),
    (socket) => socket.resume(),
  );
  const ws = new WebSocket(url, { closeTimeout: 100 } as never);
  await opened(ws);
  const closed = next(ws, 'close');
  const began = performance.now();
  ws.close(1000);
  assert.equal((await closed)[0], 1006);
  assert.ok(performance.now() - began >= 90);
});

test('messages are masked, each with a key of its own', async (t) => {
  const read: Buffer[] = [];
  const url = await answering(
    t,
    (accept) => switching(accept),
    (socket) => {
      socket.on('data', (chunk) => read.push(chunk));
    },
  );
  const ws = new Limpet(url, { perMessageDeflate: false });
  await opened(ws);
  for (let i = 0; i < 50; i++) ws.send('hello');
  await new Promise((resolve) => setTimeout(resolve, 100));
  ws.terminate();
  const all = Buffer.concat(read);
  const keys = new Set<string>();
  assert.equal(all.length, 50 * 11);
  for (let at = 0; at < all.length; at += 11) {
    assert.deepEqual([...all.subarray(at, at + 2)], [0x81, 0x85]);
    const key = all.subarray(at + 2, at + 6);
    keys.add(key.toString('hex'));
    const text = all.subarray(at + 6, at + 11).map((byte, i) => byte ^ key[i & 3]);
    assert.equal(Buffer.from(text).toString(), 'hello');
  }
  assert.equal(keys.size, 50);
});

both('generateMask gives the key of each frame', async (t, WebSocket) => {
  const read: Buffer[] = [];
  const url = await answering(
    t,
    (accept) => switching(accept),
    (socket) => {
      socket.on('data', (chunk) => read.push(chunk));
    },
  );
  let given = 0;
  const ws = new WebSocket(url, {
    perMessageDeflate: false,
    generateMask: (key) => {
      given += 1;
      key.fill(given);
    },
  });
  await opened(ws);
  ws.send('ab');
  ws.send(Buffer.from('cd'));
  ws.ping('ef');
  await new Promise((resolve) => setTimeout(resolve, 50));
  ws.close(1000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  ws.terminate();
  const frame = (byte: number, key: number, payload: string | Buffer) => [
    byte,
    0x80 | payload.length,
    ...[key, key, key, key],
    ...Buffer.from(payload).map((one) => one ^ key),
  ];
  assert.deepEqual(
    [...Buffer.concat(read)],
    [
      ...frame(0x81, 1, 'ab'),
      ...frame(0x82, 2, 'cd'),
      ...frame(0x89, 3, 'ef'),
      ...frame(0x88, 4, Buffer.from([3, 232])),
    ],
  );
});
