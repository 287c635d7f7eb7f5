// Group 19: requests with a body, or with a head beyond all bounds. RFC 9112 6, RFC 6585 5.
import { group } from '../case.js';
import { chops } from '../expect.js';
import { upgradeRequest } from '../http.js';
import type { Target } from '../http.js';
import { malformed, usualLine, withLines } from './http-refusal.js';
import type { HttpRefusal } from './http-refusal.js';

const withBody =
  (body: string, ...lines: string[]) =>
  (t: Target): Buffer =>
    Buffer.concat([withLines(...lines)(t), Buffer.from(body)]);

/** RFC 9110 does not forbid a GET with content; a server that lets it pass reads it as frames. */
const asBody: HttpRefusal = { accepting: 'nonStrict' };

const bodies = [
  malformed(
    '9112 6.2',
    'Content-Length with a body',
    [400],
    withBody('hello', 'Content-Length: 5'),
    asBody,
  ),
  malformed(
    '9112 6.2',
    'Content-Length that announces a body',
    [400],
    withLines('Content-Length: 5'),
    asBody,
  ),
  malformed(
    '9112 6.1',
    'Transfer-Encoding with a chunked body',
    [400],
    withBody('5\r\nhello\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'),
    asBody,
  ),
  malformed(
    '9112 6.1',
    'Transfer-Encoding without a body',
    [400],
    withBody('0\r\n\r\n', 'Transfer-Encoding: chunked'),
    asBody,
  ),
  malformed(
    '9112 6.3',
    'Content-Length and Transfer-Encoding',
    [400],
    withBody('0\r\n\r\n', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
  ),
  malformed(
    '9112 6.3',
    'two different Content-Lengths',
    [400],
    withLines('Content-Length: 0', 'Content-Length: 5'),
  ),
  malformed(
    '9112 6.3',
    'a Content-Length that is no number',
    [400],
    withLines('Content-Length: -1'),
  ),
  malformed(
    '9112 6.3',
    'a Content-Length beyond 64 bits',
    [400, 413],
    withLines('Content-Length: 99999999999999999999999'),
  ),
];

const KIB = 1024;
/** A server may refuse such a head before its end; 4 KiB per write let its answer be read. */
const huge: HttpRefusal = { sending: chops(4 * KIB), accepting: 'nonStrict' };
const filler = (length: number): string => 'x'.repeat(length);

const sizes = [
  malformed(
    '6585 5',
    'a head with one value of 100 KiB',
    [431],
    withLines(`X-Long: ${filler(100 * KIB)}`),
    huge,
  ),
  malformed(
    '6585 5',
    'a head with one name of 100 KiB',
    [431],
    withLines(`${filler(100 * KIB)}: 1`),
    huge,
  ),
  malformed(
    '6585 5',
    'a head of 2,000 lines',
    [431],
    withLines(...Array.from({ length: 2000 }, (_, i) => `X-${i}: ${filler(40)}`)),
    huge,
  ),
  malformed(
    '6585 5',
    'a head of 100 KiB that never ends',
    [431],
    (t) => Buffer.from(`${usualLine(t)}\r\nX-Long: ${filler(100 * KIB)}`),
    huge,
  ),
  malformed(
    '9112 3',
    'a request target of 100 KiB',
    [414, 431],
    (t) => upgradeRequest(t, undefined, `GET ${t.path}?${filler(100 * KIB)} HTTP/1.1`),
    huge,
  ),
  malformed(
    '9112 3',
    'a method of 100 KiB',
    [400, 414, 431, 501],
    (t) => upgradeRequest(t, undefined, `${filler(100 * KIB)} ${t.path} HTTP/1.1`),
    huge,
  ),
];

export const httpSizes = group(19, 'HTTP bodies and sizes', [bodies, sizes]);
