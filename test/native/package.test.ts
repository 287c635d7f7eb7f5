// `cmake --install` into a folder of its own → programs in C and C++ that find Limpet there, by pkg-config and by
// find_package, with the archive alone and with the shared library; and the folder is moved first.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { built, find, run, skips } from './support/build.js';

const SOURCE = `#include <limpet.h>
#include <limpet_core.h>
#include <stdio.h>

/* Names that the library has inside, too. */
int listen_open(void);
int listen_open(void) { return 1; }
int fail(void);
int fail(void) { return 2; }
int loop_new = 3;

int main(void) {
  if (listen_open() + fail() + loop_new != 6) return 1;
  limpet_core *core = limpet_core_new();
  if (core == NULL) return 1;
  int abi = limpet_core_abi_version(core);
  limpet_core_free(core);
  limpet_config *config = limpet_config_new();
  limpet_server *server = limpet_server_new(config);
  limpet_config_free(config);
  if (server == NULL) return 1;
  limpet_server_free(server);
  printf("%s %d, %s\\n", limpet_core_engine(), abi, limpet_strerror(LIMPET_ERROR_CODE_HANDLE));
  return abi == LIMPET_ABI_VERSION ? 0 : 1;
}
`;

const PROJECT = `cmake_minimum_required(VERSION 3.18)
project(Other C)
find_package(Limpet 0.1 REQUIRED)
add_executable(other main.c)
target_link_libraries(other PRIVATE Limpet::limpet)
if(TARGET Limpet::limpet_shared)
  add_executable(other_shared main.c)
  target_link_libraries(other_shared PRIVATE Limpet::limpet_shared)
endif()
`;

/** What the program prints: with an error's own words, so that more than the engine is linked. */
const SAYS = /^wasm2c 1, \S.+\n$/;

/** The shared library beside the archive: a build of its own, of position-independent code. */
async function builtShared(): Promise<string> {
  const folder = 'build/native-shared';
  const fresh = !existsSync(join(folder, 'CMakeCache.txt'));
  const generator = fresh && find('ninja') ? ['-G', 'Ninja'] : [];
  // As a distribution has it: a folder of the machine's kind.
  const libdir = '-DCMAKE_INSTALL_LIBDIR=lib/x86_64-linux-gnu';
  const flags = ['-DLIMPET_SHARED=ON', '-DLIMPET_TESTS=OFF', libdir];
  await run('cmake', ['-S', 'host/native', '-B', folder, ...generator, ...flags], 120_000);
  await run('cmake', ['--build', folder, '--parallel', '2'], 600_000);
  return folder;
}

const BUILDS: Record<string, () => Promise<string>> = {
  'the archive': () => built('wasm2c'),
  'the shared library, too': builtShared,
};

for (const [name, build] of Object.entries(BUILDS)) {
  describe(
    `an installation with ${name}`,
    { skip: skips('wasm2c', { 'pkg-config': 'pkg-config' }) },
    () => {
      const isShared = build === builtShared;
      const folder = mkdtempSync(join(tmpdir(), 'limpet-package-'));
      const at = (path: string) => join(folder, path);
      let libraries = '';

      before(async () => {
        await run('cmake', ['--install', await build(), '--prefix', at('first')]);
        renameSync(at('first'), at('prefix'));
        libraries =
          ['lib/x86_64-linux-gnu', 'lib64', 'lib']
            .map((one) => at(`prefix/${one}`))
            .find((one) => existsSync(join(one, 'liblimpet.a'))) ?? '';
        mkdirSync(at('other'));
        writeFileSync(at('other/main.c'), SOURCE);
        writeFileSync(at('other/CMakeLists.txt'), PROJECT);
      });
      after(() => {
        rmSync(folder, { recursive: true });
      });

      it('has headers, libraries, limpetd, and what finds them', () => {
        const files = ['liblimpet.a', 'pkgconfig/limpet.pc', 'cmake/Limpet/LimpetConfig.cmake'];
        if (isShared) files.push('liblimpet.so', 'liblimpet.so.0');
        const missing = [
          ...files.map((file) => join(libraries, file)),
          ...['include/limpet.h', 'include/limpet_core.h', 'bin/limpetd'].map((file) =>
            at(`prefix/${file}`),
          ),
        ].filter((file) => !existsSync(file));
        assert.deepEqual(missing, []);
      });

      for (const [compiler, language] of [
        ['gcc', 'c'],
        ['g++', 'c++'],
      ] as const) {
        it(`is found by pkg-config, for ${compiler}`, async () => {
          const env = `PKG_CONFIG_PATH=${join(libraries, 'pkgconfig')}`;
          const words = async (...args: string[]) =>
            (await run('env', [env, 'pkg-config', ...args, 'limpet'])).trim().split(/\s+/);
          const flags = await words('--cflags', '--libs');
          const program = at(`by-${compiler}`);
          const rpath = `-Wl,-rpath,${libraries}`;
          await run(compiler, [
            '-x',
            language,
            at('other/main.c'),
            '-x',
            'none',
            ...flags,
            rpath,
            '-o',
            program,
          ]);
          assert.match(await run(program, []), SAYS);
          assert.match((await words('--modversion')).join(), /^\d+\.\d+\.\d+$/);
          if (!isShared) return;
          // Everything inside, though there is a shared library: what --static says is needed, too.
          const all = (await words('--cflags', '--libs', '--static')).map((flag) =>
            flag === '-llimpet' ? '-l:liblimpet.a' : flag,
          );
          await run(compiler, [
            '-x',
            language,
            at('other/main.c'),
            '-x',
            'none',
            ...all,
            '-o',
            program,
          ]);
          assert.match(await run(program, []), SAYS);
        });
      }

      it('is found by find_package', async () => {
        await run('cmake', [
          '-S',
          at('other'),
          '-B',
          at('by-cmake'),
          `-DCMAKE_PREFIX_PATH=${at('prefix')}`,
        ]);
        await run('cmake', ['--build', at('by-cmake')]);
        for (const program of isShared ? ['other', 'other_shared'] : ['other']) {
          assert.match(await run(at(`by-cmake/${program}`), []), SAYS);
        }
      });
    },
  );
}
