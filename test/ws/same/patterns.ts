// What people write with `ws`, as its README has it: broadcasts, heartbeats, iteration, many at once.

import { on, once } from 'node:events';
import type * as Ws from 'ws';
import { until } from '../../host/support/wait.js';
import { happens } from './log.js';
import { dial, over, pair, rawClient, serve, type Scenarios } from './parts.js';

export const scenarios: Scenarios = {
  'patterns: a broadcast to all, and to all others': async (ws, log) => {
    const { wss, url } = await serve(ws, log);
    wss.on('connection', (socket) => {
      socket.on('message', (data: Buffer, isBinary) => {
        for (const client of wss.clients) {
          const others = data.toString().startsWith('others');
          if (client.readyState === ws.WebSocket.OPEN && !(others && client === socket)) {
            client.send(data, { binary: isBinary });
          }
        }
      });
    });
    const clients = ['a', 'b', 'c'].map((name) => log.watch(name, new ws.WebSocket(url)));
    await Promise.all(clients.map((client) => happens(client, 'open')));
    clients[0].send('all: hello');
    await Promise.all(clients.map((client) => happens(client, 'message')));
    clients[1].send(Buffer.from('others: bytes'));
    await Promise.all([clients[0], clients[2]].map((client) => happens(client, 'message')));
    clients[1].send('all: bye');
    await Promise.all(clients.map((client) => happens(client, 'message')));
    for (const client of clients) client.close(1000);
    await over(...clients);
    await until(() => wss.clients.size === 0, 'nobody is left');
  },

  'patterns: a heartbeat ends who does not answer': async (ws, log) => {
    const { wss, server, url } = await rawClient(ws, log);
    const alive = new WeakSet<Ws.WebSocket>();
    wss.on('connection', (socket) => {
      alive.add(socket);
      socket.on('pong', () => alive.add(socket));
    });
    alive.add(server);
    const client = dial(ws, log, url);
    await happens(client, 'open');
    const interval = setInterval(() => {
      for (const socket of wss.clients) {
        if (!alive.has(socket)) {
          socket.terminate();
          continue;
        }
        alive.delete(socket);
        socket.ping();
      }
    }, 30);
    wss.on('close', () => {
      clearInterval(interval);
    });
    await over(server);
    log.note('wss', 'the client stays', client.readyState, wss.clients.size);
    client.removeAllListeners('ping');
    client.terminate();
    await over(client);
    wss.close();
    await happens(wss, 'close');
  },

  'patterns: events.once': async (ws, log) => {
    const { wss, url } = await serve(ws, log);
    wss.on('connection', (socket) => {
      socket.send('one');
      socket.close(1000, 'done');
    });
    const client = new ws.WebSocket(url);
    const told = ['open', 'message', 'close'].map((name) => once(client, name));
    for (const args of await Promise.all(told)) log.note('client', args);
    const nobody = new ws.WebSocket('ws://127.0.0.1:1/');
    await once(nobody, 'open').catch((error: NodeJS.ErrnoException) => {
      log.note('client', error.code);
    });
  },

  'patterns: events.on in a loop': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (let i = 0; i < 5; i++) server.send(String(i));
    const ends = new AbortController();
    client.on('close', () => {
      ends.abort();
    });
    const messages = on(client, 'message', { signal: ends.signal });
    try {
      for await (const [data] of messages) {
        log.note('loop', data);
        if (String(data) === '4') server.close(1000);
      }
    } catch (error) {
      log.note('loop', (error as Error).name);
    }
  },

  'patterns: 300 connections at once': async (ws, log) => {
    const { wss, url } = await serve(ws, log);
    wss.on('connection', (socket) => {
      socket.on('message', (data: Buffer) => {
        socket.send(`echo of ${data.toString()}`);
      });
    });
    const answers = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        const client = new ws.WebSocket(url);
        await happens(client, 'open');
        client.send(String(i));
        const [data] = await happens(client, 'message');
        client.close();
        await happens(client, 'close');
        return String(data);
      }),
    );
    log.note(
      'wss',
      answers.every((answer, i) => answer === `echo of ${i}`),
    );
    await until(() => wss.clients.size === 0, 'nobody is left');
  },

  'patterns: a request and its answer, by number': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const waiting = new Map<number, (answer: string) => void>();
    client.on('message', (data: Buffer) => {
      const { id, answer } = JSON.parse(data.toString()) as { id: number; answer: string };
      waiting.get(id)?.(answer);
    });
    const asked: number[] = [];
    server.on('message', (data: Buffer) => {
      const { id } = JSON.parse(data.toString()) as { id: number };
      asked.unshift(id);
      if (asked.length < 3) return;
      for (const one of asked) server.send(JSON.stringify({ id: one, answer: `of ${one}` }));
    });
    const ask = (id: number) =>
      new Promise<string>((resolve) => {
        waiting.set(id, resolve);
        client.send(JSON.stringify({ id }));
      });
    log.note('asked', await Promise.all([0, 1, 2].map(ask)));
  },

  'patterns: reconnecting after the server went': async (ws, log) => {
    const first = await serve(ws, log);
    const client = dial(ws, log, first.url);
    await happens(client, 'open');
    for (const socket of first.wss.clients) socket.terminate();
    first.wss.close();
    await over(client);
    const second = await serve(ws, log, { port: first.port });
    const again = dial(ws, log, second.url);
    await happens(again, 'open');
    again.close(1000);
    await over(again);
  },

  'patterns: an error without a listener is thrown': async (ws, log) => {
    class Told extends ws.WebSocket {
      override emit(name: string, ...args: unknown[]): boolean {
        try {
          return super.emit(name, ...args);
        } catch (error) {
          log.note('client', name, 'threw', (error as NodeJS.ErrnoException).code);
          return false;
        }
      }
    }
    await over(new Told('ws://127.0.0.1:1/'));
  },

  'patterns: state checks around send': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const sendIfOpen = (words: string) => {
      if (client.readyState === client.OPEN) client.send(words);
      else log.note('client', 'not sent', words);
    };
    sendIfOpen('open');
    client.close();
    sendIfOpen('closing');
    await over(server, client);
    sendIfOpen('closed');
  },

  'patterns: properties of the own on a socket': async (ws, log) => {
    const { wss, url } = await serve(ws, log);
    wss.on('connection', (socket, req) => {
      Object.assign(socket, { user: 'ann', address: req.socket.remoteAddress });
      socket.on('message', function (this: Ws.WebSocket) {
        const { user, address } = this as Ws.WebSocket & { user: string; address: string };
        this.send(`${user} of ${address}`);
      });
    });
    const client = dial(ws, log, url);
    await happens(client, 'open');
    client.send('who?');
    await happens(client, 'message');
  },
};
