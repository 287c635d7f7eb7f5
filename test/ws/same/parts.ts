// A package → a server that listens, pairs of connected sockets, and raw peers for either side.

import { createServer, type Server as HttpServer } from 'node:http';
import {
  connect as connectTcp,
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
} from 'node:net';
import type * as Ws from 'ws';
import { requestBytes, SAMPLE_KEY } from '../../conformance/http.js';
import { pass } from '../../host/support/wait.js';
import { happens, type Log } from './log.js';
import { Wire } from './wire.js';

export type Package = typeof Ws;
/** What one package does is written down; with the other it has to come out the same. */
export type Scenario = (ws: Package, log: Log) => Promise<void>;
export type Scenarios = Record<string, Scenario>;

/** Options that the types of `ws` do not have yet. */
interface Newer {
  closeTimeout?: number;
}
export type ServerOptions = Ws.ServerOptions & Newer;
export type ClientOptions = Ws.ClientOptions & Newer;

export interface Serving {
  wss: Ws.WebSocketServer;
  port: number;
  url: string;
}

/** A server on a free port, or one that another server feeds; it is gone when the scenario is over. */
export async function serve(ws: Package, log: Log, options: ServerOptions = {}): Promise<Serving> {
  const wss = new ws.WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  keep(log, wss);
  await happens(wss, 'listening');
  const { port } = wss.address() as AddressInfo;
  return { wss, port, url: `ws://127.0.0.1:${port}/` };
}

/** Ends a server with the scenario. */
export function keep<T extends Ws.WebSocketServer>(log: Log, wss: T): T {
  const sockets = new Set<Ws.WebSocket>();
  wss.on('connection', (socket) => {
    sockets.add(socket);
    // A client that is ended at the end may tell of it.
    socket.on('error', () => {});
  });
  log.after(() => {
    for (const socket of sockets) socket.terminate();
    wss.close();
  });
  return wss;
}

/** A `node:http` server on a free port. */
export async function serveHttp(
  log: Log,
  server: HttpServer = createServer(),
): Promise<{ server: HttpServer; port: number }> {
  server.listen(0, '127.0.0.1');
  await happens(server, 'listening');
  log.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** A client that is written down from its beginning. */
export function dial(
  ws: Package,
  log: Log,
  url: string | URL,
  protocols: string[] = [],
  options: ClientOptions = {},
): Ws.WebSocket {
  const client = log.watch('client', new ws.WebSocket(url, protocols, options));
  log.after(() => {
    client.terminate();
  });
  return client;
}

export interface Pair extends Serving {
  server: Ws.WebSocket;
  client: Ws.WebSocket;
}

/** Both ends of a connection that is open, each on its track. */
export async function pair(
  ws: Package,
  log: Log,
  options: { server?: ServerOptions; client?: ClientOptions; protocols?: string[] } = {},
): Promise<Pair> {
  const serving = await serve(ws, log, options.server);
  const connected = connection(serving.wss, log);
  const client = dial(ws, log, serving.url, options.protocols, options.client);
  await happens(client, 'open');
  return { ...serving, server: await connected, client };
}

/** The next connection of a server, written down. */
export function connection(wss: Ws.WebSocketServer, log: Log): Promise<Ws.WebSocket> {
  return new Promise((resolve) => {
    wss.once('connection', (socket) => {
      resolve(log.watch('server', socket));
    });
  });
}

/** Resolves when both ends have told that they are closed. */
export async function over(...sockets: Ws.WebSocket[]): Promise<void> {
  const open = sockets.filter(({ readyState, CLOSED }) => readyState !== CLOSED);
  await Promise.all(open.map((socket) => happens(socket, 'close')));
  // What comes too late, or twice, is to be seen as well.
  await pass(5);
}

/** A server's socket ↔ a client that is nothing but a TCP connection. */
export async function rawClient(
  ws: Package,
  log: Log,
  options: ServerOptions = {},
  lines: string[] = [],
): Promise<Serving & { server: Ws.WebSocket; wire: Wire }> {
  const serving = await serve(ws, log, options);
  const connected = connection(serving.wss, log);
  const wire = await request(log, serving.port, { lines });
  await wire.headCame();
  return { ...serving, server: await connected, wire };
}

/** A request as bytes; fields that are given replace the usual ones, those with '' are left out. */
export async function request(
  log: Log,
  port: number,
  { line = 'GET / HTTP/1.1', lines = [] as string[] } = {},
): Promise<Wire> {
  const usual = [
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${SAMPLE_KEY}`,
    'Sec-WebSocket-Version: 13',
  ];
  const nameOf = (text: string) => text.split(':')[0].toLowerCase();
  const given = new Set(lines.map(nameOf));
  const fields = [...usual.filter((field) => !given.has(nameOf(field))), ...lines];
  const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true });
  log.after(() => {
    socket.destroy();
  });
  await happens(socket, 'connect');
  const wire = new Wire(socket, log);
  const without = fields.filter((field) => !/^[^:]+: ?$/.test(field));
  socket.write(requestBytes(line, without));
  return wire;
}

/** A client ↔ a server that is nothing but a TCP port; `answer` makes the head from the request's. */
export async function rawServer(
  log: Log,
  answer: (wire: Wire) => string | Buffer | undefined,
): Promise<{ url: string; port: number; wires: Promise<Wire> }> {
  let came: (wire: Wire) => void;
  const wires = new Promise<Wire>((resolve) => (came = resolve));
  const server: TcpServer = createTcpServer((socket) => {
    socket.setNoDelay(true);
    log.after(() => {
      socket.destroy();
    });
    const wire = new Wire(socket, log);
    void wire.headCame().then(() => {
      const bytes = answer(wire);
      if (bytes !== undefined) socket.write(bytes);
      came(wire);
    });
  });
  server.listen(0, '127.0.0.1');
  await happens(server, 'listening');
  log.after(() => {
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}/`, port, wires };
}
