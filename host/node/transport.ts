// An accepted connection → a socket that reads straight into linear memory.
//
// Node's stream reads allocate a buffer a read. `onread` gives the socket one buffer of ours, but
// only a socket that is being constructed takes it, and net.Server constructs its own. So the
// accepted socket's handle is moved to a new one. `_handle` is not public: where it is absent, and
// for every other Duplex, the 'data' event is used instead.

import { Socket } from 'node:net';

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
