// host/native/limpet.h → each of its functions is called with bad input, and documented.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const HEADER = 'host/native/limpet.h';
const TESTS = ['test/native/bad_input_test.c', 'test/native/bad_input_session_test.c'];
const header = readFileSync(HEADER, 'utf8');

/** Names of the functions that limpet.h declares. */
const functions = Array.from(
  header.matchAll(/^LIMPET_API [^;(]*?\b(limpet_\w+)\(/gm),
  ([, name]) => name,
);

test('every function of limpet.h is called with bad input', () => {
  assert.ok(functions.length > 140, `${functions.length} functions`);
  const text = TESTS.map((path) => readFileSync(path, 'utf8')).join('');
  // CHECK_CALLBACK(connect) calls limpet_server_set_on_connect.
  const callbacks = Array.from(
    text.matchAll(/CHECK_CALLBACK\((\w+)\)/g),
    ([, name]) => `limpet_server_set_on_${name}`,
  );
  const called = new Set([
    ...Array.from(text.matchAll(/\b(limpet_\w+)\(/g), ([, name]) => name),
    ...callbacks,
  ]);
  assert.deepEqual(
    functions.filter((name) => !called.has(name)),
    [],
  );
});

test('every function of limpet.h has a line about it', () => {
  // A comment above it, or above the block of its kin that it stands in.
  const blocks = header.split(/\n\s*\n/).filter((block) => /^LIMPET_API /m.test(block));
  const without = blocks.filter((block) => !block.includes('/*'));
  assert.deepEqual(without, []);
});
