// A server with permessage-deflate ↔ a client that reads when it is told to, and inflates with zlib.

import { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import {
  createServer,
  type Server,
  type ServerOptions,
  type Socket,
} from '../../../host/node/index.js';
import { agreedOn, type Direction } from '../../fuzz/deflate.js';
import { decode, encode, type Frame } from '../../support/frames.js';
import { KEY } from '../../support/payload.js';
import { handshake } from './peer.js';
import { next } from './serving.js';
import { turns, until, within } from './wait.js';

/** A message with the frames that it came in. */
export interface Received {
  data: Buffer;
  frames: Frame[];
}

export class Deflating extends Duplex {
  readonly messages: Received[] = [];
  /** The answer to the offer, or ''. */
  agreed = '';
  #unpacks: Direction | undefined;
  #frames: Frame[] = [];
  #bytes = Buffer.alloc(0);
  #isOpen = false;
  #reads = true;
  #blocked: (() => void) | undefined;

  constructor() {
    super({ read: () => {} });
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    const take = () => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#take();
      done();
    };
    if (this.#reads) take();
    else this.#blocked = take;
  }

  #take(): void {
    if (!this.#isOpen) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#bytes.toString('latin1', 0, end);
      const [, answer = ''] = /\r\nSec-WebSocket-Extensions: (.*)/.exec(head) ?? [];
      this.agreed = answer;
      if (answer) this.#unpacks = agreedOn(answer, '').server;
      this.#bytes = this.#bytes.subarray(end + 4);
      this.#isOpen = true;
    }
    const { frames, length } = decode(this.#bytes);
    this.#bytes = this.#bytes.subarray(length);
    for (const frame of frames) if (frame.opcode < 8) this.#frame(frame);
  }

  #frame(frame: Frame): void {
    this.#frames.push(frame);
    if (!frame.fin) return;
    const frames = this.#frames.splice(0);
    const payload = Buffer.concat(frames.map((part) => part.payload));
    const data = frames[0]?.rsv === 4 ? this.#unpacks?.unpack(payload) : payload;
    if (!data) throw new Error('compressed, and nothing was agreed on');
    this.messages.push({ data, frames });
  }

  reads(reads: boolean): void {
    this.#reads = reads;
    const blocked = this.#blocked;
    this.#blocked = undefined;
    if (reads) blocked?.();
  }

  /** Sends a frame to the server. */
  frame(opcode: number, payload: Buffer, rsv = 0, fin = true): void {
    this.push(encode({ fin, rsv, opcode, payload, key: KEY }));
  }

  async received(count: number): Promise<Received[]> {
    await until(() => this.messages.length >= count, `${count} messages`, 15_000);
    return this.messages;
  }
}

export interface Serving {
  server: Server;
  /** A client that offers this; '' for one that offers nothing. */
  open: (offer?: string) => Promise<{ client: Deflating; socket: Socket }>;
}

export function deflating(t: TestContext, options: ServerOptions = {}): Serving {
  const server = createServer({ deflate: true, ...options });
  const clients: Deflating[] = [];
  t.after(() => {
    for (const client of clients) client.destroy();
    return within(server.close({ timeout: 0 }), 'server.close');
  });
  const open = async (offer = 'permessage-deflate; client_max_window_bits') => {
    const client = new Deflating();
    clients.push(client);
    const opened = next(server, 'open');
    server.attach(client);
    client.push(handshake({ lines: offer ? [`Sec-WebSocket-Extensions: ${offer}`] : [] }));
    const [socket] = await opened;
    await turns(2);
    return { client, socket };
  };
  return { server, open };
}
