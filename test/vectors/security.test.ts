// The lists of origins, subprotocols and tokens, and the decision that a host leaves open, through the
// calls: what no vector of security.md can say.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Opcode, Region, State, StatsRecord } from '../../build/limpet.abi.js';
import { CORES } from '../support/cores.js';
import { Driver, ErrorCode, EventKind, Option, Role } from '../support/driver.js';
import { encode } from '../support/frames.js';
import { KEY } from '../support/payload.js';
import { hog } from '../support/steps.js';

const head = (...fields: string[]) =>
  Buffer.from(
    [
      'GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade',
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ...fields,
      '\r\n',
    ].join('\r\n'),
  );

const REFUSALS = ['refusedOrigin', 'refusedToken', 'refusedProtocol', 'violations'] as const;

for (const core of CORES.filter(({ debug }) => debug)) {
  const profile = JSON.parse(
    readFileSync(`assembly/profiles/${core.profile.replace('-simd', '')}.json`, 'utf8'),
  ) as Record<'allowedBytes' | 'tokens' | 'headMaxBytes', number>;
  const load = () => new Driver(core.path);
  /** Feeds the head of a handshake to a new session; returns what came of it. */
  const upgrade = (driver: Driver, ...fields: string[]) => {
    const handle = driver.open();
    const [event] = driver.feed(handle, head(...fields)).events;
    return { handle, kind: event?.kind, code: event?.code, detail: event?.detail };
  };

  if (!core.lacks.has('security'))
    describe(`${core.name}: lists`, () => {
      const add = (driver: Driver, list: 'origin' | 'protocol' | 'token', text: string) => {
        const [ptr = 0, length = 0] = driver.pass(text);
        return driver.core[`limpet_${list}_add`](ptr, length);
      };

      it('counts each refusal by its cause', () => {
        const driver = load();
        add(driver, 'origin', 'https://a');
        add(driver, 'token', 'secret');
        add(driver, 'protocol', 'chat');
        const counted = () => {
          const at = driver.core.limpet_stats();
          return REFUSALS.map((name) => driver.u64(at + StatsRecord[name]));
        };
        assert.equal(upgrade(driver, 'Origin: https://b').code, 403);
        assert.deepEqual(counted(), [1, 0, 0, 1]);
        assert.equal(upgrade(driver, 'Origin: https://a').code, 401);
        assert.deepEqual(counted(), [1, 1, 0, 2]);
        const right = ['Origin: https://a', 'Authorization: Bearer secret'];
        assert.equal(upgrade(driver, ...right, 'Sec-WebSocket-Protocol: x').code, 400);
        assert.deepEqual(counted(), [1, 1, 1, 3]);
        assert.equal(upgrade(driver, ...right).kind, EventKind.UPGRADE);
        assert.deepEqual(counted(), [1, 1, 1, 3]);
      });

      it('add_allowed_origin and its like: full to the last byte, and not one more', () => {
        const driver = load();
        for (const list of ['origin', 'protocol'] as const) {
          const first = list === 'origin' ? 'a://' : 'a';
          let left = profile.allowedBytes;
          while (left > 0) {
            // An entry has two bytes beside its text.
            const length = Math.min(left - 2, driver.scratchBytes, 100);
            const entry = first.padEnd(left - 2 - length < 10 ? left - 2 : length, 'x');
            if (list === 'origin' && left - 2 < 4) break;
            assert.equal(add(driver, list, entry), 0);
            left -= entry.length + 2;
          }
          assert.equal(left, 0);
          assert.equal(add(driver, list, first), ErrorCode.MEMORY);
        }
        assert.equal(upgrade(driver, 'Origin: b://').code, 403);
        driver.core.limpet_security_clear();
        assert.equal(add(driver, 'origin', 'a://'), 0);
        assert.equal(add(driver, 'protocol', 'a'), 0);
      });

      it('Authentication Integration: as many tokens as the profile has, and not one more', () => {
        const driver = load();
        driver.checks = false;
        for (let i = 0; i < profile.tokens; i++) assert.equal(add(driver, 'token', `t${i}`), 0);
        assert.equal(add(driver, 'token', 'more'), ErrorCode.MEMORY);
        assert.equal(driver.core.limpet_token_add_digest(driver.scratch), ErrorCode.MEMORY);
        driver.check();
        assert.equal(upgrade(driver, 'Authorization: Bearer t0').kind, EventKind.UPGRADE);
        const last = `Authorization: Bearer t${profile.tokens - 1}`;
        assert.equal(upgrade(driver, last).kind, EventKind.UPGRADE);
        assert.equal(upgrade(driver, 'Authorization: Bearer more').code, 401);
      });

      it('Authentication Integration: keeps the digest of a token, and its text nowhere', () => {
        const driver = load();
        const token = 'a-rather-long-token-that-is-found-nowhere-else';
        assert.equal(add(driver, 'token', token), 0);
        assert.equal(driver.memory.indexOf(token), -1);
        assert.equal(driver.memory.indexOf(token.slice(0, 8)), -1);
        const digest = createHash('sha256').update(token).digest();
        assert.deepEqual(driver.copy(driver.core.limpet_region(Region.SECURITY), 32), digest);
        assert.equal(add(driver, 'token', `${token} `), ErrorCode.VALUE);
        assert.equal(driver.memory.indexOf(token), -1);
      });

      it('Authentication Integration: takes a digest in place of a token', () => {
        const driver = load();
        const [ptr = 0] = driver.pass(createHash('sha256').update('secret').digest());
        assert.equal(driver.core.limpet_token_add_digest(ptr), 0);
        assert.equal(upgrade(driver, 'Authorization: Bearer wrong').code, 401);
        assert.equal(upgrade(driver, 'Authorization: Bearer secret').kind, EventKind.UPGRADE);
      });

      it('leaves nothing of the lists behind when they are cleared', () => {
        const driver = load();
        add(driver, 'token', 'secret');
        add(driver, 'origin', 'https://a');
        assert.equal(upgrade(driver, 'Origin: https://b').code, 403);
        assert.equal(driver.core.limpet_security_clear(), 0);
        assert.equal(upgrade(driver, 'Origin: https://b').kind, EventKind.UPGRADE);
        const at = driver.core.limpet_region(Region.SECURITY);
        const size = driver.core.limpet_region_size(Region.SECURITY);
        assert.ok(driver.copy(at, size).every((byte) => byte === 0));
      });

      it('takes a token from the scratch region only: it would zero its own state', () => {
        const driver = load();
        const { core: x, scratch, scratchBytes, ingress } = driver;
        const refused: [number, number][] = [
          [scratch - 1, 2],
          [scratch, scratchBytes + 1],
          [scratch + scratchBytes, 1],
          [ingress, 4],
          [16, 4],
          [scratch, -1],
          [0, 0],
        ];
        for (const [ptr, length] of refused)
          assert.equal(x.limpet_token_add(ptr, length), ErrorCode.ARGUMENT);
        driver.memory.fill(0x61, scratch, scratch + scratchBytes);
        assert.equal(x.limpet_token_add(scratch, scratchBytes), 0);
      });

      it('refuses pointers out of memory', () => {
        const driver = load();
        const { core: x, memory } = driver;
        for (const name of ['limpet_origin_add', 'limpet_protocol_add'] as const) {
          assert.equal(x[name](memory.length, 1), ErrorCode.ARGUMENT);
          assert.equal(x[name](driver.scratch, -1), ErrorCode.ARGUMENT);
          assert.equal(x[name](-4, 4), ErrorCode.ARGUMENT);
        }
        assert.equal(x.limpet_token_add_digest(memory.length - 31), ErrorCode.ARGUMENT);
        assert.equal(x.limpet_token_add_digest(-1), ErrorCode.ARGUMENT);
      });

      it('is told by limpet_debug_check when an entry runs out of its list', () => {
        const driver = load();
        add(driver, 'origin', 'https://a');
        const entry = driver.core.limpet_region(Region.SECURITY) + profile.tokens * 32;
        driver.memory.writeUInt16LE(5, entry);
        assert.throws(() => {
          driver.check();
        }, /112/);
      });
    });

  describe(`${core.name}: a decision that takes its time`, () => {
    const hold = profile.headMaxBytes;
    /** A message of a handful of frames, `bytes` bytes on the wire. */
    const stream = (bytes: number) => {
      const frames: Buffer[] = [];
      for (let left = bytes; left > 0;) {
        // 6: the header of a short frame. No piece may be too short for one.
        const take = left <= 106 ? left : Math.min(106, left - 6);
        frames.push(
          encode({ opcode: Opcode.BINARY, payload: Buffer.alloc(take - 6, 1), key: KEY }),
        );
        left -= take;
      }
      return Buffer.concat(frames);
    };
    /** Offers bytes, more than there is room for, too; returns how many were taken. */
    const offer = (driver: Driver, handle: number, bytes: Buffer) => {
      let taken = 0;
      while (taken < bytes.length) {
        const piece = bytes.subarray(taken, taken + driver.ingressBytes);
        driver.write(driver.ingress, piece);
        const took = driver.core.limpet_rx(handle, driver.ingress, piece.length, driver.now);
        assert.ok(took >= 0);
        if (took === 0) break;
        taken += took;
      }
      return taken;
    };
    /** Payload bytes of the messages that come when the host goes on with what is held, and `rest`. */
    const told = (driver: Driver, handle: number, rest: Buffer) =>
      [...driver.feed(handle, Buffer.alloc(0)).events, ...driver.feed(handle, rest).events]
        .filter(({ kind }) => kind === EventKind.MESSAGE)
        .reduce((sum, { data }) => sum + data.length, 0);
    const payloadOf = (bytes: number) => bytes - 6 * Math.ceil(bytes / 106);

    it('holds early bytes up to the bound', () => {
      const driver = load();
      const { handle } = upgrade(driver);
      assert.equal(driver.core.limpet_rx_room(handle), hold);
      const bytes = stream(hold);
      assert.equal(offer(driver, handle, bytes), hold);
      assert.equal(driver.core.limpet_rx_room(handle), 0);
      assert.equal(driver.core.limpet_accept(handle, 0, 0, 0, 0), 0);
      assert.ok(driver.core.limpet_rx_room(handle) > 0);
      assert.equal(told(driver, handle, Buffer.alloc(0)), payloadOf(hold));
    });

    it('takes none past the bound, and none is lost', () => {
      const driver = load();
      const { handle } = upgrade(driver);
      const bytes = stream(hold + 200);
      assert.equal(offer(driver, handle, bytes.subarray(0, hold - 1)), hold - 1);
      assert.equal(driver.core.limpet_rx_room(handle), 1);
      assert.equal(offer(driver, handle, bytes.subarray(hold - 1)), 1);
      assert.equal(driver.core.limpet_rx_room(handle), 0);
      assert.equal(offer(driver, handle, bytes.subarray(hold)), 0);
      assert.equal(driver.info(handle)?.state, State.PENDING);
      assert.equal(driver.core.limpet_accept(handle, 0, 0, 0, 0), 0);
      assert.equal(told(driver, handle, bytes.subarray(hold)), payloadOf(hold + 200));
    });

    it('says that it takes nothing when no memory is left to hold it, until the decision', () => {
      const driver = load();
      const { handle } = upgrade(driver);
      const hogging = hog(driver, Infinity);
      const bytes = stream(100);
      assert.equal(offer(driver, handle, bytes), 0);
      assert.equal(driver.core.limpet_rx_room(handle), 0);
      driver.eof(hogging);
      driver.events();
      assert.equal(driver.core.limpet_accept(handle, 0, 0, 0, 0), 0);
      assert.ok(driver.core.limpet_rx_room(handle) > 0);
      assert.equal(told(driver, handle, bytes), payloadOf(100));
    });

    it('gives what it held back when the handshake is refused', () => {
      const driver = load();
      const { handle } = upgrade(driver);
      offer(driver, handle, stream(hold));
      assert.equal(driver.core.limpet_respond(handle, 403, 0, 0, 0, 0), 0);
      driver.drain(handle);
      assert.equal(driver.stats().arenaUsed, 0);
      assert.equal(offer(driver, handle, stream(200)), 200);
    });

    it('answers 503 for a host that did not decide within HANDSHAKE_MS, not a moment earlier', () => {
      const driver = load();
      driver.setOption(0, Option.HANDSHAKE_MS, 5000);
      const { handle } = upgrade(driver);
      offer(driver, handle, stream(hold));
      driver.tick(4999);
      assert.equal(driver.info(handle)?.state, State.PENDING);
      driver.tick(1);
      assert.equal(driver.info(handle)?.state, State.ENDING);
      const [event] = driver.events();
      assert.equal(event?.kind, EventKind.ERROR);
      assert.equal(event.detail, ErrorCode.TIMEOUT_HANDSHAKE);
      const { bytes, end } = driver.drain(handle);
      assert.match(bytes.toString(), /^HTTP\/1\.1 503 /);
      assert.ok(end);
      assert.equal(driver.core.limpet_accept(handle, 0, 0, 0, 0), ErrorCode.STATE);
      assert.equal(driver.stats().arenaUsed, 0);
    });

    it('waits without an end where HANDSHAKE_MS is 0, and other sessions go on', () => {
      const driver = load();
      driver.setOption(0, Option.HANDSHAKE_MS, 0);
      const { handle } = upgrade(driver);
      const other = driver.attach(Role.SERVER);
      driver.tick(0x7fffffff);
      assert.equal(driver.info(handle)?.state, State.PENDING);
      assert.equal(told(driver, other, stream(100)), payloadOf(100));
      assert.equal(driver.core.limpet_accept(handle, 0, 0, 0, 0), 0);
    });
  });
}
