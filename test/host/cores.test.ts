// `limpet memory` and `limpet build` → maps whose rows add up, and a core of one's own that serves.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { text } from '../conformance/frame.js';
import { limpet, serve } from './support/child.js';
import { Peer } from './support/peer.js';

/** Name, address and bytes of each row of a memory map. */
function rowsOf(map: string): Map<string, number[]> {
  const rows = map
    .split('\n')
    .map((line) => /^([a-z ]{11}) ([ \d]{10}) ([ \d]{10})  \S/.exec(line));
  return new Map(
    rows.flatMap((row) =>
      row ? [[row[1].trim(), [Number(row[2]), Number(row[3])]] as const] : [],
    ),
  );
}

for (const profile of ['nano', 'micro', 'server']) {
  test(`memory ${profile}: the rows add up to the total, without gaps`, async (t) => {
    const { code, stdout } = await limpet(t, 'memory', profile);
    assert.equal(code, 0);
    const rows = rowsOf(stdout);
    const [, total] = rows.get('total') ?? [];
    rows.delete('total');
    for (const name of ['sessions', 'arena', 'ingress', 'events', 'scratch']) {
      assert.ok((rows.get(name)?.[1] ?? 0) > 0, name);
    }
    const sum = [...rows.values()].reduce((before, [, bytes]) => before + bytes, 0);
    // Below address 16 nothing lies: a null pointer leads there.
    assert.equal(sum + 16, total);
    const file = profile === 'server' ? 'limpet-server-simd' : `limpet-${profile}`;
    assert.ok(stdout.includes(`${statSync(`build/${file}.wasm`).size} bytes of code`));
  });
}

test('build: a core with limits of one’s own, which serves', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const out = join(folder, 'three.wasm');
  const built = await limpet(t, 'build', '--from', 'nano', '--sessions', '3', '--out', out);
  assert.equal(built.code, 0, built.stderr);
  assert.match(built.stdout, /3 sessions of \d+/);
  const shown = await limpet(t, 'memory', out);
  assert.equal(shown.stdout, built.stdout);
  const { port } = await serve(t, '--echo', '--profile', out);
  const peers = await Promise.all([Peer.open(port), Peer.open(port), Peer.open(port)]);
  t.after(() => {
    for (const { transport } of peers) transport.destroy();
  });
  for (const [i, peer] of peers.entries()) {
    peer.write(text(`hello ${i}`));
    assert.equal(await peer.text(), `hello ${i}`);
  }
  const fourth = await Peer.connect(port);
  assert.notEqual(await fourth.overAs(), '');
});
