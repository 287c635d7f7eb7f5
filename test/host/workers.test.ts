// Four processes behind one port: rooms, broadcasts, counters and bounds as if they were one.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import type { AllMetrics, PublishedByAll, Room } from '../../host/node/index.js';
import { text } from '../conformance/frame.js';
import { requestBytes } from '../conformance/http.js';
import { Certificate, directory } from '../support/certificate.js';
import { Child } from './support/child.js';
import { Client, Crew, PROGRAM, type Who } from './support/crew.js';
import { handshake, Peer } from './support/peer.js';
import { pass, until, within } from './support/wait.js';

const WORKERS = 4;

/** How many clients each worker has. */
async function spread(clients: Client[]): Promise<number[]> {
  const counts = new Map<number, number>();
  for (const { worker } of await Promise.all(clients.map((client) => client.who()))) {
    counts.set(worker, (counts.get(worker) ?? 0) + 1);
  }
  return [...counts.values()];
}

test('connections are dealt out evenly, also when some have gone', async (t) => {
  const crew = await Crew.start(t, { workers: WORKERS });
  const clients = await crew.opens(20);
  assert.deepEqual(await spread(clients), [5, 5, 5, 5]);
  const { worker } = await clients[0].who();
  const gone: Client[] = [];
  for (const client of clients) if ((await client.who()).worker === worker) gone.push(client);
  const left = clients.filter((client) => !gone.includes(client));
  for (const { peer } of gone) peer.transport.destroy();
  while ((await left[0].ask<AllMetrics>('metrics')).active > left.length) await pass(5);
  assert.deepEqual(await spread([...left, ...(await crew.opens(5))]), [5, 5, 5, 5]);
});

test('a publication reaches each subscriber in all workers once, in its order', async (t) => {
  const crew = await Crew.start(t, { workers: WORKERS });
  const clients = await crew.opens(3 * WORKERS);
  const members = clients.slice(0, 2 * WORKERS);
  // Some know it by its name, some by a pattern, some by both: all get it once.
  for (const [i, client] of members.entries()) {
    if (i % 3 !== 1) await client.ask('join', { topic: 'news/cz' });
    if (i % 3 !== 0) await client.ask('join', { topic: 'news/+' });
  }
  for (const [i, client] of clients.entries()) {
    for (const n of [1, 2, 3]) await client.ask('say', { topic: 'news/cz', text: `${i}.${n}` });
  }
  const expected = clients.flatMap((_, i) => [1, 2, 3].map((n) => `${i}.${n}`)).sort();
  for (const client of members) {
    const heard = await client.hears(expected.length);
    assert.deepEqual([...heard].sort(), expected);
    for (const [i] of clients.entries()) {
      const one = heard.filter((message) => message.startsWith(`${i}.`));
      assert.deepEqual(one, [`${i}.1`, `${i}.2`, `${i}.3`], 'the order of one publisher');
    }
  }
  for (const client of clients.slice(2 * WORKERS)) assert.deepEqual(client.heard, []);
});

test('who publishes by its own connection is left out, in its worker', async (t) => {
  const crew = await Crew.start(t, { workers: 2 });
  const clients = await crew.opens(4);
  for (const client of clients) await client.ask('join', { topic: 'a' });
  await clients[0].ask('say', { topic: 'a', text: 'mine', own: true });
  await clients[1].ask('say', { topic: 'a', text: 'last' });
  for (const [i, client] of clients.entries()) {
    const heard = await client.hears(i === 0 ? 1 : 2);
    assert.deepEqual([...heard].sort(), i === 0 ? ['last'] : ['last', 'mine']);
  }
});

test('counts: what publish answers is of its worker, what all.publish answers of all', async (t) => {
  const crew = await Crew.start(t, { workers: WORKERS });
  const clients = await crew.opens(2 * WORKERS);
  for (const client of clients) await client.ask('join', { topic: 'a' });
  const here = await clients[0].ask('say', { topic: 'a', text: 'x' });
  assert.deepEqual(here, { delivered: 2, over: 0, dropped: 0 });
  const all = await clients[0].ask<PublishedByAll>('sayAll', { topic: 'a', text: 'x' });
  assert.deepEqual(all, { delivered: 8, over: 0, dropped: 0, workers: WORKERS });
  const shouted = await clients[1].ask<PublishedByAll>('shoutAll', { text: 'y' });
  assert.deepEqual(shouted, { delivered: 8, over: 0, dropped: 0, workers: WORKERS });
  const nobody = await clients[0].ask<PublishedByAll>('sayAll', { topic: 'b', text: 'x' });
  assert.deepEqual(nobody, { delivered: 0, over: 0, dropped: 0, workers: WORKERS });
  await assert.rejects(clients[0].ask('sayAll', { topic: 'a/+', text: 'x' }), /VALUE/);
  // The one that was refused keeps nothing from the next.
  const again = await clients[0].ask<PublishedByAll>('sayAll', { topic: 'a', text: 'x' });
  assert.equal(again.delivered, 8);
  for (const client of clients) assert.equal((await client.hears(4)).length, 4);
});

test('messages of all lengths cross, whole and in order', async (t) => {
  const crew = await Crew.start(t, { workers: 2 });
  const [sender, member] = await crew.opens(2);
  assert.notEqual((await sender.who()).worker, (await member.who()).worker);
  await member.ask('join', { topic: 'a' });
  const lengths = [0, 1, 100, 65_500, 65_536, 200_000, 3 << 20, 7, 1 << 20, 16_384];
  for (const bytes of lengths) {
    sender.peer.write(text(JSON.stringify({ ask: 'fill', topic: 'a', bytes })));
  }
  const { peer } = member;
  for (const bytes of lengths) {
    const { payload } = await peer.frame();
    assert.ok(payload.equals(Buffer.alloc(bytes)), `${payload.length} for ${bytes}`);
  }
});

test('a broadcast reaches those of a selection in all workers', async (t) => {
  const crew = await Crew.start(t, { workers: WORKERS });
  const clients = await crew.opens(2 * WORKERS);
  for (const [i, client] of clients.entries()) {
    if (i % 2 === 0) await client.ask('label', { key: 'plan', value: i % 4 ? 'paid' : 'free' });
  }
  const late = await clients[0].ask<number>('now');
  const newcomers = await crew.opens(WORKERS);
  const all = [...clients, ...newcomers];
  const [first] = clients;
  await first.ask('shout', { text: 'all' });
  await first.ask('shout', { text: 'but me', but: true });
  await first.ask('shout', { text: 'plan', to: { metadata: { key: 'plan' } } });
  await first.ask('shout', { text: 'paid', to: { metadata: { key: 'plan', value: 'paid' } } });
  await first.ask('shout', { text: 'new', to: { openedFrom: late } });
  await first.ask('shout', { text: 'old', to: { openedUntil: late } });
  await first.ask('shout', { text: 'end' });
  for (const [i, client] of all.entries()) {
    await until(() => client.heard.includes('end'), 'the last broadcast');
    const old = i < clients.length;
    const plan = old && i % 2 === 0;
    const expected = [
      'all',
      ...(i === 0 ? [] : ['but me']),
      ...(plan ? ['plan'] : []),
      ...(plan && i % 4 ? ['paid'] : []),
      old ? 'old' : 'new',
      'end',
    ];
    assert.deepEqual(client.heard, expected, `client ${i}`);
  }
  await assert.rejects(first.ask('shout', { text: 'x', to: { nobody: 1 } }), /selection/);
});

test('counters and rooms of all workers; /metrics answers with them from any', async (t) => {
  const crew = await Crew.start(t, { workers: WORKERS, metrics: true });
  const clients = await crew.opens(6);
  for (const client of clients) await client.ask('join', { topic: 'a' });
  await clients[3].ask('join', { topic: 'b' });
  await clients[0].ask('say', { topic: 'a', text: 'four' });
  for (const client of clients) await client.hears(1);
  const metrics = await clients[5].ask<AllMetrics>('metrics');
  const { active, opened, workers, busDropped, messagesIn, delivered } = metrics;
  assert.deepEqual(
    { active, opened, workers, busDropped, messagesIn, delivered },
    { active: 6, opened: 6, workers: WORKERS, busDropped: 0, messagesIn: 9, delivered: 6 },
  );
  const rooms = await clients[1].ask<Room[]>('rooms');
  rooms.sort((a, b) => (a.topic < b.topic ? -1 : 1));
  assert.deepEqual(rooms, [
    { topic: 'a', wildcard: false, members: 6, messages: 1, bytes: 4 },
    { topic: 'b', wildcard: false, members: 1, messages: 0, bytes: 0 },
  ]);
  assert.equal((await clients[2].ask<Room>('room', { topic: 'b' })).members, 1);
  assert.equal(await clients[2].ask('room', { topic: 'c' }), null);
  for (let i = 0; i < WORKERS; i++) {
    const peer = await crew.connect();
    peer.write(requestBytes('GET /metrics HTTP/1.1', ['Host: x']));
    const { status, body } = await peer.answer();
    assert.equal(status, 200);
    assert.match(body.toString(), /^limpet_workers 4$/m);
    assert.match(body.toString(), /^limpet_delivered_total 6$/m);
    assert.match(body.toString(), /^limpet_bus_dropped_total 0$/m);
  }
});

test('maxConnections is of all workers, exactly; a place that is freed is given again', async (t) => {
  const crew = await Crew.start(t, { workers: WORKERS, maxConnections: 10 });
  const clients = await crew.opens(10);
  for (let i = 0; i < 5; i++) assert.notEqual(await (await crew.connect()).overAs(), '');
  assert.equal((await clients[0].ask<AllMetrics>('metrics')).sessionsFull, 5);
  clients[7].peer.transport.destroy();
  const deadline_ms = performance.now() + 5000;
  for (;;) {
    const peer = await crew.connect();
    peer.write(handshake());
    await until(() => peer.over !== '' || peer.reads > 0, 'an answer');
    if (peer.over === '') break;
    assert.ok(performance.now() < deadline_ms, 'the place is not given again');
  }
  assert.notEqual(await (await crew.connect()).overAs(), '');
});

test('maxConnectionsPerAddress counts in all workers: past it 429', async (t) => {
  const options = { maxConnectionsPerAddress: 3, trustProxy: 'forwarded' };
  const crew = await Crew.start(t, { workers: WORKERS, ...options });
  const from = (address: string) => ({ lines: [`X-Forwarded-For: ${address}`] });
  const statusOf = async (address: string) => {
    const peer = await crew.connect();
    peer.write(handshake(from(address)));
    return { peer, status: await answered(peer) };
  };
  const clients = await crew.opens(3, from('192.0.2.1'));
  assert.equal((await spread(clients)).length, 3, 'in three workers');
  for (let i = 0; i < WORKERS; i++) assert.equal((await statusOf('192.0.2.1')).status, 429);
  assert.equal((await statusOf('192.0.2.2')).status, 101);
  clients[1].peer.transport.destroy();
  const deadline_ms = performance.now() + 5000;
  while ((await statusOf('192.0.2.1')).status !== 101) {
    assert.ok(performance.now() < deadline_ms, 'the place is not given again');
  }
  assert.equal((await statusOf('192.0.2.1')).status, 429);
});

/** The status of the answer to an opening handshake. */
async function answered(peer: Peer): Promise<number> {
  try {
    await peer.upgraded();
    return 101;
  } catch (error) {
    return Number(/answered with (\d+)/.exec(String(error))?.[1]);
  }
}

test('rateLimit.all is shared out: all workers together take no more than it says', async (t) => {
  const rateLimit = { window: 600_000, all: { messages: 20 } };
  const crew = await Crew.start(t, { workers: WORKERS, rateLimit });
  const clients = await crew.opens(WORKERS);
  for (const { peer } of clients) {
    for (let i = 0; i < 10; i++) peer.write(text('{"ask":"now"}'));
  }
  const answers = () => clients.reduce((sum, { peer }) => sum + peer.frames.length, 0);
  await until(() => answers() >= 20, 'twenty answers');
  await pass(100);
  assert.deepEqual(
    clients.map(({ peer }) => peer.frames.length),
    [5, 5, 5, 5],
  );
});

test('TLS: each worker has the certificate; a handshake under way counts as a connection', async (t) => {
  const { cert, key } = new Certificate(['127.0.0.1']);
  const options = { workers: 2, maxConnections: 4, tls: { cert, key } };
  const crew = await Crew.start(t, options);
  const clients: WebSocket[] = [];
  t.after(() => {
    for (const client of clients) client.terminate();
  });
  const heard: string[] = [];
  for (let i = 0; i < 2; i++) {
    const client = new WebSocket(`wss://127.0.0.1:${crew.port}/`, { ca: cert });
    clients.push(client);
    client.on('message', (data: Buffer) => heard.push(data.toString()));
    await within(once(client, 'open'), 'a connection');
  }
  for (const client of clients) client.send('{"ask":"who"}');
  await until(() => heard.length === 2, 'answers');
  const workers = heard.map((text) => (JSON.parse(text) as { answer: Who }).answer.worker);
  assert.deepEqual(workers.sort(), [1, 2]);
  const silent = [await crew.connect(), await crew.connect()];
  assert.notEqual(await (await crew.connect()).overAs(), '', 'the fifth');
  silent[0].reset();
  silent[1].reset();
  const deadline_ms = performance.now() + 5000;
  for (;;) {
    const peer = await crew.connect();
    await pass(20);
    if (peer.over === '') break;
    assert.ok(performance.now() < deadline_ms, 'the places are not given again');
  }
});

test('a Unix socket instead of a port', async (t) => {
  const path = join(directory(t), 'limpet.sock');
  const child = new Child(t, [PROGRAM, JSON.stringify({ workers: 2, where: { path } })]);
  await until(() => child.stdout.includes(`${path}\n`), 'its address', 20_000);
  const workers: number[] = [];
  for (let i = 0; i < 2; i++) {
    const socket = connect(path);
    t.after(() => socket.destroy());
    await within(once(socket, 'connect'), 'a connection');
    const client = new Client(new Peer(socket));
    await client.peer.upgrade();
    workers.push((await client.who()).worker);
  }
  assert.deepEqual(workers.sort(), [1, 2]);
  child.kill('SIGTERM');
  assert.equal((await child.ended()).code, 0);
});
