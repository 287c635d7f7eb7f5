// Time → what a server does when nothing comes: 408, 1001, pings, and the end of who does not answer.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionError, ErrorCode } from '../../host/node/index.js';
import { binary, close, PING, pong, text } from '../conformance/frame.js';
import { handshake } from './support/peer.js';
import { collect, next, serving } from './support/serving.js';
import { pass, until } from './support/wait.js';

/** Ms since `from_ms`, of which timers may take one less and a busy machine some more. */
function took(from_ms: number, least: number, most = least + 1000): void {
  const ms = performance.now() - from_ms;
  assert.ok(ms >= least - 2 && ms <= most, `${ms} ms instead of ${least} to ${most}`);
}

test('handshakeTimeout: 408 for a head that does not come, and the end', async (t) => {
  const { server, connect } = await serving(t, { handshakeTimeout: 100 });
  const errors = collect(server, 'error');
  const began_ms = performance.now();
  const silent = await connect();
  const half = await connect();
  half.write(Buffer.from('GET / HTTP/1.1\r\nHost:'));
  for (const peer of [silent, half]) {
    assert.equal((await peer.answer()).status, 408);
    took(began_ms, 100);
    assert.equal(await peer.overAs(), 'end');
  }
  for (const [error] of errors) {
    assert.ok(error instanceof ConnectionError);
    assert.equal(error.code, ErrorCode.TIMEOUT_HANDSHAKE);
  }
  assert.equal(errors.length, 2);
});

test('a head that comes byte by byte does not move the deadline', async (t) => {
  const { connect } = await serving(t, { handshakeTimeout: 150 });
  const began_ms = performance.now();
  const peer = await connect();
  const bytes = handshake();
  for (let at = 0; peer.over === '' && at < bytes.length; at++) {
    peer.write(bytes.subarray(at, at + 1));
    await pass(10);
  }
  assert.equal((await peer.answer()).status, 408);
  took(began_ms, 150);
});

test('handshakeTimeout: 503 when the listener never decides', async (t) => {
  const { server, connect } = await serving(t, { handshakeTimeout: 100 });
  server.on('upgrade', () => {});
  const peer = await connect();
  peer.write(handshake(), text('early'));
  assert.equal((await peer.answer()).status, 503);
});

test('a connection that is open has no handshake timeout', async (t) => {
  const { open } = await serving(t, { handshakeTimeout: 50 });
  const peer = await open();
  await pass(150);
  assert.equal(peer.over, '');
});

test('idleTimeout: 1001 after silence, which every byte breaks', async (t) => {
  const { server, pair } = await serving(t, { idleTimeout: 150 });
  const { peer, socket } = await pair();
  const failed = next(server, 'error');
  const closed = next(server, 'close');
  const bytes = binary('a frame that never becomes whole');
  for (let i = 0; i < 5; i++) {
    await pass(50);
    peer.write(bytes.subarray(i, i + 1));
  }
  const began_ms = performance.now();
  assert.deepEqual(await peer.closeFrame(), [1001, '']);
  took(began_ms, 140);
  const [error, whose] = await failed;
  assert.ok(error instanceof ConnectionError && whose === socket);
  assert.deepEqual([error.code, error.closeCode], [ErrorCode.TIMEOUT_IDLE, 1001]);
  peer.transport.end();
  await closed;
});

test('pingInterval: an empty ping after silence; a pong keeps the connection', async (t) => {
  const { server, pair } = await serving(t, { pingInterval: 60, pongTimeout: 100 });
  const closed = collect(server, 'close');
  const began_ms = performance.now();
  const { peer } = await pair();
  for (let i = 0; i < 4; i++) {
    const { opcode, payload } = await peer.frame();
    assert.deepEqual([opcode, payload.length], [PING, 0]);
    peer.write(pong());
  }
  took(began_ms, 4 * 58);
  assert.equal(closed.length, 0);
});

test('pingInterval: one who talks is not pinged', async (t) => {
  const { pair } = await serving(t, { pingInterval: 200 });
  const { peer } = await pair();
  for (let i = 0; i < 10; i++) {
    await pass(40);
    peer.write(text('hello'));
  }
  assert.deepEqual(peer.frames, []);
});

test('pongTimeout: who does not answer a ping is given up', async (t) => {
  const { server, pair } = await serving(t, { pingInterval: 50, pongTimeout: 100 });
  const began_ms = performance.now();
  const { peer, socket } = await pair();
  const [error, whose] = await next(server, 'error');
  took(began_ms, 148);
  assert.ok(error instanceof ConnectionError && whose === socket);
  assert.equal(error.code, ErrorCode.TIMEOUT_PONG);
  assert.notEqual(await peer.overAs(), '');
  assert.equal(peer.frames.length, 1);
});

test('pongTimeout: who does not even read is given up, too', async (t) => {
  const { server, pair } = await serving(t, { pingInterval: 50, pongTimeout: 100 });
  const { peer, socket } = await pair();
  peer.transport.pause();
  for (let i = 0; i < 16; i++) socket.send(Buffer.alloc(1 << 20));
  const [, code, , clean] = await next(server, 'close', 2000);
  assert.deepEqual([code, clean], [1006, false]);
  assert.deepEqual([server.stats().active, server.stats().arenaUsed], [0, 0]);
});

test('closeTimeout: who does not answer a Close frame is cut off', async (t) => {
  const { server, pair } = await serving(t, { closeTimeout: 100 });
  // The core counts from when it was last told the time, and that may have been with the handshake.
  const began_ms = performance.now();
  const { peer, socket } = await pair();
  socket.close();
  const [, , , clean] = await next(server, 'close');
  took(began_ms, 100);
  assert.equal(clean, false);
  assert.deepEqual((await peer.closeFrame())[0], 1000);
});

test('closeTimeout: who does not read the Close frame is cut off', async (t) => {
  const { server, pair } = await serving(t, { closeTimeout: 100 });
  const { peer, socket } = await pair();
  peer.transport.pause();
  for (let i = 0; i < 16; i++) socket.send(Buffer.alloc(1 << 20));
  socket.close();
  const [, , , clean] = await next(server, 'close', 2000);
  assert.equal(clean, false);
  assert.equal(server.stats().active, 0);
});

test('closeTimeout: who keeps its side of TCP open after the handshake is cut off', async (t) => {
  const { server, pair } = await serving(t, { closeTimeout: 100 });
  const { peer } = await pair();
  peer.stays = true;
  const began_ms = performance.now();
  peer.write(close(1000));
  await next(server, 'close');
  took(began_ms, 100);
});

test('many deadlines, each met in its time', async (t) => {
  const { server, open } = await serving(t, { idleTimeout: 120 });
  const closed = collect(server, 'close');
  const began_ms = performance.now();
  await Promise.all(Array.from({ length: 50 }, () => open()));
  server.on('error', () => took(began_ms, 120));
  for (const socket of server.sockets()) assert.ok(socket.isOpen);
  await until(
    () => server.stats().opened === 50 && ![...server.sockets()].some((s) => s.isOpen),
    '50 ends',
  );
  assert.equal(closed.length, 0);
});
