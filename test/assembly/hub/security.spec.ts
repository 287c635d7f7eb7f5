// The lists of origins, subprotocols and tokens: what may be on them, and what they admit. RFC 6454
// 6.2, RFC 6455 10.2, RFC 6750 2. What is refused how: test/vectors/security.md.

import { ErrorCode, EventKind, EventRecord, Option, Role, State } from '../../../assembly/abi';
import {
  digestAdd,
  originAdd,
  protocolAdd,
  protocolMay,
  protocolOffered,
  security,
  securityClear,
  tokenAdd,
} from '../../../assembly/hub/security';
import { EVENT_BYTES, EVENT_ENTRIES, eventRing, fieldRecord } from '../../../assembly/memory';
import { ALLOWED_BYTES, EVENTS, TOKENS } from '../../../assembly/profile';
import { sha256 } from '../../../assembly/protocol/sha256';
import { receive } from '../../../assembly/receive';
import { gone } from '../../../assembly/session/ending';
import { eventsAcknowledge } from '../../../assembly/session/events';
import { optionAddress, Session, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, isAscii, THERE } from '../bytes';

const FIELDS =
  'Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

let s: Session = changetype<Session>(0);

/** Feeds the head of a handshake; returns the kind of the event, or the ErrorCode. */
function judge(target: string, fields: string): i32 {
  s = sessionOpen(Role.SERVER, State.HANDSHAKE);
  const head = 'GET ' + target + ' HTTP/1.1\r\n' + FIELDS + fields + '\r\n';
  receive(s, HERE, ascii(HERE, head));
  let index = eventRing().head - 1;
  let e = changetype<EventRecord>(EVENT_ENTRIES + (index & (EVENTS - 1)) * EVENT_BYTES);
  while (e.kind == EventKind.NONE) {
    index -= 1;
    e = changetype<EventRecord>(EVENT_ENTRIES + (index & (EVENTS - 1)) * EVENT_BYTES);
  }
  return e.kind == EventKind.ERROR ? e.detail : <i32>e.kind;
}

function end(): void {
  gone(s);
  eventsAcknowledge(eventRing().head - eventRing().tail);
}

function admits(target: string, fields: string): bool {
  const answer = judge(target, fields);
  end();
  return answer == EventKind.UPGRADE;
}

function origin(text: string): i32 {
  return originAdd(HERE, ascii(HERE, text));
}

function protocol(text: string): i32 {
  return protocolAdd(HERE, ascii(HERE, text));
}

function token(text: string): i32 {
  return tokenAdd(HERE, ascii(HERE, text));
}

/** Whether a list of one entry admits an origin. */
function only(entry: string, value: string): bool {
  securityClear();
  expect<i32>(origin(entry)).toBe(0);
  const admitted = admits('/', 'Origin: ' + value + '\r\n');
  securityClear();
  return admitted;
}

describe('originAdd', () => {
  it('takes origins as RFC 6454 6.2 writes them, and the words of the list', () => {
    expect<i32>(origin('https://example.com')).toBe(0);
    expect<i32>(origin('http://localhost:8080')).toBe(0);
    expect<i32>(origin('HTTPS://Example.COM')).toBe(0);
    expect<i32>(origin('http://127.0.0.1:3000')).toBe(0);
    expect<i32>(origin('http://[::1]:3000')).toBe(0);
    expect<i32>(origin('http://[::1]')).toBe(0);
    expect<i32>(origin('https://xn--bcher-kva.example')).toBe(0);
    expect<i32>(origin('chrome-extension://abcdefghijklmnop')).toBe(0);
    expect<i32>(origin('file://')).toBe(0);
    expect<i32>(origin('https://*.example.com')).toBe(0);
    expect<i32>(origin('https://*.example.com:8443')).toBe(0);
    expect<i32>(origin('*')).toBe(0);
    expect<i32>(origin('null')).toBe(0);
    expect<i32>(origin('')).toBe(0);
    securityClear();
  });

  it('refuses what no browser says', () => {
    expect<i32>(origin('example.com')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https:/example.com')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https:example.com')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https:')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https:/')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('://example.com')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://example.com/')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://example.com/path')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://user@example.com')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://example.com:')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://example.com:80x')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://example.com https://b')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://b\u00fccher.example')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://example.com\r\n')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('http://[::1')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('http://[')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://*')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://*.')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://*.:80')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://*..example.com')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://*.[::1]')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://*example.com')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://a.*.example.com')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('https://*.*.example.com')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('*://example.com')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('**')).toBe(ErrorCode.VALUE);
    expect<i32>(origin('Null')).toBe(ErrorCode.VALUE);
    expect<i32>(origin(' ')).toBe(ErrorCode.VALUE);
    expect<u32>(security().origins).toBe(0);
  });

  it('takes as many bytes as the list has, and not one more', () => {
    const long = 'http://' + 'a'.repeat(ALLOWED_BYTES / 2 - 9);
    expect<i32>(origin(long)).toBe(0);
    expect<i32>(origin(long + 'a')).toBe(ErrorCode.MEMORY);
    expect<i32>(origin(long)).toBe(0);
    expect<u32>(security().origins).toBe(ALLOWED_BYTES);
    // Even one without text needs its length.
    expect<i32>(origin('')).toBe(ErrorCode.MEMORY);
    expect<bool>(admits('/', 'Origin: ' + long + '\r\n')).toBe(true);
    expect<bool>(admits('/', 'Origin: ' + long + 'a\r\n')).toBe(false);
    expect<bool>(admits('/', '')).toBe(false);
    securityClear();
    expect<i32>(origin('')).toBe(0);
    securityClear();
  });
});

describe('the list of origins', () => {
  it('judges nothing as long as it is empty', () => {
    expect<bool>(admits('/', '')).toBe(true);
    expect<bool>(admits('/', 'Origin: https://anything\r\n')).toBe(true);
    expect<bool>(admits('/', 'Origin: null\r\n')).toBe(true);
  });

  it('admits what is listed, without regard to case, and nothing like it', () => {
    expect<bool>(only('https://example.com', 'https://example.com')).toBe(true);
    expect<bool>(only('https://example.com', 'HTTPS://EXAMPLE.com')).toBe(true);
    expect<bool>(only('HTTPS://Example.com', 'https://example.COM')).toBe(true);
    expect<bool>(only('https://example.com', 'http://example.com')).toBe(false);
    expect<bool>(only('https://example.com', 'https://example.com:443')).toBe(false);
    expect<bool>(only('https://example.com:443', 'https://example.com')).toBe(false);
    expect<bool>(only('https://example.com', 'https://example.com.evil.example')).toBe(false);
    expect<bool>(only('https://example.com', 'https://evil-example.com')).toBe(false);
    expect<bool>(only('https://example.com', 'https://www.example.com')).toBe(false);
    expect<bool>(only('https://example.com', 'https://example.co')).toBe(false);
    expect<bool>(only('https://example.com', 'https://example.com/')).toBe(false);
    expect<bool>(only('https://example.com', 'https://example.com https://example.com')).toBe(
      false,
    );
    expect<bool>(only('https://example.com', 'null')).toBe(false);
    expect<bool>(only('https://example.com', '')).toBe(false);
    expect<bool>(only('http://[::1]:80', 'http://[::1]:80')).toBe(true);
    // `[` and `{` are no letters of two cases.
    expect<bool>(only('http://[::1]:80', 'http://{::1}:80')).toBe(false);
  });

  it('admits all subdomains of a wildcard, and not the domain', () => {
    const wild = 'https://*.example.com';
    expect<bool>(only(wild, 'https://a.example.com')).toBe(true);
    expect<bool>(only(wild, 'https://a.b.c.example.com')).toBe(true);
    expect<bool>(only(wild, 'HTTPS://A.EXAMPLE.COM')).toBe(true);
    expect<bool>(only(wild, 'https://xn--a_b-1.example.com')).toBe(true);
    expect<bool>(only(wild, 'https://example.com')).toBe(false);
    expect<bool>(only(wild, 'https://.example.com')).toBe(false);
    expect<bool>(only(wild, 'https://a..example.com')).toBe(false);
    expect<bool>(only(wild, 'https://..example.com')).toBe(false);
    expect<bool>(only(wild, 'https://a..b.example.com')).toBe(false);
    expect<bool>(only(wild, 'https://*.example.com')).toBe(false);
    expect<bool>(only(wild, 'http://a.example.com')).toBe(false);
    expect<bool>(only(wild, 'https://a.example.com:8443')).toBe(false);
    expect<bool>(only(wild, 'https://a.example.com.evil.example')).toBe(false);
    expect<bool>(only(wild, 'https://evil.example/.example.com')).toBe(false);
    expect<bool>(only(wild, 'https://evil.example:80.example.com')).toBe(false);
    expect<bool>(only(wild, 'https://evil.example#.example.com')).toBe(false);
    expect<bool>(only(wild, 'https://evil.example?.example.com')).toBe(false);
    expect<bool>(only(wild, 'https://u@a.example.com')).toBe(false);
    expect<bool>(only(wild, 'https://a b.example.com')).toBe(false);
    expect<bool>(only(wild + ':8443', 'https://a.example.com:8443')).toBe(true);
    expect<bool>(only(wild + ':8443', 'https://a.example.com')).toBe(false);
    expect<bool>(only(wild + ':8443', 'https://a.example.com:84')).toBe(false);
  });

  it('admits any origin with a star, but neither none nor null', () => {
    expect<bool>(only('*', 'https://example.com')).toBe(true);
    expect<bool>(only('*', 'http://[::1]:80')).toBe(true);
    expect<bool>(only('*', 'file://')).toBe(true);
    expect<bool>(only('*', 'null')).toBe(false);
    expect<bool>(only('*', '*')).toBe(false);
    expect<bool>(only('*', '')).toBe(false);
    expect<bool>(only('*', 'https://a https://b')).toBe(false);
    origin('*');
    expect<bool>(admits('/', '')).toBe(false);
    securityClear();
  });

  it('admits null where it is listed', () => {
    expect<bool>(only('null', 'null')).toBe(true);
    expect<bool>(only('null', 'https://null')).toBe(false);
    expect<bool>(only('null', '')).toBe(false);
  });

  it('admits requests without an Origin by an entry without text, and no empty field', () => {
    origin('');
    expect<bool>(admits('/', '')).toBe(true);
    expect<bool>(admits('/', 'Origin:\r\n')).toBe(false);
    expect<bool>(admits('/', 'Origin: https://a\r\n')).toBe(false);
    expect<bool>(admits('/', 'X-Origin: https://a\r\n')).toBe(true);
    securityClear();
  });

  it('looks at all entries, and refuses two fields', () => {
    origin('https://a');
    origin('https://b');
    origin('');
    expect<bool>(admits('/', 'Origin: https://a\r\n')).toBe(true);
    expect<bool>(admits('/', 'ORIGIN:   https://b  \r\n')).toBe(true);
    expect<bool>(admits('/', '')).toBe(true);
    expect<bool>(admits('/', 'Origin: https://c\r\n')).toBe(false);
    expect<bool>(admits('/', 'Origin: https://a\r\nOrigin: https://a\r\n')).toBe(false);
    expect<bool>(admits('/', 'Origin: https://a\r\nOrigin: https://c\r\n')).toBe(false);
    securityClear();
  });
});

describe('tokenAdd', () => {
  it('takes what RFC 6750 2.1 calls a b64token, and zeroes it', () => {
    expect<i32>(token('Az09-._~+/==')).toBe(0);
    for (let i = 0; i < 12; i++) expect<i32>(load<u8>(HERE + i)).toBe(0);
    expect<i32>(token('a')).toBe(0);
    securityClear();
  });

  it('refuses what no client could send, and zeroes it too', () => {
    expect<i32>(token('')).toBe(ErrorCode.VALUE);
    expect<i32>(token('=')).toBe(ErrorCode.VALUE);
    expect<i32>(token('a=b')).toBe(ErrorCode.VALUE);
    expect<i32>(token('a b')).toBe(ErrorCode.VALUE);
    expect<i32>(token('a\n')).toBe(ErrorCode.VALUE);
    expect<i32>(load<u8>(HERE)).toBe(0);
    expect<i32>(token('a%41')).toBe(ErrorCode.VALUE);
    expect<i32>(token('a,b')).toBe(ErrorCode.VALUE);
    expect<i32>(token('\u00e4')).toBe(ErrorCode.VALUE);
    expect<u32>(security().tokens).toBe(0);
  });

  it('takes as many as the list has room for, and each of them counts', () => {
    for (let i = 0; i < TOKENS; i++) expect<i32>(token('token' + i.toString())).toBe(0);
    expect<i32>(token('one-more')).toBe(ErrorCode.MEMORY);
    expect<i32>(load<u8>(HERE)).toBe(0);
    expect<i32>(digestAdd(HERE)).toBe(ErrorCode.MEMORY);
    expect<bool>(admits('/', 'Authorization: Bearer token0\r\n')).toBe(true);
    const last = 'token' + (TOKENS - 1).toString();
    expect<bool>(admits('/', 'Authorization: Bearer ' + last + '\r\n')).toBe(true);
    expect<bool>(admits('/', 'Authorization: Bearer one-more\r\n')).toBe(false);
    securityClear();
    expect<bool>(admits('/', '')).toBe(true);
  });
});

describe('the list of tokens', () => {
  it('knows a token by its digest', () => {
    memory.copy(THERE, sha256(HERE, ascii(HERE, 'mF_9.B5f-4.1JqM')), 32);
    digestAdd(THERE);
    expect<bool>(admits('/', 'Authorization: Bearer mF_9.B5f-4.1JqM\r\n')).toBe(true);
    expect<bool>(admits('/', 'Authorization: Bearer mF_9.B5f-4.1JqN\r\n')).toBe(false);
    securityClear();
  });

  it('tells digests apart that differ in one bit, whichever it is', () => {
    for (let bit = 0; bit < 256; bit++) {
      memory.copy(THERE, sha256(HERE, ascii(HERE, 'secret')), 32);
      const at = THERE + (bit >> 3);
      store<u8>(at, load<u8>(at) ^ ((<u8>1) << (<u8>(bit & 7))));
      digestAdd(THERE);
    }
    expect<bool>(admits('/', 'Authorization: Bearer secret\r\n')).toBe(false);
    token('secret');
    expect<bool>(admits('/', 'Authorization: Bearer secret\r\n')).toBe(true);
    securityClear();
  });

  it('never admits an empty token, even if its digest is listed', () => {
    memory.copy(THERE, sha256(HERE, 0), 32);
    digestAdd(THERE);
    store<u32>(optionAddress(changetype<Session>(0), Option.TOKEN_SOURCES), 7);
    expect<bool>(admits('/', 'Authorization: Bearer\r\n')).toBe(false);
    expect<bool>(admits('/', 'Authorization: Bearer \r\n')).toBe(false);
    expect<bool>(admits('/?access_token=', '')).toBe(false);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: bearer\r\n')).toBe(false);
    expect<bool>(admits('/', '')).toBe(false);
    store<u32>(optionAddress(changetype<Session>(0), Option.TOKEN_SOURCES), 3);
    securityClear();
  });

  it('reads the field, its scheme in any case', () => {
    token('secret');
    expect<bool>(admits('/', 'authorization: bearer secret\r\n')).toBe(true);
    expect<bool>(admits('/', 'AUTHORIZATION: BEARER   secret \r\n')).toBe(true);
    expect<bool>(admits('/', 'Authorization: Basic secret\r\n')).toBe(false);
    expect<bool>(admits('/', 'Authorization: secret\r\n')).toBe(false);
    expect<bool>(admits('/', 'Authorization: Bearer Secret\r\n')).toBe(false);
    expect<bool>(admits('/', 'Authorization: Bearer secre\r\n')).toBe(false);
    expect<bool>(admits('/', 'Authorization: Bearer secret2\r\n')).toBe(false);
    expect<bool>(admits('/', 'Authorization: Bearer secret, secret\r\n')).toBe(false);
    expect<bool>(admits('/', 'Authorization: Bearersecret\r\n')).toBe(false);
    expect<bool>(admits('/', 'Authorization: Basic YTpi\r\nAuthorization: Bearer secret\r\n')).toBe(
      true,
    );
    expect<bool>(
      admits('/', 'Authorization: Bearer secret\r\nAuthorization: Bearer secret\r\n'),
    ).toBe(false);
    securityClear();
  });

  it('reads the query, percent-encoded or not', () => {
    token('a+b/c==');
    const sources = optionAddress(changetype<Session>(0), Option.TOKEN_SOURCES);
    expect<bool>(admits('/?access_token=a+b/c==', '')).toBe(false);
    store<u32>(sources, 4);
    expect<bool>(admits('/?access_token=a+b/c==', '')).toBe(true);
    expect<bool>(admits('/?access_token=a%2Bb%2fc%3d%3D', '')).toBe(true);
    expect<bool>(admits('/?access_token=%61+b/c==', '')).toBe(true);
    expect<bool>(admits('/p?x=1&access_token=a%2Bb/c==&y', '')).toBe(true);
    expect<bool>(admits('http://a?access_token=a+b/c==', '')).toBe(true);
    expect<bool>(admits('/?&&access_token=a+b/c==&', '')).toBe(true);
    expect<bool>(admits('/?xaccess_token=a+b/c==', '')).toBe(false);
    expect<bool>(admits('/?Access_Token=a+b/c==', '')).toBe(false);
    expect<bool>(admits('/?access_token', '')).toBe(false);
    expect<bool>(admits('/?access_token=a%2Bb/c=%3', '')).toBe(false);
    expect<bool>(admits('/?access_token=a%2Bb/c=%', '')).toBe(false);
    expect<bool>(admits('/?access_token=a%2Bb/c=%3g', '')).toBe(false);
    expect<bool>(admits('/?access_token=a%2Bb/c=%x3', '')).toBe(false);
    expect<bool>(admits('/access_token=a+b/c==', '')).toBe(false);
    expect<bool>(admits('/?access_token=a+b/c==&access_token=a+b/c==', '')).toBe(false);
    expect<bool>(admits('/', 'Authorization: Bearer a+b/c==\r\n')).toBe(false);
    store<u32>(sources, 3);
    securityClear();
  });

  it('reads what stands behind bearer among the subprotocols, over two fields too', () => {
    token('secret');
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: bearer, secret\r\n')).toBe(true);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: chat, bearer, secret, x\r\n')).toBe(true);
    expect<bool>(
      admits('/', 'Sec-WebSocket-Protocol: bearer\r\nSec-WebSocket-Protocol: secret\r\n'),
    ).toBe(true);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: secret, bearer\r\n')).toBe(false);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: bearer, chat, secret\r\n')).toBe(false);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: Bearer, secret\r\n')).toBe(false);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: secret\r\n')).toBe(false);
    const sources = optionAddress(changetype<Session>(0), Option.TOKEN_SOURCES);
    store<u32>(sources, 5);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: bearer, secret\r\n')).toBe(false);
    store<u32>(sources, 0);
    expect<bool>(admits('/', 'Authorization: Bearer secret\r\n')).toBe(false);
    store<u32>(sources, 3);
    securityClear();
  });

  it('refuses a token in two places, right as they are', () => {
    token('secret');
    const both = 'Authorization: Bearer secret\r\nSec-WebSocket-Protocol: bearer, secret\r\n';
    expect<bool>(admits('/', both)).toBe(false);
    const sources = optionAddress(changetype<Session>(0), Option.TOKEN_SOURCES);
    store<u32>(sources, 1);
    expect<bool>(admits('/?access_token=x', both)).toBe(true);
    store<u32>(sources, 5);
    expect<bool>(admits('/?access_token=secret', both)).toBe(false);
    store<u32>(sources, 3);
    securityClear();
  });
});

describe('the list of subprotocols', () => {
  it('takes tokens, as many bytes as it has, and not one more', () => {
    expect<i32>(protocol('chat')).toBe(0);
    expect<i32>(protocol('')).toBe(ErrorCode.VALUE);
    expect<i32>(protocol('a b')).toBe(ErrorCode.VALUE);
    expect<i32>(protocol('a,b')).toBe(ErrorCode.VALUE);
    expect<i32>(protocol('a\r\nX: y')).toBe(ErrorCode.VALUE);
    expect<i32>(protocol('a'.repeat(ALLOWED_BYTES - 6 - 2 + 1))).toBe(ErrorCode.MEMORY);
    expect<i32>(protocol('a'.repeat(ALLOWED_BYTES - 6 - 2))).toBe(0);
    expect<i32>(protocol('a')).toBe(ErrorCode.MEMORY);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: chat\r\n')).toBe(true);
    securityClear();
  });

  it('admits a client that offers one of it, or none at all', () => {
    protocol('chat');
    protocol('mqtt');
    expect<bool>(admits('/', '')).toBe(true);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: chat\r\n')).toBe(true);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: x, mqtt\r\n')).toBe(true);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: x\r\nSec-WebSocket-Protocol: mqtt\r\n')).toBe(
      true,
    );
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: x\r\n')).toBe(false);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: Chat\r\n')).toBe(false);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: chat2, mqt\r\n')).toBe(false);
    expect<bool>(admits('/', 'Sec-WebSocket-Protocol: bearer, chat2\r\n')).toBe(false);
    securityClear();
  });

  it('offers the host no token and nothing that is not listed, also once the lists are empty', () => {
    protocol('mqtt');
    token('secret');
    judge('/', 'Sec-WebSocket-Protocol: x, bearer, secret, mqtt\r\n');
    expect<i32>(protocolOffered(s.block, 0)).toBe(0);
    expect<bool>(isAscii(fieldRecord().ptr, fieldRecord().len, 'mqtt')).toBe(true);
    expect<i32>(protocolOffered(s.block, 1)).toBe(ErrorCode.ABSENT);
    expect<i32>(protocolOffered(s.block, -1)).toBe(ErrorCode.ABSENT);
    expect<bool>(protocolMay(s.block, HERE, ascii(HERE, 'mqtt'))).toBe(true);
    expect<bool>(protocolMay(s.block, HERE, ascii(HERE, 'bearer'))).toBe(true);
    expect<bool>(protocolMay(s.block, HERE, ascii(HERE, 'x'))).toBe(false);
    expect<bool>(protocolMay(s.block, HERE, ascii(HERE, 'secret'))).toBe(false);
    securityClear();
    expect<i32>(protocolOffered(s.block, 0)).toBe(0);
    expect<bool>(isAscii(fieldRecord().ptr, fieldRecord().len, 'x')).toBe(true);
    expect<i32>(protocolOffered(s.block, 1)).toBe(0);
    expect<bool>(isAscii(fieldRecord().ptr, fieldRecord().len, 'mqtt')).toBe(true);
    expect<i32>(protocolOffered(s.block, 2)).toBe(ErrorCode.ABSENT);
    expect<bool>(protocolMay(s.block, HERE, ascii(HERE, 'secret'))).toBe(false);
    end();
  });

  it('takes bearer for a subprotocol like any other as long as no token is asked for', () => {
    judge('/', 'Sec-WebSocket-Protocol: bearer, secret\r\n');
    expect<i32>(protocolOffered(s.block, 1)).toBe(0);
    expect<bool>(isAscii(fieldRecord().ptr, fieldRecord().len, 'secret')).toBe(true);
    end();
  });
});
