// Sockets that something else accepted: node:net, node:http's 'upgrade', node:tls. They stay what they
// are, and read straight into the buffer.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { connect, createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { test, type TestContext } from 'node:test';
import {
  connect as connectTls,
  createServer as createTlsServer,
  type ConnectionOptions,
} from 'node:tls';
import { transportOf } from '../../../host/node/transport/index.js';
import { Certificate } from '../../support/certificate.js';
import { collected } from '../support/accepted.js';
import { handshake } from '../support/peer.js';
import { Recorder } from '../support/recorder.js';
import { pass, turns, until } from '../support/wait.js';

const MIB = 1 << 20;

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function tcp(t: TestContext, options: object = {}): Promise<{ here: Socket; there: Socket }> {
  const server = createServer({ allowHalfOpen: true, ...options });
  const port = await listen(t, server);
  const there = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  there.on('error', () => undefined);
  const [here] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    here.destroy();
    there.destroy();
  });
  return { here, there };
}

async function tls(t: TestContext): Promise<{ here: Socket; there: Socket }> {
  const own = new Certificate(['localhost']);
  const server = createTlsServer({ cert: own.cert, key: own.key, allowHalfOpen: true });
  const port = await listen(t, server);
  const accepted = once(server, 'secureConnection');
  const there = connectTls({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: own.cert,
    allowHalfOpen: true,
  } as ConnectionOptions);
  there.on('error', () => undefined);
  const [here] = (await accepted) as [Socket];
  t.after(() => {
    here.destroy();
    there.destroy();
  });
  return { here, there };
}

/** What node:http gives to 'upgrade', with what came behind the head. */
async function upgraded(
  t: TestContext,
  behind: Buffer,
): Promise<{ here: Socket; there: Socket; head: Buffer; server: Server }> {
  const server = createHttpServer();
  const port = await listen(t, server);
  const there = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  there.on('error', () => undefined);
  there.write(Buffer.concat([handshake(), behind]));
  const [, here, head] = (await once(server, 'upgrade')) as [IncomingMessage, Socket, Buffer];
  t.after(() => {
    here.destroy();
    there.destroy();
  });
  return { here, there, head, server };
}

function started(socket: Socket): Recorder {
  const it = new Recorder(transportOf(socket));
  it.transport.resume();
  return it;
}

for (const [name, make] of [
  ['net', tcp],
  ['a paused net', (t: TestContext) => tcp(t, { pauseOnConnect: true })],
  ['tls', tls],
] as const) {
  test(`${name} socket: reads go into the buffer, writes arrive in order, ends are told`, async (t) => {
    const { here, there } = await make(t);
    const it = started(here);
    const got = collected(there);
    assert.equal(it.transport.toStream().stream, here, 'the same socket');
    assert.equal(it.transport.peer().port, there.localPort);
    there.write('Hello');
    await until(() => it.text === 'Hello', 'a read');
    assert.equal(it.chunks, 0, 'nothing came as a chunk');
    it.transport.write(Buffer.from('one '));
    await turns(2);
    it.transport.writev([Buffer.from('two '), Buffer.from('three ')]);
    here.write('its owner’s '.replace('’', "'"));
    await until(() => got.text === "one two three its owner's ", 'the writes');

    it.told.length = 0;
    const sent = Buffer.alloc(3 * MIB, 'limpet ');
    const received = it.bytes.length;
    there.write(sent);
    await until(() => it.bytes.length === received + sent.length, '3 MiB');
    assert.ok(it.bytes.subarray(received).equals(sent), 'other bytes came');
    assert.equal(it.chunks, 0);
    there.end();
    await until(() => it.told.includes('ended'), 'the end');
    it.transport.finish();
    await until(() => got.ended && it.told.includes('closed'), 'the close');
    assert.deepEqual(it.told, ['ended', 'closed']);
  });

  test(`${name} socket: 16 MiB to one that does not read`, async (t) => {
    const { here, there } = await make(t);
    const it = started(here);
    there.pause();
    const sent = Buffer.alloc(16 * MIB, 'limpet ');
    assert.equal(it.transport.write(sent), false);
    await pass(30);
    assert.deepEqual(it.told, []);
    assert.ok(it.transport.unwritten > MIB);
    here.write('mine');
    const got = collected(there);
    await until(() => got.text.length === sent.length + 4, 'all', 15_000);
    assert.ok(got.text.endsWith('mine'));
    await until(() => it.told.length > 0, 'the callback');
    assert.deepEqual(it.told, ['written']);
    assert.equal(it.transport.unwritten, 0);
  });

  test(`${name} socket: paused in the middle of many bytes, nothing is lost`, async (t) => {
    const { here, there } = await make(t);
    const it = started(here);
    it.onRead = () => {
      it.transport.pause();
      setImmediate(() => {
        it.transport.resume();
      });
    };
    const sent = Buffer.from(Array.from({ length: 700_000 }, (_, i) => i % 251));
    there.write(sent);
    await until(() => it.bytes.length === sent.length, 'all bytes', 15_000);
    assert.ok(it.bytes.equals(sent));
  });

  test(`${name} socket: destroyed by its owner, reset by its peer`, async (t) => {
    const one = await make(t);
    const first = started(one.here);
    one.here.destroy();
    await until(() => first.told.includes('closed'), 'the close');
    const two = await make(t);
    const second = started(two.here);
    two.there.destroy();
    two.there.resetAndDestroy();
    await until(() => second.told.length > 0, 'the end');
    second.transport.destroy();
    await until(() => second.told.includes('closed'), 'the close');
    assert.equal(second.transport.write(Buffer.from('late')), false);
    assert.deepEqual(first.told, ['closed']);
  });

  test(`${name} socket: released, it reads for its owner, and is paused by it`, async (t) => {
    const { here, there } = await make(t);
    const it = started(here);
    there.write('taken');
    await until(() => it.text === 'taken', 'a read');
    const stream = it.transport.toStream().release([Buffer.from('kept ')]);
    assert.equal(stream, here);
    const sent = `and more${'x'.repeat(500_000)}`;
    there.write(sent);
    await pass(30);
    const got = collected(here);
    await until(() => got.text.length === sent.length + 5, 'its bytes', 15_000);
    assert.equal(got.text, `kept ${sent}`);
    here.end('answer');
    const answer = collected(there);
    await until(() => answer.ended, 'its end');
    assert.equal(answer.text, 'answer');
    there.end();
    await until(() => got.ended, 'their end');
    assert.deepEqual([it.text, it.told], ['taken', []]);
  });
}

test("an upgrade of node:http: what came behind the head is in 'head', the rest is read directly", async (t) => {
  const { here, there, head, server } = await upgraded(t, Buffer.from('early '));
  assert.equal(head.toString(), 'early ');
  const it = started(here);
  there.write('later');
  await until(() => it.text === 'later', 'a read');
  assert.equal(it.chunks, 0);
  const got = collected(there);
  assert.equal(it.transport.write(Buffer.from('past the stream')), true);
  await until(() => got.text === 'past the stream', 'the write');
  server.close();
  there.end();
  await until(() => it.told.includes('ended'), 'the end');
  it.transport.finish();
  await until(() => it.told.includes('closed'), 'the close');
});

test('an upgrade that is served later: what came meanwhile comes first', async (t) => {
  const { here, there } = await upgraded(t, Buffer.alloc(0));
  there.write('first ');
  await pass(20);
  there.write('second ');
  await pass(20);
  const it = started(here);
  there.write('third');
  await until(() => it.text === 'first second third', 'all');
  const paused = await upgraded(t, Buffer.alloc(0));
  paused.here.pause();
  paused.there.write('one ');
  await pass(20);
  const other = started(paused.here);
  await until(() => other.text === 'one ', 'the bytes before');
  paused.there.write('two');
  await until(() => other.text === 'one two', 'the bytes after');
});

test('bytes in the socket that are enough for now: it stays paused, and loses none', async (t) => {
  const { here, there } = await upgraded(t, Buffer.alloc(0));
  there.write('waiting');
  await pass(20);
  const it = new Recorder(transportOf(here));
  it.onRead = () => {
    it.transport.pause();
  };
  it.transport.resume();
  there.write(' more');
  await pass(30);
  assert.equal(it.text, 'waiting');
  it.transport.resume();
  await until(() => it.text === 'waiting more', 'the rest');
});

test("a socket's own timeout is over, and frames leave when they are written", async (t) => {
  const { here } = await tcp(t);
  here.setTimeout(20);
  let timeouts = 0;
  here.on('timeout', () => (timeouts += 1));
  started(here);
  await pass(60);
  assert.deepEqual([timeouts, here.timeout], [0, 0]);
});
