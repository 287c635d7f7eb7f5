// One connection as the socket loop sees it: a transport and the session that speaks for it.

import type { Duplex } from 'node:stream';
import type { Awaited } from './awaited.js';
import type { Line } from './line.js';
import type { SocketLoop } from './loop.js';
import type { Incoming } from './streams.js';
import { Unconnected, type Receiver, type Transport } from './transport/index.js';

/** Handles are less than this: an id is a shard's number and a handle of its core. */
export const SHARD = 2 ** 31;

/** A message that is longer than the core's blocks and is put together in Node's memory. */
export interface Assembly {
  buffer: Buffer;
  length: number;
}

/** A message for which the core had no memory. */
export interface Deferred {
  kind: number;
  data: Buffer;
}

/** Why a connection is not read from: bits. */
export const Held = {
  /** Its application says so. */
  APPLICATION: 1,
  /** Streams are not read. */
  STREAMS: 2,
} as const;

/** What a Close frame says. */
export interface Goodbye {
  code: number;
  reason: string;
}

/**
 * A transport with its session. The face hangs its own object on `owner`. What an idle connection does
 * not need is made when it is needed.
 */
export class Link<Owner = unknown> implements Receiver {
  /** The face's object for this connection. */
  owner: Owner | undefined = undefined;
  /** The path of the request. */
  path = '';
  /** Bytes that were read but not yet taken by the session; the transport is paused meanwhile. */
  stash: Buffer[] | undefined = undefined;
  /** Payloads of limpet_send_external, in the order in which their spans come. */
  payloads: Buffer[] | undefined = undefined;
  /** Messages that wait in Node's memory until the core has some, and their bytes. */
  backlog: Deferred[] | undefined = undefined;
  backlogBytes = 0;
  /** The close handshake that begins behind the backlog. */
  closeLater: Goodbye | undefined = undefined;
  /** Whether what it sends may be compressed: permessage-deflate was agreed on. */
  deflates = false;
  /** Whether it is a client's: what it sends is masked, in linear memory. RFC 6455 5.1. */
  isClient = false;
  /** Whether messages that come in chunks are handed out so, see Handlers.chunk. */
  streams = false;
  /** Messages that come as streams. */
  incoming: Incoming<Owner> | undefined = undefined;
  /** What waits behind a message that is written as a stream. */
  line: Line | undefined = undefined;
  /** Why it is not read from: bits of Held. */
  held = 0;
  /** Bytes handed to the transport whose write has not ended; 0 = none. */
  writing = 0;
  /** Who waits until what was sent has left. */
  awaited: Awaited | undefined = undefined;
  /** The streamed message under way. */
  assembly: Assembly | undefined = undefined;
  /** The close reason, told by CLOSING and handed out with CLOSED. */
  reason = '';
  /** Client: gives the next frame's masking key to the core; called behind each frame. */
  rekey: (() => void) | undefined = undefined;
  /** The peer has ended its side while its request waits for an answer. */
  halfClosed = false;
  /** Whether the transport was asked to end its write side. */
  hasEnded = false;
  /** The remote address that it counts for, where shards count. */
  countedAs: string | undefined = undefined;
  /** The same, where workers count. */
  admittedAs: string | undefined = undefined;

  constructor(
    readonly loop: SocketLoop<Owner>,
    public transport: Transport,
    /** Its session in the loop's core. */
    readonly handle: number,
    /** Its number in the loop, the session's user-data word. */
    readonly index: number,
  ) {}

  /** A number that no other connection of the server has at the same time. */
  get id(): number {
    return this.loop.shard * SHARD + this.handle;
  }

  /** The transport as a stream, made when it is first asked for. Throws for a client before `join`. */
  get stream(): Duplex {
    const streaming = this.transport.toStream();
    this.transport = streaming;
    return streaming.stream;
  }

  /** The head of a client's request, to be sent by whoever makes its connection; '' behind `join`. */
  head(): string {
    return this.transport instanceof Unconnected ? this.transport.head : '';
  }

  // -------------------------------------------------- what the transport tells

  read(bytes: number): void {
    this.loop.received(this, bytes);
  }

  data(chunk: Buffer): void {
    this.loop.fed(this, chunk);
  }

  ended(): void {
    this.loop.ended(this);
  }

  written(): void {
    this.loop.written(this);
  }

  closed(): void {
    this.loop.closed(this);
  }
}
