// Rooms, publications, selections and metadata over real sockets.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ErrorCode, LimpetError, SendStatus, type Socket } from '../../host/node/index.js';
import { BINARY, TEXT, text } from '../conformance/frame.js';
import { Peer } from './support/peer.js';
import { collect, next, serving, type Serving } from './support/serving.js';
import { pass, turns, until } from './support/wait.js';

const MIB = 1 << 20;

/** So many connections, each seen from both ends. */
async function pairs({ pair }: Serving, count: number) {
  const all = [];
  for (let i = 0; i < count; i++) all.push(await pair());
  return all as [Pair, Pair, Pair, ...Pair[]];
}
type Pair = Awaited<ReturnType<Serving['pair']>>;

/** Many clients; a busy machine takes its time for each. */
async function crowd(t: TestContext, port: number, count: number): Promise<Peer[]> {
  const peers: Peer[] = [];
  t.after(() => {
    for (const { transport } of peers) transport.destroy();
  });
  while (peers.length < count) {
    const some = Math.min(50, count - peers.length);
    peers.push(...(await Promise.all(Array.from({ length: some }, () => Peer.open(port)))));
  }
  return peers;
}

const codeOf = (code: ErrorCode) => (error: unknown) =>
  error instanceof LimpetError && error.code === code;

// ------------------------------------------------------------------- topics

test('subscribe, isSubscribed, topics, unsubscribe', async (t) => {
  const it = await serving(t);
  const [{ socket }] = await pairs(it, 1);
  assert.equal(socket.subscribe('news/žluť'), true);
  assert.equal(socket.subscribe('news/žluť'), false, 'it was in');
  assert.equal(socket.subscribe('news/#'), true);
  assert.equal(socket.isSubscribed('news/žluť'), true);
  assert.equal(socket.isSubscribed('news'), false);
  assert.deepEqual(socket.topics().sort(), ['news/#', 'news/žluť']);
  assert.equal(socket.unsubscribe('news/žluť'), true);
  assert.equal(socket.unsubscribe('news/žluť'), false);
  assert.deepEqual(socket.topics(), ['news/#']);
});

test('what is no topic is refused with LimpetError, and publishing to a pattern, too', async (t) => {
  const it = await serving(t);
  const [{ socket }] = await pairs(it, 1);
  for (const topic of ['', 'a#', 'a/#/b', 'a+', 'a\0b', 'x'.repeat(129), 'x'.repeat(100_000)]) {
    const refused = (error: unknown) => error instanceof LimpetError;
    assert.throws(() => socket.subscribe(topic), refused, JSON.stringify(topic.slice(0, 20)));
  }
  for (const topic of ['a/+', '#', '']) {
    assert.throws(() => it.server.publish(topic, 'x'), codeOf(ErrorCode.VALUE), topic);
  }
  assert.throws(() => it.server.publish('a', 5 as unknown as string), TypeError);
  assert.equal(it.server.publish('a', 'nobody hears this').delivered, 0);
});

test('publish reaches members of the topic and of patterns that match it, each once', async (t) => {
  const it = await serving(t);
  const [a, b, c, d] = await pairs(it, 4);
  a.socket.subscribe('sport/tennis');
  a.socket.subscribe('sport/#');
  b.socket.subscribe('sport/+');
  c.socket.subscribe('sport/golf');
  assert.deepEqual(it.server.publish('sport/tennis', 'ace'), { delivered: 2, over: 0, dropped: 0 });
  assert.equal(it.server.publish('sport', 'parent').delivered, 1);
  assert.equal(it.server.publish('sport/golf', Buffer.from([1, 2])).delivered, 3);
  it.server.broadcast('end');
  const got = async ({ peer }: Pair) => {
    const frames = [];
    for (;;) {
      const { opcode, payload } = await peer.frame();
      if (payload.toString() === 'end') return frames;
      frames.push([opcode, payload.toString('latin1')]);
    }
  };
  const golf = [BINARY, '\x01\x02'];
  assert.deepEqual(await got(a), [[TEXT, 'ace'], [TEXT, 'parent'], golf]);
  assert.deepEqual(await got(b), [[TEXT, 'ace'], golf]);
  assert.deepEqual(await got(c), [golf]);
  assert.ok(d);
  assert.deepEqual(await got(d), []);
});

test('publish: except one; socket.publish leaves out itself; binary decides the kind', async (t) => {
  const it = await serving(t);
  const [a, b, c] = await pairs(it, 3);
  for (const { socket } of [a, b, c]) socket.subscribe('room');
  assert.equal(it.server.publish('room', 'one', { except: b.socket }).delivered, 2);
  assert.equal(a.socket.publish('room', 'two', { binary: true }).delivered, 2);
  assert.equal(c.socket.publish('room', Buffer.from('three'), { binary: false }).delivered, 2);
  const texts = async ({ peer }: Pair) => {
    const first = await peer.frame();
    const second = await peer.frame();
    return [first, second].map(({ opcode, payload }) => [opcode, payload.toString()]);
  };
  assert.deepEqual(await texts(a), [
    [TEXT, 'one'],
    [TEXT, 'three'],
  ]);
  assert.deepEqual(await texts(b), [
    [BINARY, 'two'],
    [TEXT, 'three'],
  ]);
  assert.deepEqual(await texts(c), [
    [TEXT, 'one'],
    [BINARY, 'two'],
  ]);
});

test('rooms, room and members: who is where, and what was published', async (t) => {
  const it = await serving(t);
  const { server } = it;
  const [a, b] = await pairs(it, 2);
  assert.deepEqual(server.rooms(), []);
  a.socket.subscribe('one');
  b.socket.subscribe('one');
  b.socket.subscribe('two/+');
  server.publish('one', '12345');
  server.publish('two/x', '123');
  server.publish('one', '67');
  const byTopic = server.rooms().sort((x, y) => (x.topic < y.topic ? -1 : 1));
  assert.deepEqual(byTopic, [
    { topic: 'one', wildcard: false, members: 2, messages: 2, bytes: 7 },
    { topic: 'two/+', wildcard: true, members: 1, messages: 1, bytes: 3 },
  ]);
  assert.deepEqual(server.room('one'), byTopic[0]);
  assert.equal(server.room('two/x'), undefined);
  assert.deepEqual(new Set(server.members('one')), new Set([a.socket, b.socket]));
  assert.deepEqual(server.members('two/+'), [b.socket]);
  assert.deepEqual(server.members('nowhere'), []);
  const closed = next(server, 'close');
  b.peer.reset();
  await closed;
  assert.deepEqual(
    server.rooms().map(({ topic, members }) => [topic, members]),
    [['one', 1]],
  );
});

test('members of a large room are listed whole', async (t) => {
  const it = await serving(t);
  await crowd(t, it.port, 1100);
  const sockets = it.server.sessions();
  for (const socket of sockets) socket.subscribe('all');
  assert.equal(it.server.members('all').length, 1100);
  assert.equal(new Set(it.server.members('all')).size, 1100);
});

test('after the end of a connection nothing throws', async (t) => {
  const it = await serving(t);
  const [{ peer, socket }] = await pairs(it, 1);
  socket.subscribe('a');
  const closed = next(it.server, 'close');
  peer.reset();
  await closed;
  assert.equal(socket.subscribe('a'), false);
  assert.equal(socket.unsubscribe('a'), false);
  assert.equal(socket.isSubscribed('a'), false);
  assert.deepEqual(socket.topics(), []);
  assert.equal(socket.publish('a', 'x').delivered, 0);
  assert.equal(socket.metadata.get('key'), undefined);
  assert.deepEqual([...socket.metadata], []);
  assert.equal(it.server.socket(socket.id), undefined);
});

test('micro: rooms and memberships run out with an error of their name', async (t) => {
  const it = await serving(t, { profile: 'micro' });
  const all = await pairs(it, 4);
  const [{ socket }] = all;
  for (let i = 0; i < 16; i++) assert.equal(socket.subscribe(`room ${i}`), true);
  assert.throws(() => socket.subscribe('one more'), codeOf(ErrorCode.ROOMS));
  for (const other of all.slice(1, 3)) {
    for (let i = 0; i < 16; i++) other.socket.subscribe(`room ${i}`);
  }
  const last = all[3]?.socket;
  assert.throws(() => last?.subscribe('room 0'), codeOf(ErrorCode.MEMBERSHIPS));
  assert.equal(it.server.publish('room 7', 'still works').delivered, 3);
  assert.equal(it.server.metrics().roomsFull, 1);
  assert.equal(it.server.metrics().membershipsFull, 1);
});

test('nano has no topics, and says so; broadcast works without them', async (t) => {
  const it = await serving(t, { profile: 'nano' });
  const [a, b] = await pairs(it, 2);
  const unsupported = codeOf(ErrorCode.UNSUPPORTED);
  assert.throws(() => a.socket.subscribe('a'), unsupported);
  assert.throws(() => it.server.publish('a', 'x'), unsupported);
  assert.throws(() => a.socket.metadata.set('a', 'x'), unsupported);
  assert.throws(() => it.server.broadcast('x', { to: { openedFrom: 1 } }), TypeError);
  assert.deepEqual(it.server.rooms(), []);
  assert.equal(it.server.broadcast('to all').delivered, 2);
  assert.equal(it.server.broadcast('to b', { except: a.socket }).delivered, 1);
  assert.equal(await a.peer.text(), 'to all');
  assert.equal(await b.peer.text(), 'to all');
  assert.equal(await b.peer.text(), 'to b');
});

// ---------------------------------------------------------------- broadcasts

test('broadcast by metadata, connect time, message counts and any function', async (t) => {
  const it = await serving(t);
  const { server } = it;
  const [a, b, c] = await pairs(it, 3);
  a.socket.metadata.set('role', 'admin');
  b.socket.metadata.set('role', 'user');
  const message = next(server, 'message');
  c.peer.write(text('I spoke'));
  await message;
  const reach = (to: Parameters<typeof server.select>[0]) => server.select(to);
  assert.deepEqual(reach({ metadata: { key: 'role', value: 'admin' } }), [a.socket]);
  assert.deepEqual(new Set(reach({ metadata: { key: 'role' } })), new Set([a.socket, b.socket]));
  assert.deepEqual(reach({ metadata: { key: 'role', value: '' } }), []);
  assert.deepEqual(reach({ messagesInFrom: 1 }), [c.socket]);
  assert.equal(reach({ openedFrom: performance.now() + 1000 }).length, 0);
  assert.equal(reach({ openedUntil: performance.now() + 1000 }).length, 3);
  assert.equal(reach({ states: ['closing'] }).length, 0);
  const admins = { metadata: { key: 'role', value: 'admin' } };
  assert.equal(server.broadcast('to admins', { to: admins }).delivered, 1);
  assert.equal(server.broadcast('not to a', { except: a.socket }).delivered, 2);
  assert.equal(server.broadcast('to b', { to: (socket) => socket === b.socket }).delivered, 1);
  assert.equal(server.broadcast('nobody', { to: admins, except: a.socket }).delivered, 0);
  assert.equal(await a.peer.text(), 'to admins');
  assert.deepEqual([await b.peer.text(), await b.peer.text()], ['not to a', 'to b']);
  assert.equal(await c.peer.text(), 'not to a');
  a.socket.close();
  assert.deepEqual(reach({ states: ['closing'] }), [a.socket]);
});

test('a selection that is none is refused', async (t) => {
  const { server } = await serving(t);
  for (const to of [
    { openedFrom: -1 },
    { openedUntil: NaN },
    { messagesInTo: 0 },
    { messagesOutFrom: Infinity },
    { role: 'admin' },
    { states: ['sleeping'] },
    { metadata: 'name' },
    { metadata: { value: 'Ann' } },
    'news',
    5,
    [],
    null,
  ]) {
    const refused = (error: unknown) => error instanceof TypeError || error instanceof RangeError;
    assert.throws(() => server.broadcast('x', { to: to as never }), refused, JSON.stringify(to));
    assert.throws(() => server.select(to as never), refused, JSON.stringify(to));
  }
  assert.throws(() => server.publish('x'.repeat(70_000), 'x'), LimpetError);
  assert.equal(server.metrics().arenaUsed, 0, 'what was not sent takes no memory');
});

test('except is a connection: what is none is refused, and not sent to all', async (t) => {
  const { server } = await serving(t);
  for (const except of [5, 'Ann', null, {}]) {
    const refused = { name: 'TypeError', message: /^except is a connection/ };
    assert.throws(() => server.broadcast('x', { except: except as never }), refused);
    assert.throws(() => server.publish('news', 'x', { except: except as never }), refused);
  }
  assert.equal(server.broadcast('x', { except: undefined }).delivered, 0);
});

test('fragmented messages are not cut in two by a publication: it is counted as dropped', async (t) => {
  const it = await serving(t);
  const [a, b] = await pairs(it, 2);
  for (const { socket } of [a, b]) socket.subscribe('room');
  a.socket.send('the first half, ', { fin: false });
  assert.deepEqual(it.server.publish('room', 'x'), { delivered: 1, over: 0, dropped: 1 });
  a.socket.send('the second');
  assert.equal(it.server.publish('room', 'y').delivered, 2);
  const frames = [await a.peer.frame(), await a.peer.frame(), await a.peer.frame()];
  assert.deepEqual(
    frames.map(({ payload }) => payload.toString()),
    ['the first half, ', 'the second', 'y'],
  );
});

// ------------------------------------------------------------------ metadata

test('metadata: set, get, has, delete, entries, size', async (t) => {
  const it = await serving(t);
  const [a, b] = await pairs(it, 2);
  const { metadata } = a.socket;
  assert.deepEqual([...metadata.entries()], []);
  assert.equal(metadata.set('name', 'žluťoučký 🐚').set('empty', ''), metadata);
  assert.equal(metadata.get('name'), 'žluťoučký 🐚');
  assert.equal(metadata.get('empty'), '');
  assert.deepEqual([metadata.has('empty'), metadata.has('none'), metadata.size], [true, false, 2]);
  metadata.set('name', 'another');
  assert.deepEqual(
    new Map(metadata),
    new Map([
      ['name', 'another'],
      ['empty', ''],
    ]),
  );
  assert.equal(b.socket.metadata.get('name'), undefined);
  assert.equal(metadata.delete('name'), true);
  assert.equal(metadata.delete('name'), false);
  assert.deepEqual([...metadata], [['empty', '']]);
});

test('metadata that is too long, or for which there is no entry, is a LimpetError', async (t) => {
  const it = await serving(t, { profile: 'micro' });
  const [{ socket }] = await pairs(it, 1);
  const { metadata } = socket;
  assert.throws(() => metadata.set('x'.repeat(13), 'v'), codeOf(ErrorCode.ARGUMENT));
  assert.throws(() => metadata.set('k', 'v'.repeat(21)), codeOf(ErrorCode.ARGUMENT));
  assert.throws(() => metadata.set('k', 'v'.repeat(100_000)), LimpetError);
  assert.equal(metadata.get('x'.repeat(100_000)), undefined);
  for (let i = 0; i < 32; i++) metadata.set(`key ${i}`, 'v'.repeat(20));
  assert.throws(() => metadata.set('one more', ''), codeOf(ErrorCode.METADATA));
  assert.equal(metadata.size, 32);
});

// ---------------------------------------------------------------- many, large

test('1,000 subscribers: each gets every message, in order; messages of one turn in one read', async (t) => {
  const it = await serving(t);
  const peers = await crowd(t, it.port, 1000);
  for (const socket of it.server.sessions()) socket.subscribe('all');
  const reads = peers.map((peer) => peer.reads);
  const words = Array.from({ length: 16 }, (_, i) => `${i} `.padEnd(64, '.'));
  for (const word of words) {
    assert.deepEqual(it.server.publish('all', word), { delivered: 1000, over: 0, dropped: 0 });
  }
  await until(() => peers.every(({ frames }) => frames.length === 16), '16,000 messages', 20_000);
  for (const [i, peer] of peers.entries()) {
    assert.deepEqual(
      peer.frames.map(({ payload }) => payload.toString()),
      words,
    );
    assert.ok(peer.reads - (reads[i] ?? 0) <= 2, `${peer.reads} reads`);
  }
  const { published, delivered, undelivered, arenaUsed } = it.server.metrics();
  assert.deepEqual([published, delivered, undelivered], [16, 16_000, 0]);
  assert.ok(arenaUsed <= MIB, `${arenaUsed} bytes are still in use`);
});

test('own messages and publications of one turn keep their order for everybody', async (t) => {
  const it = await serving(t);
  const all = await pairs(it, 3);
  for (const { socket } of all) socket.subscribe('room');
  const expected: string[][] = all.map(() => []);
  const send = (words: string) => {
    for (const [i, { socket }] of all.entries()) {
      socket.send(`${words} for ${i}`);
      expected[i]?.push(`${words} for ${i}`);
    }
  };
  const publish = (words: string) => {
    it.server.publish('room', words);
    for (const one of expected) one.push(words);
  };
  for (let i = 0; i < 60; i++) {
    if (i % 7 === 3) publish('x'.repeat(20_000 + i));
    else if (i % 3 === 0) send(`own ${i}`);
    else publish(`all ${i}`);
    if (i % 20 === 19) await turns(1);
  }
  for (const [i, { peer }] of all.entries()) {
    const { length } = expected[i] ?? [];
    await until(() => peer.frames.length === length, `${length} messages`);
    assert.deepEqual(
      peer.frames.map(({ payload }) => payload.toString()),
      expected[i],
    );
  }
});

test('messages longer than the core’s blocks are published, too, in their order', async (t) => {
  for (const profile of ['micro', 'server']) {
    const it = await serving(t, { profile });
    const all = await pairs(it, 3);
    for (const { socket } of all) socket.subscribe('room/+');
    const long = 'ž'.repeat(it.server.core.exports.limpet_send_max());
    assert.equal(it.server.publish('room/1', 'before').delivered, 3);
    assert.equal(it.server.publish('room/1', long).delivered, 3);
    assert.equal(it.server.publish('room/1', 'behind', { except: all[1].socket }).delivered, 2);
    assert.equal(it.server.broadcast(long, { to: { messagesInTo: 5 } }).delivered, 3);
    for (const [i, { peer }] of all.entries()) {
      const texts = i === 1 ? ['before', long, long] : ['before', long, 'behind', long];
      for (const words of texts) assert.equal(await peer.text(), words, profile);
    }
  }
});

test('a publication waits behind messages of a connection that wait for the core’s memory', async (t) => {
  const it = await serving(t, { profile: 'micro', highWater: 100_000 });
  const [slow, quick] = await pairs(it, 2);
  for (const { socket } of [slow, quick]) socket.subscribe('room');
  slow.peer.transport.pause();
  const sent: string[] = [];
  const big = 'x'.repeat(400);
  // Until the core has no memory: the rest waits in Node's.
  for (let i = 0; i < 400; i++) {
    const words = `${i} ${big}`;
    assert.ok(slow.socket.send(words) >= 0);
    sent.push(words);
  }
  // Nothing is kept in Node's memory for those who wait for nothing else there.
  const { delivered, dropped } = it.server.publish('room', 'published');
  assert.equal(delivered + dropped, 2);
  slow.socket.send('the last one');
  sent.push('published', 'the last one');
  slow.peer.transport.resume();
  await until(() => slow.peer.frames.length === sent.length, 'all messages');
  assert.deepEqual(
    slow.peer.frames.map(({ payload }) => payload.toString()),
    sent,
  );
  await until(() => quick.peer.frames.length === delivered - 1, 'what was delivered');
});

test("flush: 'now' and a number write before the turn ends", async (t) => {
  for (const [flush, published, waits] of [
    ['turn', 4, [1, 2, 3, 4]],
    ['now', 2, [0, 0]],
    [3, 4, [1, 2, 0, 1]],
  ] as const) {
    const it = await serving(t, { flush });
    const [{ socket, peer }] = await pairs(it, 1);
    socket.subscribe('room');
    const seen = [];
    for (let i = 0; i < published; i++) {
      it.server.publish('room', 'x'.repeat(98));
      seen.push(socket.bufferedAmount / 100);
    }
    assert.deepEqual(seen, waits, String(flush));
    await until(() => peer.frames.length === published, 'all messages');
  }
});

// ------------------------------------------------------------- slow consumers

/** Publishes 1 KiB until `enough`, a few a turn. */
async function publishUntil(it: Serving, enough: (round: number) => boolean): Promise<number> {
  let rounds = 0;
  const payload = Buffer.alloc(1024);
  for (; !enough(rounds); rounds++) {
    payload.writeUInt32BE(rounds);
    it.server.publish('room', payload);
    if (rounds % 16 === 15) await turns(1);
    assert.ok(rounds < 200_000, 'for ever');
  }
  return rounds;
}

test('a subscriber that does not read does not hurt the others, and its queue is bounded', async (t) => {
  const it = await serving(t);
  const [slow, ...quick] = await pairs(it, 4);
  for (const { socket } of [slow, ...quick]) socket.subscribe('room');
  slow.peer.transport.pause();
  const numbers = quick.map(() => [] as number[]);
  // The arena has 32 MiB, so this would fill it more than once.
  let rounds = 0;
  const payload = Buffer.alloc(1024);
  for (; rounds < 80_000; rounds++) {
    payload.writeUInt32BE(rounds);
    it.server.publish('room', payload);
    if (rounds % 64 !== 63) continue;
    await turns(1);
    for (const [i, { peer }] of quick.entries()) {
      for (const frame of peer.frames.splice(0)) numbers[i]?.push(frame.payload.readUInt32BE());
    }
  }
  for (const [i, { peer }] of quick.entries()) {
    const got = numbers[i] ?? [];
    await until(() => got.length + peer.frames.length === rounds, `all ${rounds} messages`);
    for (const frame of peer.frames.splice(0)) got.push(frame.payload.readUInt32BE());
    assert.ok(got.every((number, at) => number === at));
  }
  assert.ok(slow.socket.bufferedAmount < 24 * MIB, `${slow.socket.bufferedAmount} bytes wait`);
  assert.ok(it.server.metrics().undelivered > 0);
  assert.equal(slow.socket.send('there is still memory for this'), SendStatus.BACKPRESSURE);
});

test("fullPolicy 'drop': what a slow subscriber has no room for is dropped and counted", async (t) => {
  const it = await serving(t, { maxBackpressure: 4 * MIB, fullPolicy: 'drop' });
  const [slow, quick] = await pairs(it, 2);
  for (const { socket } of [slow, quick]) socket.subscribe('room');
  slow.peer.transport.pause();
  const drops = () => it.server.metrics().undelivered;
  const rounds = await publishUntil(it, () => drops() === 100);
  assert.ok(slow.socket.bufferedAmount <= 4 * MIB);
  assert.equal(slow.socket.isOpen, true);
  slow.peer.transport.resume();
  await until(() => quick.peer.frames.length === rounds, 'all messages');
  await until(() => slow.peer.frames.length === rounds - 100, 'all but 100');
  assert.equal(slow.peer.frames.at(-1)?.payload.readUInt32BE(), rounds - 101);
});

test("fullPolicy 'close-1013': a slow subscriber is closed, the others go on", async (t) => {
  const it = await serving(t, { maxBackpressure: 4 * MIB, fullPolicy: 'close-1013' });
  const [slow, quick] = await pairs(it, 2);
  for (const { socket } of [slow, quick]) socket.subscribe('room');
  slow.peer.transport.pause();
  await publishUntil(it, () => !slow.socket.isOpen);
  assert.equal(it.server.publish('room', 'last').delivered, 1);
  slow.peer.transport.resume();
  assert.equal((await slow.peer.closeFrame())[0], 1013);
  await until(() => quick.peer.frames.at(-1)?.payload.toString() === 'last', 'the last message');
});

test('backpressure: publish tells how many are over their mark, and drain follows', async (t) => {
  const it = await serving(t, { highWater: MIB });
  const [slow, quick] = await pairs(it, 2);
  for (const { socket } of [slow, quick]) socket.subscribe('room');
  slow.peer.transport.pause();
  const drained = collect(it.server, 'drain');
  let over = 0;
  for (let i = 0; i < 20_000 && over === 0; i++) {
    ({ over } = it.server.publish('room', Buffer.alloc(1024)));
    if (i % 16 === 15) await turns(1);
  }
  assert.equal(over, 1);
  await pass(20);
  assert.equal(drained.length, 0);
  slow.peer.transport.resume();
  await until(() => drained.length === 1, 'drain');
  assert.equal((drained as unknown as [Socket][])[0]?.[0], slow.socket);
});
