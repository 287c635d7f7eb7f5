// `new WebSocket(address, protocols, options)` → an open connection, or 'error' and 'close'.
// RFC 6455 4.1, WHATWG WebSockets.
//
//   begin ─► session (the core: key, extensions, subprotocols) ─► request (node:http: proxies, TLS)
//     ▲                                                              │
//     └───── redirect ◄── 'response' ◄───────────────────────────────┤
//                            └─► 'unexpected-response' or an error   │
//   opened ◄─── the core judges ◄── 'upgrade': the head, and what follows it

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ErrorCode } from '../../../build/limpet.abi.js';
import { wantedOf, type ClientOptions, type Wanted } from './client/options.js';
import { Redirects } from './client/redirects.js';
import { requestTo } from './client/request.js';
import { faultOf, headOf } from './client/response.js';
import { ClientSession } from './client/session.js';
import { targetOf, type Target } from './client/url.js';
import { connecting, failing, handshakeFailed, opened } from './handlers.js';
import type { WebSocket } from './websocket.js';

export type { ClientOptions };

/** One opening handshake: all the requests that it takes. */
class Handshake {
  readonly #ws: WebSocket;
  readonly #wanted: Wanted;
  readonly #redirects: Redirects | undefined;
  #target: Target;
  #session: ClientSession | undefined;
  #request: ClientRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(ws: WebSocket, target: Target, wanted: Wanted) {
    this.#ws = ws;
    this.#wanted = wanted;
    const { followRedirects = false, maxRedirects = 10, headers = {} } = wanted.options;
    if (followRedirects) this.#redirects = new Redirects(target, headers, maxRedirects);
    this.#target = target;
  }

  /** Asks the target. Throws what is wrong with the request. */
  begin(): void {
    const request = this.#ask();
    const { finishRequest } = this.#wanted.options;
    const ws = this.#ws;
    if (this.#redirects && this.#redirects.count > 0)
      ws.emit('redirect', this.#target.href, request);
    // A listener may have given up.
    if (this.#over) return;
    if (finishRequest) finishRequest(request, ws);
    else request.end();
  }

  #ask(): ClientRequest {
    const { options, protocols } = this.#wanted;
    const { headers = {}, auth, handshakeTimeout = 0 } = options;
    const ws = this.#ws;
    const target = this.#target;
    const session = new ClientSession(options, protocols);
    const wanted = { headers, auth: target.auth ?? auth ?? undefined };
    const watched = ws.listenerCount('redirect') > 0;
    let request;
    try {
      const users = this.#redirects?.changed(target, wanted.auth, watched) ?? wanted;
      request = requestTo(target, options, users, session.fields);
    } catch (error) {
      session.drop();
      throw error;
    }
    this.#session = session;
    this.#request = request;
    connecting(ws, this, target.href, request);
    this.#listen(request, session);
    if (handshakeTimeout > 0) {
      this.#timer = setTimeout(() => {
        this.abort('Opening handshake has timed out');
      }, handshakeTimeout);
    }
    return request;
  }

  #listen(request: ClientRequest, session: ClientSession): void {
    request.on('error', (error) => {
      if (this.#request === request) this.#failed(error);
    });
    request.on('response', (response) => {
      if (this.#request === request) this.#answered(request, response);
    });
    request.on('upgrade', (response, socket, head) => {
      if (this.#request === request) this.#upgraded(session, response, socket, head);
      else socket.destroy();
    });
  }

  /** The server answered, and it is no upgrade. */
  #answered(request: ClientRequest, response: IncomingMessage): void {
    const { statusCode = 0, headers } = response;
    const { location } = headers;
    if (location && this.#redirects && statusCode >= 300 && statusCode < 400) {
      this.#redirect(this.#redirects, location);
    } else if (!this.#ws.emit('unexpected-response', request, response)) {
      this.abort(`Unexpected server response: ${String(statusCode)}`);
    }
  }

  #redirect(redirects: Redirects, location: string): void {
    if (!redirects.follow()) {
      this.abort('Maximum redirects exceeded');
      return;
    }
    this.#leave();
    try {
      this.#target = targetOf(location, this.#target.href);
    } catch (error) {
      this.#failed(error as Error);
      return;
    }
    this.begin();
  }

  #upgraded(session: ClientSession, response: IncomingMessage, socket: Duplex, head: Buffer): void {
    const ws = this.#ws;
    const { options, protocols } = this.#wanted;
    ws.emit('upgrade', response);
    // A listener may have given up.
    if (this.#over) {
      socket.destroy();
      return;
    }
    clearTimeout(this.#timer);
    if (ws._rare) ws._rare.request = null;
    const asked = { protocols: protocols.length > 0, extensions: session.offers };
    session.join(socket, headOf(response), head, (error, link) => {
      if (error !== ErrorCode.NONE) {
        this.#refuse(session, faultOf(error, response, asked));
        return;
      }
      const protocol = response.headers['sec-websocket-protocol'] ?? '';
      // WHATWG WebSockets, "establish a WebSocket connection": RFC 6455 does not ask for it.
      if (protocol === '' && asked.protocols) {
        this.#refuse(session, 'Server sent no subprotocol');
        return;
      }
      this.#over = true;
      opened(ws, link, protocol, options.allowSynchronousEvents === false);
    });
  }

  /** The response is no yes: the connection goes, and is told of once it has gone. */
  #refuse(session: ClientSession, message: string): void {
    const error = new Error(message);
    this.#over = true;
    failing(this.#ws);
    session.drop(() => {
      handshakeFailed(this.#ws, error);
    });
  }

  /** Gives up: `close` or `terminate` was called, or time ran out. The error is told in the next tick. */
  abort(message: string): void {
    if (this.#over) return;
    const error = new Error(message);
    const request = this.#request;
    this.#over = true;
    this.#leave();
    failing(this.#ws);
    // A request that was answered no longer takes its socket along.
    request?.socket?.destroy();
    process.nextTick(() => {
      handshakeFailed(this.#ws, error);
    });
  }

  /** The request failed by itself. */
  #failed(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#leave();
    failing(this.#ws);
    handshakeFailed(this.#ws, error);
  }

  /** Leaves the request that is under way, and what belongs to it. */
  #leave(): void {
    clearTimeout(this.#timer);
    const request = this.#request;
    this.#request = undefined;
    this.#session?.drop();
    this.#session = undefined;
    request?.destroy();
  }
}

/**
 * Begins the opening handshake of a client.
 *
 * @throws SyntaxError for an address or subprotocol that there is not, RangeError for a version
 */
export function connect(
  ws: WebSocket,
  address: string | URL,
  second?: string | string[] | ClientOptions | null,
  third?: ClientOptions | null,
): void {
  new Handshake(ws, targetOf(address), wantedOf(second, third)).begin();
}
