// A client: subprotocol, headers, text and bytes, ping, a refusal, and how it all ends.

import { once } from 'node:events';
import WebSocket, { WebSocketServer } from 'ws';

// ------------------------------------------------------------------ the server

const wss = new WebSocketServer({
  port: 0,
  perMessageDeflate: true,
  maxPayload: 1 << 20,
  handleProtocols: (protocols) => (protocols.has('v2') ? 'v2' : false),
  verifyClient: ({ req }, done) => {
    if (req.headers.authorization === 'Bearer secret') done(true);
    else done(false, 401, 'who are you?', { 'WWW-Authenticate': 'Bearer' });
  },
});

wss.on('connection', (ws, request) => {
  ws.on('error', (error) => console.log(`server: ${error.code}`));
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
  ws.send(`hello from ${request.url}`);
});

await once(wss, 'listening');
const url = `ws://localhost:${wss.address().port}/door`;

// ------------------------------------------------------------------ the client

const ws = new WebSocket(url, ['v1', 'v2'], { headers: { Authorization: 'Bearer secret' } });
ws.on('error', console.error);
ws.on('upgrade', (response) => console.log(`upgrade: ${response.statusCode}`));
const greeting = once(ws, 'message');
await once(ws, 'open');
console.log(`open: protocol ${ws.protocol}, extensions ${ws.extensions}`);
console.log(`got "${(await greeting)[0]}"`);

/** What comes back. */
async function echo(data) {
  const message = once(ws, 'message');
  ws.send(data);
  return (await message)[0];
}

console.log(`text: ${await echo('žluť 🐚')}`);
console.log(`bytes: ${(await echo(Uint8Array.of(1, 2, 3))).toString('hex')}`);
console.log(`long: ${(await echo('limpet '.repeat(100_000))).length}`);
ws.binaryType = 'arraybuffer';
console.log(`ArrayBuffer: ${(await echo(new Float64Array(2).buffer)).byteLength}`);

const pong = once(ws, 'pong');
ws.ping('there?');
console.log(`pong: ${(await pong)[0]}`);

ws.close(4000, 'that was all');
const [code, reason] = await once(ws, 'close');
console.log(`closed with ${code} "${reason}", state ${ws.readyState}`);

// The DOM's way, and a refusal.
await new Promise((resolve) => {
  const refused = new WebSocket(url);
  refused.onerror = ({ message }) => console.log(`error: ${message}`);
  refused.onclose = (event) => {
    console.log(`close: ${event.code}, clean ${event.wasClean}`);
    resolve();
  };
});

const large = new WebSocket(url, { headers: { Authorization: 'Bearer secret' } });
await once(large, 'open');
large.send(Buffer.alloc((1 << 20) + 1));
console.log(`too large: closed with ${(await once(large, 'close'))[0]}`);
wss.close(() => console.log('closed'));
