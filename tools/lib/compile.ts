// A profile → the proven core of that profile in a file. Used by `npm run build` and `limpet build`.
//
// The proof that the core allocates nothing has four layers: the compiler with a runtime that
// refuses, the same bytes without that runtime, a look at every instruction of the file, and
// ESLint on the sources (tools/lib/lint-assembly.ts, where there is ESLint).

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkWasm } from '../check-wasm.js';
import type { Abi } from './abi-model.js';
import { compile, CompileError, memoryPages, type Compilation } from './asc.js';
import { Complaint } from './complaint.js';
import { findAllocations } from './culprit.js';
import { isFeature, type Profile } from './profile.js';

export interface BuildOptions {
  /** Folder of package.json, asconfig.json and assembly/; build/limpet.abi.json is there too. */
  root: string;
  /** The .wasm file to write. */
  out: string;
  /** With SIMD and what comes with it, for V8; else MVP features only. */
  simd?: boolean;
}

/** Compiles a profile, proves that the module allocates nothing, and writes it. */
export async function buildProfile(profile: Profile, options: BuildOptions): Promise<Uint8Array> {
  const { root, out, simd = false } = options;
  const shipped: Compilation = { root, profile, simd, debug: false, deny: false };
  const denied: Compilation = { ...shipped, deny: true };
  const wasm = await complainingOf(out, denied, async () => {
    const pages = await memoryPages(denied);
    const [without, wasm] = [await compile(denied, pages), await compile(shipped, pages)];
    if (Buffer.compare(wasm, without) !== 0) {
      throw new Complaint(
        `${out}: differs from the build with assembly/rt/deny.ts at byte ` +
          `${firstDifference(wasm, without)}, so something of the runtime is in it`,
      );
    }
    return wasm;
  });
  prove(wasm, profile, options);
  write(out, wasm);
  return wasm;
}

/** The same with assertions, DEBUG, names and assembly/debug.ts. */
export async function buildDebug(profile: Profile, options: BuildOptions): Promise<Uint8Array> {
  const { root, out, simd = false } = options;
  const compilation: Compilation = { root, profile, simd, debug: true, deny: false };
  const wasm = await complainingOf(out, compilation, async () =>
    compile(compilation, await memoryPages(compilation)),
  );
  write(out, wasm);
  return wasm;
}

/** Turns the compiler's refusals into complaints. */
async function complainingOf<T>(
  out: string,
  compilation: Compilation,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    // All that the compiler said, many lines, is wanted; but of an allocation it only says that.
    if (!/User-defined: .allocation/.test(error.message)) {
      throw new Complaint(`${out}: the core does not compile\n${error.message}`);
    }
    const found = await findAllocations(compilation).catch(() => []);
    throw new Complaint(`${out}: allocation: ${found.join('; ') || error.message}`);
  }
}

function prove(wasm: Uint8Array, profile: Profile, options: BuildOptions): void {
  const { root, out, simd = false } = options;
  const abi = JSON.parse(readFileSync(join(root, 'build/limpet.abi.json'), 'utf8')) as Abi;
  const functions = abi.functions.filter(
    ({ feature }) => feature === undefined || (isFeature(feature) && profile[feature]),
  );
  const [first, ...more] = checkWasm(wasm, functions, simd);
  if (first) throw new Complaint([`${out}: ${first}`, ...more].join(`\nlimpet build: ${out}: `));
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 ? a.length : at;
}

function write(out: string, wasm: Uint8Array): void {
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, wasm);
}
