// Message → the same message, by the npm package `ws` with its standard settings, or by the module
// that `--package` names and that is used as `ws` is; with --deflate, permessage-deflate for messages of
// any length.

import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({
  options: {
    package: { type: 'string', default: 'ws' },
    deflate: { type: 'boolean', default: false },
  },
});

const { WebSocketServer } = (await import(flags.package)) as typeof import('ws');

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  perMessageDeflate: flags.deflate && {
    threshold: 0,
    zlibDeflateOptions: { level: 6 },
  },
  skipUTF8Validation: false,
});

server.on('connection', (socket) => {
  socket.on('message', (data, binary) => socket.send(data, { binary }));
  socket.on('error', () => socket.terminate());
});

server.on('listening', () => {
  const { port } = server.address() as AddressInfo;
  console.log(`listening on http://127.0.0.1:${port}/`);
});
