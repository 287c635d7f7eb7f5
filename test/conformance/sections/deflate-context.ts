// Group 27: windows to their last byte, and contexts over a thousand messages. RFC 7692 7.1.1, 7.1.2.
import { group } from '../case.js';
import type { Context, DeflatedClient, Draft } from '../case.js';
import { Failure } from '../client.js';
import { Blocks } from '../blocks.js';
import { JSON_TEXT, messagesOf, noise } from '../corpus.js';
import type { Agreement } from '../extension.js';
import { receives } from '../expect.js';
import { BINARY, binary, text, TEXT } from '../frame.js';
import { answers, compressed, deflatedTalk, exchanges, unpacks } from './deflated.js';

const HEAVY = { heavy: true, timeout_ms: 15_000 };
const COUNT = 1000;
const WINDOW_BITS = [8, 9, 10, 11, 12, 13, 14, 15];

// the server's window and context

/** Noise that comes again `distance` bytes later: only a window that large makes it shorter. */
const repeated = (distance: number, length: number): Buffer =>
  Buffer.alloc(length, noise(distance, distance));

/** More than each window by a little, so that what lies there is tempting; the Inflater is the judge. */
const beyondWindow = WINDOW_BITS.flatMap((bits) =>
  ['', '; server_no_context_takeover'].map((more) =>
    deflatedTalk(
      '7692 7.1.2.1',
      `server_max_window_bits=${bits}${more}: what repeats just beyond the window`,
      async (deflated) => {
        const window = 1 << bits;
        for (const beyond of [1, 40, window])
          await exchanges(deflated, BINARY, [repeated(window + beyond, 3 * window)]);
      },
      { offers: [`permessage-deflate; server_max_window_bits=${bits}${more}`], timeout_ms: 10_000 },
    ),
  ),
);

/** Noise in hex, again every 400 bytes: worth compressing, and within a window of 9 bits. */
const SAME = Buffer.alloc(2000, noise(200).toString('hex'));

/** The same message again and again: a server that keeps a context it should not is found out. */
const sameAgain = (what: string, offer: string): Draft =>
  deflatedTalk(
    '7692 7.1.1.1',
    `${what}: the same message 20 times`,
    async (deflated, ctx) => {
      await exchanges(deflated, TEXT, Array<Buffer>(20).fill(SAME));
      tellContext(deflated, ctx);
    },
    { offers: [offer] },
  );

/** To refer to earlier messages is a permission; that a server never does is worth a note. */
function tellContext({ client, agreement }: DeflatedClient, ctx: Context): void {
  const inflater = client.inflater;
  if (inflater?.messages === 0) ctx.inform('no message came compressed');
  else if (agreement.server.takeover && inflater?.borrowing === 0)
    ctx.inform('no message refers to those before it');
}

const SERVER_ALONE = 'permessage-deflate; server_no_context_takeover';

const sameMessages = [
  sameAgain('server takeover', 'permessage-deflate'),
  sameAgain('server_no_context_takeover', SERVER_ALONE),
  ...[9, 15].flatMap((bits) => [
    sameAgain(
      `server takeover, window ${bits}`,
      `permessage-deflate; server_max_window_bits=${bits}`,
    ),
    sameAgain(
      `server_no_context_takeover, window ${bits}`,
      `${SERVER_ALONE}; server_max_window_bits=${bits}`,
    ),
  ]),
];

// the client's window

/** Needs a server that agrees to the client's context and window; `make` gets the window in bytes. */
const clientWindow = (
  title: string,
  make: (deflated: DeflatedClient, window: number, ctx: Context) => Promise<void>,
): Draft[] =>
  WINDOW_BITS.map((bits) =>
    deflatedTalk(
      '7692 7.1.2.2',
      `client_max_window_bits=${bits}: ${title}`,
      (deflated, ctx) => make(deflated, 1 << deflated.agreement.client.windowBits, ctx),
      { offers: [`permessage-deflate; client_max_window_bits=${bits}`] },
    ),
  );

/** A server may ask for client_no_context_takeover: then there is no context to try. */
function keepsContext({ client }: Agreement, ctx: Context): boolean {
  if (!client.takeover) ctx.inform('the server wants no context of the client');
  return client.takeover;
}

/** zlib's own distances stay 262 short of the window. */
const edge = [
  ...clientWindow('a match at the far edge, in one message', async ({ client }, window) => {
    const data = noise(window, window);
    const payload = new Blocks().stored(data.subarray(0, window - 1)).fixed([data[window - 1]]);
    payload.fixed([{ length: 10, distance: window }]);
    const whole = Buffer.concat([data, data.subarray(0, 10)]);
    await unpacks(client, BINARY, payload.payload(), whole);
  }),
  ...clientWindow(
    'a match at the far edge, in the message before',
    async ({ client, agreement }, window, ctx) => {
      if (!keepsContext(agreement, ctx)) return;
      const data = noise(window, window);
      await unpacks(
        client,
        BINARY,
        new Blocks().stored(data.subarray(0, -1)).payload(),
        data.subarray(0, -1),
      );
      const next = new Blocks().fixed([data[window - 1], { length: 10, distance: window }]);
      const second = Buffer.concat([data.subarray(-1), data.subarray(0, 10)]);
      await unpacks(client, BINARY, next.payload(), second);
    },
  ),
  ...clientWindow(
    'a match at the far edge, many small messages before',
    async ({ client, agreement }, window, ctx) => {
      if (!keepsContext(agreement, ctx)) return;
      const history = noise(window + 777, window);
      const step = Math.ceil(history.length / 50);
      for (let at = 0; at < history.length; at += step) {
        const piece = history.subarray(at, at + step);
        await unpacks(client, BINARY, new Blocks().stored(piece).payload(), piece);
      }
      const back = new Blocks().fixed([{ length: 10, distance: window }]).payload();
      await unpacks(client, BINARY, back, history.subarray(777, 787));
    },
  ),
];

// contexts

const records = messagesOf(JSON_TEXT, 300, COUNT);
const TAKEOVER = ['permessage-deflate; client_max_window_bits', 'permessage-deflate'];

/** Autobahn's client never keeps its context. */
const thousand = [
  ...TAKEOVER.map((offer) =>
    deflatedTalk(
      '7692 7.1.1',
      `1,000 messages, each referring to those before it (${offer})`,
      async (deflated, ctx) => {
        if (!keepsContext(deflated.agreement, ctx)) return;
        await exchanges(deflated, TEXT, records);
        tellContext(deflated, ctx);
      },
      { offers: [offer], ...HEAVY },
    ),
  ),
  ...[8, 9, 10, 12].map((bits) =>
    deflatedTalk(
      '7692 7.1.1',
      `1,000 messages with context takeover in windows of ${bits} bits`,
      async (deflated, ctx) => {
        if (!keepsContext(deflated.agreement, ctx)) return;
        await exchanges(deflated, TEXT, records);
        tellContext(deflated, ctx);
      },
      {
        offers: [
          `permessage-deflate; server_max_window_bits=${bits}; client_max_window_bits=${bits}`,
        ],
        ...HEAVY,
      },
    ),
  ),
  deflatedTalk(
    '7692 7.1.1',
    '1,000 messages in one write, each referring to those before it',
    async ({ client, agreement, deflate }, ctx) => {
      if (!keepsContext(agreement, ctx)) return;
      const frames: Buffer[] = [];
      for (const record of records) frames.push(compressed(TEXT, await deflate(record)));
      await client.send(Buffer.concat(frames));
      await receives(
        client,
        records.map((data) => ({ kind: 'text', data })),
      );
    },
    HEAVY,
  ),
  deflatedTalk(
    '7692 7.1.1',
    '1,000 messages of 0 to 3,000 bytes with context takeover',
    async (deflated, ctx) => {
      if (!keepsContext(deflated.agreement, ctx)) return;
      const messages = records.map((_, i) => messagesOf(JSON_TEXT, (i * 37) % 3000, 1)[0]);
      await exchanges(deflated, TEXT, messages);
    },
    HEAVY,
  ),
];

const kept = [
  deflatedTalk(
    '7692 6.1',
    'plain messages between compressed ones leave the context alone',
    async ({ client, agreement, deflate }, ctx) => {
      if (!keepsContext(agreement, ctx)) return;
      for (let i = 0; i < 50; i++) {
        await unpacks(client, TEXT, await deflate(records[0]), records[0]);
        await client.send(i % 2 === 0 ? text('not compressed') : binary(noise(300, i + 1)));
        await answers(
          client,
          i % 2 === 0 ? TEXT : BINARY,
          i % 2 === 0 ? 'not compressed' : noise(300, i + 1),
        );
      }
    },
  ),
  deflatedTalk(
    '7692 7.1.1',
    'a large message, then a small one that refers to its end',
    async ({ client, agreement }, ctx) => {
      if (!keepsContext(agreement, ctx)) return;
      const large = noise(200_000);
      const blocks = new Blocks();
      for (let at = 0; at < large.length; at += 50_000)
        blocks.stored(large.subarray(at, at + 50_000));
      await unpacks(client, BINARY, blocks.payload(), large);
      const back = new Blocks().fixed([{ length: 10, distance: 10 }]).payload();
      await unpacks(client, BINARY, back, large.subarray(-10));
      const far = new Blocks().fixed([{ length: 8, distance: 200 }]).payload();
      await unpacks(
        client,
        BINARY,
        far,
        Buffer.concat([large, large.subarray(-10)]).subarray(-200, -192),
      );
    },
  ),
  {
    rfc: '7692 7.1.1',
    title: '12 connections in turns: each has a context of its own',
    timeout_ms: 10_000,
    run: async (ctx) => {
      const all: DeflatedClient[] = [];
      for (let i = 0; i < 12; i++) all.push(await ctx.deflated());
      for (const { agreement } of all) if (!keepsContext(agreement, ctx)) return;
      for (let round = 0; round < 10; round++)
        for (const [i, deflated] of all.entries()) {
          const message = Buffer.concat([noise(100, i + 1), noise(50, i + 1)]);
          await exchanges(deflated, BINARY, [message]);
        }
    },
  } satisfies Draft,
  {
    rfc: '7692 7.1.1.2',
    title: 'a new connection starts without the context of the one before',
    run: async (ctx) => {
      const first = await ctx.deflated();
      await exchanges(first, BINARY, [noise(1000)]);
      first.client.reset();
      const second = await ctx.deflated();
      await second.client.send(
        compressed(BINARY, new Blocks().fixed([{ length: 10, distance: 1000 }]).payload()),
      );
      const event = await second.client.next('a refusal');
      if (event.kind === 'binary') throw new Failure('bytes of another connection came back');
    },
  } satisfies Draft,
];

export const deflateContext = group(27, 'deflate context', [
  beyondWindow,
  sameMessages,
  edge,
  thousand,
  kept,
]);
