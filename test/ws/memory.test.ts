// 100,000 connections that come and go, at a server in a process of its own → what it holds stays the same.

import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { close, text } from '../conformance/frame.js';
import { handshake } from '../host/support/peer.js';
import { within } from '../host/support/wait.js';

const CONNECTIONS = 100_000;
/** How many are under way at a time. */
const LANES = 64;
/** What the second half may leave behind, bytes: one that is kept of each connection would be 50,000. */
const RSS_MOST = 16 << 20;
const HEAP_MOST = 2 << 20;

interface Held {
  rss: number;
  heapUsed: number;
  external: number;
  clients: number;
}

const HANDSHAKE = handshake();
const MESSAGE = text('a message');
const GOODBYE = close(1000, 'bye');

/**
 * One client: a handshake, and then by its number: gone without a word, an echo before that, or a Close
 * frame. It ends with a reset, so that no port is kept waiting.
 */
function visit(port: number, number: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const localAddress = `127.0.0.${2 + (number % 8)}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    const kind = number % 4;
    let bytes = 0;
    socket.on('connect', () => socket.write(HANDSHAKE));
    socket.on('data', (chunk: Buffer) => {
      const isHead = bytes === 0;
      bytes += chunk.length;
      if (isHead && kind === 2) socket.write(MESSAGE);
      else if (isHead && kind === 3) socket.write(GOODBYE);
      else socket.resetAndDestroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      if (bytes > 0) resolve();
      else reject(new Error('no answer'));
    });
  });
}

async function visits(port: number, from: number, to: number): Promise<void> {
  let number = from;
  const lane = async () => {
    while (number < to) await visit(port, number++);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function held(child: ChildProcess): Promise<Held> {
  // Ends that are still under way are over by the time that nobody is left.
  for (;;) {
    child.send('memory');
    const [answer] = (await within(once(child, 'message'), 'the figures')) as [Held];
    if (answer.clients === 0) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function server(
  t: TestContext,
  mode: string,
): Promise<{ child: ChildProcess; port: number }> {
  const child = fork('test/ws/support/echo.mjs', [mode], {
    execArgv: ['--expose-gc'],
    silent: true,
  });
  t.after(async () => {
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
  });
  assert.ok(child.stdout);
  const [line] = (await within(once(child.stdout, 'data'), 'its address', 20_000)) as [Buffer];
  return { child, port: Number(/:(\d+)\//.exec(line.toString())?.[1]) };
}

for (const mode of ['port', 'http']) {
  test(`${mode}: memory after 100,000 connections is what it was after half of them`, async (t) => {
    const { child, port } = await server(t, mode);
    await visits(port, 0, CONNECTIONS / 2);
    const before = await held(child);
    await visits(port, CONNECTIONS / 2, CONNECTIONS);
    const after = await held(child);
    const [rss, heap] = [after.rss - before.rss, after.heapUsed - before.heapUsed];
    t.diagnostic(`${mode}: rss ${before.rss} ${rss}, heap ${before.heapUsed} ${heap} bytes`);
    assert.ok(heap < HEAP_MOST, `the heap grew by ${heap} bytes`);
    assert.ok(rss < RSS_MOST, `the process grew by ${rss} bytes`);
  });
}
