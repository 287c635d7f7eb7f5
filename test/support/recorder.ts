// What a driver does to a core, and what comes of it → lines of a trace, for test/native/replay.c, which
// does the same to a core in C.
//
//   core                                 a new instance
//   set 4352 8185…                       bytes that the host put into linear memory
//   limpet_rx 257 4352 11 1001 = 11 9c3e…    a call, its answer, and the hash of the events in the ring
//   memory 5f01… frames.md:12            the hash of linear memory, at the end of a vector

import { closeSync, openSync, writeSync } from 'node:fs';
import { EventRecord, EventRing } from '../../build/limpet.abi.js';
import { Driver } from './driver.js';

type Call = (...args: number[]) => number;

/** Lines are written when there are as many as this. */
const LINES = 20_000;

/** Most of memory is like this; a page of WebAssembly is a multiple of it. */
const ZEROS = Buffer.alloc(16_384);

export class Recorder extends Driver {
  readonly #words: Int32Array;
  readonly #ring: number;

  constructor(
    path: string,
    readonly tape: Tape,
  ) {
    super(path);
    this.#words = new Int32Array(this.memory.buffer);
    this.#ring = this.core.limpet_events();
    tape.add('core');
    const calls = this.core as unknown as Record<string, unknown>;
    for (const [name, value] of Object.entries(calls)) {
      if (!name.startsWith('limpet_') || typeof value !== 'function') continue;
      const call = value as Call;
      calls[name] = (...args: number[]) => {
        const answer = call(...args);
        const words = args.map((arg) => ` ${arg | 0}`).join('');
        tape.add(`${name}${words} = ${answer} ${hex(this.#events())}`);
        return answer;
      };
    }
  }

  override write(at: number, bytes: Uint8Array): void {
    super.write(at, bytes);
    if (bytes.length) this.tape?.add(`set ${at} ${Buffer.from(bytes).toString('hex')}`);
  }

  /** Notes what memory is now. */
  mark(label: string): void {
    let hash = 0;
    const words = this.#words;
    for (let at = 0; at < this.memory.length; at += ZEROS.length) {
      if (this.memory.compare(ZEROS, 0, ZEROS.length, at, at + ZEROS.length) === 0) continue;
      for (let i = at / 4; i < (at + ZEROS.length) / 4; i++) {
        // Zeros are left out: engines differ in how many there are at the end.
        const word = words[i] ?? 0;
        if (word !== 0) hash = step(step(hash, i), word);
      }
    }
    this.tape.add(`memory ${hex(hash)} ${label}`);
  }

  /** The hash of the ring, of the events in it and of what they point at. */
  #events(): number {
    const words = this.#words;
    let hash = 0;
    const ring = this.#ring / 4;
    for (let i = ring; i < ring + EventRing.size / 4; i++) hash = step(hash, words[i] ?? 0);
    const head = this.u32(this.#ring + EventRing.head);
    const mask = this.u32(this.#ring + EventRing.mask);
    const base = this.u32(this.#ring + EventRing.base);
    for (let i = this.u32(this.#ring + EventRing.tail); i !== head; i = (i + 1) >>> 0) {
      const at = base + ((i & mask) >>> 0) * EventRecord.size;
      for (let word = 0; word < EventRecord.size / 4; word++) {
        hash = step(hash, words[at / 4 + word] ?? 0);
      }
      const ptr = this.u32(at + EventRecord.ptr);
      const len = this.u32(at + EventRecord.len);
      for (let byte = ptr; byte < ptr + len; byte++) hash = step(hash, this.memory[byte] ?? 0);
    }
    return hash;
  }
}

/** One 32-bit word more. */
function step(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

const hex = (hash: number) => (hash >>> 0).toString(16);

/** The file that a trace goes to. */
export class Tape {
  readonly #file: number;
  #lines: string[] = [];
  /** Lines so far. */
  length = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  add(line: string): void {
    this.length++;
    if (this.#lines.push(line) >= LINES) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    if (this.#lines.length) writeSync(this.#file, `${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}
