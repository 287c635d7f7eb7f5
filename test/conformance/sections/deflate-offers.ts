// Group 32: which offers of permessage-deflate are taken, and how they are answered.
// RFC 7692 5.1, 7.1; RFC 6455 9.1. Every answer is checked against the offers: see extension.ts.
import { group, Unimplemented } from '../case.js';
import type { Context, Draft } from '../case.js';
import { Failure } from '../client.js';
import { EXTENSIONS, USUAL_OFFER } from '../extension.js';
import type { Agreement } from '../extension.js';
import { ascii, finishes, receives, wantText } from '../expect.js';
import { text, TEXT } from '../frame.js';
import { upgradeHeaders, upgradeRequest, valuesOf } from '../http.js';
import type { Header, Response } from '../http.js';
import { exchanges } from './deflated.js';

const DEFLATE = 'permessage-deflate';
const offerOf = (...parameters: string[]): string => [DEFLATE, ...parameters].join('; ');

/** Messages that show that both sides do as agreed. */
const MESSAGES = [ascii(3000), ascii(3000), Buffer.alloc(0), ascii(40)];

/** One of the offers must be taken; or the server says that it takes none like it. */
const taken = (
  rfc: string,
  title: string,
  offers: string[],
  check?: (agreement: Agreement, ctx: Context) => void,
): Draft => ({
  rfc,
  title,
  run: async (ctx) => {
    const deflated = await ctx.deflated(...offers);
    check?.(deflated.agreement, ctx);
    await exchanges(deflated, TEXT, MESSAGES);
    await finishes(deflated.client);
  },
});

/** Fails where nothing is ever agreed on: then to decline says nothing. */
async function needsDeflate(ctx: Context): Promise<void> {
  const client = await ctx.tcp();
  if (!(await ctx.offer(client, [USUAL_OFFER])))
    throw new Unimplemented(`declined: ${USUAL_OFFER}`);
  client.destroy();
}

async function answerTo(ctx: Context, values: string[]): Promise<[Response, Agreement | null]> {
  const client = await ctx.tcp();
  client.offers(values);
  const headers = values.map((value): Header => [EXTENSIONS, value]);
  await client.send(upgradeRequest(ctx.target, [...upgradeHeaders(ctx.target), ...headers]));
  const response = await client.response();
  if (!response) throw new Failure('the connection ended without an answer');
  if (response.status === 101) {
    await client.send(text('not compressed'));
    await receives(client, [wantText('not compressed')]);
    await finishes(client);
  }
  return [response, client.agreement];
}

/** None of these offers may be taken; the handshake goes on without. RFC 7692 5.1. */
const declined = (rfc: string, title: string, ...offers: string[]): Draft => ({
  rfc,
  title,
  run: async (ctx) => {
    await needsDeflate(ctx);
    const [response] = await answerTo(ctx, offers);
    if (response.status === 400)
      return ctx.nonStrict('the handshake is refused with 400 instead of the offer declined');
    if (response.status !== 101) throw new Failure(`status ${response.status}`);
    const values = valuesOf(response, 'sec-websocket-extensions');
    if (values.length > 0) throw new Failure(`taken: ${values.join()}`);
  },
});

/** What does not follow the grammar ends the handshake. RFC 6455 4.2.1: "an appropriate error code". */
const malformed = (value: string): Draft => ({
  rfc: '6455 9.1',
  title: `malformed: ${JSON.stringify(value)}`,
  run: async (ctx) => {
    await needsDeflate(ctx);
    const [response, agreement] = await answerTo(ctx, [value]);
    if (agreement) throw new Failure('taken');
    if (response.status === 101) return ctx.nonStrict('ignored');
    if (response.status !== 400) throw new Failure(`status ${response.status} instead of 400`);
  },
});

/** The RFCs leave it open, or do not quite agree: whatever is done must be consistent. */
const open = (rfc: string, title: string, value: string): Draft => ({
  rfc,
  title,
  run: async (ctx) => {
    await needsDeflate(ctx);
    const client = await ctx.tcp();
    const header: Header = [EXTENSIONS, value];
    await client.send(upgradeRequest(ctx.target, [...upgradeHeaders(ctx.target), header]));
    const response = await client.response();
    if (response?.status !== 101 && response?.status !== 400)
      throw new Failure(`status ${response?.status ?? 'none'}`);
    const values = valuesOf(response, 'sec-websocket-extensions');
    ctx.inform(
      response.status === 400 ? 'refused with 400' : values.length > 0 ? 'taken' : 'declined',
    );
  },
});

// good offers

const SERVER = 'server_no_context_takeover';
const CLIENT = 'client_no_context_takeover';
const PARAMETERS = [SERVER, CLIENT, 'server_max_window_bits=10', 'client_max_window_bits=11'];

/** Every choice of the four parameters, each in one order and in its reverse. */
const choices = Array.from({ length: 16 }, (_, choice) =>
  PARAMETERS.filter((_, i) => choice & (1 << i)),
).flatMap((parameters) =>
  (parameters.length > 1 ? [parameters, [...parameters].reverse()] : [parameters]).map((order) =>
    taken('7692 7.1', `offer "${offerOf(...order)}"`, [offerOf(...order)]),
  ),
);

const BITS = [8, 9, 10, 11, 12, 13, 14, 15];
const windows = BITS.flatMap((bits) => [
  taken('7692 7.1.2.1', `server_max_window_bits=${bits} is answered with no more`, [
    offerOf(`server_max_window_bits=${bits}`),
  ]),
  taken('7692 7.1.2.1', `server_max_window_bits="${bits}" in quotes`, [
    offerOf(`server_max_window_bits="${bits}"`),
  ]),
  taken('7692 7.1.2.2', `client_max_window_bits=${bits} is answered with no more, or not`, [
    offerOf(`client_max_window_bits=${bits}`),
  ]),
  taken('7692 7.1.2.2', `client_max_window_bits="${bits}" in quotes`, [
    offerOf(`client_max_window_bits="${bits}"`),
  ]),
]);

const unasked = [
  taken('7692 7.1.2.2', 'client_max_window_bits is not answered when not offered', [DEFLATE]),
  taken('7692 7.1.2.2', 'client_max_window_bits without a value', [USUAL_OFFER]),
  taken(
    '7692 7.1.1.1',
    'server_no_context_takeover is answered when offered',
    [offerOf(SERVER)],
    ({ server }) => {
      if (server.takeover) throw new Failure('it is not');
    },
  ),
  taken('7692 5.1', 'the same offer twice is answered once', [`${DEFLATE}, ${DEFLATE}`]),
  taken('6455 9.1', 'the same offer in two header lines is answered once', [DEFLATE, DEFLATE]),
];

const spelling = [
  taken('6455 9.1', 'no spaces', [
    'permessage-deflate;client_max_window_bits;server_max_window_bits=10',
  ]),
  taken('6455 9.1', 'many spaces and tabs', [
    'permessage-deflate \t;  \tclient_max_window_bits  ;server_max_window_bits=10\t',
  ]),
  taken('9110 5.6.1.2', 'empty elements of the list', [`, ,${DEFLATE}, ,`]),
  taken('6455 9.1', 'a header line of an unknown extension before', ['x-unknown', DEFLATE]),
  taken('6455 9.1', 'a header line of an unknown extension behind', [DEFLATE, 'x-unknown']),
  taken('6455 9.1', 'unknown extensions around, with parameters of the same names', [
    `x-one; server_max_window_bits=99, ${DEFLATE}, x-two; client_max_window_bits; a="b"`,
  ]),
  taken('6455 9.1', 'the older permessage-compress and x-webkit-deflate-frame before', [
    `permessage-compress; method=deflate, x-webkit-deflate-frame, ${DEFLATE}`,
  ]),
];

// bad offers

const BAD_PARAMETERS: [rfc: string, ...parameters: string[]][] = [
  ['7692 7.1', 'x_unknown'],
  ['7692 7.1', 'x_unknown=1'],
  ['7692 7.1', 'server_max_window_bits=10', 'x_unknown'],
  ['7692 7.1', 'x_unknown', USUAL_OFFER.split('; ')[1]],
  ['7692 7.1', 'server_max_window'],
  ['7692 7.1', 'server_max_window_bits_=10'],
  ['7692 7.1.1.1', SERVER, SERVER],
  ['7692 7.1.1.2', CLIENT, CLIENT],
  ['7692 7.1.2.1', 'server_max_window_bits=10', 'server_max_window_bits=10'],
  ['7692 7.1.2.1', 'server_max_window_bits=10', 'server_max_window_bits=11'],
  ['7692 7.1.2.2', 'client_max_window_bits', 'client_max_window_bits'],
  ['7692 7.1.2.2', 'client_max_window_bits', 'client_max_window_bits=10'],
  ['7692 7.1.2.1', 'server_max_window_bits'],
  ...['server', 'client'].flatMap((side) =>
    [
      '0',
      '1',
      '7',
      '16',
      '32',
      '08',
      '010',
      '015',
      '+10',
      '-10',
      '0x0a',
      '1e1',
      '10.0',
      '100',
      '1000',
      'ten',
      '4294967304',
    ].map((value): [string, string] => [
      side === 'server' ? '7692 7.1.2.1' : '7692 7.1.2.2',
      `${side}_max_window_bits=${value}`,
    ]),
  ),
  ['7692 7.1.2.1', 'server_max_window_bits="08"'],
  ['7692 7.1.2.2', 'client_max_window_bits="16"'],
  ...['1', 'true', '10', '"true"'].flatMap((value): [string, string][] => [
    ['7692 7.1.1.1', `${SERVER}=${value}`],
    ['7692 7.1.1.2', `${CLIENT}=${value}`],
  ]),
];

const bad = BAD_PARAMETERS.map(([rfc, ...parameters]) =>
  declined(rfc, `"${offerOf(...parameters)}" is declined`, offerOf(...parameters)),
);

const badAlone = [
  declined('7692 7.1', 'two bad offers are declined', `${offerOf('x_unknown')}, ${offerOf('y')}`),
  declined('7692 7.1', 'bad offers in two lines are declined', offerOf('x'), offerOf('y=1')),
  ...[
    'permessage-deflat',
    'permessage-deflate2',
    'permessage',
    'deflate',
    'permessage_deflate',
  ].map((name) => declined('6455 9.1', `unknown extension "${name}" is ignored`, name)),
];

/** The bad offer first, then one that may be taken, in its line or in one of its own. */
const FALLBACKS = [
  offerOf('x_unknown'),
  offerOf(SERVER, SERVER),
  offerOf('server_max_window_bits=7'),
  offerOf('server_max_window_bits=16'),
  offerOf('server_max_window_bits=08'),
  offerOf('client_max_window_bits=16'),
  offerOf('server_max_window_bits'),
  offerOf(`${SERVER}=1`),
  'x-unknown; server_max_window_bits=10',
];

const fallbacks = FALLBACKS.flatMap((first) => [
  taken('7692 5.1', `"${first}" first, then a good offer`, [
    `${first}, ${offerOf('client_max_window_bits', 'server_max_window_bits=12')}`,
  ]),
  taken('7692 5.1', `"${first}" first, then a good offer in another line`, [
    first,
    offerOf(SERVER, 'client_max_window_bits'),
  ]),
  taken('7692 5.1', `a good offer first, then "${first}"`, [`${USUAL_OFFER}, ${first}`]),
]);

const preference = [
  taken(
    '7692 5.1',
    'of two good offers the first is preferred',
    [`${offerOf(SERVER, CLIENT)}, ${DEFLATE}`],
    ({ server }, ctx) => {
      if (server.takeover) ctx.inform('the second was taken');
    },
  ),
  taken('7692 5.1', 'of three good offers one is taken', [
    `${offerOf(SERVER, 'server_max_window_bits=9')}, ${offerOf(SERVER)}, ${DEFLATE}`,
  ]),
  taken('7692 5.1', 'what is not offered is not mixed in: window of one, context of the other', [
    `${offerOf('server_max_window_bits=10')}, ${offerOf(SERVER)}`,
  ]),
  taken('7692 5.1', 'client_max_window_bits only in the second offer', [
    `${DEFLATE}, ${USUAL_OFFER}`,
  ]),
];

const MALFORMED = [
  '',
  ',',
  ';',
  'permessage-deflate;',
  'permessage-deflate; ',
  'permessage-deflate;;client_max_window_bits',
  'permessage-deflate; =10',
  'permessage-deflate; server_max_window_bits=',
  'permessage-deflate; server_max_window_bits=""',
  'permessage-deflate; server_max_window_bits="10',
  'permessage-deflate; server_max_window_bits=10"',
  'permessage-deflate; server_max_window_bits="10"x',
  'permessage-deflate; server_max_window_bits="1 0"',
  'permessage-deflate; server_max_window_bits=1 0',
  'permessage-deflate; server_max_window_bits==10',
  'permessage-deflate; server_max_window_bits=10=10',
  'permessage-deflate; server_max_window_bits=(10)',
  'permessage-deflate=10',
  '"permessage-deflate"',
  'permessage-deflate client_max_window_bits',
  'permessage deflate',
  'permessage-deflate; client max window bits',
  'permessage-deflate: client_max_window_bits',
  'permessage/deflate',
  'permessage-deflate, x;',
  'x; =, permessage-deflate',
  'permessage-deflate; server_max_window_bits=10\x80',
];

const opens = [
  open('9110 5.6.2', 'the name in other cases', 'Permessage-Deflate'),
  open('9110 5.6.2', 'the name in capitals', 'PERMESSAGE-DEFLATE'),
  open(
    '9110 5.6.2',
    'a parameter in other cases',
    'permessage-deflate; Server_No_Context_Takeover',
  ),
  // RFC 6455 9.1 has RFC 2616's implied white space; RFC 9110 did away with it.
  open('6455 9.1', 'spaces around =', 'permessage-deflate; server_max_window_bits = 10'),
  open('6455 9.1', 'a quoted pair in a value', 'permessage-deflate; server_max_window_bits="1\\0"'),
  open('7692 5.1', '100 offers', Array(100).fill(DEFLATE).join(', ')),
];

/** Limits of a head are the server's; within them, what stands before must not hide the offer. */
const long = [
  taken('7692 5.1', '20 bad offers, then a good one', [
    [...Array<string>(20).fill(offerOf('x_unknown')), DEFLATE].join(', '),
  ]),
  taken('6455 9.1', '20 lines of unknown extensions, then a good offer', [
    ...Array.from({ length: 20 }, (_, i) => `x-${i}; level=${i}`),
    DEFLATE,
  ]),
];

export const deflateOffers = group(32, 'deflate offers', [
  choices,
  windows,
  unasked,
  spelling,
  bad,
  badAlone,
  fallbacks,
  preference,
  MALFORMED.map(malformed),
  opens,
  long,
]);
