// build/ → the cores that tests run: every profile, as it ships and with its checks.

import { existsSync, readFileSync } from 'node:fs';
import { FEATURES, type Feature } from '../../tools/lib/profile.js';

export const PROFILES = ['nano', 'micro', 'server', 'server-simd'] as const;
export type ProfileName = (typeof PROFILES)[number];

/** Those with permessage-deflate. */
export const DEFLATE_PROFILES: readonly ProfileName[] = ['micro', 'server', 'server-simd'];

export interface Core {
  name: string;
  profile: ProfileName;
  debug: boolean;
  path: string;
  /** What the core was built without. */
  lacks: ReadonlySet<Feature>;
}

/** Where the build is; another folder for a core that is under test elsewhere. */
const BUILD = process.env.LIMPET_BUILD ?? 'build';

export const CORES: Core[] = PROFILES.flatMap((profile) => [
  {
    name: profile,
    profile,
    debug: false,
    path: `${BUILD}/limpet-${profile}.wasm`,
    lacks: lacksOf(profile),
  },
  {
    name: `${profile} (debug)`,
    profile,
    debug: true,
    path: `${BUILD}/debug/limpet-${profile}.wasm`,
    lacks: lacksOf(profile),
  },
]).filter(({ path }) => existsSync(path));

function lacksOf(profile: ProfileName): ReadonlySet<Feature> {
  const file = `assembly/profiles/${profile.replace('-simd', '')}.json`;
  const has = JSON.parse(readFileSync(file, 'utf8')) as Record<Feature, boolean>;
  return new Set((Object.keys(FEATURES) as Feature[]).filter((feature) => !has[feature]));
}
