// Programs of people who use packages over `ws`: run as they are, and once more where every package gets
// limpet/ws for `ws` (alias.mjs) → the same lines.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { Child } from '../host/support/child.js';

const FOLDER = 'test/interop/programs';
const ALIAS = ['--import', './test/interop/alias.mjs'];

/** Programs that are run with arguments as well. */
const ARGUMENTS: Record<string, string[]> = { 'socket-io.mjs': ['', 'deflate'] };

async function run(t: TestContext, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Child(t, args).ended(30_000);
  assert.equal(code, 0, `${stdout}${stderr}`);
  return stdout;
}

for (const name of readdirSync(FOLDER)) {
  for (const argument of ARGUMENTS[name] ?? ['']) {
    test(`${name.replace('.mjs', '')} ${argument}`.trimEnd(), async (t) => {
      const program = [`${FOLDER}/${name}`, argument];
      const right = await run(t, program);
      assert.ok(right.split('\n').length > 3, right);
      assert.equal(await run(t, [...ALIAS, ...program]), right);
    });
  }
}

test('the alias is what import and require give', async (t) => {
  const program = `
    import { createRequire } from 'node:module';
    import WebSocket from 'ws';
    const require = createRequire(process.cwd() + '/package.json');
    console.log(import.meta.resolve('ws'), require.resolve('ws'), typeof WebSocket);`;
  const out = await run(t, [...ALIAS, '--input-type=module', '--eval', program]);
  assert.match(out, /build\/ws\.js .*build\/ws\.cjs function/);
});
