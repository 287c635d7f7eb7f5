// Servers in C → bytes of resident memory for each connection over the empty server: open and silent, and
// after one message. How: see memory.ts.

import { aimTable, verdict } from './aims.js';
import { measureMemory } from './memory.js';
import { buildNative, NATIVE_MEMORY_PEERS } from './native.js';
import { choosePeers } from './peers.js';
import { leftOut, type BenchOptions, type Suite, type SuiteReport } from './suite.js';
import { significant, table } from './table.js';

/** Of limpetd: at most so many bytes per idle connection. */
const AIM = 400;

export const nativeMemory: Suite = { name: 'native-memory', run };

async function run(options: BenchOptions): Promise<SuiteReport> {
  const why = buildNative();
  if (why !== undefined) return leftOut('native-memory', why);
  const peers = choosePeers(NATIVE_MEMORY_PEERS, options.peers);
  const { figures, crowd, failures } = await measureMemory('native memory', peers, options);
  const body = figures.map(({ peer, resident: { idle, further, spoken } }) => [
    peer,
    ...[idle, further, spoken].map((bytes) => significant(bytes, 3)),
  ]);
  const idle = figures.find(({ peer }) => peer === 'limpetd')?.resident.idle;
  const aims =
    idle === undefined
      ? []
      : [verdict('limpetd, idle', `≤ ${AIM}`, significant(idle, 3), idle <= AIM)];
  const markdown = [
    `### Native memory: resident bytes per connection at ${crowd.all.toLocaleString('en-US')}`,
    table(
      ['', 'idle', `each past ${crowd.first.toLocaleString('en-US')}`, 'after a message'],
      body,
    ),
    'What the server process has more than the same server without connections, for each of them; a message is ' +
      '128 B and its echo. What the kernel keeps for a socket is in no figure. Garbage of Node is collected.',
    ...(aims.length > 0 ? [aimTable(aims)] : []),
  ].join('\n\n');
  return { markdown, data: { crowd, figures, failures }, failures };
}
