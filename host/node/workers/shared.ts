// A server that is the user's, in a worker: it serves what the primary accepts for it, and does not
// listen itself. So a program for one process is one for many: `server.listen` is called in all.

import { Socket as NetSocket, type AddressInfo, type Server as NetServer } from 'node:net';
import { socketOfHandle } from '../transport/index.js';

/** What the server needs of its part in the program. */
interface Part {
  listen(): Promise<AddressInfo>;
  address(): AddressInfo | null;
}

/** Lets `listen` and `address` of a server speak of the primary's port. */
export function share(server: NetServer, part: Part): void {
  const listen = (...args: unknown[]) => {
    const callback = args.at(-1);
    if (typeof callback === 'function') server.once('listening', callback as () => void);
    void part.listen().then(() => {
      process.nextTick(() => server.emit('listening'));
    });
    return server;
  };
  Object.assign(server, { listen, address: () => part.address() });
}

/** Lets a server serve what the primary sent; the socket, if there was a connection. */
export function serve(server: NetServer, received: unknown): NetSocket | undefined {
  if (typeof received !== 'object' || received === null) return undefined;
  const socket = received instanceof NetSocket ? received : socketOfHandle(received, false);
  server.emit('connection', socket);
  return socket;
}
