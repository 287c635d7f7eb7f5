// What the core has against a peer → the errors that users of `ws` know: class, message, `code`.

import { ErrorCode, Sent } from '../../../build/limpet.abi.js';
import { errorName } from '../../core/core.js';

/** An error with the `code` that users of `ws` tell it by. */
export interface CodedError extends Error {
  code: string;
}

type Maker = new (message: string) => Error;
type Fault = readonly [Maker, code: string, message: string];

/** The rules of frames; `%` in a message stands for what broke it. */
const FRAMES: Readonly<Record<number, Fault>> = {
  [ErrorCode.OPCODE]: [RangeError, 'WS_ERR_INVALID_OPCODE', 'invalid opcode %'],
  [ErrorCode.CONTINUATION]: [RangeError, 'WS_ERR_INVALID_OPCODE', 'invalid opcode %'],
  [ErrorCode.INTERLEAVED]: [RangeError, 'WS_ERR_INVALID_OPCODE', 'invalid opcode %'],
  [ErrorCode.CONTROL_FRAGMENTED]: [RangeError, 'WS_ERR_EXPECTED_FIN', 'FIN must be set'],
  [ErrorCode.CONTROL_LENGTH]: [
    RangeError,
    'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
    'invalid payload length %',
  ],
  [ErrorCode.CLOSE_LENGTH]: [
    RangeError,
    'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
    'invalid payload length 1',
  ],
  [ErrorCode.LENGTH_FORM]: [
    RangeError,
    'WS_ERR_INVALID_PAYLOAD_LENGTH',
    'the payload length is not in its shortest form',
  ],
  [ErrorCode.UNMASKED]: [RangeError, 'WS_ERR_EXPECTED_MASK', 'MASK must be set'],
  [ErrorCode.MASKED]: [RangeError, 'WS_ERR_UNEXPECTED_MASK', 'MASK must be clear'],
  [ErrorCode.CLOSE_CODE]: [RangeError, 'WS_ERR_INVALID_CLOSE_CODE', 'invalid status code %'],
  [ErrorCode.UTF8]: [Error, 'WS_ERR_INVALID_UTF8', 'invalid UTF-8 sequence'],
  [ErrorCode.CLOSE_REASON]: [Error, 'WS_ERR_INVALID_UTF8', 'invalid UTF-8 sequence'],
};
const RSV_1: Fault = [RangeError, 'WS_ERR_UNEXPECTED_RSV_1', 'RSV1 must be clear'];
const RSV_2_3: Fault = [RangeError, 'WS_ERR_UNEXPECTED_RSV_2_3', 'RSV2 and RSV3 must be clear'];

/** What else is wrong with a peer. */
const OTHERS: Readonly<Record<number, Fault>> = {
  [ErrorCode.TOO_BIG]: [
    RangeError,
    'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    'Max payload size exceeded',
  ],
  [ErrorCode.FRAGMENTS]: [
    RangeError,
    'WS_ERR_TOO_MANY_BUFFERED_PARTS',
    'Too many message fragments',
  ],
  // That of zlib.
  [ErrorCode.DEFLATE]: [Error, 'Z_DATA_ERROR', 'invalid compressed data'],
  [ErrorCode.RATE]: [Error, 'WS_ERR_RATE_LIMIT', 'Rate limit exceeded'],
  [ErrorCode.OVERLOAD]: [Error, 'WS_ERR_OVERLOAD', 'No memory is left for a message'],
};
/** A length that no number of JavaScript says exactly. */
const TOO_LONG: Fault = [
  RangeError,
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  'Unsupported WebSocket frame: payload length > 2^53 - 1',
];

// Bits of what the core tells of a frame's header: see ErrorCode in the ABI.
const RSV_BITS_2_3 = 0x30;
const OPCODE_BITS = 0x0f;
const LENGTH_64 = 127;

/**
 * The error of a broken rule, as `ws` has it.
 *
 * @param detail what broke it: the header of the frame, or the close code
 */
export function faultOf(error: ErrorCode, detail: number): CodedError {
  const length = (detail >>> 8) & 0x7f;
  // 2^53 is 0x20 in the first two bytes of a length of eight.
  const tooLong = length === LENGTH_64 && swapped(detail >>> 16) >= 0x20;
  if (error === ErrorCode.LENGTH_SIGN || (error === ErrorCode.TOO_BIG && tooLong)) {
    return coded(TOO_LONG);
  }
  if (error === ErrorCode.RSV) {
    return coded(detail & RSV_BITS_2_3 ? RSV_2_3 : RSV_1, 'Invalid WebSocket frame: ');
  }
  const fault = FRAMES[error] as Fault | undefined;
  if (!fault) {
    const name = errorName(error);
    return coded(OTHERS[error] ?? [Error, `WS_ERR_${name}`, `The connection failed: ${name}`]);
  }
  const what =
    error === ErrorCode.CLOSE_CODE
      ? detail
      : error === ErrorCode.CONTROL_LENGTH
        ? length
        : detail & OPCODE_BITS;
  return coded(fault, 'Invalid WebSocket frame: ', what);
}

/** Two bytes in the other order. */
function swapped(bytes: number): number {
  return ((bytes & 0xff) << 8) | (bytes >>> 8);
}

function coded([Maker, code, text]: Fault, prefix = '', what = 0): CodedError {
  const error = new Maker(prefix + text.replace('%', String(what)));
  return Object.assign(error, { code });
}

/** What `ws` says of opening handshakes that break a rule. */
const REFUSALS: Readonly<Record<number, string>> = {
  [ErrorCode.UPGRADE_METHOD]: 'Invalid HTTP method',
  [ErrorCode.UPGRADE_HEADER]: 'Invalid Upgrade header',
  [ErrorCode.UPGRADE_KEY]: 'Missing or invalid Sec-WebSocket-Key header',
  [ErrorCode.UPGRADE_VERSION]: 'Missing or invalid Sec-WebSocket-Version header',
  [ErrorCode.UPGRADE_PROTOCOL]: 'Invalid Sec-WebSocket-Protocol header',
  [ErrorCode.UPGRADE_EXTENSION]: 'Invalid or unacceptable Sec-WebSocket-Extensions header',
};

/** Why an opening handshake was refused; undefined where that is not the handshake's fault. */
export function refusalOf(error: ErrorCode): string | undefined {
  return REFUSALS[error];
}

const STATES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'];

/** Why nothing can be sent in a state. */
export function notOpen(state: number): Error {
  return new Error(`WebSocket is not open: readyState ${state} (${STATES[state]})`);
}

/** Why a message was not queued, or not written. */
export function notSent(status: Sent | ErrorCode): CodedError {
  if (status === Sent.DROPPED) {
    return coded([Error, 'WS_ERR_DROPPED', 'The message was dropped: the send queue is full']);
  }
  if (status === ErrorCode.FULL) {
    return coded([Error, 'WS_ERR_QUEUE_FULL', 'The send queue is full']);
  }
  return coded([
    Error,
    'ERR_STREAM_DESTROYED',
    'The connection was closed before the message was written',
  ]);
}
