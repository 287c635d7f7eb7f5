// A seed, a core and a time → lives of random sessions, until the time is over or one goes wrong.

import { createHash } from 'node:crypto';
import type { Core } from '../support/cores.js';
import type { Driver } from '../support/driver.js';
import { Unsound } from '../support/instance.js';
import { Random } from './random.js';
import { shrink, traceShown } from './shrink.js';
import { World } from './world.js';

/** Steps of one life. */
const STEPS = 400;
/** Lines of a trace that are shown when it cannot be made smaller. */
const SHOWN = 60;

export interface Life {
  /** Hash of all calls and answers. */
  log: string;
  /** Hash of linear memory at the end. */
  memory: string;
}

/** A life from its seed; throws an Error that tells seed and trace when it goes wrong. */
export function live(core: Core, seed: number, hashed = false): Life | undefined {
  const world = new World(core.path, new Random(seed));
  const trace = world.driver.trace ?? [];
  try {
    for (let step = 0; step < STEPS; step++) world.step();
    world.finish();
  } catch (error) {
    throw new Error(report(core, seed, world.driver, error));
  }
  if (!hashed) return undefined;
  const hash = (data: string | Buffer) => createHash('sha1').update(data).digest('hex');
  return { log: hash(traceShown(trace).join('\n')), memory: hash(world.driver.memory) };
}

function report(core: Core, seed: number, driver: Driver, error: unknown): string {
  const trace = driver.trace ?? [];
  const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const unsound = error instanceof Unsound || error instanceof WebAssembly.RuntimeError;
  driver.trace = undefined;
  const lines = traceShown(unsound ? shrink(core.path, trace) : trace.slice(-SHOWN));
  return [
    `${core.name}, seed ${seed}: ${said}`,
    unsound ? 'A trace that shows it:' : `The last of ${trace.length} calls:`,
    ...lines.map((line) => `  ${line}`),
    `npm run fuzz -- --profile ${core.profile} --seed ${seed} --seconds 1`,
  ].join('\n');
}

/** Lives one after the other, seeds counting up; returns how many there were. */
export function liveFor(core: Core, seed: number, seconds: number): number {
  const until = performance.now() + seconds * 1000;
  let lives = 0;
  do live(core, seed + lives++);
  while (performance.now() < until);
  return lives;
}
