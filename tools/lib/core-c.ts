// build/limpet-server.wasm → build/limpet_core.c, the core for who has no wasm2c and no WASM engine: one
// file that needs limpet_core.h and a C compiler.
//
//   host/native/engine/wasm2c.c, wasm-rt.c   what they include is put in their place
//   what wasm2c makes of the module          comes last, so that its macros reach nothing of ours

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { memoryOf } from '../check-wasm.js';
import type { Abi } from './abi-model.js';
import { Complaint } from './complaint.js';
import { nounVerb } from './abi-c.js';
import { EXPORT_KINDS, readWasm } from './wasm.js';

export const CORE_C = {
  out: 'build/limpet_core.c',
  wasm: 'build/limpet-server.wasm',
  engine: 'host/native/engine',
};

/** What stays an include: it lies beside the file. */
const BESIDE = 'limpet_core.h';

/** What `wasm2c --version` says; undefined where there is no wasm2c. */
export function wasm2cVersion(): string | undefined {
  const { error, status, stdout } = spawnSync('wasm2c', ['--version'], { encoding: 'utf8' });
  return error || status !== 0 ? undefined : stdout.trim();
}

/** Writes build/limpet_core.c by the wasm2c of that version. */
export function emitCoreC(abi: Abi, version: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-'));
  try {
    const code = join(folder, 'limpet-module-code.c');
    const { status, stderr } = spawnSync('wasm2c', [CORE_C.wasm, '-n', 'limpet', '-o', code], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Complaint(`${CORE_C.wasm}: wasm2c refuses it\n${stderr.trim()}`);
    writeFileSync(join(folder, 'limpet-module.h'), moduleHeader(abi, `${code.slice(0, -1)}h`));
    const files = new Merged([folder, CORE_C.engine]);
    const text = [
      preface(abi, version),
      files.text('wasm2c.c'),
      files.text('wasm-rt.c'),
      QUIET,
      files.text('limpet-module-code.c'),
    ].join('\n');
    writeFileSync(CORE_C.out, text);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** limpet-module.h, which host/native/cmake/wasm2c.cmake writes where CMake builds. */
function moduleHeader(abi: Abi, codeHeader: string): string {
  const bytes = readFileSync(CORE_C.wasm);
  const has = new Set(
    readWasm(bytes).exports.map(({ name, kind }) => kind === EXPORT_KINDS[0] && name),
  );
  const rows = (wanted: boolean) =>
    abi.functions
      .filter(({ name }) => has.has(name) === wanted)
      .map(({ name, params }) => ` \\\n  X(${nounVerb(name)}, ${params.length})`)
      .join('');
  const z = readFileSync(codeHeader, 'utf8').includes('Z_limpet_instance_t');
  return [
    '/* What wasm2c found in the module. */',
    `#define LIMPET_MODULE_Z ${z ? 1 : 0}`,
    `#define LIMPET_MODULE_MEMORY ${memoryOf(bytes).staticEnd}u`,
    `#define LIMPET_MODULE_CALLS(X)${rows(true)}`,
    `#define LIMPET_MODULE_LACKS(X)${rows(false)}\n`,
  ].join('\n');
}

const preface = (
  { name, version }: Abi,
  wasm2c: string,
) => `/* The core of ${name} ${version} in C: all of ${BESIDE}, and nothing else is needed.
 *
 *   cc -c -O2 limpet_core.c
 *   cc -c -O2 -DLIMPET_GUARD=1 limpet_core.c    guard pages in place of bounds checks: faster, 64 bits, POSIX
 *
 * Made by npm run build of host/native/engine/ and of what wasm2c ${wasm2c} of wabt (Apache License 2.0) makes
 * of ${basename(CORE_C.wasm)}: do not edit. */

#if defined(LIMPET_GUARD) && LIMPET_GUARD && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE 1
#endif
`;

/** wasm2c's code has functions for what the core does not do. */
const QUIET = `
#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wunused-label"
#pragma GCC diagnostic ignored "-Wunused-value"
#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#endif
`;

/** Files with the local files that they include, each of these once. */
class Merged {
  readonly #seen = new Set<string>();

  constructor(readonly folders: string[]) {}

  text(name: string): string {
    this.#seen.add(name);
    return this.#read(name).replace(/^#include "([^"]+)"\n/gm, (line, file: string) => {
      if (file === BESIDE) return line;
      return this.#seen.has(file) ? '' : this.text(file);
    });
  }

  #read(name: string): string {
    for (const folder of this.folders) {
      try {
        return readFileSync(join(folder, name), 'utf8');
      } catch {
        // In the other folder, then.
      }
    }
    throw new Complaint(`${name}: not in ${this.folders.join(' or ')}`);
  }
}
