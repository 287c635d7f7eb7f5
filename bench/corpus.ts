// A size → JSON messages of that size, the same on every run: readings of a plant, alike but no two
// the same, so that a context is worth keeping. And what they are compressed, RFC 7692 7.2.1.

import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

/** Bytes of all messages of one size together: twice the largest window. */
const CORPUS_BYTES = 65536;
const CORPUS_MIN = 4;

const KINDS = ['pump', 'valve', 'fan', 'heater', 'chiller', 'mixer', 'press', 'belt'];
const SITES = [
  ...['north hall', 'south hall', 'boiler room', 'rooftop'],
  ...['loading dock', 'cold store', 'workshop', 'tank farm'],
];
const STATES = ['running', 'running', 'running', 'idle', 'starting', 'warning'];
const WORDS = (
  'checked by night shift filter due after restart calibrated ok see log replaced seal quiet ' +
  'low flow at the inlet'
).split(' ');
const SEQUENCE = 480_000;
const BEGIN = Date.UTC(2026, 0, 5, 8);
/** Up to this size a message is one reading, from there on a list of them. */
const ONE_READING = 400;

/** RFC 7692 7.2.1: what the sender takes off the end of a message, and the receiver puts back. */
export const TAIL = Buffer.of(0x00, 0x00, 0xff, 0xff);

/** Messages of exactly `size` bytes. */
export function corpus(size: number): Buffer[] {
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // as in the payloads of the echo bench
    return Math.floor((state / 2 ** 32) * below);
  };
  const pick = (words: readonly string[]): string => words[random(words.length)];
  let sequence = SEQUENCE;
  let time = BEGIN;
  const reading = (): object => ({
    type: 'state',
    id: (sequence += 1 + random(3)),
    time: new Date((time += 20 + random(400))).toISOString(),
    device: `${pick(KINDS)}-${10 + random(90)}`,
    site: pick(SITES),
    state: pick(STATES),
    temperature_in: random(9000) / 100,
    temperature_out: random(9000) / 100,
  });
  const readings = (): object => {
    const items: object[] = [];
    let room = size - JSON.stringify({ items, note: '' }).length;
    for (;;) {
      const item = reading();
      room -= JSON.stringify(item).length + 1;
      if (room < 0) return { items };
      items.push(item);
    }
  };
  const message = (): Buffer => {
    const content = size < ONE_READING ? reading() : readings();
    const bytes = size - JSON.stringify({ ...content, note: '' }).length;
    if (bytes < 0) throw new Error(`no reading fits into ${size} bytes`);
    let note = pick(WORDS);
    while (note.length < bytes) note += ` ${pick(WORDS)}`;
    return Buffer.from(JSON.stringify({ ...content, note: note.slice(0, bytes) }));
  };
  return Array.from({ length: Math.max(CORPUS_MIN, Math.floor(CORPUS_BYTES / size)) }, message);
}

/** What one direction agreed on. RFC 7692 7.1. */
export interface Agreed {
  /** Window bits. */
  bits: number;
  /** The context is kept from one message to the next. */
  takeover: boolean;
}

/** The context of message `n` when all of them are sent in turn, again and again. */
function context(messages: readonly Buffer[], n: number, { bits, takeover }: Agreed): Buffer {
  const parts: Buffer[] = [];
  let missing = takeover ? 2 ** bits : 0;
  for (let i = n - 1; i >= 0 && missing > 0; i--) {
    const part = messages[i % messages.length].subarray(-missing);
    parts.unshift(part);
    missing -= part.length;
  }
  return Buffer.concat(parts);
}

/** zlib takes a context as a dictionary: none at all if it is empty. */
function dictionary(bytes: Buffer): { dictionary?: Buffer } {
  return bytes.length ? { dictionary: bytes } : {};
}

/** The payload of message `n`, by zlib. */
export function compressed(
  messages: readonly Buffer[],
  n: number,
  agreed: Agreed,
  level: number,
): Buffer {
  const bytes = deflateRawSync(messages[n % messages.length], {
    level,
    windowBits: agreed.bits,
    finishFlush: constants.Z_SYNC_FLUSH,
    ...dictionary(context(messages, n, agreed)),
  });
  return bytes.subarray(0, bytes.length - TAIL.length);
}

/** Throws unless `payload` is message `n`, and reaches no further back than was agreed on. */
export function check(
  messages: readonly Buffer[],
  n: number,
  agreed: Agreed,
  payload: Uint8Array,
): void {
  const bytes = inflateRawSync(Buffer.concat([payload, TAIL]), {
    windowBits: agreed.bits,
    finishFlush: constants.Z_SYNC_FLUSH,
    ...dictionary(context(messages, n, agreed)),
  });
  if (!bytes.equals(messages[n % messages.length]))
    throw new Error(`message ${n} decodes to ${bytes.toString('latin1', 0, 200)}`);
}
