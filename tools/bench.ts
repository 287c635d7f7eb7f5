// `npm run bench -- [arguments]` → bench/run.ts, with the programs that it starts beside it: the
// load generators, and the servers of bench/peers/.

import { runProgram } from './lib/program.js';
import { filesUnder } from './lib/stamps.js';

export function main(args: string[]): Promise<number> {
  const peers = filesUnder('bench/peers').filter((file) => file.endsWith('.ts'));
  return runProgram('bench/run.ts', ['bench/load.ts', 'bench/fanload.ts', ...peers], args);
}
