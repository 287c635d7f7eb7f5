// Group 17: opening handshakes that are HTTP but not RFC 6455 4.2.1; each gets its HTTP status.
import { group } from '../case.js';
import type { Context, Draft } from '../case.js';
import { replaced, upgradeHeaders, upgradeRequest, valuesOf, without } from '../http.js';
import type { Header, Response, Target } from '../http.js';
import { refusesHttp } from './http-refusal.js';
import type { HttpRefusal } from './http-refusal.js';

type Change = (headers: Header[], target: Target) => Header[];

const refused = (
  rfc: string,
  title: string,
  statuses: number[],
  change: Change,
  options: HttpRefusal & { line?: (t: Target) => string } = {},
): Draft => ({
  rfc,
  title,
  run: async (ctx) => {
    const headers = change(upgradeHeaders(ctx.target), ctx.target);
    await refusesHttp(
      ctx,
      upgradeRequest(ctx.target, headers, options.line?.(ctx.target)),
      statuses,
      options,
    );
  },
});

const set =
  (name: string, value: string): Change =>
  (headers) =>
    replaced(headers, name, value);
const drop =
  (name: string): Change =>
  (headers) =>
    without(headers, name);
const add =
  (name: string, value: string): Change =>
  (headers) => [...headers, [name, value]];

/** Not a handshake at all: a server may also serve pages there. */
const PLAIN = [400, 426, 200, 404];

const upgrade = [
  refused('6455 4.2.1', 'no Upgrade', PLAIN, drop('Upgrade')),
  ...['h2c', 'websockets', 'web socket', 'xwebsocket', ''].map((v) =>
    refused('6455 4.2.1', `Upgrade: "${v}"`, PLAIN, set('Upgrade', v)),
  ),
  refused('6455 4.2.1', 'no Connection', PLAIN, drop('Connection')),
  ...['keep-alive', 'close', 'Upgraded', 'no-upgrade', 'keep-alive Upgrade', ''].map((v) =>
    refused('6455 4.2.1', `Connection: "${v}"`, PLAIN, set('Connection', v)),
  ),
  // "containing the value": a list, or the header twice, is for the server to judge.
  refused('6455 4.2.1', 'Upgrade twice', [400, 426], add('Upgrade', 'websocket'), {
    accepting: 'inform',
  }),
  refused('6455 4.2.1', 'Upgrade: h2c, websocket', [400, 426], set('Upgrade', 'h2c, websocket'), {
    accepting: 'inform',
  }),
];

/** RFC 6455 4.4: "it MUST respond with a |Sec-WebSocket-Version| header field". */
function namesVersion13(response: Response, ctx: Context): void {
  const versions = valuesOf(response, 'sec-websocket-version')
    .join()
    .split(',')
    .map((v) => v.trim());
  if (response.status === 426 && !versions.includes('13'))
    ctx.fail('426 without Sec-WebSocket-Version: 13');
  if (response.status === 426 && valuesOf(response, 'upgrade').length === 0)
    ctx.nonStrict('426 without Upgrade (RFC 9110 15.5.22)');
}

const version = [
  refused('6455 4.2.2', 'no Sec-WebSocket-Version', [426, 400], drop('Sec-WebSocket-Version'), {
    check: namesVersion13,
  }),
  ...[
    '12',
    '14',
    '8',
    '0',
    '255',
    '13, 8',
    '8, 13',
    '013',
    '13.0',
    '0xd',
    '+13',
    '13a',
    '1 3',
    '',
  ].map((v) =>
    refused('6455 4.2.2', `Sec-WebSocket-Version: "${v}"`, [426], set('Sec-WebSocket-Version', v), {
      check: namesVersion13,
    }),
  ),
  refused(
    '6455 11.3.5',
    'Sec-WebSocket-Version twice, 13 and 13',
    [426, 400],
    add('Sec-WebSocket-Version', '13'),
    { check: namesVersion13 },
  ),
  refused(
    '6455 11.3.5',
    'Sec-WebSocket-Version twice, 13 and 8',
    [426, 400],
    add('Sec-WebSocket-Version', '8'),
    { check: namesVersion13 },
  ),
];

const BAD_KEYS: [why: string, key: string][] = [
  ['empty', ''],
  ['15 bytes', 'AAAAAAAAAAAAAAAAAAAA'],
  ['17 bytes', 'AAAAAAAAAAAAAAAAAAAAAAA='],
  ['18 bytes', 'AAAAAAAAAAAAAAAAAAAAAAAA'],
  ['1 byte', 'AA=='],
  ['32 bytes', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='],
  ['without padding', 'dGhlIHNhbXBsZSBub25jZQ'],
  ['half its padding', 'dGhlIHNhbXBsZSBub25jZQ='],
  ['too much padding', 'dGhlIHNhbXBsZSBub25jZQ==='],
  ['a character that is not base64', 'dGhlIHNhbXBsZSBub25j*Q=='],
  ['the URL-safe alphabet', '-_-_-_-_-_-_-_-_-_-_-w=='],
  ['padding in the middle', 'dGhlIHNhbX==ZSBub25jZQ=='],
  ['a space inside', 'dGhlIHNhbXBs SBub25jZQ=='],
  ['two keys in one value', 'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=='],
];

const keys = [
  refused('6455 4.2.1', 'no Sec-WebSocket-Key', [400], drop('Sec-WebSocket-Key')),
  ...BAD_KEYS.map(([why, key]) =>
    refused('6455 4.2.1', `Sec-WebSocket-Key, ${why}`, [400], set('Sec-WebSocket-Key', key)),
  ),
  refused(
    '6455 11.3.1',
    'Sec-WebSocket-Key twice, the same',
    [400],
    add('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='),
  ),
  refused(
    '6455 11.3.1',
    'Sec-WebSocket-Key twice, different',
    [400],
    add('Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA=='),
  ),
  // The four bits behind the 16th byte should be zero (RFC 4648 3.5), but it decodes to 16 bytes.
  refused(
    '4648 3.5',
    'Sec-WebSocket-Key with bits in its padding',
    [400],
    set('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZR=='),
    { accepting: 'inform' },
  ),
];

const host = [
  refused('9112 3.2', 'no Host', [400], drop('Host')),
  refused('9112 3.2', 'Host twice, the same', [400], (h) => [h[0], ...h]),
  refused('9112 3.2', 'Host twice, different', [400], add('Host', 'elsewhere.example')),
  refused('9112 3.2', 'Host with a space', [400], set('Host', 'two words')),
];

const line = (of: (t: Target) => string): { line: (t: Target) => string } => ({ line: of });
const same: Change = (headers) => headers;

const lines = [
  refused(
    '6455 4.2.1',
    'HTTP/1.0',
    [400, 426, 505],
    same,
    line((t) => `GET ${t.path} HTTP/1.0`),
  ),
  refused(
    '6455 4.2.1',
    'HTTP/0.9',
    [400, 426, 505],
    same,
    line((t) => `GET ${t.path} HTTP/0.9`),
  ),
  refused(
    '6455 4.2.1',
    'HTTP/2.0',
    [400, 426, 505],
    same,
    line((t) => `GET ${t.path} HTTP/2.0`),
  ),
  ...['POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE'].map((method) =>
    refused('6455 4.2.1', `${method} instead of GET`, [405, 400, 501], same, {
      line: (t) => `${method} ${t.path} HTTP/1.1`,
      bodiless: method === 'HEAD',
    }),
  ),
  refused(
    '9110 9.1',
    "a method of the server's fancy",
    [405, 400, 501],
    same,
    line((t) => `LIMPET ${t.path} HTTP/1.1`),
  ),
  refused(
    '9110 9.1',
    'get in lower case',
    [405, 400, 501],
    same,
    line((t) => `get ${t.path} HTTP/1.1`),
  ),
];

const plain: Draft[] = [
  {
    rfc: '9110 7.8',
    title: 'a plain GET gets an HTTP answer, whole and without a hang',
    run: async (ctx) => {
      await refusesHttp(
        ctx,
        upgradeRequest(ctx.target, upgradeHeaders(ctx.target).slice(0, 1)),
        PLAIN,
      );
    },
  },
  {
    rfc: '9110 7.8',
    title: 'a plain GET with Connection: close gets an HTTP answer and the end of TCP',
    run: async (ctx) => {
      const headers: Header[] = [
        ...upgradeHeaders(ctx.target).slice(0, 1),
        ['Connection', 'close'],
      ];
      const client = await refusesHttp(ctx, upgradeRequest(ctx.target, headers), PLAIN);
      if (!(await client.ends())) ctx.fail('the connection is kept open');
    },
  },
];

export const handshakeRefused = group(17, 'handshake refused', [
  upgrade,
  version,
  keys,
  host,
  lines,
  plain,
]);
