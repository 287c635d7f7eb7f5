// limpetd with each engine, plain, with permessage-deflate, with threads and under TLS → all cases of
// test/conformance: none FAILED, none NON-STRICT.

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { lineOf, tableOf } from '../conformance/report.js';
import { runConformance, selectCases } from '../conformance/run.js';
import { certificateFiles } from '../support/certificate.js';
import { ENGINES, skips, type Kind } from './support/build.js';
import { limpetd } from './support/limpetd.js';

interface Run {
  flags: string[];
  filter?: string;
  /** Whether what is not agreed on fails. */
  requireDeflate?: boolean;
  secure?: boolean;
  /** Cases at a time. */
  concurrency?: number;
}

async function conforms(t: TestContext, kind: Kind, run: Run): Promise<void> {
  const { flags, filter = '', requireDeflate = false, secure = false, concurrency = 4 } = run;
  const { child, port } = await limpetd(t, kind, '--echo', '--quiet', ...flags);
  const url = `${secure ? 'wss' : 'ws'}://127.0.0.1:${port}/`;
  const report = await runConformance(url, { quiet: true, filter, requireDeflate, concurrency });
  t.diagnostic(`${[kind, ...flags].join(' ')}\n${tableOf(report.results)}`);
  const bad = report.results.filter(
    ({ verdict }) => verdict === 'FAILED' || verdict === 'NON-STRICT',
  );
  assert.deepEqual(bad.map(lineOf), []);
  const cases = selectCases(filter).length;
  assert.equal(report.results.length, cases);
  assert.ok(cases >= 100, `${cases} cases`);
  // Few cases are about parameters that a server may decline.
  if (requireDeflate) assert.equal(report.unimplemented, 0);
  child.kill('SIGTERM');
  const { code, stderr } = await child.ended();
  assert.deepEqual([code, stderr], [0, ''], 'it has nothing to complain about');
}

for (const kind of ENGINES) {
  const skip = skips(kind);
  test(`${kind}: every case`, { skip }, (t) => conforms(t, kind, { flags: [] }));
  test(`${kind}, permessage-deflate: every case`, { skip }, (t) =>
    conforms(t, kind, { flags: ['--deflate'], requireDeflate: true }),
  );
  test(`${kind}, small windows and no context: every case of deflate`, { skip }, (t) =>
    conforms(t, kind, {
      flags: [
        '--deflate=1',
        '--deflate-threshold',
        '0',
        '--deflate-window',
        '9',
        '--no-context-takeover',
      ],
      filter: 'deflate',
    }),
  );
}

test('wasm2c, four threads: every case', { skip: skips('wasm2c') }, (t) =>
  conforms(t, 'wasm2c', { flags: ['--deflate', '--threads', '4'], requireDeflate: true }),
);

test('wasm2c, under TLS: every case', { skip: skips('wasm2c') }, (t) => {
  const { certFile, keyFile } = certificateFiles(t);
  const flags = ['--deflate', '--tls-cert', certFile, '--tls-key', keyFile];
  // A handshake of mbedTLS takes a millisecond and more: cases with 200 of them have the machine for themselves.
  return conforms(t, 'wasm2c', { flags, requireDeflate: true, secure: true, concurrency: 1 });
});

/** Sanitizers are slow: cases that move many bytes are left to the engines above. */
const QUICK = '1,2,3,4,5,6,7';

test('AddressSanitizer and UBSan: the quick sections', { skip: skips('asan') }, (t) =>
  conforms(t, 'asan', { flags: ['--deflate'], filter: QUICK }),
);
