// Two servers with workers in one program, one of each face. SIGUSR2 to the primary closes one, and
// then the other.

import { once } from 'node:events';
import { createServer } from '../../../build/index.js';
import { WebSocketServer } from '../../../build/ws.js';

const server = createServer({ workers: 2 });
server.on('open', (socket) => {
  socket.subscribe('a');
  socket.send(`server 0 worker ${server.worker}`);
});
server.on('message', (_, data) => server.publish('a', data.toString()));
const { port } = await server.listen();
// The primary may be behind its workers.
if (server.isPrimary) await new Promise((go) => setTimeout(go, 50));

const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', workers: 2 });
const listening = once(wss, 'listening');
wss.on('connection', (ws) => {
  ws.subscribe('a');
  ws.send(`server 1 worker ${wss.worker}`);
  ws.on('message', (data) => {
    if (data.toString() === 'die') process.kill(process.pid, 'SIGKILL');
    else wss.publish('a', data.toString());
  });
});

await listening;
if (server.isPrimary) {
  console.log(port, wss.address().port);
  const ends = [() => server.close(), () => new Promise((done) => wss.close({}, done))];
  process.on('SIGUSR2', async () => {
    await ends.shift()();
    console.log('closed');
  });
}
