// What `require('limpet/ws')` is to TypeScript: the class, with all else as its members.

import type * as ws from './index.js' with { 'resolution-mode': 'import' };
import type { IncomingMessage } from 'node:http';

declare const WebSocket: typeof ws.default;
type WebSocket = ws.WebSocket;
declare namespace WebSocket {
  type WebSocket = ws.WebSocket;
  type WebSocketServer<
    Class extends typeof ws.WebSocket = typeof ws.WebSocket,
    Request extends typeof IncomingMessage = typeof IncomingMessage,
  > = ws.WebSocketServer<Class, Request>;
  type Server<
    Class extends typeof ws.WebSocket = typeof ws.WebSocket,
    Request extends typeof IncomingMessage = typeof IncomingMessage,
  > = ws.WebSocketServer<Class, Request>;
  type ServerOptions<
    Class extends typeof ws.WebSocket = typeof ws.WebSocket,
    Request extends typeof IncomingMessage = typeof IncomingMessage,
  > = ws.ServerOptions<Class, Request>;
  type ClientOptions = ws.ClientOptions;
  type PerMessageDeflateOptions = ws.PerMessageDeflateOptions;
  type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> =
    ws.VerifyClientCallbackSync<Request>;
  type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> =
    ws.VerifyClientCallbackAsync<Request>;
  type Data = ws.MessageEvent['data'];
  type RawData = ws.RawData;
  type Event = ws.Event;
  type MessageEvent = ws.MessageEvent;
  type CloseEvent = ws.CloseEvent;
  type ErrorEvent = ws.ErrorEvent;
  type WebSocketEventMap = ws.WebSocketEventMap;
  type EventListenerOptions = ws.EventListenerOptions;
}

export = WebSocket;
