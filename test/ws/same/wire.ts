// A TCP connection → its HTTP head, then the frames on it, whatever they are: all written down.

import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { decode, type Frame } from '../../support/frames.js';
import { until } from '../../host/support/wait.js';
import { show, type Log } from './log.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export class Wire {
  /** The head with its empty line, or '' while it is not all there. */
  head = '';
  readonly frames: Frame[] = [];
  isOver = false;
  /** Bytes behind the head that are no frame: the body of an answer. */
  rest = Buffer.alloc(0);

  constructor(
    readonly socket: Duplex,
    log: Log,
    track = 'wire',
  ) {
    socket.on('data', (chunk: Buffer) => {
      this.rest = Buffer.concat([this.rest, chunk]);
      if (!this.head) this.#takeHead();
      if (!this.head || / (?!101)\d{3} /.test(this.head.split('\r\n')[0])) return;
      const { frames, length } = decode(this.rest);
      this.rest = this.rest.subarray(length);
      this.frames.push(...frames);
      for (const frame of frames) log.note(track, ...frameWords(frame));
    });
    socket.on('error', () => {});
    // A Duplex may stay half open.
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      this.isOver = true;
      log.note(track, 'over');
    });
  }

  #takeHead(): void {
    const end = this.rest.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.head = this.rest.toString('latin1', 0, end + 4);
    this.rest = this.rest.subarray(end + 4);
  }

  /** A field of the head, or ''. */
  field(name: string): string {
    const [, value = ''] = new RegExp(`\r\n${name}: *(.*?)\r\n`, 'i').exec(this.head) ?? [];
    return value;
  }

  /** A switch to WebSocket that accepts the request that came, with further lines. */
  accept(lines: string[] = []): string {
    const digest = createHash('sha1')
      .update(this.field('Sec-WebSocket-Key') + GUID)
      .digest('base64');
    return [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${digest}`,
      ...lines,
      '\r\n',
    ].join('\r\n');
  }

  write(...pieces: (Buffer | string)[]): void {
    this.socket.write(Buffer.concat(pieces.map((piece) => Buffer.from(piece))));
  }

  async headCame(): Promise<void> {
    await until(() => this.head !== '' || this.isOver, 'a head');
  }

  /** Waits for that many frames, or the end. */
  async came(count: number): Promise<void> {
    await until(() => this.frames.length >= count || this.isOver, `${count} frames`);
  }

  async over(): Promise<void> {
    await until(() => this.isOver, 'the end of the connection');
  }
}

/** What a frame says, without what is random in it. */
function frameWords({ fin, rsv, opcode, masked, payload }: Frame): string[] {
  const close = opcode === 8 && payload.length >= 2;
  return [
    `opcode ${opcode}${fin ? '' : ', more'}${rsv ? `, rsv ${rsv}` : ''}${masked ? ', masked' : ''}`,
    ...(close ? [`code ${payload.readUInt16BE(0)}`] : []),
    // Compressors may differ; that a message is compressed is told by its rsv.
    rsv ? 'compressed' : show(close ? payload.subarray(2) : payload),
  ];
}
