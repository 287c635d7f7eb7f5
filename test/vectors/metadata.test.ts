// What is known of a session: metadata, the request that is kept, the user-data word, counters and
// times; at the end of their pools, with wrong pointers, and over the end of the session. The names
// in quotes are those of DMSC's, api.zig's and facil.io's features.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { FieldRecord, Opcode, Option, SessionInfo } from '../../build/limpet.abi.js';
import type { Feature, Profile } from '../../tools/lib/profile.js';
import { CORES } from '../support/cores.js';
import { Driver, ErrorCode, EventKind, Part, Role } from '../support/driver.js';
import { encode } from '../support/frames.js';
import { KEY } from '../support/payload.js';
import { hog } from '../support/steps.js';

const head = (fields = '') =>
  Buffer.from(
    'GET /chat?a=b HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `${fields}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );

for (const core of CORES.filter(({ debug }) => debug)) {
  const file = `assembly/profiles/${core.profile.replace('-simd', '')}.json`;
  const profile = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  describe(core.name, () => {
    const load = () => new Driver(core.path);
    const itWith = (feature: Feature, title: string, run: (driver: Driver) => void) => {
      if (!core.lacks.has(feature)) void it(title, () => run(load()));
    };
    /** An accepted session, its UPGRADE event acknowledged. */
    const accepted = (driver: Driver, fields = '') => {
      const handle = driver.open();
      driver.feed(handle, head(fields));
      assert.equal(driver.core.limpet_accept(handle, 0, 0, 0, 0), 0);
      driver.drain(handle);
      return handle;
    };
    const message = (payload: string) =>
      encode({ opcode: Opcode.TEXT, payload: Buffer.from(payload), key: KEY });

    // ---------------------------------------------------------------- metadata

    itWith('metadata', '"Session Metadata": key-value storage per session', (driver) => {
      const ann = driver.attach(Role.SERVER);
      const bob = driver.attach(Role.SERVER);
      assert.equal(driver.metaSet(ann, 'user', 'ann'), 0);
      assert.equal(driver.metaSet(bob, 'user', 'bob'), 0);
      assert.equal(driver.metaSet(bob, 'role', 'admin'), 0);
      assert.equal(String(driver.metaGet(ann, 'user')), 'ann');
      assert.equal(String(driver.metaGet(bob, 'user')), 'bob');
      assert.equal(driver.metaGet(ann, 'role'), ErrorCode.ABSENT);
      assert.deepEqual(
        driver.metadata(bob).map(({ name, value }) => `${name.toString()} ${value.toString()}`),
        ['user bob', 'role admin'],
      );
      assert.equal(driver.metaStats().used, 3);
    });

    itWith(
      'metadata',
      '"setMetadata" and "getMetadata": any bytes, replaced in place',
      (driver) => {
        const handle = driver.attach(Role.SERVER);
        const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
        const key = every.subarray(256 - profile.metadataKeyBytes);
        for (let from = 0; from < 256; from += profile.metadataValueBytes) {
          const value = every.subarray(from, from + profile.metadataValueBytes);
          assert.equal(driver.metaSet(handle, key, value), 0);
          assert.deepEqual(driver.metaGet(handle, key), value);
        }
        assert.deepEqual(driver.metaStats(), {
          used: 1,
          peak: 1,
          entries: profile.metadataEntries,
          full: 0,
        });
      },
    );

    itWith(
      'metadata',
      '"Connection Metadata" is as long as the profile says, not a byte longer',
      (driver) => {
        const handle = driver.attach(Role.SERVER);
        const key = 'k'.repeat(profile.metadataKeyBytes);
        const value = 'v'.repeat(profile.metadataValueBytes);
        assert.equal(driver.metaSet(handle, `${key}k`, 'v'), ErrorCode.ARGUMENT);
        assert.equal(driver.metaSet(handle, 'k', `${value}v`), ErrorCode.ARGUMENT);
        assert.equal(driver.metaSet(handle, '', 'v'), ErrorCode.ARGUMENT);
        assert.equal(driver.metaStats().used, 0);
        assert.equal(driver.metaSet(handle, key, value), 0);
        assert.equal(String(driver.metaGet(handle, key)), value);
        assert.equal(driver.metaGet(handle, `${key}k`), ErrorCode.ABSENT);
        assert.equal(driver.metaGet(handle, key.slice(1)), ErrorCode.ABSENT);
      },
    );

    itWith('metadata', 'refuses metadata when the pool is full, and loses nothing', (driver) => {
      driver.checks = false;
      const other = driver.attach(Role.SERVER);
      driver.metaSet(other, 'name', 'other');
      const handles = [driver.attach(Role.SERVER)];
      for (let n = 1; n < profile.metadataEntries; n++) {
        if (n % 1000 === 0) handles.push(driver.attach(Role.SERVER));
        assert.equal(driver.metaSet(handles.at(-1) ?? 0, `key ${n}`, `value ${n}`), 0);
      }
      assert.equal(driver.metaSet(other, 'one more', ''), ErrorCode.METADATA);
      assert.equal(driver.metaGet(other, 'one more'), ErrorCode.ABSENT);
      assert.equal(driver.metaSet(other, 'name', 'changed'), 0);
      assert.equal(String(driver.metaGet(other, 'name')), 'changed');
      const { metadataEntries: entries } = profile;
      assert.deepEqual(driver.metaStats(), { used: entries, peak: entries, entries, full: 1 });
      driver.check('a full pool');
      assert.equal(driver.metaDelete(handles[0] ?? 0, 'key 1'), 1);
      assert.equal(driver.metaSet(other, 'one more', ''), 0);
      assert.equal(driver.metaSet(other, 'two more', ''), ErrorCode.METADATA);
      for (const handle of handles) driver.eof(handle);
      while (driver.events().length);
      assert.deepEqual(driver.metaStats(), { used: 2, peak: entries, entries, full: 2 });
      driver.check('a pool with two entries');
    });

    itWith('metadata', 'has metadata until the CLOSED event is acknowledged', (driver) => {
      const handle = driver.attach(Role.SERVER);
      driver.metaSet(handle, 'name', 'ann');
      driver.eof(handle);
      assert.equal(String(driver.metaGet(handle, 'name')), 'ann');
      assert.equal(driver.metaSet(handle, 'left', 'now'), 0);
      assert.equal(driver.metaStats().used, 2);
      driver.events();
      assert.equal(driver.metaGet(handle, 'name'), ErrorCode.HANDLE);
      assert.equal(driver.metaStats().used, 0);
      const next = driver.attach(Role.SERVER);
      assert.equal(driver.metaGet(next, 'name'), ErrorCode.ABSENT);
    });

    itWith(
      'metadata',
      'takes no pointer that leaves memory, and no cursor that is made up',
      (driver) => {
        const { core: x, scratch, memory } = driver;
        const handle = driver.attach(Role.SERVER);
        const { length } = memory;
        driver.metaSet(handle, 'a', 'b');
        const wrong: [number, number][] = [
          [-1, 1],
          [length, 1],
          [scratch, -1],
          [length - 4, 5],
        ];
        for (const [ptr, len] of wrong) {
          assert.equal(x.limpet_meta_set(handle, ptr, len, scratch, 1), ErrorCode.ARGUMENT);
          assert.equal(x.limpet_meta_set(handle, scratch, 1, ptr, len), ErrorCode.ARGUMENT);
          assert.equal(x.limpet_meta_get(handle, ptr, len), ErrorCode.ARGUMENT);
          assert.equal(x.limpet_meta_delete(handle, ptr, len), ErrorCode.ARGUMENT);
        }
        const key = driver.u32(x.limpet_meta_next(handle, 0) + FieldRecord.namePtr);
        assert.equal(x.limpet_meta_next(handle, key), ErrorCode.ABSENT);
        for (const made of [-1, 1, key - 1, key + 1, 0x7fffffff, -0x80000000]) {
          assert.equal(x.limpet_meta_next(handle, made), ErrorCode.ARGUMENT);
        }
        assert.equal(driver.metaDelete(handle, 'a'), 1);
        assert.equal(x.limpet_meta_next(handle, key), ErrorCode.ARGUMENT);
      },
    );

    it('"get_udata" and "set_udata": a word of the host before, while and after a connection', () => {
      const driver = load();
      driver.setOption(0, Option.USER, 5);
      const handle = driver.open();
      const [upgrade] = driver.feed(handle, head()).events;
      assert.equal(upgrade?.user, 5);
      driver.setOption(handle, Option.USER, -1);
      driver.core.limpet_accept(handle, 0, 0, 0, 0);
      const [came] = driver.feed(handle, message('x')).events;
      assert.equal(came?.user, -1);
      driver.setOption(handle, Option.USER, 0x7fffffff);
      if (!core.lacks.has('inspection')) {
        assert.equal(driver.option(handle, Option.USER), 0x7fffffff);
      }
      driver.eof(handle);
      const closed = driver.events().find(({ kind }) => kind === EventKind.CLOSED);
      assert.equal(closed?.user, 0x7fffffff);
    });

    // ------------------------------------------------------- the session's own record

    it('"Connection Time": when the session was opened', () => {
      const driver = load();
      driver.now = 123_456;
      const handle = driver.open();
      driver.tick(5000);
      driver.feed(handle, head());
      driver.core.limpet_accept(handle, 0, 0, 0, 0);
      assert.equal(
        driver.u64(driver.core.limpet_session_info(handle) + SessionInfo.openedAt),
        123_456,
      );
    });

    it('"Last Activity": when the last bytes came, not when something was sent', () => {
      const driver = load();
      const at = () => driver.u64(driver.core.limpet_session_info(handle) + SessionInfo.activeAt);
      const handle = driver.attach(Role.SERVER);
      assert.equal(at(), driver.now);
      driver.tick(100);
      driver.core.limpet_send(handle, Opcode.TEXT, driver.scratch, 3);
      assert.equal(at(), driver.now - 100);
      driver.feed(handle, message('x'));
      assert.equal(at(), driver.now);
    });

    itWith('inspection', '"Message Counters": messages and bytes, both ways', (driver) => {
      const handle = driver.attach(Role.SERVER);
      driver.feed(handle, message('four'));
      driver.feed(handle, encode({ fin: false, opcode: 2, payload: Buffer.alloc(3), key: KEY }));
      driver.feed(handle, encode({ opcode: 0, payload: Buffer.alloc(2), key: KEY }));
      driver.feed(handle, encode({ opcode: Opcode.PING, payload: Buffer.alloc(9), key: KEY }));
      driver.core.limpet_send(handle, Opcode.BINARY, driver.scratch, 7);
      const info = driver.core.limpet_session_info(handle);
      const { messagesIn, messagesOut, bytesIn, bytesOut } = SessionInfo;
      assert.deepEqual(
        [messagesIn, messagesOut, bytesIn, bytesOut].map((field) => driver.u64(info + field)),
        [2, 1, 9, 7],
      );
    });

    // -------------------------------------------------------------- kept requests

    itWith(
      'headers',
      '"Request Information": cookies, origin, subprotocol and custom headers',
      (driver) => {
        assert.equal(driver.keep('X-Custom'), 0);
        const handle = accepted(
          driver,
          'Cookie: sid=1; theme=dark\r\nOrigin: https://example.com\r\nX-Custom: yes\r\nX-Other: no\r\n',
        );
        assert.equal(driver.cookie(handle, 'theme'), 'dark');
        assert.equal(driver.part(handle, Part.ORIGIN), 'https://example.com');
        assert.equal(driver.part(handle, Part.PROTOCOL), ErrorCode.ABSENT);
        assert.equal(driver.part(handle, Part.HOST), 'example.com');
        assert.equal(driver.part(handle, Part.PATH), '/chat');
        assert.equal(driver.part(handle, Part.QUERY), 'a=b');
        assert.equal(driver.header(handle, 'x-custom'), 'yes');
        assert.equal(driver.header(handle, 'X-Other'), ErrorCode.ABSENT);
        // Messages, and what others do, leave it where it is.
        driver.feed(handle, message('x'.repeat(300)));
        accepted(driver, 'Cookie: sid=2\r\n');
        assert.equal(driver.cookie(handle, 'sid'), '1');
        driver.eof(handle);
        assert.equal(driver.part(handle, Part.PATH), ErrorCode.STATE);
      },
    );

    itWith('headers', 'keeps the path of an UPGRADE event beside the request', (driver) => {
      driver.keep('*');
      const handle = driver.open();
      driver.rx(handle, head());
      assert.equal(driver.core.limpet_accept(handle, 0, 0, 0, 0), 0);
      assert.equal(driver.peek()[0]?.data.toString(), '/chat');
      driver.events();
      assert.equal(driver.part(handle, Part.PATH), '/chat');
      driver.eof(handle);
      driver.events();
      assert.equal(driver.stats().arenaUsed, 0);
    });

    itWith('headers', 'costs no more than the block that holds what is kept', (driver) => {
      driver.keep('x');
      const handle = accepted(driver, `X-Long: ${'l'.repeat(400)}\r\n`);
      // Request, request line, Host: 32 + 24 + 19 + 2.
      assert.equal(driver.stats().arenaUsed, profile.blockMinBytes);
      driver.eof(handle);
      assert.equal(driver.stats().arenaUsed, 0);
    });

    itWith('headers', 'opens a session without its request when the arena is full', (driver) => {
      driver.keep('*');
      const handle = driver.open();
      driver.feed(handle, head());
      hog(driver, Infinity);
      assert.equal(driver.core.limpet_accept(handle, 0, 0, 0, 0), 0);
      assert.match(driver.drain(handle).bytes.toString(), /^HTTP\/1.1 101/);
      assert.equal(driver.part(handle, Part.PATH), ErrorCode.STATE);
      const [came] = driver.feed(handle, message('still here')).events;
      assert.equal(came?.data.toString(), 'still here');
    });

    itWith(
      'headers',
      'gives requests that are kept a quarter of the arena and no more',
      (driver) => {
        driver.checks = false;
        driver.keep('*');
        const long = `Cookie: a=${'b'.repeat(profile.headMaxBytes - 400)}\r\n`;
        const handles: number[] = [];
        do handles.push(accepted(driver, long));
        while (driver.part(handles.at(-1) ?? 0, Part.PATH) === '/chat');
        driver.check('the last request');
        const { arenaUsed, arena } = driver.stats();
        assert.equal(arenaUsed, arena / 4);
        driver.eof(handles[0] ?? 0);
        const next = accepted(driver, long);
        assert.equal(driver.part(next, Part.PATH), '/chat');
      },
    );

    itWith(
      'headers',
      'takes names to keep of 255 bytes, one counted for each, and no more',
      (driver) => {
        const names = `x-${'a'.repeat(100)}, x-name ,${'b'.repeat(144)}`;
        assert.equal(driver.keep('x-before'), 0);
        assert.equal(driver.keep(`${names}b`), ErrorCode.MEMORY);
        const before = accepted(driver, 'X-Name: 1\r\nX-Before: 2\r\n');
        assert.equal(driver.header(before, 'x-before'), '2');
        assert.equal(driver.header(before, 'x-name'), ErrorCode.ABSENT);
        assert.equal(driver.keep(names), 0);
        const after = accepted(driver, `X-Name: 1\r\nX-Before: 2\r\n${'B'.repeat(144)}: 3\r\n`);
        assert.equal(driver.header(after, 'x-before'), ErrorCode.ABSENT);
        assert.equal(driver.header(after, 'x-name'), '1');
        assert.equal(driver.header(after, 'b'.repeat(144)), '3');
        driver.check('the names');
      },
    );

    itWith('headers', 'takes no pointer that leaves memory for a name', (driver) => {
      const { core: x, memory } = driver;
      driver.keep('*');
      const handle = accepted(driver);
      for (const [ptr, len] of [
        [-1, 1],
        [memory.length, 1],
        [driver.scratch, -1],
      ] as const) {
        assert.equal(x.limpet_request_keep(ptr, len), ErrorCode.ARGUMENT);
        assert.equal(x.limpet_header(handle, ptr, len), ErrorCode.ARGUMENT);
        assert.equal(x.limpet_cookie(handle, ptr, len), ErrorCode.ARGUMENT);
      }
      assert.equal(driver.header(handle, ''), ErrorCode.ABSENT);
      assert.equal(x.limpet_request_part(handle, 7), ErrorCode.ARGUMENT);
      assert.equal(x.limpet_request_part(handle, -1), ErrorCode.ARGUMENT);
      assert.equal(driver.header(driver.attach(Role.SERVER), 'host'), ErrorCode.STATE);
    });
  });
}
