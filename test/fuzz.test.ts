// Random lives of sessions on the debug cores (test/fuzz) → none goes wrong, and each is the same
// again from its seed. CI gives them a minute and always the same seed, so that a change is judged by
// what it changed; a developer's `npm test` 5 s and a new one, and `npm run fuzz` any time.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { live, liveFor } from './fuzz/run.js';
import { CORES } from './support/cores.js';

const SECONDS = process.env.CI ? 60 : 5;
const SEED = Number(
  process.env.LIMPET_SEED ?? (process.env.CI ? 6455 : Date.now() % 1_000_000_000),
);
const cores = CORES.filter(({ debug }) => debug);

describe('random lives', () => {
  for (const core of cores) {
    it(`on ${core.name} go well from seed ${SEED}`, (t) => {
      t.diagnostic(`${liveFor(core, SEED, SECONDS / cores.length)} lives`);
    });
    it(`on ${core.name} are the same from the same seed`, () => {
      assert.deepEqual(live(core, SEED, true), live(core, SEED, true));
    });
  }
});
