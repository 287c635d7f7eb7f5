// Group 14: opening handshakes that a server has to accept, however oddly they are written.
// RFC 6455 4.2, RFC 9110, RFC 9112.
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { Failure } from '../client.js';
import { ascii, finishes } from '../expect.js';
import { replaced, SAMPLE_ACCEPT, upgradeRequest, valuesOf } from '../http.js';
import type { Header, Response } from '../http.js';
import { accepted, plus, withHeaders, withLine, withLines } from './handshake-acceptance.js';

const isSample = (response: Response): void => {
  if (valuesOf(response, 'sec-websocket-accept')[0] !== SAMPLE_ACCEPT)
    throw new Failure("not the RFC's example");
};

const answer = [
  accepted('the example of RFC 6455 1.3 gives its Sec-WebSocket-Accept', (t) => upgradeRequest(t), {
    rfc: '6455 1.3',
    check: isSample,
  }),
  accepted(
    'a key of 16 zero bytes',
    withHeaders((h) => replaced(h, 'Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA==')),
    { key: 'AAAAAAAAAAAAAAAAAAAAAA==' },
  ),
  accepted(
    'a key with + and /',
    withHeaders((h) => replaced(h, 'Sec-WebSocket-Key', '+/+/+/+/+/+/+/+/+/+/+w==')),
    { key: '+/+/+/+/+/+/+/+/+/+/+w==' },
  ),
];

const CONNECTIONS = [
  'upgrade',
  'UPGRADE',
  'keep-alive, Upgrade',
  'Upgrade, keep-alive',
  'keep-alive,upgrade',
  'keep-alive ,\tUpgrade',
  ', Upgrade,',
];

const fields = [
  ...CONNECTIONS.map((value) =>
    accepted(
      `Connection: ${JSON.stringify(value)}`,
      withHeaders((h) => replaced(h, 'Connection', value)),
      { rfc: '9110 7.6.1' },
    ),
  ),
  accepted(
    'Connection in two header lines',
    withHeaders((h) => [['Connection', 'keep-alive'], ...h]),
    { rfc: '9110 5.3' },
  ),
  ...['WebSocket', 'WEBSOCKET'].map((value) =>
    accepted(
      `Upgrade: ${value}`,
      withHeaders((h) => replaced(h, 'Upgrade', value)),
    ),
  ),
  accepted(
    'header names in lower case',
    withHeaders((h) => h.map(([n, v]): Header => [n.toLowerCase(), v])),
    { rfc: '9110 5.1' },
  ),
  accepted(
    'header names in upper case',
    withHeaders((h) => h.map(([n, v]): Header => [n.toUpperCase(), v])),
    { rfc: '9110 5.1' },
  ),
  accepted(
    'values without a space before them',
    withLines((l) => l.map((x) => x.replace(': ', ':'))),
    { rfc: '9112 5' },
  ),
  accepted(
    'values between tabs',
    withLines((l) => l.map((x) => `${x.replace(': ', ':\t')}\t`)),
    { rfc: '9112 5' },
  ),
  accepted(
    'values between many spaces',
    withLines((l) => l.map((x) => `${x.replace(': ', ':    ')}    `)),
    { rfc: '9112 5' },
  ),
  accepted(
    'header lines in reverse order',
    withHeaders((h) => [...h].reverse()),
    { rfc: '9110 5.3' },
  ),
  accepted(
    'an Origin, a Cookie and an Authorization',
    plus(
      ['Origin', 'http://example.org'],
      ['Cookie', 'a=b; c=d'],
      ['Authorization', 'Basic bGltcGV0Og=='],
    ),
  ),
  accepted(
    '30 header lines of no interest',
    withHeaders((h) => [
      ...Array.from({ length: 30 }, (_, i): Header => [
        `X-Field-${i}`,
        ascii(40).toString().trim(),
      ]),
      ...h,
    ]),
    { rfc: '9110 5.4' },
  ),
  accepted('a header line without a value', plus(['X-Empty', '']), { rfc: '9110 5.5' }),
  accepted('a header value with bytes above 7F', plus(['X-Latin', 'caf\xe9']), { rfc: '9110 5.5' }),
  accepted('a header name of every token character', plus(["!#$%&'*+-.^_`|~09azAZ", 'x']), {
    rfc: '9110 5.6.2',
  }),
  accepted(
    'a Host without port',
    withHeaders((h, t) => replaced(h, 'Host', t.host)),
    { rfc: '9110 7.2' },
  ),
  accepted('Content-Length: 0', plus(['Content-Length', '0']), { rfc: '9112 6.2' }),
];

const lines = [
  accepted(
    'a request target in absolute form',
    withLine((t) => `GET http://${t.host}:${t.port}${t.path} HTTP/1.1`),
    { rfc: '9112 3.2.2' },
  ),
  accepted(
    'a path with a query',
    withLine((t) => `GET ${t.path}${t.path.includes('?') ? '&' : '?'}a=1&b=%20c HTTP/1.1`),
    { rfc: '6455 3' },
  ),
  accepted(
    'a query of 500 bytes',
    withLine(
      (t) => `GET ${t.path}${t.path.includes('?') ? '&' : '?'}q=${'x'.repeat(500)} HTTP/1.1`,
    ),
    { rfc: '6455 3' },
  ),
  {
    rfc: '9112 2.2',
    title: 'an empty line before the request line is skipped',
    run: async (ctx) => {
      const client = await ctx.tcp();
      await client.send(Buffer.concat([Buffer.from('\r\n'), upgradeRequest(ctx.target)]));
      const response = await client.response();
      if (response?.status === 101) return finishes(client);
      ctx.nonStrict(response ? `answered with ${response.status}` : 'the connection ended');
    },
  } satisfies Draft,
];

export const handshakeAccepted = group(14, 'handshake accepted', [answer, fields, lines]);
