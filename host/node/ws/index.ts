// The package `limpet/ws`: what the package `ws` exports. Its types have the names of @types/ws.

import type { IncomingMessage } from 'node:http';
import { ErrorCode, Sent as SendStatus } from '../../../build/limpet.abi.js';
import type { ClientOptions as Client } from './client.js';
import type { BufferLike } from './data.js';
import type * as events from './events.js';
import type * as options from './options.js';
import { WebSocketServer, type CloseOptions, type ServerEvents } from './server.js';
import { createWebSocketStream } from './stream.js';
import { WebSocket, type RawData, type SendOptions, type WebSocketEvents } from './websocket.js';

/** The class, with what `require('limpet/ws')` has beside it. */
const Default = Object.assign(WebSocket, {
  WebSocket,
  WebSocketServer,
  Server: WebSocketServer,
  createWebSocketStream,
  ErrorCode,
  SendStatus,
});
type Default = WebSocket;

// eslint-disable-next-line @typescript-eslint/no-namespace -- as users of @types/ws write it
declare namespace Default {
  type Server<
    Class extends typeof WebSocket = typeof WebSocket,
    Request extends typeof IncomingMessage = typeof IncomingMessage,
  > = WebSocketServer<Class, Request>;
  type ServerOptions<
    Class extends typeof WebSocket = typeof WebSocket,
    Request extends typeof IncomingMessage = typeof IncomingMessage,
  > = options.ServerOptions<Class, Request>;
  type ClientOptions = Client;
  type PerMessageDeflateOptions = options.PerMessageDeflateOptions;
  type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> =
    options.VerifyClientCallbackSync<Request>;
  type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> =
    options.VerifyClientCallbackAsync<Request>;
  type Data = events.MessageEvent['data'];
  type RawData = import('./websocket.js').RawData;
  type Event = events.Event;
  type MessageEvent = events.MessageEvent;
  type CloseEvent = events.CloseEvent;
  type ErrorEvent = events.ErrorEvent;
  type WebSocketEventMap = events.WebSocketEventMap;
  type EventListenerOptions = events.EventListenerOptions;
}

export {
  createWebSocketStream,
  ErrorCode,
  SendStatus,
  WebSocket,
  WebSocketServer,
  WebSocketServer as Server,
};
export type { BufferLike, CloseOptions, RawData, SendOptions, ServerEvents, WebSocketEvents };
export type { ClientOptions } from './client.js';
export type {
  CloseEvent,
  ErrorEvent,
  Event,
  EventListenerOptions,
  MessageEvent,
  WebSocketEventMap,
} from './events.js';
export type {
  PerMessageDeflateOptions,
  ServerOptions,
  VerifyClientCallbackAsync,
  VerifyClientCallbackSync,
} from './options.js';
export default Default;
