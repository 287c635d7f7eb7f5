// A TCP connection without a net.Socket: reads, writes that leave at once, later or never, both ends,
// and the socket that is made when somebody asks for it.

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HandleTransport } from '../../../host/node/transport/index.js';
import { accepting, collected } from '../support/accepted.js';
import { pass, turns, until } from '../support/wait.js';

const MIB = 1 << 20;

test('bytes come in the buffer, and go without a callback', async (t) => {
  const { accept, connections } = await accepting(t);
  const { it, there } = await accept();
  assert.ok(connections[0] instanceof HandleTransport, 'this Node has no handles');
  const got = collected(there);
  there.write('Hello');
  await until(() => it.text === 'Hello', 'a read');
  assert.deepEqual([it.reads, it.chunks], [1, 0]);
  assert.equal(it.transport.write(Buffer.from('one ')), true);
  const pieces = ['two ', 'three'].map((word) => Buffer.from(word));
  assert.equal(it.transport.writev(pieces), true);
  await until(() => got.text === 'one two three', 'the writes');
  await turns(2);
  assert.deepEqual(it.told, []);
  assert.equal(it.transport.unwritten, 0);
  const { localAddress: address, localPort: port } = there;
  assert.deepEqual(it.transport.peer(), { address, port, family: 'IPv4' });
});

for (const several of [false, true]) {
  test(`16 MiB ${several ? 'in pieces' : 'at once'}: told when the kernel has them`, async (t) => {
    const { accept } = await accepting(t);
    const { it, there } = await accept();
    there.pause();
    const sent = Buffer.alloc(16 * MIB, 'limpet ');
    const pieces = [sent.subarray(0, 5), sent.subarray(5, 9 * MIB), sent.subarray(9 * MIB)];
    assert.equal(several ? it.transport.writev(pieces) : it.transport.write(sent), false);
    // The array is the caller's again.
    pieces.length = 0;
    assert.ok(it.transport.unwritten > MIB);
    await turns(3);
    assert.deepEqual(it.told, []);
    const came: Buffer[] = [];
    let bytes = 0;
    there.on('data', (chunk: Buffer) => {
      came.push(chunk);
      bytes += chunk.length;
    });
    there.resume();
    await until(() => bytes === sent.length && it.told.length === 1, '16 MiB and their callback');
    assert.ok(Buffer.concat(came).equals(sent), 'other bytes came');
    assert.deepEqual(it.told, ['written']);
    assert.equal(it.transport.unwritten, 0);
    assert.equal(it.transport.write(Buffer.from('end')), true);
  });
}

test('a connection that is reset while a write waits is closed, without having written', async (t) => {
  const { accept } = await accepting(t);
  const { it, there } = await accept();
  there.pause();
  assert.equal(it.transport.write(Buffer.alloc(16 * MIB)), false);
  there.resetAndDestroy();
  await until(() => it.told.length > 0, 'the close');
  assert.deepEqual(it.told, ['closed']);
  assert.equal(it.transport.destroyed, true);
  assert.equal(it.transport.write(Buffer.from('late')), false);
  assert.equal(it.transport.unwritten, 0);
  it.transport.end();
  it.transport.finish();
  it.transport.pause();
  it.transport.resume();
  assert.deepEqual(it.transport.peer(), { address: '', port: 0, family: '' });
  await turns(2);
  assert.deepEqual(it.told, ['closed']);
});

test('paused, nothing is read; resumed, everything is', async (t) => {
  const { accept } = await accepting(t);
  const { it, there } = await accept();
  it.transport.pause();
  there.write('later');
  await pass(30);
  assert.equal(it.text, '');
  it.transport.resume();
  await until(() => it.text === 'later', 'the bytes');
  it.onRead = () => {
    it.transport.pause();
  };
  there.write(Buffer.alloc(MIB));
  await until(() => it.reads === 2, 'a read');
  await pass(30);
  assert.equal(it.reads, 2);
});

test('each side ends on its own, and finish closes behind what was written', async (t) => {
  const { accept } = await accepting(t);
  const { it, there } = await accept();
  const got = collected(there);
  it.transport.end();
  await until(() => got.ended, 'our FIN');
  there.write('still here');
  await until(() => it.text === 'still here', 'bytes behind our FIN');
  there.end();
  await until(() => it.told.includes('ended'), 'their FIN');
  await pass(20);
  assert.deepEqual(it.told, ['ended']);
  it.transport.finish();
  await until(() => it.told.includes('closed'), 'the close');

  const other = await accept();
  other.there.pause();
  const sent = Buffer.alloc(8 * MIB, 'x');
  assert.equal(other.it.transport.write(sent), false);
  other.it.transport.finish();
  other.it.transport.finish();
  await pass(20);
  assert.equal(other.it.transport.destroyed, false, 'closed before all was written');
  const all = collected(other.there);
  await until(() => all.ended, 'the FIN');
  assert.equal(all.text.length, sent.length);
  await until(() => other.it.told.includes('closed'), 'the close');
});

test('the socket that is made takes the connection over, whatever is under way', async (t) => {
  const { server, accept } = await accepting(t);
  const { it, there } = await accept();
  there.write('before ');
  await until(() => it.text === 'before ', 'a read');
  there.pause();
  assert.equal(it.transport.write(Buffer.alloc(16 * MIB, 'x')), false);
  const streaming = it.transport.toStream();
  it.transport = streaming;
  const { stream } = streaming;
  assert.ok(stream instanceof Socket);
  assert.equal(stream.remotePort, there.localPort);
  assert.equal(streaming.toStream(), streaming);
  there.write('after');
  await until(() => it.text === 'before after', 'a read through the socket');
  assert.equal(it.chunks, 0, 'the socket reads into the same buffer');
  stream.write('mine');
  const got = collected(there);
  await until(() => got.text.length === 16 * MIB + 4, 'both writes');
  assert.ok(got.text.endsWith('xmine'), 'in their order');
  assert.deepEqual(it.told, ['written']);
  there.end();
  await until(() => it.told.includes('ended'), 'the end');
  streaming.finish();
  await until(() => it.told.includes('closed'), 'the close');
  assert.deepEqual(it.told, ['written', 'ended', 'closed']);
  const count = await new Promise((resolve) => {
    server.getConnections((_, connections) => {
      resolve(connections);
    });
  });
  assert.equal(count, 0);
});

test('the socket that is made is as far as the connection is: ended, paused, closed', async (t) => {
  const { accept } = await accepting(t);
  const { it, there } = await accept();
  const got = collected(there);
  there.end('bye');
  await until(() => it.told.includes('ended'), 'their FIN');
  it.transport.end();
  const streaming = it.transport.toStream();
  it.transport = streaming;
  await until(() => got.ended, 'our FIN');
  await turns(5);
  assert.deepEqual(it.told.filter((told) => told === 'ended').length, 1, 'the end is told once');
  streaming.finish();
  await until(() => it.told.includes('closed'), 'the close');

  const paused = await accept();
  paused.it.transport.pause();
  paused.it.transport = paused.it.transport.toStream();
  paused.there.write('waits');
  await pass(30);
  assert.equal(paused.it.text, '');
  paused.it.transport.resume();
  await until(() => paused.it.text === 'waits', 'the bytes');

  const closed = await accept();
  closed.it.transport.destroy();
  const { stream } = closed.it.transport.toStream();
  assert.equal(stream.destroyed, true);
  await until(() => closed.it.told.includes('closed'), 'the close');
});

test('a socket that its owner destroys or resets is told as closed', async (t) => {
  const { accept } = await accepting(t);
  const one = await accept();
  one.it.transport = one.it.transport.toStream();
  (one.it.transport.toStream().stream as Socket).destroy();
  await until(() => one.it.told.includes('closed'), 'the close');
  const two = await accept();
  two.it.transport = two.it.transport.toStream();
  two.there.resetAndDestroy();
  await until(() => two.it.told.includes('closed'), 'the close');
  assert.deepEqual([one.it.told, two.it.told], [['closed'], ['closed']]);
});

test('release: the socket reads for its owner again, what was kept first', async (t) => {
  const { accept } = await accepting(t);
  const { it, there } = await accept();
  there.write('taken');
  await until(() => it.text === 'taken', 'a read');
  const stream = it.transport.toStream().release([Buffer.from('kept '), Buffer.from('too ')]);
  there.write('and more');
  await pass(20);
  let came = '';
  stream.on('data', (chunk: Buffer) => (came += chunk.toString()));
  stream.resume();
  await until(() => came === 'kept too and more', 'its bytes');
  // Bytes in the socket are its own, not views of the buffer that all share.
  there.write('x'.repeat(200_000));
  await until(() => came.length === 200_017, 'many bytes');
  const got = collected(there);
  stream.end('answer');
  await until(() => got.ended, 'its end');
  assert.equal(got.text, 'answer');
  there.end();
  await once(stream, 'close');
  assert.deepEqual([it.text, it.told], ['taken', []]);
});

test('a Unix socket is served, too', async (t) => {
  const path = join(tmpdir(), `limpet-${process.pid}.sock`);
  const { accept, connections } = await accepting(t, path);
  const { it, there } = await accept();
  assert.ok(connections[0] instanceof HandleTransport);
  const got = collected(there);
  there.write('ping');
  await until(() => it.text === 'ping', 'a read');
  it.transport.write(Buffer.from('pong'));
  await until(() => got.text === 'pong', 'the write');
  assert.deepEqual(it.transport.peer(), { address: '', port: 0, family: '' });
});

test('AsyncLocalStorage: each connection has a context of its own', async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const { accept } = await accepting(t);
  const seen: (string | undefined)[] = [];
  const name = async (own: string) => {
    const { it, there } = await accept();
    it.onRead = () => {
      seen.push(storage.getStore());
      storage.enterWith(own);
    };
    return async () => {
      const { reads } = it;
      storage.run('elsewhere', () => there.write('x'));
      await until(() => it.reads > reads, 'a read');
    };
  };
  const one = await name('one');
  const two = await name('two');
  for (const read of [one, two, one, two]) await read();
  assert.deepEqual(seen, [undefined, undefined, 'one', 'two']);
});
