// assembly/abi.ts, assembly/index.ts → build/limpet.abi.json → limpet_core.h and limpet.abi.ts
// beside it. The sources are parsed as TypeScript, which AssemblyScript's syntax is; nothing is
// type-checked.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { writeCHeader } from './lib/abi-c.js';
import { Complaint } from './lib/complaint.js';
import type { Abi } from './lib/abi-model.js';
import { readFunctions } from './lib/abi-functions.js';
import { readWords } from './lib/abi-words.js';
import { writeTypes } from './lib/abi-types.js';

export const ABI_FILES = ['build/limpet.abi.json', 'build/limpet_core.h', 'build/limpet.abi.ts'];

/** Reads the ABI out of the sources and writes its three files; only what changed is touched. */
export function emitAbi(root: string): Abi {
  const abi = readAbi(root);
  mkdirSync(join(root, 'build'), { recursive: true });
  const texts = [`${JSON.stringify(abi, null, 2)}\n`, writeCHeader(abi), writeTypes(abi)];
  const changed = ABI_FILES.filter((file, i) => writeIfChanged(join(root, file), texts[i] ?? ''));
  if (changed.includes('build/limpet_core.h')) checkCHeader(root, 'build/limpet_core.h');
  return abi;
}

function readAbi(root: string): Abi {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Abi;
  const { constants, enums, records } = readWords(parse(root, 'assembly/abi.ts'));
  const functions = readFunctions(parse(root, 'assembly/index.ts'));
  const abiVersion = constants.ABI_VERSION?.value;
  if (abiVersion === undefined) throw new Complaint('assembly/abi.ts: no ABI_VERSION');
  return { name, version, abiVersion, functions, constants, enums, records };
}

function parse(root: string, file: string): ts.SourceFile {
  return ts.createSourceFile(
    file,
    readFileSync(join(root, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
}

/** A file is left alone when it holds that text already, so that what depends on it stays fresh. */
function writeIfChanged(path: string, text: string): boolean {
  try {
    if (readFileSync(path, 'utf8') === text) return false;
  } catch {
    // Not there yet.
  }
  writeFileSync(path, text);
  return true;
}

/** Lets a C compiler read the header, where there is one. */
function checkCHeader(root: string, file: string): void {
  const flags = ['-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only', '-xc'];
  const { error, status, stderr } = spawnSync('gcc', [...flags, join(root, file)], {
    encoding: 'utf8',
  });
  if (!error && status !== 0) throw new Complaint(`${file}: gcc refuses it\n${stderr.trim()}`);
}
