// The option `tls` → https and wss: certificates by name, versions, client certificates, and what
// goes wrong in a handshake.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { createServer, TlsError, type TlsOptions } from '../../host/node/index.js';
import { binary, close, text } from '../conformance/frame.js';
import { Certificate, certificateFiles, directory } from '../support/certificate.js';
import { Peer } from './support/peer.js';
import { securing } from './support/securing.js';
import { collect, echoing, next } from './support/serving.js';
import { pass, until, within } from './support/wait.js';

const OPENSSL = hasOpenssl();

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The name in the certificate that the server shows to who asks for a host. */
async function shownTo(
  connect: (options: { servername: string; rejectUnauthorized: false }) => Promise<TLSSocket>,
  servername: string,
): Promise<string> {
  const client = await connect({ servername, rejectUnauthorized: false });
  const { subject } = client.getPeerCertificate();
  client.destroy();
  return String(subject.CN);
}

test('messages of 0 bytes to 16 MiB come back', async (t) => {
  const { server, open } = await securing(t);
  echoing(server);
  const peer = await open();
  for (const bytes of [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 16 << 20]) {
    const data = Buffer.alloc(bytes, `${bytes} bytes `);
    peer.write(binary(data));
    const { payload } = await peer.frame(20_000);
    assert.ok(payload.equals(data), `${bytes} bytes`);
  }
  const closed = next(server, 'close');
  peer.write(close(1000));
  assert.deepEqual(await peer.closeFrame(), [1000, '']);
  assert.deepEqual((await closed).slice(1), [1000, '', true]);
});

test('a request and its connection say what TLS says of them', async (t) => {
  const { server, open } = await securing(t);
  const told: unknown[] = [];
  server.on('upgrade', (request) => {
    told.push(request.isSecure, request.tls?.protocol);
    request.accept();
  });
  const opened = next(server, 'open');
  const peer = await open({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' });
  const [socket] = await opened;
  assert.deepEqual(told, [true, 'TLSv1.2']);
  assert.equal(socket.isSecure, true);
  assert.equal(socket.remoteAddress, '127.0.0.1');
  assert.deepEqual(socket.tls, {
    protocol: 'TLSv1.2',
    cipher: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    servername: 'localhost',
    resumed: false,
    authorized: false,
    authorizationError: '',
    peerCertificate: undefined,
  });
  const closed = next(server, 'close');
  peer.transport.destroy();
  await closed;
  assert.deepEqual([socket.isSecure, socket.tls], [true, undefined]);
});

test('a connection without TLS says so', async (t) => {
  const server = createServer();
  t.after(() => server.close({ timeout: 0 }));
  const { port } = await server.listen();
  const opened = next(server, 'open');
  const peer = await Peer.open(port);
  const [socket, request] = await opened;
  assert.deepEqual([socket.isSecure, socket.tls], [false, undefined]);
  assert.deepEqual([request.isSecure, request.tls], [false, undefined]);
  peer.transport.destroy();
});

test('plain requests are answered over https', async (t) => {
  const { server, port, own } = await securing(t);
  server.on('request', (request) => {
    request.respond(200, { body: `${request.path} ${request.isSecure}` });
  });
  const body = await new Promise<string>((resolve, reject) => {
    get(`https://127.0.0.1:${port}/page`, { ca: own.cert }, (response) => {
      let all = '';
      response.on('data', (chunk: Buffer) => (all += chunk.toString()));
      response.on('end', () => {
        resolve(all);
      });
    }).on('error', reject);
  });
  assert.equal(body, '/page true');
});

test('listen takes tls, too, and all in one object', async (t) => {
  const { cert, key } = new Certificate(['127.0.0.1']);
  for (const listen of [
    (server: ReturnType<typeof createServer>) =>
      server.listen(0, '127.0.0.1', { tls: { cert, key } }),
    (server: ReturnType<typeof createServer>) =>
      server.listen({ port: 0, host: '127.0.0.1', backlog: 5, tls: { cert, key } }),
  ]) {
    const server = createServer();
    t.after(() => server.close({ timeout: 0 }));
    const opened = next(server, 'open');
    const { port, address } = await listen(server);
    assert.equal(address, '127.0.0.1');
    const client = (await import('node:tls')).connect({ port, host: address, ca: cert });
    await once(client, 'secureConnect');
    const peer = new Peer(client);
    await peer.upgrade();
    assert.equal((await opened)[0].isSecure, true);
    client.destroy();
  }
});

test('listen without TLS works after one with TLS that failed', async (t) => {
  const busy = createServer();
  t.after(() => busy.close());
  const { port } = await busy.listen();
  const server = createServer();
  t.after(() => server.close({ timeout: 0 }));
  const { cert, key } = new Certificate(['127.0.0.1']);
  await assert.rejects(server.listen({ port, tls: { cert, key } }), { code: 'EADDRINUSE' });
  const own = await server.listen();
  const peer = await Peer.open(own.port);
  peer.transport.destroy();
});

test('listen on the path of a Unix socket, and what it does not know', async (t) => {
  const path = join(directory(t), 'limpet.sock');
  const server = createServer();
  t.after(() => server.close({ timeout: 0 }));
  assert.equal(await server.listen({ path }), path);
  const client = connectTcp(path);
  await once(client, 'connect');
  const peer = new Peer(client);
  await peer.upgrade();
  client.destroy();
  const odd = { port: 0, prot: 8080 } as { port: number };
  await assert.rejects(createServer().listen(odd), { message: 'there is no option listen.prot' });
});

test('certificates by the host name that is asked for', async (t) => {
  const pairOf = (name: string) => {
    const { cert, key } = new Certificate([name]);
    return { cert, key };
  };
  const { connect, server } = await securing(t, {
    ...pairOf('own'),
    sni: { 'a.example': pairOf('a'), '*.example': pairOf('wild'), 'B.Example': pairOf('b') },
  });
  assert.equal(await shownTo(connect, 'a.example'), 'a');
  assert.equal(await shownTo(connect, 'A.EXAMPLE'), 'a');
  assert.equal(await shownTo(connect, 'b.example'), 'b');
  assert.equal(await shownTo(connect, 'c.example'), 'wild');
  assert.equal(await shownTo(connect, 'd.c.example'), 'own');
  assert.equal(await shownTo(connect, 'elsewhere'), 'own');
  assert.equal(await shownTo(connect, ''), 'own');
  server.setTls({ ...pairOf('new'), sni: { 'a.example': pairOf('newer') } });
  assert.equal(await shownTo(connect, 'a.example'), 'newer');
  assert.equal(await shownTo(connect, 'b.example'), 'new');
});

test('from files, in a list, and as a pfx', { skip: !OPENSSL && 'needs openssl' }, async (t) => {
  const path = directory(t);
  const pair = new Certificate(['localhost']);
  const { cert, key } = pair;
  const { certFile, keyFile } = certificateFiles(t, pair, path);
  const pfxFile = join(path, 'pfx');
  execFileSync('openssl', [
    ...['pkcs12', '-export', '-in', certFile, '-inkey', keyFile],
    ...['-out', pfxFile, '-passout', 'pass:secret'],
  ]);
  const all: TlsOptions[] = [
    { certFile, keyFile },
    { certFile: [certFile], keyFile: [keyFile] },
    { cert: Buffer.from(cert), key: Buffer.from(key) },
    { pfxFile, passphrase: 'secret' },
  ];
  for (const tls of all) {
    const { connect } = await securing(t, tls);
    const client = await connect({ ca: cert });
    assert.equal(client.authorized, true);
  }
});

test('options that are none are refused with their name', () => {
  const { cert, key } = new Certificate(['localhost']);
  const other = new Certificate(['localhost']);
  const wrong: [tls: unknown, message: RegExp][] = [
    [{}, /tls has a cert and its key, or a pfx/],
    [{ cert }, /tls has a cert and its key/],
    [{ cert, key: '' }, /tls\.key is empty/],
    [{ cert: [], key }, /tls\.cert is empty/],
    [{ cert, key, certFile: 'x' }, /cert or certFile, not both/],
    [{ certFile: 5, keyFile: 'x' }, /tls\.certFile is a list/],
    [{ certFile: [''], keyFile: 'x' }, /tls\.certFile is the name of a file/],
    [{ certFile: '/nowhere/cert', keyFile: '/nowhere/key' }, /ENOENT/],
    [{ cert, key: other.key }, /key values mismatch/],
    [{ cert: 'no certificate', key }, /no start line|PEM/],
    [{ cert, key, cypher: 'x' }, /there is no option tls\.cypher/],
    [{ cert, key, ciphers: 'NOTHING' }, /no cipher match/i],
    [{ cert, key, requestCert: 'yes' }, /tls\.requestCert is true or false/],
    [{ cert, key, handshakeTimeout: -1 }, /tls\.handshakeTimeout is a whole number/],
    [{ cert, key, watch: true }, /tls\.watch needs files/],
    [{ cert, key, sni: [] }, /tls\.sni is an object/],
    [{ cert, key, sni: { 'a.*.b': { cert, key } } }, /a\.\*\.b is no host name/],
    [{ cert, key, sni: { a: { cert } } }, /tls\.sni\['a'\] has a cert and its key/],
    [{ cert, key, sni: { a: { cert, key, watch: true } } }, /no option tls\.sni\['a'\]\.watch/],
    ['cert', /tls is an object/],
  ];
  for (const [tls, message] of wrong) {
    assert.throws(() => createServer({ tls: tls as TlsOptions }), { message }, String(message));
  }
  const server = createServer();
  assert.throws(() => {
    server.setTls({ cert, key });
  }, /without TLS/);
});

test('connections that are open stay when the certificates change', async (t) => {
  const { server, open, connect, own } = await securing(t);
  echoing(server);
  const peer = await open();
  const { cert, key } = new Certificate(['localhost']);
  assert.throws(() => {
    server.setTls({ cert, key: own.key });
  }, /mismatch/);
  // What was refused has changed nothing.
  assert.equal((await connect()).authorized, true);
  server.setTls({ cert, key });
  peer.write(text('still here'));
  assert.equal(await peer.text(), 'still here');
  await assert.rejects(connect(), /self-signed|signature failure/);
  assert.equal((await connect({ ca: cert })).authorized, true);
});

test('the versions and suites that are spoken', async (t) => {
  const { server, connect } = await securing(t);
  const errors = collect(server, 'error');
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
  await assert.rejects(connect(old));
  await until(() => errors.length === 1, 'the error of the handshake');
  const [[error, socket]] = errors;
  assert.ok(error instanceof TlsError);
  assert.deepEqual([error.code, socket], ['ERR_SSL_UNSUPPORTED_PROTOCOL', undefined]);
  assert.equal(error.remoteAddress, '127.0.0.1');
  // Without forward secrecy, and without authenticated encryption.
  for (const ciphers of ['AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA256']) {
    await assert.rejects(connect({ maxVersion: 'TLSv1.2', ciphers }), ciphers);
  }
  const suites: [maxVersion: 'TLSv1.2' | 'TLSv1.3', ciphers: string][] = [
    ['TLSv1.2', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
    ['TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    ['TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256'],
  ];
  for (const [maxVersion, ciphers] of suites) {
    const client = await connect({ maxVersion, ciphers });
    assert.deepEqual([client.getProtocol(), client.getCipher().name], [maxVersion, ciphers]);
  }
});

test('ciphers, versions and curves are chosen by options', async (t) => {
  const { connect } = await securing(t, {
    ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256',
    maxVersion: 'TLSv1.2',
    ecdhCurve: 'P-384',
  });
  const client = await connect({
    ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384',
  });
  // A list that is given is in the server's order.
  assert.equal(client.getCipher().name, 'ECDHE-ECDSA-AES256-GCM-SHA384');
  assert.equal((client.getEphemeralKeyInfo() as { name: string }).name, 'secp384r1');
  await assert.rejects(connect({ minVersion: 'TLSv1.3' }));
  await assert.rejects(connect({ ecdhCurve: 'X25519' }));
});

test('ALPN: http/1.1 is chosen, and who offers other protocols only is refused', async (t) => {
  const { connect } = await securing(t);
  assert.equal((await connect({ ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol, 'http/1.1');
  assert.equal((await connect()).alpnProtocol, false);
  await assert.rejects(connect({ ALPNProtocols: ['h2'] }));
});

test('client certificates: asked for, refused or told', async (t) => {
  const authority = new Certificate(['authority']);
  const trusted = new Certificate(['alice'], authority);
  const stranger = new Certificate(['mallory']);
  const strict = await securing(t, { requestCert: true, ca: authority.cert });
  const errors = collect(strict.server, 'error');
  const opened = next(strict.server, 'open');
  await strict.open({ cert: trusted.cert, key: trusted.key });
  const [socket] = await opened;
  assert.equal(socket.tls?.authorized, true);
  assert.equal(socket.tls.peerCertificate?.subject, 'CN=alice');
  for (const who of [{}, { cert: stranger.cert, key: stranger.key }]) {
    errors.length = 0;
    // In TLS 1.3 a client is done before the server has looked at its certificate.
    const client = await strict.connect(who);
    await until(() => client.destroyed || client.readableEnded, 'the end of the connection');
    await until(() => errors.length > 0, 'the error');
    const [error] = errors[0];
    assert.match((error as TlsError).code, /CERT|PEER/, error.message);
    client.destroy();
  }
  const mild = await securing(t, {
    requestCert: true,
    rejectUnauthorized: false,
    ca: authority.cert,
  });
  const other = next(mild.server, 'open');
  await mild.open({ cert: stranger.cert, key: stranger.key });
  const { tls } = (await other)[0];
  assert.deepEqual(
    [tls?.authorized, tls?.authorizationError],
    [false, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  );
  assert.equal(tls?.peerCertificate?.subject, 'CN=mallory');
});

/** Whether a connection resumes the session of the one before. */
async function resumes(
  { server, open }: Awaited<ReturnType<typeof securing>>,
  maxVersion: 'TLSv1.2' | 'TLSv1.3',
): Promise<boolean | undefined> {
  // In TLS 1.3 tickets come behind the handshake; the answer to the upgrade comes behind them.
  const session = ((await open({ maxVersion })).transport as TLSSocket).getSession();
  const opened = next(server, 'open');
  await open({ maxVersion, ...(session && { session }) });
  return (await opened)[0].tls?.resumed;
}

test('sessions are resumed by tickets, unless these are off', async (t) => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const on = await securing(t, { ticketKeys: Buffer.alloc(48, 7) });
    assert.equal(await resumes(on, maxVersion), true, maxVersion);
    const off = await securing(t, { tickets: false });
    assert.equal(await resumes(off, maxVersion), false, `${maxVersion} without tickets`);
  }
});

test('plain HTTP to the TLS port, and noise: told, and nothing stays', async (t) => {
  const { server, port } = await securing(t);
  const errors = collect(server, 'error');
  const codes: string[] = [];
  for (const bytes of [
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x16\x03\x01\xff\xff',
    'noise '.repeat(99),
  ]) {
    const peer = await Peer.connect(port);
    peer.write(Buffer.from(bytes, 'latin1'));
    if (bytes.length < 10) peer.socket.end();
    await peer.overAs();
    const wanted = codes.length + 1;
    await until(() => errors.length >= wanted, 'the error');
    codes.push((errors[codes.length][0] as TlsError).code);
    peer.transport.destroy();
  }
  assert.equal(codes[0], 'ERR_SSL_HTTP_REQUEST');
  assert.ok(
    codes.every((code) => code !== ''),
    codes.join(),
  );
  assert.equal(server.metrics().active, 0);
});

test('nobody has to listen for errors of handshakes', async (t) => {
  const { port, connect } = await securing(t);
  const peer = await Peer.connect(port);
  peer.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await peer.overAs();
  const reset = await Peer.connect(port);
  reset.reset();
  assert.equal((await connect()).authorized, true);
});

test('a client that does not shake hands is cut off, and takes a place until then', async (t) => {
  const { server, port, connect } = await securing(
    t,
    { handshakeTimeout: 400 },
    { maxConnections: 3 },
  );
  const errors = collect(server, 'error');
  const silent: Peer[] = [];
  for (let i = 0; i < 3; i++) silent.push(await Peer.connect(port));
  await pass(50);
  await assert.rejects(connect());
  assert.equal(server.metrics().sessionsFull, 1);
  await until(() => silent.every(({ over }) => over !== ''), 'the end of the silent ones');
  assert.deepEqual(
    errors.map(([error]) => (error as TlsError).code),
    Array(3).fill('ERR_TLS_HANDSHAKE_TIMEOUT'),
  );
  assert.equal((await connect()).authorized, true);
});

test('the opening handshake has its own time', async (t) => {
  const { server, connect } = await securing(t, {}, { handshakeTimeout: 300 });
  const client = await connect();
  const peer = new Peer(client);
  assert.equal((await peer.answer()).status, 408);
  assert.equal(server.metrics().timeoutHandshake, 1);
});

test('close ends handshakes under way', async (t) => {
  const { server, port } = await securing(t);
  const peer = await Peer.connect(port);
  await pass(20);
  await within(server.close({ timeout: 100 }), 'close', 1000);
  assert.notEqual(await peer.overAs(), '');
});

test('a server that ends its side is waited for, and one that is cut is told as 1006', async (t) => {
  const { server, open } = await securing(t);
  const closed = next(server, 'close');
  const peer = await open();
  peer.transport.destroy();
  assert.deepEqual((await closed).slice(1), [1006, '', false]);
});

test('openssl s_client is answered', { skip: !OPENSSL && 'needs openssl' }, async (t) => {
  const { server, port, own } = await securing(t);
  server.on('request', (request) => request.respond(200, { body: 'hello openssl' }));
  const ca = join(directory(t), 'ca.pem');
  writeFileSync(ca, own.cert);
  const run = (...args: string[]) =>
    new Promise<string>((resolve) => {
      const all = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost'];
      const child = execFile(
        'openssl',
        [...all, '-CAfile', ca, '-ign_eof', ...args],
        { timeout: 5000 },
        (_, stdout, stderr) => {
          resolve(stdout + stderr);
        },
      );
      child.stdin?.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    });
  const modern = await run('-tls1_3');
  assert.match(modern, /Verify return code: 0 \(ok\)/);
  assert.match(modern, /TLS_AES_(128|256)_GCM|TLS_CHACHA20/);
  assert.match(modern, /hello openssl/);
  assert.match(await run('-tls1_2'), /hello openssl/);
  const old = await run('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0');
  assert.match(old, /protocol version|unsupported protocol|no protocols/i);
  assert.doesNotMatch(old, /hello openssl/);
});
