// Results → lines for people.
import { VERDICTS } from './case.js';
import type { Result } from './case.js';

/** One case in one line. */
export const lineOf = (r: Result): string =>
  `${r.verdict.padEnd(13)} ${r.id.padEnd(7)} ${r.title}: ${r.detail} [${r.section}]`;

/** Verdicts counted per group, with a sum below. */
export function tableOf(results: Result[]): string {
  const groups = [...new Set(results.map((r) => r.group))];
  const width = Math.max(...groups.map((g) => g.length), 5);
  const row = (name: string, cells: string[]): string =>
    [name.padEnd(width), ...cells.map((c) => c.padStart(13))].join(' ');
  const counts = (of: Result[]): string[] => [
    ...VERDICTS.map((v) => String(of.filter((r) => r.verdict === v).length)),
    String(of.length),
  ];
  return [
    '',
    row('', [...VERDICTS, 'cases']),
    ...groups.map((g) => row(g, counts(results.filter((r) => r.group === g)))),
    row('all', counts(results)),
  ].join('\n');
}
