// Who a server says that it is: certificates and keys as texts, Buffers or files → what Node's TLS
// takes. Files may be watched: they are read again when they change.

import { readFileSync, realpathSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import { list } from './checks.js';

/** Names of files, PEM unless it is a pfx. */
type Files = string | readonly string[];

/** A certificate with its key, as PEM or PKCS #12; either itself, or the name of its file. */
export interface Identity {
  /** The certificate, with those between it and a root behind it. */
  cert?: SecureContextOptions['cert'];
  /** Its private key. */
  key?: SecureContextOptions['key'];
  /** Who has to have signed the certificates of clients. Default: the roots that Node knows. */
  ca?: SecureContextOptions['ca'];
  /** Certificate and key in one, encrypted by `passphrase`. RFC 7292. */
  pfx?: SecureContextOptions['pfx'];
  certFile?: Files;
  keyFile?: Files;
  caFile?: Files;
  pfxFile?: Files;
  /** Decrypts the key, or the pfx. */
  passphrase?: string;
}

const PARTS = ['cert', 'key', 'ca', 'pfx'] as const;
type Part = (typeof PARTS)[number];

export const IDENTITY_NAMES: readonly string[] = [
  ...PARTS,
  ...PARTS.map((part) => `${part}File`),
  'passphrase',
];

/** How long the files have to be left alone before they are read: a pair takes two writes. */
const SETTLED_MS = 200;
/** How long that is waited for at most: other files of the directory may be written all the time. */
const PATIENCE_MS = 2000;

/** The files of a part. Throws TypeError for what names none. */
function filesOf(name: string, identity: Identity, part: Part): string[] {
  const files = identity[`${part}File`];
  if (files === undefined) return [];
  const all = typeof files === 'string' ? [files] : list(`${name}.${part}File`, files);
  if (!all.every((file) => typeof file === 'string' && file !== '')) {
    throw new TypeError(`${name}.${part}File is the name of a file`);
  }
  return all as string[];
}

/**
 * Reads what is in files.
 *
 * @param name of the option
 * @returns options of tls.createSecureContext
 * @throws TypeError when there is no certificate with a key; what reading a file throws
 */
export function credentials(name: string, identity: Identity): SecureContextOptions {
  const { passphrase } = identity;
  const read: SecureContextOptions = passphrase === undefined ? {} : { passphrase };
  for (const part of PARTS) {
    const files = filesOf(name, identity, part);
    if (files.length > 0 && identity[part] !== undefined) {
      throw new TypeError(`${name} has ${part} or ${part}File, not both`);
    }
    const contents = files.length > 0 ? files.map((file) => readFileSync(file)) : identity[part];
    // What is empty would be passed over, and nobody could connect.
    if (isEmpty(contents)) throw new TypeError(`${name}.${part} is empty`);
    if (contents !== undefined) Object.assign(read, { [part]: contents });
  }
  if (read.pfx === undefined && (read.cert === undefined || read.key === undefined)) {
    throw new TypeError(`${name} has a cert and its key, or a pfx`);
  }
  return read;
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0 || value.some(isEmpty);
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length === 0;
  return value === null;
}

/** What watches files. */
export interface Watch {
  close(): void;
}

/**
 * Calls `changed` once files were written, replaced, or a link on the way to them was, and then left
 * alone for a moment. It does not keep the process alive.
 *
 * @param failed called when a directory cannot be watched any more
 */
export function watchFiles(
  identities: readonly Identity[],
  changed: () => void,
  failed: (error: Error) => void,
): Watch {
  const files = identities.flatMap((identity) =>
    PARTS.flatMap((part) => filesOf('tls', identity, part)),
  );
  if (files.length === 0) throw new TypeError('tls.watch needs files to watch');
  // A file that is replaced is another one: its name is what has to be watched.
  const directories = new Set(
    files.flatMap((file) => [dirname(file), dirname(realpathSync(file))]),
  );
  let timer: NodeJS.Timeout | undefined;
  let latest = Infinity;
  const soon = () => {
    const now = performance.now();
    latest = Math.min(latest, now + PATIENCE_MS);
    clearTimeout(timer);
    timer = setTimeout(settled, Math.min(SETTLED_MS, latest - now)).unref();
  };
  const settled = () => {
    latest = Infinity;
    changed();
  };
  const watchers: FSWatcher[] = [];
  const close = () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
  try {
    for (const directory of directories) {
      watchers.push(watch(directory, { persistent: false }, soon).on('error', failed));
    }
  } catch (error) {
    close();
    throw error;
  }
  return { close };
}

/** Whether two readings of credentials are the same. */
export function sameCredentials(one: SecureContextOptions, other: SecureContextOptions): boolean {
  return PARTS.every((part) => bytesOf(one[part]).equals(bytesOf(other[part])));
}

function bytesOf(value: unknown): Buffer {
  if (Array.isArray(value)) return Buffer.concat(value.map(bytesOf));
  return Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : '');
}
