// The opening handshake of a server: the request, the hooks, the answers.

import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { ServerOptions, WebSocket } from '../../host/node/ws/index.js';
import { text } from '../conformance/frame.js';
import { requestBytes, SAMPLE_KEY, valuesOf } from '../conformance/http.js';
import { handshake, Peer } from '../host/support/peer.js';
import { pass, turns, until } from '../host/support/wait.js';
import { collect, next, overHttp, serving, uncaught, type Serving } from './support/serving.js';

type Start = (t: TestContext, options?: ServerOptions) => Promise<Serving>;

const MODES: [name: string, start: Start][] = [
  ['port', serving],
  ['server', overHttp],
];

/** A test of a port of its own, and of an http.Server. */
function both(title: string, run: (t: TestContext, start: Start) => Promise<void>): void {
  for (const [name, start] of MODES) test(`${name}: ${title}`, (t) => run(t, start));
}

/** What a server answers to a handshake that is right but for these lines. */
async function answerTo(port: number, first: string, lines: Record<string, string | undefined>) {
  const fields: Record<string, string | undefined> = {
    Host: 'example.com',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': SAMPLE_KEY,
    'Sec-WebSocket-Version': '13',
    ...lines,
  };
  const all = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  const peer = await Peer.connect(port);
  peer.write(requestBytes(first, all));
  const { status, body, ...answer } = await peer.answer();
  await peer.overAs();
  const one = (name: string) => valuesOf({ status, ...answer }, name).join();
  return { status, body: body.toString(), one };
}

both('the request is an IncomingMessage, as the client sent it', async (t, start) => {
  const { wss, port } = await start(t);
  const connected = next(wss, 'connection');
  const lines = ['Cookie: a=1', 'X-Twice: 1', 'Cookie: b=2', 'x-twice:  2 ', 'User-Agent: me'];
  const peer = await Peer.open(port, { path: '/a/b?c=d', lines });
  t.after(() => peer.transport.destroy());
  const [ws, request] = (await connected) as [WebSocket, IncomingMessage];
  assert.ok(request instanceof IncomingMessage);
  assert.equal(request.constructor.name, 'IncomingMessage');
  assert.equal(request.url, '/a/b?c=d');
  assert.equal(request.method, 'GET');
  assert.equal(request.httpVersion, '1.1');
  assert.equal(request.headers.cookie, 'a=1; b=2');
  assert.equal(request.headers['x-twice'], '1, 2');
  assert.equal(request.headers['user-agent'], 'me');
  assert.equal(request.headers.upgrade, 'websocket');
  assert.deepEqual(request.headersDistinct['x-twice'], ['1', '2']);
  const at = request.rawHeaders.indexOf('X-Twice');
  assert.deepEqual(request.rawHeaders.slice(at, at + 2), ['X-Twice', '1']);
  assert.ok(request.socket instanceof Socket);
  assert.equal(request.socket.remoteAddress, '127.0.0.1');
  assert.equal(request.socket, ws._socket);
});

test('what listeners hang on a request of our own port stays there', async (t) => {
  const { wss, open } = await serving(t);
  const connected = next(wss, 'connection');
  await open({ lines: ['Set-Cookie: odd'] });
  const [, request] = (await connected) as [WebSocket, IncomingMessage & { session?: string }];
  request.session = 'mine';
  request.headers = { ...request.headers, 'x-mine': 'yes' };
  assert.equal(request.session, 'mine');
  assert.equal(request.headers['x-mine'], 'yes');
  assert.deepEqual(request.headers['set-cookie'], ['odd']);
  assert.equal(request.complete, true);
  // It is a stream that nothing comes of.
  request.resume();
  request.destroy();
});

both('what is no opening handshake is refused in the words of ws', async (t, start) => {
  const { port } = await start(t);
  const get = 'GET / HTTP/1.1';
  const cases: [string, Record<string, string | undefined>, number, string][] = [
    ['POST / HTTP/1.1', { 'Content-Length': '0' }, 405, 'Invalid HTTP method'],
    [get, { Upgrade: 'websockets' }, 400, 'Invalid Upgrade header'],
    [get, { 'Sec-WebSocket-Key': undefined }, 400, 'Missing or invalid Sec-WebSocket-Key header'],
    [get, { 'Sec-WebSocket-Key': 'short' }, 400, 'Missing or invalid Sec-WebSocket-Key header'],
    [
      get,
      { 'Sec-WebSocket-Version': '12' },
      426,
      'Missing or invalid Sec-WebSocket-Version header',
    ],
    [
      get,
      { 'Sec-WebSocket-Version': undefined },
      426,
      'Missing or invalid Sec-WebSocket-Version header',
    ],
    [get, { 'Sec-WebSocket-Protocol': 'a b' }, 400, 'Invalid Sec-WebSocket-Protocol header'],
    [
      get,
      { 'Sec-WebSocket-Extensions': 'a; b="' },
      400,
      'Invalid or unacceptable Sec-WebSocket-Extensions header',
    ],
  ];
  for (const [first, lines, status, message] of cases) {
    const answer = await answerTo(port, first, lines);
    assert.deepEqual([answer.status, answer.body], [status, message]);
    assert.equal(answer.one('content-type'), 'text/html');
    if (status === 426) assert.equal(answer.one('sec-websocket-version'), '13');
  }
});

test('a plain request to our own port is told to upgrade', async (t) => {
  const { port } = await serving(t);
  for (const method of ['GET', 'POST']) {
    const peer = await Peer.connect(port);
    peer.write(requestBytes(`${method} / HTTP/1.1`, ['Host: a', 'Content-Length: 0']));
    const answer = await peer.answer();
    assert.deepEqual([answer.status, answer.body.toString()], [426, 'Upgrade Required']);
    assert.equal(valuesOf(answer, 'content-type').join(), 'text/plain');
    await peer.overAs();
  }
});

both("'wsClientError' listeners answer, with the socket and the request", async (t, start) => {
  const { wss, port } = await start(t);
  const told: string[] = [];
  wss.on('wsClientError', (error: Error, socket: Duplex, request: IncomingMessage) => {
    assert.equal(request.socket, socket);
    told.push(`${error.message}: ${String(request.method)} ${String(request.url)}`);
    told.push(request.headers['x-who'] as string);
    socket.end('HTTP/1.1 418 No tea\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
  });
  const answer = await answerTo(port, 'GET /x HTTP/1.1', {
    'Sec-WebSocket-Key': 'short',
    'X-Who': 'me',
  });
  assert.deepEqual([answer.status, answer.body], [418, 'no']);
  const other = await answerTo(port, 'PUT /y HTTP/1.1', {
    'Content-Length': '0',
    'X-Who': 'you',
  });
  assert.equal(other.status, 418);
  assert.deepEqual(told, [
    'Missing or invalid Sec-WebSocket-Key header: GET /x',
    'me',
    'Invalid HTTP method: PUT /y',
    'you',
  ]);
});

both('verifyClient with one argument says yes or no', async (t, start) => {
  const infos: unknown[] = [];
  const { port, open } = await start(t, {
    verifyClient: (info: { origin: string; secure: boolean; req: IncomingMessage }) => {
      infos.push([info.origin, info.secure, info.req.url]);
      return info.req.url === '/yes';
    },
  });
  await open({ path: '/yes', lines: ['Origin: https://a.example'] });
  await assert.rejects(Peer.open(port, { path: '/no' }), /answered with 401/);
  assert.deepEqual(infos, [
    ['https://a.example', false, '/yes'],
    [undefined, false, '/no'],
  ]);
});

both(
  'verifyClient with two arguments may say it later, with a status and fields',
  async (t, start) => {
    const { port, open } = await start(t, {
      verifyClient: ({ req }, callback) => {
        setTimeout(() => {
          if (req.url === '/yes') callback(true);
          else if (req.url === '/plain') callback(false);
          else
            callback(false, 403, 'kein Einlaß', { 'X-Why': 'because', Connection: 'keep-alive' });
          // Who says it twice is not heard.
          callback(true);
        }, 5);
      },
    });
    await open({ path: '/yes' });
    await assert.rejects(Peer.open(port, { path: '/plain' }), /answered with 401/);
    const answer = await answerTo(port, 'GET /no HTTP/1.1', {});
    assert.deepEqual([answer.status, answer.body], [403, 'kein Einlaß']);
    assert.equal(answer.one('x-why'), 'because');
    assert.equal(answer.one('connection'), 'close');
  },
);

both('a client that is gone before it is verified is nobody', async (t, start) => {
  let verified: ((yes: boolean) => void) | undefined;
  const { wss, port } = await start(t, {
    verifyClient: (_, callback) => {
      verified = callback;
    },
  });
  wss.on('connection', () => {
    assert.fail('it is connected');
  });
  const peer = await Peer.connect(port);
  peer.write(handshake());
  await until(() => verified !== undefined, 'verifyClient');
  peer.reset();
  await pass(30);
  verified?.(true);
  await turns(5);
  assert.equal(wss.clients.size, 0);
});

both('a hook that throws does so where ws would, and the client is let go', async (t, start) => {
  const { wss, port } = await start(t);
  const thrown = uncaught();
  wss.once('headers', () => {
    throw new Error('in a listener');
  });
  const peer = await Peer.connect(port);
  peer.write(handshake());
  assert.equal((await thrown).message, 'in a listener');
  await peer.overAs();
});

both('handleProtocols chooses, or does not; what is not offered is no choice', async (t, start) => {
  const asked: string[][] = [];
  let chosen: string | false = 'b';
  const { wss, port, dial } = await start(t, {
    handleProtocols: (protocols, request) => {
      asked.push([...protocols, request.url ?? '']);
      return chosen;
    },
  });
  const connected = next(wss, 'connection');
  const client = dial('/p', ['a', 'b']);
  const [ws] = (await connected) as [WebSocket];
  await next(client, 'open');
  assert.deepEqual([ws.protocol, client.protocol], ['b', 'b']);
  assert.deepEqual(asked, [['a', 'b', '/p']]);
  chosen = false;
  const without = await Peer.open(port, { lines: ['Sec-WebSocket-Protocol: a'] });
  without.transport.destroy();
  chosen = 'c';
  await assert.rejects(
    Peer.open(port, { lines: ['Sec-WebSocket-Protocol: a'] }),
    /answered with 400/,
  );
  // Who offers none is not asked.
  const none = await Peer.open(port);
  none.transport.destroy();
  assert.equal(asked.length, 3);
});

both('without handleProtocols the first one is taken', async (t, start) => {
  const { wss, dial } = await start(t);
  const connected = next(wss, 'connection');
  const client = dial('/', ['x', 'y']);
  const [ws] = (await connected) as [WebSocket];
  await next(client, 'open');
  assert.deepEqual([ws.protocol, client.protocol], ['x', 'x']);
});

both("'headers': lines are added, changed and taken away", async (t, start) => {
  const { wss, port } = await start(t, { perMessageDeflate: true });
  const seen: string[][] = [];
  wss.on('headers', (lines: string[], request: IncomingMessage) => {
    seen.push([...lines, request.url ?? '']);
    lines.push('X-One: 1', 'Set-Cookie: a=ü');
    lines[1] = 'Upgrade: WebSocket';
  });
  const peer = await Peer.connect(port);
  peer.write(
    handshake({
      path: '/h',
      lines: [
        'Sec-WebSocket-Protocol: p',
        'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
      ],
    }),
  );
  const response = await peer.upgraded();
  t.after(() => peer.transport.destroy());
  assert.deepEqual(valuesOf(response, 'x-one'), ['1']);
  assert.deepEqual(valuesOf(response, 'upgrade'), ['WebSocket']);
  assert.equal(seen.length, 1);
  const [first, upgrade, connection, accept, ...rest] = seen[0];
  assert.equal(first, 'HTTP/1.1 101 Switching Protocols');
  assert.equal(upgrade, 'Upgrade: websocket');
  assert.equal(connection, 'Connection: Upgrade');
  assert.match(accept, /^Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=$/);
  assert.ok(rest.includes('Sec-WebSocket-Protocol: p'));
  assert.ok(rest.some((line) => line.startsWith('Sec-WebSocket-Extensions: permessage-deflate')));
  assert.equal(rest.at(-1), '/h');
});

test("'headers': a line break in a line is refused", async (t) => {
  const { wss, port } = await serving(t);
  wss.on('headers', (lines: string[]) => {
    lines.push('X: 1\r\nX-Injected: 2');
  });
  const thrown = uncaught();
  const peer = await Peer.connect(port);
  peer.write(handshake());
  assert.match((await thrown).message, /line break/);
  await peer.overAs();
});

both('authenticate: who the client is comes with the connection', async (t, start) => {
  const { wss, port, open } = await start(t, {
    authenticate: async (request) => {
      await turns(3);
      if (request.url === '/error') throw new Error('no');
      if (request.url === '/busy') throw Object.assign(new Error('busy'), { status: 429 });
      if (request.url === '/odd') throw Object.assign(new Error('odd'), { status: 99 });
      return request.url === '/nobody' ? null : { name: request.url };
    },
  });
  const errors: string[] = [];
  wss.on('error', (error: Error) => errors.push(error.message));
  const connected = next(wss, 'connection');
  const peer = await open({ path: '/ann' });
  const [ws, , user] = (await connected) as [WebSocket, IncomingMessage, unknown];
  assert.deepEqual([user, ws.user], [{ name: '/ann' }, { name: '/ann' }]);
  ws.send('welcome');
  assert.equal(await peer.text(), 'welcome');
  await assert.rejects(Peer.open(port, { path: '/nobody' }), /answered with 401/);
  await assert.rejects(Peer.open(port, { path: '/error' }), /answered with 401/);
  await assert.rejects(Peer.open(port, { path: '/busy' }), /answered with 429/);
  await assert.rejects(Peer.open(port, { path: '/odd' }), /answered with 401/);
  assert.deepEqual(errors, ['no', 'odd']);
  const answer = await answerTo(port, 'GET /nobody HTTP/1.1', {});
  assert.equal(answer.one('www-authenticate'), 'Bearer');
});

test('authenticate: what the client sends meanwhile is kept; what fails need not be heard', async (t) => {
  let admit: ((user: unknown) => void) | undefined;
  const { wss, port } = await serving(t, {
    authenticate: (request) =>
      request.url === '/late'
        ? new Promise((resolve) => {
            admit = resolve;
          })
        : Promise.reject(new Error('nobody listens')),
  });
  const messages: string[] = [];
  wss.on('connection', (ws) => {
    ws.on('message', (data) => messages.push((data as Buffer).toString()));
  });
  const peer = await Peer.connect(port);
  t.after(() => peer.transport.destroy());
  peer.write(handshake({ path: '/late' }), text('one'));
  peer.write(text('two'));
  await until(() => admit !== undefined, 'the hook');
  await pass(20);
  assert.deepEqual(messages, []);
  admit?.('ann');
  await until(() => messages.length === 2, 'both messages');
  assert.deepEqual(messages, ['one', 'two']);
  await assert.rejects(Peer.open(port), /answered with 401/);
});

both(
  'verifyClient comes before authenticate, and that before handleProtocols',
  async (t, start) => {
    const order: string[] = [];
    const { wss, open } = await start(t, {
      verifyClient: () => order.push('verify') > 0,
      authenticate: () => order.push('authenticate'),
      handleProtocols: () => {
        order.push('protocols');
        return 'a';
      },
    });
    const should = wss.shouldHandle.bind(wss);
    wss.shouldHandle = (request) => {
      order.push('should');
      return should(request);
    };
    wss.on('headers', () => order.push('headers'));
    wss.on('connection', () => order.push('connection'));
    await open({ lines: ['Sec-WebSocket-Protocol: a'] });
    assert.deepEqual(order, [
      'should',
      'verify',
      'authenticate',
      'protocols',
      'headers',
      'connection',
    ]);
  },
);

both('the client that goes on before the answer is not lost', async (t, start) => {
  const { wss, port } = await start(t);
  const ends = new Promise((resolve) => {
    wss.on('connection', (ws) => {
      const messages = collect(ws, 'message');
      ws.on('close', (code) => {
        resolve([messages.length, code]);
      });
    });
  });
  const peer = await Peer.connect(port);
  t.after(() => peer.transport.destroy());
  peer.write(handshake(), text('a'), text('b'));
  peer.transport.end();
  assert.deepEqual(await ends, [2, 1006]);
});
