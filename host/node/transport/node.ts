// Node's private interface, as far as it is used → what is known of it, or undefined where it is
// something else: then the public one is used.
//
// A read through Node's streams allocates a buffer and passes through a dozen functions, and a write
// makes a request and a callback. A handle reads into a buffer of ours, and a write that the kernel
// takes at once needs neither.

import type { Receiver, Transport } from './transport.js';

/** A write, or the end of the write side, that is not done at once. */
export interface Request {
  oncomplete?: (this: Request, status: number) => void;
  receiver?: Receiver;
  /** Keeps the bytes from being collected. */
  bytes?: Buffer | Buffer[];
}

/** A stream handle: TCP, Pipe or TLSWrap. Answers are 0, or a negative error. */
export interface Handle {
  readStart(): number;
  readStop(): number;
  /** Called for each read; what there was is told by `streamBaseState`. */
  onread: (this: Handle) => void;
  /** All reads go into this buffer from now on. */
  useUserBuffer(buffer: Uint8Array): void;
  /** `LAST_WRITE_WAS_ASYNC` says whether the request will complete. */
  writeBuffer(request: Request, bytes: Uint8Array): number;
  writev(request: Request, pieces: Uint8Array[], allBuffers: true): number;
  shutdown(request: Request): number;
  close(done?: (this: Handle) => void): void;
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number;
  getpeername?(name: { address?: string; port?: number; family?: string }): number;
  setNoDelay?(on: boolean): number;
  setKeepAlive?(on: boolean, delay_s: number): number;
  /** Ours. */
  transport?: Transport;
}

/** What is known of Node's `stream_wrap`. */
export interface StreamWrap {
  WriteWrap: new () => Request;
  ShutdownWrap: new () => Request;
  streamBaseState: Int32Array;
  kReadBytesOrError: number;
  kLastWriteWasAsync: number;
  /** What a read says when the peer has ended its side. */
  UV_EOF: number;
}

function findStreamWrap(): StreamWrap | undefined {
  try {
    const node = process as unknown as { binding(name: string): Partial<StreamWrap> };
    const wrap = node.binding('stream_wrap');
    const { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } =
      wrap;
    const { UV_EOF } = node.binding('uv');
    if (
      WriteWrap &&
      ShutdownWrap &&
      streamBaseState instanceof Int32Array &&
      kReadBytesOrError !== undefined &&
      kLastWriteWasAsync !== undefined &&
      UV_EOF !== undefined
    ) {
      return {
        WriteWrap,
        ShutdownWrap,
        streamBaseState,
        kReadBytesOrError,
        kLastWriteWasAsync,
        UV_EOF,
      };
    }
  } catch {
    // It is gone, or not for us (node --permission).
  }
  return undefined;
}

/** Node's `stream_wrap`, if it is as it is known. */
export const streamWrap = findStreamWrap();

const METHODS = [
  'readStart',
  'readStop',
  'useUserBuffer',
  'writeBuffer',
  'writev',
  'shutdown',
  'close',
] as const;

/** The names of classes whose handles are as they are known. */
const known = new WeakMap<object, string>();

/** Whether this is a handle as it is known, of one of these classes. */
export function isHandle(it: unknown, classes: readonly string[]): it is Handle {
  if (typeof it !== 'object' || it === null) return false;
  const kind = Object.getPrototypeOf(it) as object;
  let name = known.get(kind);
  if (name === undefined) {
    const methods = it as Record<string, unknown>;
    const isKnown = METHODS.every((method) => typeof methods[method] === 'function');
    name = isKnown ? it.constructor.name : '';
    known.set(kind, name);
  }
  return classes.includes(name);
}

/** A request that no write has taken yet: one that the kernel takes at once leaves it as it was. */
let spare: Request | undefined;

/**
 * Writes past a handle's stream, to which nothing else may be written meanwhile. What does not leave
 * at once is told to the receiver; a connection that fails is destroyed.
 *
 * @param bytes a Buffer, or several, that stay as they are until they have left
 * @returns whether they have left
 */
export function writeTo(handle: Handle, receiver: Receiver, bytes: Buffer | Buffer[]): boolean {
  if (!streamWrap) return false;
  const { WriteWrap, streamBaseState, kLastWriteWasAsync } = streamWrap;
  const request = (spare ??= new WriteWrap());
  const several = Array.isArray(bytes);
  const error = several ? handle.writev(request, bytes, true) : handle.writeBuffer(request, bytes);
  if (error !== 0) {
    receiver.transport.destroy();
    return false;
  }
  if (streamBaseState[kLastWriteWasAsync] === 0) return true;
  spare = undefined;
  request.receiver = receiver;
  request.bytes = several ? bytes.slice() : bytes;
  request.oncomplete = wrote;
  return false;
}

function wrote(this: Request, status: number): void {
  if (status < 0) this.receiver?.transport.destroy();
  else this.receiver?.written();
}
