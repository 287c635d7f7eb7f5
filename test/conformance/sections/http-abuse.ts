// Group 18: what is not HTTP, or HTTP that two parsers may read in two ways. RFC 9112 2.2, 3, 5.
// RFC 9112 lets a server end the connection without an answer; being kept open is what fails.
import { randomBytes } from 'node:crypto';
import { group } from '../case.js';
import { ascii, chops, hex, pattern } from '../expect.js';
import { text } from '../frame.js';
import { requestBytes, upgradeRequest } from '../http.js';
import type { Target } from '../http.js';
import { malformed, usualLine, usualLines, withLines } from './http-refusal.js';
import type { HttpRefusal } from './http-refusal.js';

/** The usual request, with every line ended by `eol` instead of CRLF. */
const endedBy =
  (eol: string) =>
  (t: Target): Buffer =>
    Buffer.from([usualLine(t), ...usualLines(t), '', ''].join(eol), 'latin1');

const lines = [
  // RFC 9112 5.2: reject, or replace by spaces. RFC 9112 2.2: "a recipient MAY recognize a single LF".
  malformed('9112 5.2', 'a folded header line (space)', [400], withLines('X-Folded: one', ' two'), {
    accepting: 'nonStrict',
  }),
  malformed('9112 5.2', 'a folded header line (tab)', [400], withLines('X-Folded: one', '\ttwo'), {
    accepting: 'nonStrict',
  }),
  malformed('9112 2.2', 'a space before the first header line', [400], (t) =>
    requestBytes(usualLine(t), [` X-First: 1`, ...usualLines(t)]),
  ),
  malformed('9112 5.1', 'a space before a colon', [400], withLines('X-Spaced : 1')),
  malformed('9112 5.1', 'a tab before a colon', [400], withLines('X-Spaced\t: 1')),
  malformed('9112 5.1', 'a space before the colon of Upgrade', [400], (t) =>
    requestBytes(
      usualLine(t),
      usualLines(t).map((l) => l.replace('Upgrade:', 'Upgrade :')),
    ),
  ),
  malformed('9112 2.2', 'every line ended by a bare LF', [400], endedBy('\n'), {
    accepting: 'nonStrict',
  }),
  malformed(
    '9112 2.2',
    'one header line ended by a bare LF',
    [400],
    withLines('X-One: 1\nX-Two: 2'),
    { accepting: 'nonStrict' },
  ),
  malformed('9112 2.2', 'a bare CR inside a value', [400], withLines('X-One: 1\rX-Two: 2')),
  malformed('9110 5.5', 'NUL in a header value', [400], withLines('X-Nul: a\0b')),
  malformed('9110 5.6.2', 'NUL in a header name', [400], withLines('X-N\0ul: ab')),
  malformed('9112 3', 'NUL in the request target', [400], (t) =>
    upgradeRequest(t, undefined, `GET ${t.path}\0 HTTP/1.1`),
  ),
  malformed(
    '9110 5.5',
    'an escape character in a header value',
    [400],
    withLines('X-Control: a\x1bb'),
  ),
  malformed('9110 5.5', 'DEL in a header value', [400], withLines('X-Control: a\x7fb')),
  malformed(
    '9110 5.6.2',
    'a header name with a character that is no token',
    [400],
    withLines('X-(Name): 1'),
  ),
  malformed('9110 5.6.2', 'a header name with a byte above 7F', [400], withLines('X-N\xe4me: 1')),
  malformed('9112 5', 'a header line without a colon', [400], withLines('X-Nothing')),
  malformed('9112 5', 'a header line without a name', [400], withLines(': value')),
  malformed('9112 3', 'no spaces in the request line', [400], (t) =>
    upgradeRequest(t, undefined, 'GET/HTTP/1.1'),
  ),
  malformed('9112 3', 'a space inside the request target', [400], (t) =>
    upgradeRequest(t, undefined, `GET ${t.path} more HTTP/1.1`),
  ),
  malformed('9112 3', 'no HTTP version', [400, 505], (t) =>
    upgradeRequest(t, undefined, `GET ${t.path}`),
  ),
  malformed('9112 2.3', 'http/1.1 in lower case', [400, 505], (t) =>
    upgradeRequest(t, undefined, `GET ${t.path} http/1.1`),
  ),
  malformed('9112 2.3', 'HTTP/1.10', [400, 505], (t) =>
    upgradeRequest(t, undefined, `GET ${t.path} HTTP/1.10`),
  ),
];

const KIB = 1024;

/** A TLS 1.2 ClientHello of 517 bytes: record header, handshake header, version, random, and so on. */
const clientHello = (): Buffer => {
  const extension = Buffer.concat([hex('0000 000e 000c 00 0009'), Buffer.from('localhost')]);
  const head = Buffer.concat([
    hex('0303'),
    randomBytes(32),
    hex('20'),
    randomBytes(32),
    hex('0004 1301c02f 0100'),
  ]);
  const padding = Buffer.alloc(517 - 5 - 4 - head.length - 2 - extension.length - 4);
  const extensionBytes = Buffer.alloc(2);
  extensionBytes.writeUInt16BE(extension.length + 4 + padding.length);
  const padLength = Buffer.alloc(2);
  padLength.writeUInt16BE(padding.length);
  const body = Buffer.concat([head, extensionBytes, extension, hex('0015'), padLength, padding]);
  return Buffer.concat([hex('16 0301 0200 01 0001fc'), body]);
};

const ends: HttpRefusal = { silent: true };

const garbage = [
  malformed('9112 2.2', 'a TLS ClientHello ends the connection', [400], clientHello, ends),
  malformed(
    '9112 2.2',
    'a TLS ClientHello in chops of 100 bytes ends the connection',
    [400],
    clientHello,
    { ...ends, sending: chops(100) },
  ),
  malformed(
    '9112 2.2',
    'a WebSocket frame without a handshake ends the connection',
    [400],
    () => text('hello there'),
    ends,
  ),
  malformed('9112 2.2', '1 KiB of zeros ends the connection', [400], () => Buffer.alloc(KIB), ends),
  malformed(
    '9112 2.2',
    '1 KiB of FF ends the connection',
    [400],
    () => Buffer.alloc(KIB, 0xff),
    ends,
  ),
  malformed('9112 2.2', 'all byte values ends the connection', [400], () => pattern(512), ends),
  malformed(
    '9112 2.2',
    'a line of text ends the connection',
    [400],
    () => Buffer.concat([ascii(90), Buffer.from('\r\n\r\n')]),
    ends,
  ),
  malformed(
    '9113 3.4',
    'the HTTP/2 preface ends the connection',
    [400, 505],
    () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    ends,
  ),
  malformed(
    '9112 2.2',
    'an SSH greeting ends the connection',
    [400],
    () => Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'),
    ends,
  ),
];

export const httpAbuse = group(18, 'HTTP abuse', [lines, garbage]);
