// bench/native/ and what is installed → the C servers and load generators of the native suites.
//
// CMake leaves out a server whose library is not installed; limpetd is made by the native host's own build.
// A peer that is not there is left out by name, with what would bring it.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { FANOUT_PEERS, LIMPET, MEMORY_PEERS, WS, type MemoryPeer, type Peer } from './peers.js';
import { say } from './suite.js';

/** Where bench/native/ is built. */
export const BUILT = 'build/native-bench';

const LIBWEBSOCKETS = 'Debian has it in libwebsockets-dev';
const WSLAY = 'Debian has it in libwslay-dev';

/** Echo servers in C. */
const IN_C: readonly Peer[] = [
  ...limpetd('--echo', '--quiet', '--port', '0'),
  built('epoll', 'epoll-echo', { raw: true }),
  built('libwebsockets', 'lws-echo', { from: LIBWEBSOCKETS }),
  built('wslay', 'wslay-echo', { from: WSLAY }),
];

export const NATIVE_PEERS: readonly Peer[] = [...IN_C, LIMPET, WS];

/** `epoll` sends on bytes as they come, so its generator speaks no WebSocket either. */
export const NATIVE_FANOUT_PEERS: readonly Peer[] = [
  built('epoll', 'epoll-fanout', { raw: true }),
  built('libwebsockets', 'lws-fanout', { from: LIBWEBSOCKETS }),
  built('wslay', 'wslay-fanout', { from: WSLAY }),
  ...FANOUT_PEERS,
];

export const NATIVE_MEMORY_PEERS: readonly MemoryPeer[] = [
  ...IN_C.map((peer) => ({ ...peer, deflate: false, collects: false })),
  ...MEMORY_PEERS.filter(({ name, deflate }) => !deflate && (name === 'limpet' || name === 'ws')),
];

function built(name: string, program: string, more: Partial<Peer>): Peer {
  const file = `${BUILT}/${program}`;
  return { name, command: [file], path: '/', raw: false, needs: file, ...more };
}

/** The native host, by each of its engines. */
function limpetd(...flags: string[]): Peer[] {
  return [
    { name: 'limpetd', file: 'build/native/limpetd' },
    { name: 'limpetd/wamr', file: 'build/native-wamr/limpetd' },
  ].map(({ name, file }) => ({
    name,
    command: [file, ...flags],
    path: '/',
    raw: false,
    needs: file,
    from: 'docs/native.md says how it is built',
  }));
}

// ---- building

/** Builds bench/native/. Why that cannot be, in one line, or undefined. */
export function buildNative(): string | undefined {
  const steps = [
    ['-S', 'bench/native', '-B', BUILT],
    ['--build', BUILT],
  ];
  for (const step of steps) {
    const { error, status, stdout, stderr } = spawnSync('cmake', step, { encoding: 'utf8' });
    if (error) return `cmake: ${error.message}; Debian has it in cmake, and a compiler in gcc`;
    if (status !== 0) {
      say(`${stdout}${stderr}`);
      return `cmake ${step.join(' ')} failed with ${status ?? 'a signal'}`;
    }
  }
  return existsSync(`${BUILT}/load`) ? undefined : `${BUILT}/load is missing after the build`;
}
