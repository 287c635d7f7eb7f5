// createServer → listening, its events, its counters, its pool, its end.

import assert from 'node:assert/strict';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createServer } from '../../host/node/index.js';
import { close, ping, text } from '../conformance/frame.js';
import { Peer } from './support/peer.js';
import { collect, echoing, next, serving } from './support/serving.js';
import { until, within } from './support/wait.js';

test('listen takes a free port of 127.0.0.1 and tells it', async (t) => {
  const server = createServer();
  t.after(() => server.close());
  assert.equal(server.address(), null);
  const listening = next(server, 'listening');
  const address = await server.listen();
  await listening;
  assert.equal(address.address, '127.0.0.1');
  assert.ok(address.port > 0);
  assert.deepEqual(server.address(), address);
});

test('listen rejects when the port is taken, and no listener for errors is needed', async (t) => {
  const other = createNetServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const server = createServer();
  t.after(() => server.close());
  const { port } = other.address() as AddressInfo;
  await assert.rejects(server.listen(port), { code: 'EADDRINUSE' });
});

test('listen rejects while it listens, and can be tried again where it failed', async (t) => {
  const taken = createNetServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  const server = createServer();
  t.after(() => server.close());
  const listening = collect(server, 'listening');
  for (let i = 0; i < 12; i++) await assert.rejects(server.listen(port), { code: 'EADDRINUSE' });
  await assert.rejects(server.listen(70_000), { code: 'ERR_SOCKET_BAD_PORT' });
  await new Promise((resolve) => taken.close(resolve));
  assert.equal((await server.listen(port)).port, port);
  await assert.rejects(server.listen(), { code: 'ERR_SERVER_ALREADY_LISTEN' });
  assert.equal(listening.length, 1);
});

test('a server that never listened closes', async () => {
  await within(createServer().close(), 'close');
});

test('open, message, close: in this order, with the same socket', async (t) => {
  const { server, open } = await serving(t);
  const told: string[] = [];
  server.on('open', (socket, request) => told.push(`open ${socket.id} ${request.path}`));
  server.on('message', (socket, data) => told.push(`message ${socket.id} ${data.toString()}`));
  server.on('close', (socket, code) => told.push(`close ${socket.id} ${code}`));
  const closed = next(server, 'close');
  const peer = await open({ path: '/somewhere' });
  peer.write(text('one'), text('two'), close(1000));
  const [{ id }] = await closed;
  assert.deepEqual(told, [
    `open ${id} /somewhere`,
    `message ${id} one`,
    `message ${id} two`,
    `close ${id} 1000`,
  ]);
});

test('sockets() are the open connections, each with an id of its own', async (t) => {
  const { server, connect, pair } = await serving(t);
  const one = await pair();
  const two = await pair();
  await connect();
  const ids = [...server.sockets()].map(({ id }) => id);
  assert.deepEqual(ids.sort(), [one.socket.id, two.socket.id].sort());
  assert.ok([...server.sockets()].includes(one.socket), 'the very same objects');
  assert.notEqual(one.socket.id, two.socket.id);
  assert.equal(one.socket.remoteAddress, '127.0.0.1');
  const closed = next(server, 'close');
  one.peer.reset();
  await closed;
  assert.deepEqual(
    [...server.sockets()].map(({ id }) => id),
    [two.socket.id],
  );
});

test('stats() counts messages, bytes, connections and violations', async (t) => {
  const { server, pair } = await serving(t);
  echoing(server);
  const { peer } = await pair();
  peer.write(text('12345'), ping('x'), text('678'));
  for (let i = 0; i < 3; i++) await peer.frame();
  const { messagesIn, messagesOut, bytesIn, bytesOut, opened, active, sessions, memoryBytes } =
    server.stats();
  assert.deepEqual(
    { messagesIn, messagesOut, bytesIn, bytesOut, opened, active },
    { messagesIn: 2, messagesOut: 2, bytesIn: 8, bytesOut: 8, opened: 1, active: 1 },
  );
  assert.equal(sessions, 16384);
  assert.equal(memoryBytes, server.core.exports.memory.buffer.byteLength);
  const failed = next(server, 'error');
  peer.write(Buffer.from([0xff, 0x80, 0, 0, 0, 0]));
  await failed;
  assert.equal(server.stats().violations, 1);
});

test('past maxConnections a connection is refused, and a freed place is given again', async (t) => {
  const { server, connect, pair } = await serving(t, { maxConnections: 2 });
  const { peer, socket } = await pair();
  await pair();
  const refused = await connect();
  assert.notEqual(await refused.overAs(), '');
  assert.equal(server.stats().active, 2);
  assert.equal(server.stats().sessionsFull, 1);
  const closed = next(server, 'close');
  socket.close();
  await peer.closeFrame();
  peer.write(close(1000));
  peer.transport.end();
  await closed;
  await pair();
  assert.equal(server.stats().active, 2);
});

test('the profile nano serves its four sessions and refuses the fifth', async (t) => {
  const { server, connect, pair } = await serving(t, { profile: 'nano' });
  echoing(server);
  const all = [await pair(), await pair(), await pair(), await pair()];
  const fifth = await connect();
  assert.notEqual(await fifth.overAs(), '');
  for (const [i, { peer }] of all.entries()) {
    peer.write(text(`hello ${i}`));
    assert.equal(await peer.text(), `hello ${i}`);
  }
});

test('1,000 connections, opened and closed in all ways, leave nothing behind', async (t) => {
  const { server, port } = await serving(t);
  echoing(server);
  const closed = collect(server, 'close');
  const peers = await Promise.all(Array.from({ length: 1000 }, () => Peer.open(port)));
  assert.equal(server.stats().active, 1000);
  for (const [i, peer] of peers.entries()) {
    peer.write(text(`message ${i}`));
    if (i % 4 === 0) peer.write(close(1000));
    else if (i % 4 === 1) peer.transport.end();
    else if (i % 4 === 2) peer.write(text('the beginning of one', { fin: false }));
  }
  await Promise.all(
    peers.map(async (peer, i) => {
      if (i % 4 !== 1) assert.equal(await peer.text(), `message ${i}`);
      if (i % 4 === 0) peer.transport.end();
      else if (i % 4 > 1) peer.reset();
    }),
  );
  await until(() => closed.length === 1000, '1,000 close events', 10_000);
  const { active, activePeak, arenaUsed } = server.stats();
  assert.deepEqual(
    { active, activePeak, arenaUsed },
    { active: 0, activePeak: 1000, arenaUsed: 0 },
  );
  assert.equal([...server.sockets()].length, 0);
  for (const peer of peers) peer.transport.destroy();
});

test('places are used again: 100 connections one after another in nano', async (t) => {
  const { server, port } = await serving(t, { profile: 'nano' });
  echoing(server);
  for (let i = 0; i < 100; i++) {
    const closed = next(server, 'close');
    const peer = await Peer.open(port);
    peer.write(text(`${i}`), close(1000));
    assert.equal(await peer.text(), `${i}`);
    peer.transport.end();
    const [, code, , clean] = await closed;
    assert.deepEqual([code, clean], [1000, true]);
  }
  assert.equal(server.stats().opened, 100);
  assert.equal(server.stats().arenaUsed, 0);
});
