// A program with workers, as a user writes it: what a client says in JSON is done, and answered.
//   node crew.mjs '{"workers": 2, ...options}'
//
// It prints the address and what happens to its workers; SIGTERM ends it.

import { createServer } from '../../../build/index.js';

const { where = 0, fails = 0, ...options } = JSON.parse(process.argv[2]);
const server = createServer(options);

if (server.worker === fails && fails > 0) throw new Error('this worker does not start');

const asked = {
  who: () => ({ worker: server.worker, pid: process.pid, primary: process.ppid }),
  join: (socket, { topic }) => socket.subscribe(topic),
  say: (socket, { topic, text, own }) => (own ? socket : server).publish(topic, text),
  sayAll: (_, { topic, text }) => server.all.publish(topic, text),
  shout: (socket, { text, to, but }) =>
    server.broadcast(text, { to, except: but ? socket : undefined }),
  shoutAll: (_, { text, to }) => server.all.broadcast(text, { to }),
  label: (socket, { key, value }) => {
    socket.metadata.set(key, value);
  },
  metrics: () => server.all.metrics(),
  rooms: () => server.all.rooms(),
  room: (_, { topic }) => server.all.room(topic),
  now: () => performance.now(),
  fill: (socket, { topic, bytes }) => server.publish(topic, Buffer.alloc(bytes)),
  freeze: (_, { ms }) => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  },
  exit: (_, { code }) => process.exit(code),
  crash: () => {
    setImmediate(() => {
      throw new Error('as asked');
    });
  },
  closeHere: () => {
    setImmediate(() => server.close());
  },
};

server.on('message', async (socket, data) => {
  const { ask, ...how } = JSON.parse(data);
  try {
    socket.send(JSON.stringify({ ask, answer: (await asked[ask](socket, how)) ?? null }));
  } catch (error) {
    socket.send(JSON.stringify({ ask, error: error.message }));
  }
});

try {
  const address = await server.listen(where);
  if (server.isPrimary) {
    console.log(typeof address === 'string' ? address : `http://127.0.0.1:${address.port}/`);
    server.on('worker', (event) => console.log(JSON.stringify(event)));
    server.on('error', (error) => console.log(JSON.stringify({ error: error.message })));
    process.once('SIGTERM', async () => {
      await server.close();
      console.log('closed');
    });
  }
} catch (error) {
  console.error(`listen: ${error.code ?? error.message}`);
  process.exitCode = 3;
}
