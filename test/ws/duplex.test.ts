// Any Duplex that cuts and delays at random, under `handleUpgrade` of limpet/ws and `attach` of limpet:
// thousands of messages come back byte for byte; errors in the middle hurt nobody else.

import assert from 'node:assert/strict';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import type { WebSocket } from 'ws';
import { createServer } from '../../host/node/index.js';
import { binary, close, continuation, ping } from '../conformance/frame.js';
import { duplexPair, random } from '../host/support/duplex.js';
import { Peer } from '../host/support/peer.js';
import { echoing } from '../host/support/serving.js';
import { turns, until, within } from '../host/support/wait.js';
import { limpet } from './support/limpet.js';

const MESSAGES = 3000;
const SIZES = [1, 3, 130, 3000, 20_000];

/** How a face takes one end of a Duplex, and the codes of the connections that are over. */
interface Taking {
  take: (far: Duplex) => void;
  closes: number[];
}

const faces: Record<string, (t: TestContext) => Promise<Taking>> = {
  'limpet, attach': (t) => {
    const server = createServer({ maxBackpressure: 256 << 20 });
    t.after(() => within(server.close({ timeout: 0 }), 'server.close'));
    echoing(server);
    const closes: number[] = [];
    server.on('close', (_, code) => closes.push(code));
    const take = (far: Duplex) => {
      assert.ok(server.attach(far));
    };
    return Promise.resolve({ take, closes });
  },
  'limpet/ws, handleUpgrade': async (t) => {
    const { WebSocketServer } = await limpet();
    const wss = new WebSocketServer({ noServer: true });
    const http = createHttpServer();
    const closes: number[] = [];
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      wss.handleUpgrade(request, socket, head, (ws: WebSocket) => {
        ws.on('message', (data: Buffer, isBinary) => {
          ws.send(data, { binary: isBinary });
        });
        ws.on('close', (code) => closes.push(code));
        // Of a peer that is gone nothing is to be told.
        ws.on('error', (error) => {
          assert.fail(error);
        });
      });
    });
    t.after(() => {
      for (const ws of wss.clients) ws.terminate();
      wss.close();
    });
    // The way to hand node:http a transport that is not its own.
    return { take: (far) => http.emit('connection', far), closes };
  },
};

for (const [face, taking] of Object.entries(faces)) {
  test(`${face}: thousands of messages come back as they went`, async (t) => {
    for (const seed of [1, 2, 3]) {
      const { take, closes } = await taking(t);
      const [near, far] = duplexPair(seed);
      take(far);
      const peer = new Peer(near);
      await peer.upgrade();
      const next = random(seed);
      const sent: Buffer[] = [];
      for (let i = 0; i < MESSAGES; i++) {
        const data = Buffer.alloc(next(SIZES[next(SIZES.length)]) + 4, `${seed}.${i}`);
        sent.push(data);
        if (next(10) === 0) {
          const at = next(data.length);
          peer.write(
            binary(data.subarray(0, at), { fin: false }),
            ping(`${i}`),
            continuation(data.subarray(at)),
          );
        } else {
          peer.write(binary(data));
        }
        if (next(50) === 0) await turns(next(20));
      }
      const messages = () => peer.frames.filter(({ opcode }) => opcode === 2);
      await until(() => messages().length === MESSAGES, `${MESSAGES} echoes of ${seed}`, 60_000);
      for (const [i, { payload }] of messages().entries()) {
        assert.ok(payload.equals(sent[i]), `message ${i} of seed ${seed}`);
      }
      peer.frames.length = 0;
      peer.write(close(4000, 'bye'));
      assert.equal((await peer.closeFrame())[0], 4000);
      await until(() => closes.length === 1, 'the close');
      assert.deepEqual(closes, [4000]);
    }
  });

  test(`${face}: an error or an end in the middle hurts nobody else`, async (t) => {
    const { take, closes } = await taking(t);
    const [other, otherFar] = duplexPair(99);
    take(otherFar);
    const witness = new Peer(other);
    await witness.upgrade();
    for (let seed = 1; seed <= 30; seed++) {
      const [near, far] = duplexPair(seed);
      take(far);
      const peer = new Peer(near);
      await peer.upgrade();
      const next = random(seed);
      const bytes = binary(Buffer.alloc(40_000, 'x'));
      peer.write(bytes, bytes.subarray(0, 1 + next(bytes.length - 1)));
      await turns(next(40));
      const ends = [
        () => near.destroy(),
        () => near.destroy(new Error('of the near end')),
        () => far.destroy(new Error('of the far end')),
        () => far.destroy(),
        () => near.end(),
      ];
      ends[seed % ends.length]();
      await until(() => closes.length === seed, `the close of seed ${seed}`);
      witness.write(binary(`still here after ${seed}`));
      assert.equal(await witness.text(), `still here after ${seed}`);
    }
    assert.deepEqual(new Set(closes), new Set([1006]));
  });
}
