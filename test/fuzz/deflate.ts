// What one end keeps of permessage-deflate → payloads made and read by zlib, which knows nothing of
// the core. RFC 7692 7.2.

import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Random } from './random.js';

/** What a message ends with that is not sent. RFC 7692 7.2.1. */
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
const { Z_SYNC_FLUSH, Z_FINISH } = constants;
const STRATEGIES = [
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_FIXED,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
];

/** One direction of a connection. */
export class Direction {
  /** What a distance may reach behind the beginning of a message. */
  #context = Buffer.alloc(0);

  constructor(
    readonly windowBits: number,
    readonly takeover: boolean,
  ) {}

  /** What limpet_session_info says of a direction; undefined when nothing was agreed on. */
  static of(agreed: number): Direction | undefined {
    return agreed ? new Direction(agreed & 15, (agreed & 16) !== 0) : undefined;
  }

  /** A message → its payload, in one of the ways that a sender has. */
  pack(random: Random, message: Buffer): Buffer {
    const options = {
      // zlib makes no window of 2^8; with 2^9 it looks back 2^9 - 262 bytes.
      windowBits: Math.max(this.windowBits, 9),
      level: random.pick([0, 1, 3, 6, 9]),
      memLevel: random.pick([1, 4, 9]),
      strategy: random.pick(STRATEGIES),
      // The context is a permission.
      ...(random.once(5) ? {} : this.#dictionary()),
    };
    this.#keep(message);
    if (random.once(6)) {
      // RFC 7692 7.2.3.4: a last block, and an empty one behind it.
      const bytes = deflateRawSync(message, { ...options, finishFlush: Z_FINISH });
      return Buffer.concat([bytes, Buffer.of(0)]);
    }
    const bytes = deflateRawSync(message, { ...options, finishFlush: Z_SYNC_FLUSH });
    return bytes.length < 5 ? Buffer.of(0) : bytes.subarray(0, bytes.length - 4);
  }

  /** A payload → its message; an Error of zlib when it is none. */
  unpack(payload: Buffer): Buffer {
    const message = inflateRawSync(Buffer.concat([payload, TAIL]), {
      windowBits: this.windowBits,
      finishFlush: Z_SYNC_FLUSH,
      ...this.#dictionary(),
    });
    this.#keep(message);
    return message;
  }

  #dictionary(): { dictionary?: Buffer } {
    return this.#context.length ? { dictionary: this.#context } : {};
  }

  #keep(message: Buffer): void {
    if (!this.takeover) return;
    this.#context = Buffer.concat([this.#context, message]).subarray(-(1 << this.windowBits));
  }
}

/** The parameters of an extension, as a field says them; 15 for one without a value. RFC 6455 9.1. */
function parameters(field: string): Map<string, number> {
  const [, ...words] = field.split(';').map((word) => word.trim());
  return new Map(
    words.map((word) => {
      const [name = '', value = '15'] = word.split('=');
      return [name, Number(value)];
    }),
  );
}

/** What a server's answer to an offer says of both directions. RFC 7692 7.1. */
export function agreedOn(answer: string, offer: string): { server: Direction; client: Direction } {
  const said = parameters(answer);
  const wanted = parameters(offer);
  return {
    server: new Direction(
      said.get('server_max_window_bits') ?? 15,
      !said.has('server_no_context_takeover'),
    ),
    client: new Direction(
      said.get('client_max_window_bits') ?? wanted.get('client_max_window_bits') ?? 15,
      !said.has('client_no_context_takeover') && !wanted.has('client_no_context_takeover'),
    ),
  };
}

/** An answer that an offer allows. */
export function answerTo(random: Random, offer: string): string {
  const wanted = parameters(offer);
  const most = wanted.get('server_max_window_bits') ?? 15;
  const words = ['permessage-deflate'];
  if (wanted.has('server_no_context_takeover') || random.once(3)) {
    words.push('server_no_context_takeover');
  }
  if (random.once(3)) words.push('client_no_context_takeover');
  if (wanted.has('server_max_window_bits') || random.once(3)) {
    words.push(`server_max_window_bits=${8 + random.below(most - 7)}`);
  }
  if (wanted.has('client_max_window_bits') && random.once(2)) {
    const least = wanted.get('client_max_window_bits') ?? 15;
    words.push(`client_max_window_bits=${8 + random.below(least - 7)}`);
  }
  return words.join('; ');
}

/** Offers, right and wrong, one or several. RFC 7692 5 and 7.1. */
export function offers(random: Random): string {
  const words = [
    'client_max_window_bits',
    `client_max_window_bits=${8 + random.below(8)}`,
    `server_max_window_bits=${8 + random.below(8)}`,
    'server_no_context_takeover',
    'client_no_context_takeover',
  ];
  const offer = () => {
    const chosen = words.filter(() => random.once(3));
    if (random.once(10)) chosen.push(random.pick(['x', 'server_max_window_bits=16', 'y=1']));
    return ['permessage-deflate', ...chosen].join('; ');
  };
  return Array.from({ length: 1 + random.below(2) }, offer).join(', ');
}
