// Group 12: masking. RFC 6455 5.3, and 5.1:
// "The server MUST close the connection upon receiving a frame that is not masked."
import { group } from '../case.js';
import {
  ascii,
  byteByByte,
  earlyRefusal,
  echoes,
  hex,
  pattern,
  receives,
  refusal,
  talk,
  wantBinary,
  wantText,
} from '../expect.js';
import type { Sending } from '../expect.js';
import { BINARY, binary, close, continuation, ping, pong, TEXT, text } from '../frame.js';

const unmasked = { key: null };

const refused = [
  refusal('6455 5.1', 'unmasked text', 1002, () => text('bare', unmasked)),
  refusal('6455 5.1', 'unmasked empty text', 1002, () => text('', unmasked)),
  refusal('6455 5.1', 'unmasked binary', 1002, () => binary(pattern(100), unmasked)),
  refusal('6455 5.1', 'unmasked ping', 1002, () => ping('bare', unmasked)),
  refusal('6455 5.1', 'unmasked pong', 1002, () => pong('bare', unmasked)),
  refusal('6455 5.1', 'unmasked Close', 1002, () => close(1000, 'bare', unmasked)),
  refusal('6455 5.1', 'unmasked continuation', 1002, () => [
    text('a', { fin: false }),
    continuation('b', unmasked),
  ]),
  refusal(
    '6455 5.1',
    'unmasked text after a masked one',
    1002,
    () => [text('good'), text('bare', unmasked)],
    { before: [wantText('good')] },
  ),
  refusal('6455 5.1', 'unmasked text, byte by byte', 1002, () => text('bare', unmasked), {
    sending: byteByByte,
  }),
  earlyRefusal('6455 5.1', 'unmasked text, refused at its second byte', 1002, () => {
    const bytes = text('bare', unmasked);
    return { head: bytes.subarray(0, 2), rest: bytes.subarray(2) };
  }),
  earlyRefusal(
    '6455 5.1',
    'unmasked text of 65,536 bytes, refused at its second byte',
    1002,
    () => {
      const bytes = text(ascii(65536), unmasked);
      return { head: bytes.subarray(0, 2), rest: bytes.subarray(2) };
    },
  ),
];

const KEYS = [
  '00000000',
  'ffffffff',
  '37fa213d',
  '00ff00ff',
  'ff000000',
  '000000ff',
  '80808080',
  '01020304',
];

const keys = KEYS.map((digits) =>
  talk('6455 5.3', `masking key ${digits}, text, binary and ping`, async (c) => {
    const key = hex(digits);
    for (const n of [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 127, 1000, 65537])
      await echoes(c, BINARY, pattern(n), undefined, { key });
    await echoes(c, TEXT, Buffer.from('κύμα 🐚'), byteByByte, { key });
    await c.send(ping(pattern(125), { key }));
    await receives(c, [{ kind: 'pong', data: pattern(125) }]);
  }),
);

const inChops =
  (size: number): Sending =>
  (c, bytes) =>
    c.sendChopped(bytes, size);

const phases = [
  talk('6455 5.3', 'a payload of 19 bytes cut in two at each byte', async (c) => {
    for (let cut = 1; cut < 6 + 19; cut++) {
      const bytes = binary(pattern(19));
      await c.sendPieces([bytes.subarray(0, cut), bytes.subarray(cut)], 2);
      await receives(c, [wantBinary(pattern(19))]);
    }
  }),
  ...[1, 2, 3, 5, 7, 11, 13].map((size) =>
    talk('6455 5.3', `binary of 1,021 bytes in chops of ${size}`, (c) =>
      echoes(c, BINARY, pattern(1021), inChops(size)),
    ),
  ),
  talk('6455 5.3', 'the mask starts anew in each fragment', async (c) => {
    const parts = [1, 2, 3, 5, 6, 7, 9].map((n) => pattern(n));
    const frames = parts.map((p, i) =>
      i === 0 ? binary(p, { fin: false }) : continuation(p, { fin: i === parts.length - 1 }),
    );
    await c.sendChopped(Buffer.concat(frames), 3);
    await receives(c, [wantBinary(Buffer.concat(parts))]);
  }),
  talk('6455 5.3', '100 frames of odd lengths behind one another in one write', async (c) => {
    const sizes = Array.from({ length: 100 }, (_, i) => i);
    await c.send(Buffer.concat(sizes.map((n) => binary(pattern(n)))));
    await receives(
      c,
      sizes.map((n) => wantBinary(pattern(n))),
    );
  }),
];

export const masking = group(12, 'masking', [refused, keys, phases]);
