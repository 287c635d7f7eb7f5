// Text → IP address: RFC 4291 2.2, the forms of RFC 5952, and what is no address.

import { AddressRecord } from '../../../assembly/abi';
import { decimalRead, ipPlain, ipPortRead, ipRead } from '../../../assembly/protocol/ip';
import { ascii, HERE, hex, isHex, THERE } from '../bytes';

/** Whether a text is an address of this family and these bytes. */
function reads(text: string, family: i32, bytes: string): bool {
  // What lay there before does not count.
  for (let i = 0; i < 16; i++) store<u8>(THERE + i, 0xee);
  const end = HERE + ascii(HERE, text);
  // Nor does what follows.
  ascii(end, '1:f.');
  return ipRead(THERE, HERE, end) == family && isHex(THERE, bytes);
}

function refuses(text: string): bool {
  return ipRead(THERE, HERE, HERE + ascii(HERE, text)) == 0;
}

function ipv4(text: string, bytes: string): bool {
  return reads(text, 4, bytes + ' 0000 0000 0000 0000 0000 0000');
}

function ipv6(text: string, bytes: string): bool {
  return reads(text, 6, bytes);
}

function record(): AddressRecord {
  return changetype<AddressRecord>(THERE);
}

/** Whether a text is an address with this port; its last 4 bytes say which address. */
function withPort(text: string, family: u32, port: u32, bytes: string): bool {
  if (!ipPortRead(record(), HERE, HERE + ascii(HERE, text))) return false;
  return record().family == family && record().port == port && isHex(THERE, bytes);
}

function noPort(text: string): bool {
  return !ipPortRead(record(), HERE, HERE + ascii(HERE, text));
}

function decimal(text: string, most: u32): i32 {
  return decimalRead(HERE, HERE + ascii(HERE, text), most);
}

describe('ipRead: IPv4', () => {
  it('reads four numbers', () => {
    expect<bool>(ipv4('192.0.2.1', 'c0 00 02 01')).toBe(true);
    expect<bool>(ipv4('0.0.0.0', '00 00 00 00')).toBe(true);
    expect<bool>(ipv4('255.255.255.255', 'ff ff ff ff')).toBe(true);
    expect<bool>(ipv4('1.20.255.9', '01 14 ff 09')).toBe(true);
  });

  it('refuses another number of numbers', () => {
    expect<bool>(refuses('')).toBe(true);
    expect<bool>(refuses('1')).toBe(true);
    expect<bool>(refuses('1.2')).toBe(true);
    expect<bool>(refuses('1.2.3')).toBe(true);
    expect<bool>(refuses('1.2.3.4.5')).toBe(true);
    expect<bool>(refuses('1.2.3.')).toBe(true);
    expect<bool>(refuses('.1.2.3')).toBe(true);
    expect<bool>(refuses('1..2.3')).toBe(true);
    expect<bool>(refuses('1.2.3.4.')).toBe(true);
    expect<bool>(refuses('...')).toBe(true);
    expect<bool>(refuses('3221225985')).toBe(true);
  });

  it('refuses numbers that are too large, or of another form', () => {
    expect<bool>(refuses('256.0.0.1')).toBe(true);
    expect<bool>(refuses('1.2.3.256')).toBe(true);
    expect<bool>(refuses('1.2.3.65537')).toBe(true);
    expect<bool>(refuses('1.2.3.4294967297')).toBe(true);
    expect<bool>(refuses('01.2.3.4')).toBe(true);
    expect<bool>(refuses('1.2.3.00')).toBe(true);
    expect<bool>(refuses('1.2.3.004')).toBe(true);
    expect<bool>(refuses('0x1.2.3.4')).toBe(true);
    expect<bool>(refuses('1.2.3.a')).toBe(true);
    expect<bool>(refuses('-1.2.3.4')).toBe(true);
    expect<bool>(refuses('+1.2.3.4')).toBe(true);
    expect<bool>(refuses(' 1.2.3.4')).toBe(true);
    expect<bool>(refuses('1.2.3.4 ')).toBe(true);
    expect<bool>(refuses('1.2.3.4/32')).toBe(true);
    expect<bool>(refuses('1.2.3.4:80')).toBe(true);
  });
});

describe('ipRead: IPv6', () => {
  it('reads the examples of RFC 4291 2.2', () => {
    expect<bool>(
      ipv6('ABCD:EF01:2345:6789:ABCD:EF01:2345:6789', 'abcdef0123456789abcdef0123456789'),
    ).toBe(true);
    expect<bool>(ipv6('2001:DB8:0:0:8:800:200C:417A', '20010db80000000000080800200c417a')).toBe(
      true,
    );
    expect<bool>(ipv6('2001:DB8::8:800:200C:417A', '20010db80000000000080800200c417a')).toBe(true);
    expect<bool>(ipv6('FF01::101', 'ff010000000000000000000000000101')).toBe(true);
    expect<bool>(ipv6('::1', '00000000000000000000000000000001')).toBe(true);
    expect<bool>(ipv6('::', '00000000000000000000000000000000')).toBe(true);
    expect<bool>(ipv6('0:0:0:0:0:0:13.1.68.3', '0000000000000000000000000d014403')).toBe(true);
    expect<bool>(ipv6('0:0:0:0:0:FFFF:129.144.52.38', '00000000000000000000ffff81903426')).toBe(
      true,
    );
    expect<bool>(ipv6('::13.1.68.3', '0000000000000000000000000d014403')).toBe(true);
    expect<bool>(ipv6('::FFFF:129.144.52.38', '00000000000000000000ffff81903426')).toBe(true);
  });

  it('reads what RFC 5952 writes, and the forms that it found in use', () => {
    expect<bool>(ipv6('2001:db8::1', '20010db8000000000000000000000001')).toBe(true);
    expect<bool>(ipv6('2001:db8:0:0:1:0:0:1', '20010db8000000000001000000000001')).toBe(true);
    expect<bool>(
      ipv6('2001:0db8:0000:0000:0001:0000:0000:0001', '20010db8000000000001000000000001'),
    ).toBe(true);
    expect<bool>(ipv6('2001:db8::1:0:0:1', '20010db8000000000001000000000001')).toBe(true);
    expect<bool>(ipv6('2001:db8:0:0:1::1', '20010db8000000000001000000000001')).toBe(true);
    expect<bool>(ipv6('2001:db8:aaaa:bbbb:cccc:dddd::1', '20010db8aaaabbbbccccdddd00000001')).toBe(
      true,
    );
    expect<bool>(ipv6('64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221')).toBe(true);
  });

  it('lets `::` stand anywhere, for one group or more', () => {
    expect<bool>(ipv6('1::', '00010000000000000000000000000000')).toBe(true);
    expect<bool>(ipv6('1:2:3:4:5:6:7::', '00010002000300040005000600070000')).toBe(true);
    expect<bool>(ipv6('::2:3:4:5:6:7:8', '00000002000300040005000600070008')).toBe(true);
    expect<bool>(ipv6('1:2:3::5:6:7:8', '00010002000300000005000600070008')).toBe(true);
    expect<bool>(ipv6('1:2::7:8', '00010002000000000000000000070008')).toBe(true);
    expect<bool>(ipv6('1::8', '00010000000000000000000000000008')).toBe(true);
    expect<bool>(ipv6('1:2:3:4:5::1.2.3.4', '00010002000300040005000001020304')).toBe(true);
    expect<bool>(ipv6('1:2:3:4:5:6:1.2.3.4', '00010002000300040005000601020304')).toBe(true);
  });

  it('refuses too many groups and too few', () => {
    expect<bool>(refuses(':')).toBe(true);
    expect<bool>(refuses('1:2:3:4:5:6:7')).toBe(true);
    expect<bool>(refuses('1:2:3:4:5:6:7:8:9')).toBe(true);
    expect<bool>(refuses('1:2:3:4:5:6:7:8::')).toBe(true);
    expect<bool>(refuses('::1:2:3:4:5:6:7:8')).toBe(true);
    expect<bool>(refuses('1:2:3:4::5:6:7:8')).toBe(true);
    expect<bool>(refuses('1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:0:1:2')).toBe(true);
    expect<bool>(refuses('1:2:3:4:5:6:7:1.2.3.4')).toBe(true);
    expect<bool>(refuses('1:2:3:4:5:6::1.2.3.4')).toBe(true);
    expect<bool>(refuses('1:2:3:4:5:1.2.3.4')).toBe(true);
    expect<bool>(refuses('abcd')).toBe(true);
  });

  it('refuses colons that stand alone, and more than one `::`', () => {
    expect<bool>(refuses(':1:2:3:4:5:6:7:8')).toBe(true);
    expect<bool>(refuses('1:2:3:4:5:6:7:8:')).toBe(true);
    expect<bool>(refuses(':1')).toBe(true);
    expect<bool>(refuses('1:')).toBe(true);
    expect<bool>(refuses(':::')).toBe(true);
    expect<bool>(refuses('1:::2')).toBe(true);
    expect<bool>(refuses(':::1')).toBe(true);
    expect<bool>(refuses('1:::')).toBe(true);
    expect<bool>(refuses('::1:')).toBe(true);
    expect<bool>(refuses(':1::')).toBe(true);
    expect<bool>(refuses('1::2::3')).toBe(true);
    expect<bool>(refuses('::1::')).toBe(true);
    expect<bool>(refuses('::::')).toBe(true);
  });

  it('refuses groups of another form', () => {
    expect<bool>(refuses('12345::')).toBe(true);
    expect<bool>(refuses('00001::')).toBe(true);
    expect<bool>(refuses('::g')).toBe(true);
    expect<bool>(refuses('::G')).toBe(true);
    expect<bool>(refuses('::/')).toBe(true);
    expect<bool>(refuses('::@')).toBe(true);
    expect<bool>(refuses('::`')).toBe(true);
    expect<bool>(refuses('::1 ')).toBe(true);
    expect<bool>(refuses(' ::1')).toBe(true);
    expect<bool>(refuses('::-1')).toBe(true);
    expect<bool>(refuses('::0x1')).toBe(true);
    expect<bool>(refuses('fe80::1%eth0')).toBe(true);
    expect<bool>(refuses('2001:db8::/32')).toBe(true);
    expect<bool>(refuses('[::1]')).toBe(true);
    // 0x11 | 0x20 is the digit 1: a control byte is none.
    hex(HERE, '3a3a11');
    expect<i32>(ipRead(THERE, HERE, HERE + 3)).toBe(0);
  });

  it('refuses IPv4 that is malformed, or not at the end', () => {
    expect<bool>(refuses('::1.2.3')).toBe(true);
    expect<bool>(refuses('::1.2.3.4.5')).toBe(true);
    expect<bool>(refuses('::1.2.3.256')).toBe(true);
    expect<bool>(refuses('::01.2.3.4')).toBe(true);
    expect<bool>(refuses('::1.2.3.4:5')).toBe(true);
    expect<bool>(refuses('1.2.3.4::')).toBe(true);
    expect<bool>(refuses('::1.2.3.4::')).toBe(true);
    expect<bool>(refuses('::.1.2.3')).toBe(true);
  });
});

describe('decimalRead', () => {
  it('reads ports as PROXY 2.1 has them: 0 to 65535 without leading zeros', () => {
    expect<i32>(decimal('0', 65535)).toBe(0);
    expect<i32>(decimal('80', 65535)).toBe(80);
    expect<i32>(decimal('65535', 65535)).toBe(65535);
    expect<i32>(decimal('65536', 65535)).toBe(-1);
    expect<i32>(decimal('99999', 65535)).toBe(-1);
    expect<i32>(decimal('100000', 65535)).toBe(-1);
    expect<i32>(decimal('4294967376', 65535)).toBe(-1);
    expect<i32>(decimal('', 65535)).toBe(-1);
    expect<i32>(decimal('00', 65535)).toBe(-1);
    expect<i32>(decimal('080', 65535)).toBe(-1);
    expect<i32>(decimal('8o', 65535)).toBe(-1);
    expect<i32>(decimal('-1', 65535)).toBe(-1);
    expect<i32>(decimal('+1', 65535)).toBe(-1);
    expect<i32>(decimal('8 ', 65535)).toBe(-1);
    expect<i32>(decimalRead(HERE + 1, HERE, 65535)).toBe(-1);
  });
});

describe('ipPortRead', () => {
  it('reads an address with a port or without', () => {
    expect<bool>(withPort('1.2.3.4', 4, 0, '01020304')).toBe(true);
    expect<bool>(withPort('1.2.3.4:5678', 4, 5678, '01020304')).toBe(true);
    expect<bool>(withPort('1.2.3.4:0', 4, 0, '01020304')).toBe(true);
    expect<bool>(withPort('2001:db8::1', 6, 0, '20010db8')).toBe(true);
    expect<bool>(withPort('[2001:db8::1]', 6, 0, '20010db8')).toBe(true);
    expect<bool>(withPort('[2001:db8::1]:443', 6, 443, '20010db8')).toBe(true);
    expect<bool>(withPort('[::ffff:1.2.3.4]:443', 6, 443, '00000000')).toBe(true);
    expect<bool>(withPort('::', 6, 0, '00000000')).toBe(true);
  });

  it('refuses what is malformed', () => {
    expect<bool>(noPort('')).toBe(true);
    expect<bool>(noPort('unknown')).toBe(true);
    expect<bool>(noPort('_hidden')).toBe(true);
    expect<bool>(noPort('"1.2.3.4"')).toBe(true);
    expect<bool>(noPort('1.2.3.4:')).toBe(true);
    expect<bool>(noPort('1.2.3.4:x')).toBe(true);
    expect<bool>(noPort('1.2.3.4:65536')).toBe(true);
    expect<bool>(noPort('1.2.3.4:080')).toBe(true);
    expect<bool>(noPort('1.2.3.4:80:80')).toBe(true);
    expect<bool>(noPort(':80')).toBe(true);
    expect<bool>(noPort('[')).toBe(true);
    expect<bool>(noPort('[]')).toBe(true);
    expect<bool>(noPort('[]:80')).toBe(true);
    expect<bool>(noPort('[::1')).toBe(true);
    expect<bool>(noPort('::1]')).toBe(true);
    expect<bool>(noPort('[::1]80')).toBe(true);
    expect<bool>(noPort('[::1]:')).toBe(true);
    expect<bool>(noPort('[::1]:65536')).toBe(true);
    expect<bool>(noPort('[::1]]:80')).toBe(true);
    expect<bool>(noPort('[[::1]]:80')).toBe(true);
    expect<bool>(noPort('[1.2.3.4]')).toBe(true);
    expect<bool>(noPort('[1.2.3.4]:80')).toBe(true);
    expect<bool>(noPort('fe80:80')).toBe(true);
  });
});

describe('ipPlain', () => {
  it('makes an address that maps IPv4 one of IPv4, and no other', () => {
    hex(HERE, '00000000000000000000ffff c0000201');
    expect<i32>(ipPlain(HERE)).toBe(4);
    expect<bool>(isHex(HERE, 'c0000201 0000000000000000 00000000')).toBe(true);
    hex(HERE, '00000000000000000000fffe c0000201');
    expect<i32>(ipPlain(HERE)).toBe(6);
    hex(HERE, '00000000000000010000ffff c0000201');
    expect<i32>(ipPlain(HERE)).toBe(6);
    hex(HERE, '00000000000000000001ffff c0000201');
    expect<i32>(ipPlain(HERE)).toBe(6);
    // RFC 4291 2.5.5.1, IPv4-compatible: deprecated, and not the same.
    hex(HERE, '000000000000000000000000 c0000201');
    expect<i32>(ipPlain(HERE)).toBe(6);
  });
});
