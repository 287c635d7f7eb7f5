// limpet/ws on a port of its own, and through `handleUpgrade` of what node:http has parsed → all cases of
// test/conformance: none FAILED, none NON-STRICT.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineOf, tableOf } from '../conformance/report.js';
import { runConformance, selectCases } from '../conformance/run.js';
import { Child } from '../host/support/child.js';

const ECHO = 'test/ws/support/echo.mjs';

for (const mode of ['port', 'http']) {
  for (const perMessageDeflate of [false, true]) {
    test(`${mode}, ${perMessageDeflate ? '' : 'no '}permessage-deflate: every case`, async (t) => {
      const child = new Child(t, [ECHO, mode, JSON.stringify({ perMessageDeflate })]);
      const report = await runConformance(`ws://127.0.0.1:${await child.port()}/`, {
        quiet: true,
        requireDeflate: perMessageDeflate,
      });
      t.diagnostic(tableOf(report.results));
      const bad = report.results.filter(
        ({ verdict }) => verdict === 'FAILED' || verdict === 'NON-STRICT',
      );
      assert.deepEqual(bad.map(lineOf), []);
      assert.equal(report.results.length, selectCases().length);
    });
  }
}
