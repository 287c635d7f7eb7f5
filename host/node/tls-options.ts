// Settings of TLS as users write them → what Node's TLS takes. RFC 9325.

import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { credentials, IDENTITY_NAMES, type Identity } from './certificates.js';
import { fields, whole, yes } from './checks.js';

/** Settings of TLS; those that Node has, too, have Node's names and meaning. */
export interface TlsOptions extends Identity, Pick<SecureContextOptions, (typeof PASSED)[number]> {
  /** Other certificates for other host names: `a.example`, or `*.example` for one label more. RFC 6066 3. */
  sni?: Readonly<Record<string, Identity>>;
  /** Whether clients are asked for a certificate. Default false. */
  requestCert?: boolean;
  /** Whether those whose certificate is absent, or not by `ca`, are refused. Default true. */
  rejectUnauthorized?: boolean;
  /** Whether clients get tickets with which they resume their session. RFC 8446 2.2. Default true. */
  tickets?: boolean;
  /** How long the handshake may take, ms. Default: the server's handshakeTimeout. */
  handshakeTimeout?: number;
  /** Whether files are read again when they change; a pair that does not fit is told by 'error'. Default false. */
  watch?: boolean;
}

/** Options that go to Node as they are. */
const PASSED = [
  'ciphers',
  'crl',
  'dhparam',
  'ecdhCurve',
  'honorCipherOrder',
  'maxVersion',
  'minVersion',
  'secureOptions',
  'sessionTimeout',
  'sigalgs',
  'ticketKeys',
] as const;

const NAMES = [
  ...IDENTITY_NAMES,
  ...PASSED,
  'sni',
  'requestCert',
  'rejectUnauthorized',
  'tickets',
  'handshakeTimeout',
  'watch',
];

/**
 * Cipher suites with forward secrecy and authenticated encryption: all of TLS 1.3, and what RFC 9325
 * 4.2 recommends of TLS 1.2. All are strong, so the client's order counts: it knows its hardware.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** Who the server is: under its own name, then under those in `sni`. */
export function identities({ sni = {}, ...own }: TlsOptions): Identity[] {
  return [own, ...Object.values(sni)];
}

/** The credentials of the server's own name and of those in `sni`. */
export function readAll(options: TlsOptions): SecureContextOptions[] {
  const names = ['tls', ...Object.keys(options.sni ?? {}).map((name) => `tls.sni['${name}']`)];
  return identities(options).map((identity, i) => credentials(names[i], identity));
}

/** Throws TypeError or RangeError for what is no option, or not of its type. */
export function checkTls(options: TlsOptions): void {
  fields('tls', options, NAMES);
  const { sni = {}, handshakeTimeout, requestCert, rejectUnauthorized, tickets, watch } = options;
  if (handshakeTimeout !== undefined) whole('tls.handshakeTimeout', handshakeTimeout);
  const switches = { requestCert, rejectUnauthorized, tickets, watch };
  for (const [name, value] of Object.entries(switches)) {
    if (value !== undefined) yes(`tls.${name}`, value);
  }
  fields('tls.sni', sni, Object.keys(sni));
  for (const [name, identity] of Object.entries(sni)) {
    fields(`tls.sni['${name}']`, identity, IDENTITY_NAMES);
    if (!/^(\*\.)?[^*]+$/.test(name)) throw new TypeError(`tls.sni: ${name} is no host name`);
  }
}

/** What all contexts share. */
export function contextOptions(options: TlsOptions): SecureContextOptions {
  const passed = Object.fromEntries(
    PASSED.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
  const { tickets = true, secureOptions = 0 } = options;
  return {
    ciphers: CIPHERS,
    minVersion: 'TLSv1.2',
    honorCipherOrder: options.ciphers !== undefined,
    ...passed,
    // TLS 1.2 lets a client ask for one expensive handshake after the other.
    secureOptions:
      secureOptions |
      constants.SSL_OP_NO_RENEGOTIATION |
      (tickets ? 0 : constants.SSL_OP_NO_TICKET),
  };
}
