// The life of a WebSocketServer: how it comes to be, listens, shares a port, and closes.

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { duplexPair } from '../../host/support/duplex.js';
import { requestBytes, SAMPLE_KEY } from '../../conformance/http.js';
import { close, text } from '../../conformance/frame.js';
import { pass, turns } from '../../host/support/wait.js';
import { happens, type Log } from './log.js';
import {
  connection,
  dial,
  keep,
  over,
  pair,
  request,
  serve,
  serveHttp,
  type Package,
  type Scenarios,
} from './parts.js';
import { Wire } from './wire.js';

/** The ports and addresses of `address()` without what is another one each time. */
const addressShown = (address: AddressInfo | string | null) =>
  typeof address === 'object' && address ? { ...address, port: typeof address.port } : address;

const noteClose = (log: Log, wss: import('ws').WebSocketServer, name = 'wss') =>
  wss.on('close', () => {
    log.note(name, 'close');
  });

export const scenarios: Scenarios = {
  'server: options that do not go together': async (ws, log) => {
    const server = createServer();
    for (const options of [
      undefined,
      {},
      { port: 0, noServer: true },
      { port: 0, server },
      { server, noServer: true },
    ]) {
      try {
        new ws.WebSocketServer(options);
        log.note('wss', 'made');
      } catch (error) {
        log.note('wss', Object.keys(options ?? {}), error);
      }
    }
    await turns(1);
  },

  'server: the options it has': async (ws, log) => {
    const wss = new ws.WebSocketServer({ noServer: true, maxPayload: 7, perMessageDeflate: true });
    const known = [
      ...['allowSynchronousEvents', 'autoPong', 'maxBufferedChunks', 'maxFragments', 'maxPayload'],
      ...['skipUTF8Validation', 'perMessageDeflate', 'handleProtocols', 'clientTracking'],
      ...['closeTimeout', 'verifyClient', 'noServer', 'backlog', 'server', 'host', 'path', 'port'],
    ];
    for (const name of known) {
      log.note('wss', name, [(wss.options as Record<string, unknown>)[name]]);
    }
    log.note('wss', wss.clients);
    await turns(1);
  },

  'server: address, and the callback for listening': async (ws, log) => {
    const wss = keep(
      log,
      new ws.WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
        log.note('wss', 'the callback', addressShown(wss.address()));
      }),
    );
    wss.on('listening', () => {
      log.note('wss', 'listening', addressShown(wss.address()));
    });
    await happens(wss, 'listening');
    const none = new ws.WebSocketServer({ noServer: true });
    try {
      log.note('wss', none.address());
    } catch (error) {
      log.note('wss', error);
    }
  },

  'server: a port that is taken': async (ws, log) => {
    const { port } = await serve(ws, log);
    const second = new ws.WebSocketServer({ port, host: '127.0.0.1' }, () => {
      log.note('wss', 'listens, which it cannot');
    });
    const [error] = (await happens(second, 'error')) as [NodeJS.ErrnoException];
    log.note('wss', error.code, error.syscall, error instanceof Error);
    second.close(() => {
      log.note('wss', 'closed');
    });
    await pass(10);
  },

  'server: clients come and go': async (ws, log) => {
    const { wss, server, client } = await pair(ws, log);
    log.note('wss', wss.clients instanceof Set, wss.clients.size, wss.clients.has(server));
    server.on('close', () => {
      log.note('wss', 'at close', wss.clients.size);
    });
    client.close();
    await over(server, client);
    log.note('wss', wss.clients.size);
  },

  'server: clientTracking false': async (ws, log) => {
    const { wss, server, client } = await pair(ws, log, { server: { clientTracking: false } });
    log.note('wss', [wss.clients]);
    noteClose(log, wss);
    client.close();
    await over(server, client);
    wss.close();
    await happens(wss, 'close');
  },

  'server: close waits for its clients, and ends none': async (ws, log) => {
    const { wss, server, client, url } = await pair(ws, log);
    noteClose(log, wss);
    wss.close((error) => {
      log.note('wss', 'closed', error);
    });
    wss.close();
    await pass(20);
    log.note('wss', 'still', wss.clients.size, client.readyState);
    const late = dial(ws, log, url);
    late.on('error', (error: NodeJS.ErrnoException) => {
      log.note('late', error.code);
    });
    await over(late);
    client.send('still talking');
    await happens(server, 'message');
    client.close(1000);
    await over(server, client);
    await log.saw('wss', 'closed');
  },

  'server: close twice': async (ws, log) => {
    const { wss } = await serve(ws, log);
    noteClose(log, wss);
    wss.close((error) => {
      log.note('wss', 'first', error);
    });
    await happens(wss, 'close');
    await new Promise<void>((resolve) => {
      wss.close((error) => {
        log.note('wss', 'second', error);
        resolve();
      });
    });
    log.note('wss', [wss.address()]);
  },

  'server: close on a server of somebody else': async (ws, log) => {
    const { server, port } = await serveHttp(
      log,
      createServer((_, res) => {
        res.end('plain');
      }),
    );
    const wss = keep(log, new ws.WebSocketServer({ server }));
    noteClose(log, wss);
    const before = server.listenerCount('upgrade');
    const client = dial(ws, log, `ws://127.0.0.1:${port}/`);
    await happens(client, 'open');
    wss.close(() => {
      log.note('wss', 'closed');
    });
    log.note('wss', 'upgrade listeners', before, server.listenerCount('upgrade'));
    await pass(10);
    client.close();
    await over(client);
    await log.saw('wss', 'closed');
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    log.note('http', answer.status, await answer.text(), server.listening);
  },

  'server: events of a server of somebody else': async (ws, log) => {
    const server = createServer();
    const wss = keep(log, new ws.WebSocketServer({ server }));
    wss.on('listening', () => {
      log.note('wss', 'listening', addressShown(wss.address()));
    });
    wss.on('error', (error) => {
      log.note('wss', error);
    });
    log.note('wss', [wss.address()]);
    await serveHttp(log, server);
    server.emit('error', new Error('made up'));
  },

  'server: two on one port, by path': async (ws, log) => {
    const { server, port } = await serveHttp(log);
    const servers = ['/foo', '/bar'].map((path) => {
      const wss = keep(log, new ws.WebSocketServer({ noServer: true }));
      wss.on('connection', (socket, req, ...more) => {
        log.note(path, 'connection', req.url, more);
        socket.send(`this is ${path}`);
      });
      return { path, wss };
    });
    server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      const found = servers.find(({ path }) => path === req.url);
      if (!found) {
        socket.destroy();
        return;
      }
      found.wss.handleUpgrade(req, socket, head, (ws, ...more) => {
        log.note('http', 'upgraded', more[0] === req);
        found.wss.emit('connection', ws, req, 'a user');
      });
    });
    for (const path of ['foo', 'bar', 'baz']) {
      const client = dial(ws, log, `ws://127.0.0.1:${port}/${path}`);
      client.on('message', () => {
        client.close(1000);
      });
      await over(client);
    }
    log.note('http', ...servers.map(({ wss }) => wss.clients.size));
  },

  'server: two on one port, each with its path option': async (ws, log) => {
    const { server, port } = await serveHttp(log);
    const one = keep(log, new ws.WebSocketServer({ server, path: '/one' }));
    one.on('connection', (socket) => {
      socket.close(4001);
    });
    await over(dial(ws, log, `ws://127.0.0.1:${port}/one`));
    await over(dial(ws, log, `ws://127.0.0.1:${port}/two`));
  },

  'server: an upgrade that is handled twice': async (ws, log) => {
    const { server, port } = await serveHttp(log);
    const wss = keep(log, new ws.WebSocketServer({ noServer: true }));
    server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      wss.handleUpgrade(req, socket, head, () => {
        log.note('http', 'upgraded');
      });
      try {
        wss.handleUpgrade(req, socket, head, () => {
          log.note('http', 'upgraded again');
        });
      } catch (error) {
        log.note('http', error);
      }
    });
    const wire = await request(log, port);
    await wire.headCame();
  },

  'server: an upgrade after close': async (ws, log) => {
    const { server, port } = await serveHttp(log);
    const wss = new ws.WebSocketServer({ noServer: true });
    wss.close();
    server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      wss.handleUpgrade(req, socket, head, () => {
        log.note('http', 'upgraded');
      });
    });
    const wire = await request(log, port);
    await wire.over();
    log.note('http', wire.head.split('\r\n')[0], wire.rest);
  },

  'server: an upgrade of a Duplex': async (ws, log) => {
    const server = createServer();
    const wss = keep(log, new ws.WebSocketServer({ server }));
    const connected = connection(wss, log);
    const [near, far] = duplexPair(7);
    server.emit('connection', near);
    const wire = new Wire(far, log);
    wire.write(
      requestBytes('GET /duplex HTTP/1.1', [
        'Host: nowhere',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Key: ${SAMPLE_KEY}`,
        'Sec-WebSocket-Version: 13',
      ]),
      text('with the request'),
    );
    const socket = await connected;
    socket.send('over a Duplex');
    wire.write(text('x'.repeat(100_000)), close(4000, 'bye'));
    await over(socket);
    await wire.came(2);
  },

  'server: options hold for each connection': async (ws, log) => {
    const { wss, url } = await serve(ws, log, { maxPayload: 10 });
    wss.on('connection', (socket) => {
      log.watch('server', socket);
      socket.send('hello');
    });
    const client = dial(ws, log, url);
    await happens(client, 'message');
    client.send('more than ten bytes');
    await over(client);
  },
};

/** Classes of one package, which the other one does not know. */
export const pure: Scenarios = {
  'server: the WebSocket option': async (ws: Package, log) => {
    class Named extends ws.WebSocket {
      name = 'named';
      shout(words: string): void {
        this.send(words.toUpperCase());
      }
    }
    const { wss, url } = await serve(ws, log, { WebSocket: Named });
    wss.on('connection', (socket) => {
      const named = socket as Named;
      log.note('server', named instanceof Named, named instanceof ws.WebSocket, named.name);
      named.shout('loud');
    });
    const client = dial(ws, log, url);
    await happens(client, 'message');
  },

  'server: a class of its own': async (ws: Package, log) => {
    class Rooms extends ws.WebSocketServer {
      override emit(name: string, ...args: unknown[]): boolean {
        // ws tells of 'headers' whether somebody listens or not.
        if (name !== 'headers') log.note('wss', 'emit', name);
        return super.emit(name, ...args);
      }
    }
    const wss = keep(log, new Rooms({ port: 0, host: '127.0.0.1' }));
    await happens(wss, 'listening');
    const { port } = wss.address() as AddressInfo;
    const client = dial(ws, log, `ws://127.0.0.1:${port}/`);
    await happens(client, 'open');
    client.close();
    await over(client);
  },

  'server: a client class of its own': async (ws: Package, log) => {
    class Client extends ws.WebSocket {
      constructor(address: string) {
        super(address, ['own'], { headers: { 'x-own': '1' } });
      }
    }
    const { wss, url } = await serve(ws, log);
    wss.on('connection', (socket, req) => {
      log.note('server', [socket.protocol], req.headers['x-own']);
      socket.close(4000);
    });
    const client = log.watch('client', new Client(url));
    log.note('client', client instanceof ws.WebSocket, client.constructor.name);
    await over(client);
  },
};
