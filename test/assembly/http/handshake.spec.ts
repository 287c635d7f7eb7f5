// The accept value, the fields that a host may add. RFC 6455 4.2.2.

import { acceptWrite, headersValid } from '../../../assembly/http/handshake';
import { ascii, HERE, isAscii, THERE } from '../bytes';

function accept(key: string, expected: string): bool {
  ascii(HERE, key);
  return acceptWrite(THERE, HERE) == THERE + 28 && isAscii(THERE, 28, expected);
}

function headers(text: string): bool {
  return headersValid(HERE, ascii(HERE, text));
}

/** tchar, RFC 9110 5.6.2. */
function isToken(byte: u32): bool {
  const letter = (byte | 32) - 97 < 26 && byte < 128;
  return letter || byte - 48 < 10 || "!#$%&'*+-.^_`|~".includes(String.fromCharCode(byte));
}

describe('acceptWrite', () => {
  it('makes the accept values of RFC 6455 1.3 and 4.2.2', () => {
    expect<bool>(accept('dGhlIHNhbXBsZSBub25jZQ==', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')).toBe(true);
    expect<bool>(accept('x3JJHMbDL1EzLkh9GBhXDw==', 'HSmrc0sMlYUkAGmm5OPpG2HaGWk=')).toBe(true);
    expect<bool>(accept('AQIDBAUGBwgJCgsMDQ4PEA==', 'C/0nmHhBztSRGR1CwL6Tf4ZjwpY=')).toBe(true);
  });
});

describe('headersValid', () => {
  it('takes field lines, none too', () => {
    expect<bool>(headers('')).toBe(true);
    expect<bool>(headers('X: y\r\n')).toBe(true);
    expect<bool>(headers('Set-Cookie: a=b; c\r\nX-Two:\r\n')).toBe(true);
    expect<bool>(headers('Sec-Fetch-Mode: x\r\n')).toBe(true);
  });

  it('refuses what would end the head early, or is no field', () => {
    expect<bool>(headers('X: y')).toBe(false);
    expect<bool>(headers('X: y\r\n\r\n')).toBe(false);
    expect<bool>(headers('X: y\n')).toBe(false);
    expect<bool>(headers('X: y\r\nz')).toBe(false);
    expect<bool>(headers('\r\n')).toBe(false);
    expect<bool>(headers('X : y\r\n')).toBe(false);
  });

  it('lets no byte end a line early, wherever it stands', () => {
    // "X-Y: ab" CRLF, of which one byte after the other is replaced by each of the 256.
    let wrong = 0;
    for (let at = 0; at < 9; at++) {
      for (let byte: u32 = 0; byte < 256; byte++) {
        ascii(HERE, 'X-Y: ab\r\n');
        store<u8>(HERE + at, <u8>byte);
        // RFC 9110 5.1 and 5.5: a token; tab, space, visible and what is not ASCII.
        const inName = isToken(byte);
        const inValue = byte == 9 || (byte >= 32 && byte != 127);
        let right = inValue;
        if (at < 3) right = inName || (byte == 58 && at > 0);
        else if (at == 3) right = byte == 58;
        else if (at >= 7) right = byte == (at == 7 ? 13 : 10);
        if (headersValid(HERE, 9) != right) wrong += 1;
      }
    }
    expect<i32>(wrong).toBe(0);
  });

  it('refuses a line that is cut anywhere, and one with more behind it', () => {
    const n = ascii(HERE, 'X-Y: ab\r\nX: y\r\n');
    for (let at: u32 = 1; at < n; at++) expect<bool>(headersValid(HERE, at)).toBe(at == 9);
    for (let byte: u32 = 0; byte < 256; byte++) {
      store<u8>(HERE + n, <u8>byte);
      expect<bool>(headersValid(HERE, n + 1)).toBe(false);
    }
  });

  it('refuses the fields that the core writes, in any case', () => {
    expect<bool>(headers('connection: close\r\n')).toBe(false);
    expect<bool>(headers('UPGRADE: x\r\n')).toBe(false);
    expect<bool>(headers('X: y\r\nContent-length: 1\r\n')).toBe(false);
    expect<bool>(headers('Transfer-Encoding: chunked\r\n')).toBe(false);
    expect<bool>(headers('Sec-WebSocket-Key: x\r\n')).toBe(false);
    expect<bool>(headers('sec-websocket-new: x\r\n')).toBe(false);
  });
});
