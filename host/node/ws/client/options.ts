// The arguments of `new WebSocket(address, protocols, options)` as users write them → what the
// opening handshake reads. Every option that is not named here is node:http's, node:net's or
// node:tls's, and goes there as it is.

import type { ClientRequest, OutgoingHttpHeaders } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { CommonOptions } from '../options.js';
import type { WebSocket } from '../websocket.js';

/** Options of a client. */
export interface ClientOptions extends CommonOptions, Omit<RequestOptions, 'headers'> {
  headers?: OutgoingHttpHeaders | undefined;
  /** Whether redirects are followed. Default false. */
  followRedirects?: boolean | undefined;
  /** How many of them. Default 10. */
  maxRedirects?: number | undefined;
  /** How long the answer to a request may take, ms, 0 = no bound. Default 0. */
  handshakeTimeout?: number | undefined;
  /** Called with each request before it is sent; it has to end the request. */
  finishRequest?: ((request: ClientRequest, websocket: WebSocket) => void) | undefined;
  /** Writes the masking key of the next frame into 4 bytes. Default: the core's own, unpredictable. */
  generateMask?: ((key: Buffer) => void) | undefined;
  /** The field Origin. */
  origin?: string | undefined;
  /** 13, or 8, which differs from it in names only. Default 13. */
  protocolVersion?: number | undefined;
  /** The subprotocols, where the second argument does not say. */
  protocols?: string | string[] | undefined;
}

/** The versions of the protocol that differ in nothing but names. */
const VERSIONS = [8, 13];
const VERSION = 13;

/** What the opening handshake reads of the arguments. */
export interface Wanted {
  protocols: readonly unknown[];
  options: ClientOptions & { protocolVersion: number };
}

/**
 * Reads the second and third argument of the constructor.
 *
 * @throws RangeError for a version that there is not
 */
export function wantedOf(
  second: string | string[] | ClientOptions | null | undefined,
  third: ClientOptions | null | undefined,
): Wanted {
  const isOptions = typeof second === 'object' && second !== null && !Array.isArray(second);
  const options = (isOptions ? second : third) ?? {};
  const given = isOptions || second === undefined ? (options.protocols ?? []) : second;
  const { protocolVersion = VERSION } = options;
  if (!VERSIONS.includes(protocolVersion)) {
    throw new RangeError(
      `Unsupported protocol version: ${String(protocolVersion)} ` +
        `(supported versions: ${VERSIONS.join(', ')})`,
    );
  }
  // What is no subprotocol is refused by the session, null, too.
  const protocols = Array.isArray(given) ? given : [given];
  return { protocols, options: { ...options, protocolVersion } };
}
