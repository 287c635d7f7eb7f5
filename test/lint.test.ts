// The repository → `npm run lint`, as a test.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('ESLint, Prettier and tsc have nothing to say', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['tools/run.mjs', 'lint'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, `\n${stdout}${stderr}`);
});
