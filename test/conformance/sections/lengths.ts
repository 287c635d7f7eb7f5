// Group 13: payload lengths that are not in their shortest form, or beyond all bounds. RFC 6455 5.2:
// "in all cases, the minimal number of bytes MUST be used to encode the length"
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { ascii, byteByByte, earlyRefusal, echoes, refusal, talk, wantText } from '../expect.js';
import { BINARY, binary, CLOSE, closePayload, continuation, frame, TEXT, text } from '../frame.js';

const longForms: [length: number, form: 16 | 64][] = [
  [0, 16],
  [1, 16],
  [125, 16],
  [0, 64],
  [1, 64],
  [125, 64],
  [126, 64],
  [65535, 64],
];

const notShortest = longForms.flatMap(([length, form]) => [
  refusal('6455 5.2', `text of ${length} bytes with a ${form}-bit length`, 1002, () =>
    text(ascii(length), { form }),
  ),
  refusal(
    '6455 5.2',
    `text, then binary of ${length} bytes with a ${form}-bit length`,
    1002,
    () => [text('good'), binary(ascii(length), { form })],
    { before: [wantText('good')] },
  ),
]);

const settings = [
  refusal(
    '6455 5.2',
    'a 16-bit length for 5 bytes, byte by byte',
    1002,
    () => text('short', { form: 16 }),
    { sending: byteByByte },
  ),
  refusal(
    '6455 5.2',
    'a 64-bit length for 5 bytes, byte by byte',
    1002,
    () => text('short', { form: 64 }),
    { sending: byteByByte },
  ),
  refusal('6455 5.2', 'a continuation of 5 bytes with a 16-bit length', 1002, () => [
    text('a', { fin: false }),
    continuation('short', { form: 16 }),
  ]),
  refusal('6455 5.5', 'Close with a 16-bit length', 1002, () =>
    frame({ opcode: CLOSE, payload: closePayload(1000), form: 16 }),
  ),
  refusal('6455 5.5', 'Close with a 64-bit length', 1002, () =>
    frame({ opcode: CLOSE, payload: closePayload(1000), form: 64 }),
  ),
  earlyRefusal('6455 5.2', 'a 16-bit length for 5 bytes, refused before the payload', 1002, () => {
    const bytes = text('short', { form: 16 });
    return { head: bytes.subarray(0, 8), rest: bytes.subarray(8) };
  }),
  earlyRefusal(
    '6455 5.2',
    'a 64-bit length for 500 bytes, refused before the payload',
    1002,
    () => {
      const bytes = text(ascii(500), { form: 64 });
      return { head: bytes.subarray(0, 14), rest: bytes.subarray(14) };
    },
  ),
];

/** Only the header is sent: no payload of that size will ever come. */
const declared = (title: string, code: number, length: bigint, tolerated: number[] = []): Draft[] =>
  [TEXT, BINARY].map((opcode) =>
    earlyRefusal(
      '6455 5.2',
      `${opcode === TEXT ? 'text' : 'binary'} that declares ${title}`,
      code,
      () => ({
        head: frame({ opcode, form: 64, length }),
        rest: ascii(64),
        tolerated,
      }),
    ),
  );

const huge = [
  ...declared('2^62 bytes', 1009, 1n << 62n),
  ...declared('2^63 - 1 bytes', 1009, (1n << 63n) - 1n),
  ...declared('2^53 bytes', 1009, 1n << 53n),
  ...declared('2^40 bytes', 1009, 1n << 40n),
  // RFC 6455 5.2: "the most significant bit MUST be 0"; too big it is as well.
  ...declared('2^63 bytes, the top bit set', 1002, 1n << 63n, [1009]),
  ...declared('2^64 - 1 bytes, the top bit set', 1002, (1n << 64n) - 1n, [1009]),
  refusal(
    '6455 5.2',
    'a good text, then one that declares 2^62 bytes',
    1009,
    () => [text('good'), frame({ opcode: TEXT, form: 64, length: 1n << 62n })],
    { before: [wantText('good')] },
  ),
  refusal('6455 5.2', 'a continuation that declares 2^62 bytes', 1009, () => [
    text('a', { fin: false }),
    frame({ opcode: 0, form: 64, length: 1n << 62n }),
  ]),
  refusal(
    '6455 5.2',
    '2^62 declared bytes, header byte by byte',
    1009,
    () => frame({ opcode: TEXT, form: 64, length: 1n << 62n }),
    { sending: byteByByte },
  ),
];

const shortest = [
  talk('6455 5.2', '126 bytes are the least with a 16-bit length', (c) =>
    echoes(c, TEXT, ascii(126), undefined, { form: 16 }),
  ),
  talk('6455 5.2', '65,536 bytes are the least with a 64-bit length', (c) =>
    echoes(c, TEXT, ascii(65536), undefined, { form: 64 }),
  ),
];

export const lengths = group(13, 'lengths', [notShortest, settings, huge, shortest]);
