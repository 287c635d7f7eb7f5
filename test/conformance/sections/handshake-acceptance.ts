// A request, oddly written or not → the 101 and the connection that it should get. RFC 6455 4.2.2.
import type { Context, Draft } from '../case.js';
import { Failure } from '../client.js';
import { echoes, finishes, whole } from '../expect.js';
import type { Sending } from '../expect.js';
import { TEXT } from '../frame.js';
import { headerLines, requestBytes, upgradeHeaders, upgradeRequest, valuesOf } from '../http.js';
import type { Header, Response, Target } from '../http.js';

export interface Shape {
  rfc?: string;
  key?: string;
  sending?: Sending;
  /** Ask for no echo: it could come compressed. */
  silent?: boolean;
  check?: (response: Response, ctx: Context) => void;
}

/** The request must be accepted, and what follows must be a working connection. */
export const accepted = (
  title: string,
  bytes: (target: Target) => Buffer,
  { rfc = '6455 4.2.1', key, sending = whole, silent = false, check }: Shape = {},
): Draft => ({
  rfc,
  title,
  run: async (ctx) => {
    const client = await ctx.tcp();
    await sending(client, bytes(ctx.target));
    await ctx.upgraded(client, key);
    const response = await client.response();
    if (response) check?.(response, ctx);
    if (!silent) await echoes(client, TEXT, Buffer.from('after the handshake'));
    await finishes(client);
  },
});

export const withHeaders =
  (change: (headers: Header[], target: Target) => Header[]) =>
  (target: Target): Buffer =>
    upgradeRequest(target, change(upgradeHeaders(target), target));
export const withLines =
  (change: (lines: string[]) => string[]) =>
  (target: Target): Buffer =>
    requestBytes(`GET ${target.path} HTTP/1.1`, change(headerLines(upgradeHeaders(target))));
export const withLine =
  (line: (target: Target) => string) =>
  (target: Target): Buffer =>
    upgradeRequest(target, upgradeHeaders(target), line(target));
export const plus = (...more: Header[]): ((target: Target) => Buffer) =>
  withHeaders((headers) => [...headers, ...more]);

/** For a header field that nobody asked for. */
export const hasNone =
  (name: string) =>
  (response: Response): void => {
    if (valuesOf(response, name).length > 0)
      throw new Failure(`${name}: ${valuesOf(response, name).join()} was not asked for`);
  };
