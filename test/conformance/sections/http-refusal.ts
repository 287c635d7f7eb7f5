// A request → the HTTP status that refuses it. RFC 6455 4.2.2, RFC 9110 15.
import type { Context, Draft } from '../case.js';
import { Failure } from '../client.js';
import type { Client } from '../client.js';
import { whole } from '../expect.js';
import type { Sending } from '../expect.js';
import { headerLines, requestBytes, upgradeHeaders } from '../http.js';
import type { Response, Target } from '../http.js';

export interface HttpRefusal {
  /** What a 101 means: FAILED without this. */
  accepting?: 'inform' | 'nonStrict';
  /** The answer has a head only (to HEAD). */
  bodiless?: boolean;
  /** TCP has to end as well. */
  ending?: boolean;
  /** The answer may be left out, if only TCP ends. */
  silent?: boolean;
  sending?: Sending;
  check?: (response: Response, ctx: Context) => void;
}

/**
 * One of `statuses` is OK; another error status, or the end of TCP without an answer, is NON-STRICT;
 * a success, a redirection or a hang is FAILED. Returns the client, its answer read to the end.
 */
export async function refusesHttp(
  ctx: Context,
  request: Buffer,
  statuses: number[],
  options: HttpRefusal = {},
): Promise<Client> {
  const client = await ctx.tcp();
  await (options.sending ?? whole)(client, request);
  const response = await client.response();
  const wanted = statuses.join(' or ');
  if (!response) {
    if (!options.silent)
      ctx.nonStrict(`the connection ended without an answer; expected ${wanted}`);
    return client;
  }
  if (response.status === 101) {
    if (options.accepting === 'inform') ctx.inform('accepted');
    else if (options.accepting === 'nonStrict') ctx.nonStrict('accepted');
    else throw new Failure(`accepted; expected ${wanted}`);
    return client;
  }
  if (!statuses.includes(response.status)) {
    if (response.status < 400)
      throw new Failure(`answered with ${response.status}; expected ${wanted}`);
    ctx.nonStrict(`refused with ${response.status}; expected ${wanted}`);
  }
  options.check?.(response, ctx);
  if (!options.bodiless && !(await client.bodyEnds()))
    throw new Failure(`the answer ${response.status} has no end`);
  if (options.ending && !(await client.ends()))
    throw new Failure(`the connection stays open after ${response.status}`);
  return client;
}

/** A request to refuse, and the connection to end: nobody knows where the next request starts. */
export const malformed = (
  rfc: string,
  title: string,
  statuses: number[],
  bytes: (target: Target) => Buffer,
  options: HttpRefusal = {},
): Draft => ({
  rfc,
  title,
  run: async (ctx) => {
    await refusesHttp(ctx, bytes(ctx.target), statuses, { ending: true, ...options });
  },
});

export const usualLines = (t: Target): string[] => headerLines(upgradeHeaders(t));
export const usualLine = (t: Target): string => `GET ${t.path} HTTP/1.1`;

/** The usual request with `lines` behind the Host line. */
export const withLines =
  (...lines: string[]) =>
  (t: Target): Buffer => {
    const [host, ...others] = usualLines(t);
    return requestBytes(usualLine(t), [host, ...lines, ...others]);
  };
