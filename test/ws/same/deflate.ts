// permessage-deflate: what is offered, agreed on and compressed. RFC 7692.

import { constants, deflateRawSync } from 'node:zlib';
import type * as Ws from 'ws';
import { binary, close, continuation, text } from '../../conformance/frame.js';
import { happens } from './log.js';
import { dial, over, pair, rawClient, rawServer, request, serve, type Scenarios } from './parts.js';

type Settings = boolean | Ws.PerMessageDeflateOptions;

const FIELD = 'Sec-WebSocket-Extensions';

/** Parameters mean the same in any order. */
const sorted = (value: string) =>
  value
    .split(',')
    .map((offer) => {
      const [name, ...parameters] = offer.split(';').map((word) => word.trim());
      return [name, ...parameters.sort()].join('; ');
    })
    .join(', ');

const SETTINGS: Settings[] = [
  false,
  true,
  { serverNoContextTakeover: true },
  { clientNoContextTakeover: true },
  { serverMaxWindowBits: 10 },
  { clientMaxWindowBits: 11 },
  { serverNoContextTakeover: false, clientNoContextTakeover: false },
  {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 9,
    clientMaxWindowBits: 9,
  },
];

const OFFERS = [
  'permessage-deflate',
  'permessage-deflate; client_max_window_bits',
  'permessage-deflate; client_max_window_bits=12',
  'permessage-deflate; server_max_window_bits=10',
  'permessage-deflate; server_max_window_bits=15; client_max_window_bits=15',
  'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
  'permessage-deflate; server_max_window_bits="11"',
  'permessage-deflate; server_max_window_bits=9, permessage-deflate',
  'x-webkit-deflate-frame, permessage-deflate',
  'x-unknown; a=1',
];

const WRONG_OFFERS = [
  'permessage-deflate; server_max_window_bits=7',
  'permessage-deflate; server_max_window_bits=16',
  'permessage-deflate; server_max_window_bits',
  'permessage-deflate; client_max_window_bits=x',
  'permessage-deflate; server_no_context_takeover=1',
  'permessage-deflate; client_no_context_takeover; client_no_context_takeover',
  'permessage-deflate; unknown',
  'permessage-deflate;',
  'permessage deflate',
  ', permessage-deflate',
  'permessage-deflate; a="',
];

const ANSWERS = [
  'permessage-deflate',
  'permessage-deflate; server_no_context_takeover; client_max_window_bits=10',
  'permessage-deflate; server_max_window_bits=7',
  'permessage-deflate; client_max_window_bits',
  'permessage-deflate; unknown',
  'permessage-deflate, permessage-deflate',
  'x-unknown',
  'permessage-deflate; =',
  '',
];

/** As it is compressed with a window of its own. RFC 7692 7.2.1: without the four last bytes. */
const compressed = (data: string | Buffer) =>
  deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

export const scenarios: Scenarios = {
  'deflate: what a server answers to each offer': async (ws, log) => {
    for (const perMessageDeflate of SETTINGS) {
      const { port } = await serve(ws, log, { perMessageDeflate });
      for (const offer of OFFERS) {
        const wire = await request(log, port, { lines: [`${FIELD}: ${offer}`] });
        await wire.headCame();
        const answer = sorted(wire.field(FIELD));
        const [, status] = wire.head.split(' ');
        log.note('answers', perMessageDeflate, offer, '→', status, answer);
        wire.socket.destroy();
        await wire.over();
      }
    }
  },

  'deflate: offers that are wrong': async (ws, log) => {
    for (const perMessageDeflate of [false, true]) {
      const { port } = await serve(ws, log, { perMessageDeflate });
      for (const offer of WRONG_OFFERS) {
        const wire = await request(log, port, { lines: [`${FIELD}: ${offer}`] });
        await wire.headCame();
        const [, status] = wire.head.split(' ');
        log.note('answers', perMessageDeflate, offer, '→', status);
        if (status !== '101') {
          await wire.over();
          log.note('answers', wire.rest.toString());
        }
        wire.socket.destroy();
        await wire.over();
      }
    }
  },

  'deflate: what a client offers': async (ws, log) => {
    for (const perMessageDeflate of [undefined, ...SETTINGS, { clientMaxWindowBits: 15 }]) {
      const { url, wires } = await rawServer(log, (wire) => wire.accept());
      const client = dial(ws, log, url, [], { perMessageDeflate });
      const wire = await wires;
      log.note('offers', perMessageDeflate, '→', sorted(wire.field(FIELD)));
      await happens(client, 'open');
      client.terminate();
      await over(client);
    }
  },

  'deflate: what a client takes for an answer': async (ws, log) => {
    for (const perMessageDeflate of [true, false, { clientMaxWindowBits: 10 }]) {
      for (const answer of ANSWERS) {
        const lines = [`${FIELD}: ${answer}`];
        const { url } = await rawServer(log, (wire) => wire.accept(lines));
        log.note('client', perMessageDeflate, answer);
        const client = dial(ws, log, url, [], { perMessageDeflate });
        client.once('open', () => {
          client.terminate();
        });
        await over(client);
      }
    }
  },

  'deflate: messages of all kinds, both ways': async (ws, log) => {
    for (const perMessageDeflate of SETTINGS.slice(1)) {
      const { server, client } = await pair(ws, log, {
        server: { perMessageDeflate },
        client: { perMessageDeflate: true },
      });
      for (const data of ['', 'short', 'w'.repeat(2000), Buffer.alloc(300_000, 'compress me')]) {
        for (const compress of [true, false]) {
          const got = Promise.all([happens(server, 'message'), happens(client, 'message')]);
          client.send(data, { compress });
          server.send(data, { compress });
          await got;
        }
      }
      client.close(1000);
      await over(server, client);
    }
  },

  'deflate: messages in fragments, a Blob among them': async (ws, log) => {
    const { server, client } = await pair(ws, log, { server: { perMessageDeflate: true } });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      const got = happens(to, 'message');
      from.send('a'.repeat(5000), { fin: false });
      from.send(new Blob(['b'.repeat(5000)]), { fin: false });
      from.ping('between');
      from.send('', { fin: true });
      await got;
    }
    await log.saw('server', 'pong');
    await log.saw('client', 'pong');
  },

  'deflate: threshold, and what is compressed on the wire': async (ws, log) => {
    const noContext = { serverNoContextTakeover: true };
    for (const perMessageDeflate of [true, noContext, { ...noContext, threshold: 10 }]) {
      const { server, wire } = await rawClient(ws, log, { perMessageDeflate }, [
        `${FIELD}: permessage-deflate`,
      ]);
      server.send('x'.repeat(9));
      server.send('x'.repeat(10));
      server.send('x'.repeat(1023));
      server.send('x'.repeat(1024));
      server.send('x'.repeat(1024), { compress: false });
      server.ping('never');
      await wire.came(6);
      wire.socket.destroy();
      await over(server);
    }
  },

  'deflate: compressed by another': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log, { perMessageDeflate: true }, [
      `${FIELD}: permessage-deflate`,
    ]);
    const bytes = compressed('žluť '.repeat(1000));
    wire.write(text(bytes, { rsv: 4 }), text('not compressed'));
    wire.write(
      binary(bytes.subarray(0, 9), { rsv: 4, fin: false }),
      continuation(bytes.subarray(9)),
      close(1000),
    );
    await over(server);
    await wire.over();
  },

  'deflate: more than maxPayload once it is inflated': async (ws, log) => {
    const { server, wire } = await rawClient(
      ws,
      log,
      { perMessageDeflate: true, maxPayload: 1000 },
      [`${FIELD}: permessage-deflate`],
    );
    wire.write(text(compressed('x'.repeat(1000)), { rsv: 4 }));
    wire.write(text(compressed('x'.repeat(1001)), { rsv: 4 }));
    await over(server);
    await wire.over();
  },

  'deflate: inflated text that is no UTF-8': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log, { perMessageDeflate: true }, [
      `${FIELD}: permessage-deflate`,
    ]);
    wire.write(text(compressed(Buffer.from([0x61, 0xff])), { rsv: 4 }));
    await over(server);
    await wire.over();
  },

  'deflate: what is no deflate': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log, { perMessageDeflate: true }, [
      `${FIELD}: permessage-deflate`,
    ]);
    server.on('error', (error) => {
      log.note('server', 'of the class', error.constructor.name);
    });
    wire.write(text(Buffer.from([0x06, 0xff]), { rsv: 4 }));
    await over(server);
    await wire.over();
  },

  'deflate: options that are out of range': async (ws, log) => {
    for (const perMessageDeflate of [
      { serverMaxWindowBits: 7 },
      { clientMaxWindowBits: 16 },
      { serverMaxWindowBits: 20, clientMaxWindowBits: 20 },
    ]) {
      const { port } = await serve(ws, log, { perMessageDeflate });
      const wire = await request(log, port, {
        lines: [`${FIELD}: permessage-deflate; client_max_window_bits`],
      });
      await wire.headCame();
      log.note('answers', perMessageDeflate, wire.head.split(' ')[1], sorted(wire.field(FIELD)));
      wire.socket.destroy();
      await wire.over();
    }
  },
};
