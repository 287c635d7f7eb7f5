// Where a server is to listen, as users write it → a net.Server that listens.

import type { AddressInfo, ListenOptions as NetListenOptions, Server as NetServer } from 'node:net';
import { fields } from './checks.js';
import type { TlsOptions } from './tls-options.js';

/** Where to listen, as Node's `net` has it, and with which certificates. */
export interface ListenOptions extends Pick<
  NetListenOptions,
  'port' | 'path' | 'backlog' | 'exclusive' | 'ipv6Only' | 'readableAll' | 'writableAll' | 'signal'
> {
  /** Default 127.0.0.1: other machines get in only when you say so. */
  host?: string;
  /** TLS, instead of what createServer was told. */
  tls?: TlsOptions;
}

const NAMES = [
  'port',
  'host',
  'path',
  'backlog',
  'exclusive',
  'ipv6Only',
  'readableAll',
  'writableAll',
  'signal',
  'tls',
];

/** Where to listen when nothing else is said. */
const HOST = '127.0.0.1';

/** The arguments of Server.listen as one object. Throws TypeError for an option that there is not. */
export function listenOptions(
  where: number | ListenOptions = 0,
  host?: string,
  more: ListenOptions = {},
): ListenOptions {
  const options = typeof where === 'number' ? { ...more, port: where, host: host ?? HOST } : where;
  fields('listen', options, NAMES);
  if (options.path !== undefined) return options;
  return { ...options, port: options.port ?? 0, host: options.host ?? HOST };
}

/**
 * Listens.
 *
 * @param begun called as soon as it does, before a connection can come
 * @returns where; rejects when it cannot
 */
export function listening(
  net: NetServer,
  options: Omit<ListenOptions, 'tls'>,
  begun: () => void,
): Promise<AddressInfo | string> {
  return new Promise((resolve, reject) => {
    const settled = () => net.off('error', failed).off('listening', done);
    const failed = (error: Error) => {
      settled();
      reject(error);
    };
    const done = () => {
      settled();
      begun();
      // A server that listens has one.
      resolve(net.address() ?? '');
    };
    net.on('error', failed).on('listening', done);
    try {
      net.listen(options);
    } catch (error) {
      // It listens already, or that is no port.
      failed(error as Error);
    }
  });
}
