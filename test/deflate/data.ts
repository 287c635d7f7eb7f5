// Sizes and seeds → bytes that compress as messages do.

const NAMES = ['id', 'name', 'temperature', 'state', 'position', 'größe', 'updated', 'tags'];
const VALUES = ['"kitchen"', 'true', '"2026-11-21T09:30:00Z"', 'null', '[1,2,3]', '"grün"', '21.5'];

/** A generator of numbers below 2^32 that are the same for the same seed. */
export function numbers(seed: number): () => number {
  let state = (seed * 0x9e3779b9 + 1) >>> 0;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}

/** JSON of `size` bytes of UTF-8, cut at its end. */
export function words(size: number, seed: number): Buffer {
  const next = numbers(seed + 1);
  let text = '';
  while (text.length < size) {
    const name = NAMES[next() % NAMES.length] ?? '';
    const value = VALUES[next() % VALUES.length] ?? '';
    text += `{"${name}":${value},"n":${next() % 1000}},`;
  }
  const bytes = Buffer.from(text).subarray(0, size);
  // A cut inside a character would not be text.
  let end = size;
  while (end > 0 && new TextDecoder().decode(bytes.subarray(0, end)).endsWith('\ufffd')) end -= 1;
  return Buffer.concat([bytes.subarray(0, end), Buffer.alloc(size - end, ' ')]);
}
