// Connections of one server → instances of one module. A pool is as large as its profile says; when
// it is full the next connection gets another instance, a shard, and rooms, publications and counters
// span them all.
//
//   accept ─► the first loop that has a session ─► else one loop more, up to maxConnections
//   publish, broadcast ─► every loop ─► the bus, if there are other workers

import { Option, State } from '../../build/limpet.abi.js';
import { Core } from '../core/core.js';
import { sessionAddress } from './address.js';
import { joinRooms, type Room, type Selection } from './hub.js';
import { SHARD, type Link } from './link.js';
import { SocketLoop, type Handlers, type LoopOptions } from './loop.js';
import { coreMemory, type ServerMemory } from './memory.js';
import { sumMetrics, type Metrics } from './metrics.js';
import type { Published } from './outbox.js';
import type { Connection } from './transport/index.js';

/** Bounds over all shards, and the settings of each. */
export interface ShardOptions extends LoopOptions {
  maxConnections: number;
  /** 0 = no bound. */
  maxConnectionsPerAddress: number;
  /** What all connections together may send in a window, 0 = no bound. */
  rateAll: { messages: number; bytes: number };
}

/** Other workers of the same server: they get what was published and broadcast here. */
export interface Bus {
  /** Workers that there are: each has its part of what bounds all connections together. */
  readonly workers: number;
  publish(topic: string, kind: number, data: string | Uint8Array): void;
  broadcast(selection: Selection, kind: number, data: string | Uint8Array): void;
  /** Connections came or went: there are so many here now. */
  sized(size: number): void;
  /** Asks whether a remote address may have one connection more; if so it is counted until `left`. */
  admit(address: string, decided: (yes: boolean) => void): void;
  left(address: string): void;
}

export class Shards<Owner> {
  readonly #loops: SocketLoop<Owner>[] = [];
  readonly #handlers: Handlers<Owner>;
  /** The loop that had a session last. */
  #at = 0;
  #options: ShardOptions | undefined;
  /** Sessions of one shard. */
  #pool = 0;
  #ending = false;
  #refused = 0;
  /** Most connections that there were at once. */
  #peak = 0;
  /** Connections by remote address, once there are several shards; each core knows only its own. */
  #addresses: Map<string, number> | undefined;
  #bus: Bus | undefined;
  /** Into how many parts maxConnections goes. */
  #parts = 1;

  /**
   * @param module the module, compiled
   * @param configure sets the defaults of a new instance; throws what is wrong with them
   */
  constructor(
    private readonly module: WebAssembly.Module,
    private readonly configure: (core: Core) => ShardOptions,
    private readonly face: Handlers<Owner>,
  ) {
    this.#handlers = {
      ...face,
      upgrade: (link) => {
        if (!this.#admits(link)) link.loop.respond(link, 429, '', '');
        else if (!this.#asks(link)) face.upgrade(link);
      },
      closed: (link, code, reason, clean) => {
        this.#leaves(link);
        face.closed(link, code, reason, clean);
      },
    };
  }

  /**
   * From now on there are other workers.
   *
   * @param isShared whether each has its part of maxConnections, which nobody else counts
   */
  join(bus: Bus, isShared: boolean): void {
    this.#bus = bus;
    if (isShared) this.#parts = bus.workers;
    this.first();
    if (this.#options) this.#spread(this.#options);
  }

  /** The first shard, made now if it is not there yet. */
  first(): SocketLoop<Owner> {
    return this.#loops.at(0) ?? this.#add();
  }

  #add(): SocketLoop<Owner> {
    const core = new Core(this.module);
    const options = this.configure(core);
    this.#options = options;
    this.#pool = core.stats().sessions;
    const loop = new SocketLoop<Owner>(core, this.#handlers, options, this.#loops.length);
    this.#loops.push(loop);
    if (this.#loops.length > 1 || this.#bus) this.#spread(options);
    return loop;
  }

  /** What bounds all connections together is shared out, and counted here. */
  #spread({ rateAll, maxConnectionsPerAddress }: ShardOptions): void {
    const rates = [
      [Option.RATE_ALL_MESSAGES, rateAll.messages],
      [Option.RATE_ALL_BYTES, rateAll.bytes],
    ] as const;
    for (const [option, bound] of rates) {
      const share = Math.ceil(bound / this.#loops.length / (this.#bus?.workers ?? 1));
      if (bound > 0) for (const { core } of this.#loops) core.setDefault(option, share);
    }
    const isOne = this.#loops.length <= 1;
    if (maxConnectionsPerAddress === 0 || this.#addresses || isOne) return;
    this.#addresses = new Map();
    for (const link of this.links()) this.#enters(link);
  }

  // ------------------------------------------------------------- connections

  /**
   * Opens a session for a connection.
   *
   * @param first bytes that were read from it before
   * @param owner the face's object for it, if there is one already
   * @returns its link, or undefined when there are maxConnections, or the server is ending
   */
  accept(connection: Connection, first?: Buffer, owner?: Owner): Link<Owner> | undefined {
    this.first();
    const { size } = this;
    if (this.#ending || size >= Math.ceil((this.#options?.maxConnections ?? 0) / this.#parts)) {
      this.refuse();
      return undefined;
    }
    this.#peak = Math.max(this.#peak, size + 1);
    const link = this.#withRoom().accept(connection, first, owner);
    this.#bus?.sized(this.size);
    return link;
  }

  /** Counts a connection for which there was no place. */
  refuse(): void {
    this.#refused += 1;
  }

  /** A loop that has a session. */
  #withRoom(): SocketLoop<Owner> {
    for (let tries = this.#loops.length; tries > 0; tries--) {
      const loop = this.#loops[this.#at];
      if (loop.size < this.#pool) return loop;
      this.#at = (this.#at + 1) % this.#loops.length;
    }
    this.#at = this.#loops.length;
    return this.#add();
  }

  /** Whether a connection's address has not got its share yet; it counts from now on. */
  #admits(link: Link<Owner>): boolean {
    const address = this.#enters(link);
    if (address === undefined || !this.#addresses) return true;
    return (this.#addresses.get(address) ?? 0) <= (this.#options?.maxConnectionsPerAddress ?? 0);
  }

  /** Whether the other workers are asked if its address has its share; if so the face is told later. */
  #asks(link: Link<Owner>): boolean {
    const bus = this.#bus;
    if (!bus || !this.#options?.maxConnectionsPerAddress) return false;
    const address = sessionAddress(link.loop.core, link.handle)?.address;
    if (address === undefined) return false;
    bus.admit(address, (yes) => {
      const isThere = this.link(link.id) === link && link.loop.state(link) === State.PENDING;
      if (yes && !isThere) bus.left(address);
      if (!isThere) return;
      if (yes) link.admittedAs = address;
      try {
        if (yes) this.face.upgrade(link);
        else link.loop.respond(link, 429, '', '');
      } catch (error) {
        this.face.threw(error);
      }
    });
    return true;
  }

  #enters(link: Link<Owner>): string | undefined {
    const address = this.#addresses && sessionAddress(link.loop.core, link.handle)?.address;
    if (address === undefined) return undefined;
    this.#addresses?.set(address, (this.#addresses.get(address) ?? 0) + 1);
    link.countedAs = address;
    return address;
  }

  #leaves({ countedAs, admittedAs }: Link<Owner>): void {
    this.#bus?.sized(this.size);
    if (admittedAs !== undefined) this.#bus?.left(admittedAs);
    if (countedAs === undefined || !this.#addresses) return;
    const left = (this.#addresses.get(countedAs) ?? 1) - 1;
    if (left > 0) this.#addresses.set(countedAs, left);
    else this.#addresses.delete(countedAs);
  }

  /** What bounds the connections of this process. */
  get bounds(): Pick<ShardOptions, 'maxConnections' | 'maxConnectionsPerAddress'> {
    this.first();
    const { maxConnections = 0, maxConnectionsPerAddress = 0 } = this.#options ?? {};
    return { maxConnections, maxConnectionsPerAddress };
  }

  /** Connections, open or not. */
  get size(): number {
    let size = 0;
    for (const loop of this.#loops) size += loop.size;
    return size;
  }

  *links(): IterableIterator<Link<Owner>> {
    for (const loop of this.#loops) yield* loop.links();
  }

  /** The connection with an id. */
  link(id: number): Link<Owner> | undefined {
    return this.#loops.at(Math.floor(id / SHARD))?.link(id % SHARD);
  }

  // ---------------------------------------------------------- rooms and many

  /** Publishes to the members of all shards, and of all workers. Throws LimpetError, see Hub.publish. */
  publish(topic: string, kind: number, data: string | Uint8Array, except?: Link<Owner>): Published {
    const published = this.publishHere(topic, kind, data, except);
    this.#bus?.publish(topic, kind, data);
    return published;
  }

  /** Publishes to the members of all shards of this worker. */
  publishHere(
    topic: string,
    kind: number,
    data: string | Uint8Array,
    except?: Link<Owner>,
  ): Published {
    return this.#each(data, (loop, bytes) =>
      loop.hub.publish(topic, kind, bytes, except?.loop === loop ? except.handle : 0),
    );
  }

  /** Sends to a selection in all shards, and in all workers. Throws TypeError or RangeError. */
  broadcast(
    selection: Selection,
    except: Link<Owner> | undefined,
    kind: number,
    data: string | Uint8Array,
  ): Published {
    const published = this.broadcastHere(selection, except, kind, data);
    this.#bus?.broadcast(selection, kind, data);
    return published;
  }

  /** Sends to a selection in all shards of this worker. */
  broadcastHere(
    selection: Selection,
    except: Link<Owner> | undefined,
    kind: number,
    data: string | Uint8Array,
  ): Published {
    return this.#each(data, (loop, bytes) =>
      loop.hub.broadcast(selection, except?.loop === loop ? except.handle : 0, kind, bytes),
    );
  }

  /** Sends to these connections. */
  sendMany(links: Iterable<Link<Owner>>, kind: number, data: string | Uint8Array): Published {
    const all = [...links];
    return this.#each(data, (loop, bytes) =>
      loop.sendMany(this.#loops.length > 1 ? all.filter((l) => l.loop === loop) : all, kind, bytes),
    );
  }

  #each(
    data: string | Uint8Array,
    send: (loop: SocketLoop<Owner>, data: string | Uint8Array) => Published,
  ): Published {
    if (this.#loops.length <= 1) return send(this.first(), data);
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const sum = { delivered: 0, over: 0, dropped: 0 };
    for (const loop of this.#loops) {
      const { delivered, over, dropped } = send(loop, bytes);
      sum.delivered += delivered;
      sum.over += over;
      sum.dropped += dropped;
    }
    return sum;
  }

  /** The rooms of all shards, those of one topic as one. */
  rooms(): Room[] {
    this.first();
    const [rooms, ...others] = this.#loops.map(({ hub }) => hub.rooms());
    return others.length > 0 ? joinRooms([...rooms, ...others.flat()]) : rooms;
  }

  room(topic: string): Room | undefined {
    this.first();
    return joinRooms(this.#loops.flatMap(({ hub }) => hub.room(topic) ?? [])).at(0);
  }

  members(topic: string): Link<Owner>[] {
    this.first();
    return this.#loops.flatMap(({ hub }) => hub.members(topic));
  }

  select(selection: Selection): Link<Owner>[] {
    this.first();
    return this.#loops.flatMap(({ hub }) => hub.select(selection));
  }

  // --------------------------------------------------------------- the whole

  /** The counters of all shards: pools and what was counted add up. */
  metrics(): Metrics {
    const all = [this.first(), ...this.#loops.slice(1)].map(({ core }) => ({
      ...core.stats(),
      memoryBytes: core.u8.length,
    }));
    const sum = sumMetrics(all);
    const activePeak = all.length > 1 ? this.#peak : sum.activePeak;
    return { ...sum, activePeak, sessionsFull: sum.sessionsFull + this.#refused };
  }

  /** What a connection costs in the core, and what all shards reserve. */
  memory(): ServerMemory {
    const memory = coreMemory(this.first().core);
    const instances = this.#loops.length;
    return { ...memory, instances, reserved: instances * memory.reserved };
  }

  /** Whether a Close frame may say this, see limpet_close_check. */
  closeCheck(code: number, reason: string): number {
    return this.first().closeCheck(code, reason);
  }

  /** Ends all sessions, see SocketLoop.shutdown; none begins any more. */
  shutdown(timeout_ms: number): void {
    this.#ending = true;
    for (const loop of this.#loops) loop.shutdown(timeout_ms);
  }
}
