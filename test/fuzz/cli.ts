// npm run fuzz -- [--seed N] [--seconds S] [--profile P] → random lives on the debug cores; the exit code tells.

import { parseArgs } from 'node:util';
import { CORES } from '../support/cores.js';
import { liveFor } from './run.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    seconds: { type: 'string', default: '60' },
    profile: { type: 'string' },
  },
});
const cores = CORES.filter(
  ({ debug, profile }) => debug && (!values.profile || profile === values.profile),
);
console.log(
  `seed ${values.seed}, ${values.seconds} s on ${cores.map(({ name }) => name).join(', ')}`,
);
for (const core of cores) {
  try {
    const lives = liveFor(core, Number(values.seed), Number(values.seconds) / cores.length);
    console.log(`${core.name}: ${lives} lives`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
