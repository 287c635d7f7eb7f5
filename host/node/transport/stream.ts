// Any Duplex of bytes → a transport, by its public events and methods.

import type { Duplex } from 'node:stream';
import { transportAddress, type Address } from '../address.js';
import { LAST_WRITES_MS, type Receiver, type Streaming } from './transport.js';

/** Where a stream keeps its transport, so that its listeners need not be made for each. */
const TRANSPORT = Symbol('transport');

interface Owned extends Duplex {
  [TRANSPORT]?: StreamTransport;
}

export class StreamTransport implements Streaming {
  receiver!: Receiver;
  /** For those that can read into it. */
  protected ingress!: Buffer;
  /** Called when a write has ended; made for the first one that takes its time. */
  #written: ((error?: Error | null) => void) | undefined;
  /** A write is under way whose end is to be told. */
  #awaits = false;
  #listens = false;
  #finishing = false;
  protected paused = true;

  /**
   * @param knowsEnd the receiver knows already that the peer has ended its side
   * @throws TypeError for a stream that is none of bytes
   */
  constructor(
    readonly stream: Duplex,
    private knowsEnd = false,
  ) {
    const { readableObjectMode, writableObjectMode, readableEncoding } = stream;
    if (readableObjectMode || writableObjectMode || readableEncoding) {
      throw new TypeError('a connection is a stream of bytes, neither of objects nor of text');
    }
  }

  get destroyed(): boolean {
    return this.stream.destroyed;
  }

  get unwritten(): number {
    return this.stream.writableLength;
  }

  start(receiver: Receiver, ingress: Buffer): void {
    const stream: Owned = this.stream;
    this.receiver = receiver;
    this.ingress = ingress;
    stream[TRANSPORT] = this;
    stream.on('end', ended).on('error', failed).on('close', closed);
    // What is over already tells nothing any more.
    if (stream.closed) process.nextTick(closed.bind(stream));
    else if (stream.readableEnded) process.nextTick(ended.bind(stream));
  }

  resume(): void {
    this.paused = false;
    if (!this.#listens) {
      this.#listens = true;
      this.listen();
    }
    // What it had before may have been enough.
    if (!this.paused && !this.stream.destroyed) this.stream.resume();
  }

  /** Before the first bytes flow. */
  protected listen(): void {
    this.stream.on('data', came);
  }

  pause(): void {
    this.paused = true;
    this.stream.pause();
  }

  write(bytes: Buffer): boolean {
    this.stream.write(bytes, this.#callback());
    return this.#hasLeft();
  }

  writev(pieces: Buffer[]): boolean {
    const { stream } = this;
    const last = pieces.length - 1;
    stream.cork();
    for (let i = 0; i < last; i++) stream.write(pieces[i]);
    stream.write(pieces[last], this.#callback());
    stream.uncork();
    return this.#hasLeft();
  }

  #callback(): (error?: Error | null) => void {
    return (this.#written ??= (error) => {
      if (error || !this.#awaits || this.stream.writableLength > 0) return;
      this.#awaits = false;
      this.receiver.written();
    });
  }

  #hasLeft(): boolean {
    this.#awaits = this.stream.writableLength > 0 || this.stream.destroyed;
    return !this.#awaits;
  }

  hasEnded(): void {
    if (!this.knowsEnd) this.receiver.ended();
    this.knowsEnd = true;
  }

  end(): void {
    if (this.stream.writable) this.stream.end();
  }

  finish(): void {
    const { stream } = this;
    if (this.#finishing) return;
    this.#finishing = true;
    if (stream.writableFinished || (!stream.writable && !stream.writableEnded)) {
      stream.destroy();
      return;
    }
    const destroy = () => stream.destroy();
    const timer = setTimeout(destroy, LAST_WRITES_MS).unref();
    stream.once('finish', destroy).once('close', () => {
      clearTimeout(timer);
    });
    this.end();
  }

  destroy(): void {
    this.stream.destroy();
  }

  peer(): Address {
    return transportAddress(this.stream);
  }

  toStream(): this {
    return this;
  }

  release(rest: readonly Buffer[]): Duplex {
    const stream: Owned = this.stream;
    this.pause();
    stream.off('data', came).off('end', ended).off('error', failed).off('close', closed);
    stream[TRANSPORT] = undefined;
    if (!stream.readableEnded && rest.length > 0) stream.unshift(Buffer.concat(rest));
    return stream;
  }
}

function came(this: Owned, chunk: Buffer): void {
  this[TRANSPORT]?.receiver.data(chunk);
}

function ended(this: Owned): void {
  this[TRANSPORT]?.hasEnded();
}

/** A stream that fails closes, if not by itself: that is told, and nothing more is known. */
function failed(this: Owned): void {
  this.destroy();
}

function closed(this: Owned): void {
  this[TRANSPORT]?.receiver.closed();
}
