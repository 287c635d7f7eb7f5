// An opening handshake that is given up, takes too long or is cut off.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientRequest } from 'node:http';
import { test } from 'node:test';
import type { Link } from '../../host/node/link.js';
import { SocketLoop } from '../../host/node/loop.js';
import { pass, within } from '../host/support/wait.js';
import {
  answering,
  both,
  echo,
  ended,
  http,
  Limpet,
  raw,
  response,
  switching,
  told,
} from './support/client.js';

const GIVEN_UP = ['error WebSocket was closed before the connection was established', 'close 1006'];

/** A server that never says anything. */
const silent = (t: Parameters<typeof raw>[0]) => raw(t, (socket) => socket.resume());

for (const how of ['close', 'terminate'] as const) {
  both(`${how} at once`, async (t, WebSocket) => {
    const ws = new WebSocket(await silent(t));
    const lines = ended(ws);
    ws[how]();
    assert.equal(ws.readyState, WebSocket.CLOSING);
    ws[how]();
    assert.deepEqual(await lines, GIVEN_UP);
    assert.equal(ws.readyState, WebSocket.CLOSED);
    ws[how]();
  });

  both(`${how} while the server thinks`, async (t, WebSocket) => {
    let gone: Promise<unknown> | undefined;
    const url = await raw(t, (socket) => {
      socket.resume();
      gone = once(socket, 'close');
    });
    const ws = new WebSocket(url);
    const lines = ended(ws);
    await pass(50);
    ws[how]();
    assert.deepEqual(await lines, GIVEN_UP);
    await within(gone ?? Promise.reject(new Error('no connection')), 'the end of the connection');
  });

  both(`${how} in the listener of 'upgrade'`, async (t, WebSocket) => {
    const { url } = await echo(t);
    const ws = new WebSocket(url);
    ws.on('upgrade', () => {
      ws[how]();
    });
    assert.deepEqual(await ended(ws), ['upgrade 101', ...GIVEN_UP]);
  });

  both(`${how} in the listener of 'unexpected-response'`, async (t, WebSocket) => {
    const url = await http(t, (_, answer) => {
      answer.writeHead(404).end('no');
    });
    const ws = new WebSocket(url);
    ws.on('unexpected-response', () => {
      ws[how]();
    });
    assert.deepEqual(await ended(ws), GIVEN_UP);
  });

  both(`${how} in the listener of 'redirect'`, async (t, WebSocket) => {
    const { port } = await echo(t);
    const url = await http(t, (_, answer) => {
      answer.writeHead(302, { location: `ws://127.0.0.1:${port}` }).end();
    });
    const ws = new WebSocket(url, { followRedirects: true });
    ws.on('redirect', () => {
      ws[how]();
    });
    assert.deepEqual(await ended(ws), GIVEN_UP);
  });
}

both('the request is destroyed with an error of the user', async (t, WebSocket) => {
  const ws = new WebSocket(await silent(t));
  const request = (ws as unknown as { _req: ClientRequest })._req;
  const lines = ended(ws);
  request.destroy(new Error('enough'));
  assert.deepEqual(await lines, ['error enough', 'close 1006']);
});

both('AbortSignal', async (t, WebSocket) => {
  const abort = new AbortController();
  const ws = new WebSocket(await silent(t), { signal: abort.signal });
  const lines = ended(ws);
  abort.abort();
  assert.deepEqual(await lines, ['error The operation was aborted', 'close 1006']);
});

both('nothing is sent while it is CONNECTING', async (t, WebSocket) => {
  const ws = new WebSocket(await silent(t));
  const lines = ended(ws);
  const error = { message: 'WebSocket is not open: readyState 0 (CONNECTING)' };
  assert.throws(() => {
    ws.send('x');
  }, error);
  assert.throws(() => {
    ws.ping();
  }, error);
  assert.throws(() => {
    ws.pong();
  }, error);
  ws.pause();
  assert.equal(ws.isPaused, false);
  ws.terminate();
  await lines;
});

both('handshakeTimeout: the server says nothing', async (t, WebSocket) => {
  const ws = new WebSocket(await silent(t), { handshakeTimeout: 100 });
  assert.deepEqual(await ended(ws), ['error Opening handshake has timed out', 'close 1006']);
});

both('handshakeTimeout: the server answers in time, and is silent later', async (t, WebSocket) => {
  const url = await answering(t, (accept) => switching(accept));
  const ws = new WebSocket(url, { handshakeTimeout: 100 });
  const lines = told(ws);
  await within(once(ws, 'open'), 'the connection');
  await pass(200);
  assert.deepEqual(lines, ['upgrade 101', 'open']);
  ws.terminate();
});

test('handshakeTimeout: a server that drips does not get more time', async (t) => {
  let drip: NodeJS.Timeout | undefined;
  const url = await raw(t, (socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nX: ');
    drip = setInterval(() => socket.write('x'), 10);
    socket.on('close', () => {
      clearInterval(drip);
    });
  });
  const ws = new Limpet(url, { handshakeTimeout: 100 });
  assert.deepEqual(await ended(ws), ['error Opening handshake has timed out', 'close 1006']);
});

both('the connection is cut before an answer', async (t, WebSocket) => {
  const cuts: [say: string, how: 'end' | 'resetAndDestroy' | 'destroy'][] = [
    ['', 'end'],
    ['', 'destroy'],
    ['HTTP/1.1 101 Switching', 'end'],
    ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n', 'end'],
    ['HTTP/1.1 101 Switching', 'resetAndDestroy'],
  ];
  for (const [say, how] of cuts) {
    const url = await raw(t, (socket) => {
      socket.once('data', () => {
        socket.write(say, () => {
          socket[how]();
        });
      });
    });
    const lines = await ended(new WebSocket(url));
    assert.equal(lines.length, 2, `${say} ${how}: ${lines.join(', ')}`);
    assert.match(lines[0], /^error (socket hang up|read ECONNRESET|Parse Error)/);
    assert.equal(lines[1], 'close 1006');
  }
});

both('the connection is cut when it is open', async (t, WebSocket) => {
  for (const how of ['end', 'resetAndDestroy'] as const) {
    const url = await answering(
      t,
      (accept) => switching(accept),
      (socket) => {
        setTimeout(() => {
          socket[how]();
        }, 50);
      },
    );
    const ws = new WebSocket(url);
    const lines = await ended(ws);
    assert.deepEqual(lines, ['upgrade 101', 'open', 'close 1006'], how);
  }
});

both('a frame that is cut', async (t, WebSocket) => {
  const url = await answering(
    t,
    (accept) => switching(accept),
    (socket) => {
      setTimeout(() => socket.end(Buffer.from('\x81\x05hel', 'latin1')), 20);
    },
  );
  assert.deepEqual(await ended(new WebSocket(url)), ['upgrade 101', 'open', 'close 1006']);
});

test('sessions of handshakes that fail go back to their pool', async (t) => {
  const loops = new Set<SocketLoop<unknown>>();
  const connect = Reflect.get(SocketLoop.prototype, 'connect') as (request: object) => Link;
  t.mock.method(
    SocketLoop.prototype,
    'connect',
    function (this: SocketLoop<unknown>, request: object) {
      loops.add(this);
      return connect.call(this, request);
    },
  );
  const url = await answering(t, () =>
    response('101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'),
  );
  const gone = await http(t, (_, answer) => {
    answer.writeHead(404).end();
  });
  for (let i = 0; i < 60; i++) {
    const ws = new Limpet(i % 3 === 0 ? gone : url);
    const lines = ended(ws);
    if (i % 3 === 1) ws.terminate();
    await lines;
  }
  await pass(20);
  assert.ok(loops.size > 0);
  for (const loop of loops) {
    assert.deepEqual([loop.size, loop.core.stats().active], [0, 0]);
    assert.equal(loop.core.stats().arenaUsed, 0);
  }
});
