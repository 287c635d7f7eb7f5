// Options → a server whose clients are those of npm `ws`, both ends of each.

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import type { TestContext } from 'node:test';
import { WebSocket, type ClientOptions } from 'ws';
import type { Server, ServerOptions, Socket } from '../../../host/node/index.js';
import { next, serving } from '../../host/support/serving.js';
import { until, within } from '../../host/support/wait.js';

/** What a client says, beside the options of npm `ws`. */
export interface Asking extends ClientOptions {
  path?: string;
  protocols?: string[];
}

export class Client {
  /** Texts that came; bytes that came. */
  readonly texts: string[] = [];
  readonly bytes: Buffer[] = [];
  /** Payloads of pings and pongs that came. */
  readonly pings: Buffer[] = [];
  readonly pongs: Buffer[] = [];
  readonly #closed: Promise<[code: number, reason: string]>;

  constructor(readonly ws: WebSocket) {
    ws.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.bytes.push(data);
      else this.texts.push(data.toString());
    });
    ws.on('ping', (data) => this.pings.push(data));
    ws.on('pong', (data) => this.pongs.push(data));
    // A reset is told as an error, too; what counts is the close that follows it.
    ws.on('error', () => {});
    this.#closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        resolve([code, reason.toString()]);
      });
    });
  }

  /** Its TCP connection. */
  get transport(): NetSocket {
    return (this.ws as unknown as { _socket: NetSocket })._socket;
  }

  /** The texts, once there are so many. */
  async received(count: number): Promise<string[]> {
    await until(() => this.texts.length >= count, `${count} texts`);
    return this.texts;
  }

  /** The code and the reason with which the connection ended, as this client sees it. */
  closed(): Promise<[code: number, reason: string]> {
    return within(this.#closed, 'the close');
  }
}

/** A connection, seen from both ends. */
export interface Joined {
  client: Client;
  socket: Socket;
}

export interface Joining {
  server: Server;
  port: number;
  /** A client that gets in. */
  join: (asking?: Asking) => Promise<Joined>;
  /** So many clients. */
  joins: (count: number) => Promise<Joined[]>;
  /** The status with which a client is answered, 0 when there is no answer. */
  status: (asking?: Asking) => Promise<number>;
}

/** Listens on a free port until the test has ended. */
export async function joining(t: TestContext, options: ServerOptions = {}): Promise<Joining> {
  const { server, port } = await serving(t, options);
  const connect = ({ path = '/', protocols = [], ...asking }: Asking = {}) => {
    const url = `ws://127.0.0.1:${port}${path}`;
    const ws = new WebSocket(url, protocols, { perMessageDeflate: false, ...asking });
    t.after(() => {
      ws.terminate();
    });
    return ws;
  };
  const join = async (asking?: Asking) => {
    const opened = next(server, 'open');
    const client = new Client(connect(asking));
    await within(once(client.ws, 'open'), 'the connection');
    const [socket] = await opened;
    return { client, socket };
  };
  const joins = async (count: number) => {
    const all: Joined[] = [];
    while (all.length < count) all.push(await join());
    return all;
  };
  const status = async (asking?: Asking) => {
    const ws = connect(asking);
    const answered = new Promise<number>((resolve) => {
      ws.on('upgrade', ({ statusCode }) => {
        resolve(statusCode ?? 0);
      });
      ws.on('unexpected-response', (request, { statusCode }: IncomingMessage) => {
        request.destroy();
        resolve(statusCode ?? 0);
      });
      // It is told after an answer, too, because the request was given up.
      ws.on('error', () => {
        resolve(0);
      });
    });
    return within(answered, 'an answer');
  };
  return { server, port, join, joins, status };
}

/**
 * What texts everybody has once everything that was sent before has come: each gets a last word, and
 * nothing overtakes it.
 */
export async function texts(all: readonly Joined[]): Promise<string[][]> {
  for (const { socket } of all) socket.send('last word');
  await Promise.all(
    all.map(({ client }) => until(() => client.texts.at(-1) === 'last word', 'the last word')),
  );
  return all.map(({ client }) => client.texts.splice(0).slice(0, -1));
}

/** Waits until so many messages were taken or dropped for a rate. */
export async function judged(server: Server, taken: () => number, count: number): Promise<void> {
  await until(() => taken() + server.metrics().rateDropped === count, `${count} messages`);
}
