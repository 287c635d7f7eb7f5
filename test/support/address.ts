// Addresses as people write them ↔ the bytes of the ABI.

import { isIPv4, isIPv6 } from 'node:net';
import { AddressRecord, Trust } from '../../build/limpet.abi.js';
import type { Driver } from './driver.js';

export interface Address {
  /** 4 or 16 bytes in the order of the network, none when it is not known. */
  bytes: Buffer;
  port: number;
}

/** `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`; nothing for one that is not known. */
export function addressOf(text: string): Address {
  if (isIPv6(text)) return { bytes: ipv6Of(text), port: 0 };
  const [, host = '', port = '0'] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(text) ?? [];
  if (isIPv4(host)) return { bytes: Buffer.from(host.split('.').map(Number)), port: Number(port) };
  if (isIPv6(host)) return { bytes: ipv6Of(host), port: Number(port) };
  if (host !== '') throw new Error(`no address: ${text}`);
  return { bytes: Buffer.alloc(0), port: 0 };
}

function ipv6Of(text: string): Buffer {
  // The last two groups may be IPv4.
  const groups = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [front = '', back = ''] = groups.split('::');
  const words = (part: string) => (part ? part.split(':') : []);
  const zeros = 8 - words(front).length - words(back).length;
  const all = [...words(front), ...Array<string>(zeros).fill('0'), ...words(back)];
  return Buffer.from(all.map((word) => word.padStart(4, '0')).join(''), 'hex');
}

function hostOf(bytes: Buffer, family: number): string {
  if (family === 4) return bytes.subarray(0, 4).join('.');
  const groups = bytes.toString('hex').replace(/....(?!$)/g, '$&:');
  // A URL's host is written as RFC 5952 says.
  return new URL(`http://[${groups}]/`).hostname;
}

/** Bits of Trust by their names, joined with commas. */
export function trustOf(words: string): number {
  const table = Trust as Record<string, number>;
  return words
    .split(',')
    .filter((word) => word !== '')
    .reduce((bits, word) => {
      const bit = table[word.toUpperCase()];
      if (bit === undefined) throw new Error(`nothing is trusted as ${word}`);
      return bits | bit;
    }, 0);
}

/** Tells the core where a session's peer is. */
export function addressSet(driver: Driver, handle: number, text: string, trust = 0): number {
  const { bytes, port } = addressOf(text);
  const [ptr = 0, length = 0] = driver.pass(bytes);
  return driver.core.limpet_address_set(handle, ptr, length, port, trust);
}

/** What the core tells of it: `192.0.2.1:80 forwarded, 1 session`; or an ErrorCode. */
export function addressShown(driver: Driver, handle: number): string | number {
  const at = driver.core.limpet_address(handle);
  if (at < 0) return at;
  const family = driver.memory.readUInt8(at + AddressRecord.family);
  const told = driver.memory.readUInt8(at + AddressRecord.forwarded) ? ' forwarded' : '';
  if (family === 0) return `unknown${told}`;
  const host = hostOf(driver.copy(at + AddressRecord.ip0, 16), family);
  const port = driver.view.getUint16(at + AddressRecord.port, true);
  const sessions = driver.u32(at + AddressRecord.sessions);
  return `${host}:${port}${told}, ${sessions} session${sessions === 1 ? '' : 's'}`;
}
