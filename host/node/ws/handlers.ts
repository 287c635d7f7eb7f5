// What the loop tells of a link → its WebSocket: states and events, for both roles.

import type { ClientRequest } from 'node:http';
import { ErrorCode } from '../../../build/limpet.abi.js';
import type { Handlers } from '../handlers.js';
import type { Link } from '../link.js';
import { faultOf } from './errors.js';
import { EventQueue } from './event-queue.js';
import { tell } from './messages.js';
import { Rare, type Connecting } from './rare.js';
import { CLOSED, CLOSING, LEFT, OPEN, WebSocket, type Peer } from './websocket.js';

// ------------------------------------------------------------ client's handshake

/** A client asks: `close` and `terminate` give this handshake up. */
export function connecting(
  ws: WebSocket,
  handshake: Connecting,
  url: string,
  request: ClientRequest,
): void {
  const rare = (ws._rare ??= new Rare());
  rare.url = url;
  rare.connecting = handshake;
  rare.request = request;
}

/**
 * The opening handshake is over, and the connection is open. Tells 'open'.
 *
 * @param defers messages, pings and pongs have a turn of their own each
 */
export function opened(ws: WebSocket, link: Link<Peer>, protocol: string, defers: boolean): void {
  link.owner = ws;
  ws._link = link;
  if (defers) (ws._rare ??= new Rare()).events = new EventQueue(ws);
  ws._protocol = protocol;
  ws._readyState = OPEN;
  if (ws._rare) ws._rare.connecting = undefined;
  ws.emit('open');
}

/** A client's opening handshake has failed; `handshakeFailed` tells it, now or later. */
export function failing(ws: WebSocket): void {
  ws._readyState = CLOSING;
}

/** Tells that a client's opening handshake has failed: 'error', then 'close'. */
export function handshakeFailed(ws: WebSocket, error: Error): void {
  ws._readyState = CLOSING;
  if (ws._rare) {
    ws._rare.connecting = undefined;
    ws._rare.request = null;
  }
  try {
    ws.emit('error', error);
  } finally {
    close(ws);
  }
}

// -------------------------------------------------------------------- both roles

/** What a WebSocket hears of its link; a role adds what it has of opening handshakes. */
export const TOLD: Omit<Handlers<Peer>, 'upgrade' | 'request'> = {
  message(link: Link<Peer>, data: Buffer, isBinary: boolean): void {
    if (link.incoming) link.incoming.message(data, isBinary);
    else tell(link, data, isBinary);
  },

  ping(link: Link<Peer>, data: Buffer): void {
    const ws = link.owner as WebSocket;
    if (ws._rare?.events) ws._rare.events.add(() => ws.emit('ping', data));
    else ws.emit('ping', data);
  },

  pong(link: Link<Peer>, data: Buffer): void {
    const ws = link.owner as WebSocket;
    if (ws._rare?.events) ws._rare.events.add(() => ws.emit('pong', data));
    else ws.emit('pong', data);
  },

  writable(link: Link<Peer>): void {
    // What is sent while a stream is written waits for its end.
    if (link.owner instanceof WebSocket && !link.line) link.owner.emit('drain');
  },

  heartbeat(link: Link<Peer>, rtt_ms: number): void {
    (link.owner as WebSocket).emit('heartbeat', rtt_ms);
  },

  /** A server's connection is opened by its handshake. */
  opened(): void {},

  chunk(link: Link<Peer>, data: Buffer, isBinary: boolean, flags: number): void {
    link.incoming?.chunk(data, isBinary, flags);
  },

  /** The loop is ended; what says how is the server's `close`. */
  closing(link: Link<Peer>): void {
    link.loop.close(link, GOING_AWAY, '');
  },

  /** A Close frame went, or came: what is said by the peer's is what 'close' tells. */
  leaving(link: Link<Peer>, code: number, reason: Buffer, remote: boolean): void {
    const ws = link.owner as WebSocket;
    behind(ws, () => {
      ws._readyState = CLOSING;
      if (!remote) return;
      ws._closeCode = code;
      if (reason.length > 0) ws._closeReason = reason;
      ws.emit(LEFT);
    });
  },

  failed(link: Link<Peer>, error: ErrorCode, _code: number, detail: number): void {
    const ws = link.owner as WebSocket;
    link.incoming?.fail(faultOf(error, detail));
    behind(ws, () => {
      ws._readyState = CLOSING;
      // Who does not answer in time is gone: that is told as 1006.
      if (error <= ErrorCode.TIMEOUT_HANDSHAKE) return;
      // A peer's fault must not end a server's process because nobody listens.
      if (ws._isServer && ws.listenerCount('error') === 0) return;
      ws.emit('error', faultOf(error, detail));
    });
  },

  closed(link: Link<Peer>, _code: number, _reason: string, clean: boolean): void {
    const ws = link.owner as WebSocket;
    link.incoming?.fail(new Error(CUT));
    ws._clean = clean;
    behind(ws, () => {
      close(ws);
    });
  },

  threw,
};

const CUT = 'The connection was closed before the message ended';
/** RFC 6455 7.4.1. */
const GOING_AWAY = 1001;

/** Runs it now, or behind the events that wait for a turn of their own. */
export function behind(ws: WebSocket, run: () => void): void {
  const events = ws._rare?.events;
  if (events?.waits) events.add(run);
  else run();
}

/** The end: nothing follows. */
function close(ws: WebSocket): void {
  ws._readyState = CLOSED;
  ws.emit('close', ws._closeCode, ws._closeReason);
}

/** An error of a listener, told on its own, where the process sees it as it would see any other. */
export function threw(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
