// One connection as the socket loop sees it: a transport and the session that speaks for it.

import type { Duplex } from 'node:stream';
import type { SocketLoop } from './loop.js';
import type { Sink } from './transport.js';

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

/** What a Close frame says. */
export interface Goodbye {
  code: number;
  reason: string;
}

/** Called when bytes are written, or with why they were not. */
export type Written = (error?: Error) => void;

/** Who waits until what was sent is written. Made when somebody does. */
export class Awaited {
  /** Bytes written since. */
  done = 0;
  /** Callbacks, and how many bytes have to be written before each. */
  readonly list: { until: number; callback: Written }[] = [];
}

/** A transport with its session. The face hangs its own object on `owner`. */
export class Link<Owner = unknown> {
  /** The face's object for this connection. */
  owner: Owner | undefined = undefined;
  /** Bytes that were read but not yet taken by the session; the transport is paused meanwhile. */
  readonly stash: Buffer[] = [];
  /** The path of the request. */
  path = '';
  /** Payloads of limpet_send_external, in the order in which their spans come. */
  readonly payloads: Buffer[] = [];
  /** Messages that wait in Node's memory until the core has some, and their bytes. */
  readonly backlog: Deferred[] = [];
  backlogBytes = 0;
  /** The close handshake that begins behind the backlog. */
  closeLater: Goodbye | undefined = undefined;
  /** Whether what it sends may be compressed: permessage-deflate was agreed on. */
  deflates = false;
  /** Bytes handed to the transport whose write has not ended; 0 = none. */
  writing = 0;
  /** Who waits until what was sent is written. */
  awaited: Awaited | undefined = undefined;
  /** The streamed message under way. */
  assembly: Assembly | undefined = undefined;
  /** The close reason, told by CLOSING and handed out with CLOSED. */
  reason = '';
  /** Where its bytes go past the stream, if they may. */
  sink: Sink | undefined = undefined;
  /** Called when a write of the transport has ended; made by the loop. */
  written: () => void = () => undefined;
  /** The peer has ended its side while its request waits for an answer. */
  halfClosed = false;
  /** Whether the host asked the transport to end its write side. */
  ended = false;
  /** The remote address that it counts for, where shards count. */
  countedAs: string | undefined = undefined;
  /** The same, where workers count. */
  admittedAs: string | undefined = undefined;

  constructor(
    readonly loop: SocketLoop<Owner>,
    readonly transport: Duplex,
    /** Its session in the loop's core. */
    readonly handle: number,
    /** Its number in the loop, the session's user-data word. */
    readonly index: number,
  ) {}

  /** A number that no other connection of the server has at the same time. */
  get id(): number {
    return this.loop.shard * SHARD + this.handle;
  }
}
