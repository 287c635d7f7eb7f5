// What a trusted peer tells of a session's address: in front of the head, and in it.

import { ErrorCode, EventFlag, EventKind, Role, State, Trust } from '../../../assembly/abi';
import { addressOf, addressSet } from '../../../assembly/hub/addresses';
import { forwardedTake, proxyDue, proxyTake } from '../../../assembly/hub/proxies';
import { Request, REQUEST_BYTES, requestClear } from '../../../assembly/http/request';
import { stats } from '../../../assembly/memory';
import { BLOCK_MAX_BYTES } from '../../../assembly/profile';
import { arenaGive, arenaTake, Use } from '../../../assembly/session/arena';
import { gone } from '../../../assembly/session/ending';
import { Session, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, hex, isAscii, isHex } from '../bytes';
import { acknowledge, told, waiting } from '../told';

const LINE = 'PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n';
/** Version 2: 192.0.2.1:56324 to 192.0.2.2:443, and as many bytes of TLVs as the two that are missing say. */
const BINARY = '0d0a0d0a000d0a515549540a 21 11';
const INET = 'c0000201 c0000202 dc04 01bb';

/** A session whose peer, 10.0.0.1, is trusted. */
function open(trust: u32): Session {
  const s = sessionOpen(Role.SERVER, State.HANDSHAKE);
  addressSet(s, HERE, hex(HERE, '0a000001'), 7, trust);
  return s;
}

function end(s: Session): void {
  gone(s);
  acknowledge();
  expect<u32>(stats().arenaUsed).toBe(0);
}

/** How many of these bytes belong to a PROXY header, or to what was taken for one. */
function take(s: Session, bytes: string): u32 {
  const n = ascii(HERE, bytes);
  return <u32>(proxyTake(s, HERE, HERE + n) - HERE);
}

/** Whether a session's address is what a proxy told, the IPv4 address in hex. */
function moved(s: Session, ip: string, port: u32): bool {
  const record = addressOf(s);
  const same = isHex(changetype<usize>(record), ip) && record.port == port;
  return same && record.family == 4 && record.forwarded == 1;
}

/** Whether it is the one that the host told. */
function stayed(s: Session): bool {
  const record = addressOf(s);
  return isHex(changetype<usize>(record), '0a000001') && record.port == 7 && !record.forwarded;
}

/** Takes the address from a head with these fields. */
function forwarded(s: Session, fields: string): void {
  requestClear(HERE, REQUEST_BYTES);
  const r = changetype<Request>(HERE);
  r.headLength = <u16>ascii(HERE + REQUEST_BYTES, 'GET / HTTP/1.1\r\n' + fields + '\r\n');
  forwardedTake(s, HERE);
}

describe('proxyDue', () => {
  it('is what the host said of the peer', () => {
    const s = open(0);
    expect<bool>(proxyDue(s)).toBe(false);
    s.trust = <u8>Trust.FORWARDED;
    expect<bool>(proxyDue(s)).toBe(false);
    s.trust = <u8>Trust.PROXY;
    expect<bool>(proxyDue(s)).toBe(true);
    s.trust = <u8>(Trust.PROXY_REQUIRED | Trust.FORWARDED);
    expect<bool>(proxyDue(s)).toBe(true);
    end(s);
  });
});

describe('proxyTake', () => {
  it('takes the header and nothing behind it, once', () => {
    const s = open(Trust.PROXY | Trust.FORWARDED);
    expect<u32>(take(s, LINE + 'GET /')).toBe(LINE.length);
    expect<bool>(moved(s, 'c0000201', 56324)).toBe(true);
    expect<u32>(s.trust).toBe(Trust.FORWARDED);
    expect<bool>(proxyDue(s)).toBe(false);
    expect<u64>(s.messageLength | s.block).toBe(0);
    expect<u32>(stats().arenaUsed + waiting()).toBe(0);
    end(s);
  });

  it('gathers a header that is cut anywhere', () => {
    for (let cut = 1; cut < LINE.length; cut++) {
      const s = open(Trust.PROXY_REQUIRED);
      expect<u32>(take(s, LINE.slice(0, cut))).toBe(cut);
      expect<bool>(proxyDue(s)).toBe(true);
      expect<bool>(stayed(s)).toBe(true);
      expect<u32>(take(s, LINE.slice(cut) + 'GET /')).toBe(LINE.length - cut);
      expect<u64>(s.messageLength | s.block).toBe(0);
      expect<bool>(moved(s, 'c0000201', 56324)).toBe(true);
      end(s);
    }
  });

  it('passes over what lies behind the addresses of version 2, at any length', () => {
    const s = open(Trust.PROXY);
    // 0x0200 = 12 of addresses and 500 of TLVs.
    const n = hex(HERE, BINARY + '0200' + INET);
    memory.fill(HERE + n, 0x50, 600);
    for (let at: u32 = 0; at < n + 499; at++) {
      expect<usize>(proxyTake(s, HERE + at, HERE + at + 1)).toBe(HERE + at + 1);
      expect<bool>(proxyDue(s)).toBe(true);
    }
    const last = HERE + n + 499;
    expect<usize>(proxyTake(s, last, last + 100)).toBe(last + 1);
    expect<bool>(moved(s, 'c0000201', 56324)).toBe(true);
    end(s);
  });

  it('leaves the address of a peer that speaks for itself', () => {
    const s = open(Trust.PROXY_REQUIRED);
    const line = 'PROXY UNKNOWN\r\n';
    expect<u32>(take(s, line + 'GET /')).toBe(line.length);
    expect<bool>(stayed(s)).toBe(true);
    expect<i32>(s.state).toBe(State.HANDSHAKE);
    expect<bool>(proxyDue(s)).toBe(false);
    end(s);
  });

  it('takes for the beginning of the head what is no header, if it may be absent', () => {
    const head = 'PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n';
    for (let cut: u32 = 1; cut < 8; cut++) {
      const s = open(Trust.PROXY);
      // The fourth byte tells them apart: what was gathered is of the head, the rest is not looked at.
      let at = take(s, head.slice(0, cut));
      if (proxyDue(s)) at += take(s, head.slice(cut));
      expect<u32>(at).toBe(4);
      expect<bool>(proxyDue(s)).toBe(false);
      const r = changetype<Request>(s.block);
      expect<bool>(isAscii(s.block + r.head, r.headLength, head.slice(0, at))).toBe(true);
      expect<bool>(stayed(s)).toBe(true);
      end(s);
    }
  });

  it('drops the connection for a header that is malformed, or absent where it has to be', () => {
    const violations = stats().violations;
    const malformed = open(Trust.PROXY);
    const line = 'PROXY TCP4 1.2.3.4\r\n';
    expect<u32>(take(malformed, line + 'GET /')).toBe(line.length + 5);
    expect<i32>(malformed.state).toBe(State.ABORTED);
    expect<bool>(told(EventKind.ERROR, EventFlag.REMOTE, 0, ErrorCode.PROXY)).toBe(true);
    end(malformed);
    const absent = open(Trust.PROXY_REQUIRED);
    expect<u32>(take(absent, 'GET / HTTP/1.1\r\n')).toBe(16);
    expect<i32>(absent.state).toBe(State.ABORTED);
    expect<bool>(told(EventKind.ERROR, EventFlag.REMOTE, 0, ErrorCode.PROXY)).toBe(true);
    expect<u32>(absent.queued).toBe(0);
    end(absent);
    expect<u64>(stats().violations - violations).toBe(2);
  });

  it('ends a session for which there is no memory, without an answer', () => {
    const s = open(Trust.PROXY);
    let taken: usize = 0;
    for (let b = arenaTake(BLOCK_MAX_BYTES, Use.IN); b; b = arenaTake(BLOCK_MAX_BYTES, Use.IN)) {
      store<u32>(b, <u32>taken);
      taken = b;
    }
    expect<u32>(take(s, LINE)).toBe(LINE.length);
    expect<i32>(s.state).toBe(State.ENDING);
    expect<u32>(s.queued).toBe(0);
    expect<bool>(told(EventKind.ERROR, EventFlag.REMOTE, 0, ErrorCode.HTTP_OVERLOAD)).toBe(true);
    while (taken) {
      const next: usize = load<u32>(taken);
      arenaGive(taken, Use.IN);
      taken = next;
    }
    end(s);
  });
});

describe('forwardedTake', () => {
  it('takes the last address of the last field', () => {
    const s = open(Trust.FORWARDED);
    forwarded(s, 'X-Forwarded-For: 192.0.2.1\r\n');
    expect<bool>(moved(s, 'c0000201', 0)).toBe(true);
    forwarded(s, 'Host: a\r\nX-Forwarded-For: 203.0.113.9,\t192.0.2.2:80 \r\nX: 1.2.3.4\r\n');
    expect<bool>(moved(s, 'c0000202', 80)).toBe(true);
    forwarded(s, 'x-forwarded-for: 192.0.2.3\r\nX-FORWARDED-FOR: a, 192.0.2.4\r\n');
    expect<bool>(moved(s, 'c0000204', 0)).toBe(true);
    end(s);
  });

  it('takes one of IPv6, with a port or without', () => {
    const s = open(Trust.FORWARDED);
    forwarded(s, 'X-Forwarded-For: 192.0.2.1, [2001:db8::1]:443\r\n');
    const record = addressOf(s);
    expect<u32>(record.family).toBe(6);
    expect<u32>(record.port).toBe(443);
    expect<u32>(record.forwarded).toBe(1);
    expect<bool>(isHex(changetype<usize>(record), '20010db8000000000000000000000001')).toBe(true);
    end(s);
  });

  it('leaves the address when the last one is none, and when there is no field', () => {
    const s = open(Trust.FORWARDED);
    forwarded(s, '');
    expect<bool>(stayed(s)).toBe(true);
    forwarded(s, 'Host: 192.0.2.1\r\nX-Forwarded: 192.0.2.1\r\n');
    expect<bool>(stayed(s)).toBe(true);
    forwarded(s, 'X-Forwarded-For:\r\n');
    expect<bool>(stayed(s)).toBe(true);
    forwarded(s, 'X-Forwarded-For: 192.0.2.1,\r\n');
    expect<bool>(stayed(s)).toBe(true);
    forwarded(s, 'X-Forwarded-For: 192.0.2.1, unknown\r\n');
    expect<bool>(stayed(s)).toBe(true);
    // What came in an earlier field others may have written.
    forwarded(s, 'X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: unknown\r\n');
    expect<bool>(stayed(s)).toBe(true);
    end(s);
  });
});
