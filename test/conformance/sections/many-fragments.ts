// Group 21: more fragments than 16 bits count. RFC 6455 5.4 sets no bound.
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { kindOf } from '../client.js';
import { ascii, pattern, receives, talk, wantPong } from '../expect.js';
import { BINARY, continuation, fragments, ping, split, TEXT, text } from '../frame.js';

const HEAVY = { heavy: true, timeout_ms: 20_000 };

const many = (opcode: number, count: number, size: number): Draft =>
  talk(
    '6455 5.4',
    `${kindOf(opcode)} in ${count.toLocaleString('en')} fragments of ${size} bytes`,
    async (c) => {
      const payload = opcode === TEXT ? ascii(count * size) : pattern(count * size);
      await c.send(Buffer.concat(fragments(opcode, split(payload, size))));
      await receives(c, [{ kind: kindOf(opcode), data: payload }]);
    },
    HEAVY,
  );

const COUNTS: [count: number, size: number][] = [
  [65_535, 1],
  [65_536, 1],
  [65_537, 1],
  [65_537, 16],
  [131_073, 8],
];

const counted = [TEXT, BINARY].flatMap((opcode) =>
  COUNTS.map(([count, size]) => many(opcode, count, size)),
);

const odd = [
  talk(
    '6455 5.4',
    'text in 70,000 empty fragments and one with a word',
    async (c) => {
      const empty = Array.from({ length: 69_999 }, () => continuation('', { fin: false }));
      await c.send(Buffer.concat([text('', { fin: false }), ...empty, continuation('word')]));
      await receives(c, [{ kind: 'text', data: Buffer.from('word') }]);
    },
    HEAVY,
  ),
  talk(
    '6455 5.4',
    'text in 65,537 fragments with a ping after every 1,000th',
    async (c, ctx) => {
      const payload = ascii(65_537);
      const frames = fragments(TEXT, split(payload, 1)).flatMap((f, i) =>
        i % 1000 === 999 ? [f, ping(`${i}`)] : [f],
      );
      await c.send(Buffer.concat(frames));
      const pongs = Array.from({ length: 65 }, (_, i) => wantPong(`${i * 1000 + 999}`));
      await receives(c, [...pongs, { kind: 'text', data: payload }], (note) => ctx.nonStrict(note));
    },
    HEAVY,
  ),
  talk(
    '6455 5.4',
    'text in 65,537 fragments of one byte, in chops of 1,000 bytes',
    async (c) => {
      const payload = ascii(65_537);
      await c.sendChopped(Buffer.concat(fragments(TEXT, split(payload, 1))), 1000);
      await receives(c, [{ kind: 'text', data: payload }]);
    },
    HEAVY,
  ),
];

export const manyFragments = group(21, 'many fragments', [counted, odd]);
