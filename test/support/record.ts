// All vectors of a profile, each in some ways to cut it → a trace of what V8 made of them.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CORES, type ProfileName } from './cores.js';
import { cuttings, type Cutting } from './cuts.js';
import { Recorder, Tape } from './recorder.js';
import { inputLength, runVector } from './vector-run.js';
import { readVectors, type Vector } from './vector.js';

const FOLDER = 'test/vectors';

/** Writes the trace; returns how many vectors are in it. */
export function record(profile: ProfileName, path: string): number {
  const core = CORES.find((one) => one.profile === profile && !one.debug);
  if (!core) throw new Error(`no core ${profile}: npm run build`);
  const tape = new Tape(path);
  let recorder = new Recorder(core.path, tape);
  let count = 0;
  for (const vector of vectors()) {
    if (!vector.profiles.includes(profile)) continue;
    if (vector.needs.some((feature) => core.lacks.has(feature))) continue;
    for (const way of waysOf(vector)) {
      // After a shutdown no session begins.
      if (vector.shutdown) recorder = new Recorder(core.path, tape);
      const log = runVector(vector, recorder, way).join('\n');
      if (log !== vector.log.join('\n')) throw new Error(`${vector.file}:${vector.line}:\n${log}`);
    }
    recorder.mark(`${vector.file}:${vector.line}`);
    if (vector.shutdown || hogs(vector)) recorder = new Recorder(core.path, tape);
    count++;
  }
  tape.close();
  return count;
}

function vectors(): Vector[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.md') && name !== 'README.md');
  return files.flatMap((file) => readVectors(join(FOLDER, file)));
}

/** Whether a vector fills the arena, all of which would then be looked through again and again. */
function hogs({ stages }: Vector): boolean {
  return stages.some((stage) => stage.kind === 'do' && stage.line.startsWith('hog'));
}

/** Whole, byte by byte, and in two in the middle: the engine is under test here, not the cuts. */
function waysOf(vector: Vector): Cutting[] {
  const all = cuttings(inputLength(vector), vector.cuts);
  return [0, 3, (all.length + 4) >> 1].flatMap((index) => all[index] ?? []);
}
