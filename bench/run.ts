// `npm run bench -- [suite…] [options]` → Markdown tables on stdout, progress on stderr.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { core } from './core.js';
import { deflate } from './deflate.js';
import { echo } from './echo.js';
import { fanout } from './fanout.js';
import { handshakes } from './handshakes.js';
import { hub } from './hub.js';
import { memory } from './memory.js';
import { nativeEcho } from './native-echo.js';
import { nativeFanout } from './native-fanout.js';
import { nativeMemory } from './native-memory.js';
import { say, type BenchOptions, type Suite, type SuiteReport } from './suite.js';
import { machineLine } from './table.js';

const SUITES: readonly Suite[] = [
  core,
  hub,
  echo,
  fanout,
  handshakes,
  memory,
  deflate,
  nativeEcho,
  nativeFanout,
  nativeMemory,
];

const USAGE = `usage: npm run bench -- [${SUITES.map((suite) => suite.name).join('] [')}] [options]
                       no suite: all of them; native: all whose names begin so
  --quick          a smoke run: one round of short windows
  --seconds N      length of one measured window
  --rounds N       windows per figure, of which the median counts
  --only ROWS      only these rows, as in 128x32,1Kx1 (echo), 64x16 (fanout), close
                   (handshakes), plain (memory) or 182,takeover (deflate)
  --peers NAMES    only these peers, as in limpet; the one that is 1 always runs
  --json FILE      every sample, for programs`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string' },
      peers: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const options: BenchOptions = {
    quick: values.quick,
    seconds: positive('seconds', values.seconds),
    rounds: whole('rounds', values.rounds),
    only: list(values.only),
    peers: list(values.peers),
  };
  const reports: Record<string, SuiteReport> = {};
  for (const suite of chooseSuites(positionals)) reports[suite.name] = await suite.run(options);
  return publish(reports, values.json);
}

function chooseSuites(names: string[]): readonly Suite[] {
  const means = (name: string, suite: Suite): boolean =>
    suite.name === name || suite.name.startsWith(`${name}-`);
  const unknown = names.find((name) => !SUITES.some((suite) => means(name, suite)));
  if (unknown !== undefined) throw new Error(`no suite ${unknown}\n${USAGE}`);
  return names.length ? SUITES.filter((suite) => names.some((name) => means(name, suite))) : SUITES;
}

function publish(reports: Record<string, SuiteReport>, file: string | undefined): number {
  const machine = machineLine();
  const failures = Object.values(reports).flatMap((report) => report.failures);
  console.log([...Object.values(reports).map((report) => report.markdown), machine].join('\n\n'));
  if (file !== undefined) {
    const data = Object.fromEntries(
      Object.entries(reports).map(([name, report]) => [name, report.data]),
    );
    writeFileSync(file, `${JSON.stringify({ machine, ...data, failures }, null, 2)}\n`);
  }
  for (const failure of failures) say(`failed: ${failure}`);
  return failures.length ? 1 : 0;
}

// ---- flags

function positive(name: string, flag: string | undefined): number | undefined {
  if (flag === undefined) return undefined;
  const n = Number(flag);
  if (!(n > 0 && Number.isFinite(n))) throw new Error(`--${name}: a number above 0, not ${flag}`);
  return n;
}

function whole(name: string, flag: string | undefined): number | undefined {
  const n = positive(name, flag);
  if (n !== undefined && !Number.isInteger(n))
    throw new Error(`--${name}: a whole number, not ${flag}`);
  return n;
}

function list(flag: string | undefined): string[] {
  return flag?.split(',').filter((item) => item !== '') ?? [];
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
