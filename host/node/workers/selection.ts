// A selection ↔ JSON that another process understands: its times are of one process' clock.

import type { Selection } from '../hub.js';

/**
 * What `performance.now()` is behind the clock that all processes of a machine have, ms. A process that
 * is put off between the two sees less: the most of several looks is what it is.
 */
const BEHIND_MS = Math.max(
  ...Array.from({ length: 10 }, () => Number(process.hrtime.bigint()) / 1e6 - performance.now()),
);

/** A selection as it is sent. */
export function shifted(selection: Selection): string {
  return JSON.stringify(moved(selection, BEHIND_MS));
}

/** A selection that came; undefined when it names nobody here. */
export function unshifted(text: string): Selection | undefined {
  const selection = moved(JSON.parse(text) as Selection, -BEHIND_MS);
  // This process began later: all were opened after that moment, or none before it.
  if (selection.openedFrom !== undefined && selection.openedFrom < 0) delete selection.openedFrom;
  return selection.openedUntil !== undefined && selection.openedUntil < 1 ? undefined : selection;
}

function moved(selection: Selection, by_ms: number): Selection {
  const copy = { ...selection };
  if (copy.openedFrom !== undefined) copy.openedFrom += by_ms;
  if (copy.openedUntil !== undefined) copy.openedUntil += by_ms;
  return copy;
}
