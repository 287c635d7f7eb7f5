// Options as users write them → defaults of a core. One table: name, the core's option, its range.

import { Delivery, FullPolicy, Option, Takeover } from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';
import { callable, whole, word, yes } from './checks.js';
import { applyPolicies, POLICY_NAMES, type PolicyOptions, type Trusts } from './policies.js';
import type { UpgradeRequest } from './request.js';
import { streamsOver } from './streams.js';
import type { TlsOptions } from './tls-options.js';
import { WORKERS_MAX } from './workers/team.js';

/** Settings of a server. Times are milliseconds, 0 turns the bound off. */
export interface ServerOptions extends PolicyOptions {
  /** Which core: 'nano', 'micro', 'server' (default), or a path to a .wasm of `limpet build`. */
  profile?: string;
  /** Longest message taken, bytes; past it 1009. Default 16 MiB. */
  maxMessage?: number;
  /**
   * Connections at once. Default: the profile's pool; past that the server makes further instances
   * of the module.
   */
  maxConnections?: number;
  /**
   * Processes that serve, each running the program again, behind one port: docs/workers.md. Default
   * 0: this process serves by itself.
   */
  workers?: number;
  /** How long the opening handshake may take. Default 10,000. */
  handshakeTimeout?: number;
  /** How long a connection may be silent before it is closed with 1001. Default 0. */
  idleTimeout?: number;
  /** Silence after which a ping is sent. Default 0. */
  pingInterval?: number;
  /** How long a ping may stay unanswered before the connection is given up. Default 10,000. */
  pongTimeout?: number;
  /** How long the close handshake may take. Default 10,000. */
  closeTimeout?: number;
  /** Queued bytes from which `send` answers BACKPRESSURE. Default 1 MiB, or an eighth of the arena. */
  highWater?: number;
  /** Queued bytes that a connection never passes. Default 4 times maxMessage, at least 64 MiB. */
  maxBackpressure?: number;
  /**
   * What happens to a message for which the queue has no room: `send` refuses it, it is dropped, or
   * the connection is closed with 1013 ('close'), or the code that is named. Default 'refuse'.
   */
  fullPolicy?: 'refuse' | 'drop' | 'close' | 'close-1008' | 'close-1013';
  /** Whether pings are answered. Default true. */
  autoPong?: boolean;
  /** Whether permessage-deflate is agreed on with clients that offer it, or its level, 0 to 9. Default false. */
  deflate?: boolean | number;
  /** The largest window of either direction, 8 to 15: log2 of its bytes. Default: the profile's. */
  deflateWindow?: number;
  /** Messages shorter than this go as they are, bytes. Default 64. */
  deflateThreshold?: number;
  /** Whether contexts are kept from one message to the next, as long as the profile has windows for it. Default true. */
  contextTakeover?: boolean;
  /** Hand messages out without a copy: their bytes are good until the handler returns. Default false. */
  borrow?: boolean;
  /**
   * Says who a client is: what it returns, or resolves with, is the socket's `user`. false, null or
   * undefined is answered with 401, and so is an error, unless it has a `status` of its own. What
   * the client sends meanwhile is kept; after handshakeTimeout it is answered with 503.
   */
  authenticate?: (request: UpgradeRequest) => unknown;
  /** Whether GET /metrics, or another path, answers with the counters as Prometheus reads them. Default false. */
  metrics?: boolean | string;
  /**
   * Which messages are told by 'stream', as they come and of any length, instead of by 'message': all
   * (true), or those of more than so many bytes. maxMessage bounds them only if it is given. Default
   * false.
   */
  streamMessages?: boolean | number;
  /** Certificates, and how they are used: the server speaks https and wss. Default: none. */
  tls?: TlsOptions;
}

export const POLICIES = {
  refuse: FullPolicy.REFUSE,
  drop: FullPolicy.DROP,
  close: FullPolicy.CLOSE_1013,
  'close-1008': FullPolicy.CLOSE_1008,
  'close-1013': FullPolicy.CLOSE_1013,
} as const;

/** The standard handshakeTimeout. */
export const HANDSHAKE_MS = 10_000;

/** The numeric options: their default and the core's name for them. */
const NUMBERS = {
  maxMessage: { option: Option.MESSAGE_MAX, standard: 16 << 20 },
  handshakeTimeout: { option: Option.HANDSHAKE_MS, standard: HANDSHAKE_MS },
  idleTimeout: { option: Option.IDLE_MS, standard: 0 },
  pingInterval: { option: Option.PING_MS, standard: 0 },
  pongTimeout: { option: Option.PONG_MS, standard: 10_000 },
  closeTimeout: { option: Option.CLOSE_MS, standard: 10_000 },
} as const;
/** The standard high-water mark, and the part of the core's arena that it is at most. */
const HIGH_WATER = 1 << 20;
const HIGH_WATER_SHARE = 8;

const NAMES = new Set([
  ...Object.keys(NUMBERS),
  'highWater',
  'profile',
  'maxConnections',
  'workers',
  'maxBackpressure',
  'fullPolicy',
  'autoPong',
  'borrow',
  'deflate',
  'deflateWindow',
  'deflateThreshold',
  'contextTakeover',
  'authenticate',
  'metrics',
  'streamMessages',
  'tls',
  ...POLICY_NAMES,
]);

/** What bounds the messages that wait for one connection. */
export interface QueueLimits {
  /** Bytes. */
  maxBackpressure: number;
  /** What happens past them. */
  fullPolicy: FullPolicy;
}

/** What the host does itself. */
export interface HostLimits extends QueueLimits {
  trusts: Trusts;
  maxConnections: number;
  maxConnectionsPerAddress: number;
  rateAll: { messages: number; bytes: number };
  /** The path that answers with counters, or ''. */
  metricsPath: string;
  /** Messages of more bytes are streams: -1 all, Infinity none; and how long these and others may be. */
  streamsOver: number;
  maxStream: number;
  maxWhole: number;
}

/**
 * Sets a core's defaults.
 *
 * @returns the bounds that the host keeps, too, for what waits in its own memory
 * @throws TypeError for an unknown option, RangeError for a value out of range
 */
export function applyOptions(core: Core, options: ServerOptions): HostLimits {
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) throw new TypeError(`there is no option ${name}`);
  }
  for (const [name, { option, standard }] of Object.entries(NUMBERS)) {
    core.setDefault(option, whole(name, options[name as keyof typeof NUMBERS] ?? standard));
  }
  const maxMessage = options.maxMessage ?? NUMBERS.maxMessage.standard;
  const queue = Math.min(Math.max(64 << 20, 4 * maxMessage), 0x7fff_ffff);
  const maxBackpressure = whole('maxBackpressure', options.maxBackpressure ?? queue);
  core.setDefault(Option.QUEUE_MAX, maxBackpressure);
  const { sessions, arena } = core.stats();
  // One that does not read holds no more than its share of the memory that all send through.
  const mark = Math.min(HIGH_WATER, arena / HIGH_WATER_SHARE);
  core.setDefault(Option.HIGH_WATER, whole('highWater', options.highWater ?? mark));
  core.setDefault(Option.DELIVERY, Delivery.AUTO);
  core.setDefault(Option.AUTO_PONG, yes('autoPong', options.autoPong ?? true) ? 1 : 0);
  yes('borrow', options.borrow ?? false);
  const policy = word('fullPolicy', POLICIES, options.fullPolicy ?? 'refuse');
  core.setDefault(Option.FULL_POLICY, policy);
  const maxConnections = whole('maxConnections', options.maxConnections ?? sessions);
  core.setDefault(Option.SESSIONS_MAX, Math.min(maxConnections, sessions));
  whole('workers', options.workers ?? 0, WORKERS_MAX);
  applyDeflate(core, options);
  if (options.authenticate !== undefined) callable('authenticate', options.authenticate);
  const metricsPath = metricsPathOf(options.metrics ?? false);
  return {
    maxBackpressure,
    fullPolicy: policy,
    metricsPath,
    maxConnections,
    streamsOver: streamsOver(options.streamMessages),
    maxStream: options.maxMessage ?? 0,
    maxWhole: maxMessage,
    ...applyPolicies(core, options),
  };
}

function metricsPathOf(metrics: boolean | string): string {
  if (typeof metrics === 'boolean') return metrics ? '/metrics' : '';
  if (typeof metrics !== 'string' || !metrics.startsWith('/') || metrics.includes('?')) {
    throw new TypeError('metrics is true, false or a path that begins with /');
  }
  return metrics;
}

function applyDeflate(core: Core, options: ServerOptions): void {
  const { deflate = false, deflateWindow, deflateThreshold, contextTakeover = true } = options;
  if (typeof deflate !== 'boolean' && typeof deflate !== 'number') {
    throw new TypeError('deflate is true, false or a level from 0 to 9');
  }
  const level = typeof deflate === 'number' ? whole('deflate', deflate, 9) : undefined;
  if (deflateWindow !== undefined) whole('deflateWindow', deflateWindow, 15, 8);
  if (deflateThreshold !== undefined) whole('deflateThreshold', deflateThreshold);
  yes('contextTakeover', contextTakeover);
  if (deflate === false) return;
  if (core.exports.limpet_option_set(0, Option.DEFLATE, 1) !== 0) {
    throw new TypeError('the profile has no permessage-deflate');
  }
  if (level !== undefined) core.setDefault(Option.DEFLATE_LEVEL, level);
  if (deflateWindow !== undefined) core.setDefault(Option.DEFLATE_WINDOW, deflateWindow);
  if (deflateThreshold !== undefined) core.setDefault(Option.DEFLATE_THRESHOLD, deflateThreshold);
  core.setDefault(Option.DEFLATE_TAKEOVER, contextTakeover ? Takeover.OUT | Takeover.IN : 0);
}
