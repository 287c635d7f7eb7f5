// The ways a connection ends, and what either side is told of it. RFC 6455 7.

import { close, ping, text } from '../../conformance/frame.js';
import { pass, turns } from '../../host/support/wait.js';
import { happens, type Log } from './log.js';
import { connection, dial, over, pair, rawClient, serve, type Scenarios } from './parts.js';
import type * as Ws from 'ws';

const REASONS: [code?: number, reason?: string | Buffer][] = [
  [],
  [1000],
  [1000, ''],
  [1000, 'done'],
  [1001, Buffer.from('going')],
  [1014],
  [3000, 'žluť 🐚'],
  [4999, 'x'.repeat(123)],
];

const noticeState = (log: Log, name: string, socket: Ws.WebSocket) => {
  log.note(name, 'state', socket.readyState);
};

/** Each way of closing, begun by one of the two. */
async function closes(ws: typeof Ws, log: Log, by: 'server' | 'client'): Promise<void> {
  for (const [code, reason] of REASONS) {
    const both = await pair(ws, log);
    both[by].close(code, reason);
    noticeState(log, by, both[by]);
    await over(both.server, both.client);
  }
}

export const scenarios: Scenarios = {
  'closing: by the client, with each code and reason': (ws, log) => closes(ws, log, 'client'),
  'closing: by the server, with each code and reason': (ws, log) => closes(ws, log, 'server'),

  'closing: codes and reasons that must not be sent': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const wrong: [unknown, unknown?][] = [
      ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, '1000', null, NaN].map(
        (code): [unknown] => [code],
      ),
      [1000, 'x'.repeat(124)],
      [1000, 'ž'.repeat(62)],
    ];
    for (const [name, socket] of Object.entries({ client, server })) {
      for (const [code, reason] of wrong) {
        try {
          socket.close(code as number, reason as string);
          log.note(name, 'closes with', code);
          return;
        } catch (error) {
          log.note(name, String(code), error, 'state', socket.readyState);
        }
      }
    }
    client.close(1000, 'after all');
    await over(server, client);
  },

  'closing: both at once': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    client.close(4001, 'of the client');
    server.close(4002, 'of the server');
    await over(server, client);
  },

  'closing: twice, and after the end': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    client.close(4001, 'first');
    client.close(4002, 'second');
    await over(server, client);
    client.close(4003);
    server.close(4003);
    client.terminate();
    await turns(3);
    noticeState(log, 'client', client);
    noticeState(log, 'server', server);
  },

  'closing: what was sent before still comes': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    server.on('close', () => {
      noticeState(log, 'server', server);
    });
    for (let i = 0; i < 5; i++) client.send(`before ${i}`);
    client.send(Buffer.alloc(200_000));
    client.close(1000, 'behind');
    await over(server, client);
  },

  'closing: the other side may go on until it answers': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    server.close(1000, 'enough');
    await wire.came(1);
    wire.write(text('not yet'), ping('still here'), text('now'));
    await log.saw('server', '"now"');
    noticeState(log, 'server', server);
    wire.write(close(1000, 'agreed'));
    await over(server);
    await wire.over();
  },

  'closing: nothing counts behind a Close frame': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    wire.write(text('before'), close(4000, 'bye'), text('behind'), ping('behind'));
    await over(server);
    await wire.over();
  },

  'closing: a Close frame without a code': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    wire.write(Buffer.from([0x88, 0x80, 1, 2, 3, 4]));
    await over(server);
    await wire.over();
  },

  'closing: terminate, by either': async (ws, log) => {
    for (const by of ['client', 'server'] as const) {
      const both = await pair(ws, log);
      both[by].terminate();
      noticeState(log, by, both[by]);
      both[by].terminate();
      await over(both.server, both.client);
    }
  },

  'closing: terminate after close': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    server.close(1000);
    await wire.came(1);
    server.terminate();
    await over(server);
    await wire.over();
  },

  'closing: closeTimeout ends what is not answered': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log, { closeTimeout: 100 });
    const began = performance.now();
    server.close(4000, 'hello?');
    await over(server);
    const took_ms = performance.now() - began;
    log.note('server', 'waited', took_ms > 90 && took_ms < 3000 ? 'as long as it is to' : took_ms);
    await wire.over();
  },

  'closing: the peer ends without a Close frame': async (ws, log) => {
    for (const bytes of [Buffer.alloc(0), text('half').subarray(0, 7), text('a', { fin: false })]) {
      const { server, wire } = await rawClient(ws, log);
      wire.socket.end(bytes);
      await over(server);
      await wire.over();
    }
  },

  'closing: the peer is gone': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    (wire.socket as import('node:net').Socket).resetAndDestroy();
    await over(server);
    server.send('to nobody', (error) => {
      log.note('server', error);
    });
    await turns(2);
  },

  'closing: close and terminate before it is open': async (ws, log) => {
    for (const method of ['close', 'terminate'] as const) {
      const { url } = await serve(ws, log);
      const client = dial(ws, log, url);
      client[method]();
      noticeState(log, 'client', client);
      await over(client);
      log.note('client', method, 'buffered', client.bufferedAmount, [client.url === url]);
    }
  },

  'closing: from within the handlers': async (ws, log) => {
    const { wss, url } = await serve(ws, log);
    wss.on('connection', (socket, req) => {
      log.watch('server', socket);
      if (req.url === '/') socket.close(4001, 'at once');
    });
    await over(dial(ws, log, url));
    const second = dial(ws, log, url);
    second.on('open', () => {
      second.close(4002, 'at once');
    });
    await over(second);
    const third = dial(ws, log, `${url}open`);
    third.on('open', () => {
      third.terminate();
    });
    await over(third);
    await pass(20);
  },

  'closing: from a message handler, with messages behind': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    server.once('message', () => {
      server.close(4000, 'that is enough');
    });
    wire.write(text('one'), text('two'), text('three'));
    await wire.came(1);
    wire.write(close(4000));
    await over(server);
    await wire.over();
  },

  'closing: terminate from a message handler, with messages behind': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    server.once('message', () => {
      server.terminate();
    });
    wire.write(text('one'), text('two'), text('three'));
    await over(server);
    await wire.over();
  },

  'closing: while the other side is paused': async (ws, log) => {
    const { wss, url } = await serve(ws, log);
    const connected = connection(wss, log);
    const client = dial(ws, log, url);
    const server = await connected;
    server.pause();
    await (client.readyState === client.OPEN || happens(client, 'open'));
    client.send('held');
    client.close(4000, 'behind it');
    await pass(30);
    log.note('server', 'is paused', server.isPaused, 'state', server.readyState);
    server.resume();
    await over(server, client);
  },
};
