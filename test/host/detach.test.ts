// SocketLoop.detach: a session ends without a word, and its connection is its caller's.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Opcode } from '../../build/limpet.abi.js';
import type { Link } from '../../host/node/link.js';
import { takeConnections } from '../../host/node/transport/index.js';
import { text } from '../conformance/frame.js';
import { collected } from './support/accepted.js';
import { duplexPair } from './support/duplex.js';
import { looping, type Looping } from './support/looping.js';
import { handshake } from './support/peer.js';
import { turns, until } from './support/wait.js';

/** A loop on a port of its own, and a client of it. */
async function listening(
  t: TestContext,
): Promise<Looping & { link: () => Link<string>; there: Socket }> {
  const it = looping(t);
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  const links: Link<string>[] = [];
  takeConnections(server, (connection) => {
    const link = it.loop.accept(connection);
    if (link) links.push(link);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const there = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => {
    there.destroy();
    server.close();
  });
  const link = () => {
    assert.ok(links[0]);
    return links[0];
  };
  return { ...it, link, there };
}

test('who is told of a failed handshake may answer by himself', async (t) => {
  const { loop, told, handlers, there } = await listening(t);
  handlers.failed = (link) => {
    const stream = loop.detach(link);
    assert.ok(stream);
    told.push('failed');
    stream.resume();
    stream.end('HTTP/1.1 400 Mine\r\nConnection: close\r\n\r\n');
  };
  const got = collected(there);
  there.write('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  await until(() => got.ended, 'the answer');
  assert.equal(got.text, 'HTTP/1.1 400 Mine\r\nConnection: close\r\n\r\n');
  there.end();
  await until(() => loop.size === 0, 'the end of the session');
  assert.deepEqual(told, ['failed', '- closed 1006  false']);
  assert.deepEqual([loop.core.stats().active, loop.core.stats().arenaUsed], [0, 0]);
});

test('an open connection is given back, too: nothing of its session is written any more', async (t) => {
  const { loop, told, link, there } = await listening(t);
  const got = collected(there);
  there.write(Buffer.concat([handshake(), text('hello')]));
  await until(() => told.length === 2, 'a message');
  await until(() => got.text.endsWith('\r\n\r\n'), 'the answer');
  const it = link();
  const head = got.text.length;
  loop.send(it, Opcode.TEXT, 'never leaves');
  const stream = loop.detach(it);
  assert.ok(stream);
  assert.equal(told[2], '- closed 1006  false');
  stream.write('something else');
  await until(() => got.text.length > head, 'bytes of its own');
  await turns(3);
  assert.equal(got.text.slice(head), 'something else');
  let came = '';
  stream.on('data', (chunk: Buffer) => (came += chunk.toString())).resume();
  there.write('an answer');
  await until(() => came === 'an answer', 'bytes for it');
  assert.equal(loop.detach(it), undefined);
  loop.terminate(it);
  await turns(3);
  assert.equal(stream.destroyed, false);
  stream.destroy();
});

test('bytes that wait for a decision go back with the connection', (t) => {
  const { loop, handlers } = looping(t);
  handlers.upgrade = () => undefined;
  const [near, far] = duplexPair(4);
  far.on('error', () => undefined);
  const link = loop.accept(near, handshake());
  assert.ok(link);
  const behind = Buffer.alloc(100_000, 'what came behind it');
  loop.fed(link, behind);
  const stream = loop.detach(link);
  assert.equal(stream, near);
  // The session holds what has room beside the head; the rest was not taken.
  const rest = stream?.read() as Buffer;
  assert.ok(rest.length > 50_000);
  assert.ok(rest.equals(behind.subarray(-rest.length)));
});

test('while bytes of its session are being written a connection stays', async (t) => {
  const { loop, told, link, there } = await listening(t);
  there.write(handshake());
  await until(() => told.length === 1, 'the upgrade');
  await turns(3);
  there.pause();
  loop.send(link(), Opcode.BINARY, Buffer.alloc(16 << 20));
  await turns(3);
  assert.equal(loop.detach(link()), undefined);
  there.resume();
  await until(() => link().writing === 0, 'the write');
  const stream = loop.detach(link());
  assert.ok(stream);
  stream.destroy();
});
