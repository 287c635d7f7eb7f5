// A WebSocket → a Duplex: messages are read, what is written is sent, each side holds the other back.

import { Duplex, type DuplexOptions } from 'node:stream';
import { CLOSED, CONNECTING, LEFT, type WebSocket } from './websocket.js';

/**
 * Wraps a WebSocket. To end the stream closes the connection, to destroy it terminates it.
 *
 * @param ws connecting or open; its messages belong to the stream from now on
 * @param options those of a Duplex; with `readableObjectMode` text is given out as strings
 */
export function createWebSocketStream(ws: WebSocket, options: DuplexOptions = {}): Duplex {
  /** Whether the connection failed by itself: then the peer is still to be told why. */
  let failed = false;
  /** Ends the writable side; there while it is ending. */
  let finish: (() => void) | undefined;
  const stream = new Duplex({
    ...options,
    autoDestroy: true,
    emitClose: true,
    objectMode: false,
    writableObjectMode: false,
    read() {
      if (ws.isPaused) ws.resume();
    },
    write(chunk: Buffer, _encoding, callback) {
      whenOpen(ws, () => ws.send(chunk, callback));
    },
    final(callback) {
      whenOpen(ws, () => {
        if (ws.readyState === CLOSED) {
          callback();
          return;
        }
        // The peer has all when it has answered our Close frame.
        finish = once(callback);
        ws.once(LEFT, finish);
        ws.close();
      });
    },
    destroy(error, callback) {
      let reason = error;
      // An opening handshake that is given up is an error of the WebSocket.
      ws.once('error', (given) => {
        reason ??= given;
      });
      whenClosed(ws, () => {
        callback(reason);
      });
      if (!failed) ws.terminate();
    },
  });
  ws.on('message', (data, isBinary) => {
    const isText = !isBinary && stream.readableObjectMode;
    if (!stream.push(isText ? (data as Buffer).toString() : data)) ws.pause();
  });
  ws.once('error', (error) => {
    if (stream.destroyed) return;
    failed = true;
    stream.destroy(error);
  });
  ws.once('close', () => {
    finish?.();
    if (!stream.destroyed) stream.push(null);
  });
  return stream;
}

function once(callback: () => void): () => void {
  let isCalled = false;
  return () => {
    if (!isCalled) callback();
    isCalled = true;
  };
}

/** Runs it now, or once the connection is open; never, when the opening handshake fails. */
function whenOpen(ws: WebSocket, run: () => void): void {
  if (ws.readyState === CONNECTING) ws.once('open', run);
  else run();
}

/** Runs it now, or once the connection is closed. */
function whenClosed(ws: WebSocket, run: () => void): void {
  if (ws.readyState === CLOSED) run();
  else ws.once('close', run);
}
