// What this process is. The package is loaded as `limpet` and `limpet/ws`, as modules and by `require`:
// what a process has once is kept where all of them find it.

import cluster from 'node:cluster';

/** Tells a process which worker it is: `number:descriptor of the bus:number of workers`. */
export const WORKER_ENV = 'LIMPET_WORKER';

/** What a process has once. */
export interface Here<Program, Station> {
  /** The number of this worker, from 1 on; 0 when the process is none. */
  worker: number;
  /** Its end of the bus. */
  descriptor: number;
  /** How many workers there are. */
  workers: number;
  /** A primary's, and a worker's. */
  program?: Program;
  station?: Station;
}

const NAME = Symbol.for('limpet.workers');

/** The one of this process. */
export function here<Program, Station>(): Here<Program, Station> {
  const all = globalThis as { [NAME]?: Here<Program, Station> };
  return (all[NAME] ??= read());
}

function read(): Here<never, never> {
  const [worker = 0, descriptor = 0, workers = 0] = (process.env[WORKER_ENV] ?? '')
    .split(':')
    .map(Number);
  // What this process starts itself is no worker.
  Reflect.deleteProperty(process.env, WORKER_ENV);
  return { worker: cluster.isWorker ? worker : 0, descriptor, workers };
}
