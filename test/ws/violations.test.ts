// A peer that breaks a rule → the error of ws (class, message, code), the Close frame, the end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerOptions } from '../../host/node/ws/index.js';
import {
  binary,
  close,
  continuation,
  frame,
  ping,
  text,
  type FrameShape,
} from '../conformance/frame.js';
import { pass, until } from '../host/support/wait.js';
import { collect, next, serving } from './support/serving.js';

const INVALID = 'Invalid WebSocket frame: ';

interface Case {
  options?: ServerOptions;
  bytes: Buffer[];
  name?: string;
  code: string;
  message: string;
  closes: number;
}

const range = (message: string, code: string, closes: number, ...bytes: Buffer[]): Case => ({
  bytes,
  name: 'RangeError',
  code,
  message,
  closes,
});
const opcode = (number: number, ...bytes: Buffer[]) =>
  range(`${INVALID}invalid opcode ${number}`, 'WS_ERR_INVALID_OPCODE', 1002, ...bytes);
const length = (number: number, shape: FrameShape) =>
  range(
    `${INVALID}invalid payload length ${number}`,
    'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
    1002,
    frame(shape),
  );
const tooBig = (options: ServerOptions, ...bytes: Buffer[]): Case => ({
  ...range('Max payload size exceeded', 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 1009, ...bytes),
  options,
});
const utf8 = (...bytes: Buffer[]): Case => ({
  bytes,
  name: 'Error',
  code: 'WS_ERR_INVALID_UTF8',
  message: `${INVALID}invalid UTF-8 sequence`,
  closes: 1007,
});
const many = Array.from({ length: 4 }, () => continuation(Buffer.alloc(1), { fin: false }));

const cases: Record<string, Case> = {
  'RSV1 without permessage-deflate': range(
    `${INVALID}RSV1 must be clear`,
    'WS_ERR_UNEXPECTED_RSV_1',
    1002,
    text('x', { rsv: 4 }),
  ),
  RSV2: range(
    `${INVALID}RSV2 and RSV3 must be clear`,
    'WS_ERR_UNEXPECTED_RSV_2_3',
    1002,
    text('x', { rsv: 2 }),
  ),
  'RSV1 and RSV3': range(
    `${INVALID}RSV2 and RSV3 must be clear`,
    'WS_ERR_UNEXPECTED_RSV_2_3',
    1002,
    text('x', { rsv: 5 }),
  ),
  'a reserved opcode': opcode(3, frame({ opcode: 3 })),
  'a reserved control opcode': opcode(15, frame({ opcode: 15 })),
  'a continuation of nothing': opcode(0, continuation('x')),
  'a message inside another': opcode(2, text('x', { fin: false }), binary('y')),
  'a control frame in pieces': range(
    `${INVALID}FIN must be set`,
    'WS_ERR_EXPECTED_FIN',
    1002,
    ping('x', { fin: false }),
  ),
  'a control frame of 126 bytes': length(126, { opcode: 9, payload: Buffer.alloc(126) }),
  'a control frame of 70,000 bytes': length(127, { opcode: 9, payload: Buffer.alloc(70_000) }),
  'a Close frame of one byte': length(1, { opcode: 8, payload: Buffer.alloc(1) }),
  'no mask': range(
    `${INVALID}MASK must be set`,
    'WS_ERR_EXPECTED_MASK',
    1002,
    text('x', { key: null }),
  ),
  'close code 1005': range(
    `${INVALID}invalid status code 1005`,
    'WS_ERR_INVALID_CLOSE_CODE',
    1002,
    close(1005),
  ),
  'text that is not UTF-8': utf8(frame({ opcode: 1, payload: Buffer.of(0xff) })),
  'a reason that is not UTF-8': utf8(frame({ opcode: 8, payload: Buffer.of(3, 232, 0xff) })),
  'a message past maxPayload': tooBig({ maxPayload: 4 }, text('12345')),
  'fragments past maxPayload': tooBig(
    { maxPayload: 4 },
    text('123', { fin: false }),
    continuation('45'),
  ),
  'a length of more than 2^53': range(
    'Unsupported WebSocket frame: payload length > 2^53 - 1',
    'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
    1009,
    frame({ opcode: 2, form: 64, length: 1n << 53n }),
  ),
  'more fragments than maxFragments': {
    ...range(
      'Too many message fragments',
      'WS_ERR_TOO_MANY_BUFFERED_PARTS',
      1008,
      text('x', { fin: false }),
      ...many,
    ),
    options: { maxFragments: 4 },
  },
  'past its rate': {
    options: { rateLimit: { messages: 2, window: 60_000, policy: 'reject' } },
    bytes: [text('1'), text('2'), text('3')],
    name: 'Error',
    code: 'WS_ERR_RATE_LIMIT',
    message: 'Rate limit exceeded',
    closes: 1008,
  },
};

for (const [title, { options = {}, bytes, name, code, message, closes }] of Object.entries(cases)) {
  test(title, async (t) => {
    const { pair } = await serving(t, options);
    const { peer, ws } = await pair();
    const states: number[] = [];
    ws.on('error', () => states.push(ws.readyState));
    const failed = next(ws, 'error');
    const ended = next(ws, 'close');
    peer.write(...bytes, text('behind'));
    const [error] = (await failed) as [Error & { code: string }];
    assert.deepEqual([error.name, error.code, error.message], [name, code, message]);
    assert.deepEqual(await peer.closeFrame(), [closes, '']);
    assert.deepEqual(await ended, [1006, Buffer.alloc(0)]);
    assert.deepEqual(states, [2]);
  });
}

test('a compressed message that is none', async (t) => {
  const { pair } = await serving(t, { perMessageDeflate: true });
  const lines = ['Sec-WebSocket-Extensions: permessage-deflate'];
  const { peer, ws } = await pair({ lines });
  assert.equal(ws.extensions, 'permessage-deflate');
  const failed = next(ws, 'error');
  peer.write(frame({ opcode: 1, rsv: 4, payload: Buffer.of(7, 7, 7) }));
  const [error] = (await failed) as [Error & { code: string }];
  assert.equal(error.code, 'Z_DATA_ERROR');
  assert.deepEqual(await peer.closeFrame(), [1007, '']);
});

test('0 and Infinity are no bound', async (t) => {
  for (const maxPayload of [0, Infinity, 2 ** 40]) {
    const { pair } = await serving(t, { maxPayload, maxFragments: 0 });
    const { peer, ws } = await pair();
    const came = next(ws, 'message');
    peer.write(binary(Buffer.alloc(1 << 20), { fin: false }), continuation(Buffer.alloc(1 << 20)));
    const [data] = (await came) as [Buffer];
    assert.equal(data.length, 2 << 20);
  }
});

test('skipUTF8Validation takes text and reasons as they are', async (t) => {
  const { pair } = await serving(t, { skipUTF8Validation: true });
  const { peer, ws } = await pair();
  const messages = collect(ws, 'message');
  const ended = next(ws, 'close');
  const bytes = Buffer.of(0xf4, 0x90, 0x80, 0x80);
  peer.write(
    frame({ opcode: 1, payload: bytes }),
    frame({ opcode: 8, payload: Buffer.concat([Buffer.of(3, 232), bytes]) }),
  );
  assert.deepEqual(await ended, [1000, bytes]);
  assert.deepEqual(messages, [[bytes, false]]);
});

test('a fault that nobody listens to does not end the process', async (t) => {
  const { wss, pair } = await serving(t);
  const { peer, ws } = await pair();
  peer.write(frame({ opcode: 3 }));
  assert.deepEqual(await next(ws, 'close'), [1006, Buffer.alloc(0)]);
  await pass(10);
  await until(() => wss.clients.size === 0, 'the end');
});
