// The face: createServer(options) and its events, over the socket loop.

import { EventEmitter } from 'node:events';
import {
  createServer as createNetServer,
  type AddressInfo,
  type Server as NetServer,
  type Socket as NetSocket,
} from 'node:net';
import type { Duplex } from 'node:stream';
import { ErrorCode, Opcode, SEND_PLAIN } from '../../build/limpet.abi.js';
import { LimpetError, type Core, type CoreStats } from '../core/core.js';
import type { Link } from './link.js';
import { SocketLoop } from './loop.js';
import { applyOptions, type ServerOptions } from './options.js';
import { Request, UpgradeRequest } from './request.js';
import { payload, Socket, type Data, type SendOptions } from './socket.js';
import { loadCore } from './wasm.js';

/** A connection's failure: `code` says which rule was broken, `closeCode` what the peer was told. */
export class ConnectionError extends LimpetError {
  constructor(
    code: ErrorCode,
    readonly closeCode: number,
  ) {
    super(`a connection failed with ${String(closeCode)}`, code);
  }
}

/** Events of a server, with what their listeners get. */
export interface ServerEvents {
  listening: [];
  /** A connection is open. */
  open: [socket: Socket, request: UpgradeRequest];
  /** A message came, whole. `data` is yours unless the option `borrow` is set. */
  message: [socket: Socket, data: Buffer, isBinary: boolean];
  ping: [socket: Socket, data: Buffer];
  pong: [socket: Socket, data: Buffer];
  /** The queue of a connection for which `send` answered BACKPRESSURE has shrunk. */
  drain: [socket: Socket];
  /** A connection is over. 1005: its Close frame had no code; 1006: there was no Close frame. */
  close: [socket: Socket, code: number, reason: string, clean: boolean];
  /** The server cannot listen; or a connection broke a rule (`socket` is absent before it is open). */
  error: [error: Error, socket?: Socket];
  /** An opening handshake: accept or reject it, now or later. Without a listener all are accepted. */
  upgrade: [request: UpgradeRequest];
  /** A plain HTTP request: answer it, now or later. Without a listener the answer is 426. */
  request: [request: Request];
}

/** How a server ends. */
export interface CloseOptions {
  /** What the clients are told. Default 1001, going away. */
  code?: number;
  reason?: string;
  /** How long clients may take to say goodbye, ms, before they are cut off. Default 2,000. */
  timeout?: number;
}

/** Whom a broadcast reaches, and how it is sent. */
export interface BroadcastOptions extends Pick<SendOptions, 'binary' | 'compress'> {
  /** Whether a connection gets it. */
  to?: (socket: Socket) => boolean;
}

export class Server extends EventEmitter<ServerEvents> {
  readonly core: Core;
  readonly #loop: SocketLoop<Socket>;
  readonly #net: NetServer;

  constructor(options: ServerOptions = {}) {
    super();
    this.core = loadCore(options.profile ?? 'server');
    const limits = applyOptions(this.core, options);
    this.#loop = new SocketLoop<Socket>(
      this.core,
      {
        upgrade: (link) => {
          this.#upgrade(link);
        },
        request: (link) => {
          const request = new Request(this.#loop, link);
          if (!this.emit('request', request) && !request.answered) request.respond();
        },
        message: (link, data, isBinary) => {
          if (link.owner) this.emit('message', link.owner, data, isBinary);
        },
        ping: (link, data) => {
          if (link.owner) this.emit('ping', link.owner, data);
        },
        pong: (link, data) => {
          if (link.owner) this.emit('pong', link.owner, data);
        },
        writable: (link) => {
          if (link.owner) this.emit('drain', link.owner);
        },
        failed: (link, error, code) => {
          // Nobody has to listen: a peer's fault must not end the process.
          if (this.listenerCount('error') > 0) {
            this.emit('error', new ConnectionError(error, code), link.owner);
          }
        },
        closed: (link, code, reason, clean) => {
          if (link.owner) this.emit('close', link.owner, code, reason, clean);
        },
        // On its own, where the process sees it as it would see any listener's.
        threw: (error) => {
          process.nextTick(() => {
            throw error;
          });
        },
      },
      {
        borrow: options.borrow ?? false,
        ...limits,
      },
    );
    this.#net = createNetServer(
      { pauseOnConnect: true, noDelay: true, allowHalfOpen: true },
      (accepted: NetSocket) => {
        if (!this.#loop.accept(accepted)) accepted.destroy();
      },
    );
    this.#net.on('listening', () => this.emit('listening'));
  }

  #upgrade(link: Link<Socket>): void {
    const request = new UpgradeRequest(this.#loop, link, (protocol) => {
      link.owner = new Socket(this.#loop, link, protocol, request.remoteAddress);
      this.emit('open', link.owner, request);
    });
    if (!this.emit('upgrade', request)) request.accept();
  }

  /**
   * Begins to listen.
   *
   * @param port 0 for a free one
   * @param host default 127.0.0.1: other machines get in only when you say so
   * @returns when it listens; rejects when it cannot (EADDRINUSE, EACCES, …)
   */
  listen(port = 0, host = '127.0.0.1'): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      const failed = (error: Error) => {
        reject(error);
      };
      this.#net.once('error', failed);
      this.#net.listen(port, host, () => {
        this.#net.off('error', failed);
        this.#net.on('error', (error) => this.emit('error', error));
        resolve(this.#net.address() as AddressInfo);
      });
    });
  }

  /** Serves a connection that something else accepted: any Duplex of bytes, with nothing read yet. */
  attach(transport: Duplex): boolean {
    return this.#loop.accept(transport) !== undefined;
  }

  /** Where it listens; null when it does not. */
  address(): AddressInfo | null {
    return this.#net.address() as AddressInfo | null;
  }

  /** The open connections. */
  *sockets(): IterableIterator<Socket> {
    for (const link of this.#loop.links()) if (link.owner) yield link.owner;
  }

  /**
   * Sends a message to all open connections, or to those that `to` picks. It is compressed once for
   * all of them.
   *
   * @returns for how many connections it was queued
   */
  broadcast(
    data: Data,
    { to, binary = typeof data !== 'string', compress = true }: BroadcastOptions = {},
  ): number {
    const links = [...this.#loop.links()].filter(({ owner }) => owner && (!to || to(owner)));
    const kind = (binary ? Opcode.BINARY : Opcode.TEXT) | (compress ? 0 : SEND_PLAIN);
    return this.#loop.sendMany(links, kind, payload(data));
  }

  /** Counters since the start, and the use of memory. */
  stats(): CoreStats & { memoryBytes: number } {
    return { ...this.core.stats(), memoryBytes: this.core.u8.length };
  }

  /**
   * Ends the server: listens no more, closes every connection, and cuts off those that are still
   * there after the timeout.
   *
   * @throws RangeError for a code or reason that may not be sent
   */
  async close({ code = 1001, reason = '', timeout = 2000 }: CloseOptions = {}): Promise<void> {
    const refused = this.#loop.closeCheck(code, reason);
    if (refused !== ErrorCode.NONE) {
      throw new RangeError(`a Close frame cannot say ${String(code)} "${reason}"`);
    }
    this.#net.close();
    for (const link of [...this.#loop.links()]) {
      if (!link.owner) this.#loop.terminate(link);
      else this.#loop.close(link, code, reason);
    }
    const until = performance.now() + timeout;
    while (this.#loop.size > 0 && performance.now() < until) await pause(5);
    for (const link of [...this.#loop.links()]) this.#loop.terminate(link);
    while (this.#loop.size > 0) await pause(1);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Makes a server.
 *
 * @throws TypeError or RangeError for an option that is unknown or out of range
 */
export function createServer(options?: ServerOptions): Server {
  return new Server(options);
}
