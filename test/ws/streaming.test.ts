// Messages of any length as Node's streams, through limpet/ws: both roles, both directions.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { buffer, text as textOf } from 'node:stream/consumers';
import { test } from 'node:test';
import type { MessageReader } from '../../host/node/streams.js';
import { WebSocket, WebSocketServer } from '../../host/node/ws/index.js';
import {
  BINARY,
  binary,
  CONTINUATION,
  fragments,
  frame,
  split,
  TEXT,
  text,
} from '../conformance/frame.js';
import { until, within } from '../host/support/wait.js';
import { serving } from './support/serving.js';

test('streamMessages: true: each message is a stream, however it is cut', async (t) => {
  const { pair } = await serving(t, { streamMessages: true, maxPayload: 1000 });
  const { peer, ws } = await pair();
  const told: Promise<[string, boolean]>[] = [];
  ws.on('stream', (stream, isBinary) => {
    told.push(textOf(stream).then((all) => [all, isBinary]));
  });
  ws.on('message', () => assert.fail('a message was told whole'));
  const long = 'žluť'.repeat(100_000);
  peer.write(
    text('short'),
    ...fragments(TEXT, split(Buffer.from(long), 70_001)),
    binary(Buffer.from('bytes')),
  );
  await until(() => told.length === 3, 'three streams');
  assert.deepEqual(await within(Promise.all(told), 'their ends'), [
    ['short', false],
    [long, false],
    ['bytes', true],
  ]);
});

test('streamMessages: a length: shorter ones are told whole, in order', async (t) => {
  const { pair } = await serving(t, { streamMessages: 1000, allowSynchronousEvents: false });
  const { peer, ws } = await pair();
  const told: string[] = [];
  ws.on('message', (data) => told.push(`message ${(data as Buffer).length}`));
  ws.on('stream', (stream) => {
    void buffer(stream).then(({ length }) => told.push(`stream ${length}`));
  });
  peer.write(text('x'.repeat(1000)), text('x'.repeat(1001)));
  await until(() => told.length === 2, 'both');
  assert.deepEqual(told, ['message 1000', 'stream 1001']);
});

test('a stream that is not read holds the peer back, and ends with an error when it is cut', async (t) => {
  const { pair } = await serving(t, { streamMessages: true });
  const { peer, ws } = await pair();
  let stream: MessageReader | undefined;
  ws.on('stream', (it) => (stream = it));
  const payload = Buffer.alloc(1 << 20);
  const first = frame({ opcode: BINARY, fin: false, payload });
  const more = frame({ opcode: CONTINUATION, fin: false, payload });
  let written = 0;
  for (let i = 0; i < 64; i++) peer.transport.write(i ? more : first, () => written++);
  await until(() => stream !== undefined, 'a stream');
  assert.ok(written < 64, 'the peer has written all of it');
  const failed = once(stream!, 'error');
  peer.transport.destroy();
  // Who does not read does not see the end either.
  stream!.resume();
  const [error] = (await within(failed, 'an error')) as [Error];
  assert.match(error.message, /closed before the message ended/);
});

test('sendStream: fragments of one message, what is sent meanwhile comes behind it', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const stream = ws.sendStream({ binary: true });
  stream.write('one ');
  ws.send('behind');
  stream.write('two ');
  stream.end('three');
  let all = '';
  for (;;) {
    const frame = await peer.frame();
    assert.equal(frame.opcode, all === '' ? BINARY : 0);
    all += frame.payload.toString();
    if (frame.fin) break;
  }
  assert.equal(all, 'one two three');
  assert.equal(await peer.text(), 'behind');
});

test('a client has both, too; and who is not open has neither', async (t) => {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => wss.close({ timeout: 0 }));
  await once(wss, 'listening');
  wss.on('connection', (ws) => {
    ws.setStreamMessages(true);
    ws.on('stream', (stream, isBinary) => stream.pipe(ws.sendStream({ binary: isBinary })));
  });
  const { port } = wss.address() as { port: number };
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`);
  assert.throws(() => ws.sendStream(), /not open/);
  assert.throws(() => {
    ws.setStreamMessages(true);
  }, /not open/);
  await once(ws, 'open');
  ws.setStreamMessages(true);
  const stream = ws.sendStream({ binary: false });
  for (let i = 0; i < 100; i++) stream.write('piece '.repeat(1000));
  stream.end();
  const [echo] = (await within(once(ws, 'stream'), 'a stream')) as [MessageReader];
  assert.equal(await textOf(echo), 'piece '.repeat(100_000));
  assert.throws(() => new WebSocketServer({ noServer: true, streamMessages: -1 }), RangeError);
  ws.terminate();
});
