// A headless Chromium on the page of `limpet serve --demo`: every button, and what comes of it.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { chromium, type Browser, type Page } from 'playwright-core';
import { serve, type Child } from '../host/support/child.js';

const EXECUTABLE = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const skip = existsSync(EXECUTABLE) ? false : `skipped: needs ${EXECUTABLE}`;

let browser: Browser | undefined;

before(async () => {
  if (skip) return;
  browser = await chromium.launch({ executablePath: EXECUTABLE, headless: true, args: FLAGS });
});
after(() => browser?.close());

interface Demo {
  page: Page;
  child: Child;
  /** What the console, and requests that failed, had to say. */
  complaints: string[];
  /** The last entry of the log of one kind that holds these words. */
  logged: (kind: string, words: string) => Promise<string>;
  state: (state: string) => Promise<void>;
}

async function demo(t: Parameters<typeof serve>[0]): Promise<Demo> {
  assert.ok(browser);
  const { child, port } = await serve(t, '--demo');
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  t.after(() => page.close());
  page.setDefaultTimeout(5000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'log') complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
  await page.goto(`http://127.0.0.1:${port}/`);
  return {
    page,
    child,
    complaints,
    logged: async (kind, words) => {
      const entry = page.locator(`#log li[data-kind=${kind}]`, { hasText: words }).last();
      await entry.waitFor();
      return entry.innerText();
    },
    state: (state) => page.locator(`#state[data-state=${state}]`).waitFor(),
  };
}

test('connect, send text and bytes, burst, ping, close: as the log tells', { skip }, async (t) => {
  const { page, complaints, logged, state } = await demo(t);
  await state('closed');
  assert.match(await page.locator('#url').inputValue(), /^ws:\/\/127\.0\.0\.1:\d+\/echo\?demo$/);
  await page.click('#connect');
  await state('open');
  await logged('open', 'connected to');
  await logged('notice', 'hello, session');

  await page.fill('#message', 'žluťoučký kůň 🐚');
  await page.click('#send');
  assert.match(await logged('echo', 'žluťoučký kůň 🐚'), /text/);

  await page.fill('#binary-size', '1048576');
  await page.click('#send-binary');
  assert.match(await logged('echo', '1 MiB'), /binary/);
  await page.fill('#binary-hex', 'de ad be ef');
  await page.click('#send-hex');
  await logged('echo', 'de ad be ef');

  await page.fill('#burst-count', '2000');
  await page.click('#burst');
  await logged('echo', '2,000 of 2,000 echoed');

  await page.click('#ping');
  await logged('notice', 'pong “are you there?”');

  mkdirSync('build/screenshots', { recursive: true });
  await page.locator('#stat-messages-in[data-value="2004"]').waitFor();
  await page.evaluate('scrollTo(0, 0)');
  await page.screenshot({ path: 'build/screenshots/demo.png' });

  await page.click('#disconnect');
  assert.match(await logged('close', '1000'), /Normal closure/);
  await state('closed');
  assert.equal(await page.locator('#log li[data-kind=error]').count(), 0);
  assert.deepEqual(complaints, []);
});

test('the counters move with what is sent', { skip }, async (t) => {
  const { page, state, logged } = await demo(t);
  const stat = (name: string, value: number) =>
    page.locator(`#stat-${name}[data-value="${value}"]`).waitFor();
  await stat('messages-in', 0);
  const active = async () => Number(await page.locator('#stat-active').getAttribute('data-value'));
  // A browser keeps connections of its own, one of which asks for these counters.
  const before = await active();
  await page.click('#connect');
  await state('open');
  await page.fill('#message', '12345');
  for (let i = 0; i < 3; i++) await page.click('#send');
  await logged('echo', '12345');
  await stat('messages-in', 3);
  await stat('bytes-in', 15);
  // The server greeted this visitor with a notice of its own.
  await stat('messages-out', 4);
  assert.ok((await active()) >= 1);
  assert.ok(before <= 4, `${before} connections before there was one`);
});

test('codes and reasons of both sides', { skip }, async (t) => {
  const { page, state, logged, complaints } = await demo(t);
  const close = async (button: string, code: string, reason: string) => {
    await page.click('#connect');
    await state('open');
    await page.fill('#close-code', code);
    await page.fill('#close-reason', reason);
    await page.click(button);
    await state('closed');
  };
  await close('#server-close', '4001', 'the server’s žluť');
  assert.match(await logged('close', '4001'), /“the server’s žluť”/);
  await close('#server-close', '1011', '');
  assert.match(await logged('close', '1011'), /Internal error/);
  await close('#close', '3000', 'mine');
  assert.doesNotMatch(await logged('close', '3000'), /not clean/);
  await page.click('#connect');
  await state('open');
  await page.fill('#close-code', '1005');
  await page.click('#server-close');
  await logged('notice', 'no close code that may be sent');
  await state('open');
  assert.deepEqual(complaints, []);
});

test(
  'the server goes: 1001, and the page says that /stats is not reachable',
  { skip },
  async (t) => {
    const { page, child, state, logged } = await demo(t);
    await page.click('#connect');
    await state('open');
    child.kill('SIGINT');
    assert.match(await logged('close', '1001'), /Going away/);
    assert.equal((await child.ended()).code, 0);
    await page.locator('#stats-state', { hasText: 'not reachable' }).waitFor();
  },
);
