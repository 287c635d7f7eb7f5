// A peer's address ↔ the bytes that the core takes. RFC 4291 2.2 and RFC 5952 for the text.

import { isIPv4, isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';
import { AddressRecord } from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';

/** Where a peer is, as Node's sockets tell it. */
export interface Address {
  /** '' when it is not known. */
  address: string;
  /** 0 when it is not known. */
  port: number;
  family: 'IPv4' | 'IPv6' | '';
}

export const NOWHERE: Address = { address: '', port: 0, family: '' };

/** What a transport tells of its peer: sockets do, other streams do not. */
export function transportAddress(transport: Duplex): Address {
  const { remoteAddress, remotePort } = transport as {
    remoteAddress?: unknown;
    remotePort?: unknown;
  };
  if (typeof remoteAddress !== 'string') return NOWHERE;
  const port = Number.isInteger(remotePort) ? (remotePort as number) : 0;
  const family = isIPv4(remoteAddress) ? 'IPv4' : isIPv6(remoteAddress) ? 'IPv6' : '';
  return family ? { address: remoteAddress, port, family } : NOWHERE;
}

/** The 4 or 16 bytes of an address, in the order of the network; none for what is no address. */
export function addressBytes(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!isIPv6(text)) return new Uint8Array(0);
  // A zone says through which interface, not who: RFC 4007 11.
  let [address] = text.split('%');
  const dotted = /[\d.]+$/.exec(address)?.[0] ?? '';
  if (dotted.includes('.')) {
    const [a, b, c, d] = dotted.split('.').map(Number);
    const words = [(a << 8) | b, (c << 8) | d].map((word) => word.toString(16));
    address = address.slice(0, -dotted.length) + words.join(':');
  }
  const [front, back = ''] = address.split('::');
  const wordsOf = (part: string) => (part ? part.split(':') : []);
  const words = wordsOf(front);
  const last = wordsOf(back);
  while (words.length + last.length < 8) words.push('0');
  return Uint8Array.from(
    [...words, ...last].flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 0xff]),
  );
}

/** An address as text: IPv4 dotted, IPv6 in its canonical form. RFC 5952 4. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1]);
  let [at, longest] = [0, 1];
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && words[to] === 0) to++;
    if (to - from > longest) [at, longest] = [from, to - from];
  }
  const hex = words.map((word) => word.toString(16));
  if (longest === 1) return hex.join(':');
  return `${hex.slice(0, at).join(':')}::${hex.slice(at + longest).join(':')}`;
}

/** What the core knows of a session's peer, a proxy's word included; undefined when it knows nothing. */
export function sessionAddress(core: Core, handle: number): Address | undefined {
  const record = core.exports.limpet_address(handle);
  if (record <= 0) return undefined;
  const family = core.u8[record + AddressRecord.family];
  if (family === 0) return undefined;
  const from = record + AddressRecord.ip0;
  return {
    address: addressText(core.u8.subarray(from, from + (family === 4 ? 4 : 16))),
    port: core.view.getUint16(record + AddressRecord.port, true),
    family: family === 4 ? 'IPv4' : 'IPv6',
  };
}
