// TypeScript entry files → JavaScript modules in build/, by esbuild.

import { chmodSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, stop, type BuildOptions, type Plugin } from 'esbuild';
import { Complaint } from './complaint.js';

const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
} as const satisfies BuildOptions;

const COMMON_JS = {
  format: 'cjs',
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
} as const satisfies BuildOptions;

/** The host as users get it, as both kinds of modules; it finds the .wasm files beside itself in build/. */
export async function bundleLibrary(entry: string): Promise<void> {
  await bundle({ entryPoints: [entry], format: 'esm', outfile: 'build/index.js' });
  await bundle({ ...COMMON_JS, entryPoints: [entry], outfile: 'build/index.cjs' });
}

/** `limpet/ws`; what `require` gives is the default export, as with `ws`. */
export async function bundleWs(entry: string): Promise<void> {
  await bundle({ entryPoints: [entry], format: 'esm', outfile: 'build/ws.js' });
  await bundle({
    ...COMMON_JS,
    entryPoints: [entry],
    outfile: 'build/ws.cjs',
    footer: { js: 'module.exports = module.exports.default;' },
  });
}

/** The `limpet` command. */
export async function bundleCommand(entry: string): Promise<void> {
  const outfile = 'build/cli.js';
  const banner = { js: '#!/usr/bin/env node' };
  await bundle({ entryPoints: [entry], format: 'esm', outfile, banner });
  chmodSync(outfile, 0o755);
}

/** Programs of this repository, at the same paths under build/. */
export async function bundlePrograms(entryPoints: string[]): Promise<string[]> {
  await bundle({
    entryPoints,
    format: 'esm',
    outbase: '.',
    outdir: 'build',
    plugins: [hostStandsInBuild],
  });
  return entryPoints.map((entry) => `build/${entry.replace(/\.ts$/, '.js')}`);
}

/** A host bundled into a program still looks for its files in build/, not beside the program. */
const hostStandsInBuild: Plugin = {
  name: 'host-stands-in-build',
  setup(build) {
    const url = JSON.stringify(pathToFileURL(resolve('build/index.js')).href);
    build.onLoad({ filter: /[\\/]host[\\/].*\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url),
      loader: 'ts',
    }));
  },
};

async function bundle(options: BuildOptions & { entryPoints: string[] }): Promise<void> {
  try {
    await build({ ...COMMON, ...options });
  } catch {
    // esbuild has printed what and where.
    throw new Complaint(`cannot bundle ${options.entryPoints.join(', ')}`);
  } finally {
    await stop(); // else its process stays as long as this one, which may be a server's parent
  }
}
