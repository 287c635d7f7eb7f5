// The package `limpet/ws`: what the package `ws` exports.

import { WebSocketServer } from './server.js';
import { createWebSocketStream } from './stream.js';
import { WebSocket } from './websocket.js';

/** The class, with what `require('limpet/ws')` has beside it. */
const Default = Object.assign(WebSocket, {
  WebSocket,
  WebSocketServer,
  Server: WebSocketServer,
  createWebSocketStream,
});

export { createWebSocketStream, WebSocket, WebSocketServer, WebSocketServer as Server };
export default Default;
