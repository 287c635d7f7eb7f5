// The ways through a proxy: which one, set up how, and what a server has to believe for it.

import { haproxy, nginx, type Proxy, type Setup } from './proxy.js';

/** Where the clients are: not where the proxies are. */
export const CLIENT = '127.0.0.7';

/** A way through a proxy, and what the server has to believe for it. */
export interface Way {
  title: string;
  proxy: Proxy;
  setup: Omit<Setup, 'upstream'>;
  trustProxy: 'forwarded' | 'proxy';
}

export const WAYS: Way[] = [
  { title: 'nginx', proxy: nginx, setup: {}, trustProxy: 'forwarded' },
  { title: 'nginx, TLS', proxy: nginx, setup: { tls: true }, trustProxy: 'forwarded' },
  { title: 'haproxy', proxy: haproxy, setup: {}, trustProxy: 'forwarded' },
  { title: 'haproxy, TLS', proxy: haproxy, setup: { tls: true }, trustProxy: 'forwarded' },
  {
    title: 'haproxy, send-proxy',
    proxy: haproxy,
    setup: { sends: 'send-proxy' },
    trustProxy: 'proxy',
  },
  {
    title: 'haproxy, send-proxy-v2',
    proxy: haproxy,
    setup: { sends: 'send-proxy-v2' },
    trustProxy: 'proxy',
  },
  {
    title: 'haproxy, send-proxy-v2, TLS',
    proxy: haproxy,
    setup: { sends: 'send-proxy-v2', tls: true },
    trustProxy: 'proxy',
  },
];
