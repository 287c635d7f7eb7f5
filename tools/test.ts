// test/**/*.test.ts → bundles in build/test/ → Node's test runner, whose counts come last.
//   npm test                      all of them
//   npm test -- frame utf8        those whose path holds one of these words
//   npm test -- --test-name-pattern=ping    options of `node --test`

import { build } from './build.js';
import { bundlePrograms } from './lib/bundle.js';
import { runNode } from './lib/child.js';
import { Complaint } from './lib/complaint.js';
import { filesUnder } from './lib/stamps.js';

export async function main(args: string[]): Promise<number> {
  const words = args.filter((arg) => !arg.startsWith('-'));
  const options = args.filter((arg) => arg.startsWith('-'));
  const files = filesUnder('test').filter(
    (file) =>
      file.endsWith('.test.ts') &&
      (words.length === 0 || words.some((word) => file.includes(word))),
  );
  if (files.length === 0) throw new Complaint(`no test/**/*.test.ts matches ${words.join(' or ')}`);
  await build();
  const programs = await bundlePrograms(files);
  // One file at a time: tests measure time and open ports. Node 20 takes no patterns.
  return runNode([
    '--enable-source-maps',
    '--test',
    '--test-reporter=spec',
    '--test-concurrency=1',
    ...options,
    ...programs,
  ]);
}
