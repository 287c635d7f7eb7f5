// Counters → text as Prometheus reads it, exposition format 0.0.4.

import type { CoreStats } from '../core/core.js';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** All counters of a server. */
export interface Metrics extends CoreStats {
  /** Bytes of linear memory. */
  memoryBytes: number;
}

/** What a scraper gets besides where there are workers. */
export interface WorkerMetrics {
  workers: number;
  busDropped: number;
}

/** Counters that are an extreme, not a sum. */
const LEAST: readonly (keyof Metrics)[] = ['rttLeast'];
const MOST: readonly (keyof Metrics)[] = ['rttMost'];

/** The counters of several cores as those of one: pools and peaks add up, a peak is at most that. */
export function sumMetrics([first, ...others]: readonly Metrics[]): Metrics {
  const sum = { ...first };
  for (const other of others) {
    for (const name of Object.keys(sum) as (keyof Metrics)[]) {
      const [a, b] = [sum[name], other[name]];
      // No round trip yet is 0.
      if (LEAST.includes(name)) sum[name] = a === 0 || b === 0 ? a + b : Math.min(a, b);
      else if (MOST.includes(name)) sum[name] = Math.max(a, b);
      else sum[name] = a + b;
    }
  }
  return sum;
}

/** Name behind `limpet_`, kind, help, and the samples: what stands behind the name, and the value. */
type Family = [
  name: string,
  kind: 'counter' | 'gauge' | 'summary',
  help: string,
  samples: (m: Metrics & Partial<WorkerMetrics>) => Record<string, number>,
];

const FAMILIES: readonly Family[] = [
  ['messages_received_total', 'counter', 'Messages received.', (m) => ({ '': m.messagesIn })],
  [
    'messages_sent_total',
    'counter',
    'Messages queued for sending.',
    (m) => ({ '': m.messagesOut }),
  ],
  [
    'received_bytes_total',
    'counter',
    'Payload bytes received in messages.',
    (m) => ({ '': m.bytesIn }),
  ],
  ['sent_bytes_total', 'counter', 'Payload bytes queued in messages.', (m) => ({ '': m.bytesOut })],
  ['sessions_opened_total', 'counter', 'Connections opened.', (m) => ({ '': m.opened })],
  [
    'refused_total',
    'counter',
    'Connections, handshakes, subscriptions and metadata that were refused, by cause.',
    (m) => ({
      '{cause="sessions"}': m.sessionsFull,
      '{cause="shutdown"}': m.refusedShutdown,
      '{cause="address"}': m.refusedAddress,
      '{cause="origin"}': m.refusedOrigin,
      '{cause="token"}': m.refusedToken,
      '{cause="protocol"}': m.refusedProtocol,
      '{cause="rooms"}': m.roomsFull,
      '{cause="memberships"}': m.membershipsFull,
      '{cause="metadata"}': m.metadataFull,
    }),
  ],
  [
    'violations_total',
    'counter',
    'Connections that failed by the peer’s fault.',
    (m) => ({ '': m.violations }),
  ],
  ['too_big_total', 'counter', 'Messages that were too long.', (m) => ({ '': m.tooBig })],
  [
    'rate_limited_total',
    'counter',
    'Messages dropped, connections held back and connections closed for a rate.',
    (m) => ({
      '{policy="drop"}': m.rateDropped,
      '{policy="queue"}': m.rateQueued,
      '{policy="reject"}': m.rateRejected,
    }),
  ],
  [
    'timeouts_total',
    'counter',
    'Connections that were given up because time ran out.',
    (m) => ({
      '{what="handshake"}': m.timeoutHandshake,
      '{what="idle"}': m.timeoutIdle,
      '{what="pong"}': m.timeoutPong,
      '{what="close"}': m.timeoutClose,
    }),
  ],
  [
    'queue_full_total',
    'counter',
    'Messages refused or dropped because a send queue was full.',
    (m) => ({ '': m.queueFull }),
  ],
  ['memory_full_total', 'counter', 'Times the arena had no block.', (m) => ({ '': m.memoryFull })],
  ['published_total', 'counter', 'Messages published or broadcast.', (m) => ({ '': m.published })],
  [
    'delivered_total',
    'counter',
    'Connections that published messages were queued for.',
    (m) => ({ '': m.delivered }),
  ],
  [
    'undelivered_total',
    'counter',
    'Connections that published messages were not queued for.',
    (m) => ({ '': m.undelivered }),
  ],
  [
    'heartbeat_rtt_seconds',
    'summary',
    'Round-trip times of heartbeats.',
    (m) => ({ _sum: m.rttTotal / 1000, _count: m.heartbeats }),
  ],
  [
    'heartbeat_rtt_least_seconds',
    'gauge',
    'The shortest round-trip time.',
    (m) => ({ '': m.rttLeast / 1000 }),
  ],
  [
    'heartbeat_rtt_most_seconds',
    'gauge',
    'The longest round-trip time.',
    (m) => ({ '': m.rttMost / 1000 }),
  ],
  [
    'pool_used',
    'gauge',
    'What is in use of each pool now; of the arena bytes.',
    (m) => ({
      '{pool="sessions"}': m.active,
      '{pool="arena"}': m.arenaUsed,
      '{pool="windows"}': m.windowsUsed,
      '{pool="rooms"}': m.roomsUsed,
      '{pool="memberships"}': m.membershipsUsed,
      '{pool="levels"}': m.levelsUsed,
      '{pool="metadata"}': m.metadataUsed,
      '{pool="prepared"}': m.preparedUsed,
    }),
  ],
  [
    'pool_peak',
    'gauge',
    'Most that was in use of each pool at once.',
    (m) => ({
      '{pool="sessions"}': m.activePeak,
      '{pool="arena"}': m.arenaPeak,
      '{pool="windows"}': m.windowsPeak,
      '{pool="rooms"}': m.roomsPeak,
      '{pool="memberships"}': m.membershipsPeak,
      '{pool="levels"}': m.levelsPeak,
      '{pool="metadata"}': m.metadataPeak,
      '{pool="prepared"}': m.preparedPeak,
      '{pool="events"}': m.eventsPeak,
    }),
  ],
  [
    'pool_size',
    'gauge',
    'What there is of each pool.',
    (m) => ({
      '{pool="sessions"}': m.sessions,
      '{pool="arena"}': m.arena,
      '{pool="windows"}': m.windows,
      '{pool="rooms"}': m.rooms,
      '{pool="memberships"}': m.memberships,
      '{pool="levels"}': m.levels,
      '{pool="metadata"}': m.metadata,
      '{pool="prepared"}': m.prepared,
      '{pool="events"}': m.events,
    }),
  ],
  ['memory_bytes', 'gauge', 'Bytes of linear memory.', (m) => ({ '': m.memoryBytes })],
];

/** These two are there only where there are workers. */
const WORKER_FAMILIES: readonly Family[] = [
  ['workers', 'gauge', 'Workers whose counters these are.', ({ workers = 0 }) => ({ '': workers })],
  [
    'bus_dropped_total',
    'counter',
    'Messages dropped on their way to a worker that does not read.',
    ({ busDropped = 0 }) => ({ '': busDropped }),
  ],
];

/** The counters as a scraper gets them. */
export function metricsText(metrics: Metrics & Partial<WorkerMetrics>): string {
  const families = metrics.workers === undefined ? FAMILIES : [...FAMILIES, ...WORKER_FAMILIES];
  return families
    .flatMap(([name, kind, help, samples]) => [
      `# HELP limpet_${name} ${help}\n`,
      `# TYPE limpet_${name} ${kind}\n`,
      ...Object.entries(samples(metrics)).map(
        ([rest, value]) => `limpet_${name}${rest} ${String(value)}\n`,
      ),
    ])
    .join('');
}
