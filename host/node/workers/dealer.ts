// A port ─► connections ─► the worker that has the fewest.
//
// The primary accepts and hands each connection's descriptor to a worker (docs/workers.md has the
// figures): so all have the same load, one that is new gets the newcomers until it has its part, and
// maxConnections is exact. `onconnection` of a server's handle is not public; where it is not as it is
// known, the server makes a socket of each connection and that is sent.

import {
  createServer,
  type AddressInfo,
  type ListenOptions,
  type Server as NetServer,
  type Socket as NetSocket,
} from 'node:net';

/** A TCP handle of Node's. */
interface Handle {
  close(): void;
}

/** A connection that was accepted and not yet looked at. */
export type Connection = NetSocket | Handle;

/** How a connection gets to a worker; `sent` says what went wrong, or null. */
export type Send = (connection: Connection, sent: (error: Error | null) => void) => void;

/** What the dealer knows of a worker that serves. */
interface Hand {
  send: Send;
  /** Connections that it was given and has not told of: they are kept until it has. */
  readonly untaken: Dealt[];
  /** How many it told of, and how many it has. */
  taken: number;
  size: number;
}

interface Dealt {
  connection: Connection;
  sent: boolean;
}

/** Connections that wait while no worker serves. */
const WAITING_MAX = 1024;
/** A worker that leaves so many untaken is passed over for others. */
const UNTAKEN_MAX = 64;

export class Dealer {
  /** Connections that were closed at once: there were maxConnections, or nobody to serve them. */
  refused = 0;
  #net: NetServer;
  /** Whether the server is the dealer's own. */
  #isOwn = true;
  #bound: number;
  readonly #hands = new Map<number, Hand>();
  #waiting: Connection[] = [];

  /**
   * @param maxConnections in all workers
   * @param failed is told what goes wrong once it listens
   * @param raw whether connections may be handles
   */
  constructor(
    maxConnections: number,
    failed: (error: Error) => void,
    private readonly raw = true,
  ) {
    this.#bound = maxConnections;
    this.#net = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      this.#deal(socket);
    });
    this.#net.on('error', (error) => {
      if (this.#net.listening) failed(error);
    });
  }

  /** Begins to listen; rejects when it cannot. */
  listen(options: ListenOptions): Promise<AddressInfo> {
    const net = this.#net;
    return new Promise((resolve, reject) => {
      const settled = () => net.off('error', failed).off('listening', listening);
      const failed = (error: Error) => {
        settled();
        reject(error);
      };
      const listening = () => {
        settled();
        if (this.raw) this.#takeHandles();
        resolve(net.address() as AddressInfo);
      };
      net.on('error', failed).on('listening', listening);
      try {
        net.listen(options);
      } catch (error) {
        failed(error as Error);
      }
    });
  }

  /**
   * Takes the connections of a server that somebody else listens with. They are not all sessions, so
   * here they have no bound.
   *
   * @returns when it listens; rejects when nothing can be taken
   */
  over(server: NetServer): Promise<AddressInfo> {
    this.#net = server;
    this.#isOwn = false;
    this.#bound = Infinity;
    return new Promise((resolve, reject) => {
      server.prependListener('listening', () => {
        if (this.#takeHandles()) resolve(server.address() as AddressInfo);
        else reject(new Error('this Node has no handles that could be dealt out'));
      });
    });
  }

  address(): AddressInfo | null {
    return this.#net.address() as AddressInfo | null;
  }

  /** Listens no more; what waits is closed. */
  close(): void {
    if (this.#isOwn) this.#net.close();
    for (const connection of this.#waiting.splice(0)) drop(connection);
  }

  /** A worker serves: it gets its part. */
  add(worker: number, send: Send): void {
    this.#hands.set(worker, { send, untaken: [], taken: 0, size: 0 });
    for (const connection of this.#waiting.splice(0)) this.#deal(connection);
  }

  /** A worker is gone: what it had not taken goes to the others. */
  remove(worker: number): void {
    const hand = this.#hands.get(worker);
    this.#hands.delete(worker);
    for (const { connection, sent } of hand?.untaken ?? []) {
      // A socket that was sent is Node's no more.
      if (sent && 'destroy' in connection) connection.destroy();
      else this.#deal(connection);
    }
  }

  /** A worker tells how many it took since it serves, and how many it has. */
  sized(worker: number, taken: number, size: number): void {
    const hand = this.#hands.get(worker);
    if (!hand) return;
    // The descriptors that were sent are the worker's: these are copies.
    for (const { connection } of hand.untaken.splice(0, taken - hand.taken)) drop(connection);
    hand.taken = taken;
    hand.size = size;
  }

  /** Whether connections come as handles from now on. */
  #takeHandles(): boolean {
    const { _handle: handle } = this.#net as unknown as {
      _handle?: { onconnection?: (status: number, connection?: Handle) => void } | null;
    };
    if (typeof handle?.onconnection !== 'function') return false;
    handle.onconnection = (status, connection) => {
      // Out of descriptors, or the peer is gone already.
      if (status === 0 && connection) this.#deal(connection);
    };
    return true;
  }

  #deal(connection: Connection): void {
    let [total, best] = [this.#waiting.length, undefined as Hand | undefined];
    for (const hand of this.#hands.values()) {
      total += loadOf(hand);
      if (!best || isBetter(hand, best)) best = hand;
    }
    if (total >= this.#bound || (!best && this.#waiting.length >= WAITING_MAX)) {
      this.refused += 1;
      drop(connection);
    } else if (!best) {
      this.#waiting.push(connection);
    } else {
      this.#give(best, { connection, sent: false });
    }
  }

  #give({ send, untaken }: Hand, dealt: Dealt): void {
    untaken.push(dealt);
    send(dealt.connection, (error) => {
      dealt.sent = true;
      if (!error) return;
      untaken.splice(untaken.indexOf(dealt), 1);
      drop(dealt.connection);
    });
  }
}

/** Connections that a worker has, or will have. */
function loadOf({ untaken, size }: Hand): number {
  return untaken.length + size;
}

function givenTo({ taken, untaken }: Hand): number {
  return taken + untaken.length;
}

/** Of two with the same load the one that was given fewer is better: connections may be short. */
function isBetter(hand: Hand, than: Hand): boolean {
  const stuck = hand.untaken.length >= UNTAKEN_MAX;
  const other = than.untaken.length >= UNTAKEN_MAX;
  if (stuck !== other) return other;
  const more = loadOf(hand) - loadOf(than);
  return more === 0 ? givenTo(hand) < givenTo(than) : more < 0;
}

function drop(connection: Connection): void {
  if ('destroy' in connection) connection.destroy();
  else connection.close();
}
