// What few WebSockets have: the opening handshake of a client, messages that wait for a Blob, events
// that wait for a turn of their own. Made when it is used.

import type { ClientRequest } from 'node:http';
import type { EventQueue } from './event-queue.js';
import type { Told } from '../streams.js';
import type { SendQueue } from './send-queue.js';
import type { Peer } from './websocket.js';

/** The opening handshake of a client, as `close` and `terminate` see it. */
export interface Connecting {
  /** Gives up; 'error' with this message and 'close' follow. */
  abort(message: string): void;
}

export class Rare {
  /** Client: where it connects to. */
  url: string | undefined = undefined;
  /** Client: the opening handshake and its request, until it is over. */
  connecting: Connecting | undefined = undefined;
  request: ClientRequest | null = null;
  /** Bytes that were to be sent when it was no longer open. WHATWG HTML, bufferedAmount. */
  unsent = 0;
  /** What waits for the bytes of a Blob. */
  sends: SendQueue | undefined = undefined;
  /** What waits for a turn of its own: allowSynchronousEvents is false. */
  events: EventQueue | undefined = undefined;
  /** How messages are told once some of them come as streams. */
  streams: Told<Peer> | undefined = undefined;
}
