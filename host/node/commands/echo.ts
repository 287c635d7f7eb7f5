// Messages → the same messages back. A peer that does not read is not read from, either.

import { Sent } from '../../../build/limpet.abi.js';
import type { Server } from '../server.js';
import type { Socket } from '../socket.js';

const BINARY = { binary: true };
const TEXT = { binary: false };

export class Echo {
  /**
   * @param server whose messages are echoed
   * @param everywhere whether every path echoes, or only /echo
   */
  constructor(server: Server, everywhere: boolean) {
    server.on('upgrade', (request) => {
      if (everywhere || request.path === '/echo') {
        // A subprotocol is taken as offered: a client that asks for one expects an answer.
        request.accept({ protocol: request.protocols[0] ?? '' });
      } else {
        request.reject(404);
      }
    });
    server.on('message', echo);
    server.on('drain', (socket) => {
      socket.resume();
    });
  }
}

/** Sends a message back as it came. */
export function echo(socket: Socket, data: Buffer, isBinary: boolean): void {
  if (socket.send(data, isBinary ? BINARY : TEXT) === Sent.BACKPRESSURE) socket.pause();
}
