// Transports ↔ one instance of the core. The only place where connections come and go; it knows
// nothing of the faces that users see.
//
//   read ─► reader.ts ─► events.ts ─► handlers ─► outbox.ts ─┐             (this turn)
//   write ◄─ writer.ts ◄─────────────────────── scheduler.ts ◄┘   (one write a connection a turn)

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
import { Payloads } from './payloads.js';
import type { Trusts } from './policies.js';
import type { Prepared } from './prepared.js';
import { Reader } from './reader.js';
import { clock, Scheduler } from './scheduler.js';
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

export class SocketLoop<Owner> {
  /** All of linear memory. */
  readonly memory: Buffer;
  /** Rooms, publications, broadcasts. */
  readonly hub: Hub<Owner>;
  /** Links by their user-data word; free numbers are in `#free`. */
  readonly #links: (Link<Owner> | undefined)[] = [undefined];
  readonly #free: number[] = [];
  readonly #byHandle = new Map<number, Link<Owner>>();
  readonly #reader: Reader<Owner>;
  readonly #events: Events<Owner>;
  readonly #outbox: Outbox<Owner>;
  readonly #writer: Writer<Owner>;
  readonly #scheduler: Scheduler;
  /** The address that was told last, and its bytes: neighbours often have the same. */
  #address = { text: '', bytes: addressBytes('') };

  constructor(
    readonly core: Core,
    private readonly handlers: Handlers<Owner>,
    readonly options: LoopOptions,
    /** Its number among the shards of a server. */
    readonly shard = 0,
  ) {
    this.memory = Buffer.from(core.exports.memory.buffer);
    this.#scheduler = new Scheduler(core, () => this.#work());
    const schedule = () => {
      this.schedule();
    };
    const drain = () => {
      this.#events.drain();
    };
    this.#writer = new Writer<Owner>(core, this.memory, {
      drain,
      left: (link) => {
        if (link.stash) this.#reader.resumeSoon(link);
      },
    });
    const payloads = new Payloads(core, this.memory, options.borrow);
    this.#outbox = new Outbox<Owner>(core, this.memory, payloads, options, {
      schedule,
      drain,
      writable: (link) => {
        handlers.writable(link);
      },
    });
    this.#events = new Events<Owner>(core, this.memory, handlers, payloads, {
      linkAt: (index) => this.#links[index],
      resumeSoon: (link) => {
        this.#reader.resumeSoon(link);
      },
      forget: (link) => {
        this.#forget(link);
      },
      acknowledged: () => {
        this.#writer.changed();
      },
      schedule,
    });
    this.#reader = new Reader<Owner>(core, this.memory, this.#events, schedule);
    this.hub = new Hub<Owner>(core, this.memory, this.#outbox, {
      link: (handle) => this.#byHandle.get(handle),
      schedule,
      flush: () => {
        this.#writeAll();
      },
    });
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
    const handle = this.core.exports.limpet_open(clock());
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
    const handle = connectSession(this.core, this.memory, request, clock());
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
    transport.start(link, this.#reader.ingress);
    if (first) this.fed(link, first);
    // What came first may have ended it, or have to wait.
    if (link.transport === transport && !link.stash) transport.resume();
    this.schedule();
  }

  #forget(link: Link<Owner>): void {
    this.#byHandle.delete(link.handle);
    this.#reader.forget(link);
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
    const { exports, ingress } = this.core;
    const was = link.held !== 0;
    link.held = stops ? link.held | why : link.held & ~why;
    const paused = link.held !== 0;
    // The core is told the time: the peer's silence counts from now on.
    if (was && !paused) exports.limpet_rx(link.handle, ingress, 0, clock());
    exports.limpet_option_set(link.handle, Option.PAUSED, paused ? 1 : 0);
    if (paused) {
      link.transport.pause();
      this.#reader.forget(link);
    } else {
      this.#reader.resumeSoon(link);
    }
  }

  // -------------------------------------------------------- what transports tell

  /** `bytes` lie in the ingress region. */
  received(link: Link<Owner>, bytes: number): void {
    this.#reader.received(link, bytes);
  }

  /** A chunk that lies in Node's memory. */
  fed(link: Link<Owner>, chunk: Buffer): void {
    this.#reader.fed(link, chunk);
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
    this.core.exports.limpet_eof(link.handle, clock());
    this.#events.drain();
  }

  #finish(link: Link<Owner>): void {
    this.#writer.write(link);
    link.hasEnded = true;
    link.transport.finish();
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
    const answer = exports.limpet_shutdown(timeout, CLOSE_BY_HOST, clock());
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
    this.#reader.resumeSoon(link);
    if (link.halfClosed) this.#finish(link);
  }

  // ---------------------------------------------------------------- the turn

  /** Writes what is queued, and does what is due, when this turn of the event loop ends. */
  schedule(): void {
    this.#writer.changed();
    this.#scheduler.soon();
  }

  /** The end of a turn; returns whether messages wait for memory, which may come from any connection. */
  #work(): boolean {
    this.#events.drain();
    this.#outbox.retryAll();
    this.#reader.resumeAll();
    this.#writeAll();
    // Queues that shrank owe a WRITABLE.
    this.#events.drain();
    return this.#outbox.waits;
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
}
