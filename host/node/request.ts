// A PENDING session → what the client asked for, and the ways to answer.

import { ErrorCode, Part, State } from '../../build/limpet.abi.js';
import { LimpetError, type Core } from '../core/core.js';
import { sessionAddress } from './address.js';
import { headerOf, latin1, partOf } from './head.js';
import type { Link } from './link.js';
import type { SocketLoop } from './loop.js';
import { isSecure, tlsInfo, type TlsInfo } from './tls.js';

/** Header fields: names to values. */
export type Headers = Record<string, string | number>;

/** What may be said when a request is answered. */
export interface Answer {
  headers?: Headers;
  body?: string | Uint8Array;
}

/** What may be said when an upgrade is accepted. */
export interface Acceptance {
  /** One of the subprotocols that the client offers. */
  protocol?: string;
  headers?: Headers;
}

/** `name: value` lines, one a header; what a name or value may hold besides is the core's to judge. */
export function fieldLines(headers: Headers = {}): string {
  return Object.entries(headers)
    .map(([name, value]) => {
      const line = `${name}: ${String(value)}`;
      if (name.includes(':') || /[\r\n]/.test(line)) {
        throw new LimpetError(`the header ${JSON.stringify(name)}`, ErrorCode.VALUE);
      }
      return `${line}\r\n`;
    })
    .join('');
}

/** The head of a request, as it was judged by the core. */
export class Request {
  readonly method: string;
  readonly path: string;
  /** What follows the first `?`, or ''. */
  readonly query: string;
  /** Names, lower case, to values; values of one name are joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** The subprotocols that the client offers, the one it prefers first. */
  readonly protocols: readonly string[];
  /** The client's address, '' when it is not known; a trusted proxy's word counts. */
  readonly remoteAddress: string;
  /** Its port, 0 when it is not known. */
  readonly remotePort: number;
  readonly remoteFamily: 'IPv4' | 'IPv6' | '';
  #answered = false;

  constructor(
    protected readonly loop: SocketLoop<unknown>,
    protected readonly link: Link,
  ) {
    const { core } = loop;
    const { handle } = link;
    // Without the feature `headers` there is the path, and what has come is a GET.
    this.method = partOf(core, handle, Part.METHOD) || 'GET';
    this.path = link.path;
    this.query = partOf(core, handle, Part.QUERY);
    this.headers = readHeaders(core, handle);
    this.protocols = readProtocols(core, handle);
    const where = sessionAddress(core, handle) ?? link.transport.peer();
    this.remoteAddress = where.address;
    this.remotePort = where.port;
    this.remoteFamily = where.family;
  }

  /** Whether it came under TLS. */
  get isSecure(): boolean {
    return isSecure(this.link.transport);
  }

  /** Protocol, cipher suite, host name and the client's certificate; undefined without TLS. */
  get tls(): TlsInfo | undefined {
    return tlsInfo(this.link.transport);
  }

  /** The value of a cookie, or undefined; while the request waits for its answer. RFC 6265 4.2. */
  cookie(name: string): string | undefined {
    const { core, memory } = this.loop;
    return headerOf(core, memory, this.link.handle, name, 'limpet_cookie');
  }

  /** Whether it waits for an answer, and its client is still there. */
  get isPending(): boolean {
    return !this.#answered && this.loop.state(this.link) === State.PENDING;
  }

  /** Whether this request was accepted, rejected or responded to. */
  get answered(): boolean {
    return this.#answered;
  }

  /**
   * Answers with a status and, if given, headers and a body.
   *
   * @param status 200 to 599; 0 for the default: 426, or 400 to an upgrade
   * @throws LimpetError when it was answered before, or a header may not be sent
   */
  respond(status = 0, { headers, body = '' }: Answer = {}): void {
    this.answer(() => {
      this.loop.respond(this.link, status, fieldLines(headers), body);
    });
  }

  /** Runs an answer; one that throws leaves the request open for another. */
  protected answer(run: () => void): void {
    if (this.#answered) throw new LimpetError('a request is answered once', ErrorCode.STATE);
    run();
    this.#answered = true;
  }
}

/** An opening handshake. Accept it or reject it, at once or later; early messages wait. */
export class UpgradeRequest extends Request {
  /** Who the client is: what the option `authenticate` found. */
  user: unknown = undefined;
  readonly #accepted: (protocol: string) => void;

  constructor(loop: SocketLoop<unknown>, link: Link, accepted: (protocol: string) => void) {
    super(loop, link);
    this.#accepted = accepted;
  }

  /**
   * Answers 101: the connection is open.
   *
   * @throws LimpetError for a subprotocol that was not offered, or a header that may not be sent
   */
  accept({ protocol = '', headers }: Acceptance = {}): void {
    this.answer(() => {
      this.loop.acceptUpgrade(this.link, protocol, fieldLines(headers));
    });
    try {
      this.#accepted(protocol);
    } finally {
      this.loop.proceed(this.link);
    }
  }

  /** Refuses the handshake: 403 unless another status is given. RFC 6455 4.2.2. */
  reject(status = 403, answer: Answer = {}): void {
    this.respond(status, answer);
  }
}

function readHeaders(core: Core, handle: number): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  const record = core.exports.limpet_request_part(handle, Part.METHOD);
  let cursor = core.exports.limpet_header_next(handle, 0);
  while (cursor > 0) {
    const name = latin1(core.fieldName(record)).toLowerCase();
    const value = latin1(core.fieldValue(record));
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
    cursor = core.exports.limpet_header_next(handle, cursor);
  }
  return headers;
}

/** The subprotocols that a client offers, the one it prefers first. */
export function readProtocols(core: Core, handle: number): string[] {
  const protocols: string[] = [];
  let record = core.exports.limpet_protocol_at(handle, 0);
  while (record > 0) {
    protocols.push(latin1(core.fieldValue(record)));
    record = core.exports.limpet_protocol_at(handle, protocols.length);
  }
  return protocols;
}
