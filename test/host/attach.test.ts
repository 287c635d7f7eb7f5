// Any Duplex, and sockets without `_handle` → the same service as over TCP.

import assert from 'node:assert/strict';
import {
  createServer as createNetServer,
  type AddressInfo,
  type Socket as NetSocket,
} from 'node:net';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { createServer, type Server, type ServerOptions } from '../../host/node/index.js';
import { binary, close, fragments, ping, TEXT, text } from '../conformance/frame.js';
import { duplexPair, random } from './support/duplex.js';
import { handshake, Peer } from './support/peer.js';
import { collect, echoing, next } from './support/serving.js';
import { turns, until, within } from './support/wait.js';

/** A server that nobody can connect to. */
function attached(t: TestContext, options: ServerOptions = {}): Server {
  const server = createServer(options);
  t.after(() => within(server.close({ timeout: 0 }), 'server.close'));
  return server;
}

for (const profile of ['nano', 'micro', 'server']) {
  test(`${profile}: over a transport that cuts and delays, everything comes back`, async (t) => {
    for (let seed = 1; seed <= 12; seed++) {
      const server = attached(t, { profile });
      echoing(server);
      const [near, far] = duplexPair(seed);
      assert.equal(server.attach(far), true);
      const peer = new Peer(near);
      await peer.upgrade();
      const next = random(seed);
      const sent: Buffer[] = [];
      for (let i = 0; i < 15; i++) {
        const data = Buffer.alloc(next([3, 130, 3000, 30_000, 120_000][next(5)]), `${seed}${i}`);
        sent.push(data);
        peer.write(binary(data));
        // One message at a time in small cores, else their memory is what is tested.
        if (profile !== 'server' || next(3) === 0) {
          await until(() => peer.frames.length === sent.length, `echo ${i} with seed ${seed}`);
        }
      }
      await until(
        () => peer.frames.length === sent.length,
        `${sent.length} echoes with seed ${seed}`,
      );
      for (const [i, { payload }] of peer.frames.entries()) {
        assert.ok(payload.equals(sent[i]), `message ${i} of seed ${seed}`);
      }
      const closed = collect(server, 'close');
      peer.frames.length = 0;
      peer.write(close(1000));
      assert.equal((await peer.closeFrame())[0], 1000);
      await until(() => closed.length === 1, `the close event with seed ${seed}`);
      assert.deepEqual([closed[0]?.[1], closed[0]?.[3]], [1000, true]);
      assert.deepEqual([server.stats().active, server.stats().arenaUsed], [0, 0]);
    }
  });
}

test('backpressure of a Duplex is heeded: it is never given more than it asks for', async (t) => {
  const server = attached(t);
  const waiting: (() => void)[] = [];
  let concurrent = 0;
  let most = 0;
  const transport = new Duplex({
    read: () => {},
    writev: (_, done) => {
      most = Math.max(most, ++concurrent);
      waiting.push(() => {
        concurrent--;
        done();
      });
    },
  });
  server.attach(transport);
  const opened = next(server, 'open');
  transport.push(handshake());
  const [socket] = await opened;
  await turns(2);
  for (let i = 0; i < 100; i++) socket.send(`message ${i}`);
  await turns(5);
  assert.ok(waiting.length <= 1, 'one write is under way');
  assert.ok(transport.writableLength < 1000, `${transport.writableLength} bytes in the stream`);
  while (waiting.length > 0 || socket.bufferedAmount > 0) {
    waiting.shift()?.();
    await turns(1);
  }
  assert.equal(most, 1);
});

test('one write a connection a turn, whatever is sent', async (t) => {
  const server = attached(t);
  const writes: number[] = [];
  const transport = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _, done) => {
      writes.push(chunk.length);
      done();
    },
    writev: (chunks, done) => {
      writes.push(chunks.reduce((sum, { chunk }) => sum + (chunk as Buffer).length, 0));
      done();
    },
  });
  server.attach(transport);
  const opened = next(server, 'open');
  transport.push(handshake());
  const [socket] = await opened;
  await turns(2);
  for (const [count, length] of [
    [1, 10],
    [1000, 10],
    [3, 20_000],
    [10, 16_000],
  ]) {
    writes.length = 0;
    for (let i = 0; i < count; i++) socket.send(Buffer.alloc(length));
    await turns(3);
    const header = length < 126 ? 2 : 4;
    assert.deepEqual(writes, [count * (length + header)], `${count} of ${length}`);
  }
});

test('a Duplex that fails, ends or is destroyed is told as 1006', async (t) => {
  const ends: ((transport: Duplex) => void)[] = [
    (transport) => transport.destroy(new Error('cable cut')),
    (transport) => transport.destroy(),
    (transport) => transport.push(null),
  ];
  for (const end of ends) {
    const server = attached(t);
    const transport = new Duplex({
      read: () => {},
      write: (_, __, done) => {
        done();
      },
    });
    server.attach(transport);
    const opened = next(server, 'open');
    transport.push(handshake());
    await opened;
    const closed = next(server, 'close');
    end(transport);
    assert.deepEqual((await closed).slice(1), [1006, '', false]);
    assert.equal(server.stats().active, 0);
  }
});

test('attach answers false when all places are taken, and leaves the transport alone', (t) => {
  const server = attached(t, { profile: 'nano' });
  const make = () =>
    new Duplex({
      read: () => {},
      write: (_, __, done) => {
        done();
      },
    });
  for (let i = 0; i < 4; i++) assert.equal(server.attach(make()), true);
  const fifth = make();
  assert.equal(server.attach(fifth), false);
  assert.equal(fifth.destroyed, false);
});

test('a socket without the private handle is served by its data events', async (t) => {
  const server = attached(t, { profile: 'micro' });
  echoing(server);
  const net = createNetServer({ pauseOnConnect: true }, (accepted: NetSocket) => {
    // What a Node looks like that keeps its handle elsewhere.
    const hidden = new Proxy(accepted, {
      get: (target, name) => {
        if (name === '_handle') return undefined;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    assert.equal(server.attach(hidden), true);
  });
  await new Promise<void>((resolve) => net.listen(0, '127.0.0.1', resolve));
  const peer = await Peer.open((net.address() as AddressInfo).port);
  t.after(() => {
    net.close();
    peer.transport.destroy();
  });
  const pieces = Array.from({ length: 9 }, (_, i) => Buffer.from(`piece ${i} `));
  peer.write(
    text('one'),
    ping('two'),
    ...fragments(TEXT, pieces),
    binary(Buffer.alloc(100_000, 7)),
  );
  assert.equal(await peer.text(), 'one');
  assert.equal(await peer.text(), 'two');
  assert.equal(await peer.text(), Buffer.concat(pieces).toString());
  assert.ok((await peer.frame()).payload.equals(Buffer.alloc(100_000, 7)));
  const closed = next(server, 'close');
  peer.write(close(1000));
  assert.equal((await closed)[3], true);
});

test('a connection that had been accepted elsewhere is served, with its address', async (t) => {
  const server = attached(t);
  echoing(server);
  const opened = next(server, 'open');
  const net = createNetServer({ pauseOnConnect: true }, (accepted) => server.attach(accepted));
  await new Promise<void>((resolve) => net.listen(0, '127.0.0.1', resolve));
  const peer = await Peer.open((net.address() as AddressInfo).port);
  t.after(() => {
    net.close();
    peer.transport.destroy();
  });
  assert.equal((await opened)[0].remoteAddress, '127.0.0.1');
  peer.write(text('hello'));
  assert.equal(await peer.text(), 'hello');
});
