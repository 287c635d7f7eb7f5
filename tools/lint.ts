// `npm run lint [-- --fix]` → ESLint, Prettier, tsc and clang-format over the repository, all of them,
// whatever the first ones say; then 0 or 1.

import { spawnSync } from 'node:child_process';
import { emitAbi } from './abi.js';
import { Complaint } from './lib/complaint.js';
import { filesUnder } from './lib/stamps.js';

const FORMATTED = '**/*.{ts,js,mjs,json}';
/** Where C is. */
const FOLDERS = ['host/native', 'test/native', 'bench/native', 'examples/native'];
/** Each version formats in its own way: this one is Debian 12's. */
const CLANG_FORMAT = 14;

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
    formatted(fix),
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

/** C, by .clang-format; where that version is not at hand nothing is said against it. */
function formatted(fix: boolean): boolean {
  const { stdout } = spawnSync('clang-format', ['--version'], { encoding: 'utf8' });
  if (!(stdout ?? '').includes(`version ${CLANG_FORMAT}.`)) {
    console.log(`clang-format: skipped: needs clang-format ${CLANG_FORMAT}`);
    return true;
  }
  const files = FOLDERS.flatMap(filesUnder).filter((file) => /\.(c|h|cpp)$/.test(file));
  const how = fix ? ['-i'] : ['--dry-run', '--Werror'];
  const { status } = spawnSync('clang-format', [...how, ...files], { stdio: 'inherit' });
  console.log(`clang-format: ${status === 0 ? 'ok' : 'failed'}`);
  return status === 0;
}
