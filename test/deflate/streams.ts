// The harness of inflate → streams that are decoded in pieces, their output between guard bytes.

import assert from 'node:assert/strict';
import type { Codec } from './harness.js';

export interface InflateExports {
  inflate_bytes: () => number;
  inflate_begin: (z: number) => void;
  inflate: (
    z: number,
    from: number,
    end: number,
    base: number,
    to: number,
    limit: number,
  ) => number;
  inflate_from: (z: number) => number;
  inflate_to: (z: number) => number;
  inflate_ended: (z: number) => number;
}

export const MORE = 0;
export const FULL = 1;
export const BAD = -1;

/** RFC 7692 7.2.2: what a sender takes off each message, and a receiver puts back. */
export const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

const GUARD = 64;
const PAINT = 0xa5;

/** Input lies at the end of memory, in the last part of the arena: reading past it is a trap. */
const INPUT_BYTES = 1 << 20;
/** Where the output of a stream lies within its half of what is left. */
const OUTPUT_AT = 2048;

/** One stream in the arena of a codec. */
export class Stream {
  readonly codec: Codec<InflateExports>;
  /** Output so far, without what was there when it began. */
  written = 0;
  /** Input so far, without what was given back. */
  consumed = 0;
  answer = MORE;
  #z: number;
  readonly #area: number;
  readonly #outputAt: number;
  readonly #outputMax: number;
  #history = 0;

  /** `half` is 0 or 1: two streams have room beside each other. */
  constructor(codec: Codec<InflateExports>, half = 0, history: Uint8Array = Buffer.alloc(0)) {
    const { core } = codec;
    const bytes = (core.arena_bytes() - INPUT_BYTES) / 2;
    assert.ok(codec.memory.length - (core.arena() + core.arena_bytes()) < 65_536);
    this.codec = codec;
    this.#area = core.arena() + half * bytes;
    this.#z = this.#area + 256;
    this.#outputAt = this.#area + OUTPUT_AT;
    this.#outputMax = bytes - OUTPUT_AT - GUARD;
    codec.memory.set(history, this.#outputAt);
    this.#history = history.length;
    codec.memory.fill(PAINT, this.#outputAt - GUARD, this.#outputAt);
    this.#fence();
    core.inflate_begin(this.#z);
    this.#paintState();
  }

  /** Decodes a piece until it is consumed; `room` says how many bytes of output each call may have. */
  feed(piece: Uint8Array, room: () => number = () => this.#outputMax): number {
    const { core, memory } = this.codec;
    const base = this.#outputAt;
    assert.ok(piece.length <= INPUT_BYTES);
    const end = memory.length;
    let from = end - piece.length;
    memory.set(piece, from);
    do {
      const to = base + this.#history + this.written;
      const limit = Math.min(to + room(), base + this.#outputMax);
      memory.fill(PAINT, limit, limit + GUARD);
      this.answer = core.inflate(this.#z, from, end, base, to, limit);
      const [fromAfter, toAfter] = [core.inflate_from(this.#z), core.inflate_to(this.#z)];
      assert.ok(fromAfter >= from && fromAfter <= end, 'input beyond its ends');
      assert.ok(toAfter >= to && toAfter <= limit, 'output beyond its limit');
      this.written += toAfter - to;
      this.consumed += fromAfter - from;
      this.#check(limit);
      if (this.answer === MORE) assert.equal(fromAfter, end, 'input is left over');
      if (this.answer === FULL) {
        assert.equal(toAfter, limit, 'full, but there is room');
        assert.ok(limit < base + this.#outputMax, 'more output than the arena holds');
      }
      from = fromAfter;
    } while (this.answer === FULL);
    return this.answer;
  }

  /** The end of a message: what was taken off comes back. Says whether the message was whole. */
  end(room?: () => number): boolean {
    return this.feed(TAIL, room) === MORE && this.codec.core.inflate_ended(this.#z) !== 0;
  }

  /** Puts the record elsewhere, as when a larger block is taken for a message. */
  move(): void {
    const { core, memory } = this.codec;
    const to = this.#z === this.#area + 256 ? this.#area + 640 : this.#area + 256;
    memory.copyWithin(to, this.#z, this.#z + core.inflate_bytes());
    memory.fill(PAINT, this.#z, this.#z + core.inflate_bytes());
    this.#z = to;
    this.#paintState();
  }

  /** A copy of the output. */
  get output(): Buffer {
    const at = this.#outputAt + this.#history;
    return Buffer.from(this.codec.memory.subarray(at, at + this.written));
  }

  #paintState(): void {
    const { core, memory } = this.codec;
    memory.fill(PAINT, this.#z - 64, this.#z);
    memory.fill(PAINT, this.#z + core.inflate_bytes(), this.#z + core.inflate_bytes() + 64);
  }

  /** Paints what is nobody's behind the tables: only debug builds have something there. */
  #fence(): void {
    const { core, memory, debug } = this.codec;
    if (debug) memory.fill(PAINT, core.codec_end(), core.codec_end() + 16);
  }

  #check(limit: number): void {
    const { core, memory, debug } = this.codec;
    const state = this.#z + core.inflate_bytes();
    const painted: [string, number, number][] = [
      ['before the output', this.#outputAt - GUARD, this.#outputAt],
      ['behind the output', limit, limit + GUARD],
      ['before the record', this.#z - 64, this.#z],
      ['behind the record', state, state + 64],
    ];
    if (debug) painted.push(['behind the tables', core.codec_end(), core.codec_end() + 16]);
    for (const [what, from, to] of painted) {
      assert.ok(
        memory.subarray(from, to).every((byte) => byte === PAINT),
        `bytes ${what} are written over`,
      );
    }
  }
}
