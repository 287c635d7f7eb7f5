// bench/native/: each server in C answers as those that it is measured beside, and the load generators let
// no wrong answer pass.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { BUILT, buildNative, NATIVE_FANOUT_PEERS, NATIVE_PEERS } from '../../bench/native.js';
import type { LoadResult } from '../../bench/generator.js';
import type { Peer } from '../../bench/peers.js';
import { Child } from '../host/support/child.js';
import { within } from '../host/support/wait.js';
import { find } from '../native/support/build.js';

const missing = find('cmake') === '' ? 'needs cmake (cmake)' : buildNative();

/** Those that are no Node programs. */
const inC = ({ needs = '' }: Peer): boolean => needs.startsWith('build/native');
const absent = ({ needs = '', from }: Peer): string | false =>
  missing ?? (existsSync(needs) ? false : `${needs} is missing; ${from ?? 'why?'}`);

async function start(t: TestContext, { command }: Peer): Promise<{ child: Child; port: number }> {
  const [program = '', ...args] = command;
  const child = new Child(t, args, program);
  return { child, port: await child.port() };
}

async function connect(t: TestContext, port: number, path = '/'): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false });
  t.after(() => {
    socket.terminate();
  });
  await within(once(socket, 'open'), 'the connection');
  return socket;
}

/** The next `count` messages, as [text or bytes, whether bytes]. */
function messages(socket: WebSocket, count: number): Promise<[string, boolean][]> {
  const all: [string, boolean][] = [];
  const whole = new Promise<[string, boolean][]>((resolve) => {
    const took = (data: Buffer, binary: boolean): void => {
      all.push([data.toString('latin1'), binary]);
      if (all.length < count) return;
      socket.off('message', took);
      resolve(all);
    };
    socket.on('message', took);
  });
  return within(whole, `${count} messages`, 20_000);
}

const payload = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 7) & 0xff));

/** A load generator's one line. */
async function generate(
  t: TestContext,
  program: string,
  port: number,
  ...flags: string[]
): Promise<LoadResult & { error?: string }> {
  const short = ['--seconds=0.2', '--warmup=0.05'];
  const child = new Child(t, [`--port=${port}`, ...short, ...flags], `${BUILT}/${program}`);
  const { stdout, code } = await child.ended(30_000);
  const told = JSON.parse(stdout) as LoadResult & { error?: string };
  assert.equal(code, told.error === undefined ? 0 : 1);
  return told;
}

// ---- echo servers

for (const peer of NATIVE_PEERS.filter(inC)) {
  const { name, raw } = peer;
  const skip = absent(peer);

  test(`${name}: the load generator finds every echo right`, { skip }, async (t) => {
    const { child, port } = await start(t, peer);
    for (const [size, inflight, connections] of [
      [16, 1, 5],
      [128, 32, 5],
      [16_384, 3, 5],
      [1 << 20, 4, 2],
    ]) {
      const flags = [`--size=${size}`, `--inflight=${inflight}`, `--connections=${connections}`];
      const told = await generate(
        t,
        'load',
        port,
        ...flags,
        `--pid=${child.pid}`,
        ...(raw ? ['--raw'] : []),
      );
      assert.equal(told.error, undefined, flags.join(' '));
      assert.ok(told.messages > 0 && told.bytes === told.messages * size, JSON.stringify(told));
      assert.ok((told.ticks ?? -1) >= 0 && told.seconds >= 0.2, JSON.stringify(told));
    }
  });

  test(`${name}: ends by SIGTERM`, { skip }, async (t) => {
    const { child } = await start(t, peer);
    child.kill('SIGTERM');
    const { code, signal } = await child.ended();
    assert.ok(code === 0 || signal === 'SIGTERM', `${code} ${signal}`);
  });

  if (raw) continue;

  test(`${name}: messages of all lengths come back as they went`, { skip }, async (t) => {
    const { port } = await start(t, peer);
    const socket = await connect(t, port, '/');
    for (const length of [0, 1, 125, 126, 4096, 65_535, 65_536, 300_000, 1 << 20]) {
      for (const binary of [true, false]) {
        const data = binary ? payload(length) : Buffer.alloc(length, 'y');
        const due = messages(socket, 3);
        for (let n = 0; n < 3; n++) socket.send(data, { binary });
        const one = [data.toString('latin1'), binary];
        assert.deepEqual(await due, [one, one, one], `${length} bytes`);
      }
    }
  });

  test(`${name}: a message in fragments comes back whole`, { skip }, async (t) => {
    const { port } = await start(t, peer);
    const socket = await connect(t, port);
    const due = messages(socket, 1);
    socket.send('one ', { fin: false });
    socket.send('two ', { fin: false });
    socket.send('three', { fin: true });
    assert.deepEqual(await due, [['one two three', false]]);
  });

  test(`${name}: a client that closes is answered`, { skip }, async (t) => {
    const { port } = await start(t, peer);
    const socket = await connect(t, port);
    socket.close(1000);
    const [code] = (await within(once(socket, 'close'), 'the close')) as [number];
    assert.equal(code, 1000);
  });
}

// ---- fan-out servers

for (const peer of NATIVE_FANOUT_PEERS.filter(inC)) {
  const { name, raw } = peer;
  const skip = absent(peer);

  test(`${name}: the load generator finds every delivery right`, { skip }, async (t) => {
    const { child, port } = await start(t, peer);
    for (const [size, inflight] of [
      [64, 1],
      [64, 16],
      [5000, 7],
    ]) {
      const flags = [`--size=${size}`, `--inflight=${inflight}`, '--connections=20'];
      const told = await generate(
        t,
        'fanload',
        port,
        ...flags,
        `--pid=${child.pid}`,
        ...(raw ? ['--raw'] : []),
      );
      assert.equal(told.error, undefined, flags.join(' '));
      assert.ok(told.messages > 0 && told.bytes === told.messages * size, JSON.stringify(told));
    }
  });

  if (raw) continue;

  test(
    `${name}: what is published reaches all others, and nobody else speaks`,
    {
      skip,
    },
    async (t) => {
      const { port } = await start(t, peer);
      const listeners = await Promise.all(
        Array.from({ length: 5 }, () => connect(t, port, '/subscribe')),
      );
      const publisher = await connect(t, port, '/publish');
      const heard: string[] = [];
      publisher.on('message', (data: Buffer) => heard.push(data.toString()));
      const due = Promise.all(listeners.map((socket) => messages(socket, 3)));
      listeners[0]?.send('not to be passed on');
      publisher.send('first');
      publisher.send(Buffer.from('second'));
      publisher.send('x'.repeat(70_000));
      for (const one of await due) {
        assert.deepEqual(one, [
          ['first', false],
          ['second', true],
          ['x'.repeat(70_000), false],
        ]);
      }
      assert.deepEqual(heard, []);
    },
  );

  test(`${name}: a subscriber that leaves holds nobody up`, { skip }, async (t) => {
    const { port } = await start(t, peer);
    const [stays, leaves] = [await connect(t, port), await connect(t, port)];
    const publisher = await connect(t, port, '/publish');
    leaves.terminate();
    for (let n = 0; n < 100; n++) {
      const due = messages(stays, 1);
      publisher.send(String(n));
      assert.deepEqual(await due, [[String(n), false]]);
    }
  });
}

// ---- load generators

/** A server that does with the message of that number, and no other, what it should not. */
async function liar(
  t: TestContext,
  lie: (socket: WebSocket, data: Buffer, all: Set<WebSocket>) => void,
  honest: typeof lie,
): Promise<number> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  let came = 0;
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      (++came === 100 ? lie : honest)(socket, data, server.clients);
    });
  });
  await once(server, 'listening');
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const echo = (socket: WebSocket, data: Buffer): void => socket.send(data);
const toOthers = (socket: WebSocket, data: Buffer, all: Set<WebSocket>): void => {
  for (const each of all) if (each !== socket) each.send(data);
};

const LIES: [string, (socket: WebSocket, data: Buffer) => void, RegExp][] = [
  ['other bytes', (s, data) => s.send(data.map((byte) => byte ^ 1)), /wrong echo at byte \d+/],
  ['a longer one', (s, data) => s.send(Buffer.concat([data, data])), /wrong echo/],
  ['one more', (s, data) => (s.send(data), s.send(data)), /more came back|echoes of \d+ messages/],
  ['text', (s, data) => s.send(data.fill(0x79), { binary: false }), /wrong echo at byte 0/],
  ['the end', (s) => s.terminate(), /ended a connection|recv/],
];

for (const [what, lie, told] of LIES) {
  test(`load: ${what} in place of an echo is told`, { skip: missing }, async (t) => {
    const port = await liar(t, lie, echo);
    const { error } = await generate(t, 'load', port, '--size=32', '--connections=3');
    assert.match(error ?? 'nothing', told);
  });
}

test('fanload: a delivery left out, twice, or changed is told', { skip: missing }, async (t) => {
  const flags = ['--size=32', '--connections=4', '--inflight=4'];
  const others = (all: Set<WebSocket>, socket: WebSocket): WebSocket[] =>
    [...all].filter((each) => each !== socket);
  const leftOut = await liar(
    t,
    (socket, data, all) => others(all, socket).forEach((each, n) => n && each.send(data)),
    toOthers,
  );
  const twice = await liar(
    t,
    (socket, data, all) => (toOthers(socket, data, all), others(all, socket)[0]?.send(data)),
    toOthers,
  );
  const changed = await liar(
    t,
    (socket, data, all) =>
      toOthers(socket, Buffer.concat([data.subarray(0, -1), data.subarray(0, 1)]), all),
    toOthers,
  );
  assert.match((await generate(t, 'fanload', leftOut, ...flags)).error ?? '', /came instead of/);
  assert.match((await generate(t, 'fanload', twice, ...flags)).error ?? '', /came instead of/);
  assert.match((await generate(t, 'fanload', changed, ...flags)).error ?? '', /other bytes/);
});

test('load: no server, no upgrade, a wrong flag are told', { skip: missing }, async (t) => {
  const refusing = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
  });
  await once(refusing.listen(0, '127.0.0.1'), 'listening');
  t.after(() => refusing.close());
  const { port } = refusing.address() as AddressInfo;
  assert.match((await generate(t, 'load', port)).error ?? '', /no upgrade: HTTP\/1.1 404/);
  assert.match((await generate(t, 'load', 1)).error ?? '', /connect: Connection refused/);
  assert.match((await generate(t, 'load', port, '--size=none')).error ?? '', /--size: not none/);
});
