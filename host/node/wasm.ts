// A profile's name → a core. The .wasm files lie beside the bundle, in build/.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Core } from '../core/core.js';

const PROFILES = ['nano', 'micro', 'server'];

/** The path of a profile's module; the server's is the SIMD build, which every Node from 16.4 on runs. */
export function wasmPath(profile: string): string {
  if (typeof (profile as unknown) !== 'string') throw new TypeError('profile is a name or a path');
  if (profile.endsWith('.wasm')) return profile;
  if (!PROFILES.includes(profile)) {
    throw new TypeError(
      `there is no profile ${profile}: it is ${PROFILES.join(', ')}, or a path to a .wasm`,
    );
  }
  const file = profile === 'server' ? 'limpet-server-simd.wasm' : `limpet-${profile}.wasm`;
  return fileURLToPath(new URL(`./${file}`, import.meta.url));
}

/**
 * Instantiates a profile.
 *
 * @throws Error when its file is absent or is not a core
 */
export function loadCore(profile: string): Core {
  const path = wasmPath(profile);
  if (!existsSync(path)) throw new Error(`${path} is not there`);
  return new Core(readFileSync(path));
}
