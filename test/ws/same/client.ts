// The client's opening handshake: addresses, requests, redirects, refusals, and time running out.

import { Agent, createServer, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { close, text } from '../../conformance/frame.js';
import { pass, turns } from '../../host/support/wait.js';
import { happens, type Log } from './log.js';
import {
  connection,
  dial,
  keep,
  over,
  rawServer,
  serve,
  serveHttp,
  type ClientOptions,
  type Package,
  type Scenarios,
} from './parts.js';
import type { Wire } from './wire.js';

/** The fields of a request, sorted, without what is another one each time. */
function noteRequest(log: Log, wire: Wire): void {
  const [line, ...fields] = wire.head.trimEnd().split('\r\n');
  log.note('request', line);
  const shown = fields.map((field) =>
    field.replace(/(Key: ).*/, '$1{key}').replace(/(127.0.0.1|localhost):\d+/, '$1:{port}'),
  );
  // What is offered of permessage-deflate is told in deflate.ts.
  const rest = shown.filter((field) => !field.startsWith('Sec-WebSocket-Extensions'));
  for (const field of rest.sort()) log.note('request', '  ', field);
}

/** Asks a raw server that refuses, and writes the request down. */
async function asked(
  ws: Package,
  log: Log,
  options: ClientOptions = {},
  change: (url: string) => string | URL = (url) => url,
  protocols: string[] = [],
): Promise<void> {
  const { url, wires } = await rawServer(log, () => 'HTTP/1.1 404 Not Found\r\n\r\n');
  const address = change(url);
  const client = dial(ws, log, address, protocols, options);
  const wire = await wires;
  wire.socket.end();
  noteRequest(log, wire);
  await over(client);
}

const TROUBLE: Record<string, (wire: Wire) => string> = {
  'status 200': () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'status 404': () => 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n',
  'status 401': () => 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\n',
  'status 302, and redirects are not followed': () =>
    'HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n',
  'no Upgrade': (wire) => wire.accept().replace('Upgrade: websocket\r\n', ''),
  'another Upgrade': (wire) => wire.accept().replace('Upgrade: websocket', 'Upgrade: h2c'),
  'a wrong Sec-WebSocket-Accept': (wire) => wire.accept().replace(/Accept: .../, 'Accept: xxx'),
  'no Sec-WebSocket-Accept': (wire) => wire.accept().replace(/Sec-WebSocket-Accept.*\r\n/, ''),
  'a subprotocol that nobody asked for': (wire) => wire.accept(['Sec-WebSocket-Protocol: two']),
  'an extension that nobody asked for': (wire) => wire.accept(['Sec-WebSocket-Extensions: x-a']),
};

export const scenarios: Scenarios = {
  'client: addresses that are none': async (ws, log) => {
    const addresses = ['', 'nothing', 'ftp://host/', 'ws://host/#part', 'ws+unix:', 'ws://', '/'];
    for (const address of [...addresses, 'wss://host/#', 'ws://host:99999/']) {
      try {
        const client = new ws.WebSocket(address);
        client.on('error', () => {});
        client.terminate();
        log.note('client', address, 'is one');
      } catch (error) {
        log.note('client', [address], (error as Error).constructor.name, error);
      }
    }
    await turns(2);
  },

  'client: subprotocols and versions that are none': async (ws, log) => {
    const url = 'ws://127.0.0.1:1/';
    for (const protocols of [['a b'], [''], ['a', 'a'], ['ž'], ['a,b']]) {
      try {
        new ws.WebSocket(url, protocols);
      } catch (error) {
        log.note('client', protocols, error);
      }
    }
    for (const protocolVersion of [0, 7, 14]) {
      try {
        new ws.WebSocket(url, { protocolVersion });
      } catch (error) {
        log.note('client', protocolVersion, error);
      }
    }
    await turns(1);
  },

  'client: url': async (ws, log) => {
    const urls = ['ws://127.0.0.1:1', 'http://127.0.0.1:1/a?b=c', new URL('ws://u:p@127.0.0.1:1')];
    for (const address of [...urls, 'wss://127.0.0.1:1/', 'https://127.0.0.1:1/', 'WS://127.1:1']) {
      const client = new ws.WebSocket(address);
      client.on('error', () => {});
      log.note('client', client.url, client.readyState);
      await over(client);
    }
  },

  'client: the request as it is': async (ws, log) => {
    await asked(ws, log);
  },

  'client: headers, origin, protocols': async (ws, log) => {
    const headers = { Cookie: 'a=1', 'X-Own': 'yes', 'User-Agent': 'limpet' };
    const options = { headers, origin: 'http://example.com', perMessageDeflate: false };
    await asked(ws, log, options, (url) => `${url}deep/path?q=1&r=%20`, ['one', 'two']);
  },

  'client: version 8': async (ws, log) => {
    await asked(ws, log, { protocolVersion: 8, origin: 'http://example.com' });
  },

  'client: auth': async (ws, log) => {
    await asked(ws, log, {}, (url) => url.replace('ws://', 'ws://user:p%40ss@'));
    await asked(ws, log, { auth: 'user:secret' } as ClientOptions);
    await asked(ws, log, { headers: { Authorization: 'Bearer x' } }, (url) =>
      url.replace('ws://', 'ws://user:p@'),
    );
  },

  'client: Host is what it is told': async (ws, log) => {
    await asked(ws, log, { headers: { Host: 'example.com' } });
  },

  'client: finishRequest': async (ws, log) => {
    await asked(ws, log, {
      finishRequest: (req, socket) => {
        log.note('client', 'finishRequest', socket.readyState, req.path, req.method);
        req.setHeader('X-Late', 'just in time');
        setTimeout(() => req.end(), 5);
      },
    });
  },

  'client: agent and createConnection': async (ws, log) => {
    const agent = new Agent();
    agent.on('free', () => {
      log.note('agent', 'free');
    });
    await asked(ws, log, { agent });
    agent.destroy();
    await asked(ws, log, {
      createConnection: ((options: { port: number; host: string }) => {
        log.note('createConnection', options.host);
        return connectTcp(options);
      }) as unknown as ClientOptions['createConnection'],
    });
  },

  'client: each answer that is no switch to WebSocket': async (ws, log) => {
    for (const [title, answer] of Object.entries(TROUBLE)) {
      const { url, wires } = await rawServer(log, answer);
      log.note('client', title);
      const client = dial(ws, log, url, [], { perMessageDeflate: false });
      const wire = await wires;
      await over(client);
      wire.socket.destroy();
    }
  },

  'client: each answer about subprotocols': async (ws, log) => {
    for (const lines of [
      ['Sec-WebSocket-Protocol: two'],
      ['Sec-WebSocket-Protocol: three'],
      ['Sec-WebSocket-Protocol: one, two'],
      [],
    ]) {
      const { url } = await rawServer(log, (wire) => wire.accept(lines));
      log.note('client', lines);
      const client = dial(ws, log, url, ['one', 'two']);
      client.on('open', () => {
        client.terminate();
      });
      await over(client);
    }
  },

  'client: an answer that is cut off, and one that is no HTTP': async (ws, log) => {
    for (const answer of ['', 'HTTP/1.1 101 Switching', 'what?\r\n\r\n']) {
      const { url, wires } = await rawServer(log, () => answer);
      const client = new ws.WebSocket(url);
      client.on('error', (error: NodeJS.ErrnoException) => {
        log.note('client', [answer], error.code, client.readyState);
      });
      client.on('close', (code) => {
        log.note('client', 'close', code);
      });
      const wire = await wires;
      await turns(3);
      wire.socket.end();
      await over(client);
    }
  },

  'client: frames in one packet with the answer': async (ws, log) => {
    const { url } = await rawServer(log, (wire) =>
      Buffer.concat([
        Buffer.from(wire.accept()),
        text('right', { key: null }),
        text('behind', { key: null }),
        close(4000, 'bye', { key: null }),
      ]),
    );
    await over(dial(ws, log, url));
  },

  "client: 'upgrade'": async (ws, log) => {
    const { url } = await rawServer(log, (wire) => wire.accept(['Set-Cookie: a=1', 'X-Own: 1']));
    const client = dial(ws, log, url);
    client.on('upgrade', (res: IncomingMessage) => {
      log.note(
        'client',
        'upgrade',
        res.statusCode,
        res.headers['set-cookie'],
        res.headers['x-own'],
      );
      log.note('client', client.readyState);
    });
    await happens(client, 'open');
  },

  "client: closed in 'upgrade'": async (ws, log) => {
    const { url } = await rawServer(log, (wire) => wire.accept());
    const client = dial(ws, log, url);
    client.on('upgrade', () => {
      client.close();
    });
    await over(client);
  },

  'client: unexpected-response': async (ws, log) => {
    const { server, port } = await serveHttp(
      log,
      createServer((_, res) => {
        res.writeHead(503, { 'X-Own': '1' }).end('no room');
      }),
    );
    server.on('upgrade', (_, socket) => {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nX-Own: 1\r\n\r\nno room');
    });
    const client = dial(ws, log, `ws://127.0.0.1:${port}/`);
    const [req, res] = (await happens(client, 'unexpected-response')) as [
      ClientRequest,
      IncomingMessage,
    ];
    log.note('client', res.statusCode, res.headers['x-own'], req.path, client.readyState);
    let body = '';
    for await (const chunk of res) body += String(chunk);
    log.note('client', [body], client.readyState);
    client.close();
    await over(client);
  },

  'client: nobody is there': async (ws, log) => {
    const client = new ws.WebSocket('ws://127.0.0.1:1/');
    client.on('error', (error: NodeJS.ErrnoException) => {
      log.note('client', error.code, error.syscall, client.readyState);
    });
    client.on('close', (...args) => {
      log.note('client', 'close', args, client.readyState);
    });
    log.note('client', client.readyState);
    await over(client);
  },

  'client: handshakeTimeout': async (ws, log) => {
    const { url } = await rawServer(log, () => undefined);
    await over(dial(ws, log, url, [], { handshakeTimeout: 30 }));
    const right = await rawServer(log, (wire) => wire.accept());
    const client = dial(ws, log, right.url, [], { handshakeTimeout: 30 });
    await happens(client, 'open');
    await pass(60);
    log.note('client', client.readyState);
  },

  'client: redirects are followed': async (ws, log) => {
    const { url: goal, wss } = await serve(ws, log);
    wss.on('connection', (socket, { url, headers }) => {
      log.note('server', url, headers.authorization, headers.cookie, headers['x-own']);
      socket.close(4000, 'here');
    });
    const moves: Record<string, string> = { '/one': '/two', '/two': `${goal}three?x=1` };
    const { server, port } = await serveHttp(log);
    server.on('upgrade', ({ url = '' }: IncomingMessage, socket) => {
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${moves[url] ?? url}\r\n\r\n`);
    });
    const options = {
      followRedirects: true,
      headers: { Authorization: 'Basic x', Cookie: 'a=1', 'X-Own': '1' },
    };
    for (const host of ['127.0.0.1', 'localhost']) {
      for (const listens of [false, true]) {
        const client = dial(ws, log, `ws://${host}:${port}/one`, [], options);
        if (listens) {
          client.on('redirect', (to: string, req: ClientRequest) => {
            log.note('client', 'redirect', new URL(to).pathname, typeof req.setHeader);
            log.note('client', Object.keys(req.getHeaders()).includes('authorization'));
          });
        }
        await over(client);
        log.note('client', new URL(client.url).pathname);
      }
    }
    const endless = dial(ws, log, `ws://127.0.0.1:${port}/same`, [], {
      followRedirects: true,
      maxRedirects: 3,
    });
    await over(endless);
  },

  'client: redirects to nowhere': async (ws, log) => {
    for (const location of ['http://[', 'ftp://127.0.0.1/', 'ws://127.0.0.1:1/#part']) {
      const { url } = await rawServer(
        log,
        () => `HTTP/1.1 301 Moved\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`,
      );
      await over(dial(ws, log, url, [], { followRedirects: true }));
    }
  },

  'client: a UNIX socket': async (ws, log) => {
    const folder = mkdtempSync(join(tmpdir(), 'limpet-'));
    log.after(() => {
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, 's');
    const server = createServer();
    const wss = keep(log, new ws.WebSocketServer({ server }));
    wss.on('connection', (_, req) => {
      log.note('server', req.url, req.headers.host, wss.address() === path);
    });
    server.listen(path);
    await happens(server, 'listening');
    log.after(() => server.close());
    for (const address of [`ws+unix:${path}`, `ws+unix://${path}:/deep?x=1`]) {
      const client = dial(ws, log, address);
      await happens(client, 'open');
      client.close(1000);
      await over(client);
    }
  },

  'client: generateMask': async (ws, log) => {
    const { url, wires } = await rawServer(log, (wire) => wire.accept());
    const seen: Buffer[] = [];
    const client = dial(ws, log, url, [], {
      perMessageDeflate: false,
      generateMask: (mask) => {
        mask.write('mask');
      },
    });
    const wire = await wires;
    wire.socket.on('data', (chunk: Buffer) => seen.push(chunk));
    await happens(client, 'open');
    client.send('hello');
    client.ping('hi');
    client.close(1000);
    await wire.came(3);
    log.note('bytes', Buffer.concat(seen).toString('hex'));
  },

  'client: the same through http:': async (ws, log) => {
    const { wss, port } = await serve(ws, log);
    const connected = connection(wss, log);
    const client = dial(ws, log, `http://127.0.0.1:${port}/`);
    await happens(client, 'open');
    (await connected).send('as ever');
    await happens(client, 'message');
    client.close(1000);
    await over(client);
  },

  'client: options in the place of the protocols': async (ws, log) => {
    const { wss, url } = await serve(ws, log);
    wss.on('connection', (_, { headers }) => {
      log.note('server', headers['x-own'], headers['sec-websocket-protocol']);
    });
    for (const args of [
      [{ headers: { 'X-Own': '1' } }],
      [undefined, { headers: { 'X-Own': '2' } }],
      ['one', { headers: { 'X-Own': '3' } }],
      [['one', 'two']],
    ] as unknown as [][]) {
      const client = log.watch('client', new ws.WebSocket(url, ...args));
      await happens(client, 'open');
      client.close();
      await over(client);
    }
  },
};
