// Group 16: the head in every cut, and frames that come in one segment with it. RFC 6455 4.2.2.
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { ascii, byteByByte, chops, finishes, receives, wantText, whole } from '../expect.js';
import type { Sending } from '../expect.js';
import { text } from '../frame.js';
import { upgradeRequest } from '../http.js';
import type { Target } from '../http.js';
import { accepted } from './handshake-acceptance.js';

/** The usual request and two frames behind it. */
const withFrames = (target: Target): Buffer =>
  Buffer.concat([upgradeRequest(target), text('one'), text('two')]);

const headAndFrames = (title: string, sending: Sending): Draft => ({
  rfc: '6455 4.2.2',
  title,
  run: async (ctx) => {
    const client = await ctx.tcp();
    await sending(client, withFrames(ctx.target));
    await ctx.upgraded(client);
    await receives(client, [wantText('one'), wantText('two')]);
    await finishes(client);
  },
});

const CUT_LANES = 8;
const CUT_PAUSE_MS = 3;

const everyCut: Draft = {
  rfc: '6455 4.2.2',
  title: 'head and two frames in two writes, at every cut',
  timeout_ms: 10_000,
  run: async (ctx) => {
    const bytes = withFrames(ctx.target);
    const cuts = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1).values();
    const lane = async (): Promise<void> => {
      for (const cut of cuts) {
        const client = await ctx.tcp();
        await client.sendPieces([bytes.subarray(0, cut), bytes.subarray(cut)], CUT_PAUSE_MS);
        await ctx.upgraded(client);
        await receives(client, [wantText('one'), wantText('two')]);
        client.destroy();
      }
    };
    await Promise.all(Array.from({ length: CUT_LANES }, lane));
  },
};

const cuts = [
  accepted('the head byte by byte', (t) => upgradeRequest(t), { sending: byteByByte }),
  accepted('the head in chops of 16 bytes', (t) => upgradeRequest(t), { sending: chops(16) }),
  headAndFrames('head and two frames in one write', whole),
  headAndFrames('head and two frames byte by byte', byteByByte),
  headAndFrames('head and two frames in chops of 50 bytes', chops(50)),
  everyCut,
  {
    rfc: '6455 4.2.2',
    title: 'the head and a text of 64 KiB in one write',
    run: async (ctx) => {
      const client = await ctx.tcp();
      await client.send(Buffer.concat([upgradeRequest(ctx.target), text(ascii(65536))]));
      await ctx.upgraded(client);
      await receives(client, [wantText(ascii(65536))]);
      await finishes(client);
    },
  } satisfies Draft,
  accepted('the head in two writes, 300 ms apart', (t) => upgradeRequest(t), {
    sending: (c, bytes) => c.sendPieces([bytes.subarray(0, 50), bytes.subarray(50)], 300),
  }),
];

export const handshakeCuts = group(16, 'handshake cuts', [cuts]);
