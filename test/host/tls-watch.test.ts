// Files of certificates that change while the server runs → new connections get the new ones.

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TlsError } from '../../host/node/index.js';
import { text } from '../conformance/frame.js';
import { Certificate, certificateFiles, directory } from '../support/certificate.js';
import { securing, type Securing } from './support/securing.js';
import { collect, echoing, next } from './support/serving.js';
import { pass, PATIENCE_MS } from './support/wait.js';

/** The name in the certificate that is shown. */
async function shown({ connect }: Securing, servername = 'localhost'): Promise<string> {
  const client = await connect({ rejectUnauthorized: false, servername });
  const { subject } = client.getPeerCertificate();
  client.destroy();
  return String(subject.CN);
}

/** Waits until that name is shown. */
async function shows(securing: Securing, name: string, servername?: string): Promise<void> {
  const end_ms = performance.now() + PATIENCE_MS;
  let last = '';
  while (performance.now() < end_ms) {
    last = await shown(securing, servername);
    if (last === name) return;
    await pass(20);
  }
  assert.equal(last, name);
}

test('files that are written, and files that are replaced', async (t) => {
  const path = directory(t);
  const own = await securing(t, {
    ...certificateFiles(t, new Certificate(['one']), path),
    watch: true,
  });
  echoing(own.server);
  const peer = await own.open({ rejectUnauthorized: false });
  const errors = collect(own.server, 'error');
  assert.equal(await shown(own), 'one');
  certificateFiles(t, new Certificate(['two']), path);
  await shows(own, 'two');
  const fresh = join(path, 'fresh');
  mkdirSync(fresh);
  const { certFile, keyFile } = certificateFiles(t, new Certificate(['three']), fresh);
  renameSync(certFile, join(path, 'cert.pem'));
  renameSync(keyFile, join(path, 'key.pem'));
  await shows(own, 'three');
  peer.write(text('still here'));
  assert.equal(await peer.text(), 'still here');
  assert.deepEqual(errors, []);
});

test('a link that leads elsewhere, as certbot and Kubernetes do it', async (t) => {
  const path = directory(t);
  for (const name of ['one', 'two', 'three']) {
    mkdirSync(join(path, name));
    certificateFiles(t, new Certificate([name]), join(path, name));
  }
  mkdirSync(join(path, 'live'));
  const link = join(path, 'live', 'now');
  symlinkSync(join(path, 'one'), link);
  symlinkSync('now/cert.pem', join(path, 'live', 'cert.pem'));
  symlinkSync('now/key.pem', join(path, 'live', 'key.pem'));
  const own = await securing(t, {
    certFile: join(path, 'live', 'cert.pem'),
    keyFile: join(path, 'live', 'key.pem'),
    watch: true,
  });
  assert.equal(await shown(own), 'one');
  symlinkSync(join(path, 'two'), `${link}.new`);
  renameSync(`${link}.new`, link);
  await shows(own, 'two');
  // The directory that the link leads to now is watched as well.
  certificateFiles(t, new Certificate(['two again']), join(path, 'two'));
  await shows(own, 'two again');
});

test('a pair that does not fit is told once, and the old one stays', async (t) => {
  const path = directory(t);
  const files = certificateFiles(t, new Certificate(['one']), path);
  const own = await securing(t, { ...files, watch: true });
  const errors = collect(own.server, 'error');
  const told = next(own.server, 'error');
  const two = new Certificate(['two']);
  writeFileSync(files.certFile, two.cert);
  const [error, socket] = await told;
  assert.ok(error instanceof TlsError);
  assert.match(error.message, /certificates changed, the old ones stay: .*mismatch/);
  assert.equal(socket, undefined);
  assert.equal(await shown(own), 'one');
  // Something else of the directory changes.
  writeFileSync(join(path, 'other'), 'x');
  await pass(400);
  assert.equal(errors.length, 1);
  unlinkSync(files.certFile);
  await pass(400);
  assert.equal(errors.length, 2);
  assert.match(errors[1][0].message, /ENOENT/);
  assert.equal(await shown(own), 'one');
  // A pair that is whole again is taken.
  certificateFiles(t, two, path);
  await shows(own, 'two');
  assert.equal(errors.length, 2);
});

test('nobody has to listen for a pair that does not fit', async (t) => {
  const path = directory(t);
  const files = certificateFiles(t, new Certificate(['one']), path);
  const own = await securing(t, { ...files, watch: true });
  writeFileSync(files.keyFile, 'no key');
  await pass(500);
  assert.equal(await shown(own), 'one');
});

test('files of other names are watched, and those of options that were replaced are not', async (t) => {
  const path = directory(t);
  mkdirSync(join(path, 'other'));
  const other = certificateFiles(t, new Certificate(['a']), join(path, 'other'));
  const own = await securing(t, {
    ...certificateFiles(t, new Certificate(['own']), path),
    sni: { 'a.example': other },
    watch: true,
  });
  certificateFiles(t, new Certificate(['b']), join(path, 'other'));
  await shows(own, 'b', 'a.example');
  assert.equal(await shown(own), 'own');
  const { cert, key } = new Certificate(['text']);
  own.server.setTls({ cert, key });
  certificateFiles(t, new Certificate(['nobody']), path);
  await pass(500);
  assert.equal(await shown(own), 'text');
});
