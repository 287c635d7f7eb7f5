// A seed → numbers that look random and are the same each time: xorshift32 (Marsaglia, 2003).

export class Random {
  #state: number;

  constructor(seed: number) {
    // 0 would stay 0; the multiplication spreads neighbouring seeds.
    this.#state = Math.imul(seed | 0, 0x9e3779b1) | 0 || 1;
    for (let i = 0; i < 8; i++) this.word();
  }

  /** 32 bits, signed. */
  word(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (this.#state = x);
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return (this.word() >>> 0) % n;
  }

  /** Whether something happens that happens once in `n` times. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  bytes(n: number): Buffer {
    const bytes = Buffer.alloc(n + 3);
    for (let i = 0; i < n; i += 4) bytes.writeInt32LE(this.word(), i);
    return bytes.subarray(0, n);
  }

  /** A length: small most of the time, around the limits of frames and blocks often. */
  length(max: number): number {
    const edges = [
      0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 511, 512, 1024, 2048, 4096, 65_535, 65_536,
    ];
    if (this.once(3)) return Math.min(this.pick(edges), max);
    return this.below(Math.min(this.once(4) ? max : 40, max) + 1);
  }
}
