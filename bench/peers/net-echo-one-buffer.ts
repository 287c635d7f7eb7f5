// Bytes → the same bytes, by `node:net` with all that is known to make it fast: every connection reads
// into one buffer, and is written to past its stream, straight out of that buffer.
//
// Only a socket that is being constructed takes a buffer, so the accepted handle is moved to a new one. A
// write that the kernel does not take at once keeps the buffer until it has ended: the others read into
// another one from then on, and the connection reads on when it has ended.

import { createServer, Socket, type AddressInfo, type SocketConstructorOpts } from 'node:net';

interface Write {
  oncomplete?: () => void;
}

/** What is used of a TCP handle; neither it nor `stream_wrap` is public. */
interface Handle {
  useUserBuffer(buffer: Uint8Array): void;
  writeBuffer(request: Write, bytes: Uint8Array): number;
  readStart(): void;
  readStop(): void;
}

interface StreamWrap {
  WriteWrap: new () => Write;
  streamBaseState: Int32Array;
  kLastWriteWasAsync: number;
}

const READ_BYTES = 256 * 1024;

const { WriteWrap, streamBaseState, kLastWriteWasAsync } = (
  process as unknown as { binding(name: 'stream_wrap'): StreamWrap }
).binding('stream_wrap');

const handles = new Set<Handle>();
/** What all connections read into, and others that no write keeps. */
let buffer: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);
const spare: Buffer[] = [];
/** A request that no write has taken yet. */
let request = new WriteWrap();

const server = createServer({ noDelay: true, pauseOnConnect: true }, (accepted) => {
  const old = accepted as unknown as { _handle: Handle | null };
  const handle = old._handle;
  if (!handle) return;
  old._handle = null;
  const onread = { buffer, callback: (bytes: number) => (echo(socket, handle, bytes), true) };
  const socket = new Socket({ handle, onread } as SocketConstructorOpts);
  handles.add(handle);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => handles.delete(handle));
  socket.resume();
});

function echo(socket: Socket, handle: Handle, bytes: number): void {
  if (handle.writeBuffer(request, buffer.subarray(0, bytes)) !== 0) {
    socket.destroy();
    return;
  }
  if (streamBaseState[kLastWriteWasAsync] === 0) return;
  const kept = buffer;
  buffer = spare.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
  for (const each of handles) each.useUserBuffer(buffer);
  handle.readStop();
  request.oncomplete = () => {
    spare.push(kept);
    if (!socket.destroyed) handle.readStart();
  };
  request = new WriteWrap();
}

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(`listening on http://127.0.0.1:${port}/`);
});
