// Where a client connects, what the user wants of the request, what the core asks for → what
// node:http is told. The request line, Host and Authorization are node:http's, the fields of the
// opening handshake the core's; those of a user never take their place.

import type { ClientRequest, OutgoingHttpHeaders } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect as netConnect, isIP, type NetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect, type ConnectionOptions } from 'node:tls';
import type { ClientOptions } from './options.js';
import { defaultPort, type Target } from './url.js';

/** Header fields by name. */
export type Fields = Record<string, string>;

/** What redirects change of a request. */
export interface Changed {
  /** The user's fields. */
  headers: OutgoingHttpHeaders;
  /** `user:password`. */
  auth: string | undefined;
}

/**
 * The request of an opening handshake, ready to be ended.
 *
 * @param fields those of the opening handshake
 */
export function requestTo(
  target: Target,
  options: ClientOptions,
  changed: Changed,
  fields: Fields,
): ClientRequest {
  const { secure, host, port, path, socketPath } = target;
  const { protocolVersion, origin, handshakeTimeout } = options;
  const headers: OutgoingHttpHeaders = { ...changed.headers, ...fields };
  // Drafts from 8 to 12 differ from RFC 6455 in these two only.
  if (protocolVersion !== undefined) headers['Sec-WebSocket-Version'] = protocolVersion;
  if (origin) headers[protocolVersion === 8 ? 'Sec-WebSocket-Origin' : 'Origin'] = origin;
  const asked: RequestOptions = {
    ...options,
    createConnection: options.createConnection ?? (secure ? connectTls : connectNet),
    defaultPort: options.defaultPort ?? defaultPort(secure),
    method: 'GET',
    protocol: undefined,
    hostname: undefined,
    host,
    port,
    path,
    socketPath,
    headers,
    auth: changed.auth ?? null,
    timeout: handshakeTimeout,
  };
  return (secure ? httpsRequest : httpRequest)(asked);
}

/** What node:http hands to a function that connects. */
type Wanted = RequestOptions;

/** Connects over TCP, or to a local socket: `path` is that of the request until here. */
function connectNet(wanted: Wanted): Duplex {
  return netConnect({ ...wanted, path: wanted.socketPath ?? undefined } as NetConnectOpts);
}

/** Connects over TLS. RFC 6066 3: a server name is no address. */
function connectTls(wanted: Wanted): Duplex {
  const { host } = wanted;
  const servername = wanted.servername ?? (host && !isIP(host) ? host : '');
  return tlsConnect({ ...wanted, servername, path: undefined } as ConnectionOptions);
}
