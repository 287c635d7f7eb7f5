// Both packages' clients, for tests that hold for either; servers that answer as they are told; and
// what a client did, as lines.

import { createHash } from 'node:crypto';
import { once, type EventEmitter } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server as HttpServer,
} from 'node:http';
import {
  createServer as createNetServer,
  type AddressInfo,
  type Server as NetServer,
  type Socket,
} from 'node:net';
import { test, type TestContext, type TestOptions } from 'node:test';
import { WebSocket as Theirs, WebSocketServer, type ServerOptions } from 'ws';
import { WebSocket as Ours } from '../../../host/node/ws/index.js';
import { within } from '../../host/support/wait.js';

/** The class under test: that of `ws` says what is right. */
export type Client = typeof Theirs;
/** One of its objects. */
export type Connection = Theirs;

const CLIENTS: [name: string, client: Client][] = [
  ['ws', Theirs],
  ['limpet/ws', Ours as unknown as Client],
];

/** limpet/ws's client, as code written for `ws` sees it. */
export const Limpet = Ours as unknown as Client;

type Run = (t: TestContext, WebSocket: Client) => Promise<void> | void;

/** A test that holds for the clients of both packages. */
export function both(title: string, run: Run): void;
export function both(title: string, options: TestOptions, run: Run): void;
export function both(title: string, options: TestOptions | Run, run?: Run): void {
  const [given, does] = typeof options === 'function' ? [{}, options] : [options, run];
  for (const [name, client] of CLIENTS) test(`${name}: ${title}`, given, (t) => does?.(t, client));
}

/** What happened to a client, in order: each event's name and what it says. */
export function told(ws: Connection): string[] {
  const lines: string[] = [];
  ws.on('upgrade', (response) => lines.push(`upgrade ${response.statusCode}`));
  ws.on('open', () => lines.push('open'));
  ws.on('message', (data) => lines.push(`message ${(data as Buffer).toString()}`));
  ws.on('error', (error) => lines.push(`error ${error.message}`));
  ws.on('close', (code, reason) => lines.push(`close ${code} ${reason.toString()}`.trim()));
  return lines;
}

type Found = (error: null, address: unknown, family?: number) => void;

/** An option `lookup` for which all names are this machine's. */
export function lookupHere(name: string, options: { all?: boolean }, found: Found): void {
  if (options.all) found(null, [{ address: '127.0.0.1', family: 4 }]);
  else found(null, '127.0.0.1', 4);
}

/** The arguments of the next event of that name; an 'error' before it changes nothing. */
export function next(emitter: EventEmitter, name: string, ms?: number): Promise<unknown[]> {
  const happened = new Promise<unknown[]>((resolve) => {
    emitter.once(name, (...args: unknown[]) => {
      resolve(args);
    });
  });
  return within(happened, `'${name}'`, ms);
}

/** Resolves with what happened to a client once it is closed. */
export async function ended(ws: Connection, ms?: number): Promise<string[]> {
  const lines = told(ws);
  await next(ws, 'close', ms);
  return lines;
}

/** Resolves when a client is open. */
export async function opened(ws: Connection): Promise<void> {
  await within(once(ws, 'open'), 'the connection');
}

/** The next message, as text. */
export async function message(ws: Connection): Promise<string> {
  const [data] = (await within(once(ws, 'message'), 'a message', 10_000)) as [Buffer];
  return data.toString();
}

/** Listens on a free port of this machine until the test has ended; returns the port. */
export async function listening(t: TestContext, server: NetServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await within(once(server, 'listening'), 'the server');
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await within(once(server, 'close'), 'the end of the server');
  });
  return (server.address() as AddressInfo).port;
}

/** A server of `ws` that sends back what it gets; its port. */
export async function echo(
  t: TestContext,
  options: ServerOptions = {},
): Promise<{ port: number; url: string; server: WebSocketServer; http: HttpServer }> {
  const http = createHttpServer();
  const server = new WebSocketServer({ ...options, server: http });
  server.on('connection', (ws) => {
    ws.on('error', () => undefined);
    ws.on('message', (data, isBinary) => {
      ws.send(data, { binary: isBinary });
    });
  });
  const port = await listening(t, http);
  return { port, url: `ws://127.0.0.1:${port}`, server, http };
}

/** A server for plain requests; its address. */
export async function http(t: TestContext, listener: RequestListener): Promise<string> {
  return `ws://127.0.0.1:${await listening(t, createHttpServer(listener))}`;
}

/** What is sent to one that upgrades. */
export type Answer = (accept: string, request: IncomingMessage) => string | Buffer;

/**
 * A server that answers each upgrade with what it is told, byte for byte; its address.
 *
 * @param then what it does with the connection afterwards
 */
export async function answering(
  t: TestContext,
  answer: Answer,
  then: (socket: Socket) => void = () => undefined,
): Promise<string> {
  const server = createHttpServer();
  server.on('upgrade', (request, socket) => {
    socket.on('error', () => undefined);
    const key = request.headers['sec-websocket-key'] ?? '';
    socket.write(answer(acceptOf(key), request));
    then(socket as Socket);
  });
  return `ws://127.0.0.1:${await listening(t, server)}`;
}

/** A server that does with each connection what it is told, and knows nothing of HTTP; its address. */
export async function raw(t: TestContext, accepted: (socket: Socket) => void): Promise<string> {
  return `ws://127.0.0.1:${await listening(t, createNetServer(accepted))}`;
}

/** RFC 6455 1.3. */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** A response of these lines. */
export function response(status: string, ...lines: string[]): string {
  return [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n');
}

/** A right response, with lines to add. */
export function switching(accept: string, ...lines: string[]): string {
  return response(
    '101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    ...lines,
  );
}
