// Beyond ws: rooms, broadcasts, counters, limits, heartbeats and addresses through limpet/ws.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from '../../host/node/ws/index.js';
import { LimpetError } from '../../host/core/core.js';
import { PING, pong, text } from '../conformance/frame.js';
import { Peer } from '../host/support/peer.js';
import { pass, until } from '../host/support/wait.js';
import { collect, next, overHttp, serving } from './support/serving.js';

test('rooms: subscribe, publish, unsubscribe', async (t) => {
  const { wss, pair } = await serving(t);
  const [a, b, c] = [await pair(), await pair(), await pair()];
  assert.equal(a.ws.subscribe('news/sport'), true);
  assert.equal(a.ws.subscribe('news/sport'), false);
  assert.equal(b.ws.subscribe('news/+'), true);
  assert.deepEqual(b.ws.topics(), ['news/+']);
  assert.deepEqual(
    [a.ws.isSubscribed('news/sport'), c.ws.isSubscribed('news/sport')],
    [true, false],
  );
  assert.deepEqual(wss.publish('news/sport', 'goal'), { delivered: 2, over: 0, dropped: 0 });
  assert.equal(await a.peer.text(), 'goal');
  assert.equal(await b.peer.text(), 'goal');
  assert.deepEqual(a.ws.publish('news/sport', 'of a'), { delivered: 1, over: 0, dropped: 0 });
  assert.equal(await b.peer.text(), 'of a');
  wss.publish('news/sport', Buffer.of(1), { except: b.ws });
  const frame = await a.peer.frame();
  assert.deepEqual([frame.opcode, frame.payload], [2, Buffer.of(1)]);
  assert.deepEqual(wss.members('news/sport'), [a.ws]);
  assert.deepEqual(
    wss
      .rooms()
      .map(({ topic, members }) => [topic, members])
      .sort(),
    [
      ['news/+', 1],
      ['news/sport', 1],
    ],
  );
  assert.equal(wss.room('news/sport')?.messages, 3);
  assert.equal(wss.room('nowhere'), undefined);
  assert.deepEqual([a.ws.unsubscribe('news/sport'), a.ws.unsubscribe('news/sport')], [true, false]);
  assert.equal(wss.publish('news/sport', 'x').delivered, 1);
  for (const topic of ['', 'a/#/b']) {
    assert.throws(() => a.ws.subscribe(topic), LimpetError);
    assert.throws(() => wss.publish(topic, 'x'), LimpetError);
  }
  assert.throws(() => wss.publish('a', {} as string), TypeError);
  assert.throws(() => wss.publish('a', 'x', { except: {} as WebSocket }), TypeError);
  b.ws.terminate();
  await until(() => wss.rooms().length === 0, 'the end of the room');
});

test('a connection that is none has no rooms', () => {
  const ws = new WebSocket(null);
  assert.deepEqual(
    [ws.subscribe('a'), ws.unsubscribe('a'), ws.isSubscribed('a'), ws.topics()],
    [false, false, false, []],
  );
  assert.throws(() => ws.publish('a', 'x'), /a client cannot publish/);
  assert.equal(ws.remoteAddress, '');
  assert.equal(ws._socket, null);
});

test('broadcast: to all, to a selection, to those that a function picks', async (t) => {
  const { wss, pair } = await serving(t);
  const [a, b] = [await pair(), await pair()];
  assert.equal(wss.broadcast('all').delivered, 2);
  assert.equal(wss.broadcast('but a', { except: a.ws }).delivered, 1);
  assert.equal(wss.broadcast('picked', { to: (ws) => ws === a.ws }).delivered, 1);
  assert.equal(wss.broadcast(Buffer.of(7), { to: { openedFrom: 1 } }).delivered, 2);
  assert.deepEqual(
    [await a.peer.text(), await a.peer.text(), (await a.peer.frame()).opcode],
    ['all', 'picked', 2],
  );
  assert.deepEqual([await b.peer.text(), await b.peer.text()], ['all', 'but a']);
  assert.throws(() => wss.broadcast('x', { to: { nonsense: 1 } as object }), TypeError);
  b.ws.close();
  assert.equal(wss.broadcast('open only', { to: () => true }).delivered, 1);
});

test('metrics count', async (t) => {
  const { wss, pair } = await serving(t);
  const before = wss.metrics();
  const { peer, ws } = await pair();
  const came = next(ws, 'message');
  peer.write(text('four'));
  await came;
  ws.send('x');
  await peer.text();
  const after = wss.metrics();
  assert.deepEqual(
    [
      after.opened - before.opened,
      after.messagesIn,
      after.bytesIn,
      after.messagesOut,
      after.active,
    ],
    [1, 1, 4, 1, 1],
  );
});

test('a server without connections has rooms and counters', () => {
  const wss = new WebSocketServer({ noServer: true });
  assert.deepEqual(wss.rooms(), []);
  assert.equal(wss.metrics().active, 0);
  assert.deepEqual(wss.publish('a', 'x'), { delivered: 0, over: 0, dropped: 0 });
  wss.close();
});

test('maxConnections: one more is let go', async (t) => {
  const { wss, port, open } = await serving(t, { maxConnections: 1 });
  const first = await open();
  await assert.rejects(Peer.open(port));
  first.transport.destroy();
  await until(() => wss.clients.size === 0, 'the end');
  await pass(20);
  await open();
});

test('maxConnectionsPerAddress: 429', async (t) => {
  for (const start of [serving, overHttp]) {
    const { port, open } = await start(t, { maxConnectionsPerAddress: 1 });
    await open();
    await assert.rejects(Peer.open(port), /answered with 429/);
  }
});

test('rateLimit: what is too much is dropped', async (t) => {
  const { pair } = await serving(t, { rateLimit: { messages: 2, window: 60_000 } });
  const { peer, ws } = await pair();
  const messages = collect(ws, 'message');
  peer.write(text('1'), text('2'), text('3'));
  await pass(30);
  assert.equal(messages.length, 2);
});

test('heartbeat: who answers has a round-trip time, who does not is gone', async (t) => {
  const { pair } = await serving(t, { heartbeat: { interval: 30, timeout: 60 } });
  const { peer, ws } = await pair();
  const errors = collect(ws, 'error');
  const { opcode, payload } = await peer.frame();
  assert.equal(opcode, PING);
  const beat = next(ws, 'heartbeat');
  peer.write(pong(payload));
  const [rtt] = (await beat) as [number];
  assert.ok(rtt >= 0 && rtt < 5000);
  assert.deepEqual(await next(ws, 'close'), [1006, Buffer.alloc(0)]);
  assert.deepEqual(errors, []);
});

test('trustProxy: remoteAddress is the client’s, if the peer may say so', async (t) => {
  const lines = ['X-Forwarded-For: 192.0.2.7'];
  for (const start of [serving, overHttp]) {
    const trusting = await start(t, { trustProxy: 'forwarded' });
    const { ws } = await trusting.pair({ lines });
    assert.equal(ws.remoteAddress, '192.0.2.7');
    const picky = await start(t, { trustProxy: 'forwarded', trustPeer: () => false });
    assert.equal((await picky.pair({ lines })).ws.remoteAddress, '127.0.0.1');
  }
  const { wss, connect } = await serving(t, { trustProxy: 'proxy-required' });
  const connected = next(wss, 'connection');
  const peer = await connect();
  peer.write(Buffer.from('PROXY TCP4 192.0.2.9 127.0.0.1 1234 80\r\n'));
  await peer.upgrade();
  const [ws] = (await connected) as [WebSocket];
  assert.equal(ws.remoteAddress, '192.0.2.9');
});

test('prepare: one message for many, at any time, in its order', async (t) => {
  const { wss, pair } = await serving(t);
  const [a, b] = [await pair(), await pair()];
  const message = wss.prepare('again');
  let written = 0;
  assert.equal(
    a.ws.send(message, () => (written += 1)),
    0,
  );
  a.ws.send('between');
  a.ws.send(message);
  b.ws.send(new Blob(['a blob']));
  b.ws.send(message);
  for (const told of ['again', 'between', 'again']) assert.equal(await a.peer.text(), told);
  assert.equal(await b.peer.text(), 'a blob');
  assert.equal(await b.peer.text(), 'again');
  await until(() => written === 1, 'the callback');
  assert.equal(wss.metrics().preparedUsed, 1);
  message.free();
  assert.equal(wss.metrics().preparedUsed, 0);
  assert.throws(() => a.ws.send(message), TypeError);
  b.ws.terminate();
  const late = wss.prepare('late');
  const errors: (string | undefined)[] = [];
  b.ws.send(late, (error) => errors.push(error?.message));
  await until(() => errors.length === 1, 'the error');
  assert.match(errors[0] ?? '', /WebSocket is not open/);
});

test('memory says what a connection costs', async (t) => {
  const { wss, pair } = await serving(t);
  await pair();
  const { instances, reserved } = wss.memory();
  assert.equal(instances, 1);
  assert.equal(reserved, wss.metrics().memoryBytes);
});
