// Figures → Markdown tables, and the line that says what machine they are of.

import { readFileSync } from 'node:fs';
import { cpus, platform, release } from 'node:os';
import { BASE } from './peers.js';
import type { Rounds } from './rounds.js';
import type { Row } from './rows.js';

export type Cells = readonly string[];

/** CPU, cores, system, Node and day: absolute figures mean nothing without them. */
export function machineLine(): string {
  const cores = cpus();
  const model = cpuModel() ?? cores[0]?.model ?? 'unknown CPU';
  const day = new Date().toISOString().slice(0, 10);
  return `${model}, ${cores.length} cores, ${platform()} ${release()}, Node ${process.version}, ${day}`;
}

/** Two tables: rates beside the base's, which is 1, the rates themselves in thousands, and a word on noise. */
export function renderEcho(result: Rounds): string {
  return renderRounds('Echo: ', 'messages', 'connections', result);
}

/** The same for deliveries: a message to one subscriber each. */
export function renderFanout(result: Rounds): string {
  return renderRounds('Fan-out: ', 'deliveries', 'subscribers', result);
}

function renderRounds(title: string, what: string, whom: string, result: Rounds): string {
  const head = ['payload', 'in flight', whom, ...result.peers];
  const body = (cell: (rate: number, base: number) => string): Cells[] =>
    result.lines.map(({ row, figures }) => {
      const base = figures.find((figure) => figure.peer === BASE)?.rate ?? NaN;
      return [...rowCells(row), ...figures.map((figure) => cell(figure.rate, base))];
    });
  const note =
    result.unit === 'second'
      ? '\n\nBy the wall clock: CPU times are not to be had here, so a slow generator caps these.'
      : '';
  return [
    `### ${title}${what} per server ${result.unit}, ${BASE} = 1${note}`,
    table(
      head,
      body((rate, base) => significant(rate / base, 2)),
    ),
    `### ${title}thousand ${what} per server ${result.unit}`,
    table(
      head,
      body((rate) => significant(rate / 1000, 3)),
    ),
    result.noise,
  ].join('\n\n');
}

/** A Markdown table, padded so that it reads well unrendered; figures flush right. */
export function table(head: Cells, body: readonly Cells[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...body].map((cells) => (cells[column] ?? '').length)),
  );
  const line = (cells: Cells): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padStart(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => `${'-'.repeat(width - 1)}:`).join(' | ')} |`;
  return [line(head), rule, ...body.map(line)].join('\n');
}

/** 0.8349 → 0.83, 23.7 → 24, 1234 → 1,200 with two digits; a dash for what was not measured. */
export function significant(value: number, digits: number): string {
  if (!Number.isFinite(value)) return '–';
  return value.toLocaleString('en-US', {
    minimumSignificantDigits: digits,
    maximumSignificantDigits: digits,
  });
}

function rowCells({ size, inflight, connections }: Row): Cells {
  const payload =
    size % 2 ** 20 === 0
      ? `${size / 2 ** 20} MiB`
      : size % 2 ** 10 === 0
        ? `${size / 2 ** 10} KiB`
        : `${size} B`;
  return [payload, String(inflight), String(connections)];
}

function cpuModel(): string | undefined {
  try {
    return /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
