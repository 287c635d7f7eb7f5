// Lists of extensions → terms, terms → field lines, and what sessions make of them. RFC 6455 9.1,
// RFC 7692 7.1.

import { Option, Role, State, Takeover } from '../../../assembly/abi';
import { WINDOW_MAX, windowHeld, windowsRelease } from '../../../assembly/deflate/windows';
import {
  answerTake,
  attachTake,
  attachValid,
  EXTENSIONS_MAX,
  extensionsRead,
  offerTerms,
  termsMake,
  termsWrite,
} from '../../../assembly/http/extensions';
import { fieldRead } from '../../../assembly/http/head';
import { Request, requestClear } from '../../../assembly/http/request';
import {
  optionAddress,
  optionDefault,
  Session,
  sessionFree,
  sessionOpen,
} from '../../../assembly/session/session';
import { ascii, HERE, isAscii, THERE } from '../bytes';

const NULL = changetype<Session>(0);

function request(): Request {
  return changetype<Request>(THERE);
}

/** Reads a field's value; further ones add to the same request. */
function read(list: string, client: bool): bool {
  const n = ascii(HERE, 'X: ' + list + '\r\n');
  return fieldRead(HERE, HERE + n) == HERE + n && extensionsRead(request(), client);
}

function valid(list: string): bool {
  requestClear(THERE, 0);
  return read(list, false);
}

/** The terms that a server finds in a list. */
function offered(list: string): u32 {
  return valid(list) ? request().terms : u32.MAX_VALUE;
}

/** Whether a list, written again, is this. */
function rewritten(list: string, expected: string): bool {
  const line = 'Sec-WebSocket-Extensions: permessage-deflate' + expected + '\r\n';
  const end = termsWrite(HERE, offered(list));
  return isAscii(HERE, <u32>(end - HERE), line);
}

function set(option: Option, value: u32): void {
  store<u32>(optionAddress(NULL, option), value);
}

const ALL =
  '; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15; client_max_window_bits=15';

describe('extensionsRead', () => {
  it('takes the forms of RFC 6455 9.1', () => {
    expect<bool>(valid('a')).toBe(true);
    expect<bool>(valid('permessage-deflate; client_max_window_bits')).toBe(true);
    expect<bool>(valid('foo, bar; baz=2')).toBe(true);
    expect<bool>(valid('a; b="c"; d = e , f')).toBe(true);
    expect<bool>(valid(', a,, b ,')).toBe(true);
  });

  it('refuses all others', () => {
    expect<bool>(valid('')).toBe(false);
    expect<bool>(valid('a;')).toBe(false);
    expect<bool>(valid('a; =b')).toBe(false);
    expect<bool>(valid('a; b=')).toBe(false);
    expect<bool>(valid('a; b="c')).toBe(false);
    expect<bool>(valid('a; b="c d"')).toBe(false);
    expect<bool>(valid('a b')).toBe(false);
    expect<bool>(valid('a; b="c"d')).toBe(false);
    expect<bool>(valid('a/b')).toBe(false);
    expect<bool>(valid('a=b')).toBe(false);
    expect<bool>(valid('a; b=c=d')).toBe(false);
  });

  it('finds no terms where none can be taken', () => {
    expect<u32>(offered('foo')).toBe(0);
    expect<u32>(offered('permessage-deflate; foo')).toBe(0);
    expect<u32>(offered('permessage-deflate; server_max_window_bits=7')).toBe(0);
    expect<u32>(offered('permessage-deflate; server_max_window_bits=16')).toBe(0);
    expect<u32>(offered('permessage-deflate; server_max_window_bits=1.')).toBe(0);
    expect<u32>(offered('permessage-deflate; client_max_window_bits; client_max_window_bits')).toBe(
      0,
    );
  });

  it('keeps the first that can be taken, over several fields', () => {
    expect<bool>(valid('foo, permessage-deflate; foo')).toBe(true);
    expect<u32>(request().terms).toBe(0);
    expect<bool>(read('permessage-deflate; client_max_window_bits=9', false)).toBe(true);
    const first = request().terms;
    expect<bool>(read('permessage-deflate', false)).toBe(true);
    expect<u32>(request().terms).toBe(first);
    expect<bool>(first == offered('permessage-deflate')).toBe(false);
  });

  it('takes one for an answer, and nothing beside it', () => {
    requestClear(THERE, 0);
    expect<bool>(read('foo', true)).toBe(false);
    expect<bool>(read('permessage-deflate; foo', true)).toBe(false);
    expect<bool>(read('permessage-deflate', true)).toBe(true);
    expect<bool>(read('permessage-deflate', true)).toBe(false);
  });
});

describe('termsWrite', () => {
  it('writes what was read', () => {
    expect<bool>(rewritten('permessage-deflate', '')).toBe(true);
    expect<bool>(rewritten('permessage-deflate' + ALL, ALL)).toBe(true);
    const bits = '; client_max_window_bits; server_max_window_bits=8';
    const sorted = '; server_max_window_bits=8; client_max_window_bits';
    expect<bool>(rewritten('permessage-deflate' + bits, sorted)).toBe(true);
  });

  it('writes no more than is reserved for it', () => {
    expect<u32>(<u32>(termsWrite(HERE, offered('permessage-deflate' + ALL)) - HERE)).toBe(
      EXTENSIONS_MAX,
    );
  });
});

describe('termsMake and answerTake', () => {
  it('agree on the same, whatever each side is set to', () => {
    const server = sessionOpen(Role.SERVER, State.PENDING);
    const client = sessionOpen(Role.CLIENT, State.HANDSHAKE);
    const profile = optionDefault(Option.DEFLATE_WINDOW);
    set(Option.DEFLATE, 1);
    let wrong = 0;
    let runs = 0;
    for (let setting = 0; setting < 0x10000; setting++) {
      settings(setting & 0xff);
      const offer = offerTerms(client);
      const clientKeeps = optionDefault(Option.DEFLATE_TAKEOVER);
      settings(setting >> 8);
      const answer = termsMake(server, offer);
      if (!answer || !answerTake(client, offer, answer)) wrong += 1;
      // Each side is within what it set for each direction.
      if ((server.deflateOut & 15) > optionDefault(Option.DEFLATE_WINDOW)) wrong += 1;
      if (!within(server, optionDefault(Option.DEFLATE_TAKEOVER))) wrong += 1;
      if (!within(client, clientKeeps)) wrong += 1;
      // What one sends, the other can read: no larger window, and no context that is not kept.
      if (!reads(client.deflateIn, server.deflateOut)) wrong += 1;
      if (!reads(server.deflateIn, client.deflateOut)) wrong += 1;
      if (!keeps(server.deflateIn, server.windowIn)) wrong += 1;
      if (!keeps(client.deflateIn, client.windowIn)) wrong += 1;
      windowsRelease(server);
      windowsRelease(client);
      runs += 1;
    }
    expect<i32>(wrong).toBe(0);
    expect<i32>(runs).toBe(0x10000);
    set(Option.DEFLATE, 0);
    expect<u32>(offerTerms(client)).toBe(0);
    expect<u32>(termsMake(server, offered('permessage-deflate'))).toBe(0);
    set(Option.DEFLATE_WINDOW, profile);
    set(Option.DEFLATE_WINDOW_IN, 0);
    set(Option.DEFLATE_TAKEOVER, Takeover.OUT | Takeover.IN);
    sessionFree(server);
    sessionFree(client);
  });
});

/** Eight bits: windows of 2^8 to 2^15 for what goes out; none of its own, 2^8 … or 2^14 for what comes; contexts. */
function settings(bits: i32): void {
  const comes = (bits >> 3) & 7;
  set(Option.DEFLATE_WINDOW, 8 + (bits & 7));
  set(Option.DEFLATE_WINDOW_IN, comes ? 7 + comes : 0);
  set(Option.DEFLATE_TAKEOVER, bits >> 6);
}

/** Whether a session keeps no context but of the directions that it may. */
function within(s: Session, keeps: u32): bool {
  if (s.windowOut && !(keeps & Takeover.OUT)) return false;
  return !s.windowIn || (keeps & Takeover.IN) != 0;
}

/** What a server answers to an offer of everything. */
function answered(window: u32, windowIn: u32, keeps: u32): u32 {
  const s = sessionOpen(Role.SERVER, State.PENDING);
  set(Option.DEFLATE, 1);
  set(Option.DEFLATE_WINDOW, window);
  set(Option.DEFLATE_WINDOW_IN, windowIn);
  set(Option.DEFLATE_TAKEOVER, keeps);
  const answer = termsMake(s, offered('permessage-deflate; client_max_window_bits'));
  windowsRelease(s);
  sessionFree(s);
  set(Option.DEFLATE, 0);
  set(Option.DEFLATE_WINDOW_IN, 0);
  set(Option.DEFLATE_TAKEOVER, Takeover.OUT | Takeover.IN);
  return answer;
}

describe('termsMake of a server', () => {
  it('has a window and a context for each direction', () => {
    const profile = optionDefault(Option.DEFLATE_WINDOW);
    const name = 'permessage-deflate';
    const both = name + '; server_max_window_bits=9; client_max_window_bits=9';
    expect<u32>(answered(9, 0, 3)).toBe(offered(both));
    const apart = name + '; server_max_window_bits=9; client_max_window_bits=8';
    expect<u32>(answered(9, 8, 3)).toBe(offered(apart));
    const comes = name + '; client_max_window_bits=10';
    expect<u32>(answered(15, 10, 3)).toBe(offered(comes));
    const out = name + '; client_no_context_takeover; client_max_window_bits=8';
    expect<u32>(answered(15, 8, Takeover.OUT)).toBe(offered(out));
    const inner = name + '; server_no_context_takeover; client_max_window_bits=8';
    expect<u32>(answered(15, 8, Takeover.IN)).toBe(offered(inner));
    set(Option.DEFLATE_WINDOW, profile);
  });
});

/** Whether what one side may do is within what the other one undoes. */
function reads(comes: u32, goes: u32): bool {
  return (goes & 15) >= 8 && (goes & 15) <= (comes & 15) && (goes & 16) <= (comes & 16);
}

/** Whether a context that comes has a window that it fits into. */
function keeps(comes: u32, window: u32): bool {
  if (!(comes & 16)) return window == 0;
  return window != 0 && windowHeld(window) == 0 && (<u32>1) << (comes & 15) <= WINDOW_MAX;
}

describe('attachValid', () => {
  it('takes none, or window bits for both directions', () => {
    expect<bool>(attachValid(0)).toBe(true);
    expect<bool>(attachValid(0x0f0f)).toBe(true);
    expect<bool>(attachValid(0x1f18)).toBe(true);
    let count = 0;
    for (let deflate: u32 = 0; deflate < 0x20000; deflate++) if (attachValid(deflate)) count += 1;
    // Bits 8 to 15 each; a context that comes is kept up to 2^11 bytes.
    expect<i32>(count).toBe(1 + 16 * (8 + 4));
    expect<bool>(attachValid(-1)).toBe(false);
  });
});

describe('attachTake', () => {
  it('takes a window for each context', () => {
    const s = sessionOpen(Role.SERVER, State.OPEN);
    expect<bool>(attachTake(s, 0x0c19)).toBe(true);
    expect<bool>(s.windowIn != 0 && s.windowOut == 0).toBe(true);
    expect<u32>(s.deflateIn).toBe(0x19);
    expect<u32>(s.deflateOut).toBe(0x0c);
    windowsRelease(s);
    sessionFree(s);
  });
});
