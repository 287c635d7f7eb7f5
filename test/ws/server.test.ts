// WebSocketServer: where connections come from, its options, events and members, its end.

import assert from 'node:assert/strict';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { WebSocket, WebSocketServer, type ServerOptions } from '../../host/node/ws/index.js';
import { close, text } from '../conformance/frame.js';
import { handshake, Peer } from '../host/support/peer.js';
import { pass, turns, until, within } from '../host/support/wait.js';
import { collect, ending, next, overHttp, serving } from './support/serving.js';

test('exactly one of port, server and noServer has to be said', () => {
  const message =
    'One and only one of the "port", "server", or "noServer" options must be specified';
  const server = createHttpServer();
  const wrong: ServerOptions[] = [
    {},
    { port: 0, server },
    { port: 0, noServer: true },
    { server, noServer: true },
    { port: 0, server, noServer: true },
  ];
  for (const options of wrong) {
    assert.throws(() => new WebSocketServer(options), { name: 'TypeError', message });
  }
  assert.throws(() => new WebSocketServer(), { name: 'TypeError', message });
});

test('an option that is unknown is ignored; a known one with a wrong value is named', () => {
  new WebSocketServer({ noServer: true, whatever: 1 } as ServerOptions);
  const wrong: [object, string][] = [
    [{ maxPayload: -1 }, 'maxPayload'],
    [{ maxPayload: 'x' }, 'maxPayload'],
    [{ maxFragments: NaN }, 'maxFragments'],
    [{ closeTimeout: -5 }, 'closeTimeout'],
    [{ autoPong: 'yes' }, 'autoPong'],
    [{ skipUTF8Validation: 1 }, 'skipUTF8Validation'],
    [{ allowSynchronousEvents: 0 }, 'allowSynchronousEvents'],
    [{ perMessageDeflate: 'yes' }, 'perMessageDeflate'],
    [{ perMessageDeflate: { threshold: -1 } }, 'perMessageDeflate.threshold'],
    [{ perMessageDeflate: { serverMaxWindowBits: 7 } }, 'perMessageDeflate.serverMaxWindowBits'],
    [{ perMessageDeflate: { clientMaxWindowBits: 16 } }, 'perMessageDeflate.clientMaxWindowBits'],
    [{ perMessageDeflate: { serverNoContextTakeover: 1 } }, 'serverNoContextTakeover'],
    [{ perMessageDeflate: { zlibDeflateOptions: { level: 10 } } }, 'zlibDeflateOptions.level'],
    [{ verifyClient: true }, 'verifyClient'],
    [{ handleProtocols: 'chat' }, 'handleProtocols'],
    [{ WebSocket: {} }, 'WebSocket'],
    [{ authenticate: 1 }, 'authenticate'],
    [{ maxConnections: -1 }, 'maxConnections'],
    [{ maxConnectionsPerAddress: 1.5 }, 'maxConnectionsPerAddress'],
    [{ maxBackpressure: '1' }, 'maxBackpressure'],
    [{ fullPolicy: 'wait' }, 'fullPolicy'],
    [{ heartbeat: 5 }, 'heartbeat'],
    [{ heartbeat: { every: 5 } }, 'heartbeat.every'],
    [{ rateLimit: { messages: -1 } }, 'rateLimit.messages'],
    [{ trustProxy: 'yes' }, 'trustProxy'],
    [{ trustProxy: 'proxy', trustPeer: 1 }, 'trustPeer'],
  ];
  for (const [options, name] of wrong) {
    assert.throws(
      () => new WebSocketServer({ noServer: true, ...options }),
      (error: Error) => {
        assert.ok(error instanceof TypeError || error instanceof RangeError, name);
        assert.ok(error.message.includes(name), `${error.message} names ${name}`);
        return true;
      },
    );
  }
});

test('options that say nothing are as if they were not there', () => {
  const { options } = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  assert.equal(options.maxPayload, 100 << 20);
  assert.equal(options.maxFragments, 16 << 10);
  assert.equal(options.closeTimeout, 30_000);
  assert.equal(options.clientTracking, true);
  assert.deepEqual(options.perMessageDeflate, {});
  assert.equal(options.WebSocket, WebSocket);
  for (const nothing of [undefined, null]) {
    const none = { verifyClient: nothing, handleProtocols: nothing, path: nothing };
    new WebSocketServer({ noServer: true, ...none } as ServerOptions);
  }
});

test("listening: the callback, the event, address(), and 'error' for a port that is taken", async (t) => {
  const told: string[] = [];
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 5 }, () =>
    told.push('callback'),
  );
  wss.on('listening', () => told.push('listening'));
  await next(wss, 'listening');
  t.after(() => ending(wss));
  assert.deepEqual(told, ['callback', 'listening']);
  const { port, address } = wss.address() as AddressInfo;
  assert.equal(address, '127.0.0.1');
  const other = new WebSocketServer({ port, host: '127.0.0.1' });
  const [error] = await next(other, 'error');
  assert.equal((error as NodeJS.ErrnoException).code, 'EADDRINUSE');
  assert.throws(() => new WebSocketServer({ noServer: true }).address(), {
    message: 'The server is operating in "noServer" mode',
  });
  assert.throws(() => new WebSocketServer({ port: 70_000 }), { code: 'ERR_SOCKET_BAD_PORT' });
});

test('over an http.Server: its events are passed on, plain requests are its own, and it goes on', async (t) => {
  const { wss, http, port, open, connect } = await overHttp(t);
  assert.deepEqual(wss.address(), http.address());
  const peer = await connect();
  peer.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
  assert.equal((await peer.answer()).body.toString(), 'plain');
  const errors = collect(wss, 'error');
  http.emit('error', new Error('told'));
  assert.equal((errors[0] as [Error])[0].message, 'told');
  await open();
  await ending(wss);
  assert.equal(http.listenerCount('upgrade'), 0);
  assert.equal(http.listening, true);
  const late = await Peer.connect(port);
  late.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
  assert.equal((await late.answer()).status, 200);
});

test('noServer: handleUpgrade calls back at once, with the request; servers share a port by path', async (t) => {
  const http = createHttpServer();
  const servers = new Map(
    ['/a', '/b'].map((path) => [path, new WebSocketServer({ noServer: true })]),
  );
  const order: string[] = [];
  http.on('upgrade', (request, socket, head) => {
    const wss = servers.get(request.url ?? '');
    if (!wss) {
      socket.destroy();
      return;
    }
    wss.handleUpgrade(request, socket, head, (ws, given) => {
      order.push('callback');
      assert.equal(given, request);
      assert.equal(ws.readyState, ws.OPEN);
      assert.equal(ws._socket, socket);
      ws.send(`this is ${request.url}`);
      wss.emit('connection', ws, request);
    });
    order.push('after');
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  for (const path of ['/a', '/b']) {
    const peer = await Peer.open(port, { path });
    assert.equal(await peer.text(), `this is ${path}`);
    assert.equal(servers.get(path)?.clients.size, 1);
    peer.transport.destroy();
  }
  assert.deepEqual(order, ['callback', 'after', 'callback', 'after']);
  const nowhere = await Peer.connect(port);
  nowhere.write(
    Buffer.from('GET /c HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
  );
  await nowhere.overAs();
});

test('bytes behind the request are its first frames', async (t) => {
  const { wss, port } = await overHttp(t);
  wss.on('connection', (ws) => {
    ws.on('message', (data) => {
      ws.send(data as Buffer);
    });
  });
  const peer = await Peer.connect(port);
  t.after(() => peer.transport.destroy());
  peer.write(handshake(), text('early'), text('birds'));
  await peer.upgraded();
  assert.deepEqual([await peer.text(), await peer.text()], ['early', 'birds']);
});

test('a socket is handed over once', async (t) => {
  const { wss, http, open } = await overHttp(t);
  const thrown: string[] = [];
  http.on('upgrade', (request, socket, head) => {
    try {
      wss.handleUpgrade(request, socket, head, () => undefined);
    } catch (error) {
      thrown.push((error as Error).message);
    }
  });
  const peer = await open();
  assert.deepEqual(thrown, [
    'server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration',
  ]);
  const [ws] = wss.clients;
  ws.send('still there');
  assert.equal(await peer.text(), 'still there');
});

test('of two servers on one http.Server the one whose path it is serves', async (t) => {
  const { http, wss, port } = await overHttp(t, { path: '/one' });
  const two = new WebSocketServer({ server: http, path: '/two' });
  t.after(() => ending(two));
  const one = await Peer.open(port, { path: '/one' });
  assert.deepEqual([wss.clients.size, two.clients.size], [1, 0]);
  one.transport.destroy();
  // The first of them has answered 400: `noServer` is for that.
  await assert.rejects(Peer.open(port, { path: '/two' }), /answered with 400/);
});

test('a socket that is over is destroyed, and nothing is called', () => {
  const wss = new WebSocketServer({ noServer: true });
  const socket = { readable: false, writable: true, isDestroyed: false } as unknown as Duplex & {
    isDestroyed: boolean;
  };
  socket.destroy = () => {
    socket.isDestroyed = true;
    return socket;
  };
  wss.handleUpgrade({} as IncomingMessage, socket, Buffer.alloc(0), () => {
    assert.fail('called back');
  });
  assert.equal(socket.isDestroyed, true);
});

test('the option WebSocket: connections are of that class, made with the options', async (t) => {
  const made: unknown[][] = [];
  class Mine extends WebSocket {
    isAlive = true;
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      made.push(args);
      this.on('open', () => made.push(['open']));
    }
  }
  const { wss, pair } = await serving(t, { WebSocket: Mine });
  const { ws } = await pair();
  assert.ok(ws instanceof Mine && ws.isAlive);
  assert.deepEqual([...wss.clients], [ws]);
  assert.equal(made.length, 2);
  assert.deepEqual(made[0].slice(0, 2), [null, undefined]);
  assert.equal(made[0][2], wss.options);
});

test('clients: a connection is in it from before its event to before its end is told', async (t) => {
  const { wss, open } = await serving(t);
  const sizes: number[] = [];
  wss.on('connection', (ws) => {
    sizes.push(wss.clients.size);
    ws.on('close', () => sizes.push(wss.clients.size));
  });
  const first = await open();
  const second = await open();
  first.write(close(1000));
  await until(() => sizes.length === 3, 'the first end');
  second.reset();
  await until(() => sizes.length === 4, 'the second end');
  assert.deepEqual(sizes, [1, 2, 1, 0]);
});

test('clientTracking: false has no clients', async (t) => {
  const { wss, pair } = await serving(t, { clientTracking: false });
  const { ws } = await pair();
  assert.equal(wss.clients, undefined);
  assert.equal(ws.readyState, WebSocket.OPEN);
});

test('shouldHandle may be overridden; path looks at what stands before the query', async (t) => {
  const { wss, port, open } = await serving(t, { path: '/chat' });
  await open({ path: '/chat' });
  await open({ path: '/chat?room=1' });
  for (const path of ['/', '/chat/', '/Chat', '/chatter']) {
    await assert.rejects(Peer.open(port, { path }), /answered with 400/);
  }
  const asked: string[] = [];
  wss.shouldHandle = (request) => {
    asked.push(request.url ?? '');
    return false;
  };
  await assert.rejects(Peer.open(port, { path: '/chat' }), /answered with 400/);
  assert.deepEqual(asked, ['/chat']);
});

test('close: no more connections; those that there are stay, and their end is the server’s', async (t) => {
  const { wss, port, pair } = await serving(t);
  const { peer, ws } = await pair();
  const half = await Peer.connect(port);
  half.write(Buffer.from('GET / HTTP/1.1\r\n'));
  await pass(20);
  const told: string[] = [];
  wss.on('close', () => told.push('event'));
  wss.close((error) => told.push(`callback ${String(error)}`));
  wss.close(() => told.push('another'));
  assert.equal(wss.address(), null);
  await half.overAs();
  await assert.rejects(Peer.open(port));
  assert.equal(ws.readyState, ws.OPEN);
  ws.send('still here');
  assert.equal(await peer.text(), 'still here');
  assert.deepEqual(told, []);
  peer.write(close(1000));
  await until(() => told.length === 3, "'close'");
  assert.deepEqual(told, ['event', 'callback undefined', 'another']);
  const late = new Promise((resolve) => {
    wss.close(resolve);
  });
  assert.equal(((await late) as Error).message, 'The server is not running');
});

test("close without a port of its own: 'close' follows the last client, or at once without", async (t) => {
  const { wss, pair } = await overHttp(t);
  const { peer } = await pair();
  let closed = 0;
  wss.close(() => (closed += 1));
  await turns(5);
  assert.equal(closed, 0);
  peer.write(close(1000));
  await until(() => closed === 1, "'close'");
  const alone = new WebSocketServer({ noServer: true });
  const order: string[] = [];
  alone.close(() => order.push('close'));
  order.push('after');
  await turns(2);
  assert.deepEqual(order, ['after', 'close']);
  const untracked = await overHttp(t, { clientTracking: false });
  await untracked.open();
  await within(new Promise((resolve) => untracked.wss.close(resolve)), "'close' at once");
});

test('an upgrade while it is closing is answered with 503', async () => {
  const wss = new WebSocketServer({ noServer: true });
  const http = createHttpServer();
  http.on('upgrade', (request, socket, head) => {
    wss.handleUpgrade(request, socket, head, () => {
      assert.fail('called back');
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  wss.close();
  const { port } = http.address() as AddressInfo;
  await assert.rejects(Peer.open(port), /answered with 503/);
  http.closeAllConnections();
  http.close();
});

test('close({ code, reason, timeout }) says goodbye, and cuts off who does not answer', async (t) => {
  for (const start of [serving, overHttp]) {
    const { wss, pair } = await start(t);
    const polite = await pair();
    const silent = await pair();
    const ends = collect(silent.ws, 'close');
    const begun = performance.now();
    const closed = new Promise((resolve) => {
      wss.close({ code: 4001, reason: 'moving', timeout: 100 }, resolve);
    });
    assert.deepEqual(await polite.peer.closeFrame(), [4001, 'moving']);
    assert.deepEqual(await silent.peer.closeFrame(), [4001, 'moving']);
    polite.peer.write(close(4001));
    assert.equal(await within(closed, "'close'"), undefined);
    assert.ok(performance.now() - begun >= 90);
    assert.deepEqual(ends[0].slice(0, 1), [1006]);
  }
  const wss = new WebSocketServer({ noServer: true });
  assert.throws(() => wss.close({ code: 1005 }), TypeError);
  assert.throws(() => wss.close({ reason: 'x'.repeat(124) }), RangeError);
  assert.throws(() => wss.close({ timeout: -1 }), RangeError);
});

test('close({}) without tracking closes the connections, too', async (t) => {
  const { wss, pair } = await overHttp(t, { clientTracking: false });
  const { peer } = await pair();
  const closed = new Promise((resolve) => {
    wss.close({}, resolve);
  });
  assert.deepEqual(await peer.closeFrame(), [1001, '']);
  peer.write(close(1001));
  await within(closed, "'close'");
});

test('many servers cost nothing until somebody connects', async (t) => {
  const before = process.memoryUsage().arrayBuffers;
  const servers = Array.from({ length: 200 }, () => new WebSocketServer({ noServer: true }));
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 << 20);
  assert.equal(servers.length, 200);
  const { pair } = await serving(t);
  const { ws } = await pair();
  assert.equal(ws.readyState, ws.OPEN);
});

test('a port of its own does not keep it from a plain net.Server’s rules: it counts its connections', async (t) => {
  const { wss, open } = await serving(t);
  await open();
  const net = wss._server as unknown as ReturnType<typeof createNetServer>;
  const count = await new Promise((resolve) => {
    net.getConnections((_, number) => {
      resolve(number);
    });
  });
  assert.equal(count, 1);
});
