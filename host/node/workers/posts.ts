// What is published or broadcast in one process → records for the others, in the primary and in workers.

import type { Selection } from '../hub.js';
import type { Published } from '../outbox.js';
import { RecordType, type Header } from './record.js';
import { shifted } from './selection.js';

export abstract class Posts {
  /** The id of what is published with counts. */
  #counting = 0;

  /** @param server its number in the program */
  constructor(protected readonly server: number) {}

  /** Hands a record to the other processes. */
  protected abstract post(header: Header, data: string | Uint8Array): void;

  publish(topic: string, kind: number, data: string | Uint8Array): void {
    this.#put(RecordType.PUBLISH, topic, kind, data);
  }

  broadcast(selection: Selection, kind: number, data: string | Uint8Array): void {
    this.#put(RecordType.BROADCAST, shifted(selection), kind, data);
  }

  #put(type: number, head: string, kind: number, data: string | Uint8Array): void {
    const id = this.#counting;
    this.#counting = 0;
    this.post({ type, server: this.server, kind, id, head }, data);
  }

  /** Lets something publish or broadcast, once, with this id: the others answer with their counts. */
  protected countedAs(id: number, run: () => Published): Published {
    this.#counting = id;
    try {
      return run();
    } finally {
      this.#counting = 0;
    }
  }
}
