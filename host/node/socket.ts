// A session as an application sees it.

import {
  ErrorCode,
  Opcode,
  Option,
  Part,
  SEND_MORE,
  SEND_PLAIN,
  SessionInfo,
  State,
  Sent,
} from '../../build/limpet.abi.js';
import { LimpetError } from '../core/core.js';
import { NOWHERE, type Address } from './address.js';
import { fields, whole } from './checks.js';
import { headerOf, partOf } from './head.js';
import type { Link } from './link.js';
import type { SocketLoop } from './loop.js';
import { Metadata } from './metadata.js';
import type { Published } from './outbox.js';
import type { Heartbeat } from './policies.js';
import { Prepared } from './prepared.js';
import type { Shards } from './shards.js';
import {
  MessageWriter,
  streamOver,
  streamsOver,
  type Told,
  type WriterOptions,
} from './streams.js';
import { isSecure, tlsInfo, type TlsInfo } from './tls.js';

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

/** How a message is published. */
export type PublishOptions = Pick<SendOptions, 'binary' | 'compress'>;

/** Round-trip times of heartbeats, ms. */
export interface RoundTrip {
  last: number;
  least: number;
  most: number;
  /** Smoothed over the last ones. RFC 6298 2. */
  smoothed: number;
}

/** What keeps a connection alive, ms; what is left out stays as it is. */
export interface KeepAlive {
  pingInterval?: number;
  pongTimeout?: number;
  idleTimeout?: number;
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
  /** The keys and values that the core keeps for this connection; broadcasts can select by them. */
  readonly metadata: Metadata;
  readonly #loop: SocketLoop<Socket>;
  readonly #link: Link<Socket>;
  #fragmented = false;
  /** SEND_PLAIN of the message whose fragments are being sent. */
  #plain = 0;

  constructor(
    private readonly shards: Shards<Socket>,
    link: Link<Socket>,
    private readonly told: Told<Socket>,
    /** The subprotocol that was chosen, or ''. */
    readonly protocol: string,
    /** Who the client is: what the option `authenticate` found. */
    readonly user: unknown = undefined,
    private readonly address: Address = NOWHERE,
  ) {
    const { loop } = link;
    this.#loop = loop;
    this.#link = link;
    this.metadata = new Metadata(loop.core, loop.memory, link.handle);
  }

  /** The client's address, '' when it is not known; a trusted proxy's word counts. */
  get remoteAddress(): string {
    return this.address.address;
  }

  /** The client's port, 0 when it is not known. */
  get remotePort(): number {
    return this.address.port;
  }

  get remoteFamily(): 'IPv4' | 'IPv6' | '' {
    return this.address.family;
  }

  /** Whether it is under TLS. */
  get isSecure(): boolean {
    return isSecure(this.#link.transport);
  }

  /** Protocol, cipher suite, host name and the client's certificate; undefined without TLS, or when it is closed. */
  get tls(): TlsInfo | undefined {
    return tlsInfo(this.#link.transport);
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
    return this.#link.id;
  }

  /**
   * Sends a message, a fragment of one, or what Server.prepare returned (whose kind was said there). It
   * leaves when this turn of the event loop ends, in one
   * write with all others of this connection. Bytes must not change until then.
   *
   * @returns SendStatus.OK, or BACKPRESSURE when more waits than the high-water mark (a 'drain'
   *   follows); DROPPED by policy; or an ErrorCode below 0, and nothing was sent: STATE when the
   *   connection is not open, FULL when its queue is, MEMORY when the core's is
   * @throws TypeError when `data` is none of the types it may be, or was freed
   */
  send(
    data: Data | Prepared,
    { binary = typeof data !== 'string', fin = true, compress = true }: SendOptions = {},
  ): Sent | ErrorCode {
    if (data instanceof Prepared) return this.#loop.sendPrepared(this.#link, data);
    let kind: number = binary ? Opcode.BINARY : Opcode.TEXT;
    if (this.#fragmented) kind = Opcode.CONTINUATION;
    else this.#plain = compress ? 0 : SEND_PLAIN;
    kind |= this.#plain | (fin ? 0 : SEND_MORE);
    const status = this.#loop.send(this.#link, kind, payload(data));
    if (status === Sent.OK || status === Sent.BACKPRESSURE) this.#fragmented = !fin;
    return status;
  }

  /**
   * Sends a message of any length, as it is written: fragments, no faster than the peer takes them. It
   * begins with its first bytes. Other messages that are sent before it has ended wait behind it, and
   * so does `close`. To destroy it before closes the connection with 1011; a connection that is over
   * closes the stream without an error.
   *
   * @throws LimpetError STATE when the connection is not open, or `send` has begun a message with
   *   `fin: false`
   */
  sendStream(options: WriterOptions = {}): MessageWriter {
    if (this.#fragmented || !this.isOpen) {
      throw new LimpetError('sending a stream', ErrorCode.STATE);
    }
    return new MessageWriter(this.#link, options);
  }

  /**
   * Which messages come as streams from the next one on: all (true), none (false), or those of more
   * than so many bytes. Throws TypeError or RangeError.
   */
  setStreamMessages(which: boolean | number): void {
    streamOver(this.#link, this.told, streamsOver(which));
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

  // ------------------------------------------------------------------ topics

  /**
   * Joins the room of a topic, or of a pattern of topics: `+` stands for one level, `#` at the end
   * for any rest. MQTT 5 4.7.
   *
   * @returns whether it was not in; false, too, when the connection is not open
   * @throws LimpetError VALUE for what is no topic, ROOMS or MEMBERSHIPS when the core has no more
   */
  subscribe(topic: string): boolean {
    return this.#loop.hub.subscribe(this.#link.handle, topic);
  }

  /** Leaves a room; whether it was in. A connection that closes leaves them all. */
  unsubscribe(topic: string): boolean {
    return this.#loop.hub.unsubscribe(this.#link.handle, topic);
  }

  isSubscribed(topic: string): boolean {
    return this.#loop.hub.isSubscribed(this.#link.handle, topic);
  }

  /** The topics and patterns that it subscribed to. */
  topics(): string[] {
    return this.#loop.hub.topics(this.#link.handle);
  }

  /** Publishes to all whom a topic reaches but this connection, see Server.publish. */
  publish(topic: string, data: Data, options: PublishOptions = {}): Published {
    return publish(this.shards, topic, data, options, this.#link);
  }

  // ----------------------------------------------------------------- request

  /** The path of its request; '' unless the option `keepRequest` is set. So are the others. */
  get path(): string {
    return partOf(this.#loop.core, this.#link.handle, Part.PATH);
  }

  /** What followed the first `?`. */
  get query(): string {
    return partOf(this.#loop.core, this.#link.handle, Part.QUERY);
  }

  /** The Host header. */
  get host(): string {
    return partOf(this.#loop.core, this.#link.handle, Part.HOST);
  }

  /** The Origin header, or ''. RFC 6454 7. */
  get origin(): string {
    return partOf(this.#loop.core, this.#link.handle, Part.ORIGIN);
  }

  /** The first header field of a name, of those that were kept. */
  header(name: string): string | undefined {
    const { core, memory } = this.#loop;
    return headerOf(core, memory, this.#link.handle, name, 'limpet_header');
  }

  /** A cookie. RFC 6265 4.2. */
  cookie(name: string): string | undefined {
    const { core, memory } = this.#loop;
    return headerOf(core, memory, this.#link.handle, name, 'limpet_cookie');
  }

  // --------------------------------------------------------------- keepalive

  /** Round-trip times of its heartbeats; undefined before the first one was answered. */
  get rtt(): RoundTrip | undefined {
    const { exports, view } = this.#loop.core;
    const info = exports.limpet_session_info(this.#link.handle);
    const u32 = (offset: number) => view.getUint32(info + offset, true);
    if (info < 0 || u32(SessionInfo.heartbeatsAnswered) === 0) return undefined;
    return {
      last: u32(SessionInfo.rttLast),
      least: u32(SessionInfo.rttLeast),
      most: u32(SessionInfo.rttMost),
      smoothed: u32(SessionInfo.rttSmoothed),
    };
  }

  /**
   * Heartbeats of its own, instead of the server's.
   *
   * @throws TypeError or RangeError; LimpetError when the profile has no heartbeats
   */
  setHeartbeat(heartbeat: Heartbeat): void {
    fields('heartbeat', heartbeat, ['interval', 'timeout']);
    const { interval, timeout } = heartbeat;
    this.#set('heartbeat.interval', Option.HEARTBEAT_MS, whole('heartbeat.interval', interval));
    this.#set('heartbeat.timeout', Option.HEARTBEAT_TIMEOUT_MS, timeout);
  }

  /** Times of its own, instead of the server's. Throws TypeError or RangeError. */
  setKeepAlive(keepAlive: KeepAlive): void {
    fields('keepAlive', keepAlive, ['pingInterval', 'pongTimeout', 'idleTimeout']);
    this.#set('pingInterval', Option.PING_MS, keepAlive.pingInterval);
    this.#set('pongTimeout', Option.PONG_MS, keepAlive.pongTimeout);
    this.#set('idleTimeout', Option.IDLE_MS, keepAlive.idleTimeout);
  }

  #set(name: string, option: Option, value: number | undefined): void {
    if (value === undefined) return;
    const { core } = this.#loop;
    const answer = core.exports.limpet_option_set(this.#link.handle, option, whole(name, value));
    // A connection that is gone needs no keeping.
    if (answer !== (ErrorCode.HANDLE as number)) core.check(name, answer);
    this.#loop.schedule();
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
    const { backlogBytes, line } = this.#link;
    const u64 = (offset: number) => Number(view.getBigUint64(info + offset, true));
    return {
      messagesIn: u64(SessionInfo.messagesIn),
      messagesOut: u64(SessionInfo.messagesOut),
      bytesIn: u64(SessionInfo.bytesIn),
      bytesOut: u64(SessionInfo.bytesOut),
      openedAt: u64(SessionInfo.openedAt),
      activeAt: u64(SessionInfo.activeAt),
      queued: view.getUint32(info + SessionInfo.queued, true) + backlogBytes + (line?.bytes ?? 0),
    };
  }
}

/** Publishes for a server, or for one of its connections, which is left out then. */
export function publish(
  shards: Shards<Socket>,
  topic: string,
  data: Data,
  options: PublishOptions,
  except?: Link<Socket>,
): Published {
  return shards.publish(topic, wholeKind(data, options), payload(data), except);
}

/** The kind of a whole message. */
export function wholeKind(
  data: Data,
  { binary = typeof data !== 'string', compress = true }: PublishOptions,
): number {
  return (binary ? Opcode.BINARY : Opcode.TEXT) | (compress ? 0 : SEND_PLAIN);
}

/** What is sent, as the loop takes it. Throws TypeError for data that is none of the types it may be. */
export function payload(data: Data): string | Uint8Array {
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data))
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw new TypeError('a message is a string, an ArrayBuffer or a view of one');
}
