// Rates, sizes, heartbeats, the end of a server: as options and over real sockets; and the counters.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Option } from '../../build/limpet.abi.js';
import { createServer, type ServerOptions } from '../../host/node/index.js';
import { binary, close, PING, pong, text } from '../conformance/frame.js';
import { requestBytes, valuesOf } from '../conformance/http.js';
import { Peer } from './support/peer.js';
import { collect, echoing, next, serving } from './support/serving.js';
import { pass, until } from './support/wait.js';

function defaults(options: ServerOptions): Record<string, number> {
  const { core } = createServer({ profile: 'micro', ...options });
  const value = (option: Option) => core.exports.limpet_option_get(0, option);
  return Object.fromEntries(Object.entries(Option).map(([name, option]) => [name, value(option)]));
}

test('every option of the hub reaches the core', () => {
  const found = defaults({
    maxText: 1,
    maxBinary: 2,
    maxHead: 1000,
    maxConnectionsPerAddress: 3,
    rateLimit: {
      messages: 4,
      bytes: 5,
      window: 6,
      policy: 'reject',
      all: { messages: 7, bytes: 8 },
    },
    tokenSources: ['header', 'query'],
    flush: 9,
    heartbeat: { interval: 10, timeout: 11 },
  });
  const expected = {
    TEXT_MAX: 1,
    BINARY_MAX: 2,
    HEAD_MAX: 1000,
    ADDRESS_SESSIONS: 3,
    RATE_MESSAGES: 4,
    RATE_BYTES: 5,
    RATE_WINDOW_MS: 6,
    RATE_POLICY: 2,
    RATE_ALL_MESSAGES: 7,
    RATE_ALL_BYTES: 8,
    TOKEN_SOURCES: 5,
    BATCH: 9,
    HEARTBEAT_MS: 10,
    HEARTBEAT_TIMEOUT_MS: 11,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(found[name], value, name);
  assert.deepEqual([defaults({ flush: 'now' }).BATCH, defaults({ flush: 'turn' }).BATCH], [1, 0]);
});

/** What is wrong, and the words that the error has to have. */
const WRONG: [object, string][] = [
  [{ maxText: -1 }, 'maxText'],
  [{ maxBinary: 1.5 }, 'maxBinary'],
  [{ maxHead: 5000 }, 'maxHead'],
  [{ maxConnectionsPerAddress: '2' }, 'not "2"'],
  [{ trustProxy: true }, 'trustProxy'],
  [{ trustProxy: 'constructor' }, 'trustProxy'],
  [{ trustPeer: '10.0.0.1' }, 'trustPeer'],
  [{ allowedOrigins: [] }, 'allowedOrigins'],
  [{ allowedOrigins: 'https://example.com' }, 'allowedOrigins'],
  [{ allowedOrigins: [1] }, 'allowedOrigins'],
  [{ allowedOrigins: ['https://example.com/'] }, '"https://example.com/" is no origin'],
  [{ allowedOrigins: Array.from({ length: 100 }, (_, i) => `https://${i}.example.com`) }, 'room'],
  [{ allowedProtocols: [] }, 'allowedProtocols'],
  [{ allowedProtocols: ['two words'] }, '"two words" is no subprotocol'],
  [{ tokens: [] }, 'tokens'],
  [{ tokens: [''] }, 'tokens: an entry is no token'],
  [{ tokens: [{ sha256: 'abc' }] }, 'sha256'],
  [{ tokens: [null] }, 'sha256'],
  [{ tokens: ['1', '2', '3', '4', '5'] }, 'room'],
  [{ tokenSources: [] }, 'tokenSources'],
  [{ tokenSources: ['cookie'] }, 'tokenSources'],
  [{ rateLimit: 5 }, 'rateLimit'],
  [{ rateLimit: [] }, 'rateLimit'],
  [{ rateLimit: { message: 5 } }, 'rateLimit.message'],
  [{ rateLimit: { messages: -5 } }, 'rateLimit.messages'],
  [{ rateLimit: { window: 0 } }, 'rateLimit.window'],
  [{ rateLimit: { policy: 'wait' } }, 'rateLimit.policy'],
  [{ rateLimit: { all: { bytes: 0.5 } } }, 'rateLimit.all.bytes'],
  [{ heartbeat: 1000 }, 'heartbeat'],
  [{ heartbeat: {} }, 'heartbeat.interval'],
  [{ heartbeat: { interval: 1, timeout: -1 } }, 'heartbeat.timeout'],
  [{ flush: 0 }, 'flush'],
  [{ flush: 'soon' }, 'flush'],
  [{ keepRequest: 'all' }, 'keepRequest'],
  [{ keepRequest: ['two words'] }, 'two words'],
  [{ authenticate: true }, 'authenticate'],
  [{ metrics: 'metrics' }, 'metrics'],
  [{ metrics: 1 }, 'metrics'],
];

test('wrong values are an error that names the option', () => {
  for (const [options, words] of WRONG) {
    assert.throws(
      () => createServer({ profile: 'micro', ...options }),
      (error) =>
        (error instanceof TypeError || error instanceof RangeError) &&
        error.message.includes(words),
      JSON.stringify(options).slice(0, 80),
    );
  }
});

test('no error tells a token', () => {
  const tokens = ['secret-1', 'secret-2', 'secret-3', 'secret-4', 'secret-5'];
  assert.throws(
    () => createServer({ profile: 'micro', tokens }),
    (error) => error instanceof Error && !error.message.includes('secret'),
  );
});

test('nano has none of them, and says which', () => {
  const options: ServerOptions[] = [
    { maxConnectionsPerAddress: 1 },
    { allowedOrigins: ['*'] },
    { allowedProtocols: ['a'] },
    { tokens: ['a'] },
    { rateLimit: { messages: 1 } },
    { heartbeat: { interval: 1 } },
    { flush: 'now' },
    { keepRequest: true },
    { trustProxy: 'proxy' },
  ];
  for (const option of options) {
    const [name] = Object.keys(option);
    assert.throws(
      () => createServer({ profile: 'nano', ...option }),
      (error) => error instanceof TypeError && error.message.includes(`the profile has no ${name}`),
      name,
    );
  }
});

test('maxText and maxBinary: 1009 past them, and not before', async (t) => {
  const { server, pair } = await serving(t, { maxText: 10, maxBinary: 20 });
  echoing(server);
  const one = await pair();
  one.peer.write(text('x'.repeat(10)), binary(Buffer.alloc(20)));
  assert.equal((await one.peer.frame()).payload.length, 10);
  assert.equal((await one.peer.frame()).payload.length, 20);
  one.peer.write(text('x'.repeat(11)));
  assert.equal((await one.peer.closeFrame())[0], 1009);
  const two = await pair();
  two.peer.write(binary(Buffer.alloc(21)));
  assert.equal((await two.peer.closeFrame())[0], 1009);
  assert.equal(server.metrics().tooBig, 2);
});

test("rateLimit: 'drop' drops, 'reject' closes with 1008, 'queue' lets wait", async (t) => {
  const limit = { messages: 5, window: 300 };
  const words = Array.from({ length: 12 }, (_, i) => text(`${i}`));
  const drop = await serving(t, { rateLimit: limit });
  const dropped = collect(drop.server, 'message');
  (await drop.pair()).peer.write(...words);
  await until(() => drop.server.metrics().rateDropped === 7, '7 dropped');
  assert.equal(dropped.length, 5);
  const reject = await serving(t, { rateLimit: { ...limit, policy: 'reject' } });
  const rejected = await reject.pair();
  rejected.peer.write(...words);
  assert.equal((await rejected.peer.closeFrame())[0], 1008);
  assert.equal(reject.server.metrics().rateRejected, 1);
  const queue = await serving(t, { rateLimit: { ...limit, policy: 'queue' } });
  const queued = collect(queue.server, 'message');
  (await queue.pair()).peer.write(...words);
  await until(() => queued.length === 12, 'all of them');
  assert.deepEqual(
    queued.map(([, data]) => Number(data)),
    words.map((_, i) => i),
  );
});

// ---------------------------------------------------------------- heartbeats

test('heartbeat: pings that are answered measure the round trip', async (t) => {
  const { server, pair } = await serving(t, { heartbeat: { interval: 20 } });
  const { peer, socket } = await pair();
  const before: unknown = socket.rtt;
  assert.equal(before, undefined);
  const beats = collect(server, 'heartbeat');
  for (let i = 0; i < 3; i++) {
    const frame = await peer.frame();
    assert.equal(frame.opcode, PING);
    await pass(5);
    peer.write(pong(frame.payload));
  }
  await until(() => beats.length === 3, '3 heartbeats');
  const { rtt } = socket;
  assert.ok(
    rtt && rtt.least >= 4 && rtt.least <= rtt.last && rtt.last <= rtt.most,
    JSON.stringify(rtt),
  );
  assert.ok(rtt.smoothed >= rtt.least && rtt.smoothed <= rtt.most);
  assert.equal(beats[2]?.[0], socket);
  assert.equal(beats[2]?.[1], rtt.last);
  const { heartbeats, rttTotal } = server.metrics();
  assert.deepEqual([heartbeats, rttTotal], [3, beats.reduce((sum, [, ms]) => sum + ms, 0)]);
});

test('heartbeat: who does not answer is given up; setHeartbeat is for one connection', async (t) => {
  const { server, pair } = await serving(t, { heartbeat: { interval: 30, timeout: 60 } });
  const silent = await pair();
  const spared = await pair();
  spared.socket.setHeartbeat({ interval: 0 });
  const closed = next(server, 'close');
  const [who, code] = await closed;
  assert.equal(who, silent.socket);
  assert.equal(code, 1006);
  await pass(100);
  assert.equal(spared.socket.isOpen, true);
  spared.socket.setHeartbeat({ interval: 20, timeout: 50 });
  const [next_] = await next(server, 'close');
  assert.equal(next_, spared.socket);
  spared.socket.setHeartbeat({ interval: 5 });
  assert.throws(() => {
    spared.socket.setHeartbeat({ interval: -1 });
  }, RangeError);
});

test('setKeepAlive: times of one connection', async (t) => {
  const { server, pair } = await serving(t);
  const one = await pair();
  const two = await pair();
  one.socket.setKeepAlive({ idleTimeout: 50 });
  two.socket.setKeepAlive({ pingInterval: 20 });
  assert.equal((await two.peer.frame()).opcode, PING);
  assert.equal((await one.peer.closeFrame())[0], 1001);
  assert.equal(two.socket.isOpen, true);
  assert.equal(server.metrics().timeoutIdle, 1);
  assert.throws(() => {
    two.socket.setKeepAlive({ pongTimeout: 1.5 });
  }, RangeError);
  assert.throws(() => {
    two.socket.setKeepAlive({ pings: 1 } as never);
  }, TypeError);
});

// ----------------------------------------------------------------------- end

test("close: each connection gets 'closing', and last messages go before the Close frame", async (t) => {
  for (const profile of ['nano', 'server']) {
    const { server, pair } = await serving(t, { profile });
    const both = [await pair(), await pair()];
    server.on('closing', (socket) => socket.send('bye'));
    const ended = server.close({ code: 1012, reason: 'back soon' });
    for (const { peer } of both) {
      assert.equal(await peer.text(), 'bye', profile);
      assert.deepEqual(await peer.closeFrame(), [1012, 'back soon']);
      peer.write(close(1012));
      peer.transport.end();
    }
    await ended;
    assert.equal(server.metrics().active, 0);
  }
});

test('close: whose handshake is under way is answered with 503', async (t) => {
  const { server, connect } = await serving(t, { authenticate: () => new Promise(() => {}) });
  const peer = await connect();
  const half = await connect();
  peer.write(
    requestBytes('GET / HTTP/1.1', [
      'Host: x',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]),
  );
  half.write(Buffer.from('GET / HTTP/1.1\r\n'));
  await pass(30);
  const ended = server.close();
  assert.equal((await peer.answer()).status, 503);
  assert.equal((await half.answer()).status, 503);
  await ended;
});

// ------------------------------------------------------------------- metrics

async function get(port: number, line: string) {
  const peer = await Peer.connect(port);
  peer.write(requestBytes(line, ['Host: x']));
  const answer = await peer.answer(line.split(' ')[0]);
  peer.transport.destroy();
  return answer;
}

test('/metrics is the text that Prometheus reads, and moves with what happens', async (t) => {
  const { server, port, pair } = await serving(t, { metrics: true });
  const { socket, peer } = await pair();
  socket.subscribe('room');
  socket.metadata.set('a', 'b');
  const message = next(server, 'message');
  peer.write(text('12345'));
  await message;
  server.publish('room', '123');
  const answer = await get(port, 'GET /metrics HTTP/1.1');
  assert.equal(answer.status, 200);
  assert.deepEqual(valuesOf(answer, 'content-type'), ['text/plain; version=0.0.4; charset=utf-8']);
  const lines = answer.body.toString().split('\n');
  assert.equal(lines.pop(), '', 'the last line ends, too');
  // Each family: its help, its type, then its samples.
  const kinds = new Map<string, string>();
  const samples = new Map<string, number>();
  let family = '';
  for (const line of lines) {
    const head = /^# (HELP|TYPE) (limpet_[a-z_]+) (.+)$/.exec(line);
    if (head?.[1] === 'HELP') {
      family = head[2] ?? '';
      assert.ok(!kinds.has(family), `${family} comes once`);
    } else if (head) {
      assert.equal(head[2], family);
      assert.match(head[3] ?? '', /^(counter|gauge|summary)$/);
      kinds.set(family, head[3] ?? '');
    } else {
      const [, name = '', labels = '', value = ''] =
        /^([a-z_]+)((?:\{[a-z]+="[a-z]+"\})?) (\d+(?:\.\d+)?(?:e-?\d+)?)$/.exec(line) ?? [];
      assert.ok(name.startsWith(family), `a sample of ${family}: ${line}`);
      assert.ok(!samples.has(name + labels), `${line} comes once`);
      samples.set(name + labels, Number(value));
    }
  }
  for (const [name, kind] of kinds) assert.equal(name.endsWith('_total'), kind === 'counter', name);
  const expected: [string, number][] = [
    ['limpet_messages_received_total', 1],
    ['limpet_received_bytes_total', 5],
    ['limpet_published_total', 1],
    ['limpet_delivered_total', 1],
    ['limpet_refused_total{cause="origin"}', 0],
    ['limpet_pool_used{pool="rooms"}', 1],
    ['limpet_pool_used{pool="metadata"}', 1],
    ['limpet_pool_size{pool="sessions"}', 16384],
    ['limpet_heartbeat_rtt_seconds_count', 0],
    ['limpet_memory_bytes', server.core.u8.length],
  ];
  for (const [name, value] of expected) assert.equal(samples.get(name), value, name);
  assert.equal(server.metricsText().split('\n').length, lines.length + 1);
});

test('/metrics: another path, HEAD, 405 and not at all', async (t) => {
  const own = await serving(t, { metrics: '/internal/counters' });
  const requests = collect(own.server, 'request');
  own.server.on('request', (request) => {
    request.respond(204);
  });
  assert.equal((await get(own.port, 'GET /internal/counters HTTP/1.1')).status, 200);
  assert.equal((await get(own.port, 'HEAD /internal/counters HTTP/1.1')).status, 200);
  assert.equal((await get(own.port, 'DELETE /internal/counters HTTP/1.1')).status, 405);
  assert.equal(requests.length, 0, 'the application is not asked');
  assert.equal((await get(own.port, 'GET /metrics HTTP/1.1')).status, 204);
  const none = await serving(t);
  assert.equal((await get(none.port, 'GET /metrics HTTP/1.1')).status, 426);
});

test('metrics() has every counter of the core', async (t) => {
  const { server, pair } = await serving(t);
  await pair();
  const metrics = server.metrics();
  for (const [name, value] of Object.entries(metrics)) assert.ok(Number.isInteger(value), name);
  assert.deepEqual([metrics.rooms, metrics.active, metrics.levels > 0], [16384, 1, true]);
  assert.deepEqual(server.stats(), server.metrics());
});
