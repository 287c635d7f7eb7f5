// `limpet serve` → a server with the given limits, until a signal.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { binary, close, PING, text } from '../conformance/frame.js';
import { requestBytes } from '../conformance/http.js';
import { Certificate, certificateFiles, directory } from '../support/certificate.js';
import { limpet, serve } from './support/child.js';
import { handshake, Peer, type Handshake } from './support/peer.js';
import { pass, until, within } from './support/wait.js';

async function open(t: TestContext, port: number, options?: Handshake): Promise<Peer> {
  const peer = await Peer.open(port, options);
  t.after(() => peer.transport.destroy());
  return peer;
}

async function answerTo(t: TestContext, port: number, request: Buffer) {
  const peer = await Peer.connect(port);
  t.after(() => peer.transport.destroy());
  peer.write(request);
  return peer.answer();
}

const get = (path: string) => requestBytes(`GET ${path} HTTP/1.1`, ['Host: x']);

test('--quiet prints the address and nothing else', async (t) => {
  const { child, port } = await serve(t, '--quiet');
  await open(t, port, { path: '/echo' });
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await child.ended();
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout, `limpet listening on http://127.0.0.1:${port}/\n`);
});

test('without --echo only /echo echoes; elsewhere 404, and 426 to plain requests', async (t) => {
  const { port } = await serve(t);
  const peer = await open(t, port, { path: '/echo?x=y' });
  peer.write(text('hello'));
  assert.equal(await peer.text(), 'hello');
  for (const path of ['/', '/echo/', '/ECHO', '/echo2']) {
    assert.equal((await answerTo(t, port, handshake({ path }))).status, 404, path);
  }
  assert.equal((await answerTo(t, port, get('/echo'))).status, 426);
});

test('--echo: every path echoes, text as text and bytes as bytes', async (t) => {
  const { port } = await serve(t, '--echo');
  for (const path of ['/', '/echo', '/any/where?at=all']) {
    const peer = await open(t, port, { path });
    peer.write(text('žluť'), binary(Buffer.from([0, 255])), text(''));
    const frames = [await peer.frame(), await peer.frame(), await peer.frame()];
    assert.deepEqual(
      frames.map(({ opcode, payload }) => [opcode, payload.toString('hex')]),
      [
        [1, Buffer.from('žluť').toString('hex')],
        [2, '00ff'],
        [1, ''],
      ],
    );
  }
});

test('a subprotocol that a client offers is taken', async (t) => {
  const { port } = await serve(t, '--echo');
  const peer = await Peer.connect(port);
  t.after(() => peer.transport.destroy());
  const { headers } = await peer.upgrade({ lines: ['Sec-WebSocket-Protocol: chat, other'] });
  assert.deepEqual(headers.find(([name]) => name === 'sec-websocket-protocol')?.[1], 'chat');
});

test('--max-message: that long and no longer', async (t) => {
  const { port } = await serve(t, '--echo', '--max-message', '1000');
  const peer = await open(t, port);
  peer.write(text('x'.repeat(1000)));
  assert.equal((await peer.text()).length, 1000);
  peer.write(text('x'.repeat(1001)));
  assert.equal((await peer.closeFrame())[0], 1009);
});

test('--max-connections: that many and no more', async (t) => {
  const { port } = await serve(t, '--echo', '--max-connections', '2');
  await open(t, port);
  await open(t, port);
  const third = await Peer.connect(port);
  assert.notEqual(await third.overAs(), '');
});

test('--ping-interval and --idle-timeout', async (t) => {
  const pinging = await serve(t, '--echo', '--ping-interval', '50');
  const pinged = await open(t, pinging.port);
  assert.equal((await pinged.frame()).opcode, PING);
  const impatient = await serve(t, '--echo', '--idle-timeout', '50');
  const silent = await open(t, impatient.port);
  assert.deepEqual(await silent.closeFrame(), [1001, '']);
});

test('--host ::1 is printed so that it can be used', async (t) => {
  const { child } = await serve(t, '--host', '::1');
  assert.match(child.stdout, /http:\/\/\[::1\]:\d+\//);
});

test('--tls-cert and --tls-key: https and wss, and new files are taken', async (t) => {
  const pair = new Certificate(['127.0.0.1']);
  const path = directory(t);
  const { certFile, keyFile } = certificateFiles(t, pair, path);
  const { child, port } = await serve(t, '--echo', '--tls-cert', certFile, '--tls-key', keyFile);
  const told = /https:\/\/127\.0\.0\.1:\d+\/\necho at wss:\/\/127\.0\.0\.1:\d+\/,/;
  await until(() => told.test(child.stdout), 'both addresses');
  const client = new WebSocket(`wss://127.0.0.1:${port}/`, { ca: pair.cert });
  await within(once(client, 'open'), 'open');
  client.send('hello');
  assert.equal(String((await within(once(client, 'message'), 'an echo'))[0]), 'hello');
  // Who does not speak TLS is no affair of the terminal.
  const plain = await open(t, port).catch(() => undefined);
  assert.equal(plain, undefined);
  assert.equal(child.stderr, '');
  const fresh = new Certificate(['127.0.0.1']);
  certificateFiles(t, { cert: fresh.cert, key: pair.key }, path);
  await until(() => child.stderr !== '', 'the complaint');
  assert.match(child.stderr, /^certificates changed, the old ones stay: .*mismatch\n$/);
  certificateFiles(t, fresh, path);
  const renewed = async () => {
    const next = new WebSocket(`wss://127.0.0.1:${port}/`, { ca: fresh.cert });
    const done = await Promise.race([once(next, 'open'), once(next, 'error')]).catch(() => ['']);
    next.terminate();
    return done.length === 0;
  };
  const end_ms = performance.now() + 5000;
  while (!(await renewed())) assert.ok(performance.now() < end_ms, 'the new certificate');
  client.terminate();
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal}: every client gets 1001, and the process exits 0 at once`, async (t) => {
    const { child, port } = await serve(t, '--echo');
    const peers = await Promise.all(Array.from({ length: 10 }, () => open(t, port)));
    const began_ms = performance.now();
    child.kill(signal);
    for (const peer of peers) {
      assert.deepEqual(await peer.closeFrame(), [1001, '']);
      peer.write(close(1001));
      assert.equal(await peer.overAs(), 'end');
    }
    const { code, signal: by } = await child.ended();
    assert.deepEqual([code, by], [0, null]);
    const took_ms = performance.now() - began_ms;
    assert.ok(took_ms < 1500, `${took_ms} ms`);
  });
}

test('a signal with a client that does not answer: exit 0 after two seconds', async (t) => {
  const { child, port } = await serve(t, '--echo');
  const peer = await open(t, port);
  peer.transport.pause();
  const began_ms = performance.now();
  child.kill('SIGTERM');
  const { code } = await child.ended();
  const took_ms = performance.now() - began_ms;
  assert.equal(code, 0);
  assert.ok(took_ms > 1900 && took_ms < 4000, `${took_ms} ms`);
});

test('a second signal ends it at once', async (t) => {
  const { child, port } = await serve(t, '--echo');
  const peer = await open(t, port);
  child.kill('SIGINT');
  await peer.closeFrame();
  child.kill('SIGINT');
  const { signal } = await child.ended(1500);
  assert.equal(signal, 'SIGINT');
});

test('a client that does not read its echoes is held back and gets them all in the end', async (t) => {
  const { port } = await serve(t, '--echo');
  const peer = await open(t, port);
  peer.transport.pause();
  const data = binary(Buffer.alloc(1 << 20, 7));
  for (let i = 0; i < 48; i++) peer.write(data);
  await pass(300);
  assert.ok(peer.transport.writableLength > 8 << 20, 'the server does not read on for ever');
  peer.transport.resume();
  for (let i = 0; i < 48; i++) {
    const { payload } = await peer.frame(10_000);
    assert.ok(payload.equals(Buffer.alloc(1 << 20, 7)), `echo ${i}`);
  }
});

test('--demo: the page, its counters, and 404 and 405 for the rest', async (t) => {
  const { port } = await serve(t, '--demo');
  const page = await answerTo(t, port, get('/'));
  assert.equal(page.status, 200);
  assert.match(page.body.toString(), /^<!doctype html>/);
  const stats = await answerTo(t, port, get('/stats'));
  const { sessions, version } = JSON.parse(stats.body.toString()) as Record<string, unknown>;
  assert.ok(version);
  assert.deepEqual((sessions as Record<string, number>).max, 16384);
  assert.equal((await answerTo(t, port, get('/other'))).status, 404);
  const post = requestBytes('POST / HTTP/1.1', ['Host: x', 'Content-Length: 0']);
  assert.equal((await answerTo(t, port, post)).status, 405);
});

test('--deflate and its flags: what is agreed on', async (t) => {
  const cases: [string[], string][] = [
    [[], ''],
    [['--deflate-window', '9', '--no-context-takeover'], ''],
    [['--deflate=1'], 'permessage-deflate; client_max_window_bits=11'],
    [
      ['--deflate', '--deflate-window', '9'],
      'permessage-deflate; server_max_window_bits=9; client_max_window_bits=9',
    ],
    [
      ['--deflate', '--no-context-takeover'],
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    ],
  ];
  for (const [flags, answer] of cases) {
    const { port } = await serve(t, '--echo', ...flags);
    const ws = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: { threshold: 0 } });
    t.after(() => {
      ws.terminate();
    });
    const opened = once(ws, 'open');
    const [response] = (await within(once(ws, 'upgrade'), 'the answer')) as [IncomingMessage];
    assert.equal(response.headers['sec-websocket-extensions'] ?? '', answer, flags.join(' '));
    await within(opened, 'the connection');
    const text = 'compressed, '.repeat(20);
    ws.send(text);
    const [echo] = (await within(once(ws, 'message'), 'an echo')) as [Buffer];
    assert.equal(echo.toString(), text);
  }
});

test('--deflate-threshold: shorter messages go as they are', async (t) => {
  const { port } = await serve(t, '--echo', '--deflate', '--deflate-threshold', '1000');
  const lines = ['Sec-WebSocket-Extensions: permessage-deflate'];
  const peer = await open(t, port, { lines });
  const short = 'x'.repeat(999);
  peer.write(text(short));
  assert.equal(await peer.text(), short);
  const bytes: Buffer[] = [];
  const raw = await Peer.connect(port);
  t.after(() => raw.transport.destroy());
  raw.transport.removeAllListeners('data');
  raw.transport.on('data', (chunk: Buffer) => bytes.push(chunk));
  raw.write(handshake({ lines }), text(`${short}x`));
  await until(() => Buffer.concat(bytes).includes('\r\n\r\n\xc1', 0, 'latin1'), 'RSV1');
});

test('--origin, --token and --max-per-address: who gets in', async (t) => {
  const flags = ['--origin', 'https://a.example', '--origin', 'https://*.b.example'];
  const { port } = await serve(t, '--echo', ...flags, '--token', 'one', '--token', 'two');
  const asked = async (origin: string, token: string) => {
    const lines = [`Origin: ${origin}`, `Authorization: Bearer ${token}`];
    const peer = await Peer.connect(port);
    t.after(() => peer.transport.destroy());
    peer.write(handshake({ lines }));
    return (await peer.answer('HEAD')).status;
  };
  assert.equal(await asked('https://a.example', 'one'), 101);
  assert.equal(await asked('https://x.b.example', 'two'), 101);
  assert.equal(await asked('https://b.example', 'two'), 403);
  assert.equal(await asked('https://a.example', 'three'), 401);
  const limited = await serve(t, '--echo', '--max-per-address', '1');
  await open(t, limited.port);
  await assert.rejects(open(t, limited.port), /answered with 429/);
});

test('--rate-messages, --rate-policy, --heartbeat, --trust-proxy and --metrics', async (t) => {
  const rate = ['--rate-messages', '3', '--rate-policy', 'reject'];
  const { port } = await serve(t, '--echo', ...rate, '--trust-proxy', 'forwarded', '--metrics');
  const peer = await open(t, port);
  peer.write(text('1'), text('2'), text('3'), text('4'));
  assert.equal((await peer.closeFrame())[0], 1008);
  const { status, body } = await answerTo(t, port, get('/metrics'));
  assert.equal(status, 200);
  assert.match(body.toString(), /\nlimpet_rate_limited_total\{policy="reject"\} 1\n/);
  const beating = await serve(t, '--echo', '--heartbeat', '20');
  assert.equal((await (await open(t, beating.port)).frame()).opcode, PING);
});

test('--workers: many processes, one address; Ctrl-C ends all', async (t) => {
  const { child, port } = await serve(t, '--echo', '--workers', '2', '--metrics');
  const peers = await Promise.all([open(t, port), open(t, port)]);
  for (const peer of peers) {
    peer.write(text('hello'));
    assert.equal(await peer.text(), 'hello');
  }
  const metrics = (await answerTo(t, port, get('/metrics'))).body.toString();
  assert.match(metrics, /^limpet_workers 2$/m);
  assert.match(metrics, /^limpet_messages_received_total 2$/m);
  child.kill('SIGINT');
  for (const peer of peers) {
    assert.deepEqual(await peer.closeFrame(), [1001, '']);
    peer.write(close(1001));
  }
  const { code, stdout, stderr } = await child.ended();
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout.match(/listening/g)?.length, 1, 'it is said once');
  const chat = await limpet(t, 'serve', '--chat', '--workers', '2');
  assert.deepEqual([chat.code, chat.stdout], [2, '']);
  assert.match(chat.stderr, /--workers goes without --chat and --demo/);
});
