// A headless Chromium, which offers "permessage-deflate; client_max_window_bits", at a server that
// agrees to it. RFC 7692.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { chromium, type Browser } from 'playwright-core';
import { serve } from '../host/support/child.js';

const EXECUTABLE = '/usr/bin/chromium';
const skip = existsSync(EXECUTABLE) ? false : `skipped: needs ${EXECUTABLE}`;

let browser: Browser | undefined;

before(async () => {
  if (skip) return;
  browser = await chromium.launch({
    executablePath: EXECUTABLE,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
});
after(() => browser?.close());

interface Told {
  extensions: string;
  /** What came back otherwise than it went. */
  wrong: string[];
  echoes: number;
  /** Of the close event. */
  code: number;
  wasClean: boolean;
}

/** Runs in the page: a few messages of every kind one by one, then `count` records in one go. */
async function exchange([url, count]: [url: string, count: number]): Promise<Told> {
  const ws = new WebSocket(url);
  ws.binaryType = 'arraybuffer';
  const wrong: string[] = [];
  let echoes = 0;
  const queue: (string | ArrayBuffer)[] = [];
  let wake = (): void => {};
  ws.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    queue.push(data);
    wake();
  };
  const closed = new Promise<CloseEvent>((resolve) => {
    ws.onclose = (event) => {
      resolve(event);
      wake();
    };
  });
  await Promise.race([new Promise((resolve) => (ws.onopen = resolve)), closed]);
  const next = async (): Promise<string | ArrayBuffer> => {
    while (queue.length === 0) {
      if (ws.readyState !== WebSocket.OPEN) throw new Error('the connection ended');
      await new Promise<void>((resolve) => (wake = resolve));
    }
    echoes++;
    return queue.shift() ?? '';
  };
  const record = (i: number): string =>
    JSON.stringify({ id: i, name: `limpet ${i % 7}`, tide: 'žluť 🐚' });
  const mib = 1 << 20;
  const texts = ['hello', '', 'žluť 🐚 貝', record(1), record(2).repeat(1000), 'x'.repeat(mib)];
  for (const text of [...texts, ...texts]) {
    ws.send(text);
    if ((await next()) !== text) wrong.push(`text of ${text.length} characters`);
  }
  const noise = new Uint8Array(mib);
  for (let at = 0; at < mib; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536));
  for (const bytes of [new Uint8Array(1), new Uint8Array(0), new Uint8Array(mib), noise, noise]) {
    ws.send(bytes);
    const echo = await next();
    const came = typeof echo === 'string' ? new Uint8Array(0) : new Uint8Array(echo);
    if (typeof echo === 'string' || came.length !== bytes.length)
      wrong.push(`${bytes.length} bytes`);
    else if (came.some((byte, i) => byte !== bytes[i])) wrong.push(`${bytes.length} bytes`);
  }
  for (let i = 0; i < count; i++) ws.send(record(i));
  for (let i = 0; i < count; i++) if ((await next()) !== record(i)) wrong.push(`record ${i}`);
  const { extensions } = ws;
  ws.close(1000);
  const { code, wasClean } = await closed;
  return { extensions, wrong, echoes, code, wasClean };
}

const COUNT = 2000;

for (const [name, flags, wanted] of [
  ['as it comes', ['--deflate'], /^permessage-deflate/],
  ['every message compressed', ['--deflate', '--deflate-threshold', '0'], /^permessage-deflate/],
  [
    'windows of 10 bits',
    ['--deflate=1', '--deflate-window', '10', '--deflate-threshold', '0'],
    /client_max_window_bits=10\b/,
  ],
  [
    'windows of 15 bits, no takeover',
    ['--deflate=9', '--deflate-window', '15', '--no-context-takeover', '--deflate-threshold', '0'],
    /_no_context_takeover/,
  ],
] as [string, string[], RegExp][]) {
  test(`${name}: text, bytes, 1 MiB, ${COUNT} records in order`, { skip }, async (t) => {
    assert.ok(browser);
    const { port } = await serve(t, '--echo', '--quiet', ...flags);
    const page = await browser.newPage();
    t.after(() => page.close());
    const url = `ws://127.0.0.1:${port}/`;
    const told = await page.evaluate(exchange, [url, COUNT] as [string, number]);
    assert.match(told.extensions, wanted);
    assert.deepEqual(told.wrong, []);
    assert.deepEqual([told.echoes, told.code, told.wasClean], [COUNT + 17, 1000, true]);
  });
}
