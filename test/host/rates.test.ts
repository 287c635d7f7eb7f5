// Rates over real sockets: what a connection that is held back sent is read later, all of it and in order.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Option, RatePolicy } from '../../build/limpet.abi.js';
import type { ServerOptions } from '../../host/node/index.js';
import { binary, close, ping, text } from '../conformance/frame.js';
import { handshake } from './support/peer.js';
import { collect, next, serving, type Serving } from './support/serving.js';
import { pass, until } from './support/wait.js';

/** A server with rates: the core's options, by their numbers. */
async function rated(
  t: TestContext,
  rates: [Option, number][],
  options: ServerOptions = {},
): Promise<Serving & { messages: string[] }> {
  const it = await serving(t, options);
  for (const [option, value] of rates) it.server.core.setDefault(option, value);
  const messages: string[] = [];
  it.server.on('message', (_, data) => messages.push(data.toString()));
  return { ...it, messages };
}

const QUEUE: [Option, number] = [Option.RATE_POLICY, RatePolicy.QUEUE];

/** `count` texts from `first` on. */
const texts = (count: number, first = 0) =>
  Array.from({ length: count }, (_, i) => text(String(first + i)));
const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));

test('Rate Limiting, queue: messages past the rate come later, in order, without another byte', async (t) => {
  const { pair, messages, server } = await rated(t, [
    QUEUE,
    [Option.RATE_MESSAGES, 5],
    [Option.RATE_WINDOW_MS, 100],
  ]);
  const { peer } = await pair();
  const began_ms = performance.now();
  peer.write(...texts(20));
  await until(() => messages.length === 20, 'twenty messages');
  // Five at once, fifteen at 20 ms each; a clock of whole milliseconds may be one ahead.
  const took_ms = performance.now() - began_ms;
  assert.ok(took_ms >= 298, `${took_ms} ms`);
  assert.deepEqual(messages, numbers(20));
  assert.ok(server.stats().rateQueued >= 10);
  assert.equal(server.stats().rateDropped, 0);
});

test('Rate Limiting, queue: a peer that goes on sending is held back by TCP, and loses nothing', async (t) => {
  const { pair, messages } = await rated(t, [
    QUEUE,
    [Option.RATE_BYTES, 1 << 20],
    [Option.RATE_WINDOW_MS, 100],
  ]);
  const { peer } = await pair();
  const part = Buffer.alloc(64 << 10, 'x');
  for (let i = 0; i < 48; i++) peer.write(binary(part));
  peer.write(text('last'));
  await until(() => messages.length === 49, '49 messages');
  assert.equal(messages.at(-1), 'last');
  assert.ok(messages.slice(0, 48).every((message) => message.length === part.length));
});

test('Rate Limiting, queue: a connection that is held back does not hold back another', async (t) => {
  const { pair, messages } = await rated(t, [QUEUE, [Option.RATE_MESSAGES, 1]]);
  const slow = await pair();
  const quick = await pair();
  slow.peer.write(text('slow'), text('later'));
  await until(() => messages.length === 1, 'the first message');
  quick.peer.write(text('quick'));
  await until(() => messages.length === 2, 'the message of the other');
  assert.deepEqual(messages, ['slow', 'quick']);
  await until(() => messages.length === 3, 'the message that waited');
});

test('Rate Limiting, queue: early messages behind the handshake wait, too', async (t) => {
  const { connect, messages, server } = await rated(t, [
    QUEUE,
    [Option.RATE_MESSAGES, 1],
    [Option.RATE_WINDOW_MS, 50],
  ]);
  const upgrades = collect(server, 'upgrade');
  const peer = await connect();
  peer.write(handshake(), ...texts(3));
  await until(() => upgrades.length === 1, 'the upgrade');
  await pass(20);
  upgrades[0]?.[0].accept();
  await until(() => messages.length === 3, 'three messages');
  assert.deepEqual(messages, numbers(3));
});

test('Rate Limiting, queue: a pause outlasts the wait', async (t) => {
  const { pair, messages } = await rated(t, [
    QUEUE,
    [Option.RATE_MESSAGES, 1],
    [Option.RATE_WINDOW_MS, 50],
  ]);
  const { peer, socket } = await pair();
  peer.write(...texts(2));
  await until(() => messages.length === 1, 'the first message');
  socket.pause();
  await pass(150);
  assert.deepEqual(messages, ['0']);
  socket.resume();
  await until(() => messages.length === 2, 'the second message');
});

test('Rate Limiting, queue: idleTimeout does not end a connection that is held back', async (t) => {
  const { pair, messages, server } = await rated(
    t,
    [QUEUE, [Option.RATE_MESSAGES, 1], [Option.RATE_WINDOW_MS, 400]],
    { idleTimeout: 150 },
  );
  const failures = collect(server, 'error');
  const { peer } = await pair();
  peer.write(...texts(2));
  await until(() => messages.length === 2, 'the message that waited');
  assert.equal(failures.length, 0);
});

test('Rate Limiting, queue: a connection that is held back can be closed from here', async (t) => {
  const { pair, messages, server } = await rated(t, [
    QUEUE,
    [Option.RATE_MESSAGES, 1],
    [Option.RATE_WINDOW_MS, 60_000],
  ]);
  const { peer, socket } = await pair();
  peer.write(...texts(2));
  await until(() => messages.length === 1, 'the first message');
  const closed = next(server, 'close');
  socket.close(4000);
  assert.equal((await peer.closeFrame())[0], 4000);
  peer.write(close(4000));
  const [, code, , clean] = await closed;
  assert.deepEqual([code, clean], [4000, true]);
  assert.deepEqual(messages, ['0']);
});

test('Rate Limiting, drop: messages past the rate are lost, control frames are not', async (t) => {
  const { pair, messages, server } = await rated(t, [
    [Option.RATE_MESSAGES, 3],
    [Option.RATE_WINDOW_MS, 60_000],
  ]);
  const { peer } = await pair();
  peer.write(...texts(10), ping('still there?'));
  assert.equal((await peer.frame()).payload.toString(), 'still there?');
  assert.deepEqual(messages, numbers(3));
  assert.equal(server.stats().rateDropped, 7);
});

test('Rate Limiting, reject: the message past the rate closes with 1008', async (t) => {
  const { pair, messages, server } = await rated(t, [
    [Option.RATE_MESSAGES, 3],
    [Option.RATE_POLICY, RatePolicy.REJECT],
  ]);
  const { peer } = await pair();
  peer.write(...texts(4));
  assert.deepEqual(await peer.closeFrame(), [1008, '']);
  assert.deepEqual(messages, numbers(3));
  assert.equal(server.stats().rateRejected, 1);
});

test('Rate Limiting, global: connections share the rate of all in the order in which they came', async (t) => {
  const { pair, messages } = await rated(t, [
    QUEUE,
    [Option.RATE_ALL_MESSAGES, 2],
    [Option.RATE_WINDOW_MS, 40],
  ]);
  const pairs = [];
  for (let i = 0; i < 6; i++) pairs.push(await pair());
  for (const [i, { peer }] of pairs.entries()) {
    peer.write(text(String(i)));
    await pass(2);
  }
  await until(() => messages.length === 6, 'a message of each');
  assert.deepEqual(messages, numbers(6));
});

test('Message Counters: stats() has every field of the record', async (t) => {
  const { pair, server, messages } = await rated(t, []);
  const { peer } = await pair();
  peer.write(text('Hello'));
  await until(() => messages.length === 1, 'a message');
  const stats = server.stats();
  assert.deepEqual(
    [stats.messagesIn, stats.bytesIn, stats.opened, stats.active, stats.activePeak],
    [1, 5, 1, 1, 1],
  );
  assert.ok(stats.sessions > 0 && stats.arena > 0 && stats.events > 0 && stats.rooms > 0);
  assert.ok(stats.eventsPeak > 0);
  assert.ok(Object.values(stats).every((value) => Number.isSafeInteger(value)));
  assert.ok(!('size' in stats) && !('reserved' in stats));
});
