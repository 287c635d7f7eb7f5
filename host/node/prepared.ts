// A message that is sent again and again → one number in the core of each shard, made when a connection
// of that shard first gets it. Its frames lie in linear memory, compressed or not, until it is freed;
// its bytes stay here for shards to come, and for connections that need a copy of their own.

import type { SocketLoop } from './loop.js';

/** What a shard's core keeps of it. */
type Numbers = Map<SocketLoop<unknown>, number>;

/** Frees what is forgotten without being freed. */
const FORGOTTEN = new FinalizationRegistry<Numbers>(freeAll);

function freeAll(numbers: Numbers): void {
  for (const [{ core }, number] of numbers) core.exports.limpet_prepared_free(number);
  numbers.clear();
}

/** What `server.prepare` returns: `socket.send` takes it in place of data. */
export class Prepared {
  readonly #numbers: Numbers = new Map();
  #data: Uint8Array | undefined;

  /**
   * @param kind an opcode, with SEND_PLAIN or not
   * @param data copied
   */
  constructor(
    readonly kind: number,
    data: string | Uint8Array,
  ) {
    this.#data = Buffer.from(data as Uint8Array);
    FORGOTTEN.register(this, this.#numbers, this);
  }

  /** Its bytes. Throws TypeError once it is freed. */
  get data(): Uint8Array {
    if (!this.#data) throw new TypeError('the message was freed');
    return this.#data;
  }

  /**
   * Its number in the core of a loop; 0 or less where there is none: the profile keeps no messages, there is
   * no memory for it now, or it is longer than a frame of the core.
   */
  numberIn<Owner>(loop: SocketLoop<Owner>): number {
    const key = loop as SocketLoop<unknown>;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const { exports } = loop.core;
    const { data } = this;
    const at = exports.limpet_publish_room(data.length);
    if (at <= 0) return at;
    loop.memory.set(data, at);
    const number = exports.limpet_prepare(this.kind, at, data.length);
    if (number > 0) this.#numbers.set(key, number);
    return number;
  }

  /** Gives its memory back; what was sent of it still leaves. It cannot be sent any more. */
  free(): void {
    this.#data = undefined;
    FORGOTTEN.unregister(this);
    freeAll(this.#numbers);
  }
}
