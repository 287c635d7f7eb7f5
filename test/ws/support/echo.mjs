// `node echo.mjs MODE [OPTIONS]` → an echo server of limpet/ws as a process, its address on the first line.
//   port   a port of its own            http   noServer: node:http listens, handleUpgrade takes over
//   server the option `server`
// OPTIONS is JSON. A message 'memory' of the parent is answered with what the process holds.

import { createServer } from 'node:http';
import { WebSocketServer } from '../../../build/ws.js';

const [mode, options = '{}'] = process.argv.slice(2);
const settings = { maxPayload: 32 << 20, maxFragments: 0, ...JSON.parse(options) };

function echo(ws) {
  ws.on('error', () => {}); // clients break rules here on purpose
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
}

function listen(wss, server) {
  wss.on('connection', echo);
  server.once('listening', () =>
    console.log(
      `ws://127.0.0.1:${wss.options.noServer ? server.address().port : wss.address().port}/`,
    ),
  );
}

if (mode === 'port') {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', ...settings });
  listen(wss, wss);
  remember(wss);
} else {
  const server = createServer((_, response) => {
    response.writeHead(426, { 'Content-Length': 0, Upgrade: 'websocket' }).end();
  });
  const wss = new WebSocketServer({
    ...(mode === 'http' ? { noServer: true } : { server }),
    ...settings,
  });
  listen(wss, server);
  if (mode === 'http') {
    server.on('upgrade', (request, socket, head) => {
      wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws, request));
    });
  }
  server.listen(0, '127.0.0.1');
  remember(wss);
}

function remember(wss) {
  process.on('message', () => {
    globalThis.gc?.();
    process.send({ ...process.memoryUsage(), clients: wss.clients.size });
  });
}
