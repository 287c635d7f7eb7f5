// A net.Server whose connections are taken: it counts, bounds, tells and ends as any other does.

import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, Socket, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { HandleTransport } from '../../../host/node/transport/index.js';
import { accepting, collected } from '../support/accepted.js';
import { Child } from '../support/child.js';
import { until, within } from '../support/wait.js';

const MIB = 1 << 20;

test('getConnections and close count connections without sockets', async (t) => {
  const { server, accept } = await accepting(t);
  const count = () =>
    new Promise<number>((resolve, reject) => {
      server.getConnections((error, connections) => {
        if (error) reject(error);
        else resolve(connections);
      });
    });
  const one = await accept();
  const two = await accept();
  assert.equal(await count(), 2);
  one.it.transport.destroy();
  await until(() => one.it.told.includes('closed'), 'the close');
  assert.equal(await count(), 1);
  let isClosed = false;
  server.close(() => (isClosed = true));
  await until(() => !server.listening, 'no more listening');
  assert.equal(isClosed, false, 'a connection is open');
  two.it.transport.destroy();
  await until(() => isClosed, "the event 'close'");
});

test('past maxConnections a connection is dropped, and told', async (t) => {
  const { server, accept, connections } = await accepting(t);
  server.maxConnections = 1;
  const dropped = once(server, 'drop');
  await accept();
  const late = connect((server.address() as AddressInfo).port, '127.0.0.1');
  late.on('error', () => undefined);
  const [{ remotePort }] = (await within(dropped, 'the drop')) as [{ remotePort: number }];
  assert.equal(remotePort, late.localPort);
  await until(() => late.destroyed, 'the end of the client');
  assert.equal(connections.length, 1);
});

test("who listens to 'connection', or to all sockets of the process, sees sockets", async (t) => {
  const { server, accept, connections } = await accepting(t);
  const seen: Socket[] = [];
  const listener = (socket: Socket) => seen.push(socket);
  server.on('connection', listener);
  const { it, there } = await accept();
  assert.equal(connections[0], seen[0]);
  const got = collected(there);
  there.write('ping');
  await until(() => it.text === 'ping', 'a read');
  it.transport.write(Buffer.from('pong'));
  await until(() => got.text === 'pong', 'the write');
  server.off('connection', listener);
  await accept();
  assert.ok(connections[1] instanceof HandleTransport);

  const sockets: unknown[] = [];
  const subscriber = (message: unknown) => sockets.push((message as { socket: unknown }).socket);
  channel('net.server.socket').subscribe(subscriber);
  await accept();
  channel('net.server.socket').unsubscribe(subscriber);
  assert.ok(connections[2] instanceof Socket);
  assert.deepEqual(sockets, [connections[2]]);
});

test('a server that listens again is taken again', async (t) => {
  const { server, accept, connections } = await accepting(t);
  server.close();
  await once(server, 'close');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await accept();
  assert.ok(connections[0] instanceof HandleTransport);
});

test('an open connection keeps the process alive; not one whose stream is unref()ed', async (t) => {
  const { accept } = await accepting(t);
  const alive = () =>
    process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  await until(() => alive() === 0, 'the end of all sockets before');
  const { it } = await accept();
  assert.equal(alive(), 2, 'both ends');
  const streaming = it.transport.toStream();
  assert.equal(alive(), 2, 'both ends');
  (streaming.stream as Socket).unref();
  assert.equal(alive(), 1, 'the client only');
});

const OWN = `
  const { createServer } = await import('./build/index.js');
  const server = createServer();
  server.on('message', (socket, data) => socket.send(data));
  const { port } = await server.listen();
  console.log('http://127.0.0.1:' + port + '/');`;
const ATTACHED = `
  const { createServer } = await import('./build/index.js');
  const server = createServer();
  server.on('message', (socket, data) => socket.send(data));
  const net = (await import('node:net')).createServer((socket) => server.attach(socket));
  net.listen(0, '127.0.0.1', () => {
    console.log('http://127.0.0.1:' + net.address().port + '/');
  });`;

/** Private interfaces, each hidden as it would be by a Node that does not have it. */
const HIDDEN = {
  'process.binding': `
  process.binding = () => { throw new Error('there is none'); };`,
  'the handles that are known': `
  process.binding('tcp_wrap').TCP.prototype.useUserBuffer = undefined;`,
  'the symbols of a socket': `
  const { Socket } = await import('node:net');
  const symbols = Object.getOwnPropertySymbols;
  Object.getOwnPropertySymbols = (it) => symbols(it).filter(({ description }) => description !== 'kBuffer');`,
};

for (const [what, hide] of Object.entries(HIDDEN)) {
  for (const [how, serve] of [
    ['its own port', OWN],
    ['a socket that is attached', ATTACHED],
  ]) {
    test(`a Node without ${what} serves ${how} by what is public`, async (t) => {
      const child = new Child(t, ['--input-type=module', '--eval', hide + serve]);
      const client = new WebSocket(`ws://127.0.0.1:${await child.port()}/`);
      t.after(() => {
        client.terminate();
      });
      await once(client, 'open');
      for (const size of [5, 70_000, 5 * MIB]) {
        const sent = Buffer.alloc(size, 'limpet ');
        client.send(sent);
        const [came] = (await within(once(client, 'message'), `${size} bytes`)) as [Buffer];
        assert.ok(came.equals(sent), `${size} bytes came back as ${came.length} others`);
      }
      const closed = once(client, 'close');
      client.close(1000);
      assert.equal((await within(closed, 'the close'))[0], 1000);
    });
  }
}
