// Each feature that DMSC documents of its WebSocket module, by heading and line → what Limpet does,
// over real sockets, with npm's `ws` as the client. docs/coming-from.md lists these tests; the calls
// of DMSC's usage example are in dmsc-usage.test.ts.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { ConnectionError, ErrorCode, type ServerOptions } from '../../host/node/index.js';
import { requestBytes } from '../conformance/http.js';
import { Peer } from '../host/support/peer.js';
import { collect, next } from '../host/support/serving.js';
import { pass, turns, until, within } from '../host/support/wait.js';
import { certificate, withoutOpenssl } from './support/certificate.js';
import { Client, joining, judged, texts, type Joined } from './support/joining.js';

/** The standard's name of the cipher suite that the test of TLS chooses. RFC 5289 3.2. */
const TLS_CIPHER = 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384';

// --------------------------------------------------------- WebSocket protocol

test('DMSC WebSocket Protocol: Subprotocol Negotiation', async (t) => {
  const { server, join } = await joining(t);
  server.on('upgrade', (request) => {
    assert.deepEqual(request.protocols, ['v2.chat', 'v1.chat']);
    request.accept({ protocol: 'v1.chat' });
  });
  const { client, socket } = await join({ protocols: ['v2.chat', 'v1.chat'] });
  assert.deepEqual([client.ws.protocol, socket.protocol], ['v1.chat', 'v1.chat']);
});

test('DMSC WebSocket Protocol: Status Codes', async (t) => {
  const { join } = await joining(t);
  for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 3000, 4999]) {
    const { client, socket } = await join();
    socket.close(code);
    assert.deepEqual(await client.closed(), [code, '']);
  }
  const { socket } = await join();
  for (const code of [999, 1004, 1005, 1006, 1015, 2999, 5000]) {
    assert.throws(() => {
      socket.close(code);
    }, RangeError);
  }
});

test('DMSC WebSocket Protocol: Reason Phrases', async (t) => {
  const { server, join } = await joining(t);
  const one = await join();
  one.socket.close(4000, 'žluť'.repeat(20));
  assert.deepEqual(await one.client.closed(), [4000, 'žluť'.repeat(20)]);
  const two = await join();
  const closed = next(server, 'close');
  two.client.ws.close(4001, 'of the client');
  assert.deepEqual((await closed).slice(1), [4001, 'of the client', true]);
});

// -------------------------------------------------------------- message types

test('DMSC Message Types: Text Messages', async (t) => {
  const { server, join } = await joining(t);
  const messages = collect(server, 'message');
  const { client } = await join();
  client.ws.send('{"žluť": "🐚"}');
  client.ws.send(Buffer.from([0xed, 0xa0, 0x80]), { binary: false });
  assert.equal((await client.closed())[0], 1007);
  assert.deepEqual(
    messages.map(([, data, isBinary]) => [data.toString(), isBinary]),
    [['{"žluť": "🐚"}', false]],
  );
});

test('DMSC Message Types: Binary Messages', async (t) => {
  const { server, join } = await joining(t);
  server.on('message', (socket, data, isBinary) => socket.send(data, { binary: isBinary }));
  const { client } = await join();
  const bytes = Buffer.from([0xff, 0, 0xed, 0xa0, 0x80]);
  client.ws.send(bytes);
  await until(() => client.bytes.length === 1, 'the echo');
  assert.deepEqual(client.bytes, [bytes]);
});

test('DMSC Message Types: Continuation Messages', async (t) => {
  const { server, join } = await joining(t);
  const { client, socket } = await join();
  const message = next(server, 'message');
  for (const part of ['one ', 'two ']) client.ws.send(part, { fin: false });
  client.ws.send('three');
  assert.equal((await message)[1].toString(), 'one two three');
  for (const part of ['four ', 'five ']) socket.send(part, { fin: false });
  socket.send('six');
  assert.deepEqual(await client.received(1), ['four five six']);
});

test('DMSC Message Types: Control Frames', async (t) => {
  const { server, join } = await joining(t);
  const { client, socket } = await join();
  const ponged = next(server, 'pong');
  socket.ping('from the server');
  assert.deepEqual(await ponged, [socket, Buffer.from('from the server')]);
  client.ws.ping('from the client');
  await until(() => client.pongs.length === 1, 'a pong');
  assert.deepEqual(client.pongs.map(String), ['from the client']);
  socket.close(1000);
  assert.equal((await client.closed())[0], 1000);
});

test('DMSC Message Types: Pong Payloads', async (t) => {
  const { server, join } = await joining(t);
  const { client, socket } = await join();
  const payload = JSON.stringify({ at: performance.now(), load: 0.5 });
  socket.pong(payload);
  await until(() => client.pongs.length === 1, 'a pong');
  assert.deepEqual(client.pongs.map(String), [payload]);
  const came = next(server, 'pong');
  client.ws.pong(payload);
  assert.equal((await came)[1].toString(), payload);
});

// ------------------------------------------------------ connection management

test('DMSC Connection Management: Connection Lifecycle', async (t) => {
  const { server, join } = await joining(t);
  const seen: string[] = [];
  server.on('upgrade', (request) => {
    seen.push(`upgrade ${request.isPending}`);
    request.accept();
  });
  server.on('open', (socket) => seen.push(`open ${socket.isOpen}`));
  server.on('message', (socket, data) => {
    seen.push(`message ${data.toString()}`);
    socket.close(1000, 'done');
    seen.push(`closing ${socket.isOpen}`);
  });
  server.on('close', (_, code, reason, clean) => seen.push(`close ${code} ${reason} ${clean}`));
  const closed = next(server, 'close');
  const { client } = await join();
  client.ws.send('hello');
  assert.deepEqual(await client.closed(), [1000, 'done']);
  await closed;
  assert.deepEqual(seen, [
    'upgrade true',
    'open true',
    'message hello',
    'closing false',
    'close 1000 done true',
  ]);
});

test('DMSC Connection Management: Keep-Alive Mechanisms', async (t) => {
  const { server, joins } = await joining(t, { pingInterval: 40, pongTimeout: 200 });
  const closed = collect(server, 'close');
  const [alive, zombie] = (await joins(2)) as [Joined, Joined];
  // It does not read any more: its TCP connection is there, nobody is behind it.
  zombie.client.transport.pause();
  await until(() => closed.length === 1, 'the end of the zombie');
  assert.deepEqual(closed, [[zombie.socket, 1006, '', false]]);
  await until(() => alive.client.pings.length >= 3, 'three pings');
  assert.ok(alive.socket.isOpen);
});

test('DMSC Connection Management: Heartbeat System', async (t) => {
  const { server, joins } = await joining(t, { heartbeat: { interval: 20, timeout: 1000 } });
  const beats = collect(server, 'heartbeat');
  const [standard, own] = (await joins(2)) as [Joined, Joined];
  own.socket.setHeartbeat({ interval: 10_000 });
  const before = own.client.pings.length;
  await until(() => beats.filter(([who]) => who === standard.socket).length === 3, '3 heartbeats');
  const { rtt } = standard.socket;
  assert.ok(rtt && rtt.least <= rtt.smoothed && rtt.smoothed <= rtt.most, JSON.stringify(rtt));
  // Each has its number, which is 1 more than the last one's, and its time.
  const [first, second] = standard.client.pings as [Buffer, Buffer];
  assert.equal(second.readUInt32BE(0), first.readUInt32BE(0) + 1);
  assert.ok(second.readBigUInt64BE(4) >= first.readBigUInt64BE(4) + 19n);
  assert.ok(own.client.pings.length <= before + 1, 'an interval of its own');
  const closed = next(server, 'close');
  own.client.transport.pause();
  own.socket.setHeartbeat({ interval: 20, timeout: 50 });
  assert.equal((await closed)[0], own.socket);
});

test('DMSC Connection Management: Graceful Shutdown', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(3);
  server.on('closing', (socket) => socket.send('goodbye'));
  const long = 'x'.repeat(2 << 20);
  for (const { socket } of all) for (let i = 0; i < 4; i++) socket.send(long);
  await server.close({ timeout: 5000, reason: 'maintenance' });
  for (const { client } of all) {
    assert.deepEqual(await client.closed(), [1001, 'maintenance']);
    assert.equal(client.texts.pop(), 'goodbye');
    assert.ok(client.texts.length === 4 && client.texts.every((text) => text === long));
  }
});

test('DMSC Connection Management: Forced Disconnection', async (t) => {
  const { server, joins } = await joining(t);
  const [abuser, other] = (await joins(2)) as [Joined, Joined];
  abuser.socket.subscribe('room');
  abuser.socket.metadata.set('name', 'abuser');
  abuser.socket.send('x'.repeat(1 << 20));
  const closed = next(server, 'close');
  abuser.socket.terminate();
  assert.deepEqual(await closed, [abuser.socket, 1006, '', false]);
  assert.equal((await abuser.client.closed())[0], 1006);
  const { active, roomsUsed, metadataUsed, arenaUsed } = server.metrics();
  assert.deepEqual([active, roomsUsed, metadataUsed, arenaUsed], [1, 0, 0, 0]);
  await server.close({ timeout: 0 });
  assert.equal((await other.client.closed())[0], 1006);
});

test('DMSC Connection Management: Connection Pooling', async (t) => {
  const { server, join } = await joining(t, { profile: 'micro' });
  const { memoryBytes } = server.metrics();
  for (let i = 0; i < 100; i++) {
    const closed = next(server, 'close');
    const { client, socket } = await join();
    socket.metadata.set('number', String(i));
    socket.subscribe(`room/${i}`);
    client.ws.terminate();
    await closed;
  }
  const metrics = server.metrics();
  assert.deepEqual([metrics.opened, metrics.activePeak, metrics.active], [100, 1, 0]);
  assert.deepEqual([metrics.roomsPeak, metrics.metadataPeak], [1, 1]);
  assert.equal(metrics.memoryBytes, memoryBytes);
});

// ----------------------------------------------------------- session features

test('DMSC Session Features: Session Metadata', async (t) => {
  const { server, joins } = await joining(t);
  const [one, two] = (await joins(2)) as [Joined, Joined];
  one.socket.metadata.set('user', 'ada').set('role', 'admin').set('role', 'guest');
  two.socket.metadata.set('user', 'bob');
  assert.deepEqual(
    [...one.socket.metadata],
    [
      ['user', 'ada'],
      ['role', 'guest'],
    ],
  );
  assert.equal(one.socket.metadata.delete('role'), true);
  assert.equal(one.socket.metadata.get('role'), undefined);
  assert.deepEqual([...two.socket.metadata], [['user', 'bob']]);
  // Whoever says who left still finds the name.
  let name: string | undefined;
  server.on('close', (socket) => (name = socket.metadata.get('user')));
  const closed = next(server, 'close');
  one.client.ws.close();
  await closed;
  assert.deepEqual([name, one.socket.metadata.get('user')], ['ada', undefined]);
});

test('DMSC Session Features: Remote Address', async (t) => {
  const { join, port } = await joining(t, { trustProxy: 'proxy' });
  const plain = await join();
  const where = ({ socket }: Joined) => [
    socket.remoteAddress,
    socket.remotePort,
    socket.remoteFamily,
  ];
  assert.deepEqual(where(plain), ['127.0.0.1', plain.client.transport.localPort, 'IPv4']);
  for (const [line, expected] of [
    ['PROXY TCP4 192.0.2.7 198.51.100.1 4711 80', ['192.0.2.7', 4711, 'IPv4']],
    ['PROXY TCP6 2001:db8::7 2001:db8::1 4712 80', ['2001:db8::7', 4712, 'IPv6']],
  ] as const) {
    const createConnection = () => {
      const transport = connect(port, '127.0.0.1');
      transport.write(`${line}\r\n`);
      return transport;
    };
    assert.deepEqual(where(await join({ createConnection })), expected);
  }
});

test('DMSC Session Features: Connection Time', async (t) => {
  const { server, join } = await joining(t);
  const early = await join();
  await pass(30);
  const middle_ms = performance.now();
  const late = await join();
  assert.ok(performance.now() - early.socket.stats().openedAt >= 29);
  assert.ok(late.socket.stats().openedAt >= Math.floor(middle_ms));
  assert.deepEqual(server.select({ openedUntil: middle_ms - 10 }), [early.socket]);
});

test('DMSC Session Features: Message Counters', async (t) => {
  const { server, joins } = await joining(t);
  const [one, two] = (await joins(2)) as [Joined, Joined];
  const seen = collect(server, 'message');
  for (const word of ['a', 'bc', 'def']) one.client.ws.send(word);
  await until(() => seen.length === 3, 'three messages');
  one.socket.send('žluť');
  const counted = ({ socket }: Joined) => {
    const { messagesIn, messagesOut, bytesIn, bytesOut } = socket.stats();
    return [messagesIn, messagesOut, bytesIn, bytesOut];
  };
  assert.deepEqual(counted(one), [3, 1, 6, 6]);
  assert.deepEqual(counted(two), [0, 0, 0, 0]);
});

test('DMSC Session Features: Last Activity', async (t) => {
  const { server, joins } = await joining(t, { idleTimeout: 300 });
  const [quiet, busy] = (await joins(2)) as [Joined, Joined];
  const before = busy.socket.stats().activeAt;
  await pass(40);
  busy.client.ws.send('here');
  await next(server, 'message');
  assert.ok(busy.socket.stats().activeAt >= before + 39);
  const talking = setInterval(() => {
    busy.client.ws.send('still here');
  }, 50);
  t.after(() => {
    clearInterval(talking);
  });
  assert.equal((await quiet.client.closed())[0], 1001);
  await pass(100);
  assert.ok(busy.socket.isOpen);
  assert.equal(server.metrics().timeoutIdle, 1);
});

test('DMSC Session Features: Request Information', async (t) => {
  const { join } = await joining(t, {
    keepRequest: ['x-custom'],
    allowedProtocols: ['v1.chat'],
  });
  const { socket } = await join({
    path: '/chat?room=1',
    protocols: ['v1.chat'],
    origin: 'https://example.com',
    headers: { Cookie: 'session=abc; theme=dark', 'X-Custom': 'kept', 'X-Other': 'not kept' },
  });
  // The request is over; what was to be kept is there.
  await turns(3);
  assert.deepEqual([socket.path, socket.query], ['/chat', 'room=1']);
  assert.deepEqual([socket.origin, socket.protocol], ['https://example.com', 'v1.chat']);
  assert.deepEqual([socket.cookie('session'), socket.cookie('theme')], ['abc', 'dark']);
  assert.deepEqual([socket.header('x-custom'), socket.header('x-other')], ['kept', undefined]);
});

// --------------------------------------------------------------- broadcasting

test('DMSC Broadcasting: Broadcast to All', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(20);
  assert.deepEqual(server.broadcast('to all'), { delivered: 20, over: 0, dropped: 0 });
  assert.equal(server.broadcast(Buffer.from([1, 2])).delivered, 20);
  for (const got of await texts(all)) assert.deepEqual(got, ['to all']);
  for (const { client } of all) assert.deepEqual(client.bytes, [Buffer.from([1, 2])]);
});

test('DMSC Broadcasting: Selective Broadcast', async (t) => {
  const { server, joins } = await joining(t);
  const [ada, bob, eve] = (await joins(3)) as [Joined, Joined, Joined];
  await pass(5);
  const between = performance.now();
  await pass(5);
  const [late] = (await joins(1)) as [Joined];
  ada.socket.metadata.set('role', 'admin');
  bob.socket.metadata.set('role', 'guest');
  const seen = collect(server, 'message');
  for (let i = 0; i < 3; i++) eve.client.ws.send('talk');
  await until(() => seen.length === 3, 'three messages');
  const to = (selection: Parameters<typeof server.select>[0], word: string) =>
    server.broadcast(word, { to: selection }).delivered;
  assert.equal(to({ metadata: { key: 'role', value: 'admin' } }, 'session data'), 1);
  assert.equal(to({ metadata: { key: 'role' } }, 'session data, any value'), 2);
  assert.equal(to({ openedFrom: between }, 'connection time'), 1);
  assert.equal(to({ messagesInFrom: 3 }, 'message counts'), 1);
  const custom = ({ metadata }: Joined['socket']) => !metadata.has('role');
  assert.equal(server.broadcast('custom predicate', { to: custom }).delivered, 2);
  assert.deepEqual(await texts([ada, bob, eve, late]), [
    ['session data', 'session data, any value'],
    ['session data, any value'],
    ['message counts', 'custom predicate'],
    ['connection time', 'custom predicate'],
  ]);
});

test('DMSC Broadcasting: Room/Channel System', async (t) => {
  const { server, joins } = await joining(t);
  const all = (await joins(3)) as [Joined, Joined, Joined];
  const [one, two] = all;
  one.socket.subscribe('blue');
  two.socket.subscribe('blue');
  two.socket.subscribe('red');
  server.publish('blue', '12345');
  const room = { topic: 'blue', wildcard: false, members: 2, messages: 1, bytes: 5 };
  assert.deepEqual(server.room('blue'), room);
  assert.deepEqual(new Set(server.rooms().map(({ topic }) => topic)), new Set(['blue', 'red']));
  assert.deepEqual(new Set(two.socket.topics()), new Set(['blue', 'red']));
  // Who goes leaves all rooms, and a room goes with its last member.
  one.socket.unsubscribe('blue');
  const closed = next(server, 'close');
  two.client.ws.close();
  await closed;
  assert.deepEqual(server.rooms(), []);
  assert.deepEqual(await texts([one]), [['12345']]);
});

test('DMSC Broadcasting: Topic-Based Routing', async (t) => {
  const { server, joins } = await joining(t);
  const all = (await joins(4)) as [Joined, Joined, Joined, Joined];
  const patterns = ['sensors/kitchen/heat', 'sensors/+/heat', 'sensors/#', 'other'];
  for (const [i, { socket }] of all.entries()) socket.subscribe(patterns[i] ?? '');
  all[1].socket.subscribe('sensors/kitchen/#');
  assert.equal(server.publish('sensors/kitchen/heat', '21').delivered, 3);
  assert.equal(server.publish('sensors/cellar/heat', '9').delivered, 2);
  assert.equal(server.publish('sensors/cellar/damp', '70').delivered, 1);
  assert.equal(server.publish('sensors', 'all').delivered, 1);
  assert.deepEqual(await texts(all), [['21'], ['21', '9'], ['21', '9', '70', 'all'], []]);
});

test('DMSC Broadcasting: Exclusion', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(3);
  server.on('message', (socket, data) => {
    socket.send(`taken: ${data.toString()}`);
    server.broadcast(data.toString(), { except: socket });
  });
  all[0]?.client.ws.send('news');
  await all[1]?.client.received(1);
  assert.deepEqual(await texts(all), [['taken: news'], ['news'], ['news']]);
});

test('DMSC Broadcasting: Batching', async (t) => {
  for (const [flush, waiting] of [
    ['turn', [100, 200, 300, 400]],
    ['now', [0, 0, 0, 0]],
    [3, [100, 200, 0, 100]],
  ] as const) {
    const { server, join } = await joining(t, { flush });
    const { client, socket } = await join();
    socket.subscribe('room');
    // 98 bytes and 2 of header each; what waits was not written yet.
    const waited = waiting.map(() => {
      server.publish('room', 'x'.repeat(98));
      return socket.bufferedAmount;
    });
    assert.deepEqual(waited, waiting, String(flush));
    await client.received(4);
  }
});

// ----------------------------------------------------------- security features

test('DMSC Security Features: Origin Validation', async (t) => {
  const { server, status } = await joining(t, {
    allowedOrigins: ['https://example.com', 'https://*.example.org'],
  });
  const from = (origin: string) => status({ origin });
  assert.equal(await from('https://example.com'), 101);
  assert.equal(await from('https://app.example.org'), 101);
  assert.equal(await from('https://evil.example'), 403);
  assert.equal(await from('https://example.com.evil.example'), 403);
  assert.equal(await status(), 403, 'no page at all');
  assert.equal(server.metrics().refusedOrigin, 3);
});

test('DMSC Security Features: Subprotocol Validation', async (t) => {
  const { server, join, status } = await joining(t, { allowedProtocols: ['v1.chat', 'v2.chat'] });
  const { client } = await join({ protocols: ['other', 'v2.chat'] });
  assert.equal(client.ws.protocol, 'v2.chat');
  assert.equal(await status({ protocols: ['other'] }), 400);
  assert.equal(server.metrics().refusedProtocol, 1);
});

test('DMSC Security Features: Request Validation', async (t) => {
  const { server, port, status } = await joining(t);
  const opened = collect(server, 'open');
  const head = [
    'Host: x',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
  ];
  const without = (name: string) => head.filter((line) => !line.startsWith(name));
  const cases: [number, string, string[]][] = [
    [400, 'GET / HTTP/1.1', without('Host')],
    [400, 'GET / HTTP/1.1', without('Sec-WebSocket-Key')],
    [400, 'GET / HTTP/1.1', without('Connection')],
    [426, 'GET / HTTP/1.1', [...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 8']],
    [405, 'POST / HTTP/1.1', head],
    [505, 'GET / HTTP/1.0', head],
    [400, 'GET / HTTP/1.1', [...head, 'X-Fold: a', ' b']],
    [400, 'GET / HTTP/1.1', [...head, 'Content-Length: 1', 'Transfer-Encoding: chunked']],
    [431, 'GET / HTTP/1.1', [...head, `X-Long: ${'x'.repeat(70_000)}`]],
  ];
  for (const [expected, line, lines] of cases) {
    const peer = await Peer.connect(port);
    t.after(() => peer.transport.destroy());
    peer.write(requestBytes(line, lines));
    assert.equal((await peer.answer()).status, expected, `${line} ${lines.at(-1)?.slice(0, 40)}`);
  }
  assert.equal(opened.length, 0);
  assert.equal(await status(), 101);
});

/** What becomes of so many texts that one client sends at once. */
async function sending(joined: Joined, count: number): Promise<void> {
  for (let i = 0; i < count; i++) joined.client.ws.send(String(i));
  await turns(2);
}

test('DMSC Security Features: Rate Limiting, per-session', async (t) => {
  const { server, joins } = await joining(t, { rateLimit: { messages: 3, window: 60_000 } });
  const [one, two] = (await joins(2)) as [Joined, Joined];
  const seen = collect(server, 'message');
  await sending(one, 5);
  await sending(two, 4);
  await judged(server, () => seen.length, 9);
  const of = ({ socket }: Joined) => seen.filter(([whose]) => whose === socket).length;
  assert.deepEqual([of(one), of(two)], [3, 3]);
});

test('DMSC Security Features: Rate Limiting, global', async (t) => {
  const { server, joins } = await joining(t, {
    rateLimit: { all: { messages: 5 }, window: 60_000 },
  });
  const [one, two] = (await joins(2)) as [Joined, Joined];
  const seen = collect(server, 'message');
  await sending(one, 4);
  await judged(server, () => seen.length, 4);
  await sending(two, 4);
  await judged(server, () => seen.length, 8);
  const of = ({ socket }: Joined) => seen.filter(([whose]) => whose === socket).length;
  assert.deepEqual([of(one), of(two)], [4, 1]);
});

test('DMSC Security Features: Rate Limiting, drop', async (t) => {
  const { server, join } = await joining(t, {
    rateLimit: { bytes: 10, window: 60_000, policy: 'drop' },
  });
  const { client, socket } = await join();
  const seen = collect(server, 'message');
  for (const word of ['12345', '67890', 'more']) client.ws.send(word);
  await judged(server, () => seen.length, 3);
  assert.deepEqual([seen.length, server.metrics().rateDropped, socket.isOpen], [2, 1, true]);
});

test('DMSC Security Features: Rate Limiting, queue', async (t) => {
  const { server, join } = await joining(t, {
    rateLimit: { messages: 4, window: 100, policy: 'queue' },
  });
  const joined = await join();
  const began_ms = performance.now();
  const seen = collect(server, 'message');
  await sending(joined, 10);
  await until(() => seen.length === 10, 'ten messages');
  // Four at once, six at 25 ms each; a clock of whole milliseconds may be one ahead.
  assert.ok(performance.now() - began_ms >= 148);
  assert.deepEqual(
    seen.map(([, data]) => Number(data)),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});

test('DMSC Security Features: Rate Limiting, reject', async (t) => {
  const { server, join } = await joining(t, {
    rateLimit: { messages: 2, window: 60_000, policy: 'reject' },
  });
  const joined = await join();
  const failed = next(server, 'error');
  const seen = collect(server, 'message');
  await sending(joined, 5);
  assert.equal((await joined.client.closed())[0], 1008);
  const [error] = await failed;
  assert.ok(error instanceof ConnectionError && error.code === ErrorCode.RATE);
  assert.deepEqual([seen.length, server.metrics().rateRejected], [2, 1]);
});

test('DMSC Security Features: Message Size Limits', async (t) => {
  const { server, join } = await joining(t, { maxText: 10, maxBinary: 20 });
  const seen = collect(server, 'message');
  for (const [most, data] of [
    [10, 'x'.repeat(11)],
    [20, Buffer.alloc(21)],
  ] as const) {
    const { client } = await join();
    client.ws.send(data.slice(0, most));
    client.ws.send(data);
    assert.equal((await client.closed())[0], 1009);
  }
  assert.deepEqual(
    seen.map(([, data]) => data.length),
    [10, 20],
  );
});

test('DMSC Security Features: Connection Limits', async (t) => {
  const perServer = await joining(t, { maxConnections: 3 });
  await perServer.joins(3);
  assert.equal(await perServer.status(), 0, 'cut off before it asks');
  assert.equal(perServer.server.metrics().sessionsFull, 1);
  const perAddress = await joining(t, { maxConnectionsPerAddress: 3, trustProxy: 'forwarded' });
  await perAddress.joins(3);
  assert.equal(await perAddress.status(), 429);
  assert.equal(await perAddress.status({ headers: { 'X-Forwarded-For': '192.0.2.1' } }), 101);
  assert.equal(perAddress.server.metrics().refusedAddress, 1);
});

test('DMSC Security Features: TLS/SSL Support', { skip: withoutOpenssl }, async (t) => {
  const { key, cert } = certificate(t);
  const ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384';
  const { server } = await joining(t);
  server.on('message', (socket, data) =>
    socket.send(`${data.toString()} from ${socket.remoteAddress}`),
  );
  const secure = createTlsServer({ key, cert, minVersion: 'TLSv1.2', ciphers }, (transport) => {
    assert.ok(server.attach(transport));
  });
  secure.listen(0, '127.0.0.1');
  await once(secure, 'listening');
  t.after(() => secure.close());
  const { port } = secure.address() as AddressInfo;
  const ws = new WebSocket(`wss://127.0.0.1:${port}/`, { ca: cert, maxVersion: 'TLSv1.2' });
  const client = new Client(ws);
  t.after(() => ws.terminate());
  await within(once(ws, 'open'), 'the connection');
  assert.equal((client.transport as TLSSocket).getCipher().standardName, TLS_CIPHER);
  ws.send('hello');
  assert.deepEqual(await client.received(1), ['hello from 127.0.0.1']);
  // Who can do only what the server does not want is refused by TLS itself. RFC 5246 7.2.2.
  const other = {
    ca: cert,
    maxVersion: 'TLSv1.2',
    ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  } as const;
  const refused = new WebSocket(`wss://127.0.0.1:${port}/`, other);
  const error = await within(
    new Promise<Error>((resolve) => refused.once('error', resolve)),
    'an alert',
  );
  assert.match(error.message, /handshake failure/);
});

test('DMSC Security Features: Authentication Integration', async (t) => {
  const sha256 = createHash('sha256').update('hashed').digest('hex');
  const options: ServerOptions = {
    tokens: ['secret', { sha256 }],
    authenticate: async (request) => {
      await pass(1);
      return request.query === 'banned' ? false : { name: request.headers['x-user'] };
    },
  };
  const { server, join, status } = await joining(t, options);
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
  assert.equal(await status(), 401);
  assert.equal(await status({ headers: bearer('wrong') }), 401);
  assert.equal(await status({ headers: bearer('secret'), path: '/?banned' }), 401);
  const { socket } = await join({ headers: { ...bearer('hashed'), 'X-User': 'ada' } });
  assert.deepEqual(socket.user, { name: 'ada' });
  // What a browser can say: a subprotocol.
  const { client } = await join({ protocols: ['bearer', 'secret'] });
  assert.equal(client.ws.protocol, 'bearer');
  assert.equal(server.metrics().refusedToken, 2);
});

// ---------------------------------------------------------------- compression

test('DMSC Compression: Per-Message Deflate', async (t) => {
  const { server, join } = await joining(t, { deflate: true });
  const { client } = await join({ perMessageDeflate: { threshold: 0 } });
  const words = 'the same again '.repeat(500);
  const message = next(server, 'message');
  const before = client.transport.bytesWritten;
  client.ws.send(words);
  assert.equal((await message)[1].toString(), words);
  assert.ok(client.transport.bytesWritten - before < 500);
});
