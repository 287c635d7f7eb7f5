// The class WebSocketServer: where connections come from, and what all of them have in common.
//
//   port        net.Server of our own: the core parses the request
//   server      'upgrade' of a http(s).Server ─┐
//   noServer    ───────────────────────────────┴► handleUpgrade: the core judges what was parsed

import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import {
  createServer as createNetServer,
  type AddressInfo,
  type Server as NetServer,
  type Socket as NetSocket,
} from 'node:net';
import type { Duplex } from 'node:stream';
import { State, type ErrorCode } from '../../../build/limpet.abi.js';
import { whole } from '../checks.js';
import { checkSelection, type Room, type Selection } from '../hub.js';
import type { Link } from '../link.js';
import type { Handlers } from '../loop.js';
import type { Metrics } from '../metrics.js';
import type { ServerMemory } from '../memory.js';
import type { Published } from '../outbox.js';
import { Prepared } from '../prepared.js';
import { Shards } from '../shards.js';
import { payload, wholeKind, type Data, type PublishOptions } from '../socket.js';
import { receivedBy, takeConnections } from '../transport/index.js';
import { loadModule } from '../wasm.js';
import { Everywhere } from '../workers/all.js';
import { join } from '../workers/join.js';
import type { Goodbye, Team, WorkerEvent } from '../workers/team.js';
import { explain } from './answers.js';
import { checkClose } from './data.js';
import { behind, threw, TOLD } from './handlers.js';
import { refusalOf } from './errors.js';
import { Opening, type UpgradeCallback } from './opening.js';
import type { ServerOptions } from './options.js';
import { headOf, requestOf } from './request.js';
import {
  applySettings,
  CLOSE_TIMEOUT_MS,
  MAX_FRAGMENTS,
  MAX_PAYLOAD,
  serverSettings,
  type Settings,
} from './settings.js';
import { Emitter } from './typed.js';
import { OPEN, WebSocket, type Peer } from './websocket.js';

/** Events of a server, with what their listeners get. */
export interface ServerEvents<Socket = WebSocket, Request = IncomingMessage> {
  listening: [];
  /** A connection is open; `user` is what the option `authenticate` found. */
  connection: [ws: Socket, request: Request, user: unknown];
  /** The lines of the answer to an opening handshake, which may be changed. */
  headers: [lines: string[], request: Request];
  /** An opening handshake broke a rule: the listener answers, and closes the socket. */
  wsClientError: [error: Error, socket: Duplex, request: Request];
  error: [error: Error];
  /** A worker listens, or has ended. */
  worker: [event: WorkerEvent];
  close: [];
}

/** How a server ends the connections that it has. */
export interface CloseOptions {
  /** What the clients are told. Default 1001, going away. */
  code?: number | undefined;
  reason?: string | undefined;
  /** How long clients may take to say goodbye, ms, before they are cut off. Default 2,000. */
  timeout?: number | undefined;
}

/** Whom a broadcast reaches: all, those of a selection, or those that a function picks. */
export interface BroadcastOptions<Socket = WebSocket> extends PublishOptions {
  to?: Selection | ((ws: Socket) => boolean);
  /** A connection that is left out. */
  except?: Socket;
}

const RUNNING = 0;
const CLOSING = 1;
const CLOSED = 2;

const GOODBYE_MS = 2000;
/** RFC 6455 7.4.1: "going away". */
const GOING_AWAY = 1001;
const TWICE =
  'server.handleUpgrade() was called more than once with the same socket, possibly due to a ' +
  'misconfiguration';

/** What a server has unless it is told otherwise. */
const STANDARD = {
  allowSynchronousEvents: true,
  autoPong: true,
  backlog: null,
  clientTracking: true,
  closeTimeout: CLOSE_TIMEOUT_MS,
  handleProtocols: null,
  host: null,
  maxBufferedChunks: 256 << 10,
  maxFragments: MAX_FRAGMENTS,
  maxPayload: MAX_PAYLOAD,
  maxPendingAutoPongs: 60,
  noServer: false,
  path: null,
  perMessageDeflate: false,
  port: null,
  server: null,
  skipUTF8Validation: false,
  verifyClient: null,
};

/** The opening handshake of a socket that was handed to `handleUpgrade`. */
const OPENING = Symbol('limpet opening');

type Marked = Duplex & { [OPENING]?: Opening };

export class WebSocketServer<
  Class extends typeof WebSocket = typeof WebSocket,
  Request extends typeof IncomingMessage = typeof IncomingMessage,
> extends Emitter<ServerEvents<InstanceType<Class>, InstanceType<Request>>> {
  readonly options: ServerOptions<Class, Request> & { WebSocket: Class };
  /** The open connections; undefined when the option `clientTracking` is false. */
  readonly clients!: Set<InstanceType<Class>>;
  /** @internal What it listens to; undefined once it is closing, and with `noServer`. */
  _server: NetServer | undefined;
  /** What it hears of that. */
  readonly #heard: Parameters<EventEmitter['on']>[];
  readonly #settings: Settings;
  #shards: Shards<Peer> | undefined;
  #state = RUNNING;
  /** Open connections. */
  #open = 0;
  /** What follows when the last connection is gone. */
  #last: (() => void) | undefined;
  /** Its part in a program with workers. */
  readonly #team: Team | undefined;
  /** `publish`, `broadcast`, `metrics`, `rooms` and `room` of all workers: promises. */
  readonly all: Everywhere<WebSocketServer<Class, Request>>;

  /**
   * @param callback called when it listens on a port of its own
   * @throws TypeError or RangeError that names the option that is wrong
   */
  constructor(options: ServerOptions<Class, Request> = {}, callback?: () => void) {
    super();
    const given = { ...(STANDARD as object), WebSocket: WebSocket as Class, ...options };
    checkMode(given);
    this.#settings = serverSettings(given as object);
    if (given.perMessageDeflate === true) given.perMessageDeflate = {};
    this.options = given;
    if (given.clientTracking) this.clients = new Set();
    // Policies are held against a core.
    if (Object.keys(this.#settings.policies).length > 0) this.#connections.first();
    this.#heard = [['error', (error: Error) => this.emit('error', error)]];
    // With workers it is said when they do.
    if (!given.workers) this.#heard.push(['listening', () => this.emit('listening')]);
    const { port, host, backlog, server, workers } = given;
    const own = isThere(port) ? this.#listener() : undefined;
    this._server = own ?? server ?? undefined;
    this.#team = workers ? this.#join(workers, own) : undefined;
    this.all = new Everywhere<WebSocketServer<Class, Request>>(this, this.#team);
    if (own) {
      const where = { port: port ?? 0, host: host ?? undefined, backlog: backlog ?? undefined };
      if (this.#team) this.#listens(this.#team.listen(where), callback);
      else own.listen(where, callback);
    } else if (server) {
      if (this.#team) this.#listens(this.#team.over(server), undefined);
      const connected: UpgradeCallback = (...args) => this.emit('connection', ...args);
      const upgrade = (request: InstanceType<Request>, socket: Duplex, head: Buffer) => {
        this.handleUpgrade(request, socket, head, connected);
      };
      this.#heard.push(['upgrade', upgrade]);
    }
    for (const heard of this.#heard) (this._server as EventEmitter | undefined)?.on(...heard);
  }

  /** The server has workers, and in a worker it is what serves; `own` listens to its port. */
  #join(workers: number, own: NetServer | undefined): Team {
    const face = {
      serve: (received: unknown) => {
        const connection = own && receivedBy(own, received);
        if (connection && !this.#connections.accept(connection)) connection.destroy();
        return undefined;
      },
      close: (how?: Goodbye) =>
        new Promise<void>((resolve) => {
          this.close(how, () => {
            resolve();
          });
        }),
      worker: (event: WorkerEvent) => {
        this.emit('worker', event);
      },
      failed: (error: Error) => {
        this._hookFailed(error);
      },
      threw,
    };
    return join(workers, this.#connections, this.options.maxConnections, face, !own);
  }

  /** Tells when the workers listen. */
  #listens(listening: Promise<unknown>, callback: (() => void) | undefined): void {
    if (callback) this.once('listening', callback);
    const told = (tell: () => void) => {
      // What a listener throws is the program's, not the promise's.
      if (this.#state === RUNNING) process.nextTick(tell);
    };
    listening.then(
      () => {
        told(() => this.emit('listening'));
      },
      (error: unknown) => {
        told(() => this.emit('error', error));
      },
    );
  }

  /** Whether this process only looks after its workers: it has no connections. */
  get isPrimary(): boolean {
    return this.#team?.isPrimary ?? false;
  }

  /** The number of this worker, from 1 on; 0 in the primary, and without workers. */
  get worker(): number {
    return this.#team?.worker ?? 0;
  }

  /** What listens on a port of our own. */
  #listener(): NetServer {
    const own = createNetServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true });
    takeConnections(own, (connection) => {
      if (!this.#connections.accept(connection)) connection.destroy();
    });
    return own;
  }

  /** Its connections; the first instance of the core is made when it is needed. */
  get #connections(): Shards<Peer> {
    return (this.#shards ??= new Shards<Peer>(
      loadModule('server'),
      (core) => applySettings(core, this.#settings),
      this.#handlers(),
    ));
  }

  /** What the loops tell. */
  #handlers(): Handlers<Peer> {
    const connected: UpgradeCallback = (...args) => this.emit('connection', ...args);
    return {
      ...TOLD,
      upgrade: (link) => {
        const opening = link.owner instanceof Opening ? link.owner : new Opening(this, connected);
        link.owner = opening;
        opening.judged(link);
      },
      request: (link) => {
        this.#plain(link);
      },
      failed: (link, error, code, detail, head) => {
        if (link.owner instanceof WebSocket) TOLD.failed(link, error, code, detail, head);
        else this.#refused(link, error, head);
      },
      closed: (link, code, reason, clean) => {
        const ws = link.owner;
        if (!(ws instanceof WebSocket)) return;
        behind(ws, () => {
          this.#left(ws as InstanceType<Class>);
        });
        TOLD.closed(link, code, reason, clean);
      },
    };
  }

  // ------------------------------------------------------------ opening handshakes

  /**
   * Takes the upgrade of a request over that a http(s).Server has parsed.
   *
   * @param socket its transport: any Duplex of bytes
   * @param head the bytes that came behind the request
   * @param callback gets the connection, now unless a hook takes its time
   * @throws Error when the socket is a connection already
   */
  handleUpgrade(
    request: InstanceType<Request>,
    socket: Duplex,
    head: Buffer,
    callback: (ws: InstanceType<Class>, request: InstanceType<Request>, user?: unknown) => void,
  ): void {
    const marked = socket as Marked;
    if (marked[OPENING]) {
      if (marked[OPENING].isOpen && this.shouldHandle(request)) throw new Error(TWICE);
      return;
    }
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    const opening = new Opening(this, callback as UpgradeCallback, request);
    marked[OPENING] = opening;
    const first = headOf(request, head);
    if (!opening.begin(() => this.#connections.accept(socket, first, opening))) socket.destroy();
  }

  /** Whether a request is for this server: its path is that of the option `path`. */
  shouldHandle(request: InstanceType<Request>): boolean {
    const { path } = this.options;
    return !path || (request.url ?? '').split('?', 1)[0] === path;
  }

  /** A request that asks for no upgrade. */
  #plain(link: Link<Peer>): void {
    const { owner, loop } = link;
    if (!(owner instanceof Opening)) {
      // It came to our port, where there is nothing else.
      loop.respond(link, 0, '', '');
      explain(link, undefined, 'text/plain');
      return;
    }
    // node:http says that it is an upgrade, and the core that it is none to a WebSocket.
    const isGet = owner.request?.method === 'GET';
    const message = isGet ? 'Invalid Upgrade header' : 'Invalid HTTP method';
    if (this.#tellsRefusal(link, message)) return;
    owner.refuse(isGet ? 400 : 405, message);
  }

  /** The core has refused an opening handshake; its answer is not written yet. */
  #refused(link: Link<Peer>, error: ErrorCode, head: string): void {
    const message = refusalOf(error);
    if (message === undefined) explain(link);
    else if (!this.#tellsRefusal(link, message, head)) explain(link, message);
  }

  /** Lets listeners of 'wsClientError' answer, if there are some; then the core does not. */
  #tellsRefusal(link: Link<Peer>, message: string, head?: string): boolean {
    if (this.listenerCount('wsClientError') === 0) return false;
    const { owner } = link;
    const known = owner instanceof Opening ? owner.request : undefined;
    const request = (known ?? requestOf(link, head)) as InstanceType<Request>;
    const socket = link.loop.detach(link);
    if (!socket) return false;
    // Its link leads nowhere any more.
    request.socket = socket as NetSocket;
    this.emit('wsClientError', new Error(message), socket, request);
    return true;
  }

  // ------------------------------------------------------------------ connections

  /** @internal Whether it takes connections. */
  get _isRunning(): boolean {
    return this.#state === RUNNING;
  }

  /** @internal A hook of the user's threw, or rejected. Nobody has to listen: the client has its answer. */
  _hookFailed(error: unknown): void {
    if (this.listenerCount('error') === 0) return;
    this.emit('error', error instanceof Error ? error : new Error(String(error)));
  }

  /** @internal A connection is open. */
  _entered(ws: InstanceType<Class>): void {
    ws._shards = this.#connections;
    this.#open += 1;
    if (this.options.clientTracking) this.clients.add(ws);
  }

  #left(ws: InstanceType<Class>): void {
    this.#open -= 1;
    if (this.options.clientTracking) this.clients.delete(ws);
    if (this.#last && this.#open === 0) process.nextTick(this.#last);
  }

  readonly #ended = () => {
    this.#state = CLOSED;
    this.emit('close');
  };

  // ------------------------------------------------------------- rooms and all

  /**
   * Publishes a message to all that subscribed to a topic, or to a pattern that matches it, each
   * once. Its frame is made, and compressed, once for all of them.
   *
   * @param topic levels between `/`, without wildcards. MQTT 5 4.7
   * @throws LimpetError VALUE for what is no topic; TypeError for data that cannot be sent
   */
  publish(
    topic: string,
    data: Data,
    { except, ...options }: PublishOptions & { except?: InstanceType<Class> } = {},
  ): Published {
    const kind = wholeKind(data, options);
    return this.#connections.publish(topic, kind, payload(data), this.#linkOf(except));
  }

  /**
   * Sends a message to all open connections, or to those that `to` names. Its frame is made, and
   * compressed, once for all of them.
   *
   * @throws TypeError or RangeError for a selection that is none, or data that cannot be sent
   */
  broadcast(
    data: Data,
    { to = {}, except, ...options }: BroadcastOptions<InstanceType<Class>> = {},
  ): Published {
    const kind = wholeKind(data, options);
    const bytes = payload(data);
    const left = this.#linkOf(except);
    if (typeof to !== 'function') {
      checkSelection(to);
      return this.#connections.broadcast(to, left, kind, bytes);
    }
    if (this.#team) throw new TypeError('a function cannot be sent to other workers');
    const picked = [...this.#connections.links()].filter(
      ({ owner }) =>
        owner instanceof WebSocket &&
        owner !== except &&
        owner.readyState === OPEN &&
        to(owner as InstanceType<Class>),
    );
    return this.#connections.sendMany(picked, kind, bytes);
  }

  /** The link that is left out. What is no connection of this server would leave nobody out. */
  #linkOf(except: InstanceType<Class> | undefined): Link<Peer> | undefined {
    if (except === undefined) return undefined;
    if (!((except as unknown) instanceof WebSocket)) throw new TypeError('except is a connection');
    const link = except._link && this.#connections.link(except._link.id);
    return link?.owner === except ? link : undefined;
  }

  /** The rooms: what connections subscribed to, with how many are in and what was published. */
  rooms(): Room[] {
    return this.#connections.rooms();
  }

  /** The room of a topic or pattern; undefined when nobody is in. */
  room(topic: string): Room | undefined {
    return this.#connections.room(topic);
  }

  /** The connections in the room of a topic or pattern. */
  members(topic: string): InstanceType<Class>[] {
    return this.#connections.members(topic).map(({ owner }) => owner as InstanceType<Class>);
  }

  /**
   * Makes a message ready that is to be sent again and again, to any connections at any time: framed
   * once, and compressed once for each window that its receivers agreed on. It takes linear memory
   * until it is freed, or forgotten.
   *
   * @param data copied
   * @throws TypeError for data that cannot be sent
   */
  prepare(data: Data, options: PublishOptions = {}): Prepared {
    return new Prepared(wholeKind(data, options), payload(data));
  }

  /** What a connection costs in the core, by name, and what is reserved: docs/node.md, "Memory". */
  memory(): ServerMemory {
    return this.#connections.memory();
  }

  /** Counters since the start, and the use of memory: all of them at once. */
  metrics(): Metrics {
    return this.#connections.metrics();
  }

  // ---------------------------------------------------------------------- the end

  /** Where it listens; null when it does not. Throws Error with the option `noServer`. */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    if (this.#team && this._server) return this.#team.address();
    return this._server?.address() ?? null;
  }

  /**
   * Takes no more connections; 'close' follows when those that there are have closed. A server that
   * was given, and not made here, goes on.
   *
   * @param how closes the connections, too
   * @param callback called with 'close', or with an error when the server was closed before
   * @throws TypeError or RangeError for a code or reason that may not be sent
   */
  close(callback?: (error?: Error) => void): void;
  close(how?: CloseOptions, callback?: (error?: Error) => void): void;
  close(how?: CloseOptions | ((error?: Error) => void), callback?: (error?: Error) => void): void {
    if (typeof how === 'function') {
      this.close(undefined, how);
      return;
    }
    if (this.#state === CLOSED) {
      if (callback)
        this.once('close', () => {
          callback(new Error('The server is not running'));
        });
      process.nextTick(this.#ended);
      return;
    }
    if (how) this.#closeAll(how);
    if (callback) this.once('close', callback);
    if (this.#state === CLOSING) return;
    this.#state = CLOSING;
    const server = this._server;
    for (const heard of this.#heard) (server as EventEmitter | undefined)?.off(...heard);
    this._server = undefined;
    if (this.#team) {
      const { code = GOING_AWAY, reason = '', timeout = GOODBYE_MS } = how ?? {};
      void this.#team
        .close(how && { code, reason, timeout }, () => this.#emptied())
        .then(() => process.nextTick(this.#ended));
    } else if (isThere(this.options.port)) {
      server?.close(this.#ended);
      this.#dropHeads();
    } else if (this.#open > 0 && (how !== undefined || this.options.clientTracking)) {
      this.#last = this.#ended;
    } else {
      process.nextTick(this.#ended);
    }
  }

  /** Resolves when the last connection is gone. */
  #emptied(): Promise<void> {
    this.#dropHeads();
    return new Promise((resolve) => {
      if (this.#open === 0) resolve();
      else this.#last = resolve;
    });
  }

  /** Connections to a port that closes, of whose request nothing is known yet. */
  #dropHeads(): void {
    for (const link of [...(this.#shards?.links() ?? [])]) {
      if (link.loop.state(link) === State.HANDSHAKE) link.loop.terminate(link);
    }
  }

  #closeAll({ code = GOING_AWAY, reason = '', timeout = GOODBYE_MS }: CloseOptions): void {
    checkClose(code, reason);
    whole('timeout', timeout);
    const all = [...(this.#shards?.links() ?? [])].flatMap(({ owner }) =>
      owner instanceof WebSocket ? owner : [],
    );
    for (const ws of all) ws.close(code, reason);
    const timer = setTimeout(() => {
      for (const ws of all) ws.terminate();
    }, timeout);
    this.once('close', () => {
      clearTimeout(timer);
    });
  }
}

function isThere<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}

/** Throws TypeError unless it is said exactly once where connections come from. */
function checkMode({
  port,
  server,
  noServer,
}: Pick<ServerOptions, 'port' | 'server' | 'noServer'>) {
  if ([isThere(port), Boolean(server), Boolean(noServer)].filter(Boolean).length === 1) return;
  throw new TypeError(
    'One and only one of the "port", "server", or "noServer" options must be specified',
  );
}
