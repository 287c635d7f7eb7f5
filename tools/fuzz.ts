// `npm run fuzz -- [arguments]` → test/fuzz/cli.ts.

import { runProgram } from './lib/program.js';

export function main(args: string[]): Promise<number> {
  return runProgram('test/fuzz/cli.ts', [], args);
}
