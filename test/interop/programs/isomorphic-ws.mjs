// isomorphic-ws, which hands on what `ws` is, both by import and by require.

import { once } from 'node:events';
import { createRequire } from 'node:module';
import Isomorphic from 'isomorphic-ws';

const Required = createRequire(import.meta.url)('isomorphic-ws');
console.log(
  Required.OPEN,
  Isomorphic.OPEN,
  typeof Required.Server,
  typeof Required.WebSocketServer,
);

const wss = new Required.Server({ port: 0 });
wss.on('connection', (ws) => ws.on('message', (data) => ws.send(String(data).toUpperCase())));
await once(wss, 'listening');
for (const WebSocket of [Isomorphic, Required]) {
  const ws = new WebSocket(`ws://127.0.0.1:${wss.address().port}`);
  ws.onopen = () => ws.send('hello');
  const data = await new Promise((resolve) => {
    ws.onmessage = (event) => resolve(event.data);
  });
  console.log(data);
  ws.close();
  console.log((await new Promise((resolve) => (ws.onclose = resolve))).code);
}
wss.close();
