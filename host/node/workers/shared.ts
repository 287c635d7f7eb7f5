// A server that is the user's, in a worker: it serves what the primary accepts for it, and does not
// listen itself. So a program for one process is one for many: `server.listen` is called in all.

import { Socket as NetSocket, type AddressInfo, type Server as NetServer } from 'node:net';

/** What the server needs of its part in the program. */
interface Part {
  listen(options: unknown, counts: boolean): Promise<AddressInfo>;
  address(): AddressInfo | null;
}

/** Lets `listen` and `address` of a server speak of the primary's port. */
export function share(server: NetServer, part: Part): void {
  const listen = (...args: unknown[]) => {
    const callback = args.at(-1);
    if (typeof callback === 'function') server.once('listening', callback as () => void);
    void part.listen(undefined, true).then(() => {
      process.nextTick(() => server.emit('listening'));
    });
    return server;
  };
  Object.assign(server, { listen, address: () => part.address() });
}

/**
 * A socket of what the primary sent: a TCP handle, or a socket where there are none.
 *
 * @param paused whether it waits until it is read, as with `pauseOnConnect`
 */
export function socketOf(connection: unknown, paused: boolean): NetSocket | undefined {
  if (typeof connection !== 'object' || connection === null) return undefined;
  if (connection instanceof NetSocket) return connection;
  // `handle` and `pauseOnCreate` are options that Node's types do not know.
  const options = { handle: connection, allowHalfOpen: true, pauseOnCreate: paused };
  return new NetSocket({ ...options, readable: true, writable: true });
}
