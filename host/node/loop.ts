// Transports ↔ one instance of the core. The only place that reads, writes and keeps time; it knows
// nothing of the faces that users see.
//
//   read ─► limpet_rx ─► events.ts ─► handlers ─► outbox.ts ─┐             (this turn)
//   write ◄─ writer.ts ◄─────────────────────── setImmediate ◄┘   (one write a connection a turn)

import type { Duplex } from 'node:stream';
import {
  CLOSE_BY_HOST,
  ErrorCode,
  Option,
  SessionInfo,
  State,
  type Sent,
} from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';
import { addressBytes } from './address.js';
import { deflates, Events } from './events.js';
import type { Handlers } from './handlers.js';
import {
  acceptSession,
  connectSession,
  respondSession,
  takeHead,
  type ClientRequest,
} from './handshake.js';
import { Hub } from './hub.js';
import type { Written } from './awaited.js';
import type { Turnwise } from './line.js';
import { Held, Link } from './link.js';
import type { QueueLimits } from './options.js';
import { Outbox, type Published } from './outbox.js';
import type { Trusts } from './policies.js';
import type { Prepared } from './prepared.js';
import { transportOf, Unconnected, type Connection, type Transport } from './transport/index.js';
import { Writer } from './writer.js';

export type { Handlers } from './handlers.js';

/** Settings of a loop. */
export interface LoopOptions extends QueueLimits {
  /** Hand messages out as views of linear memory that are good until the handler returns. */
  borrow: boolean;
  /** What a peer may say of the client's address: bits of Trust. */
  trusts: Trusts;
}

/** How soon the core is asked again when it had no memory for a message, ms. */
const RETRY_MS = 5;

export class SocketLoop<Owner> {
  /** All of linear memory. */
  readonly memory: Buffer;
  /** Rooms, publications, broadcasts. */
  readonly hub: Hub<Owner>;
  /** Links by their user-data word; free numbers are in `#free`. */
  readonly #links: (Link<Owner> | undefined)[] = [undefined];
  readonly #free: number[] = [];
  readonly #byHandle = new Map<number, Link<Owner>>();
  readonly #ingress: Buffer;
  readonly #events: Events<Owner>;
  readonly #outbox: Outbox<Owner>;
  readonly #writer: Writer<Owner>;
  /** Links that were paused and are to be read from again. */
  readonly #resuming = new Set<Link<Owner>>();
  /** The address that was told last, and its bytes: neighbours often have the same. */
  #address = { text: '', bytes: addressBytes('') };
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #armedAt = Infinity;
  readonly #flush = () => {
    this.#flushAll();
  };
  readonly #wake = () => {
    this.#armedAt = Infinity;
    this.schedule();
  };

  constructor(
    readonly core: Core,
    private readonly handlers: Handlers<Owner>,
    readonly options: LoopOptions,
    /** Its number among the shards of a server. */
    readonly shard = 0,
  ) {
    this.memory = Buffer.from(core.exports.memory.buffer);
    this.#ingress = this.memory.subarray(core.ingress, core.ingress + core.ingressSize);
    const schedule = () => {
      this.schedule();
    };
    const drain = () => {
      this.#events.drain();
    };
    this.#writer = new Writer<Owner>(core, this.memory, {
      drain,
      left: (link) => {
        if (link.stash) this.#resumeSoon(link);
      },
    });
    this.#outbox = new Outbox<Owner>(core, this.memory, options, {
      schedule,
      drain,
      writable: (link) => {
        handlers.writable(link);
      },
    });
    this.#events = new Events<Owner>(core, this.memory, handlers, options.borrow, {
      linkAt: (index) => this.#links[index],
      resumeSoon: (link) => {
        this.#resumeSoon(link);
      },
      forget: (link) => {
        this.#forget(link);
      },
      acknowledged: () => {
        this.#writer.changed();
      },
      schedule,
    });
    this.hub = new Hub<Owner>(core, this.memory, this.#outbox, {
      link: (handle) => this.#byHandle.get(handle),
      schedule,
      flush: () => {
        this.#writeAll();
      },
    });
  }

  /** Milliseconds of a clock that never steps back, as the core takes it. */
  now(): number {
    return performance.now() | 0;
  }

  get size(): number {
    return this.#byHandle.size;
  }

  links(): IterableIterator<Link<Owner>> {
    return this.#byHandle.values();
  }

  link(handle: number): Link<Owner> | undefined {
    return this.#byHandle.get(handle);
  }

  /** What a connection's session is now. */
  state(link: Link<Owner>): State {
    const info = this.core.exports.limpet_session_info(link.handle);
    return info < 0 ? State.CLOSED : (this.core.u8[info + SessionInfo.state] as State);
  }

  // ------------------------------------------------------------- connections

  /**
   * Opens a session for a connection.
   *
   * @param connection of takeConnections, or any Duplex of bytes
   * @param first bytes that were read from it before: the head of a request that something else parsed
   * @param owner the face's object for it, if there is one already
   * @returns its link, or undefined when the pool is full
   * @throws TypeError for a stream that is none of bytes
   */
  accept(connection: Connection, first?: Buffer, owner?: Owner): Link<Owner> | undefined {
    const transport = transportOf(connection);
    const handle = this.core.exports.limpet_open(this.now());
    if (handle < 0) return undefined;
    const link = this.#add(transport, handle);
    link.owner = owner;
    this.#tellAddress(transport, handle);
    this.#begin(link, transport, first);
    return link;
  }

  /**
   * Opens a client's session, whose `head` is to be sent to a server; then its connection can join.
   * The core has to be seeded.
   *
   * @throws LimpetError
   */
  connect(request: ClientRequest): Link<Owner> {
    const handle = connectSession(this.core, this.memory, request, this.now());
    const transport = new Unconnected(takeHead(this.core, this.memory, handle));
    const link = this.#add(transport, handle);
    link.isClient = true;
    transport.start(link);
    this.schedule();
    return link;
  }

  /**
   * Gives a client's session its connection.
   *
   * @param first bytes that were read from it before: the head of the answer, and what came behind it
   * @throws TypeError for a stream that is none of bytes
   */
  join(link: Link<Owner>, connection: Duplex, first?: Buffer): void {
    const transport = transportOf(connection);
    if (link.transport.destroyed || !this.#has(link)) {
      transport.destroy();
      return;
    }
    link.transport = transport;
    this.#begin(link, transport, first);
  }

  /**
   * Ends a session without a word, and gives its connection back: paused, with what was read of it but
   * not taken by the session. The handlers are told `closed`.
   *
   * @returns undefined when bytes of the session are still being written, or it is over
   */
  detach(link: Link<Owner>): Duplex | undefined {
    if (link.writing > 0 || link.transport.destroyed || !this.#has(link)) return undefined;
    const stream = link.transport.toStream().release(link.stash ?? []);
    link.stash = undefined;
    link.transport = new Unconnected();
    this.closed(link);
    return stream;
  }

  #add(transport: Transport, handle: number): Link<Owner> {
    const index = this.#free.pop() ?? this.#links.length;
    const link = new Link<Owner>(this, transport, handle, index);
    this.#links[index] = link;
    this.#byHandle.set(handle, link);
    this.core.exports.limpet_option_set(handle, Option.USER, index);
    return link;
  }

  #has(link: Link<Owner>): boolean {
    return this.#links[link.index] === link;
  }

  #begin(link: Link<Owner>, transport: Transport, first?: Buffer): void {
    transport.start(link, this.#ingress);
    if (first) this.fed(link, first);
    // What came first may have ended it, or have to wait.
    if (link.transport === transport && !link.stash) transport.resume();
    this.schedule();
  }

  #forget(link: Link<Owner>): void {
    this.#byHandle.delete(link.handle);
    this.#resuming.delete(link);
    this.#outbox.forget(link);
    this.#writer.forget(link);
    this.#links[link.index] = undefined;
    this.#free.push(link.index);
  }

  /** Tells the core where a peer is. One whose address has its share is answered by the core, with 429. */
  #tellAddress(transport: Transport, handle: number): void {
    const { address: text, port } = transport.peer();
    if (text !== this.#address.text) this.#address = { text, bytes: addressBytes(text) };
    const { bytes } = this.#address;
    const { exports, scratch } = this.core;
    this.memory.set(bytes, scratch);
    exports.limpet_address_set(handle, scratch, bytes.length, port, this.options.trusts(text));
  }

  /** Stops or resumes reading for a connection; `why`: bits of Held. It is read from when there are none. */
  setPaused(link: Link<Owner>, stops: boolean, why: number = Held.APPLICATION): void {
    link.held = stops ? link.held | why : link.held & ~why;
    const paused = link.held !== 0;
    // The peer's silence counts from now on.
    if (!paused) this.core.exports.limpet_rx(link.handle, this.core.ingress, 0, this.now());
    this.core.exports.limpet_option_set(link.handle, Option.PAUSED, paused ? 1 : 0);
    if (paused) {
      link.transport.pause();
      this.#resuming.delete(link);
    } else {
      this.#resumeSoon(link);
    }
  }

  /** Reads on at the end of this turn: a handler that asks for it is called while events are drained. */
  #resumeSoon(link: Link<Owner>): void {
    this.#resuming.add(link);
    this.schedule();
  }

  // -------------------------------------------------------- what transports tell

  /** `bytes` lie in the ingress region. */
  received(link: Link<Owner>, bytes: number): void {
    const took = link.stash ? 0 : this.#take(link, bytes);
    if (took < bytes) this.#keep(link, Buffer.from(this.#ingress.subarray(took, bytes)));
  }

  /** A chunk that lies in Node's memory. */
  fed(link: Link<Owner>, chunk: Buffer): void {
    // While events are drained the ingress region has what they tell.
    if (link.stash || this.#events.draining) {
      this.#keep(link, chunk);
      return;
    }
    for (let at = 0; at < chunk.length;) {
      const bytes = chunk.copy(this.#ingress, 0, at);
      const took = this.#take(link, bytes);
      at += took;
      if (took < bytes) {
        this.#keep(link, chunk.subarray(at));
        return;
      }
    }
  }

  /** The peer ended its side: what is queued is still written, then the transport goes. */
  ended(link: Link<Owner>): void {
    // A request may be answered later: its connection goes then.
    if (this.state(link) === State.PENDING) link.halfClosed = true;
    else this.#finish(link);
  }

  /** A write that took its time has ended. */
  written(link: Link<Owner>): void {
    this.#writer.written(link);
  }

  /** The transport is gone: the session is over. */
  closed(link: Link<Owner>): void {
    this.core.exports.limpet_eof(link.handle, this.now());
    this.#events.drain();
  }

  #finish(link: Link<Owner>): void {
    this.#writer.write(link);
    link.hasEnded = true;
    link.transport.finish();
  }

  // ----------------------------------------------------------------- reading

  /** Lets the session take what lies in the ingress region; returns how much it took. */
  #take(link: Link<Owner>, bytes: number): number {
    const { exports, ingress } = this.core;
    const now = this.now();
    let at = 0;
    for (;;) {
      const took = exports.limpet_rx(link.handle, ingress + at, bytes - at, now);
      // A stale handle: the connection is over, its bytes mean nothing.
      if (took < 0) return bytes;
      at += took;
      // Events that were told may be what kept the rest, or what is held in the core, waiting.
      if (this.#events.drain() === 0 && (took === 0 || at === bytes)) break;
      if (at === bytes && bytes > 0) break;
    }
    this.schedule();
    return at;
  }

  #keep(link: Link<Owner>, rest: Buffer): void {
    (link.stash ??= []).push(rest);
    link.transport.pause();
    if (this.#events.draining) this.#resumeSoon(link);
  }

  /** Feeds what a connection had to keep, as far as its session takes it now. */
  #unstash(link: Link<Owner>): void {
    if (this.core.exports.limpet_rx_room(link.handle) <= 0) return;
    const kept = link.stash ?? [];
    link.stash = undefined;
    // Early frames may be held in the core itself.
    this.#take(link, 0);
    for (const chunk of kept) this.fed(link, chunk);
    if (!link.stash) link.transport.resume();
  }

  // ----------------------------------------------------------------- sending

  /** Sends a message or a fragment of one, see Outbox.send. */
  send(link: Link<Owner>, kind: number, data: string | Uint8Array): Sent | ErrorCode {
    return this.#outbox.send(link, kind, data);
  }

  /** Sends a prepared message, see Outbox.sendPrepared. */
  sendPrepared(link: Link<Owner>, message: Prepared): Sent | ErrorCode {
    return this.#outbox.sendPrepared(link, message);
  }

  /** Sends a whole message to many connections, see Outbox.sendMany. */
  sendMany(links: Iterable<Link<Owner>>, kind: number, data: string | Uint8Array): Published {
    return this.#outbox.sendMany(links, kind, data);
  }

  /** Calls back when all that was sent until now has left, or with why it never will. */
  onWritten(link: Link<Owner>, callback: Written): void {
    this.#writer.onWritten(link, callback);
  }

  /** Bytes that wait to be written. */
  queued(link: Link<Owner>): number {
    return this.#writer.queued(link);
  }

  /** Bytes that may be sent until the queue of a connection is full. */
  room(link: Link<Owner>): number {
    return this.#outbox.room(this.queued(link));
  }

  /** A message begins that is written as a stream, see Outbox.enter. */
  enter(link: Link<Owner>, stream: Turnwise): void {
    this.#outbox.enter(link, stream);
  }

  /** It has ended, or never began. */
  leave(link: Link<Owner>, stream: Turnwise): void {
    this.#outbox.leave(link, stream);
  }

  /** It will not end: the connection closes. */
  cut(link: Link<Owner>): void {
    this.#outbox.cut(link);
  }

  /** Sends a fragment of it, see Outbox.sendPiece. */
  sendPiece(link: Link<Owner>, kind: number, data: Uint8Array): Sent | ErrorCode {
    return this.#outbox.sendPiece(link, kind, data);
  }

  /** Whether a Close frame may say this, see limpet_close_check. */
  closeCheck(code: number, reason: string): ErrorCode {
    return this.#outbox.closeCheck(code, reason);
  }

  /** Begins the close handshake, behind what was sent before. */
  close(link: Link<Owner>, code: number, reason: string): ErrorCode {
    const answer = this.#outbox.close(link, code, reason);
    // The peer's Close frame has to be read, whatever is paused.
    if (answer === ErrorCode.NONE) this.setPaused(link, false, ~0);
    return answer;
  }

  /**
   * Lets no session begin any more, and ends all: handlers.closing gets those that are open, and
   * closes them; the others are over. A timeout of 0 ends all of them at once.
   */
  shutdown(timeout_ms: number): void {
    const { exports } = this.core;
    const timeout = Math.min(Math.ceil(timeout_ms), 0x7fff_ffff);
    const answer = exports.limpet_shutdown(timeout, CLOSE_BY_HOST, this.now());
    if (answer === (ErrorCode.UNSUPPORTED as number)) {
      for (const link of [...this.links()]) {
        if (timeout === 0 || this.state(link) < State.OPEN) this.terminate(link);
        else this.handlers.closing(link);
      }
    }
    this.#events.drain();
    this.schedule();
  }

  /** Writes what a connection has queued now, as far as its transport takes it. */
  flush(link: Link<Owner>): void {
    this.#writer.write(link);
  }

  /** Gives a connection up without a close handshake. */
  terminate(link: Link<Owner>): void {
    this.core.exports.limpet_terminate(link.handle);
    this.schedule();
  }

  // --------------------------------------------------------------- handshake

  /**
   * Accepts an UPGRADE; `proceed` comes next. Throws LimpetError.
   *
   * @param headers field lines, each ending with CRLF
   */
  acceptUpgrade(link: Link<Owner>, protocol: string, headers: string): void {
    acceptSession(this.core, this.memory, link.handle, protocol, headers);
    link.deflates = deflates(this.core, link);
  }

  /** Answers a REQUEST, or refuses an UPGRADE; see limpet_respond. Throws LimpetError. */
  respond(link: Link<Owner>, status: number, headers: string, body: string | Uint8Array): void {
    const payload = typeof body === 'string' ? Buffer.from(body) : this.#outbox.owned(body);
    const { length } = payload;
    if (respondSession(this.core, this.memory, link.handle, status, headers, length)) {
      (link.payloads ??= []).push(payload);
    }
    this.proceed(link);
  }

  /** Lets the answer to a handshake be changed before it is written, see Writer.rewrite. */
  rewrite(link: Link<Owner>, change: (head: string) => string): void {
    this.#writer.rewrite(link, change);
  }

  /** A decision was taken: bytes that waited for it may go on. */
  proceed(link: Link<Owner>): void {
    this.#resumeSoon(link);
    if (link.halfClosed) this.#finish(link);
  }

  // ---------------------------------------------------------------- the turn

  /** Writes what is queued, and does what is due, when this turn of the event loop ends. */
  schedule(): void {
    this.#writer.changed();
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  #flushAll(): void {
    this.#scheduled = false;
    const { exports } = this.core;
    const now = this.now();
    const delay = exports.limpet_tick(now);
    if (delay >= 0 && now + delay < this.#armedAt) this.#arm(now, delay);
    this.#events.drain();
    this.#outbox.retryAll();
    if (this.#resuming.size > 0) {
      const resuming = [...this.#resuming];
      this.#resuming.clear();
      for (const link of resuming) this.#unstash(link);
    }
    this.#writeAll();
    // Queues that shrank owe a WRITABLE.
    this.#events.drain();
    // Memory may come back from any connection: ask again soon.
    if (this.#outbox.waits) this.#arm(now, RETRY_MS);
  }

  #writeAll(): void {
    const { exports } = this.core;
    this.#writer.changed();
    for (let handle = exports.limpet_tx_next(); handle > 0; handle = exports.limpet_tx_next()) {
      const link = this.#byHandle.get(handle);
      if (link) this.#writer.write(link);
    }
    this.#writer.changed();
  }

  /** Sets the one timer; it does not keep the process alive, open sockets do. */
  #arm(now: number, delay: number): void {
    clearTimeout(this.#timer);
    this.#armedAt = now + delay;
    this.#timer = setTimeout(this.#wake, delay);
    this.#timer.unref();
  }
}
