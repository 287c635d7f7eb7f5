// Inputs of an artifact → whether it must be made again. build/.stamps.json holds, for each
// artifact, the hash of all that it was made from.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const STAMPS = 'build/.stamps.json';

/** What an artifact is made from. */
export interface Inputs {
  /** Files, and folders with all that is in them. */
  paths: string[];
  /** Whatever else counts, as text. */
  words: string[];
}

export class Stamps {
  /** Artifacts that were made. */
  made = 0;
  private readonly known: Map<string, string>;

  /** With `force` nothing counts as fresh. */
  constructor(force: boolean) {
    this.known = new Map(force ? [] : readStamps());
  }

  /** Makes the files of an artifact unless they are there and come from the same inputs. */
  async make(
    name: string,
    outputs: string[],
    inputs: Inputs,
    make: () => Promise<void> | void,
  ): Promise<void> {
    const hash = hashOf(inputs);
    if (this.known.get(name) === hash && outputs.every((file) => existsSync(file))) return;
    await make();
    this.made++;
    this.known.set(name, hash);
    mkdirSync(dirname(STAMPS), { recursive: true });
    writeFileSync(STAMPS, `${JSON.stringify(Object.fromEntries(this.known), null, 2)}\n`);
  }
}

function readStamps(): [string, string][] {
  try {
    return Object.entries(JSON.parse(readFileSync(STAMPS, 'utf8')) as Record<string, string>);
  } catch {
    return []; // The first build, or one that was cut off.
  }
}

function hashOf({ paths, words }: Inputs): string {
  const hash = createHash('sha256');
  for (const word of words) hash.update(`${word}\n`);
  for (const file of paths.flatMap(filesUnder))
    hash.update(`\n${file}\n`).update(readFileSync(file));
  return hash.digest('hex');
}

/** The files under a folder, sorted; a file is itself, and what is not there is nothing. */
export function filesUnder(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((entry) => filesUnder(join(path, entry)));
}
