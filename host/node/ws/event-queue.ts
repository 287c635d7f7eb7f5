// Events of one connection → one in a turn of the event loop: allowSynchronousEvents is false. What
// has come waits here, and the connection is not read from meanwhile.

import type { WebSocket } from './websocket.js';

export class EventQueue {
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly ws: WebSocket) {}

  /** Whether something waits. */
  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  /** Runs it in a turn of its own, after what waits. */
  add(run: () => void): void {
    this.#waiting.push(run);
    if (this.#waiting.length > 1) return;
    this.#hold(true);
    setImmediate(this.#next);
  }

  readonly #next = () => {
    const run = this.#waiting[0];
    try {
      run();
    } finally {
      this.#waiting.shift();
      if (this.waits) setImmediate(this.#next);
      else this.#hold(this.ws.isPaused);
    }
  };

  #hold(paused: boolean): void {
    const link = this.ws._link;
    if (link) link.loop.setPaused(link, paused);
  }
}
