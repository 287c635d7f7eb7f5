// A session as an application sees it.

import {
  ErrorCode,
  Opcode,
  SEND_MORE,
  SEND_PLAIN,
  SessionInfo,
  State,
  Sent,
} from '../../build/limpet.abi.js';
import type { Link } from './link.js';
import type { SocketLoop } from './loop.js';

/** What can be sent: text, or bytes. */
export type Data = string | ArrayBuffer | ArrayBufferView;

export interface SendOptions {
  /** Whether it is a binary message; by default text is text and bytes are binary. */
  binary?: boolean;
  /** false: this is a fragment, and more of the same message follow. RFC 6455 5.4. */
  fin?: boolean;
  /** false: the message goes as it is, though permessage-deflate was agreed on. RFC 7692 6. */
  compress?: boolean;
}

/** Counters of a connection; times in milliseconds of `performance.now()`. */
export interface SocketStats {
  messagesIn: number;
  messagesOut: number;
  bytesIn: number;
  bytesOut: number;
  openedAt: number;
  activeAt: number;
  /** Bytes that wait to be written. */
  queued: number;
}

const NO_STATS: SocketStats = {
  messagesIn: 0,
  messagesOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  openedAt: 0,
  activeAt: 0,
  queued: 0,
};

/** One open WebSocket connection. */
export class Socket {
  /** Yours: whatever belongs to this connection. */
  data: unknown = undefined;
  readonly #loop: SocketLoop<Socket>;
  readonly #link: Link<Socket>;
  #fragmented = false;
  /** SEND_PLAIN of the message whose fragments are being sent. */
  #plain = 0;

  constructor(
    loop: SocketLoop<Socket>,
    link: Link<Socket>,
    /** The subprotocol that was chosen, or ''. */
    readonly protocol: string,
    /** The peer's address, '' when the transport has none. */
    readonly remoteAddress: string,
  ) {
    this.#loop = loop;
    this.#link = link;
  }

  /** The extension that was agreed on, 'permessage-deflate', or ''. RFC 7692. */
  get extensions(): string {
    const info = this.#loop.core.exports.limpet_session_info(this.#link.handle);
    return info > 0 && this.#loop.core.u8[info + SessionInfo.deflateIn] > 0
      ? 'permessage-deflate'
      : '';
  }

  /** A number that no other connection of this server has at the same time. */
  get id(): number {
    return this.#link.handle;
  }

  /**
   * Sends a message, or a fragment of one. It leaves when this turn of the event loop ends, in one
   * write with all others of this connection. Bytes must not change until then.
   *
   * @returns SendStatus.OK, or BACKPRESSURE when more waits than the high-water mark (a 'drain'
   *   follows); DROPPED by policy; or an ErrorCode below 0, and nothing was sent: STATE when the
   *   connection is not open, FULL when its queue is, MEMORY when the core's is
   * @throws TypeError when `data` is none of the types it may be
   */
  send(
    data: Data,
    { binary = typeof data !== 'string', fin = true, compress = true }: SendOptions = {},
  ): Sent | ErrorCode {
    let kind: number = binary ? Opcode.BINARY : Opcode.TEXT;
    if (this.#fragmented) kind = Opcode.CONTINUATION;
    else this.#plain = compress ? 0 : SEND_PLAIN;
    kind |= this.#plain | (fin ? 0 : SEND_MORE);
    const status = this.#loop.send(this.#link, kind, payload(data));
    if (status === Sent.OK || status === Sent.BACKPRESSURE) this.#fragmented = !fin;
    return status;
  }

  /** Sends a ping of at most 125 bytes; the answer is a 'pong' event. */
  ping(data: Data = ''): Sent | ErrorCode {
    return this.#loop.send(this.#link, Opcode.PING, payload(data));
  }

  /** Sends an unsolicited pong of at most 125 bytes. RFC 6455 5.5.3. */
  pong(data: Data = ''): Sent | ErrorCode {
    return this.#loop.send(this.#link, Opcode.PONG, payload(data));
  }

  /**
   * Begins the close handshake; what was sent before goes first. A connection that is not open any
   * more stays as it is.
   *
   * @param code 1000-1003, 1007-1014 or 3000-4999; 0 for none
   * @param reason at most 123 bytes of UTF-8
   * @throws RangeError for a code or reason that may not be sent
   */
  close(code = 1000, reason = ''): void {
    const answer = this.#loop.close(this.#link, code, reason);
    if (answer === ErrorCode.VALUE) {
      throw new RangeError(`${String(code)} is no close code that may be sent`);
    }
    if (answer === ErrorCode.ARGUMENT) {
      throw new RangeError('a close reason has at most 123 bytes, and needs a code');
    }
  }

  /** Destroys the connection at once. */
  terminate(): void {
    this.#loop.terminate(this.#link);
  }

  /** Stops reading: the peer is held back by TCP. */
  pause(): void {
    this.#loop.setPaused(this.#link, true);
  }

  /** Reads on. */
  resume(): void {
    this.#loop.setPaused(this.#link, false);
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    const info = this.#loop.core.exports.limpet_session_info(this.#link.handle);
    if (this.#link.closeLater) return false;
    return info > 0 && this.#loop.core.u8[info + SessionInfo.state] === State.OPEN;
  }

  /** Bytes that wait to be written. */
  get bufferedAmount(): number {
    return this.stats().queued;
  }

  /** What this connection has done so far; zeros when it is closed. */
  stats(): SocketStats {
    const { exports, view } = this.#loop.core;
    const info = exports.limpet_session_info(this.#link.handle);
    if (info < 0) return NO_STATS;
    const u64 = (offset: number) => Number(view.getBigUint64(info + offset, true));
    return {
      messagesIn: u64(SessionInfo.messagesIn),
      messagesOut: u64(SessionInfo.messagesOut),
      bytesIn: u64(SessionInfo.bytesIn),
      bytesOut: u64(SessionInfo.bytesOut),
      openedAt: u64(SessionInfo.openedAt),
      activeAt: u64(SessionInfo.activeAt),
      queued: view.getUint32(info + SessionInfo.queued, true) + this.#link.backlogBytes,
    };
  }
}

/** What is sent, as the loop takes it. Throws TypeError for data that is none of the types it may be. */
export function payload(data: Data): string | Uint8Array {
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError('a message is a string, an ArrayBuffer or a view of one');
}
