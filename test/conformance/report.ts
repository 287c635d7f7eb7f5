// Results → lines for people.
import { VERDICTS } from './case.js';
import type { Result } from './case.js';

/** One case in one line. */
export const lineOf = (r: Result): string =>
  `${r.verdict.padEnd(13)} ${r.id.padEnd(7)} ${r.title}: ${r.detail} [${r.section}]`;

const UNIMPLEMENTED_LINES = 5;

/** What was declined most often, each in one line: the cases behind it are many. */
export function unimplementedOf(results: Result[]): string[] {
  const counts = new Map<string, number>();
  for (const { verdict, detail } of results)
    if (verdict === 'UNIMPLEMENTED') counts.set(detail, (counts.get(detail) ?? 0) + 1);
  const lines = [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([detail, count]) => `UNIMPLEMENTED ${count} case${count > 1 ? 's' : ''}: ${detail}`);
  const others = lines.length - UNIMPLEMENTED_LINES;
  return others > 1
    ? [...lines.slice(0, UNIMPLEMENTED_LINES), `UNIMPLEMENTED ${others} other offers`]
    : lines;
}

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
