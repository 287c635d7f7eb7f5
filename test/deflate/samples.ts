// Names → bytes to compress, the same ones each time.

import { Random } from '../fuzz/random.js';

const WORDS = 'order update price volume status active user session message channel room'.split(
  ' ',
);

/** Rows of JSON, cut at `n` bytes. */
export function json(n: number, random = new Random(1)): Buffer {
  const row = (): string =>
    JSON.stringify({
      id: random.below(100_000),
      type: random.pick(WORDS),
      user: `${random.pick(WORDS)}${random.below(1000)}`,
      price: random.below(100_000) / 100,
      active: random.once(2),
      tags: [random.pick(WORDS), random.pick(WORDS)],
    });
  let text = `[${row()}`;
  while (text.length < n) text += `,${row()}`;
  return Buffer.from(text.slice(0, n));
}

/** Words and line ends, with no structure. */
export function text(n: number, random = new Random(2)): Buffer {
  let all = '';
  while (all.length < n) all += random.pick(WORDS) + (random.once(9) ? '.\n' : ' ');
  return Buffer.from(all.slice(0, n));
}

const NAMES = ['id', 'name', 'temperature', 'state', 'position', 'größe', 'updated', 'tags'];
const VALUES = ['"kitchen"', 'true', '"2026-11-21T09:30:00Z"', 'null', '[1,2,3]', '"grün"', '21.5'];

/**
 * JSON of `n` bytes that is not all ASCII, UTF-8 to its end; each row stands twice, so that a
 * few of its bytes shrink, too.
 */
export function words(n: number, seed: number): Buffer {
  const random = new Random(seed + 1);
  let all = '';
  while (all.length < n) {
    const row = `{"${random.pick(NAMES)}":${random.pick(VALUES)},"n":${random.below(1000)}},`;
    all += row + row;
  }
  const bytes = Buffer.from(all).subarray(0, n);
  // A cut inside a character would not be text.
  let end = n;
  while (end > 0 && new TextDecoder().decode(bytes.subarray(0, end)).endsWith('\ufffd')) end -= 1;
  return Buffer.concat([bytes.subarray(0, end), Buffer.alloc(n - end, ' ')]);
}

/** Runs of a few bytes that repeat at short distances, between bytes that do not. */
export function runs(n: number, random = new Random(3)): Buffer {
  const bytes = Buffer.alloc(n);
  for (let at = 0; at < n;) {
    const end = Math.min(n, at + 1 + random.below(random.once(4) ? 700 : 12));
    const pattern = random.bytes(1 + random.below(20));
    for (let i = 0; at < end; i++) bytes[at++] = pattern[i % pattern.length] ?? 0;
  }
  return bytes;
}

/** What a codec must get right, by name. */
export const SAMPLES: Record<string, Buffer> = {
  empty: Buffer.alloc(0),
  'one byte': Buffer.from('a'),
  'JSON, 182 bytes': json(182),
  'JSON, 4 KiB': json(4096),
  'JSON, 64 KiB': json(65_536),
  'text, 100 KB': text(100_000),
  'random, 70 KB': new Random(4).bytes(70_000),
  'zeros, 100 KB': Buffer.alloc(100_000),
  'runs, 80 KB': runs(80_000),
};
