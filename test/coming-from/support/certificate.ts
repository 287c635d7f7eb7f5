// Nothing → a key and a certificate of 127.0.0.1 that signs itself, made by openssl for one test.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Why a test that needs a certificate cannot run here; false when it can. */
export const withoutOpenssl =
  spawnSync('openssl', ['version']).status === 0 ? false : 'skipped: needs openssl';

export function certificate(t: TestContext): { key: Buffer; cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-certificate-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const { status, stderr } = spawnSync('openssl', [
    ...['req', '-x509', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
    ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
  ]);
  if (status !== 0) throw new Error(`openssl: ${stderr.toString()}`);
  return { key: readFileSync(key), cert: readFileSync(cert) };
}
