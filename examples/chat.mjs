// A chat: the first line that somebody sends is the name, each further one goes to all.

import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

// ------------------------------------------------------------------ the server

const wss = new WebSocketServer({ port: 0, path: '/chat' });

wss.on('connection', (ws, request) => {
  const room = new URL(request.url, 'ws://localhost').searchParams.get('room');
  ws.on('error', console.error);
  ws.on('message', (data) => {
    if (ws.name) {
      tell(room, `${ws.name}: ${data}`);
      return;
    }
    ws.name = String(data);
    ws.room = room;
    tell(room, `* ${ws.name} is here`);
  });
  ws.on('close', (code) => tell(room, `* ${ws.name} went (${code})`));
});

/** To all who are in a room and have a name. */
function tell(room, line) {
  for (const client of wss.clients) {
    if (client.room === room && client.readyState === WebSocket.OPEN) client.send(line);
  }
}

await once(wss, 'listening');
const url = `ws://localhost:${wss.address().port}/chat`;

// ------------------------------------------------------------------ the people

/** Somebody who prints what they read; `heard(words)` waits for a line. */
async function join(name, room) {
  const ws = new WebSocket(`${url}?room=${room}`);
  const lines = [];
  ws.on('message', (data) => {
    lines.push(String(data));
    console.log(`${name.padEnd(5)}| ${data}`);
  });
  const heard = async (words) => {
    while (!lines.some((line) => line.includes(words))) await once(ws, 'message');
  };
  await once(ws, 'open');
  ws.send(name);
  await heard(`${name} is here`);
  return { say: (line) => ws.send(line), leave: () => ws.close(1000), heard };
}

const ann = await join('ann', 'blue');
const bob = await join('bob', 'blue');
await ann.heard('bob is here');
const eve = await join('eve', 'red'); // hears nothing of the others

ann.say('hello bob');
await Promise.all([ann.heard('ann: hello'), bob.heard('ann: hello')]);
bob.say('žluť 🐚 to you');
await Promise.all([ann.heard('bob: '), bob.heard('bob: ')]);
bob.leave();
await ann.heard('bob went');
ann.leave();
eve.leave();
wss.close(() => console.log('closed'));
