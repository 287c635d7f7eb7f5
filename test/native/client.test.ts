// limpet_server_connect → npm ws as server, and servers that are none: what arrives, and what is told.

import assert from 'node:assert/strict';
import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { createServer as createTcp, type AddressInfo, type Server as NetServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { Child, type Exit } from '../host/support/child.js';
import { until } from '../host/support/wait.js';
import { Certificate, certificateFiles } from '../support/certificate.js';
import { built, ENGINES, skips } from './support/build.js';

const SIZES = [0, 1, 125, 126, 4096, 65_535, 65_536, 262_144, 1 << 20, 5 << 20];

const skip = skips('wasm2c');

async function dial(t: TestContext, ...args: string[]): Promise<Child> {
  return new Child(t, args, `${await built('wasm2c')}/test/native/dial`);
}

/** Runs it to its end; what it printed, line by line. */
async function dialled(t: TestContext, ...args: string[]): Promise<string[]> {
  return lines(await (await dial(t, ...args)).ended(20_000));
}

function lines({ code, stdout, stderr }: Exit): string[] {
  assert.deepEqual([code, stderr], [0, '']);
  return stdout.split('\n').slice(0, -1);
}

/** A server on a free port of this machine; it ends with the test. */
async function listening(
  t: TestContext,
  server: HttpServer | NetServer,
  host = '127.0.0.1',
): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

interface Serving {
  port: number;
  /** Those who came. */
  sockets: WebSocket[];
}

/** npm ws on a free port. */
async function serving(
  t: TestContext,
  options: ServerOptions = {},
  server: HttpServer = createServer(),
): Promise<Serving> {
  const ws = new WebSocketServer({ ...options, server });
  const sockets: WebSocket[] = [];
  ws.on('connection', (socket) => sockets.push(socket));
  const port = await listening(t, server);
  t.after(() => {
    for (const socket of ws.clients) socket.terminate();
  });
  return { port, sockets };
}

/** Sends messages of all sizes, and takes their echoes. */
async function exchange(socket: WebSocket): Promise<void> {
  const back: [Buffer, boolean][] = [];
  socket.on('message', (data: Buffer, isBinary) => back.push([data, isBinary]));
  const sent: [Buffer, boolean][] = SIZES.flatMap((size) => [
    [Buffer.alloc(size, 'limpet '), false],
    [Buffer.alloc(size, 0xfe), true],
  ]);
  for (const [data, binary] of sent) socket.send(data, { binary });
  // A message in fragments, with a ping in between.
  let pongs = 0;
  socket.on('pong', () => pongs++);
  socket.send('one ', { fin: false });
  socket.ping('?');
  socket.send('message', { fin: true });
  await until(() => back.length === sent.length + 1, 'all echoes', 30_000);
  for (const [i, [data, binary]] of sent.entries()) {
    const [got, gotBinary] = back[i] ?? [];
    assert.ok(got?.equals(data) && gotBinary === binary, `message ${i} of ${data.length} bytes`);
  }
  assert.equal(back[sent.length]?.[0].toString(), 'one message');
  assert.equal(pongs, 1);
}

for (const kind of ENGINES) {
  test(
    `over ${kind}: messages of all sizes, fragments, pings, and a close`,
    { skip: skips(kind) },
    async (t) => {
      const { port, sockets } = await serving(t);
      const child = new Child(
        t,
        [`ws://127.0.0.1:${port}/`],
        `${await built(kind)}/test/native/dial`,
      );
      await until(() => sockets.length === 1, 'a connection', 20_000);
      const [socket] = sockets;
      await exchange(socket);
      socket.close(3001, 'enough');
      const printed = lines(await child.ended(20_000));
      assert.equal(printed[0], 'open 0');
      assert.equal(printed.at(-1), 'closed 0 3001 enough');
    },
  );
}

test('permessage-deflate', { skip }, async (t) => {
  const { port, sockets } = await serving(t, { perMessageDeflate: { threshold: 0 } });
  const child = await dial(t, '--deflate', `ws://localhost:${port}/`);
  await until(() => sockets.length === 1, 'a connection');
  assert.match(sockets[0].extensions, /permessage-deflate/);
  await exchange(sockets[0]);
  sockets[0].close(1000);
  assert.equal(lines(await child.ended(20_000)).at(-1), 'closed 0 1000 ');
});

test('subprotocols, and who closes', { skip }, async (t) => {
  const handleProtocols = (offered: Set<string>) => (offered.has('v2') ? 'v2' : false);
  const { port, sockets } = await serving(t, { handleProtocols });
  const child = await dial(t, '--protocols', 'v1, v2', `ws://127.0.0.1:${port}/`);
  await until(() => sockets.length === 1, 'a connection');
  assert.equal(sockets[0].protocol, 'v2');
  const closed = new Promise((resolve) => {
    sockets[0].on('close', (code, reason) => {
      resolve([code, reason.toString()]);
    });
  });
  sockets[0].send('close 4000 so long');
  assert.deepEqual(await closed, [4000, 'so long']);
  assert.equal(lines(await child.ended(20_000)).at(-1), 'closed 0 4000 so long');
});

test('a server that breaks off: 1006', { skip }, async (t) => {
  const { port, sockets } = await serving(t);
  const child = await dial(t, `ws://127.0.0.1:${port}/`);
  await until(() => sockets.length === 1, 'a connection');
  sockets[0].terminate();
  assert.equal(lines(await child.ended(20_000)).at(-1), 'closed 0 1006 ');
});

test('many at once, of one name', { skip }, async (t) => {
  const { port, sockets } = await serving(t);
  const urls = Array.from({ length: 50 }, (_, i) => `ws://localhost:${port}/${i}`);
  const child = await dial(t, ...urls);
  await until(() => sockets.length === 50, 'fifty connections', 20_000);
  for (const socket of sockets) socket.close(1000);
  const printed = lines(await child.ended(20_000));
  assert.equal(printed.filter((line) => line.startsWith('open ')).length, 50);
  assert.equal(printed.filter((line) => line.startsWith('closed ')).length, 50);
});

test('answers that are no handshake', { skip }, async (t) => {
  const http = createServer((request, response) => {
    const status = Number(request.url?.slice(1));
    response.writeHead(status, { Location: 'ws://127.0.0.1:1/' }).end('no');
  });
  http.on('upgrade', (request, socket) => {
    const status = String(request.url?.slice(1));
    socket.end(
      `HTTP/1.1 ${status} Said So\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n`,
    );
  });
  const port = await listening(t, http);
  for (const status of [200, 301, 302, 401, 403, 404, 426, 503]) {
    const [line = ''] = await dialled(t, `ws://127.0.0.1:${port}/${status}`);
    assert.match(line, new RegExp(`^error 0 -60 .*\\(HTTP/1\\.1 ${status} Said So\\)$`));
  }
});

test('nobody, nothing, no end', { skip }, async (t) => {
  const silent = createTcp();
  const port = await listening(t, silent);
  const [late] = await dialled(t, '--timeout', '80', `ws://127.0.0.1:${port}/`);
  assert.match(late ?? '', /^error 0 -204 .*within 80 ms$/);
  const gone = createTcp((socket) => socket.destroy());
  const [ended] = await dialled(t, `ws://127.0.0.1:${await listening(t, gone)}/`);
  assert.match(ended ?? '', /^error 0 -207 .*ended during the handshake$/);
  const [refused] = await dialled(t, 'ws://127.0.0.1:1/');
  assert.match(refused ?? '', /^error 0 -207 connect 127\.0\.0\.1:1: /);
});

test('wss: the name, the authority, and what is not theirs', { skip }, async (t) => {
  const own = new Certificate(['localhost', '127.0.0.1']);
  const other = new Certificate(['elsewhere.example']);
  const { certFile } = certificateFiles(t, own);
  const { certFile: otherFile } = certificateFiles(t, other);
  const { port, sockets } = await serving(t, {}, createSecure({ key: own.key, cert: own.cert }));
  const child = await dial(
    t,
    '--ca',
    certFile,
    `wss://localhost:${port}/`,
    `wss://127.0.0.1:${port}/`,
  );
  await until(() => sockets.length === 2, 'two connections', 20_000);
  await exchange(sockets[0]);
  await exchange(sockets[1]);
  for (const socket of sockets) socket.close(1000);
  assert.equal(
    lines(await child.ended(20_000)).filter((line) => line.startsWith('closed ')).length,
    2,
  );

  // Signed by somebody else; of another name; and where nobody asks.
  const [stranger = ''] = await dialled(t, '--ca', otherFile, `wss://localhost:${port}/`);
  assert.match(stranger, /^error 0 -203 /);
  const named = await serving(t, {}, createSecure({ key: other.key, cert: other.cert }));
  const [wrong = ''] = await dialled(t, '--ca', otherFile, `wss://localhost:${named.port}/`);
  assert.match(wrong, /^error 0 -203 /);
  const trusting = await dial(t, '--insecure', `wss://localhost:${named.port}/`);
  await until(() => named.sockets.length === 1, 'a connection', 20_000);
  named.sockets[0].close(1000);
  lines(await trusting.ended(20_000));
  // TLS where there is none, and none where there is TLS.
  const plain = await serving(t);
  const [mute = ''] = await dialled(t, '--insecure', `wss://127.0.0.1:${plain.port}/`);
  assert.match(mute, /^error 0 -203 /);
  const [loud = ''] = await dialled(t, '--timeout', '2000', `ws://127.0.0.1:${port}/`);
  assert.match(loud, /^error 0 -\d+ /);
});
