// Rooms in the core alone, in V8 → joins and leaves a second, and, with a message of 64 bytes to a room of
// 1,000 members and 1 or 16 of them a turn, deliveries a second. No sockets.
//
// "publish" counts what limpet_publish costs; "and write" also what a host does with it then:
// limpet_tx_next, limpet_tx, reading the spans and limpet_tx_ack for each member.

import { readFileSync } from 'node:fs';
import { Core } from '../host/core/core.js';
import { Opcode, PublishRecord, Role, Span, TxRecord } from '../build/limpet.abi.js';
import { median, say, type BenchOptions, type Suite, type SuiteReport } from './suite.js';
import { significant, table } from './table.js';

const MEMBERS = 1000;
const BYTES = 64;
/** As long as topics of applications are. */
const TOPIC = Buffer.from('chat/room/000042');
const TURNS = [1, 16];
const BUILDS = [
  { name: 'V8', file: 'build/limpet-server.wasm' },
  { name: 'V8, SIMD', file: 'build/limpet-server-simd.wasm' },
];

interface Room {
  core: Core;
  members: number[];
}

/** A core with a room of open server sessions; the topic lies in scratch, the payload behind it. */
function room(file: string): Room {
  const core = new Core(readFileSync(file));
  const members: number[] = [];
  const { exports, u8, scratch } = core;
  u8.set(TOPIC, scratch);
  u8.fill(0x61, scratch + TOPIC.length, scratch + TOPIC.length + BYTES);
  for (let i = 0; i < MEMBERS; i++) {
    const handle = core.check('attaching', exports.limpet_attach(Role.SERVER, 0, 1));
    core.check('joining', exports.limpet_subscribe(handle, scratch, TOPIC.length));
    members.push(handle);
  }
  return { core, members };
}

/** All members leave and join again for `seconds` → joins and leaves a second, taken together. */
function comeAndGo({ core: { exports, scratch }, members }: Room, seconds: number): number {
  const began = performance.now();
  let done = 0;
  let elapsed = 0;
  while (elapsed < seconds * 1000) {
    for (const handle of members) done += exports.limpet_unsubscribe(handle, scratch, TOPIC.length);
    for (const handle of members) done += exports.limpet_subscribe(handle, scratch, TOPIC.length);
    elapsed = performance.now() - began;
  }
  return (done / elapsed) * 1000;
}

/** Publishes `publications` messages; returns how many deliveries that were. */
function publish({ exports, u32, scratch }: Core, publications: number): number {
  const payload = scratch + TOPIC.length;
  let delivered = 0;
  for (let i = 0; i < publications; i++) {
    const record = exports.limpet_publish(scratch, TOPIC.length, Opcode.TEXT, payload, BYTES, 0);
    delivered += u32[(record + PublishRecord.delivered) >>> 2];
  }
  return delivered;
}

/** Writes all that is queued; returns how many bytes that were. */
function write({ exports, u32 }: Core): number {
  let bytes = 0;
  for (let handle; (handle = exports.limpet_tx_next()) > 0;) {
    const record = exports.limpet_tx(handle);
    const count = u32[(record + TxRecord.count) >>> 2];
    let length = 0;
    for (let i = 0; i < count; i++) {
      length += u32[(record + TxRecord.size + i * Span.size + Span.len) >>> 2];
    }
    exports.limpet_tx_ack(handle, length);
    bytes += length;
  }
  return bytes;
}

/** Turns for `seconds` → deliveries a second, of the publications alone and with the writes. */
function measure(core: Core, publications: number, seconds: number): [number, number] {
  let [deliveries, publishing] = [0, 0];
  const began = performance.now();
  let elapsed = 0;
  while (elapsed < seconds * 1000) {
    // Some turns to a look at the clock, which is not free.
    for (let i = 0; i < 8; i++) {
      const from = performance.now();
      const delivered = publish(core, publications);
      publishing += performance.now() - from;
      if (write(core) !== delivered * (BYTES + 2)) throw new Error('bytes are missing');
      deliveries += delivered;
    }
    elapsed = performance.now() - began;
  }
  return [(deliveries / publishing) * 1000, (deliveries / elapsed) * 1000];
}

function run(options: BenchOptions): Promise<SuiteReport> {
  const seconds = options.seconds ?? (options.quick ? 0.05 : 0.3);
  const rounds = options.rounds ?? (options.quick ? 1 : 5);
  const builds = BUILDS.map(({ name, file }) => ({ name, room: room(file) }));
  const data: object[] = [];
  /** Medians of a row's figures, a few for each build. */
  const row = (name: string, figures: (room: Room) => number[]): string[] => {
    const rates: number[][][] = builds.map(() => []);
    // Round 0 warms the code up and does not count.
    for (let round = 0; round <= rounds; round++) {
      builds.forEach(({ room }, i) => {
        const rate = figures(room);
        if (round > 0) rates[i].push(rate);
      });
    }
    data.push({ name, rates });
    const cells = rates.flatMap((samples) =>
      samples[0].map((_, n) => significant(median(samples.map((sample) => sample[n])) / 1e6, 3)),
    );
    say(`hub ${name}: ${cells.join(' ')}`);
    return [name, ...cells];
  };
  const rooms = row('joins and leaves', (room) => [comeAndGo(room, seconds)]);
  const turns = TURNS.map((publications) =>
    row(`${publications} a turn`, ({ core }) => measure(core, publications, seconds)),
  );
  const names = builds.map(({ name }) => name);
  const markdown = [
    `### Core alone: a room of ${String(MEMBERS)}, M a second`,
    table(['', ...names], [rooms]),
    `### Core alone: ${String(BYTES)} bytes to a room of ${String(MEMBERS)}, M deliveries a second`,
    table(['publications', ...names.flatMap((name) => [`${name}: publish`, 'and write'])], turns),
  ].join('\n\n');
  return Promise.resolve({ markdown, data, failures: [] });
}

export const hub: Suite = { name: 'hub', run };
