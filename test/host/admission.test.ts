// Who gets in: origins, subprotocols, tokens, the hook `authenticate`, addresses and proxies.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { createServer, type ServerOptions, type UpgradeRequest } from '../../host/node/index.js';
import { addressBytes, addressText } from '../../host/node/address.js';
import { text } from '../conformance/frame.js';
import { valuesOf, type Response } from '../conformance/http.js';
import { handshake, Peer, type Handshake } from './support/peer.js';
import { collect, next, serving } from './support/serving.js';
import { pass, turns, until } from './support/wait.js';

/** What a handshake is answered with. */
async function answer(t: TestContext, port: number, options: Handshake = {}): Promise<Response> {
  const peer = await Peer.connect(port);
  t.after(() => peer.transport.destroy());
  peer.write(handshake(options));
  // The head alone: a 101 has no body.
  return peer.answer('HEAD');
}

const status = async (...args: Parameters<typeof answer>) => (await answer(...args)).status;

// ------------------------------------------------------- origins, subprotocols

test('allowedOrigins: exact, any subdomain, without Origin; 403 for the others', async (t) => {
  const { server, port } = await serving(t, {
    allowedOrigins: ['https://example.com', 'https://*.example.org', ''],
  });
  const from = (origin: string) => status(t, port, { lines: origin ? [`Origin: ${origin}`] : [] });
  assert.equal(await from('https://example.com'), 101);
  assert.equal(await from('https://a.b.example.org'), 101);
  assert.equal(await from(''), 101);
  for (const origin of [
    'http://example.com',
    'https://example.com.evil',
    'https://example.org',
    'null',
  ]) {
    assert.equal(await from(origin), 403, origin);
  }
  assert.equal(server.metrics().refusedOrigin, 4);
});

test('allowedOrigins without the empty one: a request without Origin is refused', async (t) => {
  const { port } = await serving(t, { allowedOrigins: ['https://example.com'] });
  assert.equal(await status(t, port), 403);
});

test('allowedProtocols: the first that the client offers of them is chosen; 400 when there is none', async (t) => {
  const { server, port, pair } = await serving(t, { allowedProtocols: ['chat.v2', 'chat.v1'] });
  const offer = (line: string) => ({ lines: [`Sec-WebSocket-Protocol: ${line}`] });
  const response = await answer(t, port, offer('other, chat.v1, chat.v2'));
  assert.equal(response.status, 101);
  assert.deepEqual(valuesOf(response, 'sec-websocket-protocol'), ['chat.v1']);
  assert.equal((await pair(offer('chat.v2'))).socket.protocol, 'chat.v2');
  assert.equal(await status(t, port, offer('other')), 400);
  assert.equal(await status(t, port), 101, 'who offers none asks for none');
  assert.equal(server.metrics().refusedProtocol, 1);
});

// ------------------------------------------------------------------- tokens

test('tokens: header and subprotocol; 401 for a wrong or missing one', async (t) => {
  const hashed = { sha256: createHash('sha256').update('second').digest('hex') };
  const { server, port } = await serving(t, { tokens: ['first', hashed] });
  const bearer = (token: string) => ({ lines: [`Authorization: Bearer ${token}`] });
  assert.equal(await status(t, port, bearer('first')), 101);
  assert.equal(await status(t, port, bearer('second')), 101);
  const offered = await answer(t, port, { lines: ['Sec-WebSocket-Protocol: bearer, first'] });
  assert.equal(offered.status, 101);
  assert.deepEqual(valuesOf(offered, 'sec-websocket-protocol'), ['bearer']);
  for (const wrong of [bearer('firs'), bearer('first1'), {}, { path: '/?access_token=first' }]) {
    const refused = await answer(t, port, wrong);
    assert.equal(refused.status, 401);
    assert.match(valuesOf(refused, 'www-authenticate').join(), /^Bearer/);
  }
  assert.equal(server.metrics().refusedToken, 4);
});

test("tokenSources ['query']: the parameter access_token and nothing else", async (t) => {
  const { port } = await serving(t, { tokens: ['first'], tokenSources: ['query'] });
  assert.equal(await status(t, port, { path: '/?a=b&access_token=first' }), 101);
  assert.equal(await status(t, port, { lines: ['Authorization: Bearer first'] }), 401);
});

test('a token is not in linear memory in plain', async (t) => {
  const token = 'a-token-that-nobody-else-has-4711';
  const { server } = await serving(t, { tokens: [token] });
  assert.equal(Buffer.from(server.core.exports.memory.buffer).includes(token), false);
});

// ------------------------------------------------------------- authenticate

test('authenticate: what it returns or resolves with is the user of socket and request', async (t) => {
  const user = { name: 'ada' };
  for (const hook of [
    () => user,
    () => Promise.resolve(user),
    async () => (await pass(10), user),
  ]) {
    const { server, open } = await serving(t, { authenticate: hook });
    const opened = next(server, 'open');
    await open();
    const [socket, request] = await opened;
    assert.equal(socket.user, user);
    assert.equal(request.user, user);
  }
});

test('authenticate: it sees the request, and `upgrade` comes behind it', async (t) => {
  const told: string[] = [];
  const { server, connect } = await serving(t, {
    authenticate: async (request) => {
      told.push(`${request.path} ${request.query} ${request.headers['x-key'] ?? ''}`);
      told.push(request.cookie('session') ?? 'none', request.cookie('none') ?? 'none');
      await turns(2);
      return request.cookie('session');
    },
  });
  server.on('upgrade', (request) => {
    told.push(`upgrade of ${String(request.user)}`);
    request.accept();
  });
  const peer = await connect();
  await peer.upgrade({ path: '/a?b=c', lines: ['X-Key: 7', 'Cookie: x=y; session=abc'] });
  assert.deepEqual(told, ['/a b=c 7', 'abc', 'none', 'upgrade of abc']);
});

test('authenticate: false, null and undefined are answered with 401', async (t) => {
  for (const user of [false, null, undefined]) {
    for (const hook of [() => user, () => Promise.resolve(user)]) {
      const { server, port } = await serving(t, { authenticate: hook });
      const opened = collect(server, 'open');
      const refused = await answer(t, port);
      assert.equal(refused.status, 401);
      assert.deepEqual(valuesOf(refused, 'www-authenticate'), ['Bearer']);
      assert.equal(opened.length, 0);
    }
  }
  const { open } = await serving(t, { authenticate: () => 0 });
  await open();
});

test('authenticate: a hook that throws is 401, or the status of its error; bugs are told', async (t) => {
  const teapot = Object.assign(new Error('no'), { status: 418 });
  const outside = Object.assign(new Error('no'), { status: 200 });
  const cases: [unknown, number, number][] = [
    [new Error('a bug'), 401, 1],
    ['a string', 401, 1],
    [undefined, 401, 1],
    [teapot, 418, 0],
    [outside, 401, 1],
  ];
  for (const [thrown, expected, bugs] of cases) {
    const throwing = () => {
      throw thrown as Error;
    };
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    for (const hook of [throwing, () => Promise.reject(thrown)]) {
      const { server, port } = await serving(t, { authenticate: hook });
      const errors = collect(server, 'error');
      assert.equal(await status(t, port), expected);
      assert.equal(errors.length, bugs);
    }
  }
});

test('authenticate: messages that come meanwhile are kept, in order', async (t) => {
  let decide: (user: unknown) => void = () => {};
  const { server, connect } = await serving(t, {
    authenticate: () => new Promise((resolve) => (decide = resolve)),
  });
  const messages = collect(server, 'message');
  const peer = await connect();
  const words = Array.from({ length: 2000 }, (_, i) => `early ${i}`);
  peer.write(handshake(), text('with the head'));
  await pass(20);
  for (const word of words) peer.write(text(word));
  await pass(30);
  assert.equal(messages.length, 0);
  decide('ada');
  await peer.upgraded();
  await until(() => messages.length === 2001, 'all messages');
  assert.deepEqual(
    messages.map(([, data]) => data.toString()),
    ['with the head', ...words],
  );
});

test('authenticate: a hook that takes too long is answered with 503, and what it says then is ignored', async (t) => {
  let decide: (user: unknown) => void = () => {};
  const { server, port } = await serving(t, {
    handshakeTimeout: 60,
    authenticate: () => new Promise((resolve) => (decide = resolve)),
  });
  const opened = collect(server, 'open');
  assert.equal(await status(t, port), 503);
  decide('ada');
  await turns(3);
  assert.equal(opened.length, 0);
});

test('authenticate: a client that is gone meanwhile is nobody', async (t) => {
  const decisions: ((user: unknown) => void)[] = [];
  const { server, connect } = await serving(t, {
    authenticate: () => new Promise((resolve) => decisions.push(resolve)),
  });
  const opened = collect(server, 'open');
  const upgrades = collect(server, 'upgrade');
  for (const user of ['ada', false]) {
    const peer = await connect();
    peer.write(handshake());
    await until(() => decisions.length > 0, 'the question');
    peer.reset();
    await until(() => server.metrics().active === 0, 'the end of the connection');
    decisions.pop()?.(user);
    await turns(3);
  }
  assert.deepEqual([opened.length, upgrades.length], [0, 0]);
});

test('authenticate: a hook may answer itself', async (t) => {
  const { port } = await serving(t, {
    authenticate: (request: UpgradeRequest) => {
      request.reject(303, { headers: { Location: '/login' } });
      return 'whatever';
    },
  });
  const response = await answer(t, port);
  assert.equal(response.status, 303);
  assert.deepEqual(valuesOf(response, 'location'), ['/login']);
});

test('authenticate: nano answers 401 without a header', async (t) => {
  const { port } = await serving(t, { profile: 'nano', authenticate: () => false });
  assert.equal(await status(t, port), 401);
});

// ------------------------------------------------------------------ addresses

test('remoteAddress, remotePort and remoteFamily are those of the client', async (t) => {
  const { pair } = await serving(t);
  const { peer, socket } = await pair();
  assert.deepEqual(
    [socket.remoteAddress, socket.remotePort, socket.remoteFamily],
    ['127.0.0.1', peer.socket.localPort, 'IPv4'],
  );
});

test('IPv6, and IPv4 on a server that listens to both', async (t) => {
  const server = createServer();
  const { port } = await server.listen(0, '::');
  t.after(() => server.close({ timeout: 0 }));
  const opened = next(server, 'open');
  const peer = await Peer.open(port);
  t.after(() => peer.transport.destroy());
  const [{ remoteAddress, remoteFamily }] = await opened;
  // The kernel says ::ffff:127.0.0.1.
  assert.deepEqual([remoteAddress, remoteFamily], ['127.0.0.1', 'IPv4']);
});

test('maxConnectionsPerAddress: past it 429, and a place that is free is given again', async (t) => {
  const { server, port, pair } = await serving(t, { maxConnectionsPerAddress: 2 });
  const { peer } = await pair();
  await pair();
  assert.equal(await status(t, port), 429);
  assert.equal(server.metrics().refusedAddress, 1);
  const closed = next(server, 'close');
  peer.reset();
  await closed;
  await pair();
});

const PROXY = 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n';

test("trustProxy 'proxy': the header's address, or without one the peer's", async (t) => {
  const { server, connect, pair } = await serving(t, { trustProxy: 'proxy' });
  assert.equal((await pair()).socket.remoteAddress, '127.0.0.1');
  const opened = next(server, 'open');
  const peer = await connect();
  peer.write(Buffer.from(PROXY), handshake());
  await peer.upgraded();
  const [socket, request] = await opened;
  assert.deepEqual([socket.remoteAddress, socket.remotePort], ['192.0.2.7', 4711]);
  assert.deepEqual([request.remoteAddress, request.remotePort], ['192.0.2.7', 4711]);
});

test("trustProxy 'proxy-required': without the header the connection is dropped", async (t) => {
  const { connect } = await serving(t, { trustProxy: 'proxy-required' });
  const peer = await connect();
  peer.write(handshake());
  assert.notEqual(await peer.overAs(), '');
  const other = await connect();
  other.write(Buffer.from(PROXY), handshake());
  await other.upgraded();
});

test("trustProxy 'forwarded': the last address of X-Forwarded-For", async (t) => {
  const { pair } = await serving(t, { trustProxy: 'forwarded' });
  const lines = ['X-Forwarded-For: 203.0.113.9, 2001:DB8::0:1'];
  const { socket } = await pair({ lines });
  assert.deepEqual([socket.remoteAddress, socket.remoteFamily], ['2001:db8::1', 'IPv6']);
});

test('without trustProxy, and for peers that are none, nobody is believed', async (t) => {
  const lines = ['X-Forwarded-For: 203.0.113.9'];
  const asked: string[] = [];
  const nobody = (address: string) => {
    asked.push(address);
    return false;
  };
  for (const options of [{}, { trustProxy: 'forwarded', trustPeer: nobody }] as ServerOptions[]) {
    const { pair } = await serving(t, options);
    assert.equal((await pair({ lines })).socket.remoteAddress, '127.0.0.1');
  }
  assert.deepEqual(asked, ['127.0.0.1']);
  const { connect } = await serving(t);
  const peer = await connect();
  peer.write(Buffer.from(PROXY), handshake());
  assert.equal((await peer.answer()).status, 400);
});

test('addresses as text and as bytes', () => {
  const cases: [string, string, string?][] = [
    ['0.0.0.0', '00000000'],
    ['192.0.2.7', 'c0000207'],
    ['::', '00'.repeat(16)],
    ['::1', `${'00'.repeat(15)}01`],
    ['2001:db8::1', '20010db8000000000000000000000001'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1::', `0001${'00'.repeat(14)}`],
    ['1:0:0:2::3', '00010000000000020000000000000003', '1:0:0:2::3'],
    ['::ffff:192.0.2.7', '00000000000000000000ffffc0000207', '::ffff:c000:207'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221', '64:ff9b::c000:221'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001', 'fe80::1'],
    ['1:0:2:3:4:5:6:7', '00010000000200030004000500060007'],
  ];
  for (const [address, hex, back = address] of cases) {
    assert.equal(Buffer.from(addressBytes(address)).toString('hex'), hex, address);
    assert.equal(addressText(Buffer.from(hex, 'hex')), back);
  }
  for (const none of ['', 'localhost', '1.2.3', '::g', '1.2.3.4.5']) {
    assert.equal(addressBytes(none).length, 0, none);
  }
});

// -------------------------------------------------------------- kept requests

test('keepRequest: path, query, host, origin, cookies and header fields of an open connection', async (t) => {
  const lines = ['Origin: http://x', 'Cookie: a=b; c="d"', 'User-Agent: me', 'X-Other: 1'];
  const seen = async (options: ServerOptions) => {
    const { server, pair } = await serving(t, options);
    const { peer, socket } = await pair({ path: '/chat?room=1', lines });
    // Further frames use the memory in which the head was.
    const message = next(server, 'message');
    peer.write(text('x'.repeat(3000)));
    await message;
    const { path, query, origin } = socket;
    const host = socket.host !== '';
    const fields = [socket.header('user-agent'), socket.header('X-OTHER'), socket.header('none')];
    return [path, query, origin, host, ...fields, socket.cookie('c'), socket.cookie('none')];
  };
  const none = undefined;
  const head = ['/chat', 'room=1', 'http://x', true];
  assert.deepEqual(await seen({}), ['', '', '', false, none, none, none, none, none]);
  assert.deepEqual(await seen({ keepRequest: [] }), [...head, none, none, none, '"d"', none]);
  const some: ServerOptions = { keepRequest: ['user-agent'] };
  assert.deepEqual(await seen(some), [...head, 'me', none, none, '"d"', none]);
  assert.deepEqual(await seen({ keepRequest: true }), [...head, 'me', '1', none, '"d"', none]);
});

test('what is kept is gone with the connection', async (t) => {
  const { server, pair } = await serving(t, { keepRequest: true });
  const { peer, socket } = await pair({ path: '/chat' });
  const closed = next(server, 'close');
  peer.reset();
  await closed;
  assert.deepEqual([socket.path, socket.header('host')], ['', undefined]);
  assert.equal(server.metrics().arenaUsed, 0);
});
