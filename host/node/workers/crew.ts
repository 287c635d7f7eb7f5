// The processes of a program with workers, in its primary: started, started again, ended.
//
//   node:cluster forks the program; descriptor BUS of each worker is its end of the bus, a pair of
//   sockets that ends with either side. A worker whose primary is gone is ended by node:cluster.

import cluster, { type Worker } from 'node:cluster';
import type { SendHandle } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { WORKER_ENV } from './here.js';

/** How long until a worker is started again: doubled each time, up to the second. */
const AGAIN_MS = 100;
const AGAIN_MAX_MS = 10_000;
/** One that was up for so long starts again as if it had been the first time. */
const STEADY_MS = 10_000;
/** How long the first workers may take until they listen. */
const START_MS = 30_000;
/** How long a worker may take to end once all is closed. */
const END_MS = 2000;

/** How a process ended. */
export interface Ending {
  pid: number;
  code: number | null;
  signal: string | null;
}

/** What the crew tells. */
export interface Watch {
  started(id: number, bus: Duplex): void;
  ended(id: number, ending: Ending): void;
}

/** One worker's place, process after process. */
interface Place {
  readonly id: number;
  process: Worker | undefined;
  began_ms: number;
  /** Ends of processes that were not up for long, one behind the other. */
  failures: number;
  timer: NodeJS.Timeout | undefined;
}

export class Crew {
  readonly #places: Place[];
  #running = false;
  #retired = false;

  constructor(
    readonly size: number,
    private readonly watch: Watch,
  ) {
    this.#places = Array.from({ length: size }, (_, i) => ({
      id: i + 1,
      process: undefined,
      began_ms: 0,
      failures: 0,
      timer: undefined,
    }));
  }

  /** How long `listen` waits for the workers, ms. */
  readonly patience_ms = START_MS;

  /** Starts the processes, if they do not run. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#retired = false;
    for (const place of this.#places) this.#fork(place);
  }

  pid(id: number): number {
    return this.#places[id - 1].process?.process.pid ?? 0;
  }

  /** Sends a connection to a worker. One that is ending takes nothing, and says nothing. */
  send(
    id: number,
    message: object,
    connection: unknown,
    sent: (error: Error | null) => void,
  ): void {
    const { process } = this.#places[id - 1].process ?? {};
    if (!process?.connected) return;
    // What is sent may be a TCP handle, which Node's types do not know.
    process.send(message, connection as SendHandle, {}, (error) => {
      if (process.connected) sent(error);
    });
  }

  /** None is started again from now on. */
  retire(): void {
    this.#retired = true;
    for (const place of this.#places) clearTimeout(place.timer);
  }

  /** Waits until all processes have ended; those that take too long are killed. */
  async end(): Promise<void> {
    this.retire();
    const processes = this.#places.flatMap(({ process }) => process?.process ?? []);
    const timer = setTimeout(() => {
      for (const process of processes) process.kill('SIGKILL');
    }, END_MS);
    await Promise.all(
      processes.map(
        (process) =>
          new Promise<void>((resolve) => {
            process.once('exit', () => {
              resolve();
            });
          }),
      ),
    );
    clearTimeout(timer);
    this.#running = false;
  }

  #fork(place: Place): void {
    const { stdio, silent } = cluster.settings;
    const pipe = silent ? 'pipe' : 'inherit';
    const streams = (stdio as unknown[] | undefined) ?? [pipe, pipe, pipe, 'ipc'];
    cluster.setupPrimary({ stdio: [...streams, 'pipe'] });
    const worker = cluster.fork({
      [WORKER_ENV]: [place.id, streams.length, this.size].join(':'),
    });
    // Workers that the program forks itself are as it wants them.
    cluster.setupPrimary({ stdio });
    place.process = worker;
    place.began_ms = performance.now();
    this.watch.started(place.id, worker.process.stdio[streams.length] as Duplex);
    // What cannot be sent to it any more is of no interest.
    worker.on('error', () => undefined);
    worker.process.once('exit', (code, signal) => {
      this.#exited(place, worker, code, signal);
    });
  }

  #exited(place: Place, worker: Worker, code: number | null, signal: string | null): void {
    place.process = undefined;
    const steady = performance.now() - place.began_ms >= STEADY_MS;
    place.failures = steady ? 0 : place.failures + 1;
    if (!this.#retired) {
      const again_ms = AGAIN_MS * 2 ** Math.max(place.failures - 1, 0);
      const fork = () => {
        this.#fork(place);
      };
      place.timer = setTimeout(fork, Math.min(again_ms, AGAIN_MAX_MS));
    }
    this.watch.ended(place.id, { pid: worker.process.pid ?? 0, code, signal });
  }
}
