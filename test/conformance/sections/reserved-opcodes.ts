// Group 4: opcodes 3-7 and 11-15. RFC 6455 5.2:
// "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { byteByByte, earlyRefusal, pattern, refusal, wantText } from '../expect.js';
import type { Refusal, Sending } from '../expect.js';
import { frame, ping, text } from '../frame.js';

const RESERVED = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];

const each = (
  where: string,
  bytes: (opcode: number) => Buffer[],
  expected: Refusal & { sending?: Sending } = {},
): Draft[] =>
  RESERVED.map((opcode) =>
    refusal('6455 5.2', `opcode ${opcode} ${where}`, 1002, () => bytes(opcode), expected),
  );

const payload = Buffer.from('reserved');

const early = RESERVED.map((opcode) =>
  earlyRefusal(
    '6455 5.2',
    `opcode ${opcode}, refused at the header without the payload`,
    1002,
    () => {
      const bytes = frame({ opcode, payload: pattern(1000) });
      return { head: bytes.subarray(0, 8), rest: bytes.subarray(8) };
    },
  ),
);

export const reservedOpcodes = group(4, 'reserved opcodes', [
  each('without payload', (opcode) => [frame({ opcode })]),
  each('with payload', (opcode) => [frame({ opcode, payload })]),
  each(
    'between a text and a ping, which stays unanswered',
    (opcode) => [text('good'), frame({ opcode, payload }), ping('late')],
    {
      before: [wantText('good')],
    },
  ),
  each(
    'after a text, byte by byte',
    (opcode) => [text('good'), frame({ opcode, payload }), ping('late')],
    {
      before: [wantText('good')],
      sending: byteByByte,
    },
  ),
  each('inside a fragmented text', (opcode) => [
    text('first', { fin: false }),
    frame({ opcode, payload }),
  ]),
  each('without FIN', (opcode) => [frame({ opcode, payload, fin: false })]),
  early,
]);
