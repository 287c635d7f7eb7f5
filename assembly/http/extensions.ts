// Sec-WebSocket-Extensions ↔ the terms of permessage-deflate, and from the terms what a session
// does in each direction. RFC 6455 9.1, RFC 7692 5 and 7.1.
//
//   terms     31..28  27..24  23 ... 6  5   4   3   2   1   0
//             client  server            a bit for each Term that is there
//             bits    bits              bit 0: the offer cannot be taken
//
//   server    request ─ extensionsRead ─► offer ─ termsMake ─► answer ─ termsWrite ─► 101
//   client    offerTerms ─► offer ─ termsWrite ─► request; 101 ─ extensionsRead ─► answer ─ answerTake

import { Delivery, Option, Role, Takeover } from '../abi';
import { REACH_BITS_MAX } from '../deflate/incoming';
import {
  DEFLATE_BITS,
  DEFLATE_TAKEOVER,
  windowInRelease,
  windowOutRelease,
  windowsRelease,
  windowTake,
} from '../deflate/windows';
import { fieldRecord } from '../memory';
import { CLIENT, DEFLATE, DEFLATE_WINDOW_BITS, TAKEOVER_BITS } from '../profile';
import { optionDefault, Session } from '../session/session';
import { COMMA, find, SEMICOLON, skipEmpty, skipSpace, textNumber, tokenEnd } from './head';
import { Request } from './request';
import * as text from './text';
import { crlf, decimal, textCopy } from './write';

/** The words of an offer, in the order of text.DEFLATE_NAMES. */
const enum Term {
  /** None of them: RFC 7692 7.1: "The negotiation offer contains an extension parameter not defined". */
  UNKNOWN = 0,
  /** permessage-deflate */
  NAME = 1,
  SERVER_NO_CONTEXT_TAKEOVER = 2,
  CLIENT_NO_CONTEXT_TAKEOVER = 3,
  SERVER_MAX_WINDOW_BITS = 4,
  CLIENT_MAX_WINDOW_BITS = 5,
}

/** The terms of what cannot be taken. */
const DECLINED: u32 = 1 << Term.UNKNOWN;
const SERVER_NO_CONTEXT: u32 = 1 << Term.SERVER_NO_CONTEXT_TAKEOVER;
const CLIENT_NO_CONTEXT: u32 = 1 << Term.CLIENT_NO_CONTEXT_TAKEOVER;
const SERVER_BITS: u32 = 1 << Term.SERVER_MAX_WINDOW_BITS;
const CLIENT_BITS: u32 = 1 << Term.CLIENT_MAX_WINDOW_BITS;
const SERVER_BITS_VALUE: u32 = 0xf << (8 + (Term.SERVER_MAX_WINDOW_BITS << 2));

/** The window bits that hold where none are named. RFC 7692 7.1.2. */
const BITS_MAX: u32 = 15;

/** The most bytes of the field line: 26 + 18 + 2 * 28 + 2 * 27 + 2. */
export const EXTENSIONS_MAX: u32 = DEFLATE ? 156 : 0;

/** The value of a term, 0 = it has none. */
function valueOf(terms: u32, term: Term): u32 {
  return (terms >> (8 + (term << 2))) & 15;
}

/** The window bits that terms allow. */
function bitsOf(terms: u32, term: Term): u32 {
  const bits = valueOf(terms, term);
  return bits ? bits : BITS_MAX;
}

/** Terms with one of window bits more. */
function withBits(terms: u32, term: Term, bits: u32): u32 {
  return terms | (1 << term) | (bits << (8 + (term << 2)));
}

/** RFC 7692 7.1.2.1: "a decimal integer value without leading zeroes between 8 to 15"; else 0. */
function windowBits(p: usize, n: u32): u32 {
  let bits: u32 = load<u8>(p + n - 1) - 48;
  if (bits > 9) return 0;
  if (n == 2 && load<u8>(p) == 49) bits += 10;
  else if (n != 1) return 0;
  return bits >> 3 == 1 ? bits : 0;
}

/** Terms and one word more, its value `n` bytes at `p`; `n` 0 for none. RFC 7692 7.1. */
function termAdd(terms: u32, term: Term, p: usize, n: u32): u32 {
  if (!terms) return term == Term.NAME ? 1 << Term.NAME : DECLINED;
  const bits = n ? windowBits(p, n) : 0;
  const right = n
    ? bits && term >= Term.SERVER_MAX_WINDOW_BITS
    : term != Term.SERVER_MAX_WINDOW_BITS;
  return right && !((terms >> term) & 1) ? withBits(terms, term, bits) : DECLINED;
}

/**
 * Reads the FieldRecord's value, a list of extensions, and notes the terms of the first
 * permessage-deflate that can be taken. RFC 7692 5: the order "specifies the client's preference".
 *
 * @param r gets the terms
 * @param client whether it is an answer: one extension, and nothing that cannot be taken
 * @returns false when it breaks RFC 6455 9.1, or the client has to fail
 */
export function extensionsRead(r: Request, client: bool): bool {
  let p: usize = fieldRecord().ptr;
  const end = p + fieldRecord().len;
  p = skipEmpty(p, end);
  let terms: u32 = 0;
  let inner = false;
  // 1#( token *( ";" token [ "=" ( token / quoted-string ) ] ) )
  while (true) {
    let last = tokenEnd(p, end);
    if (last == p) return false;
    const term: Term = DEFLATE ? textNumber(p, <u32>(last - p), text.DEFLATE_NAMES) : 0;
    let value = last;
    p = skipSpace(last, end);
    if (inner && p < end && load<u8>(p) == 61) {
      p = skipSpace(p + 1, end);
      const quoted = p < end && load<u8>(p) == 34;
      // RFC 6455 9.1: what is quoted "MUST conform to the 'token' ABNF".
      p += usize(quoted);
      value = p;
      last = tokenEnd(p, end);
      if (last == p || (quoted && (last == end || load<u8>(last) != 34))) return false;
      p = skipSpace(last + usize(quoted), end);
    }
    if (DEFLATE) terms = termAdd(terms, term, value, <u32>(last - value));
    const next: u32 = p < end ? load<u8>(p) : COMMA;
    inner = next != COMMA;
    if (inner) {
      // Behind ";" a parameter must follow.
      if (next != SEMICOLON) return false;
      p = skipSpace(p + 1, end);
      continue;
    }
    if (DEFLATE) {
      const taken = !(terms & DECLINED) && !r.terms;
      if (taken) r.terms = terms;
      else if (client) return false;
      terms = 0;
    }
    p = skipEmpty(p, end);
    if (p == end) return true;
  }
}

/** Writes the field line that says terms. */
export function termsWrite(to: usize, terms: u32): usize {
  to = textCopy(to, text.EXTENSIONS);
  let name = text.DEFLATE_NAMES;
  for (let term = <u32>Term.NAME + 1; term <= <u32>Term.CLIENT_MAX_WINDOW_BITS; term++) {
    name = find(name, usize.MAX_VALUE, 0) + 1;
    if (!((terms >> term) & 1)) continue;
    store<u16>(to, 0x203b);
    to = textCopy(to + 2, name);
    const bits = valueOf(terms, term);
    if (!bits) continue;
    store<u8>(to, 61);
    to = decimal(to + 1, bits);
  }
  return crlf(to);
}

/** Says what a session does in each direction: the context is kept where there is a window for it. */
function agree(s: Session, bitsIn: u32, bitsOut: u32): void {
  s.deflateIn = <u8>(bitsIn | (s.windowIn ? DEFLATE_TAKEOVER : 0));
  s.deflateOut = <u8>(bitsOut | (s.windowOut ? DEFLATE_TAKEOVER : 0));
}

/**
 * Server: the client's offer → the terms of the answer, and what the session does from then on. Client:
 * what any server may be asked for → the terms to offer. Windows are taken at once; for want of them
 * nothing is refused: the context that cannot be kept is renounced.
 *
 * @param offer what extensionsRead noted
 * @returns 0 when permessage-deflate is off or was not offered
 */
export function termsMake(s: Session, offer: u32): u32 {
  if (!offer || !optionDefault(Option.DEFLATE)) return 0;
  const client = u32(CLIENT && s.role == Role.CLIENT);
  const noneOut = SERVER_NO_CONTEXT << client;
  const noneIn = CLIENT_NO_CONTEXT >> client;
  const termOut: Term = Term.SERVER_MAX_WINDOW_BITS + client;
  const termIn: Term = Term.CLIENT_MAX_WINDOW_BITS - client;
  const bounds = (offer >> termIn) & 1;
  // What is told in pieces has to keep all that a distance may reach: without a bound, 32 KiB.
  if (REACH_BITS_MAX < BITS_MAX && !client && !bounds && s.delivery != Delivery.WHOLE) return 0;
  const keeps = optionDefault(Option.DEFLATE_TAKEOVER);
  if (keeps & Takeover.OUT && !(offer & noneOut)) s.windowOut = <u16>windowTake();
  // The peer's context is kept when 2^TAKEOVER_BITS bytes are all that its distances can reach.
  const fits = bounds || TAKEOVER_BITS == BITS_MAX;
  if (keeps & Takeover.IN && !(offer & noneIn) && fits) s.windowIn = <u16>windowTake();
  let terms: u32 = 1 << Term.NAME;
  // RFC 7692 7.1.1.1 and 7.1.1.2: either side may say either, whether it was offered or not.
  if (!s.windowOut) terms |= noneOut;
  if (!s.windowIn) terms |= noneIn;
  const most = optionDefault(Option.DEFLATE_WINDOW);
  const bitsOut = min(bitsOf(offer, termOut), min<u32>(most, DEFLATE_WINDOW_BITS));
  // RFC 7692 7.1.2.1: a server may name its window unasked.
  if ((offer >> termOut) & 1 || bitsOut < BITS_MAX) terms = withBits(terms, termOut, bitsOut);
  let bitsIn = BITS_MAX;
  if (bounds) {
    const held: u32 = s.windowIn ? TAKEOVER_BITS : REACH_BITS_MAX;
    const mostIn = optionDefault(Option.DEFLATE_WINDOW_IN);
    bitsIn = min(bitsOf(offer, termIn), min(mostIn ? mostIn : most, held));
    if (bitsIn < BITS_MAX) terms = withBits(terms, termIn, bitsIn);
  }
  if (!client) agree(s, bitsIn, bitsOut);
  return terms;
}

/** Client: the terms of the offer, 0 when permessage-deflate is off. */
export function offerTerms(s: Session): u32 {
  const terms = termsMake(s, (1 << Term.NAME) | SERVER_BITS);
  return terms ? terms | CLIENT_BITS : 0;
}

/**
 * Client: the terms of a second offer, for servers that cannot bound their window: where the first one
 * asks for a bound only to keep the context, this one renounces the context. RFC 7692 5: an offer "with
 * fallback". 0 when there is none.
 */
export function fallbackTerms(s: Session, offer: u32): u32 {
  const wanted = optionDefault(Option.DEFLATE_WINDOW_IN);
  const most = wanted ? wanted : optionDefault(Option.DEFLATE_WINDOW);
  const bound = <u32>TAKEOVER_BITS < BITS_MAX && REACH_BITS_MAX == BITS_MAX && most == BITS_MAX;
  if (!bound || !s.windowIn) return 0;
  return (offer & ~(SERVER_BITS | SERVER_BITS_VALUE)) | SERVER_NO_CONTEXT;
}

/**
 * Client: the server's answer → what the session does from then on.
 *
 * @param offer what offerTerms returned
 * @param answer what extensionsRead noted, 0 when nothing was agreed on
 * @returns false when the answer is none to this offer. RFC 7692 7.1: the client MUST fail
 */
export function answerTake(s: Session, offer: u32, answer: u32): bool {
  if (!answer) {
    windowsRelease(s);
    return true;
  }
  // What says that no context is kept answers the second offer, if there was one.
  if (answer & SERVER_NO_CONTEXT) {
    const fallback = fallbackTerms(s, offer);
    if (fallback) offer = fallback;
  }
  const bits = valueOf(answer, Term.CLIENT_MAX_WINDOW_BITS);
  const bitsMax = bitsOf(offer, Term.CLIENT_MAX_WINDOW_BITS);
  if (
    !offer ||
    // RFC 7692 7.1.1.1, 7.1.2.1: a server accepts "by including" what was asked for. Where it keeps
    // no context, its window needs no bound.
    (!(answer & SERVER_NO_CONTEXT) && offer & ~answer & (SERVER_NO_CONTEXT | SERVER_BITS)) ||
    // RFC 7692 7.1.2.1: "with the same or smaller value as the offer"; in an answer there is one.
    valueOf(answer, Term.SERVER_MAX_WINDOW_BITS) > bitsOf(offer, Term.SERVER_MAX_WINDOW_BITS) ||
    (answer & CLIENT_BITS && bits - 1 >= bitsMax)
  ) {
    return false;
  }
  if (answer & SERVER_NO_CONTEXT) windowInRelease(s);
  if (answer & CLIENT_NO_CONTEXT) windowOutRelease(s);
  agree(s, bitsOf(answer, Term.SERVER_MAX_WINDOW_BITS), bits ? bits : bitsMax);
  return true;
}

/** Whether limpet_attach may be told this of a connection: its `deflate`. */
export function attachValid(deflate: u32): bool {
  if (!DEFLATE || !deflate) return !deflate;
  // Of each direction bits of 8 to 15, DEFLATE_TAKEOVER or not, and no other bit.
  const low = deflate & 0x1f;
  return (deflate & ~0x1717) == 0x0808 && low <= (DEFLATE_TAKEOVER | TAKEOVER_BITS);
}

/** What limpet_attach was told → what the session does; false when no window is left for the peer's context. */
export function attachTake(s: Session, deflate: u32): bool {
  const bitsOut = deflate >> 8;
  if (deflate & DEFLATE_TAKEOVER) {
    s.windowIn = <u16>windowTake();
    if (!s.windowIn) return false;
  }
  // To keep the context of what is sent is a permission.
  if (bitsOut & DEFLATE_TAKEOVER) s.windowOut = <u16>windowTake();
  agree(s, deflate & DEFLATE_BITS, min<u32>(bitsOut & DEFLATE_BITS, DEFLATE_WINDOW_BITS));
  return true;
}
