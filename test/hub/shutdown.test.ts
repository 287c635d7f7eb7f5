// limpet_shutdown, under the names that DMSC's C API and facil.io have for it: many sessions at
// once, full rings, who is refused and when it is over. What one session sees is test/vectors/shutdown.md.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLOSE_BY_HOST, Opcode, State, StatsRecord } from '../../build/limpet.abi.js';
import { CORES } from '../support/cores.js';
import { Driver, ErrorCode, EventKind, Role, type CoreEvent } from '../support/driver.js';
import { decode, encode } from '../support/frames.js';
import { KEY } from '../support/payload.js';

const close = (code: number) =>
  encode({ opcode: Opcode.CLOSE, payload: Buffer.from([code >> 8, code & 0xff]), key: KEY });
const HEAD =
  'GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const text = (words: string) =>
  encode({ opcode: Opcode.TEXT, payload: Buffer.from(words), key: KEY });

/** Takes all events, with those that come when others are acknowledged. */
function allEvents(driver: Driver) {
  const events = [];
  while (driver.peek().length) events.push(...driver.events());
  return events;
}

for (const core of CORES.filter(({ debug }) => debug)) {
  describe(core.name, () => {
    const load = () => new Driver(core.path);
    const counter = (driver: Driver, offset: number) =>
      driver.u64(driver.core.limpet_stats() + offset);
    /** A test for the cores that have that feature, and one for those that do not. */
    const ending = (title: string, run: () => void) => {
      if (!core.lacks.has('shutdown')) void it(title, run);
    };
    const without = (title: string, run: () => void) => {
      if (core.lacks.has('shutdown')) void it(title, run);
    };

    without('has no shutdown without that feature', () => {
      const driver = load();
      assert.equal(driver.shutdown(1000), ErrorCode.UNSUPPORTED);
      assert.ok(driver.attach(Role.SERVER) > 0);
    });

    ending('stop: from then on nobody gets in, and that is counted', () => {
      const driver = load();
      driver.seed();
      driver.attach(Role.SERVER);
      assert.equal(driver.shutdown(1000), 0);
      assert.equal(driver.open(), ErrorCode.SHUTDOWN);
      assert.equal(driver.attach(Role.SERVER), ErrorCode.SHUTDOWN);
      assert.equal(driver.attach(Role.CLIENT), ErrorCode.SHUTDOWN);
      assert.equal(driver.connect('/', 'a'), ErrorCode.SHUTDOWN);
      assert.equal(counter(driver, StatsRecord.refusedShutdown), 4);
      assert.equal(counter(driver, StatsRecord.sessionsFull), 0);
      assert.equal(driver.stats().active, 1);
    });

    ending('stop: a server without sessions is stopped at once', () => {
      const driver = load();
      assert.equal(driver.shutdown(1000), 0);
      assert.equal(driver.stats().active, 0);
      assert.equal(driver.tick(0), -1);
      assert.equal(driver.open(), ErrorCode.SHUTDOWN);
    });

    ending('Graceful Shutdown: all pending messages are sent before the Close frame', () => {
      const driver = load();
      const handles = Array.from({ length: 8 }, () => driver.attach(Role.SERVER));
      driver.write(driver.ingress, Buffer.from('pending'));
      for (const handle of handles) driver.core.limpet_send(handle, Opcode.TEXT, driver.ingress, 7);
      driver.shutdown(5000);
      allEvents(driver);
      const events: CoreEvent[] = [];
      for (const handle of handles) {
        const { frames } = decode(driver.drain(handle).bytes);
        assert.deepEqual(
          frames.map(({ opcode, payload }) => [opcode, payload.toString('latin1')]),
          [
            [Opcode.TEXT, 'pending'],
            [Opcode.CLOSE, '\x03\xe9'],
          ],
        );
        driver.feed(handle, close(1001));
        assert.equal(driver.drain(handle).end, true);
        driver.eof(handle);
        events.push(...allEvents(driver));
      }
      const closed = events.filter(({ kind }) => kind === EventKind.CLOSED);
      assert.equal(closed.length, handles.length);
      assert.deepEqual(new Set(closed.map(({ flags }) => flags)), new Set([8]));
      assert.equal(driver.stats().active, 0);
      assert.equal(driver.tick(5000), -1);
    });

    ending(
      'facil.io on_shutdown: called before on_close, and a message may be sent from it',
      () => {
        const driver = load();
        const handles = Array.from({ length: 3 }, () => driver.attach(Role.SERVER));
        driver.shutdown(5000);
        const told = driver.peek();
        assert.deepEqual(
          told.map(({ kind }) => kind),
          handles.map(() => EventKind.SHUTDOWN),
        );
        driver.write(driver.ingress, Buffer.from('bye'));
        for (const { session } of told) {
          assert.equal(driver.core.limpet_send(session, Opcode.TEXT, driver.ingress, 3), 0);
        }
        driver.core.limpet_event_ack(told.length);
        for (const handle of handles) {
          const { frames } = decode(driver.drain(handle).bytes);
          assert.deepEqual(
            frames.map(({ opcode }) => opcode),
            [Opcode.TEXT, Opcode.CLOSE],
          );
          assert.equal(
            driver.core.limpet_send(handle, Opcode.TEXT, driver.ingress, 3),
            ErrorCode.STATE,
          );
        }
      },
    );

    ending(
      'Graceful Shutdown: more sessions than events: all are told, none twice, none forgotten',
      () => {
        const driver = load();
        driver.checks = !core.profile.startsWith('server');
        const handles: number[] = [];
        for (let handle; (handle = driver.attach(Role.SERVER)) > 0;) handles.push(handle);
        // On the small core the ring has more entries than there are sessions: it is filled before.
        const [first = 0] = handles;
        while (driver.rx(first, text('x')) > 0);
        driver.shutdown(60_000);
        const events = allEvents(driver);
        const told = events.filter(({ kind }) => kind === EventKind.SHUTDOWN);
        const closing = events.filter(({ kind }) => kind === EventKind.CLOSING);
        assert.deepEqual(new Set(told.map(({ session }) => session)), new Set(handles));
        assert.equal(told.length, handles.length);
        assert.equal(closing.length, handles.length);
        driver.check('the last acknowledgement');
        for (const handle of handles) assert.equal(driver.info(handle)?.state, State.CLOSING);
      },
    );

    ending('Graceful Shutdown: a session that cannot even queue its Close frame is aborted', () => {
      if (core.profile !== 'micro') return;
      const driver = load();
      const handle = driver.attach(Role.SERVER);
      const hogs: number[] = [];
      for (let other; (other = driver.attach(Role.SERVER)) > 0;) {
        hogs.push(other);
        while (driver.core.limpet_send(other, Opcode.PING, driver.ingress, 100) === 0);
      }
      driver.shutdown(1000);
      allEvents(driver);
      assert.equal(driver.info(handle)?.state, State.ABORTED);
      for (const other of [handle, ...hogs]) driver.eof(other);
      allEvents(driver);
      assert.deepEqual([driver.stats().active, driver.stats().arenaUsed], [0, 0]);
    });

    ending('a block that goes back while SHUTDOWN is acknowledged is not lost', () => {
      if (core.profile !== 'micro') return;
      const driver = load();
      const handle = driver.open();
      driver.feed(handle, Buffer.from(HEAD));
      // Early bytes are held until limpet_rx is called again.
      driver.rx(handle, text('early'));
      driver.core.limpet_accept(handle, 0, 0, 0, 0);
      driver.drain(handle);
      allEvents(driver);
      const hogs: number[] = [];
      for (let other; (other = driver.attach(Role.SERVER)) > 0;) {
        hogs.push(other);
        while (driver.core.limpet_send(other, Opcode.PING, driver.ingress, 100) === 0);
      }
      for (const other of hogs) driver.core.limpet_terminate(other);
      // The Close frame finds no memory, and no event is left that could take the block along.
      driver.shutdown(1000);
      assert.deepEqual(
        driver.peek().map(({ kind }) => kind),
        [EventKind.SHUTDOWN],
      );
      driver.core.limpet_event_ack(1);
      assert.equal(driver.info(handle)?.state, State.ABORTED);
      for (const other of [handle, ...hogs]) driver.eof(other);
      allEvents(driver);
      assert.deepEqual([driver.stats().active, driver.stats().arenaUsed], [0, 0]);
    });

    ending(
      'Graceful Shutdown: the timeout cuts off those that are still there, to the millisecond',
      () => {
        const driver = load();
        const handles = Array.from({ length: 5 }, () => driver.attach(Role.SERVER));
        driver.shutdown(5000, CLOSE_BY_HOST);
        allEvents(driver);
        // limpet_tick says when to come: a host that obeys it misses nothing.
        let passed = 0;
        for (let delay = driver.tick(0); delay >= 0 && passed < 10_000;) {
          assert.ok(delay > 0);
          passed += delay;
          delay = driver.tick(delay);
          if (passed < 5000) assert.equal(driver.info(handles[0] ?? 0)?.state, State.OPEN);
        }
        assert.equal(passed, 5000);
        for (const handle of handles) assert.equal(driver.drain(handle).abort, true);
      },
    );

    ending(
      'Forced Disconnection: a timeout of 0 aborts all sessions in the call, in whatever state',
      () => {
        const driver = load();
        const open = driver.attach(Role.SERVER);
        const silent = driver.open();
        const closing = driver.attach(Role.SERVER);
        driver.core.limpet_close(closing, 1000, 0, 0);
        assert.equal(driver.shutdown(0), 0);
        for (const handle of [open, silent, closing]) {
          assert.equal(driver.info(handle)?.state, State.ABORTED);
          assert.equal(driver.drain(handle).abort, true);
          driver.eof(handle);
        }
        const kinds = allEvents(driver).map(({ kind }) => kind);
        assert.ok(!kinds.includes(EventKind.SHUTDOWN));
        assert.equal(kinds.filter((kind) => kind === EventKind.CLOSED).length, 3);
        assert.equal(driver.stats().active, 0);
      },
    );
  });
}
