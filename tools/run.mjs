// npm script → installed packages → tools/<name>.ts bundled into build/tools/ → its main(args).
//
// The one tool in plain JavaScript, without dependencies: it runs on a fresh clone.

import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const TOOLS = ['start', 'test', 'build', 'bench', 'conformance', 'fuzz', 'lint'];
const STAMP = 'node_modules/.limpet-lock';

process.chdir(resolve(dirname(fileURLToPath(import.meta.url)), '..'));
const [name, ...args] = process.argv.slice(2);
if (!TOOLS.includes(name)) {
  fail(`usage: node tools/run.mjs <${TOOLS.join('|')}> [arguments]`, 2);
}
install();
const { main } = await import(pathToFileURL(await bundle(name)).href);
try {
  process.exitCode = await main(args);
} catch (error) {
  if (error?.name !== 'Complaint') throw error;
  fail(`limpet ${name}: ${error.message}`, 1);
}

/** `npm ci`, unless node_modules is already what package-lock.json says. */
function install() {
  const lock = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lock) return;
  console.error('Installing packages (npm ci)');
  const { status, error, stdout, stderr } = npm(['ci', '--include=dev', '--no-audit', '--no-fund']);
  if (status !== 0) {
    process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
    fail(`limpet ${name}: npm ci failed${error ? `: ${error.message}` : ''}`, 1);
  }
  writeFileSync(STAMP, lock);
}

/**
 * The npm that runs this script, else the one in PATH. Never a bare `npm` under `npm run`: as-pect
 * depends on npm 6, whose `npm` in node_modules/.bin then comes first in PATH.
 */
function npm(npmArgs) {
  const self = process.env.npm_execpath ?? '';
  return basename(self) === 'npm-cli.js'
    ? spawnSync(process.execPath, [self, ...npmArgs], { encoding: 'utf8' })
    : spawnSync('npm', npmArgs, { encoding: 'utf8', shell: process.platform === 'win32' });
}

/** tools/<tool>.ts with what it imports as one module; packages stay outside. */
async function bundle(tool) {
  const esbuild = await import('esbuild');
  const outfile = `build/tools/${tool}.js`;
  await esbuild.build({
    entryPoints: [`tools/${tool}.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  await esbuild.stop(); // else its process stays as long as this one
  return outfile;
}

function fail(line, code) {
  console.error(line);
  process.exit(code);
}
