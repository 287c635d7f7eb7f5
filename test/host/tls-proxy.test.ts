// A PROXY protocol header in front of TLS → the client's address. PROXY 2.1, 2.2.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, type Socket as NetSocket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { connect } from 'node:tls';
import { TlsError, type ServerOptions } from '../../host/node/index.js';
import { text } from '../conformance/frame.js';
import { Peer } from './support/peer.js';
import { securing, type Securing } from './support/securing.js';
import { collect, echoing, next } from './support/serving.js';
import { pass, until, within } from './support/wait.js';

const LINE = Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n');
const LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');

/** Version 2: PROXY, TCP over IPv6, and 3 bytes that are passed over. */
const V2 = Buffer.from(
  '0d0a0d0a000d0a515549540a21210027' +
    '20010db8000000000000000000000009' +
    '20010db8000000000000000000000002dc0401bbabcdef',
  'hex',
);

/** A TCP connection on which these bytes go first, in pieces. */
async function prefixed(t: TestContext, port: number, pieces: Buffer[]): Promise<NetSocket> {
  const raw = connectTcp({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  t.after(() => raw.destroy());
  await once(raw, 'connect');
  for (const piece of pieces) {
    raw.write(piece);
    await pass(2);
  }
  return raw;
}

/** TLS and a WebSocket over such a connection; the address that the server sees. */
async function seen(
  t: TestContext,
  { server, port, own }: Securing,
  ...pieces: Buffer[]
): Promise<string> {
  const raw = await prefixed(t, port, pieces);
  const client = connect({ socket: raw, servername: 'localhost', ca: own.cert });
  await within(once(client, 'secureConnect'), 'a TLS handshake');
  const opened = next(server, 'open');
  const peer = new Peer(client);
  await peer.upgrade();
  const [socket] = await opened;
  peer.write(text('hello'));
  assert.equal(await peer.text(), 'hello');
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

async function proxied(t: TestContext, options: ServerOptions): Promise<Securing> {
  const secured = await securing(t, {}, options);
  echoing(secured.server);
  return secured;
}

for (const trustProxy of ['proxy', 'proxy-required'] as const) {
  test(`${trustProxy}: headers of both versions, whole and byte by byte`, async (t) => {
    const secured = await proxied(t, { trustProxy });
    assert.equal(await seen(t, secured, LINE), '192.0.2.7 56324');
    assert.equal(await seen(t, secured, V2), '2001:db8::9 56324');
    assert.match(await seen(t, secured, LOCAL), /^127\.0\.0\.1 /);
    assert.match(await seen(t, secured, Buffer.from('PROXY UNKNOWN\r\n')), /^127\.0\.0\.1 /);
    for (const header of [LINE, V2]) {
      const pieces = Array.from(header, (byte) => Buffer.from([byte]));
      assert.match(await seen(t, secured, ...pieces), /^(192\.0\.2\.7|2001:db8::9) 56324$/);
    }
  });
}

test('many at once keep their own addresses', async (t) => {
  const secured = await proxied(t, { trustProxy: 'proxy-required' });
  const opened = collect(secured.server, 'open');
  const ports = Array.from({ length: 20 }, (_, i) => 2000 + i);
  const peers = await Promise.all(
    ports.map(async (port) => {
      const header = Buffer.from(`PROXY TCP4 192.0.2.7 192.0.2.1 ${port} 443\r\n`);
      const raw = await prefixed(t, secured.port, [header]);
      const client = connect({ socket: raw, servername: 'localhost', ca: secured.own.cert });
      await once(client, 'secureConnect');
      const peer = new Peer(client);
      await peer.upgrade({ path: `/${port}` });
      return peer;
    }),
  );
  assert.equal(peers.length, ports.length);
  for (const [socket, request] of opened) assert.equal(request.path, `/${socket.remotePort}`);
  assert.equal(new Set(opened.map(([socket]) => socket.remotePort)).size, ports.length);
});

test('the address that is told counts for maxConnectionsPerAddress', async (t) => {
  const secured = await proxied(t, { trustProxy: 'proxy', maxConnectionsPerAddress: 1 });
  assert.equal(await seen(t, secured, LINE), '192.0.2.7 56324');
  await assert.rejects(seen(t, secured, LINE), /429/);
  assert.match(await seen(t, secured, V2), /2001/);
});

test('without a header: served where it may be absent, else dropped before TLS', async (t) => {
  const mild = await proxied(t, { trustProxy: 'proxy' });
  assert.match(await seen(t, mild), /^127\.0\.0\.1 /);
  const strict = await proxied(t, { trustProxy: 'proxy-required' });
  const errors = collect(strict.server, 'error');
  await assert.rejects(strict.connect());
  await until(() => errors.length > 0, 'the error');
  const [error] = errors[0];
  assert.ok(error instanceof TlsError);
  assert.deepEqual([error.during, error.remoteAddress], ['proxy', '127.0.0.1']);
  // Who is no proxy is not asked for one, and its header is no TLS.
  const picky = await proxied(t, { trustProxy: 'proxy-required', trustPeer: () => false });
  assert.match(await seen(t, picky), /^127\.0\.0\.1 /);
  await assert.rejects(seen(t, picky, LINE));
});

test('headers that are malformed, cut off or late end the connection', async (t) => {
  const secured = await proxied(t, { trustProxy: 'proxy', handshakeTimeout: 300 });
  const errors = collect(secured.server, 'error');
  const over = async (raw: NetSocket) => {
    raw.on('error', () => undefined).on('end', () => raw.end());
    raw.resume();
    if (raw.readableEnded) raw.end();
    if (!raw.closed) await within(once(raw, 'close'), 'the end');
  };
  await over(await prefixed(t, secured.port, [Buffer.from('PROXY TCP4 nonsense'.padEnd(120))]));
  const cut = await prefixed(t, secured.port, [LINE.subarray(0, 9)]);
  cut.end();
  await over(cut);
  await over(await prefixed(t, secured.port, [V2.subarray(0, 20)]));
  assert.deepEqual(
    errors.map(([error]) => (error as TlsError).during),
    ['proxy', 'proxy', 'proxy'],
  );
  const reset = await prefixed(t, secured.port, [LINE.subarray(0, 9)]);
  reset.resetAndDestroy();
  assert.equal(await seen(t, secured, LINE), '192.0.2.7 56324');
});
