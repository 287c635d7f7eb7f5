// Bytes in front of a stream → whom a proxy speaks for. "The PROXY protocol, Versions 1 & 2"
// (HAProxy, 2020/03/05), 2.1 and 2.2.
//
//   version 1   "PROXY" SP "TCP4" or "TCP6" SP source SP destination SP port SP port CRLF
//               "PROXY" SP "UNKNOWN" and anything CRLF
//   version 2    0  signature           12 bytes
//               12  version, command    4 bits each: 2; LOCAL or PROXY
//               13  family, transport   4 bits each
//               14  length              2 bytes: of what follows
//               16  source, destination, their ports, and TLVs, which are passed over
//
// The stream may be cut anywhere: proxyNeed says how many bytes have to be there before it can say
// more, and when the header is whole. PROXY 2.1: "The receiver must wait for the CRLF sequence before
// starting to decode the addresses".

import { AddressRecord, ErrorCode, PROXY_LINE_MAX } from '../abi';
import { find } from '../http/head';
import { networkOrder } from './frame';
import { decimalRead, ipRead, PORT_MAX } from './ip';

const CR: u32 = 13;
const SPACE: u32 = 32;

/** The most bytes of a header that have to be kept: what follows the ports in version 2 may go. */
export const PROXY_KEPT: u32 = PROXY_LINE_MAX;

/** "PROXY", and the 12 bytes that begin version 2, little-endian. */
const SIGNATURE_1: u64 = 0x5958_4f52_50;
const SIGNATURE_2: u64 = 0x510a_0d00_0a0d_0a0d;
const SIGNATURE_2_REST: u64 = 0x0a54_4955;
const LENGTH_1: i32 = 5;
const LENGTH_2: i32 = 12;

/** "TCP" and a digit, "UNKNOWN", little-endian. */
const TCP: u32 = 0x0050_4354;
const UNKNOWN: u64 = 0x004e_574f_4e4b_4e55;

/** Version 2: bytes before the addresses. */
const FIXED: i32 = 16;
/** The byte of version and command: version 2, LOCAL or PROXY. */
const LOCAL: u32 = 0x20;
const PROXY: u32 = 0x21;
/** Families. */
const INET: u32 = 1;
const INET6: u32 = 2;
const UNIX: u32 = 3;
/** The last transport: DGRAM. */
const TRANSPORT_MAX: u32 = 2;

/**
 * How many bytes of a header have to be there.
 *
 * @param p its first `have` bytes, or the first PROXY_KEPT of them
 * @param have 0 at first; then at most as many as this function said, one after the other up to the
 *   signature's end
 * @returns more than `have` while more has to come, `have` when the header is whole;
 *   ErrorCode.ABSENT when no header begins so, ErrorCode.PROXY when it is malformed
 */
export function proxyNeed(p: usize, have: i32): i32 {
  if (!have) return 1;
  const second = load<u8>(p) == CR;
  const length = second ? LENGTH_2 : LENGTH_1;
  if (have <= length) {
    // The bytes before this one were compared when they were the last.
    const i: u64 = have - 1;
    const words = second ? (i < 8 ? SIGNATURE_2 : SIGNATURE_2_REST) : SIGNATURE_1;
    if (load<u8>(p + <usize>i) != <u8>(words >> ((i & 7) << 3))) return ErrorCode.ABSENT;
    return have + 1;
  }
  if (second) return have < FIXED ? FIXED : needSecond(p);
  if (load<u16>(p + have - 2) == 0x0a0d) return have;
  // PROXY 2.1: "If the CRLF sequence is not found in the first 107 characters, the receiver should
  // declare the line invalid."
  return have < PROXY_LINE_MAX ? have + 1 : ErrorCode.PROXY;
}

/**
 * How long the header is with which bytes begin.
 *
 * @param p the first `have` bytes, or the first PROXY_KEPT of them
 * @returns more than `have` when so many have to be there before it can be said; the header's length
 *   when it is whole, at most `have`; ErrorCode.ABSENT or ErrorCode.PROXY as proxyNeed
 */
export function proxyLength(p: usize, have: i32): i32 {
  let seen = 0;
  let need = proxyNeed(p, seen);
  while (need > seen && need <= have) {
    seen = need;
    need = proxyNeed(p, seen);
  }
  return need;
}

/** The length of a header of version 2 whose first FIXED bytes are there, or ErrorCode.PROXY. PROXY 2.2. */
function needSecond(p: usize): i32 {
  const command: u32 = load<u8>(p, 12);
  const length = <u32>networkOrder(p + 14, 2);
  // "Receivers must drop connections presenting unexpected values here."
  if (command != LOCAL && command != PROXY) return ErrorCode.PROXY;
  // LOCAL: "discard the protocol block including the family which is ignored".
  if (command == PROXY) {
    const family: u32 = load<u8>(p, 13);
    // "Other values are unspecified and must not be emitted ... and must be rejected".
    if (family >> 4 > UNIX || (family & 15) > TRANSPORT_MAX) return ErrorCode.PROXY;
    if (length < addressBytes(familyOf(family))) return ErrorCode.PROXY;
  }
  return FIXED + length;
}

/** The family of an address block; 0 when family or transport is UNSPEC: "should ignore address information". */
function familyOf(byte: u32): u32 {
  return byte & 15 ? byte >> 4 : 0;
}

/** Bytes of the addresses and ports of a family. */
function addressBytes(family: u32): u32 {
  if (family == INET) return 12;
  if (family == INET6) return 36;
  return family == UNIX ? 216 : 0;
}

/**
 * Reads a header that is whole.
 *
 * @param to gets the source: address, port and family, which is 0 for a Unix socket
 * @param p its first bytes, PROXY_KEPT at the most
 * @param n how many it has
 * @returns 1 when it tells an address; 0 when the connection's own counts (LOCAL, UNKNOWN, UNSPEC);
 *   or ErrorCode.PROXY
 */
export function proxyRead(to: AddressRecord, p: usize, n: u32): i32 {
  if (load<u8>(p) != CR) return readFirst(to, p, p + n - 2);
  const family = familyOf(load<u8>(p, 13));
  if (load<u8>(p, 12) == LOCAL || !family) return 0;
  let from = p + FIXED;
  to.ip0 = to.ip8 = 0;
  to.port = 0;
  to.family = 0;
  if (family == INET) {
    to.ip0 = load<u32>(from);
    to.port = bswap<u16>(load<u16>(from, 8));
    to.family = 4;
  } else if (family == INET6) {
    to.ip0 = load<u64>(from);
    to.ip8 = load<u64>(from, 8);
    to.port = bswap<u16>(load<u16>(from, 32));
    to.family = 6;
  }
  return 1;
}

/** Reads a line of version 1 that lies at `p`; its CRLF is at `end`. PROXY 2.1. */
function readFirst(to: AddressRecord, p: usize, end: usize): i32 {
  const word = p + LENGTH_1 + 1;
  if (load<u8>(word - 1) != SPACE) return ErrorCode.PROXY;
  const wordEnd = find(word, end, SPACE);
  // Its 8th byte is the space, or the CR.
  if (wordEnd - word == 7 && load<u64>(word) << 8 == UNKNOWN << 8) return 0;
  const source = wordEnd + 1;
  const sourceEnd = find(source, end, SPACE);
  const destination = sourceEnd + 1;
  const destinationEnd = find(destination, end, SPACE);
  const port = destinationEnd + 1;
  const portEnd = find(port, end, SPACE);
  const family = <i32>load<u8>(word, 3) - 48;
  const at = changetype<usize>(to);
  const sourcePort = decimalRead(port, portEnd, PORT_MAX);
  // Only 4 and 6 are what ipRead says.
  if (
    wordEnd - word != 4 ||
    load<u32>(word) << 8 != TCP << 8 ||
    decimalRead(portEnd + 1, end, PORT_MAX) < 0 ||
    sourcePort < 0 ||
    !family ||
    ipRead(at, destination, destinationEnd) != family ||
    ipRead(at, source, sourceEnd) != family
  ) {
    return ErrorCode.PROXY;
  }
  to.port = <u16>sourcePort;
  to.family = <u8>family;
  return 1;
}
