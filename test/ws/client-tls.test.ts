// TLS: the options of node:tls reach it, and what goes wrong there is told.

import assert from 'node:assert/strict';
import { Agent, createServer, type ServerOptions } from 'node:https';
import { test, type TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { certificate, withoutOpenssl } from '../coming-from/support/certificate.js';
import {
  both,
  ended,
  Limpet,
  listening,
  lookupHere,
  message,
  opened,
  next,
} from './support/client.js';

const openssl = { skip: withoutOpenssl };

/** A TLS server that sends back what it gets; its port. */
async function secure(t: TestContext, options: ServerOptions): Promise<number> {
  const server = createServer(options);
  new WebSocketServer({ server, perMessageDeflate: true }).on('connection', (ws, { socket }) => {
    ws.send((socket as TLSSocket).getPeerX509Certificate()?.subject ?? 'nobody');
    ws.on('message', (data, isBinary) => {
      ws.send(data, { binary: isBinary });
    });
  });
  return listening(t, server);
}

both('wss: a certificate that is trusted, and one that is not', openssl, async (t, WebSocket) => {
  const own = certificate(t);
  const port = await secure(t, own);
  const ws = new WebSocket(`wss://127.0.0.1:${port}`, { ca: own.cert });
  assert.equal(await message(ws), 'nobody');
  const large = 'x'.repeat(300_000);
  for (const text of ['hello', large]) {
    ws.send(text);
    assert.equal(await message(ws), text);
  }
  const closed = next(ws, 'close');
  ws.close(1000);
  assert.equal((await closed)[0], 1000);

  assert.deepEqual(await ended(new WebSocket(`wss://127.0.0.1:${port}`)), [
    'error self-signed certificate',
    'close 1006',
  ]);
  const trusting = new WebSocket(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  await opened(trusting);
  assert.equal(trusting.url, `wss://127.0.0.1:${port}/`);
  trusting.terminate();
});

both('cert and key of the client', openssl, async (t, WebSocket) => {
  const own = certificate(t);
  const port = await secure(t, { ...own, requestCert: true, ca: own.cert });
  const options = { ca: own.cert, cert: own.cert, key: own.key };
  const ws = new WebSocket(`wss://127.0.0.1:${port}`, options);
  assert.equal(await message(ws), 'CN=localhost');
  ws.terminate();
});

both('the name that a client asks for: SNI', openssl, async (t, WebSocket) => {
  const own = certificate(t);
  const asked: (string | false)[] = [];
  const port = await secure(t, {
    ...own,
    SNICallback: (name, done) => {
      asked.push(name);
      done(null);
    },
  });
  const options = { ca: own.cert, rejectUnauthorized: false, lookup: lookupHere } as never;
  for (const [url, more] of [
    [`wss://host.test:${port}`, {}],
    [`wss://host.test:${port}`, { servername: 'other.test' }],
    [`wss://127.0.0.1:${port}`, {}],
    [`wss://host.test:${port}`, { servername: '' }],
  ] as const) {
    const ws = new WebSocket(url, Object.assign({}, options, more));
    await opened(ws);
    ws.terminate();
  }
  assert.deepEqual(asked, ['host.test', 'other.test']);
});

both('an agent with TLS options', openssl, async (t, WebSocket) => {
  const own = certificate(t);
  const port = await secure(t, own);
  const agent = new Agent({ ca: own.cert });
  const ws = new WebSocket(`wss://127.0.0.1:${port}`, { agent });
  assert.equal(await message(ws), 'nobody');
  ws.terminate();
  agent.destroy();
});

both('TLS to a port without it, and the other way', openssl, async (t, WebSocket) => {
  const own = certificate(t);
  const port = await secure(t, own);
  const [error, close] = await ended(new WebSocket(`ws://127.0.0.1:${port}`));
  assert.match(error, /^error (socket hang up|read ECONNRESET|Parse Error)/);
  assert.equal(close, 'close 1006');
});

test('terminate during the TLS handshake', openssl, async (t) => {
  const own = certificate(t);
  const port = await secure(t, own);
  const ws = new Limpet(`wss://127.0.0.1:${port}`, { ca: own.cert });
  const lines = ended(ws);
  await new Promise((resolve) => setTimeout(resolve, 2));
  ws.terminate();
  assert.equal((await lines).at(-1), 'close 1006');
});
