// An opening handshake that the core has judged → a WebSocket, or a refusal. RFC 6455 4.2.2.
//
//   UPGRADE ─► shouldHandle ─► verifyClient ─► authenticate ─► handleProtocols ─► 'headers' ─► 101
//                  │ 400            │ 401, …        │ 401, …                                    │
//                  └────────────────┴───────────────┴─► the answer         clients, 'connection' ┘

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { Option, State } from '../../../build/limpet.abi.js';
import { authenticate, type Candidate } from '../authenticate.js';
import type { Link } from '../link.js';
import { fieldLines, readProtocols, type Answer, type Headers } from '../request.js';
import { explain, joined } from './answers.js';
import { opened } from './handlers.js';
import { requestOf } from './request.js';
import type { WebSocketServer } from './server.js';
import type { Peer, WebSocket } from './websocket.js';

/** Called with the connection. */
export type UpgradeCallback = (ws: WebSocket, request: IncomingMessage, user?: unknown) => void;

/** Fields of a refusal that the core writes. */
const OWN = new Set(['connection', 'content-length', 'transfer-encoding']);

export class Opening implements Candidate {
  user: unknown = undefined;
  #link: Link<Peer> | undefined;
  #request: IncomingMessage | undefined;
  #ws: WebSocket | undefined;
  /** Whether `begin` is under way, and what a hook or listener threw meanwhile. */
  #begins = false;
  #thrown: { error: unknown } | undefined;

  /**
   * @param callback gets the connection
   * @param request what node:http has parsed; without it the core's own parser has
   */
  constructor(
    private readonly server: WebSocketServer,
    private readonly callback: UpgradeCallback,
    request?: IncomingMessage,
  ) {
    this.#request = request;
  }

  /** Whether it came to a connection. */
  get isOpen(): boolean {
    return this.#ws !== undefined;
  }

  /** Begins with a request that node:http has parsed; what its hooks throw is thrown here. */
  begin(accept: () => Link<Peer> | undefined): Link<Peer> | undefined {
    this.#begins = true;
    const link = accept();
    this.#begins = false;
    if (this.#thrown) throw this.#thrown.error;
    return link;
  }

  /** The request; for one that the core has parsed, once `judged` was called. */
  get request(): IncomingMessage | undefined {
    return this.#request;
  }

  get isPending(): boolean {
    const link = this.#link;
    return link?.loop.state(link) === State.PENDING;
  }

  /** The core takes it for an opening handshake. */
  judged(link: Link<Peer>): void {
    this.#link = link;
    this.#request ??= requestOf(link);
    try {
      this.#decide(link, this.#request);
    } catch (error) {
      // Nobody would answer it any more.
      if (!this.isOpen) link.loop.terminate(link);
      if (!this.#begins) throw error;
      this.#thrown = { error };
    }
  }

  #decide(link: Link<Peer>, request: IncomingMessage): void {
    if (!this.server.shouldHandle(request)) {
      this.refuse(400);
      return;
    }
    const { verifyClient } = this.server.options;
    if (!verifyClient) {
      this.#authenticate(request);
      return;
    }
    const info = {
      origin: request.headers.origin!,
      secure: (request.socket as Partial<TLSSocket> | undefined)?.encrypted === true,
      req: request,
    };
    if (verifyClient.length !== 2) {
      const isVerified = (verifyClient as (told: typeof info) => boolean)(info);
      if (isVerified) this.#authenticate(request);
      else this.refuse(401);
      return;
    }
    // It takes what time it wants.
    link.loop.core.exports.limpet_option_set(link.handle, Option.HANDSHAKE_MS, 0);
    verifyClient(info, (verified, code, message, headers) => {
      if (!this.isPending) return;
      if (verified) this.#authenticate(request);
      else this.refuse(code ?? 401, message, headers);
    });
  }

  #authenticate(request: IncomingMessage): void {
    const { authenticate: hook } = this.server.options;
    if (!hook) {
      this.#complete(request);
      return;
    }
    authenticate(this, () => hook(request), {
      admitted: () => {
        this.#complete(request);
      },
      failed: (error) => {
        this.server._hookFailed(error);
      },
      threw: (error) => {
        process.nextTick(() => {
          throw error;
        });
      },
    });
  }

  /** Answers 101. */
  #complete(request: IncomingMessage): void {
    const link = this.#link;
    if (!link || !this.isPending) return;
    const { loop } = link;
    if (link.halfClosed) {
      loop.terminate(link);
      return;
    }
    if (!this.server._isRunning) {
      this.refuse(503);
      return;
    }
    const { options } = this.server;
    // A class of the user's own may look at the options.
    const ws = new options.WebSocket(null, undefined, options);
    const protocol = this.#protocol(link, request);
    if (protocol === undefined) {
      this.refuse(400);
      return;
    }
    loop.acceptUpgrade(link, protocol, '');
    try {
      this.#tellHeaders(link, request);
      this.#ws = ws;
      ws.user = this.user;
      opened(ws, link, protocol, !options.allowSynchronousEvents);
      this.server._entered(ws);
      const { streamMessages = false } = options;
      if (streamMessages !== false) ws.setStreamMessages(streamMessages);
      if (options.authenticate) this.callback(ws, request, this.user);
      else this.callback(ws, request);
    } finally {
      loop.proceed(link);
    }
  }

  /** Lets listeners of 'headers' change the answer. */
  #tellHeaders(link: Link<Peer>, request: IncomingMessage): void {
    if (this.server.listenerCount('headers') === 0) return;
    link.loop.rewrite(link, (head) => {
      const lines = head.split('\r\n').slice(0, -2);
      this.server.emit('headers', lines, request);
      return joined(lines);
    });
  }

  /** The subprotocol that is answered, or ''; undefined when the hook's is none that the client offers. */
  #protocol(link: Link<Peer>, request: IncomingMessage): string | undefined {
    const offered = readProtocols(link.loop.core, link.handle);
    const { handleProtocols } = this.server.options;
    if (offered.length === 0) return '';
    if (!handleProtocols) return offered[0];
    const chosen = handleProtocols(new Set(offered), request) || '';
    return chosen === '' || offered.includes(chosen) ? chosen : undefined;
  }

  reject(status: number, { headers = {}, body }: Answer = {}): void {
    this.refuse(status, body?.toString(), headers);
  }

  /** Answers with a status. What says how the connection goes on is the core's. */
  refuse(status: number, message?: string, headers: OutgoingHttpHeaders = {}): void {
    if (!this.#link || !this.isPending) return;
    const fields: Headers = {};
    for (const [name, value] of Object.entries(headers)) {
      if (!OWN.has(name.toLowerCase())) fields[name] = String(value);
    }
    this.#link.loop.respond(this.#link, status, fieldLines(fields), '');
    explain(this.#link, message);
  }
}
