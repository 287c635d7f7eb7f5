// What one process tells another ↔ bytes of the bus: a stream of records, all of one layout.
//
//   u32 length of what follows | u8 type | u8 server | u16 kind | u32 id | u32 length of the head
//   then the head, UTF-8, and the body: bytes
//
// Little-endian. A stream is cut anywhere; records are handed out whole, and as many at once as there
// are, so that the primary can pass them on without touching each.

/** What a record is. */
export const RecordType = {
  /** head: a topic; body: the payload; id: whose counts are asked for, 0 = nobody's. */
  PUBLISH: 1,
  /** head: a selection, JSON; body: the payload; id as above. */
  BROADCAST: 2,
  /** head: a question, JSON. Each of the others answers with the same id. */
  ASK: 3,
  /** head: JSON. */
  ANSWER: 4,
  /** head: a WorkerTell or a PrimaryTell, JSON; between the primary and one worker. */
  TELL: 5,
} as const;

/** A record without its body. */
export interface Header {
  type: number;
  /** The number of the server in its program: the first one made is 0. */
  server: number;
  /** Of a message: an Opcode, with SEND_PLAIN if it is to go as it is. */
  kind: number;
  id: number;
  head: string;
}

/** 4 + 1 + 1 + 2 + 4 + 4. */
export const HEADER_BYTES = 16;
const LENGTH_BYTES = 4;

/** Bytes of a record. */
export function recordLength(head: string, body: string | Uint8Array): number {
  const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  return HEADER_BYTES + Buffer.byteLength(head) + bytes;
}

/** Writes a record; `to` is as long as it is. */
export function writeRecord(to: Buffer, header: Header, body: string | Uint8Array): void {
  to.writeUInt32LE(to.length - LENGTH_BYTES, 0);
  to[4] = header.type;
  to[5] = header.server;
  to.writeUInt16LE(header.kind, 6);
  to.writeUInt32LE(header.id, 8);
  const head = to.write(header.head, HEADER_BYTES, 'utf8');
  to.writeUInt32LE(head, 12);
  if (typeof body === 'string') to.write(body, HEADER_BYTES + head, 'utf8');
  else to.set(body, HEADER_BYTES + head);
}

/** Reads the record that begins at `at`. */
export function readHeader(bytes: Buffer, at: number): Header {
  const from = at + HEADER_BYTES;
  return {
    type: bytes[at + 4],
    server: bytes[at + 5],
    kind: bytes.readUInt16LE(at + 6),
    id: bytes.readUInt32LE(at + 8),
    head: bytes.toString('utf8', from, from + bytes.readUInt32LE(at + 12)),
  };
}

/** The body of the record that begins at `at`: a view. */
export function bodyOf(bytes: Buffer, at: number): Buffer {
  return bytes.subarray(at + HEADER_BYTES + bytes.readUInt32LE(at + 12), recordEnd(bytes, at));
}

/** Where the record that begins at `at` ends; it may be behind the end of the bytes. */
export function recordEnd(bytes: Buffer, at: number): number {
  return at + LENGTH_BYTES + bytes.readUInt32LE(at);
}

/** Chunks → runs of whole records. */
export class RecordReader {
  /** A record that was cut, or the first bytes of its length. */
  #cut: Buffer = Buffer.alloc(0);
  #have = 0;

  /** @param run gets records one behind the other: views of a chunk that stay good */
  constructor(private readonly run: (records: Buffer) => void) {}

  push(chunk: Buffer): void {
    let at = 0;
    while (this.#have > 0 && at < chunk.length) at = this.#complete(chunk, at);
    let end = at;
    while (chunk.length - end >= LENGTH_BYTES) {
      const next = recordEnd(chunk, end);
      if (next > chunk.length) break;
      end = next;
    }
    if (end > at) this.run(chunk.subarray(at, end));
    if (end < chunk.length) this.#keep(chunk, end);
  }

  /** Keeps the beginning of a record; its memory is as long as it will be. */
  #keep(chunk: Buffer, at: number): void {
    const rest = chunk.length - at;
    const length = rest < LENGTH_BYTES ? LENGTH_BYTES : recordEnd(chunk, at) - at;
    this.#cut = Buffer.allocUnsafe(length);
    this.#have = chunk.copy(this.#cut, 0, at);
  }

  /** Adds to the record that was cut; returns up to where. */
  #complete(chunk: Buffer, at: number): number {
    const took = chunk.copy(this.#cut, this.#have, at);
    this.#have += took;
    if (this.#have < this.#cut.length) return at + took;
    const whole = this.#cut;
    if (whole.length > LENGTH_BYTES) {
      this.#have = 0;
      this.#cut = Buffer.alloc(0);
      this.run(whole);
    } else {
      // Now it is known how long it is.
      this.#cut = Buffer.allocUnsafe(recordEnd(whole, 0));
      whole.copy(this.#cut);
    }
    return at + took;
  }
}
