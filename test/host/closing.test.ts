// All ways in which a connection ends → one close event: its code, its reason, whether it was clean.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerEvents, Socket } from '../../host/node/index.js';
import { binary, close, continuation, frame, ping, text } from '../conformance/frame.js';
import { handshake, Peer } from './support/peer.js';
import { collect, echoing, next, serving } from './support/serving.js';
import { pass, until } from './support/wait.js';

/** Compares what a close event told. Not by deepEqual: a socket leads to all of linear memory. */
function isEnd(
  [socket, ...told]: ServerEvents['close'],
  expected: Socket,
  rest: [code: number, reason: string, clean: boolean],
): void {
  assert.ok(socket === expected, 'another socket');
  assert.deepEqual(told, rest);
}

test('the client begins: its code and reason are told, its code is sent back', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const closed = next(server, 'close');
  peer.write(close(4001, 'žluť'));
  assert.deepEqual(await peer.closeFrame(), [4001, '']);
  assert.equal(await peer.overAs(), 'end');
  isEnd(await closed, socket, [4001, 'žluť', true]);
});

test('a Close frame without a code is told as 1005 and answered without one', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const closed = next(server, 'close');
  peer.write(frame({ opcode: 8 }));
  assert.deepEqual(await peer.closeFrame(), [0, '']);
  isEnd(await closed, socket, [1005, '', true]);
});

// RFC 6455 7.1.5 and 7.1.6: the close code and reason are those of the first Close frame received.
test('the server begins: its code and reason are sent, and the client’s answer is told', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const closed = next(server, 'close');
  socket.send('goodbye');
  socket.close(3000, 'enough');
  assert.equal(await peer.text(), 'goodbye');
  assert.deepEqual(await peer.closeFrame(), [3000, 'enough']);
  peer.write(close(3000));
  assert.equal(await peer.overAs(), 'end');
  isEnd(await closed, socket, [3000, '', true]);
});

test('the server begins, and the client answers with a code and a reason of its own', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const closed = next(server, 'close');
  socket.close(1000);
  await peer.closeFrame();
  peer.write(close(4007, 'so be it'));
  isEnd(await closed, socket, [4007, 'so be it', true]);
});

test('the server begins without a code', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const closed = next(server, 'close');
  socket.close(0);
  assert.deepEqual(await peer.closeFrame(), [0, '']);
  peer.write(frame({ opcode: 8 }));
  isEnd(await closed, socket, [1005, '', true]);
});

test('both begin at the same time', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const closed = next(server, 'close');
  peer.write(close(1000, 'mine'));
  socket.close(1001, 'yours');
  assert.deepEqual(await peer.closeFrame(), [1001, 'yours']);
  const [, , , clean] = await closed;
  assert.equal(clean, true);
  assert.deepEqual(peer.frames, []);
});

test('of what comes after this side has closed only a ping is told, and answered', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const messages = collect(server, 'message');
  const pings = collect(server, 'ping');
  const closed = next(server, 'close');
  socket.close();
  await peer.closeFrame();
  peer.write(text('late'), ping('late'), close(1000));
  const pong = await peer.frame();
  assert.deepEqual([pong.opcode, pong.payload.toString()], [10, 'late']);
  const [, code, , clean] = await closed;
  assert.deepEqual([code, clean, messages.length, pings.length], [1000, true, 0, 1]);
});

test('what follows the client’s Close frame is not told', async (t) => {
  const { server, pair } = await serving(t);
  const { peer } = await pair();
  const messages = collect(server, 'message');
  const errors = collect(server, 'error');
  const closed = next(server, 'close');
  peer.write(close(1000), text('late'), Buffer.from([0xff, 0xff, 0xff]));
  const [, code, , clean] = await closed;
  assert.deepEqual([code, clean, messages.length, errors.length], [1000, true, 0, 0]);
});

test('a close in the open handler, and one in the message handler', async (t) => {
  const { server, open } = await serving(t);
  server.once('open', (socket) => {
    socket.close(4000, 'not you');
  });
  const first = await open();
  assert.deepEqual(await first.closeFrame(), [4000, 'not you']);
  server.on('message', (socket) => {
    socket.close(4002);
  });
  const messages = collect(server, 'message');
  const second = await open();
  second.write(text('one'), text('two'));
  assert.deepEqual(await second.closeFrame(), [4002, '']);
  assert.ok(messages.length >= 1);
});

test('the client is gone without a Close frame: 1006', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const closed = next(server, 'close');
  peer.transport.end();
  isEnd(await closed, socket, [1006, '', false]);
  assert.equal(await peer.overAs(), 'end');
});

test('the client is killed in the middle of a message: 1006, and nothing stays in memory', async (t) => {
  for (const profile of ['nano', 'server']) {
    const { server, pair } = await serving(t, { profile });
    const messages = collect(server, 'message');
    const { peer, socket } = await pair();
    const closed = next(server, 'close');
    peer.write(
      binary('x'.repeat(700), { fin: false }),
      continuation('x'.repeat(300), { length: 900n }),
    );
    await until(() => socket.stats().activeAt > 0, 'the first bytes');
    await pass(20);
    peer.reset();
    assert.deepEqual((await closed).slice(1), [1006, '', false]);
    assert.equal(messages.length, 0);
    assert.deepEqual([server.stats().active, server.stats().arenaUsed], [0, 0]);
  }
});

test('a client that is killed while it is written to', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const closed = next(server, 'close');
  peer.transport.pause();
  for (let i = 0; i < 16; i++) socket.send(Buffer.alloc(1 << 20));
  for (let i = 0; i < 100; i++) socket.send('small');
  await pass(20);
  peer.reset();
  assert.deepEqual((await closed).slice(1), [1006, '', false]);
  assert.deepEqual([server.stats().active, server.stats().arenaUsed], [0, 0]);
});

test('a client that does not read is terminated all the same', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  peer.transport.pause();
  for (let i = 0; i < 16; i++) socket.send(Buffer.alloc(1 << 20));
  await pass(20);
  const closed = next(server, 'close', 1000);
  socket.terminate();
  assert.deepEqual((await closed).slice(1), [1006, '', false]);
  assert.equal(server.stats().active, 0);
});

test('a half-closed client gets the answers to all it had sent', async (t) => {
  const { server, open } = await serving(t);
  echoing(server);
  const peer = await open();
  const count = 200;
  for (let i = 0; i < count; i++) peer.write(text(`message ${i}`));
  peer.transport.end();
  await peer.overAs();
  assert.deepEqual(
    peer.frames.map(({ payload }) => payload.toString()),
    Array.from({ length: count }, (_, i) => `message ${i}`),
  );
});

test('a half-closed client that reads slowly gets everything that was queued', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  peer.transport.pause();
  for (let i = 0; i < 16; i++) socket.send(Buffer.alloc(1 << 20, i));
  const closed = next(server, 'close', 8000);
  peer.transport.end();
  await pass(50);
  peer.transport.resume();
  await peer.overAs();
  assert.equal(peer.frames.length, 16);
  await closed;
});

test('bytes sent along with the handshake, up to a Close frame', async (t) => {
  const { server, port } = await serving(t);
  const messages = collect(server, 'message');
  const closed = next(server, 'close');
  const peer = await Peer.connect(port);
  peer.write(handshake(), text('early'), close(1000, 'done'));
  await peer.upgraded();
  assert.equal((await peer.closeFrame())[0], 1000);
  const [, code, reason, clean] = await closed;
  assert.deepEqual([code, reason, clean], [1000, 'done', true]);
  assert.deepEqual(
    messages.map(([, data]) => data.toString()),
    ['early'],
  );
});

test('a connection that never was open has no close event', async (t) => {
  const { server, connect } = await serving(t);
  const closed = collect(server, 'close');
  const silent = await connect();
  const half = await connect();
  half.write(Buffer.from('GET / HT'));
  await until(() => server.stats().active === 2, 'two connections');
  silent.transport.end();
  half.reset();
  await until(() => server.stats().active === 0, 'no connection');
  assert.equal(closed.length, 0);
});
