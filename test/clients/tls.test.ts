// ws, undici and headless Chromium → an echo server under TLS.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { chromium } from 'playwright-core';
import { Agent, WebSocket as UndiciSocket } from 'undici';
import { WebSocket } from 'ws';
import type { ServerOptions } from '../../host/node/index.js';
import { Certificate } from '../support/certificate.js';
import { next } from '../host/support/serving.js';
import { within } from '../host/support/wait.js';
import { echoServer } from './echo-server.js';

const SIZES = [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 16 << 20];
const EXECUTABLE = '/usr/bin/chromium';

async function secured(
  t: TestContext,
  options: ServerOptions = {},
): Promise<{ url: string; ca: string; server: Awaited<ReturnType<typeof echoServer>>['server'] }> {
  const { cert, key } = new Certificate(['localhost', '127.0.0.1']);
  const { server, url } = await echoServer(t, { ...options, tls: { cert, key } });
  return { server, url: url.replace('ws:', 'wss:'), ca: cert };
}

for (const deflate of [false, true]) {
  test(`ws: text, bytes and close${deflate ? ', compressed' : ''}`, async (t) => {
    const { url, ca, server } = await secured(t, { deflate });
    const client = new WebSocket(url, { ca, perMessageDeflate: deflate, maxPayload: 32 << 20 });
    await within(once(client, 'open'), 'open');
    assert.equal(client.extensions, deflate ? 'permessage-deflate' : '');
    for (const bytes of SIZES) {
      const data = Buffer.alloc(bytes, `${bytes} bytes `);
      client.send(data);
      const [echo] = (await within(once(client, 'message'), `${bytes} bytes`, 20_000)) as [Buffer];
      assert.ok(echo.equals(data), `${bytes} bytes`);
    }
    const closed = next(server, 'close');
    client.close(4001, 'over');
    assert.equal((await within(once(client, 'close'), 'close'))[0], 4001);
    assert.deepEqual((await closed).slice(1), [4001, 'over', true]);
    assert.equal(server.metrics().active, 0);
  });
}

test('ws: a certificate that is by nobody it knows is refused by it, and the server goes on', async (t) => {
  const { url, ca } = await secured(t);
  const refused = new WebSocket(url);
  const [error] = (await within(once(refused, 'error'), 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
  const client = new WebSocket(url, { ca });
  await within(once(client, 'open'), 'open');
  client.terminate();
});

test('undici: text and bytes', async (t) => {
  const { url, ca } = await secured(t);
  const dispatcher = new Agent({ connect: { ca } });
  t.after(() => dispatcher.close());
  const client = new UndiciSocket(url, { dispatcher });
  client.binaryType = 'arraybuffer';
  await within(once(client, 'open'), 'open');
  for (const data of ['žluťoučký kůň 🐚', 'x'.repeat(1 << 20)]) {
    client.send(data);
    const [event] = (await within(once(client, 'message'), 'message')) as [MessageEvent<string>];
    assert.equal(event.data, data);
  }
  client.send(Buffer.alloc(1 << 20, 7));
  const [event] = (await within(once(client, 'message'), 'bytes')) as [MessageEvent<ArrayBuffer>];
  assert.ok(Buffer.from(event.data).equals(Buffer.alloc(1 << 20, 7)));
  client.close();
  await within(once(client, 'close'), 'close');
});

test(
  'Chromium: an https page that talks over wss',
  { skip: !existsSync(EXECUTABLE) && `needs ${EXECUTABLE}` },
  async (t) => {
    const { server, url } = await secured(t);
    server.on('request', (request) => {
      request.respond(200, { headers: { 'Content-Type': 'text/html' }, body: '<h1>page</h1>' });
    });
    const browser = await chromium.launch({
      executablePath: EXECUTABLE,
      headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--ignore-certificate-errors'],
    });
    t.after(() => browser.close());
    const page = await browser.newPage();
    await page.goto(url.replace('wss:', 'https:'));
    assert.equal(await page.evaluate('isSecureContext'), true);
    const talk = `new Promise((resolve, reject) => {
      const socket = new WebSocket('${url}');
      const got = [];
      socket.binaryType = 'arraybuffer';
      socket.onerror = () => reject(new Error('failed'));
      socket.onopen = () => { socket.send('text'); socket.send(new Uint8Array(${1 << 20})); };
      socket.onmessage = ({ data }) => {
        got.push(typeof data === 'string' ? data : data.byteLength);
        if (got.length === 2) socket.close(4000, 'enough');
      };
      socket.onclose = ({ code, wasClean }) => resolve([...got, code, wasClean]);
    })`;
    assert.deepEqual(await page.evaluate(talk), ['text', 1 << 20, 4000, true]);
  },
);
