// The table of addresses: whom it counts, whom it refuses, and that nothing stays in it.

import { ErrorCode, Option, Role, State, Trust } from '../../../assembly/abi';
import {
  addressAt,
  addressBegun,
  addressDraft,
  addressJudge,
  addressMove,
  addressOf,
  addressRelease,
  addressSet,
  addressState,
  bucketOf,
} from '../../../assembly/hub/addresses';
import { ADDRESS_BITS } from '../../../assembly/hub/layout';
import { stats } from '../../../assembly/memory';
import { SESSIONS } from '../../../assembly/profile';
import {
  optionAddress,
  Session,
  sessionAfter,
  sessionFind,
  sessionFree,
  sessionOpen,
} from '../../../assembly/session/session';
import { HERE, hex } from '../bytes';

function open(): Session {
  return sessionOpen(Role.SERVER, State.HANDSHAKE);
}

/** Tells the address of a session, in hex. */
function set(s: Session, address: string, trust: u32 = 0): i32 {
  const n = hex(HERE, address);
  return addressSet(s, HERE, n, 4321, trust);
}

/** What a proxy tells: an IPv4 address as a number. */
function move(s: Session, ip: u32): void {
  const draft = addressDraft();
  draft.ip0 = ip;
  draft.ip8 = 0;
  draft.family = 4;
  draft.port = 99;
  addressMove(s);
}

function limit(sessions: i32): void {
  store<i32>(optionAddress(changetype<Session>(0), Option.ADDRESS_SESSIONS), sessions);
}

function close(s: Session): void {
  addressRelease(s);
  sessionFree(s);
}

function closeAll(): void {
  for (let handle = sessionAfter(0); handle; handle = sessionAfter(handle)) {
    close(sessionFind(handle));
  }
}

/** Addresses in use. */
function used(): i32 {
  let free = 0;
  for (let number = addressState().freed; number; free++) number = addressAt(number).next;
  return <i32>addressState().fresh - free;
}

describe('addresses', () => {
  afterEach(() => {
    limit(0);
    closeAll();
  });

  it('tells what the host told', () => {
    const s = open();
    expect<i32>(addressOf(s).family).toBe(0);
    expect<i32>(set(s, 'c0000201')).toBe(0);
    let record = addressOf(s);
    expect<u64>(record.ip0).toBe(0x010200c0);
    expect<u64>(record.ip8).toBe(0);
    expect<i32>(record.family).toBe(4);
    expect<i32>(record.port).toBe(4321);
    expect<i32>(record.forwarded).toBe(0);
    expect<u32>(record.sessions).toBe(1);
    expect<i32>(set(s, '20010db8 00000000 00000000 00000001')).toBe(0);
    record = addressOf(s);
    expect<u64>(record.ip0).toBe(0x00000000b80d0120);
    expect<u64>(record.ip8).toBe(0x0100000000000000);
    expect<i32>(record.family).toBe(6);
    expect<i32>(used()).toBe(1);
    expect<i32>(set(s, '')).toBe(0);
    expect<i32>(addressOf(s).family).toBe(0);
    expect<i32>(addressOf(s).port).toBe(0);
    expect<i32>(used()).toBe(0);
  });

  it('takes IPv6 that maps IPv4 for that', () => {
    const a = open();
    const b = open();
    set(a, 'c0000201');
    set(b, '00000000000000000000ffff c0000201');
    expect<u32>(addressOf(a).sessions).toBe(2);
    expect<i32>(addressOf(b).family).toBe(4);
    expect<i32>(used()).toBe(1);
  });

  it('tells addresses of two families with the same bytes apart', () => {
    const a = open();
    const b = open();
    set(a, '20010db8');
    set(b, '20010db8 00000000 00000000 00000000');
    expect<u32>(addressOf(a).sessions).toBe(1);
    expect<u32>(addressOf(b).sessions).toBe(1);
    expect<i32>(used()).toBe(2);
  });

  it('counts the sessions of each address, and refuses the one past the limit', () => {
    limit(2);
    const before = stats().refusedAddress;
    const a = open();
    const b = open();
    const c = open();
    const other = open();
    expect<i32>(set(a, 'c0000201')).toBe(0);
    expect<i32>(set(b, 'c0000201')).toBe(0);
    expect<i32>(set(c, 'c0000201')).toBe(ErrorCode.ADDRESSES);
    expect<i32>(set(other, 'c0000202')).toBe(0);
    expect<u64>(stats().refusedAddress - before).toBe(1);
    // The one refused has its address, but does not count.
    expect<i32>(addressOf(c).family).toBe(4);
    expect<u32>(addressOf(c).sessions).toBe(2);
    expect<i32>(addressJudge(a)).toBe(0);
    expect<i32>(addressJudge(c)).toBe(ErrorCode.HTTP_ADDRESS);
    expect<u64>(stats().refusedAddress - before).toBe(1);
    // It was judged: that another left does not change it. A new one is let in.
    close(a);
    expect<i32>(addressJudge(c)).toBe(ErrorCode.HTTP_ADDRESS);
    const d = open();
    expect<i32>(set(d, 'c0000201')).toBe(0);
    expect<u32>(addressOf(d).sessions).toBe(2);
    close(c);
    expect<u32>(addressOf(d).sessions).toBe(2);
    close(b);
    expect<u32>(addressOf(d).sessions).toBe(1);
  });

  it('judges anew when the host tells another address', () => {
    limit(1);
    const a = open();
    const b = open();
    set(a, 'c0000201');
    expect<i32>(set(b, 'c0000201')).toBe(ErrorCode.ADDRESSES);
    expect<i32>(set(b, 'c0000202')).toBe(0);
    expect<i32>(addressJudge(b)).toBe(0);
    expect<i32>(set(b, 'c0000201')).toBe(ErrorCode.ADDRESSES);
    expect<i32>(set(b, 'c0000201', Trust.PROXY)).toBe(0);
    expect<i32>(addressJudge(b)).toBe(ErrorCode.HTTP_ADDRESS);
    close(b);
    const c = open();
    expect<i32>(set(c, 'c0000201')).toBe(ErrorCode.ADDRESSES);
    expect<i32>(set(c, '')).toBe(0);
    expect<i32>(addressJudge(c)).toBe(0);
  });

  it('does not count a trusted peer before it told for whom it speaks', () => {
    limit(1);
    const a = open();
    const b = open();
    const c = open();
    expect<i32>(set(a, '0a000001', Trust.PROXY_REQUIRED)).toBe(0);
    expect<i32>(set(b, '0a000001', Trust.PROXY_REQUIRED)).toBe(0);
    expect<i32>(set(c, '0a000001', Trust.PROXY_REQUIRED)).toBe(0);
    expect<u32>(addressOf(a).sessions).toBe(0);
    move(a, 0x010200c0);
    move(b, 0x010200c0);
    expect<i32>(addressOf(a).forwarded).toBe(1);
    expect<i32>(addressOf(a).port).toBe(99);
    expect<i32>(addressJudge(a)).toBe(0);
    expect<i32>(addressJudge(b)).toBe(ErrorCode.HTTP_ADDRESS);
    // The proxy's own connection is one of its address.
    expect<i32>(addressJudge(c)).toBe(0);
    expect<u32>(addressOf(c).sessions).toBe(1);
    expect<i32>(addressOf(c).forwarded).toBe(0);
  });

  it('has no say once the first byte came, nor in another state or role', () => {
    const s = open();
    addressBegun(s);
    expect<i32>(set(s, 'c0000201')).toBe(ErrorCode.STATE);
    close(s);
    const again = open();
    expect<i32>(set(again, 'c0000201')).toBe(0);
    again.state = State.CLOSING;
    expect<i32>(set(again, 'c0000202')).toBe(ErrorCode.STATE);
    const client = sessionOpen(Role.CLIENT, State.HANDSHAKE);
    expect<i32>(set(client, 'c0000201')).toBe(ErrorCode.STATE);
    const attached = sessionOpen(Role.SERVER, State.OPEN);
    expect<i32>(set(attached, 'c0000201', Trust.FORWARDED)).toBe(0);
    expect<i32>(attached.trust).toBe(0);
  });

  it('has room for a different address of every session, and for one of all', () => {
    limit(SESSIONS - 1);
    for (let round = 0; round < 2; round++) {
      let first: Session = changetype<Session>(0);
      for (let i = 0; i < SESSIONS; i++) {
        const s = open();
        if (!i) first = s;
        store<u64>(HERE, 0xb80d0120);
        store<u64>(HERE, i, 8);
        if (addressSet(s, HERE, 16, 1, 0)) throw new Error('refused');
      }
      expect<i32>(used()).toBe(SESSIONS);
      expect<u32>(addressOf(first).sessions).toBe(1);
      closeAll();
      expect<i32>(used()).toBe(0);
      // Numbers are used again: none beyond the pool is ever given.
      expect<u32>(addressState().fresh).toBe(SESSIONS);
    }
    for (let i = 1; i < SESSIONS; i++) {
      if (set(open(), 'c0000201')) throw new Error('refused');
    }
    expect<i32>(used()).toBe(1);
    expect<i32>(set(open(), 'c0000201')).toBe(ErrorCode.ADDRESSES);
  });

  it('finds what lies in one chain, and takes out from anywhere in it', () => {
    // Addresses of one bucket: so many were tried.
    const bucket = bucketOf(0, 1);
    const inChain = StaticArray.fromArray<u64>([1, 0, 0, 0, 0]);
    let n = 1;
    for (let i: u64 = 2; n < 5; i++) {
      if (bucketOf(0, i) == bucket) {
        inChain[n] = i;
        n += 1;
      }
    }
    for (let out = 0; out < 5; out++) {
      const sessions = new StaticArray<usize>(5);
      for (let i = 0; i < 5; i++) {
        const s = open();
        sessions[i] = changetype<usize>(s);
        store<u64>(HERE, 0);
        store<u64>(HERE, inChain[i], 8);
        addressSet(s, HERE, 16, 1, 0);
      }
      close(changetype<Session>(sessions[out]));
      expect<i32>(used()).toBe(4);
      for (let i = 0; i < 5; i++) {
        if (i == out) continue;
        const twin = open();
        store<u64>(HERE, 0);
        store<u64>(HERE, inChain[i], 8);
        addressSet(twin, HERE, 16, 1, 0);
        expect<u32>(addressOf(twin).sessions).toBe(2);
      }
      expect<i32>(used()).toBe(4);
      closeAll();
      expect<i32>(used()).toBe(0);
    }
  });

  it('spreads neighbours over the buckets', () => {
    const counts = new StaticArray<i32>(1 << ADDRESS_BITS);
    let most = 0;
    // 10.0.0.0 and on, in the order of the network, as many as there are buckets.
    for (let i: u32 = 0; i < 1 << ADDRESS_BITS; i++) {
      const bucket = bucketOf(bswap<u32>(0x0a000000 + i), 0);
      counts[bucket] += 1;
      most = max(most, counts[bucket]);
    }
    expect<i32>(most).toBeLessThan(10);
    let hosts = 0;
    counts.fill(0);
    // 2001:db8::1 and on.
    for (let i: u64 = 0; i < 1 << ADDRESS_BITS; i++) {
      const bucket = bucketOf(0xb80d0120, bswap<u64>(i));
      counts[bucket] += 1;
      hosts = max(hosts, counts[bucket]);
    }
    expect<i32>(hosts).toBeLessThan(10);
  });
});
