// Options as users of `ws` write them; settings.ts makes defaults of a core of them.

import type { IncomingMessage, OutgoingHttpHeaders, Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { ZlibOptions } from 'node:zlib';
import type { Heartbeat, PolicyOptions, RateLimit } from '../policies.js';
import type { WebSocket } from './websocket.js';

/** How permessage-deflate is agreed on and used. RFC 7692. */
export interface PerMessageDeflateOptions {
  /** true: what the server sends is compressed without the context of earlier messages. */
  serverNoContextTakeover?: boolean | undefined;
  /** true: the same of what the client sends. */
  clientNoContextTakeover?: boolean | undefined;
  /** The largest window of what the server sends, 8 to 15: log2 of its bytes. */
  serverMaxWindowBits?: number | boolean | undefined;
  /** The largest window of what the client sends. */
  clientMaxWindowBits?: number | boolean | undefined;
  /** Of these `level` counts: how hard messages are compressed, 0 to 9. */
  zlibDeflateOptions?: ZlibOptions | undefined;
  /** Nothing of these counts: the core needs none of it. */
  zlibInflateOptions?: ZlibOptions | undefined;
  /** Messages of fewer bytes go as they are. Default 1024 without context takeover, else 64. */
  threshold?: number | undefined;
  /** Counts for nothing: the core compresses in the turn in which it is asked. */
  concurrencyLimit?: number | undefined;
}

/** What `verifyClient` gets. */
export interface ClientInfo<Request extends IncomingMessage = IncomingMessage> {
  /** The field Origin. */
  origin: string;
  /** Whether it came over TLS. */
  secure: boolean;
  req: Request;
}

export type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> = (
  info: ClientInfo<Request>,
) => boolean;

export type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> = (
  info: ClientInfo<Request>,
  callback: (
    verified: boolean,
    code?: number,
    message?: string,
    headers?: OutgoingHttpHeaders,
  ) => void,
) => void;

/** Options that both roles have. */
export interface CommonOptions {
  /** false: at most one 'message', 'ping' or 'pong' in a turn of the event loop. Default true. */
  allowSynchronousEvents?: boolean | undefined;
  /** Whether pings are answered. Default true. */
  autoPong?: boolean | undefined;
  /** How long the close handshake may take, ms. Default 30,000. */
  closeTimeout?: number | undefined;
  /** Counts for nothing: the core keeps a message in one piece, in however many it comes. */
  maxBufferedChunks?: number | undefined;
  /** Most fragments of one message, 0 = no bound; past it 1008. Default 16,384. */
  maxFragments?: number | undefined;
  /** Longest message taken, bytes, 0 = no bound; past it 1009. Default 100 MiB. */
  maxPayload?: number | undefined;
  /** Counts for nothing: while pongs wait to be written the core reads no further pings. */
  maxPendingAutoPongs?: number | undefined;
  /** permessage-deflate. Default false for servers, true for clients. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  /** Whether text need not be UTF-8. Default false. */
  skipUTF8Validation?: boolean | undefined;
}

/** Options of a server. Exactly one of port, server and noServer has to be there. */
export interface ServerOptions<
  Class extends typeof WebSocket = typeof WebSocket,
  Request extends typeof IncomingMessage = typeof IncomingMessage,
> extends CommonOptions {
  host?: string | undefined;
  port?: number | undefined;
  backlog?: number | undefined;
  server?: HttpServer<Request> | HttpsServer<Request> | undefined;
  noServer?: boolean | undefined;
  /** The only path that is served, without query. */
  path?: string | undefined;
  /** Whether the connections are in `clients`. Default true. */
  clientTracking?: boolean | undefined;
  /** Chooses one of the subprotocols that a client offers. Default: the first one. */
  handleProtocols?: (protocols: Set<string>, request: InstanceType<Request>) => string | false;
  /** Says whether a client gets in; with two arguments it may say so later. */
  verifyClient?:
    | VerifyClientCallbackSync<InstanceType<Request>>
    | VerifyClientCallbackAsync<InstanceType<Request>>
    | undefined;
  /** The class of the connections. */
  WebSocket?: Class | undefined;

  // Beyond `ws`.

  /**
   * Says who a client is: what it returns, or resolves with, is `user` of the connection and the
   * third argument of 'connection'. false, null or undefined is answered with 401, and so is an
   * error, unless it has a `status` of its own. What the client sends meanwhile is kept.
   */
  authenticate?: ((request: InstanceType<Request>) => unknown) | undefined;
  /**
   * Which messages come as the connection's event 'stream', a Readable, and not whole: all, none, or those
   * of more than so many bytes. Default false.
   */
  streamMessages?: boolean | number | undefined;
  /** Connections at once. Default: no bound. */
  maxConnections?: number | undefined;
  /**
   * Processes that serve, each running the program again, behind one port: docs/workers.md. Default
   * 0: this process serves by itself.
   */
  workers?: number | undefined;
  /** Connections that one remote address may have, 0 = no bound; past it 429. Default 0. */
  maxConnectionsPerAddress?: number | undefined;
  /** Queued bytes that a connection never passes. Default 2 GiB. */
  maxBackpressure?: number | undefined;
  /** What happens to a message for which the queue has no room. Default 'refuse'. */
  fullPolicy?: 'refuse' | 'drop' | 'close' | 'close-1008' | 'close-1013' | undefined;
  /** Pings that have to be answered, or the connection is given up. Default: none. */
  heartbeat?: Heartbeat | undefined;
  /** How much clients may send. Default: no bound. */
  rateLimit?: RateLimit | undefined;
  /** What tells a client's address when a proxy stands in front. Default false. */
  trustProxy?: PolicyOptions['trustProxy'] | undefined;
  /** Which peers are such a proxy, by their address. Default: all. */
  trustPeer?: ((address: string) => boolean) | undefined;
}
