// Servers → handshakes per CPU-second of the server, beside `ws`: connect, upgrade, and one of two ends.
// How: see rounds.ts and openload.ts.

import { choosePeers, HANDSHAKE_PEERS } from './peers.js';
import { QUICK, runRounds, type Plan } from './rounds.js';
import { HANDSHAKE_ROWS } from './rows.js';
import type { BenchOptions, Suite, SuiteReport } from './suite.js';
import { renderHandshakes } from './table.js';

const FULL: Plan = {
  seconds: 2,
  warmup: 0.5,
  rounds: 5,
  patient: true,
  first: HANDSHAKE_ROWS,
  limit_s: 200,
};

export const handshakes: Suite = { name: 'handshakes', run };

async function run(options: BenchOptions): Promise<SuiteReport> {
  const plan = { ...FULL, ...(options.quick ? QUICK : {}) };
  const wanted = HANDSHAKE_ROWS.filter(
    ({ name }) => !options.only.length || options.only.includes(name),
  );
  const peers = choosePeers(HANDSHAKE_PEERS, options.peers);
  const result = await runRounds('handshakes', peers, wanted, plan, options);
  return { markdown: renderHandshakes(result), data: result, failures: result.failures };
}
