// `limpet build` → a core with limits of the user's own, proven like the shipped ones, and its map.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';
import { buildProfile } from '../../../tools/lib/compile.js';
import {
  FEATURES,
  LIMITS,
  parseProfile,
  type Limit,
  type Profile,
} from '../../../tools/lib/profile.js';
import { Core } from '../../core/core.js';
import { parse, UsageError } from './arguments.js';
import { memoryMap } from './memory.js';

/** The flags of the limits: their names in kebab case. */
const FLAGS = new Map((Object.keys(LIMITS) as Limit[]).map((limit) => [kebab(limit), limit]));

const USAGE = `usage: limpet build [options]
  --from PROFILE           the limits to begin with: nano, micro, server (server)
  --out FILE               the .wasm to write (limpet-custom.wasm)
${[...FLAGS].map(([flag, limit]) => `  ${`--${flag} N`.padEnd(24)} ${rangeOf(limit)}`).join('\n')}
${Object.entries(FEATURES)
  .map(([feature, what]) => `  ${`--[no-]${kebab(feature)}`.padEnd(24)} with or without ${what}`)
  .join('\n')}
  --optimize size|speed    what the compiler works for
  --simd                   with SIMD, for engines that have it`;

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function rangeOf(limit: Limit): string {
  const { min, max } = LIMITS[limit];
  const power = 'powerOfTwo' in LIMITS[limit] ? ', a power of two' : '';
  return `${String(min)} to ${String(max)}${power}`;
}

/** The package's folder: build/cli.js lies one below it. */
const ROOT = fileURLToPath(new URL('..', import.meta.url));

export async function build(args: string[]): Promise<number> {
  const { values, positionals } = parse({
    args,
    allowPositionals: true,
    options: {
      from: { type: 'string', default: 'server' },
      out: { type: 'string', default: 'limpet-custom.wasm' },
      optimize: { type: 'string' },
      simd: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      ...Object.fromEntries([...FLAGS.keys()].map((flag) => [flag, { type: 'string' as const }])),
      ...Object.fromEntries(
        Object.keys(FEATURES).flatMap((feature) =>
          [kebab(feature), `no-${kebab(feature)}`].map((flag) => [
            flag,
            { type: 'boolean' as const },
          ]),
        ),
      ),
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (positionals.length > 0) throw new UsageError(`${positionals[0]} is not an option`);
  const profile = readProfile(values);
  const out = resolve(String(values.out));
  const wasm = await buildProfile(profile, { root: ROOT, out, simd: values.simd === true });
  console.log(memoryMap(new Core(wasm), out));
  return 0;
}

/** The profile to begin with, and what the flags say otherwise. */
function readProfile(values: Record<string, string | boolean | undefined>): Profile {
  const from = String(values.from);
  if (!['nano', 'micro', 'server'].includes(from)) {
    throw new UsageError(`--from is nano, micro or server, not "${from}"`);
  }
  const path = new URL(`../assembly/profiles/${from}.json`, import.meta.url);
  const limits = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  for (const [flag, limit] of FLAGS) {
    const text = values[flag];
    if (text === undefined) continue;
    if (!/^\d+$/.test(String(text))) {
      throw new UsageError(`--${flag} is ${rangeOf(limit)}, not "${String(text)}"`);
    }
    limits[limit] = Number(text);
  }
  for (const feature of Object.keys(FEATURES)) {
    if (values[kebab(feature)]) limits[feature] = true;
    if (values[`no-${kebab(feature)}`]) limits[feature] = false;
  }
  if (values.optimize !== undefined) limits.optimize = values.optimize;
  try {
    return parseProfile(limits, 'these limits');
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
