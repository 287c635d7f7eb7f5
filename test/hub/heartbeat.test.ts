// Keepalive and heartbeats, under the names that DMSC's C API, api.zig and facil.io have for them:
// per server, per session, when memory is gone, and what the counters say. Their rules in time are
// test/vectors/timers.md and heartbeats.md.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Opcode, Option, SessionInfo, State, StatsRecord } from '../../build/limpet.abi.js';
import { CORES } from '../support/cores.js';
import { Driver, ErrorCode, EventKind, Role, type CoreEvent } from '../support/driver.js';
import { decode, encode } from '../support/frames.js';
import { hog } from '../support/steps.js';
import { KEY } from '../support/payload.js';

/** Bytes of a heartbeat, and of its frame from a server. */
const PAYLOAD = 12;
const FRAME = 14;

const frame = (opcode: Opcode, payload: Uint8Array = Buffer.alloc(0)) =>
  encode({ opcode, payload, key: KEY });

/** The payloads of the pings that a session has queued. */
const pings = (driver: Driver, handle: number) =>
  decode(driver.drain(handle).bytes)
    .frames.filter(({ opcode }) => opcode === Opcode.PING)
    .map(({ payload }) => payload);

const kinds = (events: CoreEvent[]) => events.map(({ kind }) => kind);

for (const core of CORES.filter(({ debug }) => debug)) {
  describe(core.name, () => {
    const load = () => new Driver(core.path);
    const counter = (driver: Driver, offset: number) =>
      driver.u64(driver.core.limpet_stats() + offset);
    /** A test for the cores that have heartbeats; for those that count; for those without heartbeats. */
    const beating = (title: string, run: () => void) => {
      if (!core.lacks.has('heartbeat')) void it(title, run);
    };
    const counting = (title: string, run: () => void) => {
      if (!core.lacks.has('inspection')) void it(title, run);
    };
    const without = (title: string, run: () => void) => {
      if (core.lacks.has('heartbeat')) void it(title, run);
    };

    it('Keep-Alive Mechanisms: set_ping_interval (ping_interval_ms), per server and per session', () => {
      const driver = load();
      const first = driver.attach(Role.SERVER);
      assert.equal(driver.setOption(0, Option.PING_MS, 300), 0);
      const second = driver.attach(Role.SERVER);
      const third = driver.attach(Role.SERVER);
      assert.equal(driver.setOption(third, Option.PING_MS, 100), 0);
      driver.tick(100);
      assert.deepEqual(
        [first, second, third].map((h) => pings(driver, h).length),
        [0, 0, 1],
      );
      driver.tick(200);
      assert.deepEqual(
        [first, second].map((h) => pings(driver, h).length),
        [0, 1],
      );
    });

    it('Keep-Alive Mechanisms: set_ping_timeout (pong_timeout_ms), per server and per session', () => {
      const driver = load();
      driver.setOption(0, Option.PING_MS, 100);
      driver.setOption(0, Option.PONG_MS, 500);
      const patient = driver.attach(Role.SERVER);
      const hasty = driver.attach(Role.SERVER);
      driver.setOption(hasty, Option.PONG_MS, 50);
      driver.tick(100);
      driver.tick(50);
      assert.equal(driver.info(hasty)?.state, State.ABORTED);
      driver.tick(449);
      assert.equal(driver.info(patient)?.state, State.OPEN);
      driver.tick(1);
      assert.equal(driver.info(patient)?.state, State.ABORTED);
    });

    it('Keep-Alive Mechanisms: half-open connections and zombie clients are detected, live ones kept', () => {
      const driver = load();
      driver.setOption(0, Option.PING_MS, 1000);
      driver.setOption(0, Option.PONG_MS, 1000);
      const zombie = driver.attach(Role.SERVER);
      const alive = driver.attach(Role.SERVER);
      for (let now = 0; now < 20; now++) {
        driver.tick(500);
        for (const payload of pings(driver, alive)) driver.feed(alive, frame(Opcode.PONG, payload));
      }
      assert.equal(driver.info(zombie)?.state, State.ABORTED);
      assert.equal(driver.info(alive)?.state, State.OPEN);
      assert.equal(driver.drain(zombie).abort, true);
    });

    it('facil.io timeout: silence is answered with a ping, and only no answer ends the connection', () => {
      const driver = load();
      driver.setOption(0, Option.PING_MS, 40_000);
      const handle = driver.attach(Role.SERVER);
      driver.tick(40_000);
      assert.equal(pings(driver, handle).length, 1);
      assert.equal(driver.info(handle)?.state, State.OPEN);
      driver.feed(handle, frame(Opcode.PONG));
      driver.tick(39_999);
      assert.equal(driver.info(handle)?.state, State.OPEN);
    });

    it('sendPing, sendPong, Pong Payloads: any payload of 125 bytes, with a timestamp or data', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER);
      const payload = Buffer.concat([
        Buffer.from('00000000000003e8', 'hex'),
        Buffer.from('room 7'),
      ]);
      driver.write(driver.ingress, payload);
      for (const opcode of [Opcode.PING, Opcode.PONG]) {
        assert.equal(driver.core.limpet_send(handle, opcode, driver.ingress, payload.length), 0);
        const [sent] = decode(driver.drain(handle).bytes).frames;
        assert.equal(sent?.opcode, opcode);
        assert.deepEqual(sent?.payload, payload);
        assert.equal(driver.core.limpet_send(handle, opcode, driver.ingress, 125), 0);
        const refused = driver.core.limpet_send(handle, opcode, driver.ingress, 126);
        assert.equal(refused, ErrorCode.ARGUMENT);
        driver.drain(handle);
      }
      const { events } = driver.feed(handle, frame(Opcode.PONG, payload));
      assert.deepEqual(kinds(events), [EventKind.PONG]);
      assert.deepEqual(events[0]?.data, payload);
    });

    it('last_ping_time, last_pong_time: when the last byte came is told', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER);
      driver.tick(700);
      driver.feed(handle, frame(Opcode.PONG));
      const info = driver.core.limpet_session_info(handle);
      assert.equal(driver.u64(info + SessionInfo.activeAt), driver.now);
    });

    counting('sessions that are given up are counted by their cause', () => {
      const driver = load();
      const causes: [Option, number, number][] = [
        [Option.IDLE_MS, 1, StatsRecord.timeoutIdle],
        [Option.CLOSE_MS, 2, StatsRecord.timeoutClose],
        [Option.PONG_MS, 3, StatsRecord.timeoutPong],
      ];
      for (const [option, sessions, offset] of causes) {
        for (let i = 0; i < sessions; i++) {
          const handle = driver.attach(Role.SERVER);
          driver.setOption(handle, option, 10);
          if (option === Option.PONG_MS) driver.setOption(handle, Option.PING_MS, 10);
          if (option === Option.CLOSE_MS) driver.core.limpet_close(handle, 1000, 0, 0);
          driver.tick(10);
          driver.tick(10);
          driver.eof(handle);
          driver.events();
        }
        assert.equal(counter(driver, offset), sessions);
      }
      driver.setOption(0, Option.HANDSHAKE_MS, 10);
      driver.open();
      driver.tick(10);
      assert.equal(counter(driver, StatsRecord.timeoutHandshake), 1);
    });

    without('has no heartbeats without that feature', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER);
      for (const option of [Option.HEARTBEAT_MS, Option.HEARTBEAT_TIMEOUT_MS]) {
        assert.equal(driver.setOption(0, option, 1), ErrorCode.ARGUMENT);
        assert.equal(driver.setOption(handle, option, 1), ErrorCode.ARGUMENT);
      }
    });

    beating('Heartbeat System: intervals and timeouts, per server and per session', () => {
      const driver = load();
      const none = driver.attach(Role.SERVER);
      driver.setOption(0, Option.HEARTBEAT_MS, 400);
      driver.setOption(0, Option.HEARTBEAT_TIMEOUT_MS, 300);
      const usual = driver.attach(Role.SERVER);
      const own = driver.attach(Role.SERVER);
      driver.setOption(own, Option.HEARTBEAT_MS, 100);
      driver.setOption(own, Option.HEARTBEAT_TIMEOUT_MS, 50);
      const got = [none, usual, own].map((handle) => [
        driver.option(handle, Option.HEARTBEAT_MS),
        driver.option(handle, Option.HEARTBEAT_TIMEOUT_MS),
      ]);
      assert.deepEqual(got, [
        [0, 10_000],
        [400, 300],
        [100, 50],
      ]);
      driver.tick(100);
      assert.deepEqual(
        [none, usual, own].map((h) => pings(driver, h).length),
        [0, 0, 1],
      );
      driver.tick(50);
      assert.equal(driver.info(own)?.state, State.ABORTED);
      driver.tick(250);
      assert.equal(pings(driver, usual).length, 1);
      driver.tick(299);
      assert.equal(driver.info(usual)?.state, State.OPEN);
      driver.tick(1);
      assert.equal(driver.info(usual)?.state, State.ABORTED);
      assert.equal(counter(driver, StatsRecord.timeoutPong), 2);
      assert.equal(driver.info(none)?.state, State.OPEN);
      for (const option of [Option.HEARTBEAT_MS, Option.HEARTBEAT_TIMEOUT_MS]) {
        assert.equal(driver.setOption(none, option, 0x7fffffff), 0);
        assert.equal(driver.setOption(none, option, -1), ErrorCode.ARGUMENT);
      }
    });

    beating(
      'Heartbeat System: a peer that sends and does not answer is told from one that does',
      () => {
        const driver = load();
        driver.setOption(0, Option.HEARTBEAT_MS, 100);
        driver.setOption(0, Option.HEARTBEAT_TIMEOUT_MS, 200);
        const stuck = driver.attach(Role.SERVER);
        const alive = driver.attach(Role.SERVER);
        for (let i = 0; i < 4; i++) {
          driver.tick(100);
          for (const payload of pings(driver, alive))
            driver.feed(alive, frame(Opcode.PONG, payload));
          if (driver.info(stuck)?.state === State.OPEN) driver.feed(stuck, frame(Opcode.TEXT));
        }
        assert.equal(driver.info(stuck)?.state, State.ABORTED);
        assert.equal(driver.info(alive)?.state, State.OPEN);
        assert.equal(driver.info(alive)?.heartbeatsAnswered, 4);
      },
    );

    beating('Heartbeat System: round-trip times of each session, and of all of them', () => {
      const driver = load();
      driver.setOption(0, Option.HEARTBEAT_MS, 1000);
      const handles = [driver.attach(Role.SERVER), driver.attach(Role.SERVER)];
      driver.tick(1000);
      const payloads = handles.map((handle) => pings(driver, handle)[0] ?? Buffer.alloc(0));
      [30, 90].forEach((ms, i) => {
        driver.tick(ms);
        const { events } = driver.feed(handles[i] ?? 0, frame(Opcode.PONG, payloads[i]));
        assert.deepEqual(kinds(events), [EventKind.HEARTBEAT]);
        assert.equal(events[0]?.detail, i ? 120 : 30);
      });
      assert.deepEqual(
        handles.map((handle) => driver.info(handle)?.rttLast),
        [30, 120],
      );
      const stats = driver.core.limpet_stats();
      assert.equal(counter(driver, StatsRecord.heartbeats), 2);
      assert.equal(counter(driver, StatsRecord.rttTotal), 150);
      assert.equal(driver.u32(stats + StatsRecord.rttLeast), 30);
      assert.equal(driver.u32(stats + StatsRecord.rttMost), 120);
    });

    beating('Heartbeat System: the slot of a session that ended has nothing of it', () => {
      const driver = load();
      const old = driver.attach(Role.SERVER);
      driver.setOption(old, Option.HEARTBEAT_MS, 100);
      driver.tick(100);
      const [payload] = pings(driver, old);
      driver.eof(old);
      driver.events();
      const fresh = driver.attach(Role.SERVER);
      assert.equal(fresh & 0xffff, old & 0xffff);
      assert.equal(driver.info(fresh)?.heartbeats, 0);
      assert.equal(driver.option(fresh, Option.HEARTBEAT_MS), 0);
      const { events } = driver.feed(fresh, frame(Opcode.PONG, payload));
      assert.deepEqual(kinds(events), [EventKind.PONG]);
    });

    beating(
      'Heartbeat System: without memory a heartbeat is left out, and the next one goes',
      () => {
        if (core.profile !== 'micro') return;
        const driver = load();
        driver.setOption(0, Option.HEARTBEAT_MS, 100);
        const handle = driver.attach(Role.SERVER);
        driver.setOption(0, Option.HEARTBEAT_MS, 0);
        const hogs = [hog(driver, Infinity)];
        // The reserve of control frames, too.
        for (let other; (other = driver.attach(Role.SERVER)) > 0;) {
          hogs.push(other);
          while (driver.core.limpet_send(other, Opcode.PING, driver.ingress, 100) === 0);
        }
        driver.tick(100);
        assert.equal(driver.info(handle)?.heartbeats, 0);
        for (const other of hogs) driver.eof(other);
        driver.tick(99);
        assert.equal(driver.info(handle)?.heartbeats, 0);
        driver.tick(1);
        assert.equal(driver.info(handle)?.heartbeats, 1);
      },
    );

    beating('Heartbeat System: to a peer that does not read they do not pile up', () => {
      const driver = load();
      driver.checks = false;
      const handle = driver.attach(Role.SERVER);
      driver.setOption(handle, Option.HEARTBEAT_MS, 10);
      driver.setOption(handle, Option.HEARTBEAT_TIMEOUT_MS, 0);
      driver.setOption(handle, Option.QUEUE_MAX, 100);
      for (let i = 0; i < 1000; i++) driver.tick(10);
      // As many as queueTakesPong lets through: QUEUE_MAX and eight of the longest pongs.
      const most = 100 + 8 * 131;
      const queued = driver.info(handle)?.queued ?? 0;
      assert.ok(queued >= most && queued < most + FRAME, `${queued} bytes`);
      assert.equal(driver.info(handle)?.heartbeats, queued / FRAME);
      assert.equal(pings(driver, handle)[0]?.length, PAYLOAD);
      driver.tick(10);
      assert.equal(driver.drain(handle).bytes.length, FRAME);
    });

    beating('Heartbeat System: its event needs no more room than a pong: the ring is full', () => {
      const driver = load();
      const handle = driver.attach(Role.SERVER);
      driver.setOption(handle, Option.HEARTBEAT_MS, 100);
      driver.tick(100);
      const [payload] = pings(driver, handle);
      const other = driver.attach(Role.SERVER);
      while (driver.rx(other, frame(Opcode.PONG)) > 0);
      const answer = frame(Opcode.PONG, payload);
      assert.equal(driver.rx(handle, answer), 0);
      driver.events();
      driver.tick(20);
      assert.equal(driver.rx(handle, answer), answer.length);
      const events = driver.events();
      assert.deepEqual(kinds(events), [EventKind.HEARTBEAT]);
      assert.equal(events[0]?.detail, 20);
    });

    beating('Heartbeat System: the clock may wrap between a heartbeat and its answer', () => {
      const driver = load();
      driver.now = 0xffffff00;
      driver.tick();
      const handle = driver.attach(Role.SERVER);
      driver.setOption(handle, Option.HEARTBEAT_MS, 200);
      driver.tick(200);
      const [payload] = pings(driver, handle);
      driver.tick(100);
      const { events } = driver.feed(handle, frame(Opcode.PONG, payload));
      assert.deepEqual(
        events.map(({ kind, detail }) => [kind, detail]),
        [[EventKind.HEARTBEAT, 100]],
      );
    });
  });
}
