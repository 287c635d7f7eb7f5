// The class WebSocket on the server's side: what it shows, sends and says at its end. The client's side
// has tests of its own, client-*.test.ts.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ErrorCode, SendStatus, WebSocket, type SendOptions } from '../../host/node/ws/index.js';
import {
  binary,
  BINARY,
  close,
  CLOSE,
  continuation,
  CONTINUATION,
  frame,
  ping,
  PING,
  pong,
  PONG,
  text,
  TEXT,
} from '../conformance/frame.js';
import { pass, turns, until, within } from '../host/support/wait.js';
import { collect, next, overHttp, serving, uncaught } from './support/serving.js';

const { OK, BACKPRESSURE } = SendStatus;

test('constants, of the class and of its objects', async (t) => {
  const { pair } = await serving(t);
  const { ws } = await pair();
  for (const owner of [WebSocket, ws]) {
    assert.deepEqual([owner.CONNECTING, owner.OPEN, owner.CLOSING, owner.CLOSED], [0, 1, 2, 3]);
  }
  assert.throws(() => {
    (WebSocket as { OPEN: number }).OPEN = 5;
  }, TypeError);
});

test('what a new connection shows of itself', async (t) => {
  const { pair } = await serving(t);
  const { ws } = await pair();
  assert.equal(ws.readyState, 1);
  assert.equal(ws.binaryType, 'nodebuffer');
  assert.equal(ws.bufferedAmount, 0);
  assert.equal(ws.extensions, '');
  assert.equal(ws.protocol, '');
  assert.equal(ws.isPaused, false);
  assert.equal(ws.url, undefined);
  assert.equal(ws.user, undefined);
  assert.equal(ws.remoteAddress, '127.0.0.1');
  const shown: string[] = [];
  for (const name in ws) shown.push(name);
  for (const name of ['readyState', 'bufferedAmount', 'onmessage', 'addEventListener', 'OPEN']) {
    assert.ok(shown.includes(name), name);
  }
});

test('_socket is the net.Socket, and nothing is lost when it is asked for', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  ws.on('message', (data) => {
    ws.send(data as Buffer);
  });
  peer.write(text('before'));
  assert.equal(await peer.text(), 'before');
  const socket = ws._socket as unknown as { remoteAddress: string; remotePort: number };
  assert.equal(socket.remoteAddress, '127.0.0.1');
  assert.equal(socket.remotePort, peer.socket.localPort);
  assert.equal(ws._socket, socket);
  peer.write(text('after'));
  assert.equal(await peer.text(), 'after');
});

test('send takes strings, numbers, all views of bytes, Blobs, and what Buffer.from takes', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const bytes = Uint8Array.of(1, 2, 3, 4);
  const cases: [data: unknown, opcode: number, payload: Buffer][] = [
    ['text', TEXT, Buffer.from('text')],
    ['žluť 🐚', TEXT, Buffer.from('žluť 🐚')],
    ['', TEXT, Buffer.alloc(0)],
    [5, TEXT, Buffer.from('5')],
    [0, TEXT, Buffer.from('0')],
    [Buffer.from(bytes), BINARY, Buffer.from(bytes)],
    [bytes, BINARY, Buffer.from(bytes)],
    [bytes.subarray(1, 3), BINARY, Buffer.of(2, 3)],
    [bytes.buffer, BINARY, Buffer.from(bytes)],
    [new DataView(bytes.buffer, 2), BINARY, Buffer.of(3, 4)],
    [new Uint16Array([0x0201]), BINARY, Buffer.of(1, 2)],
    [new SharedArrayBuffer(2), BINARY, Buffer.of(0, 0)],
    [[7, 8], BINARY, Buffer.of(7, 8)],
    [undefined, BINARY, Buffer.alloc(0)],
    [null, BINARY, Buffer.alloc(0)],
    [false, BINARY, Buffer.alloc(0)],
    [new Blob(['bl', 'ob']), BINARY, Buffer.from('blob')],
    [Buffer.alloc(100_000, 'x'), BINARY, Buffer.alloc(100_000, 'x')],
    ['y'.repeat(70_000), TEXT, Buffer.alloc(70_000, 'y')],
  ];
  for (const [data, opcode, payload] of cases) {
    assert.equal(ws.send(data as string), OK);
    const frame = await peer.frame();
    assert.equal(frame.opcode, opcode);
    assert.ok(frame.payload.equals(payload), String(data));
  }
  for (const data of [true, {}, Symbol('s'), 5n]) {
    assert.throws(() => ws.send(data as string), TypeError);
  }
});

test('options of send: binary, fin, compress', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const sent: [string | Buffer, SendOptions, opcode: number, fin: boolean][] = [
    ['as bytes', { binary: true }, BINARY, true],
    [Buffer.from('as text'), { binary: false }, TEXT, true],
    ['one ', { fin: false }, TEXT, false],
    [Buffer.from('two '), { fin: false, binary: true }, CONTINUATION, false],
    ['three', { fin: true }, CONTINUATION, true],
    ['whole', { compress: false }, TEXT, true],
    [Buffer.from('first'), { fin: false }, BINARY, false],
  ];
  for (const [data, options] of sent) ws.send(data, options);
  // What is not said goes on with a message, too.
  ws.send('last');
  for (const [data, , opcode, fin] of [...sent, ['last', {}, CONTINUATION, true] as const]) {
    const frame = await peer.frame();
    assert.deepEqual(
      [frame.opcode, frame.fin, frame.payload.toString()],
      [opcode, fin, String(data)],
    );
  }
});

test('a server does not mask', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  for (const run of [
    () => ws.send('x', { mask: true }),
    () => {
      ws.ping('x', true);
    },
    () => {
      ws.pong('x', true);
    },
  ]) {
    assert.throws(run, { name: 'TypeError', message: /does not mask: RFC 6455 5.1/ });
  }
  ws.send('right', { mask: false });
  ws.ping('right', false);
  assert.deepEqual([(await peer.frame()).opcode, (await peer.frame()).opcode], [TEXT, PING]);
});

test('callbacks come when the messages are written, in order, with nothing', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const told: unknown[][] = [];
  const callback =
    (name: string) =>
    (...args: unknown[]) =>
      told.push([name, ...args]);
  ws.send('a', callback('a'));
  ws.send(Buffer.alloc(40_000), { binary: true }, callback('b'));
  ws.ping('c', false, callback('c'));
  ws.ping(callback('d'));
  ws.pong('e', callback('e'));
  ws.send(new Blob(['f']), {}, callback('f'));
  ws.send('g', undefined, callback('g'));
  assert.deepEqual(told, []);
  await until(() => told.length === 7, 'all callbacks');
  assert.deepEqual(told, [['a'], ['b'], ['c'], ['d'], ['e'], ['f'], ['g']]);
  const opcodes: number[] = [];
  for (let i = 0; i < 7; i++) opcodes.push((await peer.frame()).opcode);
  assert.deepEqual(opcodes, [TEXT, BINARY, PING, PING, PONG, BINARY, TEXT]);
});

test('a callback waits for a peer that does not read, and hears when it never will', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  peer.transport.pause();
  const told: (Error | undefined)[] = [];
  const chunk = Buffer.alloc(1 << 20);
  for (let i = 0; i < 32; i++) ws.send(chunk, (error) => told.push(error));
  await pass(50);
  const written = told.length;
  assert.ok(written < 32);
  assert.ok(ws.bufferedAmount > 1 << 20);
  assert.equal(
    told.findIndex((error) => error !== undefined),
    -1,
  );
  ws.terminate();
  await until(() => told.length === 32, 'all callbacks');
  const error = told.at(-1) as NodeJS.ErrnoException;
  assert.equal(error.code, 'ERR_STREAM_DESTROYED');
  assert.equal(told[written]?.message, error.message);
});

test('send says what became of a message; drain follows backpressure', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  peer.transport.pause();
  const chunk = Buffer.alloc(1 << 20);
  let status = ws.send(chunk);
  for (let i = 0; i < 64 && status === OK; i++) status = ws.send(chunk);
  assert.equal(status, BACKPRESSURE);
  const drained = next(ws, 'drain');
  peer.transport.resume();
  await drained;
  assert.equal(ws.send('again'), OK);
  ws.close();
  assert.equal(ws.send('late'), ErrorCode.STATE);
});

test('maxBackpressure: refuse, drop, close', async (t) => {
  const full = async (options: object) => {
    const { pair } = await serving(t, { maxBackpressure: 1 << 20, ...options });
    const { peer, ws } = await pair();
    peer.transport.pause();
    const chunk = Buffer.alloc(512 << 10);
    const told: unknown[] = [];
    let status = ws.send(chunk);
    for (let i = 0; i < 64 && (status === OK || status === BACKPRESSURE); i++) {
      status = ws.send(chunk);
    }
    ws.send(chunk, (error?: NodeJS.ErrnoException) => told.push(error?.code));
    await turns(3);
    return { peer, ws, status, told };
  };
  const refused = await full({});
  assert.equal(refused.status, ErrorCode.FULL);
  assert.deepEqual(refused.told, ['WS_ERR_QUEUE_FULL']);
  assert.equal(refused.ws.readyState, 1);
  const dropped = await full({ fullPolicy: 'drop' });
  assert.equal(dropped.status, SendStatus.DROPPED);
  assert.deepEqual(dropped.told, ['WS_ERR_DROPPED']);
  for (const [fullPolicy, code] of [
    ['close', 1013],
    ['close-1008', 1008],
  ] as const) {
    const closed = await full({ fullPolicy });
    assert.equal(closed.ws.readyState, 2);
    closed.peer.transport.resume();
    assert.deepEqual(await closed.peer.closeFrame(), [code, '']);
  }
});

test('a Blob keeps its place, and Close comes behind it', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  ws.send('1');
  ws.send(new Blob(['2']));
  ws.send('3');
  ws.ping('4');
  ws.send(new Blob(['5'.repeat(100_000)]), { fin: false });
  ws.send('6');
  assert.equal(ws.bufferedAmount > 100_000, true);
  ws.close(1000, 'end');
  assert.equal(ws.readyState, 2);
  const frames = [];
  for (let i = 0; i < 6; i++) frames.push(await peer.frame());
  assert.deepEqual(
    frames.map(({ opcode, payload }) => [opcode, payload.toString().slice(0, 1)]),
    [
      [TEXT, '1'],
      [BINARY, '2'],
      [TEXT, '3'],
      [PING, '4'],
      [BINARY, '5'],
      [CONTINUATION, '6'],
    ],
  );
  assert.deepEqual(await peer.closeFrame(), [1000, 'end']);
});

test('a Blob that cannot be read ends the connection', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const errors = collect(ws, 'error');
  const blob = new Blob(['x']);
  blob.arrayBuffer = () => Promise.reject(new Error('unreadable'));
  const told: (string | undefined)[] = [];
  ws.send(blob, (error) => told.push(error?.message));
  ws.send('behind', (error) => told.push(error?.message));
  await peer.overAs();
  assert.deepEqual(told, ['unreadable', 'unreadable']);
  assert.equal((errors[0] as [Error])[0].message, 'unreadable');
});

test('ping and pong: at most 125 bytes, of all that can be sent', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  for (const data of [
    'x'.repeat(126),
    'ü'.repeat(63),
    Buffer.alloc(126),
    new Blob(['x'.repeat(126)]),
  ]) {
    const message = 'The data size must not be greater than 125 bytes';
    assert.throws(
      () => {
        ws.ping(data);
      },
      { name: 'RangeError', message },
    );
    assert.throws(
      () => {
        ws.pong(data);
      },
      { name: 'RangeError', message },
    );
  }
  const pongs = collect(ws, 'pong');
  const pings = collect(ws, 'ping');
  ws.ping();
  ws.ping(7);
  ws.pong(Buffer.from('unasked'));
  const frames = [await peer.frame(), await peer.frame(), await peer.frame()];
  assert.deepEqual(
    frames.map(({ opcode, payload }) => [opcode, payload.toString()]),
    [
      [PING, ''],
      [PING, '7'],
      [PONG, 'unasked'],
    ],
  );
  peer.write(pong('7'), ping('you'));
  assert.equal((await peer.frame()).payload.toString(), 'you');
  assert.deepEqual([pongs, pings], [[[Buffer.from('7')]], [[Buffer.from('you')]]]);
});

test('autoPong: false leaves the answer to the application', async (t) => {
  const { pair } = await serving(t, { autoPong: false });
  const { peer, ws } = await pair();
  const pinged = next(ws, 'ping');
  peer.write(ping('a'));
  await pinged;
  ws.pong('b');
  assert.equal(await peer.text(), 'b');
});

test('binaryType: what binary messages are; text is always a Buffer', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const get = async (...bytes: Buffer[]) => {
    const came = next(ws, 'message');
    peer.write(...bytes);
    return came;
  };
  const [data] = await get(binary(Buffer.of(1, 2)));
  assert.deepEqual(data, Buffer.of(1, 2));
  ws.binaryType = 'arraybuffer';
  const [array, isBinary] = (await get(binary(Buffer.of(3, 4)))) as [ArrayBuffer, boolean];
  assert.ok(array instanceof ArrayBuffer && isBinary);
  assert.deepEqual([array.byteLength, ...new Uint8Array(array)], [2, 3, 4]);
  ws.binaryType = 'fragments';
  assert.deepEqual(await get(binary(Buffer.of(5), { fin: false }), continuation(Buffer.of(6))), [
    [Buffer.of(5, 6)],
    true,
  ]);
  assert.deepEqual(await get(binary(Buffer.alloc(0))), [[], true]);
  ws.binaryType = 'blob';
  const [blob] = (await get(binary(Buffer.of(7)))) as [Blob];
  assert.deepEqual(await blob.arrayBuffer(), Uint8Array.of(7).buffer);
  const [words, wordsBinary] = await get(text('text'));
  assert.ok(Buffer.isBuffer(words) && wordsBinary === false);
  (ws as { binaryType: string }).binaryType = 'nonsense';
  assert.equal(ws.binaryType, 'blob');
});

test('messages are the application’s: what comes later does not change them', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const kept: Buffer[] = [];
  ws.on('message', (data) => kept.push(data as Buffer));
  const messages = Array.from({ length: 200 }, (_, i) => Buffer.alloc(1 + (i % 50) * 40, i));
  for (let at = 0; at < messages.length; at += 20) {
    peer.write(...messages.slice(at, at + 20).map((message) => binary(message)));
    await until(() => kept.length === at + 20, 'the messages');
  }
  messages.forEach((message, i) => {
    assert.ok(kept[i].equals(message), `message ${i}`);
  });
});

test('states: nothing is sent before and after', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const made = new WebSocket(null);
  for (const run of [
    () => made.send('x'),
    () => {
      made.ping();
    },
    () => {
      made.pong();
    },
  ]) {
    assert.throws(run, { message: 'WebSocket is not open: readyState 0 (CONNECTING)' });
  }
  made.pause();
  made.resume();
  assert.equal(made.isPaused, false);
  const ended = next(ws, 'close');
  ws.close();
  const told: (string | undefined)[] = [];
  ws.send('four', (error) => told.push(error?.message));
  ws.ping('five!', undefined, (error) => told.push(error?.message));
  await turns(1);
  const closing = 'WebSocket is not open: readyState 2 (CLOSING)';
  assert.deepEqual(told.slice(), [closing, closing]);
  assert.ok(ws.bufferedAmount >= 9);
  peer.write(close(1000));
  await ended;
  ws.send(new Blob(['blob']), (error) => told.push(error?.message));
  await turns(1);
  assert.equal(told[2], 'WebSocket is not open: readyState 3 (CLOSED)');
  assert.equal(ws.bufferedAmount, 13);
  ws.close();
  ws.terminate();
  ws.pause();
  assert.equal(ws.isPaused, false);
});

test('close: codes and reasons that may be sent, and those that may not', async (t) => {
  const { pair } = await serving(t);
  for (const [code, reason] of [
    [undefined, undefined],
    [1000, undefined],
    [1003, 'with a reason'],
    [1014, Buffer.from('of bytes')],
    [4999, 'ü'.repeat(61)],
  ] as const) {
    const { peer, ws } = await pair();
    const ends = collect(ws, 'close');
    ws.close(code, reason);
    const [sent, why] = await peer.closeFrame();
    assert.deepEqual([sent, why], [code ?? 0, reason?.toString() ?? '']);
    peer.write(code === undefined ? frame({ opcode: CLOSE }) : close(code, 'of the peer'));
    await peer.overAs();
    await until(() => ends.length === 1, "'close'");
    const told = code === undefined ? [1005, Buffer.alloc(0)] : [code, Buffer.from('of the peer')];
    assert.deepEqual(ends, [told]);
  }
  const { ws } = await pair();
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, '1000', null]) {
    assert.throws(
      () => {
        ws.close(code as number);
      },
      { name: 'TypeError', message: 'First argument must be a valid error code number' },
    );
  }
  assert.throws(
    () => {
      ws.close(1000, 'x'.repeat(124));
    },
    { name: 'RangeError', message: 'The message must not be greater than 123 bytes' },
  );
  assert.throws(
    () => {
      ws.close(1000, 5 as unknown as string);
    },
    { name: 'TypeError', message: 'Second argument must be a string or a Uint8Array' },
  );
  assert.equal(ws.readyState, 1);
});

test('the peer closes: its code and reason are told, and sent back', async (t) => {
  const { pair } = await serving(t);
  for (const [bytes, code, reason] of [
    [frame({ opcode: CLOSE }), 1005, ''],
    [close(1000), 1000, ''],
    [close(4001, 'bye ü'), 4001, 'bye ü'],
  ] as const) {
    const { peer, ws } = await pair();
    const states: number[] = [];
    ws.on('close', () => states.push(ws.readyState));
    const ended = next(ws, 'close');
    peer.write(bytes, text('behind'));
    assert.deepEqual(await peer.closeFrame(), [code === 1005 ? 0 : code, reason]);
    assert.deepEqual(await ended, [code, Buffer.from(reason)]);
    assert.deepEqual(states, [3]);
  }
});

test('messages that cross our Close frame are told', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const messages = collect(ws, 'message');
  ws.close(1000);
  await peer.closeFrame();
  peer.write(text('in flight'), close(1000));
  await next(ws, 'close');
  assert.deepEqual(messages, [[Buffer.from('in flight'), false]]);
});

test('closeTimeout: a peer that does not answer is cut off', async (t) => {
  const { pair } = await serving(t, { closeTimeout: 60 });
  // The core's clock is as it was when something came last.
  const begun = performance.now();
  const { peer, ws } = await pair();
  peer.stays = true;
  ws.close(1000);
  const [code] = await next(ws, 'close');
  assert.equal(code, 1006);
  assert.ok(performance.now() - begun > 50);
  await peer.overAs();
});

test('terminate: what was sent before it leaves, and nothing more comes', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const ended = next(ws, 'close');
  ws.send('last words');
  ws.terminate();
  assert.equal(ws.readyState, 2);
  assert.equal(await peer.text(), 'last words');
  await peer.overAs();
  assert.deepEqual(await ended, [1006, Buffer.alloc(0)]);
  assert.equal(ws.readyState, 3);
});

test('the connection is lost: 1006', async (t) => {
  const { pair } = await serving(t);
  for (const lose of ['end', 'reset'] as const) {
    const { peer, ws } = await pair();
    const errors = collect(ws, 'error');
    const ended = next(ws, 'close');
    if (lose === 'end') peer.transport.end();
    else peer.reset();
    assert.deepEqual(await ended, [1006, Buffer.alloc(0)]);
    assert.deepEqual(errors, []);
  }
});

for (const [name, start] of [
  ['port', serving],
  ['server', overHttp],
] as [string, (t: TestContext) => ReturnType<typeof serving>][]) {
  test(`${name}: pause holds messages back, and the peer by TCP; resume lets them come`, async (t) => {
    const { pair } = await start(t);
    const { peer, ws } = await pair();
    const messages = collect(ws, 'message');
    ws.pause();
    assert.equal(ws.isPaused, true);
    peer.write(text('held'));
    await pass(40);
    assert.equal(messages.length, 0);
    ws.send('out goes on');
    assert.equal(await peer.text(), 'out goes on');
    ws.resume();
    assert.equal(ws.isPaused, false);
    await until(() => messages.length === 1, 'the message');
  });

  test(`${name}: paused, it does not hear the answer to its Close frame`, async (t) => {
    const { pair } = await start(t);
    const { peer, ws } = await pair();
    const ends = collect(ws, 'close');
    ws.pause();
    ws.close(1000);
    await peer.closeFrame();
    peer.write(text('held'), close(1000));
    await pass(40);
    assert.equal(ends.length, 0);
    const messages = collect(ws, 'message');
    ws.resume();
    await until(() => ends.length === 1, "'close'");
    assert.equal(messages.length, 1);
  });
}

test('allowSynchronousEvents: false gives each event a turn, in order, to the end', async (t) => {
  const { pair } = await serving(t, { allowSynchronousEvents: false });
  const { peer, ws } = await pair();
  let turn = 0;
  const count = () => {
    turn += 1;
    if (ws.readyState < 3) setImmediate(count);
  };
  count();
  const told: [string, number, number][] = [];
  ws.on('message', (data) => told.push([(data as Buffer).toString(), turn, ws.readyState]));
  ws.on('ping', () => told.push(['ping', turn, ws.readyState]));
  ws.on('close', (code) => told.push([`close ${code}`, turn, ws.readyState]));
  peer.write(text('1'), text('2'), ping(), text('3'), close(1000));
  await until(() => told.length === 5, 'all events');
  assert.deepEqual(
    told.map(([what, , state]) => [what, state]),
    [
      ['1', 1],
      ['2', 1],
      ['ping', 1],
      ['3', 1],
      ['close 1000', 3],
    ],
  );
  const turnsOf = told.slice(0, 4).map(([, when]) => when);
  assert.equal(new Set(turnsOf).size, 4, turnsOf.join());
});

test('allowSynchronousEvents: false and pause: what had come is told, what comes later waits', async (t) => {
  const { pair } = await serving(t, { allowSynchronousEvents: false });
  const { peer, ws } = await pair();
  const messages: string[] = [];
  ws.on('message', (data) => {
    messages.push((data as Buffer).toString());
    ws.pause();
  });
  peer.write(text('1'), text('2'));
  await until(() => messages.length === 2, 'both');
  peer.write(text('3'));
  await pass(40);
  assert.equal(messages.length, 2);
  ws.resume();
  await until(() => messages.length === 3, 'the third');
});

test('a listener that throws keeps nobody from theirs', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const messages: string[] = [];
  ws.on('message', (data) => {
    messages.push((data as Buffer).toString());
    if (messages.length === 1) throw new Error('of a listener');
  });
  const thrown = uncaught();
  peer.write(text('1'), text('2'));
  assert.equal((await thrown).message, 'of a listener');
  await until(() => messages.length === 2, 'both messages');
});

test('10,000 messages each way come in order', async (t) => {
  const { wss, dial } = await serving(t);
  wss.on('connection', (ws) => {
    ws.on('message', (data, isBinary) => {
      ws.send(data as Buffer, { binary: isBinary });
    });
  });
  const client = dial();
  let count = 0;
  client.on('message', (data) => {
    assert.equal((data as Buffer).toString(), String(count));
    count += 1;
  });
  await next(client, 'open');
  for (let i = 0; i < 10_000; i++) client.send(String(i));
  await until(() => count === 10_000, 'all of them', 20_000);
});

test('what was closed is let go: states are told, no timer holds the process', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const sent = within(peer.frame(), 'the Close frame');
  ws.close(1000, 'x');
  ws.close(1001, 'y');
  const { opcode, payload } = await sent;
  assert.deepEqual([opcode, payload.readUInt16BE()], [CLOSE, 1000]);
});
