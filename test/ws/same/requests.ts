// Opening handshakes as a server judges them: its answers, its hooks, and what it hands on.

import { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { text } from '../../conformance/frame.js';
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
  type Scenario,
  type Scenarios,
  type ServerOptions,
} from './parts.js';
import type { Wire } from './wire.js';

interface Asked {
  line?: string;
  lines?: string[];
}

const ASKED: Record<string, Asked> = {
  'a request as it is to be': {},
  'with a query': { line: 'GET /chat?room=1 HTTP/1.1' },
  POST: { line: 'POST / HTTP/1.1' },
  'no key': { lines: ['Sec-WebSocket-Key: '] },
  'a key that is too short': { lines: ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ='] },
  'a key that is no base64': { lines: ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q=='] },
  'no version': { lines: ['Sec-WebSocket-Version: '] },
  'version 12': { lines: ['Sec-WebSocket-Version: 12'] },
  'version 8': { lines: ['Sec-WebSocket-Version: 8', 'Sec-WebSocket-Origin: http://old'] },
  'an upgrade to something else': { lines: ['Upgrade: h2c'] },
  'an upgrade in other letters': { lines: ['Upgrade: WebSocket', 'connection: upgrade'] },
  subprotocols: { lines: ['Sec-WebSocket-Protocol: one, two'] },
  'subprotocols that are none': { lines: ['Sec-WebSocket-Protocol: one two'] },
  'a subprotocol twice': { lines: ['Sec-WebSocket-Protocol: one, one'] },
  'an empty subprotocol': { lines: ['Sec-WebSocket-Protocol: one,,two'] },
};

/** What is fixed about an answer: its status, and the fields that clients look at. */
async function noteAnswer(log: Log, title: string, wire: Wire): Promise<void> {
  await wire.headCame();
  const [status] = wire.head.split('\r\n');
  if (!status.includes(' 101 ')) await wire.over();
  const fields = ['Connection', 'Upgrade', 'Content-Type', 'Content-Length'].concat(
    ['Accept', 'Version', 'Protocol', 'Extensions'].map((name) => `Sec-WebSocket-${name}`),
    ['X-Reason', 'Set-Cookie'],
  );
  log.note('answers', title, [status]);
  for (const field of fields) {
    const value = wire.field(field);
    if (value) log.note('answers', '  ', field, value.replace('upgrade', 'Upgrade'));
  }
  if (!status.includes(' 101 ')) log.note('answers', '  ', wire.rest);
  wire.socket.destroy();
  await wire.over();
}

const asks =
  (asked: Record<string, Asked>, options: ServerOptions = {}): Scenario =>
  async (ws, log) => {
    const { port, wss } = await serve(ws, log, options);
    wss.on('connection', (socket, { url }) => {
      log.note('server', 'connected', url, [socket.protocol]);
    });
    for (const [title, one] of Object.entries(asked)) {
      await noteAnswer(log, title, await request(log, port, one));
    }
  };

interface Told {
  origin: string;
  secure: boolean;
  req: IncomingMessage;
}

/** What verifyClient is told, in words. */
const told = (info: Told) => [
  info.origin,
  info.secure,
  info.req.method,
  info.req.url,
  info.req.headers.cookie,
];

export const scenarios: Scenarios = {
  'requests: each answer': asks(ASKED),

  'requests: each answer, with wsClientError': async (ws, log) => {
    const { port, wss } = await serve(ws, log);
    wss.on('wsClientError', (error: Error, socket: Duplex, { method, url }: IncomingMessage) => {
      log.note('wsClientError', error, method, url);
      socket.end(`HTTP/1.1 418 Teapot\r\nContent-Length: 5\r\nConnection: close\r\n\r\nno tea`);
    });
    for (const [title, asked] of Object.entries(ASKED)) {
      await noteAnswer(log, title, await request(log, port, asked));
    }
  },

  'requests: a plain one is told to upgrade': async (ws, log) => {
    const { port } = await serve(ws, log);
    for (const [path, init] of [
      ['', {}],
      ['any/path', { method: 'POST', body: 'x' }],
    ] as const) {
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`, init);
      log.note('answers', answer.status, answer.statusText, answer.headers.get('content-type'));
      log.note('answers', await answer.text());
    }
  },

  'requests: path': asks(
    {
      'the path': { line: 'GET /chat HTTP/1.1' },
      'with a query': { line: 'GET /chat?a=/b HTTP/1.1' },
      another: { line: 'GET /other HTTP/1.1' },
      'below it': { line: 'GET /chat/room HTTP/1.1' },
      'with a slash': { line: 'GET /chat/ HTTP/1.1' },
      'in other letters': { line: 'GET /CHAT HTTP/1.1' },
    },
    { path: '/chat' },
  ),

  'requests: what comes with a connection': async (ws, log) => {
    const { wss, url } = await serve(ws, log);
    wss.on('connection', (socket, req, ...more) => {
      log.note('server', req instanceof IncomingMessage, req.method, req.url, req.httpVersion);
      const { host, 'sec-websocket-key': key, 'sec-websocket-extensions': offer } = req.headers;
      log.note('server', typeof host, typeof key, typeof offer);
      for (const [name, value] of Object.entries(req.headers).sort()) {
        if (![host, key, offer].includes(String(value))) log.note('server', name, value);
      }
      log.note('server', req.headers['x-twice'], req.headersDistinct['x-twice']);
      const names = req.rawHeaders.filter((_, index) => index % 2 === 0);
      log.note('server', names.map((name) => name.toLowerCase()).sort());
      log.note('server', req.socket.remoteAddress, typeof req.socket.remotePort);
      log.note('server', req.connection === req.socket, req.complete, req.statusCode);
      log.note('server', socket.readyState, more, wss.clients.has(socket));
    });
    const client = dial(ws, log, `${url}path?query=1`, ['one'], {
      headers: { Cookie: 'a=1; b=2', 'X-Twice': ['1', '2'] as unknown as string },
      origin: 'http://example.com',
    });
    await happens(client, 'open');
    await log.saw('server', 'true');
  },

  'requests: verifyClient says yes or no': async (ws, log) => {
    const { url, wss } = await serve(ws, log, {
      verifyClient: (info: Told) => {
        log.note('verifyClient', ...told(info));
        return info.req.url === '/yes';
      },
    });
    wss.on('connection', (_, req) => {
      log.note('server', 'connection', req.url);
    });
    for (const path of ['yes', 'no']) {
      const client = dial(ws, log, url + path, [], {
        origin: 'http://a',
        headers: { cookie: 'c' },
      });
      client.on('open', () => {
        client.close();
      });
      await over(client);
    }
  },

  'requests: verifyClient says it later': async (ws, log) => {
    const answers: [boolean, number?, string?, Record<string, string>?][] = [
      [true],
      [false],
      [false, 403],
      [false, 404, 'not here', { 'X-Reason': 'none' }],
      [false, 500, 'žluť'],
    ];
    const { port, wss } = await serve(ws, log, {
      verifyClient: (info, done) => {
        const answer = answers[Number(info.req.url?.slice(1))];
        setTimeout(() => {
          done(...answer);
        }, 5);
      },
    });
    wss.on('connection', (_, req) => {
      log.note('server', 'connection', req.url);
    });
    for (const index of answers.keys()) {
      const wire = await request(log, port, { line: `GET /${index} HTTP/1.1` });
      await noteAnswer(log, String(index), wire);
    }
  },

  'requests: messages that come before verifyClient has answered': async (ws, log) => {
    let accept: (() => void) | undefined;
    const { port, wss } = await serve(ws, log, {
      verifyClient: (_, done) => {
        accept = () => {
          done(true);
        };
      },
    });
    const connected = connection(wss, log);
    const wire = await request(log, port);
    await pass(10);
    wire.write(text('early'), text('birds'));
    await pass(10);
    accept?.();
    await connected;
    await log.saw('server', 'birds');
  },

  'requests: messages in one packet with the handshake': async (ws, log) => {
    const { port, wss } = await serve(ws, log);
    const connected = connection(wss, log);
    const wire = await request(log, port, { lines: ['X-Last: 1'] });
    wire.write(text('right behind'));
    await connected;
    await log.saw('server', 'right behind');
  },

  'requests: handleProtocols': async (ws, log) => {
    for (const answer of ['two', '', false] as const) {
      const { url, wss } = await serve(ws, log, {
        handleProtocols: (protocols, req) => {
          log.note('handleProtocols', protocols, req.url);
          return answer;
        },
      });
      const connected = connection(wss, log);
      const client = dial(ws, log, url, ['one', 'two']);
      const ended = over(client);
      log.note('server', answer, 'protocol', [(await connected).protocol]);
      client.on('open', () => {
        client.close();
      });
      if (client.readyState === client.OPEN) client.close();
      await ended;
      const plain = dial(ws, log, url);
      plain.on('open', () => {
        plain.close();
      });
      await over(plain);
    }
  },

  'requests: handleProtocols takes what nobody asked for': async (ws, log) => {
    const { url } = await serve(ws, log, { handleProtocols: () => 'unasked' });
    const client = new ws.WebSocket(url, ['one', 'two']);
    client.on('error', (error) => {
      log.note('client', error.name);
    });
    client.on('close', (code) => {
      log.note('client', code);
    });
    await over(client);
  },

  'requests: the first subprotocol is taken': async (ws, log) => {
    const { server, client } = await pair(ws, log, { protocols: ['b', 'a'] });
    log.note('server', [server.protocol], [client.protocol]);
  },

  "requests: 'headers' may add to the answer": async (ws, log) => {
    const { port, wss } = await serve(ws, log);
    wss.on('headers', (headers: string[], { url }: IncomingMessage) => {
      log.note('headers', headers, url);
      headers.push('Set-Cookie: sid=1; HttpOnly', 'X-Reason: because');
    });
    wss.on('connection', () => {
      log.note('server', 'connection');
    });
    await noteAnswer(log, 'a handshake', await request(log, port));
    await turns(2);
  },

  "requests: 'headers' with a listener that only looks": async (ws, log) => {
    const { server, port } = await serveHttp(log);
    for (const wss of [
      (await serve(ws, log)).wss,
      keep(log, new ws.WebSocketServer({ server, path: '/shared' })),
    ]) {
      wss.on('headers', (headers: string[]) => {
        log.note('headers', headers.length);
      });
      const own = (wss.address() as { port: number }).port;
      const path = own === port ? 'shared' : '';
      const client = dial(ws, log, `ws://127.0.0.1:${own}/${path}`);
      await happens(client, 'open');
      client.close();
      await over(client);
    }
  },

  'requests: shouldHandle': async (ws: Package, log) => {
    class Choosy extends ws.WebSocketServer {
      override shouldHandle(req: IncomingMessage): boolean {
        log.note('shouldHandle', req.url);
        return req.url?.startsWith('/good') ?? false;
      }
    }
    const wss = new Choosy({ port: 0, host: '127.0.0.1' });
    log.after(() => {
      wss.close();
    });
    await happens(wss, 'listening');
    const { port } = wss.address() as { port: number };
    for (const path of ['/good/one', '/bad']) {
      await noteAnswer(log, path, await request(log, port, { line: `GET ${path} HTTP/1.1` }));
    }
  },

  'requests: what is no HTTP': async (ws, log) => {
    const { port } = await serve(ws, log);
    const wire = await request(log, port, { line: 'NOT HTTP AT ALL' });
    await wire.headCame();
    log.note('answers', wire.head.split('\r\n')[0]);
    await wire.over();
  },
};
