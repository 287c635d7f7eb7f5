// permessage-deflate → messages of both ways, compressed, whatever their length and however short
// memory is. RFC 7692.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { WebSocket } from 'ws';
import {
  ConnectionError,
  ErrorCode,
  SendStatus,
  type ServerOptions,
} from '../../host/node/index.js';
import { Random } from '../fuzz/random.js';
import { deflating } from './support/deflating.js';
import { collect, echoing, next, serving } from './support/serving.js';
import { turns, until, within } from './support/wait.js';

const RSV1 = 4;

/** Text that compresses about as JSON does. */
function json(bytes: number, seed = 1): string {
  const random = new Random(seed);
  let text = '';
  while (text.length < bytes) {
    const [id, kind] = [random.below(100_000), random.pick(['open', 'message', 'close'])];
    text += `{"id":${id},"kind":"${kind}","ok":${random.once(2)}},`;
  }
  return text.slice(0, bytes);
}

const noise = (bytes: number, seed = 1) => new Random(seed).bytes(bytes);

/** What an 'error' says. */
function fault(error?: Error): number[] {
  assert.ok(error instanceof ConnectionError);
  return [error.code, error.closeCode];
}

test('socket.extensions says what was agreed on', async (t) => {
  const { open } = deflating(t);
  const { client, socket } = await open();
  assert.equal(socket.extensions, 'permessage-deflate');
  assert.match(client.agreed, /^permessage-deflate/);
  const plain = await open('');
  assert.equal(plain.socket.extensions, '');
  assert.equal(plain.client.agreed, '');
  socket.terminate();
  await until(() => socket.extensions === '', 'the end');
});

test('it is declined when it is off', async (t) => {
  const { open } = deflating(t, { deflate: false, deflateWindow: 9, contextTakeover: false });
  const { client, socket } = await open();
  assert.deepEqual([socket.extensions, client.agreed], ['', '']);
  socket.send(json(1000));
  const [message] = await client.received(1);
  assert.equal(message?.frames[0]?.rsv, 0);
});

test('messages are compressed; those that are short, or are not to be, go as they are', async (t) => {
  const { open } = deflating(t, { deflateThreshold: 100 });
  const { client, socket } = await open();
  const text = json(100);
  socket.send(text);
  socket.send(text.slice(1));
  socket.send(text, { compress: false });
  socket.send(Buffer.from(text));
  socket.send(text, { compress: false, fin: false });
  socket.send(text);
  socket.send(text, { fin: false });
  socket.send(text);
  const messages = await client.received(6);
  assert.deepEqual(
    messages.map(({ data, frames }) => [data.toString(), frames.map(({ rsv }) => rsv)]),
    [
      [text, [RSV1]],
      [text.slice(1), [0]],
      [text, [0]],
      [text, [RSV1]],
      [text + text, [0, 0]],
      [text + text, [RSV1, 0]],
    ],
  );
  assert.equal(messages[3]?.frames[0]?.opcode, 2);
});

test('deflateWindow and contextTakeover are what is answered', async (t) => {
  const small = deflating(t, { deflateWindow: 9 });
  const { client } = await small.open('permessage-deflate; client_max_window_bits');
  assert.match(client.agreed, /server_max_window_bits=9; client_max_window_bits=9$/);
  const forgetful = deflating(t, { contextTakeover: false });
  const second = await forgetful.open();
  assert.match(second.client.agreed, /server_no_context_takeover; client_no_context_takeover/);
  const text = json(400);
  for (let i = 0; i < 2; i++) second.socket.send(text);
  const [one, two] = await second.client.received(2);
  assert.deepEqual(two?.frames[0]?.payload, one?.frames[0]?.payload);
  const keeping = await deflating(t).open();
  for (let i = 0; i < 2; i++) keeping.socket.send(text);
  const [first, again] = await keeping.client.received(2);
  const bytes = (message = first) => message?.frames[0]?.payload.length ?? 0;
  assert.ok(bytes(again) * 5 < bytes(first), `${bytes(first)} bytes, then ${bytes(again)}`);
});

test('the level is that of the option', async (t) => {
  const sizes: number[] = [];
  for (const deflate of [0, 1, 9]) {
    const { client, socket } = await deflating(t, { deflate }).open();
    socket.send(json(20_000));
    const [message] = await client.received(1);
    sizes.push(message?.frames[0]?.payload.length ?? 0);
  }
  const [stored = 0, fast = 0, best = 0] = sizes;
  assert.ok(stored === 20_000 && fast < stored / 2 && best < fast, sizes.join(', '));
});

for (const profile of ['micro', 'server']) {
  for (const contextTakeover of [true, false]) {
    const kept = contextTakeover ? 'contexts are kept' : 'no context is kept';
    test(`${profile}, ${kept}: npm ws gets back what it sent`, async (t) => {
      const options = { profile, deflate: true, contextTakeover, deflateThreshold: 0 };
      const { server, port } = await serving(t, options);
      echoing(server);
      const ws = await connect(t, port);
      assert.equal(ws.extensions.startsWith('permessage-deflate'), true);
      for (const size of [0, 1, 63, 64, 1000, 8000, 9000, 70_000, 300_000, 1_500_000]) {
        for (const data of [json(size, size), noise(size, size)]) {
          const echo = once(ws, 'message') as Promise<[Buffer, boolean]>;
          ws.send(data);
          const [came, isBinary] = await within(echo, `${size} bytes`, 20_000);
          assert.equal(isBinary, typeof data !== 'string');
          assert.ok(came.equals(Buffer.from(data as string)), `${size} bytes`);
        }
      }
      ws.close();
      await until(() => server.stats().active === 0, 'the end');
      assert.equal(server.stats().arenaUsed, 0);
    });
  }
}

async function connect(t: TestContext, port: number): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, {
    perMessageDeflate: { threshold: 0 },
    maxPayload: 64 << 20,
  });
  t.after(() => {
    ws.terminate();
  });
  await within(once(ws, 'open'), 'the connection');
  return ws;
}

test('200 messages of npm ws, sent at once, are read in order', async (t) => {
  const { server, port } = await serving(t, { deflate: true });
  const messages = collect(server, 'message');
  const ws = await connect(t, port);
  const all = Array.from({ length: 200 }, (_, i) => json(i * 97, i));
  for (const text of all) ws.send(text);
  await until(() => messages.length === all.length, '200 messages');
  assert.deepEqual(
    messages.map(([, data]) => data.toString()),
    all,
  );
});

test('a message longer than the core’s blocks leaves in compressed fragments', async (t) => {
  for (const profile of ['micro', 'server']) {
    const { server, open } = deflating(t, { profile });
    const most = server.core.exports.limpet_send_max();
    const { client, socket } = await open();
    const text = json(3 * most + 100);
    assert.ok(socket.send(text) >= 0);
    const [message] = await client.received(1);
    assert.equal(message?.data.toString(), text);
    const { frames } = message;
    assert.ok(frames.length >= 4, `${frames.length} frames`);
    for (const [i, { fin, rsv, opcode }] of frames.entries()) {
      const [isFirst, isLast] = [i === 0, i === frames.length - 1];
      assert.deepEqual([fin, rsv, opcode], [isLast, isFirst ? RSV1 : 0, isFirst ? 1 : 0]);
    }
    const bytes = frames.reduce((sum, { payload }) => sum + payload.length, 0);
    assert.ok(bytes < text.length / 2, `${bytes} of ${text.length} bytes`);
    // One that is not to be compressed goes in one frame.
    socket.send(text, { compress: false });
    const [, plain] = await client.received(2);
    assert.equal(plain?.frames.length, 1);
    assert.equal(plain.data.toString(), text);
  }
});

test('a fragment of a compressed message may be longer than the core’s blocks', async (t) => {
  const { open } = deflating(t, { profile: 'micro' });
  const { client, socket } = await open();
  const parts = [json(500, 1), json(30_000, 2), json(10, 3)];
  parts.forEach((part, i) => {
    assert.ok(socket.send(part, { fin: i === 2 }) >= 0);
  });
  socket.send('and another');
  const [message, another] = await client.received(2);
  assert.equal(message?.data.toString(), parts.join(''));
  assert.equal(another?.data.toString(), 'and another');
});

test('while the core’s memory is short, messages of any length wait in order', async (t) => {
  const { server, open } = deflating(t, { profile: 'micro' });
  const { client, socket } = await open();
  client.reads(false);
  const sizes = [60_000, 10, 9000, 100_000, 0, 300, 25_000, 70];
  const all = sizes.flatMap((size, i) => [noise(size, i), Buffer.from(json(size, i))]);
  for (const data of all) assert.ok(socket.send(data) >= 0);
  await turns(5);
  const held = socket.bufferedAmount;
  assert.ok(held > 100_000, `${held} bytes wait`);
  assert.ok(server.stats().arenaUsed <= server.stats().arena);
  client.reads(true);
  const messages = await client.received(all.length);
  for (const [i, { data }] of messages.entries()) {
    assert.ok(all[i]?.equals(data), `message ${i} of ${all[i]?.length} bytes`);
  }
  await until(() => socket.bufferedAmount === 0, 'an empty queue');
  assert.equal(socket.send('fine'), SendStatus.OK);
});

test('a message that waits can be followed by a close', async (t) => {
  const { server, open } = deflating(t, { profile: 'micro' });
  const { client, socket } = await open();
  client.reads(false);
  const data = noise(80_000);
  assert.ok(socket.send(data) >= 0);
  socket.close(4000, 'enough');
  assert.equal(socket.send('late'), ErrorCode.STATE);
  const closed = next(server, 'close');
  client.reads(true);
  const [message] = await client.received(1);
  assert.ok(message?.data.equals(data));
  client.frame(8, Buffer.from([0x0f, 0xa0]));
  client.push(null);
  assert.equal((await closed)[1], 4000);
});

test('maxBackpressure bounds what waits: FULL, and what was taken arrives', async (t) => {
  const { open } = deflating(t, { profile: 'micro', maxBackpressure: 150_000 });
  const { client, socket } = await open();
  assert.equal(socket.send(noise(150_001)), ErrorCode.FULL);
  client.reads(false);
  let taken = 0;
  while (taken < 100 && socket.send(noise(20_000, taken)) >= 0) taken += 1;
  assert.ok(taken >= 4 && taken < 16, `${taken} messages of 20,000 bytes`);
  assert.equal(socket.send(noise(20_000)), ErrorCode.FULL);
  client.reads(true);
  const messages = await client.received(taken);
  for (const [i, { data }] of messages.entries()) assert.ok(data.equals(noise(20_000, i)));
  await until(() => socket.send('more') >= 0, 'room');
  await client.received(taken + 1);
});

test('BACKPRESSURE, then one drain, for compressed messages', async (t) => {
  const { server, open } = deflating(t, { highWater: 50_000 });
  const { client, socket } = await open();
  const drained = collect(server, 'drain');
  client.reads(false);
  const statuses = Array.from({ length: 8 }, (_, i) => socket.send(noise(20_000, i)));
  assert.deepEqual(statuses, [0, 0, 1, 1, 1, 1, 1, 1]);
  // What counts is what is queued: it is shorter than the messages.
  assert.equal(drained.length, 0);
  client.reads(true);
  await client.received(8);
  await until(() => drained.length > 0, 'drain');
  await turns(3);
  assert.equal(drained.length, 1);
  let queued = 0;
  for (let i = 0; i < 8; i++) queued = Math.max(queued, socket.send(json(20_000)));
  assert.equal(queued, SendStatus.OK);
});

test('a compressed message longer than maxMessage is refused with 1009, before it is made', async (t) => {
  const { server, open } = deflating(t, { maxMessage: 100_000 });
  const failed = collect(server, 'error');
  const { client } = await open();
  const bomb = deflateRawSync(Buffer.alloc(50_000_000), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  const closed = next(server, 'close');
  client.frame(2, bomb.subarray(0, bomb.length - 4), RSV1);
  client.push(null);
  await closed;
  assert.deepEqual(fault(failed[0]?.[0]), [ErrorCode.TOO_BIG, 1009]);
  assert.ok(server.stats().arenaPeak < 1 << 20, `${server.stats().arenaPeak} bytes of arena`);
});

test('what is no DEFLATE is refused with 1007', async (t) => {
  const { server, open } = deflating(t);
  const failed = collect(server, 'error');
  const { client } = await open();
  const closed = next(server, 'close');
  client.frame(1, Buffer.of(7), RSV1);
  client.push(null);
  await closed;
  assert.deepEqual(fault(failed[0]?.[0]), [ErrorCode.DEFLATE, 1007]);
});

// ----------------------------------------------------------------- broadcast

/** Clients with and without permessage-deflate, some with a small window. */
async function audience(t: TestContext, options: ServerOptions = {}) {
  const { server, open } = deflating(t, options);
  const offers = ['permessage-deflate', '', 'permessage-deflate; server_max_window_bits=9', ''];
  const all = [];
  for (const offer of offers) all.push(await open(offer));
  return { server, all };
}

test('broadcast compresses once for a window: the same bytes to all that have it', async (t) => {
  const { server, all } = await audience(t);
  const texts = [json(2000, 1), json(300, 2), 'short', json(2000, 1)];
  for (const text of texts) assert.equal(server.broadcast(text).delivered, 4);
  for (const [i, { client }] of all.entries()) {
    const messages = await client.received(texts.length);
    assert.deepEqual(
      messages.map(({ data }) => data.toString()),
      texts,
    );
    assert.deepEqual(
      messages.map(({ frames }) => frames[0]?.rsv),
      i % 2 ? [0, 0, 0, 0] : [RSV1, RSV1, 0, RSV1],
    );
    if (i !== 2) continue;
    const payloads = messages.map(({ frames }) => frames[0]?.payload);
    const others = all[0]?.client.messages.map(({ frames }) => frames[0]?.payload);
    // What is longer than the smaller window is compressed for either.
    const same = payloads.map((bytes, n) => bytes?.equals(others?.[n] ?? Buffer.alloc(0)));
    assert.deepEqual(same, [false, true, true, false]);
  }
});

test('what was broadcast is context for what comes after it', async (t) => {
  const { server, all } = await audience(t);
  const text = json(400);
  server.broadcast(text);
  for (const { socket } of all) socket.send(text);
  for (const { client } of all) {
    const [, own] = await client.received(2);
    assert.equal(own?.data.toString(), text);
    if (client.agreed) assert.ok((own.frames[0]?.payload.length ?? 999) < 30);
  }
});

test('broadcast: to, binary and compress', async (t) => {
  const { server, all } = await audience(t);
  const [first, second, third] = all.map(({ socket }) => socket);
  const text = json(500);
  assert.equal(server.broadcast(text, { to: (socket) => socket !== second }).delivered, 3);
  assert.equal(
    server.broadcast(text, { to: (socket) => socket === first, binary: true }).delivered,
    1,
  );
  assert.equal(
    server.broadcast(Buffer.from(text), { to: (socket) => socket === third }).delivered,
    1,
  );
  assert.equal(server.broadcast(text, { compress: false }).delivered, 4);
  assert.equal(server.broadcast(text, { to: () => false }).delivered, 0);
  assert.throws(() => server.broadcast(5 as unknown as string), TypeError);
  const seen = [];
  for (const [i, { client }] of all.entries()) {
    const messages = await client.received([3, 1, 3, 2][i] ?? 0);
    seen.push(messages.map(({ frames }) => [frames[0]?.opcode, frames[0]?.rsv]));
    assert.ok(messages.every(({ data }) => data.toString() === text));
  }
  assert.deepEqual(seen, [
    [
      [1, RSV1],
      [2, RSV1],
      [1, 0],
    ],
    [[1, 0]],
    [
      [1, RSV1],
      [2, RSV1],
      [1, 0],
    ],
    [
      [1, 0],
      [1, 0],
    ],
  ]);
});

test('broadcast leaves out connections that are over, and does not wait for slow ones', async (t) => {
  const { server, all } = await audience(t, { profile: 'micro', maxBackpressure: 20_000 });
  const [closing, , slow] = all;
  closing?.socket.close();
  slow?.client.reads(false);
  let taken = 0;
  let rounds = 0;
  for (; rounds < 100; rounds++) {
    taken += server.broadcast(noise(1000, rounds)).delivered;
    await turns(1);
  }
  assert.ok(taken < rounds * 3 && taken > rounds * 2, `${taken} of ${rounds} times 3`);
  for (const i of [1, 3]) {
    const messages = (await all[i]?.client.received(rounds)) ?? [];
    for (const [n, { data }] of messages.entries()) assert.ok(data.equals(noise(1000, n)));
  }
  slow?.client.reads(true);
  await until(() => slow?.socket.bufferedAmount === 0, 'the slow one’s messages');
  const got = slow?.client.messages ?? [];
  assert.ok(got.length === taken - rounds * 2, `${got.length} messages`);
  for (const [n, { data }] of got.entries()) assert.ok(data.equals(noise(1000, n)), `message ${n}`);
});

test('broadcast of a message longer than the core’s blocks', async (t) => {
  const { server, all } = await audience(t, { profile: 'micro' });
  const text = json(50_000);
  assert.equal(server.broadcast(text).delivered, 4);
  for (const { client } of all) {
    const [message] = await client.received(1);
    assert.equal(message?.data.toString(), text);
    assert.equal((message?.frames.length ?? 0) > 1, client.agreed !== '');
  }
});

test('broadcast of several turns to many connections of npm ws', async (t) => {
  const { server, port } = await serving(t, { deflate: true });
  const clients = [];
  for (let i = 0; i < 20; i++) clients.push(await connect(t, port));
  const got = clients.map((ws) => {
    const texts: string[] = [];
    ws.on('message', (data: Buffer) => texts.push(data.toString()));
    return texts;
  });
  const all = Array.from({ length: 30 }, (_, i) => json(100 * i, i));
  for (const text of all) {
    assert.equal(server.broadcast(text).delivered, 20);
    await turns(1);
  }
  await until(() => got.every(({ length }) => length === all.length), 'all messages');
  for (const texts of got) assert.deepEqual(texts, all);
});
