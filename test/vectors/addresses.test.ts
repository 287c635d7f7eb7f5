// Remote addresses and limits of connections, where a vector cannot say it: arguments, lives of
// records, counters, pools.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AddressRecord, Option, State, StatsRecord, Trust } from '../../build/limpet.abi.js';
import { addressSet, addressShown } from '../support/address.js';
import { CORES } from '../support/cores.js';
import { Driver, ErrorCode, EventKind, Role } from '../support/driver.js';

const HEAD = 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n';

for (const core of CORES.filter(({ debug, lacks }) => debug && !lacks.has('addresses'))) {
  describe(core.name, () => {
    const load = () => new Driver(core.path);
    const refused = (driver: Driver) =>
      Number(
        driver.view.getBigUint64(driver.core.limpet_stats() + StatsRecord.refusedAddress, true),
      );
    const head = (driver: Driver, handle: number) => driver.feed(handle, Buffer.from(HEAD)).events;

    it('Connection Limits: maximum concurrent connections per server', () => {
      const driver = load();
      driver.setOption(0, Option.SESSIONS_MAX, 3);
      const handles = [driver.open(), driver.open(), driver.attach(Role.SERVER)];
      assert.ok(handles.every((handle) => handle > 0));
      assert.equal(driver.open(), ErrorCode.SESSIONS);
      assert.equal(driver.attach(Role.SERVER), ErrorCode.SESSIONS);
      const full = driver.core.limpet_stats() + StatsRecord.sessionsFull;
      assert.equal(driver.view.getBigUint64(full, true), 2n);
      driver.eof(handles[0] ?? 0);
      driver.events();
      assert.ok(driver.open() > 0);
      assert.equal(driver.setOption(0, Option.SESSIONS_MAX, driver.stats().sessions), 0);
      assert.equal(
        driver.setOption(0, Option.SESSIONS_MAX, driver.stats().sessions + 1),
        ErrorCode.ARGUMENT,
      );
    });

    it('Connection Limits: maximum concurrent connections per IP', () => {
      const driver = load();
      driver.setOption(0, Option.ADDRESS_SESSIONS, 2);
      const [first, second, third] = [driver.open(), driver.open(), driver.open()];
      assert.equal(addressSet(driver, first, '192.0.2.1:1'), 0);
      assert.equal(addressSet(driver, second, '192.0.2.1:2'), 0);
      assert.equal(addressSet(driver, third, '192.0.2.1:3'), ErrorCode.ADDRESSES);
      assert.equal(refused(driver), 1);
      // The two go on, the third has its answer.
      assert.deepEqual(
        head(driver, first).map(({ kind }) => kind),
        [EventKind.REQUEST],
      );
      const [error] = head(driver, third);
      assert.equal(error?.kind, EventKind.ERROR);
      assert.equal(error.detail, ErrorCode.HTTP_ADDRESS);
      assert.equal(error.code, 429);
      assert.match(driver.drain(third).bytes.toString(), /^HTTP\/1\.1 429 /);
      assert.equal(refused(driver), 1);
      // Its end frees no place, that of another does.
      driver.eof(third);
      const fourth = driver.open();
      assert.equal(addressSet(driver, fourth, '192.0.2.1:4'), ErrorCode.ADDRESSES);
      driver.eof(first);
      const fifth = driver.attach(Role.SERVER);
      assert.equal(addressSet(driver, fifth, '192.0.2.1:5'), 0);
      assert.equal(refused(driver), 2);
      assert.equal(addressShown(driver, fifth), '192.0.2.1:5, 2 sessions');
    });

    it('Connection Limits: a limit that is changed holds for sessions to come', () => {
      const driver = load();
      const handles = [driver.open(), driver.open(), driver.open()];
      for (const handle of handles) assert.equal(addressSet(driver, handle, '192.0.2.1'), 0);
      assert.equal(driver.setOption(0, Option.ADDRESS_SESSIONS, 1), 0);
      for (const handle of handles) assert.equal(head(driver, handle)[0]?.kind, EventKind.REQUEST);
      assert.equal(addressSet(driver, driver.open(), '192.0.2.1'), ErrorCode.ADDRESSES);
      assert.equal(driver.setOption(0, Option.ADDRESS_SESSIONS, 0), 0);
      assert.equal(addressSet(driver, driver.open(), '192.0.2.1'), 0);
      assert.equal(
        driver.setOption(handles[0] ?? 0, Option.ADDRESS_SESSIONS, 1),
        ErrorCode.ARGUMENT,
      );
      assert.equal(driver.setOption(0, Option.ADDRESS_SESSIONS, -1), ErrorCode.ARGUMENT);
    });

    it('Remote Address: IP address, port, and protocol (IPv4/IPv6)', () => {
      const driver = load();
      const [four, six] = [driver.open(), driver.open()];
      assert.equal(addressSet(driver, four, '192.0.2.1:65535'), 0);
      assert.equal(addressSet(driver, six, '[2001:db8::a:1]:1'), 0);
      assert.equal(addressShown(driver, four), '192.0.2.1:65535, 1 session');
      assert.equal(addressShown(driver, six), '[2001:db8::a:1]:1, 1 session');
      const at = driver.core.limpet_address(six);
      assert.equal(driver.memory.readUInt8(at + AddressRecord.family), 6);
      assert.deepEqual(
        driver.copy(at + AddressRecord.ip0, 16),
        Buffer.from('20010db80000000000000000000a0001', 'hex'),
      );
    });

    it('Remote Address: includes PROXY protocol header parsing if enabled', () => {
      const driver = load();
      const handle = driver.open();
      addressSet(driver, handle, '10.0.0.1:1000', Trust.PROXY);
      const line = Buffer.from('PROXY TCP4 192.0.2.1 10.0.0.2 56324 443\r\n' + HEAD);
      const { events, left } = driver.feed(handle, line);
      assert.equal(left.length, 0);
      assert.deepEqual(
        events.map(({ kind }) => kind),
        [EventKind.REQUEST],
      );
      assert.equal(addressShown(driver, handle), '192.0.2.1:56324 forwarded, 1 session');
    });

    it('Remote Address: the record lasts until the next call of limpet_address', () => {
      const driver = load();
      const [one, other] = [driver.open(), driver.open()];
      addressSet(driver, one, '192.0.2.1:80');
      const at = driver.core.limpet_address(one);
      const told = driver.copy(at, AddressRecord.size);
      addressSet(driver, other, '10.0.0.1:1000', Trust.FORWARDED);
      head(driver, other);
      assert.deepEqual(driver.copy(at, AddressRecord.size), told);
      assert.equal(addressShown(driver, other), '192.0.2.9:0 forwarded, 1 session');
    });

    it('Remote Address: of a session whose transport is gone it is not known', () => {
      const driver = load();
      const handle = driver.open();
      addressSet(driver, handle, '192.0.2.1:80');
      driver.eof(handle);
      assert.equal(addressShown(driver, handle), 'unknown');
      driver.events();
      assert.equal(addressShown(driver, handle), ErrorCode.HANDLE);
      // Nor is that of the next one in its slot.
      assert.equal(addressShown(driver, driver.open()), 'unknown');
    });

    it('takes an address of 4 or 16 bytes, or none, with a port and bits of Trust', () => {
      const driver = load();
      const handle = driver.open();
      const { core: x, scratch } = driver;
      for (const [ptr, len, port, trust] of [
        [scratch, 1, 0, 0],
        [scratch, 3, 0, 0],
        [scratch, 5, 0, 0],
        [scratch, 15, 0, 0],
        [scratch, 17, 0, 0],
        [scratch, -4, 0, 0],
        [scratch, 4, -1, 0],
        [scratch, 4, 65_536, 0],
        [scratch, 4, 0, -1],
        [scratch, 4, 0, 8],
        [-4, 4, 0, 0],
        [driver.memory.length - 3, 4, 0, 0],
        [driver.memory.length, 4, 0, 0],
      ] as const) {
        const answer = x.limpet_address_set(handle, ptr, len, port, trust);
        assert.equal(answer, ErrorCode.ARGUMENT, `${ptr} ${len} ${port} ${trust}`);
      }
      assert.equal(addressShown(driver, handle), 'unknown');
      assert.equal(x.limpet_address_set(handle, 0, 0, 0, 7), 0);
      assert.equal(x.limpet_address_set(handle, scratch, 16, 65_535, 0), 0);
      assert.equal(x.limpet_address_set(handle + 0x10000, scratch, 4, 0, 0), ErrorCode.HANDLE);
      assert.equal(x.limpet_address(0), ErrorCode.HANDLE);
    });

    it('says how long a PROXY protocol header is, whatever lies behind it', () => {
      const driver = load();
      const { core: x, scratch, memory } = driver;
      const length = (bytes: Buffer, len = bytes.length) => {
        memory.set(bytes.subarray(0, 107), scratch);
        return x.limpet_proxy_length(scratch, len);
      };
      const line = Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n');
      assert.equal(length(Buffer.concat([line, Buffer.alloc(9999)])), line.length);
      assert.ok(length(line.subarray(0, -1)) > line.length - 1);
      const long = Buffer.from('0d0a0d0a000d0a515549540a20000400', 'hex');
      assert.equal(length(long), 16 + 1024);
      assert.equal(length(long, 5000), 16 + 1024);
      assert.equal(length(Buffer.from('GET / HTTP/1.1')), ErrorCode.ABSENT);
      assert.equal(length(Buffer.alloc(0)), 1);
      assert.equal(x.limpet_proxy_length(scratch, -1), ErrorCode.ARGUMENT);
      assert.equal(x.limpet_proxy_length(memory.length - 106, 107), ErrorCode.ARGUMENT);
      assert.equal(x.limpet_proxy_length(-4, 4), ErrorCode.ARGUMENT);
    });

    it('takes no address behind the first byte, nor of a client', () => {
      const driver = load();
      driver.seed();
      const handle = driver.open();
      addressSet(driver, handle, '10.0.0.1', Trust.PROXY);
      driver.rx(handle, Buffer.from('P'));
      assert.equal(addressSet(driver, handle, '192.0.2.1'), ErrorCode.STATE);
      driver.rx(handle, Buffer.from('ROXY UNKNOWN\r\n'));
      assert.equal(addressSet(driver, handle, '192.0.2.1'), ErrorCode.STATE);
      driver.feed(handle, Buffer.from(HEAD));
      assert.equal(driver.info(handle)?.state, State.PENDING);
      assert.equal(addressSet(driver, handle, '192.0.2.1'), ErrorCode.STATE);
      assert.equal(addressShown(driver, handle), '10.0.0.1:0, 1 session');
      const client = driver.attach(Role.CLIENT);
      if (client > 0) assert.equal(addressSet(driver, client, '192.0.2.1'), ErrorCode.STATE);
    });

    it('has room for an address of each session, however many there are', () => {
      const driver = load();
      driver.checks = false;
      const { sessions } = driver.stats();
      for (const round of [0, 1]) {
        const handles = Array.from({ length: sessions }, () => driver.open());
        handles.forEach((handle, i) => {
          const answer = addressSet(driver, handle, `10.${round}.${i >> 8}.${i & 255}`);
          assert.equal(answer, 0);
        });
        assert.equal(driver.open(), ErrorCode.SESSIONS);
        driver.check('all addresses');
        for (const handle of handles) {
          assert.match(String(addressShown(driver, handle)), /, 1 session$/);
          driver.eof(handle);
          driver.events();
        }
        driver.check('no addresses');
      }
    });
  });
}
