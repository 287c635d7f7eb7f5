// Messages of any length as streams of Node: what comes, what is written, who is held back, and what
// happens when a connection ends first.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test, type TestContext } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import {
  ConnectionError,
  SendStatus,
  type MessageReader,
  type ServerOptions,
  type Socket,
} from '../../host/node/index.js';
import { binary, BINARY, close, fragments, ping, PING, PONG, TEXT, text } from '../conformance/frame.js';
import { deflating } from './support/deflating.js';
import { random } from './support/duplex.js';
import type { Peer } from './support/peer.js';
import { collect, next, serving } from './support/serving.js';
import { pass, until, within } from './support/wait.js';

/** All that a stream has; rejects with its error. */
async function bytesOf(stream: MessageReader): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A server whose messages come as streams, with one connection. */
async function streaming(
  t: TestContext,
  options: ServerOptions = { streamMessages: true },
): Promise<Awaited<ReturnType<typeof serving>> & { peer: Peer; socket: Socket }> {
  const served = await serving(t, options);
  return { ...served, ...(await served.pair()) };
}

// --------------------------------------------------------------------- incoming

for (const profile of ['nano', 'micro', 'server']) {
  test(`${profile}: messages come as streams, in order, cut as they may be`, async (t) => {
    const { server, peer } = await streaming(t, { profile, streamMessages: true });
    const got: Promise<[Buffer, boolean]>[] = [];
    server.on('stream', (_, stream, isBinary) => {
      got.push(bytesOf(stream).then((bytes) => [bytes, isBinary]));
    });
    const messages = collect(server, 'message');
    const below = random(5);
    const sent: [Buffer, boolean][] = [];
    for (const length of [0, 1, 125, 126, 5000, 70_000, 300_000]) {
      const isBinary = length % 2 === 0;
      const data = Buffer.alloc(length, `${length}-`);
      sent.push([data, isBinary]);
      const pieces: Buffer[] = [];
      for (let at = 0; at < length;) {
        const end = at + below(length / 3 + 2);
        pieces.push(data.subarray(at, end));
        at = end;
      }
      const frames = fragments(isBinary ? BINARY : TEXT, [...pieces, Buffer.alloc(0)]);
      const bytes = Buffer.concat(frames);
      for (let at = 0; at < bytes.length;) {
        const size = 1 + below(60_000);
        peer.write(bytes.subarray(at, at + size));
        at += size;
        if (below(3) === 0) await pass(1);
      }
      await until(() => got.length === sent.length, `the stream of ${length} bytes`);
    }
    const all = await within(Promise.all(got), 'the ends of all streams');
    assert.deepEqual(
      all.map(([bytes, isBinary]) => [bytes.length, isBinary]),
      sent.map(([bytes, isBinary]) => [bytes.length, isBinary]),
    );
    all.forEach(([bytes], i) => {
      assert.ok(bytes.equals(sent[i][0]), `${bytes.length} bytes`);
    });
    assert.deepEqual(messages, []);
  });
}

test('a number: longer messages are streams, the others come whole', async (t) => {
  const { server, peer } = await streaming(t, { profile: 'micro', streamMessages: 40_000 });
  const log: string[] = [];
  server.on('message', (_, data, isBinary) => log.push(`message ${data.length} ${isBinary}`));
  server.on('stream', (_, stream, isBinary) => {
    void bytesOf(stream).then((bytes) => log.push(`stream ${bytes.length} ${isBinary}`));
  });
  // Some lie whole in a block of micro's, some come in chunks.
  const wanted: string[] = [];
  for (const length of [10, 3000, 20_000, 39_999, 40_000, 40_001, 60_000]) {
    peer.write(binary(Buffer.alloc(length)));
    wanted.push(`${length > 40_000 ? 'stream' : 'message'} ${length} true`);
    await until(() => log.length === wanted.length, `${length} bytes`);
  }
  peer.write(...fragments(TEXT, [Buffer.alloc(20_000, 'x'), Buffer.alloc(30_000, 'y')]));
  await until(() => log.length === wanted.length + 1, 'the fragments');
  assert.deepEqual(log, [...wanted, 'stream 50000 false']);
});

test('chosen for one connection, and no longer', async (t) => {
  const { server, pair } = await serving(t, { maxMessage: 100_000 });
  const streams: number[] = [];
  server.on('stream', (_, stream) => void bytesOf(stream).then((all) => streams.push(all.length)));
  const messages = collect(server, 'message');
  const one = await pair();
  const two = await pair();
  one.socket.setStreamMessages(true);
  one.peer.write(text('one'));
  two.peer.write(text('two'));
  await until(() => streams.length === 1 && messages.length === 1, 'both');
  one.socket.setStreamMessages(false);
  one.peer.write(text('whole'));
  await until(() => messages.length === 2, 'a message');
  assert.equal(messages[1][1].toString(), 'whole');
  for (const wrong of [-1, 1.5, NaN, 'yes' as unknown as number]) {
    assert.throws(() => {
      one.socket.setStreamMessages(wrong);
    }, RangeError);
  }
  // maxMessage was given: it bounds streams as well.
  one.socket.setStreamMessages(50_000);
  one.peer.write(binary(Buffer.alloc(100_000)));
  await until(() => streams.length === 2, 'the stream');
  one.peer.write(binary(Buffer.alloc(100_001)));
  assert.deepEqual(await one.peer.closeFrame(), [1009, '']);
});

test('switched on and off inside of a message: it counts for the next one', async (t) => {
  const { server, peer, socket } = await streaming(t, { profile: 'micro', maxMessage: 1 << 20 });
  const log: string[] = [];
  server.on('message', (_, data) => log.push(`message ${data.length}`));
  server.on('stream', (_, stream) => {
    void bytesOf(stream).then((bytes) => log.push(`stream ${bytes.length}`));
  });
  const long = (byte: string) => binary(Buffer.alloc(100_000, byte));
  const halves = (bytes: Buffer) => [bytes.subarray(0, 50_000), bytes.subarray(50_000)];
  const [a, b] = halves(long('a'));
  peer.write(a);
  await pass(20);
  socket.setStreamMessages(60_000);
  peer.write(b);
  await until(() => log.length === 1, 'the first');
  const [c, d] = halves(long('b'));
  peer.write(c);
  await pass(20);
  socket.setStreamMessages(false);
  peer.write(d);
  await until(() => log.length === 2, 'the second');
  peer.write(long('c'));
  await until(() => log.length === 3, 'the third');
  assert.equal(log[2], 'message 100000');
  assert.ok(
    log.every((line) => line.endsWith(' 100000')),
    log.join(),
  );
});

test('maxMessage does not bound a stream unless it is given', async (t) => {
  const { server, peer } = await streaming(t);
  const stream = next(server, 'stream');
  peer.write(binary(Buffer.alloc(20 << 20, 1)));
  assert.equal((await bytesOf((await stream)[1])).length, 20 << 20);
  const bounded = await streaming(t, { streamMessages: true, maxMessage: 1000 });
  const cut = next(bounded.server, 'stream');
  bounded.peer.write(...fragments(BINARY, [Buffer.alloc(900), Buffer.alloc(200)]));
  await assert.rejects(bytesOf((await cut)[1]), ConnectionError);
  assert.deepEqual(await bounded.peer.closeFrame(), [1009, '']);
});

test('text that is cut inside of characters, and text that is none', async (t) => {
  const { server, peer } = await streaming(t);
  const words = 'žluťoučký kůň 🐚 '.repeat(500);
  const bytes = Buffer.from(words);
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) =>
    bytes.subarray(7 * i, 7 * i + 7),
  );
  const first = next(server, 'stream');
  peer.write(...fragments(TEXT, pieces));
  const [, stream, isBinary] = await first;
  stream.setEncoding('utf8');
  let all = '';
  for await (const chunk of stream) all += chunk as string;
  assert.equal(all, words);
  assert.equal(isBinary, false);
  const second = next(server, 'stream');
  const errors = collect(server, 'error');
  peer.write(...fragments(TEXT, [Buffer.from('good'), Buffer.from([0xff])]));
  const [, broken] = await second;
  await assert.rejects(bytesOf(broken), (error: ConnectionError) => {
    assert.deepEqual([error.closeCode, error instanceof ConnectionError], [1007, true]);
    return true;
  });
  assert.equal(errors.length, 1);
  assert.deepEqual(await peer.closeFrame(), [1007, '']);
});

test('who does not read holds the peer back, and reads on later', async (t) => {
  const { server, peer, socket } = await streaming(t);
  const opened = next(server, 'stream');
  const data = Buffer.alloc(32 << 20, 'held back ');
  peer.write(binary(data));
  const [, stream] = await opened;
  await pass(100);
  const before = socket.stats().bytesIn;
  await pass(100);
  assert.equal(socket.stats().bytesIn, before, 'nothing is read meanwhile');
  assert.ok(before < 4 << 20, `${before} bytes were read`);
  assert.ok(stream.readableLength < 1 << 20, `${stream.readableLength} bytes wait`);
  assert.ok(peer.transport.writableLength > 16 << 20, 'the peer has the rest');
  assert.ok((await bytesOf(stream)).equals(data));
});

test('a peer that is held back is not silent, and is asked again when it is read', async (t) => {
  const { server, peer, socket } = await streaming(t, {
    streamMessages: true,
    pingInterval: 100,
    pongTimeout: 50,
    idleTimeout: 300,
  });
  const opened = next(server, 'stream');
  peer.write(binary(Buffer.alloc(8 << 20)));
  const [, stream] = await opened;
  await pass(700);
  assert.equal(socket.isOpen, true);
  assert.equal((await bytesOf(stream)).length, 8 << 20);
  // From now on its silence counts.
  assert.equal((await peer.frame()).opcode, PING);
  const closed = next(server, 'close');
  assert.equal((await closed)[1], 1006);
});

test('many short messages that are not read hold the peer back, too', async (t) => {
  const { server, peer } = await streaming(t);
  const streams: MessageReader[] = [];
  server.on('stream', (_, stream) => streams.push(stream));
  const message = text('x'.repeat(50));
  for (let i = 0; i < 40; i++) peer.write(Buffer.concat(Array<Buffer>(1000).fill(message)));
  await pass(200);
  const waiting = streams.length;
  assert.ok(waiting < 20_000, `${waiting} streams`);
  let read = 0;
  const readAll = async () => {
    while (read < streams.length) {
      assert.equal((await bytesOf(streams[read])).length, 50);
      read += 1;
    }
  };
  const end_ms = performance.now() + 20_000;
  while (read < 40_000) {
    await readAll();
    await pass(1);
    assert.ok(performance.now() < end_ms, `${read} were read`);
  }
});

test('pause and resume of the connection, and of the stream, do not undo one another', async (t) => {
  const { server, peer, socket } = await streaming(t);
  const opened = next(server, 'stream');
  peer.write(binary(Buffer.alloc(8 << 20)));
  const [, stream] = await opened;
  socket.pause();
  let got = 0;
  stream.on('data', (chunk: Buffer) => (got += chunk.length));
  await pass(50);
  const held = got;
  await pass(50);
  assert.equal(got, held, 'the connection is paused');
  assert.ok(held < 8 << 20);
  stream.pause();
  socket.resume();
  await pass(100);
  assert.equal(got, held, 'the stream is paused');
  stream.resume();
  await within(once(stream, 'end'), 'the end');
  assert.equal(got, 8 << 20);
});

test('what nobody wants, and what is destroyed, flows by; others come behind it', async (t) => {
  const { server, peer } = await streaming(t);
  peer.write(binary(Buffer.alloc(4 << 20)), ping('past it'));
  assert.equal((await peer.frame()).opcode, PONG);
  const first = next(server, 'stream');
  peer.write(binary(Buffer.alloc(4 << 20)));
  const [, stream] = await first;
  const second = next(server, 'stream');
  stream.destroy();
  peer.write(text('next'));
  assert.equal((await bytesOf((await second)[1])).toString(), 'next');
});

test('a connection that ends inside of a message: an error to who listens, else none', async (t) => {
  const ends: ((peer: Peer, socket: Socket) => void)[] = [
    (peer) => {
      peer.reset();
    },
    (peer) => {
      peer.write(close(1000));
      peer.socket.end();
    },
    (_, socket) => {
      socket.terminate();
    },
    (_, socket) => {
      socket.close(4000);
    },
  ];
  for (const end of ends) {
    const { server, peer, socket } = await streaming(t, {
      streamMessages: true,
      closeTimeout: 200,
    });
    const opened = next(server, 'stream');
    const closed = next(server, 'close');
    const [start] = fragments(BINARY, [Buffer.alloc(1000), Buffer.alloc(1)]);
    peer.write(start);
    const [, stream] = await opened;
    const read = bytesOf(stream);
    end(peer, socket);
    await assert.rejects(read, ConnectionError);
    await closed;
    assert.equal(stream.readableEnded, false);
  }
  const { server, peer } = await streaming(t);
  const opened = next(server, 'stream');
  peer.write(fragments(BINARY, [Buffer.alloc(1000), Buffer.alloc(1)])[0]);
  const [, stream] = await opened;
  stream.resume();
  peer.reset();
  await until(() => stream.closed, 'close');
  assert.equal(stream.readableEnded, false);
});

test('a listener that throws does not stop the messages behind it', async (t) => {
  const { server, peer } = await streaming(t);
  const thrown: unknown[] = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => thrown.push(error));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of before) process.on('uncaughtException', listener);
  });
  server.once('stream', () => {
    throw new Error('mine');
  });
  peer.write(binary(Buffer.alloc(2 << 20)));
  await until(() => thrown.length === 1, 'the error');
  const opened = next(server, 'stream');
  peer.write(text('next'));
  assert.equal((await bytesOf((await opened)[1])).toString(), 'next');
});

test('borrow: what a stream hands out is its own', async (t) => {
  const { server, peer } = await streaming(t, { streamMessages: true, borrow: true });
  const opened = next(server, 'stream');
  peer.write(...fragments(TEXT, [Buffer.from('first '), Buffer.from('second')]));
  const [, stream] = await opened;
  peer.write(...Array.from({ length: 100 }, () => ping('overwritten'.repeat(9))));
  await pass(20);
  assert.equal((await bytesOf(stream)).toString(), 'first second');
});

// --------------------------------------------------------------------- outgoing

/** The next message of the server: its fragments, joined; control frames between them are kept apart. */
async function message(peer: Peer): Promise<{ data: Buffer; frames: number; opcode: number }> {
  const first = await peer.frame(20_000);
  const pieces = [first.payload];
  let last = first;
  while (!last.fin) {
    last = await peer.frame(20_000);
    if (last.opcode < 8) pieces.push(last.payload);
    else last = { ...last, fin: false };
  }
  return { data: Buffer.concat(pieces), frames: pieces.length, opcode: first.opcode };
}

for (const profile of ['nano', 'micro', 'server']) {
  test(`${profile}: a message that is written arrives whole`, async (t) => {
    const { peer, socket } = await streaming(t, { profile });
    for (const [binary, writes] of [
      [true, []],
      [true, ['']],
      [false, ['žluťoučký ', 'kůň']],
      [true, Array<string>(300).fill('short ')],
      [true, ['x'.repeat(1_000_000), 'y', 'z'.repeat(100_000)]],
    ] as const) {
      const stream = socket.sendStream({ binary });
      for (const part of writes) stream.write(part);
      stream.end();
      const { data, opcode } = await message(peer);
      assert.ok(data.equals(Buffer.from(writes.join(''))), `${data.length} bytes`);
      assert.equal(opcode, binary ? BINARY : TEXT);
      if (!stream.writableFinished) await within(once(stream, 'finish'), 'finish');
    }
    // The connection is as it was.
    assert.equal(socket.send('after'), SendStatus.OK);
    assert.equal((await message(peer)).data.toString(), 'after');
  });
}

test('permessage-deflate: what is written is compressed, unless it is to stay as it is', async (t) => {
  for (const profile of ['micro', 'server']) {
    const { open } = deflating(t, { profile, deflateThreshold: 0 });
    const { client, socket } = await open();
    const words = Buffer.from('compressed, compressed, '.repeat(20_000));
    const halves = Readable.from([words.subarray(0, 99_999), words.subarray(99_999)]);
    await within(pipeline(halves, socket.sendStream()), 'the stream');
    const [first] = await client.received(1);
    assert.ok(first.data.equals(words));
    const sent = first.frames.reduce((sum, { payload }) => sum + payload.length, 0);
    assert.ok(sent < words.length / 20, `${sent} bytes`);
    const whole = Readable.from([words]);
    await within(pipeline(whole, socket.sendStream({ compress: false })), 'the stream');
    const [, second] = await client.received(2);
    assert.ok(second.data.equals(words));
    assert.equal(second.frames[0].rsv, 0);
  }
});

test('permessage-deflate: what comes compressed comes as a stream, too', async (t) => {
  const { server, open } = deflating(t, { streamMessages: true });
  const { client } = await open();
  const data = Buffer.alloc(3 << 20, 'squeezed ');
  const opened = next(server, 'stream');
  // RFC 7692 7.2.1: without the four bytes that end a flush.
  const packed = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, windowBits: 11 });
  client.frame(BINARY, packed.subarray(0, -4), 4);
  assert.ok((await bytesOf((await opened)[1])).equals(data));
});

test('what is sent meanwhile waits for the end, control frames do not', async (t) => {
  const { server, peer, socket, pair } = await streaming(t, {});
  const other = await pair();
  socket.subscribe('news');
  other.socket.subscribe('news');
  const stream = socket.sendStream({ binary: false });
  stream.write('a stream ');
  assert.equal(socket.send('one'), SendStatus.BACKPRESSURE);
  const published = server.publish('news', 'two');
  assert.deepEqual(published, { delivered: 2, over: 1, dropped: 0 });
  server.broadcast('three');
  socket.send('fo', { fin: false });
  socket.send('ur');
  socket.send(server.prepare('five'));
  socket.ping('control');
  const drained = next(server, 'drain');
  assert.equal(socket.bufferedAmount >= 'onetwothreefourfive'.length, true);
  assert.equal((await peer.frame()).payload.toString(), 'a stream ');
  assert.equal((await peer.frame()).payload.toString(), 'control');
  await pass(30);
  assert.deepEqual(peer.frames, []);
  stream.end('ends');
  assert.equal((await message(peer)).data.toString(), 'ends');
  for (const wanted of ['one', 'two', 'three', 'four', 'five']) {
    assert.equal((await message(peer)).data.toString(), wanted);
  }
  await drained;
  assert.equal((await message(other.peer)).data.toString(), 'two');
  assert.equal((await message(other.peer)).data.toString(), 'three');
});

test('several streams of one connection go one after the other', async (t) => {
  const { peer, socket } = await streaming(t, {});
  const streams = ['a', 'b', 'c'].map(() => socket.sendStream({ binary: false }));
  streams[0].write('first ');
  streams[1].write('second ');
  socket.send('between');
  streams[2].end('third');
  streams[1].end('two');
  await pass(20);
  streams[0].end('one');
  for (const wanted of ['first one', 'second two', 'between', 'third']) {
    assert.equal((await message(peer)).data.toString(), wanted);
  }
  // One that never began is in nobody's way.
  const idle = socket.sendStream();
  socket.send('past it');
  assert.equal((await message(peer)).data.toString(), 'past it');
  idle.destroy();
  socket.send('and on');
  assert.equal((await message(peer)).data.toString(), 'and on');
});

test('a queue has its bound for what waits behind a stream', async (t) => {
  const { peer, socket } = await streaming(t, { maxBackpressure: 10_000 });
  const stream = socket.sendStream();
  stream.write('begun');
  assert.equal(socket.send(Buffer.alloc(9000)), SendStatus.BACKPRESSURE);
  assert.ok(socket.send(Buffer.alloc(9000)) < 0);
  // A stream longer than the queue goes through it.
  stream.end(Buffer.alloc(200_000, 'z'));
  assert.equal((await message(peer)).data.length, 200_005);
  assert.equal((await message(peer)).data.length, 9000);
});

test('a slow reader holds the writer back', async (t) => {
  const { peer, socket } = await streaming(t, {});
  peer.transport.pause();
  const stream = socket.sendStream();
  let written = 0;
  const chunk = Buffer.alloc(64 << 10, 'slow ');
  const source = new Readable({
    read() {
      written += chunk.length;
      this.push(written > 64 << 20 ? null : chunk);
    },
  });
  const done = pipeline(source, stream);
  await pass(200);
  const before = written;
  await pass(100);
  assert.equal(written, before, 'nothing is written meanwhile');
  assert.ok(before < 32 << 20, `${before} bytes were taken`);
  assert.ok(socket.bufferedAmount < 1 << 20, `${socket.bufferedAmount} bytes wait`);
  peer.transport.resume();
  const { data } = await message(peer);
  assert.equal(data.length, 64 << 20);
  await done;
});

test('close waits for the stream', async (t) => {
  const { peer, socket } = await streaming(t, {});
  const stream = socket.sendStream({ binary: false });
  stream.write('not ');
  socket.send('behind');
  socket.close(4001, 'bye');
  assert.equal(socket.isOpen, false);
  assert.throws(() => socket.sendStream(), { code: -3 });
  await pass(30);
  stream.end('cut');
  assert.equal((await message(peer)).data.toString(), 'not cut');
  assert.equal((await message(peer)).data.toString(), 'behind');
  assert.deepEqual(await peer.closeFrame(), [4001, 'bye']);
});

test('destroyed before its end: 1011; before its beginning: nothing', async (t) => {
  const { peer, socket } = await streaming(t, {});
  const stream = socket.sendStream();
  stream.write('begun');
  await peer.frame();
  socket.send('lost');
  stream.on('error', () => undefined);
  stream.destroy(new Error('the source failed'));
  assert.deepEqual(await peer.closeFrame(), [1011, '']);
  const other = await streaming(t, {});
  const waits = other.socket.sendStream();
  const first = other.socket.sendStream();
  first.write('first');
  waits.write('waits');
  waits.destroy();
  first.end();
  other.socket.send('goes on');
  assert.equal((await message(other.peer)).data.toString(), 'first');
  assert.equal((await message(other.peer)).data.toString(), 'goes on');
});

test('a connection that ends closes the stream without an error of its own', async (t) => {
  const ends: ((peer: Peer, socket: Socket) => void)[] = [
    (peer) => {
      peer.reset();
    },
    (peer) => {
      peer.write(close(1000));
    },
    (_, socket) => {
      socket.terminate();
    },
  ];
  for (const end of ends) {
    const { peer, socket } = await streaming(t, {});
    peer.transport.pause();
    const stream = socket.sendStream();
    const source = new Readable({ read() {} });
    source.push(Buffer.alloc(1 << 20));
    const failed = assert.rejects(pipeline(source, stream), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
    const behind = socket.sendStream();
    behind.write('behind it');
    await pass(20);
    end(peer, socket);
    peer.transport.resume();
    // Whoever writes on finds out.
    source.push('more');
    await within(failed, 'the end of the pipeline');
    if (!behind.closed) await within(once(behind, 'close'), 'the end of the other');
    assert.equal(stream.writableFinished, false);
  }
});

test('inside of a fragmented message there is none', async (t) => {
  const { peer, socket } = await streaming(t, {});
  socket.send('half', { fin: false });
  assert.throws(() => socket.sendStream(), { code: -3 });
  socket.send('whole');
  assert.equal((await message(peer)).data.toString(), 'halfwhole');
  socket.sendStream().end('stream');
  assert.equal((await message(peer)).data.toString(), 'stream');
});

test('server.close: a stream that ends in time ends its message', async (t) => {
  const { server, peer, socket } = await streaming(t, {});
  const stream = socket.sendStream({ binary: false });
  stream.write('last ');
  const over = server.close({ timeout: 3000 });
  await pass(30);
  stream.end('words');
  assert.equal((await message(peer)).data.toString(), 'last words');
  assert.deepEqual(await peer.closeFrame(), [1001, '']);
  peer.write(close(1001));
  await over;
});

test('many streams of many connections, both ways', async (t) => {
  const { server, open } = await serving(t, { streamMessages: true });
  server.on('stream', (socket, stream, isBinary) => {
    pipeline(stream, socket.sendStream({ binary: isBinary })).catch(() => undefined);
  });
  const below = random(11);
  const peers = await Promise.all(Array.from({ length: 25 }, () => open()));
  await Promise.all(
    peers.map(async (peer, i) => {
      for (let j = 0; j < 8; j++) {
        const data = Buffer.alloc(below(200_000), `${i} ${j} `);
        peer.write(...fragments(BINARY, [data.subarray(0, 1000), data.subarray(1000)]));
        const echo = await message(peer);
        assert.ok(echo.data.equals(data), `${i} ${j}`);
      }
    }),
  );
  assert.equal(server.metrics().arenaUsed, 0);
});

test('a stream to and fro keeps its bytes', async (t) => {
  const { server, peer } = await streaming(t);
  server.on('stream', (socket, stream) => {
    pipeline(stream, socket.sendStream()).catch(() => undefined);
  });
  const data = Buffer.alloc(16 << 20);
  for (let i = 0; i < data.length; i += 4) data.writeUInt32LE((i * 2654435761) >>> 0, i);
  peer.write(binary(data));
  const { data: echo } = await message(peer);
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  assert.equal(digest(echo), digest(data));
});
