// Every vector, as V8 runs it → the same calls on each engine: the same answers, the same events after each
// call, the same linear memory at the end of each vector. And a trace in which one thing is wrong is refused.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, describe, it } from 'node:test';
import { record } from '../support/record.js';
import { find, run, skipped } from './support/build.js';

const FOLDER = 'build/native-replay';
const PROFILES = ['nano', 'micro', 'server'] as const;
type Profile = (typeof PROFILES)[number];

const WASM2C = { cmake: 'cmake', wasm2c: 'wabt' };
const WAMR = { cmake: 'cmake', cargo: 'cargo' };

/** The engines in all their ways, and which cores each of them replays. */
const ENGINES: {
  name: string;
  flags: string[];
  needs: Record<string, string>;
  profiles: readonly Profile[];
}[] = [
  { name: 'wasm2c-guard', flags: ['-DLIMPET_GUARD=ON'], needs: WASM2C, profiles: PROFILES },
  { name: 'wasm2c-bounds', flags: ['-DLIMPET_GUARD=OFF'], needs: WASM2C, profiles: PROFILES },
  {
    name: 'wasm2c-sanitized',
    flags: ['-DLIMPET_GUARD=OFF', '-DLIMPET_SANITIZE=address,undefined'],
    needs: WASM2C,
    profiles: ['micro', 'server'],
  },
  { name: 'wamr-fast', flags: ['-DLIMPET_ENGINE=wamr'], needs: WAMR, profiles: PROFILES },
  {
    name: 'wamr-classic',
    flags: ['-DLIMPET_ENGINE=wamr', '-DLIMPET_WAMR_INTERPRETER=classic'],
    needs: WAMR,
    profiles: ['server'],
  },
];

const trace = (profile: Profile) => `${FOLDER}/${profile}.trace`;

/** The program `replay` over an engine with the core of a profile; folders are used again for the next. */
async function replayer(name: string, flags: string[], profile: Profile): Promise<string> {
  const folder = join(FOLDER, name);
  const generator = existsSync(folder) || !find('ninja') ? [] : ['-G', 'Ninja'];
  const wasm = `-DLIMPET_WASM=${resolve(`build/limpet-${profile}.wasm`)}`;
  await run(
    'cmake',
    ['-S', 'host/native', '-B', folder, ...generator, '-DLIMPET_TLS=OFF', wasm, ...flags],
    120_000,
  );
  await run('cmake', ['--build', folder, '--target', 'replay', '--parallel', '2'], 600_000);
  return join(folder, 'test/native/replay');
}

/** Puts something wrong into a trace; returns the number of the line at which a replay has to stop. */
const wrongTraces: Record<string, (lines: string[]) => number> = {
  'another answer': (lines) => {
    const at = lines.findIndex((line) => /^limpet_rx .* = [1-9]/.test(line));
    lines[at] = (lines[at] ?? '').replace(/ = \d+/, (answer) => `${answer}1`);
    return at + 1;
  },
  'other events': (lines) => {
    const at = lines.findIndex((line) => line.startsWith('limpet_rx '));
    lines[at] = (lines[at] ?? '').replace(/\w+$/, (hash) => (hash === '1' ? '2' : '1'));
    return at + 1;
  },
  'another byte': (lines) => {
    // The last of "Hello", RFC 6455 5.7, in the first vector of frames.md: an event points at it.
    const end = lines.findIndex((line) => /^memory .* frames\.md:/.test(line));
    const hello = /^set \d+ 818537fa213d7f9f4d5158$/;
    const at = lines.findLastIndex((line, i) => i < end && hello.test(line));
    lines[at] = (lines[at] ?? '').replace(/8$/, '9');
    return lines.findIndex((line, i) => i > at && line.startsWith('limpet_rx ')) + 1;
  },
  'other memory': (lines) => {
    const at = lines.findIndex((line) => line.startsWith('memory '));
    lines[at] = (lines[at] ?? '').replace(/^memory \w/, (word) => `${word}1`);
    return at + 1;
  },
  'a byte that no call tells of': (lines) => {
    // At the end of scratch: only the whole of memory shows it.
    const at = lines.findIndex((line) => line.startsWith('memory '));
    lines.splice(at, 0, 'set 8000 55');
    return at + 2;
  },
};

describe('the vectors on a native engine', () => {
  const counts = new Map<Profile, number>();

  before(() => {
    mkdirSync(FOLDER, { recursive: true });
    for (const profile of PROFILES) counts.set(profile, record(profile, trace(profile)));
  });

  for (const { name, flags, needs, profiles } of ENGINES) {
    for (const profile of profiles) {
      it(`${name}, ${profile}: does what V8 did`, { skip: skipped(needs) }, async () => {
        const program = await replayer(name, flags, profile);
        const said = await run(program, [trace(profile)], 300_000);
        assert.match(
          said,
          new RegExp(`^(wasm2c|wamr): \\d+ calls, ${counts.get(profile)} vectors\n$`),
        );
      });
    }
  }

  for (const [what, wrong] of Object.entries(wrongTraces)) {
    it(`refuses a trace with ${what}`, { skip: skipped(WASM2C) }, async () => {
      const program = await replayer('wasm2c-guard', ['-DLIMPET_GUARD=ON'], 'nano');
      const lines = readFileSync(trace('nano'), 'utf8').split('\n');
      const at = wrong(lines);
      const path = `${FOLDER}/wrong.trace`;
      writeFileSync(path, lines.join('\n'));
      await assert.rejects(run(program, [path]), new RegExp(`wrong.trace:${at}: `));
    });
  }
});
