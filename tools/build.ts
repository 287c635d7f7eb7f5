// Sources → build/: the ABI, the proven cores of all profiles, the host's bundles and types.

import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ABI_FILES, emitAbi } from './abi.js';
import type { Abi } from './lib/abi-model.js';
import { bundleCommand, bundleLibrary, bundleWs } from './lib/bundle.js';
import { Complaint, messageOf } from './lib/complaint.js';
import { CORE_C, emitCoreC, wasm2cVersion } from './lib/core-c.js';
import { inThreads, type BuildCore } from './lib/core-thread.js';
import { emitDeclarations } from './lib/declarations.js';
import { lintAssembly } from './lib/eslint.js';
import { profileNames, profileSource, readProfile } from './lib/profile.js';
import { Stamps, type Inputs } from './lib/stamps.js';
import { coreTable, type Core } from './lib/table.js';

const HOST = {
  library: 'host/node/index.ts',
  ws: 'host/node/ws/index.ts',
  /** What `require` of that is to TypeScript. */
  required: 'host/node/ws/require.cts',
  command: 'host/node/cli.ts',
  pages: {
    'build/page.html': 'host/node/page/index.html',
    'build/chat.html': 'host/node/page/chat.html',
  },
};

const CORE_TOOLS = ['tools/lib', 'tools/check-wasm.ts'];

const USAGE = `usage: npm run build -- [--profile NAME ...] [--force]
  --profile NAME   only this profile's cores; may be given more than once
  --force          make everything again`;

export async function main(args: string[]): Promise<number> {
  const { values } = readArgs(args);
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  await build({ profiles: values.profile, force: values.force });
  return 0;
}

function readArgs(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        profile: { type: 'string', multiple: true },
        force: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new Complaint(messageOf(error));
  }
}

/** Builds what is not fresh; `npm test`, `npm start` and the others begin with it. */
export async function build(
  options: { profiles?: string[] | undefined; force?: boolean } = {},
): Promise<void> {
  const began_ms = performance.now();
  const stamps = new Stamps(options.force ?? false);
  const cores = coresOf(options.profiles ?? profileNames('.'));
  checkProfileFile();
  await stamps.make('ESLint', [], inputsOf('assembly', 'eslint.config.js'), lintAssembly);
  const abi = emitAbi('.');
  // The longest first: the server's are optimised for speed, and that takes time.
  await inThreads([...cores].reverse().flatMap((core) => coreTasks(core, stamps)));
  await buildHost(stamps);
  await buildCoreC(stamps, abi);
  console.log(await coreTable(cores, abi));
  console.log(`${stamps.made} made, ${((performance.now() - began_ms) / 1000).toFixed(1)} s`);
}

/** What editors, unit specs and `npx asc` see of the limits must be the server's. */
function checkProfileFile(): void {
  const file = 'assembly/profile.ts';
  const text = readFileSync(file, 'utf8');
  if (profileSource(text, readProfile('.', 'server'), false) !== text) {
    throw new Complaint(`${file}: not what assembly/profiles/server.json says`);
  }
}

/** The cores of profiles, small ones first: each for every engine, the server's once more for V8. */
function coresOf(names: string[]): Core[] {
  return names
    .map((name) => ({ name, profile: readProfile('.', name) }))
    .sort((a, b) => a.profile.sessions - b.profile.sessions)
    .flatMap(({ name, profile }) => [
      { label: `limpet-${name}`, profile, simd: false },
      ...(name === 'server' ? [{ label: `limpet-${name}-simd`, profile, simd: true }] : []),
    ]);
}

/** The shipping core and the one for debugging. */
function coreTasks({ label, profile, simd }: Core, stamps: Stamps) {
  const inputs = inputsOf('assembly', 'asconfig.json', ...ABI_FILES, ...CORE_TOOLS);
  inputs.words.push(JSON.stringify(profile));
  return [false, true].map((debug) => (buildCore: BuildCore) => {
    const out = debug ? `build/debug/${label}.wasm` : `build/${label}.wasm`;
    return stamps.make(out, [out], inputs, () => buildCore({ profile, simd, debug, out }));
  });
}

/** The core in C, where there is wasm2c. */
async function buildCoreC(stamps: Stamps, abi: Abi): Promise<void> {
  const { out, wasm, engine } = CORE_C;
  const version = wasm2cVersion();
  if (version === undefined) {
    console.log(`${out}: not made, there is no wasm2c (Debian's package wabt)`);
    return;
  }
  if (!existsSync(wasm)) return; // Other profiles were asked for.
  const inputs = inputsOf(wasm, engine, 'tools/lib/core-c.ts', ...ABI_FILES);
  inputs.words.push(version);
  await stamps.make(out, [out], inputs, () => {
    emitCoreC(abi, version);
  });
}

/** What of the host there is yet. */
async function buildHost(stamps: Stamps): Promise<void> {
  const inputs = inputsOf('host', 'tools', 'tsconfig.json', 'package.json', ...ABI_FILES);
  const { library, ws, required, command, pages } = HOST;
  if (existsSync(library)) {
    await stamps.make('library', ['build/index.js', 'build/index.cjs'], inputs, () =>
      bundleLibrary(library),
    );
  }
  if (existsSync(ws)) {
    await stamps.make('limpet/ws', ['build/ws.js', 'build/ws.cjs'], inputs, () => bundleWs(ws));
  }
  const faces = [library, ws, required].filter((face) => existsSync(face));
  await stamps.make('types', ['build/types'], inputs, () => emitDeclarations(faces));
  if (existsSync(command)) {
    await stamps.make('command', ['build/cli.js'], inputs, () => bundleCommand(command));
  }
  for (const [out, page] of Object.entries(pages)) {
    await stamps.make(out, [out], inputs, () => {
      copyFileSync(page, out);
    });
  }
}

/** Files and folders that an artifact is made from, and the compilers that make it. */
function inputsOf(...paths: string[]): Inputs {
  const words = ['assemblyscript', 'esbuild', 'typescript', 'eslint'].map((name) =>
    readFileSync(join('node_modules', name, 'package.json'), 'utf8'),
  );
  return { paths, words };
}
