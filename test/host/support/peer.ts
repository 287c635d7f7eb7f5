// A port → a raw client: any bytes out, strictly read HTTP heads and frames in, each awaitable.
//
// It answers nothing by itself: a Close frame or a ping of the server is a frame like any other.

import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CLOSE, FrameReader, type ServerFrame } from '../../conformance/frame.js';
import {
  bodyComplete,
  headEnd,
  parseResponse,
  requestBytes,
  SAMPLE_ACCEPT,
  SAMPLE_KEY,
  valuesOf,
  type Response,
} from '../../conformance/http.js';
import { until } from './wait.js';

/** An HTTP answer with its body. */
export type Answer = Response & { body: Buffer };

/** What an opening handshake may say besides what it has to. */
export interface Handshake {
  path?: string;
  lines?: string[];
}

/** The bytes of an opening handshake. RFC 6455 1.3. */
export function handshake({ path = '/', lines = [] }: Handshake = {}): Buffer {
  return requestBytes(`GET ${path} HTTP/1.1`, [
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${SAMPLE_KEY}`,
    'Sec-WebSocket-Version: 13',
    ...lines,
  ]);
}

export class Peer {
  /** Reads of the transport that brought bytes. */
  reads = 0;
  /** 'end': the server's FIN came; 'reset': an error came; 'close': destroyed without either. */
  over: '' | 'end' | 'reset' | 'close' = '';
  /** Whether it keeps its side open when the server has ended its own. */
  stays = false;
  /** The server's frames that were not asked for yet. */
  readonly frames: ServerFrame[] = [];
  readonly #reader = new FrameReader((frame) => {
    this.frames.push(frame);
  });
  #http = Buffer.alloc(0);
  #isOpen = false;
  #fault: unknown;

  constructor(readonly transport: Duplex) {
    transport.on('data', (chunk: Buffer) => {
      this.reads++;
      try {
        if (this.#isOpen) this.#reader.push(chunk);
        else this.#http = Buffer.concat([this.#http, chunk]);
      } catch (error) {
        this.#fault = error;
      }
    });
    transport.on('end', () => {
      this.over ||= 'end';
      if (!this.stays) transport.end();
    });
    transport.on('error', () => (this.over ||= 'reset'));
    transport.on('close', () => (this.over ||= 'close'));
  }

  /** A TCP connection; nothing is sent. */
  static async connect(port: number): Promise<Peer> {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
    const peer = new Peer(socket);
    await until(() => !socket.connecting || peer.over !== '', 'a TCP connection');
    return peer;
  }

  /** A WebSocket connection. */
  static async open(port: number, options?: Handshake): Promise<Peer> {
    const peer = await Peer.connect(port);
    await peer.upgrade(options);
    return peer;
  }

  get socket(): Socket {
    return this.transport as Socket;
  }

  write(...pieces: Buffer[]): void {
    this.transport.write(Buffer.concat(pieces));
  }

  /** Sends an opening handshake and takes the 101; returns its head. */
  async upgrade(options?: Handshake): Promise<Response> {
    this.write(handshake(options));
    return this.upgraded();
  }

  /** Takes the 101 to a handshake that was sent. */
  async upgraded(): Promise<Response> {
    const response = await this.#head();
    const [accept] = valuesOf(response, 'sec-websocket-accept');
    if (response.status !== 101 || accept !== SAMPLE_ACCEPT) {
      throw new Error(`the handshake was answered with ${response.status}`);
    }
    this.#isOpen = true;
    this.#reader.push(this.#http);
    return response;
  }

  /** Takes an HTTP answer with its whole body, which ends with the connection if nothing else says. */
  async answer(method = 'GET'): Promise<Answer> {
    const response = await this.#head();
    // RFC 9112 6.3: an answer to HEAD ends with its head.
    const isWhole = () => method === 'HEAD' || bodyComplete(response, this.#http, this.over !== '');
    await until(isWhole, 'a body');
    return { ...response, body: this.#http };
  }

  /** The next frame. */
  async frame(ms?: number): Promise<ServerFrame> {
    await until(
      () => this.frames.length > 0 || this.over !== '' || this.#fault !== undefined,
      'a frame',
      ms,
    );
    if (this.#fault !== undefined) throw this.#fault as Error;
    const frame = this.frames.shift();
    if (!frame) throw new Error(`no frame: the connection is over (${this.over})`);
    return frame;
  }

  /** The payload of the next frame as text. */
  async text(ms?: number): Promise<string> {
    return (await this.frame(ms)).payload.toString();
  }

  /** Drops frames up to the Close frame and returns its code, 0 for none, and reason. */
  async closeFrame(ms?: number): Promise<[code: number, reason: string]> {
    let frame = await this.frame(ms);
    while (frame.opcode !== CLOSE) frame = await this.frame(ms);
    const { payload } = frame;
    return [payload.length ? payload.readUInt16BE(0) : 0, payload.toString('utf8', 2)];
  }

  /** How the connection was over. */
  async overAs(ms?: number): Promise<string> {
    await until(() => this.over !== '', 'the end of the connection', ms);
    return this.over;
  }

  /** The client is gone, without a word: RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  async #head(): Promise<Response> {
    await until(() => headEnd(this.#http) >= 0 || this.over !== '', 'an HTTP head');
    const end = headEnd(this.#http);
    if (end < 0) throw new Error(`no HTTP answer: the connection is over (${this.over})`);
    const response = parseResponse(this.#http.subarray(0, end));
    this.#http = this.#http.subarray(end);
    return response;
  }
}
