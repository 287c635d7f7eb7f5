// A seed → two ends of a connection that cuts and delays its bytes, the same way for the same seed.

import { Duplex } from 'node:stream';

/** Numbers from 0 to `below` - 1, the same ones for a seed. Mulberry32. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) % below;
  };
}

class End extends Duplex {
  other!: End;
  /** Calls of write and writev, and what they brought. */
  writes = 0;
  #wanted: (() => void)[] = [];

  constructor(private readonly next: (below: number) => number) {
    super({ allowHalfOpen: true, highWaterMark: 4096 });
  }

  override _read(): void {
    for (const resume of this.#wanted.splice(0)) resume();
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.writes++;
    this.#carry(Buffer.from(chunk), 0, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.writes++;
    this.#carry(Buffer.concat(chunks.map(({ chunk }) => chunk)), 0, done);
  }

  /** Hands pieces over, each after some turns of the event loop, and only as the other end takes them. */
  #carry(bytes: Buffer, at: number, done: () => void): void {
    if (this.other.destroyed) return;
    if (at === bytes.length) {
      done();
      return;
    }
    const sizes = [1, 2, 7, 130, 1500, 5000, 70_000];
    const size = 1 + this.next(sizes[this.next(sizes.length)]);
    this.#later(this.next(3), () => {
      const goOn = () => {
        this.#carry(bytes, at + size < bytes.length ? at + size : bytes.length, done);
      };
      if (this.other.push(bytes.subarray(at, at + size))) goOn();
      else this.other.#wanted.push(goOn);
    });
  }

  #later(turns: number, run: () => void): void {
    if (turns === 0) run();
    else
      setImmediate(() => {
        this.#later(turns - 1, run);
      });
  }

  override _final(done: () => void): void {
    this.other.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // What a reset is to TCP.
    setImmediate(() => {
      if (!this.other.destroyed && !this.other.readableEnded) {
        this.other.destroy(new Error('the other end is gone'));
      }
    });
    done(error);
  }
}

/** Two ends; what is written into one comes out of the other. */
export function duplexPair(seed: number): [End, End] {
  const next = random(seed);
  const one = new End(next);
  const two = new End(next);
  one.other = two;
  two.other = one;
  return [one, two];
}
