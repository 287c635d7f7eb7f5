// Fields and cookies by name, and what is kept of a head. RFC 9110 5.1, RFC 6265 4.2.1.

import { ErrorCode, Part, Role, State } from '../../../assembly/abi';
import { accept } from '../../../assembly/http/handshake';
import {
  cookieFind,
  headerFind,
  keepSet,
  keepSound,
  partTell,
  requestOf,
} from '../../../assembly/http/keep';
import { fieldsEnd, fieldsFrom } from '../../../assembly/http/request';
import { eventRing, fieldRecord, stats } from '../../../assembly/memory';
import { receive } from '../../../assembly/receive';
import { arenaBytes } from '../../../assembly/session/arena';
import { gone } from '../../../assembly/session/ending';
import { eventsAcknowledge } from '../../../assembly/session/events';
import { Session, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, isAscii, THERE } from '../bytes';

const FIRST = 'GET /a?b HTTP/1.1\r\n';
const UPGRADE =
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

let s: Session = changetype<Session>(0);

/** A session that waits for the host's decision. */
function pending(fields: string): void {
  s = sessionOpen(Role.SERVER, State.HANDSHAKE);
  receive(s, HERE, ascii(HERE, FIRST + fields + UPGRADE + '\r\n'));
}

function end(): void {
  gone(s);
  eventsAcknowledge(eventRing().head - eventRing().tail);
}

function keepNames(names: string): i32 {
  return keepSet(THERE, ascii(THERE, names));
}

function header(name: string, value: string): bool {
  const found = headerFind(requestOf(s), THERE, ascii(THERE, name));
  return found && isAscii(fieldRecord().ptr, fieldRecord().len, value);
}

function cookie(name: string, value: string): bool {
  const found = cookieFind(requestOf(s), THERE, ascii(THERE, name));
  return (
    found &&
    isAscii(fieldRecord().ptr, fieldRecord().len, value) &&
    isAscii(fieldRecord().namePtr, fieldRecord().nameLen, name)
  );
}

function noCookie(name: string): bool {
  return !cookieFind(requestOf(s), THERE, ascii(THERE, name));
}

function part(number: i32, value: string): bool {
  return (
    partTell(requestOf(s), number) == 0 &&
    isAscii(fieldRecord().ptr, fieldRecord().len, value) &&
    fieldRecord().namePtr == 0
  );
}

describe('headerFind', () => {
  it('finds the first field of a name, in any case, and no other', () => {
    pending('Host: a\r\nX-Y: 1\r\nx-y: 2\r\nX-Y-Z:\r\n@[: 3\r\n');
    // "@" and "[" are no tokens: there is no request.
    expect<usize>(requestOf(s)).toBe(0);
    end();
    pending('Host: a\r\nX-Y: 1\r\nx-y: 2\r\nX-Y-Z:\r\n^_`: 3\r\n');
    expect<bool>(header('X-Y', '1')).toBe(true);
    expect<bool>(header('x-y', '1')).toBe(true);
    expect<bool>(header('X-y-Z', '')).toBe(true);
    expect<bool>(header('^_`', '3')).toBe(true);
    expect<bool>(headerFind(requestOf(s), THERE, ascii(THERE, 'X-'))).toBe(false);
    expect<bool>(headerFind(requestOf(s), THERE, ascii(THERE, '~_`'))).toBe(false);
    expect<bool>(headerFind(requestOf(s), THERE, 0)).toBe(false);
    end();
  });
});

describe('cookieFind', () => {
  it('finds cookie-pairs over all Cookie fields', () => {
    pending('Cookie: a=1; bb=22;c = 3 ;;d\r\nHost: a\r\nCOOKIE: e=f=g; a=2; h="i j"\r\n');
    expect<bool>(cookie('a', '1')).toBe(true);
    expect<bool>(cookie('bb', '22')).toBe(true);
    expect<bool>(cookie('c', '3')).toBe(true);
    expect<bool>(cookie('e', 'f=g')).toBe(true);
    expect<bool>(cookie('h', '"i j"')).toBe(true);
    expect<bool>(noCookie('d')).toBe(true);
    expect<bool>(noCookie('A')).toBe(true);
    expect<bool>(noCookie('b')).toBe(true);
    expect<bool>(noCookie('e=f')).toBe(true);
    expect<bool>(noCookie('')).toBe(true);
    end();
    pending('Host: a\r\nCookie:\r\nCookie: =\r\nCookies: a=1\r\n');
    expect<bool>(noCookie('a')).toBe(true);
    expect<bool>(noCookie('')).toBe(true);
    end();
  });
});

describe('keepSet', () => {
  it('takes lists of tokens, and nothing', () => {
    expect<i32>(keepNames('X-A')).toBe(0);
    expect<i32>(keepNames('X-A,x-b , *')).toBe(0);
    expect<i32>(keepNames('')).toBe(0);
    expect<i32>(keepNames(',')).toBe(ErrorCode.VALUE);
    expect<i32>(keepNames(' ')).toBe(ErrorCode.VALUE);
    expect<i32>(keepNames('X A')).toBe(ErrorCode.VALUE);
    expect<i32>(keepNames('X:')).toBe(ErrorCode.VALUE);
    expect<i32>(keepNames('a,'.repeat(127) + 'a')).toBe(ErrorCode.MEMORY);
    expect<i32>(keepNames('a,'.repeat(126) + 'a')).toBe(0);
    expect<i32>(keepNames('')).toBe(0);
  });
});

describe('keep', () => {
  it('copies the lines that are wanted, and the parts point into the copy', () => {
    keepNames('X-Keep');
    pending(
      'X-Drop: 1\r\nOrigin: http://o\r\nX-KEEP: 2\r\nSec-WebSocket-Protocol: a, b\r\nHost: h:1\r\n',
    );
    const before = requestOf(s);
    ascii(THERE, 'b');
    expect<i32>(accept(s, THERE, 1, 0, 0)).toBe(0);
    const block = requestOf(s);
    expect<bool>(block != 0 && block != before).toBe(true);
    expect<bool>(part(Part.METHOD, 'GET')).toBe(true);
    expect<bool>(part(Part.PATH, '/a')).toBe(true);
    expect<bool>(part(Part.QUERY, 'b')).toBe(true);
    expect<bool>(part(Part.HOST, 'h:1')).toBe(true);
    expect<bool>(part(Part.ORIGIN, 'http://o')).toBe(true);
    expect<bool>(part(Part.PROTOCOL, 'b')).toBe(true);
    const lines = 'Origin: http://o\r\nX-KEEP: 2\r\nHost: h:1\r\n';
    expect<bool>(part(Part.HEAD, FIRST + lines + '\r\n')).toBe(true);
    const from = fieldsFrom(block);
    expect<bool>(isAscii(from, <u32>(fieldsEnd(block) - from), lines)).toBe(true);
    expect<i32>(partTell(block, Part.PROTOCOL + 1)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(partTell(block, -1)).toBe(ErrorCode.ARGUMENT);
    expect<bool>(keepSound(arenaBytes(block))).toBe(true);
    end();
    expect<bool>(keepSound(0)).toBe(true);
    expect<u32>(stats().arenaUsed).toBe(0);
    keepNames('');
  });

  it('keeps nothing when nothing is named, and tells of no parts that there are not', () => {
    pending('Host: h\r\n');
    expect<i32>(partTell(requestOf(s), Part.ORIGIN)).toBe(ErrorCode.ABSENT);
    expect<i32>(partTell(requestOf(s), Part.PROTOCOL)).toBe(ErrorCode.ABSENT);
    expect<bool>(part(Part.HOST, 'h')).toBe(true);
    expect<i32>(accept(s, 0, 0, 0, 0)).toBe(0);
    expect<usize>(requestOf(s)).toBe(0);
    end();
    expect<u32>(stats().arenaUsed).toBe(0);
  });
});
