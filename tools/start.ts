// `npm start` → a build → the demo server: `limpet serve --demo --deflate`, with further arguments
// passed on.

import { build } from './build.js';
import { runNode } from './lib/child.js';

export async function main(args: string[]): Promise<number> {
  await build();
  // Another profile may be without compression, and another level is the user's to say.
  const chosen = args.some((arg) => /^--(profile|deflate)\b/.test(arg));
  const deflate = chosen ? [] : ['--deflate'];
  return runNode(['build/cli.js', 'serve', '--demo', ...deflate, ...args]);
}
