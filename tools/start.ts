// `npm start` → a build → the demo server: `limpet serve --demo`, with further arguments passed on.

import { build } from './build.js';
import { runNode } from './lib/child.js';

export async function main(args: string[]): Promise<number> {
  await build();
  return runNode(['build/cli.js', 'serve', '--demo', ...args]);
}
