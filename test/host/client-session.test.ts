// SocketLoop.connect and join: a client's request, its answer as something else has read it, and what
// both say afterwards, over the core of the same process.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Delivery, EventFlag, Opcode, Option, State } from '../../build/limpet.abi.js';
import { duplexPair } from './support/duplex.js';
import { looping } from './support/looping.js';
import { turns, until } from './support/wait.js';

const REQUEST = {
  target: '/chat?room=1',
  host: 'example.com:8080',
  protocols: 'a, b',
  headers: '',
};

/** The answer to the head of a request. RFC 6455 4.2.2. */
function answer(head: string): string {
  const [, key = ''] = /\r\nSec-WebSocket-Key: (.*)\r\n/.exec(head) ?? [];
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept.digest('base64')}`,
    'Sec-WebSocket-Protocol: b',
    '\r\n',
  ].join('\r\n');
}

test('the head of a request, its answer, messages of both, and the close handshake', async (t) => {
  const { loop: server, told: heard } = looping(t);
  const { loop: client, told } = looping(t);
  client.core.seed(randomBytes(32));
  const link = client.connect({ ...REQUEST, headers: 'X-Own: 1\r\n' });
  const head = link.head();
  assert.match(head, /^GET \/chat\?room=1 HTTP\/1\.1\r\nHost: example\.com:8080\r\n/);
  assert.match(head, /\r\nX-Own: 1\r\n/);
  assert.ok(head.endsWith('\r\n\r\n'));
  assert.equal(link.head(), head);
  assert.throws(() => link.stream, /no transport/);
  await turns(3);
  assert.equal(client.state(link), State.HANDSHAKE);
  link.owner = 'client';

  const [near, far] = duplexPair(7);
  assert.ok(server.accept(far, Buffer.from(head)));
  assert.deepEqual(heard, ['- upgrade /chat']);
  // The server's own answer is cut and delayed: something else has read its head.
  let came = Buffer.alloc(0);
  const read = (chunk: Buffer) => (came = Buffer.concat([came, chunk]));
  near.on('data', read);
  await until(() => came.includes('\r\n\r\n'), 'the answer');
  near.off('data', read).pause();
  client.join(link, near, came);
  await until(() => told.length > 0, 'OPEN');
  assert.deepEqual(told, ['client opened']);
  assert.equal(link.stream, near);

  const [other] = server.links();
  assert.ok(other);
  server.send(other, Opcode.TEXT, 'from the server');
  client.send(link, Opcode.TEXT, 'from the client');
  client.send(link, Opcode.BINARY, Buffer.alloc(100_000, 7));
  await until(() => told.length === 2 && heard.length === 3, 'the messages');
  assert.deepEqual(told[1], 'client text from the server');
  assert.deepEqual(heard.slice(1), ['- text from the client', '- binary 100000']);
  client.close(link, 4000, 'enough');
  await until(() => told.length === 3 && heard.length === 4, 'both ends');
  assert.deepEqual([told[2], heard[3]], ['client closed 4000  true', '- closed 4000 enough true']);
  assert.deepEqual([client.size, server.size], [0, 0]);
  assert.equal(client.core.stats().arenaUsed, 0);
});

test('messages behind the head of the answer are read; a message that waits is masked', async (t) => {
  const { loop, told } = looping(t);
  loop.core.seed(randomBytes(32));
  const link = loop.connect(REQUEST);
  const [near, far] = duplexPair(1);
  far.on('error', () => undefined);
  const frame = Buffer.from([0x81, 2, 0x68, 0x69]);
  loop.join(link, near, Buffer.concat([Buffer.from(answer(link.head())), frame]));
  assert.deepEqual(told, ['- opened', '- text hi']);
  loop.send(link, Opcode.TEXT, 'hello');
  let came = Buffer.alloc(0);
  far.on('data', (chunk: Buffer) => (came = Buffer.concat([came, chunk])));
  await until(() => came.length === 11, 'a frame');
  assert.deepEqual([...came.subarray(0, 2)], [0x81, 0x85]);
  assert.deepEqual(
    came.subarray(6).map((byte, i) => byte ^ (came[2 + (i & 3)] ?? 0)),
    Buffer.from('hello'),
  );
});

test('a client sends what is longer than a block, in order, also when memory is short', async (t) => {
  const { loop: server, told: heard } = looping(t);
  const { loop: client } = looping(t, 'micro');
  client.core.seed(randomBytes(32));
  const link = client.connect(REQUEST);
  const [near, far] = duplexPair(9);
  assert.ok(server.accept(far, Buffer.from(link.head())));
  client.join(link, near);
  await until(() => client.state(link) === State.OPEN, 'the answer');
  const sizes = [1_000_000, 3, 200_000, 20_000, 5];
  for (const size of sizes) {
    assert.ok(client.send(link, Opcode.BINARY, Buffer.alloc(size, size)) >= 0, `${size} bytes`);
  }
  await until(() => heard.length === 1 + sizes.length, 'all messages', 15_000);
  const lengths = heard.slice(1).map((line) => line.split(' ')[2]);
  const shown = sizes.map((size) =>
    size < 50 ? String.fromCharCode(size).repeat(size) : `${size}`,
  );
  assert.deepEqual(lengths, shown);
});

test('an answer that is none fails; a session that is given up needs no connection', async (t) => {
  const { loop, told } = looping(t);
  loop.core.seed(randomBytes(32));
  const link = loop.connect(REQUEST);
  const [near, far] = duplexPair(2);
  far.on('end', () => far.end()).resume();
  loop.join(link, near, Buffer.from(answer(link.head()).replace('Accept: ', 'Accept: x')));
  await until(() => told.length === 2, 'the failure');
  assert.match(told[0] ?? '', /^- failed -/);
  assert.equal(told[1], '- closed 1006  false');
  assert.ok(near.destroyed);

  const second = loop.connect(REQUEST);
  loop.terminate(second);
  await until(() => told.length === 3, 'the close');
  assert.equal(loop.size, 0);
  // Its connection comes too late.
  const [late, there] = duplexPair(3);
  there.on('error', () => undefined);
  loop.join(second, late, Buffer.from(answer(second.head())));
  assert.ok(late.destroyed);
  await turns(2);
  assert.equal(told.length, 3);
});

test('connect refuses what may not be sent, and a core without entropy', (t) => {
  const { loop } = looping(t);
  assert.throws(() => loop.connect(REQUEST), /UNSEEDED/);
  loop.core.seed(randomBytes(32));
  assert.throws(() => loop.connect({ ...REQUEST, target: 'no path' }), /VALUE/);
  assert.throws(() => loop.connect({ ...REQUEST, headers: 'X: 1\r\n\r\n' }), /VALUE/);
  assert.equal(loop.size, 0);
});

test('a link that streams gets its messages in chunks, others whole', async (t) => {
  const { loop, told } = looping(t);
  loop.core.setDefault(Option.MESSAGE_MAX, 0);
  loop.core.setDefault(Option.DELIVERY, Delivery.STREAM);
  const { loop: client } = looping(t);
  client.core.seed(randomBytes(32));
  const link = client.connect(REQUEST);
  const [near, far] = duplexPair(5);
  near.on('error', () => undefined);
  far.on('error', () => undefined);
  const there = loop.accept(far, Buffer.from(link.head()));
  assert.ok(there);
  client.join(link, near);
  await until(() => client.state(link) === State.OPEN, 'the answer');
  client.send(link, Opcode.BINARY, Buffer.alloc(300_000, 1));
  await until(() => told.length === 2, 'a message');
  assert.equal(told[1], '- binary 300000');
  there.streams = true;
  client.send(link, Opcode.TEXT, 'x'.repeat(300_000));
  const chunks = () => told.slice(2).map((line) => line.split(' ').map(Number).slice(3));
  const bytes = () => chunks().reduce((sum, [, length = 0]) => sum + length, 0);
  await until(() => bytes() === 300_000, 'the chunks');
  const flags = chunks().map(([flag]) => flag);
  assert.ok(flags.length > 1);
  assert.equal(flags[0], EventFlag.BEGIN);
  assert.equal(flags.at(-1), EventFlag.END);
  assert.ok(flags.slice(1, -1).every((flag) => flag === 0));
  assert.ok(told.slice(2).every((line) => line.startsWith('- chunk false ')));
});
