// The EventTarget side: listeners of both kinds, attributes, and what is on the events.

import type * as Ws from 'ws';
import { happens, type Log } from './log.js';
import { over, pair, rawClient, serve, type Package, type Scenarios } from './parts.js';
import { text } from '../../conformance/frame.js';
import { turns } from '../../host/support/wait.js';

const NAMES = ['open', 'message', 'error', 'close'] as const;
const ATTRIBUTES = ['onopen', 'onmessage', 'onerror', 'onclose'] as const;

/** All that an event says, and of which class it is. */
function shown(event: Ws.Event, ws: Ws.WebSocket): unknown[] {
  const { data, error, message, code, reason, wasClean } = event as unknown as Record<
    string,
    unknown
  >;
  const fields = { data, error, message, code, reason, wasClean };
  return [
    event.constructor.name,
    event.type,
    event.target === ws ? 'its target is the socket' : 'of something else',
    ...Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}:`, [value]],
    ),
  ];
}

function client(ws: Package, log: Log, url: string): Ws.WebSocket {
  const socket = new ws.WebSocket(url);
  log.after(() => {
    socket.terminate();
  });
  return socket;
}

export const scenarios: Scenarios = {
  'events: addEventListener': async (ws, log) => {
    const { url, wss } = await serve(ws, log);
    wss.on('connection', (socket) => {
      socket.send('text');
      socket.send(Buffer.from('bytes'));
      socket.close(4000, 'žluť');
    });
    const socket = client(ws, log, url);
    for (const name of NAMES) {
      socket.addEventListener(name, function (this: unknown, event: Ws.Event) {
        log.note('client', ...shown(event, socket), this === socket);
      });
    }
    await happens(socket, 'close');
  },

  'events: the attributes': async (ws, log) => {
    const { url, wss } = await serve(ws, log);
    wss.on('connection', (socket) => {
      socket.send('text');
      socket.send(Buffer.from('bytes'));
      socket.terminate();
    });
    const socket = client(ws, log, url);
    for (const name of ATTRIBUTES) {
      log.note('client', name, socket[name]);
      const listener = (event: Ws.Event) => {
        log.note('client', name, ...shown(event, socket));
      };
      socket[name] = listener;
      log.note('client', name, 'is what it was set to', socket[name] === listener);
    }
    await happens(socket, 'close');
  },

  'events: an attribute is replaced, and taken away': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const listener = (words: string) => () => {
      log.note('listeners', words);
    };
    client.onmessage = listener('first');
    client.onmessage = listener('second');
    client.addEventListener('message', listener('added'));
    server.send('1');
    await happens(client, 'message');
    client.onmessage = null;
    server.send('2');
    await happens(client, 'message');
    client.onmessage = 'no function' as unknown as null;
    log.note('listeners', 'then', client.onmessage);
    const same = listener('the same twice');
    client.onmessage = same;
    client.addEventListener('message', same);
    server.send('3');
    await happens(client, 'message');
    client.removeEventListener('message', same);
    log.note('listeners', 'the attribute stays', client.onmessage === same);
    server.send('4');
    await happens(client, 'message');
  },

  'events: once, objects, and removal': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const note = (words: string) => () => {
      log.note('listeners', words);
    };
    client.addEventListener('message', note('once'), { once: true });
    const object = {
      name: 'an object',
      handleEvent(event: Ws.MessageEvent) {
        log.note('listeners', this.name, event.data);
      },
    };
    client.addEventListener('message', object);
    client.addEventListener('message', object);
    const removed = note('removed');
    client.addEventListener('message', removed);
    client.addEventListener('message', removed);
    client.removeEventListener('message', note('not there'));
    log.note('listeners', 'how many', client.listenerCount('message'));
    server.send('1');
    await happens(client, 'message');
    client.removeEventListener('message', removed);
    client.removeEventListener('message', object);
    server.send('2');
    await happens(client, 'message');
    log.note('listeners', 'how many', client.listenerCount('message'));
    client.addEventListener('unknown' as 'open', note('unknown'));
    log.note('listeners', 'of unknown', client.listenerCount('unknown'));
  },

  'events: both kinds in the order they came': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    client.on('message', () => {
      log.note('listeners', 'on');
    });
    client.addEventListener('message', () => {
      log.note('listeners', 'addEventListener');
    });
    client.onmessage = () => {
      log.note('listeners', 'onmessage');
    };
    client.prependListener('message', () => {
      log.note('listeners', 'prepended');
    });
    server.send('go');
    await happens(client, 'message');
  },

  'events: data of each binaryType': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    client.onmessage = ({ data }) => {
      log.note('data', data);
    };
    for (const type of ['nodebuffer', 'arraybuffer', 'fragments'] as const) {
      client.binaryType = type;
      server.send(Buffer.from('bytes'));
      await happens(client, 'message');
      server.send('text');
      await happens(client, 'message');
    }
  },

  'events: an error, and a close that is not clean': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    server.onerror = (event) => {
      log.note('listeners', ...shown(event, server));
    };
    server.onclose = (event) => {
      log.note('listeners', ...shown(event, server));
    };
    wire.write(text('x', { rsv: 2 }));
    await over(server);
  },

  'events: a connection that cannot be': async (ws, log) => {
    const socket = client(ws, log, 'ws://127.0.0.1:1/');
    for (const name of ATTRIBUTES) {
      socket[name] = (event: Ws.Event) => {
        if (name === 'onerror') log.note('client', event.constructor.name, event.type);
        else log.note('client', ...shown(event, socket));
      };
    }
    await happens(socket, 'close');
  },

  'events: constants of class and object': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const names = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const;
    for (const name of names) {
      log.note('constants', name, ws.WebSocket[name], client[name], server[name]);
      log.note('constants', Object.getOwnPropertyDescriptor(ws.WebSocket, name));
      log.note('constants', Object.getOwnPropertyDescriptor(ws.WebSocket.prototype, name));
    }
  },
};

/** Of one package alone. */
export const pure: Scenarios = {
  'events: what a socket shows of itself': async (ws, log) => {
    const { server, client, url } = await pair(ws, log);
    const fields = ['binaryType', 'bufferedAmount', 'extensions', 'isPaused', 'protocol'] as const;
    for (const [name, socket] of Object.entries({ server, client })) {
      for (const field of fields) log.note(name, field, [socket[field]]);
      log.note(name, 'readyState', socket.readyState, 'url', socket.url === url, typeof socket.url);
      const seen: string[] = [];
      for (const key in socket) if (!key.startsWith('_') && !(key in process)) seen.push(key);
      log.note(name, 'enumerable', seen.sort());
      log.note(name, 'instance', socket instanceof ws.WebSocket);
    }
    await turns(1);
  },
};
