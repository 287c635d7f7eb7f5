// Random numbers → what a trusted proxy puts in front of a stream, and whom the core has to hear of.

import type { Random } from './random.js';

/** Addresses as the core shows them: few, so that sessions share them. */
export const ADDRESSES = ['192.0.2.1:80', '192.0.2.2:0', '[2001:db8::1]:443', '[2001:db8::]:65535'];

export interface Told {
  bytes: Buffer;
  /** The address that it tells; the connection's own when there is none. */
  address?: string;
}

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
/** The addresses above as version 2 has them. */
const BYTES: Record<string, string> = {
  '192.0.2.1:80': 'c0000201',
  '192.0.2.2:0': 'c0000202',
  '[2001:db8::1]:443': '20010db8000000000000000000000001',
  '[2001:db8::]:65535': '20010db8000000000000000000000000',
};

/** A header of the PROXY protocol that is right. */
export function proxyHeader(random: Random): Told {
  const address = random.pick(ADDRESSES);
  return random.once(2) ? line(random, address) : block(random, address);
}

function line(random: Random, address: string): Told {
  if (random.once(5))
    return { bytes: Buffer.from(`PROXY UNKNOWN${' '.repeat(random.below(93))}\r\n`) };
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  const six = host.includes(':');
  const own = six ? '::ffff:10.0.0.1' : '10.0.0.1';
  return { bytes: Buffer.from(`PROXY TCP${six ? 6 : 4} ${host} ${own} ${port} 443\r\n`), address };
}

function block(random: Random, address: string): Told {
  const source = Buffer.from(BYTES[address] ?? '', 'hex');
  const port = Buffer.alloc(2);
  port.writeUInt16BE(Number(/\d+$/.exec(address)?.[0]));
  const tlvs = random.bytes(random.once(8) ? random.below(3000) : random.below(40));
  const body = Buffer.concat([source, Buffer.alloc(source.length), port, Buffer.alloc(2), tlvs]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  const local = random.once(5);
  const family = source.length === 4 ? 0x10 : 0x20;
  const fixed = Buffer.of(
    local ? 0x20 : 0x21,
    family | (local ? random.below(16) : 1 + random.below(2)),
  );
  const bytes = Buffer.concat([SIGNATURE, fixed, length, body]);
  return local ? { bytes } : { bytes, address };
}
