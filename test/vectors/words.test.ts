// abi.ts → each counter of the StatsRecord is counted, each ErrorCode answered and each event told:
// by the vectors or, what none of them may do, by a core whose pools are emptied on purpose. A word
// that no code uses is found here.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { ErrorCode, EventKind, Opcode, StatsRecordTypes } from '../../build/limpet.abi.js';
import { CORES, type Core } from '../support/cores.js';
import { cuttings } from '../support/cuts.js';
import { Driver, errorName, Role } from '../support/driver.js';
import { subscribe } from '../support/rooms.js';
import { inputLength, runVector } from '../support/vector-run.js';
import { readVectors } from '../support/vector.js';

const FOLDER = 'test/vectors';
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.md') && name !== 'README.md');
const VECTORS = files.flatMap((file) => readVectors(join(FOLDER, file)));
const COUNTERS = Object.keys(StatsRecordTypes).filter((name) => name !== 'reserved');
/** Answers of calls, until one is an error: its name. */
const errorOf = (answer: () => number): string => {
  for (;;) {
    const code = answer();
    if (code < 0) return errorName(code);
  }
};

describe('the words of the ABI', () => {
  const counted = new Set<string>();
  const told: string[] = [];

  const look = (driver: Driver) => {
    for (const name of COUNTERS) if (driver.counter(name)) counted.add(name);
  };

  const runAll = ({ path, profile, lacks }: Core) => {
    let driver = new Driver(path);
    for (const vector of VECTORS) {
      if (!vector.profiles.includes(profile)) continue;
      if (vector.needs.some((feature) => lacks.has(feature))) continue;
      if (vector.shutdown) driver = new Driver(path);
      const [whole] = cuttings(inputLength(vector), vector.cuts);
      assert.ok(whole);
      told.push(...runVector(vector, driver, whole));
      look(driver);
      if (vector.shutdown) driver = new Driver(path);
    }
  };

  /** Takes all of each pool, and looks at what is in use then. */
  const empty = ({ path }: Core) => {
    const driver = new Driver(path);
    const { core, scratch } = driver;
    told.push(errorName(core.limpet_connect(scratch, 1, scratch, 1, 0, 0, 0, 0, 0)));
    // 0x1818: both directions keep a context of 2^8 bytes.
    const handles = [driver.attach(Role.SERVER, 0x1818)];
    told.push(errorOf(() => handles.push(driver.attach(Role.SERVER)) && (handles.at(-1) ?? 0)));
    const [first = 0] = handles;
    core.limpet_send(first, Opcode.BINARY, scratch, 100);
    core.limpet_prepare(Opcode.BINARY, scratch, 100);
    subscribe(driver, first, '+/a');
    let number = 0;
    const next = () => `${number++}`;
    told.push(
      errorOf(() => subscribe(driver, handles[number % 8] ?? 0, `${(number++ >> 3) % 12}`)),
      errorOf(() => subscribe(driver, first, next())),
      errorOf(() => {
        const [key = 0, length = 0] = driver.pass(next());
        return core.limpet_meta_set(first, key, length, 0, 0);
      }),
    );
    look(driver);
    driver.shutdown(1000);
    told.push(errorName(driver.open()));
    look(driver);
  };

  before(() => {
    const cores = CORES.filter(({ name }) => name === 'nano' || name === 'micro');
    assert.equal(cores.length, 2);
    for (const core of cores) runAll(core);
    for (const core of cores.filter(({ name }) => name === 'micro')) empty(core);
  });

  const neverTold = (words: object, except: string[]) => {
    const shown = told.join('\n').toUpperCase();
    return Object.keys(words).filter(
      (name) =>
        /\D/.test(name) && !except.includes(name) && !new RegExp(`\\b${name}\\b`).test(shown),
    );
  };

  it('each counter of the StatsRecord is counted', () => {
    assert.deepEqual(
      COUNTERS.filter((name) => !counted.has(name)),
      [],
    );
  });

  it('each ErrorCode is answered', () => {
    assert.deepEqual(neverTold(ErrorCode, ['NONE']), []);
  });

  it('each kind of event is told', () => {
    assert.deepEqual(neverTold(EventKind, ['NONE']), []);
  });
});
