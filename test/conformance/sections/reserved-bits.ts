// Group 3: RSV bits without an extension. RFC 6455 5.2:
// "If a nonzero value is received and none of the negotiated extensions defines the meaning of
// such a nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_."
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { byteByByte, earlyRefusal, refusal, wantPong, wantText } from '../expect.js';
import type { Refusal, Sending } from '../expect.js';
import { binary, CLOSE, closePayload, continuation, frame, ping, pong, text } from '../frame.js';

/** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
const COMBINATIONS = [1, 2, 3, 4, 5, 6, 7];

const named = (rsv: number): string =>
  ['RSV1', 'RSV2', 'RSV3'].filter((_, i) => rsv & (4 >> i)).join('+');

const each = (
  where: string,
  bytes: (rsv: number) => Buffer[],
  expected: Refusal & { sending?: Sending } = {},
): Draft[] =>
  COMBINATIONS.map((rsv) =>
    refusal('6455 5.2', `${named(rsv)} ${where}`, 1002, () => bytes(rsv), expected),
  );

const early = COMBINATIONS.map((rsv) =>
  earlyRefusal('6455 5.2', `${named(rsv)}, refused at the header without the payload`, 1002, () => {
    const bytes = text('the payload comes later', { rsv });
    return { head: bytes.subarray(0, 6), rest: bytes.subarray(6) };
  }),
);

export const reservedBits = group(3, 'reserved bits', [
  each('on a small text', (rsv) => [text('small', { rsv })]),
  each('on a text after a good one', (rsv) => [text('good'), text('bad', { rsv })], {
    before: [wantText('good')],
  }),
  each(
    'between a text and a ping, which stays unanswered',
    (rsv) => [text('good'), text('bad', { rsv }), ping('late')],
    {
      before: [wantText('good')],
    },
  ),
  each(
    'after a ping, with a text behind',
    (rsv) => [ping('good'), binary('bad', { rsv }), text('late')],
    {
      before: [wantPong('good')],
    },
  ),
  each('after a text, byte by byte', (rsv) => [text('good'), text('bad', { rsv }), ping('late')], {
    before: [wantText('good')],
    sending: byteByByte,
  }),
  each('on a binary without payload', (rsv) => [binary('', { rsv })]),
  each('on a continuation', (rsv) => [
    text('first', { fin: false }),
    continuation('last', { rsv }),
  ]),
  each('on a ping', (rsv) => [ping('bad', { rsv })]),
  each('on a pong', (rsv) => [pong('bad', { rsv })]),
  each('on a Close', (rsv) => [frame({ opcode: CLOSE, rsv, payload: closePayload(1000) })]),
  early,
]);
