// Payload → frame. RFC 6455 5.2, "Base Framing Protocol".

/** The frame of a payload; masked if there is a key. */
export function frame(firstByte: number, payload: Uint8Array, key?: Uint8Array): Buffer {
  const head = header(firstByte, payload.length, key !== undefined);
  if (!key) return Buffer.concat([head, payload]);
  // RFC 6455 5.3: "transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4)".
  return Buffer.concat([head, key, payload.map((byte, i) => byte ^ key[i & 3])]);
}

/** Bytes of a header without a key, by its second byte: 2, and 2 or 8 for a length of more than 7 bits. */
export function headerBytes(secondByte: number): number {
  const length = secondByte & 0x7f;
  return length < 126 ? 2 : length === 126 ? 4 : 10;
}

/** The payload's length that a whole header says. */
export function payloadBytes(bytes: Buffer): number {
  const length = bytes[1] & 0x7f;
  if (length < 126) return length;
  return length === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
}

function header(firstByte: number, length: number, mask: boolean): Buffer {
  const length7 = length < 126 ? length : length < 65536 ? 126 : 127;
  const bytes = Buffer.alloc(headerBytes(length7));
  bytes[0] = firstByte;
  bytes[1] = (mask ? 0x80 : 0) | length7;
  if (length7 === 126) bytes.writeUInt16BE(length, 2);
  if (length7 === 127) bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes;
}
