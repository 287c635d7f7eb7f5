// docs/coming-from.md, tables of three columns → every name of limpet.h and every test that they name exists.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const PAGE = 'docs/coming-from.md';
const page = readFileSync(PAGE, 'utf8');

interface Row {
  where: string;
  /** Theirs, Limpet's in C, the tests. */
  cells: [theirs: string, ours: string, tests: string];
}

const rows: Row[] = page
  .split('\n')
  .map((text, index) => ({ index, cells: text.split('|').map((cell) => cell.trim()) }))
  .filter(({ cells }) => cells.length === 5 && !/^-+$/.test(cells[1]) && cells[3] !== 'test')
  .map(({ index, cells }) => ({
    where: `${PAGE}:${index + 1}`,
    cells: [cells[1], cells[2], cells[3]],
  }));

/** `[name]: path` at the end of the page. */
const files = new Map(
  Array.from(page.matchAll(/^\[([\w-]+)\]: \.\.\/(\S+)$/gm), ([, name, path]) => [name, path]),
);

/** Functions of a program in C, tests of one in TypeScript, titles of vectors. */
function namesIn(path: string): Set<string> {
  const text = readFileSync(path, 'utf8');
  const names = path.endsWith('.c')
    ? text.matchAll(/^static \w+ (\w+)\(/gm)
    : path.endsWith('.md')
      ? text.matchAll(/^## (.+)$/gm)
      : text.matchAll(/^\s*(?:test|it)\(\s*'((?:[^'\\]|\\.)*)',/gm);
  return new Set(Array.from(names, ([, name]) => name));
}

test('every line has tests, and they exist under their names', () => {
  assert.ok(rows.length > 20, `${rows.length} rows`);
  for (const { where, cells } of rows) {
    const listed = [...cells[2].matchAll(/`([^`]+)` \[([\w-]+)\]/g)];
    assert.ok(listed.length > 0, `${where}: no test`);
    for (const [, name, file] of listed) {
      const path = files.get(file);
      assert.ok(path, `${where}: [${file}]`);
      assert.ok(namesIn(path).has(name), `${where}: ${path} has no "${name}"`);
    }
  }
});

test('every name of limpet.h that is named exists', () => {
  const header =
    readFileSync('host/native/limpet.h', 'utf8') + readFileSync('build/limpet_core.h', 'utf8');
  let seen = 0;
  for (const { where, cells } of rows) {
    for (const [name] of cells[1].matchAll(/\b(?:limpet|LIMPET)_\w+/g)) {
      assert.match(header, new RegExp(`\\b${name}\\b`), `${where}: ${name}`);
      seen++;
    }
  }
  assert.ok(seen > 20, `${seen} names`);
});
