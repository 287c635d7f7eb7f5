// Built cores → the table that ends a build: what each costs in flash and in memory.

import { readFileSync } from 'node:fs';
import { memoryOf } from '../check-wasm.js';
import type { Abi } from './abi-model.js';
import type { Profile } from './profile.js';

export interface Core {
  /** `limpet-<profile>`, with `-simd` where it is. */
  label: string;
  profile: Profile;
  simd: boolean;
}

const HEAD = ['core', 'wasm bytes', 'pages', 'static end', 'idle bytes/session'];

export async function coreTable(cores: Core[], abi: Abi): Promise<string> {
  const rows = await Promise.all(cores.map((core) => coreRow(core, abi)));
  const widths = HEAD.map((head, i) =>
    Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ');
  return [HEAD, ...rows].map(line).join('\n');
}

async function coreRow({ label, profile }: Core, abi: Abi): Promise<string[]> {
  const bytes = readFileSync(`build/${label}.wasm`);
  const { pages, staticEnd } = memoryOf(bytes);
  const idle = await idleBytes(bytes, profile, abi);
  return [label, ...[bytes.length, pages, staticEnd].map((n) => n.toLocaleString('en-US')), idle];
}

/** A session's share of the region of session records, as the core itself tells it. */
async function idleBytes(
  bytes: Uint8Array<ArrayBuffer>,
  profile: Profile,
  abi: Abi,
): Promise<string> {
  const { instance } = await WebAssembly.instantiate(bytes);
  const size = instance.exports.limpet_region_size;
  const region = abi.enums.Region?.members.SESSIONS?.value;
  if (typeof size !== 'function' || region === undefined) return '-';
  return String(Number((size as (region: number) => number)(region)) / profile.sessions);
}
