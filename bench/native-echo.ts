// Echo servers in C → messages per CPU-second of the server, beside `ws` and a raw echo. How: see
// rounds.ts; a generator in Node would be the slower half by far, and wake these servers for each message.

import { renderAims, type Aim } from './aims.js';
import { BUILT, buildNative, NATIVE_PEERS } from './native.js';
import { choosePeers } from './peers.js';
import { QUICK, runRounds, type Plan } from './rounds.js';
import { NATIVE_ROWS, parseRow } from './rows.js';
import { leftOut, type BenchOptions, type Suite, type SuiteReport } from './suite.js';
import { renderNativeEcho } from './table.js';

/** Five rows, seven peers: 175 windows and their process starts in six minutes. */
const FULL: Plan = {
  seconds: 1.2,
  warmup: 0.3,
  rounds: 5,
  patient: true,
  first: ['128x1', '128x32'].map(parseRow),
  limit_s: 480,
  generators: BUILT,
};

const AIMS: readonly Aim[] = [
  { peer: 'limpetd', beside: 'epoll', row: '128x1', least: 0.9 },
  { peer: 'limpetd', beside: 'epoll', row: '128x32', least: 0.6 },
  { peer: 'limpetd', beside: 'libwebsockets', least: 1, more: true },
  { peer: 'limpetd', beside: 'wslay', least: 1, more: true },
  { peer: 'limpetd/wamr', beside: 'libwebsockets', row: '128x1', least: 0.7 },
];

export const nativeEcho: Suite = { name: 'native-echo', run };

async function run(options: BenchOptions): Promise<SuiteReport> {
  const why = buildNative();
  if (why !== undefined) return leftOut('native-echo', why);
  const plan = { ...FULL, ...(options.quick ? QUICK : {}) };
  const rows = (options.only.length ? options.only : NATIVE_ROWS).map(parseRow);
  const peers = choosePeers(NATIVE_PEERS, options.peers);
  const result = await runRounds('native echo', peers, rows, plan, options);
  const markdown = [renderNativeEcho(result), ...renderAims(AIMS, result)].join('\n\n');
  return { markdown, data: result, failures: result.failures };
}
