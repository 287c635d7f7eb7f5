// A program for `ws` that has workers.
//   node crew.mjs '{"workers": 2, "over": "port" | "http" | "https", "cert", "key"}'
//
// A message JSON { ask } is answered; anything else is published to all. SIGTERM closes.

import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { WebSocketServer } from '../../../build/ws.js';

const { over, port = 0, cert, key, ...options } = JSON.parse(process.argv[2]);
const plain = (_, response) => response.end(`worker ${wss.worker}`);
const servers = {
  http: () => createServer(plain),
  https: () => createSecureServer({ cert, key }, plain),
};
const server = servers[over]?.();
const wss = new WebSocketServer(server ? { server, ...options } : { port, ...options });

wss.on('connection', (ws) => {
  ws.subscribe('a');
  ws.on('message', async (data) => {
    const { ask, text } = JSON.parse(data);
    if (ask === 'say') wss.publish('a', text);
    if (ask === 'who') ws.send(JSON.stringify({ worker: wss.worker, size: wss.clients.size }));
    if (ask === 'all') ws.send(JSON.stringify(await wss.all.broadcast(text)));
    if (ask === 'metrics') ws.send(JSON.stringify(await wss.all.metrics()));
    if (ask === 'die') process.kill(process.pid, 'SIGKILL');
  });
});
wss.on('listening', () => {
  if (!wss.isPrimary) return;
  console.log(`http://127.0.0.1:${(server ?? wss).address().port}/`);
  wss.on('worker', (event) => console.log(JSON.stringify(event)));
});
wss.on('error', (error) => console.log(`error: ${error.code ?? error.message}`));
server?.listen(port, '127.0.0.1');
process.once('SIGTERM', () => {
  if (!wss.isPrimary) return;
  server?.close();
  wss.close({ code: 1001 }, () => console.log('closed'));
});
