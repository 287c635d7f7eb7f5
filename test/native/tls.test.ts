// openssl s_client, ws and headless Chromium → limpetd under TLS.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { chromium } from 'playwright-core';
import { WebSocket } from 'ws';
import { Certificate, certificateFiles, directory } from '../support/certificate.js';
import { text } from '../conformance/frame.js';
import { requestBytes } from '../conformance/http.js';
import { until, within } from '../host/support/wait.js';
import { skips } from './support/build.js';
import { limpetd, residentBytes, type Served } from './support/limpetd.js';

const EXECUTABLE = '/usr/bin/chromium';
const SIZES = [0, 1, 125, 126, 16_384, 65_535, 65_536, 1 << 20, 16 << 20];

const skip = skips('wasm2c', { openssl: 'openssl' });

interface Secured extends Served {
  certFile: string;
  keyFile: string;
  own: Certificate;
}

/** limpetd that echoes, with a certificate for this machine. */
async function secured(t: TestContext, ...args: string[]): Promise<Secured> {
  const own = new Certificate(['localhost', '127.0.0.1', '::1']);
  const files = certificateFiles(t, own);
  const flags = ['--tls-cert', files.certFile, '--tls-key', files.keyFile];
  return { ...files, own, ...(await limpetd(t, 'wasm2c', '--echo', '--quiet', ...flags, ...args)) };
}

/** What openssl s_client prints until it ends; `input` goes to its standard input, which then ends unless `stays`. */
async function sClient(
  t: TestContext,
  { port, certFile }: Secured,
  args: string[],
  { input = '', stays }: { input?: string | Buffer; stays?: (printed: Buffer) => boolean } = {},
): Promise<Buffer> {
  const known = ['-CAfile', certFile, '-verify_return_error', '-servername', 'localhost'];
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...known, ...args]);
  t.after(() => child.kill('SIGKILL'));
  let printed = Buffer.alloc(0);
  const more = (chunk: Buffer) => (printed = Buffer.concat([printed, chunk]));
  child.stdout.on('data', more);
  child.stderr.on('data', more);
  // One that was refused reads nothing.
  child.stdin.on('error', () => undefined);
  const closed = once(child, 'close');
  child.stdin.write(input);
  if (stays)
    await until(() => stays(printed) || child.exitCode !== null, 'what s_client prints', 20_000);
  child.stdin.end();
  await within(closed, 's_client', 20_000);
  return printed;
}

/** The same as text. */
async function shaken(t: TestContext, server: Secured, ...args: string[]): Promise<string> {
  return (await sClient(t, server, args)).toString();
}

/** Clients that take what is weak, too, show what the server takes. */
const WEAK = '@SECLEVEL=0';

test('s_client: the version, the suite, the name and ALPN', { skip }, async (t) => {
  const server = await secured(t);
  const printed = await shaken(t, server, '-tls1_2', '-alpn', 'h2,http/1.1');
  assert.match(printed, /Verify return code: 0 \(ok\)/);
  assert.match(printed, /New, TLSv1\.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256/);
  assert.match(printed, /ALPN protocol: http\/1\.1/);
  // The client offers P-521 as well, which costs more than all the rest of the handshake.
  assert.match(printed, /Server Temp Key: ECDH, (prime256v1|P-256)/);
  assert.match(printed, /Secure Renegotiation IS supported/);
  for (const suite of ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305']) {
    assert.match(
      await shaken(t, server, '-tls1_2', '-cipher', suite),
      new RegExp(`Cipher is ${suite}`),
    );
  }
  assert.match(
    await shaken(t, server),
    /Verify return code: 0 \(ok\)/,
    'whatever version it likes',
  );
});

test('s_client: old versions, weak suites and other protocols are refused', { skip }, async (t) => {
  const server = await secured(t);
  const refused: [string, ...string[]][] = [
    ['alert protocol version', '-tls1_1', '-cipher', `ALL:${WEAK}`],
    ['alert protocol version', '-tls1', '-cipher', `ALL:${WEAK}`],
    ['alert handshake failure', '-tls1_2', '-cipher', `ECDHE-ECDSA-AES128-SHA256:${WEAK}`],
    ['alert handshake failure', '-tls1_2', '-cipher', `AES128-GCM-SHA256:${WEAK}`],
    ['alert no application protocol', '-tls1_2', '-alpn', 'h2'],
  ];
  for (const [alert, ...args] of refused) {
    const printed = await shaken(t, server, ...args);
    assert.match(printed, new RegExp(alert), args.join(' '));
    assert.match(printed, /Cipher is \(NONE\)/);
  }
});

for (const threads of [1, 4]) {
  test(
    `s_client: sessions are resumed, with tickets and without, ${threads} threads`,
    { skip },
    async (t) => {
      const server = await secured(t, '--threads', String(threads));
      const folder = directory(t);
      for (const options of [[], ['-no_ticket']]) {
        const file = join(folder, `session${options.length}`);
        const first = await shaken(t, server, '-tls1_2', ...options, '-sess_out', file);
        assert.match(first, /New, TLSv1\.2/);
        // Whichever thread it is that takes the connection.
        for (let i = 0; i < 2 * threads; i++) {
          assert.match(
            await shaken(t, server, '-tls1_2', ...options, '-sess_in', file),
            /Reused, TLSv1\.2/,
          );
        }
      }
    },
  );
}

test('s_client: renegotiation is refused', { skip }, async (t) => {
  const server = await secured(t);
  // A line with an R alone is s_client's command for it.
  const stays = (printed: Buffer) =>
    /RENEGOTIATING[^]*(error|no renegotiation)/.test(printed.toString());
  const printed = await sClient(t, server, ['-tls1_2'], { input: 'R\n', stays });
  assert.match(printed.toString(), /no renegotiation/);
});

test(
  's_client: a WebSocket handshake, a frame and a Close frame through it',
  { skip },
  async (t) => {
    const server = await secured(t);
    const lines = [
      'Host: localhost',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ];
    const close = Buffer.from('8882000000000' + '3e8', 'hex');
    const input = Buffer.concat([requestBytes('GET / HTTP/1.1', lines), text('hello'), close]);
    const ended = Buffer.from('880203e8', 'hex');
    const printed = await sClient(t, server, ['-quiet'], {
      input,
      stays: (all) => all.includes(ended),
    });
    assert.match(printed.toString('latin1'), /HTTP\/1\.1 101 /);
    assert.match(printed.toString('latin1'), /s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
    assert.ok(printed.includes(Buffer.from('\x81\x05hello' + ended.toString('latin1'), 'latin1')));
  },
);

for (const deflate of [false, true]) {
  test(`ws: text, bytes and close${deflate ? ', compressed' : ''}`, { skip }, async (t) => {
    const { port, own } = await secured(t, ...(deflate ? ['--deflate'] : []));
    const url = `wss://localhost:${port}/`;
    const options = { ca: own.cert, perMessageDeflate: deflate, maxPayload: 32 << 20 };
    const client = new WebSocket(url, options);
    await within(once(client, 'open'), 'open');
    assert.equal(client.extensions, deflate ? 'permessage-deflate' : '');
    for (const bytes of SIZES) {
      const data = Buffer.alloc(bytes, `${bytes} bytes `);
      client.send(data);
      const [echo] = (await within(once(client, 'message'), `${bytes} bytes`, 20_000)) as [Buffer];
      assert.ok(echo.equals(data), `${bytes} bytes`);
    }
    // Many small ones in one record, and records that are cut by the size of reads.
    let got = 0;
    client.on('message', (data: Buffer) => (got += data.length));
    for (let i = 0; i < 5000; i++) client.send('x'.repeat(i % 97));
    const sent = Array.from({ length: 5000 }, (_, i) => i % 97).reduce((a, b) => a + b);
    await until(() => got === sent, 'all echoes', 20_000);
    client.close(4001, 'over');
    const [code] = (await within(once(client, 'close'), 'close')) as [number];
    assert.equal(code, 4001);
  });
}

test(
  'ws: a certificate of nobody it knows is refused by it, and the server goes on',
  { skip },
  async (t) => {
    const { port, own } = await secured(t);
    const refused = new WebSocket(`wss://localhost:${port}/`);
    const [error] = (await within(once(refused, 'error'), 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'DEPTH_ZERO_SELF_SIGNED_CERT');
    const client = new WebSocket(`wss://localhost:${port}/`, { ca: own.cert });
    await within(once(client, 'open'), 'open');
    client.terminate();
  },
);

test('SIGHUP: new connections get the new certificate, old ones go on', { skip }, async (t) => {
  const server = await secured(t);
  const { port, own, child } = server;
  const old = new WebSocket(`wss://localhost:${port}/`, { ca: own.cert });
  await within(once(old, 'open'), 'open');
  const next = new Certificate(['localhost']);
  const files = certificateFiles(t, next);
  copyFileSync(files.certFile, server.certFile);
  copyFileSync(files.keyFile, server.keyFile);
  child.kill('SIGHUP');
  const taken = async () => {
    const socket = connectTls({ port, host: 'localhost', rejectUnauthorized: false });
    await within(once(socket, 'secureConnect'), 'TLS');
    const { raw } = socket.getPeerCertificate();
    socket.destroy();
    return raw.equals(new X509Certificate(next.cert).raw);
  };
  const patience = Date.now() + 10_000;
  while (!(await taken())) assert.ok(Date.now() < patience, 'the new certificate');
  old.send('still here');
  const [echo] = (await within(once(old, 'message'), 'an echo')) as [Buffer];
  assert.equal(echo.toString(), 'still here');
  old.terminate();
});

test('wrong files end limpetd with words', { skip }, async (t) => {
  const { certFile } = certificateFiles(t);
  const { keyFile } = certificateFiles(t);
  const { child } = await limpetd(t, 'wasm2c', '--tls-cert', certFile, '--tls-key', keyFile).then(
    () => assert.fail('it has started'),
    (error: Error) => ({ child: error.message }),
  );
  assert.match(child, /key\.pem is not the key of .*cert\.pem/);
});

test('idle connections under TLS have their memory, and give it back', { skip }, async (t) => {
  const { port, child, own } = await secured(t);
  const options = { ca: own.cert, perMessageDeflate: false };
  const opened = async () => {
    const client = new WebSocket(`wss://localhost:${port}/`, options);
    await within(once(client, 'open'), 'open');
    return client;
  };
  const clients = [await opened()];
  const before = residentBytes(child.pid);
  for (let i = 0; i < 300; i++) clients.push(await opened());
  const each = (residentBytes(child.pid) - before) / 300;
  t.diagnostic(`${Math.round(each)} bytes for each idle connection`);
  // Two buffers of 16 KiB that are mbedTLS's, and some.
  assert.ok(each < 48 << 10, `${each} bytes for each`);
  for (const client of clients) client.terminate();
  // Those that come later use the same memory.
  for (let i = 0; i < 300; i++) (await opened()).terminate();
  assert.ok(residentBytes(child.pid) - before < 300 * (52 << 10), 'nothing is left behind');
});

test(
  'Chromium: an https page that talks over wss, its certificate pinned',
  { skip: skip || (!existsSync(EXECUTABLE) && `needs ${EXECUTABLE}`) },
  async (t) => {
    const { port, own } = await secured(t, '--deflate', '--metrics');
    const key = new X509Certificate(own.cert).publicKey.export({ type: 'spki', format: 'der' });
    const pin = createHash('sha256').update(key).digest('base64');
    const browser = await chromium.launch({
      executablePath: EXECUTABLE,
      headless: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        `--ignore-certificate-errors-spki-list=${pin}`,
      ],
    });
    t.after(() => browser.close());
    const page = await browser.newPage();
    await page.goto(`https://localhost:${port}/metrics`);
    assert.equal(await page.evaluate('isSecureContext'), true);
    const talk = `new Promise((resolve, reject) => {
      const socket = new WebSocket('wss://localhost:${port}/');
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
