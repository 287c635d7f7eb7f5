// `npm run conformance -- [arguments]` → test/conformance/cli.ts.

import { runProgram } from './lib/program.js';

export function main(args: string[]): Promise<number> {
  return runProgram('test/conformance/cli.ts', [], args);
}
