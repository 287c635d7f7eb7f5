// A session's events and output → whether they keep the rules, whatever was done to it.

import { EventFlag, EventKind, type CoreEvent } from '../support/driver.js';
import { decode, frameFault, isUtf8, type Frame } from '../support/frames.js';
import { agreedOn, type Direction } from './deflate.js';
import { Known } from './metadata.js';
import type { Message, Peer } from './peer.js';

/** Something that must never be seen. */
export class Fault extends Error {}

/** A data frame that was queued. */
interface Queued {
  opcode: number;
  fin: boolean;
  /** SEND_PLAIN. */
  plain: boolean;
  payload: Buffer;
}

export class Watch {
  /** Where its peer is, as far as it is known what the core heard of that. */
  address: string | undefined;
  /** The most bytes that a message may have: the largest limit that the session ever had; 0 = no bound. */
  limit = 0;
  /** Whether messages past a rate are dropped: those that come are some of those that were sent. */
  drops = false;
  /** Whether what comes has to be UTF-8. */
  judged = true;
  /** The value of Option.USER. */
  user = 0;
  closed = false;
  /** Its metadata, and what is kept of its request. */
  readonly known: Known;
  /** Whether limpet_shutdown was called. */
  warned = false;
  /** The key of a client's request, once it was written. */
  key: string | undefined;
  /** The extensions that a client offered, or ''. */
  offer = '';
  /** How to read what the core compressed; undefined when nothing was agreed on. */
  unpacks: Direction | undefined;
  /** Data frames that were queued and not seen yet. */
  readonly #queued: Queued[] = [];
  /** The compressed message whose frames are coming: what they hold, and what was queued. */
  #compressed: { payload: Buffer[]; message: Buffer[] } | undefined;
  #wire = Buffer.alloc(0);
  #http: boolean;
  #body = -1;
  #closeSent = false;
  #fragmented = false;
  #ended = false;
  /** Whether it was told of the shutdown. */
  #told = false;
  /** Payloads of pings that may be heartbeats, and were not answered yet. */
  readonly #heartbeats = new Set<string>();
  #stream: Buffer[] | undefined;

  constructor(
    readonly handle: number,
    readonly client: boolean,
    http: boolean,
    readonly peer: Peer,
  ) {
    this.#http = http;
    this.known = new Known(handle);
  }

  /** A data frame was queued. */
  queued(frame: Queued): void {
    this.#queued.push(frame);
  }

  event(event: CoreEvent): void {
    if (this.closed) throw new Fault(`event ${event.kind} behind CLOSED`);
    if (event.user !== this.user) throw new Fault(`user ${event.user}, not ${this.user}`);
    switch (event.kind) {
      case EventKind.MESSAGE:
        if (this.#stream) throw new Fault('a message inside a stream');
        this.#message(event.code, event.data);
        break;
      case EventKind.CHUNK:
        this.#chunk(event);
        break;
      case EventKind.PING:
      case EventKind.PONG:
        if (event.data.length > 125) throw new Fault('a control frame of more than 125 bytes');
        break;
      case EventKind.CLOSING:
        if (this.judged && !isUtf8(event.data)) throw new Fault('a reason that is not UTF-8');
        this.#ended = true;
        break;
      case EventKind.ERROR:
        if (event.detail >= 0) throw new Fault(`an error of ${event.detail}`);
        this.#ended = true;
        break;
      case EventKind.CLOSED:
        this.closed = true;
        break;
      case EventKind.HEARTBEAT:
        if (!this.#heartbeats.delete(event.data.toString('hex')) || event.detail < 0)
          throw new Fault('an answer to no heartbeat, or a second one');
        break;
      case EventKind.SHUTDOWN:
        if (!this.warned || this.#told) throw new Fault('SHUTDOWN without a shutdown, or twice');
        this.#told = true;
        break;
      case EventKind.NONE:
      case EventKind.UPGRADE:
      case EventKind.REQUEST:
      case EventKind.OPEN:
      case EventKind.WRITABLE:
      case EventKind.READABLE:
    }
  }

  #chunk({ flags, code, data }: CoreEvent): void {
    if (((flags & EventFlag.BEGIN) !== 0) === (this.#stream !== undefined)) {
      throw new Fault('BEGIN is on the first piece of a stream and on no other');
    }
    this.#stream = [...(this.#stream ?? []), data];
    const whole = Buffer.concat(this.#stream);
    if (this.limit && whole.length > this.limit) throw new Fault('a stream over its limit');
    if (!(flags & EventFlag.END)) return;
    this.#stream = undefined;
    this.#message(code, whole);
  }

  #message(opcode: number, payload: Buffer): void {
    if (this.#ended) throw new Fault('a message behind the end');
    if (this.limit && payload.length > this.limit) {
      throw new Fault(`a message of ${payload.length} bytes, over the limit of ${this.limit}`);
    }
    if (this.judged && opcode === 1 && !isUtf8(payload))
      throw new Fault('a text that is not UTF-8');
    if (!this.peer.honest) return;
    const same = (sent: Message | undefined) =>
      sent?.opcode === opcode && sent.payload.equals(payload);
    let sent = this.peer.messages.shift();
    while (this.drops && sent && !same(sent)) sent = this.peer.messages.shift();
    if (!same(sent)) {
      throw new Fault(`a message of ${payload.length} bytes that was not sent`);
    }
  }

  /** Bytes that were written, in their order. */
  output(bytes: Buffer): void {
    this.#wire = Buffer.concat([this.#wire, bytes]);
    if (this.#http && !this.#head()) return;
    if (this.#body >= 0) {
      this.#body -= this.#wire.length;
      this.#wire = Buffer.alloc(0);
      if (this.#body < 0) throw new Fault('a body that is longer than its Content-Length');
      return;
    }
    const { frames, length } = decode(this.#wire);
    this.#wire = Buffer.from(this.#wire.subarray(length));
    for (const frame of frames) this.#frame(frame);
    if (this.#closeSent && this.#wire.length && this.#wire[0] !== 0x8a)
      throw new Fault('bytes behind a Close frame that begin no pong');
  }

  /** Takes a head off the output; false while it is not whole, or no frames follow it. */
  #head(): boolean {
    const end = this.#wire.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const lines = this.#wire.toString('latin1', 0, end).split('\r\n');
    const [first = '', ...fields] = lines;
    const status = Number(/^HTTP\/1\.1 (\d{3}) [ -~]*$/.exec(first)?.[1] ?? 0);
    if (this.client ? !/^GET \/\S* HTTP\/1\.1$/.test(first) : !status)
      throw new Fault(`"${first}"`);
    for (const field of fields) {
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t -~\x80-\xff]*$/.test(field))
        throw new Fault(`"${field}"`);
      const [, key] = /^Sec-WebSocket-Key: (.*)$/.exec(field) ?? [];
      this.key ??= key;
      const [, extensions] = /^Sec-WebSocket-Extensions: (.*)$/.exec(field) ?? [];
      if (extensions !== undefined) this.#extensions(extensions);
    }
    this.#http = false;
    this.#wire = this.#wire.subarray(end + 4);
    if (!this.client && status !== 101) {
      const length = lines.find((line) => line.startsWith('Content-Length: '));
      this.#body = length ? Number(length.slice(16)) : 0;
    }
    return true;
  }

  /** What the core offers, or what it agrees on. */
  #extensions(field: string): void {
    if (this.client) {
      this.offer = field;
      return;
    }
    if (!this.peer.offer) throw new Fault('an extension that was not offered');
    const { server, client } = agreedOn(field, '');
    this.unpacks = server;
    this.peer.packs = client;
  }

  #frame(frame: Frame): void {
    // What was agreed on is known unless the answer was damaged on its way to the core.
    const sure = !this.client || this.peer.honest;
    const fault = frameFault(frame, this.client, this.unpacks !== undefined || !sure);
    if (fault) throw new Fault(fault);
    // RFC 6455 5.5.2: pings are answered until the peer's Close frame has come.
    if (this.#closeSent && frame.opcode !== 10) throw new Fault('a frame behind a Close frame');
    if (frame.opcode === 8) this.#closeSent = true;
    if (frame.opcode === 9) {
      this.peer.pinged(frame.payload);
      if (frame.payload.length === 12) this.#heartbeats.add(frame.payload.toString('hex'));
    }
    if (frame.opcode >= 8) return;
    if ((frame.opcode === 0) !== this.#fragmented)
      throw new Fault('fragments that are interleaved');
    this.#fragmented = !frame.fin;
    this.#data(frame, sure);
  }

  /** A data frame has to be the one that was queued, compressed or not. */
  #data({ fin, rsv, opcode, payload }: Frame, sure: boolean): void {
    const queued = this.#queued.shift();
    if (queued?.opcode !== opcode || queued.fin !== fin) {
      throw new Fault('a frame that was not queued');
    }
    if (rsv) {
      if (queued.plain) throw new Fault('SEND_PLAIN was compressed');
      this.#compressed = { payload: [], message: [] };
    }
    if (!this.#compressed) {
      if (!payload.equals(queued.payload)) throw new Fault('a frame of another payload');
      return;
    }
    this.#compressed.payload.push(payload);
    this.#compressed.message.push(queued.payload);
    if (!fin) return;
    const [bytes, message] = [this.#compressed.payload, this.#compressed.message].map((parts) =>
      Buffer.concat(parts),
    );
    this.#compressed = undefined;
    if (!sure || !bytes || !message) return;
    // A message that begins compressed is shorter than it was, unless it goes on in fragments.
    if (rsv && bytes.length >= message.length) throw new Fault('a message grew');
    if (!this.unpacks?.unpack(bytes).equals(message)) {
      throw new Fault('a compressed message that is another one');
    }
  }
}
