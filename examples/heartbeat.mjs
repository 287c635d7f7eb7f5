// A heartbeat: pings that get no pong find the client that is gone, though its connection is not.

import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

const INTERVAL_MS = 100; // 30 seconds in a real server

// ------------------------------------------------------------------ the server

const wss = new WebSocketServer({ port: 0 });

wss.on('connection', (ws, request) => {
  ws.name = request.url.slice(1);
  ws.isAlive = true;
  ws.on('error', console.error);
  ws.on('pong', () => {
    ws.isAlive = true;
  });
  ws.on('close', (code) => console.log(`${ws.name} is gone: ${code}`));
});

const interval = setInterval(() => {
  for (const ws of wss.clients) {
    if (!ws.isAlive) {
      console.log(`no pong of ${ws.name}`);
      ws.terminate();
      continue;
    }
    ws.isAlive = false;
    ws.ping();
  }
}, INTERVAL_MS);

wss.on('close', () => {
  clearInterval(interval);
  console.log('closed');
});

await once(wss, 'listening');
const url = `ws://localhost:${wss.address().port}`;

// ----------------------------------------------------------------- the clients

// Pings are answered by the package itself.
const lively = new WebSocket(`${url}/lively`);
let pings = 0;
lively.on('ping', () => pings++);

// One that is paused reads nothing, and so answers nothing: as good as unplugged.
const frozen = new WebSocket(`${url}/frozen`);
await Promise.all([once(lively, 'open'), once(frozen, 'open')]);
frozen.pause();

while (wss.clients.size > 1) await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
console.log(`still here: ${[...wss.clients].map(({ name }) => name)}, pinged ${pings > 0}`);

frozen.terminate();
lively.close();
while (wss.clients.size > 0) await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
wss.close();
