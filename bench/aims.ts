// Figures of the native suites → what was aimed at, and what is reached, as a Markdown table.

import type { Line, Rounds } from './rounds.js';
import { significant, table, type Cells } from './table.js';

/** A peer that is to be so many times as fast as another one. */
export interface Aim {
  peer: string;
  beside: string;
  /** The row that it is for; undefined: all of them, so that the one that is closest to a miss counts. */
  row?: string;
  /** At least so many times, or more than that. */
  least: number;
  more?: boolean;
}

/** What of the aims is reached; those whose peers or rows did not run are left out. */
export function renderAims(aims: readonly Aim[], { lines }: Rounds): string[] {
  const body = aims.flatMap((aim): Cells[] => {
    const { row, peer, beside, least, more } = aim;
    const ratios = lines
      .filter((line) => row === undefined || line.row.name === row)
      .map((line) => ({ name: line.row.name, ratio: rateOf(line, peer) / rateOf(line, beside) }))
      .filter(({ ratio }) => Number.isFinite(ratio))
      .sort((a, b) => a.ratio - b.ratio);
    if (!ratios[0]) return [];
    const { name, ratio } = ratios[0];
    const wanted = `${more ? '>' : '≥'} ${least}`;
    const reached = more ? ratio > least : ratio >= least;
    return [verdict(`${peer} beside ${beside}, ${name}`, wanted, significant(ratio, 3), reached)];
  });
  return body.length > 0 ? [aimTable(body)] : [];
}

/** A row of that table. */
export function verdict(what: string, wanted: string, here: string, reached: boolean): Cells {
  return [what, wanted, here, reached ? 'yes' : 'no'];
}

export function aimTable(body: readonly Cells[]): string {
  return table(['aim', 'wanted', 'here', 'reached'], body);
}

function rateOf({ figures }: Line, peer: string): number {
  return figures.find((figure) => figure.peer === peer)?.rate ?? NaN;
}
