// What is written, where it ends, and that nothing is written behind that.

import { crlf, decimal, line, statusLine, textCopy } from '../../../assembly/http/write';
import { CLOSE, HTTP_11, PROTOCOL } from '../../../assembly/http/text';
import { ascii, HERE, isAscii, THERE } from '../bytes';

/** Paints where the next call writes to. */
function paint(): usize {
  memory.fill(HERE, 0xa5, 128);
  return HERE;
}

/** Whether this was written from HERE to `end`, and not a byte more. */
function wrote(end: usize, text: string): bool {
  return isAscii(HERE, <u32>(end - HERE), text) && load<u8>(end) == 0xa5;
}

describe('textCopy', () => {
  it('copies a text up to its 0', () => {
    expect<bool>(wrote(textCopy(paint(), CLOSE), 'Connection: close')).toBe(true);
    store<u8>(THERE, 0);
    expect<bool>(wrote(textCopy(paint(), THERE), '')).toBe(true);
  });
});

describe('crlf', () => {
  it('is a carriage return and a line feed', () => {
    expect<bool>(wrote(crlf(paint()), '\r\n')).toBe(true);
  });
});

describe('line', () => {
  it('is a name, as many bytes as were said, and CRLF', () => {
    ascii(THERE, 'chat, superchat');
    expect<bool>(wrote(line(paint(), PROTOCOL, THERE, 4), 'Sec-WebSocket-Protocol: chat\r\n')).toBe(
      true,
    );
    expect<bool>(wrote(line(paint(), PROTOCOL, THERE, 0), 'Sec-WebSocket-Protocol: \r\n')).toBe(
      true,
    );
  });

  it('takes bytes that are 0 for what they are', () => {
    ascii(THERE, 'a\0b');
    expect<bool>(wrote(line(paint(), HTTP_11, THERE, 3), 'HTTP/1.1 a\0b\r\n')).toBe(true);
  });
});

describe('decimal', () => {
  it('has as many digits as the number', () => {
    expect<bool>(wrote(decimal(paint(), 0), '0')).toBe(true);
    expect<bool>(wrote(decimal(paint(), 9), '9')).toBe(true);
    expect<bool>(wrote(decimal(paint(), 10), '10')).toBe(true);
    expect<bool>(wrote(decimal(paint(), 99), '99')).toBe(true);
    expect<bool>(wrote(decimal(paint(), 100), '100')).toBe(true);
    expect<bool>(wrote(decimal(paint(), 1_000_000), '1000000')).toBe(true);
    expect<bool>(wrote(decimal(paint(), 2_147_483_648), '2147483648')).toBe(true);
    expect<bool>(wrote(decimal(paint(), u32.MAX_VALUE), '4294967295')).toBe(true);
  });
});

describe('statusLine', () => {
  it('has no reason, but the space in front of it: RFC 9112 4', () => {
    expect<bool>(wrote(statusLine(paint(), 101), 'HTTP/1.1 101 ')).toBe(true);
    expect<bool>(wrote(statusLine(paint(), 426), 'HTTP/1.1 426 ')).toBe(true);
  });
});
