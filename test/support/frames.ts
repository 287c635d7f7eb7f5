// A frame's fields → bytes, and bytes → frames, written from RFC 6455 5.2 alone: what the core
// takes and makes is held against this, so nothing of it comes from the core.

export interface FrameFields {
  fin?: boolean;
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  rsv?: number;
  opcode: number;
  payload: Uint8Array;
  /** Four bytes; none for a plain frame. */
  key?: Uint8Array | undefined;
  /** Form of the length: 7, 16 or 64 bits; the shortest one when absent. */
  bits?: 7 | 16 | 64;
}

export interface Frame {
  fin: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  /** The header without the masking key. */
  header: Buffer;
  /** Unmasked. */
  payload: Buffer;
}

/** Payload bytes XOR key, RFC 6455 5.3. */
export function mask(payload: Uint8Array, key: Uint8Array): Buffer {
  return Buffer.from(payload.map((byte, i) => byte ^ (key[i & 3] ?? 0)));
}

export function encode({ fin = true, rsv = 0, opcode, payload, key, bits }: FrameFields): Buffer {
  const length = payload.length;
  const form = bits ?? (length < 126 ? 7 : length < 0x10000 ? 16 : 64);
  const head = Buffer.alloc(form === 7 ? 2 : form === 16 ? 4 : 10);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (key ? 0x80 : 0) | (form === 7 ? length : form === 16 ? 126 : 127);
  if (form === 16) head.writeUInt16BE(length, 2);
  if (form === 64) head.writeBigUInt64BE(BigInt(length), 2);
  return key ? Buffer.concat([head, key, mask(payload, key)]) : Buffer.concat([head, payload]);
}

/** Bytes → the whole frames they begin with, and how many bytes those are. */
export function decode(bytes: Buffer): { frames: Frame[]; length: number } {
  const frames: Frame[] = [];
  let at = 0;
  while (true) {
    const frame = decodeOne(bytes.subarray(at));
    if (!frame) return { frames, length: at };
    frames.push(frame);
    at += frame.header.length + (frame.masked ? 4 : 0) + frame.payload.length;
  }
}

function decodeOne(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const [b0 = 0, b1 = 0] = bytes;
  const length7 = b1 & 0x7f;
  const form = length7 < 126 ? 2 : length7 === 126 ? 4 : 10;
  if (bytes.length < form) return undefined;
  const header = bytes.subarray(0, form);
  const length =
    length7 < 126
      ? length7
      : length7 === 126
        ? header.readUInt16BE(2)
        : Number(header.readBigUInt64BE(2));
  const masked = (b1 & 0x80) !== 0;
  const from = header.length + (masked ? 4 : 0);
  if (bytes.length < from + length) return undefined;
  const payload = bytes.subarray(from, from + length);
  return {
    fin: (b0 & 0x80) !== 0,
    rsv: (b0 >> 4) & 7,
    opcode: b0 & 15,
    masked,
    header,
    payload: masked ? mask(payload, bytes.subarray(header.length, from)) : Buffer.from(payload),
  };
}

/**
 * The rules that every sender keeps: what breaks one is named. RFC 6455 5 and 7.4.
 *
 * @param deflates whether permessage-deflate was agreed on. RFC 7692 6: RSV1 is "the "Per-Message
 *   Compressed" bit", which only the first frame of a message may have
 */
export function frameFault(frame: Frame, client: boolean, deflates = false): string | undefined {
  const { fin, rsv, opcode, masked, header, payload } = frame;
  if (rsv && !(deflates && rsv === 4 && (opcode === 1 || opcode === 2))) {
    return 'a reserved bit is set';
  }
  if (![0, 1, 2, 8, 9, 10].includes(opcode)) return `opcode ${opcode} is reserved`;
  if (masked !== client) return client ? 'a client has to mask' : 'a server must not mask';
  const shortest = payload.length < 126 ? 2 : payload.length < 0x10000 ? 4 : 10;
  if (header.length !== shortest) return 'the length is not in its shortest form';
  if (opcode < 8) return undefined;
  if (!fin) return 'a fragmented control frame';
  if (payload.length > 125) return 'a control frame of more than 125 bytes';
  if (opcode !== 8 || payload.length === 0) return undefined;
  if (payload.length === 1) return 'a Close frame of one byte';
  const code = payload.readUInt16BE(0);
  const allowed = (code >= 1000 && code <= 1014) || (code >= 3000 && code < 5000);
  if (!allowed || [1004, 1005, 1006].includes(code)) return `close code ${code} must not be sent`;
  return undefined;
}

/** Whether bytes are UTF-8, by the platform's own decoder. */
export function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
