// SocketLoop: what happens to the events, the memory and the other connections when something is in
// the way, with transports that this test drives by hand.

import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { ErrorCode, FullPolicy, Opcode, Sent } from '../../build/limpet.abi.js';
import type { Link } from '../../host/node/link.js';
import { SocketLoop, type Handlers } from '../../host/node/loop.js';
import { loadCore } from '../../host/node/wasm.js';
import { binary, close, FrameReader, ping, text } from '../conformance/frame.js';
import { headEnd } from '../conformance/http.js';
import { handshake } from './support/peer.js';
import { turns } from './support/wait.js';

/** A transport in whose place the test is: `say` brings bytes at once, `heard` is what was written. */
class Wire extends Duplex {
  heard = Buffer.alloc(0);
  #isOpen = false;

  constructor() {
    super({ read: () => {} });
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.heard = Buffer.concat([this.heard, chunk]);
    done();
  }

  say(...pieces: Buffer[]): void {
    this.emit('data', Buffer.concat(pieces));
  }

  /** The texts of the frames that were written since the last call. */
  texts(): string[] {
    const from = this.#isOpen ? 0 : headEnd(this.heard);
    this.#isOpen = true;
    const found: string[] = [];
    const reader = new FrameReader(({ payload }) => found.push(payload.toString()));
    reader.push(this.heard.subarray(from));
    this.heard = Buffer.alloc(0);
    return found;
  }
}

interface Bench {
  loop: SocketLoop<Wire>;
  /** What the handlers were told. */
  told: string[];
  /** Called for each message before it is noted. */
  onMessage: (link: Link<Wire>, text: string) => void;
  /** What a handler threw last. */
  threw: unknown;
  open(): Promise<{ wire: Wire; link: Link<Wire> }>;
}

function bench(profile = 'server'): Bench {
  const told: string[] = [];
  const handlers: Handlers<Wire> = {
    upgrade: (link) => {
      link.owner = link.stream as Wire;
      loop.acceptUpgrade(link, '', '');
      loop.proceed(link);
    },
    request: () => told.push('request'),
    opened: () => told.push('opened'),
    chunk: (_, data) => told.push(`chunk ${data.toString()}`),
    message: (link, data) => {
      it.onMessage(link, data.toString());
      told.push(data.toString());
    },
    ping: (_, data) => told.push(`ping ${data.toString()}`),
    pong: (_, data) => told.push(`pong ${data.toString()}`),
    writable: () => told.push('writable'),
    heartbeat: (_, rtt_ms) => told.push(`heartbeat ${rtt_ms}`),
    closing: () => told.push('closing'),
    leaving: () => undefined,
    failed: (_, error) => told.push(`failed ${error}`),
    closed: (_, code) => told.push(`closed ${code}`),
    threw: (error) => {
      it.threw = error;
    },
  };
  const loop = new SocketLoop<Wire>(loadCore(profile), handlers, {
    borrow: false,
    maxBackpressure: 64 << 20,
    fullPolicy: FullPolicy.REFUSE,
    trusts: () => 0,
  });
  const it: Bench = {
    loop,
    told,
    onMessage: () => {},
    threw: undefined,
    open: async () => {
      const wire = new Wire();
      const link = loop.accept(wire);
      assert.ok(link);
      wire.say(handshake());
      await turns(2);
      assert.deepEqual(wire.texts(), []);
      return { wire, link };
    },
  };
  return it;
}

test('a handler that throws loses its own message only, not those that came behind it', async () => {
  const it = bench();
  const { wire } = await it.open();
  it.onMessage = (_, words) => {
    if (words === 'throw') throw new Error('from the handler');
  };
  wire.say(text('one'), text('throw'), text('two'), ping('three'), text('four'));
  assert.match(String(it.threw), /from the handler/);
  await turns(3);
  assert.deepEqual(it.told, ['one', 'two', 'ping three', 'four']);
});

test('messages behind one whose handler threw are not overwritten by another connection', async () => {
  const it = bench();
  const one = await it.open();
  const two = await it.open();
  it.onMessage = (_, words) => {
    if (words === 'throw') throw new Error('from the handler');
  };
  one.wire.say(text('throw'), text('mine, all mine'));
  assert.match(String(it.threw), /from the handler/);
  two.wire.say(text('something else entirely, and longer'));
  await turns(3);
  assert.deepEqual(it.told.sort(), ['mine, all mine', 'something else entirely, and longer']);
});

test('sends within a handler go out together, before the next turn', async () => {
  const it = bench();
  const { wire, link } = await it.open();
  it.onMessage = (_, words) => {
    it.loop.send(link, Opcode.TEXT, `${words}!`);
  };
  wire.say(text('a'), text('b'));
  assert.equal(wire.heard.length, 0);
  await turns(1);
  assert.deepEqual(wire.texts(), ['a!', 'b!']);
});

test('a connection that is closed in a handler does not disturb the events of others', async () => {
  const it = bench();
  const all = [await it.open(), await it.open(), await it.open()];
  it.onMessage = (link) => {
    for (const other of all) if (other.link !== link) it.loop.terminate(other.link);
  };
  for (const { wire } of all) wire.say(text('last one standing'));
  await turns(3);
  assert.equal(it.loop.size, 1);
  assert.deepEqual(it.told, ['last one standing', 'closed 1006', 'closed 1006']);
  assert.equal(it.loop.core.stats().active, 1);
});

test('a place that was given up is another connection’s: old links lead nowhere', async () => {
  const it = bench('nano');
  const first = await it.open();
  first.wire.destroy();
  await turns(2);
  const all = [await it.open(), await it.open(), await it.open(), await it.open()];
  assert.equal(it.loop.accept(new Wire()), undefined);
  assert.equal(it.loop.send(first.link, Opcode.TEXT, 'to nobody'), ErrorCode.STATE);
  it.loop.terminate(first.link);
  it.loop.setPaused(first.link, true);
  await turns(2);
  assert.equal(it.loop.size, 4);
  for (const { wire } of all) assert.deepEqual(wire.texts(), []);
});

test('more events than the ring holds, in one read', async () => {
  const it = bench('nano');
  const { wire } = await it.open();
  const words = Array.from({ length: 500 }, (_, i) => `${i}`);
  wire.say(...words.map((word) => text(word)));
  await turns(3);
  assert.deepEqual(it.told, words);
});

test('pings among messages are answered in their turn, behind what the handler sent', async () => {
  const it = bench();
  const { wire } = await it.open();
  it.onMessage = (link, words) => {
    it.loop.send(link, Opcode.TEXT, words);
  };
  wire.say(text('1'), ping('2'), text('3'), ping('4'), ping('5'), text('6'));
  await turns(3);
  assert.deepEqual(wire.texts(), ['1', '2', '3', '4', '5', '6']);
});

test('what lies in linear memory may be sent from there, and large parts of it, too', async () => {
  const it = bench();
  const { wire, link } = await it.open();
  const { memory, core } = it.loop;
  memory.fill('s', core.scratch, core.scratch + 60_000);
  assert.equal(
    it.loop.send(link, Opcode.BINARY, memory.subarray(core.scratch, core.scratch + 10)),
    Sent.OK,
  );
  const large = memory.subarray(core.scratch, core.scratch + 60_000);
  assert.equal(it.loop.send(link, Opcode.BINARY, large), Sent.OK);
  memory.fill('x', core.scratch, core.scratch + 60_000);
  await turns(2);
  assert.deepEqual(wire.texts(), ['s'.repeat(10), 's'.repeat(60_000)]);
});

test('a message whose declared length is a lie costs no memory before its bytes come', async () => {
  const it = bench();
  const { wire } = await it.open();
  it.loop.core.exports.limpet_option_set(0, 0, 0x7fff_ffff);
  const second = await it.open();
  const before = process.memoryUsage().arrayBuffers;
  second.wire.say(binary('x'.repeat(300_000), { form: 64, length: BigInt(0x7fff_0000) }));
  await turns(2);
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 << 20);
  wire.say(text('still fine'));
  await turns(2);
  assert.deepEqual(it.told, ['still fine']);
});

test('a thousand turns of opening, talking and closing leave the loop empty', async () => {
  const it = bench('nano');
  for (let i = 0; i < 1000; i++) {
    const { wire } = await it.open();
    wire.say(text(`${i}`), close(1000));
    await turns(1);
    wire.destroy();
    await turns(1);
  }
  assert.equal(it.loop.size, 0);
  assert.equal(it.told.length, 2000);
  assert.deepEqual([it.loop.core.stats().active, it.loop.core.stats().arenaUsed], [0, 0]);
});
