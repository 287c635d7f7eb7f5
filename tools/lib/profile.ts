// assembly/profiles/<name>.json, or options of `limpet build` → a Profile that was checked, and
// from it the compile-time constants of assembly/profile.ts.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Complaint, messageOf } from './complaint.js';

/** What a limit may be; the words are those of assembly/profile.ts. */
interface Range {
  min: number;
  max: number;
  powerOfTwo?: boolean;
}

const GIB = 2 ** 30;
/** What a block holds of a compressed message beside its context: see assembly/deflate/incoming.ts. */
const STREAM_BYTES = 1024;

/** The limits of a profile, in the order of assembly/profile.ts. */
export const LIMITS = {
  sessions: { min: 1, max: 32_767 },
  ingressBytes: { min: 64, max: GIB },
  // 125: the longest payload of a control frame, RFC 6455 5.5.
  scratchBytes: { min: 125, max: GIB },
  events: { min: 16, max: 2 ** 20, powerOfTwo: true },
  arenaBytes: { min: 64, max: GIB },
  blockMinBytes: { min: 64, max: GIB, powerOfTwo: true },
  blockMaxBytes: { min: 64, max: GIB, powerOfTwo: true },
  blockSendBytes: { min: 64, max: GIB, powerOfTwo: true },
  // A Request (assembly/http/request.ts) counts in 16 bits: the head and what lies in front of it.
  headMaxBytes: { min: 64, max: 49_152 },
  // 0: no bound, as in Option.MESSAGE_MAX.
  messageMaxBytes: { min: 0, max: 2 ** 31 - 1 },
  // RFC 7692 7.1.2: windows of 2^8 to 2^15 bytes.
  deflateWindowBits: { min: 8, max: 15 },
  deflateHashBits: { min: 6, max: 15 },
  deflateTokens: { min: 64, max: 65_536, powerOfTwo: true },
  takeoverBits: { min: 8, max: 15 },
  // Sessions name a window in 16 bits.
  takeovers: { min: 0, max: 65_535 },
  rooms: { min: 0, max: 65_535 },
  memberships: { min: 0, max: 2 ** 24 },
  topicMaxBytes: { min: 1, max: 65_535 },
  topicLevels: { min: 0, max: 65_535 },
  metadataEntries: { min: 0, max: 2 ** 24 },
  // Their lengths are counted in 8 bits.
  metadataKeyBytes: { min: 1, max: 255 },
  metadataValueBytes: { min: 1, max: 255 },
  allowedBytes: { min: 0, max: 65_535 },
  tokens: { min: 0, max: 65_535 },
} as const satisfies Record<string, Range>;

export type Limit = keyof typeof LIMITS;

/** What may be compiled in or left out: each a switch in a profile and a constant in assembly/profile.ts. */
export const FEATURES = {
  client: 'client sessions',
  deflate: 'permessage-deflate',
  http: 'plain HTTP requests, headers and bodies in answers',
  headers: 'the parts and header fields of a request',
  protocols: 'subprotocols',
  fastUtf8: 'a quicker judgement of text that is not ASCII',
  topics: 'rooms, topics, publications and broadcasts',
  metadata: 'keys and values that belong to a session',
  addresses: 'remote addresses, sessions per address, the PROXY protocol',
  rates: 'limits of messages and bytes in a window of time',
  security: 'lists of origins, subprotocols and bearer tokens',
  heartbeat: 'heartbeats and round-trip times',
  shutdown: 'the end of all sessions in order',
  inspection: 'counters of messages, lists of sessions, reading of options',
} as const;

export type Feature = keyof typeof FEATURES;

export type Profile = Record<Limit, number> &
  Record<Feature, boolean> & {
    /** What the compiler works for. */
    optimize: 'speed' | 'size';
  };

const features = Object.keys(FEATURES) as Feature[];
const limits = Object.entries(LIMITS) as [Limit, Range][];

/**
 * The profile in a parsed JSON object, every limit given; `source` is how complaints call it.
 * `optimize` is for an object that does not say.
 */
export function parseProfile(
  value: unknown,
  source: string,
  optimize: Profile['optimize'] = 'size',
): Profile {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Complaint(`${source}: a profile is a JSON object`);
  }
  const given = new Map<string, unknown>(Object.entries(value));
  const profile: Partial<Profile> = { optimize };
  for (const feature of features) profile[feature] = true;
  for (const [key, entry] of given) {
    if (isFeature(key) && typeof entry === 'boolean') profile[key] = entry;
    else if (key === 'optimize' && (entry === 'speed' || entry === 'size'))
      profile.optimize = entry;
    else if (isFeature(key)) throw new Complaint(`${source}: ${key} is true or false`);
    else if (key === 'optimize') throw new Complaint(`${source}: optimize is "speed" or "size"`);
    else if (!(key in LIMITS)) throw new Complaint(`${source}: unknown key "${key}"`);
  }
  for (const [key, range] of limits) profile[key] = parseLimit(key, range, given.get(key), source);
  return validateProfile(profile as Profile, source);
}

export function isFeature(key: string): key is Feature {
  return key in FEATURES;
}

function parseLimit(key: Limit, range: Range, value: unknown, source: string): number {
  if (value === undefined) throw new Complaint(`${source}: ${key} is missing`);
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new Complaint(`${source}: ${key} is a whole number, not ${JSON.stringify(value)}`);
  }
  if (value < range.min || value > range.max) {
    throw new Complaint(`${source}: ${key} is ${range.min} to ${range.max}, not ${value}`);
  }
  if (range.powerOfTwo && !Number.isInteger(Math.log2(value))) {
    throw new Complaint(`${source}: ${key} is a power of two, not ${value}`);
  }
  return value;
}

/** Static memory stays below 2 GiB, less 16 MiB for all that memoryBytes leaves out: addresses are positive i32. */
const MEMORY_MAX = 2 ** 31 - 2 ** 24;

/** At least the bytes of all tables whose size follows from limits: see assembly/memory.ts and hub/layout.ts. */
function memoryBytes(p: Profile): number {
  const arena = p.arenaBytes * (1 + 1 / p.blockMinBytes);
  const windows = p.deflate ? p.takeovers * (8 + 2 ** p.takeoverBits) : 0;
  const topics = p.rooms * (72 + p.topicMaxBytes) + p.memberships * 32 + p.topicLevels * 40;
  const entries = p.metadataEntries * (16 + p.metadataKeyBytes + p.metadataValueBytes);
  const lists = p.tokens * 32 + p.allowedBytes * 2;
  // 500: a session's record, and what the hub has of each.
  const tables = p.sessions * 500 + p.events * 32 + p.ingressBytes + p.scratchBytes;
  return arena + windows + (p.topics ? topics : 0) + (p.metadata ? entries : 0) + lists + tables;
}

/** What no limit says alone. */
function validateProfile(profile: Profile, source: string): Profile {
  const { arenaBytes, blockMinBytes, blockSendBytes, blockMaxBytes, headMaxBytes } = profile;
  const { deflate, takeoverBits } = profile;
  const wrong =
    blockMinBytes > blockSendBytes || blockSendBytes > blockMaxBytes
      ? `blockMinBytes <= blockSendBytes <= blockMaxBytes, not ${blockMinBytes}, ${blockSendBytes}, ${blockMaxBytes}`
      : arenaBytes % blockMaxBytes !== 0
        ? `arenaBytes is a multiple of blockMaxBytes (${blockMaxBytes}), not ${arenaBytes}`
        : headMaxBytes > blockMaxBytes
          ? `headMaxBytes is at most blockMaxBytes (${blockMaxBytes}): a head is held in one block; not ${headMaxBytes}`
          : deflate && blockMaxBytes < STREAM_BYTES + 2 ** takeoverBits
            ? `blockMaxBytes holds a kept window and ${STREAM_BYTES} bytes more, not ${blockMaxBytes}`
            : memoryBytes(profile) > MEMORY_MAX
              ? `static memory is less than 2 GiB, not about ${Math.ceil(memoryBytes(profile) / 2 ** 20)} MiB`
              : undefined;
  if (wrong) throw new Complaint(`${source}: ${wrong}`);
  return profile;
}

/** The names of the profiles under `root`. */
export function profileNames(root: string): string[] {
  const files = readdirSync(join(root, 'assembly/profiles'));
  return files.filter((file) => file.endsWith('.json')).map((file) => basename(file, '.json'));
}

/** The profile assembly/profiles/<name>.json. */
export function readProfile(root: string, name: string): Profile {
  const names = profileNames(root);
  if (!names.includes(name)) {
    throw new Complaint(`no profile "${name}"; there are ${names.join(', ')}`);
  }
  const file = `assembly/profiles/${name}.json`;
  const text = readFileSync(join(root, file), 'utf8');
  try {
    return parseProfile(JSON.parse(text), file, name === 'server' ? 'speed' : 'size');
  } catch (error) {
    if (error instanceof SyntaxError) throw new Complaint(`${file}: ${messageOf(error)}`);
    throw error;
  }
}

/** assembly/profile.ts with the values of a profile in place of those that stand there. */
export function profileSource(template: string, profile: Profile, debug: boolean): string {
  const values = new Map<string, number | boolean>([
    ...limits.map(([key]) => [upperSnake(key), profile[key]] as const),
    ...features.map((key) => [upperSnake(key), profile[key]] as const),
    ['DEBUG', debug],
  ]);
  const source = template.replace(
    /^(export const (\w+): (?:i32|bool) = )[^;]*;/gm,
    (line, head: string, name: string) => {
      const value = values.get(name);
      if (value === undefined) throw new Complaint(`assembly/profile.ts: ${name} is in no profile`);
      values.delete(name);
      return `${head}${value};`;
    },
  );
  const [missing] = values.keys();
  if (missing) throw new Complaint(`assembly/profile.ts: no constant ${missing}`);
  return source;
}

/** assembly/index.ts without the exports of features that the profile does not have. */
export function exportsSource(text: string, profile: Profile): string {
  return text.replace(
    /( \* @feature (\w+)\n \*\/\n)export (?=function )/g,
    (exported, doc: string, name: string) => {
      if (!isFeature(name)) throw new Complaint(`assembly/index.ts: there is no feature ${name}`);
      return profile[name] ? exported : doc;
    },
  );
}

/** `blockMinBytes` → `BLOCK_MIN_BYTES`. */
export function upperSnake(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase();
}
