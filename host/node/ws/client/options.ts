// The arguments of `new WebSocket(address, protocols, options)` as users write them → what the
// opening handshake reads. Every option that is not named here is node:http's, node:net's or
// node:tls's, and goes there as it is.

import type { ClientRequest, OutgoingHttpHeaders } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { WebSocket } from '../websocket.js';

/** Options of a client. */
export interface ClientOptions extends Omit<RequestOptions, 'headers'> {
  headers?: OutgoingHttpHeaders;
  /** Whether redirects are followed. Default false. */
  followRedirects?: boolean;
  /** How many. Default 10. */
  maxRedirects?: number;
  /** How long the opening handshake may take, ms, for each request anew. Default: as long as it takes. */
  handshakeTimeout?: number;
  /** Called with each request before it is sent; it has to end the request. */
  finishRequest?: (request: ClientRequest, websocket: WebSocket) => void;
  /** The field Origin. */
  origin?: string;
  /** 13, or 8, which differs in names only. Default 13. */
  protocolVersion?: number;
  /** The subprotocols, where the second argument does not say. */
  protocols?: string | string[];
}

/** The versions of the protocol that differ in nothing but names. */
const VERSIONS = [8, 13];
const VERSION = 13;

/** What the opening handshake reads of the arguments. */
export interface Wanted {
  protocols: readonly string[];
  options: ClientOptions & { protocolVersion: number };
}

/**
 * Reads the second and third argument of the constructor.
 *
 * @throws RangeError for a version that there is not; SyntaxError for what is no subprotocol
 */
export function wantedOf(
  second: string | string[] | ClientOptions | null | undefined,
  third: ClientOptions | null | undefined,
): Wanted {
  const isOptions = typeof second === 'object' && second !== null && !Array.isArray(second);
  const given = (isOptions ? second : third) ?? {};
  const protocols = isOptions || second === undefined ? (given.protocols ?? []) : second;
  const { protocolVersion = VERSION } = given;
  if (!VERSIONS.includes(protocolVersion)) {
    throw new RangeError(
      `Unsupported protocol version: ${String(protocolVersion)} ` +
        `(supported versions: ${VERSIONS.join(', ')})`,
    );
  }
  return {
    protocols: Array.isArray(protocols) ? protocols : [protocols as string],
    options: { ...given, protocolVersion },
  };
}
