// A message to /publish → the same message to all that are connected to /subscribe, by the npm package
// `ws` with its standard settings: it goes over its clients, as its documentation says.

import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  perMessageDeflate: false,
  skipUTF8Validation: false,
});

server.on('connection', (socket, request) => {
  socket.on('error', () => socket.terminate());
  if (request.url !== '/publish') return;
  socket.on('message', (data, binary) => {
    for (const client of server.clients) {
      if (client !== socket && client.readyState === WebSocket.OPEN) client.send(data, { binary });
    }
  });
});

server.on('listening', () => {
  const { port } = server.address() as AddressInfo;
  console.log(`listening on http://127.0.0.1:${port}/`);
});
