// What the cases expect, in sentences: a server that echoes, that refuses, that closes. RFC 6455 5-7.
import type { Context, Draft } from './case.js';
import { Failure, kindOf } from './client.js';
import type { Client, Event, MessageKind } from './client.js';
import { close, frame } from './frame.js';
import type { FrameExtras } from './frame.js';

/** How long a server may take over what it should do at once, before that counts as not done. */
export const AT_ONCE_MS = 1000;

/** How a case's bytes go out. */
export type Sending = (client: Client, bytes: Buffer) => Promise<void>;
export const whole: Sending = (client, bytes) => client.send(bytes);
export const chops =
  (size: number): Sending =>
  (client, bytes) =>
    client.sendChopped(bytes, size);
export const byteByByte = chops(1);

export const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');

/** `length` bytes that differ from their neighbours and do not repeat with a power of two. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + (i >> 8)) % 251;
  return bytes;
}

/** `length` bytes of printable ASCII. */
export function ascii(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = 0x20 + ((i * 7 + (i >> 8)) % 95);
  return bytes;
}

// events

export interface Wanted {
  kind: MessageKind | 'pong';
  data: Buffer;
}

export const wantText = (data: string | Buffer): Wanted => ({
  kind: 'text',
  data: Buffer.from(data),
});
export const wantBinary = (data: Buffer): Wanted => ({ kind: 'binary', data });
export const wantPong = (data: string | Buffer): Wanted => ({
  kind: 'pong',
  data: Buffer.from(data),
});

export function describe(event: Event | Wanted): string {
  if (event.kind === 'end') return `the end of TCP (${event.clean ? 'FIN' : 'RST'})`;
  if (event.kind === 'close') return `a Close frame (${event.code ?? 'no code'})`;
  const shown = event.data.subarray(0, 12).toString('hex');
  return `a ${event.kind} of ${event.data.length} bytes${shown && ` (${shown}…)`}`;
}

const isSame = (event: Event, wanted: Wanted): boolean =>
  event.kind === wanted.kind && event.data.equals(wanted.data);

/**
 * Exactly `wanted`, in that order. What RFC 6455 5.5.3 leaves open goes to `onLiberty`, which refuses it by
 * default: a pong that overtakes a message or lags behind it, and a ping passed over for a later one.
 */
export async function receives(
  client: Client,
  wanted: Wanted[],
  onLiberty: (note: string) => void = refuseLiberty,
): Promise<void> {
  let left = [...wanted];
  while (left.length > 0) {
    const event = await client.next(describe(left[0]));
    const at = left.findIndex((w) => isSame(event, w));
    const skipped = left.slice(0, Math.max(at, 0));
    const isPong = event.kind === 'pong';
    if (at < 0 || (!isPong && skipped.some((w) => w.kind !== 'pong')))
      throw new Failure(`${describe(event)} came; expected ${describe(left[0])}`);
    const late = skipped.filter((w) => !isPong || w.kind !== 'pong');
    if (late.length > 0) onLiberty(`${describe(event)} came before ${describe(late[0])}`);
    if (late.length < skipped.length)
      onLiberty(`${skipped.length - late.length} pings were passed over`);
    left = at === 0 ? left.slice(1) : [...late, ...left.slice(at + 1)];
  }
}

function refuseLiberty(note: string): void {
  throw new Failure(note);
}

/** Sends one message in one frame and wants it back. */
export async function echoes(
  client: Client,
  opcode: number,
  payload: Buffer,
  sending: Sending = whole,
  extras: FrameExtras = {},
): Promise<void> {
  await sending(client, frame({ ...extras, opcode, payload }));
  await receives(client, [{ kind: kindOf(opcode), data: payload }]);
}

/** Closes with 1000: nothing must come before the answering Close frame. Ends the positive cases. */
export async function finishes(client: Client): Promise<void> {
  await client.send(close(1000));
  const event = await client.next('the answer to Close 1000');
  if (event.kind !== 'close') throw new Failure(`${describe(event)} came; expected a Close frame`);
  if (event.code !== 1000) throw new Failure(`Close 1000 was answered with ${describe(event)}`);
}

// refusing

export interface Refusal {
  /** What the valid frames before the bad one should yield first. */
  before?: Wanted[];
  /** Codes that the RFC leaves room for, besides the one wanted. */
  tolerated?: number[];
}

/** RFC 6455 7.1.7: the violation just sent must bring a Close frame with `code`, then FIN, and nothing else. */
export async function refuses(
  ctx: Context,
  client: Client,
  code: number,
  expected: Refusal = {},
): Promise<void> {
  await closesWith(ctx, client, code, expected);
  await endsAfterRefusal(ctx, client);
}

/** The Close frame alone, for cases that make many connections. */
export async function closesWith(
  ctx: Context,
  client: Client,
  code: number,
  { before = [], tolerated = [] }: Refusal = {},
): Promise<void> {
  let event = await client.next(describe(before[0] ?? { kind: 'close', code, reason: '' }));
  for (const wanted of before) {
    if (event.kind === 'close') {
      ctx.nonStrict(`refused before ${describe(wanted)} for the valid frame`);
      break;
    }
    if (!isSame(event, wanted))
      throw new Failure(`${describe(event)} came; expected ${describe(wanted)}`);
    event = await client.next(`a Close frame (${code})`);
  }
  if (event.kind === 'end') throw new Failure(`no Close frame, only ${describe(event)}`);
  if (event.kind !== 'close') throw new Failure(`not refused: ${describe(event)} came`);
  if (event.code !== code) {
    if (event.code === null || !tolerated.includes(event.code))
      throw new Failure(`refused with ${describe(event)} instead of ${code}`);
    ctx.inform(`refused with ${event.code}`);
  }
}

/** RFC 6455 7.1.1: the server closes TCP first, without waiting for the client's Close, and with FIN. */
async function endsAfterRefusal(ctx: Context, client: Client): Promise<void> {
  let event = await client.nextWithin(AT_ONCE_MS);
  if (!event) {
    ctx.nonStrict("after its Close frame it waits for the client's");
    await client.send(close(1000));
    event = await client.next('the end of TCP');
  }
  if (event.kind !== 'end') throw new Failure(`${describe(event)} came after the Close frame`);
  if (!event.clean && !client.spilling) ctx.nonStrict('TCP ended with RST after the Close frame');
}

/** `head` alone is enough to refuse; a server that waits for `rest` is NON-STRICT. */
export async function refusesEarly(
  ctx: Context,
  client: Client,
  code: number,
  { head, rest, sending = whole, tolerated = [] }: EarlyRefusal,
): Promise<void> {
  await sending(client, head);
  if (!(await client.waits(AT_ONCE_MS))) {
    ctx.nonStrict('not refused before the rest of the message has come');
    await client.send(rest);
  }
  await refuses(ctx, client, code, { tolerated });
}

export interface EarlyRefusal {
  head: Buffer;
  rest: Buffer;
  sending?: Sending;
  tolerated?: number[];
}

// drafts

/** Long enough for refusesEarly and endsAfterRefusal to find a server late, one after the other. */
export const EARLY_TIMEOUT_MS = 4 * AT_ONCE_MS;

/** A case that opens one connection, exchanges, and closes it in good order. */
export const talk = (
  rfc: string,
  title: string,
  exchange: (client: Client, ctx: Context) => Promise<void>,
  extras: Pick<Draft, 'timeout_ms' | 'heavy'> = {},
): Draft => ({
  rfc,
  title,
  ...extras,
  run: async (ctx) => {
    const client = await ctx.open();
    await exchange(client, ctx);
    await finishes(client);
  },
});

/** A case that sends bytes which must be refused with `code`. */
export const refusal = (
  rfc: string,
  title: string,
  code: number,
  bytes: () => Buffer | Buffer[],
  { sending = whole, ...expected }: Refusal & { sending?: Sending } = {},
): Draft => ({
  rfc,
  title,
  run: async (ctx) => {
    const client = await ctx.open();
    const made = bytes();
    await sending(client, Array.isArray(made) ? Buffer.concat(made) : made);
    await refuses(ctx, client, code, expected);
  },
});

/** A case whose `head` must be refused with `code` although `rest` has not come. */
export const earlyRefusal = (
  rfc: string,
  title: string,
  code: number,
  parts: () => EarlyRefusal,
): Draft => ({
  rfc,
  title,
  timeout_ms: EARLY_TIMEOUT_MS,
  run: async (ctx) => refusesEarly(ctx, await ctx.open(), code, parts()),
});
