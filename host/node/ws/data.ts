// What users hand to send, ping, pong and close → what the loop takes, or the error that `ws` has.

/** What can be sent; what is none of the first ones goes through Buffer.from, and nothing is ''. */
export type BufferLike =
  | string
  | number
  | ArrayBufferLike
  | ArrayBufferView
  | Blob
  | readonly number[]
  | { valueOf(): ArrayBufferLike | Uint8Array | readonly number[] | string }
  | { [Symbol.toPrimitive](hint: string): string }
  | null
  | undefined
  | false;

const NO_BYTES = Buffer.alloc(0);
/** RFC 6455 5.5. */
const CONTROL_BYTES = 125;
/** A Close frame has its code beside the reason. RFC 6455 5.5.1. */
const REASON_BYTES = CONTROL_BYTES - 2;

/** Bytes as they are, not copied; a Blob as it is. Throws TypeError. */
export function bytesOf(data: BufferLike): string | Uint8Array | Blob {
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  if (typeof data === 'number') return String(data);
  if (!data) return NO_BYTES;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  if (data instanceof Blob) return data;
  return Buffer.from(data as Uint8Array);
}

/** How many bytes that is. */
export function lengthOf(bytes: string | Uint8Array | Blob): number {
  if (typeof bytes === 'string') return Buffer.byteLength(bytes);
  return bytes instanceof Uint8Array ? bytes.byteLength : bytes.size;
}

/** Throws RangeError for more than a control frame holds. */
export function checkControl(bytes: string | Uint8Array | Blob): void {
  if (lengthOf(bytes) > CONTROL_BYTES) {
    throw new RangeError('The data size must not be greater than 125 bytes');
  }
}

/** Throws TypeError for a mask where RFC 6455 5.1 has none, and for none where it has one. */
export function checkMask(mask: boolean | undefined, isServer: boolean): void {
  if (mask === isServer) {
    throw new TypeError(
      isServer ? 'a server does not mask: RFC 6455 5.1' : 'a client masks: RFC 6455 5.1',
    );
  }
}

/**
 * The reason of a Close frame as text.
 *
 * @throws TypeError or RangeError for what may not be sent
 */
export function checkClose(code: unknown, reason: unknown = ''): string {
  if (code === undefined) return '';
  if (typeof code !== 'number' || !isCloseCode(code)) {
    throw new TypeError('First argument must be a valid error code number');
  }
  if (typeof reason !== 'string' && !(reason instanceof Uint8Array)) {
    throw new TypeError('Second argument must be a string or a Uint8Array');
  }
  const text = typeof reason === 'string' ? reason : Buffer.from(reason).toString();
  if (Buffer.byteLength(text) > REASON_BYTES) {
    throw new RangeError('The message must not be greater than 123 bytes');
  }
  return text;
}

/** What a Close frame may say: the core holds it against the same rule. RFC 6455 7.4. */
function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}
