// Broken rules → the close code or HTTP status that RFC 6455 wants, and one error event.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionError, ErrorCode, errorName } from '../../host/node/index.js';
import { binary, close, continuation, frame, ping, TEXT, text } from '../conformance/frame.js';
import { requestBytes, SAMPLE_KEY } from '../conformance/http.js';
import { collect, echoing, next, serving } from './support/serving.js';
import { pass } from './support/wait.js';

const FRAMES: [ErrorCode, number, Buffer][] = [
  [ErrorCode.RSV, 1002, text('x', { rsv: 4 })],
  [ErrorCode.RSV, 1002, ping('x', { rsv: 1 })],
  [ErrorCode.OPCODE, 1002, frame({ opcode: 3 })],
  [ErrorCode.OPCODE, 1002, frame({ opcode: 15 })],
  [ErrorCode.CONTROL_FRAGMENTED, 1002, ping('x', { fin: false })],
  [ErrorCode.CONTROL_LENGTH, 1002, ping('x'.repeat(126))],
  [ErrorCode.LENGTH_FORM, 1002, text('x', { form: 16 })],
  [ErrorCode.LENGTH_FORM, 1002, text('x', { form: 64 })],
  [ErrorCode.LENGTH_SIGN, 1002, text('x', { form: 64, length: 1n << 63n })],
  [ErrorCode.UNMASKED, 1002, text('x', { key: null })],
  [ErrorCode.CONTINUATION, 1002, continuation('x')],
  [ErrorCode.INTERLEAVED, 1002, Buffer.concat([text('x', { fin: false }), text('y')])],
  [ErrorCode.UTF8, 1007, text(Buffer.from('c0af', 'hex'))],
  [ErrorCode.UTF8, 1007, text(Buffer.from('ce', 'hex'))],
  [ErrorCode.CLOSE_LENGTH, 1002, frame({ opcode: 8, payload: Buffer.from([3]) })],
  [ErrorCode.CLOSE_CODE, 1002, close(1005)],
  [ErrorCode.CLOSE_CODE, 1002, close(999)],
  [ErrorCode.CLOSE_REASON, 1007, close(1000, Buffer.from('ff', 'hex'))],
  [ErrorCode.TOO_BIG, 1009, binary('', { form: 64, length: 1n << 40n })],
];

for (const [code, closeCode, bytes] of FRAMES) {
  test(`${errorName(code)} ${bytes.toString('hex', 0, 4)}: ${closeCode}`, async (t) => {
    const { server, pair } = await serving(t);
    const errors = collect(server, 'error');
    const { peer, socket } = await pair();
    const closed = next(server, 'close');
    peer.write(text('before'), bytes, text('after'));
    assert.deepEqual(await peer.closeFrame(), [closeCode, '']);
    assert.equal(await peer.overAs(), 'end');
    const [who, told, reason, clean] = await closed;
    assert.ok(who === socket);
    // RFC 6455 7.1.5: the client sent no Close frame, or none that is one.
    assert.deepEqual([told, reason, clean], [1006, '', false]);
    assert.equal(errors.length, 1);
    const [error, whose] = errors[0] ?? [];
    assert.ok(error instanceof ConnectionError);
    assert.ok(whose === socket);
    assert.deepEqual([error.code, error.closeCode], [code, closeCode]);
    assert.ok(error.message.includes(errorName(code)), error.message);
    assert.equal(server.stats().violations, 1);
  });
}

const FIELDS = [
  'Host: x',
  'Upgrade: websocket',
  'Connection: Upgrade',
  `Sec-WebSocket-Key: ${SAMPLE_KEY}`,
  'Sec-WebSocket-Version: 13',
];
const get = (lines: string[], line = 'GET / HTTP/1.1') => requestBytes(line, lines);
const but = (name: string, ...instead: string[]) =>
  get([...FIELDS.filter((field) => !field.startsWith(name)), ...instead]);

const HEADS: [ErrorCode, number, Buffer][] = [
  [ErrorCode.HTTP_SYNTAX, 400, Buffer.from('garbage, not HTTP at all\r\n\r\n')],
  [
    ErrorCode.HTTP_SYNTAX,
    400,
    Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 'latin1'),
  ],
  [ErrorCode.HTTP_SYNTAX, 400, but('Host', 'Host: x', 'Bad Field: x')],
  [ErrorCode.HTTP_TOO_LARGE, 431, but('Host', 'Host: x', `X: ${'x'.repeat(20_000)}`)],
  [ErrorCode.HTTP_VERSION, 505, get(FIELDS, 'GET / HTTP/1.0')],
  [ErrorCode.HTTP_HOST, 400, but('Host')],
  [ErrorCode.HTTP_HOST, 400, but('Host', 'Host: x', 'Host: x')],
  [ErrorCode.HTTP_BODY, 400, get([...FIELDS, 'Content-Length: 3'])],
  [ErrorCode.UPGRADE_METHOD, 405, get(FIELDS, 'POST / HTTP/1.1')],
  [ErrorCode.UPGRADE_VERSION, 426, but('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 8')],
  [ErrorCode.UPGRADE_KEY, 400, but('Sec-WebSocket-Key')],
  [ErrorCode.UPGRADE_KEY, 400, but('Sec-WebSocket-Key', 'Sec-WebSocket-Key: dG9vIHNob3J0')],
  [ErrorCode.UPGRADE_PROTOCOL, 400, get([...FIELDS, 'Sec-WebSocket-Protocol: a, a'])],
  [ErrorCode.UPGRADE_EXTENSION, 400, get([...FIELDS, 'Sec-WebSocket-Extensions: =;'])],
];

for (const [code, status, bytes] of HEADS) {
  const begin = JSON.stringify(bytes.toString('latin1', 0, 12));
  test(`${errorName(code)} ${begin}: ${status}`, async (t) => {
    const { server, connect } = await serving(t);
    const errors = collect(server, 'error');
    const upgrades = collect(server, 'upgrade');
    const peer = await connect();
    peer.write(bytes);
    const answer = await peer.answer();
    assert.equal(answer.status, status);
    assert.equal(await peer.overAs(), 'end');
    assert.equal(errors.length, 1);
    const [error, socket] = errors[0] ?? [];
    assert.ok(error instanceof ConnectionError);
    assert.ok(socket === undefined);
    assert.deepEqual([error.code, error.closeCode], [code, status]);
    assert.equal(upgrades.length, 0);
  });
}

test('without a listener for errors a violation ends its connection and nothing else', async (t) => {
  const { server, open } = await serving(t);
  echoing(server);
  const [bad, good] = [await open(), await open()];
  bad.write(text('x', { rsv: 2 }));
  assert.equal((await bad.closeFrame())[0], 1002);
  good.write(text('still there?'));
  assert.equal(await good.text(), 'still there?');
});

test('a megabyte of garbage without a line end is refused before it is all there', async (t) => {
  const { server, connect } = await serving(t);
  const failed = next(server, 'error');
  const peer = await connect();
  peer.write(Buffer.alloc(1 << 20, 'A'));
  await failed;
  assert.notEqual(await peer.overAs(), '');
  await pass(0);
  assert.equal(server.stats().arenaUsed, 0);
});

test('text that cannot become UTF-8 any more is refused at once, in the middle of a frame', async (t) => {
  const { server, pair } = await serving(t);
  const { peer } = await pair();
  const failed = next(server, 'error');
  peer.write(frame({ opcode: TEXT, payload: Buffer.from('ff', 'hex'), length: 1000n, form: 16 }));
  assert.equal((await peer.closeFrame())[0], 1007);
  await failed;
});
