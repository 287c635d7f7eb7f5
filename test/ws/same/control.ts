// Pings and pongs: who answers, with what, and who does not.

import { text } from '../../conformance/frame.js';
import { turns } from '../../host/support/wait.js';
import { happens } from './log.js';
import { over, pair, rawClient, type Scenarios } from './parts.js';

export const scenarios: Scenarios = {
  'control: a ping of each type gets its pong': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const values = [
      'text',
      Buffer.from('bytes'),
      7,
      Uint8Array.from([1, 2]),
      [3, 4],
      '',
      undefined,
    ];
    for (const socket of [client, server]) {
      for (const value of values) {
        const pong = happens(socket, 'pong');
        socket.ping(value);
        await pong;
      }
      const pong = happens(socket, 'pong');
      socket.ping(() => {
        log.note('callback', 'a ping without data');
      });
      await pong;
    }
  },

  'control: 125 bytes are the most': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (const [name, socket] of Object.entries({ client, server })) {
      for (const method of ['ping', 'pong'] as const) {
        try {
          socket[method]('x'.repeat(126));
        } catch (error) {
          log.note(name, method, error);
        }
      }
      const pong = happens(socket, 'pong');
      socket.ping('x'.repeat(125));
      await pong;
    }
  },

  'control: nobody asked for a pong': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      const pong = happens(to, 'pong');
      from.pong('unasked');
      await pong;
    }
  },

  'control: autoPong false leaves pings unanswered': async (ws, log) => {
    const { server, client } = await pair(ws, log, {
      server: { autoPong: false },
      client: { autoPong: false },
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      const pinged = happens(to, 'ping');
      from.ping('anybody?');
      await pinged;
      // Had there been an answer, it would have come before this.
      const message = happens(from, 'message');
      to.send('not by itself');
      await message;
      const pong = happens(from, 'pong');
      to.pong('by hand');
      await pong;
    }
  },

  'control: a ping within a message, on the wire': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    server.send('a part', { fin: false });
    server.ping('now');
    server.pong('and');
    server.send(' and the rest');
    await wire.came(4);
    wire.write(text('ok'));
    await happens(server, 'message');
  },

  'control: after the end': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    client.close();
    await over(server, client);
    for (const method of ['ping', 'pong'] as const) client[method]('late');
    await turns(3);
    log.note('client', 'nothing thrown');
  },

  'control: pings among messages keep their order': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (let i = 0; i < 20; i++) {
      client.send(`message ${i}`);
      client.ping(`ping ${i}`);
    }
    await log.saw('client', 'ping 19');
    client.close(1000);
    await over(server, client);
  },
};
