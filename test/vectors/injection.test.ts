// Strings of the host that would end a head early, or say what the core says → VALUE, and not a byte
// of them is queued. RFC 9112 11.1 and 11.2, response splitting and request smuggling.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { State } from '../../build/limpet.abi.js';
import { CORES } from '../support/cores.js';
import { Driver, ErrorCode } from '../support/driver.js';

const HEAD =
  'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Protocol: chat\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/** What no list of field lines is. */
const LINES = [
  'X: y',
  'X: y\r',
  'X: y\n',
  'X: y\r\n\r\n',
  'X: y\r\n\r\nHTTP/1.1 200\r\n',
  '\r\nX: y\r\n',
  'X: a\rb\r\n',
  'X: a\nb\r\n',
  'X: a\nEvil: b\r\n',
  'X: a\0b\r\n',
  'X: a\x7fb\r\n',
  'X: a\x1bb\r\n',
  'X: a\r\n b\r\n',
  'X: a\r\n\tb\r\n',
  ' X: a\r\n',
  'X : a\r\n',
  'X\r\n',
  ': a\r\n',
  'X\0: a\r\n',
  'Xä: a\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'connection: keep-alive\r\n',
  'Upgrade: websocket\r\n',
  'sec-websocket-accept: x\r\n',
  'Sec-WebSocket-Protocol: chat\r\n',
  'Sec-WebSocket-Extensions: permessage-deflate\r\n',
  'X: y\r\nContent-Length: 5\r\n',
];

/** What no value within a line is. */
const VALUES = ['chat\r\nX: y', 'chat\r', 'chat\n', 'chat\0', 'chat\r\n\r\n', 'ch at', 'chat\x7f'];

for (const core of CORES.filter(({ debug }) => debug)) {
  describe(`no header injection: ${core.name}`, () => {
    const shown = (string: string) => JSON.stringify(string);
    const pending = (driver: Driver) => {
      const handle = driver.open();
      driver.feed(handle, Buffer.from(HEAD));
      return handle;
    };

    it('limpet_accept refuses header fields and subprotocols, and the handshake waits on', () => {
      const driver = new Driver(core.path);
      const handle = pending(driver);
      const { core: x } = driver;
      for (const lines of LINES) {
        const [ptr = 0, length = 0] = driver.pass(Buffer.from(lines, 'latin1'));
        assert.equal(x.limpet_accept(handle, 0, 0, ptr, length), ErrorCode.VALUE, shown(lines));
      }
      for (const value of VALUES) {
        const [ptr = 0, length = 0] = driver.pass(value);
        assert.equal(x.limpet_accept(handle, ptr, length, 0, 0), ErrorCode.VALUE, shown(value));
      }
      const { state, queued } = driver.info(handle) ?? {};
      assert.deepEqual({ state, queued }, { state: State.PENDING, queued: 0 });
      const [ptr = 0, length = 0] = driver.pass('X: y\r\n');
      assert.equal(x.limpet_accept(handle, 0, 0, ptr, length), 0);
    });

    it('limpet_respond refuses header fields and statuses, and the handshake waits on', () => {
      const driver = new Driver(core.path);
      const handle = pending(driver);
      const { core: x } = driver;
      const refused = core.lacks.has('http') ? ErrorCode.UNSUPPORTED : ErrorCode.VALUE;
      for (const lines of LINES) {
        const [ptr = 0, length = 0] = driver.pass(Buffer.from(lines, 'latin1'));
        assert.equal(x.limpet_respond(handle, 403, ptr, length, 0, 0), refused, shown(lines));
      }
      for (const status of [-1, 1, 99, 100, 101, 199, 600, 1000, 0x7fffffff]) {
        assert.equal(x.limpet_respond(handle, status, 0, 0, 0, 0), ErrorCode.ARGUMENT);
      }
      const { state, queued } = driver.info(handle) ?? {};
      assert.deepEqual({ state, queued }, { state: State.PENDING, queued: 0 });
    });

    it('limpet_connect refuses what is no target, host, subprotocol or header field', () => {
      if (core.lacks.has('client')) return;
      const driver = new Driver(core.path);
      driver.seed();
      for (const lines of LINES) {
        const bytes = Buffer.from(lines, 'latin1');
        const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = driver.pass('/', 'a', bytes);
        const answer = driver.core.limpet_connect(a, b, c, d, 0, 0, e, f, driver.now);
        assert.equal(answer, ErrorCode.VALUE, shown(lines));
      }
      for (const value of VALUES) {
        assert.equal(driver.connect(`/${value}`, 'a'), ErrorCode.VALUE, shown(value));
        assert.equal(driver.connect('/', value), ErrorCode.VALUE, shown(value));
        assert.equal(driver.connect('/', 'a', value), ErrorCode.VALUE, shown(value));
      }
      assert.equal(driver.stats().active, 0);
      assert.ok(driver.connect('/', 'a', 'chat', 'X: y\r\n') > 0);
    });
  });
}
