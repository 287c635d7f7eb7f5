// How much is sent, and in what fragments: the 18 shapes of Autobahn's sections 12 and 13.

export interface Shape {
  /** Of a message, in bytes. */
  size: number;
  count: number;
  /** Of the compressed payload, in bytes. */
  fragment: number;
  words: string;
}

/** What all messages of a case have together, where that allows for 4 to 100 of them. */
const CASE_BYTES = 256 * 1024;

function shape(size: number, fragment = Infinity): Shape {
  const count = Math.min(100, Math.max(4, CASE_BYTES / size));
  const words = `${count} messages of ${size} bytes`;
  return { size, count, fragment, words: words + (fragment < size ? ` by ${fragment}` : '') };
}

export const sizes: Shape[] = [
  ...[16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072].map((size) => shape(size)),
  ...[8192, 16384, 32768, 65536, 131072].map((size) => shape(size, 256)),
  ...[1024, 4096, 32768].map((fragment) => shape(131072, fragment)),
];
