// Group 30: compressed messages that are not DEFLATE, or not text. RFC 7692 7.2.2, RFC 1951 3.2,
// RFC 6455 7.4.1: 1007 is for "data within a message that was not consistent with the type".
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { Failure } from '../client.js';
import { unpacked } from '../deflate.js';
import { Blocks } from '../blocks.js';
import type { DynamicHeader } from '../blocks.js';
import { JSON_TEXT, messagesOf } from '../corpus.js';
import { ascii, byteByByte, closesWith, describe, hex, refuses, wantText } from '../expect.js';
import { BINARY, fragments, TEXT } from '../frame.js';
import { compressed, deflatedRefusal, deflatedTalk, RSV1, answers } from './deflated.js';
import { INVALID, TRUNCATED } from './utf8-tables.js';

/** No RFC names the code; 1002 is understandable. */
const TOLERATED = { tolerated: [1002] };

const bad = (rfc: string, title: string, payload: () => Buffer): Draft =>
  deflatedRefusal(rfc, title, 1007, () => compressed(BINARY, payload()), TOLERATED);

const blocks = [
  bad('1951 3.2.3', 'block type 3', () => new Blocks().header(3).payload()),
  bad('1951 3.2.3', 'block type 3 with BFINAL', () => new Blocks().header(3, true).payload()),
  bad('1951 3.2.3', 'block type 3 behind a good block', () =>
    new Blocks().fixed(ascii(20)).header(3).payload(),
  ),
  bad('1951 3.2.3', 'block type 3 behind a block with BFINAL', () =>
    new Blocks().fixed(ascii(20), true).header(3).payload(),
  ),
  bad('1951 3.2.3', '1,000 bytes of FF', () => Buffer.alloc(1000, 0xff)),
  bad('1951 3.2.4', 'a stored block whose NLEN is LEN', () =>
    new Blocks().header(0).align().put(5, 16).put(5, 16).bytes(ascii(5)).payload(),
  ),
  bad('1951 3.2.4', 'a stored block whose NLEN is off by a bit', () =>
    new Blocks().header(0).align().put(5, 16).put(0xfffb, 16).bytes(ascii(5)).payload(),
  ),
  bad('1951 3.2.4', 'a stored block whose NLEN is 0', () =>
    new Blocks().header(0).align().put(5, 16).put(0, 16).bytes(ascii(5)).payload(),
  ),
  bad('1951 3.2.5', 'length symbol 286', () =>
    new Blocks().header(1).tokens(ascii(20)).symbol(286).code(0, 5).symbol(256).payload(),
  ),
  bad('1951 3.2.5', 'length symbol 287', () =>
    new Blocks().header(1).tokens(ascii(20)).symbol(287).code(0, 5).symbol(256).payload(),
  ),
  ...[30, 31].map((code) =>
    bad('1951 3.2.5', `distance symbol ${code}`, () =>
      new Blocks().header(1).tokens(ascii(20)).symbol(257).code(code, 5).symbol(256).payload(),
    ),
  ),
];

const FAR = [1, 2, 5, 258, 32768];
const distances = [
  ...FAR.map((distance) =>
    bad('1951 3.2.3', `a first match at ${distance}, with nothing before it`, () =>
      new Blocks().fixed([{ length: 3, distance }]).payload(),
    ),
  ),
  ...FAR.map((distance) =>
    bad('1951 3.2.3', `a match that reaches one byte before the message (${distance})`, () => {
      const before = new Blocks().stored(ascii(distance - 1));
      return before.fixed([{ length: 3, distance }]).payload();
    }),
  ),
  {
    rfc: '7692 7.1.1',
    title: 'a match that reaches one byte before the first message, from the third',
    run: async (ctx) => {
      const { client, agreement } = await ctx.deflated();
      for (const size of [300, 200]) {
        await client.send(compressed(TEXT, new Blocks().stored(ascii(size)).payload()));
        await answers(client, TEXT, ascii(size));
      }
      // Without a context it reaches before the message by more.
      const distance = agreement.client.takeover ? 501 : 500;
      const payload = new Blocks().fixed([{ length: 3, distance }]).payload();
      await client.send(compressed(TEXT, payload));
      await refuses(ctx, client, 1007, TOLERATED);
    },
  } satisfies Draft,
  {
    rfc: '7692 7.1.1.2',
    title: 'a match into the message before, after client_no_context_takeover',
    run: async (ctx) => {
      const { client } = await ctx.deflated('permessage-deflate; client_no_context_takeover');
      await client.send(compressed(TEXT, new Blocks().stored(ascii(100)).payload()));
      await answers(client, TEXT, ascii(100));
      await client.send(
        compressed(TEXT, new Blocks().fixed([{ length: 3, distance: 50 }]).payload()),
      );
      const event = await client.next('a Close frame');
      if (event.kind === 'close') {
        if (event.code !== 1007) ctx.inform(`refused with ${event.code ?? 'no code'}`);
      } else ctx.inform(`the context was kept: ${describe(event)} came`);
    },
  } satisfies Draft,
  // Decoding what reaches beyond the window is generous; delivering other bytes than meant is not.
  ...[8, 9, 12].map((bits): Draft => ({
    rfc: '7692 7.1.2.2',
    title: `client_max_window_bits=${bits}: a match one byte beyond the window`,
    run: async (ctx) => {
      const { client, agreement } = await ctx.deflated(
        `permessage-deflate; client_max_window_bits=${bits}`,
      );
      const window = 1 << agreement.client.windowBits;
      const data = ascii(window + 1);
      const blocks = new Blocks().stored(data).fixed([{ length: 3, distance: window + 1 }]);
      await client.send(compressed(TEXT, blocks.payload()));
      const event = await client.next('a text or a Close frame');
      if (event.kind === 'close') {
        if (event.code !== 1007 && event.code !== 1002)
          throw new Failure(`${describe(event)} came`);
        return ctx.inform(`refused with ${event.code}`);
      }
      const meant = Buffer.concat([data, data.subarray(0, 3)]);
      if (event.kind !== 'text' || !event.data.equals(meant))
        throw new Failure(`${describe(event)} came`);
      ctx.inform('accepted');
    },
  })),
];

const badHeader = (
  title: string,
  header: DynamicHeader,
  rest: (made: Blocks) => Blocks = (made) => made.put(0, 64),
): Draft => bad('1951 3.2.7', title, () => rest(new Blocks().dynamic(header)).payload());

/** Complete: 1 has one bit, 0 and 18 have two. */
const THREE = { 0: 2, 1: 1, 18: 2 };
const UP_TO_97: [number, number] = [18, 97 - 11];
const TO_255: [number, number?][] = [
  [18, 138 - 11],
  [18, 20 - 11],
];

const headers = [
  badHeader('code length codes: more than the bits allow', {
    hlit: 0,
    hdist: 0,
    codeLengths: { 0: 1, 1: 1, 18: 1 },
    symbols: [],
  }),
  // Enough zeros for who reads each as a length of 0, so that it is not just cut off.
  badHeader(
    'code length codes: none at all',
    { hlit: 0, hdist: 0, codeLengths: {}, symbols: [] },
    (made) => made.put(0, 1000),
  ),
  badHeader('a repeat with nothing before it', {
    hlit: 0,
    hdist: 0,
    codeLengths: { 1: 1, 16: 1 },
    symbols: [[16, 3], [1], [16, 3]],
  }),
  badHeader('a repeat of zeros beyond the last code', {
    hlit: 0,
    hdist: 0,
    codeLengths: THREE,
    symbols: [UP_TO_97, [1], ...TO_255, [1], [18, 0]],
  }),
  badHeader('a repeat of a length beyond the last code', {
    hlit: 0,
    hdist: 0,
    codeLengths: { 1: 2, 16: 2, 18: 1 },
    symbols: [UP_TO_97, [1], ...TO_255, [1], [16, 0]],
  }),
  badHeader('no code for the end of the block', {
    hlit: 0,
    hdist: 0,
    codeLengths: THREE,
    symbols: [UP_TO_97, [1], [1], [18, 138 - 11], [18, 20 - 11], [0]],
  }),
  badHeader('literal codes: more than the bits allow', {
    hlit: 0,
    hdist: 0,
    codeLengths: THREE,
    symbols: [[18, 95 - 11], [1], [1], [1], ...TO_255, [1], [0]],
  }),
  badHeader('literal codes: fewer than the bits allow', {
    hlit: 0,
    hdist: 0,
    codeLengths: { 0: 2, 2: 1, 18: 2 },
    symbols: [UP_TO_97, [2], ...TO_255, [2], [0]],
  }),
  badHeader('distance codes: more than the bits allow', {
    hlit: 0,
    hdist: 2,
    codeLengths: THREE,
    symbols: [UP_TO_97, [1], ...TO_255, [1], [1], [1], [1]],
  }),
  badHeader('distance codes: fewer than the bits allow', {
    hlit: 0,
    hdist: 1,
    codeLengths: { 0: 2, 1: 2, 2: 2, 18: 2 },
    symbols: [UP_TO_97, [1], ...TO_255, [1], [2], [2]],
  }),
  ...[30, 31].map((hlit) =>
    badHeader(`${hlit + 257} literal and length codes`, {
      hlit,
      hdist: 0,
      codeLengths: THREE,
      symbols: [UP_TO_97, [1], ...TO_255, [1], [18, hlit - 11], [0]],
    }),
  ),
  badHeader(
    'a match where there is no distance code',
    {
      hlit: 1,
      hdist: 0,
      codeLengths: { 0: 2, 1: 2, 2: 2, 18: 2 },
      symbols: [UP_TO_97, [1], ...TO_255, [2], [2], [0]],
    },
    (made) => made.code(0, 1).code(3, 2).put(0, 15).code(2, 2),
  ),
  badHeader(
    'the bit that is not the only distance code',
    {
      hlit: 1,
      hdist: 0,
      codeLengths: { 1: 2, 2: 2, 18: 1 },
      symbols: [UP_TO_97, [1], ...TO_255, [2], [2], [1]],
    },
    (made) => made.code(0, 1).code(3, 2).code(1, 1).code(2, 2),
  ),
];

// cuts

/** Every beginning of a payload that is not by chance one itself. */
const truncated = (title: string, payload: () => Buffer): Draft => ({
  rfc: '1951 3.2.3',
  title: `${title}, cut at every byte`,
  timeout_ms: 10_000,
  run: async (ctx) => {
    await ctx.deflated();
    const bytes = payload();
    for (let cut = 1; cut < bytes.length; cut++) {
      const beginning = bytes.subarray(0, cut);
      if (unpacked(beginning)) continue;
      const { client } = await ctx.deflated();
      await client.send(compressed(BINARY, beginning));
      const event = await client.next('a Close frame');
      if (event.kind !== 'close')
        throw new Failure(`cut after ${cut} of ${bytes.length} bytes: ${describe(event)} came`);
      if (event.code !== 1007) throw new Failure(`cut after ${cut}: ${describe(event)}`);
      client.destroy();
    }
  },
});

const cut = [
  truncated('a stored block', () => new Blocks().stored(ascii(30)).payload()),
  truncated('a fixed block', () => new Blocks().fixed(ascii(30)).payload()),
  truncated('a dynamic block', () =>
    new Blocks()
      .dynamic({
        hlit: 0,
        hdist: 0,
        codeLengths: THREE,
        symbols: [UP_TO_97, [1], ...TO_255, [1], [0]],
      })
      .put(0, 200)
      .code(1, 1)
      .payload(),
  ),
  truncated('two blocks', () => new Blocks().stored(ascii(12)).fixed(ascii(12)).payload()),
  bad('1951 3.2.4', 'a stored block of 65,535 bytes of which 100 are there', () =>
    new Blocks().header(0).align().put(65535, 16).put(0, 16).bytes(ascii(100)).cut(),
  ),
];

/** A server must not fall over, whatever comes: every answer but a wrong one will do. */
const damaged: Draft = {
  rfc: '7692 7.2.2',
  title: '200 messages with one damaged byte each: echoed, or refused with 1007',
  timeout_ms: 10_000,
  run: async (ctx) => {
    const [message] = messagesOf(JSON_TEXT, 400, 1);
    for (let i = 0; i < 200; i++) {
      const { client, agreement } = await ctx.deflated();
      const deflate = ctx.deflater({ ...agreement.client, takeover: false });
      const payload = Buffer.from(await deflate(message));
      payload[(i * 7) % payload.length] ^= 1 << (i % 8);
      await client.send(compressed(BINARY, payload));
      const event = await client.next('an echo or a Close frame');
      if (event.kind !== 'close' && event.kind !== 'binary')
        throw new Failure(`message ${i}: ${describe(event)} came`);
      if (event.kind === 'close' && event.code !== 1007)
        throw new Failure(`message ${i}: ${describe(event)}`);
      if (event.kind === 'binary' && !unpacked(payload)?.equals(event.data))
        throw new Failure(`message ${i}: ${describe(event)} is not what was sent`);
      client.destroy();
    }
  },
};

// text

const utf8 = (title: string, data: () => Buffer, size = Infinity): Draft =>
  deflatedRefusal('6455 8.1', title, 1007, () =>
    compressed(TEXT, new Blocks().fixed(data()).payload(), size),
  );

const text = [
  ...INVALID.map(({ name, bytes }) =>
    utf8(`compressed: ${name}`, () => Buffer.concat([Buffer.from('κύμα '), hex(bytes)])),
  ),
  ...TRUNCATED.map(({ name, bytes }) =>
    utf8(`compressed, at the end: ${name}`, () =>
      Buffer.concat([Buffer.from('κύμα '), hex(bytes)]),
    ),
  ),
  ...['ff', 'ed a0 80', 'f4 90 80 80'].map((bytes) =>
    utf8(
      `in compressed fragments of one byte: ${bytes}`,
      () => Buffer.concat([Buffer.from('κύμα '), hex(bytes), Buffer.from(' and more')]),
      1,
    ),
  ),
  utf8('a bad byte behind 100,000 good ones', () =>
    Buffer.concat([ascii(100_000), hex('ff'), ascii(10)]),
  ),
  deflatedRefusal(
    '6455 8.1',
    'a bad byte in the second compressed message',
    1007,
    () => [
      compressed(TEXT, new Blocks().fixed(ascii(10)).payload()),
      compressed(TEXT, new Blocks().fixed(hex('80')).payload()),
    ],
    { before: [wantText(ascii(10))] },
  ),
  deflatedRefusal('6455 8.1', 'a match that repeats half a character', 1007, () =>
    compressed(
      TEXT,
      new Blocks().fixed([...Buffer.from('κύμα'), { length: 3, distance: 3 }]).payload(),
    ),
  ),
  ...['κύμα', '水と貝', '🐚🌊'].map((data) =>
    deflatedTalk(
      '6455 8.1',
      `"${data}" in compressed fragments, cut at every byte`,
      async ({ client }) => {
        const payload = new Blocks().fixed(Buffer.from(data)).payload();
        for (let at = 0; at <= payload.length; at++) {
          const pieces = [payload.subarray(0, at), payload.subarray(at)];
          await client.send(Buffer.concat(fragments(TEXT, pieces, RSV1)));
          await answers(client, TEXT, data);
        }
      },
    ),
  ),
  deflatedTalk('6455 5.6', 'bytes that are no UTF-8 in a binary message', async ({ client }) => {
    for (const { bytes } of INVALID) {
      await client.send(compressed(BINARY, new Blocks().fixed(hex(bytes)).payload()));
      await answers(client, BINARY, hex(bytes));
    }
  }),
];

const places = [
  deflatedRefusal(
    '7692 7.2.2',
    'bad data byte by byte, after a good message',
    1007,
    () => [
      compressed(TEXT, new Blocks().fixed(ascii(10)).payload()),
      compressed(TEXT, new Blocks().header(3).payload()),
    ],
    { ...TOLERATED, before: [wantText(ascii(10))], sending: byteByByte },
  ),
  deflatedRefusal(
    '7692 7.2.2',
    'bad data in the second fragment',
    1007,
    () =>
      Buffer.concat(
        fragments(BINARY, [new Blocks().stored(ascii(50)).cut(), hex('07 00'), hex('00')], RSV1),
      ),
    TOLERATED,
  ),
  {
    rfc: '6455 7.1.7',
    title: 'a connection with bad data leaves the context of another alone',
    run: async (ctx) => {
      const good = await ctx.deflated();
      await good.client.send(compressed(TEXT, await good.deflate(ascii(500))));
      await answers(good.client, TEXT, ascii(500));
      const other = await ctx.deflated();
      await other.client.send(compressed(TEXT, new Blocks().header(3).payload()));
      await closesWith(ctx, other.client, 1007, TOLERATED);
      await good.client.send(compressed(TEXT, await good.deflate(ascii(500))));
      await answers(good.client, TEXT, ascii(500));
    },
  } satisfies Draft,
];

export const deflateRefused = group(30, 'deflate refused', [
  blocks,
  distances,
  headers,
  cut,
  [damaged],
  text,
  places,
]);
