// Who runs in the benches of servers: one row for each. A further peer is a further row.

import { existsSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Server } from './children.js';
import { say } from './suite.js';

export interface Peer {
  name: string;
  /** Program and arguments; the server must print `http://127.0.0.1:PORT/` on stdout. */
  command: string[];
  /** Request target of the upgrade. */
  path: string;
  /** No WebSocket at all: the bytes that are sent come back. */
  raw: boolean;
  /** A file without which the peer is left out, and nothing else is a reason to. */
  needs?: string;
  /** What brings that file, for who misses it. */
  from?: string;
}

/** A peer while it runs. */
export interface Runner extends Peer {
  server: Server;
}

/** The peer whose figure is 1. */
export const BASE = 'ws';

export const LIMPET: Peer = {
  name: 'limpet',
  command: [process.execPath, 'build/cli.js', 'serve', '--echo', '--quiet', '--port', '0'],
  path: '/',
  raw: false,
  needs: 'build/cli.js',
};
export const WS: Peer = {
  name: BASE,
  command: [process.execPath, besides('peers/ws-echo')],
  path: '/',
  raw: false,
};

/** The server of `ws` itself, by the package that is used as `ws` is. */
const LIMPET_WS: Peer = {
  ...WS,
  name: 'limpet/ws',
  command: [...WS.command, '--package', pathToFileURL(resolve('build/ws.js')).href],
  needs: 'build/ws.js',
};

const NET: Peer = {
  name: 'net',
  command: [process.execPath, besides('peers/net-echo')],
  path: '/',
  raw: true,
};

export const PEERS: readonly Peer[] = [
  LIMPET,
  LIMPET_WS,
  WS,
  NET,
  {
    ...NET,
    name: 'net one buffer',
    command: [process.execPath, besides('peers/net-echo-one-buffer')],
  },
];

/** With permessage-deflate, level 6 unless it is said, messages of any length; the client asks for no context or keeps it. */
export const DEFLATE_PEERS: readonly Peer[] = [
  { ...LIMPET, command: [...LIMPET.command, '--deflate=6', '--deflate-threshold', '0'] },
  {
    ...LIMPET,
    name: 'limpet at level 1',
    command: [...LIMPET.command, '--deflate=1', '--deflate-threshold', '0'],
  },
  { ...WS, command: [...WS.command, '--deflate'] },
];

/** A peer of the memory bench. */
export interface MemoryPeer extends Peer {
  deflate: boolean;
  /** Answers a message over its channel with what Node says of its memory, its garbage collected. */
  collects: boolean;
}

/** Without and with permessage-deflate for messages of any length, by the standard settings otherwise. */
export const MEMORY_PEERS: readonly MemoryPeer[] = [
  ...[NET, WS, LIMPET_WS, LIMPET].map((peer) => collectable(peer, false)),
  ...[WS, LIMPET_WS].map((peer) => collectable(peer, true, '--deflate')),
  collectable(LIMPET, true, '--deflate', '--deflate-threshold', '0'),
];

/** A peer that collects its garbage when it is asked to. */
function collectable(peer: Peer, deflate: boolean, ...flags: string[]): MemoryPeer {
  const [node = '', ...args] = peer.command;
  const preload = ['--expose-gc', '--import', besides('peers/collect')];
  return { ...peer, deflate, collects: true, command: [node, ...preload, ...args, ...flags] };
}

/** Connecting, upgrading and ending; `net` answers without having read anything. */
export const HANDSHAKE_PEERS: readonly Peer[] = [
  LIMPET,
  LIMPET_WS,
  WS,
  { ...NET, command: [process.execPath, besides('peers/net-upgrade')] },
];

/** Rooms, or what stands for them. */
export const FANOUT_PEERS: readonly Peer[] = [
  { ...LIMPET, command: [process.execPath, besides('peers/limpet-fanout')] },
  { ...WS, command: [process.execPath, besides('peers/ws-fanout')] },
];

/** Those of `peers` that are named, or all, as far as they are here. The base always is one of them. */
export function choosePeers<P extends Peer>(peers: readonly P[], names: readonly string[]): P[] {
  const chosen = peers.filter(
    (peer) => !names.length || peer.name === BASE || names.includes(peer.name),
  );
  return chosen.filter((peer) => {
    const here = peer.needs === undefined || existsSync(peer.needs);
    if (!here)
      say(
        `${peer.name} left out: ${peer.needs} is missing${peer.from === undefined ? '' : `; ${peer.from}`}`,
      );
    return here;
  });
}

/**
 * What all servers get besides the environment. glibc adapts to the sizes a program has freed so far
 * whether it hands memory back to the kernel after each use; left to that, the streams of `ws` and
 * `net` run at one of two speeds from 1 KiB on (up to a factor of 2, by chance and by what they did
 * before), page faults being the difference. Fixed limits give everyone the faster one: 32 MiB is the
 * highest M_MMAP_THRESHOLD that glibc takes, and M_TRIM_THRESHOLD is above any heap seen here.
 * mallopt(3); other C libraries ignore it.
 */
export const SERVER_ENV: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(256 * 2 ** 20),
};

/** Another entry point of the bench, in the folder and form (`.js`, `.mjs`) of this bundle. */
export function besides(entry: string): string {
  const self = import.meta.url;
  return fileURLToPath(new URL(entry + extname(self), self));
}
