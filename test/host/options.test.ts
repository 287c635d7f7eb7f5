// Options → defaults of the core, or an error that names what is wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Option, Takeover } from '../../build/limpet.abi.js';
import { createServer, LimpetError, type ServerOptions } from '../../host/node/index.js';

/** What the core of a server with these options has for new sessions. */
function defaults(options: ServerOptions): Record<string, number> {
  const { core } = createServer({ profile: 'micro', ...options });
  const value = (option: Option) => core.exports.limpet_option_get(0, option);
  return Object.fromEntries(Object.entries(Option).map(([name, option]) => [name, value(option)]));
}

test('the documented defaults', () => {
  const found = defaults({});
  const documented = {
    MESSAGE_MAX: 16 << 20,
    HANDSHAKE_MS: 10_000,
    IDLE_MS: 0,
    PING_MS: 0,
    PONG_MS: 10_000,
    CLOSE_MS: 10_000,
    AUTO_PONG: 1,
    SESSIONS_MAX: 16,
    DEFLATE: 0,
  };
  for (const [name, value] of Object.entries(documented)) assert.equal(found[name], value, name);
});

test('every option reaches the core', () => {
  const found = defaults({
    maxMessage: 1,
    maxConnections: 2,
    handshakeTimeout: 3,
    idleTimeout: 4,
    pingInterval: 5,
    pongTimeout: 6,
    closeTimeout: 7,
    highWater: 8,
    maxBackpressure: 9,
    fullPolicy: 'close-1013',
    autoPong: false,
    deflate: 9,
    deflateWindow: 10,
    deflateThreshold: 11,
    contextTakeover: false,
  });
  const expected = {
    MESSAGE_MAX: 1,
    SESSIONS_MAX: 2,
    HANDSHAKE_MS: 3,
    IDLE_MS: 4,
    PING_MS: 5,
    PONG_MS: 6,
    CLOSE_MS: 7,
    HIGH_WATER: 8,
    QUEUE_MAX: 9,
    FULL_POLICY: 3,
    AUTO_PONG: 0,
    DEFLATE: 1,
    DEFLATE_LEVEL: 9,
    DEFLATE_WINDOW: 10,
    DEFLATE_THRESHOLD: 11,
    DEFLATE_TAKEOVER: 0,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(found[name], value, name);
});

test('deflate is on or off, or a level', () => {
  const [level, threshold, window] = [6, 64, 10];
  const on = defaults({ deflate: true });
  assert.deepEqual(
    [on.DEFLATE, on.DEFLATE_LEVEL, on.DEFLATE_THRESHOLD, on.DEFLATE_WINDOW, on.DEFLATE_TAKEOVER],
    [1, level, threshold, window, Takeover.OUT | Takeover.IN],
  );
  assert.deepEqual(
    [defaults({ deflate: 0 }).DEFLATE, defaults({ deflate: 0 }).DEFLATE_LEVEL],
    [1, 0],
  );
  assert.equal(defaults({ deflate: false, deflateWindow: 9 }).DEFLATE, 0);
});

test('a profile without permessage-deflate says so', () => {
  assert.throws(
    () => createServer({ profile: 'nano', deflate: true }),
    (error) => error instanceof TypeError && error.message.includes('permessage-deflate'),
  );
  assert.ok(createServer({ profile: 'nano', deflate: false, contextTakeover: false }));
});

test('an option that is undefined is one that is not there', () => {
  const all = {
    maxMessage: undefined,
    maxConnections: undefined,
    profile: 'micro',
    borrow: undefined,
  };
  assert.deepEqual(defaults(all as ServerOptions), defaults({}));
});

test('numbers out of range are a RangeError that names the option', () => {
  const wrong: [keyof ServerOptions, number][] = [
    ['maxMessage', -1],
    ['maxMessage', 1.5],
    ['maxMessage', NaN],
    ['maxMessage', Infinity],
    ['maxMessage', 2 ** 31],
    ['maxConnections', -1],
    ['idleTimeout', -5],
    ['highWater', 2 ** 40],
    ['maxBackpressure', -1],
    ['deflate', 10],
    ['deflate', -1],
    ['deflate', 1.5],
    ['deflate', NaN],
    ['deflateWindow', 7],
    ['deflateWindow', 16],
    ['deflateThreshold', -1],
    ['deflateThreshold', 2 ** 31],
  ];
  for (const [name, value] of wrong) {
    assert.throws(
      () => createServer({ profile: 'micro', [name]: value }),
      (error) => error instanceof RangeError && error.message.includes(name),
      `${name}: ${value}`,
    );
  }
});

test('values of a wrong type are an error that names the option', () => {
  const wrong: [keyof ServerOptions, unknown][] = [
    ['maxMessage', '1000'],
    ['pingInterval', {}],
    ['idleTimeout', true],
    ['fullPolicy', 'wait'],
    ['fullPolicy', 1],
    ['autoPong', 'no'],
    ['borrow', 1],
    ['deflate', 'yes'],
    ['deflate', {}],
    ['deflateWindow', '10'],
    ['deflateThreshold', null],
    ['contextTakeover', 0],
  ];
  for (const [name, value] of wrong) {
    assert.throws(
      () => createServer({ profile: 'micro', [name]: value }),
      (error) =>
        (error instanceof TypeError || error instanceof RangeError) && error.message.includes(name),
      `${name}: ${JSON.stringify(value)}`,
    );
  }
});

test('an unknown option is a TypeError that names it', () => {
  for (const name of ['maxPayload', 'port', 'toString', '__defineGetter__']) {
    assert.throws(
      () => createServer({ [name]: 1 }),
      (error) => error instanceof TypeError && error.message.includes(name),
      name,
    );
  }
});

test('an unknown profile is a TypeError, a file that is not there an Error', () => {
  assert.throws(() => createServer({ profile: 'huge' }), /no profile huge/);
  assert.throws(() => createServer({ profile: 'constructor' }), TypeError);
  assert.throws(() => createServer({ profile: 5 as never }), /^TypeError: profile is a name/);
  assert.throws(
    () => createServer({ profile: '/nowhere/x.wasm' }),
    /nowhere\/x\.wasm is not there/,
  );
});

test('a large maxMessage makes a queue that takes it', () => {
  assert.ok(defaults({ maxMessage: 2 ** 31 - 1 }).QUEUE_MAX > 0);
  assert.ok(defaults({ maxMessage: 100 << 20 }).QUEUE_MAX >= 100 << 20);
});

test('servers do not share their settings or their memory', () => {
  const one = createServer({ profile: 'micro', maxMessage: 1 });
  const two = createServer({ profile: 'micro' });
  assert.equal(one.core.exports.limpet_option_get(0, Option.MESSAGE_MAX), 1);
  assert.equal(two.core.exports.limpet_option_get(0, Option.MESSAGE_MAX), 16 << 20);
  assert.notEqual(one.core.exports.memory, two.core.exports.memory);
});

test('setDefault of a value that the core refuses throws LimpetError', () => {
  const { core } = createServer({ profile: 'nano' });
  assert.throws(() => {
    core.setDefault(Option.SESSIONS_MAX, 5);
  }, LimpetError);
});
