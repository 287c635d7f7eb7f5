// Group 2: Ping is answered with its own payload, Pong with nothing. RFC 6455 5.5.2, 5.5.3.
import { group } from '../case.js';
import type { Context, Draft } from '../case.js';
import type { Client } from '../client.js';
import {
  ascii,
  byteByByte,
  chops,
  hex,
  pattern,
  receives,
  refusal,
  talk,
  wantPong,
  wantText,
} from '../expect.js';
import { whole } from '../expect.js';
import type { Sending, Wanted } from '../expect.js';
import { CONTROL_MAX, ping, pong, text } from '../frame.js';

/** RFC 6455 5.5.3 leaves open which of echo and pong is first, and lets one pong answer several pings. */
const inAnyOrder = (ctx: Context, client: Client, wanted: Wanted[]): Promise<void> =>
  receives(client, wanted, (note) => ctx.inform(note));

const answered = (title: string, payload: Buffer, sending: Sending = whole): Draft =>
  talk('6455 5.5.2', title, async (c) => {
    await sending(c, ping(payload));
    await receives(c, [wantPong(payload)]);
  });

const payloads = [
  answered('ping without payload', Buffer.alloc(0)),
  answered('ping with a text payload', Buffer.from('limpet')),
  answered('ping with bytes that are no UTF-8', hex('00 ff fe fd fc fb 00 80 c0')),
  answered('ping of 125 bytes', pattern(CONTROL_MAX)),
  answered('ping of 125 bytes, byte by byte', pattern(CONTROL_MAX), byteByByte),
  answered('ping of 1 byte, byte by byte', hex('ff'), byteByByte),
  answered('ping without payload, byte by byte', Buffer.alloc(0), byteByByte),
  talk('6455 5.5.2', 'pings with every payload length from 0 to 125', async (c) => {
    for (let n = 0; n <= CONTROL_MAX; n++) {
      await c.send(ping(pattern(n)));
      await receives(c, [wantPong(pattern(n))]);
    }
  }),
];

const tooLong = [
  refusal('6455 5.5', 'ping of 126 bytes', 1002, () => ping(pattern(126))),
  refusal('6455 5.5', 'ping of 126 bytes, byte by byte', 1002, () => ping(pattern(126)), {
    sending: byteByByte,
  }),
  refusal('6455 5.5', 'ping of 65,536 bytes', 1002, () => ping(pattern(65536)), {
    sending: chops(4096),
  }),
  refusal('6455 5.5', 'pong of 126 bytes', 1002, () => pong(pattern(126))),
  refusal('6455 5.5', 'ping of 5 bytes with a 16-bit length', 1002, () =>
    ping('short', { form: 16 }),
  ),
  refusal(
    '6455 5.5',
    'ping of 126 bytes after a ping',
    1002,
    () => [ping('ok'), ping(pattern(126))],
    {
      before: [wantPong('ok')],
    },
  ),
];

const unsolicited = [
  ['pong without payload', [pong()]],
  ['pong with payload', [pong('nobody asked')]],
  ['pong of 125 bytes', [pong(pattern(CONTROL_MAX))]],
  ['ten pongs in one write', Array.from({ length: 10 }, (_, i) => pong(`${i}`))],
] as const;

const ignored = unsolicited.flatMap(([name, frames]) => [
  talk('6455 5.5.3', `unsolicited ${name} brings nothing`, (c) => c.send(Buffer.concat(frames))),
  talk('6455 5.5.3', `unsolicited ${name}, then a ping: one pong`, async (c) => {
    await c.send(Buffer.concat([...frames, ping('mine')]));
    await receives(c, [wantPong('mine')]);
  }),
]);

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `ping ${i}`);

const manyPings = (title: string, count: number, sending: Sending): Draft =>
  talk('6455 5.5.3', title, async (c, ctx) => {
    await sending(c, Buffer.concat(numbered(count).map((w) => ping(w))));
    await inAnyOrder(ctx, c, numbered(count).map(wantPong));
  });

const many = [
  manyPings('ten pings in one write', 10, whole),
  manyPings('ten pings byte by byte', 10, byteByByte),
  manyPings('1,000 pings in one write', 1000, whole),
  manyPings('1,000 pings in chops of 13 bytes', 1000, chops(13)),
];

const among = [
  talk('6455 5.5.2', 'ping before a message, in one write', async (c, ctx) => {
    await c.send(Buffer.concat([ping('p'), text('t')]));
    await inAnyOrder(ctx, c, [wantPong('p'), wantText('t')]);
  }),
  talk('6455 5.5.2', 'ping after a message, in one write', async (c, ctx) => {
    await c.send(Buffer.concat([text('t'), ping('p')]));
    await inAnyOrder(ctx, c, [wantText('t'), wantPong('p')]);
  }),
  talk('6455 5.5.2', 'pings between ten messages', async (c, ctx) => {
    const names = numbered(10);
    await c.send(Buffer.concat(names.flatMap((n) => [text(n), ping(n)])));
    await inAnyOrder(
      ctx,
      c,
      names.flatMap((n) => [wantText(n), wantPong(n)]),
    );
  }),
  talk('6455 5.5.2', 'pings between ten messages, in chops of 5 bytes', async (c, ctx) => {
    const names = numbered(10);
    await c.sendChopped(Buffer.concat(names.flatMap((n) => [text(n), ping(n)])), 5);
    await inAnyOrder(
      ctx,
      c,
      names.flatMap((n) => [wantText(n), wantPong(n)]),
    );
  }),
  talk(
    '6455 5.5.2',
    'ping, pong and message while a reply of 64 KiB is under way',
    async (c, ctx) => {
      await c.send(Buffer.concat([text(ascii(65536)), pong('x'), ping('p'), text('t')]));
      await inAnyOrder(ctx, c, [wantText(ascii(65536)), wantPong('p'), wantText('t')]);
    },
  ),
];

export const pings = group(2, 'pings and pongs', [payloads, tooLong, ignored, many, among]);
