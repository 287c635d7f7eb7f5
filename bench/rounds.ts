// Servers and rows → the rate of each server in each row.
//
//   for each round
//     a server process of each peer, and first windows that warm its JIT up
//     for each row (payload, messages in flight)
//       for each peer, another one first each round
//         a generator process: warm-up, window, drain
//
// The figure is the median over the rounds, those windows left out in which other processes took CPU
// time: a server that has to share its CPU finds more messages at each read, and so looks better.
// Rows that are short of calm windows get further rounds while there is time.
// Rounds are the outer loop, so that half a minute of somebody else's work, or one process that is
// luckier than another, is one sample of many rows and not all samples of one.
//
// CPU time of the server, not the clock, because the generator is often the slower half.

import { performance } from 'node:perf_hooks';
import { startServer } from './children.js';
import { SERVER_ENV, type Peer, type Runner } from './peers.js';
import type { Row } from './rows.js';
import {
  CALM,
  describe,
  isCalm,
  makeClock,
  takeSample,
  type Clock,
  type Sample,
  type Window,
} from './sample.js';
import { median, say, type BenchOptions } from './suite.js';

export interface Rounds {
  plan: Plan;
  unit: Clock['unit'];
  peers: string[];
  lines: Line[];
  /** What is to be known about disturbed windows. */
  noise: string;
  /** As in a SuiteReport. */
  failures: string[];
}

export interface Line {
  row: Row;
  /** In the order of the peers. */
  figures: Figure[];
}

export interface Figure {
  peer: string;
  /** Messages per unit, a median; NaN when there are no samples. */
  rate: number;
  /** One sample for each round, without the failed ones. */
  samples: Sample[];
}

export interface Plan extends Window {
  rounds: number;
  /** Whether rows short of calm windows get further rounds. */
  patient: boolean;
  /** A new server's windows that do not count: enough for its hot paths to be compiled. */
  first: readonly Row[];
  /** A further round begins only if it ends this long after the start; there are at most as many as planned ones. */
  limit_s: number;
}

export const QUICK = { seconds: 0.3, warmup: 0.1, rounds: 1, patient: false };
const FIRST: Window = { seconds: 0.4, warmup: 0.1 };
/** A generator's start, connecting and draining, as far as it shows in the length of a run. */
const AROUND_SECONDS = 0.12;
/** Fewer calm samples than this leave a median to chance. */
const CALM_SAMPLES = 3;

/** Runs the plan, with what the user wants otherwise. `name` is the suite's. */
export async function runRounds(
  name: string,
  peers: readonly Peer[],
  rows: readonly Row[],
  preset: Plan,
  options: BenchOptions,
): Promise<Rounds> {
  const plan = {
    ...preset,
    seconds: options.seconds ?? preset.seconds,
    rounds: options.rounds ?? preset.rounds,
  };
  const lines = rows.map((row): Line => ({ row, figures: peers.map(emptyFigure) }));
  const clock = makeClock();
  const failures: string[] = [];
  const minutes = (plan.rounds * roundSeconds(lines.length, peers.length, plan)) / 60;
  if (lines.length)
    say(
      `${name}: ${peers.map((p) => p.name).join(', ')}; ${lines.length} rows, ${plan.rounds} rounds of ${plan.seconds} s: about ${minutes.toFixed(1)} min`,
    );

  const start = performance.now();
  for (let round = 0, unsettled = lines; unsettled.length;) {
    await runRound(round++, unsettled, peers, plan, clock, failures);
    if (round < plan.rounds) continue;
    unsettled = lines.filter(isShortOfCalm);
    const next = roundSeconds(unsettled.length, peers.length, plan);
    const end = (performance.now() - start) / 1000 + next;
    if (!plan.patient || round >= 2 * plan.rounds || end > plan.limit_s) break;
  }
  for (const line of lines) conclude(line);
  return {
    plan,
    unit: clock.unit,
    peers: peers.map((peer) => peer.name),
    lines,
    noise: noiseOf(lines),
    failures,
  };
}

function emptyFigure(peer: Peer): Figure {
  return { peer: peer.name, rate: NaN, samples: [] };
}

function roundSeconds(rows: number, peers: number, plan: Plan): number {
  const row = plan.seconds + plan.warmup + AROUND_SECONDS;
  const first = FIRST.seconds + FIRST.warmup + AROUND_SECONDS;
  return peers * (rows * row + plan.first.length * first);
}

async function runRound(
  round: number,
  lines: Line[],
  peers: readonly Peer[],
  plan: Plan,
  clock: Clock,
  failures: string[],
): Promise<void> {
  const runners: Runner[] = [];
  try {
    for (const peer of peers)
      runners.push({ ...peer, server: await startServer(peer.command, SERVER_ENV) });
    if (plan.patient) await firstWindows(plan, runners, clock);
    for (const line of lines) {
      const shown: string[] = [];
      for (let turn = 0; turn < runners.length; turn++) {
        const at = (turn + round) % runners.length;
        const [runner, figure] = [runners[at], line.figures[at]];
        if (!runner || !figure) continue;
        try {
          const sample = await takeSample(line.row, runner, plan, clock);
          figure.samples.push(sample);
          shown[at] = `${runner.name} ${describe(sample)}`;
        } catch (error) {
          shown[at] = `${runner.name} failed`;
          failures.push(
            `${line.row.name}, ${runner.name}, round ${round + 1}: ${error instanceof Error ? error.message : String(error)}`,
          );
        }
      }
      say(`round ${round + 1} ${line.row.name.padEnd(7)} ${shown.join('   ')}`);
    }
  } finally {
    await Promise.all(runners.map((runner) => runner.server.end()));
  }
}

/** A failure here shows again in a window that counts, and is reported there. */
async function firstWindows(plan: Plan, runners: Runner[], clock: Clock): Promise<void> {
  for (const row of plan.first) {
    for (const runner of runners)
      await takeSample(row, runner, { ...plan, ...FIRST }, clock).catch(() => undefined);
  }
}

// ---- conclusions

/** Like is compared with like: calm samples only, or all of them when some peer has no calm one. */
function conclude(line: Line): void {
  const calm = line.figures.every(({ samples }) => !samples.length || samples.some(isCalm));
  for (const figure of line.figures) {
    const counted = calm ? figure.samples.filter(isCalm) : figure.samples;
    figure.rate = median(counted.map((sample) => sample.rate));
  }
}

/** Only what others disturbed is tried again, not what failed. */
function isShortOfCalm(line: Line): boolean {
  return line.figures.some(({ samples }) => {
    const calm = samples.filter(isCalm).length;
    return calm < CALM_SAMPLES && calm < samples.length;
  });
}

function noiseOf(lines: Line[]): string {
  const samples = lines.flatMap((line) => line.figures.flatMap((figure) => figure.samples));
  const disturbed = samples.filter((sample) => !isCalm(sample)).length;
  if (!disturbed) return `${samples.length} windows, none disturbed by other processes.`;
  const short = lines.filter(isShortOfCalm).map((line) => line.row.name);
  const rest = short.length
    ? ` Fewer than ${CALM_SAMPLES} calm ones, so to be doubted: ${short.join(', ')}.`
    : '';
  return `${disturbed} of ${samples.length} windows were disturbed by other processes (over ${CALM * 100} % of a CPU); they count only in rows where some peer had no calm one.${rest}`;
}
