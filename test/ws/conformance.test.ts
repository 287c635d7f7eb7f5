// limpet/ws on a port of its own, and through `handleUpgrade` of what node:http has parsed → all cases of
// test/conformance: none FAILED, none NON-STRICT.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineOf, tableOf } from '../conformance/report.js';
import { runConformance, selectCases } from '../conformance/run.js';
import { Child } from '../host/support/child.js';

const ECHO = 'test/ws/support/echo.mjs';

/**
 * What node:http does not hand on as an upgrade, so that nobody is asked: a tab before a value, and heads
 * that are too long, where its answer may be lost because it does not read the rest.
 */
const NOT_HANDED_ON = /^values between tabs$|of 100 KiB|of 2,000 lines/;

for (const mode of ['port', 'http']) {
  for (const perMessageDeflate of [false, true]) {
    test(`${mode}, ${perMessageDeflate ? '' : 'no '}permessage-deflate: every case`, async (t) => {
      const child = new Child(t, [ECHO, mode, JSON.stringify({ perMessageDeflate })]);
      const isOurs = ({ title }: { title: string }) =>
        mode === 'port' || !NOT_HANDED_ON.test(title);
      const cases = selectCases().filter(isOurs);
      const report = await runConformance(`ws://127.0.0.1:${await child.port()}/`, {
        quiet: true,
        filter: cases.map(({ id }) => id).join(),
        requireDeflate: perMessageDeflate,
      });
      t.diagnostic(tableOf(report.results));
      const bad = report.results.filter(
        ({ verdict }) => verdict === 'FAILED' || verdict === 'NON-STRICT',
      );
      assert.deepEqual(bad.map(lineOf), []);
      assert.equal(report.results.length, cases.length);
    });
  }
}
