// Group 23: the peer goes without a word; the server ends its side and stays well. RFC 6455 7.1.5.
import { group } from '../case.js';
import type { Context, Draft } from '../case.js';
import { Failure } from '../client.js';
import type { Client } from '../client.js';
import { ascii, AT_ONCE_MS, echoes, finishes } from '../expect.js';
import { BINARY, continuation, TEXT, text } from '../frame.js';
import { upgradeRequest } from '../http.js';

async function stillServes(ctx: Context): Promise<void> {
  const client = await ctx.open();
  await echoes(client, TEXT, Buffer.from('still there'));
  await finishes(client);
}

/** The client leaves in the way `leave` says; a FIN must be answered by a FIN. */
const leaving = (
  title: string,
  leave: (client: Client, ctx: Context) => Promise<void>,
  opened: boolean,
): Draft[] =>
  (['FIN', 'RST'] as const).map((how) => ({
    rfc: '6455 7.1.5',
    title: `${how} ${title}`,
    run: async (ctx) => {
      const client = await (opened ? ctx.open() : ctx.tcp());
      await leave(client, ctx);
      if (how === 'RST') client.reset();
      else client.end();
      if (!(await client.ends(AT_ONCE_MS)))
        throw new Failure('the server keeps its side of TCP open');
      await stillServes(ctx);
    },
  }));

const nothing = (): Promise<void> => Promise.resolve();

const before = [
  ...leaving('before a byte is sent', nothing, false),
  ...leaving(
    'in the middle of the head',
    (c, ctx) => c.send(upgradeRequest(ctx.target).subarray(0, 60)),
    false,
  ),
  ...leaving('right behind the head', (c, ctx) => c.send(upgradeRequest(ctx.target)), false),
];

const after = [
  ...leaving('without a Close', nothing, true),
  ...leaving(
    'in the middle of a frame header',
    (c) => c.send(text(ascii(200)).subarray(0, 3)),
    true,
  ),
  ...leaving(
    'in the middle of a payload',
    (c) => c.send(text(ascii(70000)).subarray(0, 50000)),
    true,
  ),
  ...leaving(
    'in the middle of a fragmented message',
    (c) =>
      c.send(
        Buffer.concat([text('first', { fin: false }), continuation('second', { fin: false })]),
      ),
    true,
  ),
  ...leaving('while a message comes back', (c) => c.send(text(ascii(100_000))), true),
];

const crowd: Draft[] = [
  {
    rfc: '6455 7.1.5',
    title: '100 connections reset at once, then one that works',
    run: async (ctx) => {
      const clients = await Promise.all(Array.from({ length: 100 }, () => ctx.open()));
      await Promise.all(clients.map((c) => c.send(text(ascii(1000)))));
      for (const c of clients) c.reset();
      await stillServes(ctx);
    },
  },
  {
    rfc: '6455 7.1.7',
    title: 'a refused connection leaves the one beside it alone',
    run: async (ctx) => {
      const good = await ctx.open();
      await good.send(text('half a ', { fin: false }));
      const bad = await ctx.open();
      await bad.send(text('bad', { rsv: 7 }));
      if (!(await bad.ends())) throw new Failure('the violation was not refused');
      await good.send(continuation('message'));
      const event = await good.next('the echo');
      if (event.kind !== 'text' || event.data.toString() !== 'half a message')
        throw new Failure('the good connection suffered');
      await echoes(good, BINARY, ascii(1000));
      await finishes(good);
    },
  },
];

export const abruptEnds = group(23, 'abrupt ends', [before, after, crowd]);
