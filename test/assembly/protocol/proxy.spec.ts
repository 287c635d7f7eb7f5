// The PROXY protocol header, versions 1 and 2, a byte at a time and in pieces. PROXY 2.1, 2.2.

import { AddressRecord, ErrorCode } from '../../../assembly/abi';
import { PROXY_KEPT, proxyLength, proxyNeed, proxyRead } from '../../../assembly/protocol/proxy';
import { ascii, HERE, hex, isHex, THERE } from '../bytes';

/** Version 2's signature. */
const SIGNATURE = '0d0a0d0a000d0a515549540a';
/** 192.0.2.1:56324 to 192.0.2.2:443; 2001:db8::1 to 2001:db8::2. */
const INET = 'c0000201 c0000202 dc04 01bb';
const INET6 = '20010db8000000000000000000000001 20010db8000000000000000000000002 dc04 01bb';

function told(): AddressRecord {
  return changetype<AddressRecord>(THERE);
}

/**
 * Feeds the `n` bytes at HERE as a host would whose reads bring one byte each: what proxyNeed wants is
 * gathered behind them.
 *
 * @returns what proxyRead says, or proxyNeed before; bytes still missing + 100 for half a header
 */
function feed(n: i32): i32 {
  const block = HERE + 4096;
  let have = 0;
  let need = proxyNeed(block, have);
  while (need > have) {
    if (have == n) return 100 + need - have;
    if (have < <i32>PROXY_KEPT) store<u8>(block + have, load<u8>(HERE + have));
    have += 1;
    need = proxyNeed(block, have);
  }
  if (need < 0) return need;
  last = have;
  return proxyRead(told(), block, have);
}

/** How many bytes the last header had. */
let last: i32 = 0;

function line(text: string): i32 {
  return feed(ascii(HERE, text));
}

/** A header of version 2: what follows the signature, in hex. */
function binary(bytes: string, more: i32 = 0): i32 {
  const n = hex(HERE, SIGNATURE + bytes);
  for (let i = 0; i < more; i++) store<u8>(HERE + n + i, 0xab);
  return feed(n + more);
}

function tells(family: u32, port: u32, bytes: string): bool {
  return told().family == family && told().port == port && isHex(THERE, bytes);
}

function repeat(text: string, n: i32): string {
  let all = '';
  for (let i = 0; i < n; i++) all += text;
  return all;
}

describe('PROXY protocol, version 1', () => {
  it('tells the source of TCP4 and TCP6', () => {
    expect<i32>(line('PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n')).toBe(1);
    expect<bool>(tells(4, 56324, 'c0a80001 00000000 0000000000000000')).toBe(true);
    expect<i32>(last).toBe(47);
    expect<i32>(line('PROXY TCP6 2001:db8::1 ::2 1 65535\r\nGET')).toBe(1);
    expect<bool>(tells(6, 1, '20010db8000000000000000000000001')).toBe(true);
    expect<i32>(last).toBe(36);
    expect<i32>(line('PROXY TCP6 ::ffff:192.0.2.1 ::FFFF:1.2.3.4 0 0\r\n')).toBe(1);
    expect<bool>(tells(6, 0, '00000000000000000000ffffc0000201')).toBe(true);
  });

  it('takes the longest lines of PROXY 2.1', () => {
    expect<i32>(line('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n')).toBe(1);
    expect<i32>(last).toBe(56);
    const most = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
    expect<i32>(line('PROXY TCP6 ' + most + ' ' + most + ' 65535 65535\r\n')).toBe(1);
    expect<i32>(last).toBe(104);
    expect<i32>(line('PROXY UNKNOWN ' + most + ' ' + most + ' 65535 65535\r\n')).toBe(0);
    expect<i32>(last).toBe(107);
  });

  it('takes UNKNOWN with anything behind it, and tells nothing', () => {
    expect<i32>(line('PROXY UNKNOWN\r\n')).toBe(0);
    expect<i32>(last).toBe(15);
    expect<i32>(line('PROXY UNKNOWN \r\n')).toBe(0);
    expect<i32>(line('PROXY UNKNOWN \x00\n\xff\r \r\n')).toBe(0);
    expect<i32>(line('PROXY UNKNOWN' + repeat(' ', 92) + '\r\n')).toBe(0);
    expect<i32>(last).toBe(107);
    expect<i32>(line('PROXY UNKNOWNX\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY unknown\r\n')).toBe(ErrorCode.PROXY);
  });

  it('refuses a line without CRLF in its first 107 bytes', () => {
    expect<i32>(line('PROXY UNKNOWN' + repeat(' ', 93) + '\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY UNKNOWN' + repeat('\n', 94))).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n')).toBe(101);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r')).toBe(101);
  });

  it('refuses other words, families that do not match, and other spaces', () => {
    expect<i32>(line('PROXY\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY \r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXYTCP4 1.2.3.4 1.2.3.4 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY\tTCP4 1.2.3.4 1.2.3.4 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP0 1.2.3.x 1.2.3.x 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP 1.2.3.4 1.2.3.4 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP44 1.2.3.4 1.2.3.4 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 ::1 ::2 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 ::2 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.4 1  2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.4\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4\r\n')).toBe(ErrorCode.PROXY);
  });

  it('refuses malformed addresses and ports of either side', () => {
    expect<i32>(line('PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.256 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP6 ::1 :: : 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP6 ::1:: ::2 1 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.4 1 02\r\n')).toBe(ErrorCode.PROXY);
    expect<i32>(line('PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n')).toBe(ErrorCode.PROXY);
  });
});

describe('PROXY protocol, version 2', () => {
  it('tells the source of AF_INET and AF_INET6, of streams and datagrams', () => {
    expect<i32>(binary('21 11 000c' + INET)).toBe(1);
    expect<bool>(tells(4, 56324, 'c0000201 00000000 0000000000000000')).toBe(true);
    expect<i32>(last).toBe(28);
    expect<i32>(binary('21 12 000c' + INET)).toBe(1);
    expect<i32>(binary('21 21 0024' + INET6)).toBe(1);
    expect<bool>(tells(6, 56324, '20010db8000000000000000000000001')).toBe(true);
    expect<i32>(last).toBe(52);
    expect<i32>(binary('21 22 0024' + INET6)).toBe(1);
  });

  it('passes over TLVs of any length', () => {
    expect<i32>(binary('21 11 0010' + INET + '04 0001 00')).toBe(1);
    expect<i32>(last).toBe(32);
    expect<i32>(binary('21 11 0400' + INET, 1024 - 12)).toBe(1);
    expect<bool>(tells(4, 56324, 'c0000201')).toBe(true);
    expect<i32>(last).toBe(1040);
    expect<i32>(binary('21 21 ffff' + INET6, 65535 - 36)).toBe(1);
    expect<i32>(last).toBe(65551);
  });

  it('takes LOCAL with any family and length, and tells nothing', () => {
    expect<i32>(binary('20 00 0000')).toBe(0);
    expect<i32>(last).toBe(16);
    expect<i32>(binary('20 11 000c' + INET)).toBe(0);
    expect<i32>(binary('20 ff 0003 010203')).toBe(0);
    expect<i32>(binary('20 11 0000')).toBe(0);
  });

  it('takes UNSPEC of family or transport, and tells nothing', () => {
    expect<i32>(binary('21 00 0000')).toBe(0);
    expect<i32>(binary('21 00 0003 010203')).toBe(0);
    expect<i32>(binary('21 01 0000')).toBe(0);
    expect<i32>(binary('21 02 0000')).toBe(0);
    expect<i32>(binary('21 10 000c' + INET)).toBe(0);
    expect<i32>(binary('21 20 0000')).toBe(0);
    expect<i32>(binary('21 30 0000')).toBe(0);
  });

  it('tells that the source of AF_UNIX has no address', () => {
    expect<i32>(binary('21 31 00d8', 216)).toBe(1);
    expect<bool>(tells(0, 0, '00000000000000000000000000000000')).toBe(true);
    expect<i32>(binary('21 32 00d9', 217)).toBe(1);
  });

  it('refuses other versions, commands, families and transports', () => {
    expect<i32>(binary('11 11 000c' + INET)).toBe(ErrorCode.PROXY);
    expect<i32>(binary('31 11 000c' + INET)).toBe(ErrorCode.PROXY);
    expect<i32>(binary('01 11 000c' + INET)).toBe(ErrorCode.PROXY);
    expect<i32>(binary('22 11 000c' + INET)).toBe(ErrorCode.PROXY);
    expect<i32>(binary('2f 11 000c' + INET)).toBe(ErrorCode.PROXY);
    expect<i32>(binary('21 41 000c' + INET)).toBe(ErrorCode.PROXY);
    expect<i32>(binary('21 f1 000c' + INET)).toBe(ErrorCode.PROXY);
    expect<i32>(binary('21 13 000c' + INET)).toBe(ErrorCode.PROXY);
    expect<i32>(binary('21 1f 000c' + INET)).toBe(ErrorCode.PROXY);
    expect<i32>(binary('21 03 0000')).toBe(ErrorCode.PROXY);
  });

  it('refuses an address block that is too short', () => {
    expect<i32>(binary('21 11 000b' + INET)).toBe(ErrorCode.PROXY);
    expect<i32>(binary('21 11 0000')).toBe(ErrorCode.PROXY);
    expect<i32>(binary('21 21 0023' + INET6)).toBe(ErrorCode.PROXY);
    expect<i32>(binary('21 31 00d7', 215)).toBe(ErrorCode.PROXY);
  });

  it('wants all of its length', () => {
    expect<i32>(binary('21 11 000c c0000201')).toBe(108);
    expect<i32>(binary('20 00 0100')).toBe(100 + 256);
    expect<i32>(binary('21 11')).toBe(102);
  });
});

describe('what is no PROXY protocol header', () => {
  it('is told by its first bytes', () => {
    expect<i32>(line('GET / HTTP/1.1\r\n')).toBe(ErrorCode.ABSENT);
    expect<i32>(line('POST / HTTP/1.1\r\n')).toBe(ErrorCode.ABSENT);
    expect<i32>(line('PROPFIND / HTTP/1.1\r\n')).toBe(ErrorCode.ABSENT);
    expect<i32>(line('proxy TCP4')).toBe(ErrorCode.ABSENT);
    expect<i32>(line('\r\n\r\nGET / HTTP/1.1\r\n')).toBe(ErrorCode.ABSENT);
    expect<i32>(line('\nGET / HTTP/1.1\r\n')).toBe(ErrorCode.ABSENT);
    hex(HERE, '0d0a0d0a000d0a515549540b');
    expect<i32>(feed(12)).toBe(ErrorCode.ABSENT);
  });

  it('may be one as long as it agrees', () => {
    expect<i32>(line('')).toBe(101);
    expect<i32>(line('PROX')).toBe(101);
    expect<i32>(line('\r\n\r\n')).toBe(101);
    hex(HERE, SIGNATURE);
    expect<i32>(feed(12)).toBe(101);
    // Its length is the last of 16 bytes.
    hex(HERE, SIGNATURE + '21');
    expect<i32>(feed(13)).toBe(103);
  });
});

describe('the length of a header in front of something else', () => {
  it('is said as soon as it can be', () => {
    const n = <i32>ascii(HERE, 'PROXY UNKNOWN\r\nGET');
    for (let have = 0; have < 15; have++) {
      expect<bool>(proxyLength(HERE, have) > have).toBe(true, have.toString());
    }
    for (let have = 15; have <= n; have++) expect<i32>(proxyLength(HERE, have)).toBe(15);
    const m = <i32>hex(HERE, SIGNATURE + '21 11 000f' + INET + 'abcdef 4745');
    for (let have = 0; have < 13; have++) expect<i32>(proxyLength(HERE, have)).toBe(have + 1);
    for (let have = 13; have < 16; have++) expect<i32>(proxyLength(HERE, have)).toBe(16);
    for (let have = 16; have <= m; have++) expect<i32>(proxyLength(HERE, have)).toBe(31);
  });

  it('is none where none begins, or one that is malformed', () => {
    // A ClientHello. RFC 8446 5.1.
    const n = <i32>hex(HERE, '16 03 01 02 00 01');
    expect<i32>(proxyLength(HERE, 0)).toBe(1);
    for (let have = 1; have <= n; have++) {
      expect<i32>(proxyLength(HERE, have)).toBe(ErrorCode.ABSENT);
    }
    const m = <i32>ascii(HERE, 'PROXY ' + repeat('x', 110));
    expect<i32>(proxyLength(HERE, 106)).toBe(107);
    expect<i32>(proxyLength(HERE, 107)).toBe(ErrorCode.PROXY);
    expect<i32>(proxyLength(HERE, m)).toBe(ErrorCode.PROXY);
    expect<i32>(proxyLength(HERE, hex(HERE, SIGNATURE + '31 11 000c'))).toBe(ErrorCode.PROXY);
  });
});
