// build/ → the cores that tests run: every profile, as it ships and with its checks.

import { existsSync } from 'node:fs';

export const PROFILES = ['nano', 'micro', 'server', 'server-simd'] as const;
export type ProfileName = (typeof PROFILES)[number];

/** Those with permessage-deflate. */
export const DEFLATE_PROFILES: readonly ProfileName[] = ['micro', 'server', 'server-simd'];

export interface Core {
  name: string;
  profile: ProfileName;
  debug: boolean;
  path: string;
}

/** Where the build is; another folder for a core that is under test elsewhere. */
const BUILD = process.env.LIMPET_BUILD ?? 'build';

export const CORES: Core[] = PROFILES.flatMap((profile) => [
  { name: profile, profile, debug: false, path: `${BUILD}/limpet-${profile}.wasm` },
  {
    name: `${profile} (debug)`,
    profile,
    debug: true,
    path: `${BUILD}/debug/limpet-${profile}.wasm`,
  },
]).filter(({ path }) => existsSync(path));
