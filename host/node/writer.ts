// The core's send queues → the transports.
//
//   limpet_tx: spans of linear memory, and places for payloads that stayed in Node's ─► transport
//
// What was published lies in linear memory once: sessions whose spans are the same get the same
// Buffer, and spans that are short are joined in one, once for all of them.

import { SessionInfo, TxFlag, TxRecord } from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';
import { Awaited, type Written } from './awaited.js';
import type { Link } from './link.js';
import { HEADER_BYTES } from './outbox.js';

/** What the writer asks of the loop. */
export interface Turn<Owner> {
  /** Tell the handlers what happened. */
  drain(): void;
  /** Something left: read on, if that was what there was to wait for. */
  left(link: Link<Owner>): void;
}

/** Spans that are not longer than this, on the average, are cheaper to copy than to hand out. */
const JOIN_BYTES = 1024;

/** Several spans, and their bytes in one Buffer. */
interface Joined {
  /** Addresses and lengths. */
  spans: Uint32Array;
  bytes: Buffer;
}

export class Writer<Owner> {
  /** The spans that were written last: the next session's may be the same. */
  #view: Buffer = Buffer.alloc(0);
  #joined: Joined | undefined;
  /** The pieces of one write; empty between two. */
  readonly #pieces: Buffer[] = [];

  /** @param memory all of linear memory */
  constructor(
    private readonly core: Core,
    private readonly memory: Buffer,
    private readonly turn: Turn<Owner>,
  ) {}

  /** Writes all that a connection has queued, in one write if its spans are few. */
  write(link: Link<Owner>): void {
    const { transport } = link;
    const { exports, u32 } = this.core;
    for (;;) {
      const record = exports.limpet_tx(link.handle);
      if (record < 0) return;
      const flags = u32[(record + TxRecord.flags) >>> 2];
      if (flags & TxFlag.ABORT) {
        transport.destroy();
        return;
      }
      // What is under way is continued when it ends.
      if (link.writing > 0) return;
      const bytes = u32[(record + TxRecord.bytes) >>> 2];
      if (bytes === 0) {
        if (flags & TxFlag.END && !link.hasEnded) {
          link.hasEnded = true;
          transport.end();
        }
        return;
      }
      link.writing = bytes;
      const count = u32[(record + TxRecord.count) >>> 2];
      // The kernel usually takes everything at once; else `written` goes on.
      if (!this.#spans(link, (record + TxRecord.size) >>> 2, count, bytes)) return;
      link.writing = 0;
      if (this.#acknowledge(link, bytes) <= 0) break;
    }
    this.turn.left(link);
  }

  /** A write has ended. */
  written(link: Link<Owner>): void {
    const bytes = link.writing;
    link.writing = 0;
    if (this.#acknowledge(link, bytes) > 0) this.write(link);
    this.turn.drain();
    this.turn.left(link);
  }

  /**
   * Writes what a connection has queued as `change` has it. Nothing may be under way.
   *
   * @param change gets it as characters of one byte each
   */
  rewrite(link: Link<Owner>, change: (queued: string) => string): void {
    const { exports, u32 } = this.core;
    const record = exports.limpet_tx(link.handle);
    if (record < 0 || link.writing > 0) return;
    const bytes = u32[(record + TxRecord.bytes) >>> 2];
    const count = u32[(record + TxRecord.count) >>> 2];
    const queued = this.#join((record + TxRecord.size) >>> 2, count, bytes)?.toString('latin1');
    if (!queued) return;
    const changed = change(queued);
    // It has been asked for: nobody else will write it.
    if (changed === queued) {
      this.write(link);
      return;
    }
    link.writing = bytes;
    if (!link.transport.write(Buffer.from(changed, 'latin1'))) return;
    link.writing = 0;
    // There may be an end to tell.
    if (this.#acknowledge(link, bytes) > 0) this.write(link);
  }

  /** Bytes that wait to be written: in the core's queue, and in Node's memory. */
  queued(link: Link<Owner>): number {
    const info = this.core.exports.limpet_session_info(link.handle);
    const queued = info > 0 ? this.core.u32[(info + SessionInfo.queued) >>> 2] : 0;
    return queued + link.backlogBytes + HEADER_BYTES * (link.backlog?.length ?? 0);
  }

  /** Calls back when all that was sent until now has left, or with why it never will. */
  onWritten(link: Link<Owner>, callback: Written): void {
    (link.awaited ??= new Awaited()).add(this.queued(link), callback);
  }

  /** A connection is over: what has not left never will. */
  forget(link: Link<Owner>): void {
    link.awaited?.fail();
  }

  /** Bytes have left: the core is told, and who waits for them. Answers as limpet_tx_ack does. */
  #acknowledge(link: Link<Owner>, bytes: number): number {
    const answer = this.core.exports.limpet_tx_ack(link.handle, bytes);
    const { awaited } = link;
    if (awaited && !awaited.left(bytes, this.queued(link))) link.awaited = undefined;
    return answer;
  }

  /** Something may be queued where other bytes were. */
  changed(): void {
    this.#joined = undefined;
  }

  /** Writes spans, the first of them at this index of `u32`; returns whether they have left. */
  #spans(link: Link<Owner>, first: number, count: number, bytes: number): boolean {
    const { transport } = link;
    const { u32 } = this.core;
    if (count === 1) return transport.write(this.#piece(link, u32[first], bytes));
    if (bytes <= count * JOIN_BYTES) {
      const joined = this.#join(first, count, bytes);
      if (joined) return transport.write(joined);
    }
    const pieces = this.#pieces;
    for (let i = first; i < first + 2 * count; i += 2) {
      pieces.push(this.#piece(link, u32[i], u32[i + 1]));
    }
    const haveLeft = transport.writev(pieces);
    pieces.length = 0;
    return haveLeft;
  }

  /** A view of linear memory, or for the address 0 the next payload that stayed in Node's. */
  #piece(link: Link<Owner>, ptr: number, len: number): Buffer {
    if (ptr === 0) return this.#payload(link, len);
    const last = this.#view;
    if (last.byteOffset === ptr && last.length === len) return last;
    return (this.#view = this.memory.subarray(ptr, ptr + len));
  }

  /** A copy of spans behind one another; undefined when one of them is a payload of the host's own. */
  #join(first: number, count: number, length: number): Buffer | undefined {
    const { u32 } = this.core;
    const last = this.#joined;
    const words = 2 * count;
    if (last?.spans.length === words) {
      let i = 0;
      while (i < words && last.spans[i] === u32[first + i]) i++;
      if (i === words) return last.bytes;
    }
    const bytes = Buffer.allocUnsafe(length);
    let at = 0;
    for (let i = first; i < first + words; i += 2) {
      const ptr = u32[i];
      if (ptr === 0) return undefined;
      at += this.memory.copy(bytes, at, ptr, ptr + u32[i + 1]);
    }
    this.#joined = { spans: u32.slice(first, first + words), bytes };
    return bytes;
  }

  /** The next `length` bytes of the host's own payloads: a span is one payload, or the rest of one. */
  #payload(link: Link<Owner>, length: number): Buffer {
    const payload = link.payloads?.shift();
    if (payload?.length !== length) throw new Error('a payload is not where its span is');
    return payload;
  }
}
