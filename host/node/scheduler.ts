// What is to be done when this turn of the event loop ends, and what is due later: limpet_tick.

import type { Core } from '../core/core.js';

/** How soon the core is asked again when it had no memory for a message, ms. */
const RETRY_MS = 5;

/** Milliseconds of a clock that never steps back, as the core takes it. */
export function clock(): number {
  return performance.now() | 0;
}

export class Scheduler {
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #armedAt = Infinity;
  readonly #run = () => {
    this.#turn();
  };
  readonly #wake = () => {
    this.#armedAt = Infinity;
    this.soon();
  };

  /** @param work of the end of a turn; returns whether it is to be tried again soon */
  constructor(
    private readonly core: Core,
    private readonly work: () => boolean,
  ) {}

  /** Works when this turn ends. */
  soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  #turn(): void {
    this.#scheduled = false;
    const now = clock();
    const delay = this.core.exports.limpet_tick(now);
    if (delay >= 0 && now + delay < this.#armedAt) this.#arm(now, delay);
    if (this.work()) this.#arm(now, RETRY_MS);
  }

  /** Sets the one timer; it does not keep the process alive, open sockets do. */
  #arm(now: number, delay: number): void {
    clearTimeout(this.#timer);
    this.#armedAt = now + delay;
    this.#timer = setTimeout(this.#wake, delay);
    this.#timer.unref();
  }
}
