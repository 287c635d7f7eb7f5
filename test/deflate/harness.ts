// test/assembly/deflate/<half>.harness.ts → its functions, of every profile with a codec, as it
// ships and with assertions. A module is compiled when it is older than what it is made from.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { compile, memoryPages, type Compilation } from '../../tools/lib/asc.js';
import { readProfile } from '../../tools/lib/profile.js';
import { Stamps } from '../../tools/lib/stamps.js';

/** What is in every harness: test/assembly/deflate/arena.ts. */
export interface Arena {
  memory: WebAssembly.Memory;
  arena: () => number;
  arena_bytes: () => number;
  codec_end: () => number;
}

export interface Codec<T> {
  /** For the names of tests. */
  name: string;
  debug: boolean;
  core: T & Arena;
  memory: Buffer;
}

/** The codec of the profiles that have one; `half` names the harness. */
export async function codecs<T>(half: 'inflate' | 'deflate'): Promise<Codec<T>[]> {
  const made: Codec<T>[] = [];
  for (const name of ['server', 'micro']) {
    for (const debug of [false, true]) made.push(await codec(half, name, debug));
  }
  return made;
}

async function codec<T>(half: string, name: string, debug: boolean): Promise<Codec<T>> {
  const profile = readProfile('.', name);
  const out = `build/test/deflate/${half}-${name}${debug ? '-debug' : ''}.wasm`;
  const entries = [`test/assembly/deflate/${half}.harness.ts`];
  const inputs = {
    paths: ['assembly', 'asconfig.json', 'tools/lib', 'test/assembly/deflate'],
    words: [JSON.stringify(profile)],
  };
  await new Stamps(false).make(out, [out], inputs, async () => {
    const wanted: Compilation = { root: '.', profile, simd: false, debug, deny: false, entries };
    const wasm = await compile(wanted, await memoryPages(wanted));
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, wasm);
  });
  const module = new WebAssembly.Module(readFileSync(out));
  const core = new WebAssembly.Instance(module, {}).exports as unknown as T & Arena;
  const memory = Buffer.from(core.memory.buffer);
  return { name: `${name}${debug ? ' (debug)' : ''}`, debug, core, memory };
}
