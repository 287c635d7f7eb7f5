// engine.io by itself: WebSocket and polling, text and bytes, cookies, a close by either side.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { Server } from 'engine.io';
import { Socket } from 'engine.io-client';
import { WebSocketServer } from 'ws';

const http = createServer();
const server = new Server({ wsEngine: WebSocketServer, cookie: true, perMessageDeflate: true });
server.attach(http);
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    if (data === 'close') socket.close();
    else socket.send(data);
  });
  socket.on('close', (reason) => ends.push(reason));
});
const ends = [];
http.listen(0, '127.0.0.1');
await once(http, 'listening');

for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
  const socket = new Socket(`ws://127.0.0.1:${http.address().port}`, { transports });
  socket.binaryType = 'nodebuffer';
  await new Promise((resolve) => socket.once('open', resolve));
  if (transports.length === 2) await new Promise((resolve) => socket.once('upgrade', resolve));
  console.log(transports.join(), '→', socket.transport.name);
  for (const data of ['text', 'žluť 🐚', 'w'.repeat(100_000), Buffer.alloc(100_000, 1)]) {
    const echo = new Promise((resolve) => socket.once('message', resolve));
    socket.send(data);
    const got = await echo;
    console.log(typeof got, got.length, Buffer.from(data).equals(Buffer.from(got)));
  }
  const closed = new Promise((resolve) => socket.once('close', resolve));
  if (transports[0] === 'websocket') socket.send('close');
  else socket.close();
  console.log('client:', await closed);
  while (ends.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  console.log('server:', ends.splice(0).join());
}
server.close();
http.close();
