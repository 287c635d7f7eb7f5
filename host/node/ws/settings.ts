// Options of `ws` → what they make of a core and its loop. They are checked when a server or client is
// made; a core gets them when it is made, which may be later.

import { Closing, Delivery, FullPolicy, Option, Takeover } from '../../../build/limpet.abi.js';
import type { Core } from '../../core/core.js';
import { callable, whole, word, yes } from '../checks.js';
import { POLICIES } from '../options.js';
import { applyPolicies, type PolicyOptions } from '../policies.js';
import type { ShardOptions } from '../shards.js';
import { streamsOver } from '../streams.js';
import { WORKERS_MAX } from '../workers/team.js';
import type { CommonOptions, PerMessageDeflateOptions, ServerOptions } from './options.js';

/** Defaults of a core. */
export type Defaults = [option: Option, value: number][];

export interface Settings {
  defaults: Defaults;
  maxBackpressure: number;
  fullPolicy: FullPolicy;
  maxConnections: number;
  policies: PolicyOptions;
}

export const MAX_PAYLOAD = 100 << 20;
export const MAX_FRAGMENTS = 16 << 10;
export const CLOSE_TIMEOUT_MS = 30_000;
/** How long a client of our own port may take for its head: as long as node:http gives it. */
const HEAD_MS = 60_000;
/** The largest bound of the core. */
const MOST = 0x7fff_ffff;
/** Queued bytes from which `send` answers BACKPRESSURE. */
const HIGH_WATER = 1 << 20;
/** Messages of fewer bytes are compressed only with a context. */
const THRESHOLD = 1024;
const WINDOW_BITS = 15;
/** Options of the hub that this face has, too. */
const POLICY_NAMES = [
  'maxConnectionsPerAddress',
  'heartbeat',
  'rateLimit',
  'trustProxy',
  'trustPeer',
] as const;

/**
 * Checks the options of a server.
 *
 * @throws TypeError or RangeError that names the option
 */
export function serverSettings(options: ServerOptions): Settings {
  const { maxBackpressure = MOST, fullPolicy = 'refuse', maxConnections } = options;
  for (const name of ['handleProtocols', 'verifyClient', 'authenticate', 'WebSocket'] as const) {
    const hook: unknown = options[name];
    if (hook !== undefined && hook !== null) callable(name, hook);
  }
  whole('workers', options.workers ?? 0, WORKERS_MAX);
  if (options.workers && options.noServer) throw new TypeError('workers do not go with noServer');
  streamsOver(options.streamMessages);
  const policy = word('fullPolicy', POLICIES, fullPolicy);
  const policies: PolicyOptions = {};
  for (const name of POLICY_NAMES) {
    if (options[name] !== undefined) Object.assign(policies, { [name]: options[name] });
  }
  return {
    defaults: [
      ...commonDefaults(options, true),
      [Option.HANDSHAKE_MS, HEAD_MS],
      [Option.QUEUE_MAX, whole('maxBackpressure', maxBackpressure)],
      [Option.HIGH_WATER, HIGH_WATER],
      [Option.FULL_POLICY, policy],
    ],
    maxBackpressure,
    fullPolicy: policy,
    maxConnections:
      maxConnections === undefined
        ? Number.MAX_SAFE_INTEGER
        : whole('maxConnections', maxConnections),
    policies,
  };
}

/** Sets the defaults of a fresh core. Throws TypeError or RangeError for policies that it does not have. */
export function applySettings(core: Core, settings: Settings): ShardOptions {
  const { defaults, maxBackpressure, fullPolicy, maxConnections, policies } = settings;
  for (const [option, value] of defaults) core.setDefault(option, value);
  const { sessions } = core.stats();
  core.setDefault(Option.SESSIONS_MAX, Math.min(maxConnections, sessions));
  return {
    borrow: false,
    maxBackpressure,
    fullPolicy,
    maxConnections,
    ...applyPolicies(core, policies),
  };
}

/**
 * Checks what both roles have.
 *
 * @throws TypeError or RangeError that names the option
 */
export function commonDefaults(options: CommonOptions, isServer: boolean): Defaults {
  const { autoPong = true, skipUTF8Validation = false, closeTimeout } = options;
  const { allowSynchronousEvents = true, maxPayload, maxFragments, perMessageDeflate } = options;
  yes('allowSynchronousEvents', allowSynchronousEvents);
  const close_ms = bound('closeTimeout', closeTimeout, CLOSE_TIMEOUT_MS);
  return [
    [Option.DELIVERY, Delivery.AUTO],
    [Option.MESSAGE_MAX, bound('maxPayload', maxPayload, MAX_PAYLOAD)],
    [Option.FRAGMENTS_MAX, bound('maxFragments', maxFragments, MAX_FRAGMENTS)],
    // To the core 0 is no bound.
    [Option.CLOSE_MS, closeTimeout === 0 ? 1 : close_ms],
    [Option.CLOSING, Closing.TOLD | Closing.REASON],
    [Option.AUTO_PONG, yes('autoPong', autoPong) ? 1 : 0],
    [Option.UTF8, yes('skipUTF8Validation', skipUTF8Validation) ? 0 : 1],
    ...deflateDefaults(
      perMessageDeflate === null ? false : (perMessageDeflate ?? !isServer),
      isServer,
    ),
  ];
}

/** A bound as `ws` takes it: 0, and what is too large for a number of 32 bits, is none. */
function bound(name: string, value: number | null | undefined, standard: number): number {
  if (value === undefined) return standard;
  if (value === null || value > MOST) return 0;
  return whole(name, typeof value === 'number' ? Math.trunc(value) : value);
}

/** The eight keys of perMessageDeflate, of which five mean something to the core. */
function deflateDefaults(deflate: unknown, isServer: boolean): Defaults {
  if (deflate === false) return [];
  if (deflate !== true && (typeof deflate !== 'object' || deflate === null)) {
    throw new TypeError('perMessageDeflate is true, false or an object');
  }
  const options: PerMessageDeflateOptions = deflate === true ? {} : deflate;
  const server = direction('server', options);
  const client = direction('client', options);
  const [out, into] = isServer ? [server, client] : [client, server];
  const { threshold, zlibDeflateOptions } = options;
  const level = zlibDeflateOptions?.level ?? -1;
  const defaults: Defaults = [
    [Option.DEFLATE, 1],
    [Option.DEFLATE_WINDOW, out.bits],
    [Option.DEFLATE_WINDOW_IN, into.bits],
    [Option.DEFLATE_TAKEOVER, (out.kept ? Takeover.OUT : 0) | (into.kept ? Takeover.IN : 0)],
  ];
  if (threshold !== undefined) {
    const least = whole('perMessageDeflate.threshold', threshold);
    defaults.push([Option.DEFLATE_THRESHOLD, least]);
  } else if (!out.kept) {
    defaults.push([Option.DEFLATE_THRESHOLD, THRESHOLD]);
  }
  if (level !== -1) {
    const name = 'perMessageDeflate.zlibDeflateOptions.level';
    defaults.push([Option.DEFLATE_LEVEL, whole(name, level, 9)]);
  }
  return defaults;
}

/** The window of what one side sends, and whether its context is kept. */
function direction(
  side: 'server' | 'client',
  options: PerMessageDeflateOptions,
): { bits: number; kept: boolean } {
  const bits = options[`${side}MaxWindowBits`];
  const reset = options[`${side}NoContextTakeover`] ?? false;
  const kept = !yes(`perMessageDeflate.${side}NoContextTakeover`, reset);
  if (typeof (bits ?? false) === 'boolean') return { bits: WINDOW_BITS, kept };
  return { bits: whole(`perMessageDeflate.${side}MaxWindowBits`, bits, 15, 8), kept };
}
