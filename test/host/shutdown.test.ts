// server.close → every client is told, and the promise keeps its time whatever clients do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createServer } from '../../host/node/index.js';
import { binary, close } from '../conformance/frame.js';
import { Peer } from './support/peer.js';
import { collect, next, serving } from './support/serving.js';
import { until, within } from './support/wait.js';

/** Ms that server.close takes. */
async function closing(server: ReturnType<typeof createServer>, timeout?: number): Promise<number> {
  const began_ms = performance.now();
  await within(server.close(timeout === undefined ? {} : { timeout }), 'server.close');
  return performance.now() - began_ms;
}

test('every client gets 1001, and close ends when they have answered', async (t) => {
  const { server, pair } = await serving(t);
  const pairs = await Promise.all(Array.from({ length: 20 }, () => pair()));
  const closed = collect(server, 'close');
  const answering = pairs.map(async ({ peer }) => {
    assert.deepEqual(await peer.closeFrame(), [1001, '']);
    peer.write(close(1001));
    peer.transport.end();
  });
  const took_ms = await closing(server);
  await Promise.all(answering);
  assert.ok(took_ms < 1500, `${took_ms} ms although all answered`);
  assert.equal(closed.length, 20);
  for (const [, code, , clean] of closed) assert.deepEqual([code, clean], [1001, true]);
});

test('the code and the reason are those that were asked for', async (t) => {
  const { server, pair } = await serving(t);
  const { peer } = await pair();
  const ended = server.close({ code: 1012, reason: 'back soon', timeout: 50 });
  assert.deepEqual(await peer.closeFrame(), [1012, 'back soon']);
  await within(ended, 'server.close');
});

test('a client that does not answer is cut off after the timeout', async (t) => {
  const { server, pair } = await serving(t);
  const { peer } = await pair();
  const closed = collect(server, 'close');
  const took_ms = await closing(server, 100);
  assert.ok(took_ms >= 95 && took_ms < 1000, `${took_ms} ms`);
  assert.equal(closed.length, 1);
  assert.equal(closed[0]?.[3], false);
  assert.notEqual(await peer.overAs(), '');
});

test('a client that does not even read is cut off after the timeout', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  peer.transport.pause();
  for (let i = 0; i < 16; i++) socket.send(Buffer.alloc(1 << 20));
  const took_ms = await closing(server, 100);
  assert.ok(took_ms < 1000, `${took_ms} ms`);
  assert.equal(server.stats().active, 0);
});

test('connections that are not open yet do not hold it up', async (t) => {
  const { server, connect } = await serving(t);
  server.on('upgrade', () => {});
  const silent = await connect();
  const half = await connect();
  half.write(Buffer.from('GET / HTTP/1.1\r\nHost:'));
  const upgraded = next(server, 'upgrade');
  const pending = await connect();
  pending.upgrade().catch(() => {});
  await upgraded;
  const took_ms = await closing(server);
  assert.ok(took_ms < 1000, `${took_ms} ms`);
  for (const peer of [silent, half, pending]) assert.notEqual(await peer.overAs(), '');
});

test('a paused connection takes part in the close handshake', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  socket.pause();
  const ended = within(server.close({ timeout: 3000 }), 'server.close', 2000);
  assert.deepEqual(await peer.closeFrame(), [1001, '']);
  peer.write(close(1001));
  peer.transport.end();
  await ended;
});

test('what was sent before the close is delivered whole', async (t) => {
  const { server, pair } = await serving(t);
  const { peer, socket } = await pair();
  const payload = Buffer.alloc(5 << 20, 'limpet');
  socket.send(payload);
  const ended = server.close({ timeout: 4000 });
  assert.ok((await peer.frame()).payload.equals(payload));
  assert.equal((await peer.closeFrame())[0], 1001);
  peer.write(binary('late'), close(1001));
  peer.transport.end();
  await within(ended, 'server.close');
});

test('afterwards nobody gets in, and a second close has nothing to do', async (t) => {
  const { server, port } = await serving(t);
  await server.close();
  const peer = await Peer.connect(port);
  assert.equal(await peer.overAs(), 'reset');
  assert.equal(server.address(), null);
  await within(server.close(), 'a second close');
});

test('a close code that may not be sent is refused', async (t) => {
  const { server, pair } = await serving(t);
  const { socket } = await pair();
  await assert.rejects(server.close({ code: 1005, timeout: 100 }), RangeError);
  assert.ok(socket.isOpen);
});

test('a closed server keeps nothing open', async () => {
  const server = createServer();
  await server.listen();
  const listening = () => process.getActiveResourcesInfo().includes('TCPServerWrap');
  assert.ok(listening());
  await server.close();
  await until(() => !listening(), 'the end of the listening socket');
});
