// `limpet serve --echo` in each profile, with permessage-deflate, and under TLS → all cases of
// test/conformance: none FAILED, none NON-STRICT.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateFiles } from '../support/certificate.js';
import { lineOf, tableOf } from '../conformance/report.js';
import { runConformance, selectCases } from '../conformance/run.js';
import { serve } from '../host/support/child.js';

/** Cases at once that use more connections than a small pool has. */
const MANY_CONNECTIONS = [
  '100 connections at once keep their messages apart',
  '100 connections reset at once, then one that works',
];

/** What a profile's limits rule out, by the titles of the cases; all else has to hold everywhere. */
const BEYOND = new Map([
  ['server', []],
  // 16 sessions.
  ['micro', MANY_CONNECTIONS],
  [
    'nano',
    [
      // 4 sessions; this one opens 8 connections at a time.
      ...MANY_CONNECTIONS,
      'head and two frames in two writes, at every cut',
      // A head of 1.7 KB; nano refuses those of more than 1 KiB.
      '30 header lines of no interest',
    ],
  ],
]);

for (const [profile, beyond] of BEYOND) {
  test(`${profile}: every case`, async (t) => {
    const { port } = await serve(t, '--echo', '--quiet', '--profile', profile);
    const cases = selectCases().filter(({ title }) => !beyond.some((other) => other === title));
    assert.equal(cases.length, selectCases().length - beyond.length, 'the titles above are cases');
    const report = await runConformance(`ws://127.0.0.1:${port}/`, {
      quiet: true,
      filter: cases.map(({ id }) => id).join(),
      // Small cores are given one case at a time: memory is shared, and a head for which there is none
      // left is answered with 503, as it should be.
      concurrency: profile === 'server' ? 4 : 1,
    });
    t.diagnostic(`${profile}\n${tableOf(report.results)}`);
    const bad = report.results.filter(
      ({ verdict }) => verdict === 'FAILED' || verdict === 'NON-STRICT',
    );
    assert.deepEqual(bad.map(lineOf), []);
    assert.deepEqual([report.failed, report.nonStrict], [0, 0]);
    assert.equal(report.results.length, cases.length);
    assert.ok(cases.length >= 300, `${cases.length} cases`);
  });
}

/** Each with and without a window of its own; what is not agreed on fails where `--deflate` is plain. */
const DEFLATED: [flags: string[], filter: string, requireDeflate: boolean][] = [
  [['--deflate'], '', true],
  [['--deflate=1', '--deflate-threshold', '0', '--deflate-window', '9'], 'deflate', false],
  [['--deflate=9', '--deflate-threshold', '0', '--deflate-window', '15'], 'deflate', false],
  [['--deflate', '--deflate-threshold', '0', '--no-context-takeover'], 'deflate', false],
  [['--deflate', '--deflate-threshold', '0', '--profile', 'micro'], 'deflate', false],
];

for (const [flags, filter, requireDeflate] of DEFLATED) {
  test(`${flags.join(' ')}: every case${filter && ` of ${filter}`}`, async (t) => {
    const { port } = await serve(t, '--echo', '--quiet', ...flags);
    const report = await runConformance(`ws://127.0.0.1:${port}/`, {
      quiet: true,
      filter,
      requireDeflate,
      // A small core is given one case at a time, as above.
      concurrency: flags.includes('micro') ? 1 : 4,
    });
    t.diagnostic(`${flags.join(' ')}\n${tableOf(report.results)}`);
    const bad = report.results.filter(
      ({ verdict }) => verdict === 'FAILED' || verdict === 'NON-STRICT',
    );
    assert.deepEqual(bad.map(lineOf), []);
    assert.equal(report.results.length, selectCases(filter).length);
    // Few cases are about parameters that a server may decline; micro declines windows of 32 KiB.
    assert.ok(
      report.unimplemented < 0.25 * report.results.length,
      `${report.unimplemented} declined`,
    );
  });
}

test('under TLS, with permessage-deflate: every case', async (t) => {
  const { certFile, keyFile } = certificateFiles(t);
  const flags = ['--echo', '--quiet', '--deflate', '--tls-cert', certFile, '--tls-key', keyFile];
  const { port } = await serve(t, ...flags);
  const report = await runConformance(`wss://127.0.0.1:${port}/`, {
    quiet: true,
    requireDeflate: true,
  });
  t.diagnostic(tableOf(report.results));
  const bad = report.results.filter(
    ({ verdict }) => verdict === 'FAILED' || verdict === 'NON-STRICT',
  );
  assert.deepEqual(bad.map(lineOf), []);
  assert.equal(report.results.length, selectCases().length);
});
