// Masked frames in memory → frames and bytes a second through the core alone, in V8, with SIMD and
// without. No sockets: limpet_rx, reading every event, limpet_event_ack.
//
// Each read of 64 KiB is first copied into the ingress region, as a socket would, since the core
// unmasks in place; the copy counts.

import { readFileSync } from 'node:fs';
import { Core } from '../host/core/core.js';
import { EventRecord, Opcode, Role } from '../build/limpet.abi.js';
import { median, say, type BenchOptions, type Suite, type SuiteReport } from './suite.js';
import { significant, table } from './table.js';

const SIZES = [16, 125, 1024, 16384];
const READ_BYTES = 65536;
const KEY = [0x37, 0xfa, 0x21, 0x3d];

/** What the messages hold. */
const PAYLOADS = [
  { name: 'text', opcode: Opcode.TEXT, sample: 'the quick brown fox jumps over ' },
  { name: 'binary', opcode: Opcode.BINARY, sample: '\u00ff\u0080\u0001' },
  { name: 'non-ASCII text', opcode: Opcode.TEXT, sample: 'Grüße aus 東京 – ça va? 😀 ' },
];
const BUILDS = [
  { name: 'V8', file: 'build/limpet-server.wasm' },
  { name: 'V8, SIMD', file: 'build/limpet-server-simd.wasm' },
];

/** One masked frame whose payload is `size` bytes of a repeated sample, cut at a character. */
function frame(opcode: number, sample: string, size: number): Buffer {
  let text = '';
  for (const character of sample.repeat(size)) {
    if (Buffer.byteLength(text + character) > size) break;
    text += character;
  }
  const payload = Buffer.from(text.padEnd(text.length + size - Buffer.byteLength(text), '.'));
  const header = size < 126 ? [0x80 | size] : [0xfe, size >> 8, size & 255];
  const masked = payload.map((byte, i) => byte ^ KEY[i & 3]);
  return Buffer.concat([Buffer.from([0x80 | opcode, ...header, ...KEY]), masked]);
}

/** Feeds `read` again and again for `seconds`; returns frames a second. */
function measure(core: Core, handle: number, read: Buffer, seconds: number): number {
  const { exports, u8, u32, ingress, ringHead, ringTail, ringBase, ringMask } = core;
  let frames = 0;
  let bytes = 0;
  const began = performance.now();
  let elapsed = 0;
  while (elapsed < seconds * 1000) {
    for (let i = 0; i < 64; i++) {
      u8.set(read, ingress);
      for (let at = 0; at < read.length;) {
        at += core.check('reading', exports.limpet_rx(handle, ingress + at, read.length - at, 1));
        const head = u32[ringHead];
        const tail = u32[ringTail];
        for (let entry = tail; entry !== head; entry = (entry + 1) >>> 0) {
          bytes += u32[(ringBase + (entry & ringMask) * EventRecord.size + EventRecord.len) >>> 2];
        }
        frames += head - tail;
        exports.limpet_event_ack((head - tail) >>> 0);
      }
    }
    elapsed = performance.now() - began;
  }
  if (bytes === 0) throw new Error('no message came out of the core');
  return (frames / elapsed) * 1000;
}

async function run(options: BenchOptions): Promise<SuiteReport> {
  const seconds = options.seconds ?? (options.quick ? 0.05 : 0.3);
  const rounds = options.rounds ?? (options.quick ? 1 : 5);
  const builds = BUILDS.map(({ name, file }) => {
    const core = new Core(readFileSync(file));
    return { name, core, handle: core.exports.limpet_attach(Role.SERVER, 0, 1) };
  });
  const body: string[][] = [];
  const data: object[] = [];
  for (const { name, opcode, sample } of PAYLOADS) {
    for (const size of SIZES) {
      const one = frame(opcode, sample, size);
      const read = Buffer.concat(Array<Buffer>(Math.floor(READ_BYTES / one.length)).fill(one));
      const rates: number[][] = builds.map(() => []);
      // Round 0 warms the code up and does not count.
      for (let round = 0; round <= rounds; round++) {
        builds.forEach(({ core, handle }, i) => {
          const rate = measure(core, handle, read, seconds);
          if (round > 0) rates[i].push(rate);
        });
      }
      const medians = rates.map(median);
      const cells = medians.flatMap((rate) => [
        significant(rate / 1e6, 3),
        significant((rate * size) / 1e9, 3),
      ]);
      body.push([name, String(size), ...cells]);
      data.push({ name, size, rates });
      say(`core ${name} ${String(size)} B: ${cells.join(' ')}`);
    }
  }
  const head = builds.flatMap(({ name }) => [`${name}: M frames/s`, 'GB/s']);
  const markdown = `### Core alone: masked frames in, events out\n\n${table(['payload', 'bytes', ...head], body)}`;
  return Promise.resolve({ markdown, data, failures: [] });
}

export const core: Suite = { name: 'core', run };
