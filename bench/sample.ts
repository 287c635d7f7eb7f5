// A running server and a row → one sample: its rate in one window, and how disturbed that was.

import { join } from 'node:path';
import { runToEnd } from './children.js';
import { cpuTicks, ticksPerSecond } from './cpu.js';
import type { LoadResult } from './generator.js';
import { besides, type Runner } from './peers.js';
import type { Row } from './rows.js';
import { say } from './suite.js';
import { significant } from './table.js';

export interface Sample extends LoadResult {
  /** Messages per CPU-second of the server, or per second where there is no /proc. */
  rate: number;
  /** CPUs that other processes kept busy in the window, 0.5 = half of one; NaN where there is no /proc. */
  others: number;
}

export interface Clock {
  unit: 'CPU-second' | 'second';
  sampleOf(load: LoadResult): Sample;
}

export interface Window {
  seconds: number;
  warmup: number;
  /** Folder of load generators in C; undefined: those in Node, beside this bundle. */
  generators?: string;
}

/** The generator's own limits of 10 s for connecting and for draining, and some. */
const GRACE_MS = 30_000;
/** Share of a CPU for others up to which a window is calm; the kernel's tick sampling alone shows up to 0.08. */
export const CALM = 0.15;

export function makeClock(): Clock {
  if (cpuTicks(process.pid) === null) {
    say(
      'no CPU times here (no /proc): rates are by the wall clock, and a slow generator caps them',
    );
    return {
      unit: 'second',
      sampleOf: (load) => ({ ...load, rate: load.messages / load.seconds, others: NaN }),
    };
  }
  const perSecond = ticksPerSecond();
  return {
    unit: 'CPU-second',
    sampleOf: (load) => ({
      ...load,
      rate: (load.messages / (load.ticks ?? NaN)) * perSecond,
      others: Math.max(0, (load.othersTicks ?? NaN) / perSecond / load.seconds),
    }),
  };
}

/** Runs one generator to its end. Throws what it complains of: no upgrade, a wrong or missing echo, a closed connection. */
export async function takeSample(
  row: Row,
  runner: Runner,
  window: Window,
  clock: Clock,
): Promise<Sample> {
  const flags: Record<string, string | number> = {
    port: runner.server.port,
    path: runner.path,
    pid: runner.server.pid,
    ...(row.end ? { end: row.end } : { size: row.size, inflight: row.inflight }),
    connections: row.connections,
    seconds: window.seconds,
    warmup: window.warmup,
  };
  const generator = row.fanout ? 'fanload' : row.end ? 'openload' : 'load';
  const command = [
    ...(window.generators === undefined
      ? [process.execPath, besides(generator)]
      : [join(window.generators, generator)]),
    ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
  ];
  if (runner.raw) command.push('--raw');
  if (row.deflate) {
    const { takeover, window: bits } = row.deflate;
    command.push('--deflate', takeover ? 'takeover' : 'no-takeover');
    if (bits !== undefined) command.push('--window', String(bits));
  }
  const printed = await runToEnd(command, (window.seconds + window.warmup) * 1000 + GRACE_MS);
  const result = JSON.parse(printed || '{"error":"the generator died"}') as
    LoadResult | { error: string };
  if ('error' in result) throw new Error(result.error);
  const sample = clock.sampleOf(result);
  if (!Number.isFinite(sample.rate)) throw new Error(`no rate from ${printed.trim()}`);
  return sample;
}

/** Where others' CPU time is not known (NaN), every window counts as calm. */
export function isCalm(sample: Sample): boolean {
  return !(sample.others > CALM);
}

/** `157 k (98 %, others 3 %)`: rate in thousands, what the server and all others used of one CPU. */
export function describe({ rate, messages, seconds, others }: Sample): string {
  const busy = (messages / rate / seconds) * 100;
  const shares = Number.isNaN(others)
    ? ''
    : ` (${busy.toFixed(0)} %, others ${(others * 100).toFixed(0)} %)`;
  return `${significant(rate / 1000, 3)} k${shares}`;
}
