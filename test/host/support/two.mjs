// Two servers with workers in one program. SIGUSR2 to the primary closes one, and then the other.

import { createServer } from '../../../build/index.js';

const servers = [createServer({ workers: 2 }), createServer({ workers: 2 })];
for (const [i, server] of servers.entries()) {
  server.on('open', (socket) => {
    socket.subscribe('a');
    socket.send(`server ${i} worker ${server.worker}`);
  });
  server.on('message', (_, data) => server.publish('a', data.toString()));
}
const ports = [];
for (const server of servers) ports.push((await server.listen()).port);
if (servers[0].isPrimary) {
  console.log(ports.join(' '));
  process.on('SIGUSR2', async () => {
    await servers.shift().close();
    console.log('closed');
  });
}
