// The texts of the opening handshake, as bytes that end with 0. RFC 6455 1.3 and 4.
//
// A string literal would be UTF-16 with a header of 20 bytes; these are what goes over the wire.
// test/vectors/texts.test.ts holds each against the comment above it. What only clients say is
// left out of a core without them, and so is what only the lists of the feature `security` need.

import { ADDRESSES, CLIENT, DEFLATE, HEADERS, SECURITY } from '../profile';

// Names that are looked for, in lower case, one after the other in the order of Field (head.ts);
// an empty one ends them.

/** host\0upgrade\0connection\0content-length\0transfer-encoding\0 */
export const NAMES: usize = memory.data<u8>(
  [
    104, 111, 115, 116, 0, 117, 112, 103, 114, 97, 100, 101, 0, 99, 111, 110, 110, 101, 99, 116,
    105, 111, 110, 0, 99, 111, 110, 116, 101, 110, 116, 45, 108, 101, 110, 103, 116, 104, 0, 116,
    114, 97, 110, 115, 102, 101, 114, 45, 101, 110, 99, 111, 100, 105, 110, 103, 0, 0,
  ],
  1,
);

/** upgrade: what Connection has to name is the second of the names. */
export const UPGRADE: usize = NAMES + 5;

/** sec-websocket- */
export const SEC: usize = memory.data<u8>(
  [115, 101, 99, 45, 119, 101, 98, 115, 111, 99, 107, 101, 116, 45, 0],
  1,
);

// What may follow it.

/** key\0version\0protocol\0extensions\0accept\0 */
export const SEC_NAMES: usize = memory.data<u8>(
  [
    107, 101, 121, 0, 118, 101, 114, 115, 105, 111, 110, 0, 112, 114, 111, 116, 111, 99, 111, 108,
    0, 101, 120, 116, 101, 110, 115, 105, 111, 110, 115, 0, 97, 99, 99, 101, 112, 116, 0, 0,
  ],
  1,
);

// What keep.ts keeps whatever the host names; the origin is also judged by hub/security.ts.

/** host\0origin\0cookie\0 */
export const KEPT: usize =
  HEADERS || SECURITY
    ? memory.data<u8>(
        [104, 111, 115, 116, 0, 111, 114, 105, 103, 105, 110, 0, 99, 111, 111, 107, 105, 101, 0, 0],
        1,
      )
    : 0;

/** The three of them, with their lengths. */
export const HOST: usize = KEPT;
export const HOST_LENGTH: u32 = 4;
export const ORIGIN: usize = HOST + HOST_LENGTH + 1;
export const ORIGIN_LENGTH: u32 = 6;
export const COOKIE: usize = ORIGIN + ORIGIN_LENGTH + 1;
export const COOKIE_LENGTH: u32 = 6;

/** x-forwarded-for */
export const FORWARDED_FOR: usize = ADDRESSES
  ? memory.data<u8>([120, 45, 102, 111, 114, 119, 97, 114, 100, 101, 100, 45, 102, 111, 114, 0], 1)
  : 0;

// What is both looked for and written: see Term in extensions.ts.

/** Sec-WebSocket-Extensions: permessage-deflate\0server_no_context_takeover\0client_no_context_takeover\0server_max_window_bits\0client_max_window_bits\0 */
export const EXTENSIONS: usize = DEFLATE
  ? memory.data<u8>(
      [
        83, 101, 99, 45, 87, 101, 98, 83, 111, 99, 107, 101, 116, 45, 69, 120, 116, 101, 110, 115,
        105, 111, 110, 115, 58, 32, 112, 101, 114, 109, 101, 115, 115, 97, 103, 101, 45, 100, 101,
        102, 108, 97, 116, 101, 0, 115, 101, 114, 118, 101, 114, 95, 110, 111, 95, 99, 111, 110,
        116, 101, 120, 116, 95, 116, 97, 107, 101, 111, 118, 101, 114, 0, 99, 108, 105, 101, 110,
        116, 95, 110, 111, 95, 99, 111, 110, 116, 101, 120, 116, 95, 116, 97, 107, 101, 111, 118,
        101, 114, 0, 115, 101, 114, 118, 101, 114, 95, 109, 97, 120, 95, 119, 105, 110, 100, 111,
        119, 95, 98, 105, 116, 115, 0, 99, 108, 105, 101, 110, 116, 95, 109, 97, 120, 95, 119, 105,
        110, 100, 111, 119, 95, 98, 105, 116, 115, 0, 0,
      ],
      1,
    )
  : 0;

/** permessage-deflate and its parameters, one after the other; an empty one ends them. */
export const DEFLATE_NAMES: usize = EXTENSIONS + 26;

/** websocket */
export const WEBSOCKET: usize = memory.data<u8>([119, 101, 98, 115, 111, 99, 107, 101, 116, 0], 1);

/** 258EAFA5-E914-47DA-95CA-C5AB0DC85B11 */
export const GUID: usize = memory.data<u8>(
  [
    50, 53, 56, 69, 65, 70, 65, 53, 45, 69, 57, 49, 52, 45, 52, 55, 68, 65, 45, 57, 53, 67, 65, 45,
    67, 53, 65, 66, 48, 68, 67, 56, 53, 66, 49, 49, 0,
  ],
  1,
);

// What is written.

/** HTTP/1.1  */
export const HTTP_11: usize = memory.data<u8>([72, 84, 84, 80, 47, 49, 46, 49, 32, 0], 1);

/** 101 Switching Protocols */
export const SWITCHING: usize = memory.data<u8>(
  [
    49, 48, 49, 32, 83, 119, 105, 116, 99, 104, 105, 110, 103, 32, 80, 114, 111, 116, 111, 99, 111,
    108, 115, 0,
  ],
  1,
);

/** \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket- */
export const UPGRADE_LINES: usize = memory.data<u8>(
  [
    13, 10, 85, 112, 103, 114, 97, 100, 101, 58, 32, 119, 101, 98, 115, 111, 99, 107, 101, 116, 13,
    10, 67, 111, 110, 110, 101, 99, 116, 105, 111, 110, 58, 32, 85, 112, 103, 114, 97, 100, 101, 13,
    10, 83, 101, 99, 45, 87, 101, 98, 83, 111, 99, 107, 101, 116, 45, 0,
  ],
  1,
);

/** Accept:  */
export const ACCEPT: usize = memory.data<u8>([65, 99, 99, 101, 112, 116, 58, 32, 0], 1);

/** Sec-WebSocket-Protocol:  */
export const PROTOCOL: usize = memory.data<u8>(
  [
    83, 101, 99, 45, 87, 101, 98, 83, 111, 99, 107, 101, 116, 45, 80, 114, 111, 116, 111, 99, 111,
    108, 58, 32, 0,
  ],
  1,
);

/** Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n */
export const VERSION_13: usize = memory.data<u8>(
  [
    85, 112, 103, 114, 97, 100, 101, 58, 32, 119, 101, 98, 115, 111, 99, 107, 101, 116, 13, 10, 83,
    101, 99, 45, 87, 101, 98, 83, 111, 99, 107, 101, 116, 45, 86, 101, 114, 115, 105, 111, 110, 58,
    32, 49, 51, 13, 10, 0,
  ],
  1,
);

/** Allow: GET\r\n */
export const ALLOW_GET: usize = memory.data<u8>(
  [65, 108, 108, 111, 119, 58, 32, 71, 69, 84, 13, 10, 0],
  1,
);

/** Connection: close */
export const CLOSE: usize = memory.data<u8>(
  [67, 111, 110, 110, 101, 99, 116, 105, 111, 110, 58, 32, 99, 108, 111, 115, 101, 0],
  1,
);

/** , Upgrade */
export const AND_UPGRADE: usize = memory.data<u8>([44, 32, 85, 112, 103, 114, 97, 100, 101, 0], 1);

/** \r\nContent-Length:  */
export const LENGTH: usize = memory.data<u8>(
  [13, 10, 67, 111, 110, 116, 101, 110, 116, 45, 76, 101, 110, 103, 116, 104, 58, 32, 0],
  1,
);

/**  HTTP/1.1\r\nHost:  */
export const REQUEST_TAIL: usize = CLIENT
  ? memory.data<u8>([32, 72, 84, 84, 80, 47, 49, 46, 49, 13, 10, 72, 111, 115, 116, 58, 32, 0], 1)
  : 0;

/** Version: 13\r\nSec-WebSocket-Key:  */
export const VERSION_KEY: usize = CLIENT
  ? memory.data<u8>(
      [
        86, 101, 114, 115, 105, 111, 110, 58, 32, 49, 51, 13, 10, 83, 101, 99, 45, 87, 101, 98, 83,
        111, 99, 107, 101, 116, 45, 75, 101, 121, 58, 32, 0,
      ],
      1,
    )
  : 0;

// What the judgement by the host's lists looks for (hub/security.ts), and the answers to a request whose
// token is missing, wrong, or not the only one. RFC 6750 3.

/** authorization */
export const AUTHORIZATION: usize = SECURITY
  ? memory.data<u8>([97, 117, 116, 104, 111, 114, 105, 122, 97, 116, 105, 111, 110, 0], 1)
  : 0;

/** bearer */
export const BEARER: usize = SECURITY ? memory.data<u8>([98, 101, 97, 114, 101, 114, 0], 1) : 0;

/** access_token= */
export const ACCESS_TOKEN: usize = SECURITY
  ? memory.data<u8>([97, 99, 99, 101, 115, 115, 95, 116, 111, 107, 101, 110, 61, 0], 1)
  : 0;

/** WWW-Authenticate: Bearer\r\n */
export const CHALLENGE: usize = SECURITY
  ? memory.data<u8>(
      [
        87, 87, 87, 45, 65, 117, 116, 104, 101, 110, 116, 105, 99, 97, 116, 101, 58, 32, 66, 101,
        97, 114, 101, 114, 13, 10, 0,
      ],
      1,
    )
  : 0;

/** WWW-Authenticate: Bearer error="invalid_token"\r\n */
export const CHALLENGE_TOKEN: usize = SECURITY
  ? memory.data<u8>(
      [
        87, 87, 87, 45, 65, 117, 116, 104, 101, 110, 116, 105, 99, 97, 116, 101, 58, 32, 66, 101,
        97, 114, 101, 114, 32, 101, 114, 114, 111, 114, 61, 34, 105, 110, 118, 97, 108, 105, 100,
        95, 116, 111, 107, 101, 110, 34, 13, 10, 0,
      ],
      1,
    )
  : 0;

/** WWW-Authenticate: Bearer error="invalid_request"\r\n */
export const CHALLENGE_REQUEST: usize = SECURITY
  ? memory.data<u8>(
      [
        87, 87, 87, 45, 65, 117, 116, 104, 101, 110, 116, 105, 99, 97, 116, 101, 58, 32, 66, 101,
        97, 114, 101, 114, 32, 101, 114, 114, 111, 114, 61, 34, 105, 110, 118, 97, 108, 105, 100,
        95, 114, 101, 113, 117, 101, 115, 116, 34, 13, 10, 0,
      ],
      1,
    )
  : 0;

/** A byte → the same, a letter of ASCII in lower case. RFC 9110 5.1. */
// @ts-ignore: decorator
@inline
export function lower(byte: u32): u32 {
  return byte - 65 < 26 ? byte | 32 : byte;
}

/** Whether `n` bytes at `p` are the lower-case `text`, in any case. RFC 9110 5.1. */
export function textIs(p: usize, n: u32, text: usize): bool {
  const end = p + n;
  while (p < end) {
    if (lower(load<u8>(p)) != load<u8>(text)) return false;
    p += 1;
    text += 1;
  }
  return load<u8>(text) == 0;
}
