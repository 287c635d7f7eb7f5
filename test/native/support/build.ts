// An engine, or a sanitizer → host/native, built with cmake in a folder of its own.
//
// A folder is configured once and shared by all tests: cmake makes what is older than its sources. Tests run one
// file at a time, so that no two builds meet.

import { execFile, type ExecFileException } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

/** How host/native may be built. */
export type Kind = 'wasm2c' | 'wamr' | 'bounds' | 'asan' | 'tsan' | 'micro' | 'nano';

interface Recipe {
  folder: string;
  flags: string[];
  /** Programs, and the Debian packages that they come with. */
  needs: Record<string, string>;
}

const NEEDS = { cmake: 'cmake', wasm2c: 'wabt' };

/** A core of another profile, without what tests of the server profile ask for. */
const small = (profile: string): Recipe => ({
  folder: `build/native-${profile}`,
  flags: [
    `-DLIMPET_WASM=${resolve(`build/limpet-${profile}.wasm`)}`,
    '-DLIMPET_TESTS=OFF',
    '-DLIMPET_TLS=OFF',
  ],
  needs: NEEDS,
});

const RECIPES: Record<Kind, Recipe> = {
  wasm2c: { folder: 'build/native', flags: [], needs: NEEDS },
  wamr: {
    folder: 'build/native-wamr',
    flags: ['-DLIMPET_ENGINE=wamr'],
    needs: { cmake: 'cmake', cargo: 'cargo' },
  },
  // Guard pages are a SIGSEGV that the engine expects: sanitizers and valgrind do not. No warning passes here.
  bounds: {
    folder: 'build/native-bounds',
    flags: ['-DLIMPET_GUARD=OFF', '-DCMAKE_C_FLAGS=-Werror', '-DCMAKE_CXX_FLAGS=-Werror'],
    needs: NEEDS,
  },
  asan: {
    folder: 'build/native-asan',
    flags: ['-DLIMPET_GUARD=OFF', '-DLIMPET_SANITIZE=address,undefined'],
    needs: NEEDS,
  },
  tsan: {
    folder: 'build/native-tsan',
    flags: ['-DLIMPET_GUARD=OFF', '-DLIMPET_SANITIZE=thread'],
    needs: NEEDS,
  },
  micro: small('micro'),
  nano: small('nano'),
};

/** The engines, each behind the same tests. */
export const ENGINES: readonly Kind[] = ['wasm2c', 'wamr'];

/** A build of everything on a busy machine with two cores. */
const BUILD_MS = 900_000;

/** Where a program is, '' for nowhere. */
export function find(program: string): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const at = folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
  return at ?? '';
}

/** Whether a test of these programs cannot be, and which one is missing. */
export function skipped(needs: Record<string, string>): string | false {
  const missing = Object.entries(needs).find(([program]) => find(program) === '');
  return missing ? `skipped: needs ${missing[0]} (${missing[1]})` : false;
}

/** The same for a build, and what else a test needs. */
export function skips(kind: Kind, needs: Record<string, string> = {}): string | false {
  return skipped({ ...RECIPES[kind].needs, ...needs });
}

/** Runs a program to its end, within a bound; returns what it printed, both streams. */
export function run(program: string, args: string[], timeout = 60_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const told = (error: ExecFileException | null, stdout: string, stderr: string) => {
      const printed = stdout + stderr;
      if (!error) resolve(printed);
      else reject(new Error(`${program} ${args.join(' ')}: ${error.message}\n${printed}`));
    };
    execFile(program, args, { timeout, killSignal: 'SIGKILL', maxBuffer: 64 << 20 }, told);
  });
}

const builds = new Map<Kind, Promise<string>>();

/** Builds host/native of this kind, or what of it is not up to date; returns its folder. */
export function built(kind: Kind): Promise<string> {
  const under = builds.get(kind) ?? make(RECIPES[kind]);
  builds.set(kind, under);
  return under;
}

async function make({ folder, flags }: Recipe): Promise<string> {
  const fresh = !existsSync(join(folder, 'CMakeCache.txt'));
  const generator = fresh && find('ninja') ? ['-G', 'Ninja'] : [];
  await run('cmake', ['-S', 'host/native', '-B', folder, ...generator, ...flags], BUILD_MS);
  const jobs = String(availableParallelism());
  await run('cmake', ['--build', folder, '--parallel', jobs], BUILD_MS);
  return folder;
}
