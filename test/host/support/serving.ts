// Options → a server that listens and ends with its test, its clients, and its events as promises.

import type { EventEmitter } from 'node:events';
import type { TestContext } from 'node:test';
import {
  createServer,
  type Server,
  type ServerEvents,
  type ServerOptions,
  type Socket,
} from '../../../host/node/index.js';
import { Peer, type Handshake } from './peer.js';
import { within } from './wait.js';

export interface Serving {
  server: Server;
  port: number;
  /** A TCP connection that ends with the test. */
  connect: () => Promise<Peer>;
  /** A WebSocket connection that ends with the test. */
  open: (options?: Handshake) => Promise<Peer>;
  /** A WebSocket connection, seen from both ends. */
  pair: (options?: Handshake) => Promise<{ peer: Peer; socket: Socket }>;
}

/** Listens on a free port until the test has ended. */
export async function serving(t: TestContext, options: ServerOptions = {}): Promise<Serving> {
  const server = createServer(options);
  const { port } = await server.listen();
  const peers: Peer[] = [];
  t.after(async () => {
    for (const { transport } of peers) transport.destroy();
    await within(server.close({ timeout: 0 }), 'server.close');
  });
  const keep = (peer: Peer): Peer => {
    peers.push(peer);
    return peer;
  };
  const open = async (options?: Handshake) => keep(await Peer.open(port, options));
  return {
    server,
    port,
    connect: async () => keep(await Peer.connect(port)),
    open,
    pair: async (options) => {
      const opened = next(server, 'open');
      const peer = await open(options);
      const [socket] = await opened;
      return { peer, socket };
    },
  };
}

/** Sends every message back as it came. */
export function echoing(server: Server): void {
  server.on('message', (socket, data, isBinary) => {
    socket.send(data, { binary: isBinary });
  });
}

/** The arguments of the next event of that name. */
export function next<K extends keyof ServerEvents>(
  server: Server,
  name: K,
  ms?: number,
): Promise<ServerEvents[K]> {
  const happened = new Promise<ServerEvents[K]>((resolve) => {
    (server as EventEmitter).once(name, (...args: unknown[]) => {
      resolve(args as ServerEvents[K]);
    });
  });
  return within(happened, `the event '${name}'`, ms);
}

/** All events of that name from now on. */
export function collect<K extends keyof ServerEvents>(server: Server, name: K): ServerEvents[K][] {
  const all: ServerEvents[K][] = [];
  (server as EventEmitter).on(name, (...args: unknown[]) => {
    all.push(args as ServerEvents[K]);
  });
  return all;
}
