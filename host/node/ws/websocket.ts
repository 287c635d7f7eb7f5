// The class WebSocket, both roles: an EventEmitter and an EventTarget over one link of the loop.
//
//   CONNECTING ─► OPEN ─► CLOSING ─► CLOSED      handlers.ts tells what the peer does
//
// An idle connection is this object, its link and the core's record: what few connections use is
// made when it is used (rare.ts).

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ErrorCode, Opcode, SEND_MORE, SEND_PLAIN, Sent } from '../../../build/limpet.abi.js';
import { sessionAddress } from '../address.js';
import type { Link } from '../link.js';
import type { Published } from '../outbox.js';
import { Prepared } from '../prepared.js';
import type { Shards } from '../shards.js';
import {
  MessageWriter,
  streamOver,
  streamsOver,
  type MessageReader,
  type WriterOptions,
} from '../streams.js';
import { payload, wholeKind, type Data } from '../socket.js';
import { connect, type ClientOptions } from './client.js';
import { bytesOf, checkClose, checkControl, checkMask, lengthOf, type BufferLike } from './data.js';
import { notOpen, notSent } from './errors.js';
import {
  addHandler,
  getAttribute,
  isEventName,
  removeHandler,
  setAttribute,
  type EventListener,
  type EventListenerOptions,
  type EventName,
  type WebSocketEventMap,
} from './events.js';
import { streamsOf } from './messages.js';
import type { Opening } from './opening.js';
import { Rare } from './rare.js';
import { SendQueue } from './send-queue.js';
import { Emitter } from './typed.js';

/** What a link's owner is: the connection, or a server's opening handshake of it. */
export type Peer = WebSocket | Opening;

/** How binary messages are given out. */
export type BinaryType = 'nodebuffer' | 'arraybuffer' | 'fragments' | 'blob';

/** A message as 'message' gives it out. */
export type RawData = Buffer | ArrayBuffer | Buffer[] | Blob;

export interface SendOptions {
  /** Whether it is a binary message; by default strings are text and all else is binary. */
  binary?: boolean | undefined;
  /** false: the message goes as it is, though permessage-deflate was agreed on. */
  compress?: boolean | undefined;
  /** false: this is a fragment, and more of the same message follow. RFC 6455 5.4. */
  fin?: boolean | undefined;
  /** What RFC 6455 5.1 says for the role, and nothing else: true for clients, false for servers. */
  mask?: boolean | undefined;
}

/** Called when a message was written, or with why it was not. */
export type SendCallback = (error?: Error) => void;

/** Events of a WebSocket, with what their listeners get. */
export interface WebSocketEvents {
  open: [];
  message: [data: RawData, isBinary: boolean];
  /** A message comes that is not told whole, see setStreamMessages. It has to be read. */
  stream: [stream: MessageReader, isBinary: boolean];
  ping: [data: Buffer];
  pong: [data: Buffer];
  /** The queue for which `send` answered BACKPRESSURE has shrunk. */
  drain: [];
  /** A heartbeat was answered, after so many milliseconds. */
  heartbeat: [rtt: number];
  close: [code: number, reason: Buffer];
  error: [error: Error];
  /** Client: the response came. */
  upgrade: [response: IncomingMessage];
  'unexpected-response': [request: ClientRequest, response: IncomingMessage];
  redirect: [url: string, request: ClientRequest];
}

export const CONNECTING = 0;
export const OPEN = 1;
export const CLOSING = 2;
export const CLOSED = 3;

/** @internal An event: the peer's Close frame came. */
export const LEFT = Symbol('left');

const BINARY_TYPES: readonly unknown[] = ['nodebuffer', 'arraybuffer', 'fragments', 'blob'];
const NO_BYTES = Buffer.alloc(0);
const GAVE_UP = 'WebSocket was closed before the connection was established';

export class WebSocket extends Emitter<WebSocketEvents> {
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSING: 2;
  declare static readonly CLOSED: 3;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;
  declare onopen: ((this: WebSocket, event: WebSocketEventMap['open']) => void) | null;
  declare onmessage: ((this: WebSocket, event: WebSocketEventMap['message']) => void) | null;
  declare onclose: ((this: WebSocket, event: WebSocketEventMap['close']) => void) | null;
  declare onerror: ((this: WebSocket, event: WebSocketEventMap['error']) => void) | null;

  /** @internal */
  _link: Link<Peer> | undefined = undefined;
  /** @internal */
  _user: unknown = undefined;
  /** @internal The server's connections. */
  _shards: Shards<Peer> | undefined = undefined;
  /** @internal */
  _readyState: 0 | 1 | 2 | 3 = CONNECTING;
  /** @internal Whether it is the server's side. */
  _isServer: boolean;
  /** @internal */
  _paused = false;
  /** @internal Whether the next `send` goes on with a message. */
  _fragmented = false;
  /** @internal SEND_PLAIN of the message whose fragments are being sent. */
  _plain = 0;
  /** @internal Whether both Close frames were seen. */
  _clean = false;
  /** @internal */
  _binaryType: BinaryType = 'nodebuffer';
  /** @internal */
  _protocol = '';
  /** @internal What the peer's Close frame said. */
  _closeCode = 1006;
  /** @internal */
  _closeReason: Buffer = NO_BYTES;
  /** @internal */
  _rare: Rare | undefined = undefined;

  /**
   * Connects to a server.
   *
   * @param address null makes one for a server's handshake, which opens it
   * @throws SyntaxError for an address or a subprotocol that there is not
   */
  constructor(
    address: string | URL | null,
    protocols?: string | string[] | ClientOptions | null,
    options?: ClientOptions | null,
  ) {
    super();
    this._isServer = address === null;
    if (address !== null) connect(this, address, protocols, options);
  }

  // ------------------------------------------------------------------- state

  get readyState(): 0 | 1 | 2 | 3 {
    return this._readyState;
  }

  /** The subprotocol that was chosen, or ''. */
  get protocol(): string {
    return this._protocol;
  }

  /** 'permessage-deflate' when it was agreed on, else ''. */
  get extensions(): string {
    return this._link?.deflates ? 'permessage-deflate' : '';
  }

  /** Where a client connects to; undefined for a server's. */
  get url(): string | undefined {
    return this._rare?.url;
  }

  get isPaused(): boolean {
    return this._paused;
  }

  get binaryType(): BinaryType {
    return this._binaryType;
  }

  set binaryType(type: BinaryType) {
    if (BINARY_TYPES.includes(type)) this._binaryType = type;
  }

  /** Bytes that wait to be written, and those that were to be sent when it was no longer open. */
  get bufferedAmount(): number {
    const rare = this._rare;
    const waiting = rare ? rare.unsent + (rare.sends?.bytes ?? 0) : 0;
    return waiting + (this._link?.loop.queued(this._link) ?? 0);
  }

  /** The peer's address, '' when it is not known; a trusted proxy's word counts. */
  get remoteAddress(): string {
    const link = this._link;
    if (!link) return '';
    return (sessionAddress(link.loop.core, link.handle) ?? link.transport.peer()).address;
  }

  /** Who the client is: what the server's option `authenticate` found. */
  get user(): unknown {
    return this._user;
  }

  set user(user: unknown) {
    this._user = user;
  }

  /** The transport; null before the connection is open. What is written to it breaks the connection. */
  get _socket(): Duplex | null {
    return this._link?.stream ?? null;
  }

  /** A client's request, until it is answered; null otherwise. */
  get _req(): ClientRequest | null {
    return this._rare?.request ?? null;
  }

  // ----------------------------------------------------------------- sending

  /**
   * Sends a message, a fragment of one, or what WebSocketServer.prepare returned. It leaves when this turn of the event loop ends, in one
   * write with all others of this connection; long bytes must not change until then.
   *
   * @param cb called when it was written, or with why it was not
   * @returns Sent.OK, or BACKPRESSURE when more waits than the high-water mark (a 'drain' follows);
   *   DROPPED by policy; or an ErrorCode below 0, and nothing was sent: STATE when the connection
   *   is not open, FULL when its queue is
   * @throws Error while it is CONNECTING, TypeError for data that there is no way to send
   */
  send(data: BufferLike | Prepared, cb?: SendCallback): Sent | ErrorCode;
  send(data: BufferLike | Prepared, options?: SendOptions, cb?: SendCallback): Sent | ErrorCode;
  send(
    data: BufferLike | Prepared,
    options?: SendOptions | SendCallback,
    cb?: SendCallback,
  ): Sent | ErrorCode {
    if (typeof options === 'function') {
      cb = options;
      options = undefined;
    }
    if (typeof data === 'object' && data instanceof Prepared) return this.#prepared(data, cb);
    if (this._readyState !== OPEN) return this.#late(data, cb);
    const bytes = bytesOf(data);
    let kind: number = typeof bytes === 'string' ? Opcode.TEXT : Opcode.BINARY;
    // The usual message: whole, and nothing said of it.
    if (!options && !this._fragmented) return this.#frame(kind, bytes, cb);
    const { binary, compress, fin = true, mask } = options ?? {};
    checkMask(mask, this._isServer);
    if (binary !== undefined) kind = binary ? Opcode.BINARY : Opcode.TEXT;
    if (this._fragmented) kind = Opcode.CONTINUATION;
    else this._plain = compress === false ? SEND_PLAIN : 0;
    const status = this.#frame(kind | this._plain | (fin ? 0 : SEND_MORE), bytes, cb);
    if (status === Sent.OK || status === Sent.BACKPRESSURE) this._fragmented = !fin;
    return status;
  }

  /**
   * Sends a message of any length, as it is written: fragments, no faster than the peer takes them.
   * Messages that are sent before it has ended wait behind it, and so does `close`.
   *
   * @throws Error when it is not open, or `send` has begun a message with `fin: false`
   */
  sendStream(options: WriterOptions = {}): MessageWriter {
    if (this._fragmented) throw new Error('A message of fragments is being sent');
    return new MessageWriter(this.#openLink(), options);
  }

  /**
   * Which messages come as 'stream' from the next one on: all (true), none (false), or those of more than
   * so many bytes; then maxPayload is no bound for them.
   *
   * @throws Error when it is not open; TypeError or RangeError
   */
  setStreamMessages(which: boolean | number): void {
    const over = streamsOver(which);
    const link = this.#openLink();
    const rare = (this._rare ??= new Rare());
    streamOver(link, (rare.streams ??= streamsOf(link)), over);
  }

  #openLink(): Link<Peer> {
    if (!this._link || this._readyState !== OPEN) throw notOpen(this._readyState);
    return this._link;
  }

  /** Sends a ping of at most 125 bytes; the answer is a 'pong' event. */
  ping(data?: BufferLike | SendCallback, mask?: boolean | SendCallback, cb?: SendCallback): void {
    this.#control(Opcode.PING, data, mask, cb);
  }

  /** Sends an unsolicited pong of at most 125 bytes. RFC 6455 5.5.3. */
  pong(data?: BufferLike | SendCallback, mask?: boolean | SendCallback, cb?: SendCallback): void {
    this.#control(Opcode.PONG, data, mask, cb);
  }

  #control(
    kind: Opcode,
    data?: BufferLike | SendCallback,
    mask?: boolean | SendCallback,
    cb?: SendCallback,
  ): void {
    if (typeof data === 'function') {
      this.#control(kind, undefined, undefined, data);
      return;
    }
    if (typeof mask === 'function') {
      this.#control(kind, data, undefined, mask);
      return;
    }
    if (this._readyState !== OPEN) {
      this.#late(data, cb);
      return;
    }
    checkMask(mask, this._isServer);
    const bytes = bytesOf(data);
    checkControl(bytes);
    this.#frame(kind, bytes, cb);
  }

  /** @internal Hands a frame to the loop. */
  _sendNow(kind: number, bytes: string | Uint8Array, cb?: SendCallback): Sent | ErrorCode {
    const link = this._link;
    if (!link) return ErrorCode.STATE;
    return this.#sent(link, link.loop.send(link, kind, bytes), cb);
  }

  /** Sends what a server prepared; behind a Blob it goes as any other message. */
  #prepared(message: Prepared, cb?: SendCallback): Sent | ErrorCode {
    const link = this._link;
    if (this._readyState !== OPEN || !link) return this.#late(message.data, cb);
    if (this._rare?.sends) return this.#frame(message.kind, message.data, cb);
    return this.#sent(link, link.loop.sendPrepared(link, message), cb);
  }

  /** What became of a message, told to who waits for it. */
  #sent(link: Link<Peer>, status: Sent | ErrorCode, cb?: SendCallback): Sent | ErrorCode {
    if (typeof cb !== 'function') return status;
    if (status === Sent.OK || status === Sent.BACKPRESSURE) link.loop.onWritten(link, cb);
    else process.nextTick(cb, notSent(status));
    return status;
  }

  /** Sends a frame now, or behind a Blob whose bytes come later. */
  #frame(kind: number, bytes: string | Uint8Array | Blob, cb?: SendCallback): Sent | ErrorCode {
    const now = typeof bytes === 'string' || bytes instanceof Uint8Array;
    if (now && this._rare?.sends === undefined) return this._sendNow(kind, bytes, cb);
    const rare = (this._rare ??= new Rare());
    rare.sends ??= new SendQueue(this, () => {
      rare.sends = undefined;
    });
    rare.sends.add(kind, bytes, cb);
    return Sent.OK;
  }

  /** What is sent when it is not open: before, an error; afterwards its bytes count. */
  #late(data: BufferLike, cb?: SendCallback): ErrorCode {
    const error = notOpen(this._readyState);
    if (this._readyState === CONNECTING) throw error;
    const rare = (this._rare ??= new Rare());
    rare.unsent += lengthOf(bytesOf(data));
    if (typeof cb === 'function') process.nextTick(cb, error);
    return ErrorCode.STATE;
  }

  // ----------------------------------------------------------------- closing

  /**
   * Begins the close handshake; what was sent before goes first. While it is CONNECTING the opening
   * handshake is given up. Otherwise a connection that is not open stays as it is.
   *
   * @param code 1000-1003, 1007-1014 or 3000-4999; without one the Close frame is empty
   * @param reason at most 123 bytes of UTF-8
   * @throws TypeError or RangeError for what may not be sent
   */
  close(code?: number, reason?: string | Uint8Array): void {
    if (this._readyState === CONNECTING) {
      this._rare?.connecting?.abort(GAVE_UP);
      return;
    }
    if (this._readyState !== OPEN) return;
    const text = checkClose(code, reason);
    this._readyState = CLOSING;
    if (this._rare?.sends) this._rare.sends.close(code ?? 0, text);
    else this._closeNow(code ?? 0, text);
  }

  /** @internal Hands the Close frame to the loop. */
  _closeNow(code: number, reason: string): void {
    const link = this._link;
    if (!link) return;
    link.loop.close(link, code, reason);
    // The loop reads on for the peer's Close frame; who paused has to say so.
    if (this._paused) link.loop.setPaused(link, true);
  }

  /** Destroys the connection at once. */
  terminate(): void {
    if (this._readyState === CLOSED) return;
    if (this._readyState === CONNECTING) {
      this._rare?.connecting?.abort(GAVE_UP);
      return;
    }
    this._readyState = CLOSING;
    const link = this._link;
    if (!link) return;
    // What was sent before is the kernel's affair, if it takes it.
    link.loop.flush(link);
    link.loop.terminate(link);
  }

  /** Stops reading: the peer is held back by TCP. What was read before may still be told. */
  pause(): void {
    this.#setPaused(true);
  }

  /** Reads on. */
  resume(): void {
    this.#setPaused(false);
  }

  #setPaused(paused: boolean): void {
    if (this._readyState === CONNECTING || this._readyState === CLOSED) return;
    this._paused = paused;
    // What waits for its turn is told; then the link is as this says.
    if (this._rare?.events?.waits) return;
    if (this._link) this._link.loop.setPaused(this._link, paused);
  }

  // ------------------------------------------------------------------- rooms

  /**
   * Joins the room of a topic, or of a pattern of topics: `+` stands for one level, `#` at the end
   * for any rest. MQTT 5 4.7.
   *
   * @returns whether it was not in; false, too, when the connection is not open
   * @throws LimpetError VALUE for what is no topic, ROOMS or MEMBERSHIPS when the core has no more
   */
  subscribe(topic: string): boolean {
    return this._link?.loop.hub.subscribe(this._link.handle, topic) ?? false;
  }

  /** Leaves a room; whether it was in. A connection that closes leaves them all. */
  unsubscribe(topic: string): boolean {
    return this._link?.loop.hub.unsubscribe(this._link.handle, topic) ?? false;
  }

  isSubscribed(topic: string): boolean {
    return this._link?.loop.hub.isSubscribed(this._link.handle, topic) ?? false;
  }

  /** The topics and patterns that it subscribed to. */
  topics(): string[] {
    return this._link?.loop.hub.topics(this._link.handle) ?? [];
  }

  /**
   * Publishes to all connections of its server whom a topic reaches, but not to itself.
   *
   * @throws LimpetError for what is no topic; Error for a client's: rooms are the server's
   */
  publish(
    topic: string,
    data: Data,
    options: Pick<SendOptions, 'binary' | 'compress'> = {},
  ): Published {
    if (!this._shards) throw new Error('rooms belong to a server: a client cannot publish');
    return this._shards.publish(topic, wholeKind(data, options), payload(data), this._link);
  }

  // ------------------------------------------------------------- EventTarget

  /** Adds a listener for 'open', 'message', 'close' or 'error', unless it is there. DOM 2.7. */
  addEventListener<Name extends EventName>(
    type: Name,
    listener: EventListener<Name>,
    options: EventListenerOptions = {},
  ): void {
    if (isEventName(type)) addHandler(this, type, listener as EventListener, options.once === true);
  }

  /** Removes a listener that `addEventListener` added. */
  removeEventListener<Name extends EventName>(type: Name, listener: EventListener<Name>): void {
    if (isEventName(type)) removeHandler(this, type, listener as EventListener);
  }
}

/** Members that code may look for: those of WHATWG HTML, "interface WebSocket", and one more. */
const SHOWN = [
  'addEventListener',
  'binaryType',
  'bufferedAmount',
  'extensions',
  'isPaused',
  'protocol',
  'readyState',
  'removeEventListener',
  'url',
];

for (const name of SHOWN) {
  const member = Object.getOwnPropertyDescriptor(WebSocket.prototype, name);
  Object.defineProperty(WebSocket.prototype, name, { ...member, enumerable: true });
}

for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSING, CLOSED })) {
  Object.defineProperty(WebSocket, name, { enumerable: true, value });
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true, value });
}

for (const type of ['open', 'message', 'close', 'error'] as const) {
  Object.defineProperty(WebSocket.prototype, `on${type}`, {
    enumerable: true,
    configurable: true,
    get(this: WebSocket) {
      return getAttribute(this, type);
    },
    set(this: WebSocket, handler: unknown) {
      setAttribute(this, type, handler);
    },
  });
}
