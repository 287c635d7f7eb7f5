// What a server sees of a client's request, and how the client gets there.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, request, type IncomingMessage } from 'node:http';
import { connect as netConnect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { WebSocketServer } from 'ws';
import {
  both,
  echo,
  Limpet,
  listening,
  message,
  opened,
  next,
  lookupHere,
} from './support/client.js';

/** Field names and values as they were sent, without those of the handshake that are never the same. */
function sent({ rawHeaders }: IncomingMessage): string[] {
  const lines: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name, value] = rawHeaders.slice(i, i + 2);
    lines.push(`${name}: ${/key$/i.test(name) ? value.length : value}`);
  }
  return lines.sort();
}

both('the fields of a request', async (t, WebSocket) => {
  const { url, port, http } = await echo(t);
  const seen = once(http, 'upgrade') as Promise<[IncomingMessage]>;
  const ws = new WebSocket(`${url}/chat?a=b`, ['one', 'two'], { perMessageDeflate: false });
  const [asked] = await seen;
  await opened(ws);
  assert.deepEqual([asked.method, asked.url, asked.httpVersion], ['GET', '/chat?a=b', '1.1']);
  assert.deepEqual(sent(asked), [
    'Connection: Upgrade',
    `Host: 127.0.0.1:${port}`,
    'Sec-WebSocket-Key: 24',
    'Sec-WebSocket-Protocol: one,two',
    'Sec-WebSocket-Version: 13',
    'Upgrade: websocket',
  ]);
  ws.terminate();
});

test('each request has a key of its own', async (t) => {
  const { url, http } = await echo(t);
  const keys = new Set<string>();
  http.on('upgrade', ({ headers }) => keys.add(String(headers['sec-websocket-key'])));
  for (let i = 0; i < 20; i++) {
    const ws = new Limpet(url);
    await opened(ws);
    ws.terminate();
  }
  assert.equal(keys.size, 20);
  for (const key of keys) assert.equal(Buffer.from(key, 'base64').length, 16);
});

both('fields of the user; those of the handshake stay', async (t, WebSocket) => {
  const { url, http } = await echo(t);
  const seen = once(http, 'upgrade') as Promise<[IncomingMessage]>;
  const headers = {
    'X-One': '1',
    Cookie: ['a=b', 'c=d'],
    host: 'example.org',
    'sec-websocket-key': 'mine',
    connection: 'close',
    upgrade: 'h2c',
  };
  const ws = new WebSocket(url, { headers: headers as never, origin: 'https://example.org' });
  const [asked] = await seen;
  await opened(ws);
  assert.deepEqual(asked.headers['x-one'], '1');
  assert.deepEqual(asked.headers.cookie, 'a=b; c=d');
  assert.deepEqual(asked.headers.host, 'example.org');
  assert.deepEqual(asked.headers.origin, 'https://example.org');
  assert.deepEqual(asked.headers.connection, 'Upgrade');
  assert.deepEqual(asked.headers.upgrade, 'websocket');
  assert.equal(String(asked.headers['sec-websocket-key']).length, 24);
  assert.equal(asked.headers['sec-websocket-origin'], undefined);
  ws.terminate();
});

both('protocolVersion 8', async (t, WebSocket) => {
  const { url, http } = await echo(t);
  const seen = once(http, 'upgrade') as Promise<[IncomingMessage]>;
  const ws = new WebSocket(url, { protocolVersion: 8, origin: 'https://example.org' });
  const [asked] = await seen;
  await opened(ws);
  assert.equal(asked.headers['sec-websocket-version'], '8');
  assert.equal(asked.headers['sec-websocket-origin'], 'https://example.org');
  assert.equal(asked.headers.origin, undefined);
  ws.terminate();
});

both('credentials: of the URL, of the option auth, of a field', async (t, WebSocket) => {
  const { port, http } = await echo(t);
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  const cases: [url: string, options: object, authorization: string | undefined][] = [
    [`ws://user:pass@127.0.0.1:${port}`, {}, basic('user:pass')],
    [`ws://user@127.0.0.1:${port}`, {}, basic('user:')],
    [`ws://u%3Ase%20r:p%40ss%zz@127.0.0.1:${port}`, {}, basic('u:se r:p@ss%zz')],
    [`ws://127.0.0.1:${port}`, { auth: 'user:pass' }, basic('user:pass')],
    [`ws://url@127.0.0.1:${port}`, { auth: 'option:' }, basic('url:')],
    [`ws://url@127.0.0.1:${port}`, { headers: { Authorization: 'Bearer x' } }, 'Bearer x'],
    [`ws://127.0.0.1:${port}`, {}, undefined],
  ];
  for (const followRedirects of [false, true]) {
    for (const [url, options, authorization] of cases) {
      const seen = once(http, 'upgrade') as Promise<[IncomingMessage]>;
      const ws = new WebSocket(url, { ...options, followRedirects });
      const [asked] = await seen;
      await opened(ws);
      assert.equal(asked.headers.authorization, authorization, url);
      ws.terminate();
    }
  }
});

both('options that say where to connect do not count, the URL does', async (t, WebSocket) => {
  const { url, http } = await echo(t);
  const seen = once(http, 'upgrade') as Promise<[IncomingMessage]>;
  const elsewhere = { host: '127.0.0.9', port: 1, path: '/no', method: 'POST', socketPath: '/no' };
  const ws = new WebSocket(`${url}/yes`, {
    ...elsewhere,
    hostname: '127.0.0.9',
    timeout: 1,
  });
  const [asked] = await seen;
  await opened(ws);
  assert.deepEqual([asked.method, asked.url], ['GET', '/yes']);
  ws.terminate();
});

both('finishRequest ends the request, now or later', async (t, WebSocket) => {
  const { url, http } = await echo(t);
  const seen = once(http, 'upgrade') as Promise<[IncomingMessage]>;
  let given: unknown;
  const ws = new WebSocket(url, {
    finishRequest: (asking, websocket) => {
      given = websocket;
      asking.setHeader('X-Late', 'yes');
      setTimeout(() => asking.end(), 20);
    },
  });
  assert.equal(given, ws);
  const [asked] = await seen;
  await opened(ws);
  assert.equal(asked.headers['x-late'], 'yes');
  ws.terminate();
});

both('lookup, family and localAddress', async (t, WebSocket) => {
  const { port, http } = await echo(t);
  const from = once(http, 'connection') as Promise<[Socket]>;
  const names: unknown[] = [];
  const ws = new WebSocket(`ws://somewhere.test:${port}`, {
    family: 4,
    localAddress: '127.0.0.7',
    lookup: (...args: Parameters<typeof lookupHere>) => {
      names.push(args[0], (args[1] as { family?: number }).family);
      lookupHere(...args);
    },
  } as never);
  const [socket] = await from;
  await opened(ws);
  assert.deepEqual([names, socket.remoteAddress], [['somewhere.test', 4], '127.0.0.7']);
  ws.terminate();
});

both('createConnection makes the connection', async (t, WebSocket) => {
  const { port, url } = await echo(t);
  let asked: unknown;
  const ws = new WebSocket(url, {
    createConnection: ((options: { host: string; port: string }) => {
      asked = [options.host, options.port];
      return netConnect(port, '127.0.0.1');
    }) as never,
  });
  await opened(ws);
  assert.deepEqual(asked, ['127.0.0.1', String(port)]);
  ws.send('through');
  assert.equal(await message(ws), 'through');
  ws.terminate();
});

both('an agent connects', async (t, WebSocket) => {
  const { url, port } = await echo(t);
  const connected: number[] = [];
  class Counting extends Agent {
    override createConnection(options: { port: number }): Duplex {
      connected.push(Number(options.port));
      return netConnect(port, '127.0.0.1');
    }
  }
  const agent = new Counting();
  const ws = new WebSocket(url, { agent });
  await opened(ws);
  ws.send('through');
  assert.equal(await message(ws), 'through');
  assert.deepEqual(connected, [port]);
  ws.terminate();
  agent.destroy();
});

both('an agent goes through a proxy: CONNECT, RFC 9110 9.3.6', async (t, WebSocket) => {
  const { url, port } = await echo(t);
  const proxy = createServer();
  const asked: string[] = [];
  proxy.on('connect', ({ url: to = '' }: IncomingMessage, client: Duplex, head: Buffer) => {
    asked.push(to);
    const [host, at] = to.split(':');
    const server = netConnect(Number(at), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.write(head);
      server.pipe(client).pipe(server);
    });
    const gone = () => {
      server.destroy();
      client.destroy();
    };
    server.on('error', gone);
    client.on('error', gone).on('close', gone);
  });
  const proxyPort = await listening(t, proxy);
  class Tunnel extends Agent {
    override createConnection(
      options: { host: string; port: number },
      made: (error: Error | null, socket?: Duplex) => void,
    ): undefined {
      const path = `${options.host}:${options.port}`;
      request({ host: '127.0.0.1', port: proxyPort, method: 'CONNECT', path })
        .on('connect', (_, socket) => {
          made(null, socket);
        })
        .on('error', made)
        .end();
    }
  }
  const ws = new WebSocket(url, { agent: new Tunnel() as never });
  await opened(ws);
  ws.send('through the tunnel');
  assert.equal(await message(ws), 'through the tunnel');
  assert.deepEqual(asked, [`127.0.0.1:${port}`]);
  const closed = next(ws, 'close');
  ws.close(1000);
  assert.equal((await closed)[0], 1000);
});

both('ws+unix: a local socket', async (t, WebSocket) => {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-unix-'));
  const path = join(folder, 's.sock');
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  http.listen(path);
  await once(http, 'listening');
  t.after(() => {
    server.close();
    http.closeAllConnections();
    http.close();
    rmSync(folder, { recursive: true });
  });
  for (const [rest, asked] of [
    ['', '/'],
    [':/', '/'],
    [':/chat?a=b:c', '/chat?a=b:c'],
  ]) {
    const seen = once(server, 'connection') as Promise<[{ terminate(): void }, IncomingMessage]>;
    const ws = new WebSocket(`ws+unix:${path}${rest}`);
    await opened(ws);
    const [socket, { url, headers }] = await seen;
    assert.deepEqual([ws.url, url], [`ws+unix:${path}${rest}`, asked]);
    assert.equal(headers.host, 'localhost');
    socket.terminate();
    await next(ws, 'close');
  }
});

both('IPv6', async (t, WebSocket) => {
  const server = new WebSocketServer({ port: 0, host: '::1' });
  const up = await Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false),
  ]);
  t.after(() => {
    server.close();
  });
  if (!up) {
    t.skip('there is no IPv6 here');
    return;
  }
  const { port } = server.address() as { port: number };
  const seen = once(server, 'connection') as Promise<[{ terminate(): void }, IncomingMessage]>;
  const ws = new WebSocket(`ws://[::1]:${port}/`);
  await opened(ws);
  const [socket, { headers }] = await seen;
  assert.equal(headers.host, `[::1]:${port}`);
  socket.terminate();
});
