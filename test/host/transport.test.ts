// Writes past the stream: what the kernel takes at once, what it takes later, what it never takes;
// and a Node without that interface.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { Sink } from '../../host/node/transport.js';
import { Child } from './support/child.js';
import { until, within } from './support/wait.js';

const MIB = 1 << 20;

/** A TCP connection from both ends. */
async function pair(t: TestContext): Promise<{ here: Socket; there: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const there = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [here] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    here.destroy();
    there.destroy();
    server.close();
  });
  return { here, there };
}

test('a sink writes what the kernel takes at once, without a callback', async (t) => {
  const { here, there } = await pair(t);
  let written = 0;
  const sink = Sink.of(here, () => (written += 1));
  assert.ok(sink, 'this Node has no handle that writes');
  assert.equal(sink.write(Buffer.from('Hello')), true);
  assert.equal(sink.write(Buffer.from(', world')), true);
  let came = '';
  there.on('data', (chunk: Buffer) => (came += chunk.toString()));
  await until(() => came === 'Hello, world', 'both writes');
  assert.equal(written, 0);
});

test('a sink tells when the kernel has what it did not take at once', async (t) => {
  const { here, there } = await pair(t);
  let written = 0;
  const sink = Sink.of(here, () => (written += 1));
  assert.ok(sink, 'this Node has no handle that writes');
  const sent = Buffer.alloc(16 * MIB, 'limpet ');
  there.pause();
  assert.equal(sink.write(sent), false);
  const came: Buffer[] = [];
  let bytes = 0;
  there.on('data', (chunk: Buffer) => {
    came.push(chunk);
    bytes += chunk.length;
  });
  there.resume();
  await until(() => bytes === sent.length && written === 1, '16 MiB and their callback');
  assert.ok(Buffer.concat(came).equals(sent), 'other bytes came');
  // The next write has a request of its own.
  assert.equal(sink.write(Buffer.from('end')), true);
});

test('a connection that ends while a sink waits is destroyed', async (t) => {
  const { here, there } = await pair(t);
  here.on('error', () => undefined);
  const sink = Sink.of(here, () => assert.fail('it was never written'));
  assert.ok(sink, 'this Node has no handle that writes');
  there.pause();
  assert.equal(sink.write(Buffer.alloc(16 * MIB)), false);
  const closed = new Promise((resolve) => here.once('close', resolve));
  there.resetAndDestroy();
  await within(closed, 'the close');
  assert.equal(sink.write(Buffer.from('late')), false);
});

test('what is no TCP connection has no sink', () => {
  assert.equal(
    Sink.of(new Socket(), () => undefined),
    undefined,
  );
});

test('a Node without that interface writes through its streams', async (t) => {
  const program = `
    process.binding = () => { throw new Error('there is none'); };
    const { createServer } = await import('./build/index.js');
    const server = createServer();
    server.on('message', (socket, data) => socket.send(data));
    const { port } = await server.listen();
    console.log('http://127.0.0.1:' + port + '/');
  `;
  const child = new Child(t, ['--input-type=module', '--eval', program]);
  const client = new WebSocket(`ws://127.0.0.1:${await child.port()}/`);
  t.after(() => client.terminate());
  await once(client, 'open');
  for (const size of [5, 70_000, 5 * MIB]) {
    const sent = Buffer.alloc(size, 'limpet ');
    client.send(sent);
    const [came] = (await within(once(client, 'message'), `${size} bytes`)) as [Buffer];
    assert.ok(came.equals(sent), `${size} bytes came back as ${came.length} others`);
  }
});
