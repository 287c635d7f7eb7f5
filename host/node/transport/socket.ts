// A net.Socket or TLSSocket → a transport whose reads go straight into linear memory and whose writes
// go past the stream. The socket stays what it is for whoever else holds it.
//
// Node gives a socket a buffer of its owner's (`onread`) only while it constructs it. What it keeps
// then are two symbols and a call of the handle's: they are set here for a socket that something else
// accepted. Where they are not as they are known, what is public is used: the 'data' event, `write`.

import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isHandle, streamWrap, writeTo, type Handle } from './node.js';
import { StreamTransport } from './stream.js';
import type { Receiver } from './transport.js';

/** What is private of a socket. */
interface Internals {
  _handle?: unknown;
}

/** The symbols under which a socket has its buffer, what is called for a read, and what makes buffers. */
interface ReadSymbols {
  buffer: symbol;
  callback: symbol;
  generator: symbol;
}

/** undefined: not looked for yet; false: not there. */
let readSymbols: ReadSymbols | false | undefined;

function findReadSymbols(): ReadSymbols | false {
  const symbols = Object.getOwnPropertySymbols(new Socket());
  const named = (name: string) => symbols.find(({ description }) => description === name);
  const [buffer, callback, generator] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map(named);
  return buffer && callback && generator ? { buffer, callback, generator } : false;
}

/** Handles that read into a buffer of ours; and those to which others may write meanwhile, too. */
const READS = ['TCP', 'Pipe', 'TLSWrap'];
const WRITES = ['TCP', 'Pipe'];

export class SocketTransport extends StreamTransport {
  readonly #socket: Socket;
  #direct: boolean;
  #sink: Handle | undefined;
  #released = false;

  /** @param direct the socket was constructed to read into the ingress region and to call `came` */
  constructor(socket: Socket, direct = false, knowsEnd = false) {
    super(socket, knowsEnd);
    this.#socket = socket;
    this.#direct = direct;
  }

  override start(receiver: Receiver, ingress: Buffer): void {
    super.start(receiver, ingress);
    const socket = this.#socket;
    const handle = (socket as Internals)._handle;
    if (streamWrap && isHandle(handle, WRITES)) this.#sink = handle;
    if (this.#direct) return;
    // Times are the core's to keep, and frames leave when they are written.
    socket.setTimeout(0);
    socket.setNoDelay(true);
  }

  protected override listen(): void {
    this.#direct ||= this.#readDirectly();
    if (!this.#direct) super.listen();
  }

  protected override readBuffered(): void {
    while (this.#direct && !this.paused && this.#socket.readableLength > 0) {
      const chunk = this.#socket.read() as Buffer | null;
      if (!chunk) return;
      this.receiver.data(chunk);
    }
  }

  /** Lets reads go into the ingress region; whether this Node lets it be done. */
  #readDirectly(): boolean {
    const handle = (this.#socket as Internals)._handle;
    readSymbols ??= findReadSymbols();
    if (!readSymbols || this.#socket.connecting || !isHandle(handle, READS)) return false;
    const own = this.#socket as unknown as Record<symbol, unknown>;
    own[readSymbols.buffer] = this.ingress;
    own[readSymbols.callback] = (bytes: number) => this.came(bytes);
    own[readSymbols.generator] = null;
    handle.useUserBuffer(this.ingress);
    return true;
  }

  /** So many bytes lie in the ingress region; returns whether to read on. */
  came(bytes: number): boolean {
    if (this.#released) return this.#socket.push(Buffer.from(this.ingress.subarray(0, bytes)));
    this.receiver.read(bytes);
    return true;
  }

  override get unwritten(): number {
    if (!this.#sink || this.destroyed) return super.unwritten;
    return Math.max(super.unwritten, this.#sink.writeQueueSize);
  }

  override write(bytes: Buffer): boolean {
    if (this.#sink && this.#isFree()) return writeTo(this.#sink, this.receiver, bytes);
    return super.write(bytes);
  }

  override writev(pieces: Buffer[]): boolean {
    if (this.#sink && this.#isFree()) return writeTo(this.#sink, this.receiver, pieces);
    return super.writev(pieces);
  }

  /** Whether nothing that others wrote has to go first. */
  #isFree(): boolean {
    return this.#socket.writableLength === 0 && this.#socket.writable;
  }

  override release(rest: readonly Buffer[]): Duplex {
    this.#released = true;
    return super.release(rest);
  }
}
