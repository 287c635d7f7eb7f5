// createWebSocketStream on the server's side: both directions, backpressure, every way to end.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable, type DuplexOptions } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test, type TestContext } from 'node:test';
import { createWebSocketStream, WebSocket } from '../../host/node/ws/index.js';
import { binary, CLOSE, close, frame, text } from '../conformance/frame.js';
import { pass, until, within } from '../host/support/wait.js';
import { next, serving } from './support/serving.js';

async function streamed(t: TestContext, options?: DuplexOptions) {
  const { pair, wss, dial } = await serving(t);
  const { peer, ws } = await pair();
  const stream = createWebSocketStream(ws, options);
  const told: string[] = [];
  for (const name of ['finish', 'end', 'close']) stream.on(name, () => told.push(name));
  stream.on('error', (error) => told.push(`error ${error.message}`));
  return { peer, ws, stream, told, wss, dial };
}

test('messages are read, what is written is sent', async (t) => {
  const { peer, stream } = await streamed(t, { encoding: 'utf8' });
  stream.write('one');
  stream.write(Buffer.from('two'));
  assert.deepEqual([await peer.text(), await peer.text()], ['one', 'two']);
  peer.write(text('three '), binary('four'));
  let read = '';
  stream.on('data', (chunk: string) => (read += chunk));
  await until(() => read === 'three four', 'both');
});

test('readableObjectMode: a message each, text as strings', async (t) => {
  const { peer, stream } = await streamed(t, { readableObjectMode: true });
  peer.write(text('text'), binary('bytes'), text(''));
  const read: unknown[] = [];
  stream.on('data', (chunk) => read.push(chunk));
  await until(() => read.length === 3, 'all of them');
  assert.deepEqual(read, ['text', Buffer.from('bytes'), '']);
});

test('end closes the connection: finish, end, close', async (t) => {
  const { peer, ws, stream, told } = await streamed(t);
  stream.resume();
  stream.end('last');
  assert.equal(await peer.text(), 'last');
  assert.deepEqual(await peer.closeFrame(), [0, '']);
  peer.write(frame({ opcode: CLOSE }));
  await until(() => told.includes('close'), "'close'");
  assert.deepEqual(told, ['finish', 'end', 'close']);
  assert.equal(ws.readyState, 3);
});

test('the peer closes: end, and the stream waits for its own end', async (t) => {
  const { peer, stream, told } = await streamed(t);
  stream.resume();
  peer.write(text('x'), close(1000));
  await until(() => told.includes('end'), "'end'");
  await pass(20);
  assert.deepEqual(told, ['end']);
  stream.end();
  await until(() => told.includes('close'), "'close'");
  assert.deepEqual(told, ['end', 'finish', 'close']);
});

test('destroy terminates', async (t) => {
  const { peer, ws, stream, told } = await streamed(t);
  stream.destroy(new Error('enough'));
  await until(() => told.includes('close'), "'close'");
  assert.deepEqual(told, ['error enough', 'close']);
  assert.equal(ws.readyState, 3);
  await peer.overAs();
});

test('a fault of the peer is the stream’s error, and the peer is told', async (t) => {
  const { peer, stream, told } = await streamed(t);
  stream.resume();
  peer.write(frame({ opcode: 3 }));
  assert.deepEqual(await peer.closeFrame(), [1002, '']);
  await until(() => told.includes('close'), "'close'");
  assert.deepEqual(told, ['error Invalid WebSocket frame: invalid opcode 3', 'close']);
});

test('writing behind the end is an error', async (t) => {
  const { ws, stream, told } = await streamed(t);
  ws.terminate();
  stream.write('late');
  await until(() => told.includes('close'), "'close'");
  assert.match(told[0], /^error WebSocket is not open: readyState 2 \(CLOSING\)$/);
});

test('what is not read holds the peer back', async (t) => {
  const { peer, ws, stream } = await streamed(t, { highWaterMark: 1000 });
  peer.write(...Array.from({ length: 10 }, () => binary(Buffer.alloc(400))));
  await until(() => ws.isPaused, 'the pause');
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await until(() => bytes === 4000 && !ws.isPaused, 'all of it');
});

test('20 MB through two pipes come back as they were', async (t) => {
  const { wss, dial } = await serving(t);
  wss.on('connection', (ws) => {
    const stream = createWebSocketStream(ws);
    stream.pipe(stream);
  });
  const client = dial();
  const { createWebSocketStream: theirs } = await import('ws');
  const stream = theirs(client);
  await next(client, 'open');
  const chunks = Array.from({ length: 320 }, () => randomBytes(65_536));
  let at = 0;
  const back = new Promise<void>((resolve, reject) => {
    let rest = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (at < chunks.length && rest.length >= 65_536) {
        if (!rest.subarray(0, 65_536).equals(chunks[at])) reject(new Error(`chunk ${at}`));
        rest = rest.subarray(65_536);
        at += 1;
      }
      if (at === chunks.length) resolve();
    });
  });
  void pipeline(Readable.from(chunks), stream).catch(() => undefined);
  await within(back, 'all of it', 20_000);
});

test('it waits for a connection that is not open yet, and fails with it', async (t) => {
  const { wss, url } = await serving(t);
  const messages: string[] = [];
  wss.on('connection', (ws) => {
    ws.on('message', (data) => messages.push((data as Buffer).toString()));
  });
  const stream = createWebSocketStream(new WebSocket(url));
  stream.resume();
  stream.end('early');
  await within(once(stream, 'close'), "'close'");
  assert.deepEqual(messages, ['early']);
  const given = createWebSocketStream(new WebSocket(url));
  const failed = once(given, 'error');
  given.destroy();
  const [error] = (await failed) as [Error];
  assert.equal(error.message, 'WebSocket was closed before the connection was established');
});
