// The options of the hub → the core's limits and lists: who gets in, how much they may send, how it
// is found out that they are gone.

import { ErrorCode, Option, RatePolicy, TokenSource, Trust } from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';
import { callable, fields, list, whole, word } from './checks.js';

/** How much may be sent to the server in a window of time; 0 leaves a bound out. */
export interface RateLimit {
  /** Messages of one connection. Default 0. */
  messages?: number;
  /** Payload bytes of one connection. Default 0. */
  bytes?: number;
  /** The window, ms. Default 1,000. */
  window?: number;
  /** What happens past a bound: the message is dropped, the connection waits, or it is closed with 1008. Default 'drop'. */
  policy?: 'drop' | 'queue' | 'reject';
  /** The same for all connections together. */
  all?: { messages?: number; bytes?: number };
}

/** Pings with a number and a time: what is not answered is gone, and the round-trip time is known. */
export interface Heartbeat {
  /** Time between two, ms; 0 = none. */
  interval: number;
  /** How long one may stay unanswered before the connection is given up, ms; 0 = no bound. Default 10,000. */
  timeout?: number;
}

/** A bearer token, or the SHA-256 of one in hex. */
export type Token = string | { sha256: string };

/** Settings of the hub, part of ServerOptions. */
export interface PolicyOptions {
  /** Longest text message taken, bytes; past it 1009. Default 0: what maxMessage says. */
  maxText?: number;
  /** Longest binary message taken, bytes; past it 1009. Default 0: what maxMessage says. */
  maxBinary?: number;
  /** Longest HTTP head taken, bytes; past it 431. Default and bound: the profile's. */
  maxHead?: number;
  /** Connections that one remote address may have, 0 = no bound; past it 429. Default 0. */
  maxConnectionsPerAddress?: number;
  /**
   * What tells a client's address when a proxy stands in front: a PROXY protocol header that may
   * come ('proxy') or has to ('proxy-required'), or X-Forwarded-For ('forwarded'). Default false.
   */
  trustProxy?: false | 'proxy' | 'proxy-required' | 'forwarded';
  /** Which peers are such a proxy, by their address. Default: all, so no client may get past the proxy. */
  trustPeer?: (address: string) => boolean;
  /**
   * Origins whose pages may connect, others get 403: `https://example.com`, `https://*.example.com`
   * for any subdomain, `*`, and '' for requests without Origin. Default: all.
   */
  allowedOrigins?: readonly string[];
  /**
   * Subprotocols that may be chosen: the first one that the client offers of them is. Who offers
   * others only gets 400. Default: any.
   */
  allowedProtocols?: readonly string[];
  /** Bearer tokens of which a client has to bring one, else 401. Default: none is asked for. */
  tokens?: readonly Token[];
  /** Where a token may stand: `Authorization`, `Sec-WebSocket-Protocol`, `?access_token=`. Default the first two. */
  tokenSources?: readonly ('header' | 'protocol' | 'query')[];
  /** How much may be sent to the server. Default: no bound. */
  rateLimit?: RateLimit;
  /** Heartbeats. Default: none. */
  heartbeat?: Heartbeat;
  /** When publications are written: when the 'turn' ends, 'now', or after so many. Default 'turn'. */
  flush?: 'turn' | 'now' | number;
  /**
   * Whether a connection still knows its request once it is open: path, query, host, origin,
   * cookies and the header fields that are named; true: all fields. Default false.
   */
  keepRequest?: boolean | readonly string[];
}

export const POLICY_NAMES = [
  'maxText',
  'maxBinary',
  'maxHead',
  'maxConnectionsPerAddress',
  'trustProxy',
  'trustPeer',
  'allowedOrigins',
  'allowedProtocols',
  'tokens',
  'tokenSources',
  'rateLimit',
  'heartbeat',
  'flush',
  'keepRequest',
] as const satisfies readonly (keyof PolicyOptions)[];

const RATE_POLICIES = {
  drop: RatePolicy.DROP,
  queue: RatePolicy.QUEUE,
  reject: RatePolicy.REJECT,
};
const TOKEN_SOURCES = {
  header: TokenSource.HEADER,
  protocol: TokenSource.PROTOCOL,
  query: TokenSource.QUERY,
};
const TRUSTS = {
  proxy: Trust.PROXY,
  'proxy-required': Trust.PROXY | Trust.PROXY_REQUIRED,
  forwarded: Trust.FORWARDED,
};

/** What a peer may say of the client's address: bits of Trust. */
export type Trusts = (peer: string) => number;

/** What the host does of the policies. */
export interface Policies {
  trusts: Trusts;
  maxConnectionsPerAddress: number;
  /** Bounds over all connections: several cores share them. */
  rateAll: { messages: number; bytes: number };
}

/**
 * Sets a core's limits and lists.
 *
 * @returns whom to trust, and what bounds all connections together
 * @throws TypeError or RangeError that names the option
 */
export function applyPolicies(core: Core, options: PolicyOptions): Policies {
  const set: SetOption = (name, option, value, most) => {
    if (value === undefined) return;
    const number = whole(name, value, most);
    const answer = core.exports.limpet_option_set(0, option, number);
    if (answer < 0) refuse(core, name, option, number);
  };
  set('maxText', Option.TEXT_MAX, options.maxText);
  set('maxBinary', Option.BINARY_MAX, options.maxBinary);
  set('maxHead', Option.HEAD_MAX, options.maxHead);
  set('maxConnectionsPerAddress', Option.ADDRESS_SESSIONS, options.maxConnectionsPerAddress);
  const { rateLimit, heartbeat, flush, tokenSources } = options;
  if (rateLimit !== undefined) applyRates(set, rateLimit);
  if (heartbeat !== undefined) {
    fields('heartbeat', heartbeat, ['interval', 'timeout']);
    set('heartbeat.interval', Option.HEARTBEAT_MS, whole('heartbeat.interval', heartbeat.interval));
    set('heartbeat.timeout', Option.HEARTBEAT_TIMEOUT_MS, heartbeat.timeout);
  }
  if (flush !== undefined) set('flush', Option.BATCH, batchOf(flush));
  applyLists(core, options);
  if (tokenSources !== undefined) {
    const bits = list('tokenSources', tokenSources).reduce<number>(
      (all, source) => all | word('tokenSources', TOKEN_SOURCES, source),
      0,
    );
    set('tokenSources', Option.TOKEN_SOURCES, bits);
  }
  keepRequest(core, options.keepRequest ?? false);
  return {
    trusts: trustsOf(core, options),
    maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? 0,
    rateAll: { messages: rateLimit?.all?.messages ?? 0, bytes: rateLimit?.all?.bytes ?? 0 },
  };
}

type SetOption = (name: string, option: Option, value: unknown, most?: number) => void;

function applyRates(set: SetOption, rateLimit: RateLimit): void {
  fields('rateLimit', rateLimit, ['messages', 'bytes', 'window', 'policy', 'all']);
  const { messages, bytes, window, policy, all = {} } = rateLimit;
  fields('rateLimit.all', all, ['messages', 'bytes']);
  set('rateLimit.messages', Option.RATE_MESSAGES, messages);
  set('rateLimit.bytes', Option.RATE_BYTES, bytes);
  if (window !== undefined) whole('rateLimit.window', window, undefined, 1);
  set('rateLimit.window', Option.RATE_WINDOW_MS, window);
  if (policy !== undefined) {
    set('rateLimit.policy', Option.RATE_POLICY, word('rateLimit.policy', RATE_POLICIES, policy));
  }
  set('rateLimit.all.messages', Option.RATE_ALL_MESSAGES, all.messages);
  set('rateLimit.all.bytes', Option.RATE_ALL_BYTES, all.bytes);
}

/** Option.BATCH: 0 at the end of the turn, else after so many messages. */
function batchOf(flush: 'turn' | 'now' | number): number {
  if (flush === 'turn') return 0;
  if (flush === 'now') return 1;
  if (typeof flush === 'string') throw new TypeError("flush is 'turn', 'now' or a number");
  return whole('flush', flush, undefined, 1);
}

/** An option that the core does not have, or not with this value. */
function refuse(core: Core, name: string, option: Option, value: number): never {
  // Every option that a core has may be 0 or 1.
  const has = [0, 1].some((least) => core.exports.limpet_option_set(0, option, least) === 0);
  if (!has) throw new TypeError(`the profile has no ${name}`);
  throw new RangeError(`${name} is less than ${String(value)} in this profile`);
}

function applyLists(core: Core, options: PolicyOptions): void {
  const { exports, scratch, scratchSize } = core;
  const add = (
    name: string,
    text: unknown,
    kind: string,
    call: (ptr: number, len: number) => number,
  ) => {
    if (typeof text !== 'string') throw new TypeError(`${name} is a list of strings`);
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > scratchSize) throw new RangeError(`${name}: an entry is too long`);
    core.u8.set(bytes, scratch);
    const what = name === 'tokens' ? 'an entry' : JSON.stringify(text);
    added(name, `${what} is no ${kind}`, call(scratch, bytes.length));
  };
  const { allowedOrigins, allowedProtocols, tokens } = options;
  if (allowedOrigins !== undefined) {
    for (const origin of list('allowedOrigins', allowedOrigins)) {
      add('allowedOrigins', origin, 'origin', (ptr, len) => exports.limpet_origin_add(ptr, len));
    }
  }
  if (allowedProtocols !== undefined) {
    for (const protocol of list('allowedProtocols', allowedProtocols)) {
      add('allowedProtocols', protocol, 'subprotocol', (ptr, len) =>
        exports.limpet_protocol_add(ptr, len),
      );
    }
  }
  if (tokens === undefined) return;
  for (const token of list('tokens', tokens)) {
    if (typeof token !== 'string') addDigest(core, token);
    else add('tokens', token, 'token', (ptr, len) => exports.limpet_token_add(ptr, len));
  }
}

function addDigest(core: Core, token: unknown): void {
  const { sha256 } = (token ?? {}) as { sha256?: unknown };
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw new TypeError('tokens are strings, or { sha256 } with 64 hex digits');
  }
  core.u8.set(Buffer.from(sha256, 'hex'), core.scratch);
  added('tokens', 'an entry is no digest', core.exports.limpet_token_add_digest(core.scratch));
}

/** Passes what the core said of an entry of a list on. */
function added(name: string, fault: string, answer: number): void {
  if (answer >= 0) return;
  if (answer === (ErrorCode.UNSUPPORTED as number)) {
    throw new TypeError(`the profile has no ${name}`);
  }
  if (answer === (ErrorCode.MEMORY as number)) {
    throw new RangeError(`${name}: there are more than the profile has room for`);
  }
  throw new TypeError(`${name}: ${fault}`);
}

function keepRequest(core: Core, keep: boolean | readonly string[]): void {
  if (keep === false) return;
  if (keep !== true && !Array.isArray(keep)) {
    throw new TypeError('keepRequest is true, false or a list of header fields');
  }
  // What is kept beside fields is kept with any name.
  const names = keep === true ? '*' : ['host', ...(keep as readonly string[])].join(',');
  if (names.length > core.scratchSize) throw new RangeError('keepRequest has too many fields');
  core.u8.set(new TextEncoder().encode(names), core.scratch);
  const answer = core.exports.limpet_request_keep(core.scratch, names.length);
  if (answer === (ErrorCode.UNSUPPORTED as number)) {
    throw new TypeError('the profile has no keepRequest');
  }
  if (answer < 0) throw new TypeError(`keepRequest: ${names} are no names of header fields`);
}

function trustsOf(core: Core, { trustProxy = false, trustPeer }: PolicyOptions): Trusts {
  if (trustPeer !== undefined) callable('trustPeer', trustPeer);
  if (trustProxy === false) return () => 0;
  const bits = word('trustProxy', TRUSTS, trustProxy);
  if (core.exports.limpet_address(0) === (ErrorCode.UNSUPPORTED as number)) {
    throw new TypeError('the profile has no trustProxy');
  }
  return trustPeer ? (peer) => (trustPeer(peer) ? bits : 0) : () => bits;
}
