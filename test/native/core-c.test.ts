// build/limpet_core.c and limpet_core.h by themselves: every compiler takes them without a warning, in C and in
// C++, and what comes of it passes test/native/core_test.c. CMake builds with it where there is no wasm2c.

import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { find, run, skipped } from './support/build.js';

const FILES = [
  'build/limpet_core.c',
  'build/limpet_core.h',
  'test/native/core_test.c',
  'test/native/check.h',
];
const WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Werror'];
const C11 = ['-std=c11', ...WARNINGS];

/** A compiler, its flags, and the Debian package that it comes with. */
const COMPILERS: [string, string[], string][] = [
  ['gcc', [...C11, '-Wshadow', '-Wconversion'], 'gcc'],
  ['clang', C11, 'clang'],
  ['g++', ['-x', 'c++', '-std=c++11', '-Wall', '-Wextra', '-Werror'], 'g++'],
];

const without = existsSync(FILES[0] ?? '') ? false : 'skipped: needs wasm2c (wabt)';

describe('build/limpet_core.c', { skip: without }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-core-c-'));
  for (const file of without === false ? FILES : []) {
    copyFileSync(file, join(folder, file.replace(/.*\//, '')));
  }
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const at = (name: string) => join(folder, name);

  for (const [compiler, flags, of] of COMPILERS) {
    for (const guard of [0, 1]) {
      it(
        `${compiler}, guard pages ${guard}`,
        { skip: skipped({ [compiler]: of, gcc: 'gcc' }) },
        async () => {
          // The generated half converts as it likes.
          const own = flags.filter((flag) => flag !== '-Wconversion');
          const [object, test, program] = [at('core.o'), at('test.o'), at('program')];
          const define = `-DLIMPET_GUARD=${guard}`;
          await run(compiler, [...own, '-O1', define, '-c', at('limpet_core.c'), '-o', object]);
          await run('gcc', [...C11, '-D_GNU_SOURCE', '-c', at('core_test.c'), '-o', test]);
          await run('gcc', [test, object, '-pthread', '-lm', '-o', program]);
          assert.equal(await run(program, []), 'wasm2c: all is well\n');
        },
      );
    }

    it(`${compiler}: the header alone`, { skip: skipped({ [compiler]: of }) }, async () => {
      writeFileSync(
        at('header.c'),
        '#include "limpet_core.h"\n#include "limpet_core.h"\nint main(void) { return 0; }\n',
      );
      await run(compiler, [...flags, '-fsyntax-only', at('header.c')]);
    });
  }

  it('has what the module exports, each by its prototype', () => {
    const header = readFileSync('build/limpet_core.h', 'utf8');
    const calls = [...header.matchAll(/^ {2}X\((\w+), (\d)\)/gm)];
    assert.ok(calls.length > 60, String(calls.length));
    for (const [, name = '', count] of calls) {
      const prototype = new RegExp(
        `^LIMPET_CORE_API int32_t limpet_core_${name}\\(([^)]*)\\);`,
        'm',
      );
      const [, list = ''] = prototype.exec(header) ?? [];
      assert.equal(list.split(',').length - 1, Number(count), name);
    }
  });

  it('stands in for wasm2c', { skip: skipped({ cmake: 'cmake' }) }, async () => {
    const build = 'build/native-ready-made';
    mkdirSync(build, { recursive: true });
    const generator =
      existsSync(join(build, 'CMakeCache.txt')) || !find('ninja') ? [] : ['-G', 'Ninja'];
    const flags = ['-DLIMPET_WASM2C=OFF', '-DLIMPET_TLS=OFF'];
    const said = await run('cmake', ['-S', 'host/native', '-B', build, ...generator, ...flags]);
    assert.match(said, /There is no wasm2c: the core is build\/limpet_core\.c/);
    await run('cmake', ['--build', build, '--target', 'core_test'], 300_000);
    assert.equal(await run(join(build, 'test/native/core_test'), []), 'wasm2c: all is well\n');
  });
});
