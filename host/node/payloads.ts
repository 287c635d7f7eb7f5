// Payloads in linear memory → Buffers that are the application's. The messages of one read lie behind
// one another: they are copied in one piece, of which each is a part.

import { EventRecord } from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';

/** A piece is no longer than this: whoever keeps one message keeps the piece. */
const PIECE_BYTES = 64 << 10;

const NONE = Buffer.alloc(0);

/** What Buffers are made by: Node's own way to look at bytes, without the checks of Buffer.from. */
const Bytes = Buffer[Symbol.species as never] as new (
  bytes: ArrayBufferLike,
  offset: number,
  length: number,
) => Buffer;

export class Payloads {
  /** The piece, and what of the ingress region it is a copy of. */
  #piece = NONE;
  #from = 0;
  #until = 0;

  /**
   * @param memory all of linear memory
   * @param borrow hand them out as views of it
   */
  constructor(
    private readonly core: Core,
    private readonly memory: Buffer,
    private readonly borrow: boolean,
  ) {}

  /** The payload of an event. */
  take(ptr: number, len: number): Buffer {
    if (this.borrow) return this.memory.subarray(ptr, ptr + len);
    if (ptr < this.#from || ptr + len > this.#until) {
      const until = this.#reach(ptr);
      if (ptr + len > until) return Buffer.from(this.memory.subarray(ptr, ptr + len));
      this.#piece = Buffer.from(this.memory.subarray(ptr, until));
      this.#from = ptr;
      this.#until = until;
    }
    const { buffer, byteOffset } = this.#piece;
    return new Bytes(buffer, byteOffset + ptr - this.#from, len);
  }

  /** The events are told: what was copied is theirs. */
  end(): void {
    this.#from = this.#until = 0;
    this.#piece = NONE;
  }

  /** How far a piece from here reaches: to the end of the last event's payload; 0 when it is the only one. */
  #reach(ptr: number): number {
    const { ringBase, ringMask, ringHead, u32, ingress, ingressSize } = this.core;
    const last = (ringBase + ((u32[ringHead] - 1) & ringMask) * EventRecord.size) >>> 2;
    const lastPtr = u32[last + (EventRecord.ptr >> 2)];
    const inPlace = ptr >= ingress && lastPtr > ptr && lastPtr < ingress + ingressSize;
    if (!inPlace) return 0;
    return Math.min(lastPtr + u32[last + (EventRecord.len >> 2)], ptr + PIECE_BYTES);
  }
}
