// What the core itself says of its regions → what one connection costs, by name, and what is reserved.

import { Region, SESSION_TOPICS_BYTES } from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';

/** Bytes of a core. All of them are reserved at the start; the operating system gives those that are used. */
export interface CoreMemory {
  /** What the core has for each connection; 0 where the profile is without it. */
  connection: {
    /** The session's record. An idle connection uses this and nothing else. */
    session: number;
    /** Its place in the queues of publications. */
    publications: number;
    /** Its remote address, and its part of the table that counts sessions of an address. */
    address: number;
    rates: number;
    heartbeats: number;
  };
  /** The sum of these. */
  connectionBytes: number;
  /**
   * What a connection has besides where permessage-deflate keeps a context, in each direction; and how
   * many such contexts there can be.
   */
  context: { incoming: number; outgoing: number; most: number };
  /** Connections that one instance can have, and all of its linear memory. */
  sessions: number;
  reserved: number;
  /** The same by region. */
  regions: Record<keyof typeof Region, number>;
}

/** What a server's cores take together. */
export interface ServerMemory extends CoreMemory {
  /** Instances of the module that were made; `reserved` is of all of them, the rest of one. */
  instances: number;
}

export function coreMemory(core: Core): CoreMemory {
  const { sessions, windows } = core.stats();
  const names = Object.entries(Region) as [keyof typeof Region, Region][];
  const regions = Object.fromEntries(
    names.map(([name, region]) => [name, core.exports.limpet_region_size(region)]),
  ) as CoreMemory['regions'];
  // Some regions have a few bytes for all sessions together.
  const share = (bytes: number) => Math.floor(bytes / sessions);
  const connection = {
    session: share(regions.SESSIONS),
    publications: regions.TOPICS > 0 ? SESSION_TOPICS_BYTES : 0,
    address: share(regions.ADDRESSES),
    rates: share(regions.RATES),
    heartbeats: share(regions.HEARTBEATS),
  };
  const context = windows > 0 ? Math.floor(regions.WINDOWS / windows) : 0;
  return {
    connection,
    connectionBytes: Object.values(connection).reduce((sum, bytes) => sum + bytes, 0),
    context: { incoming: context, outgoing: context, most: windows },
    sessions,
    reserved: core.u8.length,
    regions,
  };
}
