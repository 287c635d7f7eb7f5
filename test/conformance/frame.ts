// Frames out (as right or as wrong as a case wants them) and frames in (strictly). RFC 6455 5.2.
//   byte 0  FIN RSV1 RSV2 RSV3 OPCODE(4)      byte 1  MASK LEN(7)
//   then    length (2 bytes if LEN = 126, 8 if 127), masking key (4 bytes if MASK)
import { isUtf8 } from 'node:buffer';

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** In the first byte of a frame. */
const RSV1 = 0x40;

/** The longest payload of a control frame. RFC 6455 5.5. */
export const CONTROL_MAX = 125;

/** What goes on the wire. Everything not said is as RFC 6455 wants it from a client. */
export interface FrameShape {
  opcode: number;
  fin?: boolean;
  /** 0-7; RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  rsv?: number;
  payload?: Buffer;
  /** Four bytes; null leaves the frame unmasked. */
  key?: Buffer | null;
  /** Bits of the length field; without it the shortest that fits. */
  form?: 7 | 16 | 64;
  /** The length that the header claims, when it is not the payload's. */
  length?: bigint;
}

/** Ways to depart from the usual frame, for the short forms below. */
export type FrameExtras = Omit<FrameShape, 'opcode' | 'payload'>;

const EMPTY = Buffer.alloc(0);
let keyState = 0x6c_69_6d_70;

/** A new masking key per frame, so that a server that keeps an old one is found out. */
function nextKey(): Buffer {
  const key = Buffer.alloc(4);
  keyState = (Math.imul(keyState, 1664525) + 1013904223) >>> 0;
  key.writeUInt32BE(keyState);
  return key;
}

/** The bytes of one frame. */
export function frame(shape: FrameShape): Buffer {
  const payload = shape.payload ?? EMPTY;
  const length = shape.length ?? BigInt(payload.length);
  const form = shape.form ?? (length < 126n ? 7 : length < 65536n ? 16 : 64);
  const key = shape.key === undefined ? nextKey() : shape.key;
  const lengthBytes = form === 7 ? 0 : form / 8;
  const start = 2 + lengthBytes + (key ? 4 : 0);
  const bytes = Buffer.allocUnsafe(start + payload.length);
  bytes[0] = (shape.fin === false ? 0 : 0x80) | ((shape.rsv ?? 0) << 4) | shape.opcode;
  bytes[1] = (key ? 0x80 : 0) | (form === 7 ? Number(length) : form === 16 ? 126 : 127);
  if (form === 16) bytes.writeUInt16BE(Number(length), 2);
  if (form === 64) bytes.writeBigUInt64BE(length, 2);
  if (!key) {
    payload.copy(bytes, start);
    return bytes;
  }
  key.copy(bytes, start - 4);
  for (let i = 0; i < payload.length; i++) bytes[start + i] = payload[i] ^ key[i & 3];
  return bytes;
}

const toBuffer = (data: string | Buffer): Buffer =>
  typeof data === 'string' ? Buffer.from(data) : data;

export const text = (data: string | Buffer, extras: FrameExtras = {}): Buffer =>
  frame({ ...extras, opcode: TEXT, payload: toBuffer(data) });
export const binary = (data: string | Buffer, extras: FrameExtras = {}): Buffer =>
  frame({ ...extras, opcode: BINARY, payload: toBuffer(data) });
export const continuation = (data: string | Buffer, extras: FrameExtras = {}): Buffer =>
  frame({ ...extras, opcode: CONTINUATION, payload: toBuffer(data) });
export const ping = (data: string | Buffer = EMPTY, extras: FrameExtras = {}): Buffer =>
  frame({ ...extras, opcode: PING, payload: toBuffer(data) });
export const pong = (data: string | Buffer = EMPTY, extras: FrameExtras = {}): Buffer =>
  frame({ ...extras, opcode: PONG, payload: toBuffer(data) });

/** A Close payload: two bytes of code, then the reason. RFC 6455 5.5.1. */
export function closePayload(code: number, reason: string | Buffer = EMPTY): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, toBuffer(reason)]);
}

export const close = (code: number, reason?: string | Buffer, extras: FrameExtras = {}): Buffer =>
  frame({ ...extras, opcode: CLOSE, payload: closePayload(code, reason) });

/** One frame per piece: the first carries opcode and `rsv`, the last carries FIN. RFC 6455 5.4. */
export const fragments = (opcode: number, pieces: Buffer[], rsv = 0): Buffer[] =>
  pieces.map((payload, i) =>
    frame({
      opcode: i === 0 ? opcode : CONTINUATION,
      rsv: i === 0 ? rsv : 0,
      fin: i === pieces.length - 1,
      payload,
    }),
  );

/** `bytes` in pieces of `size`, the last one shorter; an empty buffer is one empty piece. */
export function split(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces.length > 0 ? pieces : [bytes];
}

/** The codes that may stand in a Close frame. RFC 6455 7.4.1, 7.4.2 and IANA's registry. */
export const isCloseCode = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
  (code >= 3000 && code <= 4999);

export interface ServerFrame {
  fin: boolean;
  /** "Per-Message Compressed". RFC 7692 6. */
  rsv1: boolean;
  opcode: number;
  payload: Buffer;
}

/** Server bytes, cut anywhere → frames. `push` throws an Error at what a server must not send. */
export class FrameReader {
  /** permessage-deflate was agreed on: RSV1 may be set on the first frame of a message. */
  isDeflated = false;
  readonly #emit: (frame: ServerFrame) => void;
  readonly #head = Buffer.alloc(10); // 10 = 2 + 8, the longest header without a masking key
  #have = 0;
  #need = 2;
  #left = -1; // payload bytes still to come; -1 while in the header
  #chunks: Buffer[] = [];

  constructor(emit: (frame: ServerFrame) => void) {
    this.#emit = emit;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left < 0) {
        const take = Math.min(this.#need - this.#have, chunk.length - at);
        chunk.copy(this.#head, this.#have, at, at + take);
        at += take;
        this.#have += take;
        if (this.#have < this.#need) return;
        if (this.#need === 2) this.#need = headerOpen(this.#head, this.isDeflated);
        if (this.#have === this.#need) this.#left = payloadLength(this.#head);
      } else {
        const take = Math.min(this.#left, chunk.length - at);
        this.#chunks.push(chunk.subarray(at, at + take));
        at += take;
        this.#left -= take;
      }
      if (this.#left === 0) this.#finish();
    }
  }

  #finish(): void {
    const payload = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#have = 0;
    this.#need = 2;
    this.#left = -1;
    this.#chunks = [];
    const fin = this.#head[0] >= 0x80;
    const rsv1 = (this.#head[0] & RSV1) !== 0;
    const opcode = this.#head[0] & 0x0f;
    if (opcode === CLOSE) checkClose(payload);
    this.#emit({ fin, rsv1, opcode, payload });
  }
}

/** Refuse what the first two bytes show to be wrong; how many bytes the header has. */
function headerOpen(head: Buffer, isDeflated: boolean): number {
  const opcode = head[0] & 0x0f;
  const length = head[1] & 0x7f;
  const allowed = isDeflated && (opcode === TEXT || opcode === BINARY) ? RSV1 : 0;
  if (head[0] & 0x70 & ~allowed)
    throw new Error(`RSV bits set (first byte 0x${head[0].toString(16)})`);
  if (head[1] & 0x80) throw new Error('masked server frame');
  if ((opcode > BINARY && opcode < CLOSE) || opcode > PONG) throw new Error(`opcode ${opcode}`);
  if (opcode >= CLOSE && head[0] < 0x80) throw new Error('fragmented control frame');
  if (opcode >= CLOSE && length > CONTROL_MAX) throw new Error('control frame over 125 bytes');
  return length === 126 ? 4 : length === 127 ? 10 : 2;
}

function payloadLength(head: Buffer): number {
  const short = head[1] & 0x7f;
  const length =
    short === 126 ? head.readUInt16BE(2) : short === 127 ? Number(head.readBigUInt64BE(2)) : short;
  const minimal = short < 126 || (short === 126 ? length >= 126 : length >= 65536);
  if (!minimal) throw new Error(`length ${length} not in its shortest form`);
  if (!Number.isSafeInteger(length)) throw new Error(`length ${length}`);
  return length;
}

function checkClose(payload: Buffer): void {
  if (payload.length === 0) return;
  if (payload.length === 1) throw new Error('Close payload of one byte');
  const code = payload.readUInt16BE(0);
  if (!isCloseCode(code)) throw new Error(`Close code ${code} must not be on the wire`);
  if (!isUtf8(payload.subarray(2))) throw new Error('Close reason is not UTF-8');
}
