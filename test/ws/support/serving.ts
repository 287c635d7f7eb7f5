// Options → a WebSocketServer of limpet/ws that ends with its test, and clients of it.

import { once, type EventEmitter } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocket as NpmWebSocket, type ClientOptions } from 'ws';
import {
  WebSocketServer,
  type ServerOptions,
  type WebSocket,
} from '../../../host/node/ws/index.js';
import { Peer, type Handshake } from '../../host/support/peer.js';
import { within } from '../../host/support/wait.js';

export interface Serving {
  wss: WebSocketServer;
  port: number;
  url: string;
  /** A TCP connection that ends with the test. */
  connect: () => Promise<Peer>;
  /** A WebSocket connection of raw frames that ends with the test. */
  open: (handshake?: Handshake) => Promise<Peer>;
  /** A connection of raw frames, seen from both ends. */
  pair: (handshake?: Handshake) => Promise<{ peer: Peer; ws: WebSocket }>;
  /** A client of the package `ws`. */
  dial: (path?: string, protocols?: string[], options?: ClientOptions) => NpmWebSocket;
}

/** Listens on a free port until the test has ended. */
export async function serving(t: TestContext, options: ServerOptions = {}): Promise<Serving> {
  const wss = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
  await within(once(wss, 'listening'), "'listening'");
  return clientsOf(t, wss, (wss.address() as AddressInfo).port);
}

/** The same over an http.Server. */
export async function overHttp(
  t: TestContext,
  options: ServerOptions = {},
): Promise<Serving & { http: HttpServer }> {
  const http = createHttpServer((_, response) => response.end('plain'));
  const wss = new WebSocketServer({ server: http, ...options });
  http.listen(0, '127.0.0.1');
  await within(once(wss, 'listening'), "'listening'");
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  return { ...clientsOf(t, wss, (http.address() as AddressInfo).port), http };
}

function clientsOf(t: TestContext, wss: WebSocketServer, port: number): Serving {
  const peers: Peer[] = [];
  const clients: NpmWebSocket[] = [];
  t.after(async () => {
    for (const { transport } of peers) transport.destroy();
    for (const client of clients) {
      client.on('error', () => undefined);
      client.terminate();
    }
    await within(ending(wss), 'the end of the server');
  });
  const keep = (peer: Peer): Peer => {
    peers.push(peer);
    return peer;
  };
  const open = async (handshake?: Handshake) => keep(await Peer.open(port, handshake));
  return {
    wss,
    port,
    url: `ws://127.0.0.1:${port}`,
    connect: async () => keep(await Peer.connect(port)),
    open,
    pair: async (handshake) => {
      const connected = next(wss, 'connection');
      const peer = await open(handshake);
      const [ws] = (await connected) as [WebSocket];
      return { peer, ws };
    },
    dial: (path = '/', protocols = [], options = {}) => {
      const client = new NpmWebSocket(`ws://127.0.0.1:${port}${path}`, protocols, options);
      clients.push(client);
      return client;
    },
  };
}

/** Closes a server with its connections, unless it is closed. */
export function ending(wss: WebSocketServer): Promise<void> {
  return new Promise((resolve) => {
    wss.close({ timeout: 0 }, () => {
      resolve();
    });
  });
}

/** The arguments of the next event of that name. */
export function next(emitter: EventEmitter, name: string, ms?: number): Promise<unknown[]> {
  const happened = new Promise<unknown[]>((resolve) => {
    emitter.once(name, (...args: unknown[]) => {
      resolve(args);
    });
  });
  return within(happened, `the event '${name}'`, ms);
}

/** Arguments of all events of that name from now on. */
export function collect(emitter: EventEmitter, name: string): unknown[][] {
  const all: unknown[][] = [];
  emitter.on(name, (...args: unknown[]) => {
    all.push(args);
  });
  return all;
}

/** The next error that nobody catches: the test runner does not get to see it. */
export function uncaught(): Promise<Error> {
  const thrown = new Promise<Error>((resolve) => {
    process.setUncaughtExceptionCaptureCallback(resolve);
  });
  return within(thrown, 'an error that nobody catches').finally(() => {
    process.setUncaughtExceptionCaptureCallback(null);
  });
}
