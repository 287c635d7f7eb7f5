// A kind of data and a size → messages of exactly that size, the same ones in every run.
import { isUtf8 } from 'node:buffer';
import { BINARY, TEXT } from './frame.js';

/** Numbers from 0 to `below` - 1, the same ones for a seed. Xorshift32. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Incompressible. */
export function noise(length: number, seed = 1): Buffer {
  const next = random(seed);
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = next(256);
  return bytes;
}

/** Every message starts elsewhere in so much data. */
const CORPUS_BYTES = 256 * 1024;

const WORDS = {
  ascii: 'the shell of a limpet is a wide cone that holds fast to rock while each wave goes by',
  mixed: 'příliš žluťoučký kůň κύμα πέτρα море волна 貝は岩に付く 파도 صخرة גל 🐚 🌊 façade naïve',
};

function* records(): Generator<string> {
  const next = random(7);
  const words = WORDS.ascii.split(' ');
  const word = (): string => words[next(words.length)];
  for (let id = 1; ; id++)
    yield (
      JSON.stringify({
        id,
        name: `${word()}-${word()}`,
        tide: { height_m: next(900) / 100, rising: next(2) === 1 },
        tags: [word(), word(), word()],
        seen: `2026-${10 + next(3)}-${10 + next(18)}T0${next(10)}:${10 + next(50)}:00Z`,
        note: Array.from({ length: 3 + next(12) }, word).join(' '),
      }) + ',\n'
    );
}

function* prose(words: string[]): Generator<string> {
  const next = random(11);
  for (;;) yield words[next(words.length)] + (next(12) === 0 ? '.\n' : ' ');
}

function textOf(pieces: Generator<string>): Buffer {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length >= CORPUS_BYTES) break;
  }
  return Buffer.from(text);
}

/** Rows of a picture: slopes with a little noise. */
function picture(): Buffer {
  const next = random(13);
  const bytes = Buffer.allocUnsafe(CORPUS_BYTES);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = ((i % 768) >> 2) + ((i / 768) >> 1) + (next(8) === 0 ? next(4) : 0);
  return bytes;
}

export interface Corpus {
  name: string;
  opcode: number;
  bytes: Buffer;
}

export const JSON_TEXT: Corpus = { name: 'JSON', opcode: TEXT, bytes: textOf(records()) };
export const CORPORA: Corpus[] = [
  JSON_TEXT,
  { name: 'ASCII prose', opcode: TEXT, bytes: textOf(prose(WORDS.ascii.split(' '))) },
  { name: 'UTF-8 of 1 to 4 bytes', opcode: TEXT, bytes: textOf(prose(WORDS.mixed.split(' '))) },
  { name: 'a picture', opcode: BINARY, bytes: picture() },
  { name: 'noise', opcode: BINARY, bytes: noise(CORPUS_BYTES) },
  { name: 'zeros', opcode: BINARY, bytes: Buffer.alloc(CORPUS_BYTES) },
];

export function messagesOf({ opcode, bytes }: Corpus, size: number, count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const at = (i * (size + 1009)) % (bytes.length - size + 1);
    const message = Buffer.from(bytes.subarray(at, at + size));
    if (opcode === TEXT) wholeCharacters(message);
    return message;
  });
}

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

/** Characters that the cut left in pieces become spaces. */
function wholeCharacters(bytes: Buffer): void {
  for (let at = 0; at < bytes.length && isContinuation(bytes[at]); at++) bytes[at] = 0x20;
  let last = bytes.length - 1;
  while (last > 0 && isContinuation(bytes[last])) last--;
  if (!isUtf8(bytes.subarray(last))) bytes.fill(0x20, last);
}
