// Modules that are no core → what tools/check-wasm.ts says of their calls.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import binaryen from 'assemblyscript/binaryen';
import { checkWasm } from '../tools/check-wasm.js';

/** Complaints about the calls of a module in text. */
function complaints(text: string): string[] {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.MVP);
  const found = checkWasm(module.emitBinary(), [], false);
  return found.filter((line) => /recursion|table/.test(line));
}

describe('calls of a module', () => {
  it('may form no cycle', () => {
    const two = `(module (memory 1 1)
      (func $a (export "a") (param i32) (call $b (local.get 0)))
      (func $b (export "b") (param i32) (if (local.get 0) (then (call $a (i32.const 0))))))`;
    assert.deepEqual(complaints(two), ['recursion: a calls b calls a']);
    const self = '(module (memory 1 1) (func $a (export "a") (call $a)))';
    assert.deepEqual(complaints(self), ['recursion: a calls a']);
  });

  it('may meet again', () => {
    const text = `(module (memory 1 1)
      (func $a (export "a") (call $b) (call $c))
      (func $b (call $d)) (func $c (call $d)) (func $d (i32.store (i32.const 0) (i32.const 1))))`;
    assert.deepEqual(complaints(text), []);
  });

  it('go by no table', () => {
    const text = `(module (memory 1 1) (type $t (func)) (table 1 1 funcref)
      (func $a (export "a") (call_indirect (type $t) (i32.const 0))))`;
    assert.match(complaints(text).join(), /^calls through a table at byte \d+, in a$/);
  });

  it('form none in the cores', () => {
    for (const name of ['nano', 'micro', 'server', 'server-simd']) {
      const found = checkWasm(readFileSync(`build/limpet-${name}.wasm`), [], true);
      assert.deepEqual(
        found.filter((line) => /recursion|table/.test(line)),
        [],
        name,
      );
    }
  });
});
