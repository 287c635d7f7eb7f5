// examples/native/ → each program runs, does what its first lines say, and ends well: by itself and under valgrind.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { binary, close, continuation, text } from '../conformance/frame.js';
import { Child } from '../host/support/child.js';
import { Peer } from '../host/support/peer.js';
import { until } from '../host/support/wait.js';
import { built, skips, type Kind } from './support/build.js';
import { get, served, type Served } from './support/limpetd.js';

async function open(t: TestContext, port: number, path = '/', lines: string[] = []): Promise<Peer> {
  const peer = await Peer.open(port, { path, lines });
  t.after(() => peer.transport.destroy());
  return peer;
}

/** A message that comes in frames: its text, and how long each frame was. */
async function fragments(peer: Peer): Promise<[text: string, lengths: number[]]> {
  const frames = [await peer.frame()];
  while (!frames[frames.length - 1].fin) frames.push(await peer.frame());
  const whole = Buffer.concat(frames.map(({ payload }) => payload)).toString();
  return [whole, frames.map(({ payload }) => payload.length)];
}

/** What is to be seen of each example that serves. */
const SERVERS: Record<string, (t: TestContext, it: Served) => Promise<void>> = {
  facil: async (t, { port }) => {
    const { status, body } = await get(port, '/any/where');
    assert.deepEqual([status, body], [200, 'Hello World!']);
    const peers = await Promise.all(Array.from({ length: 9 }, () => open(t, port)));
    for (const [i, peer] of peers.entries())
      peer.write(text(`hello ${i}`), binary(Buffer.from([i])));
    for (const [i, peer] of peers.entries()) {
      assert.equal(await peer.text(), `hello ${i}`);
      const { opcode, payload } = await peer.frame();
      assert.deepEqual([opcode, [...payload]], [2, [i]]);
    }
  },

  external_poll: async (t, { child, port }) => {
    const [one, two] = [await open(t, port), await open(t, port)];
    // A message in fragments comes to all, and goes in fragments of 80 bytes.
    one.write(text('a'.repeat(100), { fin: false }), continuation('b'.repeat(99)));
    for (const peer of [one, two]) {
      const whole = 'a'.repeat(100) + 'b'.repeat(99);
      assert.deepEqual(await fragments(peer), [whole, [80, 80, 39]]);
    }
    // Lines that come at once go one after the other.
    two.write(...Array.from({ length: 20 }, (_, i) => text(`line ${i}`)));
    for (let i = 0; i < 20; i++) assert.equal(await one.text(), `line ${i}`);
    // The program's own descriptor, in the same poll.
    child.type('from the terminal\n');
    assert.equal(await one.text(), 'from the terminal');
    // Closing from a callback.
    two.write(text('x'.repeat(600)));
    assert.deepEqual(await two.closeFrame(), [1009, 'short lines, please']);
    one.write(binary(Buffer.from('no text')));
    assert.deepEqual(await one.closeFrame(), [1003, 'short lines, please']);
  },

  attach: async (t, { child, port }) => {
    const peer = await open(t, port, '/room?x=1');
    for (const said of ['hello', 'x'.repeat(4096)]) {
      peer.write(text(said));
      assert.equal(await peer.text(), said);
    }
    peer.write(text('bye'));
    assert.deepEqual(await peer.closeFrame(), [1000, 'bye']);
    // The socket goes on behind the Close frames.
    let bare = '';
    peer.transport.on('data', (chunk: Buffer) => (bare += chunk.toString()));
    peer.write(close(1000), Buffer.from('other bytes\n'));
    await until(() => bare === 'plainly: other bytes\n', 'plain bytes');
    // The client closes first, or speaks something else, or goes: the next one is served all the same.
    const polite = await open(t, port);
    polite.write(close(1001, 'leaving'));
    assert.deepEqual(await polite.closeFrame(), [1001, '']);
    const other = await Peer.connect(port);
    other.write(Buffer.from('SSH-2.0-x\r\n\r\n'));
    await other.overAs();
    (await open(t, port)).reset();
    const last = await open(t, port, '/last');
    last.write(text('still there?'));
    assert.equal(await last.text(), 'still there?');
    last.write(close(1000));
    assert.deepEqual(await last.closeFrame(), [1000, '']);
    assert.match(child.stdout, /\n\/room\?x=1 of 127\.0\.0\.1\n/);
    assert.match(child.stdout, /\nno WebSocket: /);
  },

  chat: async (t, { port }) => {
    const ann = await open(t, port, '/tea?Ann');
    const bob = await open(t, port, '/tea?Bob');
    const eve = await open(t, port, '/coffee?Eve');
    assert.equal(await ann.text(), 'Bob came');
    bob.write(text('hello'));
    assert.equal(await ann.text(), 'Bob: hello');
    ann.write(binary(Buffer.from([1])));
    assert.deepEqual(await ann.closeFrame(), [1003, 'words, please']);
    ann.transport.destroy();
    assert.equal(await bob.text(), 'Ann left');
    assert.deepEqual([bob.frames, eve.frames], [[], []], 'nobody hears herself, or another room');
  },

  dmsc: async (t, { child, port }) => {
    const lines = ['Origin: https://example.com'];
    const peers = [await open(t, port, '/', lines), await open(t, port, '/', lines)];
    await assert.rejects(open(t, port), /403/, 'an Origin that is not allowed');
    peers[0].write(text('hello'));
    assert.equal(await peers[0].text(), 'hello');
    child.kill('SIGTERM');
    for (const peer of peers) {
      assert.equal(await peer.text(), '{"type": "broadcast", "message": "Hello all!"}');
      assert.equal(await peer.text(), 'Welcome!');
    }
    // The first one is alone in the room.
    assert.equal(await peers[0].text(), '{"type": "room", "content": "Hello room!"}');
    for (const peer of peers) {
      assert.deepEqual(await peer.closeFrame(), [1001, '']);
      peer.write(close(1001));
    }
    const { stdout } = await child.ended(30_000);
    for (const line of [
      /^Broadcast sent to 2 clients$/m,
      /^Session [0-9a-f]+: 127\.0\.0\.1, connected: \d{13}, sent: 2\/51$/m,
      /^Room message sent to 1 clients$/m,
      /^Room 'chat_room_1' has 0 members$/m,
      /^Error -54: The origin is not on the list/m,
      /^WebSocket server shutdown complete$/m,
    ]) {
      assert.match(stdout, line);
    }
  },
};

/** Examples that end by themselves, and what they print last. */
const PROGRAMS: Record<string, RegExp> = {};

const VALGRIND = [
  '-q',
  '--leak-check=full',
  '--show-leak-kinds=definite,indirect,possible',
  '--errors-for-leak-kinds=definite,indirect,possible',
  '--error-exitcode=99',
];

/** Starts an example, uses it, ends it, and looks at how that went. */
async function lives(t: TestContext, kind: Kind, name: string, ...before: string[]): Promise<void> {
  const command = [...before, `${await built(kind)}/examples/native/${name}`];
  const [program = '', ...args] = command;
  const ending = PROGRAMS[name];
  if (ending) {
    const { code, stdout, stderr } = await new Child(t, args, program).ended(60_000);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, ending);
    return;
  }
  const it = await served(t, program, ...args, '0');
  await SERVERS[name]?.(t, it);
  it.child.kill('SIGTERM');
  const { code, stderr } = await it.child.ended(30_000);
  assert.deepEqual([code, stderr], [0, '']);
}

const NAMES = [...Object.keys(SERVERS), ...Object.keys(PROGRAMS)];

test('every example is run here', () => {
  const sources = readdirSync('examples/native').filter((file) => /\.(c|cpp)$/.test(file));
  // wamr.c reads stdin: wamr.test.ts.
  const names = sources.map((file) => file.replace(/\.\w+$/, ''));
  assert.deepEqual(names.sort(), [...NAMES, 'wamr'].sort());
});

for (const name of NAMES) {
  test(`examples/native/${name}`, { skip: skips('wasm2c') }, (t) => lives(t, 'wasm2c', name));
  test(`examples/native/${name} over WAMR`, { skip: skips('wamr') }, (t) => lives(t, 'wamr', name));
  const skip = skips('bounds', { valgrind: 'valgrind' });
  test(`examples/native/${name} under valgrind: no error, no leak`, { skip }, (t) =>
    lives(t, 'bounds', name, 'valgrind', ...VALGRIND),
  );
}

test(
  'limpetd under valgrind: no error, no leak',
  { skip: skips('bounds', { valgrind: 'valgrind' }) },
  async (t) => {
    const flags = ['--port', '0', '--echo', '--deflate', '--metrics'];
    const program = `${await built('bounds')}/limpetd`;
    const { child, port } = await served(t, 'valgrind', ...VALGRIND, program, ...flags);
    const peers = await Promise.all(Array.from({ length: 10 }, () => open(t, port)));
    const long = Buffer.alloc(1 << 20, 7);
    for (const peer of peers) peer.write(text('short'), binary(long), text(''));
    for (const peer of peers) {
      assert.equal(await peer.text(), 'short');
      assert.ok((await peer.frame(30_000)).payload.equals(long));
      assert.equal(await peer.text(), '');
    }
    assert.equal((await get(port, '/metrics')).status, 200);
    // Some go without a word, in the middle of a message; the rest are there at the end.
    for (const peer of peers.slice(0, 5)) {
      peer.write(binary(Buffer.alloc(70_000)).subarray(0, 50_000));
      peer.reset();
    }
    child.kill('SIGTERM');
    for (const peer of peers.slice(5)) {
      assert.deepEqual(await peer.closeFrame(), [1001, '']);
      peer.write(close(1001));
    }
    const { code, stderr } = await child.ended(30_000);
    assert.deepEqual([code, stderr], [0, '']);
  },
);
