// test/vectors/*.md → every vector, whole, byte by byte and in two at every cut, on every profile it
// is for, as it ships and with its checks: the log is what the vector says, each time.
//
// Inputs of more than 160 bytes are not cut everywhere: see test/support/cuts.ts. Pieces lie at the
// beginning of the ingress region and flush at its end, by turns.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CORES } from './support/cores.js';
import { cuttings } from './support/cuts.js';
import { Driver } from './support/driver.js';
import { inputLength, runVector } from './support/vector-run.js';
import { readVectors, type Vector } from './support/vector.js';

const FOLDER = 'test/vectors';
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.md') && name !== 'README.md');
/** One instance per core: vectors leave it empty. A vector that fails makes a new one. */
const drivers = new Map<string, Driver>();

for (const file of files) {
  describe(file, () => {
    for (const vector of readVectors(join(FOLDER, file))) {
      it(vector.title, () => {
        runEverywhere(vector);
      });
    }
  });
}

function runEverywhere(vector: Vector): void {
  const ways = cuttings(inputLength(vector), vector.cuts);
  for (const core of CORES) {
    if (!vector.profiles.includes(core.profile)) continue;
    if (vector.needs.some((feature) => core.lacks.has(feature))) continue;
    let driver = drivers.get(core.name) ?? new Driver(core.path);
    drivers.delete(core.name);
    for (const way of ways) {
      // After a shutdown no session begins.
      if (vector.shutdown) driver = new Driver(core.path);
      const place = way.flush ? ', flush at the end of the ingress region' : '';
      const where = `${vector.file}:${vector.line} on ${core.name}, ${way.name}${place}`;
      // The check walks over the whole arena: on the largest after each call of one way to cut only.
      driver.checks = !core.profile.startsWith('server') || (way.points.length !== 1 && way.flush);
      const log = runVector(vector, driver, way);
      assert.equal(log.join('\n'), vector.log.join('\n'), where);
    }
    if (!vector.shutdown) drivers.set(core.name, driver);
  }
}
