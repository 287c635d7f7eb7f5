// An entry file of this repository → a build → a run of it, with arguments.

import { existsSync } from 'node:fs';
import { build } from '../build.js';
import { bundlePrograms } from './bundle.js';
import { runNode } from './child.js';
import { Complaint } from './complaint.js';

/** Builds, bundles `entry` with the programs that it starts, and runs it to its exit code. */
export async function runProgram(entry: string, others: string[], args: string[]): Promise<number> {
  if (!existsSync(entry)) throw new Complaint(`no ${entry}`);
  await build();
  const [program = ''] = await bundlePrograms([entry, ...others]);
  return runNode(['--enable-source-maps', program, ...args]);
}
