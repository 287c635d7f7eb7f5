// A name → a key pair and an X.509 certificate for it, self-signed or by an issuer. RFC 5280 4.1.
//
// Keys are on P-256, signatures ecdsa-with-SHA256: RFC 5480 and RFC 5758 3.2.

import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { addressBytes } from '../../host/node/address.js';

/** A certificate and its key, as PEM. */
export interface Pair {
  cert: string;
  key: string;
}

interface Issuer extends Pair {
  name: string;
  privateKey: KeyObject;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const BOOLEAN = 0x01;
/** Context-specific, constructed: the version, and the extensions. RFC 5280 4.1. */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
/** GeneralName: dNSName and iPAddress. RFC 5280 4.2.1.6. */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

const ECDSA_SHA256 = '06082a8648ce3d040302';
const COMMON_NAME = '0603550403';
const SUBJECT_ALT_NAME = '0603551d11';
const BASIC_CONSTRAINTS = '0603551d13';

/** One value: tag, length and bytes. X.690 8.1. */
function der(tag: number, ...parts: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)),
  );
  const { length } = body;
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

function nameOf(name: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(name)))));
}

function timeOf(date: Date): Buffer {
  const digits = date.toISOString().replace(/\D/g, '').slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

export class Certificate implements Issuer {
  readonly cert: string;
  readonly key: string;
  readonly name: string;
  readonly privateKey: KeyObject;

  /**
   * @param names host names and addresses that it is for; the first one is its subject
   * @param issuer who signs it; without one it signs itself, and may sign others
   */
  constructor(names: string[], issuer?: Issuer) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    [this.name] = names;
    this.privateKey = privateKey;
    this.key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    const day_ms = 86_400_000;
    const alternatives = names.map((name) =>
      isIP(name)
        ? der(IP_ADDRESS, Buffer.from(addressBytes(name)))
        : der(DNS_NAME, Buffer.from(name)),
    );
    const extensions = [
      der(SEQUENCE, SUBJECT_ALT_NAME, der(OCTET_STRING, der(SEQUENCE, ...alternatives))),
    ];
    if (!issuer) {
      const authority = der(OCTET_STRING, der(SEQUENCE, der(BOOLEAN, 'ff')));
      extensions.push(der(SEQUENCE, BASIC_CONSTRAINTS, der(BOOLEAN, 'ff'), authority));
    }
    // RFC 5280 4.1.2.2: a serial number is positive.
    const serial = randomBytes(8);
    serial[0] = (serial[0] & 0x7f) | 0x40;
    const body = der(
      SEQUENCE,
      der(VERSION, der(INTEGER, '02')),
      der(INTEGER, serial),
      der(SEQUENCE, ECDSA_SHA256),
      nameOf(issuer?.name ?? this.name),
      der(SEQUENCE, timeOf(new Date(Date.now() - day_ms)), timeOf(new Date(Date.now() + day_ms))),
      nameOf(this.name),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(EXTENSIONS, der(SEQUENCE, ...extensions)),
    );
    const signature = sign('sha256', body, issuer?.privateKey ?? privateKey);
    const whole = der(
      SEQUENCE,
      body,
      der(SEQUENCE, ECDSA_SHA256),
      der(BIT_STRING, '00', signature),
    );
    this.cert = pem('CERTIFICATE', whole);
  }
}

/** A directory that goes with the test. */
export function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'limpet-tls-'));
  t.after(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

/** A pair as files; a new one for this machine, in a directory that goes with the test, if none are given. */
export function certificateFiles(
  t: TestContext,
  { cert, key }: Pair = new Certificate(['localhost', '127.0.0.1']),
  path = directory(t),
): { certFile: string; keyFile: string } {
  const files = { certFile: join(path, 'cert.pem'), keyFile: join(path, 'key.pem') };
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
  return files;
}
