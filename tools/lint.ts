// `npm run lint [-- --fix]` → ESLint, Prettier and tsc over the repository, all of them, whatever
// the first ones say; then 0 or 1.

import { spawnSync } from 'node:child_process';
import { emitAbi } from './abi.js';
import { Complaint } from './lib/complaint.js';

const FORMATTED = '**/*.{ts,js,mjs,json}';

export function main(args: string[]): number {
  const fix = args.includes('--fix');
  const stranger = args.find((arg) => arg !== '--fix');
  if (stranger !== undefined) throw new Complaint(`unknown argument ${stranger}; there is --fix`);
  emitAbi('.'); // hosts import build/limpet.abi.ts
  const passed = [
    run('ESLint', 'eslint/bin/eslint.js', ['--max-warnings', '0', ...(fix ? ['--fix'] : []), '.']),
    run('Prettier', 'prettier/bin/prettier.cjs', [
      fix ? '--write' : '--check',
      '--log-level',
      'warn',
      FORMATTED,
    ]),
    run('tsc', 'typescript/bin/tsc', ['--noEmit']),
  ];
  return passed.every(Boolean) ? 0 : 1;
}

function run(name: string, program: string, args: string[]): boolean {
  const { status } = spawnSync(process.execPath, [`node_modules/${program}`, ...args], {
    stdio: 'inherit',
  });
  console.log(`${name}: ${status === 0 ? 'ok' : 'failed'}`);
  return status === 0;
}
