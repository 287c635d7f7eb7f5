// `16Kx32` → payload bytes, messages in flight, connections: the rows of the echo bench.

export interface Row {
  name: string;
  size: number;
  inflight: number;
  connections: number;
  /** JSON messages with permessage-deflate; undefined: binary ones as they are. */
  deflate?: Deflate;
  /** One connection publishes, all others get it; otherwise every connection gets its own back. */
  fanout?: boolean;
  /** No messages: as many connections at a time come and go. The client leaves, or there is a close handshake first. */
  end?: 'leave' | 'close';
}

export interface Deflate {
  /** Contexts are kept from one message to the next, in both directions. RFC 7692 7.1.1. */
  takeover: boolean;
  /** Window bits that the client asks for in both directions; undefined leaves them to the server. */
  window?: number;
}

export const ROWS = [
  '16x1',
  '16x32',
  '128x1',
  '128x32',
  '1Kx1',
  '1Kx32',
  '16Kx1',
  '16Kx32',
  '1Mx1',
  '1Mx4',
];

/** Rows of the native echo: one for each way in which servers in C differ. */
export const NATIVE_ROWS = ['128x1', '128x32', '1Kx32', '16Kx1', '1Mx4'];

/** What servers agree on by themselves, the same with windows of 2 KiB, and without contexts. */
export const DEFLATE_ROWS: readonly Row[] = [
  { ...parseRow('1Kx4'), name: 'takeover', deflate: { takeover: true } },
  { ...parseRow('1Kx4'), name: 'takeover-11', deflate: { takeover: true, window: 11 } },
  { ...parseRow('1Kx4'), name: 'no-takeover', deflate: { takeover: false } },
];

/** Publications of 64 bytes to 1,000 subscribers. */
export const FANOUT_ROWS: readonly Row[] = ['64x1', '64x16'].map((name) => ({
  ...parseRow(name),
  connections: 1000,
  fanout: true,
}));

/** Connections that come, upgrade and go, 64 at a time. */
export const HANDSHAKE_ROWS: readonly Row[] = (['leave', 'close'] as const).map((end) => ({
  name: end,
  size: 0,
  inflight: 1,
  connections: 64,
  end,
}));

/** Any SIZExINFLIGHT. 64 connections; from 1 MiB on 8, so that what is under way fits into memory (1Mx4: 32 MiB). */
export function parseRow(name: string): Row {
  const match = /^(\d+)([KM]?)x(\d+)$/i.exec(name);
  const scale = match?.[2] ? (match[2].toUpperCase() === 'K' ? 2 ** 10 : 2 ** 20) : 1;
  const size = Number(match?.[1]) * scale;
  const inflight = Number(match?.[3]);
  if (!(size > 0 && inflight > 0))
    throw new Error(`row ${name}: want SIZExINFLIGHT, as in ${ROWS.join(' ')}`);
  return { name, size, inflight, connections: size < 2 ** 20 ? 64 : 8 };
}
