// A connection → one fixed answer that looks like an upgrade, and the end when more comes: what a server
// of handshakes pays to `node:net` before it has read or hashed anything.

import { createServer, type AddressInfo } from 'node:net';

const ANSWER =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

const server = createServer({ noDelay: true }, (socket) => {
  let answered = false;
  socket.on('data', () => {
    if (answered) socket.end();
    else socket.write(ANSWER);
    answered = true;
  });
  socket.on('error', () => socket.destroy());
});

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(`listening on http://127.0.0.1:${port}/`);
});
