// Transports ↔ one instance of the core. The only place that reads, writes and keeps time; it knows
// nothing of the faces that users see.
//
//   read ─► limpet_rx ─► events ─► handlers ─► limpet_send* ─┐        (this turn)
//   write ◄─ limpet_tx ◄──────────────────────── setImmediate ◄┘   (one write a connection a turn)

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  CLOSE_BY_HOST,
  ErrorCode,
  EventFlag,
  EventKind,
  EventRecord,
  Opcode,
  Option,
  SessionInfo,
  State,
  type Sent,
} from '../../build/limpet.abi.js';
import type { Core } from '../core/core.js';
import { addressBytes, transportAddress } from './address.js';
import { assemble, assembled } from './assembly.js';
import { Hub } from './hub.js';
import { Link, type Written } from './link.js';
import type { QueueLimits } from './options.js';
import { Outbox, type Published } from './outbox.js';
import type { Trusts } from './policies.js';
import { place } from './scratch.js';
import { readInto, Sink } from './transport.js';

/** What a face does with what happens; called while the events are drained. */
export interface Handlers<Owner> {
  upgrade(link: Link<Owner>): void;
  request(link: Link<Owner>): void;
  message(link: Link<Owner>, data: Buffer, isBinary: boolean): void;
  ping(link: Link<Owner>, data: Buffer): void;
  pong(link: Link<Owner>, data: Buffer): void;
  writable(link: Link<Owner>): void;
  /** The pong of a heartbeat came, after so many ms. */
  heartbeat(link: Link<Owner>, rtt_ms: number): void;
  /** The server is closing; last messages may be sent. */
  closing(link: Link<Owner>): void;
  /** A Close frame went, or came (`remote`); 1005 when it has no code. */
  leaving(link: Link<Owner>, code: number, reason: string, remote: boolean): void;
  /**
   * The peer broke a rule or a time ran out; `code` is the close code or HTTP status that it was told,
   * `detail` what broke the rule, see ErrorCode.
   */
  failed(link: Link<Owner>, error: ErrorCode, code: number, detail: number): void;
  closed(link: Link<Owner>, code: number, reason: string, clean: boolean): void;
  /** Another handler threw. */
  threw(error: unknown): void;
}

/** Settings of a loop. */
export interface LoopOptions extends QueueLimits {
  /** Hand messages out as views of linear memory that are good until the handler returns. */
  borrow: boolean;
  /** What a peer may say of the client's address: bits of Trust. */
  trusts: Trusts;
}

/** How soon the core is asked again when it had no memory for a message, ms. */
const RETRY_MS = 5;
/** How long the last writes may take once the peer has ended its side, ms. */
const LAST_WRITES_MS = 10_000;

export class SocketLoop<Owner> {
  /** All of linear memory. */
  readonly memory: Buffer;
  /** Links by their user-data word; free numbers are in `#free`. */
  readonly #links: (Link<Owner> | undefined)[] = [undefined];
  readonly #free: number[] = [];
  readonly #byHandle = new Map<number, Link<Owner>>();
  readonly #ingress: Buffer;
  readonly #flush = () => {
    this.#flushAll();
  };
  readonly #wake = () => {
    this.#armedAt = Infinity;
    this.schedule();
  };
  readonly #outbox: Outbox<Owner>;
  /** Rooms, publications, broadcasts. */
  readonly hub: Hub<Owner>;
  /** Links that were paused and are to be read from again. */
  readonly #resuming = new Set<Link<Owner>>();
  #scheduled = false;
  #draining = false;
  #timer: NodeJS.Timeout | undefined;
  #armedAt = Infinity;

  constructor(
    readonly core: Core,
    private readonly handlers: Handlers<Owner>,
    readonly options: LoopOptions,
    /** Its number among the shards of a server. */
    readonly shard = 0,
  ) {
    this.memory = Buffer.from(core.exports.memory.buffer);
    this.#ingress = this.memory.subarray(core.ingress, core.ingress + core.ingressSize);
    this.#outbox = new Outbox<Owner>(core, this.memory, options, {
      schedule: () => {
        this.schedule();
      },
      drain: () => {
        this.#drain();
      },
      resumeSoon: (link) => {
        if (link.stash.length > 0) this.#resumeSoon(link);
      },
      writable: (link) => {
        handlers.writable(link);
      },
    });
    this.hub = new Hub<Owner>(core, this.memory, this.#outbox, {
      link: (handle) => this.#byHandle.get(handle),
      schedule: () => {
        this.schedule();
      },
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

  // ------------------------------------------------------------- connections

  /**
   * Opens a session for an accepted connection.
   *
   * @param accepted a net.Socket of a server with `pauseOnConnect`, or any other Duplex
   * @param first bytes that were read from it before: the head of a request that something else parsed
   * @param owner the face's object for it, if there is one already
   * @returns its link, or undefined when the pool is full
   */
  accept(accepted: Duplex, first?: Buffer, owner?: Owner): Link<Owner> | undefined {
    const handle = this.core.exports.limpet_open(this.now());
    if (handle < 0) return undefined;
    const index = this.#free.pop() ?? this.#links.length;
    // What TLS tells a TLSSocket's handle is for that socket: it keeps it.
    const into =
      'setNoDelay' in accepted && !('encrypted' in accepted)
        ? readInto(accepted as Socket, this.#ingress, (bytes) => {
            this.#received(link, bytes);
          })
        : undefined;
    const transport = into ?? accepted;
    const link = new Link<Owner>(this, transport, handle, index);
    link.written = () => {
      this.#outbox.written(link);
    };
    if (into) link.sink = Sink.of(into, link.written);
    link.owner = owner;
    this.#links[index] = link;
    this.#byHandle.set(handle, link);
    this.core.exports.limpet_option_set(handle, Option.USER, index);
    this.#tellAddress(transport, handle);
    if (!into) {
      transport.on('data', (chunk: Buffer) => {
        this.#feed(link, chunk);
      });
      transport.resume();
    }
    transport.on('end', () => {
      this.#ended(link);
    });
    // A failing transport closes, or is closed (a TLS socket tells of an attack and stays): that is
    // told as 1006, and nothing more is known.
    transport.on('error', () => transport.destroy());
    transport.on('close', () => {
      this.core.exports.limpet_eof(handle, this.now());
      this.#drain();
    });
    if (first) this.#feed(link, first);
    this.schedule();
    return link;
  }

  /** Tells the core where a peer is. One whose address has its share is answered by the core, with 429. */
  #tellAddress(transport: Duplex, handle: number): void {
    const { address, port } = transportAddress(transport);
    const bytes = addressBytes(address);
    const [{ ptr }] = place(this.core, this.memory, [bytes]);
    const trust = this.options.trusts(address);
    this.core.exports.limpet_address_set(handle, ptr, bytes.length, port, trust);
  }

  /** Stops or resumes reading for a connection. */
  setPaused(link: Link<Owner>, paused: boolean): void {
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

  /** The peer ended its side: what is queued is still written, then the transport goes. */
  #ended(link: Link<Owner>): void {
    // A request may be answered later: its connection goes then.
    if (this.state(link) === State.PENDING) link.halfClosed = true;
    else this.#finish(link);
  }

  #finish(link: Link<Owner>): void {
    this.#outbox.write(link);
    link.ended = true;
    // A peer that does not read either would keep it for ever.
    const timer = setTimeout(() => link.transport.destroy(), LAST_WRITES_MS).unref();
    link.transport.once('close', () => {
      clearTimeout(timer);
    });
    if ('destroySoon' in link.transport) (link.transport as Socket).destroySoon();
    else link.transport.end();
  }

  /** What a connection's session is now. */
  state(link: Link<Owner>): State {
    const info = this.core.exports.limpet_session_info(link.handle);
    return info < 0 ? State.CLOSED : (this.core.u8[info + SessionInfo.state] as State);
  }

  // ----------------------------------------------------------------- reading

  /** `bytes` lie in the ingress region. */
  #received(link: Link<Owner>, bytes: number): void {
    const took = this.#take(link, bytes);
    if (took < bytes) this.#keep(link, Buffer.from(this.#ingress.subarray(took, bytes)));
  }

  /** A chunk that lies in Node's memory. */
  #feed(link: Link<Owner>, chunk: Buffer): void {
    if (link.stash.length > 0) {
      link.stash.push(chunk);
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
      if (this.#drain() === 0 && (took === 0 || at === bytes)) break;
      if (at === bytes && bytes > 0) break;
    }
    this.schedule();
    return at;
  }

  #keep(link: Link<Owner>, rest: Buffer): void {
    link.stash.push(rest);
    link.transport.pause();
  }

  /** Feeds what a connection had to keep, as far as its session takes it now. */
  #unstash(link: Link<Owner>): void {
    if (this.core.exports.limpet_rx_room(link.handle) <= 0) return;
    const kept = link.stash.splice(0);
    // Early frames may be held in the core itself.
    this.#take(link, 0);
    for (const chunk of kept) this.#feed(link, chunk);
    if (link.stash.length === 0 && !link.transport.destroyed) link.transport.resume();
  }

  // ------------------------------------------------------------------ events

  /**
   * Tells the handlers what happened; returns how many events there were.
   *
   * A handler that throws does not keep the others from theirs: all payloads are handed out before
   * the next read overwrites them.
   */
  #drain(): number {
    if (this.#draining) return 0;
    const { u32, ringHead, ringTail, ringBase, ringMask, exports } = this.core;
    this.#draining = true;
    const from = u32[ringTail];
    let at = from;
    while (at !== u32[ringHead]) {
      const entry = ringBase + (at & ringMask) * EventRecord.size;
      at = (at + 1) >>> 0;
      try {
        this.#event(entry);
      } catch (error) {
        this.handlers.threw(error);
      }
    }
    this.#draining = false;
    exports.limpet_event_ack((at - from) >>> 0);
    // The core may have answered what waited for this.
    this.#outbox.changed();
    // Owed notices became events when there was room for them.
    if (u32[ringHead] !== u32[ringTail]) this.schedule();
    return (at - from) >>> 0;
  }

  #event(entry: number): void {
    const { u8, u32, i32 } = this.core;
    const word = entry >>> 2;
    const kind = u8[entry + EventRecord.kind];
    const link = this.#links[i32[word + (EventRecord.user >> 2)]];
    if (link?.handle !== i32[word + (EventRecord.session >> 2)]) return;
    const flags = u8[entry + EventRecord.flags];
    const code = u8[entry + EventRecord.code] | (u8[entry + EventRecord.code + 1] << 8);
    const ptr = u32[word + (EventRecord.ptr >> 2)];
    const len = u32[word + (EventRecord.len >> 2)];
    switch (kind) {
      case EventKind.MESSAGE:
        this.handlers.message(link, this.#payload(ptr, len), code === Opcode.BINARY);
        return;
      case EventKind.CHUNK:
        assemble(
          link,
          flags,
          this.memory.subarray(ptr, ptr + len),
          u32[word + (EventRecord.remaining >> 2)],
        );
        if (flags & EventFlag.END)
          this.handlers.message(link, assembled(link), code === Opcode.BINARY);
        return;
      case EventKind.PING:
        this.handlers.ping(link, this.#payload(ptr, len));
        return;
      case EventKind.PONG:
        this.handlers.pong(link, this.#payload(ptr, len));
        return;
      case EventKind.UPGRADE:
        link.path = this.memory.toString('latin1', ptr, ptr + len);
        this.handlers.upgrade(link);
        return;
      case EventKind.REQUEST:
        link.path = this.memory.toString('latin1', ptr, ptr + len);
        this.handlers.request(link);
        return;
      case EventKind.WRITABLE:
        this.handlers.writable(link);
        return;
      case EventKind.READABLE:
        this.#resumeSoon(link);
        return;
      case EventKind.CLOSING:
        link.reason = this.memory.toString('utf8', ptr, ptr + len);
        this.handlers.leaving(link, code, link.reason, (flags & EventFlag.REMOTE) !== 0);
        return;
      case EventKind.HEARTBEAT:
        this.handlers.heartbeat(link, i32[word + (EventRecord.detail >> 2)]);
        return;
      case EventKind.SHUTDOWN:
        this.handlers.closing(link);
        return;
      case EventKind.ERROR:
        this.handlers.failed(
          link,
          i32[word + (EventRecord.detail >> 2)] as ErrorCode,
          code,
          u32[word + (EventRecord.remaining >> 2)],
        );
        return;
      case EventKind.CLOSED:
        this.#forget(link);
        this.handlers.closed(link, code, link.reason, (flags & EventFlag.CLEAN) !== 0);
        return;
      default:
    }
  }

  #payload(ptr: number, len: number): Buffer {
    const view = this.memory.subarray(ptr, ptr + len);
    return this.options.borrow ? view : Buffer.from(view);
  }

  #forget(link: Link<Owner>): void {
    this.#byHandle.delete(link.handle);
    this.#resuming.delete(link);
    this.#outbox.forget(link);
    this.#links[link.index] = undefined;
    this.#free.push(link.index);
  }

  // ----------------------------------------------------------------- sending

  /** Sends a message or a fragment of one, see Outbox.send. */
  send(link: Link<Owner>, kind: number, data: string | Uint8Array): Sent | ErrorCode {
    return this.#outbox.send(link, kind, data);
  }

  /** Sends a whole message to many connections, see Outbox.sendMany. */
  sendMany(links: Iterable<Link<Owner>>, kind: number, data: string | Uint8Array): Published {
    return this.#outbox.sendMany(links, kind, data);
  }

  /** Calls back when all that was sent until now is written, or with why it was not. */
  onWritten(link: Link<Owner>, callback: Written): void {
    this.#outbox.onWritten(link, callback);
  }

  /** Bytes that wait to be written. */
  queued(link: Link<Owner>): number {
    return this.#outbox.queued(link);
  }

  /** Whether a Close frame may say this, see limpet_close_check. */
  closeCheck(code: number, reason: string): ErrorCode {
    return this.#outbox.closeCheck(code, reason);
  }

  /** Begins the close handshake, behind what was sent before. */
  close(link: Link<Owner>, code: number, reason: string): ErrorCode {
    const answer = this.#outbox.close(link, code, reason);
    // The peer's Close frame has to be read, whatever is paused.
    if (answer === ErrorCode.NONE) this.setPaused(link, false);
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
    this.#drain();
    this.schedule();
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
    const [chosen, lines] = place(this.core, this.memory, [protocol, headers]);
    this.core.check(
      'accepting an upgrade',
      this.core.exports.limpet_accept(link.handle, chosen.ptr, chosen.len, lines.ptr, lines.len),
    );
    const info = this.core.exports.limpet_session_info(link.handle);
    link.deflates = info > 0 && this.core.u8[info + SessionInfo.deflateOut] > 0;
  }

  /** Answers a REQUEST, or refuses an UPGRADE; see limpet_respond. Throws LimpetError. */
  respond(link: Link<Owner>, status: number, headers: string, body: string | Uint8Array): void {
    const payload = typeof body === 'string' ? Buffer.from(body) : this.#outbox.owned(body);
    const [lines] = place(this.core, this.memory, [headers]);
    const owed = this.core.check(
      `answering ${String(status)}`,
      this.core.exports.limpet_respond(
        link.handle,
        status,
        lines.ptr,
        lines.len,
        0,
        payload.length,
      ),
    );
    if (owed > 0) link.payloads.push(payload);
    this.proceed(link);
  }

  /**
   * Lets the answer to a handshake be changed before it is written.
   *
   * @param change gets the head with its last CRLF CRLF
   */
  rewrite(link: Link<Owner>, change: (head: string) => string): void {
    this.#outbox.rewrite(link, change);
  }

  /** A decision was taken: bytes that waited for it may go on. */
  proceed(link: Link<Owner>): void {
    this.#resumeSoon(link);
    if (link.halfClosed) this.#finish(link);
  }

  // ----------------------------------------------------------------- writing

  /** Writes what is queued, and does what is due, when this turn of the event loop ends. */
  schedule(): void {
    this.#outbox.changed();
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
    this.#drain();
    this.#outbox.retryAll();
    const resuming = [...this.#resuming];
    this.#resuming.clear();
    for (const link of resuming) this.#unstash(link);
    this.#writeAll();
    // Queues that shrank owe a WRITABLE.
    this.#drain();
    // Memory may come back from any connection: ask again soon.
    if (this.#outbox.waits) this.#arm(now, RETRY_MS);
  }

  #writeAll(): void {
    const { exports } = this.core;
    this.#outbox.changed();
    for (let handle = exports.limpet_tx_next(); handle > 0; handle = exports.limpet_tx_next()) {
      const link = this.#byHandle.get(handle);
      if (link) this.#outbox.write(link);
    }
    this.#outbox.changed();
  }

  /** Sets the one timer; it does not keep the process alive, open sockets do. */
  #arm(now: number, delay: number): void {
    clearTimeout(this.#timer);
    this.#armedAt = now + delay;
    this.#timer = setTimeout(this.#wake, delay);
    this.#timer.unref();
  }
}
