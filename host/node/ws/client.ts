// `new WebSocket(address)`: not there yet.

import type { WebSocket } from './websocket.js';

export type ClientOptions = Record<string, unknown>;

export function connect(
  _ws: WebSocket,
  address: string | URL,
  _protocols?: string | string[] | ClientOptions | null,
  _options?: ClientOptions | null,
): void {
  throw new Error(`there is no client that could connect to ${String(address)}`);
}
