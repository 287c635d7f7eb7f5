// Options → a server under TLS that ends with its test, and clients of it.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import {
  createServer,
  type Server,
  type ServerOptions,
  type TlsOptions,
} from '../../../host/node/index.js';
import { Certificate, type Pair } from '../../support/certificate.js';
import { Peer } from './peer.js';
import { within } from './wait.js';

export interface Securing {
  server: Server;
  port: number;
  own: Pair;
  /** A TLS connection that ends with the test; rejects when there is none. */
  connect: (options?: ConnectionOptions) => Promise<TLSSocket>;
  /** A WebSocket connection over TLS that ends with the test. */
  open: (options?: ConnectionOptions) => Promise<Peer>;
}

/** Listens on a free port until the test has ended. */
export async function securing(
  t: TestContext,
  tls: TlsOptions = {},
  options: ServerOptions = {},
): Promise<Securing> {
  const own = new Certificate(['localhost', '127.0.0.1']);
  const named = tls.cert ?? tls.certFile ?? tls.pfx;
  const server = createServer({
    ...options,
    tls: named === undefined ? { cert: own.cert, key: own.key, ...tls } : tls,
  });
  const { port }: AddressInfo = await server.listen();
  const clients: TLSSocket[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    await within(server.close({ timeout: 0 }), 'server.close');
  });
  const open = async (more: ConnectionOptions = {}) => {
    const client = connect({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: own.cert,
      allowHalfOpen: true,
      ...more,
    } as ConnectionOptions);
    clients.push(client);
    await within(once(client, 'secureConnect'), 'a TLS handshake');
    // Whoever is interested listens: what fails later ends the connection.
    client.on('error', () => undefined);
    return client;
  };
  return {
    server,
    port,
    own,
    connect: open,
    open: async (more) => {
      const peer = new Peer(await open(more));
      await peer.upgrade();
      return peer;
    },
  };
}
