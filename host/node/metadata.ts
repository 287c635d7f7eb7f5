// The keys and values that the core keeps for a session, as a Map shows them.

import { ErrorCode } from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';
import { place } from './scratch.js';

/** Strings that belong to a connection. They are gone with it. */
export class Metadata {
  readonly #core: Core;
  readonly #memory: Buffer;
  readonly #handle: number;

  constructor(core: Core, memory: Buffer, handle: number) {
    this.#core = core;
    this.#memory = memory;
    this.#handle = handle;
  }

  /** The value of a key, or undefined. */
  get(key: string): string | undefined {
    const record = this.#call(key, (ptr, len) =>
      this.#core.exports.limpet_meta_get(this.#handle, ptr, len),
    );
    return record > 0 ? text(this.#core.fieldValue(record)) : undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /**
   * Sets a value.
   *
   * @throws LimpetError ARGUMENT for a key or value that is longer than the profile's, METADATA when
   *   no entry is free, HANDLE when the connection is over
   */
  set(key: string, value: string): this {
    const [k, v] = place(this.#core, this.#memory, [key, value]);
    const { exports } = this.#core;
    this.#core.check(
      `the metadata ${JSON.stringify(key)}`,
      exports.limpet_meta_set(this.#handle, k.ptr, k.len, v.ptr, v.len),
    );
    return this;
  }

  /** Whether there was something to delete. */
  delete(key: string): boolean {
    return (
      this.#call(key, (ptr, len) => this.#core.exports.limpet_meta_delete(this.#handle, ptr, len)) >
      0
    );
  }

  get size(): number {
    return this.#all().length;
  }

  /** Keys and values, as they are now. */
  entries(): IterableIterator<[key: string, value: string]> {
    return this.#all().values();
  }

  [Symbol.iterator](): IterableIterator<[key: string, value: string]> {
    return this.entries();
  }

  /** A key that no entry can have is one that is absent. */
  #call(key: string, call: (ptr: number, len: number) => number): number {
    if (Buffer.byteLength(key) > this.#core.scratchSize) return ErrorCode.ABSENT;
    const [{ ptr, len }] = place(this.#core, this.#memory, [key]);
    return call(ptr, len);
  }

  #all(): [string, string][] {
    const { exports } = this.#core;
    const all: [string, string][] = [];
    let record = exports.limpet_meta_next(this.#handle, 0);
    while (record > 0) {
      const key = this.#core.fieldName(record);
      all.push([text(key), text(this.#core.fieldValue(record))]);
      record = exports.limpet_meta_next(this.#handle, key.byteOffset);
    }
    return all;
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
