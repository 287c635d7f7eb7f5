// Group 5: messages in fragments, with control frames between them. RFC 6455 5.4.
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { kindOf } from '../client.js';
import {
  ascii,
  byteByByte,
  chops,
  pattern,
  receives,
  talk,
  wantPong,
  wantText,
} from '../expect.js';
import { whole } from '../expect.js';
import type { Sending } from '../expect.js';
import {
  BINARY,
  binary,
  continuation,
  fragments,
  ping,
  pong,
  split,
  TEXT,
  text,
} from '../frame.js';

const payloadOf = (opcode: number, length: number): Buffer =>
  opcode === TEXT ? ascii(length) : pattern(length);
const nameOf = (opcode: number): string => kindOf(opcode);

/** A message of `count` fragments of `size` bytes each. */
const inFragments = (
  opcode: number,
  count: number,
  size: number,
  how: string,
  sending: Sending,
): Draft =>
  talk('6455 5.4', `${nameOf(opcode)} in ${count} fragments of ${size} bytes ${how}`, async (c) => {
    const payload = payloadOf(opcode, count * size);
    await sending(c, Buffer.concat(fragments(opcode, split(payload, size))));
    await receives(c, [{ kind: kindOf(opcode), data: payload }]);
  });

const counts = [TEXT, BINARY].flatMap((opcode) => [
  ...[2, 3, 10, 100].map((n) => inFragments(opcode, n, 5, 'in one write', whole)),
  inFragments(opcode, 5, 7, 'byte by byte', byteByByte),
  inFragments(opcode, 4, 200, 'in chops of 33 bytes', chops(33)),
  inFragments(opcode, 2, 65536, 'in one write', whole),
]);

const perWrite = [TEXT, BINARY].map((opcode) =>
  talk('6455 5.4', `${nameOf(opcode)} in 20 fragments, one write each`, async (c) => {
    const payload = payloadOf(opcode, 200);
    await c.sendPieces(fragments(opcode, split(payload, 10)), 1);
    await receives(c, [{ kind: kindOf(opcode), data: payload }]);
  }),
);

const pieces = (title: string, parts: string[]): Draft =>
  talk('6455 5.4', title, async (c) => {
    await c.send(
      Buffer.concat(
        fragments(
          TEXT,
          parts.map((p) => Buffer.from(p)),
        ),
      ),
    );
    await receives(c, [wantText(parts.join(''))]);
  });

const empties = [
  pieces('text of two empty fragments', ['', '']),
  pieces('text of three empty fragments', ['', '', '']),
  pieces('text with an empty first fragment', ['', 'rest']),
  pieces('text with an empty fragment in the middle', ['first', '', 'last']),
  pieces('text with an empty last fragment', ['first', '']),
  pieces(
    'text of 1,000 empty fragments',
    Array.from({ length: 1000 }, () => ''),
  ),
  pieces(
    'text of fragments of 0, 1, 125, 126, 127 and 65,536 bytes',
    [0, 1, 125, 126, 127, 65536].map((n) => 'x'.repeat(n)),
  ),
];

/** Control frames between fragments: the pongs come before the echo, as the pings came before FIN. */
const between = (
  title: string,
  frames: () => Buffer[],
  pongs: string[],
  whole_text: string,
  sending: Sending,
): Draft =>
  talk('6455 5.4', title, async (c, ctx) => {
    await sending(c, Buffer.concat(frames()));
    await receives(c, [...pongs.map(wantPong), wantText(whole_text)], (note) =>
      ctx.nonStrict(note),
    );
  });

const first = (): Buffer => text('first ', { fin: false });
const last = (): Buffer => continuation('last');
const tenWithPings = (): Buffer[] =>
  fragments(TEXT, split(ascii(100), 10)).flatMap((f, i) => (i < 9 ? [f, ping(`${i}`)] : [f]));
const NINE = ['0', '1', '2', '3', '4', '5', '6', '7', '8'];

const controls = [
  ...(
    [
      ['in one write', whole],
      ['byte by byte', byteByByte],
      ['in chops of 3 bytes', chops(3)],
    ] as const
  ).flatMap(([how, sending]) => [
    between(
      `ping between two fragments ${how}`,
      () => [first(), ping('p'), last()],
      ['p'],
      'first last',
      sending,
    ),
    between(
      `pong between two fragments ${how}`,
      () => [first(), pong('p'), last()],
      [],
      'first last',
      sending,
    ),
    between(
      `pings between ten fragments ${how}`,
      tenWithPings,
      NINE,
      ascii(100).toString(),
      sending,
    ),
  ]),
  between(
    'ping of 125 bytes between two fragments',
    () => [first(), ping(ascii(125)), last()],
    [ascii(125).toString()],
    'first last',
    whole,
  ),
  between(
    'ping between empty fragments',
    () => [text('', { fin: false }), ping('p'), continuation('')],
    ['p'],
    '',
    whole,
  ),
  talk(
    '6455 5.4',
    'the pong for a ping between fragments does not wait for the last one',
    async (c) => {
      await c.send(Buffer.concat([first(), ping('p')]));
      await receives(c, [wantPong('p')]);
      await c.send(last());
      await receives(c, [wantText('first last')]);
    },
  ),
  talk('6455 5.4', 'two fragmented messages with pings in one write', async (c, ctx) => {
    await c.send(Buffer.concat([first(), ping('1'), last(), first(), ping('2'), last()]));
    const wanted = [wantPong('1'), wantText('first last'), wantPong('2'), wantText('first last')];
    await receives(c, wanted, (note) => ctx.inform(note));
  }),
  talk('6455 5.4', 'a fragmented message, then a whole one of the other type', async (c) => {
    await c.send(Buffer.concat([first(), last(), binary(pattern(9))]));
    await receives(c, [wantText('first last'), { kind: 'binary', data: pattern(9) }]);
  }),
];

export const fragmentation = group(5, 'fragmentation', [
  [...counts, ...perWrite],
  empties,
  controls,
]);
