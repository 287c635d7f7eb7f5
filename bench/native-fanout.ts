// Fan-out servers in C → deliveries per CPU-second of the server, beside `ws` and raw sends. How: see
// rounds.ts.

import { renderAims, type Aim } from './aims.js';
import { BUILT, buildNative, NATIVE_FANOUT_PEERS } from './native.js';
import { choosePeers } from './peers.js';
import { QUICK, runRounds, type Plan } from './rounds.js';
import { FANOUT_ROWS } from './rows.js';
import { leftOut, type BenchOptions, type Suite, type SuiteReport } from './suite.js';
import { renderNativeFanout } from './table.js';

/** As long as the fan-out of Node's servers, for the same reason. */
const FULL: Plan = {
  seconds: 2.5,
  warmup: 0.5,
  rounds: 7,
  patient: true,
  first: FANOUT_ROWS,
  limit_s: 420,
  generators: BUILT,
};

const AIMS: readonly Aim[] = [
  { peer: 'limpet.h', beside: 'libwebsockets', least: 1, more: true },
  { peer: 'limpet.h', beside: 'wslay', least: 1, more: true },
];

export const nativeFanout: Suite = { name: 'native-fanout', run };

async function run(options: BenchOptions): Promise<SuiteReport> {
  const why = buildNative();
  if (why !== undefined) return leftOut('native-fanout', why);
  const plan = { ...FULL, ...(options.quick ? QUICK : {}) };
  const rows = FANOUT_ROWS.filter(
    ({ name }) => !options.only.length || options.only.includes(name),
  );
  const peers = choosePeers(NATIVE_FANOUT_PEERS, options.peers);
  const result = await runRounds('native fan-out', peers, rows, plan, options);
  const markdown = [renderNativeFanout(result), ...renderAims(AIMS, result)].join('\n\n');
  return { markdown, data: result, failures: result.failures };
}
