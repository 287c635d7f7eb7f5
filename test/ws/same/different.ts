// Titles of scenarios → what limpet/ws does otherwise on purpose, and the lines in which that shows. All
// of it is in docs/from-ws.md; a line that is not of this kind is a mistake.

export interface Difference {
  why: string;
  /** Each line that differs is one of these. */
  lines: RegExp;
}

export const DIFFERENT: Record<string, Difference> = {
  'data: binaryType, set before and on the way': {
    why: "'fragments': the core puts a message together, so that the array has one Buffer, or none",
    lines: /binary \[Buffer "in (", Buffer ")?two"\]$/,
  },
  'closing: the other side may go on until it answers': {
    why: 'RFC 6455 5.5.2: a ping that comes between our Close frame and the peer’s has its pong',
    lines: /^wire \+ opcode 10 Buffer "still here"$/,
  },
  'frames: maxBufferedChunks': {
    why: 'a message in pieces lies in one block, in however many it comes: there is nothing to count',
    lines: /WS_ERR_TOO_MANY_BUFFERED_PARTS|close 1006|code 1008|wire - over|not within/,
  },
  'frames: the sender masks as it should not': {
    why: 'RFC 6455 5.1: "A server MUST NOT mask any frames": a TypeError of send',
    lines: /^wire - opcode|a server does not mask/,
  },
  'frames: a client that does not mask': {
    why: 'RFC 6455 5.1: "a client MUST mask all frames": a TypeError of send',
    lines: /^wire - opcode|a client masks/,
  },
  'deflate: what a server answers to each offer': {
    why: 'contexts of clients are windows of 2 KiB: client_max_window_bits=11, or no takeover',
    lines: /^answers [-+] .* → (101 permessage-deflate|400)/,
  },
  'deflate: offers that are wrong': {
    why: 'RFC 7692 5.1: an offer that is wrong is declined; one that is no header field is 400',
    lines: /^answers/,
  },
  'deflate: what a client offers': {
    why: 'a context of the server’s is a window of 2 KiB: server_max_window_bits=11, or no takeover',
    lines: /^offers/,
  },
  'deflate: what a client takes for an answer': {
    why: 'what was offered is what may be answered; the errors have other words',
    lines: /Sec-WebSocket-Extensions|extension that was not requested|^client - open/,
  },
  'deflate: threshold, and what is compressed on the wire': {
    why: 'the threshold counts whether contexts are kept or not',
    lines: /opcode 1(, rsv 4 compressed| Buffer "x+")$/,
  },
  'deflate: what is no deflate': {
    why: 'the words are not those of zlib; class, code and close code are',
    lines: /Z_DATA_ERROR/,
  },
  'deflate: options that are out of range': {
    why: 'a RangeError of the constructor, in place of a handshake that cannot be',
    lines: /^answers - |RangeError: perMessageDeflate|^wire - over/,
  },
  'requests: each answer': {
    why: 'RFC 6455 4.4: versions but 13 get 426; RFC 9110 5.6.1: empty elements of a list count for nothing',
    lines: /^(answers|server)/,
  },
  'requests: each answer, with wsClientError': {
    why: 'as above',
    lines: /^(answers|server)|Sec-WebSocket-(Version|Protocol) header/,
  },
  'client: addresses that are none': {
    why: 'WHATWG: an empty fragment is one',
    lines: /wss:\/\/host\/#/,
  },
};
