// The fields of a head, each by itself: once, doubled, wrong, absent. RFC 6455 4.1 and 4.2.1.

import { Role, State } from '../../../assembly/abi';
import {
  BODY,
  digitsEnd,
  fieldsSee,
  MALFORMED,
  once,
  visible,
} from '../../../assembly/http/fields';
import { Field } from '../../../assembly/http/head';
import {
  ASKED,
  EXPECTED,
  Request,
  REQUEST_BYTES,
  requestClear,
} from '../../../assembly/http/request';
import { sessionFree, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, isAscii } from '../bytes';

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

function request(): Request {
  return changetype<Request>(HERE);
}

/** What is seen in a head with these field lines, which begins at offset `from` of the block at HERE. */
function see(role: Role, from: u32, fields: string): u32 {
  requestClear(HERE, from);
  request().headLength = <u16>ascii(HERE + from, 'first line\r\n' + fields + '\r\n');
  const s = sessionOpen(role, State.HANDSHAKE);
  const seen = fieldsSee(s, HERE);
  sessionFree(s);
  return seen;
}

/** The same of a request. */
function asked(fields: string): u32 {
  return see(Role.SERVER, REQUEST_BYTES, fields);
}

/** The same of the response to a client that asked for the subprotocols `a` and `b`. */
function answered(fields: string): u32 {
  ascii(HERE + EXPECTED, ACCEPT);
  const n = ascii(HERE + ASKED, 'Sec-WebSocket-Protocol: a, b\r\n');
  return see(Role.CLIENT, ASKED + n, fields);
}

function right(field: Field): u32 {
  return 1 << field;
}

function wrong(field: Field): u32 {
  return 0x10001 << field;
}

describe('fieldsSee, of a request', () => {
  it('sees each field that comes once and right', () => {
    expect<u32>(asked('Host: a:80\r\n')).toBe(right(Field.HOST));
    expect<u32>(asked('Upgrade: h2c, WebSocket\r\n')).toBe(right(Field.UPGRADE));
    expect<u32>(asked('Connection: keep-alive, upgrade\r\n')).toBe(right(Field.CONNECTION));
    expect<u32>(asked(KEY)).toBe(right(Field.KEY));
    expect<u32>(asked('sec-websocket-version: 13\r\n')).toBe(right(Field.VERSION));
    expect<u32>(asked('Sec-WebSocket-Protocol: a\r\n')).toBe(right(Field.PROTOCOL));
    expect<u32>(asked('Sec-WebSocket-Extensions: x; y=1\r\n')).toBe(right(Field.EXTENSIONS));
    expect<u32>(asked('Content-Length: 0\r\n')).toBe(right(Field.LENGTH));
    expect<u32>(asked('Content-Length: 10\r\n')).toBe(right(Field.LENGTH) | BODY);
    expect<u32>(asked('Transfer-Encoding: chunked\r\n')).toBe(right(Field.ENCODING) | BODY);
  });

  it('sees nothing in a head without fields, or with those of others', () => {
    expect<u32>(asked('')).toBe(0);
    expect<u32>(asked('Hosts: a\r\nSec-WebSocket-Keys: x\r\nSec-WebSocket-: y\r\n')).toBe(0);
    expect<u32>(asked('Upgrade: h2c\r\nConnection: close\r\n')).toBe(0);
  });

  it('finds wrong what may come once and comes twice', () => {
    expect<u32>(asked('Host: a\r\nX: y\r\nHost: a\r\n')).toBe(wrong(Field.HOST));
    expect<u32>(asked(KEY + KEY)).toBe(wrong(Field.KEY));
    expect<u32>(asked('Content-Length: 0\r\nContent-Length: 0\r\n')).toBe(wrong(Field.LENGTH));
    const version = 'Sec-WebSocket-Version: 13\r\n';
    expect<u32>(asked(version + version)).toBe(wrong(Field.VERSION));
    expect<bool>(once(asked(version + version), Field.VERSION)).toBe(false);
    // Lists may come in several lines. RFC 9110 5.3.
    expect<u32>(asked('Upgrade: websocket\r\nUpgrade: h2c\r\n')).toBe(right(Field.UPGRADE));
    expect<u32>(asked('Connection: x\r\nConnection: Upgrade\r\n')).toBe(right(Field.CONNECTION));
    expect<u32>(asked('Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n')).toBe(
      right(Field.PROTOCOL),
    );
  });

  it('knows a key of 16 bytes in base64', () => {
    expect<u32>(asked('Sec-WebSocket-Key:\r\n')).toBe(wrong(Field.KEY));
    expect<u32>(asked('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===\r\n')).toBe(wrong(Field.KEY));
    expect<u32>(asked('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA=\r\n')).toBe(wrong(Field.KEY));
    expect<u32>(asked('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n')).toBe(wrong(Field.KEY));
    expect<u32>(asked('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ===\r\n')).toBe(wrong(Field.KEY));
    expect<u32>(asked('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub-5jZQ==\r\n')).toBe(wrong(Field.KEY));
    expect<u32>(asked('Sec-WebSocket-Key: +/hlIHNhbXBsZSBub25jZQ==\r\n')).toBe(right(Field.KEY));
    asked('X: y\r\n' + KEY);
    expect<bool>(isAscii(HERE + request().key, 24, 'dGhlIHNhbXBsZSBub25jZQ==')).toBe(true);
  });

  it('knows a version, a length and a list of extensions', () => {
    expect<u32>(asked('Sec-WebSocket-Version: 8\r\n')).toBe(wrong(Field.VERSION));
    expect<u32>(asked('Sec-WebSocket-Version: 31\r\n')).toBe(wrong(Field.VERSION));
    expect<u32>(asked('Sec-WebSocket-Version: 013\r\n')).toBe(wrong(Field.VERSION));
    expect<u32>(asked('Sec-WebSocket-Version: 13, 8\r\n')).toBe(wrong(Field.VERSION));
    expect<u32>(asked('Content-Length:\r\n')).toBe(wrong(Field.LENGTH));
    expect<u32>(asked('Content-Length: -1\r\n')).toBe(wrong(Field.LENGTH) | BODY);
    expect<u32>(asked('Content-Length: 1, 1\r\n')).toBe(wrong(Field.LENGTH) | BODY);
    expect<u32>(asked('Content-Length: 000000000000000000\r\n')).toBe(right(Field.LENGTH));
    expect<u32>(asked('Content-Length: 0000000000000000000\r\n')).toBe(wrong(Field.LENGTH));
    expect<u32>(asked('Sec-WebSocket-Extensions: x;\r\n')).toBe(0x10000 << Field.EXTENSIONS);
    // It says what only a server does.
    expect<u32>(asked('Sec-WebSocket-Accept: ' + ACCEPT + '\r\n')).toBe(wrong(Field.ACCEPT));
  });

  it('takes a host of any byte but those that end an authority: RFC 9110 7.2', () => {
    const delimiters = ' "#,/<>?@\\';
    for (let byte = 33; byte < 127; byte++) {
      const text = String.fromCharCode(byte);
      const seen = asked('Host: a' + text + 'b\r\n');
      expect<bool>(seen == right(Field.HOST)).toBe(!delimiters.includes(text));
    }
    expect<u32>(asked('Host: a\x80b\r\n')).toBe(wrong(Field.HOST));
    expect<u32>(asked('Host: a b\r\n')).toBe(wrong(Field.HOST));
    expect<u32>(asked('Host: \t ab \r\n')).toBe(right(Field.HOST));
    expect<bool>(isAscii(HERE + request().host, request().hostLength, 'ab')).toBe(true);
    // RFC 9112 3.2: it may be empty, which requestRead judges.
    expect<u32>(asked('Host:\r\n')).toBe(right(Field.HOST));
    expect<u32>(request().hostLength).toBe(0);
  });

  it('says nothing else of a head with a line that is no field', () => {
    expect<u32>(asked('Host: a\r\nHost\r\n' + KEY)).toBe(MALFORMED);
    expect<u32>(asked('Host : a\r\n')).toBe(MALFORMED);
  });
});

describe('fieldsSee, of a response', () => {
  it('takes for an upgrade "websocket" and nothing else: RFC 6455 4.1', () => {
    expect<u32>(answered('Upgrade: WebSocket\r\n')).toBe(right(Field.UPGRADE));
    expect<u32>(answered('Upgrade: websocket, h2c\r\n')).toBe(0);
    expect<u32>(answered('Connection: x, Upgrade\r\n')).toBe(right(Field.CONNECTION));
  });

  it('knows the accept value that it waits for', () => {
    const accept = 'Sec-WebSocket-Accept: ' + ACCEPT + '\r\n';
    expect<u32>(answered(accept)).toBe(right(Field.ACCEPT));
    expect<u32>(answered(accept + accept)).toBe(wrong(Field.ACCEPT));
    expect<u32>(answered('Sec-WebSocket-Accept: ' + ACCEPT.toLowerCase() + '\r\n')).toBe(
      wrong(Field.ACCEPT),
    );
    expect<u32>(answered('Sec-WebSocket-Accept: ' + ACCEPT.slice(1) + '\r\n')).toBe(
      wrong(Field.ACCEPT),
    );
  });

  it('takes one of the subprotocols that were asked for', () => {
    expect<u32>(answered('Sec-WebSocket-Protocol: b\r\n')).toBe(right(Field.PROTOCOL));
    expect<bool>(isAscii(HERE + request().protocol, request().protocolLength, 'b')).toBe(true);
    expect<u32>(answered('Sec-WebSocket-Protocol: c\r\n')).toBe(wrong(Field.PROTOCOL));
    expect<u32>(answered('Sec-WebSocket-Protocol: A\r\n')).toBe(wrong(Field.PROTOCOL));
    expect<u32>(answered('Sec-WebSocket-Protocol: a, b\r\n')).toBe(wrong(Field.PROTOCOL));
    expect<u32>(answered('Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n')).toBe(
      wrong(Field.PROTOCOL),
    );
  });
});

describe('once', () => {
  it('is a field that was seen and not found wrong', () => {
    expect<bool>(once(right(Field.ACCEPT), Field.ACCEPT)).toBe(true);
    expect<bool>(once(wrong(Field.ACCEPT), Field.ACCEPT)).toBe(false);
    expect<bool>(once(0x10000 << Field.ACCEPT, Field.ACCEPT)).toBe(false);
    expect<bool>(once(~wrong(Field.HOST), Field.HOST)).toBe(false);
  });
});

describe('visible and digitsEnd', () => {
  it('know their bytes', () => {
    for (let byte: u32 = 0; byte < 256; byte++) {
      ascii(HERE, '0 1');
      store<u8>(HERE + 1, <u8>byte);
      expect<bool>(visible(HERE, 3)).toBe(byte > 32 && byte < 127);
      expect<usize>(digitsEnd(HERE, HERE + 3)).toBe(HERE + (byte - 48 < 10 ? 3 : 1));
    }
    expect<bool>(visible(HERE, 0)).toBe(false);
    expect<usize>(digitsEnd(HERE, HERE)).toBe(HERE);
  });
});
