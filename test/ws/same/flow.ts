// How fast: pause and resume, what is buffered, what fits into one turn.

import { binary, close, ping, text } from '../../conformance/frame.js';
import { pass, turns, until } from '../../host/support/wait.js';
import { happens, type Log } from './log.js';
import { dial, over, pair, rawClient, serve, type Package, type Scenarios } from './parts.js';

/** Frames in one packet, and what runs between their events. */
async function inOnePacket(ws: Package, log: Log, allowSynchronousEvents: boolean): Promise<void> {
  const { server, wire } = await rawClient(ws, log, { allowSynchronousEvents });
  const between = () => {
    queueMicrotask(() => {
      log.note('server', 'a microtask');
    });
    setImmediate(() => {
      log.note('server', 'the next turn');
    });
  };
  for (const name of ['message', 'ping', 'pong']) server.on(name, between);
  wire.write(text('one'), binary('two'), ping('three'), text('four'));
  await log.saw('server', 'the next turn', 4);
  await wire.came(1);
}

export const scenarios: Scenarios = {
  'flow: allowSynchronousEvents': (ws, log) => inOnePacket(ws, log, true),
  'flow: no allowSynchronousEvents': (ws, log) => inOnePacket(ws, log, false),

  'flow: pause and resume, each side': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (const [from, to, name] of [
      [client, server, 'server'],
      [server, client, 'client'],
    ] as const) {
      log.note(name, 'isPaused', to.isPaused);
      to.pause();
      log.note(name, 'isPaused', to.isPaused);
      from.send('held back');
      from.ping('this too');
      await pass(20);
      log.note(name, 'nothing came');
      const message = happens(to, 'message');
      const pong = happens(from, 'pong');
      to.resume();
      log.note(name, 'isPaused', to.isPaused);
      await message;
      await pong;
    }
  },

  'flow: pause in a message handler': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    server.once('message', () => {
      server.pause();
    });
    wire.write(text('one'));
    await happens(server, 'message');
    wire.write(text('two'));
    await pass(20);
    log.note('server', 'resumes');
    server.resume();
    await log.saw('server', '"two"');
  },

  'flow: pause before it is open, and after the end': async (ws, log) => {
    const { url } = await serve(ws, log);
    const client = dial(ws, log, url);
    client.pause();
    log.note('client', client.isPaused);
    client.resume();
    await happens(client, 'open');
    client.close();
    await over(client);
    client.pause();
    client.resume();
    log.note('client', client.isPaused);
  },

  'flow: bufferedAmount grows while nobody reads': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    client.pause();
    const piece = Buffer.alloc(1 << 20);
    let called = 0;
    for (let i = 0; i < 32; i++) {
      server.send(piece, () => {
        called++;
      });
    }
    await pass(50);
    const { bufferedAmount } = server;
    log.note('buffered', 'most of it waits', bufferedAmount > 16 << 20, called < 32);
    log.note('buffered', 'and no more than all', bufferedAmount <= 33 << 20);
    client.resume();
    await until(() => called === 32, 'all callbacks', 10_000);
    await until(() => server.bufferedAmount === 0, 'nothing is buffered');
    await log.saw('client', 'binary', 32);
    log.note('buffered', server.bufferedAmount, client.bufferedAmount);
  },

  'flow: bufferedAmount of what is never sent': async (ws, log) => {
    const { url } = await serve(ws, log);
    const client = dial(ws, log, url);
    client.terminate();
    client.send('12345');
    client.send(Buffer.alloc(10));
    client.send(new Blob(['123']));
    log.note('client', client.bufferedAmount);
    await over(client);
    const both = await pair(ws, log);
    both.server.terminate();
    await over(both.server, both.client);
    both.client.send('12345');
    log.note('client', both.client.bufferedAmount);
  },

  'flow: a slow reader gets every byte in order': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    let pauses = 0;
    client.on('message', () => {
      if (++pauses % 20) return;
      client.pause();
      setTimeout(() => {
        client.resume();
      }, 2);
    });
    for (let i = 0; i < 200; i++) server.send(Buffer.alloc(20_000, `${i}.`));
    server.close(1000);
    await over(server, client);
  },

  'flow: a message of 40 MB in pieces of all sizes': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    const bytes = Buffer.concat([binary(Buffer.alloc(40 << 20, 'forty')), close(1000)]);
    for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 1_999_993) {
      wire.write(bytes.subarray(at, at + size));
      await turns(1);
    }
    await over(server);
  },
};
