// In place of a transport: before a client has one, and after a transport was given away.

import { NOWHERE, type Address } from '../address.js';
import type { Receiver, Streaming, Transport } from './transport.js';

export class Unconnected implements Transport {
  destroyed = false;
  readonly unwritten = 0;
  #receiver: Receiver | undefined;

  /** @param head of the request that opens the connection */
  constructor(readonly head = '') {}

  start(receiver: Receiver): void {
    this.#receiver = receiver;
  }

  resume(): void {
    // There is nothing to read.
  }

  pause(): void {
    // There is nothing to read.
  }

  write(): boolean {
    return false;
  }

  writev(): boolean {
    return false;
  }

  end(): void {
    this.destroy();
  }

  finish(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    setImmediate(() => this.#receiver?.closed());
  }

  peer(): Address {
    return NOWHERE;
  }

  toStream(): Streaming {
    throw new Error('the connection has no transport');
  }
}
