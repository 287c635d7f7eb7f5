// Clients that are killed in the middle of a message → their sessions and memory go back, others do not notice.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { text } from '../conformance/frame.js';
import { Peer } from '../host/support/peer.js';
import { pass, within } from '../host/support/wait.js';
import { ENGINES, skips } from './support/build.js';
import { figure, limpetd } from './support/limpetd.js';

const CLIENTS = 8;
const CONNECTIONS = 25;

/**
 * A process with many connections, each in the middle of something: a handshake, a frame's header, a
 * frame of a megabyte, a message in fragments, an echo that it does not read. It says so and waits.
 */
const CLIENT = `
  const { connect } = require('node:net');
  const [port, count] = process.argv.slice(1).map(Number);
  const head = 'GET / HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n';
  const frame = (first, length) => {
    const bytes = Buffer.alloc(14);
    bytes[0] = first;
    bytes[1] = 0x80 | 127;
    bytes.writeBigUInt64BE(BigInt(length), 2);
    return bytes;
  };
  const whole = Buffer.concat([frame(0x82, 200000), Buffer.alloc(200000)]);
  const middles = [
    [head],
    [head + '\\r\\n', Buffer.from([0x82])],
    [head + '\\r\\n', frame(0x82, 1 << 20), Buffer.alloc(700000)],
    [head + '\\r\\n', frame(0x02, 300000), Buffer.alloc(300000), frame(0x00, 70000), Buffer.alloc(9)],
    [head + '\\r\\n', whole, whole, whole, whole, whole, whole, whole, whole],
  ];
  let open = 0;
  for (let i = 0; i < count; i++) {
    const socket = connect(port, '127.0.0.1', () => {
      for (const piece of middles[i % middles.length]) socket.write(piece);
      setTimeout(() => ++open === count && console.log('ready'), 100);
    });
    socket.pause();
    socket.on('error', () => undefined);
  }
  // Sockets that do not read keep no process.
  setInterval(() => undefined, 1000);
`;

async function client(t: TestContext, port: number): Promise<ChildProcess> {
  const args = ['-e', CLIENT, String(port), String(CONNECTIONS)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await within(once(child.stdout, 'data'), 'a client with its connections', 20_000);
  return child;
}

for (const kind of ENGINES) {
  test(
    `${kind}: kill -9 of clients in the middle of messages`,
    { skip: skips(kind) },
    async (t) => {
      const { child, port } = await limpetd(t, kind, '--echo', '--metrics');
      const witness = await Peer.open(port);
      t.after(() => witness.transport.destroy());
      const used = (pool: string) => figure(port, `pool_used{pool="${pool}"}`);
      const before = await used('arena');
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => client(t, port)));
      const most = await used('sessions');
      assert.equal(most, CLIENTS * CONNECTIONS + 2, 'all connections, the witness, and who asks');
      for (const one of clients) one.kill('SIGKILL');
      let sessions = most;
      const end_ms = performance.now() + 10_000;
      while (sessions > 2 && performance.now() < end_ms) {
        await pass(20);
        sessions = await used('sessions');
      }
      assert.equal(sessions, 2, 'the witness, and who asks');
      assert.equal(await used('arena'), before, 'memory of the core is back');
      assert.equal(await figure(port, 'pool_peak{pool="sessions"}'), most);
      for (let i = 0; i < 10; i++) {
        witness.write(text(`message ${i}`));
        assert.equal(await witness.text(), `message ${i}`);
      }
      child.kill('SIGTERM');
      const { code } = await child.ended();
      assert.equal(code, 0);
    },
  );
}
