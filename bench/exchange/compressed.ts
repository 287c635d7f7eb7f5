// The messages of a corpus in turn, compressed; each is another one, and so is each answer.
//
// All frames are made ahead, with context too: a connection sends the corpus again and again, and from
// the second time on the context of a message is the same each time.
//
//   frames   first time, no context before it │ all later times │ the beginning of that again, so that
//                                                                  any n frames in flight lie together
//
// Of the answers the headers are parsed. The first ones of a connection and those of the drain are
// decoded and compared.

import { check, compressed, corpus, type Agreed } from '../corpus.js';
import { frame, headerBytes, payloadBytes } from '../frames.js';
import type { Exchange, Stream } from './exchange.js';

export interface CompressedOptions {
  size: number;
  inflight: number;
  /** Whether contexts are kept, in both directions. RFC 7692 7.1.1. */
  takeover: boolean;
  /** Window bits to ask for in both directions; undefined leaves them to the server. RFC 7692 7.1.2. */
  window: number | undefined;
}

const MASKING_KEY = Buffer.of(0x9d, 0x3a, 0xc5, 0x61);
/** RFC 7692 6 and RFC 6455 5.2: FIN, RSV1 for a compressed message, the opcode of text. */
const FIRST_BYTE = 0x80 | 0x40 | 1;
const LEVEL = 6;
const BITS = 15;
/** Answers of a connection that are decoded before the drain: enough for a context. */
const CHECKED = 16;

interface Frames {
  /** What they were made for. */
  bits: number;
  bytes: Buffer;
  /** Where frame n begins in `bytes`, and one entry for where the last one ends. */
  offsets: number[];
}

export function compressedExchange(options: CompressedOptions): Exchange {
  const { size, inflight, takeover, window } = options;
  const messages = corpus(size);
  let frames: Frames | undefined;
  return {
    offer: offerOf(takeover, window),
    begin(head) {
      const [incoming, outgoing] = agreedOf(head, takeover, window);
      if (frames?.bits !== outgoing.bits) frames = makeFrames(messages, inflight, outgoing);
      return new CompressedStream(messages, frames, incoming);
    },
  };
}

// ---- negotiation, RFC 7692 7.1

function offerOf(takeover: boolean, window: number | undefined): string {
  const offer = ['permessage-deflate'];
  if (!takeover) offer.push('server_no_context_takeover', 'client_no_context_takeover');
  if (window !== undefined) offer.push(`server_max_window_bits=${window}`);
  offer.push(`client_max_window_bits${window === undefined ? '' : `=${window}`}`);
  return offer.join('; ');
}

/** What comes and what goes. Throws if it is not what was asked for. */
function agreedOf(
  head: string,
  takeover: boolean,
  window: number | undefined,
): readonly [Agreed, Agreed] {
  const field = /^sec-websocket-extensions: *(.*?)\r$/im.exec(head)?.[1] ?? '';
  const [name, ...parameters] = field.split(/ *; */);
  const values = new Map(parameters.map((one) => [one.split('=')[0], one.split('=')[1]]));
  const bits = (key: string): number => Number(values.get(key) ?? BITS);
  const [server, client] = [bits('server_max_window_bits'), bits('client_max_window_bits')];
  const forgets = ['server_no_context_takeover', 'client_no_context_takeover'];
  if (
    name !== 'permessage-deflate' ||
    forgets.some((key) => values.has(key) === takeover) ||
    (window !== undefined && (server > window || client > window))
  ) {
    throw new Error(`"${offerOf(takeover, window)}" was answered "${field}"`);
  }
  return [
    { bits: server, takeover },
    { bits: client, takeover },
  ];
}

function makeFrames(messages: readonly Buffer[], inflight: number, agreed: Agreed): Frames {
  const { length } = messages;
  const made = Array.from({ length: 2 * length }, (_, n) =>
    frame(FIRST_BYTE, compressed(messages, n, agreed, LEVEL), MASKING_KEY),
  );
  for (let n = 0; n < inflight; n++) made.push(made[length + (n % length)]);
  const offsets = [0];
  for (const { length: bytes } of made) offsets.push(offsets[offsets.length - 1] + bytes);
  return { bits: agreed.bits, bytes: Buffer.concat(made), offsets };
}

// ---- a connection

class CompressedStream implements Stream {
  bytes = 0;
  /** Frames that were sent: the number of the next one, which counts on in the second time. */
  #sent = 0;
  /** Echoes that have come completely. */
  #came = 0;
  /** The header of an echo as far as it has come, and how long it is as far as that is known. */
  #header = Buffer.alloc(10);
  #have = 0;
  #need = 2;
  /** Bytes of its payload that are still to come. */
  #left = 0;
  /** Its payload so far, if it will be decoded. */
  #pieces: Buffer[] | undefined;

  constructor(
    readonly messages: readonly Buffer[],
    readonly frames: Frames,
    readonly incoming: Agreed,
  ) {}

  get inside(): boolean {
    return this.#have > 0;
  }

  next(n: number): Buffer {
    const { bytes, offsets } = this.frames;
    const { length } = this.messages;
    const at = this.#sent < length ? this.#sent : length + (this.#sent % length);
    this.#sent += n;
    return bytes.subarray(offsets[at], offsets[at + n]);
  }

  take(input: Buffer, length: number, always: boolean): number {
    const before = this.#came;
    for (let at = 0; at < length;) {
      if (this.#have < this.#need) {
        this.#header[this.#have++] = input[at++];
        if (this.#have === 2) this.#need = headerBytes(this.#header[1]);
        if (this.#have < this.#need) continue;
        this.#begin(always);
      }
      const n = Math.min(this.#left, length - at);
      this.#pieces?.push(Buffer.from(input.subarray(at, at + n)));
      this.#left -= n;
      at += n;
      if (this.#left === 0) this.#end();
    }
    return this.#came - before;
  }

  #begin(always: boolean): void {
    if (this.#header[0] !== FIRST_BYTE)
      throw new Error(`an echo begins with ${this.#header.toString('hex', 0, 2)}, not compressed`);
    this.#left = payloadBytes(this.#header);
    this.bytes += this.#left;
    this.#pieces = always || this.#came < CHECKED ? [] : undefined;
  }

  #end(): void {
    const pieces = this.#pieces;
    if (pieces) check(this.messages, this.#came, this.incoming, Buffer.concat(pieces));
    this.#came += 1;
    this.#have = 0;
    this.#need = 2;
  }
}
