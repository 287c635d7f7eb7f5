// Files → ESLint's words about them. For assembly/ that is the fourth layer of the proof that the
// core allocates nothing: the one that names the line.

import { spawnSync } from 'node:child_process';
import { Complaint } from './complaint.js';

/** Throws a Complaint with everything that ESLint finds in assembly/. */
export function lintAssembly(): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['node_modules/eslint/bin/eslint.js', '--max-warnings', '0', 'assembly'],
    { encoding: 'utf8' },
  );
  if (status !== 0)
    throw new Complaint(`assembly/: ESLint refuses it\n${`${stdout}${stderr}`.trim()}`);
}
