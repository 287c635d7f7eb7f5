// Hand-made DEFLATE blocks, right or wrong → a payload. RFC 1951 3.2.
import { CODE_LENGTH_ORDER, FIXED_LENGTHS, reversed } from './deflate.js';

/** A literal byte, a length code by its symbol, or a match. */
export type Token = number | { length: number; distance: number };

/** A dynamic block's header, field by field. RFC 1951 3.2.7. */
export interface DynamicHeader {
  hlit: number;
  hdist: number;
  /** Lengths of the code length codes, by symbol. */
  codeLengths: Partial<Record<number, number>>;
  /** Symbols of that code, each with its extra bits. */
  symbols: [symbol: number, extra?: number][];
}

/** Symbols' code lengths → their codes. RFC 1951 3.2.2. Wrong sets give codes as well. */
function codesOf(lengths: number[]): number[] {
  let code = 0;
  const codes = lengths.map(() => 0);
  for (let bits = 1; bits <= 15; bits++, code <<= 1)
    for (const [symbol, length] of lengths.entries()) if (length === bits) codes[symbol] = code++;
  return codes;
}

const FIXED_CODES = codesOf(FIXED_LENGTHS);
const EXTRA_BITS: Partial<Record<number, number>> = { 16: 2, 17: 3, 18: 7 };

export class Blocks {
  readonly #bytes: number[] = [];
  #bits = 0;
  #hold = 0;

  /** `count` bits, the least significant first. RFC 1951 3.1.1. */
  put(value: number, count: number): this {
    for (let i = 0; i < count; i++) {
      this.#hold |= ((value >>> i) & 1) << this.#bits;
      if (++this.#bits === 8) this.align();
    }
    return this;
  }

  /** A Huffman code, its most significant bit first. */
  code(code: number, count: number): this {
    return this.put(reversed(code, count), count);
  }

  align(): this {
    if (this.#bits > 0) this.#bytes.push(this.#hold);
    this.#bits = this.#hold = 0;
    return this;
  }

  /** BFINAL and BTYPE. */
  header(type: number, final = false): this {
    return this.put(final ? 1 : 0, 1).put(type, 2);
  }

  stored(data: Buffer, final = false): this {
    this.header(0, final).align();
    return this.put(data.length, 16).put(~data.length, 16).bytes(data);
  }

  bytes(data: Buffer): this {
    for (const byte of data) this.#bytes.push(byte);
    return this;
  }

  /** A block of fixed codes. RFC 1951 3.2.6. A block with BFINAL is padded: RFC 7692 7.2.1. */
  fixed(tokens: Iterable<Token>, final = false): this {
    this.header(1, final).tokens(tokens).symbol(256);
    return final ? this.align() : this;
  }

  tokens(tokens: Iterable<Token>): this {
    for (const token of tokens)
      if (typeof token === 'number') this.symbol(token);
      else this.match(token);
    return this;
  }

  symbol(symbol: number): this {
    return this.code(FIXED_CODES[symbol], FIXED_LENGTHS[symbol]);
  }

  /** Lengths of 3 to 10 have codes without extra bits. RFC 1951 3.2.5. */
  match({ length, distance }: { length: number; distance: number }): this {
    this.symbol(254 + length);
    if (distance <= 4) return this.code(distance - 1, 5);
    // Two codes for each number of extra bits: 4 and 5 have one, 28 and 29 have 13.
    const extra = 30 - Math.clz32(distance - 1);
    const half = ((distance - 1) >> extra) & 1;
    return this.code(2 * (extra + 1) + half, 5).put((distance - 1) & ((1 << extra) - 1), extra);
  }

  /** A dynamic block up to where its data starts. */
  dynamic({ hlit, hdist, codeLengths, symbols }: DynamicHeader): this {
    this.header(2).put(hlit, 5).put(hdist, 5).put(15, 4);
    for (const symbol of CODE_LENGTH_ORDER) this.put(codeLengths[symbol] ?? 0, 3);
    const lengths = Array.from({ length: 19 }, (_, symbol) => codeLengths[symbol] ?? 0);
    const codes = codesOf(lengths);
    for (const [symbol, extra = 0] of symbols)
      this.code(codes[symbol], lengths[symbol]).put(extra, EXTRA_BITS[symbol] ?? 0);
    return this;
  }

  /** What has been put so far, padded. */
  cut(): Buffer {
    this.align();
    return Buffer.from(this.#bytes);
  }

  /** A whole payload: an empty stored block ends it, of which the header is sent. RFC 7692 7.2.1. */
  payload(): Buffer {
    return this.header(0).cut();
  }
}
