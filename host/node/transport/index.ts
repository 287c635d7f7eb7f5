// A connection that somebody else made → its transport.

import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HandleTransport } from './handle.js';
import { SocketTransport } from './socket.js';
import { StreamTransport } from './stream.js';
import type { Transport } from './transport.js';

export { HandleTransport, socketOf } from './handle.js';
export { receivedBy, socketOfHandle, takeConnections } from './listen.js';
export type { Receiver, Streaming, Transport } from './transport.js';
export { Unconnected } from './unconnected.js';

/** What can be served: any stream of bytes, and what `takeConnections` hands out. */
export type Connection = Duplex | HandleTransport;

/** Throws TypeError for a stream that is none of bytes. */
export function transportOf(connection: Connection): Transport {
  if (connection instanceof HandleTransport) return connection;
  if (connection instanceof Socket) return new SocketTransport(connection);
  return new StreamTransport(connection);
}
