// Messages for which the core has no memory → Node's memory, in order, until it has some.

import { ErrorCode, type Sent } from '../../build/limpet.abi.js';
import type { Link } from './link.js';

/** Where the messages come from and go to. */
export interface Queue<Owner> {
  /** Puts a message into the core's queue. */
  queue(link: Link<Owner>, kind: number, data: Buffer): Sent | ErrorCode;
  /** Nothing waits for this connection any more. */
  emptied(link: Link<Owner>): void;
}

export class Backlog<Owner> {
  readonly #links = new Set<Link<Owner>>();

  constructor(private readonly to: Queue<Owner>) {}

  /** Whether messages wait. */
  get waits(): boolean {
    return this.#links.size > 0;
  }

  /** Keeps a message. `at`: its place among those that wait; without it the last. */
  keep(link: Link<Owner>, kind: number, data: string | Uint8Array, at = Infinity): void {
    const kept = Buffer.from(data as Uint8Array);
    (link.backlog ??= []).splice(at, 0, { kind, data: kept });
    link.backlogBytes += kept.length;
    this.#links.add(link);
  }

  /** Queues what had to wait, as far as the core has memory now. */
  retryAll(): void {
    if (this.#links.size === 0) return;
    for (const link of [...this.#links]) this.#retry(link);
  }

  /** A connection is over: nothing waits for it. */
  forget(link: Link<Owner>): void {
    this.#links.delete(link);
  }

  #retry(link: Link<Owner>): void {
    const backlog = link.backlog ?? [];
    let next = backlog.at(0);
    while (next) {
      const status = this.to.queue(link, next.kind, next.data);
      if (status === ErrorCode.MEMORY || status === ErrorCode.FULL) return;
      backlog.shift();
      link.backlogBytes -= next.data.length;
      next = backlog.at(0);
    }
    link.backlog = undefined;
    this.#links.delete(link);
    this.to.emptied(link);
  }
}
