// A TLSSocket that somebody else accepted → the same service as over TCP.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { createServer } from '../../host/node/index.js';
import { text } from '../conformance/frame.js';
import { Certificate } from '../support/certificate.js';
import { Peer } from './support/peer.js';
import { echoing } from './support/serving.js';
import { within } from './support/wait.js';

/** A TLS server of Node's own that hands its sockets over, and a client that speaks TLS 1.2. */
async function attached(t: TestContext): Promise<{ peer: Peer; client: TLSSocket }> {
  const server = createServer();
  echoing(server);
  const own = new Certificate(['localhost']);
  const tls = createTlsServer({ ...own, maxVersion: 'TLSv1.2' }, (socket) => server.attach(socket));
  tls.listen(0, '127.0.0.1');
  await once(tls, 'listening');
  const { port } = tls.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', ca: own.cert, servername: 'localhost' });
  t.after(async () => {
    client.destroy();
    tls.close();
    await within(server.close({ timeout: 0 }), 'server.close');
  });
  await once(client, 'secureConnect');
  const peer = new Peer(client);
  await peer.upgrade();
  return { peer, client };
}

test('a client that renegotiates ends its own connection and nothing else', async (t) => {
  const { peer, client } = await attached(t);
  peer.write(text('one'));
  assert.equal(await peer.text(), 'one');
  // More often than Node allows: it tells the socket that it is attacked.
  for (let i = 0; i < 5 && !client.destroyed; i++) {
    await Promise.race([
      new Promise((resolve) => client.renegotiate({}, resolve)),
      once(client, 'close'),
    ]);
  }
  assert.notEqual(await peer.overAs(), '');
});
