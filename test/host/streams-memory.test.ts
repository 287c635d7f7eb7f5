// A message of 1 GiB, each way → memory that stays where it was.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test, type TestContext } from 'node:test';
import { handshake } from './support/peer.js';
import { next, serving } from './support/serving.js';
import { within } from './support/wait.js';

const MESSAGE_BYTES = 2 ** 30;
const CHUNK_BYTES = 256 << 10;
/** What Node may hold of buffers that are not collected yet. */
const GROWTH_MAX = 160 << 20;
const PATIENCE_MS = 120_000;

/** Watches the process while something runs; returns by how much it grew at the most. */
async function growth(run: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 10);
  await run().finally(() => {
    clearInterval(timer);
  });
  return most - before;
}

/** So many chunks, as fast as they are taken. */
function chunks(count: number, chunk: Buffer): Readable {
  let made = 0;
  return new Readable({
    read() {
      this.push(made++ < count ? chunk : null);
    },
  });
}

function flat(t: TestContext, bytes: number): void {
  const grown = Math.round(bytes / 2 ** 20);
  t.diagnostic(`grown by ${grown} MiB at the most`);
  assert.ok(bytes < GROWTH_MAX, `grown by ${grown} MiB`);
}

for (const profile of ['micro', 'server']) {
  test(`${profile}: 1 GiB that comes in one frame`, async (t) => {
    const { server, port } = await serving(t, { profile, streamMessages: true });
    const opened = next(server, 'stream');
    const client = connect(port, '127.0.0.1');
    t.after(() => client.destroy());
    await once(client, 'connect');
    client.write(handshake());
    await once(client, 'data');
    // FIN and binary, a length of 8 bytes, and the masking key 0: RFC 6455 5.2.
    const header = Buffer.from('82ff0000000000000000' + '00000000', 'hex');
    header.writeBigUInt64BE(BigInt(MESSAGE_BYTES), 2);
    let length = 0;
    const grown = await growth(async () => {
      client.write(header);
      const source = chunks(MESSAGE_BYTES / CHUNK_BYTES, Buffer.alloc(CHUNK_BYTES, 7));
      const sent = pipeline(source, client, { end: false });
      const [, stream] = await opened;
      const counted = new Writable({
        write: (chunk: Buffer, _, done) => {
          length += chunk.length;
          done();
        },
      });
      await within(Promise.all([sent, pipeline(stream, counted)]), 'the message', PATIENCE_MS);
    });
    assert.equal(length, MESSAGE_BYTES);
    flat(t, grown);
  });

  test(`${profile}: 1 GiB that is written`, async (t) => {
    const { server, port } = await serving(t, { profile });
    const opened = next(server, 'open');
    const client = connect(port, '127.0.0.1');
    t.after(() => client.destroy());
    await once(client, 'connect');
    client.write(handshake());
    const [socket] = await opened;
    await once(client, 'data');
    let length = 0;
    client.on('data', (bytes: Buffer) => (length += bytes.length));
    const grown = await growth(async () => {
      const source = chunks(MESSAGE_BYTES / CHUNK_BYTES, Buffer.alloc(CHUNK_BYTES, 7));
      await within(pipeline(source, socket.sendStream()), 'the message', PATIENCE_MS);
      while (socket.bufferedAmount > 0) await new Promise((resolve) => setImmediate(resolve));
    });
    const { bytesOut } = socket.stats();
    assert.equal(bytesOut, MESSAGE_BYTES);
    assert.ok(length > MESSAGE_BYTES / 2, `${length} bytes have come so far`);
    flat(t, grown);
  });
}
