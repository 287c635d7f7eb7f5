// Socket: what can be sent and how it arrives, its state, its counters, its end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, SendStatus, type Data } from '../../host/node/index.js';
import { BINARY, close, CONTINUATION, PING, PONG, TEXT, text } from '../conformance/frame.js';
import { next, serving } from './support/serving.js';
import { pass } from './support/wait.js';

const BYTES = Uint8Array.from({ length: 64 }, (_, i) => i * 4);

test('send takes text, buffers, and views of any kind', async (t) => {
  const { pair } = await serving(t);
  const { peer, socket } = await pair();
  const cases: [Data, number, string][] = [
    ['text', TEXT, '74657874'],
    ['', TEXT, ''],
    ['žluť 🐚', TEXT, Buffer.from('žluť 🐚').toString('hex')],
    [Buffer.from('buffer'), BINARY, '627566666572'],
    [new ArrayBuffer(3), BINARY, '000000'],
    [BYTES.subarray(1, 4), BINARY, '04080c'],
    [new Uint16Array(BYTES.buffer, 2, 2), BINARY, '080c1014'],
    [new Float64Array(BYTES.buffer, 8, 1), BINARY, '2024282c3034383c'],
    [new DataView(BYTES.buffer, 4, 2), BINARY, '1014'],
    [new Uint8Array(0), BINARY, ''],
  ];
  for (const [data] of cases) assert.equal(socket.send(data), SendStatus.OK);
  for (const [, opcode, hex] of cases) {
    const frame = await peer.frame();
    assert.deepEqual([frame.opcode, frame.fin, frame.payload.toString('hex')], [opcode, true, hex]);
  }
});

test('send refuses what is neither text nor bytes, and sends nothing then', async (t) => {
  const { pair } = await serving(t);
  const { peer, socket } = await pair();
  for (const data of [1, null, undefined, {}, [1, 2], new Date(0)]) {
    assert.throws(() => socket.send(data as Data), TypeError);
  }
  socket.send('after');
  assert.equal(await peer.text(), 'after');
});

test('the option binary decides, whatever the type', async (t) => {
  const { pair } = await serving(t);
  const { peer, socket } = await pair();
  socket.send('text as bytes', { binary: true });
  socket.send(Buffer.from('bytes as text'), { binary: false });
  socket.send('x'.repeat(70_000), { binary: true });
  socket.send(Buffer.from('ž'.repeat(70_000)), { binary: false });
  const kinds = [];
  for (let i = 0; i < 4; i++) kinds.push((await peer.frame()).opcode);
  assert.deepEqual(kinds, [BINARY, TEXT, BINARY, TEXT]);
});

test('large text that is not ASCII keeps its bytes', async (t) => {
  const { pair } = await serving(t);
  const { peer, socket } = await pair();
  for (const words of [
    'ž'.repeat(8191),
    'ž'.repeat(8192),
    '🐚'.repeat(100_000),
    'x'.repeat(16_383),
  ]) {
    socket.send(words);
    assert.equal((await peer.frame()).payload.toString(), words);
  }
});

test('a lone surrogate goes out as U+FFFD, never as bytes that are not UTF-8', async (t) => {
  const { pair } = await serving(t);
  const { peer, socket } = await pair();
  socket.send('a\ud800b');
  socket.send('a\udc00'.repeat(20_000));
  assert.equal(await peer.text(), 'a\ufffdb');
  assert.equal(await peer.text(), 'a\ufffd'.repeat(20_000));
});

test('fin: false makes fragments of one message, with pings between them', async (t) => {
  const { pair } = await serving(t);
  const { peer, socket } = await pair();
  socket.send('one ', { fin: false });
  socket.ping('between');
  socket.send('two ', { fin: false });
  socket.send('x'.repeat(20_000), { fin: false });
  socket.send('three');
  socket.send(Buffer.from('next'));
  const frames = [];
  for (let i = 0; i < 6; i++) {
    const { opcode, fin, payload } = await peer.frame();
    frames.push([opcode, fin, payload.length]);
  }
  assert.deepEqual(frames, [
    [TEXT, false, 4],
    [PING, true, 7],
    [CONTINUATION, false, 4],
    [CONTINUATION, false, 20_000],
    [CONTINUATION, true, 5],
    [BINARY, true, 4],
  ]);
});

test('ping and pong take 125 bytes and refuse 126', async (t) => {
  const { pair } = await serving(t);
  const { peer, socket } = await pair();
  assert.equal(socket.ping(), SendStatus.OK);
  assert.equal(socket.ping('x'.repeat(125)), SendStatus.OK);
  assert.equal(socket.pong('unasked'), SendStatus.OK);
  assert.equal(socket.ping('x'.repeat(126)), ErrorCode.ARGUMENT);
  assert.equal(socket.pong('x'.repeat(126)), ErrorCode.ARGUMENT);
  assert.equal(socket.ping('x'.repeat(100_000)) < 0, true);
  socket.send('end');
  const frames = [];
  for (let i = 0; i < 4; i++) {
    const { opcode, payload } = await peer.frame();
    frames.push([opcode, payload.length]);
  }
  assert.deepEqual(frames, [
    [PING, 0],
    [PING, 125],
    [PONG, 7],
    [TEXT, 3],
  ]);
});

test('close refuses codes and reasons that may not be sent, and the connection stays', async (t) => {
  const { pair } = await serving(t);
  const { peer, socket } = await pair();
  for (const code of [1, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65536 + 1000, -1]) {
    assert.throws(
      () => {
        socket.close(code);
      },
      RangeError,
      String(code),
    );
  }
  assert.throws(() => {
    socket.close(1000, 'ž'.repeat(62));
  }, RangeError);
  assert.throws(() => {
    socket.close(1000, 'x'.repeat(100_000));
  }, RangeError);
  assert.throws(() => {
    socket.close(0, 'a reason without a code');
  }, RangeError);
  assert.equal(socket.isOpen, true);
  socket.close(4999, `${'ž'.repeat(61)}x`);
  assert.deepEqual(await peer.closeFrame(), [4999, `${'ž'.repeat(61)}x`]);
});

test('after close and after the end nothing can be sent, and nothing throws', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  assert.equal(socket.isOpen, true);
  socket.close(1000, 'first');
  assert.equal(socket.isOpen, false);
  assert.equal(socket.send('late'), ErrorCode.STATE);
  assert.equal(socket.send('x'.repeat(100_000)), ErrorCode.STATE);
  assert.equal(socket.ping(), ErrorCode.STATE);
  socket.close(1001, 'second');
  assert.deepEqual(await peer.closeFrame(), [1000, 'first']);
  const closed = next(server, 'close');
  peer.write(close(1000));
  await closed;
  // The documented answer for a connection that is not open, also when nothing is left of it.
  assert.equal(socket.send('later still'), ErrorCode.STATE);
  assert.equal(socket.send('x'.repeat(100_000)), ErrorCode.STATE);
  assert.equal(socket.ping(), ErrorCode.STATE);
  socket.close();
  socket.pause();
  socket.resume();
  socket.terminate();
  assert.equal(socket.isOpen, false);
  assert.equal(socket.bufferedAmount, 0);
  assert.equal(socket.stats().messagesIn, 0);
  assert.deepEqual(peer.frames, []);
});

test('terminate ends at once, without a Close frame', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const closed = next(server, 'close');
  socket.send('never mind');
  socket.terminate();
  const [who, code, reason, clean] = await closed;
  assert.ok(who === socket);
  assert.deepEqual([code, reason, clean], [1006, '', false]);
  assert.notEqual(await peer.overAs(), '');
  assert.ok(!peer.frames.some(({ opcode }) => opcode === 8));
});

test('stats() tells what one connection did', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const before = socket.stats();
  assert.ok(before.openedAt <= performance.now() && before.openedAt > performance.now() - 5000);
  await pass(5);
  const message = next(server, 'message');
  peer.write(text('12345'));
  await message;
  socket.send('abc');
  socket.send('x'.repeat(20_000));
  const { messagesIn, messagesOut, bytesIn, bytesOut, queued, activeAt } = socket.stats();
  assert.deepEqual([messagesIn, bytesIn, messagesOut, bytesOut], [1, 5, 2, 20_003]);
  assert.equal(queued, 2 + 3 + 4 + 20_000);
  assert.equal(socket.bufferedAmount, queued);
  assert.ok(activeAt > before.activeAt);
  await peer.frame();
  await peer.frame();
  assert.equal(socket.bufferedAmount, 0);
});

test('data is the application’s own', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  assert.equal(socket.data, undefined);
  socket.data = { name: 'somebody' };
  const message = next(server, 'message');
  peer.write(text('hello'));
  const [same] = await message;
  assert.deepEqual(same.data, { name: 'somebody' });
});
