// Any Duplex as a transport: cut, delayed, failing, paused or destroyed by its owner, ended on either
// side, and none of bytes.

import assert from 'node:assert/strict';
import { Duplex, PassThrough } from 'node:stream';
import { test } from 'node:test';
import { createServer } from '../../../host/node/index.js';
import { transportOf } from '../../../host/node/transport/index.js';
import { duplexPair } from '../support/duplex.js';
import { Recorder } from '../support/recorder.js';
import { pass, turns, until } from '../support/wait.js';

/** A Duplex whose writes end when the test says so. */
class Slow extends Duplex {
  heard = '';
  waiting: (() => void)[] = [];
  writes = 0;

  constructor(options: { autoDestroy?: boolean } = {}) {
    super({ read: () => {}, allowHalfOpen: true, ...options });
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.#take(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#take(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  #take(bytes: Buffer, done: () => void): void {
    this.writes += 1;
    this.waiting.push(() => {
      this.heard += bytes.toString();
      done();
    });
  }

  /** Lets the write that waits end. */
  go(): void {
    this.waiting.shift()?.();
  }
}

function started(stream: Duplex): Recorder {
  const it = new Recorder(transportOf(stream));
  it.transport.resume();
  return it;
}

test('bytes come as chunks; a write that ends at once is told by its answer only', async () => {
  const stream = new PassThrough();
  const it = started(stream);
  assert.equal(it.transport.toStream(), it.transport);
  assert.equal(it.transport.toStream().stream, stream);
  // What goes into a PassThrough comes out of it.
  assert.equal(it.transport.write(Buffer.from('one ')), true);
  assert.equal(it.transport.writev([Buffer.from('two '), Buffer.from('three')]), true);
  await until(() => it.text === 'one two three', 'the bytes');
  await turns(2);
  assert.deepEqual([it.reads, it.told], [0, []]);
  assert.deepEqual(it.transport.peer(), { address: '', port: 0, family: '' });
});

test('a write that takes its time is told once, when it has ended', async () => {
  const stream = new Slow();
  const it = started(stream);
  assert.equal(it.transport.writev([Buffer.from('a'), Buffer.from('b')]), false);
  assert.equal(it.transport.unwritten, 2);
  await turns(2);
  assert.deepEqual(it.told, []);
  stream.go();
  // Corked, what followed the first piece is one write.
  await turns(2);
  stream.go();
  await turns(2);
  assert.deepEqual([it.told, stream.heard], [['written'], 'ab']);
  assert.equal(it.transport.write(Buffer.from('c')), false);
  stream.go();
  await turns(2);
  assert.deepEqual([it.told, stream.heard], [['written', 'written'], 'abc']);
});

test('its owner writes, too: a write of ours ends behind it', async () => {
  const stream = new Slow();
  const it = started(stream);
  stream.write('theirs ');
  assert.equal(it.transport.write(Buffer.from('ours')), false);
  stream.go();
  await turns(2);
  assert.deepEqual(it.told, []);
  stream.go();
  await turns(2);
  assert.deepEqual([it.told, stream.heard], [['written'], 'theirs ours']);
});

test('finish closes behind what was written', async () => {
  const stream = new Slow();
  const it = started(stream);
  assert.equal(it.transport.write(Buffer.from('last words')), false);
  it.transport.finish();
  it.transport.finish();
  await turns(3);
  assert.equal(stream.destroyed, false);
  stream.go();
  await until(() => it.told.includes('closed'), 'the close');
  assert.equal(stream.heard, 'last words');

  const idle = started(new Slow());
  idle.transport.finish();
  await until(() => idle.told.includes('closed'), 'the close');
  const over = started(new Slow());
  over.transport.end();
  await turns(3);
  over.transport.finish();
  await until(() => over.told.includes('closed'), 'the close');
});

test('an end, an error and a destruction are told', async () => {
  const ending = new Slow();
  const one = started(ending);
  ending.push('x');
  ending.push(null);
  await until(() => one.told.length > 0, 'the end');
  assert.deepEqual([one.text, one.told], ['x', ['ended']]);

  const failing = new Slow();
  const two = started(failing);
  assert.equal(two.transport.write(Buffer.from('never')), false);
  failing.destroy(new Error('cable cut'));
  await until(() => two.told.length > 0, 'the close');
  await turns(2);
  assert.deepEqual(two.told, ['closed']);
  assert.equal(two.transport.write(Buffer.from('late')), false);
  await turns(2);
  assert.deepEqual(two.told, ['closed']);

  // One that stays open when it fails, as streams of old do.
  const staying = new Slow({ autoDestroy: false });
  const three = started(staying);
  staying.emit('error', new Error('told, nothing done'));
  await until(() => three.told.includes('closed'), 'the close');
});

test('what was over before is told, too', async () => {
  const ended = new PassThrough({ allowHalfOpen: true });
  ended.push(null);
  ended.resume();
  await until(() => ended.readableEnded, 'the end');
  const one = started(ended);
  await until(() => one.told.includes('ended'), 'the end');

  const destroyed = new Slow();
  destroyed.destroy();
  await until(() => destroyed.closed, 'the close');
  const two = started(destroyed);
  await until(() => two.told.includes('closed'), 'the close');
  assert.equal(two.transport.destroyed, true);
});

test('bytes of a Duplex that its owner pauses wait for its owner', async () => {
  const stream = new PassThrough();
  const it = started(stream);
  stream.pause();
  stream.push('waits');
  await pass(20);
  assert.equal(it.text, '');
  stream.resume();
  await until(() => it.text === 'waits', 'the bytes');
});

test('release gives it back as it was, what was kept first', async () => {
  const [near, far] = duplexPair(3);
  const it = started(near);
  far.write('taken');
  await until(() => it.text === 'taken', 'the bytes');
  const stream = it.transport.toStream().release([Buffer.from('kept ')]);
  assert.equal(stream, near);
  far.write('and more');
  let came = '';
  stream.on('data', (chunk: Buffer) => (came += chunk.toString())).resume();
  await until(() => came === 'kept and more', 'its bytes');
  far.on('error', () => undefined);
  stream.destroy();
  await pass(20);
  assert.deepEqual([it.text, it.told], ['taken', []]);
});

test('a stream of objects or of text is refused, and nothing is opened for it', () => {
  const server = createServer();
  const text = new PassThrough();
  text.setEncoding('utf8');
  for (const stream of [
    new PassThrough({ objectMode: true }),
    new PassThrough({ readableObjectMode: true }),
    new PassThrough({ writableObjectMode: true }),
    text,
  ]) {
    assert.throws(() => server.attach(stream), /^TypeError: a connection is a stream of bytes/);
    assert.equal(stream.destroyed, false);
  }
  assert.equal(server.stats().active, 0);
});
