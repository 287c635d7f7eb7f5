// tinyws: `req.ws()` upgrades from within the handler of requests.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { tinyws } from 'tinyws';
import { WebSocket } from 'ws';

async function handler(req, res) {
  if (!req.ws) {
    res.end('plain');
    return;
  }
  const ws = await req.ws();
  ws.on('message', (data) => ws.send(`${req.url}: ${data}`));
  ws.send('welcome');
}
const server = createServer(handler);
tinyws({ handler }, server, { paths: '/room' });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
console.log(await (await fetch(`http://127.0.0.1:${port}/`)).text());
const ws = new WebSocket(`ws://127.0.0.1:${port}/room`);
const messages = [];
ws.on('message', (data) => messages.push(String(data)));
await once(ws, 'open');
ws.send('hello');
while (messages.length < 2) await once(ws, 'message');
console.log(messages.join(', '));
ws.close(4000);
console.log((await once(ws, 'close'))[0]);
server.close();
