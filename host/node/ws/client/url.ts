// An address → where a client connects and what it asks for there. WHATWG WebSockets, "get a URL
// record"; beside its schemes `ws+unix:`, a path of the file system and, behind a colon, that of the
// request.

import { unescape } from 'node:querystring';

/** Where a client connects, and what it asks for. */
export interface Target {
  /** What `WebSocket.url` says. */
  readonly href: string;
  /** Whether TLS is spoken. */
  readonly secure: boolean;
  /** The local socket, for `ws+unix:`. */
  readonly socketPath: string | undefined;
  /** Name or address, without the brackets of RFC 3986 3.2.2. */
  readonly host: string;
  readonly port: string;
  /** Host and port as the URL has them: '' for a local socket. */
  readonly authority: string;
  /** Path and query. */
  readonly path: string;
  /** `user:password`, if the URL has any. */
  readonly auth: string | undefined;
}

/** The port of a scheme. RFC 6455 3. */
export function defaultPort(secure: boolean): number {
  return secure ? 443 : 80;
}

/**
 * Reads an address.
 *
 * @param base what it is relative to: the URL that redirected here
 * @throws SyntaxError for one that no client can connect to
 */
export function targetOf(address: string | URL, base?: string): Target {
  const url = parsed(address, base);
  if (url.protocol === 'http:') url.protocol = 'ws:';
  else if (url.protocol === 'https:') url.protocol = 'wss:';
  const fault = faultOf(url);
  if (fault) throw new SyntaxError(fault);

  const secure = url.protocol === 'wss:';
  const { username, password, hostname } = url;
  const target = {
    href: url.href,
    secure,
    socketPath: undefined,
    host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: url.port || String(defaultPort(secure)),
    authority: url.host,
    path: url.pathname + url.search,
    auth: username || password ? `${unescape(username)}:${unescape(password)}` : undefined,
  };
  if (url.protocol !== 'ws+unix:') return target;
  const colon = target.path.indexOf(':');
  return {
    ...target,
    socketPath: colon < 0 ? target.path : target.path.slice(0, colon),
    path: colon < 0 ? '' : target.path.slice(colon + 1),
  };
}

/** The URL of an address: its own, that the caller may change. */
function parsed(address: string | URL, base: string | undefined): URL {
  try {
    return new URL(address, base);
  } catch {
    throw new SyntaxError(`Invalid URL: ${String(address)}`);
  }
}

/** What keeps a URL from being one of a WebSocket; undefined when nothing does. */
function faultOf(url: URL): string | undefined {
  if (!['ws:', 'wss:', 'ws+unix:'].includes(url.protocol)) {
    return 'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"';
  }
  if (url.protocol === 'ws+unix:' && url.pathname === '') return "The URL's pathname is empty";
  // "If urlRecord's fragment is non-null, then throw": an empty one is none that is null.
  if (url.href.includes('#')) return 'The URL contains a fragment identifier';
  return undefined;
}
