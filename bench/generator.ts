// What all load generators share: opening a connection, the measured window, and how they end. Each
// prints one line of JSON: a LoadResult, or {"error": "…"} and exit code 1.

import { createHash, randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { cpuTicks, machineTicks } from './cpu.js';

export interface LoadResult {
  /** Messages that came completely in the window. */
  messages: number;
  /** Bytes of their payloads, as they came. */
  bytes: number;
  seconds: number;
  /** CPU time of the process `--pid` in the window, in clock ticks; null when it is not to be had. */
  ticks: number | null;
  /** CPU time of all but that process and this one: what disturbed the window. */
  othersTicks: number | null;
}

/** What has come so far. */
export type Progress = Pick<LoadResult, 'messages' | 'bytes'>;

export const CONNECT_MS = 10_000;
export const DRAIN_MS = 10_000;
export const READ_BYTES = 256 * 1024;
/** RFC 6455 1.3: what the key is hashed with. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

// ---- opening

const key = randomBytes(16).toString('base64');
const accept = createHash('sha1')
  .update(key + GUID)
  .digest('base64');

/** The opening handshake; `offer`: the extensions. RFC 6455 4.1. */
export function upgradeRequest(port: number, path: string, offer?: string): string {
  const extensions = offer ? `Sec-WebSocket-Extensions: ${offer}\r\n` : '';
  return (
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${extensions}\r\n`
  );
}

/** Where the response head ends that begins `text`; undefined as long as it is not whole. A refusal ends the run. */
export function headEnds(text: string): number | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  if (!text.startsWith('HTTP/1.1 101 ') || !text.includes(accept))
    fail(`no upgrade: ${text.slice(0, 200)}`);
  return end + 4;
}

// ---- measuring

/** Reads clocks and progress at both ends of a window that begins after the warm-up. */
export function measure(
  warmup_s: number,
  window_s: number,
  pid: string | undefined,
  progress: () => Progress,
  done: (result: LoadResult) => void,
): void {
  setTimeout(() => {
    const before = snapshot(pid, progress);
    setTimeout(() => {
      const after = snapshot(pid, progress);
      done({
        messages: after.messages - before.messages,
        bytes: after.bytes - before.bytes,
        seconds: after.seconds - before.seconds,
        ticks: minus(after.ticks, before.ticks),
        othersTicks: minus(after.othersTicks, before.othersTicks),
      });
    }, window_s * 1000);
  }, warmup_s * 1000);
}

function snapshot(pid: string | undefined, progress: () => Progress): LoadResult {
  const ticks = pid === undefined ? null : cpuTicks(count('pid', pid));
  const othersTicks = minus(minus(machineTicks(), ticks), cpuTicks(process.pid));
  return { ...progress(), seconds: performance.now() / 1000, ticks, othersTicks };
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

// ---- ending

export function fail(why: string): never {
  return finish(JSON.stringify({ error: why }), 1);
}

export function finish(line: string, code: number): never {
  // A pipe is written synchronously, so nothing is lost by leaving at once; the kernel closes the sockets.
  process.stdout.write(`${line}\n`);
  process.exit(code);
}

// ---- flags

/** What every generator is told, for parseArgs; each has its own standard for how many and how long. */
export const FLAGS = {
  port: { type: 'string' },
  path: { type: 'string', default: '/' },
  inflight: { type: 'string', default: '1' },
  seconds: { type: 'string', default: '1' },
  warmup: { type: 'string', default: '0.3' },
  pid: { type: 'string' },
} as const;

export function count(name: string, flag: string | undefined): number {
  const n = Number(flag);
  return Number.isInteger(n) && n > 0 ? n : fail(`--${name}: a whole number above 0, not ${flag}`);
}

export function seconds(name: string, flag: string): number {
  const n = Number(flag);
  return n > 0 ? n : fail(`--${name}: seconds above 0, not ${flag}`);
}
