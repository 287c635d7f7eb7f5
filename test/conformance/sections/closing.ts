// Group 10: a Close for a Close, then FIN, the server's first. RFC 6455 5.5.1, 7.1.
import { group } from '../case.js';
import type { Context, Draft } from '../case.js';
import { Failure } from '../client.js';
import type { Client } from '../client.js';
import {
  ascii,
  AT_ONCE_MS,
  byteByByte,
  chops,
  describe,
  hex,
  pattern,
  receives,
  refusal,
  talk,
  wantPong,
  wantText,
  whole,
} from '../expect.js';
import type { Sending, Wanted } from '../expect.js';
import { CLOSE, close, continuation, CONTROL_MAX, frame, ping, text } from '../frame.js';
import { upgradeRequest } from '../http.js';

/** A Close as the very next event. RFC 6455 5.5.1: it "typically echos the status code it received". */
async function answersClose(ctx: Context, client: Client, code: number | null): Promise<void> {
  const event = await client.next('the answer to the Close frame');
  if (event.kind !== 'close') throw new Failure(`${describe(event)} came; expected a Close frame`);
  if (event.code !== code)
    if (code === null && event.code === 1000)
      ctx.inform('a Close without a code is answered with 1000');
    else throw new Failure(`Close ${code ?? 'without code'} was answered with ${describe(event)}`);
}

/** RFC 6455 5.5.1: then "The server MUST close the underlying TCP connection immediately". */
async function serverEnds(client: Client): Promise<void> {
  const event = await client.nextWithin(AT_ONCE_MS);
  if (!event) throw new Failure('the server does not close TCP after the closing handshake');
  if (event.kind !== 'end')
    throw new Failure(`${describe(event)} came after the closing handshake`);
  if (!event.clean && !client.spilling) throw new Failure('TCP ended with RST, not FIN');
  if (event.first !== 'server') throw new Failure('the client had to close TCP first');
}

interface Closing {
  before?: Wanted[];
  sending?: Sending;
}

/** Sends `bytes`, which hold a valid Close with `code`, and wants `before`, the answer and FIN. */
const closes = (
  title: string,
  code: number | null,
  bytes: () => Buffer[],
  { before = [], sending = whole }: Closing = {},
): Draft => ({
  rfc: '6455 5.5.1',
  title,
  run: async (ctx) => {
    const client = await ctx.open();
    await sending(client, Buffer.concat(bytes()));
    await receives(client, before, (note) => ctx.inform(note));
    await answersClose(ctx, client, code);
    await serverEnds(client);
  },
});

const noCode = (): Buffer => frame({ opcode: CLOSE });

const normal = [
  closes('Close 1000 with a reason', 1000, () => [close(1000, 'done')]),
  closes('Close without payload', null, () => [noCode()]),
  closes('Close with a code only', 1000, () => [close(1000)]),
  closes('Close 1001 with a reason', 1001, () => [close(1001, 'the tab is closed')]),
  closes('Close with a reason of 123 bytes', 1000, () => [close(1000, ascii(CONTROL_MAX - 2))]),
  closes('Close with a reason of 41 3-byte characters', 1000, () => [close(1000, '水'.repeat(41))]),
  closes('Close with a reason of non-characters', 1000, () => [close(1000, '\uffff\u{10ffff}')]),
  closes('Close with a reason, byte by byte', 1000, () => [close(1000, 'slowly')], {
    sending: byteByByte,
  }),
  closes('Close without payload, byte by byte', null, () => [noCode()], { sending: byteByByte }),
  closes(
    'Close with every byte of its header apart and its reason in chops of 9',
    1000,
    () => [close(1000, ascii(100))],
    { sending: chops(9) },
  ),
];

const refused = [
  refusal('6455 5.5.1', 'Close with a payload of one byte', 1002, () =>
    frame({ opcode: CLOSE, payload: hex('03') }),
  ),
  refusal(
    '6455 5.5.1',
    'Close with a payload of one byte, byte by byte',
    1002,
    () => frame({ opcode: CLOSE, payload: hex('03') }),
    { sending: byteByByte },
  ),
  refusal('6455 5.5', 'Close with a reason of 124 bytes', 1002, () => close(1000, ascii(124))),
  refusal(
    '6455 5.5',
    'Close with a payload of 65,536 bytes',
    1002,
    () => close(1000, ascii(65534)),
    { sending: chops(4096) },
  ),
  ...['ff', '80', 'c0 af', 'ed a0 80', 'f4 90 80 80', 'c3', 'e6 b0', 'f0 9f 90'].map((bytes) =>
    refusal('6455 5.5.1', `Close with a reason ending in ${bytes}`, 1007, () =>
      close(1000, Buffer.concat([Buffer.from('why '), hex(bytes)])),
    ),
  ),
  refusal(
    '6455 5.5.1',
    'Close with a bad reason, byte by byte',
    1007,
    () => close(1000, hex('61 ff')),
    { sending: byteByByte },
  ),
];

const after = [
  closes('a text after Close is not echoed', 1000, () => [close(1000), text('late')]),
  closes('a ping after Close is not answered', 1000, () => [close(1000), ping('late')]),
  closes('a second Close is not answered', 1000, () => [close(1000), close(1001)]),
  closes('a violation after Close changes nothing', 1000, () => [
    close(1000),
    text('late', { rsv: 7 }),
  ]),
  closes('half a frame after Close changes nothing', 1000, () => [
    close(1000),
    text('late').subarray(0, 7),
  ]),
  closes('64 KiB behind Close are not echoed', 1000, () => [close(1000), text(ascii(65536))], {
    sending: chops(8192),
  }),
  closes(
    'ten texts after Close, byte by byte',
    1000,
    () => [close(1000), ...Array.from({ length: 10 }, () => text('late'))],
    { sending: byteByByte },
  ),
];

const during = [
  closes(
    'Close behind a text, in one write: echo first',
    1000,
    () => [text('first'), close(1000)],
    { before: [wantText('first')] },
  ),
  closes('Close behind a text of 256 KiB', 1000, () => [text(ascii(262144)), close(1000)], {
    before: [wantText(ascii(262144))],
  }),
  closes('Close behind a ping', 1000, () => [ping('p'), close(1000)], { before: [wantPong('p')] }),
  closes(
    'Close behind 100 texts, in one write',
    1000,
    () => [...Array.from({ length: 100 }, (_, i) => text(`${i}`)), close(1000)],
    {
      before: Array.from({ length: 100 }, (_, i) => wantText(`${i}`)),
    },
  ),
  closes('Close inside a fragmented text', 1000, () => [
    text('first', { fin: false }),
    close(1000),
  ]),
  closes('Close inside a fragmented text, the last fragment behind', 1000, () => [
    text('first', { fin: false }),
    close(1000),
    continuation('last'),
  ]),
  closes('Close inside a character that two fragments share', 1000, () => [
    text(hex('f09f'), { fin: false }),
    close(1000),
  ]),
];

const tcp: Draft[] = [
  {
    rfc: '6455 7.1.1',
    title: 'handshake and Close in one write',
    run: async (ctx) => {
      const client = await ctx.tcp();
      await client.send(Buffer.concat([upgradeRequest(ctx.target), close(1000)]));
      await ctx.upgraded(client);
      await answersClose(ctx, client, 1000);
      await serverEnds(client);
    },
  },
  {
    rfc: '6455 7.1.1',
    title: 'Close and FIN together still bring the answer',
    run: async (ctx) => {
      const client = await ctx.open();
      await client.send(close(1000));
      client.end();
      await answersClose(ctx, client, 1000);
      const end = await client.next('the end of TCP');
      if (end.kind !== 'end' || !end.clean)
        throw new Failure(`${describe(end)} came; expected FIN`);
    },
  },
  {
    rfc: '6455 7.1.1',
    title: 'after the closing handshake the server closes TCP, with FIN, before the client does',
    run: async (ctx) => {
      const client = await ctx.open();
      await client.send(close(1000));
      await answersClose(ctx, client, 1000);
      await serverEnds(client);
    },
  },
  talk('6455 5.5.1', '100 connections closed one after the other', async (_, ctx) => {
    for (let i = 0; i < 100; i++) {
      const client = await ctx.open();
      await client.send(Buffer.concat([text(pattern(i).toString('hex')), close(1000)]));
      await receives(client, [wantText(pattern(i).toString('hex'))]);
      await answersClose(ctx, client, 1000);
      await serverEnds(client);
    }
  }),
];

export const closing = group(10, 'closing handshake', [normal, refused, after, during, tcp]);
