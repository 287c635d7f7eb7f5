// test/assembly/**/*.spec.ts, unit specs in AssemblyScript → as-pect → one test here.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const ASPECT = 'node_modules/@as-pect/cli/lib/test.js';
const CONFIG = 'test/assembly/as-pect.asconfig.json';

test('unit specs of assembly/ (as-pect)', (t) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--enable-source-maps', ASPECT, '--as-config', CONFIG, '--summary'],
    { encoding: 'utf8' },
  );
  // as-pect tells which spec failed on stderr, and begins stdout with its logo.
  assert.equal(
    status,
    0,
    `as-pect failed\n${stderr}${stdout.slice(stdout.indexOf('Using config'))}`,
  );
  const [, passed, all] = /\[Tests\]: (\d+) \/ (\d+)/.exec(stdout) ?? [];
  assert.equal(passed, all);
  assert.ok(Number(all) > 0, 'as-pect found no spec');
  t.diagnostic(`as-pect: ${passed} of ${all} specs passed`);
});
