// base64Write against RFC 4648 10.

import { base64Write } from '../../../assembly/protocol/base64';
import { ascii, HERE, hex, isAscii, THERE } from '../bytes';

function writes(text: string, expected: string): bool {
  const n = ascii(HERE, text);
  const end = base64Write(THERE, HERE, n);
  return isAscii(THERE, <u32>(end - THERE), expected);
}

describe('base64Write', () => {
  it('writes the vectors of RFC 4648 10', () => {
    expect<bool>(writes('', '')).toBe(true);
    expect<bool>(writes('f', 'Zg==')).toBe(true);
    expect<bool>(writes('fo', 'Zm8=')).toBe(true);
    expect<bool>(writes('foo', 'Zm9v')).toBe(true);
    expect<bool>(writes('foob', 'Zm9vYg==')).toBe(true);
    expect<bool>(writes('fooba', 'Zm9vYmE=')).toBe(true);
    expect<bool>(writes('foobar', 'Zm9vYmFy')).toBe(true);
  });

  it('writes all 64 characters', () => {
    hex(
      HERE,
      '00108310518720928b30d38f41149351559761969b71d79f8218a39259a7a29aabb2dbafc31cb3d35db7e39ebbf3dfbf',
    );
    base64Write(THERE, HERE, 48);
    expect<bool>(
      isAscii(THERE, 64, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'),
    ).toBe(true);
  });

  it('writes the accept value of RFC 6455 1.3', () => {
    hex(HERE, 'b37a4f2cc0624f1690f64606cf385945b2bec4ea');
    base64Write(THERE, HERE, 20);
    expect<bool>(isAscii(THERE, 28, 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')).toBe(true);
  });
});
