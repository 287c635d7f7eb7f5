// bench/native/ and what is installed → the C servers and load generators of the native suites.
//
// CMake leaves out a server whose library is not installed; Limpet's are made by the native host's own
// build, once for each engine. A peer that is not there is left out by name, with what would bring it.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { FANOUT_PEERS, LIMPET, MEMORY_PEERS, WS, type MemoryPeer, type Peer } from './peers.js';
import { say } from './suite.js';

/** Where bench/native/ is built. */
export const BUILT = 'build/native-bench';

/** Where host/native is built, which is where its tests build it, too. */
const HOSTS = [
  { folder: 'build/native', suffix: '', flags: ['-DLIMPET_ENGINE=wasm2c'] },
  { folder: 'build/native-wamr', suffix: '/wamr', flags: ['-DLIMPET_ENGINE=wamr'] },
];
/** What is wanted of it. */
const IN_HOST = ['limpetd', 'limpet-fanout'];
/** Of a build that failed, what is told. */
const TOLD_LINES = 12;

const LIBWEBSOCKETS = 'Debian has it in libwebsockets-dev';
const WSLAY = 'Debian has it in libwslay-dev';

/** Echo servers in C. */
const IN_C: readonly Peer[] = [
  ...withHost('limpetd', 'limpetd', '--echo', '--quiet', '--port', '0'),
  built('epoll', 'epoll-echo', { raw: true }),
  built('libwebsockets', 'lws-echo', { from: LIBWEBSOCKETS }),
  built('wslay', 'wslay-echo', { from: WSLAY }),
];

export const NATIVE_PEERS: readonly Peer[] = [...IN_C, LIMPET, WS];

/** `epoll` sends on bytes as they come, so its generator speaks no WebSocket either. */
export const NATIVE_FANOUT_PEERS: readonly Peer[] = [
  ...withHost('limpet.h', 'bench/native/limpet-fanout'),
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

/** What is built with the native host, by each of its engines. */
function withHost(name: string, program: string, ...flags: string[]): Peer[] {
  return HOSTS.map(({ folder, suffix }) => ({
    name: name + suffix,
    command: [`${folder}/${program}`, ...flags],
    path: '/',
    raw: false,
    needs: `${folder}/${program}`,
    from: 'README.md says how the native host is built',
  }));
}

// ---- building

let outcome: { why: string | undefined } | undefined;

/** Builds bench/native/ and the native host, once. Why there is no bench, in one line, or undefined. */
export function buildNative(): string | undefined {
  outcome ??= { why: buildAll() };
  return outcome.why;
}

function buildAll(): string | undefined {
  say('native: building bench/native and host/native');
  const why = build('bench/native', BUILT);
  if (why !== undefined) return why;
  for (const { folder, flags } of HOSTS) {
    const missing = build('host/native', folder, flags, IN_HOST);
    if (missing !== undefined) say(`native: ${missing}`);
  }
  return existsSync(`${BUILT}/load`) ? undefined : `${BUILT}/load is missing after the build`;
}

/** A folder's build, or some targets of it. Why that cannot be, or undefined. */
function build(
  source: string,
  folder: string,
  flags: readonly string[] = [],
  targets: readonly string[] = [],
): string | undefined {
  const only = targets.length > 0 ? ['--target', ...targets] : [];
  for (const step of [
    ['-S', source, '-B', folder, ...flags],
    ['--build', folder, ...only],
  ]) {
    const { error, status, stdout, stderr } = spawnSync('cmake', step, { encoding: 'utf8' });
    if (error) return `cmake: ${error.message}; Debian has it in cmake, and a compiler in gcc`;
    if (status === 0) continue;
    const said = `${stdout}${stderr}`.trimEnd().split('\n').slice(-TOLD_LINES);
    return `cmake ${step.join(' ')} failed:\n${said.join('\n')}`;
  }
  return undefined;
}
