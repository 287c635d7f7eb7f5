// An opening handshake that the core has judged → a WebSocket, or a refusal. RFC 6455 4.2.2.
//
//   UPGRADE ─► shouldHandle ─► verifyClient ─► authenticate ─► handleProtocols ─► 'headers' ─► 101
//                  │ 400            │ 401, …        │ 401, …                                    │
//                  └────────────────┴───────────────┴─► the answer         clients, 'connection' ┘

import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import { State } from '../../../build/limpet.abi.js';
import type { Link } from '../link.js';
import { fieldLines, readProtocols, type Headers } from '../request.js';
import { opened } from './handlers.js';
import { requestOf } from './request.js';
import type { WebSocketServer } from './server.js';
import type { Peer, WebSocket } from './websocket.js';
