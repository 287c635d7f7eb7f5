// The options of clients → the loops that they share: one for all whose cores have the same defaults,
// and one more when its pool is full. None of them keeps the process alive.

import { randomBytes } from 'node:crypto';
import { ErrorCode, FullPolicy, Option } from '../../../../build/limpet.abi.js';
import { Core, LimpetError } from '../../../core/core.js';
import type { Link } from '../../link.js';
import { SocketLoop, type Handlers } from '../../loop.js';
import { loadModule } from '../../wasm.js';
import { commonDefaults, type Defaults } from '../settings.js';
import type { Peer } from '../websocket.js';
import type { ClientOptions } from './options.js';

/** Loops by the defaults of their cores. */
const loops = new Map<string, SocketLoop<Peer>[]>();

/** What a core says of one session; all else it says of all. */
const OF_SESSIONS = new Set<Option>([
  Option.DELIVERY,
  Option.MESSAGE_MAX,
  Option.FRAGMENTS_MAX,
  Option.CLOSE_MS,
  Option.AUTO_PONG,
]);
/** What all clients have. Times of the opening handshake are node:http's to keep. */
const MAX_BACKPRESSURE = 0x7fff_ffff;
const DEFAULTS = [
  [Option.HANDSHAKE_MS, 0],
  [Option.HIGH_WATER, 1 << 20],
  [Option.QUEUE_MAX, MAX_BACKPRESSURE],
  [Option.FULL_POLICY, FullPolicy.REFUSE],
] as const;

/** Why a core has no session more now. */
const FULL = new Set<ErrorCode>([ErrorCode.SESSIONS, ErrorCode.MEMORY]);

/** What the request line and Host are to a core: node:http writes those that are sent. */
const TARGET = '/';
const HOST = 'localhost';

/**
 * A client session that has not asked yet: its transport has the head of its request.
 *
 * @param handlers made for each loop
 * @throws LimpetError VALUE for what are no subprotocols; TypeError or RangeError that names an option
 */
export function openSession(
  options: ClientOptions,
  protocols: string,
  handlers: () => Handlers<Peer>,
): Link<Peer> {
  const settings = commonDefaults(options, false);
  const defaults = settings.filter(([option]) => !OF_SESSIONS.has(option));
  const key = defaults.join();
  const pool = loops.get(key) ?? [];
  loops.set(key, pool);
  const link = connect(pool, protocols) ?? add(pool, defaults, handlers).connect(asking(protocols));
  const { exports } = link.loop.core;
  for (const [option, value] of settings) {
    if (OF_SESSIONS.has(option)) exports.limpet_option_set(link.handle, option, value);
  }
  return link;
}

function asking(protocols: string): {
  target: string;
  host: string;
  protocols: string;
  headers: string;
} {
  return { target: TARGET, host: HOST, protocols, headers: '' };
}

/** A session of the first loop that has one. */
function connect(pool: SocketLoop<Peer>[], protocols: string): Link<Peer> | undefined {
  for (const loop of pool) {
    try {
      return loop.connect(asking(protocols));
    } catch (error) {
      if (!(error instanceof LimpetError) || !FULL.has(error.code)) throw error;
    }
  }
  return undefined;
}

/** One loop more. */
function add(
  pool: SocketLoop<Peer>[],
  defaults: Defaults,
  handlers: () => Handlers<Peer>,
): SocketLoop<Peer> {
  const core = new Core(loadModule('server'));
  core.seed(randomBytes(32));
  for (const [option, value] of [...DEFAULTS, ...defaults]) core.setDefault(option, value);
  const limits = { maxBackpressure: MAX_BACKPRESSURE, fullPolicy: FullPolicy.REFUSE };
  const settings = { borrow: false, trusts: () => 0, ...limits };
  const loop = new SocketLoop<Peer>(core, handlers(), settings, pool.length);
  pool.push(loop);
  return loop;
}
