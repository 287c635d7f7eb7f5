// Text → IP address, in the order of the network. RFC 4291 2.2; what RFC 5952 writes is read, too.
//
//   IPv4   192.0.2.1          four decimal numbers without leading zeros
//   IPv6   2001:db8::1        groups of 1 to 4 hexadecimal digits, in any case; one `::` stands for
//                             one group of zeros or more
//          ::ffff:192.0.2.1   the last two groups as IPv4
//
// An IPv4 address lies in the first 4 of its 16 bytes, zeros behind it. A zone (RFC 4007 11) names an
// interface of the machine that wrote it: no address of a peer has one.

import { AddressRecord } from '../abi';
import { find } from '../http/head';

const DOT: u32 = 46;
const COLON: u32 = 58;
/** `[` and `]`, RFC 3986 3.2.2. */
const OPENING: u32 = 91;
const CLOSING: u32 = 93;

export const PORT_MAX: u32 = 65535;

/** The decimal number from `p` to `end`, without leading zeros and at most `most`; or -1. */
export function decimalRead(p: usize, end: usize, most: u32): i32 {
  // None that is asked for has more than five digits.
  if (end - p - 1 > 4 || (load<u8>(p) == 48 && end - p > 1)) return -1;
  let value: u32 = 0;
  for (; p < end; p++) {
    const digit = <u32>load<u8>(p) - 48;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value > most ? -1 : value;
}

/** The hexadecimal number of 1 to 4 digits from `p` to `end`, or -1. */
function groupRead(p: usize, end: usize): i32 {
  if (end - p - 1 > 3) return -1;
  let value: u32 = 0;
  for (; p < end; p++) {
    const byte: u32 = load<u8>(p);
    let digit = byte - 48;
    if (digit > 9) {
      // 97 = "a"; 32 makes a letter lower-case.
      digit = (byte | 32) - 97 + 10;
      if (digit - 10 > 5) return -1;
    }
    value = (value << 4) | digit;
  }
  return value;
}

function ipv4Read(to: usize, p: usize, end: usize): bool {
  for (let i = 0; i < 4; i++) {
    const dot = i < 3 ? find(p, end, DOT) : end;
    const number = decimalRead(p, dot, 255);
    if (number < 0) return false;
    store<u8>(to + i, <u8>number);
    p = dot + 1;
  }
  return true;
}

/** The 16 bytes at `to` are zeros before. */
function ipv6Read(to: usize, p: usize, end: usize): bool {
  let n = 0;
  // Where `::` stands, in bytes of the address.
  let gap = -1;
  if (end - p >= 2 && load<u16>(p) == 0x3a3a) {
    gap = 0;
    p += 2;
  }
  while (p < end) {
    const colon = find(p, end, COLON);
    const group = groupRead(p, colon);
    if (group < 0) {
      if (colon < end || n > 12 || !ipv4Read(to + n, p, end)) return false;
      n += 4;
      break;
    }
    if (n == 16) return false;
    store<u16>(to + n, bswap<u16>(<u16>group));
    n += 2;
    if (colon == end) break;
    p = colon + 1;
    // A colon stands between two groups, or is half of `::`.
    if (p == end) return false;
    if (load<u8>(p) != COLON) continue;
    if (gap >= 0) return false;
    gap = n;
    p += 1;
  }
  if (gap < 0) return n == 16;
  if (n == 16) return false;
  // What follows `::` moves to the end.
  for (let i = 1; i <= n - gap; i++) {
    store<u8>(to + 16 - i, load<u8>(to + n - i));
    store<u8>(to + n - i, 0);
  }
  return true;
}

/**
 * Reads an address.
 *
 * @param to where its 16 bytes go
 * @param p the text, up to `end`
 * @returns its family, 4 or 6; 0 when it is no address
 */
export function ipRead(to: usize, p: usize, end: usize): i32 {
  ipClear(to);
  if (ipv4Read(to, p, end)) return 4;
  ipClear(to);
  return ipv6Read(to, p, end) ? 6 : 0;
}

function ipClear(to: usize): void {
  store<u64>(to, 0);
  store<u64>(to, 0, 8);
}

/**
 * Reads an address that a port may follow: `192.0.2.1:80`, `[2001:db8::1]:80`, and both without.
 *
 * @param to gets address, family and port, 0 for none
 * @returns false when it is none of these
 */
export function ipPortRead(to: AddressRecord, p: usize, end: usize): bool {
  const bracket = p < end && load<u8>(p) == OPENING;
  let last = end;
  let rest = end;
  if (bracket) {
    p += 1;
    last = find(p, end, CLOSING);
    if (last == end) return false;
    rest = last + 1;
  } else {
    // Of two colons or more none begins a port.
    const colon = find(p, end, COLON);
    if (find(colon + 1, end, COLON) >= end) last = rest = colon;
  }
  const family = ipRead(changetype<usize>(to), p, last);
  if (!family || (bracket && family == 4)) return false;
  let port = 0;
  if (rest < end) {
    port = load<u8>(rest) == COLON ? decimalRead(rest + 1, end, PORT_MAX) : -1;
    if (port < 0) return false;
  }
  to.family = <u8>family;
  to.port = <u16>port;
  return true;
}

/**
 * The family of 16 bytes of IPv6. An address that maps one of IPv4 (RFC 4291 2.5.5.2: `::ffff:0:0/96`) is made
 * that: a peer is the same over a socket of either kind.
 */
export function ipPlain(at: usize): i32 {
  if (load<u64>(at) || load<u32>(at, 8) != 0xffff0000) return 6;
  store<u64>(at, load<u32>(at, 12));
  store<u64>(at, 0, 8);
  return 4;
}
