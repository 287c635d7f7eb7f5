// A server's URL → one verdict per case.
import { Context, Unimplemented } from './case.js';
import type { Case, Result } from './case.js';
import { Client, Failure } from './client.js';
import { text } from './frame.js';
import { upgradeRequest } from './http.js';
import type { Target } from './http.js';
import { lineOf, tableOf, unimplementedOf } from './report.js';
import { CASES } from './sections/index.js';

export type { Result, Verdict } from './case.js';

export interface ConformanceOptions {
  /** Comma-separated: beginnings of ids ("5.2", "20.1.3"), or parts of a group's name or a title. */
  filter?: string;
  /** Cases at the same time; the heavy ones run alone. */
  concurrency?: number;
  /** What the server does not implement is FAILED. */
  requireDeflate?: boolean;
  /** Print nothing. */
  quiet?: boolean;
}

export interface ConformanceReport {
  ok: number;
  nonStrict: number;
  informational: number;
  unimplemented: number;
  failed: number;
  /** In the order of the ids. */
  results: Result[];
}

/** There is no server to test, or no case to run; the message is one clear line. */
export class TargetError extends Error {}

const CONCURRENCY = 4;
const PROBE_TIMEOUT_MS = 2000;
/** Beyond a case's own deadline, which all its waits keep to: only a mistake in a case needs it. */
const GUARD_MS = 500;

/** Runs the cases against the echo server at `url`. Rejects with TargetError when none is there. */
export async function runConformance(
  url: string,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const target = parseTarget(url);
  const cases = selectCases(options.filter);
  await probe(target, url);
  const results = new Map<string, Result>();
  const runAll = (batch: Case[], lanes: number): Promise<void> =>
    inLanes(batch, lanes, async (c) => {
      const result = await runCase(c, target, options.requireDeflate ?? false);
      results.set(c.id, result);
      if (!options.quiet && result.verdict !== 'OK' && result.verdict !== 'UNIMPLEMENTED')
        console.log(lineOf(result));
    });
  const concurrency = Math.max(1, options.concurrency ?? CONCURRENCY);
  await runAll(
    cases.filter((c) => !c.heavy),
    concurrency,
  );
  await runAll(
    cases.filter((c) => c.heavy),
    1,
  );
  const report = sum(cases.flatMap((c) => results.get(c.id) ?? []));
  if (!options.quiet)
    for (const line of [...unimplementedOf(report.results), tableOf(report.results)])
      console.log(line);
  return report;
}

/** The cases that `filter` selects, in order. Throws TargetError when it selects none. */
export function selectCases(filter = ''): Case[] {
  const terms = filter
    .split(',')
    .map((t) => t.trim().toLowerCase())
    .filter(Boolean);
  if (terms.length === 0) return CASES;
  const matches = (c: Case, term: string): boolean =>
    /^\d/.test(term)
      ? `${c.id}.`.startsWith(term.endsWith('.') ? term : `${term}.`)
      : `${c.group} ${c.title}`.toLowerCase().includes(term);
  const selected = CASES.filter((c) => terms.some((term) => matches(c, term)));
  if (selected.length === 0) throw new TargetError(`no case matches "${filter}"`);
  return selected;
}

function parseTarget(url: string): Target {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const secure = parsed?.protocol === 'wss:';
  if (!parsed || (!secure && parsed.protocol !== 'ws:') || parsed.hash || parsed.username)
    throw new TargetError(`not a URL of the form ws://host:port/path: ${url}`);
  return {
    secure,
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(parsed.port || (secure ? 443 : 80)),
    path: parsed.pathname + parsed.search,
  };
}

/** One handshake and one echo, so that a missing or a deaf server is one line and not hundreds. */
async function probe(target: Target, url: string): Promise<void> {
  let client: Client | null = null;
  try {
    client = await Client.open(target, performance.now() + PROBE_TIMEOUT_MS);
    await client.send(upgradeRequest(target));
    const response = await client.response();
    if (!response) throw new Failure('the connection ended');
    if (response.status !== 101) throw new Failure(`HTTP status ${response.status}`);
    await client.send(text('probe'));
    await client.next('an echo');
  } catch (error) {
    throw new TargetError(`no WebSocket echo server at ${url}: ${messageOf(error)}`);
  } finally {
    client?.destroy();
  }
}

async function runCase(c: Case, target: Target, requireDeflate: boolean): Promise<Result> {
  const ctx = new Context(target, c.timeout_ms);
  const start_ms = performance.now();
  let guard: NodeJS.Timeout | undefined;
  const late = new Promise<void>((_, reject) => {
    const error = new Failure(`not done within ${c.timeout_ms} ms`);
    guard = setTimeout(() => reject(error), c.timeout_ms + GUARD_MS);
  });
  try {
    await Promise.race([c.run(ctx), late]);
  } catch (error) {
    if (error instanceof Unimplemented && !requireDeflate) ctx.unimplemented(error.message);
    else if (error instanceof Unimplemented) ctx.fail(error.message);
    else
      ctx.fail(
        error instanceof Failure ? error.message : `mistake in the case: ${messageOf(error)}`,
      );
  } finally {
    clearTimeout(guard);
    ctx.dispose();
  }
  const { id, group, section, title } = c;
  const duration_ms = Math.round(performance.now() - start_ms);
  return { id, group, section, title, verdict: ctx.verdict, detail: ctx.detail, duration_ms };
}

async function inLanes<T>(
  items: T[],
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const lane = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

function sum(results: Result[]): ConformanceReport {
  const count = (verdict: string): number => results.filter((r) => r.verdict === verdict).length;
  return {
    ok: count('OK'),
    nonStrict: count('NON-STRICT'),
    informational: count('INFORMATIONAL'),
    unimplemented: count('UNIMPLEMENTED'),
    failed: count('FAILED'),
    results,
  };
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
