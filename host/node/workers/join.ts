// A server that is to have workers ─► its part in this process.

import type { Selection } from '../hub.js';
import type { Shards } from '../shards.js';
import { joinPrimary } from './program.js';
import { isWorker, joinWorker } from './station.js';
import type { Face, Team } from './team.js';

/**
 * Takes a server of this process into the program. In the primary it will have workers, in a worker
 * it is what serves.
 *
 * @param shards of this process: the primary's stay empty
 * @param maxConnections in all workers; without it each worker has as many as it has by itself
 * @param isShared whether the connections are of a server that is not only for these sessions
 * @throws Error, TypeError or RangeError for what keeps it from having workers
 */
export function join<Owner>(
  workers: number,
  shards: Shards<Owner>,
  maxConnections: number | undefined,
  face: Face,
  isShared = false,
): Team {
  const { hub } = shards.first();
  if (!hub.isThere) throw new TypeError('workers want a profile with rooms');
  const { bounds } = shards;
  const member = {
    ...face,
    publishHere: (topic: string, kind: number, data: Uint8Array) =>
      shards.publishHere(topic, kind, data),
    broadcastHere: (selection: Selection, kind: number, data: Uint8Array) =>
      shards.broadcastHere(selection, undefined, kind, data),
    metrics: () => shards.metrics(),
    rooms: () => shards.rooms(),
    room: (topic: string) => shards.room(topic),
  };
  const all = maxConnections ?? workers * bounds.maxConnections;
  const team = isWorker
    ? joinWorker(member)
    : joinPrimary(workers, { ...bounds, maxConnections: all }, member);
  shards.join(team, isShared);
  return team;
}
