// Accepted TCP connections → TLS connections whose handshake is done. RFC 8446, RFC 9325.
//
//   take(raw) ─► tls.Server, which never listens ─► 'secureConnection' ─► hooks.accepted
//                  └─ made anew by set() and when watched files change: connections that are open,
//                     and handshakes under way, keep the one that they began with

import type { Socket as NetSocket } from 'node:net';
import {
  createSecureContext,
  createServer as createTlsServer,
  TLSSocket,
  type SecureContext,
  type SecureContextOptions,
  type Server as TlsServer,
} from 'node:tls';
import type { Core } from '../core/core.js';
import { sameCredentials, watchFiles, type Watch } from './certificates.js';
import type { Trusts } from './policies.js';
import { mayHaveHeader, takeHeader } from './proxy.js';
import { checkTls, contextOptions, identities, readAll, type TlsOptions } from './tls-options.js';
import type { Transport } from './transport/index.js';

const WHAT = {
  proxy: 'what a proxy said before TLS',
  handshake: 'a TLS handshake failed',
  reload: 'certificates changed, the old ones stay',
  watch: 'certificates cannot be watched',
};

/** A handshake that failed, or certificates that could not be read again; `code` is Node's or OpenSSL's. */
export class TlsError extends Error {
  override name = 'TlsError';
  readonly code: string;

  constructor(
    readonly during: keyof typeof WHAT,
    cause: Error,
    /** The client's address, '' when it is not known. */
    readonly remoteAddress = '',
  ) {
    super(`${WHAT[during]}: ${cause.message}`, { cause });
    this.code = (cause as NodeJS.ErrnoException).code ?? '';
  }
}

/** What TLS says of a connection. */
export interface TlsInfo {
  /** 'TLSv1.3' or 'TLSv1.2'. */
  protocol: string;
  /** The cipher suite as IANA names it. */
  cipher: string;
  /** The host name that the client asked for, or ''. RFC 6066 3. */
  servername: string;
  /** Whether a session was resumed. */
  resumed: boolean;
  /** Whether the client's certificate was asked for and is by `ca`; if not, why. */
  authorized: boolean;
  authorizationError: string;
  /** The client's certificate. */
  peerCertificate: ReturnType<TLSSocket['getPeerX509Certificate']>;
}

/** Node takes 0 for its own default. */
const NO_TIMEOUT = 0x7fff_ffff;

export interface TlsHooks {
  /** A handshake is done. `first`: what a proxy said before it. */
  accepted(socket: TLSSocket, first?: Buffer): void;
  /** A handshake failed, or new certificates are none. */
  failed(error: TlsError): void;
  /** A connection was dropped: with it there would be more than `most`. */
  refused(): void;
}

/** Bounds that are the server's. */
export interface TlsLimits {
  handshakeTimeout: number;
  /** Connections at once, handshakes under way included. */
  most: number;
  /** What a peer may say of the client's address. */
  trusts: Trusts;
  /** Reads what it says. */
  core: Core;
}

/** What connections to come are taken with. */
interface Current {
  server: TlsServer;
  options: TlsOptions;
  read: SecureContextOptions[];
}

export class TlsAcceptor {
  #current: Current;
  #watch: Watch | undefined;
  /** What was wrong with the files when they were read last, or ''. */
  #complaint = '';
  /** The TCP connections that are under TLS, or will be. */
  readonly #taken = new Set<NetSocket>();
  /** What proxies said before handshakes that are under way, by both ends of their connections. */
  readonly #headers = new Map<string, Buffer>();

  /** Throws TypeError or RangeError for an option; what Node throws for a pair that is none. */
  constructor(
    options: TlsOptions,
    private readonly limits: TlsLimits,
    private readonly hooks: TlsHooks,
  ) {
    checkTls(options);
    this.#current = this.#made(options, readAll(options));
    this.#watch = this.#watched(options);
  }

  /** New options, for connections to come; the old ones stay when this throws. */
  set(options: TlsOptions): void {
    checkTls(options);
    const next = this.#made(options, readAll(options));
    const watch = this.#watched(options);
    this.#watch?.close();
    this.#watch = watch;
    this.#current = next;
  }

  #made(options: TlsOptions, read: SecureContextOptions[]): Current {
    const [own, ...others] = read;
    const settings = contextOptions(options);
    const contexts = new Map(
      Object.keys(options.sni ?? {}).map((name, i) => [
        name.toLowerCase(),
        createSecureContext({ ...settings, ...others[i] }),
      ]),
    );
    const { requestCert = false, rejectUnauthorized = true } = options;
    const { handshakeTimeout = this.limits.handshakeTimeout } = options;
    const server = createTlsServer(
      {
        ...settings,
        ...own,
        requestCert,
        rejectUnauthorized,
        handshakeTimeout: handshakeTimeout || NO_TIMEOUT,
        // RFC 7301 3.2: who offers other protocols only is refused.
        ALPNProtocols: ['http/1.1'],
        SNICallback: (name, done) => {
          done(null, contextFor(contexts, name));
        },
        pauseOnConnect: true,
      },
      (socket) => {
        const ends = endsOf(socket);
        this.hooks.accepted(socket, this.#headers.get(ends));
        this.#headers.delete(ends);
      },
    );
    server.on('tlsClientError', (error, socket) => {
      const reason = socket.authorizationError as Error | string | undefined;
      const cause = reason ? Object.assign(new Error(String(reason)), { code: reason }) : error;
      this.hooks.failed(new TlsError('handshake', cause, socket.remoteAddress));
      // Node leaves one that took too long as it is.
      socket.destroy();
    });
    return { server, options, read };
  }

  #watched(options: TlsOptions): Watch | undefined {
    if (!options.watch) return undefined;
    const failed = (error: Error) => {
      this.hooks.failed(new TlsError('watch', error));
    };
    const changed = () => {
      this.#reload();
    };
    return watchFiles(identities(options), changed, failed);
  }

  #reload(): void {
    const { options, read } = this.#current;
    try {
      const now = readAll(options);
      if (now.every((each, i) => sameCredentials(each, read[i]))) return;
      this.#current = this.#made(options, now);
      // A link may lead to another directory now.
      const watch = this.#watched(options);
      this.#watch?.close();
      this.#watch = watch;
      this.#complaint = '';
    } catch (error) {
      const { message } = error as Error;
      // Something else of the directory may have changed since.
      if (message === this.#complaint) return;
      this.#complaint = message;
      this.hooks.failed(new TlsError('reload', error as Error));
    }
  }

  /** Takes an accepted connection of which nothing was read. */
  take(raw: NetSocket): void {
    if (this.#taken.size >= this.limits.most) {
      raw.destroy();
      this.hooks.refused();
      return;
    }
    this.#taken.add(raw);
    raw.on('close', () => this.#taken.delete(raw));
    // One that fails closes.
    raw.on('error', () => undefined);
    const { remoteAddress = '' } = raw;
    const trust = this.limits.trusts(remoteAddress);
    // Where the two ends have no addresses nobody could say whose header it is.
    if (!mayHaveHeader(trust) || remoteAddress === '') {
      this.#current.server.emit('connection', raw);
      return;
    }
    const { handshakeTimeout = this.limits.handshakeTimeout } = this.#current.options;
    takeHeader(this.limits.core, raw, trust, handshakeTimeout, {
      done: (header) => {
        const ends = endsOf(raw);
        if (header) {
          this.#headers.set(ends, header);
          raw.on('close', () => {
            if (this.#headers.get(ends) === header) this.#headers.delete(ends);
          });
        }
        this.#current.server.emit('connection', raw);
      },
      failed: (error) => {
        this.hooks.failed(new TlsError('proxy', error, remoteAddress));
        raw.destroy();
      },
    });
  }

  /** Ends all connections, handshakes under way too. */
  close(): void {
    this.#watch?.close();
    for (const raw of this.#taken) raw.destroy();
  }
}

/** Both ends of a connection: no other has the same two at the same time. */
function endsOf({ localAddress, localPort, remoteAddress, remotePort }: NetSocket): string {
  return [localAddress, localPort, remoteAddress, remotePort].join();
}

/** The context for a host name; undefined for the server's own. RFC 9525 6.3: `*` is one label. */
function contextFor(contexts: Map<string, SecureContext>, name: string): SecureContext | undefined {
  const lower = name.toLowerCase();
  return contexts.get(lower) ?? contexts.get(lower.replace(/^[^.]+/, '*'));
}

/** Whether a connection is under TLS. */
export function isSecure({ stream }: Transport): boolean {
  return (stream as { encrypted?: unknown } | undefined)?.encrypted === true;
}

/** What TLS says of a connection; undefined when it is not under TLS, or over. */
export function tlsInfo({ stream }: Transport): TlsInfo | undefined {
  if (!(stream instanceof TLSSocket)) return undefined;
  const protocol = stream.getProtocol();
  if (protocol === null) return undefined;
  const { servername } = stream as { servername?: string | false };
  return {
    protocol,
    cipher: stream.getCipher().standardName,
    servername: servername === false ? '' : (servername ?? ''),
    resumed: stream.isSessionReused(),
    authorized: stream.authorized,
    authorizationError: String((stream.authorizationError as Error | string | null) ?? ''),
    peerCertificate: stream.getPeerX509Certificate(),
  };
}
