// Sec-WebSocket-Extensions, offered and answered → what permessage-deflate will do.
// RFC 6455 9.1 (grammar), RFC 7692 5.1 and 7.1 (offers, parameters, what an answer may say).
import type { Direction } from './deflate.js';

export const EXTENSIONS = 'Sec-WebSocket-Extensions';

/** What most cases offer: the server may choose every parameter. */
export const USUAL_OFFER = 'permessage-deflate; client_max_window_bits';

export const WINDOW_BITS_MAX = 15;

export interface Extension {
  name: string;
  /** Values without their quotes; null for a parameter without one. */
  parameters: [name: string, value: string | null][];
}

/** The parameters of RFC 7692 7.1; null for one that is not there. */
export interface Parameters {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | null;
  /** An offer may name it without a value. */
  clientMaxWindowBits: number | 'any' | null;
}

/** What both sides will do. */
export interface Agreement {
  server: Direction;
  client: Direction;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`^;[\\t ]*(${TOKEN})(?:=(?:(${TOKEN})|"(${TOKEN})"))?[\\t ]*`);
const EMPTY_ELEMENTS = /^[\t ]*(,[\t ]*)*/;
const NAME = new RegExp(`^[\\t ]*(${TOKEN})[\\t ]*`);

/**
 * A header value → extensions. Throws an Error at what is not RFC 6455 9.1. Empty elements are skipped,
 * as RFC 9110 5.6.1.2 wants it.
 */
export function parseExtensions(value: string): Extension[] {
  const extensions: Extension[] = [];
  let rest = value;
  for (;;) {
    rest = rest.replace(EMPTY_ELEMENTS, '');
    if (rest === '' && extensions.length > 0) return extensions;
    const name = NAME.exec(rest);
    if (!name) throw new Error(`${EXTENSIONS}: ${value}`);
    rest = rest.slice(name[0].length);
    const parameters: Extension['parameters'] = [];
    for (let found = PARAMETER.exec(rest); found; found = PARAMETER.exec(rest)) {
      rest = rest.slice(found[0].length);
      parameters.push([found[1], found[2] ?? found[3] ?? null]);
    }
    extensions.push({ name: name[1], parameters });
    if (rest === '') return extensions;
    if (!rest.startsWith(',')) throw new Error(`${EXTENSIONS}: ${value}`);
    rest = rest.slice(1);
  }
}

/** RFC 7692 7.1.2: "a decimal integer value without leading zeroes between 8 to 15 inclusive". */
const BITS = /^([89]|1[0-5])$/;

/**
 * The parameters of an offer or an answer; null when one is unknown, there twice, or has a value
 * that is not its own. RFC 7692 7.1: such an offer is declined, such an answer fails the connection.
 */
export function parametersOf(extension: Extension, isOffer: boolean): Parameters | null {
  const found = new Map(extension.parameters);
  if (extension.name !== 'permessage-deflate' || found.size < extension.parameters.length)
    return null;
  const result: Parameters = {
    serverNoContextTakeover: found.has('server_no_context_takeover'),
    clientNoContextTakeover: found.has('client_no_context_takeover'),
    serverMaxWindowBits: null,
    clientMaxWindowBits: null,
  };
  for (const [name, value] of found) {
    if (name === 'server_no_context_takeover' || name === 'client_no_context_takeover') {
      if (value !== null) return null;
    } else if (name === 'client_max_window_bits' && value === null && isOffer) {
      result.clientMaxWindowBits = 'any';
    } else if (value === null || !BITS.test(value)) return null;
    else if (name === 'server_max_window_bits') result.serverMaxWindowBits = Number(value);
    else if (name === 'client_max_window_bits') result.clientMaxWindowBits = Number(value);
    else return null;
  }
  return result;
}

/** The offers that a server may take, in the client's order of preference. */
export const goodOffers = (values: string[]): Parameters[] =>
  values.flatMap(parseExtensions).flatMap((e) => parametersOf(e, true) ?? []);

/** Why `answer` is none to `offer`, or null. RFC 7692 7.1.1.1, 7.1.2.1, 7.1.2.2. */
export function answerFault(answer: Parameters, offer: Parameters): string | null {
  if (offer.serverNoContextTakeover && !answer.serverNoContextTakeover)
    return 'server_no_context_takeover was asked for';
  const { serverMaxWindowBits, clientMaxWindowBits } = offer;
  if (serverMaxWindowBits && (answer.serverMaxWindowBits ?? Infinity) > serverMaxWindowBits)
    return `server_max_window_bits=${serverMaxWindowBits} was asked for`;
  if (typeof answer.clientMaxWindowBits === 'number') {
    if (clientMaxWindowBits === null) return 'client_max_window_bits was not offered';
    if (clientMaxWindowBits !== 'any' && answer.clientMaxWindowBits > clientMaxWindowBits)
      return `client_max_window_bits=${clientMaxWindowBits} was offered`;
  }
  return null;
}

/** What the values of the answer say to the values offered; null for no extension. Throws an Error. */
export function agreementOf(answered: string[], offered: string[]): Agreement | null {
  if (answered.length === 0) return null;
  const line = `${EXTENSIONS}: ${answered.join(', ')}`;
  const extensions = answered.flatMap(parseExtensions);
  if (extensions.length > 1) throw new Error(`${line}: more than one extension`);
  const answer = parametersOf(extensions[0], false);
  if (!answer) throw new Error(`${line}: not an answer of RFC 7692 7.1`);
  const offers = goodOffers(offered);
  const offer = offers.find((o) => answerFault(answer, o) === null);
  if (!offer)
    throw new Error(
      `${line}: ${offers.length > 0 ? answerFault(answer, offers[0]) : 'there is no good offer'}`,
    );
  const bits = (value: number | 'any' | null): number =>
    typeof value === 'number' ? value : WINDOW_BITS_MAX;
  return {
    server: {
      takeover: !answer.serverNoContextTakeover,
      windowBits: bits(answer.serverMaxWindowBits),
    },
    // RFC 7692 7.1.1.2, 7.1.2.2: what the offer says of the client is a promise.
    client: {
      takeover: !answer.clientNoContextTakeover && !offer.clientNoContextTakeover,
      windowBits: Math.min(bits(answer.clientMaxWindowBits), bits(offer.clientMaxWindowBits)),
    },
  };
}
