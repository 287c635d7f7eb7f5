// A message to /publish → the same message to all that are connected to /subscribe, by Limpet: they
// are in a room.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

// What users import; its core lies beside it.
const { createServer } = (await import(
  pathToFileURL(resolve('build/index.js')).href
)) as typeof import('../../host/node/index.js');

const server = createServer({ borrow: true });

server.on('open', (socket, request) => {
  if (request.path !== '/publish') socket.subscribe('all');
});
server.on('message', (_socket, data, binary) => {
  server.publish('all', data, { binary });
});

const { port } = await server.listen();
console.log(`listening on http://127.0.0.1:${port}/`);
