// Calls that a vector cannot make → their answers: clocks, pointers, handles, lives of pointers.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  FEATURE_EXPORTS,
  Opcode,
  Option,
  RatePolicy,
  State,
  Takeover,
} from '../../build/limpet.abi.js';
import type { Feature } from '../../tools/lib/profile.js';
import { CORES, DEFLATE_PROFILES } from '../support/cores.js';
import { Driver, ErrorCode, EventKind, Part, Role } from '../support/driver.js';
import { encode } from '../support/frames.js';
import { KEY } from '../support/payload.js';

const HEAD =
  'GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

const text = (words: string, fin = true) =>
  encode({ fin, opcode: Opcode.TEXT, payload: Buffer.from(words), key: KEY });

for (const core of CORES.filter(({ debug }) => debug)) {
  describe(core.name, () => {
    const load = () => new Driver(core.path);
    /** A test for the cores that have a feature, and one for those that do not. */
    const itWith = (feature: Feature, title: string, run: () => void) => {
      if (!core.lacks.has(feature)) void it(title, run);
    };
    const itWithout = (feature: Feature, title: string, run: () => void) => {
      if (core.lacks.has(feature)) void it(title, run);
    };

    it('takes any 32 bits for the beginning of the clock', () => {
      for (const start of [0, 1, 0x7fffffff, 0x80000000, 0x90000000, 0xfffffff0]) {
        const driver = load();
        driver.now = start;
        const handle = driver.core.limpet_open(start | 0);
        driver.tick(9999);
        assert.equal(driver.info(handle)?.state, State.HANDSHAKE, `from ${start}`);
        driver.tick(1);
        assert.equal(driver.info(handle)?.state, State.ENDING, `from ${start}`);
      }
    });

    it('keeps its deadlines when the low 32 bits of the clock wrap', () => {
      const driver = load();
      driver.now = 0x7ffffff0;
      driver.tick(0);
      const handle = driver.attach(Role.SERVER);
      driver.setOption(handle, Option.IDLE_MS, 1000);
      driver.tick(0x7fffffff);
      assert.equal(driver.info(handle)?.state, State.CLOSING);
      const later = driver.attach(Role.SERVER);
      driver.setOption(later, Option.IDLE_MS, 1000);
      driver.tick(999);
      assert.equal(driver.info(later)?.state, State.OPEN);
      driver.tick(1);
      assert.equal(driver.info(later)?.state, State.CLOSING);
    });

    it('lets a clock that steps back stand still', () => {
      const driver = load();
      driver.now = 50_000;
      const handle = driver.attach(Role.SERVER);
      driver.setOption(handle, Option.IDLE_MS, 1000);
      driver.tick(-20_000);
      assert.equal(driver.info(handle)?.state, State.OPEN);
      driver.tick(20_999);
      assert.equal(driver.info(handle)?.state, State.OPEN);
      driver.tick(1);
      assert.equal(driver.info(handle)?.state, State.CLOSING);
    });

    it('takes input from the ingress region only: it would unmask its own state', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER);
      const { core: x, ingress, ingressBytes } = driver;
      for (let region = 1; x.limpet_region(region) > 0; region++) {
        assert.equal(
          x.limpet_rx(handle, x.limpet_region(region), 8, 1),
          ErrorCode.ARGUMENT,
          `region ${region}`,
        );
      }
      assert.equal(x.limpet_rx(handle, 0, 8, 1), ErrorCode.ARGUMENT);
      assert.equal(x.limpet_rx(handle, ingress - 1, 8, 1), ErrorCode.ARGUMENT);
      assert.equal(x.limpet_rx(handle, ingress + ingressBytes - 7, 8, 1), ErrorCode.ARGUMENT);
    });

    itWith('client', 'wants a seed before a client', () => {
      const driver = load();
      assert.equal(driver.attach(Role.CLIENT), ErrorCode.UNSEEDED);
      assert.equal(driver.connect('/', 'a'), ErrorCode.UNSEEDED);
      assert.equal(driver.seed(Buffer.alloc(31, 1)), ErrorCode.ARGUMENT);
      assert.equal(driver.seed(Buffer.alloc(32, 1)), 0);
      assert.ok(driver.attach(Role.CLIENT) > 0);
    });

    it('opens as many sessions as SESSIONS_MAX says, and frees a slot at its CLOSED event', () => {
      const driver = load();
      driver.setOption(0, Option.SESSIONS_MAX, 2);
      const first = driver.open();
      const second = driver.attach(Role.SERVER);
      assert.equal(driver.open(), ErrorCode.SESSIONS);
      driver.eof(first);
      assert.equal(driver.attach(Role.SERVER), ErrorCode.SESSIONS);
      driver.events();
      const third = driver.open();
      assert.ok(third > 0 && third !== first && third !== second);
      assert.equal(driver.eof(first), ErrorCode.HANDLE);
      if (!core.lacks.has('inspection')) assert.ok(driver.core.limpet_session_next(0) > 0);
    });

    it('tells no event of a session that took over the slot of a closed one', () => {
      const driver = load();
      const old = driver.attach(Role.SERVER);
      driver.setOption(old, Option.HIGH_WATER, 1);
      driver.core.limpet_send(old, Opcode.TEXT, driver.scratch, 10);
      driver.eof(old);
      assert.equal(driver.peek().length, 1);
      // The ring is filled behind CLOSED, so that what is told now has to wait.
      const other = driver.attach(Role.SERVER);
      while (driver.rx(other, text('x')) > 0);
      driver.core.limpet_tx_ack(old, 0);
      driver.core.limpet_event_ack(1);
      const fresh = driver.attach(Role.SERVER);
      const events = [...driver.events(), ...driver.events()];
      assert.deepEqual(
        events.filter(({ session }) => session === fresh),
        [],
      );
      assert.equal(driver.info(fresh)?.state, State.OPEN);
      driver.check();
    });

    it('keeps a close reason that came in pieces inside a fragmented message', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER);
      const reason = Buffer.from([0x03, 0xe8, ...Buffer.from('a reason')]);
      const close = encode({ fin: true, opcode: Opcode.CLOSE, payload: reason, key: KEY });
      const bytes = Buffer.concat([text('the first half', false), close]);
      for (const byte of bytes) driver.rx(handle, Buffer.of(byte));
      const other = driver.attach(Role.SERVER);
      driver.memory.fill(0x21, driver.ingress, driver.ingress + 500);
      while (driver.core.limpet_send(other, Opcode.BINARY, driver.ingress, 60) === 0);
      const closing = driver.peek().find(({ kind }) => kind === EventKind.CLOSING);
      assert.equal(closing?.data.toString(), 'a reason');
    });

    it('keeps the path of an UPGRADE event until it is acknowledged', () => {
      const driver = load();
      const handle = driver.open();
      while (driver.peek().length === 0) {
        let left: Uint8Array = Buffer.from(HEAD);
        while (left.length) left = left.subarray(driver.rx(handle, left));
      }
      driver.core.limpet_accept(handle, 0, 0, 0, 0);
      // Whatever takes memory next must not take that.
      const other = driver.attach(Role.SERVER);
      driver.memory.fill(0x21, driver.ingress, driver.ingress + 500);
      while (driver.core.limpet_send(other, Opcode.BINARY, driver.ingress, 60) === 0);
      const [upgrade] = driver.peek();
      assert.equal(upgrade?.data.toString(), '/chat');
    });

    it('keeps the payload of a gathered message over the end of its session', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER);
      driver.rx(handle, text('a gathered ', false));
      driver.rx(handle, encode({ opcode: 0, payload: Buffer.from('message'), key: KEY }));
      driver.eof(handle);
      const other = driver.attach(Role.SERVER);
      while (driver.core.limpet_send(other, Opcode.BINARY, driver.ingress, 60) === 0);
      assert.equal(driver.peek()[0]?.data.toString(), 'a gathered message');
    });

    it('keeps early messages over the end of their session', () => {
      const driver = load();
      const handle = driver.open();
      driver.feed(handle, Buffer.from(HEAD));
      driver.rx(
        handle,
        Buffer.concat([text('early'), encode({ opcode: 9, payload: Buffer.from('p'), key: KEY })]),
      );
      driver.core.limpet_accept(handle, 0, 0, 0, 0);
      driver.rx(handle, Buffer.alloc(0));
      driver.eof(handle);
      const other = driver.attach(Role.SERVER);
      while (driver.core.limpet_send(other, Opcode.BINARY, driver.ingress, 60) === 0);
      const message = driver.peek().find(({ kind }) => kind === EventKind.MESSAGE);
      assert.equal(message?.data.toString(), 'early');
    });

    itWith('headers', 'answers questions about a request only while it waits', () => {
      const driver = load();
      const handle = driver.open();
      assert.equal(driver.part(handle, Part.PATH), ErrorCode.STATE);
      assert.equal(driver.core.limpet_header_next(handle, 0), ErrorCode.STATE);
      assert.equal(driver.core.limpet_protocol_at(handle, 0), ErrorCode.STATE);
      driver.feed(
        handle,
        Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Protocol: a b\r\n\r\n'),
      );
      assert.equal(driver.core.limpet_request_part(handle, 7), ErrorCode.ARGUMENT);
      assert.equal(driver.core.limpet_request_part(handle, -1), ErrorCode.ARGUMENT);
      assert.ok(
        [ErrorCode.ABSENT, ErrorCode.STATE].some(
          (code) => code === driver.core.limpet_protocol_at(handle, 0),
        ),
      );
      assert.equal(driver.core.limpet_protocol_at(handle, -1), ErrorCode.ABSENT);
    });

    itWith('client', 'does not count a connection that it refused to begin', () => {
      const driver = load();
      driver.seed();
      assert.equal(driver.connect('no slash', 'a'), ErrorCode.VALUE);
      assert.deepEqual(
        { ...driver.stats(), arena: 0, sessions: 0 },
        { active: 0, arenaUsed: 0, arenaPeak: 0, arena: 0, sessions: 0 },
      );
      assert.equal(driver.core.limpet_session_next(0), 0);
    });

    itWith('client', 'asks for no more than a response can be held behind', () => {
      const driver = load();
      driver.seed();
      // A head of the longest kind must still end within 16 bits, whatever lies in front of it.
      const longest = (0xffff - headMaxBytes(core.profile)) & ~1;
      if (longest > driver.scratchBytes - 16) return;
      const protocols = Array.from({ length: longest / 2 }, () => 'a').join(',');
      assert.equal(driver.connect('/', 'a', protocols), ErrorCode.ARGUMENT);
    });

    it('exports what its features say, and nothing else of the ABI', () => {
      const module = new WebAssembly.Module(readFileSync(core.path));
      const names = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
      for (const [name, feature] of Object.entries(FEATURE_EXPORTS)) {
        assert.equal(names.has(name), !core.lacks.has(feature), name);
      }
    });

    it('has bounds of texts, of binary messages and of heads for the module (DMSC: Message Size Limits)', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER);
      const bounds: [Option, number, number][] = [
        [Option.TEXT_MAX, 0, 0x7fffffff],
        [Option.BINARY_MAX, 0, 0x7fffffff],
        [Option.HEAD_MAX, 1, headMaxBytes(core.profile)],
      ];
      for (const [option, least, most] of bounds) {
        for (const value of [least, most]) assert.equal(driver.setOption(0, option, value), 0);
        for (const value of [least - 1, (most + 1) | 0]) {
          assert.equal(driver.setOption(0, option, value), ErrorCode.ARGUMENT);
        }
        assert.equal(driver.setOption(handle, option, most), ErrorCode.ARGUMENT);
      }
      driver.setOption(0, Option.TEXT_MAX, 5);
      assert.equal(driver.feed(handle, text('Hello')).events[0]?.kind, EventKind.MESSAGE);
      assert.equal(driver.feed(handle, text('Hello!')).events[0]?.detail, ErrorCode.TOO_BIG);
      driver.setOption(0, Option.HEAD_MAX, HEAD.length - 1);
      const long = driver.open();
      assert.equal(driver.feed(long, Buffer.from(HEAD)).events[0]?.code, 431);
      driver.setOption(0, Option.HEAD_MAX, HEAD.length);
      const fits = driver.open();
      assert.equal(driver.feed(fits, Buffer.from(HEAD)).events[0]?.kind, EventKind.UPGRADE);
    });

    it('has rates for the module, where it has that feature (DMSC: set_rate_limit_messages, set_rate_limit_window)', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER);
      const has = !core.lacks.has('rates');
      const ranges: [Option, number, number][] = [
        [Option.RATE_WINDOW_MS, 1, 0x7fffffff],
        [Option.RATE_MESSAGES, 0, 0x7fffffff],
        [Option.RATE_BYTES, 0, 0x7fffffff],
        [Option.RATE_ALL_MESSAGES, 0, 0x7fffffff],
        [Option.RATE_ALL_BYTES, 0, 0x7fffffff],
        [Option.RATE_POLICY, 0, 2],
      ];
      for (const [option, least, most] of ranges) {
        const right = has ? 0 : ErrorCode.ARGUMENT;
        for (const value of [least, most]) assert.equal(driver.setOption(0, option, value), right);
        for (const value of [least - 1, (most + 1) | 0]) {
          assert.equal(driver.setOption(0, option, value), ErrorCode.ARGUMENT);
        }
        assert.equal(driver.setOption(handle, option, least), ErrorCode.ARGUMENT);
      }
    });

    itWith('rates', 'shares the rate of all between sessions (DMSC: global rate limiting)', () => {
      const driver = load();
      driver.setOption(0, Option.RATE_ALL_MESSAGES, 3);
      driver.setOption(0, Option.RATE_POLICY, RatePolicy.QUEUE);
      const one = driver.attach(Role.SERVER);
      const two = driver.attach(Role.SERVER);
      const words = Buffer.concat([text('a'), text('b'), text('c')]);
      const first = driver.feed(one, words);
      assert.equal(first.events.length, 3);
      const second = driver.feed(two, words);
      const third = driver.feed(one, text('d'));
      assert.equal(second.events.length + third.events.length, 0);
      assert.deepEqual([driver.core.limpet_rx_room(one), driver.core.limpet_rx_room(two)], [0, 0]);
      const told: [number, number][] = [];
      for (let ms = 1; ms <= 700; ms++) {
        driver.tick(1);
        for (const { kind, session } of driver.events()) {
          assert.equal(kind, EventKind.READABLE);
          told.push([ms, session]);
        }
      }
      // A third of a second for each message, in the order in which they came.
      assert.deepEqual(told, [
        [334, two],
        [667, one],
      ]);
      assert.equal(driver.feed(one, third.left).events.length, 1);
      assert.equal(driver.feed(two, second.left).events.length, 1);
      assert.equal(driver.counter('rateQueued'), 3);
    });

    itWith(
      'heartbeat',
      'does not lose a heartbeat whose pong lies behind a frame that waits for its rate',
      () => {
        const driver = load();
        driver.setOption(0, Option.RATE_MESSAGES, 1);
        driver.setOption(0, Option.RATE_POLICY, RatePolicy.QUEUE);
        driver.setOption(0, Option.HEARTBEAT_MS, 100);
        driver.setOption(0, Option.HEARTBEAT_TIMEOUT_MS, 300);
        const handle = driver.attach(Role.SERVER);
        driver.feed(handle, text('one'));
        driver.tick(100);
        const { bytes } = driver.drain(handle);
        const pong = encode({ opcode: Opcode.PONG, payload: bytes.subarray(2), key: KEY });
        const { left } = driver.feed(handle, Buffer.concat([text('two'), pong]));
        assert.equal(driver.core.limpet_rx_room(handle), 0);
        driver.tick(900);
        // A host may read on some milliseconds later.
        driver.tick(5);
        assert.equal(driver.info(handle)?.state, State.OPEN);
        const { events } = driver.feed(handle, left);
        assert.deepEqual(
          [...driver.events(), ...events].map(({ kind }) => kind),
          [EventKind.READABLE, EventKind.MESSAGE, EventKind.PONG],
        );
      },
    );

    it('tells the size of every pool, and how full each was', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER);
      driver.rx(handle, Buffer.concat([text('a'), text('b')]));
      const sizes: [Feature, string, string][] = [
        ['inspection', 'events', 'events'],
        ['deflate', 'windows', 'takeovers'],
        ['topics', 'rooms', 'rooms'],
        ['topics', 'memberships', 'memberships'],
        ['topics', 'levels', 'topicLevels'],
        ['metadata', 'metadata', 'metadataEntries'],
      ];
      for (const [feature, name, limit] of sizes) {
        const size = core.lacks.has(feature) ? 0 : limitOf(core.profile, limit);
        assert.equal(driver.counter(name), size, name);
      }
      assert.equal(driver.counter('sessions'), limitOf(core.profile, 'sessions'));
      assert.equal(driver.counter('arena'), limitOf(core.profile, 'arenaBytes'));
      assert.equal(driver.counter('activePeak'), 1);
      assert.equal(driver.counter('eventsPeak'), core.lacks.has('inspection') ? 0 : 2);
    });

    it('has options of permessage-deflate for the module, where it has that', () => {
      const driver = load();
      const has = driver.option(0, Option.DEFLATE) === 0;
      assert.equal(has, DEFLATE_PROFILES.includes(core.profile));
      const ranges: [Option, number, number][] = [
        [Option.DEFLATE, 0, 1],
        [Option.DEFLATE_LEVEL, 0, 9],
        [Option.DEFLATE_WINDOW, 8, 15],
        [Option.DEFLATE_THRESHOLD, 0, 0x7fffffff],
        [Option.DEFLATE_TAKEOVER, 0, Takeover.OUT | Takeover.IN],
        [Option.DEFLATE_WINDOW_IN, 0, 15],
      ];
      const handle = driver.attach(Role.SERVER);
      const lacks = core.lacks.has('inspection');
      const refused = lacks ? ErrorCode.UNSUPPORTED : ErrorCode.ARGUMENT;
      for (const [option, least, most] of ranges) {
        const right = has ? 0 : ErrorCode.ARGUMENT;
        for (const value of [least, most]) {
          assert.equal(driver.setOption(0, option, value), right);
          assert.equal(driver.option(0, option), has ? value : refused);
        }
        for (const value of [least - 1, (most + 1) | 0, 0x80000000 | 0]) {
          assert.equal(driver.setOption(0, option, value), ErrorCode.ARGUMENT);
        }
        assert.equal(driver.setOption(handle, option, least), ErrorCode.ARGUMENT);
        assert.equal(driver.option(handle, option), refused);
      }
      assert.equal(driver.core.limpet_option_set(0, Option.CLOSING + 1, 0), ErrorCode.ARGUMENT);
    });

    it('attaches a session with permessage-deflate where it has that', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER, 0x0f0f);
      if (DEFLATE_PROFILES.includes(core.profile)) assert.ok(handle > 0);
      else assert.equal(handle, ErrorCode.ARGUMENT);
    });

    it('gives the windows of a session back with it, and of one that could not be attached', () => {
      if (!DEFLATE_PROFILES.includes(core.profile)) return;
      const driver = load();
      // In keeps its context, out does not.
      const attach = () => driver.attach(Role.SERVER, 0x0f18);
      driver.checks = false;
      const handles: number[] = [];
      for (let handle; (handle = attach()) > 0;) handles.push(handle);
      const { active } = driver.stats();
      assert.equal(active, handles.length);
      const [first = 0, second = 0] = handles;
      if (active < driver.stats().sessions) assert.equal(attach(), ErrorCode.MEMORY);
      driver.eof(first);
      driver.eof(second);
      driver.events();
      assert.ok(attach() > 0 && attach() > 0);
      assert.ok(attach() < 0);
      driver.check('the last session');
      assert.equal(driver.stats().active, active);
    });

    itWith(
      'topics',
      'keeps as many messages as there are rooms, and finds none under a stale number',
      () => {
        const driver = load();
        const { core: calls, scratch } = driver;
        driver.checks = false;
        const numbers: number[] = [];
        let answer = 0;
        while ((answer = calls.limpet_prepare(Opcode.TEXT, scratch, 1)) > 0) numbers.push(answer);
        assert.equal(answer, ErrorCode.MEMORY);
        assert.equal(numbers.length, limitOf(core.profile, 'rooms'));
        assert.equal(driver.counter('prepared'), numbers.length);
        assert.equal(new Set(numbers).size, numbers.length);
        driver.check('all are kept');
        const handle = driver.attach(Role.SERVER);
        const [first = 0] = numbers;
        for (const number of numbers) assert.equal(calls.limpet_prepared_free(number), 0);
        for (const number of [first, 0, -1, 1, -first, first + 0x10000, 0x7fffffff]) {
          assert.equal(calls.limpet_send_prepared(handle, number), ErrorCode.ARGUMENT);
          assert.equal(calls.limpet_prepared_free(number), ErrorCode.ARGUMENT);
        }
        assert.equal(calls.limpet_send_prepared(handle + 1, first), ErrorCode.HANDLE);
        assert.equal(driver.counter('preparedUsed'), 0);
        assert.equal(driver.counter('arenaUsed'), 0);
        driver.check('none is kept');
      },
    );

    itWith(
      'client',
      'masks what a client sends with the key that it is given, and nobody else',
      () => {
        const driver = load();
        driver.seed();
        const client = driver.attach(Role.CLIENT);
        const server = driver.attach(Role.SERVER);
        assert.equal(driver.core.limpet_masking_key(server, 1), ErrorCode.STATE);
        assert.equal(driver.core.limpet_masking_key(server + 1, 1), ErrorCode.HANDLE);
        assert.equal(driver.core.limpet_masking_key(client, 0x04030201), 0);
        driver.write(driver.scratch, Buffer.from('Hello'));
        driver.core.limpet_send(client, Opcode.TEXT, driver.scratch, 5);
        // The core's own frames have it, too.
        driver.core.limpet_close(client, 1000, 0, 0);
        const frames = '818501020304' + '49676f686e' + '888201020304' + '02ea';
        assert.equal(driver.drain(client).bytes.toString('hex'), frames);
        driver.eof(client);
        driver.events();
        driver.check('the end of the client');
      },
    );

    itWithout('client', 'refuses a client without that feature', () => {
      assert.equal(load().attach(Role.CLIENT), ErrorCode.UNSUPPORTED);
    });
  });
}

function headMaxBytes(profile: string): number {
  return limitOf(profile, 'headMaxBytes');
}

/** A limit of a profile. */
function limitOf(profile: string, name: string): number {
  const file = `assembly/profiles/${profile.replace('-simd', '')}.json`;
  return (JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>)[name] ?? NaN;
}
