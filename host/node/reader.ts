// Bytes of the transports → limpet_rx; what a session does not take now waits in `link.stash`, with its
// transport paused.

import type { Core } from '../core/core.js';
import type { Events } from './events.js';
import type { Link } from './link.js';
import { clock } from './scheduler.js';

export class Reader<Owner> {
  /** Where reads go. */
  readonly ingress: Buffer;
  /** Links that were paused and are to be read from again. */
  readonly #resuming = new Set<Link<Owner>>();

  /**
   * @param memory all of linear memory
   * @param schedule writes at the end of this turn
   */
  constructor(
    private readonly core: Core,
    memory: Buffer,
    private readonly events: Events<Owner>,
    private readonly schedule: () => void,
  ) {
    this.ingress = memory.subarray(core.ingress, core.ingress + core.ingressSize);
  }

  /** `bytes` lie in the ingress region. */
  received(link: Link<Owner>, bytes: number): void {
    const took = link.stash ? 0 : this.#take(link, bytes);
    if (took < bytes) this.#keep(link, Buffer.from(this.ingress.subarray(took, bytes)));
  }

  /** A chunk that lies in Node's memory. */
  fed(link: Link<Owner>, chunk: Buffer): void {
    // While events are drained the ingress region has what they tell.
    if (link.stash || this.events.draining) {
      this.#keep(link, chunk);
      return;
    }
    for (let at = 0; at < chunk.length;) {
      const bytes = chunk.copy(this.ingress, 0, at);
      const took = this.#take(link, bytes);
      at += took;
      if (took < bytes) {
        this.#keep(link, chunk.subarray(at));
        return;
      }
    }
  }

  /** Reads on at the end of this turn: a handler that asks for it is called while events are drained. */
  resumeSoon(link: Link<Owner>): void {
    this.#resuming.add(link);
    this.schedule();
  }

  /** Reads on where it was asked for. */
  resumeAll(): void {
    if (this.#resuming.size === 0) return;
    const resuming = [...this.#resuming];
    this.#resuming.clear();
    for (const link of resuming) this.#unstash(link);
  }

  /** A connection is paused, or over. */
  forget(link: Link<Owner>): void {
    this.#resuming.delete(link);
  }

  /** Lets the session take what lies in the ingress region; returns how much it took. */
  #take(link: Link<Owner>, bytes: number): number {
    const { exports, ingress } = this.core;
    const now = clock();
    let at = 0;
    for (;;) {
      const took = exports.limpet_rx(link.handle, ingress + at, bytes - at, now);
      // A stale handle: the connection is over, its bytes mean nothing.
      if (took < 0) return bytes;
      at += took;
      // Events that were told may be what kept the rest, or what is held in the core, waiting.
      if (this.events.drain() === 0 && (took === 0 || at === bytes)) break;
      if (at === bytes && bytes > 0) break;
    }
    this.schedule();
    return at;
  }

  #keep(link: Link<Owner>, rest: Buffer): void {
    (link.stash ??= []).push(rest);
    link.transport.pause();
    if (this.events.draining) this.resumeSoon(link);
  }

  /** Feeds what a connection had to keep, as far as its session takes it now. */
  #unstash(link: Link<Owner>): void {
    if (this.core.exports.limpet_rx_room(link.handle) <= 0) return;
    const kept = link.stash ?? [];
    link.stash = undefined;
    // Early frames may be held in the core itself.
    this.#take(link, 0);
    for (const chunk of kept) this.fed(link, chunk);
    if (!link.stash) link.transport.resume();
  }
}
