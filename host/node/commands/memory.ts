// `limpet memory PROFILE` → the core's memory map: what the core itself says of its regions.

import { Region } from '../../../build/limpet.abi.js';
import type { Core } from '../../core/core.js';
import { coreMemory } from '../memory.js';
import { loadCore, wasmPath } from '../wasm.js';
import { statSync } from 'node:fs';
import { parse, UsageError } from './arguments.js';

const USAGE = `usage: limpet memory PROFILE
  PROFILE   nano, micro, server, or a .wasm of limpet build`;

export function memory(args: string[]): Promise<number> {
  const { values, positionals } = parse({
    args,
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) {
    console.log(USAGE);
    return Promise.resolve(0);
  }
  if (positionals.length !== 1) throw new UsageError('name one profile: nano, micro or server');
  const [profile] = positionals;
  let core: Core;
  try {
    core = loadCore(profile);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  console.log(memoryMap(core, wasmPath(profile)));
  return Promise.resolve(0);
}

/** Where a core's memory goes: a row a region, in the order of their addresses. */
export function memoryMap(core: Core, path: string): string {
  const { exports } = core;
  const bytes = (region: Region) => exports.limpet_region_size(region);
  const { sessions, arena, windows, rooms, memberships, levels, metadata } = core.stats();
  const { connection, connectionBytes, context } = coreMemory(core);
  const perSession = connection.session;
  // What the hub has for each session, whether it uses it or not.
  const inTables = connectionBytes - perSession;
  const perWindow = context.outgoing;
  const blockMin = arena / bytes(Region.ARENA_BOOK);
  const derived: Record<keyof typeof Region, string> = {
    GLOBALS: 'timers, free lists, counters, records that calls fill',
    SCRATCH: 'strings that the host passes by pointer',
    INGRESS: 'the bytes of one read',
    EVENTS: `${String(bytes(Region.EVENTS) / 32)} events of 32`,
    SESSIONS: `${String(sessions)} sessions of ${String(perSession)}`,
    ARENA_BOOK: `one byte per block of ${String(blockMin)}`,
    ARENA: 'blocks for heads, reassembly and send queues',
    CODEC: 'tables of the one deflate codec',
    TOPICS: rooms
      ? `${String(rooms)} rooms, ${String(memberships)} memberships, ${String(levels)} levels of patterns`
      : 'none',
    METADATA: `${String(metadata)} entries, names of fields to keep`,
    ADDRESSES: 'remote addresses, and sessions per address',
    RATES: 'what sessions have used of their rates',
    SECURITY: 'allowed origins, subprotocols, tokens',
    HEARTBEATS: 'heartbeats and round-trip times',
    WINDOWS: windows ? `${String(windows)} windows of ${String(perWindow)}` : 'none',
  };
  const rows = Object.entries(Region)
    .map(([name, region]) => ({
      name: name.toLowerCase().replace('_', ' '),
      at: exports.limpet_region(region),
      size: bytes(region),
      why: derived[name as keyof typeof Region],
    }))
    .sort((a, b) => a.at - b.at);
  const end = Number(exports.__heap_base.value);
  // What lies between the first two regions is static data.
  const [first, second] = rows;
  const texts = first.at + first.size;
  rows.splice(1, 0, {
    name: 'texts',
    at: texts,
    size: second.at - texts,
    why: 'texts of the handshake, and alignment',
  });
  const total = {
    name: 'total',
    at: '',
    size: end,
    why: `${String(core.u8.length / 65536)} pages of 64 KiB`,
  };
  const lines = [...rows, total].map(
    ({ name, at, size, why }) =>
      `${name.padEnd(11)} ${String(at).padStart(10)} ${String(size).padStart(10)}  ${why}`,
  );
  return [
    `${path}: ${String(statSync(path).size)} bytes of code`,
    '',
    `${'region'.padEnd(11)} ${'address'.padStart(10)} ${'bytes'.padStart(10)}  derived from`,
    ...lines,
    '',
    `an idle session costs ${String(perSession)} bytes; receive and send memory come from the arena and go back`,
    ...(inTables
      ? [
          `its publications, address, rates and heartbeats take ${String(inTables)} bytes more, which nothing touches unless they are used`,
        ]
      : []),
    ...(windows
      ? [
          `with permessage-deflate it costs no more; a context that it keeps costs ${String(perWindow)} bytes per direction,`,
          `both ${String(perSession + 2 * perWindow)} with the session; ${String(windows >> 1)} sessions can keep both, others keep none`,
        ]
      : []),
  ].join('\n');
}
