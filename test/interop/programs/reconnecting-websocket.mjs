// reconnecting-websocket with the package's WebSocket as its constructor: messages before it is open, a
// server that goes and comes back.

import { once } from 'node:events';
import Reconnecting from 'reconnecting-websocket';
import { WebSocket, WebSocketServer } from 'ws';

async function serve(port) {
  const wss = new WebSocketServer({ port });
  wss.on('connection', (ws) => ws.on('message', (data) => ws.send(`echo of ${data}`)));
  await once(wss, 'listening');
  return wss;
}

const first = await serve(0);
const { port } = first.address();
const socket = new Reconnecting(`ws://127.0.0.1:${port}`, ['chat'], {
  WebSocket,
  minReconnectionDelay: 20,
  maxReconnectionDelay: 50,
});
const opened = () =>
  new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
const message = () =>
  new Promise((resolve) => {
    const hear = ({ data }) => {
      socket.removeEventListener('message', hear);
      resolve(data);
    };
    socket.addEventListener('message', hear);
  });
const closed = () =>
  new Promise((resolve) => socket.addEventListener('close', resolve, { once: true }));

socket.send('early');
console.log(await message(), socket.protocol, socket.readyState);
const again = opened();
const gone = closed();
for (const ws of first.clients) ws.terminate();
await new Promise((resolve) => first.close(resolve));
console.log(await gone.then(({ code }) => code));
socket.send('meanwhile');
const second = await serve(port);
const heard = message();
await again;
console.log(await heard);
const end = closed();
socket.close(1000, 'done');
await end;
console.log(socket.readyState);
second.close(() => console.log('over'));
