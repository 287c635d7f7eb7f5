// `limpet …` → help, versions, and one line for everything that is wrong with a command line.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { limpet } from './support/child.js';

test('--version is the package’s', async (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  for (const flag of ['--version', '-v']) {
    const { code, stdout, stderr } = await limpet(t, flag);
    assert.deepEqual([code, stdout, stderr], [0, `${version}\n`, '']);
  }
});

test('--help of the program and of each command', async (t) => {
  for (const args of [
    ['--help'],
    ['-h'],
    ['serve', '--help'],
    ['build', '-h'],
    ['memory', '--help'],
  ]) {
    const { code, stdout, stderr } = await limpet(t, ...args);
    assert.deepEqual([code, stderr], [0, ''], args.join(' '));
    assert.match(stdout, /^(limpet .*\n\n)?usage: limpet /);
  }
});

test('the help of serve names every option, with its default', async (t) => {
  const { stdout } = await limpet(t, 'serve', '--help');
  for (const flag of [
    'host',
    'port',
    'echo',
    'demo',
    'profile',
    'max-message',
    'max-connections',
    'ping-interval',
    'idle-timeout',
    'deflate[=LEVEL]',
    'deflate-window',
    'deflate-threshold',
    'no-context-takeover',
    'chat',
    'origin',
    'token',
    'max-per-address',
    'trust-proxy',
    'rate-messages',
    'rate-bytes',
    'rate-policy',
    'heartbeat',
    'tls-cert',
    'tls-key',
    'metrics',
    'quiet',
  ]) {
    assert.ok(stdout.includes(`--${flag} `), flag);
  }
});

/** Command line → exit code, and what its one line on stderr says. */
const WRONG: [string[], RegExp][] = [
  [['frobnicate'], /no command frobnicate/],
  [['toString'], /no command toString/],
  [['serve', '--frobnicate'], /'--frobnicate'/],
  [['serve', '--chat', '--echo'], /--chat goes without/],
  [['serve', '--chat', '--profile', 'nano', '--port', '0'], /--chat needs .* rooms/],
  [['serve', '--trust-proxy', 'yes'], /--trust-proxy is one of proxy, proxy-required, forwarded/],
  [['serve', '--tls-cert', 'cert.pem'], /--tls-cert and --tls-key go together/],
  [['serve', '--rate-policy', 'wait'], /--rate-policy is one of drop, queue, reject/],
  [['serve', '--rate-messages', '-1'], /rate-messages/],
  [['serve', '--origin', 'no origin'], /allowedOrigins/],
  [['serve', '--profile', 'nano', '--token', 'x'], /the profile has no tokens/],
  [['serve', 'here'], /here/],
  [['serve', '--port'], /--port/],
  [['serve', '--port', 'http'], /--port .*"http"/],
  [['serve', '--port', '65536'], /--port .*"65536"/],
  [['serve', '--port', '-1'], /--port/],
  [['serve', '--port=-1'], /--port .*"-1"/],
  [['serve', '--port', '1e3'], /--port .*"1e3"/],
  [['serve', '--port', ''], /--port .*""/],
  [['serve', '--max-message', '0'], /--max-message/],
  [['serve', '--max-message', '1.5'], /--max-message/],
  [['serve', '--max-connections', '0'], /--max-connections/],
  [['serve', '--max-connections', 'all'], /--max-connections .*"all"/],
  [['serve', '--idle-timeout', 'soon'], /--idle-timeout/],
  [['serve', '--echo=yes'], /--echo/],
  [['serve', '--deflate=10'], /--deflate .*0 to 9.*"10"/],
  [['serve', '--deflate=fast'], /--deflate .*"fast"/],
  [['serve', '--deflate='], /--deflate .*""/],
  [['serve', '--deflate', '6'], /6 is not an option/],
  [['serve', '--deflate', '--deflate-window', '7'], /--deflate-window .*8 to 15.*"7"/],
  [['serve', '--deflate', '--deflate-window', '16'], /--deflate-window .*"16"/],
  [['serve', '--deflate', '--deflate-threshold', '-1'], /--deflate-threshold/],
  [['serve', '--deflate', '--deflate-threshold=few'], /--deflate-threshold .*"few"/],
  [['serve', '--no-context-takeover=yes'], /--no-context-takeover/],
  [['serve', '--profile', 'nano', '--deflate', '--port', '0'], /permessage-deflate/],
  [['serve', '--profile', 'huge'], /huge/],
  [['memory'], /nano, micro or server/],
  [['memory', 'huge'], /huge/],
  [['memory', 'nano', 'micro'], /one profile/],
  [['build', '--from', 'huge'], /--from .*"huge"/],
  [['build', '--sessions', '0'], /sessions .*1 to 32767/],
  [['build', '--sessions', 'many'], /--sessions .*"many"/],
  [['build', '--events', '17'], /events .*power of two.*17/],
  [['build', '--arena-bytes', '1000'], /arenaBytes .*multiple of blockMaxBytes/],
  [['build', '--head-max-bytes', '49153'], /headMaxBytes is 64 to 49152, not 49153/],
  [['build', '--optimize', 'beauty'], /optimize/],
  [['build', '--frobnicate', '1'], /--frobnicate/],
];

for (const [args, message] of WRONG) {
  test(`limpet ${args.join(' ')}: one line, and 2`, async (t) => {
    const { code, stdout, stderr } = await limpet(t, ...args);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /^limpet[^\n]*\n$/);
    assert.match(stderr, message);
  });
}

test('limpet alone: the usage, on stderr, and 2', async (t) => {
  const { code, stdout, stderr } = await limpet(t);
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /usage: limpet serve/);
});

test('a port that is taken, a host that is not here, a file that is no core: one line, and 1', async (t) => {
  const other = createNetServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), 'limpet-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const empty = join(folder, 'empty.wasm');
  writeFileSync(empty, Buffer.from('0061736d01000000', 'hex'));
  const torn = join(folder, 'torn.wasm');
  writeFileSync(torn, readFileSync('build/limpet-nano.wasm').subarray(0, 5000));
  const cases: [string[], RegExp][] = [
    [['serve', '--port', String(port)], new RegExp(`port ${port} is in use`)],
    [['serve', '--port', '0', '--host', '192.0.2.1'], /192\.0\.2\.1.*EADDRNOTAVAIL/],
    [
      ['serve', '--port', '0', '--host', 'nowhere.invalid'],
      /nowhere\.invalid.*(ENOTFOUND|EAI_AGAIN)/,
    ],
    [
      ['serve', '--port', '0', '--profile', join(folder, 'absent.wasm')],
      /absent\.wasm is not there/,
    ],
    [['serve', '--port', '0', '--profile', empty], /not a Limpet core/],
    [['serve', '--port', '0', '--profile', torn], /torn\.wasm|WebAssembly/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await limpet(t, ...args);
    assert.equal(code, 1, `${args.join(' ')}\n${stderr}`);
    assert.equal(stdout, '');
    assert.match(stderr, /^limpet[^\n]*\n$/, args.join(' '));
    assert.match(stderr, message);
  }
});
