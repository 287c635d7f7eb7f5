// Streams: 8 MB through a pipe, hashed on the way, with a reader that is slow; then an echo.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { WebSocket, WebSocketServer, createWebSocketStream } from 'ws';

const PIECES = 128;
const PIECE = 64 * 1024;

// ------------------------------------------------------------------ the server

const wss = new WebSocketServer({ port: 0 });

wss.on('connection', (ws, request) => {
  const stream = createWebSocketStream(ws);
  if (request.url === '/echo') pipeline(stream, shouting(), stream).catch(console.error);
  else pipeline(stream, slowly()).then(() => wss.emit('stored'), console.error);
});

/** Takes its time over each piece, so that the sender has to wait. */
function slowly() {
  const hash = createHash('sha256');
  let bytes = 0;
  return new Writable({
    write(chunk, _, done) {
      hash.update(chunk);
      bytes += chunk.length;
      setImmediate(done);
    },
    final(done) {
      console.log(`server: ${bytes} bytes, ${hash.digest('hex').slice(0, 16)}`);
      done();
    },
  });
}

function shouting() {
  return new Transform({
    transform(chunk, _, done) {
      done(null, String(chunk).toUpperCase());
    },
  });
}

await once(wss, 'listening');
const url = `ws://localhost:${wss.address().port}`;

// ----------------------------------------------------------------- the clients

function* pieces(hash) {
  for (let i = 0; i < PIECES; i++) {
    const piece = Buffer.alloc(PIECE, `piece ${i} `);
    hash.update(piece);
    yield piece;
  }
}

const hash = createHash('sha256');
const stored = once(wss, 'stored');
await pipeline(Readable.from(pieces(hash)), createWebSocketStream(new WebSocket(`${url}/upload`)));
await stored;
console.log(`client: ${PIECES * PIECE} bytes, ${hash.digest('hex').slice(0, 16)}`);

const echo = createWebSocketStream(new WebSocket(`${url}/echo`), { encoding: 'utf8' });
echo.write('whisper');
console.log('echo:', (await once(echo, 'data'))[0]);
echo.end();
await once(echo, 'close');
wss.close(() => console.log('closed'));
