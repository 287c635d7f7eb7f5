// What the entry and the suites agree on: options in → one report out.

export interface BenchOptions {
  /** A smoke run: one round of short windows, its figures mean little. */
  quick: boolean;
  /** Length of one measured window; the suite's own default when undefined. */
  seconds: number | undefined;
  /** Windows per figure, of which the median counts; the suite's own default when undefined. */
  rounds: number | undefined;
  /** Names of the rows to run; empty means all. */
  only: string[];
  /** Names of the peers to run; empty means all. */
  peers: string[];
}

export interface SuiteReport {
  /** What a reader sees: headings and tables, without the machine line. */
  markdown: string;
  /** What a program reads: every sample, as JSON. */
  data: object;
  /** One line for each figure that could not be had; any line makes the run fail. */
  failures: string[];
}

export interface Suite {
  name: string;
  run(options: BenchOptions): Promise<SuiteReport>;
}

/** The report of a suite that cannot be had here; the others go on, and nothing has failed. */
export function leftOut(name: string, why: string): SuiteReport {
  say(`${name} left out: ${why}`);
  return { markdown: `${name} was left out: ${why}.`, data: { leftOut: why }, failures: [] };
}

/** A progress line. It goes to stderr, so that stdout holds the tables and nothing else. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The middle value, or the mean of the middle two; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? NaN;
  return sorted.length % 2 ? upper : ((sorted[half - 1] ?? NaN) + upper) / 2;
}
