// A net.Server's connections → transports without a net.Socket, where that is possible, else its
// sockets.

import { channel } from 'node:diagnostics_channel';
import { Socket, type Server as NetServer } from 'node:net';
import { HandleTransport } from './handle.js';
import { isHandle, streamWrap, type Handle, type StreamWrap } from './node.js';

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
    accept(transportOf(wrap, client, server));
  };
}

/** The transport of a handle, with what the server wants of its connections; it is counted there. */
function transportOf(wrap: StreamWrap, handle: Handle, server: NetServer): HandleTransport {
  const internals = server as unknown as Internals;
  if (internals.noDelay) handle.setNoDelay?.(true);
  if (internals.keepAlive) handle.setKeepAlive?.(true, internals.keepAliveInitialDelay ?? 0);
  internals._connections += 1;
  return new HandleTransport(wrap, handle, server);
}

/**
 * A connection that another process has accepted for a server, which does not listen itself.
 *
 * @param server with `pauseOnConnect`
 * @param received what came with a message of that process: a handle, or a socket
 * @returns undefined when there was none
 */
export function receivedBy(
  server: NetServer,
  received: unknown,
): Socket | HandleTransport | undefined {
  if (received instanceof Socket) return received;
  if (!isHandle(received, HANDLES)) return undefined;
  const { _connections: count, _emitCloseIfDrained: drains } = server as unknown as Internals;
  if (streamWrap && typeof count === 'number' && drains) {
    return transportOf(streamWrap, received, server);
  }
  return socketOfHandle(received, true);
}

/**
 * A socket of a handle.
 *
 * @param paused whether it waits until it is read, as with `pauseOnConnect`
 */
export function socketOfHandle(handle: object, paused: boolean): Socket {
  // `handle` and `pauseOnCreate` are options that Node's types do not know.
  const options = { handle, allowHalfOpen: true, pauseOnCreate: paused };
  return new Socket({ ...options, readable: true, writable: true });
}
