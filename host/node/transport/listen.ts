// A net.Server's connections → transports without a net.Socket, where that is possible, else its
// sockets.

import { channel } from 'node:diagnostics_channel';
import type { Server as NetServer, Socket } from 'node:net';
import { HandleTransport } from './handle.js';
import { isHandle, streamWrap } from './node.js';

/** A listening handle, and what is private of its server. */
interface Listening {
  onconnection?: (this: Listening, error: number, client?: unknown) => void;
}

interface Internals {
  _handle?: Listening | null;
  _connections: number;
  _emitCloseIfDrained?: unknown;
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
}

const HANDLES = ['TCP', 'Pipe'];
/** Whoever looks at the sockets of all servers gets to see them. */
const watched = channel('net.server.socket');

/**
 * Takes all connections of a server.
 *
 * While others listen to its 'connection' they get sockets, and so does `accept`.
 *
 * @param server with `pauseOnConnect`
 * @param accept gets each connection
 */
export function takeConnections(
  server: NetServer,
  accept: (connection: Socket | HandleTransport) => void,
): void {
  server.on('connection', accept);
  server.prependListener('listening', () => {
    takeHandles(server, accept);
  });
}

function takeHandles(server: NetServer, accept: (connection: HandleTransport) => void): void {
  const internals = server as unknown as Internals;
  const listening = internals._handle;
  const wrap = streamWrap;
  const asSocket = listening?.onconnection;
  if (!wrap || !listening || typeof asSocket !== 'function') return;
  if (typeof internals._connections !== 'number' || !internals._emitCloseIfDrained) return;
  listening.onconnection = function (error, client) {
    // What is out of the ordinary is Node's to tell.
    const ordinary =
      error === 0 &&
      isHandle(client, HANDLES) &&
      internals._connections < (server.maxConnections ?? Infinity) &&
      server.listenerCount('connection') === 1 &&
      !watched.hasSubscribers;
    if (!ordinary) {
      asSocket.call(this, error, client);
      return;
    }
    if (internals.noDelay) client.setNoDelay?.(true);
    if (internals.keepAlive) {
      client.setKeepAlive?.(true, internals.keepAliveInitialDelay ?? 0);
    }
    internals._connections += 1;
    accept(new HandleTransport(wrap, client, server));
  };
}
