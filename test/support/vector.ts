// A Markdown file of vectors → what each of them feeds, does and expects. The language is told in
// test/vectors/README.md.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Option } from '../../build/limpet.abi.js';
import { isFeature, type Feature } from '../../tools/lib/profile.js';
import { PROFILES, type ProfileName } from './cores.js';

/** A piece of a vector, in the order of the file. */
export type Stage =
  | { kind: 'in'; lines: string[] }
  | { kind: 'http'; lines: string[] }
  | { kind: 'do'; line: string };

export interface Vector {
  file: string;
  line: number;
  title: string;
  /** How the session comes to be. */
  session: 'attach' | 'open' | 'connect';
  client: boolean;
  profiles: readonly ProfileName[];
  /** Features without which a core cannot do it. */
  needs: Feature[];
  /** Whether the input may be cut anywhere; a few vectors are about how much comes at once. */
  cuts: boolean;
  /** Whether output waits for a `tx` step, and events for an `ack` step. */
  manualTx: boolean;
  manualEvents: boolean;
  /** What permessage-deflate an attached session agreed on, as limpet_attach has it. */
  agreed: number;
  /** How many of the windows that keep contexts are left to it. */
  windows: number | undefined;
  /** The header fields that are kept past the handshake. */
  keep: string;
  /** Whether it ends in a shutdown: its core is of no use any more. */
  shutdown: boolean;
  /** Where the session's peer is, and what it is trusted to say of that; addresses of other sessions. */
  peer: string | undefined;
  trust: string;
  others: string[];
  /** Options of the session, of the module, and the strings of `connect`. */
  options: [string, string][];
  defaults: [string, string][];
  strings: Record<string, string>;
  /** What is put on the lists of origins, subprotocols and tokens. */
  lists: Record<string, string>;
  stages: Stage[];
  log: string[];
}

const STRINGS = ['target', 'host', 'protocols', 'headers'];
/** Settings whose words are put on a list; `none` stands for an entry without text. */
export const LISTS = ['allowed_origins', 'allowed_protocols', 'allowed_tokens'] as const;

export function readVectors(path: string): Vector[] {
  const vectors: Vector[] = [];
  let fence: string | undefined;
  let block: string[] = [];
  readFileSync(path, 'utf8')
    .split('\n')
    .forEach((line, index) => {
      const vector = vectors.at(-1);
      if (fence !== undefined) {
        if (!line.startsWith('```')) return void block.push(line);
        if (vector) addBlock(vector, fence, block);
        fence = undefined;
      } else if (line.startsWith('```')) {
        fence = line.slice(3).trim();
        block = [];
      } else if (line.startsWith('## ')) {
        vectors.push(emptyVector(basename(path), index + 1, line.slice(3).trim()));
      } else if (line.startsWith('With: ') && vector) {
        addSettings(vector, line.slice(6));
      }
    });
  for (const { file, line, title, stages, profiles } of vectors) {
    if (stages.length === 0) throw new Error(`${file}:${line}: "${title}" does nothing`);
    if (profiles.length === 0) throw new Error(`${file}:${line}: "${title}" is for no profile`);
  }
  return vectors;
}

function emptyVector(file: string, line: number, title: string): Vector {
  return {
    ...{ file, line, title, session: 'attach', client: false, profiles: PROFILES, cuts: true },
    ...{ manualTx: false, manualEvents: false, agreed: 0, windows: undefined, keep: '' },
    ...{ peer: undefined, trust: '', others: [], lists: {}, shutdown: false },
    ...{ options: [], defaults: [], strings: {}, stages: [], log: [], needs: [] },
  };
}

function addBlock(vector: Vector, fence: string, lines: string[]): void {
  const where = `${vector.file}:${vector.line}`;
  const full = lines.filter((line) => line.trim() !== '');
  switch (fence) {
    case 'in':
      vector.stages.push({ kind: 'in', lines: full });
      break;
    case 'http':
      vector.stages.push({ kind: 'http', lines });
      break;
    case 'do':
      for (const line of full) {
        vector.stages.push({ kind: 'do', line: line.trim() });
        if (/^shutdown\b/.test(line.trim())) vector.shutdown = true;
      }
      break;
    case 'log':
      vector.log.push(...full.map((line) => line.trimEnd()));
      break;
    default:
      throw new Error(`${where}: a block is in, http, do or log, not "${fence}"`);
  }
}

/** `key=value`, `key="value with spaces"` or a word alone. */
function addSettings(vector: Vector, text: string): void {
  for (const [, key = '', quoted, plain] of text.matchAll(/([\w-]+)(?:=(?:("[^"]*")|(\S+)))?/g)) {
    const value = quoted === undefined ? (plain ?? '') : (JSON.parse(quoted) as string);
    if (key === 'open' || key === 'connect') {
      vector.session = key;
      vector.client ||= key === 'connect';
    } else if (key === 'role') vector.client = value === 'client';
    else if (key === 'profiles') vector.profiles = value.split(',') as ProfileName[];
    else if (key === 'needs') vector.needs.push(...value.split(',').map(featureOf));
    else if (key === 'cuts') vector.cuts = value !== 'none';
    else if (key === 'tx') vector.manualTx = value === 'manual';
    else if (key === 'events') vector.manualEvents = value === 'manual';
    else if (STRINGS.includes(key)) vector.strings[key] = value;
    else if (LISTS.some((list) => list === key)) vector.lists[key] = value;
    else if (key === 'agreed') vector.agreed = agreedOf(value);
    else if (key === 'keep') vector.keep = value;
    else if (key === 'windows') vector.windows = Number(value);
    else if (key === 'peer') vector.peer = value;
    else if (key === 'trust') vector.trust = value;
    else if (key === 'others') vector.others.push(...value.split(','));
    else if (ofModule(key)) vector.defaults.push([key, value]);
    else vector.options.push([key, value]);
  }
  if (vector.client) vector.needs.push('client');
  if (vector.keep) vector.needs.push('headers');
  if (vector.agreed) vector.needs.push('deflate');
  if (vector.peer !== undefined || vector.others.length) vector.needs.push('addresses');
  if (Object.keys(vector.lists).length) vector.needs.push('security');
  for (const [key] of vector.defaults) {
    // A default that cannot be read cannot be put back.
    vector.needs.push(...featuresOf(key), 'inspection');
  }
  const [wrong] = vector.profiles.filter((name) => !PROFILES.includes(name));
  if (wrong) throw new Error(`${vector.file}:${vector.line}: no profile ${wrong}`);
}

/** Whether an option is one of the module, not of a session. */
function ofModule(key: string): boolean {
  const option = Option[key.toUpperCase() as keyof typeof Option] as Option | undefined;
  return option !== undefined && option > Option.FRAGMENTS_MAX;
}

/** Features without which a core does not know an option. */
function featuresOf(option: string): Feature[] {
  const owners = {
    deflate: 'deflate',
    address: 'addresses',
    heartbeat: 'heartbeat',
    batch: 'topics',
    rate: 'rates',
    token: 'security',
  } as const satisfies Record<string, Feature>;
  const [word = ''] = option.split('_');
  return word in owners ? [owners[word as keyof typeof owners]] : [];
}

/** `9+/15`: in, out; a `+` where the context is kept. Other numbers stand for themselves. */
export function agreedOf(value: string): number {
  const [, bitsIn, keepsIn, bitsOut, keepsOut] = /^(\d+)(\+?)\/(\d+)(\+?)$/.exec(value) ?? [];
  if (bitsOut === undefined) return Number(value);
  const direction = (bits = '', keeps = '') => Number(bits) | (keeps ? 0x10 : 0);
  return direction(bitsIn, keepsIn) | (direction(bitsOut, keepsOut) << 8);
}

function featureOf(name: string): Feature {
  if (!isFeature(name)) throw new Error(`no feature ${name}`);
  return name;
}
