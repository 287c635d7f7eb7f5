// Each call of the usage example in DMSC's C API → what Limpet has for it, over real sockets, with
// npm's `ws` as the client. docs/coming-from.md lists these tests.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionError, createServer, ErrorCode, SendStatus } from '../../host/node/index.js';
import { collect, next } from '../host/support/serving.js';
import { pass, until } from '../host/support/wait.js';
import { joining, judged, texts } from './support/joining.js';

// -------------------------------------------------------------- configuration

test('DMSC usage: dmsc_ws_server_config_new', () => {
  const micro = createServer({ profile: 'micro', maxMessage: 1000 });
  const another = createServer({ profile: 'micro', maxConnections: 2 });
  assert.notEqual(micro.core, another.core);
  assert.throws(() => createServer({ maxMessage: -1 }), /maxMessage/);
  assert.throws(() => createServer({ max_connections: 5 } as never), /max_connections/);
});

test('DMSC usage: dmsc_ws_server_config_set_host', async (t) => {
  for (const host of [undefined, '0.0.0.0']) {
    const server = createServer();
    t.after(() => server.close({ timeout: 0 }));
    const { address } = await server.listen(0, host);
    assert.equal(address, host ?? '127.0.0.1');
  }
});

test('DMSC usage: dmsc_ws_server_config_set_port', async (t) => {
  const { server, port } = await joining(t);
  await server.close({ timeout: 0 });
  const again = createServer();
  t.after(() => again.close({ timeout: 0 }));
  assert.equal((await again.listen(port)).port, port);
});

test('DMSC usage: dmsc_ws_server_config_get_port', async (t) => {
  const { server, port, join } = await joining(t);
  assert.equal(server.address()?.port, port);
  assert.equal((await join()).client.transport.remotePort, port);
});

test('DMSC usage: dmsc_ws_server_config_set_max_connections', async (t) => {
  const { server, joins, status } = await joining(t, { maxConnections: 2 });
  const [first] = await joins(2);
  assert.equal(await status(), 0, 'it is refused before its request');
  assert.equal(server.metrics().sessionsFull, 1);
  const closed = next(server, 'close');
  first?.client.ws.terminate();
  await closed;
  assert.equal(await status(), 101);
});

test('DMSC usage: dmsc_ws_server_config_set_max_message_size', async (t) => {
  const { server, join } = await joining(t, { maxMessage: 1024 * 1024 });
  const lengths: number[] = [];
  server.on('message', (_, data) => lengths.push(data.length));
  const { client } = await join();
  client.ws.send(Buffer.alloc(1024 * 1024));
  client.ws.send(Buffer.alloc(1024 * 1024 + 1));
  assert.equal((await client.closed())[0], 1009);
  assert.deepEqual(lengths, [1024 * 1024]);
  assert.equal(server.metrics().tooBig, 1);
});

test('DMSC usage: dmsc_ws_server_config_set_ping_interval', async (t) => {
  const { join } = await joining(t, { pingInterval: 30, pongTimeout: 2000 });
  const began_ms = performance.now();
  const { client, socket } = await join();
  await until(() => client.pings.length === 3, 'three pings');
  assert.ok(performance.now() - began_ms >= 88);
  assert.ok(socket.isOpen, 'npm ws has answered them');
});

test('DMSC usage: dmsc_ws_server_config_set_ping_timeout', async (t) => {
  const { server, join } = await joining(t, { pingInterval: 30, pongTimeout: 60 });
  const { client, socket } = await join({ autoPong: false });
  const [whose, code] = await next(server, 'close');
  assert.deepEqual([whose, code], [socket, 1006]);
  assert.equal(client.pings.length, 1);
  assert.equal(server.metrics().timeoutPong, 1);
});

test('DMSC usage: dmsc_ws_server_config_set_compression_enabled', async (t) => {
  for (const deflate of [true, false]) {
    const { server, join } = await joining(t, { deflate });
    const { client } = await join({ perMessageDeflate: true });
    assert.equal(client.ws.extensions, deflate ? 'permessage-deflate' : '');
    const before = client.transport.bytesRead;
    server.broadcast('limpet '.repeat(1000));
    assert.deepEqual(await client.received(1), ['limpet '.repeat(1000)]);
    assert.equal(client.transport.bytesRead - before < 500, deflate);
  }
});

test('DMSC usage: dmsc_ws_server_config_set_compression_level', async (t) => {
  const words = Array.from({ length: 4000 }, (_, i) => `${(i * 7919) % 1013}`).join(' ');
  const sizes: number[] = [];
  for (const deflate of [0, 1, 6]) {
    const { join } = await joining(t, { deflate });
    const { client, socket } = await join({ perMessageDeflate: true });
    const before = client.transport.bytesRead;
    socket.send(words);
    assert.deepEqual(await client.received(1), [words]);
    sizes.push(client.transport.bytesRead - before);
  }
  const [stored = 0, quick = 0, six = 0] = sizes;
  assert.ok(stored >= words.length && quick < stored && six < quick, sizes.join());
});

test('DMSC usage: dmsc_ws_server_config_set_origin_validation', async (t) => {
  const off = await joining(t);
  const on = await joining(t, { allowedOrigins: ['https://example.com'] });
  const asking = { origin: 'https://evil.example' };
  assert.deepEqual([await off.status(asking), await on.status(asking)], [101, 403]);
  assert.equal(on.server.metrics().refusedOrigin, 1);
});

test('DMSC usage: dmsc_ws_server_config_add_allowed_origin', async (t) => {
  const { status } = await joining(t, {
    allowedOrigins: ['https://example.com', 'https://example.org'],
  });
  assert.equal(await status({ origin: 'https://example.com' }), 101);
  assert.equal(await status({ origin: 'https://example.org' }), 101);
  assert.equal(await status({ origin: 'https://example.net' }), 403);
});

test('DMSC usage: dmsc_ws_server_config_set_rate_limit_enabled', async (t) => {
  for (const rateLimit of [undefined, { messages: 100, window: 60_000 }]) {
    const { server, join } = await joining(t, rateLimit && { rateLimit });
    const { client } = await join();
    let count = 0;
    server.on('message', () => count++);
    for (let i = 0; i < 150; i++) client.ws.send('x');
    await judged(server, () => count, 150);
    assert.equal(count, rateLimit ? 100 : 150);
  }
});

test('DMSC usage: dmsc_ws_server_config_set_rate_limit_messages', async (t) => {
  const { server, join } = await joining(t, { rateLimit: { messages: 5, window: 60_000 } });
  const { client } = await join();
  const seen: string[] = [];
  server.on('message', (_, data) => seen.push(data.toString()));
  for (let i = 0; i < 8; i++) client.ws.send(String(i));
  await judged(server, () => seen.length, 8);
  assert.deepEqual(seen, ['0', '1', '2', '3', '4']);
});

test('DMSC usage: dmsc_ws_server_config_set_rate_limit_window', async (t) => {
  const { server, join } = await joining(t, { rateLimit: { messages: 2, window: 100 } });
  const { client } = await join();
  const seen: string[] = [];
  server.on('message', (_, data) => seen.push(data.toString()));
  for (const word of ['1', '2', 'too many']) client.ws.send(word);
  await judged(server, () => seen.length, 3);
  await pass(150);
  for (const word of ['3', '4', 'too many']) client.ws.send(word);
  await judged(server, () => seen.length, 6);
  assert.deepEqual(seen, ['1', '2', '3', '4']);
});

// ------------------------------------------------------------------ a manager

test('DMSC usage: dmsc_ws_session_manager_new', async (t) => {
  const one = await joining(t);
  const two = await joining(t);
  await one.joins(2);
  await two.joins(1);
  assert.deepEqual([one.server.sessions().length, two.server.sessions().length], [2, 1]);
  assert.throws(() => createServer({ profile: 'none' }), TypeError);
});

test('DMSC usage: dmsc_ws_session_manager_start', async (t) => {
  const { port, status } = await joining(t);
  assert.equal(await status(), 101);
  await assert.rejects(createServer().listen(port), { code: 'EADDRINUSE' });
});

test('DMSC usage: dmsc_ws_session_manager_set_on_connect', async (t) => {
  const { server, join } = await joining(t);
  const connected = collect(server, 'open');
  const { socket } = await join({ path: '/here' });
  assert.equal(connected.length, 1);
  assert.equal(connected[0]?.[0], socket);
  assert.equal(connected[0]?.[1].path, '/here');
});

test('DMSC usage: dmsc_ws_session_manager_set_on_message', async (t) => {
  const { server, join } = await joining(t);
  const messages = collect(server, 'message');
  const { client, socket } = await join();
  client.ws.send('žluť');
  client.ws.send(Buffer.from([0, 255]));
  await until(() => messages.length === 2, 'two messages');
  // Theirs: session, type, data, length.
  assert.deepEqual(
    messages.map(([whose, data, isBinary]) => [whose === socket, isBinary, [...data], data.length]),
    [
      [true, false, [...Buffer.from('žluť')], 6],
      [true, true, [0, 255], 2],
    ],
  );
});

test('DMSC usage: dmsc_ws_session_manager_set_on_close', async (t) => {
  const { server, join } = await joining(t);
  const { client, socket } = await join();
  const closed = next(server, 'close');
  client.ws.close(4001, 'enough');
  assert.deepEqual(await closed, [socket, 4001, 'enough', true]);
});

test('DMSC usage: dmsc_ws_session_manager_set_on_error', async (t) => {
  const { server, join } = await joining(t);
  const { client, socket } = await join();
  const failed = next(server, 'error');
  client.ws.send(Buffer.from([0xff]), { binary: false });
  const [error, whose] = await failed;
  assert.ok(error instanceof ConnectionError && error.message !== '');
  assert.deepEqual([error.code, error.closeCode, whose], [ErrorCode.UTF8, 1007, socket]);
});

test('DMSC usage: user_data of the callbacks', async (t) => {
  const { server, joins } = await joining(t);
  server.on('open', (socket) => (socket.data = { number: socket.id }));
  const seen: unknown[] = [];
  server.on('message', (socket) => seen.push(socket.data));
  server.on('close', (socket) => seen.push(socket.data));
  const [one, two] = await joins(2);
  two?.client.ws.send('x');
  await until(() => seen.length === 1, 'a message');
  one?.client.ws.close();
  await until(() => seen.length === 2, 'an end');
  assert.deepEqual(seen, [{ number: two?.socket.id }, { number: one?.socket.id }]);
});

test('DMSC usage: dmsc_ws_session_manager_poll', async (t) => {
  // Nothing is polled: events come, and time passes for the core, between the application's own tasks.
  const { server, join } = await joining(t, { idleTimeout: 80 });
  let tasks = 0;
  const periodic = setInterval(() => tasks++, 5);
  t.after(() => {
    clearInterval(periodic);
  });
  const { client } = await join();
  client.ws.send('hello');
  await next(server, 'message');
  assert.equal((await client.closed())[0], 1001);
  assert.ok(tasks > 2, `${tasks} tasks`);
});

test('DMSC usage: dmsc_ws_session_manager_get_active_count', async (t) => {
  const { server, joins } = await joining(t);
  const [one] = await joins(3);
  assert.equal(server.metrics().active, 3);
  const closed = next(server, 'close');
  one?.client.ws.close();
  await closed;
  assert.equal(server.metrics().active, 2);
});

test('DMSC usage: dmsc_ws_session_manager_get_total_count', async (t) => {
  const { server, joins } = await joining(t);
  for (const { client } of await joins(3)) {
    const closed = next(server, 'close');
    client.ws.close();
    await closed;
  }
  await joins(1);
  assert.deepEqual([server.metrics().active, server.metrics().opened], [1, 4]);
});

test('DMSC usage: dmsc_ws_session_manager_get_total_messages', async (t) => {
  const { server, joins } = await joining(t);
  server.on('message', (socket, data) => socket.send(data.toString()));
  const all = await joins(2);
  for (const { client } of all) for (const word of ['a', 'b', 'c']) client.ws.send(word);
  for (const { client } of all) await client.received(3);
  server.broadcast('to both');
  for (const { client } of all) await client.received(4);
  const { messagesIn, messagesOut } = server.metrics();
  assert.deepEqual([messagesIn, messagesOut], [6, 8]);
});

test('DMSC usage: dmsc_ws_session_manager_broadcast', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(3);
  const words = '{"type": "broadcast", "message": "Hello all!"}';
  assert.deepEqual(server.broadcast(words), { delivered: 3, over: 0, dropped: 0 });
  assert.deepEqual(await texts(all), [[words], [words], [words]]);
});

// ------------------------------------------------------------------- sessions

test('DMSC usage: dmsc_ws_session_manager_get_session_ids', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(3);
  const ids = server.sessions().map(({ id }) => id);
  assert.deepEqual(new Set(ids), new Set(all.map(({ socket }) => socket.id)));
  assert.equal(new Set(ids).size, 3);
});

test('DMSC usage: dmsc_ws_session_manager_get_session', async (t) => {
  const { server, joins } = await joining(t);
  const [one, two] = await joins(2);
  const { id } = one?.socket ?? { id: 0 };
  assert.equal(server.socket(id), one?.socket);
  const closed = next(server, 'close');
  one?.client.ws.close();
  await closed;
  assert.equal(server.socket(id), undefined);
  assert.equal(server.socket(two?.socket.id ?? 0), two?.socket);
});

test('DMSC usage: dmsc_ws_session_get_remote_addr', async (t) => {
  const { join } = await joining(t);
  const { client, socket } = await join();
  assert.deepEqual(
    [socket.remoteAddress, socket.remotePort],
    ['127.0.0.1', client.transport.localPort],
  );
});

test('DMSC usage: dmsc_ws_session_get_connected_at', async (t) => {
  const { join } = await joining(t);
  const before_ms = performance.now();
  const { socket } = await join();
  const { openedAt } = socket.stats();
  assert.ok(openedAt >= before_ms - 2 && openedAt <= performance.now() + 1, `${openedAt}`);
});

test('DMSC usage: dmsc_ws_session_get_messages_sent', async (t) => {
  const { server, joins } = await joining(t);
  const [one, two] = await joins(2);
  one?.socket.send('to one');
  server.broadcast('to both');
  assert.deepEqual([one?.socket.stats().messagesOut, two?.socket.stats().messagesOut], [2, 1]);
});

test('DMSC usage: dmsc_ws_session_get_bytes_sent', async (t) => {
  const { server, joins } = await joining(t);
  const [one, two] = await joins(2);
  one?.socket.send('12345');
  server.broadcast('žluť');
  assert.deepEqual([one?.socket.stats().bytesOut, two?.socket.stats().bytesOut], [11, 6]);
});

test('DMSC usage: dmsc_ws_session_send', async (t) => {
  const { joins } = await joining(t);
  const all = await joins(3);
  assert.equal(all[1]?.socket.send('Welcome!'), SendStatus.OK);
  assert.deepEqual(await texts(all), [[], ['Welcome!'], []]);
});

test('DMSC usage: dmsc_ws_session_free', async (t) => {
  // Nothing is to be freed: a socket that is over answers, and belongs to nobody else.
  const { server, joins, join } = await joining(t, { maxConnections: 1 });
  const [one] = await joins(1);
  const old = one?.socket;
  const closed = next(server, 'close');
  one?.client.ws.close();
  await closed;
  const { client, socket } = await join();
  assert.ok(old && old.send('to nobody') < 0 && !old.isOpen);
  socket.send('to the next one');
  assert.deepEqual(await client.received(1), ['to the next one']);
});

// ---------------------------------------------------------------------- rooms

const ROOM = 'chat_room_1';

test('DMSC usage: dmsc_ws_session_manager_join_room', async (t) => {
  const { server, joins } = await joining(t);
  const [one] = await joins(2);
  assert.equal(one?.socket.subscribe(ROOM), true);
  assert.equal(one.socket.subscribe(ROOM), false, 'it is in already');
  assert.deepEqual(server.members(ROOM), [one.socket]);
});

test('DMSC usage: dmsc_ws_session_manager_send_to_room', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(3);
  for (const { socket } of all.slice(0, 2)) socket.subscribe(ROOM);
  const words = '{"type": "room", "content": "Hello room!"}';
  assert.equal(server.publish(ROOM, words).delivered, 2);
  assert.equal(server.publish('another room', words).delivered, 0);
  assert.deepEqual(await texts(all), [[words], [words], []]);
});

test('DMSC usage: dmsc_ws_session_manager_send_to_room_except', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(4);
  const [sender] = all;
  for (const { socket } of all.slice(0, 3)) socket.subscribe(ROOM);
  assert.equal(server.publish(ROOM, 'by the server', { except: sender?.socket }).delivered, 2);
  assert.equal(sender?.socket.publish(ROOM, 'by the socket').delivered, 2);
  const both = ['by the server', 'by the socket'];
  assert.deepEqual(await texts(all), [[], both, both, []]);
});

test('DMSC usage: dmsc_ws_session_manager_leave_room', async (t) => {
  const { server, joins } = await joining(t);
  const all = await joins(2);
  for (const { socket } of all) socket.subscribe(ROOM);
  assert.equal(all[0]?.socket.unsubscribe(ROOM), true);
  assert.equal(all[0].socket.unsubscribe(ROOM), false, 'it is out already');
  assert.equal(server.publish(ROOM, 'x').delivered, 1);
  assert.deepEqual(await texts(all), [[], ['x']]);
});

test('DMSC usage: dmsc_ws_session_manager_get_room_members', async (t) => {
  const { server, joins } = await joining(t);
  const sockets = (await joins(5)).map(({ socket }) => socket);
  for (const socket of sockets.slice(1)) socket.subscribe(ROOM);
  assert.deepEqual(new Set(server.members(ROOM)), new Set(sockets.slice(1)));
  assert.equal(server.room(ROOM)?.members, 4);
  assert.deepEqual(server.members('nobody is here'), []);
});

// -------------------------------------------------------------------- the end

test('DMSC usage: dmsc_ws_session_manager_stop', async (t) => {
  const { server, join, status } = await joining(t);
  const polite = await join();
  const stuck = await join();
  stuck.client.ws.pause();
  const began_ms = performance.now();
  const ended = server.close({ timeout: 200 });
  assert.deepEqual(await polite.client.closed(), [1001, '']);
  await ended;
  const took_ms = performance.now() - began_ms;
  assert.ok(took_ms >= 198 && took_ms < 2000, `${took_ms} ms`);
  assert.equal(server.metrics().active, 0);
  assert.equal(await status(), 0, 'nobody listens');
});

test('DMSC usage: dmsc_ws_session_manager_free', async (t) => {
  const { server, joins } = await joining(t, { profile: 'micro' });
  for (const { socket } of await joins(3)) {
    socket.subscribe('room/+');
    socket.metadata.set('name', String(socket.id));
    socket.send('x'.repeat(500));
  }
  const used = () => {
    const { active, arenaUsed, roomsUsed, membershipsUsed, levelsUsed, metadataUsed } =
      server.metrics();
    return [active, arenaUsed, roomsUsed, membershipsUsed, levelsUsed, metadataUsed];
  };
  assert.ok(used().every((count) => count > 0));
  await server.close({ timeout: 0 });
  assert.deepEqual(used(), [0, 0, 0, 0, 0, 0]);
});

test('DMSC usage: dmsc_ws_server_config_free', async (t) => {
  // Options are read once: they stay the application's, and may serve again.
  const options = { maxConnections: 1, allowedOrigins: ['https://example.com'] };
  const origin = 'https://example.com';
  const first = await joining(t, options);
  options.allowedOrigins.length = 0;
  options.maxConnections = 0;
  assert.equal(await first.status({ origin }), 101);
  const second = await joining(t, { ...options, maxConnections: 1, allowedOrigins: [origin] });
  assert.equal(await second.status({ origin }), 101);
});
