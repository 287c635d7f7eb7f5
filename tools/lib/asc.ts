// Entry files, options → wasm, by the AssemblyScript compiler's own API. The options stand in
// asconfig.json, where people and editors find them too.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type * as Asc from 'assemblyscript/asc';
import type Binaryen from 'assemblyscript/binaryen';
import { Complaint } from './complaint.js';
import { exportsSource, profileSource, type Profile } from './profile.js';
import { shrink } from './shrink.js';

const CONFIG_FILE = 'asconfig.json';
const PROFILE_FILE = 'assembly/profile.ts';
const ENTRY_FILE = 'assembly/index.ts';

/** Past the MVP, for engines that have SIMD: those have all of these. */
const SIMD_FEATURES = 'simd,bulk-memory,sign-extension,nontrapping-f2i';

export interface Compilation {
  /** Folder of asconfig.json and assembly/. */
  root: string;
  profile: Profile;
  simd: boolean;
  /** With DEBUG, assertions, names and assembly/debug.ts. */
  debug: boolean;
  /** With the runtime that refuses to compile: assembly/rt/deny.ts. */
  deny: boolean;
  /** Files in place of the core's, for a test of what is behind them. */
  entries?: string[];
}

/** What the compiler said, whole, when it refused. */
export class CompileError extends Error {}

/** The module of a compilation, its memory as large as `memoryPages` found and no larger. */
export async function compile(compilation: Compilation, pages: number): Promise<Uint8Array> {
  const { debug, profile, simd } = compilation;
  const files = await run(compilation, [
    ...['--target', debug ? 'debug' : profile.optimize === 'speed' ? 'server' : 'small'],
    ...['--initialMemory', String(pages), '--maximumMemory', String(pages)],
    ...['--outFile', 'core.wasm'],
  ]);
  const wasm = files.get('core.wasm');
  if (!(wasm instanceof Uint8Array)) throw new Error('asc wrote no core.wasm');
  return debug || profile.optimize === 'speed' ? wasm : shrink(wasm, simd);
}

/** The unoptimised module as text, its functions under their own names. */
export async function disassemble(compilation: Compilation): Promise<string> {
  // memory-packing: without it every zero of static memory is written out.
  const files = await run(compilation, ['--runPasses', 'memory-packing', '--textFile', 'core.wat']);
  return String(files.get('core.wat'));
}

/** The layout of memory is settled before optimisation: a compilation without that tells it. */
export async function memoryPages(compilation: Compilation): Promise<number> {
  let pages = 0;
  await run(compilation, ['--noEmit'], {
    afterCompile: (module) => {
      pages = module.getMemoryInfo().initial;
    },
  });
  return pages;
}

async function run(
  { root, profile, simd, debug, deny, entries }: Compilation,
  args: string[],
  transform?: Pick<Asc.Transform, 'afterCompile'>,
): Promise<Map<string, Uint8Array | string>> {
  const asc = await loadCompiler();
  const files = new Map<string, Uint8Array | string>();
  let said = '';
  const compiling = asc.main(
    [
      ...['--baseDir', root, '--config', deny ? 'assembly/rt/asconfig.json' : CONFIG_FILE],
      ...(simd ? ['--enable', SIMD_FEATURES] : []),
      ...(entries ?? (debug ? ['assembly/debug.ts'] : [])),
      ...['--noColors', ...args],
    ],
    {
      stderr: { write: (chunk) => void (said += String(chunk)) },
      readFile: (file, baseDir) => {
        const path = resolve(baseDir, file);
        const text = readText(path);
        if (text === null) return null;
        if (entries && path === resolve(root, CONFIG_FILE)) return withoutEntries(text);
        if (path === resolve(root, PROFILE_FILE)) return profileSource(text, profile, debug);
        return path === resolve(root, ENTRY_FILE) ? exportsSource(text, profile) : text;
      },
      listFiles: (folder, baseDir) => listSources(join(baseDir, folder)),
      writeFile: (file, contents) => void files.set(file, contents),
      // asc takes any object with some of a Transform's methods; its types do not say so.
      transforms: transform ? [transform as Asc.Transform] : [],
    },
  );
  const { error } = await compiling.catch((thrown: unknown) => {
    // What Binaryen throws is no Error and says nothing; asc prints some of its own crashes.
    throw thrown instanceof Error
      ? thrown
      : new CompileError(
          `the compiler crashed; an exported @inline constant in assembly/index.ts does that\n${said}`,
        );
  });
  if (error) throw new CompileError(said.trim());
  // What is left to say are warnings, and a line about --converge that nothing follows from.
  process.stderr.write(said.replace('Last converge was suboptimal.\n', ''));
  return files;
}

/** The library under the compiler, which the compiler has loaded already. */
export async function loadBinaryen(): Promise<typeof Binaryen> {
  return (await import('assemblyscript/binaryen')).default;
}

/** Loaded only when something is compiled: an installed package works without the compiler. */
async function loadCompiler(): Promise<typeof Asc> {
  try {
    return await import('assemblyscript/asc');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
      throw new Complaint('limpet build needs the compiler: npm i -D assemblyscript@0.28.20');
    }
    throw error;
  }
}

/** asc adds the entries of a configuration to those that it is given. */
function withoutEntries(config: string): string {
  return JSON.stringify({ ...(JSON.parse(config) as object), entries: [] });
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function listSources(folder: string): string[] | null {
  try {
    return readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
  } catch {
    return null;
  }
}
