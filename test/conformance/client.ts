// A raw TCP or TLS client: any bytes out, in any cuts; strictly read events in. RFC 6455 5 and 7.
//
//   socket ─► HTTP head ─101─► FrameReader ─► messages ─► queue of events ─► next()
//                  └─ else ─► body                 └─RSV1─► Inflater
//
// It reads eagerly, answers nothing by itself, and stops sending once the server closes.
import { isUtf8 } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import { setImmediate, setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { Inflater } from './deflate.js';
import { agreementOf } from './extension.js';
import type { Agreement } from './extension.js';
import { BINARY, CLOSE, CONTINUATION, FrameReader, PING, PONG, split, TEXT } from './frame.js';
import type { ServerFrame } from './frame.js';
import { bodyComplete, headEnd, parseResponse, valuesOf } from './http.js';
import type { Response, Target } from './http.js';

/** What any server reads at once, in bytes. */
const ONE_READ = 4096;

/** With neither a byte received nor a write done for so long, no deadline is waited for. */
const STALLED_MS = 3000;

/** A case's expectation was not met: the verdict is FAILED. */
export class Failure extends Error {}

export type MessageKind = 'text' | 'binary';

export type Event =
  | { kind: MessageKind | 'pong'; data: Buffer }
  | { kind: 'close'; code: number | null; reason: string }
  | { kind: 'end'; clean: boolean; first: 'server' | 'client' };

export class Client {
  readonly #tcp: Socket;
  /** What is sent through: the TCP connection, or TLS over it. */
  readonly #socket: Socket;
  readonly #deadline: number;
  readonly #queue: Event[] = [];
  readonly #waiters = new Set<() => void>();
  readonly #reader = new FrameReader((frame) => this.#frame(frame));
  #http = Buffer.alloc(0);
  #upgraded = false;
  #response: Response | null = null;
  #fault: string | null = null;
  #offers: string[] | null = null;
  #agreement: Agreement | null = null;
  #inflater: Inflater | null = null;
  #message: { kind: MessageKind; rsv1: boolean; pieces: Buffer[] } | null = null;
  #closeCame = false;
  #ended = false;
  #clientEnded = false;
  #spilling = false;
  #errorCode = '';
  #progress_ms = 0; // when a byte came or a write was done

  /** Connects. Rejects with a Failure when nobody listens or `deadline` (performance.now()) passes. */
  static async open(target: Target, deadline: number): Promise<Client> {
    const { host, port, secure } = target;
    const tcp = connect({ host, port, allowHalfOpen: true, noDelay: true });
    // Whose certificate it is says nothing of the protocol.
    const socket = secure ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp;
    const client = new Client(tcp, socket, deadline);
    let connected = false;
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      connected = true;
      client.#wake();
    });
    await client.#until(() => connected || client.#ended);
    if (connected) return client;
    client.destroy();
    throw new Failure(`cannot connect (${client.#errorCode || 'no answer'})`);
  }

  private constructor(tcp: Socket, socket: Socket, deadline: number) {
    this.#tcp = tcp;
    this.#socket = socket;
    this.#deadline = deadline;
    socket.on('data', (chunk: Buffer) => this.#data(chunk));
    socket.on('end', () => {
      this.#end(true);
      socket.end();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#errorCode = error.code ?? error.message;
      this.#end(false);
    });
    socket.on('close', () => this.#end(false));
  }

  /** The server may have closed before it had read all that was sent: an RST is then no fault. */
  get spilling(): boolean {
    return this.#spilling;
  }

  // permessage-deflate

  /** The values of Sec-WebSocket-Extensions that will be sent: the answer is held to them. */
  offers(values: string[]): void {
    this.#offers = values;
  }

  /** What was agreed on, once there is a response; null when the server declined. */
  get agreement(): Agreement | null {
    return this.#agreement;
  }

  /** Counts of what the server compressed; null without an agreement. */
  get inflater(): Inflater | null {
    return this.#inflater;
  }

  // sending

  /** One write. Returns when the kernel has it, or at once when the server has closed. */
  async send(bytes: Buffer): Promise<void> {
    this.#spilling = bytes.length > ONE_READ;
    await this.#write(bytes);
  }

  /** One write per piece, with a turn of the event loop or `pause_ms` between two. */
  async sendPieces(pieces: Iterable<Buffer>, pause_ms = 0): Promise<void> {
    this.#spilling = true;
    for (const piece of pieces) {
      if (this.#closeCame || this.#ended) return;
      await this.#write(piece);
      await (pause_ms > 0 ? pause(pause_ms) : setImmediate());
    }
  }

  /** `bytes` in writes of `size` bytes each. */
  async sendChopped(bytes: Buffer, size: number, pause_ms = 0): Promise<void> {
    await this.sendPieces(split(bytes, size), pause_ms);
  }

  async #write(bytes: Buffer): Promise<void> {
    if (this.#ended || this.#clientEnded) return;
    let taken = false;
    this.#socket.write(bytes, () => {
      taken = true;
      this.#progress_ms = performance.now();
      this.#wake();
    });
    if (!(await this.#until(() => taken || this.#closeCame || this.#ended)))
      throw new Failure(`the server stopped reading within ${bytes.length} bytes`);
  }

  /** FIN: nothing more will be sent. */
  end(): void {
    this.#clientEnded = true;
    this.#socket.end();
  }

  /** RST: the connection is gone. */
  reset(): void {
    this.#clientEnded = true;
    this.#tcp.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  // receiving

  /** The next event; `expected` is for the message when none comes. Server pings are skipped. */
  async next(expected: string): Promise<Event> {
    const event = await this.nextWithin(Infinity);
    if (!event) throw new Failure(`nothing came in time; expected ${expected}`);
    return event;
  }

  /** The next event, or null when none comes in `wait_ms` or before the deadline. */
  async nextWithin(wait_ms: number): Promise<Event | null> {
    await this.waits(wait_ms);
    const event = this.#queue.shift();
    if (event) return event;
    if (this.#fault) throw new Failure(`server sent: ${this.#fault}`);
    return null;
  }

  /** Whether something is there to read after at most `wait_ms`. */
  waits(wait_ms: number): Promise<boolean> {
    return this.#until(() => this.#queue.length > 0 || this.#fault !== null, wait_ms);
  }

  /** The HTTP response head; null when TCP ended without one. Throws a Failure when malformed. */
  async response(): Promise<Response | null> {
    const there = (): boolean => this.#response !== null || this.#fault !== null || this.#ended;
    if (!(await this.#until(there))) throw new Failure('no HTTP answer in time');
    if (this.#fault) throw new Failure(`server sent: ${this.#fault}`);
    return this.#response;
  }

  /** Whether the body of the HTTP answer came whole, by its own fields or else by the end of TCP. */
  async bodyEnds(): Promise<boolean> {
    const response = this.#response;
    if (!response) return false;
    await this.#until(() => this.#ended || bodyComplete(response, this.#http, false));
    return bodyComplete(response, this.#http, this.#ended);
  }

  /** Waits for the end of the connection, whatever comes before it. */
  ends(wait_ms = Infinity): Promise<boolean> {
    return this.#until(() => this.#ended, wait_ms);
  }

  // private

  #data(chunk: Buffer): void {
    this.#progress_ms = performance.now();
    try {
      if (this.#fault === null) this.#read(chunk);
    } catch (error) {
      this.#fault = error instanceof Error ? error.message : String(error);
    }
    this.#wake();
  }

  #read(chunk: Buffer): void {
    if (this.#upgraded) return this.#reader.push(chunk);
    this.#http = Buffer.concat([this.#http, chunk]);
    if (this.#response) return;
    const bodyStart = headEnd(this.#http);
    if (bodyStart < 0) return;
    this.#response = parseResponse(this.#http.subarray(0, bodyStart));
    this.#http = this.#http.subarray(bodyStart);
    this.#upgraded = this.#response.status === 101;
    if (this.#upgraded && this.#offers) this.#agree(this.#response, this.#offers);
    if (this.#upgraded) this.#reader.push(this.#http);
  }

  #agree(response: Response, offers: string[]): void {
    this.#agreement = agreementOf(valuesOf(response, 'sec-websocket-extensions'), offers);
    if (!this.#agreement) return;
    this.#inflater = new Inflater(this.#agreement.server);
    this.#reader.isDeflated = true;
  }

  #frame(frame: ServerFrame): void {
    if (this.#closeCame) throw new Error(`a frame (opcode ${frame.opcode}) after its Close frame`);
    if (frame.opcode === PONG) this.#queue.push({ kind: 'pong', data: frame.payload });
    else if (frame.opcode === CLOSE) this.#close(frame.payload);
    else if (frame.opcode !== PING) this.#dataFrame(frame);
  }

  #close(payload: Buffer): void {
    this.#closeCame = true;
    const code = payload.length === 0 ? null : payload.readUInt16BE(0);
    this.#queue.push({ kind: 'close', code, reason: payload.toString('utf8', 2) });
  }

  #dataFrame({ fin, rsv1, opcode, payload }: ServerFrame): void {
    if (opcode === CONTINUATION && !this.#message) throw new Error('a stray continuation');
    if (opcode !== CONTINUATION && this.#message) throw new Error('a message inside a message');
    this.#message ??= { kind: opcode === TEXT ? 'text' : 'binary', rsv1, pieces: [] };
    this.#message.pieces.push(payload);
    if (!fin) return;
    const { kind, rsv1: compressed, pieces } = this.#message;
    this.#message = null;
    const joined = pieces.length === 1 ? payload : Buffer.concat(pieces);
    const data = compressed && this.#inflater ? this.#inflater.inflate(joined) : joined;
    if (kind === 'text' && !isUtf8(data)) throw new Error('text that is not UTF-8');
    this.#queue.push({ kind, data });
  }

  #end(clean: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#queue.push({ kind: 'end', clean, first: this.#clientEnded ? 'client' : 'server' });
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  /** True when `test` holds; false when `wait_ms`, the deadline or STALLED_MS passed before. */
  #until(test: () => boolean, wait_ms = Infinity): Promise<boolean> {
    if (test()) return Promise.resolve(true);
    const start_ms = performance.now();
    const end_ms = Math.min(start_ms + wait_ms, this.#deadline);
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const finish = (result: boolean): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve(result);
      };
      const waiter = (): void => {
        if (test()) finish(true);
      };
      const look = (): void => {
        const stalled_ms = Math.max(start_ms, this.#progress_ms) + STALLED_MS;
        const left_ms = Math.min(end_ms, stalled_ms) - performance.now();
        if (left_ms <= 0) finish(test());
        else timer = setTimeout(look, Math.ceil(left_ms));
      };
      this.#waiters.add(waiter);
      look();
    });
  }
}

/** How an opcode's message shows up among the events. */
export const kindOf = (opcode: number): MessageKind => (opcode === BINARY ? 'binary' : 'text');
