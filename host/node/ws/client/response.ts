// A response that node:http has parsed → its bytes, for the core to judge; and what the core has
// against it → the error that users of `ws` know. RFC 6455 4.1.

import type { IncomingMessage } from 'node:http';
import { ErrorCode } from '../../../../build/limpet.abi.js';
import { errorName } from '../../../core/core.js';
import { headBytes } from '../../head.js';

/** Fields of an opening handshake. All others are node:http's affair: how long or odd they may be. */
const OURS = /^(upgrade|connection|sec-websocket-.*)$/i;

/** The head of a response as the server sent it, as far as it says something of the handshake. */
export function headOf(response: IncomingMessage): Buffer {
  const { statusCode, rawHeaders } = response;
  return headBytes(`HTTP/1.1 ${String(statusCode)} `, rawHeaders, (name) => OURS.test(name));
}

/** What a client asked for. */
export interface Asked {
  /** Whether there were subprotocols. */
  protocols: boolean;
  /** Whether permessage-deflate was offered. */
  extensions: boolean;
}

/** What a response does wrong, in words. */
export function faultOf(error: ErrorCode, response: IncomingMessage, asked: Asked): string {
  if (error === ErrorCode.RESPONSE_HEADER) return 'Invalid Upgrade header';
  if (error === ErrorCode.RESPONSE_ACCEPT) return 'Invalid Sec-WebSocket-Accept header';
  if (error === ErrorCode.RESPONSE_EXTENSION) return extensionFault(response, asked);
  if (error !== ErrorCode.RESPONSE_PROTOCOL) return `Invalid response: ${errorName(error)}`;
  return asked.protocols
    ? 'Server sent an invalid subprotocol'
    : 'Server sent a subprotocol but none was requested';
}

/** Which of the things that may be wrong with extensions it is. */
function extensionFault(response: IncomingMessage, { extensions }: Asked): string {
  if (!extensions) {
    return 'Server sent a Sec-WebSocket-Extensions header but no extension was requested';
  }
  const answer = String(response.headers['sec-websocket-extensions']);
  return /^\s*permessage-deflate\s*(;|$)/i.test(answer)
    ? 'Invalid Sec-WebSocket-Extensions header'
    : 'Server indicated an extension that was not requested';
}
