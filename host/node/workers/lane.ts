// Records → one stream to another process: batched, one write a turn, and bounded.
//
// A process that does not read must not eat the memory of those that go on. Past LANE_BYTES what was
// published is dropped for it, and counted; what the processes tell each other of themselves is not.

import type { Duplex } from 'node:stream';
import { recordEnd, recordLength, writeRecord, type Header } from './record.js';

/** What may wait for one process. */
const LANE_BYTES = 64 << 20;
const PAGE_BYTES = 64 << 10;

/** What a lane tells. */
export interface LaneOwner {
  /** Messages begin to be dropped. */
  stalled(): void;
  /** A write is due: what is told once a turn may be added. */
  writes?(): void;
}

export class Lane {
  /** Publications and broadcasts that were dropped. */
  dropped = 0;
  /** Where records are written; those from `#from` to `#to` were not handed on. */
  #page: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  /** What goes with the next write, and its bytes. */
  #runs: Buffer[] = [];
  #waiting = 0;
  #scheduled = false;
  #stalled = false;
  readonly #flush = () => {
    this.#write();
  };

  /**
   * @param stream the other process reads it; its errors are nobody's: it ends, and that is seen
   * @param limit what may wait, bytes
   */
  constructor(
    private readonly stream: Duplex,
    private readonly owner: LaneOwner,
    private readonly limit = LANE_BYTES,
  ) {}

  /** Adds a record that has to get there. */
  tell(header: Header): void {
    this.#add(header, '', recordLength(header.head, ''));
  }

  /** Adds a message; whether there was room for it. */
  put(header: Header, body: string | Uint8Array): boolean {
    const length = recordLength(header.head, body);
    if (!this.#takes(length, 1)) return false;
    this.#add(header, body, length);
    return true;
  }

  /** Adds messages that came from another process, as they are. */
  pass(records: Buffer): void {
    if (this.#takes(records.length, 0)) {
      this.#seal();
      this.#runs.push(records);
      this.#waiting += records.length;
      this.schedule();
      return;
    }
    for (let at = 0; at < records.length; at = recordEnd(records, at)) this.dropped += 1;
  }

  /** Writes when this turn of the event loop ends, before it reads again. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  /** Writes what waits, and ends the stream. */
  end(): void {
    this.#write();
    this.stream.end();
  }

  /** Whether bytes have room. One message always has, when nothing else waits. */
  #takes(bytes: number, messages: number): boolean {
    const waits = this.#waiting + this.#to - this.#from + this.stream.writableLength;
    if (waits < this.limit / 2) this.#stalled = false;
    if (waits === 0 || waits + bytes <= this.limit) return true;
    this.dropped += messages;
    if (!this.#stalled) {
      this.#stalled = true;
      this.owner.stalled();
    }
    return false;
  }

  #add(header: Header, body: string | Uint8Array, length: number): void {
    if (this.#page.length - this.#to < length) {
      this.#seal();
      this.#page = Buffer.allocUnsafe(Math.max(PAGE_BYTES, length));
      this.#from = this.#to = 0;
    }
    writeRecord(this.#page.subarray(this.#to, this.#to + length), header, body);
    this.#to += length;
    this.schedule();
  }

  /** Hands on what was written into the page. */
  #seal(): void {
    if (this.#from === this.#to) return;
    this.#runs.push(this.#page.subarray(this.#from, this.#to));
    this.#waiting += this.#to - this.#from;
    this.#from = this.#to;
  }

  #write(): void {
    this.owner.writes?.();
    this.#scheduled = false;
    this.#seal();
    const runs = this.#runs;
    this.#runs = [];
    this.#waiting = 0;
    if (!this.stream.writable) return;
    this.stream.cork();
    for (const run of runs) this.stream.write(run);
    this.stream.uncork();
  }
}
