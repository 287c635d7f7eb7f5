// Messages of any length ↔ Node's streams.
//
//   chunks ─► Incoming ─► MessageReader; not read ─► the session is paused ─► TCP holds the peer back
//   MessageWriter ─► fragments, as many as are written at once ─► written ─► the next ones
//
// A peer that goes, or breaks a rule, ends a stream before its time. That is told as an error to who
// listens for errors, as with Node's http, and never ends the process.

import { Readable, Writable } from 'node:stream';
import {
  Delivery,
  ErrorCode,
  EventFlag,
  Opcode,
  Option,
  SEND_MORE,
  SEND_PLAIN,
  Sent,
} from '../../build/limpet.abi.js';
import { assembled } from './assembly.js';
import { whole } from './checks.js';
import { Held, type Link } from './link.js';

/** What waits in a stream until it is read, and what is sent before it is written. */
const HIGH_WATER = 256 << 10;
/** What a stream costs that was not read, beside its bytes. */
const READER_BYTES = 1024;
/** Fragments are not longer than this: what others have to say comes between them. */
const PIECE_BYTES = 64 << 10;

/** A message that comes: it ends with the message. */
export class MessageReader extends Readable {
  /** @param hungry called when it has room for more */
  constructor(private readonly hungry: () => void) {
    super({ highWaterMark: HIGH_WATER });
  }

  override _read(): void {
    this.hungry();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.hungry();
    done(this.listenerCount('error') > 0 ? error : null);
  }
}

/** Who is told of messages, and how long they may be. */
export interface Told<Owner> {
  message(link: Link<Owner>, data: Buffer, isBinary: boolean): void;
  /** Whether anybody wants it. */
  stream(link: Link<Owner>, reader: MessageReader, isBinary: boolean): boolean;
  /** Longest message that is told whole, and that may be a stream: bytes, 0 = no bound. */
  maxWhole: number;
  maxStream: number;
}

/** Of how many bytes a message is a stream: more than this. Throws TypeError or RangeError. */
export function streamsOver(value: boolean | number = false): number {
  if (value === true) return -1;
  return value === false ? Infinity : whole('streamMessages', value);
}

/** Lets the messages of a connection come as streams from the next one on, if they are that long. */
export function streamOver<Owner>(link: Link<Owner>, told: Told<Owner>, over: number): void {
  const { handle } = link;
  const { exports } = link.loop.core;
  if (link.incoming) link.incoming.over = over;
  else link.incoming = new Incoming<Owner>(link, told, over);
  link.streams = true;
  exports.limpet_option_set(handle, Option.DELIVERY, over < 0 ? Delivery.STREAM : Delivery.AUTO);
  const most = over === Infinity ? told.maxWhole : told.maxStream;
  exports.limpet_option_set(handle, Option.MESSAGE_MAX, most);
}

/** The messages of one connection that come as streams. */
export class Incoming<Owner> {
  /** The message under way, once it is a stream. */
  #reader: MessageReader | undefined;
  /** The message under way before that. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Whether the stream under way has as much as it wants. */
  #full = false;
  /** What messages cost that have come and are not read. */
  #unread = 0;

  /** @param over messages of more bytes than this are streams; -1: all, Infinity: none */
  constructor(
    private readonly link: Link<Owner>,
    private readonly told: Told<Owner>,
    public over: number,
  ) {}

  /** A message that came whole. */
  message(data: Buffer, isBinary: boolean): void {
    if (data.length <= this.over) this.told.message(this.link, data, isBinary);
    else this.chunk(data, isBinary, EventFlag.BEGIN | EventFlag.END);
  }

  /** A piece of a message; `flags` are bits of EventFlag. */
  chunk(data: Buffer, isBinary: boolean, flags: number): void {
    // It may be a view of linear memory.
    let bytes = this.link.loop.options.borrow ? Buffer.from(data) : data;
    if (flags & EventFlag.BEGIN) this.#begin();
    // What was gathered before it was said that it should not be.
    else if (this.link.assembly) this.#add(assembled(this.link));
    const ends = (flags & EventFlag.END) !== 0;
    if (!this.#reader) {
      this.#add(bytes);
      const isLong = this.#bytes > this.over;
      if (!isLong && !ends) return;
      bytes = Buffer.concat(this.#pieces.splice(0));
      if (!isLong) {
        this.told.message(this.link, bytes, isBinary);
        return;
      }
      this.#open(isBinary);
    }
    this.#push(bytes, ends);
  }

  #begin(): void {
    this.#reader = undefined;
    this.#pieces = [];
    this.#bytes = 0;
  }

  #add(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  #open(isBinary: boolean): void {
    const reader = new MessageReader(() => {
      if (reader === this.#reader) this.#full = false;
      this.#hold();
    });
    this.#reader = reader;
    try {
      // What nobody wants flows by.
      if (!this.told.stream(this.link, reader, isBinary)) reader.resume();
    } catch (error) {
      reader.destroy();
      throw error;
    }
  }

  #push(bytes: Buffer, ends: boolean): void {
    const reader = this.#reader;
    if (!reader) return;
    if (bytes.length > 0 && !reader.destroyed) this.#full = !reader.push(bytes);
    if (ends) {
      this.#reader = undefined;
      this.#full = false;
      reader.push(null);
      this.#ended(reader);
    }
    this.#hold();
  }

  /** A message has come; until it is read it counts. */
  #ended(reader: MessageReader): void {
    if (reader.destroyed) return;
    const cost = reader.readableLength + READER_BYTES;
    this.#unread += cost;
    reader.once('close', () => {
      this.#unread -= cost;
      this.#hold();
    });
  }

  #hold(): void {
    const hold = (this.#full && this.#reader?.destroyed === false) || this.#unread > HIGH_WATER;
    const held = (this.link.held & Held.STREAMS) !== 0;
    if (hold !== held) this.link.loop.setPaused(this.link, hold, Held.STREAMS);
  }

  /** The connection is over: the message under way will not end. */
  fail(error: Error): void {
    this.#pieces = [];
    this.#reader?.destroy(error);
  }
}

/** How a stream sends its message. */
export interface WriterOptions {
  /** Whether it is a binary message. Default true. */
  binary?: boolean;
  /** false: the message goes as it is, though permessage-deflate was agreed on. RFC 7692 6. */
  compress?: boolean;
}

/**
 * A message that is written: what is written leaves as fragments, `end` ends the message. It begins
 * with its first bytes; what is sent from then on waits behind it.
 *
 * A connection that is over closes it without an error, as Node's http does with a response. One that is
 * destroyed before its end closes the connection with 1011: what has begun cannot be taken back.
 */
export class MessageWriter extends Writable {
  /** The opcode of the next fragment, with SEND_PLAIN. */
  #kind: number;
  readonly #plain: number;
  /** In the line of its connection. */
  #isIn = false;
  #hasTurn = false;
  /** A fragment was sent. */
  #hasBegun = false;
  /** `end` was called; and the last fragment was sent. */
  #ends = false;
  #hasEnded = false;
  /** There is nothing to be cut off: the connection closes without it. */
  #abandoned = false;
  /** What is being written. */
  #pieces: Buffer[] = [];
  #done: (error?: Error | null) => void = () => undefined;

  constructor(
    private readonly link: Link,
    { binary = true, compress = true }: WriterOptions = {},
  ) {
    super({ highWaterMark: HIGH_WATER });
    this.#plain = compress ? 0 : SEND_PLAIN;
    this.#kind = binary ? Opcode.BINARY : Opcode.TEXT;
  }

  override _write(chunk: Buffer, _: string, done: (error?: Error | null) => void): void {
    this.#take([chunk], done);
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: string }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#ends = true;
    this.#take([], done);
  }

  #take(pieces: Buffer[], done: (error?: Error | null) => void): void {
    this.#pieces = pieces;
    this.#done = done;
    if (this.#hasTurn) {
      this.#go();
    } else if (!this.#isIn) {
      this.#isIn = true;
      this.link.loop.enter(this.link, this);
    }
  }

  /** It is its turn, see Turnwise. */
  begin(): void {
    this.#hasTurn = true;
    this.#go();
  }

  /** The connection is over, see Turnwise. */
  abandon(): void {
    this.#abandoned = true;
    this.destroy();
  }

  /** Sends as much as may be sent at once, and goes on when that is written. */
  #go(): void {
    const { link } = this;
    const { loop } = link;
    for (let sent = 0; this.#pieces.length > 0 && sent < HIGH_WATER;) {
      const room = loop.room(link);
      // An empty queue takes something, or will never.
      if (room <= 0 && loop.queued(link) > 0) break;
      const piece = this.#piece(Math.max(1, Math.min(room, PIECE_BYTES)));
      sent += piece.length;
      if (!this.#send(SEND_MORE, piece)) return;
    }
    const last = this.#pieces.length === 0 && this.#ends;
    if (last) {
      if (!this.#send(0, Buffer.alloc(0))) return;
      this.#hasEnded = true;
    }
    loop.onWritten(link, (error) => {
      this.#written(error);
    });
    if (last) loop.leave(link, this);
  }

  #written(error?: Error): void {
    if (this.destroyed) return;
    if (error) this.abandon();
    else if (this.#pieces.length > 0) this.#go();
    else this.#done();
  }

  /** The next bytes, as many as one fragment is to have. */
  #piece(most: number): Buffer {
    const [first] = this.#pieces;
    if (first.length > most) {
      this.#pieces[0] = first.subarray(most);
      return first.subarray(0, most);
    }
    let count = 0;
    let bytes = 0;
    while (count < this.#pieces.length && bytes + this.#pieces[count].length <= most) {
      bytes += this.#pieces[count].length;
      count += 1;
    }
    const pieces = this.#pieces.splice(0, count);
    return count === 1 ? first : Buffer.concat(pieces, bytes);
  }

  /** Sends a fragment; whether it was queued. */
  #send(more: number, piece: Buffer): boolean {
    const status = this.link.loop.sendPiece(this.link, this.#kind | this.#plain | more, piece);
    if (status === Sent.OK || status === Sent.BACKPRESSURE) {
      this.#kind = Opcode.CONTINUATION;
      this.#hasBegun = true;
      return true;
    }
    // The connection is closing; or the message cannot go on, and is cut off.
    this.#abandoned = status === ErrorCode.STATE;
    this.destroy();
    return false;
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { link } = this;
    if (this.#isIn && !this.#hasEnded) {
      if (this.#hasBegun && !this.#abandoned) link.loop.cut(link);
      else link.loop.leave(link, this);
    }
    done(error);
  }
}
