// Servers → bytes of memory for each connection: open and silent, and after one message.
//
//   the server starts │ 1,000 connect │ 4,000 more connect │ all speak
//                     └ none          └ some               └ idle      └ spoken
//
// A figure is what a reading has more than the one with none, for each of the 5,000. So what a server
// grows to once for all, as V8's space for new objects, is in it. `further` is without that: what the
// reading with 5,000 has more than that with 1,000, for each of the 4,000; it is told on stderr and in
// the JSON. Before each reading the server collects its garbage. Read is the anonymous memory of the
// process (heaps, linear memory, stacks); what the kernel keeps for a socket is in no figure, and is the
// same for all.
//
// Each figure is the median of the rounds; in a round each peer has its turn, with a server and a crowd of
// its own.

import { readFileSync } from 'node:fs';
import { startHelper, startServer, type Helper } from './children.js';
import { besides, choosePeers, MEMORY_PEERS, type MemoryPeer } from './peers.js';
import { median, say, type BenchOptions, type Suite, type SuiteReport } from './suite.js';
import { table } from './table.js';

/** Connections of a server. */
export interface Crowd {
  /** Those that connect before the second reading. */
  first: number;
  all: number;
}

/** Of anonymous memory, of all that is resident, and what Node says of its parts. */
interface Reading {
  anonymous: number;
  resident: number;
  heapUsed: number;
  external: number;
}

/** Bytes per connection. */
interface Sample {
  idle: Reading;
  further: Reading;
  spoken: Reading;
}

type Moment = keyof Sample;

export interface Figure {
  peer: string;
  deflate: boolean;
  /** Medians of anonymous memory; NaN when there are no samples. */
  bytes: Record<Moment, number>;
  /** The same of all that is resident, pages of files too. */
  resident: Record<Moment, number>;
  samples: Sample[];
}

const FULL: Crowd = { first: 1000, all: 5000 };
const QUICK: Crowd = { first: 50, all: 250 };
const ROUNDS = 2;
/** Bytes of a message; a compressed one is as long as the shortest of the corpus can be. */
const SIZE = 128;
const SIZE_DEFLATE = 182;
/** Files that a process needs beside its connections. */
const OTHER_FILES = 64;

export const memory: Suite = { name: 'memory', run };

async function run(options: BenchOptions): Promise<SuiteReport> {
  const peers = choosePeers(MEMORY_PEERS, options.peers).filter(
    ({ deflate }) => !options.only.length || options.only.includes(deflate ? 'deflate' : 'plain'),
  );
  const { figures, ...rest } = await measureMemory('memory', peers, options);
  return {
    markdown: render(figures, rest.crowd),
    data: { ...rest, figures },
    failures: rest.failures,
  };
}

/** The figures of `peers`, with what the user wants otherwise. `name` is the suite's. */
export async function measureMemory(
  name: string,
  peers: readonly MemoryPeer[],
  options: BenchOptions,
): Promise<{ crowd: Crowd; figures: Figure[]; failures: string[] }> {
  const crowd = options.quick ? QUICK : FULL;
  const rounds = options.rounds ?? (options.quick ? 1 : ROUNDS);
  const failures: string[] = [];
  const figures = peers.map((peer): Figure => {
    return { peer: peer.name, deflate: peer.deflate, ...medians([]), samples: [] };
  });
  checkFiles(crowd.all + OTHER_FILES);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < peers.length; turn++) {
      const at = (turn + round) % peers.length;
      const who = `${peers[at].name}${peers[at].deflate ? ', deflate' : ''}`;
      try {
        const sample = await takeSample(peers[at], crowd);
        figures[at].samples.push(sample);
        say(`${name}, round ${round + 1}, ${who}: ${describe(sample, peers[at])}`);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        failures.push(`${name}, ${who}, round ${round + 1}: ${why}`);
      }
    }
  }
  for (const figure of figures) Object.assign(figure, medians(figure.samples));
  return { crowd, figures, failures };
}

function medians(samples: readonly Sample[]): Pick<Figure, 'bytes' | 'resident'> {
  const all = (kind: keyof Reading): Record<Moment, number> => {
    const of = (moment: Moment): number => median(samples.map((one) => one[moment][kind]));
    return { idle: of('idle'), further: of('further'), spoken: of('spoken') };
  };
  return { bytes: all('anonymous'), resident: all('resident') };
}

// ---- measuring

async function takeSample(peer: MemoryPeer, { first, all }: Crowd): Promise<Sample> {
  const server = await startServer(peer.command, {}, peer.collects);
  const crowd = startHelper([
    process.execPath,
    besides('crowd'),
    `--port=${server.port}`,
    `--path=${peer.path}`,
    `--size=${peer.deflate ? SIZE_DEFLATE : SIZE}`,
    ...(peer.raw ? ['--raw'] : []),
    ...(peer.deflate ? ['--deflate'] : []),
  ]);
  try {
    const none = await read(server, peer);
    await crowd.ask({ connect: first });
    const some = await read(server, peer);
    await crowd.ask({ connect: all - first });
    const idle = await read(server, peer);
    await crowd.ask({ speak: true });
    const spoken = await read(server, peer);
    return {
      idle: perConnection(none, idle, all),
      further: perConnection(some, idle, all - first),
      spoken: perConnection(none, spoken, all),
    };
  } finally {
    await Promise.all([crowd.end(), server.end()]);
  }
}

async function read(server: Helper, peer: MemoryPeer): Promise<Reading> {
  const { heapUsed, external } = peer.collects
    ? ((await server.ask({})) as NodeJS.MemoryUsage)
    : { heapUsed: 0, external: 0 };
  const rollup = readFileSync(`/proc/${server.pid}/smaps_rollup`, 'latin1');
  const of = (field: string): number => rollupBytes(rollup, field);
  return { anonymous: of('Anonymous'), resident: of('Rss'), heapUsed, external };
}

function perConnection(before: Reading, after: Reading, connections: number): Reading {
  return {
    anonymous: (after.anonymous - before.anonymous) / connections,
    resident: (after.resident - before.resident) / connections,
    heapUsed: (after.heapUsed - before.heapUsed) / connections,
    external: (after.external - before.external) / connections,
  };
}

/** proc(5), "smaps_rollup". Anonymous: memory that the process has touched and that no file has. */
function rollupBytes(rollup: string, field: string): number {
  const kilobytes = new RegExp(`^${field}: +(\\d+) kB$`, 'm').exec(rollup)?.[1];
  if (kilobytes === undefined) throw new Error(`no ${field} in smaps_rollup`);
  return Number(kilobytes) * 1024;
}

/** Node raises its own limit as far as it may, so what counts is the hard one. */
function checkFiles(needed: number): void {
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const hard = /^Max open files +\S+ +(\d+)/m.exec(limits)?.[1];
  if (hard !== undefined && Number(hard) < needed)
    throw new Error(`memory: ${needed} open files are needed, ulimit -Hn says ${hard}`);
}

// ---- telling

function describe({ idle, further, spoken }: Sample, { collects }: MemoryPeer): string {
  const parts = ({ anonymous, resident, heapUsed, external }: Reading): string =>
    collects
      ? `${kilobytes(anonymous)} kB (V8 ${kilobytes(heapUsed)}, buffers ${kilobytes(external)})`
      : `${anonymous.toFixed(0)} B (resident ${resident.toFixed(0)})`;
  return `idle ${parts(idle)}, each further one ${parts(further)}, after a message ${parts(spoken)}`;
}

function render(figures: readonly Figure[], { all }: Crowd): string {
  const names = [...new Set(figures.map(({ peer }) => peer))];
  const body = names.map((name) => [
    name,
    ...[false, true].flatMap((deflate) => {
      const of = figures.find((figure) => figure.peer === name && figure.deflate === deflate);
      const { idle, spoken } = of?.bytes ?? medians([]).bytes;
      return [kilobytes(idle), kilobytes(spoken)];
    }),
  ]);
  const head = ['', 'idle', 'after a message', 'with permessage-deflate: idle', 'after a message'];
  return [
    `### Memory: kB per connection at ${all.toLocaleString('en-US')}`,
    table(head, body),
    `Anonymous memory of the server process above that of the same server without connections, garbage collected. ` +
      `A message is ${SIZE} B and its echo, with permessage-deflate ${SIZE_DEFLATE} B of JSON, compressed both ways, contexts kept.`,
  ].join('\n\n');
}

/** kB with one digit after the point, or three digits; a dash for what was not measured. */
function kilobytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return '–';
  return (bytes / 1000).toFixed(bytes < 99_950 ? 1 : 0);
}
