// Echo servers → messages per CPU-second of the server, beside `ws`. How: see rounds.ts.

import { choosePeers, PEERS } from './peers.js';
import { QUICK, runRounds, type Plan } from './rounds.js';
import { ROWS, parseRow } from './rows.js';
import type { BenchOptions, Suite, SuiteReport } from './suite.js';
import { renderEcho } from './table.js';

/** Ten rows, five peers: 250 windows and their process starts in seven minutes. */
const FULL: Plan = {
  seconds: 1.2,
  warmup: 0.3,
  rounds: 5,
  patient: true,
  first: ['128x1', '128x32'].map(parseRow),
  limit_s: 480,
};

export const echo: Suite = { name: 'echo', run };

async function run(options: BenchOptions): Promise<SuiteReport> {
  const unknown = options.peers.find((name) => !PEERS.some((peer) => peer.name === name));
  if (unknown !== undefined)
    throw new Error(`no peer ${unknown}; there are ${PEERS.map((peer) => peer.name).join(', ')}`);
  const plan = { ...FULL, ...(options.quick ? QUICK : {}) };
  const rows = (options.only.length ? options.only : ROWS).map(parseRow);
  const result = await runRounds('echo', choosePeers(PEERS, options.peers), rows, plan, options);
  return { markdown: renderEcho(result), data: result, failures: result.failures };
}
