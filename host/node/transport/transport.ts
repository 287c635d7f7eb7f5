// What the socket loop asks of a connection, whatever it is made of, and what a connection tells.
//
//   node.ts     what is known of Node's private interface, if it is as it is known
//   handle.ts   a TCP connection that never becomes a net.Socket, unless somebody asks for one
//   stream.ts   any Duplex of bytes, by its public events and methods
//   socket.ts   a net.Socket or TLSSocket, past its streams where that is possible
//   listen.ts   a net.Server's connections, as handles where that is possible

import type { Duplex } from 'node:stream';
import type { Address } from '../address.js';

/** How long the last writes may take, ms: a peer that does not read would keep them for ever. */
export const LAST_WRITES_MS = 10_000;

/** Who is told what happens to a connection. A method each: no connection has closures of its own. */
export interface Receiver {
  /** The connection; it is another one once its stream was asked for. */
  transport: Transport;
  /** So many bytes of a read lie in the ingress region. */
  read(bytes: number): void;
  /** Bytes came that lie in Node's memory. */
  data(chunk: Buffer): void;
  /** The peer has ended its side. */
  ended(): void;
  /** All that was written has left, after a write that did not at once. */
  written(): void;
  /** The connection is gone; nothing follows. */
  closed(): void;
}

/** A connection. Bytes that are written have to stay as they are until they have left. */
export interface Transport {
  /** Its stream, if it has one. */
  readonly stream?: Duplex;
  /** Whether it is closed, or about to be. */
  readonly destroyed: boolean;
  /** Bytes that were written and have not left yet. */
  readonly unwritten: number;
  /**
   * Comes before all else.
   *
   * @param ingress where reads may go, shared by all connections of a loop
   */
  start(receiver: Receiver, ingress: Buffer): void;
  /** Begins to read, or reads on. */
  resume(): void;
  /** Stops reading. */
  pause(): void;
  /** Writes bytes; returns whether they have left already. If not, `written` or `closed` follows. */
  write(bytes: Buffer): boolean;
  /** Writes several pieces, in one system call where it can. The array is the caller's again. */
  writev(pieces: Buffer[]): boolean;
  /** Ends the write side, behind what was written. */
  end(): void;
  /** Ends the write side, and closes once all has left, or LAST_WRITES_MS have passed. */
  finish(): void;
  /** Closes at once. */
  destroy(): void;
  /** Where the peer is. */
  peer(): Address;
  /** The same connection with a stream that others may use, too. */
  toStream(): Streaming;
}

/** A connection that has a stream. */
export interface Streaming extends Transport {
  readonly stream: Duplex;
  /** Gives the stream up: it reads and tells as it did before, and `rest` is what it has first. */
  release(rest: readonly Buffer[]): Duplex;
}
