// examples/*.mjs, as they stand with `ws`, and with only the name in the import changed → the same lines.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Child } from '../host/support/child.js';

const FOLDER = 'examples';
const names = readdirSync(FOLDER).filter((name) => name.endsWith('.mjs'));

/** Within the repository, so that packages are found from there: `limpet` is this one. */
let changed = '';
before(() => {
  changed = mkdtempSync('build/examples-');
});
after(() => {
  rmSync(changed, { recursive: true });
});

/** The program with another package in its import, in ESM. */
function withLimpet(name: string): string {
  const source = readFileSync(join(FOLDER, name), 'utf8');
  const parts = source.split("from 'ws';");
  assert.equal(parts.length, 2, `${name} imports ws in one line`);
  const path = join(changed, name);
  writeFileSync(path, parts.join("from 'limpet/ws';"));
  return path;
}

/** The same in CommonJS, which has no await at the top. */
function withRequire(name: string): string {
  const source = readFileSync(join(FOLDER, name), 'utf8');
  const body = source
    .replace("from 'ws';", "from 'limpet/ws';")
    .replace(/^import (.*) from '(.*)';$/gm, (_, what: string, from: string) =>
      what
        .split(/, (?=\{)/)
        .map((one) => `const ${one} = require('${from}');`)
        .join('\n'),
    );
  const path = join(changed, name.replace('.mjs', '.cjs'));
  writeFileSync(path, `(async () => {\n${body}\n})();\n`);
  return path;
}

test('there are five of them', () => {
  assert.deepEqual(names.sort(), [
    'broadcast.mjs',
    'chat.mjs',
    'client.mjs',
    'heartbeat.mjs',
    'stream.mjs',
  ]);
});

for (const name of names) {
  test(`${name}: the same over ws and over limpet/ws`, async (t) => {
    const run = async (path: string) => {
      const { code, stdout, stderr } = await new Child(t, [path]).ended(20_000);
      return { code, stdout, stderr };
    };
    const right = await run(join(FOLDER, name));
    assert.deepEqual([right.code, right.stderr], [0, '']);
    assert.ok(right.stdout.split('\n').length > 3, right.stdout);
    assert.deepEqual(await run(withLimpet(name)), right);
    assert.deepEqual(await run(withRequire(name)), right);
  });
}
