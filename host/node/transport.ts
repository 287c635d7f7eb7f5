// An accepted connection → a socket that reads straight into linear memory, and a sink that writes
// straight out of it.
//
// Node's stream reads allocate a buffer a read. `onread` gives the socket one buffer of ours, but
// only a socket that is being constructed takes it, and net.Server constructs its own. So the
// accepted socket's handle is moved to a new one. `_handle` is not public: where it is absent, and
// for every other Duplex, the 'data' event is used instead.
//
// A write through the stream costs as much again as the system call: its bookkeeping, a request and
// a callback. A sink asks the handle itself. It is not public either, so where it is not as it is
// known the stream is used.

import { Socket } from 'node:net';

/** A write that the kernel did not take at once. */
interface WriteRequest {
  oncomplete?: (status: number) => void;
  /** Keeps the bytes from being collected. */
  bytes?: Uint8Array;
}

/** What is known of Node's stream handles. */
interface Handle {
  /** 0, or a negative error; `LAST_WRITE_WAS_ASYNC` says whether the request will complete. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
}

/** What is known of Node's `stream_wrap`. */
interface StreamWrap {
  WriteWrap: new () => WriteRequest;
  streamBaseState: Int32Array;
  kLastWriteWasAsync: number;
}

interface Internals {
  _handle?: unknown;
  _server?: unknown;
  server?: unknown;
}

/**
 * Moves an accepted, paused connection to a socket that reads into `buffer`.
 *
 * @param accepted the socket of a server with `pauseOnConnect`
 * @param buffer where each read goes, shared by all connections of a loop
 * @param received called with the number of bytes of each read
 * @returns the new socket, reading; undefined when this Node does not let it be done
 */
export function readInto(
  accepted: Socket,
  buffer: Uint8Array,
  received: (bytes: number) => void,
): Socket | undefined {
  const old = accepted as Internals;
  const handle = old._handle;
  if (typeof handle !== 'object' || handle === null || !('useUserBuffer' in handle)) {
    return undefined;
  }
  old._handle = null;
  const options = {
    handle,
    // The loop ends its own side: a client that has ended its own may still wait for an answer.
    allowHalfOpen: true,
    onread: {
      buffer,
      callback: (bytes: number) => {
        received(bytes);
        return true;
      },
    },
  };
  // `handle` and `onread` are options that Node's types do not know.
  const socket = new Socket(options);
  // The server counts its connections by these two: the count follows the handle.
  const fresh = socket as Internals;
  fresh._server = old._server;
  fresh.server = old.server;
  old._server = null;
  socket.resume();
  return socket;
}

/** Node's `stream_wrap`, if it is as it is known. */
function findStreamWrap(): StreamWrap | undefined {
  try {
    const node = process as unknown as { binding(name: string): Partial<StreamWrap> };
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = node.binding('stream_wrap');
    if (WriteWrap && streamBaseState instanceof Int32Array && kLastWriteWasAsync !== undefined) {
      return { WriteWrap, streamBaseState, kLastWriteWasAsync };
    }
  } catch {
    // It is gone, or not for us (node --permission).
  }
  return undefined;
}

const streamWrap = findStreamWrap();

/** A request that no write has taken yet: one that the kernel takes at once leaves it as it was. */
let spare: WriteRequest | undefined;

/** Writes to a TCP connection past its stream, of which nothing else may be written meanwhile. */
export class Sink {
  readonly #socket: Socket;
  readonly #handle: Handle;
  readonly #written: () => void;

  private constructor(socket: Socket, handle: Handle, written: () => void) {
    this.#socket = socket;
    this.#handle = handle;
    this.#written = written;
  }

  /**
   * @param socket a connected socket
   * @param written called when a write that the kernel did not take at once has ended
   * @returns undefined when the stream has to be used
   */
  static of(socket: Socket, written: () => void): Sink | undefined {
    const handle = (socket as Internals)._handle;
    const known =
      streamWrap !== undefined &&
      typeof handle === 'object' &&
      handle?.constructor.name === 'TCP' &&
      'writeBuffer' in handle &&
      typeof handle.writeBuffer === 'function';
    return known ? new Sink(socket, handle as Handle, written) : undefined;
  }

  /**
   * Writes bytes that stay as they are until they are written; a connection that fails is destroyed.
   *
   * @returns whether the kernel has them all
   */
  write(bytes: Uint8Array): boolean {
    if (!streamWrap) return false;
    const request = (spare ??= new streamWrap.WriteWrap());
    if (this.#handle.writeBuffer(request, bytes) !== 0) {
      this.#socket.destroy();
      return false;
    }
    if (streamWrap.streamBaseState[streamWrap.kLastWriteWasAsync] === 0) return true;
    spare = undefined;
    request.bytes = bytes;
    request.oncomplete = (status) => {
      if (status < 0) this.#socket.destroy();
      else this.#written();
    };
    return false;
  }
}
