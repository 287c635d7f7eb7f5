// A handler that throws → the process sees it; where the process lives on, so do all connections.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, text } from '../conformance/frame.js';
import { Child } from './support/child.js';
import { handshake, Peer } from './support/peer.js';

/** A server whose handlers throw when they are told to. */
const program = (survives: boolean) => `
  import { createServer } from './build/index.js';
  ${survives ? "process.on('uncaughtException', (error) => console.error('caught ' + error.message));" : ''}
  const server = createServer();
  server.on('upgrade', (request) => {
    if (request.path === '/throw-upgrade') throw new Error('upgrade');
    request.accept();
  });
  server.on('open', (socket, request) => {
    if (request.path === '/throw-open') throw new Error('open');
  });
  server.on('message', (socket, data) => {
    if (data.toString() === 'throw') throw new Error('message');
    socket.send(data.toString());
  });
  server.on('close', () => { throw new Error('close'); });
  server.on('request', () => { throw new Error('request'); });
  const { port } = await server.listen();
  console.log(\`listening on :\${port}\`);
`;
const child = (t: ConstructorParameters<typeof Child>[0], survives: boolean) =>
  new Child(t, ['--input-type=module', '-e', program(survives)]);

test('nobody catches it: the process ends with the error', async (t) => {
  const server = child(t, false);
  const peer = await Peer.open(await server.port());
  peer.write(text('throw'));
  const { code, stderr } = await server.ended();
  assert.equal(code, 1);
  assert.match(stderr, /Error: message/);
  assert.notEqual(await peer.overAs(), '');
});

test('the process catches it: the connection and the others go on', async (t) => {
  const server = child(t, true);
  const port = await server.port();
  const other = await Peer.open(port);
  const peer = await Peer.open(port);
  t.after(() => {
    other.transport.destroy();
    peer.transport.destroy();
  });
  peer.write(text('one'), text('throw'), text('two'), text('throw'), text('three'));
  other.write(text('me too'));
  assert.deepEqual(
    [await peer.text(), await peer.text(), await peer.text()],
    ['one', 'two', 'three'],
  );
  assert.equal(await other.text(), 'me too');
  assert.equal(server.stderr.match(/caught message/g)?.length, 2);
});

test('throwing in open: messages that came with the handshake are answered all the same', async (t) => {
  const server = child(t, true);
  const peer = await Peer.connect(await server.port());
  t.after(() => peer.transport.destroy());
  peer.write(handshake({ path: '/throw-open' }), text('early'));
  await peer.upgraded();
  assert.equal(await peer.text(), 'early');
  assert.match(server.stderr, /caught open/);
});

test('throwing in upgrade and request: that connection waits for its timeout, others do not', async (t) => {
  const server = child(t, true);
  const port = await server.port();
  const stuck = await Peer.connect(port);
  stuck.write(handshake({ path: '/throw-upgrade' }));
  const plain = await Peer.connect(port);
  plain.write(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  const peer = await Peer.open(port);
  t.after(() => {
    for (const { transport } of [stuck, plain, peer]) transport.destroy();
  });
  peer.write(text('hello'));
  assert.equal(await peer.text(), 'hello');
  assert.match(server.stderr, /caught upgrade/);
  assert.match(server.stderr, /caught request/);
});

test('throwing in close: the place is free again', async (t) => {
  const server = child(t, true);
  const port = await server.port();
  for (let i = 0; i < 20; i++) {
    const peer = await Peer.open(port);
    peer.write(text(`${i}`), close(1000));
    assert.equal(await peer.text(), `${i}`);
    assert.equal((await peer.closeFrame())[0], 1000);
    assert.equal(await peer.overAs(), 'end');
  }
});
