// A broadcast: what one client sends goes to all, or to all others.

import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

// ------------------------------------------------------------------ the server

const wss = new WebSocketServer({ port: 0 });

wss.on('connection', (ws, request) => {
  const toOthers = request.url === '/others';
  ws.on('error', console.error);
  ws.on('message', (data, isBinary) => {
    for (const client of wss.clients) {
      if (toOthers && client === ws) continue;
      if (client.readyState === WebSocket.OPEN) client.send(data, { binary: isBinary });
    }
  });
});

await once(wss, 'listening');
const url = `ws://localhost:${wss.address().port}`;

// ----------------------------------------------------------------- the clients

const names = ['one', 'two', 'three'];
const clients = names.map((name) => new WebSocket(`${url}/${name === 'two' ? 'others' : 'all'}`));
await Promise.all(clients.map((client) => once(client, 'open')));
console.log(`${wss.clients.size} clients`);

/** Sends, and prints what each of the clients gets. */
async function send(from, data, to) {
  const messages = to.map((name) => once(clients[names.indexOf(name)], 'message'));
  clients[names.indexOf(from)].send(data);
  for (const [index, [message, isBinary]] of (await Promise.all(messages)).entries()) {
    const shown = isBinary ? `${message.length} bytes, ${message.toString('hex')}` : `"${message}"`;
    console.log(`${from} → ${to[index]}: ${shown}`);
  }
}

await send('one', 'hello all', names);
await send('two', 'hello others', ['one', 'three']);
await send('three', Uint8Array.of(0xca, 0xfe), names);

clients[0].close(1000);
await once(clients[0], 'close');
await send('three', 'two of us', ['two', 'three']);

for (const client of clients) client.close();
wss.close(() => console.log('closed'));
