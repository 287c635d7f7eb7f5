// docs/from-ws.md names every difference that the scenarios show, and none that they do not.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DIFFERENT } from './same/different.js';

const page = readFileSync('docs/from-ws.md', 'utf8');
const named = [...page.matchAll(/\[((?:\w+): [^\]]+)\]/g)].map(([, title]) => title);

test('each difference of the scenarios is in docs/from-ws.md', () => {
  assert.deepEqual([...new Set(named)].sort(), Object.keys(DIFFERENT).sort());
});
