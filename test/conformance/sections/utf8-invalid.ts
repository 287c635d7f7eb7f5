// Group 8: text that is not UTF-8. RFC 6455 8.1:
// "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not,
// in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { byteByByte, closesWith, hex, refusal, wantText } from '../expect.js';
import { binary, continuation, fragments, split, TEXT, text } from '../frame.js';
import { INVALID, TRUNCATED } from './utf8-tables.js';

const among = (bytes: string): Buffer =>
  Buffer.concat([Buffer.from('κύμα '), hex(bytes), Buffer.from(' end')]);

const whole = INVALID.map(({ name, bytes }) =>
  refusal('6455 8.1', `${name}, in one frame`, 1007, () => text(among(bytes))),
);

const inFragments = INVALID.filter(({ bytes }) => bytes.length > 2).map(({ name, bytes }) =>
  refusal('6455 8.1', `${name}, in fragments of one byte`, 1007, () =>
    fragments(TEXT, split(hex(bytes), 1)),
  ),
);

const truncated = TRUNCATED.flatMap(({ name, bytes }) => [
  refusal('6455 8.1', `${name} at the end of a text`, 1007, () =>
    text(Buffer.concat([Buffer.from('end '), hex(bytes)])),
  ),
  refusal('6455 8.1', `${name} alone, byte by byte`, 1007, () => text(hex(bytes)), {
    sending: byteByByte,
  }),
  refusal('6455 8.1', `${name}, then an empty last fragment`, 1007, () =>
    fragments(TEXT, [hex(bytes), Buffer.alloc(0)]),
  ),
]);

const states = [
  refusal('6455 8.1', 'a character shared by two messages', 1007, () => [
    text(hex('c3')),
    text(hex('a9')),
  ]),
  refusal('6455 8.1', 'a bad text after a good one', 1007, () => [text('good'), text(hex('ff'))], {
    before: [wantText('good')],
  }),
  refusal(
    '6455 8.1',
    'a bad text after a binary that is no UTF-8 either',
    1007,
    () => [binary(hex('c3')), text(hex('a9'))],
    {
      before: [{ kind: 'binary', data: hex('c3') }],
    },
  ),
  refusal('6455 8.1', 'a good first fragment, then a bad one', 1007, () => [
    text('κύμα', { fin: false }),
    continuation(hex('80')),
  ]),
  refusal(
    '6455 8.1',
    'a bad message of 300 bytes, byte by byte',
    1007,
    () => text(Buffer.concat([Buffer.alloc(299, 'a'), hex('ff')])),
    { sending: byteByByte },
  ),
];

/** Fast validators look at whole words: the bad byte goes to every place in and around them. */
const atEachOffset = (name: string, bad: string, filler: string): Draft => ({
  rfc: '6455 8.1',
  title: `${name} at each offset from 0 to 80`,
  timeout_ms: 5000,
  run: async (ctx) => {
    for (let at = 0; at <= 80; at++) {
      const client = await ctx.open();
      const padding = Buffer.alloc(80, filler);
      await client.send(
        text(Buffer.concat([padding.subarray(0, at), hex(bad), padding.subarray(at)])),
      );
      await closesWith(ctx, client, 1007);
      client.destroy();
    }
  },
});

const offsets = [
  atEachOffset('FF in ASCII', 'ff', 'a'),
  atEachOffset('a surrogate in ASCII', 'ed a0 80', 'a'),
  atEachOffset('an overlong form in ASCII', 'c0 af', 'a'),
  atEachOffset('a truncated 4-byte form in ASCII', 'f0 9f 90', 'a'),
];

export const utf8Invalid = group(8, 'UTF-8 invalid', [
  whole,
  inFragments,
  truncated,
  states,
  offsets,
]);
