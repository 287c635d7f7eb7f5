// Cores to build → threads that build them, as many as there are processors.
//
// A thread runs the bundle that this module is part of; there, the last lines do the work. It
// takes one core after the other, because loading the compiler is a good part of the time.

import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { buildDebug, buildProfile } from './compile.js';
import { Complaint } from './complaint.js';
import type { Profile } from './profile.js';

export interface CoreJob {
  profile: Profile;
  simd: boolean;
  debug: boolean;
  /** The .wasm file to write. */
  out: string;
}

/** Builds a core in the thread that it stands for. */
export type BuildCore = (job: CoreJob) => Promise<void>;

/** Does all tasks, the first ones first; once one has failed, no further one is begun. */
export async function inThreads(tasks: ((buildCore: BuildCore) => Promise<void>)[]): Promise<void> {
  const waiting = [...tasks];
  const lane = async (): Promise<void> => {
    const thread = new Thread();
    try {
      for (let task = waiting.shift(); task; task = waiting.shift()) {
        await task((job) => thread.build(job));
      }
    } finally {
      waiting.length = 0;
      await thread.end();
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: availableParallelism() }, lane));
  const failed = lanes.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
}

class Thread {
  /** Started when there is something to do. */
  private worker: Worker | undefined;

  async build(job: CoreJob): Promise<void> {
    this.worker ??= new Worker(fileURLToPath(import.meta.url));
    this.worker.postMessage(job);
    const settled = new AbortController();
    const [complaint] = (await Promise.race([
      once(this.worker, 'message', settled),
      // A crash inside the compiler ends the thread, after many words about it.
      once(this.worker, 'exit', settled).then(() => [`${job.out}: the compiler crashed`]),
    ])) as [string | null];
    settled.abort();
    if (complaint !== null) throw new Complaint(complaint);
  }

  async end(): Promise<void> {
    await this.worker?.terminate();
  }
}

if (!isMainThread) {
  parentPort?.on('message', ({ profile, simd, debug, out }: CoreJob) => {
    (debug ? buildDebug : buildProfile)(profile, { root: '.', out, simd }).then(
      () => parentPort?.postMessage(null),
      (error: unknown) => {
        if (!(error instanceof Complaint)) throw error;
        parentPort?.postMessage(error.message);
      },
    );
  });
}
