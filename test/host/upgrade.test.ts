// Opening handshakes → accepted or rejected, at once or later, with all that the client had sent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, LimpetError, type Acceptance } from '../../host/node/index.js';
import { close, ping, text } from '../conformance/frame.js';
import { valuesOf } from '../conformance/http.js';
import { handshake } from './support/peer.js';
import { collect, echoing, next, serving } from './support/serving.js';
import { pass, turns, until } from './support/wait.js';

test('the listener reads the request before it decides', async (t) => {
  const { server, connect } = await serving(t);
  const peer = await connect();
  const asked = next(server, 'upgrade');
  const lines = [
    'Origin: http://x',
    'Sec-WebSocket-Protocol: one, two',
    'Sec-WebSocket-Protocol: three',
  ];
  peer.write(handshake({ path: '/chat?room=1', lines }));
  const [request] = await asked;
  assert.deepEqual([request.method, request.path, request.query], ['GET', '/chat', 'room=1']);
  assert.equal(request.headers.origin, 'http://x');
  assert.deepEqual(request.protocols, ['one', 'two', 'three']);
  request.accept();
  await peer.upgraded();
});

test('accept later: frames that came early are kept, in order', async (t) => {
  for (const profile of ['nano', 'micro', 'server']) {
    const { server, connect } = await serving(t, { profile });
    echoing(server);
    const messages = collect(server, 'message');
    const peer = await connect();
    const asked = next(server, 'upgrade');
    peer.write(handshake(), text('with the head'), ping('hello'));
    const [request] = await asked;
    // More than the core holds: the rest waits in the host, and then in TCP.
    const words = Array.from({ length: 3000 }, (_, i) => `early message number ${i}`);
    for (const word of words) peer.write(text(word));
    await pass(30);
    assert.equal(messages.length, 0);
    assert.equal(request.answered, false);
    request.accept();
    await peer.upgraded();
    await until(() => messages.length === 3001, `3,001 messages in ${profile}`);
    assert.deepEqual(
      messages.map(([, data]) => data.toString()),
      ['with the head', ...words],
    );
    await until(() => peer.frames.length === 3002, `3,001 echoes and a pong in ${profile}`);
  }
});

test('accept later: the client had already said goodbye', async (t) => {
  const { server, connect } = await serving(t);
  const messages = collect(server, 'message');
  const peer = await connect();
  const asked = next(server, 'upgrade');
  peer.write(handshake(), text('hello'), close(4000, 'bye'));
  const [request] = await asked;
  await turns(3);
  const closed = next(server, 'close');
  request.accept();
  await peer.upgraded();
  assert.equal((await peer.closeFrame())[0], 4000);
  const [, code, reason, clean] = await closed;
  assert.deepEqual([messages.length, code, reason, clean], [1, 4000, 'bye', true]);
});

test('open comes within accept, and messages may be sent there', async (t) => {
  const { server, connect } = await serving(t);
  let opened = false;
  server.on('open', (socket) => {
    opened = true;
    socket.send('welcome');
  });
  const wasOpen = new Promise<boolean>((resolve) => {
    server.on('upgrade', (request) => {
      request.accept();
      resolve(opened);
    });
  });
  const peer = await connect();
  await peer.upgrade();
  assert.equal(await peer.text(), 'welcome');
  assert.equal(await wasOpen, true);
});

test('a subprotocol that was offered, and extra headers', async (t) => {
  const { server, connect } = await serving(t);
  server.on('upgrade', (request) => {
    request.accept({
      protocol: request.protocols[1],
      headers: { 'X-Served-By': 'limpet', 'Set-Cookie': 'a=b; Path=/' },
    });
  });
  const peer = await connect();
  const opened = next(server, 'open');
  const response = await peer.upgrade({ lines: ['Sec-WebSocket-Protocol: one, two'] });
  assert.deepEqual(valuesOf(response, 'sec-websocket-protocol'), ['two']);
  assert.deepEqual(valuesOf(response, 'x-served-by'), ['limpet']);
  assert.deepEqual(valuesOf(response, 'set-cookie'), ['a=b; Path=/']);
  const [socket] = await opened;
  assert.equal(socket.protocol, 'two');
});

test('without a choice there is no subprotocol and no extension', async (t) => {
  const { server, connect } = await serving(t);
  const opened = next(server, 'open');
  const peer = await connect();
  const lines = ['Sec-WebSocket-Protocol: one', 'Sec-WebSocket-Extensions: permessage-deflate'];
  const response = await peer.upgrade({ lines });
  assert.deepEqual(valuesOf(response, 'sec-websocket-protocol'), []);
  assert.deepEqual(valuesOf(response, 'sec-websocket-extensions'), []);
  assert.equal((await opened)[0].protocol, '');
});

test('reject: 403, or a status with headers and a body', async (t) => {
  const { server, connect } = await serving(t);
  const opened = collect(server, 'open');
  server.once('upgrade', (request) => {
    request.reject();
  });
  const first = await connect();
  first.write(handshake());
  assert.equal((await first.answer()).status, 403);
  server.once('upgrade', (request) => {
    request.reject(401, { headers: { 'WWW-Authenticate': 'Basic' }, body: 'who are you?' });
  });
  const second = await connect();
  second.write(handshake(), text('early'));
  const answer = await second.answer();
  assert.deepEqual([answer.status, answer.body.toString()], [401, 'who are you?']);
  assert.deepEqual(valuesOf(answer, 'www-authenticate'), ['Basic']);
  assert.equal(await second.overAs(), 'end');
  assert.equal(opened.length, 0);
});

test('an upgrade is answered once', async (t) => {
  const { server, open } = await serving(t);
  const thrown: unknown[] = [];
  server.on('upgrade', (request) => {
    request.accept();
    for (const again of [
      () => {
        request.accept();
      },
      () => {
        request.reject();
      },
    ]) {
      try {
        again();
      } catch (error) {
        thrown.push(error);
      }
    }
  });
  const opened = collect(server, 'open');
  const peer = await open();
  peer.write(text('x'));
  assert.equal(opened.length, 1);
  assert.equal(thrown.length, 2);
  for (const error of thrown) {
    assert.ok(error instanceof LimpetError);
    assert.equal(error.code, ErrorCode.STATE);
  }
});

const REFUSED: [string, Acceptance][] = [
  ['a subprotocol that was not offered', { protocol: 'three' }],
  ['a part of one that was offered', { protocol: 'on' }],
  ['two that were offered', { protocol: 'one, two' }],
  ['a subprotocol that adds a field', { protocol: 'one\r\nSet-Cookie: a=b' }],
  ['a value that adds a field', { headers: { 'X-A': 'b\r\nSet-Cookie: a=b' } }],
  ['a value that ends the head and adds a frame', { headers: { 'X-A': 'b\r\n\r\n\x81\x01x' } }],
  ['a name that adds a field', { headers: { 'X-A: b\r\nSet-Cookie': 'a=b' } }],
  ['a field of the core’s own', { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } }],
  ['headers that are too long', { headers: { 'X-A': 'x'.repeat(100_000) } }],
];

for (const [what, acceptance] of REFUSED) {
  test(`${what} is refused with LimpetError, and the upgrade can still be answered`, async (t) => {
    const { server, connect } = await serving(t);
    const opened = collect(server, 'open');
    const peer = await connect();
    const asked = next(server, 'upgrade');
    peer.write(handshake({ lines: ['Sec-WebSocket-Protocol: one, two'] }));
    const [request] = await asked;
    assert.throws(() => {
      request.accept(acceptance);
    }, LimpetError);
    assert.equal(opened.length, 0);
    assert.equal(request.answered, false);
    request.accept({ protocol: 'one' });
    const response = await peer.upgraded();
    assert.deepEqual(valuesOf(response, 'set-cookie'), []);
    assert.equal(opened.length, 1);
  });
}

test('the client is gone before it is accepted: LimpetError, and no open event', async (t) => {
  const { server, connect } = await serving(t);
  const opened = collect(server, 'open');
  const peer = await connect();
  const asked = next(server, 'upgrade');
  peer.write(handshake());
  const [request] = await asked;
  peer.reset();
  await until(() => server.stats().active === 0, 'the end of the connection');
  assert.throws(() => {
    request.accept();
  }, LimpetError);
  assert.equal(opened.length, 0);
});
