// Fan-out servers → deliveries per CPU-second of the server, beside `ws`, which has no rooms: its
// server goes over its clients and sends to each. How: see rounds.ts.

import { choosePeers, FANOUT_PEERS } from './peers.js';
import { QUICK, runRounds, type Plan } from './rounds.js';
import { FANOUT_ROWS } from './rows.js';
import type { BenchOptions, Suite, SuiteReport } from './suite.js';
import { renderFanout } from './table.js';

/** Longer windows and more rounds than the echo's: a server's rate swings by a tenth from one process to the next. */
const FULL: Plan = {
  seconds: 2.5,
  warmup: 0.5,
  rounds: 9,
  patient: true,
  first: FANOUT_ROWS,
  limit_s: 240,
};

export const fanout: Suite = { name: 'fanout', run };

async function run(options: BenchOptions): Promise<SuiteReport> {
  const plan = { ...FULL, ...(options.quick ? QUICK : {}) };
  const wanted = FANOUT_ROWS.filter(
    ({ name }) => !options.only.length || options.only.includes(name),
  );
  const peers = choosePeers(FANOUT_PEERS, options.peers);
  const result = await runRounds('fan-out', peers, wanted, plan, options);
  return { markdown: renderFanout(result), data: result, failures: result.failures };
}
