// Group 31: little on the wire, much behind it. RFC 6455 10.4: "Implementations … MUST protect
// themselves"; RFC 6455 7.4.1: 1009 for "a message that is too big for it to process".
import { constants, deflateRawSync } from 'node:zlib';
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { Failure } from '../client.js';
import { Blocks } from '../blocks.js';
import { TAIL } from '../deflate.js';
import { ascii, AT_ONCE_MS, closesWith, describe, echoes, finishes, refuses } from '../expect.js';
import { BINARY, continuation, frame, ping, TEXT } from '../frame.js';
import { answers, compressed, deflatedRefusal, deflatedTalk, exchanges, RSV1 } from './deflated.js';

const MIB = 1024 * 1024;
const HEAVY = { heavy: true, timeout_ms: 15_000 };

/** More than any server's limit for a message should be; 1,000 times less on the wire. */
const BOMB_BYTES = 64 * MIB;

let bombs: Buffer | null = null;

/** Zeros, compressed as far as they go. */
function bomb(): Buffer {
  bombs ??= deflateRawSync(Buffer.alloc(BOMB_BYTES), {
    level: 9,
    finishFlush: constants.Z_SYNC_FLUSH,
  }).subarray(0, -TAIL.length);
  return bombs;
}

const tooBig = (title: string, bytes: () => Buffer[]): Draft =>
  deflatedRefusal('6455 10.4', title, 1009, bytes, HEAVY);

const big = [
  tooBig('64 MiB of zeros in one frame', () => [compressed(BINARY, bomb())]),
  tooBig('64 MiB of zeros as a text', () => [compressed(TEXT, bomb())]),
  tooBig('64 MiB of zeros in fragments of 1,024', () => [compressed(BINARY, bomb(), 1024)]),
  tooBig('64 MiB of zeros behind 8 MiB that are not compressed', () => [
    frame({
      opcode: BINARY,
      rsv: RSV1,
      fin: false,
      payload: storedBlocks(8 * MIB),
    }),
    continuation(bomb()),
  ]),
  {
    rfc: '6455 10.4',
    title: '64 MiB of zeros in a first fragment, the last one not sent',
    ...HEAVY,
    run: async (ctx) => {
      const { client } = await ctx.deflated();
      await client.send(frame({ opcode: BINARY, rsv: RSV1, fin: false, payload: bomb() }));
      // What is unpacked only when it is whole has cost no more than what came.
      if (!(await client.waits(2 * AT_ONCE_MS))) {
        ctx.inform('refused only once the last fragment has come');
        await client.send(continuation(''));
      }
      await refuses(ctx, client, 1009);
    },
  } satisfies Draft,
  {
    rfc: '6455 10.4',
    title: 'ten connections with 64 MiB each at once; one beside them goes on',
    ...HEAVY,
    run: async (ctx) => {
      const good = await ctx.deflated();
      await exchanges(good, TEXT, [ascii(1000)]);
      const others = [];
      for (let i = 0; i < 10; i++) others.push((await ctx.deflated()).client);
      await Promise.all(others.map((client) => client.send(compressed(BINARY, bomb()))));
      await Promise.all(others.map((client) => closesWith(ctx, client, 1009)));
      await exchanges(good, TEXT, [ascii(1000), ascii(500)]);
      await finishes(good.client);
    },
  } satisfies Draft,
];

function storedBlocks(length: number): Buffer {
  const zeros = Buffer.alloc(32768);
  const one = new Blocks().stored(zeros).cut();
  return Buffer.concat(Array.from({ length: length / zeros.length }, () => one));
}

const within = [
  ...[1, 4, 8].map((mib) =>
    deflatedTalk(
      '7692 6.1',
      `${mib} MiB of zeros, ${mib} KiB on the wire`,
      (deflated) => exchanges(deflated, BINARY, [Buffer.alloc(mib * MIB)]),
      HEAVY,
    ),
  ),
  deflatedTalk(
    '7692 6.1',
    '1 MiB of text in compressed fragments of 100 bytes',
    (deflated) => exchanges(deflated, TEXT, [ascii(MIB)], 100),
    HEAVY,
  ),
  deflatedTalk(
    '7692 6.1',
    '100 messages of 64 KiB of zeros in one write',
    async ({ client, deflate }) => {
      const frames: Buffer[] = [];
      for (let i = 0; i < 100; i++)
        frames.push(compressed(BINARY, await deflate(Buffer.alloc(65536))));
      await client.send(Buffer.concat(frames));
      for (let i = 0; i < 100; i++) await answers(client, BINARY, Buffer.alloc(65536));
    },
    HEAVY,
  ),
];

const others = [
  {
    rfc: '6455 5.5.2',
    title: 'a ping behind 4 MiB of compressed zeros is answered in time',
    ...HEAVY,
    run: async (ctx) => {
      const { client, deflate } = await ctx.deflated();
      const zeros = Buffer.alloc(4 * MIB);
      await client.send(Buffer.concat([compressed(BINARY, await deflate(zeros)), ping('still?')]));
      for (let i = 0; i < 2; i++) {
        const event = await client.next('an echo and a pong');
        if (event.kind !== 'pong' && (event.kind !== 'binary' || !event.data.equals(zeros)))
          throw new Failure(`${describe(event)} came`);
      }
      await finishes(client);
    },
  } satisfies Draft,
  {
    rfc: '6455 7.1.5',
    title: '50 connections that leave in the middle of a compressed message',
    ...HEAVY,
    run: async (ctx) => {
      for (let i = 0; i < 50; i++) {
        const { client, deflate } = await ctx.deflated();
        const payload = await deflate(ascii(20_000));
        const half = payload.subarray(0, payload.length >> 1);
        await client.send(frame({ opcode: TEXT, rsv: RSV1, fin: false, payload: half }));
        client.reset();
      }
      const { client } = await ctx.deflated();
      await echoes(client, TEXT, Buffer.from('still there'));
      await finishes(client);
    },
  } satisfies Draft,
];

export const deflateLimits = group(31, 'deflate limits', [big, within, others]);
