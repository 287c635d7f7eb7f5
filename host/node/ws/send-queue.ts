// Messages of which one is a Blob → frames in the order in which they were sent. The bytes of a Blob
// come later, so what is sent behind it waits here.

import { lengthOf } from './data.js';
import type { SendCallback, WebSocket } from './websocket.js';

interface Waiting {
  kind: number;
  data: string | Uint8Array | Blob;
  callback: SendCallback | undefined;
}

export class SendQueue {
  /** Payload bytes that wait. */
  bytes = 0;
  readonly #waiting: Waiting[] = [];
  #goodbye: { code: number; reason: string } | undefined;

  /** @param emptied called when nothing waits any more */
  constructor(
    private readonly ws: WebSocket,
    private readonly emptied: () => void,
  ) {}

  /** Queues a frame behind the others; the first one is a Blob. */
  add(kind: number, data: string | Uint8Array | Blob, callback: SendCallback | undefined): void {
    this.bytes += lengthOf(data);
    this.#waiting.push({ kind, data, callback });
    if (this.#waiting.length === 1) void this.#run();
  }

  /** Closes behind what waits. */
  close(code: number, reason: string): void {
    this.#goodbye = { code, reason };
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting.at(0); next; next = this.#waiting.at(0)) {
      const { kind, data, callback } = next;
      let bytes;
      try {
        bytes = data instanceof Blob ? new Uint8Array(await data.arrayBuffer()) : data;
      } catch (error) {
        this.#fail(error as Error);
        return;
      }
      this.#waiting.shift();
      this.bytes -= lengthOf(data);
      this.ws._sendNow(kind, bytes, callback);
    }
    this.emptied();
    if (this.#goodbye) this.ws._closeNow(this.#goodbye.code, this.#goodbye.reason);
  }

  /** A Blob that cannot be read ends the connection: what follows may be meant to follow it. */
  #fail(error: Error): void {
    const waiting = this.#waiting.splice(0);
    this.bytes = 0;
    this.emptied();
    process.nextTick(() => {
      for (const { callback } of waiting) callback?.(error);
      this.ws.terminate();
      this.ws.emit('error', error);
    });
  }
}
