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
  /** Writes with that callback, how many of them have ended, and which one's end is to be told. */
  #writes = 0;
  #ends = 0;
  #awaited = 0;
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
    this.readBuffered();
    // What it had before may have been enough.
    if (!this.paused && !this.stream.destroyed) this.stream.resume();
  }

  /** Before the first bytes flow. */
  protected listen(): void {
    this.stream.on('data', came);
  }

  /** Before it flows on: takes what would not flow. */
  protected readBuffered(): void {
    // The 'data' event brings all there is.
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

  /** The callback of the next write: writes end in their order. */
  #callback(): (error?: Error | null) => void {
    this.#writes += 1;
    return (this.#written ??= (error) => {
      this.#ends += 1;
      if (!error && this.#ends === this.#awaited) this.receiver.written();
    });
  }

  #hasLeft(): boolean {
    if (this.stream.writableLength === 0 && !this.stream.destroyed) return true;
    this.#awaited = this.#writes;
    return false;
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
