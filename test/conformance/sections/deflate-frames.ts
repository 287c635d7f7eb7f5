// Group 28: RSV bits and fragments where permessage-deflate is in use. RFC 7692 6:
// "An endpoint MUST NOT set the 'Per-Message Compressed' bit of control frames and non-first
// fragments of a data message", and one that gets such a frame fails the connection.
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { Failure, kindOf } from '../client.js';
import { EXTENSIONS, USUAL_OFFER } from '../extension.js';
import {
  ascii,
  byteByByte,
  chops,
  closesWith,
  describe,
  EARLY_TIMEOUT_MS,
  finishes,
  hex,
  receives,
  refusal,
  refuses,
  refusesEarly,
  wantPong,
  wantText,
} from '../expect.js';
import {
  BINARY,
  binary,
  CLOSE,
  closePayload,
  continuation,
  fragments,
  frame,
  ping,
  pong,
  split,
  TEXT,
  text,
} from '../frame.js';
import { upgradeHeaders, upgradeRequest } from '../http.js';
import { answers, compressed, deflatedRefusal, deflatedTalk, RSV1, unpacks } from './deflated.js';

/** "Hello" with fixed codes. RFC 7692 7.2.3.1. */
const HELLO = hex('f2 48 cd c9 c9 07 00');
const first = HELLO.subarray(0, 3);
const rest = HELLO.subarray(3);

const OTHER_BITS = [1, 2, 3, 5, 6, 7];
const named = (rsv: number): string =>
  ['RSV1', 'RSV2', 'RSV3'].filter((_, i) => rsv & (4 >> i)).join('+');

const refused = [
  deflatedRefusal('7692 6', 'RSV1 on the last fragment of a compressed message', 1002, () => [
    text(first, { fin: false, rsv: RSV1 }),
    continuation(rest, { rsv: RSV1 }),
  ]),
  deflatedRefusal('7692 6', 'RSV1 on a fragment in the middle', 1002, () => [
    text(first, { fin: false, rsv: RSV1 }),
    continuation(rest.subarray(0, 1), { fin: false, rsv: RSV1 }),
    continuation(rest.subarray(1)),
  ]),
  deflatedRefusal('7692 6', 'RSV1 on a continuation of a plain message', 1002, () => [
    text('plain ', { fin: false }),
    continuation(HELLO, { rsv: RSV1 }),
  ]),
  deflatedRefusal('7692 6', 'RSV1 on an empty continuation', 1002, () => [
    text(HELLO, { fin: false, rsv: RSV1 }),
    continuation('', { rsv: RSV1 }),
  ]),
  deflatedRefusal('7692 6', 'RSV1 on a ping', 1002, () => ping(HELLO, { rsv: RSV1 })),
  deflatedRefusal('7692 6', 'RSV1 on a ping without payload', 1002, () => ping('', { rsv: RSV1 })),
  deflatedRefusal('7692 6', 'RSV1 on a pong', 1002, () => pong(HELLO, { rsv: RSV1 })),
  deflatedRefusal('7692 6', 'RSV1 on a Close', 1002, () =>
    frame({ opcode: CLOSE, rsv: RSV1, payload: closePayload(1000) }),
  ),
  deflatedRefusal('7692 6', 'RSV1 on a ping between compressed fragments', 1002, () => [
    text(first, { fin: false, rsv: RSV1 }),
    ping('between', { rsv: RSV1 }),
    continuation(rest),
  ]),
  deflatedRefusal('6455 5.4', 'a compressed message inside a compressed message', 1002, () => [
    text(first, { fin: false, rsv: RSV1 }),
    text(HELLO, { rsv: RSV1 }),
  ]),
  deflatedRefusal('6455 5.4', 'a stray continuation with RSV1', 1002, () =>
    continuation(HELLO, { rsv: RSV1 }),
  ),
  deflatedRefusal('6455 5.2', 'opcode 3 with RSV1', 1002, () =>
    frame({ opcode: 3, rsv: RSV1, payload: HELLO }),
  ),
];

const otherBits = OTHER_BITS.flatMap((rsv) => [
  deflatedRefusal('6455 5.2', `${named(rsv)} on a text`, 1002, () => text(HELLO, { rsv })),
  deflatedRefusal('6455 5.2', `${named(rsv)} on a continuation`, 1002, () => [
    binary(first, { fin: false, rsv: RSV1 }),
    continuation(rest, { rsv }),
  ]),
  deflatedRefusal(
    '6455 5.2',
    `${named(rsv)} on a ping, after a good message, byte by byte`,
    1002,
    () => [text(HELLO, { rsv: RSV1 }), ping('bad', { rsv })],
    { before: [wantText('Hello')], sending: byteByByte },
  ),
]);

const early: Draft = {
  rfc: '7692 6',
  title: 'RSV1 on a continuation, refused at the header without the payload',
  timeout_ms: EARLY_TIMEOUT_MS,
  run: async (ctx) => {
    const { client } = await ctx.deflated();
    const last = continuation(rest, { rsv: RSV1 });
    await refusesEarly(ctx, client, 1002, {
      head: Buffer.concat([text(first, { fin: false, rsv: RSV1 }), last.subarray(0, 6)]),
      rest: last.subarray(6),
    });
  },
};

/** The extension is offered and not agreed on, or not offered: then RSV1 has no meaning. */
const withoutAgreement = [
  refusal('7692 6', 'RSV1 where the extension was not offered', 1002, () =>
    text(HELLO, { rsv: RSV1 }),
  ),
  ...['permessage-deflate; x_unknown', 'x-unknown'].map((offer): Draft => ({
    rfc: '7692 6',
    title: `RSV1 after the offer "${offer}"`,
    run: async (ctx) => {
      const client = await ctx.tcp();
      await client.send(
        upgradeRequest(ctx.target, [...upgradeHeaders(ctx.target), [EXTENSIONS, offer]]),
      );
      const response = await client.response();
      if (response?.status === 400)
        return ctx.nonStrict('the handshake is refused with 400 instead of the offer declined');
      await ctx.upgraded(client);
      await client.send(text(HELLO, { rsv: RSV1 }));
      await refuses(ctx, client, 1002);
    },
  })),
];

// fragments

const LONG = ascii(3000);

const cuts = [TEXT, BINARY].flatMap((opcode) => [
  deflatedTalk(
    '7692 6.1',
    `a ${kindOf(opcode)} message in two fragments, at every cut`,
    async ({ client }) => {
      for (let cut = 0; cut <= HELLO.length; cut++) {
        const pieces = [HELLO.subarray(0, cut), HELLO.subarray(cut)];
        await client.send(Buffer.concat(fragments(opcode, pieces, RSV1)));
        await answers(client, opcode, 'Hello');
      }
    },
  ),
  deflatedTalk(
    '7692 6.1',
    `a ${kindOf(opcode)} message in three fragments, at every two cuts`,
    async ({ client }) => {
      for (let one = 0; one <= HELLO.length; one++)
        for (let two = one; two <= HELLO.length; two++) {
          const pieces = [HELLO.subarray(0, one), HELLO.subarray(one, two), HELLO.subarray(two)];
          await client.send(Buffer.concat(fragments(opcode, pieces, RSV1)));
          await answers(client, opcode, 'Hello');
        }
    },
  ),
  deflatedTalk(
    '7692 6.1',
    `a ${kindOf(opcode)} message in fragments of one byte`,
    async ({ client, deflate }) => {
      await client.send(compressed(opcode, await deflate(LONG), 1));
      await answers(client, opcode, LONG);
    },
  ),
  deflatedTalk(
    '7692 6.1',
    `a ${kindOf(opcode)} message in fragments of one byte, TCP byte by byte`,
    async ({ client }) => {
      await byteByByte(client, compressed(opcode, HELLO, 1));
      await answers(client, opcode, 'Hello');
    },
  ),
  deflatedTalk(
    '6455 5.2',
    `ten ${kindOf(opcode)} messages, TCP in chops of 7`,
    async ({ client, deflate }) => {
      const bytes: Buffer[] = [];
      for (let i = 0; i < 10; i++) bytes.push(compressed(opcode, await deflate(LONG), 100));
      await chops(7)(client, Buffer.concat(bytes));
      for (let i = 0; i < 10; i++) await answers(client, opcode, LONG);
    },
  ),
]);

const emptyFragments = [
  deflatedTalk('7692 6.1', 'a first fragment without payload', async ({ client }) => {
    await client.send(Buffer.concat([text('', { fin: false, rsv: RSV1 }), continuation(HELLO)]));
    await answers(client, TEXT, 'Hello');
  }),
  deflatedTalk('7692 6.1', 'an empty final fragment', async ({ client }) => {
    await client.send(Buffer.concat([text(HELLO, { fin: false, rsv: RSV1 }), continuation('')]));
    await answers(client, TEXT, 'Hello');
  }),
  deflatedTalk('7692 6.1', 'empty fragments around every byte', async ({ client }) => {
    const pieces = split(HELLO, 1).flatMap((byte) => [Buffer.alloc(0), byte, Buffer.alloc(0)]);
    await client.send(Buffer.concat(fragments(TEXT, pieces, RSV1)));
    await answers(client, TEXT, 'Hello');
  }),
  deflatedTalk('7692 7.2.3.6', 'an empty message: payload 00', async ({ client }) => {
    for (const opcode of [TEXT, BINARY]) await unpacks(client, opcode, hex('00'), '');
  }),
  deflatedTalk(
    '7692 7.2.3.6',
    'an empty message: 00 in a last fragment of its own',
    async ({ client }) => {
      await client.send(
        Buffer.concat([binary('', { fin: false, rsv: RSV1 }), continuation(hex('00'))]),
      );
      await answers(client, BINARY, '');
    },
  ),
  deflatedTalk(
    '7692 7.2.3.6',
    'an empty message: 00 in a first fragment, nothing in the last',
    async ({ client }) => {
      await client.send(
        Buffer.concat([binary(hex('00'), { fin: false, rsv: RSV1 }), continuation('')]),
      );
      await answers(client, BINARY, '');
    },
  ),
  {
    rfc: '7692 7.2.2',
    title: 'a compressed message without any payload',
    run: async (ctx) => {
      // What is put back, 00 00 ff ff alone, is cut off behind LEN: no sender makes it.
      const { client } = await ctx.deflated();
      await client.send(text('', { rsv: RSV1 }));
      if (!(await client.waits(1000))) throw new Failure('neither echoed nor refused');
      const event = await client.next('an empty text or a Close frame');
      if (event.kind === 'text' && event.data.length === 0) {
        ctx.inform('taken for an empty message');
        return finishes(client);
      }
      if (event.kind !== 'close' || (event.code !== 1007 && event.code !== 1002))
        throw new Failure(`${describe(event)} came`);
      ctx.inform(`refused with ${event.code}`);
    },
  } satisfies Draft,
];

const mixed = [
  deflatedTalk('6455 5.4', 'pings and a pong between compressed fragments', async ({ client }) => {
    await client.send(
      Buffer.concat([
        text(first, { fin: false, rsv: RSV1 }),
        ping('one'),
        continuation(rest.subarray(0, 2), { fin: false }),
        pong('unasked'),
        ping('two'),
        continuation(rest.subarray(2)),
      ]),
    );
    await receives(client, [wantPong('one'), wantPong('two'), wantText('Hello')]);
  }),
  deflatedTalk('6455 5.5', 'a ping of compressed bytes is not unpacked', async ({ client }) => {
    await client.send(ping(HELLO));
    await receives(client, [wantPong(HELLO)]);
  }),
  deflatedTalk('7692 6', 'plain messages, whole and in fragments', async ({ client }) => {
    for (const data of ['', 'x', 'plain', 'f'.repeat(2000)]) {
      await client.send(text(data));
      await answers(client, TEXT, data);
      await client.send(Buffer.concat(fragments(BINARY, split(Buffer.from(data), 3))));
      await answers(client, BINARY, data);
    }
  }),
  deflatedTalk(
    '7692 6',
    'plain and compressed messages in turns, in one write',
    async ({ client, deflate }) => {
      const frames: Buffer[] = [];
      const wanted: string[] = [];
      for (let i = 0; i < 100; i++) {
        const data = `message ${i}`;
        frames.push(i % 2 === 0 ? text(data) : compressed(TEXT, await deflate(Buffer.from(data))));
        wanted.push(data);
      }
      await client.send(Buffer.concat(frames));
      await receives(client, wanted.map(wantText));
    },
  ),
  {
    rfc: '6455 5.5.1',
    title: 'a Close between compressed fragments is answered',
    run: async (ctx) => {
      const { client } = await ctx.deflated();
      await client.send(text(first, { fin: false, rsv: RSV1 }));
      await finishes(client);
    },
  } satisfies Draft,
  {
    rfc: '7692 6.1',
    title: 'the handshake and three compressed messages in one write',
    run: async (ctx) => {
      await ctx.deflated(); // else a server without the extension fails here
      const client = await ctx.tcp();
      client.offers([USUAL_OFFER]);
      const headers = upgradeHeaders(ctx.target);
      headers.push([EXTENSIONS, USUAL_OFFER]);
      await client.send(
        Buffer.concat([
          upgradeRequest(ctx.target, headers),
          ...Array.from({ length: 3 }, () => compressed(TEXT, HELLO)),
        ]),
      );
      await ctx.upgraded(client);
      await receives(client, [wantText('Hello'), wantText('Hello'), wantText('Hello')]);
      await finishes(client);
    },
  } satisfies Draft,
  {
    rfc: '6455 5.1',
    title: 'a compressed text without a mask',
    run: async (ctx) => {
      const { client } = await ctx.deflated();
      await client.send(text(HELLO, { rsv: RSV1, key: null }));
      await closesWith(ctx, client, 1002);
    },
  } satisfies Draft,
];

export const deflateFrames = group(28, 'deflate frames', [
  refused,
  otherBits,
  [early],
  withoutAgreement,
  cuts,
  emptyFragments,
  mixed,
]);
