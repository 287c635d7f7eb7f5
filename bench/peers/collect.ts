// Preloaded into a server (`node --expose-gc --import collect.js server.js`): any message of its parent →
// garbage collected until nothing more goes → what Node says of its memory.

import { setTimeout } from 'node:timers/promises';

/** A collection frees what the finalizers of the one before let go; between two, pages are given back. */
const COLLECTIONS = 4;
const PAUSE_MS = 100;

process.on('message', () => void collect());
// Waiting for its parent keeps no server running.
process.channel?.unref();

async function collect(): Promise<void> {
  for (let n = 0; n < COLLECTIONS; n++) {
    globalThis.gc?.();
    await setTimeout(PAUSE_MS);
  }
  process.send?.({ ...process.memoryUsage() });
}
