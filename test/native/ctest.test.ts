// test/native/*_test.c, and whatever else ctest knows → one test each, with each engine.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { built, ENGINES, run, skips, type Kind } from './support/build.js';

/** What `ctest --show-only=json-v1` prints. */
interface Listing {
  tests: { name: string }[];
}

async function listed(folder: string): Promise<string[]> {
  const text = await run('ctest', ['--test-dir', folder, '--show-only=json-v1']);
  const { tests } = JSON.parse(text.slice(text.indexOf('{'))) as Listing;
  return tests.map(({ name }) => name);
}

/** Longer than ctest gives any of them. */
const TEST_MS = 620_000;

const exactly = (name: string) => `^${name.replace(/[^\w-]/g, '\\$&')}$`;

/** A sanitizer stops a program at the first thing that it finds. */
const KINDS: readonly Kind[] = [...ENGINES, 'asan', 'tsan'];

/** ThreadSanitizer has something to look at where there are threads. */
const THREADED = /thread|post|log_|libwebsockets|facil/;

for (const kind of KINDS) {
  test(`${kind}: every test of ctest`, { skip: skips(kind) }, async (t) => {
    const folder = await built(kind);
    const names = await listed(folder);
    assert.ok(names.length > 5, names.join());
    for (const name of names.filter((one) => kind !== 'tsan' || THREADED.test(one))) {
      await t.test(name, async () => {
        const args = ['--test-dir', folder, '-R', exactly(name), '--output-on-failure'];
        const printed = await run('ctest', args, TEST_MS);
        assert.match(printed, /100% tests passed/);
      });
    }
  });
}
