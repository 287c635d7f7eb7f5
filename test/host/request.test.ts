// Plain HTTP requests → what the listener reads in them, and the answers it may give.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, LimpetError, type Answer } from '../../host/node/index.js';
import { requestBytes, valuesOf } from '../conformance/http.js';
import { handshake } from './support/peer.js';
import { next, serving } from './support/serving.js';
import { turns } from './support/wait.js';

const get = (target = '/', lines: string[] = [], method = 'GET') =>
  requestBytes(`${method} ${target} HTTP/1.1`, ['Host: x', ...lines]);

test('without a listener the answer is 426, with what RFC 9110 15.5.22 wants', async (t) => {
  const { connect } = await serving(t);
  const peer = await connect();
  peer.write(get());
  const answer = await peer.answer();
  assert.equal(answer.status, 426);
  assert.deepEqual(valuesOf(answer, 'upgrade'), ['websocket']);
  assert.deepEqual(valuesOf(answer, 'sec-websocket-version'), ['13']);
  assert.ok(valuesOf(answer, 'connection').join().toLowerCase().includes('close'));
  assert.equal(await peer.overAs(), 'end');
});

test('a listener reads method, path, query, headers and address', async (t) => {
  const { server, connect } = await serving(t);
  const peer = await connect();
  const asked = next(server, 'request');
  peer.write(
    get('/a%20b/c?d=e&f?g', ['X-One: 1', 'x-one:  2 ', '__proto__: 3', 'X-Latin: \xe9'], 'PUT'),
  );
  const [request] = await asked;
  assert.deepEqual(
    [request.method, request.path, request.query, request.remoteAddress],
    ['PUT', '/a%20b/c', 'd=e&f?g', '127.0.0.1'],
  );
  assert.deepEqual(
    { ...request.headers },
    { host: 'x', 'x-one': '1, 2', ['__proto__']: '3', 'x-latin': '\xe9' },
  );
  assert.deepEqual(request.protocols, []);
  assert.equal(request.answered, false);
  request.respond(204);
  assert.equal((await peer.answer()).status, 204);
  assert.equal(request.answered, true);
  // What was read stays readable.
  assert.equal(request.headers.host, 'x');
});

test('an absolute target without a path is /', async (t) => {
  const { server, connect } = await serving(t);
  const peer = await connect();
  const asked = next(server, 'request');
  peer.write(get('http://x'));
  const [request] = await asked;
  assert.equal(request.path, '/');
  request.respond(200);
  await peer.answer();
});

test('status, headers and bodies of all sizes', async (t) => {
  const { server, connect } = await serving(t);
  for (const body of ['', 'text', 'žluť', Buffer.from([0, 255, 13, 10]), 'x'.repeat(300_000)]) {
    const peer = await connect();
    const asked = next(server, 'request');
    peer.write(get());
    (await asked)[0].respond(404, { headers: { 'X-Number': 7, 'X-Text': 'a, b' }, body });
    const answer = await peer.answer();
    const bytes = Buffer.from(body);
    assert.equal(answer.status, 404);
    assert.equal(answer.reason, '');
    assert.deepEqual(valuesOf(answer, 'x-number'), ['7']);
    assert.deepEqual(valuesOf(answer, 'x-text'), ['a, b']);
    assert.deepEqual(valuesOf(answer, 'content-length'), [String(bytes.length)]);
    assert.equal(await peer.overAs(), 'end');
    assert.ok(answer.body.equals(bytes));
  }
});

test('a body comes whole out of a small core', async (t) => {
  const { server, connect } = await serving(t, { profile: 'micro' });
  server.on('request', (request) => {
    request.respond(200, { body: 'limpet'.repeat(10_000) });
  });
  const peer = await connect();
  peer.write(get());
  const answer = await peer.answer();
  assert.equal(answer.body.toString(), 'limpet'.repeat(10_000));
});

test('a core without HTTP refuses a plain request, and knows the path of a handshake', async (t) => {
  const { server, connect } = await serving(t, { profile: 'nano' });
  const peer = await connect();
  peer.write(get());
  assert.equal((await peer.answer()).status, 426);
  const asked = next(server, 'upgrade');
  const other = await connect();
  other.write(handshake({ path: '/chat' }));
  const [request] = await asked;
  assert.deepEqual([request.method, request.path, { ...request.headers }], ['GET', '/chat', {}]);
  request.accept();
  await other.upgraded();
});

test('HEAD: the head of a GET, and no body', async (t) => {
  const { server, connect } = await serving(t);
  server.on('request', (request) => {
    request.respond(200, { body: 'x'.repeat(50_000) });
  });
  const peer = await connect();
  peer.write(get('/', [], 'HEAD'));
  assert.equal(await peer.overAs(), 'end');
  const answer = await peer.answer('HEAD');
  assert.equal(answer.status, 200);
  assert.deepEqual(valuesOf(answer, 'content-length'), ['50000']);
  assert.equal(answer.body.length, 0);
});

test('an answer may come later, and the client may have half-closed', async (t) => {
  const { server, connect } = await serving(t);
  const peer = await connect();
  const asked = next(server, 'request');
  peer.write(get());
  peer.transport.end();
  const [request] = await asked;
  await turns(3);
  request.respond(200, { body: 'late' });
  const answer = await peer.answer();
  assert.deepEqual([answer.status, answer.body.toString()], [200, 'late']);
});

test('an answer at once to a client that has half-closed', async (t) => {
  const { server, connect } = await serving(t);
  server.on('request', (request) => {
    request.respond(200, { body: 'x'.repeat(200_000) });
  });
  const peer = await connect();
  peer.transport.end(get());
  const answer = await peer.answer();
  assert.equal(answer.body.length, 200_000);
});

test('a second answer throws STATE and changes nothing', async (t) => {
  const { server, connect } = await serving(t);
  const peer = await connect();
  const asked = next(server, 'request');
  peer.write(get());
  const [request] = await asked;
  request.respond(200, { body: 'first' });
  assert.throws(
    () => {
      request.respond(500, { body: 'second' });
    },
    (error) => error instanceof LimpetError && error.code === ErrorCode.STATE,
  );
  const answer = await peer.answer();
  assert.deepEqual([answer.status, answer.body.toString()], [200, 'first']);
});

test('an answer to a client that is gone throws LimpetError', async (t) => {
  const { server, connect } = await serving(t);
  const peer = await connect();
  const asked = next(server, 'request');
  peer.write(get());
  const [request] = await asked;
  const gone = new Promise((resolve) => peer.transport.once('close', resolve));
  peer.reset();
  await gone;
  while (server.stats().active > 0) await turns(1);
  assert.throws(() => {
    request.respond(200);
  }, LimpetError);
});

const REFUSED: [string, number, Answer][] = [
  [
    'a value that ends its line and adds a field',
    200,
    { headers: { 'X-A': 'b\r\nSet-Cookie: c=d' } },
  ],
  ['a value that ends the head', 200, { headers: { 'X-A': 'b\r\n\r\n<html>' } }],
  ['a value with a bare LF', 200, { headers: { 'X-A': 'b\nSet-Cookie: c=d' } }],
  ['a value with a bare CR', 200, { headers: { 'X-A': 'b\rc' } }],
  ['a value with NUL', 200, { headers: { 'X-A': 'b\0c' } }],
  ['a name that adds a field', 200, { headers: { 'X-A: b\r\nSet-Cookie': 'c=d' } }],
  ['a name with a colon', 200, { headers: { 'X-A: b, X-C': 'd' } }],
  ['a name with a space', 200, { headers: { 'X A': 'b' } }],
  ['an empty name', 200, { headers: { '': 'b' } }],
  ['a field of the core’s own', 200, { headers: { 'Content-Length': 5 } }],
  ['another of the core’s own', 200, { headers: { 'transfer-encoding': 'chunked' } }],
  ['headers that are too long', 200, { headers: { 'X-A': 'x'.repeat(100_000) } }],
  ['a status below 200', 101, {}],
  ['a status that is none', 1000, {}],
  ['a body to 204', 204, { body: 'x' }],
];

for (const [what, status, answer] of REFUSED) {
  test(`${what} is refused with LimpetError, and the request can still be answered`, async (t) => {
    const { server, connect } = await serving(t);
    const peer = await connect();
    const asked = next(server, 'request');
    peer.write(get());
    const [request] = await asked;
    assert.throws(() => {
      request.respond(status, answer);
    }, LimpetError);
    assert.equal(request.answered, false);
    request.respond(200, { headers: { 'X-A': 'b' }, body: 'fine' });
    const { headers, body, ...rest } = await peer.answer();
    assert.equal(rest.status, 200);
    assert.equal(body.toString(), 'fine');
    assert.ok(!headers.some(([name]) => name === 'set-cookie'));
  });
}
