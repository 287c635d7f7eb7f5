// What happens to sockets → lines without ports, keys and times, one track for each participant: the
// order on a track is the package's doing, the order between tracks is the scheduler's.

import { createHash } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import type * as Ws from 'ws';
import { until } from '../../host/support/wait.js';

/** How many characters of a payload are shown; of longer ones, the length and a digest. */
const SHOWN = 60;

export class Log {
  readonly #tracks = new Map<string, string[]>();
  readonly #ends: (() => unknown)[] = [];

  /** Writes a line down. */
  note(track: string, ...words: unknown[]): void {
    const lines = this.#tracks.get(track) ?? [];
    lines.push(words.map((word) => (typeof word === 'string' ? word : show(word))).join(' '));
    this.#tracks.set(track, lines);
  }

  /** Writes down whatever a WebSocket tells. Its listeners change nothing of what it does. */
  watch<T extends Ws.WebSocket>(track: string, ws: T): T {
    const note = (...words: unknown[]) => {
      this.note(track, ...words);
    };
    ws.on('open', () => {
      note('open', 'state', ws.readyState, 'protocol', [ws.protocol], 'extensions', [
        ws.extensions,
      ]);
    });
    ws.on('message', (data, isBinary) => {
      note(isBinary ? 'binary' : 'text', data);
    });
    ws.on('ping', (data) => {
      note('ping', data);
    });
    ws.on('pong', (data) => {
      note('pong', data);
    });
    ws.on('error', (error) => {
      note('error', error, 'state', ws.readyState);
    });
    ws.on('close', (code, reason) => {
      note('close', code, reason, 'state', ws.readyState);
    });
    return ws;
  }

  /** Runs when the scenario is over, the last one first. */
  after(end: () => unknown): void {
    this.#ends.unshift(end);
  }

  async end(): Promise<void> {
    for (const end of this.#ends) await end();
  }

  /** All lines, by track. */
  lines(): Record<string, string[]> {
    const tracks = [...this.#tracks].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(tracks.map(([track, lines]) => [track, [...lines]]));
  }

  /** Resolves when a line of a track has these words, so often. */
  async saw(track: string, words: string, times = 1): Promise<void> {
    const count = () =>
      (this.#tracks.get(track) ?? []).filter((line) => line.includes(words)).length;
    await until(() => count() >= times, `"${words}" on the track ${track}`);
  }
}

/** A value in words that are the same for the same value. */
export function show(value: unknown): string {
  if (value instanceof Error) return showError(value);
  if (Buffer.isBuffer(value)) return `Buffer ${showBytes(value)}`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer ${showBytes(Buffer.from(value))}`;
  if (value instanceof Blob) return `Blob of ${value.size}`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (value instanceof Set) return `Set ${show([...value])}`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return String(value);
}

/** `RangeError [WS_ERR_…]: message`. */
function showError(error: Error & { code?: unknown }): string {
  // A port is another one each time.
  const message = error.message.replace(/(\b(?:\d+\.){3}\d+|\blocalhost|::1):\d+/g, '$1:{port}');
  return `${error.name}${error.code === undefined ? '' : ` [${show(error.code)}]`}: ${message}`;
}

function showBytes(bytes: Buffer): string {
  const text = bytes.toString();
  if (bytes.length > SHOWN) {
    return `${bytes.length} bytes, ${createHash('sha1').update(bytes).digest('hex').slice(0, 8)}`;
  }
  return Buffer.from(text).equals(bytes) ? JSON.stringify(text) : `<${bytes.toString('hex')}>`;
}

/** The arguments of the next event of that name; an 'error' before it changes nothing. */
export function happens(emitter: EventEmitter, name: string): Promise<unknown[]> {
  return new Promise((resolve) => {
    emitter.once(name, (...args: unknown[]) => {
      resolve(args);
    });
  });
}
