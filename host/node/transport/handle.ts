// A TCP handle of a listening one → a transport without a net.Socket: no stream, no events, no
// closures, and the kernel's bytes straight in and out of linear memory.
//
// Whoever asks for the stream gets a net.Socket, made then: it takes the handle over.

import { Socket, type Server as NetServer } from 'node:net';
import { NOWHERE, type Address } from '../address.js';
import { writeTo, type Handle, type Request, type StreamWrap } from './node.js';
import { SocketTransport } from './socket.js';
import { LAST_WRITES_MS, type Receiver, type Streaming, type Transport } from './transport.js';

/** What a net.Server counts, and what is private of its sockets. */
export interface Counting {
  _connections: number;
  _emitCloseIfDrained(): void;
}

/** How far the write side is: FIN went, or is on its way. */
const Side = { OPEN: 0, ENDING: 1, ENDED: 2 } as const;

export class HandleTransport implements Transport {
  destroyed = false;
  #receiver: Receiver | undefined;
  #ingress: Buffer | undefined;
  #side: number = Side.OPEN;
  #reading = false;
  /** Close when the write side is over. */
  #finishing = false;
  #timer: NodeJS.Timeout | undefined;
  /** The peer has ended its side. */
  #ended = false;

  /**
   * @param handle nobody else's
   * @param server counts it
   */
  constructor(
    private readonly wrap: StreamWrap,
    private readonly handle: Handle,
    private readonly server: NetServer,
  ) {
    handle.transport = this;
  }

  get unwritten(): number {
    return this.destroyed ? 0 : this.handle.writeQueueSize;
  }

  start(receiver: Receiver, ingress: Buffer): void {
    this.#receiver = receiver;
    this.#ingress = ingress;
    if (this.destroyed) return;
    this.handle.onread = received;
    this.handle.useUserBuffer(ingress);
  }

  resume(): void {
    if (this.#reading || this.#ended || this.destroyed) return;
    this.#reading = true;
    if (this.handle.readStart() !== 0) this.destroy();
  }

  pause(): void {
    if (!this.#reading || this.destroyed) return;
    this.#reading = false;
    this.handle.readStop();
  }

  /** A read: bytes, the end, or an error. */
  came(bytes: number): void {
    if (bytes > 0) {
      this.#receiver?.read(bytes);
    } else if (bytes === this.wrap.UV_EOF) {
      this.pause();
      this.#ended = true;
      this.#receiver?.ended();
    } else if (bytes < 0) {
      this.destroy();
    }
  }

  /** What the last read was, for `received`. */
  get last(): number {
    return this.wrap.streamBaseState[this.wrap.kReadBytesOrError];
  }

  write(bytes: Buffer): boolean {
    return (
      this.#receiver !== undefined && !this.destroyed && writeTo(this.handle, this.#receiver, bytes)
    );
  }

  writev(pieces: Buffer[]): boolean {
    return (
      this.#receiver !== undefined &&
      !this.destroyed &&
      writeTo(this.handle, this.#receiver, pieces)
    );
  }

  end(): void {
    if (this.#side !== Side.OPEN || this.destroyed) return;
    this.#side = Side.ENDING;
    const request = new this.wrap.ShutdownWrap();
    request.receiver = this.#receiver;
    request.oncomplete = shut;
    // A connection that the peer has reset cannot be ended.
    if (this.handle.shutdown(request) !== 0) this.destroy();
  }

  finish(): void {
    if (this.#finishing) return;
    this.#finishing = true;
    // Both sides are over then: closing says so to the peer, too.
    if (this.#ended && this.#side === Side.OPEN && this.unwritten === 0) {
      this.destroy();
      return;
    }
    this.end();
    if (this.#side === Side.ENDED) this.destroy();
    if (this.unwritten === 0) return;
    this.#timer = setTimeout(() => {
      this.destroy();
    }, LAST_WRITES_MS).unref();
  }

  /** The write side is over. */
  shut(): void {
    this.#side = Side.ENDED;
    if (this.#finishing) this.destroy();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    clearTimeout(this.#timer);
    this.handle.close(closed);
  }

  /** The handle is closed. */
  gone(): void {
    const counting = this.server as unknown as Counting;
    counting._connections -= 1;
    counting._emitCloseIfDrained();
    this.#receiver?.closed();
  }

  peer(): Address {
    const name: Partial<Address> = {};
    if (this.destroyed || this.handle.getpeername?.(name) !== 0) return NOWHERE;
    return { ...NOWHERE, ...name };
  }

  /** Makes the net.Socket. A write that is under way is told to the receiver, as before. */
  toStream(): Streaming {
    const receiver = this.#receiver;
    const ingress = this.#ingress;
    // One that is closing is told to the receiver by its handle.
    if (this.destroyed || !receiver || !ingress) {
      return new SocketTransport(new Socket().destroy(), true);
    }
    return this.#moved(receiver, ingress);
  }

  #moved(receiver: Receiver, ingress: Buffer): SocketTransport {
    const onread = { buffer: ingress, callback: (bytes: number) => transport.came(bytes) };
    const socket = this.toSocket({ onread });
    const transport = new SocketTransport(socket, true, this.#ended);
    transport.start(receiver, ingress);
    if (this.#ended) socket.push(null);
    if (this.#reading || this.#ended) transport.resume();
    if (this.#finishing) transport.finish();
    else if (this.#side !== Side.OPEN) transport.end();
    return transport;
  }

  /** A paused net.Socket to which the handle belongs from now on. */
  toSocket(options?: { onread: { buffer: Buffer; callback: (bytes: number) => boolean } }): Socket {
    const { handle, server } = this;
    clearTimeout(this.#timer);
    // Nothing is left to do for this one.
    this.destroyed = true;
    handle.transport = undefined;
    // `handle` and `pauseOnCreate` are options that Node's types do not know.
    const more = { handle, allowHalfOpen: true, pauseOnCreate: true };
    const socket = new Socket({ ...options, ...more });
    // The server counts its connections by these two.
    return Object.assign(socket, { server, _server: server });
  }
}

/** A connection that has not started yet as a paused net.Socket, for what wants one. */
export function socketOf(connection: Socket | HandleTransport): Socket {
  return connection instanceof HandleTransport ? connection.toSocket() : connection;
}

function received(this: Handle): void {
  const transport = this.transport as HandleTransport;
  transport.came(transport.last);
}

function closed(this: Handle): void {
  (this.transport as HandleTransport).gone();
}

function shut(this: Request): void {
  const transport = this.receiver?.transport;
  if (transport instanceof HandleTransport) transport.shut();
}
