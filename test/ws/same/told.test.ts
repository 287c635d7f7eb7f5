// What different.ts has, docs/from-ws.md tells of, and the other way.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DIFFERENT } from './different.js';

test('every scenario that comes out otherwise is named in docs/from-ws.md, and no other one', () => {
  const page = readFileSync('docs/from-ws.md', 'utf8');
  const named = new Set(Array.from(page.matchAll(/\[([a-z]+: [^\]]+)\]/g), ([, title]) => title));
  assert.deepEqual([...named].sort(), Object.keys(DIFFERENT).sort());
});
