// Messages in every shape → the same on the other side, in every profile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerOptions } from '../../host/node/index.js';
import {
  BINARY,
  binary,
  continuation,
  fragments,
  ping,
  PONG,
  pong,
  split,
  TEXT,
  text,
} from '../conformance/frame.js';
import { collect, echoing, next, serving } from './support/serving.js';
import { turns } from './support/wait.js';

/** Bytes in which a lost, doubled or moved piece shows. */
function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8) * 7 + (i >>> 16)) & 0xff;
  return bytes;
}

test('text is text and bytes are bytes, empty ones too', async (t) => {
  const { server, open } = await serving(t);
  const messages = collect(server, 'message');
  const peer = await open();
  const last = next(server, 'pong');
  peer.write(
    text('hello'),
    binary('hello'),
    text(''),
    binary(''),
    text('žluťoučký 🐚\u0000'),
    pong(),
  );
  await last;
  assert.deepEqual(
    messages.map(([, data, isBinary]) => [data.toString(), isBinary]),
    [
      ['hello', false],
      ['hello', true],
      ['', false],
      ['', true],
      ['žluťoučký 🐚\u0000', false],
    ],
  );
  for (const [, data] of messages) assert.ok(Buffer.isBuffer(data));
});

test('fragments with a ping among them are one message, and the ping is answered', async (t) => {
  const { server, open } = await serving(t);
  const told: string[] = [];
  server.on('message', (_, data) => told.push(data.toString()));
  server.on('ping', (_, data) => told.push(`ping ${data.toString()}`));
  const peer = await open();
  const message = next(server, 'message');
  peer.write(
    text('žl', { fin: false }),
    ping('in between'),
    continuation('', { fin: false }),
    continuation('uť'),
  );
  await message;
  assert.deepEqual(told, ['ping in between', 'žluť']);
  const { opcode, payload } = await peer.frame();
  assert.deepEqual([opcode, payload.toString()], [PONG, 'in between']);
});

test('autoPong: false leaves the answer to the listener', async (t) => {
  const { server, open } = await serving(t, { autoPong: false });
  server.on('ping', (socket, data) => {
    socket.pong(Buffer.concat([data, Buffer.from('!')]));
  });
  const peer = await open();
  peer.write(ping('anybody'));
  const { opcode, payload } = await peer.frame();
  assert.deepEqual([opcode, payload.toString()], [PONG, 'anybody!']);
});

test('messages belong to whoever gets them', async (t) => {
  const { server, open } = await serving(t);
  const messages = collect(server, 'message');
  const peer = await open();
  for (let i = 0; i < 50; i++) {
    const more = next(server, 'message');
    peer.write(text(`message number ${i}`));
    await more;
  }
  assert.deepEqual(
    messages.map(([, data]) => data.toString()),
    Array.from({ length: 50 }, (_, i) => `message number ${i}`),
  );
  for (const [, data] of messages) assert.notEqual(data.buffer, server.core.exports.memory.buffer);
});

test('borrow: true hands out linear memory, good until the handler returns', async (t) => {
  const { server, open } = await serving(t, { borrow: true });
  let wasLent = false;
  const seen: string[] = [];
  server.on('message', (socket, data) => {
    wasLent = data.buffer === server.core.exports.memory.buffer;
    seen.push(data.toString());
    socket.send(data);
    socket.send(data);
  });
  const peer = await open();
  peer.write(text('one'), text('two'));
  assert.deepEqual(
    [await peer.text(), await peer.text(), await peer.text(), await peer.text()],
    ['one', 'one', 'two', 'two'],
  );
  assert.ok(wasLent);
  assert.deepEqual(seen, ['one', 'two']);
  // Large ones stay in Node's memory on their way out: the loan has to be over before.
  const large = pattern(100_000);
  peer.write(binary(large), binary(pattern(100_001)));
  assert.ok((await peer.frame()).payload.equals(large));
  assert.ok((await peer.frame()).payload.equals(large));
});

for (const profile of ['nano', 'micro', 'server']) {
  test(`${profile}: every length around the core's bounds comes back`, async (t) => {
    const { server, open } = await serving(t, { profile });
    const refused: number[] = [];
    server.on('message', (socket, data, isBinary) => {
      const status = socket.send(data, { binary: isBinary });
      if (status < 0) refused.push(data.length);
    });
    const peer = await open();
    const bounds = [
      125,
      126,
      128,
      512,
      1024,
      2048,
      4096,
      8192,
      16384,
      32768,
      65535,
      65536,
      131072,
      262144,
      1 << 20,
    ];
    for (const length of bounds.flatMap((bound) => [bound - 15, bound - 1, bound, bound + 1])) {
      const payload = pattern(length);
      peer.write(binary(payload));
      const echo = await peer.frame().catch((error: unknown) => {
        throw new Error(
          `no echo of ${length} bytes (refused: ${refused.join()}): ${String(error)}`,
        );
      });
      assert.ok(echo.payload.equals(payload), `${length} bytes came back differently`);
      assert.equal(echo.opcode, BINARY);
    }
    assert.deepEqual(refused, []);
    await turns(2);
    assert.equal(server.stats().arenaUsed, 0);
  });

  test(`${profile}: text of all lengths, in fragments, cut anywhere`, async (t) => {
    const { server, open } = await serving(t, { profile });
    echoing(server);
    const peer = await open();
    for (const length of [100, 1000, 3000, 10_000, 40_000]) {
      const words = 'žluťoučký kůň 🐚 '.repeat(Math.ceil(length / 20));
      const pieces = split(Buffer.from(words), Math.ceil(length / 7));
      for (const piece of split(Buffer.concat(fragments(TEXT, pieces)), 1009)) {
        peer.write(piece);
        await turns(1);
      }
      const { opcode, payload } = await peer.frame();
      assert.equal(opcode, TEXT);
      assert.equal(payload.toString(), words);
    }
  });

  test(`${profile}: 16 MiB come and go, one byte more is refused with 1009`, async (t) => {
    const options: ServerOptions = { profile, borrow: true };
    const { server, open } = await serving(t, options);
    echoing(server);
    const peer = await open();
    const payload = pattern(16 << 20);
    peer.write(binary(payload));
    assert.ok((await peer.frame(15_000)).payload.equals(payload));
    const failed = next(server, 'error');
    peer.write(binary('', { length: BigInt((16 << 20) + 1), form: 64 }));
    assert.equal((await peer.closeFrame())[0], 1009);
    const [error, socket] = await failed;
    assert.match(error.message, /1009.*TOO_BIG/);
    assert.ok(socket);
  });
}

test('fragments that add up to more than maxMessage are refused with 1009', async (t) => {
  const { server, open } = await serving(t, { maxMessage: 1000 });
  echoing(server);
  const peer = await open();
  peer.write(text('x'.repeat(1000)));
  assert.equal((await peer.frame()).payload.length, 1000);
  peer.write(text('x'.repeat(600), { fin: false }), continuation('x'.repeat(401)));
  assert.equal((await peer.closeFrame())[0], 1009);
});
