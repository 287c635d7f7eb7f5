// The face: createServer(options) and its events, over the socket loop.

import { EventEmitter } from 'node:events';
import {
  createServer as createNetServer,
  type AddressInfo,
  type Server as NetServer,
  type Socket as NetSocket,
} from 'node:net';
import type { Duplex } from 'node:stream';
import { ErrorCode } from '../../build/limpet.abi.js';
import { LimpetError, type Core } from '../core/core.js';
import { authenticate } from './authenticate.js';
import { checkSelection, type Room, type Selection } from './hub.js';
import type { Link } from './link.js';
import { listening, listenOptions, type ListenOptions } from './listen.js';
import type { ServerMemory } from './memory.js';
import { METRICS_TYPE, metricsText, type Metrics } from './metrics.js';
import { applyOptions, HANDSHAKE_MS, type HostLimits, type ServerOptions } from './options.js';
import type { Published } from './outbox.js';
import { Prepared } from './prepared.js';
import { Request, UpgradeRequest } from './request.js';
import { Shards } from './shards.js';
import { payload, publish, Socket, wholeKind, type Data, type PublishOptions } from './socket.js';
import { streamOver, type MessageReader, type Told } from './streams.js';
import { TlsAcceptor } from './tls.js';
import type { TlsOptions } from './tls-options.js';
import { receivedBy, socketOf, takeConnections, type HandleTransport } from './transport/index.js';
import { loadModule } from './wasm.js';
import { Everywhere } from './workers/all.js';
import { join } from './workers/join.js';
import type { Goodbye, Team, WorkerEvent } from './workers/team.js';

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
  /** A message comes that is not told whole, see the option `streamMessages`. It has to be read. */
  stream: [socket: Socket, stream: MessageReader, isBinary: boolean];
  ping: [socket: Socket, data: Buffer];
  pong: [socket: Socket, data: Buffer];
  /** The queue of a connection for which `send` answered BACKPRESSURE has shrunk. */
  drain: [socket: Socket];
  /** A heartbeat was answered, after so many milliseconds. */
  heartbeat: [socket: Socket, rtt: number];
  /** `close` was called: last messages may be sent here, then the connection closes. */
  closing: [socket: Socket];
  /** A connection is over. 1005: its Close frame had no code; 1006: there was no Close frame. */
  close: [socket: Socket, code: number, reason: string, clean: boolean];
  /** A worker listens, or has ended. */
  worker: [event: WorkerEvent];
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

/** Whom a broadcast reaches: all, those of a selection, or those that a function picks. */
export interface BroadcastOptions extends PublishOptions {
  to?: Selection | ((socket: Socket) => boolean);
  /** A connection that is left out. */
  except?: Socket;
}

export class Server extends EventEmitter<ServerEvents> {
  readonly core: Core;
  readonly #shards: Shards<Socket>;
  readonly #net: NetServer;
  readonly #team: Team | undefined;
  /** `publish`, `broadcast`, `metrics`, `rooms` and `room` of all workers: promises. */
  readonly all: Everywhere<Server>;
  readonly #options: ServerOptions;
  #tls: TlsAcceptor | undefined;
  #metricsPath = '';
  #limits: HostLimits | undefined;
  readonly #told: Told<Socket> = {
    message: ({ owner }, data, isBinary) => {
      if (owner) this.emit('message', owner, data, isBinary);
    },
    stream: ({ owner }, reader, isBinary) =>
      owner !== undefined && this.emit('stream', owner, reader, isBinary),
    maxWhole: 0,
    maxStream: 0,
  };
  /** What Close frames say once `close` was called. */
  #goodbye = { code: 1001, reason: '' };

  constructor(options: ServerOptions = {}) {
    super();
    this.#options = options;
    const configure = (core: Core) => {
      const limits = applyOptions(core, options);
      this.#metricsPath = limits.metricsPath;
      this.#limits = limits;
      this.#told.maxWhole = limits.maxWhole;
      this.#told.maxStream = limits.maxStream;
      return { borrow: options.borrow ?? false, ...limits };
    };
    this.#shards = new Shards<Socket>(loadModule(options.profile ?? 'server'), configure, {
      upgrade: (link) => {
        this.#upgrade(link);
      },
      request: (link) => {
        const request = new Request(link.loop, link);
        if (this.#metrics(request)) return;
        if (!this.emit('request', request) && !request.answered) request.respond();
      },
      message: (link, data, isBinary) => {
        if (link.incoming) link.incoming.message(data, isBinary);
        else this.#told.message(link, data, isBinary);
      },
      opened: () => undefined,
      chunk: (link, data, isBinary, flags) => {
        link.incoming?.chunk(data, isBinary, flags);
      },
      ping: (link, data) => {
        if (link.owner) this.emit('ping', link.owner, data);
      },
      pong: (link, data) => {
        if (link.owner) this.emit('pong', link.owner, data);
      },
      writable: (link) => {
        // What is sent while a stream is written waits for its end.
        if (link.owner && !link.line) this.emit('drain', link.owner);
      },
      heartbeat: (link, rtt_ms) => {
        if (link.owner) this.emit('heartbeat', link.owner, rtt_ms);
      },
      closing: (link) => {
        this.#closing(link);
      },
      leaving: () => undefined,
      failed: (link, error, code) => {
        const failure = new ConnectionError(error, code);
        link.incoming?.fail(failure);
        // Nobody has to listen: a peer's fault must not end the process.
        if (this.listenerCount('error') > 0) this.emit('error', failure, link.owner);
      },
      closed: (link, code, reason, clean) => {
        link.incoming?.fail(new ConnectionError(ErrorCode.STATE, code));
        if (link.owner) this.emit('close', link.owner, code, reason, clean);
      },
      threw,
    });
    this.core = this.#shards.first().core;
    if (options.tls !== undefined) this.#tls = this.#acceptor(options.tls);
    this.#net = createNetServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true });
    takeConnections(this.#net, (connection) => this.#take(connection));
    this.#net.on('listening', () => this.emit('listening'));
    // What keeps it from listening is told by `listen`.
    this.#net.on('error', (error) => {
      if (this.#net.listening) this.emit('error', error);
    });
    this.#team = options.workers ? this.#join(options.workers) : undefined;
    this.all = new Everywhere<Server>(this, this.#team);
  }

  #join(workers: number): Team {
    return join(workers, this.#shards, this.#options.maxConnections, {
      serve: (received) => {
        const connection = receivedBy(this.#net, received);
        return connection && this.#take(connection);
      },
      close: (how) => this.close(how),
      worker: (event) => {
        this.emit('worker', event);
      },
      failed: (error) => {
        if (this.listenerCount('error') > 0) this.emit('error', error);
      },
      threw,
    });
  }

  /** Takes an accepted connection; returns its socket, if it is under TLS. */
  #take(connection: NetSocket | HandleTransport): NetSocket | undefined {
    if (!this.#tls) {
      if (!this.#shards.accept(connection)) connection.destroy();
      return undefined;
    }
    const socket = socketOf(connection);
    this.#tls.take(socket);
    return socket;
  }

  /** Whether this process only looks after its workers: it has no connections. */
  get isPrimary(): boolean {
    return this.#team?.isPrimary ?? false;
  }

  /** The number of this worker, from 1 on; 0 in the primary, and without workers. */
  get worker(): number {
    return this.#team?.worker ?? 0;
  }

  #upgrade(link: Link<Socket>): void {
    const request = new UpgradeRequest(link.loop, link, (protocol) => {
      const { remoteAddress: address, remotePort: port, remoteFamily: family, user } = request;
      const socket = new Socket(this.#shards, link, this.#told, protocol, user, {
        address,
        port,
        family,
      });
      link.owner = socket;
      const over = this.#limits?.streamsOver ?? Infinity;
      if (over < Infinity) streamOver(link, this.#told, over);
      this.emit('open', socket, request);
    });
    const admitted = () => {
      // Of the subprotocols that are allowed `protocols` has those that the client offers.
      const [first] = this.#options.allowedProtocols ? request.protocols : [];
      if (!this.emit('upgrade', request)) request.accept({ protocol: first ?? '' });
    };
    const hook = this.#options.authenticate;
    if (!hook) {
      admitted();
      return;
    }
    const failed = (error: unknown) => {
      if (this.listenerCount('error') === 0) return;
      this.emit('error', error instanceof Error ? error : new Error(String(error)));
    };
    authenticate(request, hook, { admitted, failed, threw });
  }

  /** The last moment of a connection before its Close frame. */
  #closing(link: Link<Socket>): void {
    try {
      if (link.owner) this.emit('closing', link.owner);
    } finally {
      link.loop.close(link, this.#goodbye.code, this.#goodbye.reason);
    }
  }

  /** Answers a request for the counters; whether it was one. */
  #metrics(request: Request): boolean {
    if (this.#metricsPath === '' || request.path !== this.#metricsPath) return false;
    if (request.method === 'GET' || request.method === 'HEAD') {
      const headers = { 'Content-Type': METRICS_TYPE, 'Cache-Control': 'no-store' };
      const answer = (metrics: Metrics) => {
        if (request.isPending) request.respond(200, { headers, body: metricsText(metrics) });
      };
      if (!this.#team) answer(this.metrics());
      else this.all.metrics().then(answer, threw);
    } else {
      request.respond(405, { headers: { Allow: 'GET, HEAD' } });
    }
    return true;
  }

  /**
   * Begins to listen.
   *
   * @param port 0 for a free one; or all options in one object, as net.Server takes them, and `tls`
   * @param host default 127.0.0.1: other machines get in only when you say so
   * @returns when it listens, and with workers all of them do; rejects when it cannot (EADDRINUSE,
   *   EACCES, …)
   */
  listen(port?: number, host?: string, options?: ListenOptions): Promise<AddressInfo>;
  listen(options: ListenOptions & { path: string }): Promise<string>;
  listen(options: ListenOptions): Promise<AddressInfo>;
  async listen(
    where?: number | ListenOptions,
    host?: string,
    more?: ListenOptions,
  ): Promise<AddressInfo | string> {
    const { tls: told, ...options } = listenOptions(where, host, more);
    const tls = told && this.#acceptor(told);
    try {
      const begun = () => {
        if (!tls) return;
        this.#tls?.close();
        this.#tls = tls;
      };
      if (!this.#team) return await listening(this.#net, options, begun);
      // The first connection may come with the news.
      begun();
      const address = await this.#team.listen(options);
      this.emit('listening');
      return address;
    } catch (error) {
      if (this.#tls === tls) this.#tls = undefined;
      tls?.close();
      throw error;
    }
  }

  /**
   * New certificates, and other settings of TLS, without a restart: for connections to come, those
   * that are open stay.
   *
   * @throws TypeError or RangeError for an option, LimpetError STATE when it is a server without TLS,
   *   and what Node throws for a pair that is none; then all stays as it was
   */
  setTls(options: TlsOptions): void {
    if (!this.#tls) throw new LimpetError('the server is without TLS', ErrorCode.STATE);
    this.#tls.set(options);
  }

  #acceptor(options: TlsOptions): TlsAcceptor {
    const { handshakeTimeout = HANDSHAKE_MS } = this.#options;
    const { maxConnections: most = 0, trusts = () => 0 } = this.#limits ?? {};
    const limits = { handshakeTimeout, most, trusts, core: this.core };
    return new TlsAcceptor(options, limits, {
      accepted: (socket, first) => {
        if (!this.#shards.accept(socket, first)) socket.destroy();
      },
      failed: (error) => {
        if (this.listenerCount('error') > 0) this.emit('error', error);
      },
      refused: () => {
        this.#shards.refuse();
      },
    });
  }

  /**
   * Serves a connection that something else accepted: any Duplex of bytes, with nothing read yet.
   *
   * @returns false when there is no room for it; a primary has none
   */
  attach(transport: Duplex): boolean {
    return !this.isPrimary && this.#shards.accept(transport) !== undefined;
  }

  /** Where it listens; null when it does not. */
  address(): AddressInfo | null {
    return this.#team ? this.#team.address() : (this.#net.address() as AddressInfo | null);
  }

  /** The open connections. */
  *sockets(): IterableIterator<Socket> {
    for (const link of this.#shards.links()) if (link.owner) yield link.owner;
  }

  /** The open connections, as an array. */
  sessions(): Socket[] {
    return [...this.sockets()];
  }

  /** The connection with an id, or undefined. */
  socket(id: number): Socket | undefined {
    return this.#shards.link(id)?.owner;
  }

  /** The connections of a selection. Throws TypeError or RangeError for what is none. */
  select(selection: Selection): Socket[] {
    return ownersOf(this.#shards.select(selection));
  }

  /** The rooms: what connections subscribed to, with how many are in and what was published. */
  rooms(): Room[] {
    return this.#shards.rooms();
  }

  /** The room of a topic or pattern; undefined when nobody is in. */
  room(topic: string): Room | undefined {
    return this.#shards.room(topic);
  }

  /** The connections in the room of a topic or pattern. */
  members(topic: string): Socket[] {
    return ownersOf(this.#shards.members(topic));
  }

  /**
   * Publishes a message to all that subscribed to a topic, or to a pattern that matches it, each
   * once. Its frame is made, and compressed, once for all of them.
   *
   * @param topic levels between `/`, without wildcards. MQTT 5 4.7
   * @throws LimpetError VALUE for what is no topic; TypeError for data that cannot be sent, or an
   *   `except` that is no connection
   */
  publish(
    topic: string,
    data: Data,
    { except, ...options }: PublishOptions & { except?: Socket } = {},
  ): Published {
    return publish(this.#shards, topic, data, options, this.#exceptOf(except));
  }

  /**
   * Makes a message ready that is to be sent again and again, to any connections at any time: framed once,
   * and compressed once for each window that its receivers agreed on. It takes linear memory until it
   * is freed (or forgotten), and is sent without a copy.
   *
   * @param data copied
   * @throws TypeError for data that cannot be sent
   */
  prepare(data: Data, options: PublishOptions = {}): Prepared {
    return new Prepared(wholeKind(data, options), payload(data));
  }

  /**
   * Sends a message to all open connections, or to those that `to` names. Its frame is made, and
   * compressed, once for all of them.
   *
   * @throws TypeError or RangeError for a selection that is none, data that cannot be sent, or an
   *   `except` that is no connection
   */
  broadcast(data: Data, { to = {}, except, ...options }: BroadcastOptions = {}): Published {
    const kind = wholeKind(data, options);
    const bytes = payload(data);
    const left = this.#exceptOf(except);
    if (typeof to !== 'function') checkSelection(to);
    else if (this.#team) throw new TypeError('a function cannot be sent to other workers');
    if (typeof to !== 'function' && this.#shards.first().hub.isThere) {
      return this.#shards.broadcast(to, left, kind, bytes);
    }
    if (typeof to !== 'function' && Object.keys(to).length > 0) {
      throw new TypeError('the profile has no selections');
    }
    const picked = (socket: Socket) => typeof to !== 'function' || to(socket);
    const links = [...this.#shards.links()].filter(
      ({ owner }) => owner && owner !== except && owner.isOpen && picked(owner),
    );
    return this.#shards.sendMany(links, kind, bytes);
  }

  /** The connection that is left out. What is none would leave nobody out. */
  #exceptOf(except: Socket | undefined): Link<Socket> | undefined {
    if (except === undefined) return undefined;
    if (!((except as unknown) instanceof Socket)) throw new TypeError('except is a connection');
    const link = this.#shards.link(except.id);
    return link?.owner === except ? link : undefined;
  }

  /** Counters since the start, and the use of memory: all of them at once. */
  metrics(): Metrics {
    return this.#shards.metrics();
  }

  /** The same counters, by the name that they have for one connection, too. */
  stats(): Metrics {
    return this.metrics();
  }

  /**
   * What a connection costs in the core, by name, and what is reserved: docs/node.md, "Memory". With
   * workers: of this process.
   */
  memory(): ServerMemory {
    return this.#shards.memory();
  }

  /** The counters as Prometheus reads them, exposition format 0.0.4. */
  metricsText(): string {
    return metricsText(this.metrics());
  }

  /**
   * Ends the server: listens no more, closes every connection, and cuts off those that are still
   * there after the timeout.
   *
   * @throws RangeError for a code or reason that may not be sent
   */
  async close({ code = 1001, reason = '', timeout = 2000 }: CloseOptions = {}): Promise<void> {
    const refused = this.#shards.closeCheck(code, reason);
    if (refused !== (ErrorCode.NONE as number)) {
      throw new RangeError(`a Close frame cannot say ${String(code)} "${reason}"`);
    }
    const how = { code, reason, timeout };
    const here = () => this.#close(how);
    await (this.#team ? this.#team.close(how, here) : here());
  }

  async #close({ code, reason, timeout }: Goodbye): Promise<void> {
    this.#net.close();
    this.#goodbye = { code, reason };
    this.#shards.shutdown(timeout);
    const until = performance.now() + timeout;
    while (this.#shards.size > 0 && performance.now() < until) await pause(5);
    for (const link of [...this.#shards.links()]) link.loop.terminate(link);
    while (this.#shards.size > 0) await pause(1);
    this.#tls?.close();
  }
}

/** An error of a listener, told on its own, where the process sees it as it would see any other. */
function threw(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

function ownersOf(links: Link<Socket>[]): Socket[] {
  return links.flatMap(({ owner }) => owner ?? []);
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
