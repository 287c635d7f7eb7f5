// `npm run bench -- [arguments]` → bench/run.ts, with the programs that it starts beside it: the
// load generators, the crowd of the memory bench, and the servers of bench/peers/.

import { runProgram } from './lib/program.js';
import { filesUnder } from './lib/stamps.js';

const PROGRAMS = ['load', 'fanload', 'openload', 'crowd'].map((name) => `bench/${name}.ts`);

export function main(args: string[]): Promise<number> {
  const peers = filesUnder('bench/peers').filter((file) => file.endsWith('.ts'));
  return runProgram('bench/run.ts', [...PROGRAMS, ...peers], args);
}
