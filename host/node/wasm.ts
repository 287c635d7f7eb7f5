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

const compiled = new Map<string, WebAssembly.Module>();

/**
 * Compiles a profile, once a process.
 *
 * @throws Error when its file is absent or is not WebAssembly
 */
export function loadModule(profile: string): WebAssembly.Module {
  const path = wasmPath(profile);
  const known = compiled.get(path);
  if (known) return known;
  if (!existsSync(path)) throw new Error(`${path} is not there`);
  const module = new WebAssembly.Module(readFileSync(path));
  // A path of a user's own may name another file the next time.
  if (PROFILES.includes(profile)) compiled.set(path, module);
  return module;
}

/**
 * Instantiates a profile.
 *
 * @throws Error when its file is absent or is not a core
 */
export function loadCore(profile: string): Core {
  return new Core(loadModule(profile));
}
