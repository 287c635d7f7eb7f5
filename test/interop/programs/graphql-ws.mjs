// graphql-ws: its server on a WebSocketServer, its client with the package's WebSocket.

import { once } from 'node:events';
import { buildSchema } from 'graphql';
import { createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { note, of, print } from '../lines.mjs';

const schema = buildSchema(`
  type Query { hello(name: String): String }
  type Subscription { count(to: Int!): Int }
`);
const roots = {
  query: { hello: ({ name }) => `hello ${name}` },
  subscription: {
    async *count({ to }) {
      for (let i = 1; i <= to; i++) yield { count: i };
    },
  },
};

const wss = new WebSocketServer({ port: 0, path: '/graphql' });
const ends = useServer(
  {
    schema,
    roots,
    onConnect: ({ connectionParams, extra }) => {
      note('server', 'connect', connectionParams, extra.request.url);
      return connectionParams.token === 'secret';
    },
    onDisconnect: (_, code, reason) => note('server', 'disconnect', code, reason),
  },
  wss,
  100,
);
await once(wss, 'listening');

const dial = (token) =>
  createClient({
    url: `ws://127.0.0.1:${wss.address().port}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { token },
    retryAttempts: 0,
    on: {
      opened: (socket) => note('client', 'opened', socket.protocol),
      closed: ({ code, reason, wasClean }) => note('client', 'closed', code, reason, wasClean),
    },
  });

const client = dial('secret');
for await (const { data } of client.iterate({ query: '{ hello(name: "žluť") }' })) {
  note('client', data);
}
const subscription = client.iterate({ query: 'subscription { count(to: 5) }' });
for await (const { data } of subscription) note('client', data);
try {
  for await (const result of client.iterate({ query: '{ unknown }' })) note('client', result);
} catch ([error]) {
  note('client', error.message);
}
await client.dispose();
while (of('client').at(-1) !== 'closed 1000 Normal Closure true') {
  await new Promise((resolve) => setTimeout(resolve, 5));
}

try {
  for await (const result of dial('wrong').iterate({ query: '{ hello }' })) note('client', result);
} catch ({ code, reason }) {
  note('client', 'refused', code, reason);
}
await new Promise((resolve) => setTimeout(resolve, 50));
await ends.dispose();
print();
