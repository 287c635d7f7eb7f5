// socket.io: polling first and WebSocket alone; rooms, acknowledgements, bytes, namespaces, ends.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { WebSocketServer } from 'ws';
import { note, of, print } from '../lines.mjs';

const http = createServer();
const server = new Server(http, {
  wsEngine: WebSocketServer,
  perMessageDeflate: process.argv[2] === 'deflate' ? { threshold: 100 } : false,
  maxHttpBufferSize: 2e6,
  pingInterval: 200,
  pingTimeout: 2000,
});

server.engine.on('headers', (headers) => {
  headers['x-own'] = '1';
});

server.on('connection', (socket) => {
  const { name } = socket.handshake.auth;
  note(
    `server, ${name}`,
    'connection',
    socket.conn.transport.name,
    socket.handshake.headers['x-a'],
  );
  socket.conn.on('upgrade', ({ name: transport }) => note(`server, ${name}`, 'upgrade', transport));
  socket.on('disconnect', (reason) => note(`server, ${name}`, 'disconnect', reason));
  socket.join('all');
  socket.on('join', (room, done) => {
    socket.join(room);
    done([...socket.rooms].filter((one) => one !== socket.id));
  });
  socket.on('say', (room, ...args) => socket.to(room).emit('said', name, ...args));
  socket.on('echo', (data, done) => done(data));
  socket.on('leave', () => socket.disconnect(true));
});
server.of('/other').on('connection', (socket) => {
  socket.emit('hello', 'of another namespace');
});

http.listen(0, '127.0.0.1');
await once(http, 'listening');
const url = `http://127.0.0.1:${http.address().port}`;

async function connect(name, transports) {
  const socket = io(url, {
    transports,
    auth: { name },
    extraHeaders: { 'x-a': 'b' },
    reconnection: false,
    forceNew: true,
  });
  for (const event of ['said', 'news']) {
    socket.on(event, (...args) => note(name, event, ...args.map(shown)));
  }
  socket.on('disconnect', (reason) => note(name, 'disconnect', reason));
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

const shown = (value) =>
  Buffer.isBuffer(value) ? { bytes: value.length, ends: value.at(-1) } : value;

const ann = await connect('ann', ['websocket']);
const bob = await connect('bob', ['polling', 'websocket']);
if (bob.io.engine.transport.name !== 'websocket') {
  await new Promise((resolve) => bob.io.engine.once('upgrade', resolve));
}
const eve = await connect('eve', ['polling']);
for (const {
  io: { engine },
} of [ann, bob, eve]) {
  note('transports', engine.transport.name, [engine.transport.ws?.extensions]);
}

note('ann', await ann.emitWithAck('join', 'blue'));
note('bob', await bob.emitWithAck('join', 'blue'));
ann.emit('say', 'blue', 'hello', { žluť: ['🐚', null] });
await once(bob, 'said');
bob.emit('say', 'all', Buffer.alloc(300_000, 7), 'and text');
await Promise.all([once(ann, 'said'), once(eve, 'said')]);
for (const data of ['', 'text', 12.5, [1, [2]], Buffer.from('bytes'), 'w'.repeat(500_000)]) {
  const echo = await ann.emitWithAck('echo', data);
  const same = Buffer.isBuffer(data)
    ? data.equals(echo)
    : JSON.stringify(data) === JSON.stringify(echo);
  note('ann', 'echo', same);
}
const news = [ann, bob, eve].map((socket) => once(socket, 'news'));
server.to('all').emit('news', 'to everybody', Buffer.from([1, 2, 3]));
await Promise.all(news);
for (let i = 0; i < 100; i++) ann.emit('say', 'blue', i);
while (of('bob').length < 103) await once(bob, 'said');

const other = io(`${url}/other`, { transports: ['websocket'], forceNew: true });
note('other', ...(await once(other, 'hello')));
other.close();

// Longer than a few heartbeats.
await new Promise((resolve) => setTimeout(resolve, 700));
note('transports', 'still there', ann.connected, bob.connected, eve.connected);

const ends = [ann, bob, eve].map((socket) => once(socket, 'disconnect'));
ann.emit('leave');
bob.disconnect();
eve.emit('say', 'all', Buffer.alloc(3e6));
await Promise.all(ends);
const late = await connect('late', ['websocket']);
const gone = once(late, 'disconnect');
late.emit('say', 'all', Buffer.alloc(3e6)); // more than maxHttpBufferSize
await gone;
const last = await connect('last', ['websocket']);
const over = once(last, 'disconnect');
await new Promise((resolve) => server.close(resolve));
await over;
print();
