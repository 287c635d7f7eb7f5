// A server that hands its connections over → one of them, and its client.

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import {
  takeConnections,
  transportOf,
  type Connection,
} from '../../../host/node/transport/index.js';
import { Recorder } from './recorder.js';
import { until } from './wait.js';

export interface Accepting {
  server: Server;
  /** What was handed over. */
  connections: Connection[];
  /** A client, with the connection that its server got. */
  accept: () => Promise<{ it: Recorder; there: Socket }>;
}

/** Listens on a free port until the test has ended. */
export async function accepting(t: TestContext, path?: string): Promise<Accepting> {
  const server = createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true });
  const connections: Connection[] = [];
  const clients: Socket[] = [];
  takeConnections(server, (connection) => connections.push(connection));
  if (path) server.listen(path);
  else server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of clients) socket.destroy();
    for (const connection of connections) connection.destroy();
    server.close();
  });
  const accept = async () => {
    const count = connections.length;
    const port = path ?? (server.address() as AddressInfo).port;
    const there = connect({ allowHalfOpen: true, ...(path ? { path } : { port: Number(port) }) });
    there.on('error', () => undefined);
    clients.push(there);
    await until(() => connections.length > count, 'a connection');
    const it = new Recorder(transportOf(connections[count]));
    it.transport.resume();
    return { it, there };
  };
  return { server, connections, accept };
}

/** The bytes that a socket gets from now on. */
export function collected(socket: Socket): { text: string; ended: boolean } {
  const got = { text: '', ended: false };
  socket.on('data', (chunk: Buffer) => (got.text += chunk.toString('latin1')));
  socket.on('end', () => (got.ended = true));
  socket.resume();
  return got;
}
