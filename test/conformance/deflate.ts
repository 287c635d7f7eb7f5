// Messages ↔ payloads of permessage-deflate. RFC 7692 7.2, over RFC 1951.
//   Deflater  the client's side: zlib, with its context kept or not
//   Inflater  judges the server: every distance within the window agreed on and the context agreed on
//
//   payload:  block … block 00 00 00 ff ff     the last block is empty and stored; of it only
//                              └────┬────┘     its header bits are sent
//                                not sent
// zlib's own inflate does not look at the window while the data lies in one output buffer, so it
// cannot be the judge.
import { constants, createDeflateRaw, deflateRawSync, type DeflateRaw } from 'node:zlib';

/** What a sender leaves out and a receiver puts back. RFC 7692 7.2.1, 7.2.2. */
export const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** The header bits of an empty stored block, all that is sent of it. RFC 7692 7.2.3.6. */
export const EMPTY_MESSAGE = Buffer.from([0x00]);

/** What one direction of a connection agreed on. */
export interface Direction {
  /** Context takeover: a message may refer to those before it. RFC 7692 7.1.1. */
  takeover: boolean;
  /** 8-15. RFC 7692 7.1.2. */
  windowBits: number;
}

export interface DeflaterOptions extends Direction {
  level?: number;
  memLevel?: number;
  strategy?: number;
}

/** Messages → payloads. */
export class Deflater {
  readonly #options: { level: number; memLevel: number; strategy: number; windowBits: number };
  readonly #stream: DeflateRaw | null;

  constructor({ takeover, windowBits, level = 6, memLevel = 8, strategy = 0 }: DeflaterOptions) {
    // zlib has no raw window of 8 bits. Its distances stay 262 below its window, so with 9 bits
    // they are 250 at most, which fits into 8.
    this.#options = { windowBits: Math.max(windowBits, 9), level, memLevel, strategy };
    this.#stream = takeover ? createDeflateRaw(this.#options) : null;
  }

  async deflate(data: Buffer): Promise<Buffer> {
    if (data.length === 0) return EMPTY_MESSAGE;
    const flushed = this.#stream
      ? await flush(this.#stream, data)
      : deflateRawSync(data, { ...this.#options, finishFlush: constants.Z_SYNC_FLUSH });
    if (!flushed.subarray(-TAIL.length).equals(TAIL)) throw new Error('zlib left no empty block');
    return flushed.subarray(0, -TAIL.length);
  }

  destroy(): void {
    this.#stream?.destroy();
  }
}

async function flush(stream: DeflateRaw, data: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const gather = (chunk: Buffer): unknown => chunks.push(chunk);
  stream.on('data', gather);
  stream.write(data);
  await new Promise<void>((resolve) => {
    stream.flush(constants.Z_SYNC_FLUSH, resolve);
  });
  stream.off('data', gather);
  return Buffer.concat(chunks);
}

const WINDOW_MAX = 32768;
const EMPTY = Buffer.alloc(0);

/** Payloads → messages; strict. */
export class Inflater {
  readonly #direction: Direction;
  #history = EMPTY;
  /** Compressed messages so far, and their bytes on the wire and off it. */
  messages = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Those that refer to messages before them. */
  borrowing = 0;
  /** The greatest distance of all. */
  farthest = 0;

  constructor(direction: Direction) {
    this.#direction = direction;
  }

  /** Throws an Error at what is not DEFLATE, and at what was not agreed on. */
  inflate(payload: Buffer): Buffer {
    const { takeover, windowBits } = this.#direction;
    const run = new Run(Buffer.concat([payload, TAIL]), this.#history, 1 << windowBits);
    const data = run.blocks();
    if (!run.endsEmpty) throw new Error('DEFLATE: the last block is not an empty stored one');
    this.messages++;
    this.bytesIn += payload.length;
    this.bytesOut += data.length;
    this.borrowing += run.borrows ? 1 : 0;
    this.farthest = Math.max(this.farthest, run.farthest);
    if (takeover) this.#history = Buffer.concat([this.#history, data]).subarray(-WINDOW_MAX);
    return data;
  }
}

/** What a receiver makes of a payload without a context; null when it is not DEFLATE. RFC 7692 7.2.2. */
export function unpacked(payload: Buffer): Buffer | null {
  try {
    return new Run(Buffer.concat([payload, TAIL]), EMPTY, WINDOW_MAX).blocks();
  } catch {
    return null;
  }
}

/** Base and extra bits of the length codes 257-285. RFC 1951 3.2.5. */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
];
const LENGTH_EXTRA = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
/** The same of the distance codes 0-29. */
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const distanceExtra = (code: number): number => Math.max(0, (code >> 1) - 1);

/** The order in which the lengths of the code length codes come. RFC 1951 3.2.7. */
export const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** RFC 1951 3.2.6. */
export const FIXED_LENGTHS: number[] = [
  ...Array.from({ length: 144 }, () => 8),
  ...Array.from({ length: 112 }, () => 9),
  ...Array.from({ length: 24 }, () => 7),
  ...Array.from({ length: 8 }, () => 8),
];

const END_OF_BLOCK = 256;
const BITS_MAX = 15;
const TABLE_BITS = 10;

/** Code lengths → decoder of one symbol. RFC 1951 3.2.2. */
class Code {
  /** Next bits → symbol << 4 | length; 0 where the code is longer than TABLE_BITS, or none. */
  readonly table = new Uint16Array(1 << TABLE_BITS);
  /** How many codes have each length. */
  readonly count = new Uint16Array(BITS_MAX + 1);
  /** In the order of their codes. */
  readonly symbols: number[];

  constructor(lengths: number[], mayBeIncomplete = false) {
    for (const length of lengths) this.count[length]++;
    this.count[0] = 0;
    let left = 1;
    for (let bits = 1; bits <= BITS_MAX; bits++) {
      left = left * 2 - this.count[bits];
      if (left < 0) throw new Error('DEFLATE: more codes than bits allow');
    }
    const used = lengths.filter((length) => length > 0).length;
    // RFC 1951 3.2.7: one distance code may stand alone, or none at all.
    if (left > 0 && !(mayBeIncomplete && (used === 0 || this.count[1] === 1)))
      throw new Error('DEFLATE: an incomplete set of codes');
    this.symbols = lengths
      .map((length, symbol) => ({ length, symbol }))
      .filter(({ length }) => length > 0)
      .sort((a, b) => a.length - b.length || a.symbol - b.symbol)
      .map(({ symbol }) => symbol);
    this.#fill();
  }

  #fill(): void {
    let code = 0;
    let at = 0;
    for (let bits = 1; bits <= TABLE_BITS; bits++, code <<= 1)
      for (let i = 0; i < this.count[bits]; i++, code++, at++) {
        const entry = (this.symbols[at] << 4) | bits;
        for (let next = reversed(code, bits); next < 1 << TABLE_BITS; next += 1 << bits)
          this.table[next] = entry;
      }
  }
}

/** Codes are packed from their most significant bit on. RFC 1951 3.1.1. */
export function reversed(code: number, bits: number): number {
  let result = 0;
  for (let i = 0; i < bits; i++) result = (result << 1) | ((code >> i) & 1);
  return result;
}

const FIXED = new Code(FIXED_LENGTHS);
const FIXED_DISTANCES = new Code(Array.from({ length: 32 }, () => 5));

/** One message's blocks. */
class Run {
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #window: number;
  #out: Buffer;
  #length: number;
  #at = 0;
  #bits = 0; // not yet used, of the byte before #at and those before it
  #hold = 0;
  borrows = false;
  farthest = 0;
  /** The last block is an empty stored one: RFC 7692 7.2.1 wants that of a sender. */
  endsEmpty = false;

  constructor(bytes: Buffer, history: Buffer, window: number) {
    this.#bytes = bytes;
    this.#window = window;
    this.#start = this.#length = history.length;
    this.#out = Buffer.allocUnsafe(history.length + 8 * bytes.length + 1024);
    history.copy(this.#out);
  }

  /** As many blocks as there are. RFC 7692 7.2.1: behind one with BFINAL others may follow. */
  blocks(): Buffer {
    while (this.#at < this.#bytes.length || this.#bits >= 8) {
      const before = this.#length;
      const final = this.#take(1);
      const type = this.#take(2);
      if (type === 0) this.#stored();
      else if (type === 1) this.#compressed(FIXED, FIXED_DISTANCES);
      else if (type === 2) this.#dynamic();
      else throw new Error('DEFLATE: block type 3');
      if (final) this.#align();
      this.endsEmpty = type === 0 && this.#length === before;
    }
    return this.#out.subarray(this.#start, this.#length);
  }

  /** RFC 1951 3.2.4. */
  #stored(): void {
    this.#align();
    const length = this.#take(16);
    if ((length ^ this.#take(16)) !== 0xffff) throw new Error('DEFLATE: NLEN is not ~LEN');
    this.#at -= this.#bits / 8;
    this.#bits = this.#hold = 0;
    if (this.#at + length > this.#bytes.length) throw new Error('DEFLATE: ends in a stored block');
    this.#reserve(length);
    this.#bytes.copy(this.#out, this.#length, this.#at, this.#at + length);
    this.#at += length;
    this.#length += length;
  }

  /** RFC 1951 3.2.7. */
  #dynamic(): void {
    const literals = this.#take(5) + 257;
    const distances = this.#take(5) + 1;
    if (literals > 286) throw new Error(`DEFLATE: ${literals} literal and length codes`);
    const order = Array.from({ length: 19 }, () => 0);
    const count = this.#take(4) + 4;
    for (let i = 0; i < count; i++) order[CODE_LENGTH_ORDER[i]] = this.#take(3);
    const lengths = this.#codeLengths(new Code(order), literals + distances);
    if (lengths[END_OF_BLOCK] === 0) throw new Error('DEFLATE: no code for the end of the block');
    this.#compressed(new Code(lengths.slice(0, literals)), new Code(lengths.slice(literals), true));
  }

  #codeLengths(code: Code, count: number): number[] {
    const lengths: number[] = [];
    while (lengths.length < count) {
      const symbol = this.#symbol(code);
      if (symbol === 16 && lengths.length === 0) throw new Error('DEFLATE: nothing to repeat');
      const times =
        symbol < 16 ? 1 : symbol === 18 ? 11 + this.#take(7) : 3 + this.#take(symbol - 14);
      const value = symbol < 16 ? symbol : symbol === 16 ? lengths[lengths.length - 1] : 0;
      for (let i = 0; i < times; i++) lengths.push(value);
    }
    if (lengths.length > count) throw new Error('DEFLATE: too many code lengths');
    return lengths;
  }

  #compressed(literals: Code, distances: Code): void {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol === END_OF_BLOCK) return;
      this.#reserve(258);
      if (symbol < END_OF_BLOCK) this.#out[this.#length++] = symbol;
      else if (symbol > 285) throw new Error(`DEFLATE: length code ${symbol}`);
      else {
        const length = LENGTH_BASE[symbol - 257] + this.#take(LENGTH_EXTRA[symbol - 257]);
        const code = this.#symbol(distances);
        if (code > 29) throw new Error(`DEFLATE: distance code ${code}`);
        this.#copy(length, DISTANCE_BASE[code] + this.#take(distanceExtra(code)));
      }
    }
  }

  #copy(length: number, distance: number): void {
    if (distance > this.#window)
      throw new Error(`DEFLATE: distance ${distance} in a window of ${this.#window}`);
    const from = this.#length - distance;
    if (from < 0) throw new Error(`DEFLATE: distance ${distance} reaches before the context`);
    this.farthest = Math.max(this.farthest, distance);
    if (from < this.#start) this.borrows = true;
    for (let i = 0; i < length; i++) this.#out[this.#length + i] = this.#out[from + i];
    this.#length += length;
  }

  #symbol(code: Code): number {
    this.#fill();
    const entry = code.table[this.#hold & ((1 << TABLE_BITS) - 1)];
    if (entry !== 0 && (entry & 15) <= this.#bits) {
      this.#take(entry & 15);
      return entry >> 4;
    }
    let value = 0;
    let first = 0;
    let at = 0;
    for (let bits = 1; bits <= BITS_MAX; bits++) {
      value |= this.#take(1);
      const count = code.count[bits];
      if (value - first < count) return code.symbols[at + value - first];
      at += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    throw new Error('DEFLATE: bits that are no code');
  }

  #take(count: number): number {
    if (this.#bits < count) this.#fill();
    if (this.#bits < count) throw new Error('DEFLATE: ends inside a block');
    const value = this.#hold & ((1 << count) - 1);
    this.#hold >>>= count;
    this.#bits -= count;
    return value;
  }

  /** At least 16 bits, while there are any. */
  #fill(): void {
    while (this.#bits < 16 && this.#at < this.#bytes.length) {
      this.#hold |= this.#bytes[this.#at++] << this.#bits;
      this.#bits += 8;
    }
  }

  /** Skips what lies before the next byte boundary. */
  #align(): void {
    this.#take(this.#bits & 7);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#out.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#length + count));
    this.#out.copy(larger, 0, 0, this.#length);
    this.#out = larger;
  }
}
