// Redirects: followed when they are to be, and what of a request goes along.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server as HttpServer,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { WebSocketServer } from 'ws';
import { certificate, withoutOpenssl } from '../coming-from/support/certificate.js';
import {
  both,
  echo,
  ended,
  http,
  listening,
  message,
  opened,
  type Client,
  type Connection,
} from './support/client.js';

/** A server that redirects each request to what it is told; its address. */
const redirecting = (t: TestContext, location: string | (() => string), status = 302) =>
  http(t, (_, answer) => {
    answer.writeHead(status, { location: typeof location === 'string' ? location : location() });
    answer.end();
  });

/** What the last server of a chain of redirects sees of a request. */
async function arriving(
  WebSocket: Client,
  server: WebSocketServer,
  url: string,
  options: object,
  prepare: (ws: Connection) => void = () => undefined,
): Promise<IncomingHttpHeaders> {
  const seen = once(server, 'connection') as Promise<[unknown, IncomingMessage]>;
  const ws = new WebSocket(url, { followRedirects: true, ...options });
  prepare(ws);
  await opened(ws);
  const [, { headers }] = await seen;
  ws.terminate();
  return headers;
}

both('they are not followed unless they are to be', async (t, WebSocket) => {
  const { url } = await echo(t);
  const ws = new WebSocket(await redirecting(t, url));
  assert.deepEqual(await ended(ws), ['error Unexpected server response: 302', 'close 1006']);
});

both('301, 302, 303, 307, 308; absolute, relative, of http', async (t, WebSocket) => {
  const { port, url } = await echo(t);
  for (const status of [301, 302, 303, 307, 308]) {
    const from = await redirecting(t, `${url}/there?a=b`, status);
    const ws = new WebSocket(from, { followRedirects: true });
    await opened(ws);
    assert.equal(ws.url, `ws://127.0.0.1:${port}/there?a=b`);
    ws.send('x');
    assert.equal(await message(ws), 'x');
    ws.terminate();
  }
  const ws = new WebSocket(await redirecting(t, `http://127.0.0.1:${port}/there`), {
    followRedirects: true,
  });
  await opened(ws);
  assert.equal(ws.url, `ws://127.0.0.1:${port}/there`);
  ws.terminate();

  const server = createServer((_, answer) => {
    answer.writeHead(302, { location: 'up?x#' }).end();
  });
  const webSockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/a/b') {
      socket.end('HTTP/1.1 302 Found\r\nLocation: ../c/d?e\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (there) => {
      there.send(String(request.url));
    });
  });
  const at = await listening(t, server);
  const relative = new WebSocket(`ws://127.0.0.1:${at}/a/b`, { followRedirects: true });
  assert.equal(await message(relative), '/c/d?e');
  assert.equal(relative.url, `ws://127.0.0.1:${at}/c/d?e`);
  relative.terminate();
});

both("'redirect' tells the URL and the request, in order", async (t, WebSocket) => {
  const { url } = await echo(t);
  const second = await redirecting(t, url);
  const first = await redirecting(t, second);
  const ws = new WebSocket(first, { followRedirects: true });
  const told: unknown[] = [];
  ws.on('redirect', (to, request) => {
    told.push(to, typeof request.setHeader, ws.url, ws.readyState);
  });
  await opened(ws);
  const there = `${url}/`;
  const between = `${second}/`;
  assert.deepEqual(told, [between, 'function', between, 0, there, 'function', there, 0]);
  ws.terminate();
});

both('maxRedirects', async (t, WebSocket) => {
  const { url } = await echo(t);
  const chain = await redirecting(t, await redirecting(t, url));
  const ws = new WebSocket(chain, { followRedirects: true, maxRedirects: 1 });
  assert.deepEqual(await ended(ws), ['error Maximum redirects exceeded', 'close 1006']);
  const enough = new WebSocket(chain, { followRedirects: true, maxRedirects: 2 });
  await opened(enough);
  enough.terminate();
  let self = '';
  let times = 0;
  self = await redirecting(t, () => {
    times += 1;
    return self;
  });
  assert.deepEqual(await ended(new WebSocket(self, { followRedirects: true })), [
    'error Maximum redirects exceeded',
    'close 1006',
  ]);
  assert.equal(times, 11);
});

both('redirects to nowhere', async (t, WebSocket) => {
  const cases: [location: string, message: string][] = [
    ['ws://[::1', 'Invalid URL: ws://[::1'],
    [
      'ftp://127.0.0.1',
      'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"',
    ],
    ['ws://127.0.0.1:1/#x', 'The URL contains a fragment identifier'],
    ['ws://127.0.0.1:1/', 'connect ECONNREFUSED 127.0.0.1:1'],
  ];
  for (const [location, why] of cases) {
    const ws = new WebSocket(await redirecting(t, location), { followRedirects: true });
    const error = once(ws, 'error') as Promise<[Error]>;
    assert.deepEqual(await ended(ws), [`error ${why}`, 'close 1006']);
    if (location.startsWith('ws://127.0.0.1:1/#'))
      assert.ok((await error)[0] instanceof SyntaxError);
  }
});

both('a key and an Origin of its own for each request', async (t, WebSocket) => {
  const { url, http: last } = await echo(t);
  const keys: unknown[] = [];
  const from = await http(t, (_, answer) => {
    answer.writeHead(500).end();
  });
  const server = createServer();
  server.on('upgrade', ({ headers }: IncomingMessage, socket) => {
    keys.push(headers['sec-websocket-key'], headers.origin);
    socket.end(`HTTP/1.1 302 Found\r\nLocation: ${url}\r\nContent-Length: 0\r\n\r\n`);
  });
  const port = await listening(t, server);
  last.on('upgrade', ({ headers }: IncomingMessage) => {
    keys.push(headers['sec-websocket-key'], headers.origin);
  });
  assert.notEqual(from, url);
  const ws = new WebSocket(`ws://127.0.0.1:${port}`, { followRedirects: true, origin: 'http://o' });
  await opened(ws);
  assert.notEqual(keys[0], keys[2]);
  assert.deepEqual([keys[1], keys[3]], ['http://o', 'http://o']);
  ws.terminate();
});

const SECRETS = {
  Authorization: 'Basic Zm9vOmJhcg==',
  Cookie: 'foo=bar',
  Host: 'foo',
  'X-Test': '1',
};

both('another host gets no credentials', async (t, WebSocket) => {
  const { url, server, port } = await echo(t);
  const from = await redirecting(t, url);
  const headers = await arriving(WebSocket, server, from, { headers: SECRETS });
  assert.deepEqual(
    [headers.authorization, headers.cookie, headers.host, headers['x-test']],
    [undefined, undefined, `127.0.0.1:${port}`, '1'],
  );
  for (const options of [{ auth: 'user:pass' }, {}]) {
    const withAuth = from.replace('//', '//user:pass@');
    const lost = await arriving(WebSocket, server, withAuth, options);
    assert.equal(lost.authorization, undefined);
  }
  const offered = await redirecting(t, url.replace('//', '//evil:pass@'));
  assert.equal((await arriving(WebSocket, server, offered, {})).authorization, undefined);
});

both('the same host gets them', async (t, WebSocket) => {
  const server = new WebSocketServer({ noServer: true });
  const web = createServer();
  web.on('upgrade', (request, socket, head) => {
    if (request.url === '/from') {
      socket.end('HTTP/1.1 302 Found\r\nLocation: /to\r\nContent-Length: 0\r\n\r\n');
    } else {
      server.handleUpgrade(request, socket, head, (ws) => {
        server.emit('connection', ws, request);
      });
    }
  });
  const port = await listening(t, web);
  const from = `ws://127.0.0.1:${port}/from`;
  const headers = await arriving(WebSocket, server, from, { headers: SECRETS });
  assert.deepEqual(
    [headers.authorization, headers.cookie, headers.host, headers['x-test']],
    ['Basic Zm9vOmJhcg==', 'foo=bar', 'foo', '1'],
  );
  const basic = `Basic ${Buffer.from('user:pass').toString('base64')}`;
  const url = from.replace('//', '//user:pass@');
  assert.equal((await arriving(WebSocket, server, url, {})).authorization, basic);
});

both('with a listener of redirect the user decides', async (t, WebSocket) => {
  const { url, server } = await echo(t);
  const from = await redirecting(t, url);
  const headers = await arriving(WebSocket, server, from, { headers: SECRETS }, (ws) => {
    ws.on('redirect', (_, request) => {
      request.removeHeader('cookie');
    });
  });
  assert.deepEqual(
    [headers.authorization, headers.cookie, headers.host],
    ['Basic Zm9vOmJhcg==', undefined, 'foo'],
  );
});

/** One port for TLS and for none: the first byte tells, 22 is a record of a handshake. RFC 8446 5.1. */
async function either(t: TestContext, secure: HttpServer, plain: HttpServer): Promise<number> {
  const ports = await Promise.all([listening(t, secure), listening(t, plain)]);
  const server = createNetServer((socket) => {
    socket.once('data', (chunk: Buffer) => {
      const there = connect(ports[chunk[0] === 22 ? 0 : 1], '127.0.0.1');
      there.on('error', () => socket.destroy());
      there.write(chunk);
      socket.pipe(there).pipe(socket);
    });
  });
  return listening(t, server);
}

for (const [title, down] of [
  ['from TLS to none: no credentials', true],
  ['from none to TLS: the same host keeps them', false],
] as const) {
  both(title, { skip: withoutOpenssl }, async (t, WebSocket) => {
    const server = new WebSocketServer({ noServer: true });
    const [secure, plain] = [createTlsServer(certificate(t)), createServer()];
    const [first, last] = down ? [secure, plain] : [plain, secure];
    const port = await either(t, secure, plain);
    const [from, to] = down ? ['wss', 'ws'] : ['ws', 'wss'];
    first.on('upgrade', (_, socket) => {
      const location = `${to}://127.0.0.1:${port}/to`;
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
    });
    last.on('upgrade', (request: IncomingMessage, socket, head: Buffer) => {
      server.handleUpgrade(request, socket, head, (ws) => {
        server.emit('connection', ws, request);
      });
    });
    const options = { headers: SECRETS, rejectUnauthorized: false };
    const headers = await arriving(WebSocket, server, `${from}://127.0.0.1:${port}`, options);
    const { authorization, cookie, host } = headers;
    const kept = down ? [undefined, undefined] : ['Basic Zm9vOmJhcg==', 'foo=bar'];
    assert.deepEqual([authorization, cookie, host], [...kept, 'foo']);
  });
}

both('from TCP to a local socket, and the other way: no credentials', async (t, WebSocket) => {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-redirect-'));
  const path = join(folder, 's.sock');
  const local = createServer();
  const server = new WebSocketServer({ server: local });
  local.listen(path);
  await once(local, 'listening');
  t.after(() => {
    local.closeAllConnections();
    local.close();
    rmSync(folder, { recursive: true });
  });
  const from = await redirecting(t, `ws+unix:${path}:/there`);
  const headers = await arriving(WebSocket, server, from, { headers: SECRETS });
  assert.deepEqual(
    [headers.authorization, headers.cookie, headers.host],
    [undefined, undefined, 'localhost'],
  );
});
