// Random numbers → what the other end of a connection sends: heads and frames that are right most
// of the time, and the messages that have to come of them.

import { createHash } from 'node:crypto';
import { encode, type FrameFields } from '../support/frames.js';
import { agreedOn, answerTo, offers, type Direction } from './deflate.js';
import type { Random } from './random.js';

const CHARACTERS = [
  'a',
  'Z',
  ' ',
  '\u0000',
  'é',
  'ß',
  '߿',
  'ࠀ',
  '€',
  '日',
  '￿',
  '😀',
  '𐀀',
  '\u{10ffff}',
];
const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1014, 3000, 4999];
/** A bearer token, which is on the list now and then. */
export const SECRET = 'secret';
const ORIGINS = ['https://a.example', 'HTTPS://x.y.B.example', 'https://evil', 'null', '', '*'];
const BAD_CODES = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535];

export interface Message {
  opcode: number;
  payload: Buffer;
}

/** A message on its way: its payload as it goes over the wire, and how much of that was sent. */
interface Outgoing extends Message {
  wire: Buffer;
  compressed: boolean;
  sent: number;
}

/** Zeros that a bomb is made of. */
const BOMB = Buffer.alloc(1 << 20);

export class Peer {
  /** Bytes that wait to be fed. */
  pending = Buffer.alloc(0);
  /** Messages that were sent whole, the oldest first. */
  readonly messages: Message[] = [];
  /** Whether all that was sent keeps the rules: only then `messages` binds. */
  honest = true;
  /** How to compress; undefined when nothing was agreed on. */
  packs: Direction | undefined;
  /** The extensions that it offered, or ''. */
  offer = '';
  /** What its request says in X-Forwarded-For, or ''. */
  forwarded = '';
  #open: Outgoing | undefined;
  /** Payloads of the last pings that came. */
  readonly #pings: Buffer[] = [];

  constructor(
    readonly random: Random,
    /** Whether the core is the server, so that this end masks. */
    readonly toServer: boolean,
    readonly lengthMax: number,
  ) {}

  /** Sends something: a head is not among it. */
  frames(): void {
    const { random } = this;
    if (random.once(12)) return this.#send(this.#broken());
    if (random.once(6))
      return this.#send(
        this.#frame({ opcode: random.pick([9, 10]), payload: random.bytes(random.length(125)) }),
      );
    // Pings are answered in any order, some twice and some never.
    if (this.#pings.length && random.once(4))
      return this.#send(this.#frame({ opcode: 10, payload: random.pick(this.#pings) }));
    if (random.once(60)) return this.#send(this.#close());
    this.#fragment();
    if (random.once(25)) this.#mutate();
  }

  /** A request; the answer to the core's own, and how the core compresses from then on. */
  head(key: string | undefined, offer = ''): Direction | undefined {
    const { random } = this;
    let unpacks: Direction | undefined;
    const lines = key === undefined ? this.#request() : this.#response(key);
    if (offer && !random.once(4)) {
      const answer = answerTo(random, offer);
      lines.push(`Sec-WebSocket-Extensions: ${answer}`);
      const { server, client } = agreedOn(answer, offer);
      this.packs = server;
      unpacks = client;
    }
    let head = `${lines.join('\r\n')}\r\n\r\n`;
    if (random.once(8)) head = this.#damage(head);
    this.#send(Buffer.from(head, 'latin1'));
    return unpacks;
  }

  /** What comes in front of the head; broken now and then. */
  proxied(header: Buffer): void {
    const broken = this.random.once(6);
    this.#send(broken ? Buffer.from(this.#damage(header.toString('latin1')), 'latin1') : header);
  }

  pinged(payload: Buffer): void {
    this.#pings.push(Buffer.from(payload));
    if (this.#pings.length > 4) this.#pings.shift();
  }

  take(n: number): Buffer {
    const bytes = this.pending.subarray(0, n);
    this.pending = this.pending.subarray(n);
    return bytes;
  }

  #send(bytes: Buffer): void {
    this.pending = Buffer.concat([this.pending, bytes]);
  }

  #frame(fields: FrameFields): Buffer {
    return encode({ ...fields, key: this.toServer ? this.random.bytes(4) : undefined });
  }

  /** Goes on with the message under way, or begins one. */
  #fragment(): void {
    const { random } = this;
    const first = !this.#open;
    const open = (this.#open ??= this.#begin());
    const { opcode, payload, wire } = open;
    const left = wire.length - open.sent;
    const ends = random.below(3) > 0;
    const part = wire.subarray(open.sent, open.sent + (ends ? left : random.below(left + 1)));
    open.sent += part.length;
    const rsv = first && open.compressed ? 4 : 0;
    this.#send(this.#frame({ fin: ends, rsv, opcode: first ? opcode : 0, payload: part }));
    if (!ends) return;
    this.messages.push({ opcode, payload });
    this.#open = undefined;
  }

  #begin(): Outgoing {
    const { random } = this;
    const message = this.#message();
    if (!this.packs || random.once(4)) {
      return { ...message, wire: message.payload, compressed: false, sent: 0 };
    }
    if (random.once(30)) message.payload = BOMB;
    const wire = this.packs.pack(random, message.payload);
    if (random.once(20)) this.#spoil(wire);
    return { ...message, wire, compressed: true, sent: 0 };
  }

  #message(): Message {
    const { random } = this;
    const length = random.length(this.lengthMax);
    if (random.once(3)) return { opcode: 2, payload: random.bytes(length) };
    if (random.once(3)) return { opcode: 2, payload: Buffer.alloc(length, random.below(256)) };
    const text = Array.from({ length: length >> 2 }, () =>
      random.once(4) ? random.pick(CHARACTERS) : 'text',
    );
    return { opcode: 1, payload: Buffer.from(text.join('')) };
  }

  /** Changes a byte or a few. */
  #spoil(bytes: Buffer): void {
    this.honest = false;
    for (let i = this.random.below(3); i >= 0; i--) {
      const at = this.random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << this.random.below(8));
    }
  }

  #close(): Buffer {
    const { random } = this;
    this.honest &&= !random.once(3);
    const code = Buffer.alloc(2);
    code.writeUInt16BE(random.pick(this.honest ? CODES : BAD_CODES));
    const payload = random.once(4)
      ? Buffer.alloc(0)
      : Buffer.concat([code, Buffer.from(random.once(2) ? 'bye' : '')]);
    return this.#frame({ opcode: 8, payload });
  }

  /** A frame that breaks a rule. */
  #broken(): Buffer {
    const { random } = this;
    if (!random.once(6)) return Buffer.alloc(0);
    this.honest = false;
    const key = random.once(2) ? random.bytes(4) : undefined;
    return encode({
      fin: random.once(2),
      rsv: random.once(3) ? random.below(8) : 0,
      opcode: random.below(16),
      payload: random.bytes(random.length(300)),
      key,
      ...(random.once(3) ? { bits: random.pick([16, 64] as const) } : {}),
    });
  }

  /** Changes a byte or a few of what was not fed yet. */
  #mutate(): void {
    if (this.pending.length === 0) return;
    this.pending = Buffer.from(this.pending);
    this.#spoil(this.pending);
  }

  #request(): string[] {
    const { random } = this;
    const target = random.pick([
      ...['/', '/chat?x=1', 'http://a/b', 'http://a', '/%20'],
      ...[`/?access_token=${SECRET}`, '/?a&access_token=%73%2', 'http://a?access_token='],
    ]);
    const lines = [
      `${random.once(10) ? random.pick(['HEAD', 'POST', 'PUT']) : 'GET'} ${target} HTTP/1.1`,
      'Host: a.example',
    ];
    if (!random.once(5)) {
      lines.push('Upgrade: websocket', 'Connection: keep-alive, Upgrade');
      lines.push(
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${random.bytes(16).toString('base64')}`,
      );
    }
    if (random.once(3)) lines.push('Sec-WebSocket-Protocol: chat, superchat');
    else if (random.once(6)) lines.push(`Sec-WebSocket-Protocol: bearer, ${SECRET}, chat`);
    while (random.once(3)) lines.push(`Origin: ${random.pick(ORIGINS)}`);
    while (random.once(4)) {
      lines.push(`Authorization: ${random.pick(['Bearer', 'bearer ', 'Basic '])}${SECRET}`);
    }
    if (random.once(2)) {
      this.offer = offers(random);
      lines.push(`Sec-WebSocket-Extensions: ${this.offer}`);
    }
    if (random.once(3)) lines.push('Cookie: a=1; b="2"', 'origin: http://a');
    if (this.forwarded) lines.push(`X-Forwarded-For: ${this.forwarded}`);
    if (random.once(3)) lines.push(`X-Pad: ${'p'.repeat(random.length(600))}`);
    return lines;
  }

  #response(key: string): string[] {
    const accept = createHash('sha1')
      .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    const lines = [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${accept}`,
    ];
    if (this.random.once(3)) lines.push('Sec-WebSocket-Protocol: chat');
    if (this.random.once(3)) lines.push(`X-Pad: ${'p'.repeat(this.random.length(300))}`);
    return lines;
  }

  #damage(head: string): string {
    const { random } = this;
    this.honest = false;
    const at = random.below(head.length);
    const by = random.pick([
      '',
      '\r',
      '\n',
      '\r\n',
      ' ',
      ':',
      ',',
      '\u0000',
      '\u00ff',
      'x',
      '\r\n\r\n',
    ]);
    return head.slice(0, at) + by + head.slice(at + random.below(3));
  }
}
