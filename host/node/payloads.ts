// Payloads in linear memory → Buffers that are the application's. The messages of one read lie behind
// one another: they are copied in one piece, of which each is a part.

import { EventRecord } from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';

/** A piece is no longer than this: whoever keeps one message keeps the piece. */
const PIECE_BYTES = 64 << 10;

const NONE = new ArrayBuffer(0);

/** What Buffers are made by: Node's own way to look at bytes, without the checks of Buffer.from. */
const Bytes = Buffer[Symbol.species as never] as new (
  bytes: ArrayBufferLike,
  offset: number,
  length: number,
) => Buffer;

export class Payloads {
  /** Where the piece lies, and what of the ingress region it is a copy of. Asking a Buffer is dear. */
  #piece: ArrayBufferLike = NONE;
  #pieceAt = 0;
  #from = 0;
  #until = 0;
  /** All of linear memory. */
  readonly #bytes: ArrayBufferLike;
  /** The view that was lent last, and its address. */
  #lent: Buffer | undefined;
  #lentAt = 0;

  /**
   * @param memory all of linear memory
   * @param borrow hand them out as views of it
   */
  constructor(
    private readonly core: Core,
    private readonly memory: Buffer,
    private readonly borrow: boolean,
  ) {
    this.#bytes = memory.buffer;
  }

  /** The payload of an event. */
  take(ptr: number, len: number): Buffer {
    if (this.borrow) {
      this.#lentAt = ptr;
      return (this.#lent = new Bytes(this.#bytes, ptr, len));
    }
    if (ptr < this.#from || ptr + len > this.#until) {
      const until = this.#reach(ptr);
      if (ptr + len > until) return Buffer.from(this.memory.subarray(ptr, ptr + len));
      const piece = Buffer.from(this.memory.subarray(ptr, until));
      this.#piece = piece.buffer;
      this.#pieceAt = piece.byteOffset;
      this.#from = ptr;
      this.#until = until;
    }
    return new Bytes(this.#piece, this.#pieceAt + ptr - this.#from, len);
  }

  /** Where in linear memory bytes lie that were lent; 0 for all others. */
  addressOf(bytes: Uint8Array): number {
    if (bytes === this.#lent) return this.#lentAt;
    return this.borrow && bytes.buffer === this.#bytes ? bytes.byteOffset : 0;
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
