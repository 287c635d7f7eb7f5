// A connection with permessage-deflate, and what is exchanged over it. RFC 7692.
import type { Context, DeflatedClient, Draft } from '../case.js';
import { kindOf } from '../client.js';
import type { Client } from '../client.js';
import { finishes, receives, refuses, whole } from '../expect.js';
import type { Refusal, Sending, Wanted } from '../expect.js';
import { fragments, frame, split } from '../frame.js';

/** "Per-Message Compressed", as FrameShape has it. RFC 7692 6. */
export const RSV1 = 4;

/** A payload of permessage-deflate in one frame, or in frames of `size` bytes. */
export const compressed = (opcode: number, payload: Buffer, size = Infinity): Buffer =>
  size >= payload.length
    ? frame({ opcode, rsv: RSV1, payload })
    : Buffer.concat(fragments(opcode, split(payload, size), RSV1));

/** The message must come back, compressed or not. */
export async function answers(
  client: Client,
  opcode: number,
  data: Buffer | string,
): Promise<void> {
  await receives(client, [{ kind: kindOf(opcode), data: Buffer.from(data) }]);
}

/** Sends `payload` in one frame; the message in it must come back. */
export async function unpacks(
  client: Client,
  opcode: number,
  payload: Buffer,
  data: Buffer | string,
): Promise<void> {
  await client.send(compressed(opcode, payload));
  await answers(client, opcode, data);
}

const IN_FLIGHT_MAX = 16;

/** All messages there and back in their order, by ones, twos, fours … in flight. */
export async function exchanges(
  { client, deflate }: DeflatedClient,
  opcode: number,
  messages: Buffer[],
  size = Infinity,
): Promise<void> {
  let count = 1;
  for (let at = 0; at < messages.length; at += count, count = Math.min(2 * count, IN_FLIGHT_MAX)) {
    const batch = messages.slice(at, at + count);
    const bytes: Buffer[] = [];
    for (const message of batch) bytes.push(compressed(opcode, await deflate(message), size));
    await client.send(Buffer.concat(bytes));
    await receives(
      client,
      batch.map((data): Wanted => ({ kind: kindOf(opcode), data })),
    );
  }
}

export interface DeflatedExtras {
  offers?: string[];
  timeout_ms?: number;
  heavy?: boolean;
}

/** A case that agrees on permessage-deflate, exchanges, and closes in good order. */
export const deflatedTalk = (
  rfc: string,
  title: string,
  exchange: (deflated: DeflatedClient, ctx: Context) => Promise<void>,
  { offers = [], ...extras }: DeflatedExtras = {},
): Draft => ({
  rfc,
  title,
  ...extras,
  run: async (ctx) => {
    const deflated = await ctx.deflated(...offers);
    await exchange(deflated, ctx);
    await finishes(deflated.client);
  },
});

/** A case whose bytes must be refused with `code` on such a connection. */
export const deflatedRefusal = (
  rfc: string,
  title: string,
  code: number,
  bytes: () => Buffer | Buffer[],
  {
    sending = whole,
    offers = [],
    timeout_ms,
    heavy,
    ...expected
  }: Refusal & DeflatedExtras & { sending?: Sending } = {},
): Draft => ({
  rfc,
  title,
  ...(timeout_ms !== undefined && { timeout_ms }),
  ...(heavy !== undefined && { heavy }),
  run: async (ctx) => {
    const { client } = await ctx.deflated(...offers);
    const made = bytes();
    await sending(client, Array.isArray(made) ? Buffer.concat(made) : made);
    await refuses(ctx, client, code, expected);
  },
});
