// Group 26: JSON under every parameter that may be agreed on. RFC 7692 7.1.
// The ground of Autobahn's section 13. What the server sends is decoded in the very window, and with
// or without the very context, that its answer says.
import { group } from '../case.js';
import type { Draft } from '../case.js';
import { JSON_TEXT, messagesOf } from '../corpus.js';
import { sizes } from './deflate-shapes.js';
import { deflatedTalk, exchanges } from './deflated.js';

const TIMEOUT_MS = 10_000;

const NEITHER_CONTEXT = 'server_no_context_takeover; client_no_context_takeover';
const windows = (server: number, client: number): string =>
  `server_max_window_bits=${server}; client_max_window_bits=${client}`;

/** Each line is the parameters of one offer or, in their order of preference, of more. */
const OFFERS: [rfc: string, ...parameters: string[]][] = [
  ['7692 7.1', ''],
  ['7692 7.1.1.1', 'server_no_context_takeover'],
  ['7692 7.1.1.2', 'client_no_context_takeover'],
  ['7692 7.1.1', NEITHER_CONTEXT],
  ['7692 7.1.2.1', 'server_max_window_bits=8'],
  ['7692 7.1.2.1', 'server_max_window_bits=9'],
  ['7692 7.1.2.1', 'server_max_window_bits=15'],
  ['7692 7.1.2.2', 'client_max_window_bits'],
  ['7692 7.1.2.2', 'client_max_window_bits=8'],
  ['7692 7.1.2.2', 'client_max_window_bits=9'],
  ['7692 7.1.2.2', 'client_max_window_bits=15'],
  ['7692 7.1.2', windows(8, 8)],
  ['7692 7.1.2', windows(9, 9)],
  ['7692 7.1.2', windows(15, 15)],
  ['7692 7.1', `${NEITHER_CONTEXT}; ${windows(9, 9)}`],
  ['7692 7.1', `${NEITHER_CONTEXT}; ${windows(15, 15)}`],
  ['7692 7.1', `server_no_context_takeover; ${windows(9, 15)}`],
  ['7692 7.1', `client_no_context_takeover; ${windows(15, 9)}`],
  ['7692 5.1', 'server_no_context_takeover; server_max_window_bits=9', NEITHER_CONTEXT, ''],
];

const offerOf = (parameters: string): string =>
  ['permessage-deflate', parameters].filter(Boolean).join('; ');

const drafts = ([rfc, ...offers]: (typeof OFFERS)[number]): Draft[] =>
  sizes.map(({ size, count, fragment, words }) =>
    deflatedTalk(
      rfc,
      `${offers.map((o) => o || 'no parameter').join(', or ')}: ${words}`,
      (deflated) =>
        exchanges(deflated, JSON_TEXT.opcode, messagesOf(JSON_TEXT, size, count), fragment),
      { offers: [offers.map(offerOf).join(', ')], timeout_ms: TIMEOUT_MS },
    ),
  );

export const deflateParameters = group(26, 'deflate parameters', OFFERS.map(drafts));
