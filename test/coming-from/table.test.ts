// docs/coming-from.md → every test, function, option, member and event that its tables name exists.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createServer } from '../../host/node/index.js';
import { next } from '../host/support/serving.js';
import { joining } from './support/joining.js';

const PAGE = 'docs/coming-from.md';
const page = readFileSync(PAGE, 'utf8');

interface Row {
  line: number;
  /** Theirs, Limpet's in C and in Node, the tests. */
  cells: string[];
}

const rows: Row[] = page
  .split('\n')
  .map((text, index) => ({ line: index + 1, cells: text.split('|').map((cell) => cell.trim()) }))
  .filter(({ cells }) => cells.length === 6 && !/^-+$/.test(cells[1] ?? ''))
  .map(({ line, cells }) => ({ line, cells: cells.slice(1, 5) }))
  .filter(({ cells }) => cells[1] !== 'Limpet in C');

/** What stands in code style in a cell. */
const codes = (cell = '') => Array.from(cell.matchAll(/`([^`]+)`/g), ([, code]) => code);

/** `[name]: path` at the end of the page. */
const files = new Map(
  Array.from(page.matchAll(/^\[([\w-]+)\]: \.\.\/(\S+)$/gm), ([, name, path]) => [name, path]),
);

/** The tests that a cell names. */
const listed = (cell = '') =>
  Array.from(cell.matchAll(/`([^`]+)` \[([\w-]+)\]/g), ([, name, file]) => ({
    name,
    path: files.get(file) ?? `an unknown [${file}]`,
  }));

/** What names a test in a file: the title of a vector, a function in C, what is given to `test`. */
function patternOf(path: string): RegExp {
  if (path.endsWith('.md')) return /^## (.+)$/gm;
  if (path.endsWith('.c')) return /^static void ((?:test|check)_\w+)\(/gm;
  return /^\s*(?:test|it)\(\s*'((?:[^'\\]|\\.)*)',/gm;
}

function namesIn(path: string): Set<string> {
  const names = readFileSync(path, 'utf8').matchAll(patternOf(path));
  return new Set(Array.from(names, ([, name]) => name.replaceAll("\\'", "'").trim()));
}

const OWN = ['dmsc', 'dmsc-usage', 'api-zig', 'facil-io'].map(
  (name) => `test/coming-from/${name}.test.ts`,
);

test('every test that is listed exists under that name in that file', () => {
  assert.ok(rows.length > 100, `${rows.length} rows`);
  const known = new Map<string, Set<string>>();
  for (const { line, cells } of rows) {
    for (const { name, path } of listed(cells[3])) {
      const names = known.get(path) ?? namesIn(path);
      known.set(path, names);
      assert.ok(names.has(name), `${PAGE}:${line}: ${path} has no test "${name}"`);
    }
  }
});

test('every line has a test', () => {
  const without = rows.filter(({ cells }) => listed(cells[3]).length === 0);
  assert.deepEqual(
    without.map(({ cells }) => cells[0]),
    [],
  );
});

test('every test of these files is listed', () => {
  const all = new Set(rows.flatMap(({ cells }) => listed(cells[3]).map(({ name }) => name)));
  for (const path of OWN) {
    const names = namesIn(path);
    assert.ok(names.size > 5, path);
    for (const name of names) assert.ok(all.has(name), `${PAGE} does not list "${name}"`);
  }
});

test('every function and constant of limpet.h and of the core that is named exists', () => {
  const abi = JSON.parse(readFileSync('build/limpet.abi.json', 'utf8')) as {
    functions: { name: string }[];
    enums: Record<string, { members: Record<string, unknown> }>;
  };
  const functions = new Set(abi.functions.map(({ name }) => name));
  const members = new Set(Object.values(abi.enums).flatMap((one) => Object.keys(one.members)));
  const header = readFileSync('host/native/limpet.h', 'utf8');
  const constants = header + readFileSync('build/limpet_core.h', 'utf8');
  const declared = new Set(
    Array.from(header.matchAll(/^LIMPET_API [^;(]*?\b(limpet_\w+)\(/gm), ([, name]) => name),
  );
  let seen = 0;
  for (const { line, cells } of rows) {
    const where = (code: string) => `${PAGE}:${line}: ${code}`;
    const [own = '', core] = cells[1].split('core: ');
    // api.zig has no call of limpet.h beside the core's.
    const isCore = core === undefined && cells[3].includes('[zig]');
    for (const code of codes(isCore ? '' : own)) {
      if (code.startsWith('limpet_')) assert.ok(declared.has(code), where(code));
      seen++;
    }
    for (const [code] of own.matchAll(/\bLIMPET_\w+/g))
      assert.ok(constants.includes(code), where(code));
    for (const code of codes(isCore ? own : core)) {
      if (code.startsWith('limpet_')) assert.ok(functions.has(code), where(code));
      if (/^[A-Z_]+$/.test(code)) assert.ok(members.has(code), where(code));
    }
  }
  assert.ok(seen > 100, `${seen} calls of limpet.h`);
});

test('every member, option and event of the Node host that is named exists', async (t) => {
  const { server, join } = await joining(t);
  const opened = next(server, 'open');
  await join();
  const [socket, request] = await opened;
  const things: Record<string, object> = { server, socket, request };
  const [, events = ''] =
    /interface ServerEvents \{(.*?)\n\}/s.exec(readFileSync('host/node/server.ts', 'utf8')) ?? [];
  let seen = 0;
  for (const { line, cells } of rows) {
    for (const code of codes(cells[2])) {
      const where = `${PAGE}:${line}: ${code}`;
      const [, owner, member] = /^(server|socket|request)\.(\w+)/.exec(code) ?? [];
      const [, event] = /^'(\w+)'$/.exec(code) ?? [];
      if (owner) assert.ok(member in things[owner], where);
      else if (event) assert.ok(events.includes(`\n  ${event}: [`), where);
      else if (/^\w+$/.test(code)) createServer({ profile: 'micro', [code]: undefined });
      else continue;
      seen++;
    }
  }
  assert.ok(seen > 100, `${seen} names`);
});
