// A transport → what it told, and the bytes that it read.

import type { Receiver, Transport } from '../../../host/node/transport/index.js';

export class Recorder implements Receiver {
  /** What was told, beside bytes. */
  readonly told: string[] = [];
  /** The bytes that came, by either way. */
  bytes = Buffer.alloc(0);
  /** Reads that went into the ingress region, and chunks that came otherwise. */
  reads = 0;
  chunks = 0;
  /** Called before each read is noted. */
  onRead: () => void = () => undefined;
  readonly ingress = Buffer.alloc(64 << 10);

  constructor(public transport: Transport) {
    transport.start(this, this.ingress);
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  read(bytes: number): void {
    this.onRead();
    this.reads += 1;
    this.#add(this.ingress.subarray(0, bytes));
  }

  data(chunk: Buffer): void {
    this.onRead();
    this.chunks += 1;
    this.#add(chunk);
  }

  #add(bytes: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, bytes]);
  }

  ended(): void {
    this.told.push('ended');
  }

  written(): void {
    this.told.push('written');
  }

  closed(): void {
    this.told.push('closed');
  }
}
