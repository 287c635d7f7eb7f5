// The scan for the end of a head, fields and lists. RFC 9112 2 to 5, RFC 9110 5.

import {
  fieldRead,
  listHas,
  listToken,
  Scan,
  scanNext,
  tokenEnd,
} from '../../../assembly/http/head';
import { WEBSOCKET } from '../../../assembly/http/text';
import { fieldRecord } from '../../../assembly/memory';
import { ascii, HERE, isAscii } from '../bytes';

function scan(text: string): i32 {
  let state: i32 = Scan.START;
  for (let i = 0; i < text.length && state < Scan.DONE; i++)
    state = scanNext(state, text.charCodeAt(i));
  return state;
}

function field(line: string): bool {
  const n = ascii(HERE, line);
  return fieldRead(HERE, HERE + n) == HERE + n;
}

function value(text: string): bool {
  return isAscii(fieldRecord().ptr, fieldRecord().len, text);
}

function has(list: string): bool {
  return field('X: ' + list + '\r\n') && listHas(WEBSOCKET);
}

function tokenIs(byte: u32): bool {
  store<u8>(HERE, <u8>byte);
  return tokenEnd(HERE, HERE + 1) == HERE + 1;
}

describe('tokenEnd', () => {
  it('knows the 77 token characters of RFC 9110 5.6.2', () => {
    let count = 0;
    for (let byte: u32 = 0; byte < 256; byte++) if (tokenIs(byte)) count += 1;
    expect<i32>(count).toBe(77);
    const delimiters = '"(),/:;<=>?@[\\]{} \t';
    for (let i = 0; i < delimiters.length; i++) {
      expect<bool>(tokenIs(delimiters.charCodeAt(i))).toBe(false);
    }
    expect<bool>(tokenIs(127)).toBe(false);
  });
});

describe('scanNext', () => {
  it('ends behind CRLF CRLF', () => {
    expect<i32>(scan('GET / HTTP/1.1\r\n\r\n')).toBe(Scan.DONE);
    expect<i32>(scan('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toBe(Scan.DONE);
    expect<i32>(scan('GET / HTTP/1.1\r\nHost: a\r\n\r')).toBe(Scan.LAST_CR);
    expect<i32>(scan('GET / HTTP/1.1\r\nHost: a\r\n')).toBe(Scan.FIELD);
    expect<i32>(scan('GET / HTTP/1.1\r\nHost: \t\x80\xff a\r\n\r\n')).toBe(Scan.DONE);
  });

  it('refuses what no later byte repairs', () => {
    expect<i32>(scan(' GET')).toBe(Scan.BAD);
    expect<i32>(scan('GET / HTTP/1.1\n')).toBe(Scan.BAD);
    expect<i32>(scan('GET / HTTP/1.1\rx')).toBe(Scan.BAD);
    expect<i32>(scan('GET / HTTP/1.1\r\n folded')).toBe(Scan.BAD);
    expect<i32>(scan('GET / HTTP/1.1\r\n: a')).toBe(Scan.BAD);
    expect<i32>(scan('GET / HTTP/1.1\r\n\n')).toBe(Scan.BAD);
    expect<i32>(scan('GET /\x00')).toBe(Scan.BAD);
    expect<i32>(scan('GET /\x7f')).toBe(Scan.BAD);
    expect<i32>(scan('\x16\x03')).toBe(Scan.BAD);
  });
});

describe('fieldRead', () => {
  it('takes name and value, without the spaces around', () => {
    expect<bool>(field('Host: a\r\n')).toBe(true);
    expect<bool>(isAscii(fieldRecord().namePtr, fieldRecord().nameLen, 'Host')).toBe(true);
    expect<bool>(value('a')).toBe(true);
    expect<bool>(field('X:\t a b \t\r\n') && value('a b')).toBe(true);
    expect<bool>(field('X:\r\n') && value('')).toBe(true);
    expect<bool>(field('X:   \r\n') && value('')).toBe(true);
  });

  it('refuses what is no field', () => {
    expect<bool>(field('Host : a\r\n')).toBe(false);
    expect<bool>(field('Host\r\n')).toBe(false);
    expect<bool>(field(': a\r\n')).toBe(false);
    expect<bool>(field('X: a')).toBe(false);
    expect<bool>(field('X: a\r')).toBe(false);
    expect<bool>(field('X: a\n')).toBe(false);
    expect<bool>(field('X: a\x00b\r\n')).toBe(false);
    expect<bool>(field('')).toBe(false);
  });
});

describe('listHas', () => {
  it('finds an element in any case, among empty ones', () => {
    expect<bool>(has('websocket')).toBe(true);
    expect<bool>(has('a, WebSocket')).toBe(true);
    expect<bool>(has(' ,, websocket ,b')).toBe(true);
    expect<bool>(has('\twebsocket\t')).toBe(true);
    expect<bool>(has('')).toBe(false);
    expect<bool>(has('websockets, xwebsocket, web socket, websocket/13')).toBe(false);
  });
});

describe('listToken', () => {
  it('takes tokens one after the other', () => {
    const n = ascii(HERE, 'chat , superchat,mqtt');
    expect<bool>(listToken(HERE, HERE + n) && value('chat')).toBe(true);
    expect<bool>(listToken(fieldRecord().namePtr, HERE + n) && value('superchat')).toBe(true);
    expect<bool>(listToken(fieldRecord().namePtr, HERE + n) && value('mqtt')).toBe(true);
    expect<u32>(fieldRecord().namePtr).toBe(0);
  });

  it('finds none where none stands', () => {
    expect<bool>(listToken(HERE, HERE)).toBe(false);
    expect<bool>(listToken(HERE, HERE + ascii(HERE, 'a b'))).toBe(false);
    expect<bool>(listToken(HERE, HERE + ascii(HERE, '/'))).toBe(false);
  });
});
