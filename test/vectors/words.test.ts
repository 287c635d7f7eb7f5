// abi.ts → each of its counters, options, errors and events is one that some vector meets. A word
// that nothing in the core uses is found here.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { ErrorCode, EventKind, Option, StatsRecordTypes } from '../../build/limpet.abi.js';
import { CORES } from '../support/cores.js';
import { cuttings } from '../support/cuts.js';
import { Driver } from '../support/driver.js';
import { inputLength, runVector } from '../support/vector-run.js';
import { readVectors } from '../support/vector.js';

const FOLDER = 'test/vectors';
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.md') && name !== 'README.md');
const core = CORES.find(({ name }) => name === 'micro');

describe('the words of the ABI', () => {
  const counted = new Set<string>();
  const logs: string[] = [];

  before(() => {
    assert.ok(core);
    let driver = new Driver(core.path);
    for (const vector of files.flatMap((file) => readVectors(join(FOLDER, file)))) {
      if (!vector.profiles.includes('micro')) continue;
      if (vector.shutdown) driver = new Driver(core.path);
      const [whole] = cuttings(inputLength(vector), vector.cuts);
      assert.ok(whole);
      logs.push(...runVector(vector, driver, whole));
      for (const name of Object.keys(StatsRecordTypes)) {
        if (driver.counter(name)) counted.add(name);
      }
      if (vector.shutdown) driver = new Driver(core.path);
    }
  });

  it('each counter of the StatsRecord is counted', () => {
    const never = Object.keys(StatsRecordTypes).filter((name) => !counted.has(name));
    assert.deepEqual(never, ['reserved']);
  });

  it('each ErrorCode is answered', () => {
    const shown = logs.join('\n');
    const names = Object.keys(ErrorCode).filter((name) => Number.isNaN(Number(name)));
    console.log(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(shown)));
  });

  it('events', () => {
    const shown = logs.join('\n').toUpperCase();
    const names = Object.keys(EventKind).filter((name) => Number.isNaN(Number(name)));
    console.log(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(shown)));
    const text = files.map((file) => readFileSync(join(FOLDER, file), 'utf8')).join('\n').toUpperCase();
    const options = Object.keys(Option).filter((name) => Number.isNaN(Number(name)));
    console.log(options.filter((name) => !new RegExp(`\\b${name}=`).test(text)));
  });
});
