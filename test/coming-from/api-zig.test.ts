// Each call, field and event that api.zig documents of its WebSocket module → what Limpet does, over
// real sockets, with npm's `ws` as the client. docs/coming-from.md lists these tests.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duplexPair } from '../host/support/duplex.js';
import { Peer } from '../host/support/peer.js';
import { collect, next } from '../host/support/serving.js';
import { until } from '../host/support/wait.js';
import { ConnectionError, createServer, ErrorCode, SendStatus } from '../../host/node/index.js';
import { requestBytes, SAMPLE_ACCEPT, SAMPLE_KEY, valuesOf } from '../conformance/http.js';
import { joining, texts, type Joined } from './support/joining.js';

// -------------------------------------------------------------- creating a hub

test('api.zig creating a hub: Hub.init', async (t) => {
  const { server, join } = await joining(t, {
    maxConnections: 10_000,
    maxMessage: 64 * 1024,
    pingInterval: 30_000,
    pongTimeout: 10_000,
    deflate: false,
    allowedOrigins: ['https://example.com'],
  });
  const { client, socket } = await join({ origin: 'https://example.com' });
  assert.ok(socket.isOpen);
  assert.equal(server.broadcast('hello').delivered, 1);
  assert.deepEqual(await client.received(1), ['hello']);
  assert.throws(() => createServer({ maxConnections: 0.5 }), RangeError);
});

test('api.zig creating a hub: hub.deinit', async (t) => {
  const { server, joins, status } = await joining(t);
  const all = await joins(3);
  await server.close();
  for (const { client } of all) assert.deepEqual(await client.closed(), [1001, '']);
  assert.deepEqual([server.sessions(), server.metrics().arenaUsed], [[], 0]);
  assert.equal(await status(), 0, 'nobody listens');
});

test('api.zig integration: app.enableWebSocket and app.ws_hub', async (t) => {
  // Plain requests and WebSockets on one port; the server is the hub.
  const { server, port, join } = await joining(t);
  server.on('request', (request) => {
    request.respond(200, { headers: { 'Content-Type': 'text/html' }, body: '<!DOCTYPE html>' });
  });
  const { client } = await join({ path: '/chat' });
  const page = await fetch(`http://127.0.0.1:${port}/`);
  assert.deepEqual([page.status, await page.text()], [200, '<!DOCTYPE html>']);
  server.broadcast('from the hub');
  assert.deepEqual(await client.received(1), ['from the hub']);
});

// ----------------------------------------------------------- hub configuration

test('api.zig hub configuration: max_connections', async (t) => {
  const { server, joins, status } = await joining(t, { maxConnections: 2 });
  const [one] = await joins(2);
  assert.equal(await status(), 0, 'cut off before it asks');
  const closed = next(server, 'close');
  one?.client.ws.close();
  await closed;
  assert.equal(await status(), 101);
});

test('api.zig hub configuration: max_message_size', async (t) => {
  const { server, join } = await joining(t, { maxMessage: 64 * 1024 });
  const seen = collect(server, 'message');
  const { client } = await join();
  client.ws.send('x'.repeat(64 * 1024));
  client.ws.send('x'.repeat(64 * 1024), { fin: false });
  client.ws.send('x');
  assert.equal((await client.closed())[0], 1009);
  assert.deepEqual(
    seen.map(([, data]) => data.length),
    [64 * 1024],
  );
});

test('api.zig hub configuration: ping_interval_ms', async (t) => {
  const { server, join } = await joining(t, { pingInterval: 40 });
  const pongs = collect(server, 'pong');
  const began_ms = performance.now();
  const { client, socket } = await join();
  await until(() => pongs.length === 2, 'two pings and their pongs');
  assert.ok(performance.now() - began_ms >= 75);
  assert.ok(client.pings.length >= 2 && socket.isOpen);
});

test('api.zig hub configuration: pong_timeout_ms', async (t) => {
  const { server, join } = await joining(t, { pingInterval: 30, pongTimeout: 100 });
  const began_ms = performance.now();
  const { client, socket } = await join({ autoPong: false });
  const [error, whose] = await next(server, 'error');
  const took_ms = performance.now() - began_ms;
  assert.ok(error instanceof ConnectionError && error.code === ErrorCode.TIMEOUT_PONG);
  assert.equal(whose, socket);
  assert.ok(took_ms >= 128 && took_ms < 1500, `${took_ms} ms`);
  assert.equal((await client.closed())[0], 1006);
});

test('api.zig hub configuration: enable_compression', async (t) => {
  for (const deflate of [false, true]) {
    const { join } = await joining(t, { deflate });
    const { client, socket } = await join({ perMessageDeflate: true });
    assert.equal(socket.extensions, deflate ? 'permessage-deflate' : '');
    const before = client.transport.bytesRead;
    socket.send('zig '.repeat(1000));
    assert.deepEqual(await client.received(1), ['zig '.repeat(1000)]);
    assert.equal(client.transport.bytesRead - before < 1000, deflate);
  }
});

test('api.zig hub configuration: allowed_origins', async (t) => {
  const { status } = await joining(t, { allowedOrigins: ['https://example.com'] });
  assert.equal(await status({ origin: 'https://example.com' }), 101);
  assert.equal(await status({ origin: 'https://example.net' }), 403);
  const { status: open } = await joining(t);
  assert.equal(await open({ origin: 'https://example.net' }), 101, 'an empty list admits all');
});

// ------------------------------------------------------- connection management

test('api.zig connection management: hub.register', async (t) => {
  // Any stream of bytes becomes a connection, whoever accepted it.
  const { server } = await joining(t);
  const [ours, theirs] = duplexPair(1);
  const opened = next(server, 'open');
  assert.equal(server.attach(ours), true);
  const peer = new Peer(theirs);
  t.after(() => {
    theirs.destroy();
  });
  await peer.upgrade();
  const [socket] = await opened;
  assert.equal(server.socket(socket.id), socket);
  assert.equal(server.broadcast('registered').delivered, 1);
  assert.equal(await peer.text(), 'registered');
});

test('api.zig connection properties: id', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(5);
  assert.equal(new Set(all.map(({ socket }) => socket.id)).size, 5);
  const [one] = all;
  const old = one?.socket.id ?? 0;
  const closed = next(server, 'close');
  one?.client.ws.close();
  await closed;
  const [another] = await joins(1);
  assert.notEqual(another?.socket.id, old, 'the id of a connection that is over says so');
  assert.equal(server.socket(old), undefined);
});

test('api.zig connection properties: state', async (t) => {
  const { server, joins } = await joining(t);
  const connecting: number[] = [];
  server.on('upgrade', (request) => {
    connecting.push(server.metrics().active - server.sessions().length);
    request.accept();
  });
  const [one, two] = (await joins(2)) as [Joined, Joined];
  assert.deepEqual(connecting, [1, 1], 'one that is not open yet');
  assert.ok(one.socket.isOpen && two.socket.isOpen);
  one.client.ws.pause();
  one.socket.close(1000);
  assert.equal(one.socket.isOpen, false);
  assert.deepEqual(server.select({ states: ['closing'] }), [one.socket]);
  assert.deepEqual(server.select({}), [two.socket], 'open ones');
  const closed = next(server, 'close');
  one.client.ws.resume();
  await closed;
  assert.deepEqual(server.select({ states: ['open', 'closing', 'ending'] }), [two.socket]);
});

test('api.zig connection properties: rooms', async (t) => {
  const { join } = await joining(t);
  const { socket } = await join();
  for (const room of ['chat:general', 'notifications']) socket.subscribe(room);
  assert.deepEqual(new Set(socket.topics()), new Set(['chat:general', 'notifications']));
  socket.unsubscribe('notifications');
  assert.deepEqual(socket.topics(), ['chat:general']);
});

test('api.zig connection properties: metadata', async (t) => {
  const { join } = await joining(t);
  const { socket } = await join();
  socket.metadata.set('user_id', '12345').set('role', 'admin');
  assert.deepEqual(Object.fromEntries(socket.metadata), { user_id: '12345', role: 'admin' });
  assert.equal(socket.metadata.size, 2);
});

test('api.zig connection properties: last_ping_time and last_pong_time', async (t) => {
  // A heartbeat's pong is told with its round-trip time: now less that is when its ping went.
  const { server, join } = await joining(t, { heartbeat: { interval: 40 } });
  const began_ms = performance.now();
  const { client, socket } = await join();
  const [whose, rtt] = await next(server, 'heartbeat');
  const pong_ms = performance.now();
  assert.equal(whose, socket);
  assert.ok(pong_ms - rtt >= began_ms + 38, 'the ping went an interval after the beginning');
  const { activeAt } = socket.stats();
  assert.ok(activeAt >= began_ms + 38 && activeAt <= pong_ms + 1, 'the pong came last');
  assert.equal(client.pings.length, 1);
});

// ------------------------------------------------------------- sending messages

test('api.zig sending: conn.sendText', async (t) => {
  const { join } = await joining(t);
  const { client, socket } = await join();
  assert.equal(socket.send('Hello, World!'), SendStatus.OK);
  assert.deepEqual(await client.received(1), ['Hello, World!']);
  assert.deepEqual(client.bytes, []);
});

test('api.zig sending: conn.sendBinary', async (t) => {
  const { join } = await joining(t);
  const { client, socket } = await join();
  assert.equal(socket.send(new Uint8Array([0x01, 0x02, 0x03])), SendStatus.OK);
  await until(() => client.bytes.length === 1, 'the bytes');
  assert.deepEqual([client.bytes, client.texts], [[Buffer.from([1, 2, 3])], []]);
});

test('api.zig sending: conn.sendPing', async (t) => {
  const { server, join } = await joining(t);
  const { client, socket } = await join();
  const ponged = next(server, 'pong');
  assert.equal(socket.ping('heartbeat'), SendStatus.OK);
  assert.equal((await ponged)[1].toString(), 'heartbeat');
  assert.deepEqual(client.pings.map(String), ['heartbeat']);
});

test('api.zig sending: conn.sendPong', async (t) => {
  const { server, join } = await joining(t, { autoPong: false });
  server.on('ping', (socket, data) => socket.pong(data));
  const { client } = await join();
  client.ws.ping('heartbeat');
  await until(() => client.pongs.length === 1, 'the pong');
  assert.deepEqual(client.pongs.map(String), ['heartbeat']);
});

test('api.zig sending: conn.close', async (t) => {
  const { server, join } = await joining(t);
  const { client, socket } = await join();
  const closed = next(server, 'close');
  socket.send('before');
  socket.close(1000, 'Goodbye');
  assert.ok(socket.send('behind') < 0);
  assert.deepEqual(await client.closed(), [1000, 'Goodbye']);
  assert.deepEqual(client.texts, ['before']);
  assert.deepEqual(await closed, [socket, 1000, 'Goodbye', true]);
});

// ------------------------------------------------------------------------ rooms

test('api.zig rooms: hub.joinRoom', async (t) => {
  const { server, join } = await joining(t);
  const { socket } = await join();
  assert.equal(socket.subscribe('chat:general'), true);
  assert.equal(socket.subscribe('notifications'), true);
  assert.equal(socket.subscribe('notifications'), false);
  assert.deepEqual(server.members('chat:general'), [socket]);
  assert.deepEqual(server.members('notifications'), [socket]);
});

test('api.zig rooms: hub.leaveRoom', async (t) => {
  const { server, joins } = await joining(t);
  const [one, two] = (await joins(2)) as [Joined, Joined];
  for (const { socket } of [one, two]) socket.subscribe('chat:general');
  assert.equal(one.socket.unsubscribe('chat:general'), true);
  assert.deepEqual(server.members('chat:general'), [two.socket]);
  two.socket.unsubscribe('chat:general');
  assert.equal(server.room('chat:general'), undefined, 'a room goes with its last member');
});

test('api.zig rooms: hub.broadcastToRoom', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(3);
  for (const { socket } of all.slice(1)) socket.subscribe('chat:general');
  const { delivered } = server.publish('chat:general', 'New message!');
  assert.equal(delivered, 2);
  assert.deepEqual(await texts(all), [[], ['New message!'], ['New message!']]);
});

test('api.zig rooms: hub.broadcastToRoomExcept', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(3);
  for (const { socket } of all) socket.subscribe('chat:general');
  const except = all[1]?.socket;
  const { delivered } = server.publish('chat:general', 'User joined', { except });
  assert.equal(delivered, 2);
  assert.deepEqual(await texts(all), [['User joined'], [], ['User joined']]);
});

test('api.zig rooms: hub.roomSize', async (t) => {
  const { server, joins } = await joining(t);
  const size = () => server.room('chat:general')?.members ?? 0;
  assert.equal(size(), 0);
  const [one, two] = (await joins(2)) as [Joined, Joined];
  one.socket.subscribe('chat:general');
  two.socket.subscribe('chat:general');
  assert.equal(size(), 2);
  const closed = next(server, 'close');
  one.client.ws.terminate();
  await closed;
  assert.equal(size(), 1);
});

test('api.zig rooms: conn.inRoom', async (t) => {
  const { joins } = await joining(t);
  const [one, two] = (await joins(2)) as [Joined, Joined];
  one.socket.subscribe('chat:general');
  assert.equal(one.socket.isSubscribed('chat:general'), true);
  assert.equal(one.socket.isSubscribed('chat:Gen'), false);
  assert.equal(two.socket.isSubscribed('chat:general'), false);
  one.socket.unsubscribe('chat:general');
  assert.equal(one.socket.isSubscribed('chat:general'), false);
});

// ----------------------------------------------------------------- broadcasting

test('api.zig broadcasting: hub.broadcast', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(3);
  const word = 'Server announcement!';
  assert.equal(server.broadcast(word).delivered, 3);
  assert.deepEqual(await texts(all), [[word], [word], [word]]);
});

test('api.zig broadcasting: hub.broadcastExcept', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(3);
  const except = server.socket(all[0]?.socket.id ?? 0);
  assert.equal(server.broadcast('Someone joined', { except }).delivered, 2);
  assert.deepEqual(await texts(all), [[], ['Someone joined'], ['Someone joined']]);
});

test('api.zig broadcasting: hub.getConnection', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(3);
  const id = all[2]?.socket.id ?? 0;
  assert.equal(server.socket(id)?.send('Private message'), SendStatus.OK);
  assert.equal(server.socket(id + 1_000_000), undefined);
  assert.deepEqual(await texts(all), [[], [], ['Private message']]);
});

// --------------------------------------------------------------- event handlers

test('api.zig event handlers: on_open', async (t) => {
  const { server, join } = await joining(t);
  server.on('open', (socket) => socket.send(`welcome ${socket.id}`));
  const { client, socket } = await join();
  assert.deepEqual(await client.received(1), [`welcome ${socket.id}`]);
});

test('api.zig event handlers: on_message', async (t) => {
  const { server, join } = await joining(t);
  const messages = collect(server, 'message');
  const { client, socket } = await join();
  client.ws.send('{"a":1}');
  await until(() => messages.length === 1, 'a message');
  assert.deepEqual(messages, [[socket, Buffer.from('{"a":1}'), false]]);
});

test('api.zig event handlers: on_close', async (t) => {
  const { server, joins } = await joining(t);
  const [one, two] = (await joins(2)) as [Joined, Joined];
  const first = next(server, 'close');
  one.client.ws.close(3001, 'bye');
  assert.deepEqual(await first, [one.socket, 3001, 'bye', true]);
  const second = next(server, 'close');
  two.client.ws.terminate();
  assert.deepEqual((await second).slice(0, 2), [two.socket, 1006]);
});

test('api.zig event handlers: on_error', async (t) => {
  const { server, joins } = await joining(t, { maxMessage: 10 });
  const [one, two] = (await joins(2)) as [Joined, Joined];
  const failed = next(server, 'error');
  one.client.ws.send('more than ten bytes');
  const [error, whose] = await failed;
  assert.equal(whose, one.socket);
  assert.ok(error instanceof ConnectionError && error.code === ErrorCode.TOO_BIG);
  assert.ok(two.socket.isOpen);
});

test('api.zig event handlers: on_ping', async (t) => {
  const { server, join } = await joining(t);
  const { client, socket } = await join();
  const pinged = next(server, 'ping');
  client.ws.ping('are you there?');
  assert.deepEqual(await pinged, [socket, Buffer.from('are you there?')]);
  await until(() => client.pongs.length === 1, 'the answer, which nobody had to give');
});

test('api.zig event handlers: on_pong', async (t) => {
  const { server, join } = await joining(t);
  const { client, socket } = await join();
  const ponged = next(server, 'pong');
  client.ws.pong('unsolicited');
  assert.deepEqual(await ponged, [socket, Buffer.from('unsolicited')]);
});

test('api.zig message types: Message.data and Message.type', async (t) => {
  const { server, join } = await joining(t);
  const messages = collect(server, 'message');
  const { client } = await join();
  client.ws.send('text');
  client.ws.send(Buffer.from('bytes'));
  await until(() => messages.length === 2, 'two messages');
  assert.deepEqual(
    messages.map(([, data, isBinary]) => [data.toString(), isBinary ? 'binary' : 'text']),
    [
      ['text', 'text'],
      ['bytes', 'binary'],
    ],
  );
});

// ------------------------------------------------------------------ close codes

/** Codes that this side sends and that come from the other, by api.zig's names. */
const SENT: [string, number][] = [
  ['normal', 1000],
  ['going_away', 1001],
  ['protocol_error', 1002],
  ['unsupported', 1003],
  ['invalid_data', 1007],
  ['policy_violation', 1008],
  ['message_too_big', 1009],
  ['extension_required', 1010],
  ['internal_error', 1011],
];

test('api.zig close codes: those that are sent', async (t) => {
  const { server, join } = await joining(t);
  for (const [name, code] of SENT) {
    const one = await join();
    one.socket.close(code, name);
    assert.deepEqual(await one.client.closed(), [code, name]);
    const two = await join();
    const closed = next(server, 'close');
    two.client.ws.close(code, name);
    assert.deepEqual((await closed).slice(1), [code, name, true]);
  }
});

test('api.zig close codes: no_status, abnormal, tls_handshake', async (t) => {
  const { server, joins } = await joining(t);
  const [one, two, three] = (await joins(3)) as [Joined, Joined, Joined];
  const silent = next(server, 'close');
  one.client.ws.close();
  assert.deepEqual((await silent).slice(1), [1005, '', true]);
  const gone = next(server, 'close');
  two.client.ws.terminate();
  assert.deepEqual((await gone).slice(1), [1006, '', false]);
  // RFC 6455 7.4.1: none of them may be sent.
  for (const code of [1005, 1006, 1015]) {
    assert.throws(() => {
      three.socket.close(code);
    }, RangeError);
  }
});

test('api.zig close codes: those that the server gives by itself', async (t) => {
  const { server, join } = await joining(t, {
    maxMessage: 10,
    rateLimit: { messages: 2, window: 60_000, policy: 'reject' },
    closeTimeout: 100,
  });
  const ended = async (sin: (joined: Joined) => void) => {
    const joined = await join();
    sin(joined);
    return (await joined.client.closed())[0];
  };
  // A frame without a mask. RFC 6455 5.1.
  assert.equal(
    await ended(({ client }) => client.transport.write(Buffer.from('8100', 'hex'))),
    1002,
  );
  const broken = Buffer.from([0xff]);
  assert.equal(await ended(({ client }) => void client.ws.send(broken, { binary: false })), 1007);
  const three = ({ client }: Joined) => {
    for (let i = 0; i < 3; i++) client.ws.send('x');
  };
  assert.equal(await ended(three), 1008);
  assert.equal(await ended(({ client }) => void client.ws.send('x'.repeat(11))), 1009);
  assert.equal(await ended(({ socket }) => void socket.setKeepAlive({ idleTimeout: 20 })), 1001);
  const last = await join();
  await server.close();
  assert.equal((await last.client.closed())[0], 1001);
});

// -------------------------------------------------------------------- handshake

const HEAD = ['Host: x', `Sec-WebSocket-Key: ${SAMPLE_KEY}`, 'Sec-WebSocket-Version: 13'];

test('api.zig handshake: Handshake.validateRequest', async (t) => {
  const { server, port } = await joining(t);
  const opened = collect(server, 'open');
  const answer = async (lines: string[]) => {
    const peer = await Peer.connect(port);
    t.after(() => peer.transport.destroy());
    peer.write(requestBytes('GET /ws HTTP/1.1', lines));
    return (await peer.answer('HEAD')).status;
  };
  const upgrade = ['Upgrade: websocket', 'Connection: keep-alive, Upgrade'];
  assert.equal(await answer([...HEAD, 'Upgrade: WebSocket', 'Connection: upgrade']), 101);
  assert.equal(await answer([...HEAD, ...upgrade]), 101);
  assert.equal(await answer([...HEAD, 'Upgrade: websocket']), 400);
  assert.equal(await answer([...HEAD, 'Upgrade: websocket', 'Connection: close']), 400);
  assert.equal(await answer(['Host: x', 'Sec-WebSocket-Version: 13', ...upgrade]), 400);
  assert.equal(await answer(['Host: x']), 426, 'no upgrade at all');
  assert.equal(opened.length, 2);
});

test('api.zig handshake: Handshake.generateAcceptKey and createResponse', async (t) => {
  const { port } = await joining(t);
  const peer = await Peer.connect(port);
  t.after(() => peer.transport.destroy());
  const response = await peer.upgrade();
  assert.equal(response.status, 101);
  // RFC 6455 1.3 has this key and its answer.
  assert.deepEqual(valuesOf(response, 'sec-websocket-accept'), [SAMPLE_ACCEPT]);
  assert.deepEqual(valuesOf(response, 'upgrade'), ['websocket']);
  assert.deepEqual(valuesOf(response, 'connection'), ['Upgrade']);
});

test('api.zig handshake: upgradeWebSocket', async (t) => {
  // A route decides: it accepts one path, and answers the others itself.
  const { server, join, status } = await joining(t);
  server.on('upgrade', (request) => {
    if (request.path === '/ws') request.accept({ headers: { 'X-Route': 'ws' } });
    else request.reject(404);
  });
  assert.equal(await status({ path: '/other' }), 404);
  assert.equal((await join({ path: '/ws' })).socket.isOpen, true);
});

// --------------------------------------------------------------------- metadata

test('api.zig metadata: conn.setMetadata', async (t) => {
  const { server, joins } = await joining(t);
  const [one, two] = (await joins(2)) as [Joined, Joined];
  one.socket.metadata.set('user_id', '12345').set('username', 'john_doe').set('role', 'user');
  one.socket.metadata.set('role', 'admin');
  two.socket.metadata.set('role', 'user');
  const admins = { metadata: { key: 'role', value: 'admin' } };
  assert.deepEqual(server.select(admins), [one.socket]);
});

test('api.zig metadata: conn.getMetadata', async (t) => {
  const { joins } = await joining(t);
  const [one, two] = (await joins(2)) as [Joined, Joined];
  one.socket.metadata.set('user_id', '12345').set('username', 'žluť');
  assert.equal(one.socket.metadata.get('user_id'), '12345');
  assert.equal(one.socket.metadata.get('username'), 'žluť');
  assert.equal(one.socket.metadata.get('nothing'), undefined);
  assert.equal(two.socket.metadata.get('user_id'), undefined);
});

// --------------------------------------------------------------------- examples

test('api.zig integration: chatHandler', async (t) => {
  const { server, join } = await joining(t);
  server.on('open', (socket, request) => {
    socket.metadata.set('user_id', request.headers['x-user-id'] ?? 'anonymous');
    socket.subscribe('lobby');
  });
  server.on('message', (socket, data) => {
    const from = socket.metadata.get('user_id') ?? '';
    if (socket.isSubscribed('lobby')) server.publish('lobby', `${from}: ${data.toString()}`);
  });
  const ada = await join({ headers: { 'X-User-Id': 'ada' } });
  const somebody = await join();
  ada.client.ws.send('hello');
  await somebody.client.received(1);
  somebody.client.ws.send('hi');
  await ada.client.received(2);
  const said = ['ada: hello', 'anonymous: hi'];
  assert.deepEqual(await texts([ada, somebody]), [said, said]);
});

test('api.zig example: chat application', async (t) => {
  const { server, join } = await joining(t);
  server.on('open', (socket) => {
    socket.subscribe('general');
    server.publish('general', 'A new user joined!');
  });
  server.on('message', (_, data) => server.publish('general', data.toString()));
  server.on('close', () => server.publish('general', 'A user left'));
  const one = await join();
  const two = await join();
  await one.client.received(2);
  two.client.ws.send('hello');
  await one.client.received(3);
  two.client.ws.close();
  await one.client.received(4);
  const joined = 'A new user joined!';
  assert.deepEqual(one.client.texts, [joined, joined, 'hello', 'A user left']);
  assert.deepEqual(two.client.texts, [joined, 'hello']);
});
