// Messages → the core's send queues. What leaves them: writer.ts.
//
//   send ─► limpet_send_begin, _end    short payloads: written into linear memory
//        ─► limpet_send_external       long ones stay in Node's memory, in `link.payloads`
//        ─► limpet_send_begin, _end    longer ones that are to be compressed or masked: in fragments
//        ─► backlog.ts                 those for which the core has no memory now
//        ─► line.ts                    those that came behind a message that is written as a stream

import {
  ErrorCode,
  FullPolicy,
  Opcode,
  SEND_MORE,
  SEND_PLAIN,
  Sent,
  SessionInfo,
} from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';
import { Backlog } from './backlog.js';
import { Lines, type Turnwise } from './line.js';
import type { Goodbye, Link } from './link.js';
import type { QueueLimits } from './options.js';
import type { Payloads } from './payloads.js';
import type { Prepared } from './prepared.js';

/** What the outbox asks of the loop. */
export interface Turn<Owner> {
  /** Write at the end of this turn. */
  schedule(): void;
  /** Tell the handlers what happened. */
  drain(): void;
  /** Nothing waits in Node's memory any more. */
  writable(link: Link<Owner>): void;
}

/** What became of a message for many connections. */
export interface Published {
  /** Connections that it was queued for. */
  delivered: number;
  /** Of these, those with more in their queue than the high-water mark. */
  over: number;
  /** Connections that it was not queued for: no room, or inside a fragmented message. */
  dropped: number;
}

/** Payloads from this size on are not copied into linear memory on their way out. */
const BYPASS_BYTES = 16 << 10;
/** Payloads shorter than this always find room in the end. */
const SHORT_BYTES = 512;
/** A fragment of this size is compressed as well as a longer one: twice the largest window. */
const PIECE_BYTES = 64 << 10;
/** What a block has beside a fragment. */
const PIECE_EXTRA = 64;
/** What the peer is told when a message was begun that will not end. RFC 6455 7.4.1. */
const CUT_CODE = 1011;
/** More than a frame's header: what counts against a queue beside the payload. */
export const HEADER_BYTES = 16;
export class Outbox<Owner> {
  readonly #backlog: Backlog<Owner>;
  readonly #lines: Lines<Owner>;
  /** The longest payload that the core's queues take, and that from which on it stays in Node's memory. */
  readonly #copyMax: number;
  readonly #bypassBytes: number;
  /** Longer messages that are to be compressed go in fragments of this size. */
  readonly #pieceBytes: number;
  /** Whether the core sends one message to many. */
  readonly #many: boolean;

  /**
   * @param memory all of linear memory
   * @param limits of what may wait for one connection in Node's memory
   */
  constructor(
    private readonly core: Core,
    private readonly memory: Buffer,
    private readonly payloads: Payloads,
    private readonly limits: QueueLimits,
    private readonly turn: Turn<Owner>,
  ) {
    this.#backlog = new Backlog<Owner>({
      queue: (link, kind, data) => this.#queue(link, kind, data),
      emptied: (link) => {
        this.#emptied(link);
      },
    });
    this.#lines = new Lines<Owner>({
      // It was promised: it waits for the core's memory as long as it has to.
      send: (link, { kind, data }) => {
        this.#keep(link, kind, data);
      },
      emptied: (link) => {
        this.#emptied(link);
      },
    });
    this.#copyMax = core.exports.limpet_send_max();
    this.#many = core.exports.limpet_send_many(core.scratch, 0, Opcode.TEXT, 0, 0) === 0;
    this.#bypassBytes = Math.min(BYPASS_BYTES, this.#copyMax);
    // Of a small core's memory a piece takes no more than there always is for output.
    this.#pieceBytes = Math.min(PIECE_BYTES, (this.#copyMax >> 2) - PIECE_EXTRA);
  }

  /** Whether messages wait in Node's memory. */
  get waits(): boolean {
    return this.#backlog.waits || this.#lines.waits;
  }

  /** Nothing waits for a connection, in one place at least. */
  #emptied(link: Link<Owner>): void {
    if (link.backlog || link.line) return;
    if (link.closeLater) this.#closeNow(link, link.closeLater);
    else this.turn.writable(link);
  }

  /**
   * Queues a frame; it leaves at the end of this turn. A message for which the core has no memory
   * now waits in Node's, and those that come after it wait behind it.
   *
   * @param kind an Opcode, with SEND_MORE when fragments follow
   * @param data text, or bytes; bytes that stay in Node's memory must not change until they are sent
   * @returns a Sent or an ErrorCode
   */
  send(link: Link<Owner>, kind: number, data: string | Uint8Array): Sent | ErrorCode {
    if (link.closeLater) return ErrorCode.STATE;
    const control = kind === Opcode.PING || kind === Opcode.PONG;
    if ((link.backlog || link.line) && !control) return this.#defer(link, kind, data);
    const status = this.#queue(link, kind, data);
    this.turn.schedule();
    if (status === ErrorCode.MEMORY && !control) return this.#defer(link, kind, data);
    // A connection that is gone is one that is not open.
    return status === ErrorCode.HANDLE ? ErrorCode.STATE : status;
  }

  // ----------------------------------------------------- messages that are streams

  /** Bytes that a queue of so many may grow by. */
  room(queued: number): number {
    return this.limits.maxBackpressure - queued - HEADER_BYTES;
  }

  /** A message begins that is written as a stream: what is sent from now on waits behind it. */
  enter(link: Link<Owner>, stream: Turnwise): void {
    if (link.closeLater) stream.abandon();
    else this.#lines.enter(link, stream);
  }

  /** It has ended, or never began. */
  leave(link: Link<Owner>, stream: Turnwise): void {
    this.#lines.leave(link, stream);
  }

  /** It will not end: the connection closes at once, and what waits is gone. */
  cut(link: Link<Owner>): void {
    this.#lines.forget(link);
    this.#closeNow(link, link.closeLater ?? { code: CUT_CODE, reason: '' });
  }

  /** Sends a fragment of it, past those that wait for its end. */
  sendPiece(link: Link<Owner>, kind: number, data: Uint8Array): Sent | ErrorCode {
    const status = link.backlog ? ErrorCode.MEMORY : this.#queue(link, kind, data);
    this.turn.schedule();
    if (status === ErrorCode.HANDLE) return ErrorCode.STATE;
    if (status !== ErrorCode.MEMORY) return status;
    this.#keep(link, kind, data);
    return Sent.BACKPRESSURE;
  }

  // --------------------------------------------------------------------- to many

  /**
   * Queues a prepared message: its frame is made already, or made now for all that get it later. Where
   * the core cannot keep it, and behind messages that wait, it goes as any other.
   *
   * @returns a Sent or an ErrorCode
   */
  sendPrepared(link: Link<Owner>, message: Prepared): Sent | ErrorCode {
    const { kind, data } = message;
    const number = link.backlog || link.line ? 0 : message.numberIn(link.loop);
    if (number <= 0 || link.closeLater) return this.send(link, kind, data);
    const status = this.core.exports.limpet_send_prepared(link.handle, number);
    this.turn.schedule();
    if (status === (ErrorCode.MEMORY as number)) return this.send(link, kind, data);
    // A connection that is gone is one that is not open.
    return (status === (ErrorCode.HANDLE as number) ? ErrorCode.STATE : status) as Sent | ErrorCode;
  }

  /**
   * Queues a whole message for many connections; the core makes its frame once for all of them.
   * Those for which there is no memory go without it: copies for all would be more than one is.
   */
  sendMany(links: Iterable<Link<Owner>>, kind: number, data: string | Uint8Array): Published {
    const payload = bytesOf(data);
    // Handles and payload lie in the scratch region, in this order.
    const most = this.#many ? (this.core.scratchSize - payload.byteLength) >> 2 : 0;
    let together: Link<Owner>[] = [];
    const published = { delivered: 0, over: 0, dropped: 0 };
    for (const link of links) {
      if (most <= 0 || link.closeLater || link.backlog || link.line) {
        count(published, this.send(link, kind, payload));
        continue;
      }
      together.push(link);
      if (together.length < most) continue;
      this.#sendTogether(together, kind, payload, published);
      together = [];
    }
    if (together.length > 0) this.#sendTogether(together, kind, payload, published);
    return published;
  }

  #sendTogether(
    links: Link<Owner>[],
    kind: number,
    payload: Uint8Array,
    published: Published,
  ): void {
    const { exports, scratch, i32 } = this.core;
    const at = scratch + 4 * links.length;
    this.memory.set(payload, at);
    links.forEach((link, i) => {
      i32[(scratch >>> 2) + i] = link.handle;
    });
    const { length } = payload;
    this.core.check('sending', exports.limpet_send_many(scratch, links.length, kind, at, length));
    const answers = i32.slice(scratch >>> 2, (scratch >>> 2) + links.length);
    this.turn.schedule();
    links.forEach((link, i) => {
      const status = answers[i] as Sent | ErrorCode;
      count(published, status === ErrorCode.MEMORY ? this.#outside(link, kind, payload) : status);
    });
  }

  /** Puts a frame into the core's queue. */
  #queue(link: Link<Owner>, kind: number, data: string | Uint8Array): Sent | ErrorCode {
    const { exports } = this.core;
    const { handle } = link;
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    const at = typeof data === 'string' ? 0 : this.payloads.addressOf(data);
    if (at > 0 && length <= this.#copyMax) {
      const status = exports.limpet_send(handle, kind, at, length) as Sent | ErrorCode;
      link.rekey?.();
      return status === ErrorCode.MEMORY ? this.#outside(link, kind, data) : status;
    }
    // What has to be compressed or masked goes through linear memory.
    const inside = link.isClient || (link.deflates && !(kind & SEND_PLAIN));
    // A fragment that has to go there waits for the memory that it needs: for less there is some.
    const most = goesOn(kind) ? this.#pieceBytes : this.#copyMax;
    if (inside && length > most) {
      if (this.#fits(handle, length)) return this.#fragments(link, kind, bytesOf(data));
      if (link.isClient) return this.#full(link, kind);
    }
    if (length >= this.#bypassBytes && !(inside && length <= this.#copyMax)) {
      return this.#external(link, kind, data);
    }
    const to = exports.limpet_send_begin(handle, kind, length);
    if (to === (ErrorCode.MEMORY as number)) return this.#outside(link, kind, data);
    if (to <= 0) return (to === 0 ? Sent.DROPPED : to) as Sent | ErrorCode;
    if (typeof data === 'string') this.memory.write(data, to, length, 'utf8');
    else this.memory.set(data, to);
    const status = exports.limpet_send_end(handle) as Sent;
    link.rekey?.();
    return status;
  }

  /** There is no memory for a payload: its header may still have room. */
  #outside(link: Link<Owner>, kind: number, data: string | Uint8Array): Sent | ErrorCode {
    // Short ones find room in the end, and control frames cannot stay outside.
    if (data.length < SHORT_BYTES) return ErrorCode.MEMORY;
    const status = this.#external(link, kind, data);
    // What has to be compressed or masked is none to leave outside.
    return status === ErrorCode.STATE ? ErrorCode.MEMORY : status;
  }

  /** Puts a frame's header into the core's queue; its payload stays here. */
  #external(link: Link<Owner>, kind: number, data: string | Uint8Array): Sent | ErrorCode {
    const payload = this.owned(bytesOf(data));
    const status = this.core.exports.limpet_send_external(link.handle, kind, payload.length);
    if (status === Sent.OK || status === Sent.BACKPRESSURE) (link.payloads ??= []).push(payload);
    return status as Sent | ErrorCode;
  }

  /** Whether a connection's queue may grow by that much. */
  #fits(handle: number, bytes: number): boolean {
    const info = this.core.exports.limpet_session_info(handle);
    return (
      info > 0 &&
      this.core.u32[(info + SessionInfo.queued) >>> 2] + bytes <= this.limits.maxBackpressure
    );
  }

  /** Puts a message that is longer than the core's blocks into its queue, piece by piece. */
  #fragments(link: Link<Owner>, kind: number, data: Uint8Array): Sent | ErrorCode {
    let status: Sent | ErrorCode = Sent.OK;
    for (let at = 0; at < data.length; at += this.#pieceBytes) {
      const end = at + this.#pieceBytes;
      const opcode = at === 0 ? kind & ~SEND_MORE : Opcode.CONTINUATION;
      const more = end < data.length ? SEND_MORE : kind & SEND_MORE;
      status = this.#queue(link, opcode | more, data.subarray(at, end));
      if (status === Sent.OK || status === Sent.BACKPRESSURE) continue;
      if (at === 0 || status === ErrorCode.STATE || status === ErrorCode.HANDLE) return status;
      // What has begun has to end: the rest waits, before all but the message that is retried.
      this.#keep(link, Opcode.CONTINUATION | (kind & SEND_MORE), data.subarray(at), 1);
      return Sent.BACKPRESSURE;
    }
    return status;
  }

  /** Keeps a message in Node's memory, as long as the connection's queue may be that long. */
  #defer(link: Link<Owner>, kind: number, data: string | Uint8Array): Sent | ErrorCode {
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
    const waiting = link.backlogBytes + (link.line?.bytes ?? 0);
    if (waiting + length + HEADER_BYTES > this.limits.maxBackpressure)
      return this.#full(link, kind);
    if (link.line) this.#lines.add(link, kind, data);
    else this.#keep(link, kind, data);
    return Sent.BACKPRESSURE;
  }

  /** What the core does when its queue is full: Option.FULL_POLICY. */
  #full(link: Link<Owner>, kind: number): Sent | ErrorCode {
    const { fullPolicy } = this.limits;
    // A message of which one fragment is dropped would be another message.
    const whole = !goesOn(kind) && !(kind & SEND_MORE);
    if (fullPolicy === FullPolicy.DROP && whole) return Sent.DROPPED;
    if (fullPolicy === FullPolicy.CLOSE_1008) this.close(link, 1008, '');
    if (fullPolicy === FullPolicy.CLOSE_1013) this.close(link, 1013, '');
    return ErrorCode.FULL;
  }

  /** `at`: its place among those that wait; without it the last. */
  #keep(link: Link<Owner>, kind: number, data: string | Uint8Array, at?: number): void {
    this.#backlog.keep(link, kind, data, at);
    this.turn.schedule();
  }

  /** Queues what had to wait, as far as the core has memory now; tells the face when nothing waits. */
  retryAll(): void {
    this.#backlog.retryAll();
  }

  /** A connection is over: nothing waits for it. */
  forget(link: Link<Owner>): void {
    this.#backlog.forget(link);
    this.#lines.forget(link);
  }

  /** Bytes that stay as they are until they are written: linear memory's do not. */
  owned(data: Uint8Array): Buffer {
    if (data.buffer === this.memory.buffer) return Buffer.from(data);
    return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }

  /** Begins the close handshake, behind what was sent before. */
  close(link: Link<Owner>, code: number, reason: string): ErrorCode {
    if (!link.backlog && !link.line) return this.#closeNow(link, { code, reason });
    const answer = this.closeCheck(code, reason);
    if (answer === ErrorCode.NONE) link.closeLater ??= { code, reason };
    return answer;
  }

  /** Whether a Close frame may say this: ErrorCode.NONE, ARGUMENT or VALUE. */
  closeCheck(code: number, reason: string): ErrorCode {
    const { exports, scratch, scratchSize } = this.core;
    const length = Buffer.byteLength(reason);
    if (length > scratchSize) return ErrorCode.ARGUMENT;
    this.memory.write(reason, scratch, length, 'utf8');
    return exports.limpet_close_check(code, scratch, length) as ErrorCode;
  }

  #closeNow(link: Link<Owner>, { code, reason }: Goodbye): ErrorCode {
    const { exports, scratch } = this.core;
    const length = Buffer.byteLength(reason);
    if (length > this.core.scratchSize) return ErrorCode.ARGUMENT;
    this.memory.write(reason, scratch, length, 'utf8');
    const answer = exports.limpet_close(link.handle, code, scratch, length);
    link.rekey?.();
    this.turn.drain();
    this.turn.schedule();
    return answer as ErrorCode;
  }
}

/** Whether a frame goes on with a message. RFC 6455 5.4. */
function goesOn(kind: number): boolean {
  return (kind & ~(SEND_MORE | SEND_PLAIN)) === (Opcode.CONTINUATION as number);
}

/** Adds the answer to one of many sends. */
function count(published: Published, status: Sent | ErrorCode): void {
  if (status === Sent.OK || status === Sent.BACKPRESSURE) published.delivered += 1;
  else published.dropped += 1;
  if (status === Sent.BACKPRESSURE) published.over += 1;
}

/** Text in UTF-8; bytes as they are, not copied. */
function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data;
}
