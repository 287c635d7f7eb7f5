// A trace that ends in a trap or an unsound module → the fewest of its calls that still do.

import { Driver } from '../support/driver.js';
import { Unsound, type TraceEntry } from '../support/instance.js';

/** How long to try, ms. */
const TIME_MAX_MS = 8000;

/** What goes wrong when a trace is replayed on a new instance; undefined when nothing does. */
export function replay(path: string, trace: TraceEntry[]): string | undefined {
  const driver = new Driver(path);
  const core = driver.core as unknown as Record<string, (...args: number[]) => number>;
  try {
    for (const entry of trace) {
      if ('call' in entry) core[entry.call]?.(...entry.args);
      else driver.write(entry.at, entry.bytes);
    }
  } catch (error) {
    if (error instanceof Unsound || error instanceof WebAssembly.RuntimeError) return error.message;
    throw error;
  }
  return undefined;
}

/** Leaves out halves, quarters and so on of the trace, as long as it still goes wrong. */
export function shrink(path: string, trace: TraceEntry[]): TraceEntry[] {
  if (replay(path, trace) === undefined) return trace;
  const until = performance.now() + TIME_MAX_MS;
  let best = trace;
  for (let size = best.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < best.length && performance.now() < until;) {
      const less = [...best.slice(0, at), ...best.slice(at + size)];
      if (replay(path, less) === undefined) at += size;
      else best = less;
    }
  }
  return best;
}

/** A trace as lines. */
export function traceShown(trace: TraceEntry[]): string[] {
  return trace.map((entry) => {
    if ('call' in entry)
      return `${entry.call}(${entry.args.join(', ')}) = ${entry.answer ?? 'trap'}`;
    const { at, bytes } = entry;
    const long = bytes.length > 300 ? ` ... ${bytes.length} bytes` : '';
    return `memory[${at}] = ${bytes.subarray(0, 300).toString('hex')}${long}`;
  });
}
