// createWebSocketStream: pipes, backpressure, ends and errors.

import { once } from 'node:events';
import { Readable, Transform, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type { Duplex } from 'node:stream';
import { text } from '../../conformance/frame.js';
import { pass, until } from '../../host/support/wait.js';
import { happens, type Log } from './log.js';
import { over, pair, rawClient, serve, type Scenarios } from './parts.js';

/** Writes down what a stream tells. */
function watched(log: Log, track: string, stream: Duplex): Duplex {
  for (const name of ['end', 'finish', 'close', 'error']) {
    stream.on(name, (...args: unknown[]) => {
      log.note(track, name, ...args);
    });
  }
  return stream;
}

export const scenarios: Scenarios = {
  'stream: what is written comes out, and the other way': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const near = watched(log, 'near', ws.createWebSocketStream(client));
    const far = watched(log, 'far', ws.createWebSocketStream(server, { encoding: 'utf8' }));
    far.on('data', (data) => {
      log.note('far', 'data', data);
    });
    near.on('data', (data) => {
      log.note('near', 'data', data);
    });
    near.write('text');
    near.write(Buffer.from('žluť'));
    far.write('back');
    await log.saw('near', 'back');
    near.end('last');
    await over(server, client);
  },

  'stream: a pipe of 20 MB with a slow sink': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    client.removeAllListeners('message');
    server.removeAllListeners('message');
    const source = Readable.from(
      (function* () {
        for (let i = 0; i < 320; i++) yield Buffer.alloc(65_536, `${i}.`);
      })(),
    );
    let bytes = 0;
    let sum = 0;
    const sink = new Writable({
      write(chunk: Buffer, _, done) {
        bytes += chunk.length;
        for (let i = 0; i < chunk.length; i += 1000) sum = (sum * 31 + chunk[i]) >>> 0;
        setImmediate(done);
      },
    });
    await Promise.all([
      pipeline(source, ws.createWebSocketStream(client)),
      pipeline(ws.createWebSocketStream(server), sink),
    ]);
    log.note('sink', bytes, sum);
  },

  'stream: an echo through two pipes': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const far = watched(log, 'far', ws.createWebSocketStream(server));
    far
      .pipe(
        new Transform({
          transform(chunk: Buffer, _, done) {
            done(null, chunk.toString().toUpperCase());
          },
        }),
      )
      .pipe(far);
    const near = watched(log, 'near', ws.createWebSocketStream(client, { decodeStrings: false }));
    near.setEncoding('utf8');
    near.write('shout');
    const [answer] = (await once(near, 'data')) as [string];
    log.note('near', answer);
    near.end();
    await over(server, client);
  },

  'stream: objectMode on the reading side': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const near = ws.createWebSocketStream(client, { readableObjectMode: true });
    near.on('data', (data: unknown) => {
      log.note('near', typeof data, data);
    });
    server.send('text');
    server.send(Buffer.from('bytes'));
    await log.saw('near', 'bytes');
  },

  'stream: it waits for the connection': async (ws, log) => {
    const { wss, url } = await serve(ws, log);
    wss.on('connection', (socket) => log.watch('server', socket));
    const near = watched(log, 'near', ws.createWebSocketStream(new ws.WebSocket(url)));
    near.write('early');
    near.end();
    near.resume();
    await finished(near);
  },

  'stream: a connection that cannot be is its error': async (ws, log) => {
    const near = ws.createWebSocketStream(new ws.WebSocket('ws://127.0.0.1:1/'));
    near.on('error', (error: NodeJS.ErrnoException) => {
      log.note('near', error.code);
    });
    near.on('close', () => {
      log.note('near', 'close', near.destroyed);
    });
    await once(near, 'close').catch(() => undefined);
    await pass(5);
  },

  'stream: a broken frame is its error': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    const stream = watched(log, 'stream', ws.createWebSocketStream(server));
    stream.resume();
    wire.write(text('x', { rsv: 2 }));
    await over(server);
    await wire.over();
  },

  'stream: destroy, with and without an error': async (ws, log) => {
    for (const error of [undefined, new Error('of ours')]) {
      const { server, client } = await pair(ws, log);
      const near = watched(log, 'near', ws.createWebSocketStream(client));
      near.destroy(error);
      await over(server, client);
    }
  },

  'stream: the other side closes': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const near = watched(log, 'near', ws.createWebSocketStream(client));
    near.resume();
    server.send('last words');
    server.close(1000);
    await over(server, client);
  },

  'stream: nobody reads, so the sender waits': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const near = ws.createWebSocketStream(client);
    for (let i = 0; i < 64; i++) server.send(Buffer.alloc(65_536, `${i}.`));
    await pass(30);
    log.note('near', 'paused', client.isPaused);
    let bytes = 0;
    near.on('data', (chunk: Buffer) => (bytes += chunk.length));
    await until(() => bytes === 64 * 65_536, 'all bytes');
    log.note('near', 'paused', client.isPaused);
    client.close();
    await happens(server, 'close');
  },
};
