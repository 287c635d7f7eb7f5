// Group 22: 1,000 messages there and back, one at a time and all at once. RFC 6455 5.
import { group } from '../case.js';
import { kindOf } from '../client.js';
import { ascii, echoes, pattern, receives, talk } from '../expect.js';
import type { Wanted } from '../expect.js';
import { BINARY, frame, TEXT, text } from '../frame.js';

const HEAVY = { heavy: true, timeout_ms: 15_000 };
const COUNT = 1000;
const SIZES = [0, 16, 64, 256, 1024, 4096, 16384, 65536];

const oneAtATime = [TEXT, BINARY].flatMap((opcode) =>
  SIZES.map((size) =>
    talk(
      '6455 5.2',
      `1,000 round trips of ${kindOf(opcode)} of ${size} bytes`,
      async (c) => {
        const payload = opcode === TEXT ? ascii(size) : pattern(size);
        for (let i = 0; i < COUNT; i++) await echoes(c, opcode, payload);
      },
      HEAVY,
    ),
  ),
);

const allAtOnce = [TEXT, BINARY].flatMap((opcode) =>
  [0, 16, 1024, 4096].map((size) =>
    talk(
      '6455 5.2',
      `1,000 messages of ${kindOf(opcode)} of ${size} bytes in one write`,
      async (c) => {
        const payloads = Array.from({ length: COUNT }, (_, i) => Buffer.alloc(size, `${i} `));
        await c.send(Buffer.concat(payloads.map((payload) => frame({ opcode, payload }))));
        await receives(
          c,
          payloads.map((data): Wanted => ({ kind: kindOf(opcode), data })),
        );
      },
      HEAVY,
    ),
  ),
);

const connections = [
  talk(
    '6455 4',
    '200 connections, one message each',
    async (_, ctx) => {
      for (let i = 0; i < 200; i++) {
        const client = await ctx.open();
        await echoes(client, TEXT, Buffer.from(`${i}`));
        client.destroy();
      }
    },
    HEAVY,
  ),
  talk(
    '6455 4',
    '100 connections at once keep their messages apart',
    async (_, ctx) => {
      const clients = await Promise.all(Array.from({ length: 100 }, () => ctx.open()));
      await Promise.all(clients.map((c, i) => c.send(text(`for ${i}`))));
      await Promise.all(
        clients.map((c, i) => receives(c, [{ kind: 'text', data: Buffer.from(`for ${i}`) }])),
      );
    },
    HEAVY,
  ),
];

export const roundTrips = group(22, 'round trips', [oneAtATime, allAtOnce, connections]);
