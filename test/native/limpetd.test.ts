// The command line of limpetd → a server with the given limits, as `limpet serve` has them.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { existsSync } from 'node:fs';
import { connect, createServer as createNetServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import { binary, close, PING, text } from '../conformance/frame.js';
import { Child, limpet, serve } from '../host/support/child.js';
import { handshake, Peer, type Handshake } from '../host/support/peer.js';
import { pass, until, within } from '../host/support/wait.js';
import { directory } from '../support/certificate.js';
import { built, skips } from './support/build.js';
import { figure, get, limpetd, ran } from './support/limpetd.js';

const KIND = 'wasm2c';
const skip = skips(KIND);

const start = (t: TestContext, ...args: string[]) => limpetd(t, KIND, ...args);

async function open(t: TestContext, port: number, options?: Handshake): Promise<Peer> {
  const peer = await Peer.open(port, options);
  t.after(() => peer.transport.destroy());
  return peer;
}

test('what it prints is what limpet serve prints', { skip }, async (t) => {
  const said = async ({ child, port }: Awaited<ReturnType<typeof serve>>) => {
    await until(() => child.stdout.includes('ends\n'), 'the second line');
    // Node prints it just before it listens to signals.
    await pass(100);
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await child.ended();
    assert.deepEqual([code, stderr], [0, '']);
    return stdout.replaceAll(String(port), 'PORT');
  };
  for (const flags of [[], ['--echo'], ['--host', '::1']]) {
    assert.equal(await said(await start(t, ...flags)), await said(await serve(t, ...flags)));
  }
});

test('--quiet prints the address and nothing else', { skip }, async (t) => {
  const { child, port } = await start(t, '--quiet');
  await open(t, port, { path: '/echo' });
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await child.ended();
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout, `limpet listening on http://127.0.0.1:${port}/\n`);
});

test(
  'without --echo only /echo echoes; elsewhere 404, and 426 to plain requests',
  { skip },
  async (t) => {
    const { port } = await start(t);
    const peer = await open(t, port, { path: '/echo?x=y' });
    peer.write(text('hello'));
    assert.equal(await peer.text(), 'hello');
    for (const path of ['/', '/echo/', '/ECHO', '/echo2']) {
      const other = await Peer.connect(port);
      other.write(handshake({ path }));
      assert.equal((await other.answer()).status, 404, path);
      other.transport.destroy();
    }
    const { status, headers } = await get(port, '/echo');
    assert.equal(status, 426);
    assert.ok(headers.some(([name, value]) => name === 'upgrade' && value === 'websocket'));
  },
);

test('--echo: every path echoes, text as text and bytes as bytes', { skip }, async (t) => {
  const { port } = await start(t, '--echo');
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

test('a subprotocol that a client offers is taken', { skip }, async (t) => {
  const { port } = await start(t, '--echo');
  const peer = await Peer.connect(port);
  t.after(() => peer.transport.destroy());
  const { headers } = await peer.upgrade({ lines: ['Sec-WebSocket-Protocol: chat, other'] });
  assert.deepEqual(headers.find(([name]) => name === 'sec-websocket-protocol')?.[1], 'chat');
});

test('--max-message: that long and no longer', { skip }, async (t) => {
  const { port } = await start(t, '--echo', '--max-message', '1000');
  const peer = await open(t, port);
  peer.write(text('x'.repeat(1000)));
  assert.equal((await peer.text()).length, 1000);
  peer.write(text('x'.repeat(1001)));
  assert.equal((await peer.closeFrame())[0], 1009);
});

test('--max-connections: that many and no more', { skip }, async (t) => {
  const { port } = await start(t, '--echo', '--max-connections', '2');
  await open(t, port);
  await open(t, port);
  const third = await Peer.connect(port);
  assert.notEqual(await third.overAs(), '');
});

test('--ping-interval, --idle-timeout and --heartbeat', { skip }, async (t) => {
  const pinging = await start(t, '--echo', '--ping-interval', '50');
  assert.equal((await (await open(t, pinging.port)).frame()).opcode, PING);
  const impatient = await start(t, '--echo', '--idle-timeout', '50');
  assert.deepEqual(await (await open(t, impatient.port)).closeFrame(), [1001, '']);
  const beating = await start(t, '--echo', '--heartbeat', '20');
  assert.equal((await (await open(t, beating.port)).frame()).opcode, PING);
});

test('--deflate and its flags: what is agreed on', { skip }, async (t) => {
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
    const { port } = await start(t, '--echo', ...flags);
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

test('--deflate-threshold: shorter messages go as they are', { skip }, async (t) => {
  const { port } = await start(t, '--echo', '--deflate', '--deflate-threshold', '1000');
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

test('--origin, --token and --max-per-address: who gets in', { skip }, async (t) => {
  const flags = ['--origin', 'https://a.example', '--origin', 'https://*.b.example'];
  const { port } = await start(t, '--echo', ...flags, '--token', 'one', '--token', 'two');
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
  const limited = await start(t, '--echo', '--max-per-address', '1');
  await open(t, limited.port);
  await assert.rejects(open(t, limited.port), /answered with 429/);
});

test('--trust-proxy: whose address counts', { skip }, async (t) => {
  const flags = ['--echo', '--trust-proxy', 'forwarded', '--max-per-address', '1'];
  const { port } = await start(t, ...flags);
  await open(t, port, { lines: ['X-Forwarded-For: 192.0.2.1'] });
  await open(t, port, { lines: ['X-Forwarded-For: 192.0.2.2'] });
  const again = open(t, port, { lines: ['X-Forwarded-For: 192.0.2.2'] });
  await assert.rejects(again, /answered with 429/);
});

test('--rate-messages, --rate-policy and --metrics', { skip }, async (t) => {
  const rate = ['--rate-messages', '3', '--rate-policy', 'reject'];
  const { port } = await start(t, '--echo', ...rate, '--metrics');
  const peer = await open(t, port);
  peer.write(text('1'), text('2'), text('3'), text('4'));
  assert.equal((await peer.closeFrame())[0], 1008);
  assert.equal(await figure(port, 'rate_limited_total{policy="reject"}'), 1);
});

test(
  '--metrics: the names, helps and kinds of limpet serve, and 405 to POST',
  { skip },
  async (t) => {
    const shape = async (port: number) => {
      const peer = await open(t, port);
      peer.write(text('one'));
      await peer.text();
      const { status, headers, body } = await get(port, '/metrics');
      assert.equal(status, 200);
      const head = headers.filter(([name]) => /^(content-type|cache-control)$/.test(name));
      const values = new Map(
        Array.from(body.matchAll(/^([^#\s]\S*) (\S+)$/gm), ([, name, value]) => [name, value]),
      );
      assert.ok(values.size > 50, `${values.size} values`);
      assert.equal(values.get('limpet_messages_received_total'), '1');
      assert.ok(Number(values.get('limpet_memory_bytes')) > 1 << 26);
      return { head, lines: body.replaceAll(/ [\d.]+$/gm, '') };
    };
    const native = await start(t, '--echo', '--metrics');
    const node = await serve(t, '--echo', '--metrics');
    assert.deepEqual(await shape(native.port), await shape(node.port));
    assert.equal((await get(native.port, '/metrics', 'POST')).status, 405);
    assert.equal((await get(native.port, '/metrics', 'HEAD')).body, '');
    assert.equal((await get(native.port, '/other')).status, 426);
  },
);

test('--threads, --workers: many threads, one address, counters of all', { skip }, async (t) => {
  for (const flag of ['--threads', '--workers']) {
    const { child, port } = await start(t, '--echo', flag, '3', '--metrics');
    const peers = await Promise.all(Array.from({ length: 12 }, () => open(t, port)));
    for (const peer of peers) {
      peer.write(text('hello'));
      assert.equal(await peer.text(), 'hello');
    }
    assert.equal(await figure(port, 'workers'), 3);
    assert.equal(await figure(port, 'messages_received_total'), 12);
    child.kill('SIGINT');
    for (const peer of peers) {
      assert.deepEqual(await peer.closeFrame(), [1001, '']);
      peer.write(close(1001));
    }
    const { code, stderr } = await child.ended();
    assert.deepEqual([code, stderr], [0, '']);
  }
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(
    `${signal}: every client gets 1001, and the process exits 0 at once`,
    { skip },
    async (t) => {
      const { child, port } = await start(t, '--echo');
      const peers = await Promise.all(Array.from({ length: 10 }, () => open(t, port)));
      const began_ms = performance.now();
      child.kill(signal);
      for (const peer of peers) {
        assert.deepEqual(await peer.closeFrame(), [1001, '']);
        peer.write(close(1001));
        assert.equal(await peer.overAs(), 'end');
      }
      const { code, signal: by, stdout } = await child.ended();
      assert.deepEqual([code, by], [0, null]);
      assert.match(stdout, /\nclosing\n$/);
      const took_ms = performance.now() - began_ms;
      assert.ok(took_ms < 1500, `${took_ms} ms`);
    },
  );
}

test(
  'a signal with a client that does not answer: exit 0 after two seconds',
  { skip },
  async (t) => {
    const { child, port } = await start(t, '--echo');
    const peer = await open(t, port);
    peer.transport.pause();
    const began_ms = performance.now();
    child.kill('SIGTERM');
    const { code } = await child.ended();
    const took_ms = performance.now() - began_ms;
    assert.equal(code, 0);
    assert.ok(took_ms > 1900 && took_ms < 4000, `${took_ms} ms`);
  },
);

test('a second signal ends it at once', { skip }, async (t) => {
  const { child, port } = await start(t, '--echo');
  const peer = await open(t, port);
  child.kill('SIGINT');
  await peer.closeFrame();
  child.kill('SIGINT');
  const { signal } = await child.ended(1500);
  assert.equal(signal, 'SIGINT');
});

test(
  'a client that does not read its echoes is held back and gets them all in the end',
  { skip },
  async (t) => {
    const { port } = await start(t, '--echo');
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
  },
);

test('--help names every option of limpet serve, --version the engine', { skip }, async (t) => {
  const help = await ran(t, KIND, '--help');
  assert.deepEqual([help.code, help.stderr], [0, '']);
  const node = await limpet(t, 'serve', '--help');
  const flags = Array.from(node.stdout.matchAll(/^ {2}(--[\w-]+)/gm), ([, flag]) => flag);
  assert.ok(flags.length > 25, flags.join());
  for (const own of ['--threads', '--daemon', '--pid-file', '--syslog', '--log-level'])
    flags.push(own);
  for (const flag of flags) assert.ok(help.stdout.includes(flag), flag);
  for (const flag of ['--version', '-v']) {
    const { code, stdout } = await ran(t, KIND, flag);
    assert.equal(code, 0);
    assert.match(stdout, /^limpetd \d+\.\d+\.\d+ wasm2c/);
  }
});

/** Command line → what its one line on stderr says. */
const WRONG: [string[], RegExp][] = [
  [['--frobnicate'], /'--frobnicate'/],
  [['-x'], /'-x'/],
  [['--chat', '--echo'], /--chat goes without/],
  [['--threads', '2', '--chat'], /--threads goes without --chat and --demo/],
  [['--trust-proxy', 'yes'], /--trust-proxy is one of proxy, proxy-required, forwarded/],
  [['--tls-cert', 'cert.pem'], /--tls-cert and --tls-key go together/],
  [['--rate-policy', 'wait'], /--rate-policy is one of drop, queue, reject/],
  [['--rate-messages', '-1'], /rate-messages/],
  [['--log-level', 'loud'], /--log-level is one of error, warning, notice, info, debug/],
  [['--origin', 'no origin'], /origin/],
  [['here'], /here is not an option/],
  [['--port'], /--port/],
  [['--port', 'http'], /--port .*"http"/],
  [['--port', '65536'], /--port .*"65536"/],
  [['--port', '-1'], /--port/],
  [['--port', '1e3'], /--port .*"1e3"/],
  [['--port', ''], /--port .*""/],
  [['--port', '99999999999999999999'], /--port/],
  [['--max-message', '0'], /--max-message/],
  [['--max-message', '1.5'], /--max-message/],
  [['--max-connections', '0'], /--max-connections/],
  [['--threads', '0'], /--threads .*1 to 256/],
  [['--threads', '257'], /--threads .*1 to 256/],
  [['--idle-timeout', 'soon'], /--idle-timeout/],
  [['--echo=yes'], /--echo/],
  [['--deflate=10'], /--deflate .*0 to 9.*"10"/],
  [['--deflate=fast'], /--deflate .*"fast"/],
  [['--deflate='], /--deflate .*""/],
  [['--deflate', '6'], /6 is not an option/],
  [['--deflate', '--deflate-window', '7'], /--deflate-window .*8 to 15.*"7"/],
  [['--deflate', '--deflate-threshold', '-1'], /--deflate-threshold/],
  [['--no-context-takeover=yes'], /--no-context-takeover/],
  [['--profile', 'nano'], /--profile is chosen when limpetd is built: .* server, not "nano"/],
];

for (const [args, message] of WRONG) {
  test(`limpetd ${args.join(' ')}: one line, and 2`, { skip }, async (t) => {
    const { code, stdout, stderr } = await ran(t, KIND, ...args);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /^limpetd: [^\n]*\n$/);
    assert.match(stderr, message);
  });
}

test('a port that is taken, a host that is not here: one line, and 1', { skip }, async (t) => {
  const other = createNetServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const taken = ['--port', String(port)];
  const { stderr: sentence } = await limpet(t, 'serve', ...taken);
  const { code, stderr } = await ran(t, KIND, ...taken);
  assert.equal(code, 1);
  assert.equal(stderr.replace('limpetd:', 'limpet serve:'), sentence);
  const away = await ran(t, KIND, '--port', '0', '--host', '192.0.2.1');
  assert.equal(away.code, 1);
  assert.match(away.stderr, /^limpetd: cannot listen on 192\.0\.2\.1:0 \(.+\)\n$/);
  const unknown = await ran(t, KIND, '--port', '0', '--host', 'no.such.host.invalid');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^limpetd: .*no\.such\.host\.invalid.*\n$/);
});

test(
  '--host unix:/path: a socket in the file system, gone with the server',
  { skip },
  async (t) => {
    const path = join(directory(t), 'socket');
    const host = ['--host', `unix:${path}`, '--echo', '--quiet'];
    const program = `${await built(KIND)}/limpetd`;
    const begun = async () => {
      const child = new Child(t, host, program);
      await until(() => child.stdout === `limpet listening on unix:${path}\n`, 'the address');
      return child;
    };
    const spoken = async () => {
      const peer = new Peer(connect({ path, allowHalfOpen: true }));
      t.after(() => peer.transport.destroy());
      await peer.upgrade();
      peer.write(text('hello'));
      assert.equal(await peer.text(), 'hello');
      peer.transport.destroy();
    };
    const child = await begun();
    await spoken();
    const { code, stderr } = await ran(t, KIND, ...host);
    assert.deepEqual(
      [code, stderr],
      [1, `limpetd: cannot listen on unix:${path} (Address already in use)\n`],
    );
    await spoken();
    // One that a killed process left behind is in nobody's way.
    child.kill('SIGKILL');
    await child.ended();
    assert.ok(existsSync(path));
    const next = await begun();
    await spoken();
    next.kill('SIGTERM');
    assert.equal((await next.ended()).code, 0);
    assert.ok(!existsSync(path));
  },
);

test('a port that is free again after a crash is taken at once', { skip }, async (t) => {
  const { child, port } = await start(t, '--echo');
  const peer = await open(t, port);
  child.kill('SIGKILL');
  await child.ended();
  await peer.overAs();
  const again = await start(t, '--echo', '--port', String(port));
  assert.equal(again.port, port);
  await open(t, port);
});
