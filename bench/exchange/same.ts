// Every message is the same prebuilt frame, so an answer needs no parsing: bytes are counted. The
// stream of echoes has the period of one frame; the first echo of a connection and all of the drain
// are compared to it.

import { frame } from '../frames.js';
import type { Exchange, Stream } from './exchange.js';

export interface SameOptions {
  size: number;
  inflight: number;
  /** Not a WebSocket: the frames come back as they are. */
  raw: boolean;
  text: boolean;
}

const MASKING_KEY = Buffer.of(0x9d, 0x3a, 0xc5, 0x61);

export function sameExchange({ size, inflight, raw, text }: SameOptions): Exchange {
  // RFC 6455 5.2: FIN, and the opcode of a text (1) or a binary (2) message.
  const firstByte = 0x80 | (text ? 1 : 2);
  const payload = makePayload(size, text);
  const question = frame(firstByte, payload, MASKING_KEY);
  const answer = raw ? question : frame(firstByte, payload);
  /** `bursts[n]` is n frames; all are views of one buffer. */
  const burst = Buffer.concat(Array.from({ length: inflight }, () => question));
  const bursts = Array.from({ length: inflight + 1 }, (_, n) =>
    burst.subarray(0, n * question.length),
  );
  return { begin: () => new SameStream(size, answer, bursts) };
}

class SameStream implements Stream {
  bytes = 0;
  /** Bytes of an echo that has not come completely. */
  #part = 0;
  /** The first echo has come and was right. */
  #proven = false;

  constructor(
    readonly size: number,
    readonly answer: Buffer,
    readonly bursts: readonly Buffer[],
  ) {}

  get inside(): boolean {
    return this.#part > 0;
  }

  next(n: number): Buffer {
    return this.bursts[n];
  }

  take(input: Buffer, length: number, always: boolean): number {
    if (always || !this.#proven) this.#compare(input, length);
    const period = this.answer.length;
    const bytes = this.#part + length;
    if (bytes < period) {
      this.#part = bytes;
      return 0;
    }
    const frames = Math.floor(bytes / period);
    this.#part = bytes - frames * period;
    this.#proven = true;
    this.bytes += frames * this.size;
    return frames;
  }

  #compare(input: Buffer, length: number): void {
    const { answer } = this;
    for (let at = 0, phase = this.#part; at < length; phase = 0) {
      const n = Math.min(length - at, answer.length - phase);
      if (input.compare(answer, phase, phase + n, at, at + n) !== 0) {
        const off = input.subarray(at, at + n).findIndex((byte, i) => byte !== answer[phase + i]);
        const came = input.toString('hex', at + off, Math.min(at + n, at + off + 16));
        const due = answer.toString('hex', phase + off, Math.min(phase + n, phase + off + 16));
        throw new Error(
          `wrong echo from byte ${phase + off} of a frame on: ${came} instead of ${due}`,
        );
      }
      at += n;
    }
  }
}

/** The same bytes on every run: all 256 values, or printable ASCII for text. */
function makePayload(length: number, text: boolean): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, x = 1; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator; its high bits are good
    bytes[i] = text ? 32 + ((x >>> 24) % 95) : x >>> 24;
  }
  return bytes;
}
