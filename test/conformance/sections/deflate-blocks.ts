// Group 29: every kind of DEFLATE block a client may send. RFC 7692 7.2.1: "Multiple DEFLATE blocks
// may be used", "DEFLATE blocks of any type", "with the 'BFINAL' bit set to 0 and … set to 1".
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { Failure } from '../client.js';
import { Blocks } from '../blocks.js';
import type { Token } from '../blocks.js';
import { ascii, describe, finishes, hex, pattern } from '../expect.js';
import { BINARY, TEXT } from '../frame.js';
import { answers, compressed, deflatedTalk, unpacks } from './deflated.js';

/** Payloads one after the other on one connection, each with its message. */
const unpacked = (
  rfc: string,
  title: string,
  messages: () => [payload: Buffer, data: string | Buffer][],
  opcode = TEXT,
): Draft =>
  deflatedTalk(rfc, title, async ({ client }) => {
    for (const [payload, data] of messages()) await unpacks(client, opcode, payload, data);
  });

const HELLO = 'f2 48 cd c9 c9 07 00';

const examples = [
  unpacked('7692 7.2.3.1', 'the example "Hello"', () => [[hex(HELLO), 'Hello']]),
  deflatedTalk('7692 7.2.3.1', 'the example "Hello" in two fragments', async ({ client }) => {
    // Masked: 41 83 … f2 48 cd, 80 84 … c9 c9 07 00.
    await client.send(compressed(TEXT, hex(HELLO), 3));
    await answers(client, TEXT, 'Hello');
  }),
  {
    rfc: '7692 7.2.3.2',
    title: 'the example of a shared window: "Hello" as a match',
    run: async (ctx) => {
      const { client, agreement } = await ctx.deflated();
      if (!agreement.client.takeover)
        return ctx.inform('the server wants no context of the client');
      await unpacks(client, TEXT, hex(HELLO), 'Hello');
      await unpacks(client, TEXT, hex('f2 00 11 00 00'), 'Hello');
      await unpacks(client, TEXT, hex('f2 00 11 00 00'), 'Hello');
      await finishes(client);
    },
  } satisfies Draft,
  unpacked('7692 7.2.3.3', 'the example of a stored block', () => [
    [hex('00 05 00 fa ff 48 65 6c 6c 6f 00'), 'Hello'],
  ]),
  unpacked('7692 7.2.3.4', 'the example of a block with BFINAL', () => [
    [hex('f3 48 cd c9 c9 07 00 00'), 'Hello'],
  ]),
  unpacked('7692 7.2.3.5', 'the example of two blocks', () => [
    [hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00'), 'Hello'],
  ]),
  {
    rfc: '7692 7.2.1',
    title: 'a block with BFINAL and no empty block behind it',
    run: async (ctx) => {
      // "append an empty DEFLATE block with no compression": the sender forgot to.
      const { client } = await ctx.deflated();
      await client.send(compressed(TEXT, hex('f3 48 cd c9 c9 07 00')));
      const event = await client.next('a text or a Close frame');
      ctx.inform(describe(event));
      if (event.kind === 'text' && event.data.toString() !== 'Hello')
        throw new Failure(`${describe(event)} came`);
    },
  } satisfies Draft,
];

const final = [
  unpacked('7692 7.2.1', 'a message with BFINAL, then others', () => [
    [hex('f3 48 cd c9 c9 07 00 00'), 'Hello'],
    [hex('f3 48 cd c9 c9 07 00 00'), 'Hello'],
    [hex(HELLO), 'Hello'],
  ]),
  unpacked('7692 7.2.1', 'a fixed block with BFINAL, then another block', () => [
    [
      new Blocks().fixed(ascii(9), true).fixed(ascii(5)).payload(),
      Buffer.concat([ascii(9), ascii(5)]),
    ],
  ]),
  unpacked('7692 7.2.1', 'three fixed blocks with BFINAL', () => [
    [
      new Blocks()
        .fixed(Buffer.from('one '), true)
        .fixed(Buffer.from('two '), true)
        .fixed(Buffer.from('three'), true)
        .payload(),
      'one two three',
    ],
  ]),
  unpacked('7692 7.2.1', 'a stored block with BFINAL, then a fixed one', () => [
    [
      new Blocks().stored(Buffer.from('stored '), true).fixed(Buffer.from('fixed')).payload(),
      'stored fixed',
    ],
  ]),
  unpacked('7692 7.2.1', 'the empty last block with BFINAL', () => [
    [new Blocks().fixed(Buffer.from('last')).header(0, true).cut(), 'last'],
  ]),
  unpacked('7692 7.2.1', 'a match that reaches into a block with BFINAL before it', () => [
    [
      new Blocks()
        .fixed(Buffer.from('limpet '), true)
        .fixed([{ length: 6, distance: 7 }])
        .payload(),
      'limpet limpet',
    ],
  ]),
  {
    rfc: '7692 7.1.1',
    title: 'a match that reaches into a message with BFINAL before it',
    run: async (ctx) => {
      // Nothing says that BFINAL ends the context; but zlib's inflate forgets it there.
      const { client, agreement } = await ctx.deflated();
      if (!agreement.client.takeover)
        return ctx.inform('the server wants no context of the client');
      await unpacks(client, TEXT, hex('f3 48 cd c9 c9 07 00 00'), 'Hello');
      await client.send(compressed(TEXT, hex('f2 00 11 00 00')));
      const event = await client.next('a text or a Close frame');
      if (event.kind === 'close' && event.code === 1007) return ctx.inform('refused with 1007');
      if (event.kind !== 'text' || event.data.toString() !== 'Hello')
        throw new Failure(`${describe(event)} came`);
      await finishes(client);
    },
  } satisfies Draft,
];

const storedIn = (size: number, data: Buffer): Buffer => {
  const blocks = new Blocks();
  for (let at = 0; at < data.length; at += size) blocks.stored(data.subarray(at, at + size));
  return blocks.payload();
};

const stored = [
  ...[1, 2, 100, 1000].map((size) =>
    unpacked(
      '7692 7.2.3.3',
      `3,000 bytes in stored blocks of ${size}`,
      () => [[storedIn(size, pattern(3000)), pattern(3000)]],
      BINARY,
    ),
  ),
  unpacked(
    '1951 3.2.4',
    'a stored block of 65,535 bytes',
    () => [[storedIn(65535, pattern(65535)), pattern(65535)]],
    BINARY,
  ),
  unpacked(
    '1951 3.2.4',
    '200,000 bytes in stored blocks of 65,535',
    () => [[storedIn(65535, pattern(200_000)), pattern(200_000)]],
    BINARY,
  ),
  unpacked('1951 3.2.4', 'an empty stored block before, between and behind', () => {
    const none = Buffer.alloc(0);
    const blocks = new Blocks().stored(none).fixed(Buffer.from('a')).stored(none).stored(none);
    return [[blocks.fixed(Buffer.from('b')).stored(none).payload(), 'ab']];
  }),
  unpacked('1951 3.2.4', 'a stored block whose padding bits are not 0', () => [
    [
      new Blocks()
        .header(0)
        .put(31, 5)
        .put(2, 16)
        .put(0xfffd, 16)
        .bytes(Buffer.from('ok'))
        .payload(),
      'ok',
    ],
  ]),
];

const ofMatches = (tokens: Token[]): Buffer => new Blocks().fixed(tokens).payload();

const matches = [
  ...[1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65].map((distance) =>
    unpacked(
      '1951 3.2.3',
      `matches of 3 to 10 at a distance of ${distance}, over themselves`,
      () => {
        const data = [...ascii(distance)];
        const tokens: Token[] = [...data];
        for (let length = 3; length <= 10; length++) {
          tokens.push({ length, distance });
          for (let i = 0; i < length; i++) data.push(data[data.length - distance]);
        }
        return [[ofMatches(tokens), Buffer.from(data)]];
      },
    ),
  ),
  unpacked('1951 3.2.5', 'a match of 258, by the code that has no extra bits', () => [
    [
      new Blocks().header(1).symbol(97).symbol(285).code(0, 5).symbol(256).payload(),
      'a'.repeat(259),
    ],
  ]),
  unpacked('1951 3.2.5', 'a match of 258, by code 284 and 31 more', () => [
    [
      new Blocks().header(1).symbol(97).symbol(284).put(31, 5).code(0, 5).symbol(256).payload(),
      'a'.repeat(259),
    ],
  ]),
  unpacked(
    '1951 3.2.6',
    'every byte as a literal',
    () => {
      const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      return [[ofMatches([...all]), all]];
    },
    BINARY,
  ),
];

const dynamic = [
  unpacked('1951 3.2.7', 'a dynamic block with one literal and no distance code', () => [
    [
      // 97 times no code, 97 has 1 bit, 158 times none, 256 has 1 bit; one distance of 0 bits.
      new Blocks()
        .dynamic({
          hlit: 0,
          hdist: 0,
          codeLengths: { 0: 2, 1: 1, 18: 2 },
          symbols: [[18, 97 - 11], [1], [18, 138 - 11], [18, 20 - 11], [1], [0]],
        })
        .code(0, 1)
        .code(0, 1)
        .code(0, 1)
        .code(1, 1)
        .payload(),
      'aaa',
    ],
  ]),
  unpacked('1951 3.2.7', 'a dynamic block with one distance code of one bit', () => [
    [
      // Literal 97, the end and length code 257 (a match of 3); distance code 0.
      new Blocks()
        .dynamic({
          hlit: 1,
          hdist: 0,
          codeLengths: { 1: 2, 2: 2, 18: 1 },
          symbols: [[18, 97 - 11], [1], [18, 138 - 11], [18, 20 - 11], [2], [2], [1]],
        })
        .code(0, 1) // a
        .code(3, 2) // a match of 3 …
        .code(0, 1) // … at 1
        .code(2, 2)
        .payload(),
      'aaaa',
    ],
  ]),
  unpacked(
    '1951 3.2.7',
    'a repeat that carries the last literal code length on to the distances',
    () => [
      [
        new Blocks()
          .dynamic({
            hlit: 0,
            hdist: 3,
            codeLengths: { 1: 2, 2: 2, 16: 2, 18: 2 },
            // 96 and 97 have 2 bits, the end has 2 as well as the distances 0 to 3.
            symbols: [[18, 95 - 11], [2], [2], [2], [18, 138 - 11], [18, 20 - 11], [2], [16, 1]],
          })
          .code(1, 2)
          .code(2, 2)
          .code(3, 2)
          .payload(),
        '`a',
      ],
    ],
  ),
  unpacked('1951 3.2.7', '200 dynamic blocks with a literal each', () => {
    const blocks = new Blocks();
    for (let i = 0; i < 200; i++)
      blocks
        .dynamic({
          hlit: 0,
          hdist: 0,
          codeLengths: { 0: 2, 1: 1, 18: 2 },
          symbols: [[18, 97 - 11], [1], [18, 138 - 11], [18, 20 - 11], [1], [0]],
        })
        .code(0, 1)
        .code(1, 1);
    return [[blocks.payload(), 'a'.repeat(200)]];
  }),
  unpacked('1951 3.2.7', 'codes of 15 bits', () => {
    // Byte i has i - 64 + 1 bits for 65 to 78, so that 79 and the end have 15.
    const symbols: [number, number?][] = [[18, 65 - 11]];
    for (let bits = 1; bits <= 14; bits++) symbols.push([bits]);
    symbols.push([15], [18, 138 - 11], [18, 256 - 80 - 138 - 11], [15], [0]);
    const codeLengths: Partial<Record<number, number>> = { 0: 5, 18: 5 };
    for (let bits = 1; bits <= 14; bits++) codeLengths[bits] = 4;
    codeLengths[15] = 4;
    const blocks = new Blocks().dynamic({ hlit: 0, hdist: 0, codeLengths, symbols });
    for (let bits = 1; bits <= 14; bits++) blocks.code((1 << bits) - 2, bits);
    blocks.code((1 << 15) - 2, 15).code((1 << 15) - 1, 15);
    return [[blocks.payload(), 'ABCDEFGHIJKLMNO']];
  }),
];

const many = [
  unpacked('7692 7.2.1', '10,000 empty stored blocks are an empty message', () => [
    [emptyBlocks(10_000), ''],
  ]),
  unpacked('7692 7.2.1', '20,000 empty fixed blocks and one letter', () => {
    const blocks = new Blocks();
    for (let i = 0; i < 20_000; i++) blocks.fixed([]);
    return [[blocks.fixed([97]).payload(), 'a']];
  }),
];

function emptyBlocks(count: number): Buffer {
  const blocks = new Blocks();
  for (let i = 0; i < count; i++) blocks.stored(Buffer.alloc(0));
  return blocks.payload();
}

export const deflateBlocks = group(29, 'deflate blocks', [
  examples,
  final,
  stored,
  matches,
  dynamic,
  many,
]);
