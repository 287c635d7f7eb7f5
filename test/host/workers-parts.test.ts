// What workers are made of: records and lanes, who gets a connection, how many an address may have;
// and what cannot have workers.

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createServer, type ServerOptions } from '../../host/node/index.js';
import { text } from '../conformance/frame.js';
import { Addresses } from '../../host/node/workers/addresses.js';
import { Dealer, type Connection } from '../../host/node/workers/dealer.js';
import { Lane } from '../../host/node/workers/lane.js';
import {
  bodyOf,
  readHeader,
  recordEnd,
  recordLength,
  RecordReader,
  RecordType,
  writeRecord,
} from '../../host/node/workers/record.js';
import { shifted, unshifted } from '../../host/node/workers/selection.js';
import { Child } from './support/child.js';
import { PROGRAM } from './support/crew.js';
import { Peer } from './support/peer.js';
import { turns, until, within } from './support/wait.js';

interface Message {
  head: string;
  body: string;
}

/** The bytes of a message as a record. */
function recordOf({ head, body }: Message): Buffer {
  const bytes = Buffer.alloc(recordLength(head, body));
  writeRecord(
    bytes,
    { type: RecordType.PUBLISH, server: 3, kind: 33, id: 0xfedc_ba98, head },
    body,
  );
  return bytes;
}

function messagesIn(records: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < records.length; at = recordEnd(records, at)) {
    const { head, ...header } = readHeader(records, at);
    assert.deepEqual(header, { type: RecordType.PUBLISH, server: 3, kind: 33, id: 0xfedc_ba98 });
    messages.push({ head, body: bodyOf(records, at).toString() });
  }
  return messages;
}

const MESSAGES: Message[] = [
  { head: 'žluť/a', body: 'žluťoučký' },
  { head: '', body: '' },
  { head: 'x', body: 'y'.repeat(300) },
  { head: 'last', body: '1' },
];

test('records: whole again, wherever the stream is cut', () => {
  const bytes = Buffer.concat(MESSAGES.map(recordOf));
  for (let first = 0; first <= bytes.length; first++) {
    for (const step of [1, 7, bytes.length]) {
      const got: Message[] = [];
      const reader = new RecordReader((records) => got.push(...messagesIn(records)));
      reader.push(bytes.subarray(0, first));
      for (let at = first; at < bytes.length; at += step) {
        reader.push(bytes.subarray(at, Math.min(at + step, bytes.length)));
      }
      assert.deepEqual(got, MESSAGES, `${first} ${step}`);
    }
  }
});

/** The other side of a lane: what it was sent, and when it reads on. */
class Far extends Duplex {
  readonly writes: Buffer[] = [];
  reads = true;
  #blocked: (() => void) | undefined;

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.writes.push(chunk);
    if (this.reads) done();
    else this.#blocked = done;
  }

  goOn(): void {
    this.reads = true;
    this.#blocked?.();
  }
}

const header = (head: string) => ({ type: RecordType.PUBLISH, server: 3, kind: 33, id: 7, head });

test('a lane writes what a turn has put, in order, in one go', async () => {
  const far = new Far();
  const lane = new Lane(far, { stalled: () => assert.fail('nothing is dropped') });
  const long = 'z'.repeat(200_000);
  const passed = Buffer.alloc(recordLength('p', 'q'));
  writeRecord(passed, header('p'), 'q');
  for (let i = 0; i < 100; i++) assert.ok(lane.put(header('a'), String(i)));
  assert.ok(lane.put(header('b'), long));
  lane.pass(passed);
  lane.tell(header('c'));
  assert.equal(far.writes.length, 0, 'not yet');
  await turns(2);
  assert.ok(far.writes.length <= 4, `${far.writes.length} writes`);
  const bytes = Buffer.concat(far.writes);
  const got: string[] = [];
  for (let at = 0; at < bytes.length; at = recordEnd(bytes, at)) {
    got.push(readHeader(bytes, at).head + bodyOf(bytes, at).toString());
  }
  const numbers = Array.from({ length: 100 }, (_, i) => `a${i}`);
  assert.deepEqual(got, [...numbers, `b${long}`, 'pq', 'c']);
});

test('a lane whose other side does not read drops messages past its bound, and counts them', async () => {
  const far = new Far();
  far.reads = false;
  let stalls = 0;
  const lane = new Lane(far, { stalled: () => stalls++ }, 1000);
  assert.ok(lane.put(header('a'), 'x'.repeat(5000)), 'one message always has room');
  await turns(2);
  assert.ok(!lane.put(header('a'), 'x'), 'and then no more');
  const run = Buffer.concat([MESSAGES[0], MESSAGES[1], MESSAGES[2]].map(recordOf));
  lane.pass(run);
  lane.tell(header('told'));
  assert.deepEqual([lane.dropped, stalls], [4, 1]);
  far.goOn();
  await turns(3);
  assert.ok(lane.put(header('b'), 'y'));
  await turns(2);
  const bytes = Buffer.concat(far.writes);
  const heads: string[] = [];
  for (let at = 0; at < bytes.length; at = recordEnd(bytes, at)) {
    heads.push(readHeader(bytes, at).head);
  }
  assert.deepEqual(heads, ['a', 'told', 'b']);
  assert.equal(lane.dropped, 4);
});

/** A dealer with its port; what is dealt to each worker. */
async function dealing(t: TestContext, most: number, raw: boolean) {
  const dealer = new Dealer(most, (error) => assert.fail(error), raw);
  const { port } = await dealer.listen({ port: 0, host: '127.0.0.1' });
  const hands = new Map<number, Connection[]>();
  const clients: Peer[] = [];
  t.after(() => {
    dealer.close();
    for (const { transport } of clients) transport.destroy();
    for (const connection of [...hands.values()].flat()) {
      if ('destroy' in connection) connection.destroy();
    }
  });
  const add = (worker: number) => {
    const hand: Connection[] = [];
    hands.set(worker, hand);
    dealer.add(worker, (connection, sent) => {
      hand.push(connection);
      sent(null);
    });
  };
  const open = async () => {
    const peer = await Peer.connect(port);
    clients.push(peer);
    return peer;
  };
  const counts = () => [...hands.values()].map((hand) => hand.length);
  const dealt = () => counts().reduce((sum, count) => sum + count, 0);
  return { dealer, add, open, counts, dealt };
}

for (const raw of [true, false]) {
  const what = raw ? 'handles' : 'sockets';

  test(`the dealer (${what}): who has the fewest gets the next, none past the bound`, async (t) => {
    const { dealer, add, open, counts, dealt } = await dealing(t, 8, raw);
    await open();
    await turns(5);
    assert.equal(dealt(), 0, 'nobody is there: it waits');
    add(1);
    add(2);
    await until(() => dealt() === 1, 'the one that waited');
    for (let i = 2; i <= 4; i++) {
      await open();
      await until(() => dealt() === i, 'the next');
    }
    assert.deepEqual(counts(), [2, 2]);
    dealer.sized(1, 2, 2);
    dealer.sized(2, 2, 0);
    for (let i = 5; i <= 6; i++) {
      await open();
      await until(() => dealt() === i, 'the next');
    }
    assert.deepEqual(counts(), [2, 4], 'two of the second have gone');
    for (let i = 7; i <= 10; i++) {
      await open();
      await until(() => dealt() === i, 'the next');
    }
    const refused = await open();
    assert.notEqual(await refused.overAs(), '');
    assert.equal(dealer.refused, 1);
    assert.equal(dealt(), 10);
  });
}

test('the dealer: what a worker had not taken when it ended goes to another', async (t) => {
  const { dealer, add, open, counts, dealt } = await dealing(t, 100, true);
  add(1);
  for (let i = 1; i <= 5; i++) {
    await open();
    await until(() => dealt() === i, 'the next');
  }
  dealer.sized(1, 2, 2);
  add(2);
  dealer.remove(1);
  assert.deepEqual(counts(), [5, 3]);
});

test('addresses: each has its share, and what a worker had is given back', () => {
  const addresses = new Addresses(2);
  assert.ok(addresses.admit(1, 'a'));
  assert.ok(addresses.admit(2, 'a'));
  assert.ok(!addresses.admit(3, 'a'));
  assert.ok(addresses.admit(3, 'b'));
  addresses.left(3, 'a');
  assert.ok(!addresses.admit(3, 'a'), 'a worker gives back only what it has');
  addresses.left(1, 'a');
  assert.ok(addresses.admit(3, 'a'));
  assert.ok(!addresses.admit(3, 'a'));
  addresses.forget(3);
  assert.ok(addresses.admit(1, 'a'));
  assert.ok(!addresses.admit(1, 'a'));
});

test('a selection that crosses: its times are of the clock of all', () => {
  const selection = { openedFrom: 10, openedUntil: 20.5, metadata: { key: 'a' }, states: ['open'] };
  const back = unshifted(shifted(selection as never));
  assert.ok(back);
  const { openedFrom = 0, openedUntil = 0, ...rest } = back;
  assert.ok(Math.abs(openedFrom - 10) < 0.01 && Math.abs(openedUntil - 20.5) < 0.01);
  assert.deepEqual(rest, { metadata: { key: 'a' }, states: ['open'] });
  // As a process gets it that began a second later.
  const later = (text: string) => {
    const told = JSON.parse(text) as Record<string, number>;
    for (const name of ['openedFrom', 'openedUntil']) if (name in told) told[name] -= 1000;
    return unshifted(JSON.stringify(told));
  };
  assert.deepEqual(later(shifted({ openedFrom: 10 })), {}, 'all were opened after that');
  assert.equal(later(shifted({ openedUntil: 10 })), undefined, 'none was opened before that');
});

// ------------------------------------------------------------ what cannot be

test('workers: a number from 0 to 255, and a profile with rooms', () => {
  for (const workers of [-1, 1.5, 256, '2']) {
    assert.throws(() => createServer({ workers } as ServerOptions), RangeError);
  }
  assert.throws(() => createServer({ workers: 2, profile: 'nano' }), /profile with rooms/);
});

test('the primary: it has no connections, and says which it is', async () => {
  const server = createServer({ workers: 2 });
  assert.deepEqual([server.isPrimary, server.worker, server.address()], [true, 0, null]);
  assert.equal(server.attach(new Far()), false);
  assert.throws(() => server.broadcast('x', { to: () => true }), /function/);
  assert.deepEqual(server.publish('a', 'x'), { delivered: 0, over: 0, dropped: 0 });
  assert.equal((await server.all.metrics()).workers, 0);
  assert.throws(() => createServer({ workers: 3 }), /workers is 2 for all servers/);
  await server.close();
});

test('without workers: all is this process', async (t) => {
  const server = createServer();
  const { port } = await server.listen();
  t.after(() => server.close({ timeout: 0 }));
  assert.deepEqual([server.isPrimary, server.worker], [false, 0]);
  server.on('open', (socket) => socket.subscribe('a'));
  const peer = await Peer.open(port);
  const counts = { delivered: 1, over: 0, dropped: 0, workers: 1 };
  assert.deepEqual(await server.all.publish('a', 'x'), counts);
  assert.deepEqual(await server.all.broadcast('y', { to: () => true }), counts);
  assert.deepEqual([await peer.text(), await peer.text()], ['x', 'y']);
  const { workers, busDropped, active } = await server.all.metrics();
  assert.deepEqual({ workers, busDropped, active }, { workers: 1, busDropped: 0, active: 1 });
  assert.deepEqual(await server.all.rooms(), server.rooms());
  assert.deepEqual(await server.all.room('a'), server.room('a'));
  assert.equal(await server.all.room('b'), undefined);
  await assert.rejects(server.all.publish('a/#', 'x'), /VALUE/);
  peer.transport.destroy();
});

test('a worker of node:cluster has no workers, nor has a thread', async (t) => {
  const options = JSON.stringify({ workers: 2 });
  const env = { ...process.env, NODE_UNIQUE_ID: '7' };
  const child = fork(PROGRAM, [options], { env, silent: true });
  t.after(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await within(once(child, 'close'), 'its end', 10_000)) as [number];
  assert.equal(code, 1);
  assert.match(stderr, /this process is a worker of node:cluster, and has none of its own/);

  const thread = new Worker(`./${PROGRAM}`, { argv: [options] });
  const [error] = (await within(once(thread, 'error'), 'its error', 10_000)) as [Error];
  assert.match(error.message, /workers are started by the main thread only/);
});

test('two servers in one program: the same workers, and nothing in common', async (t) => {
  const child = new Child(t, ['test/host/support/two.mjs']);
  await until(() => child.stdout.includes('\n'), 'the ports', 20_000);
  const ports = child.stdout.trim().split(' ').map(Number);
  const peers = await Promise.all([0, 0, 1, 1].map((i) => Peer.open(ports[i])));
  t.after(() => {
    for (const { transport } of peers) transport.destroy();
  });
  const greetings = await Promise.all(peers.map((peer) => peer.text()));
  assert.deepEqual([...greetings].sort(), [
    'server 0 worker 1',
    'server 0 worker 2',
    'server 1 worker 1',
    'server 1 worker 2',
  ]);
  peers[0].write(text('first'));
  peers[2].write(text('second'));
  const heard = await Promise.all(peers.map((peer) => peer.text()));
  assert.deepEqual(heard, ['first', 'first', 'second', 'second']);
  child.kill('SIGUSR2');
  for (const peer of peers.slice(0, 2)) assert.deepEqual(await peer.closeFrame(), [1001, '']);
  for (const { transport } of peers.slice(0, 2)) transport.destroy();
  await until(() => child.stdout.includes('closed'), 'the first has closed', 10_000);
  peers[3].write(text('goes on'));
  assert.equal(await peers[2].text(), 'goes on');
  // A worker that is started now finds one server closed, and the other as before.
  peers[3].write(text('die'));
  await peers[3].overAs();
  const heir = async (): Promise<boolean> => {
    const peer = await Peer.open(ports[1]);
    peers.push(peer);
    return (await peer.text()) === greetings[3];
  };
  const deadline_ms = performance.now() + 10_000;
  while (!(await heir())) assert.ok(performance.now() < deadline_ms, 'the worker is not back');
  child.kill('SIGUSR2');
  for (const { transport } of peers) transport.destroy();
  const { code, stderr } = await child.ended();
  assert.deepEqual([code, stderr], [0, '']);
});
