// Messages of every type and size, both ways: what goes in, what comes out.

import { show, happens } from './log.js';
import { dial, over, pair, rawClient, serve, type Scenarios } from './parts.js';
import { until } from '../../host/support/wait.js';
import { continuation, ping, text } from '../../conformance/frame.js';

const BYTES = Uint8Array.from({ length: 300 }, (_, i) => i);

/** Every type that `send` takes, made anew for each use. */
const VALUES: Record<string, () => unknown> = {
  'no bytes of text': () => '',
  text: () => 'hello',
  'text past ASCII': () => 'žluť 🐚',
  'a Buffer': () => Buffer.from('buffer'),
  'a part of a Buffer': () => Buffer.from('a part of it').subarray(2, 6),
  'no bytes': () => Buffer.alloc(0),
  'a Uint8Array': () => BYTES,
  'a part of a Uint8Array': () => BYTES.subarray(100, 110),
  'an ArrayBuffer': () => BYTES.slice(0, 5).buffer,
  'a DataView': () => new DataView(BYTES.slice().buffer, 40, 7),
  'a Float32Array': () => Float32Array.from([0, 0.5, 1]),
  'a SharedArrayBuffer': () => new SharedArrayBuffer(3),
  'a Blob': () => new Blob(['one ', 'blob']),
  'a number': () => 42,
  zero: () => 0,
  'an array of bytes': () => [1, 2, 255],
  undefined: () => undefined,
  null: () => null,
  'an object with a primitive': () => ({ valueOf: () => 'a value' }),
};

const SIZES = [1, 125, 126, 127, 65_535, 65_536, 70_000, 1 << 20, 5 << 20];

export const scenarios: Scenarios = {
  'data: each type, from the client and back': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    server.on('message', (data: Buffer, isBinary) => {
      server.send(data, { binary: isBinary });
    });
    for (const [name, value] of Object.entries(VALUES)) {
      const echo = happens(client, 'message');
      log.note('client', name);
      client.send(value() as string);
      await echo;
    }
  },

  'data: each type, from the server': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (const [name, value] of Object.entries(VALUES)) {
      const got = happens(client, 'message');
      log.note('client', name);
      server.send(value() as string);
      await got;
    }
  },

  'data: each type as text, and text as bytes': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (const value of ['text', Buffer.from('buffer'), new Blob(['blob'])]) {
      for (const binary of [true, false]) {
        const got = Promise.all([happens(server, 'message'), happens(client, 'message')]);
        client.send(value, { binary });
        server.send(value, { binary });
        await got;
      }
    }
  },

  'data: every form of the length, both ways': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (const size of SIZES) {
      const got = Promise.all([happens(server, 'message'), happens(client, 'message')]);
      client.send(Buffer.alloc(size, 'limpet'));
      server.send('w'.repeat(size));
      await got;
    }
  },

  'data: what is no data': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (const [name, socket] of Object.entries({ server, client })) {
      for (const value of [{}, true, Symbol('s'), () => 1]) {
        try {
          socket.send(value as string);
          log.note(name, 'sent', typeof value);
        } catch (error) {
          const { code } = error as { code?: string };
          log.note(name, typeof value, (error as Error).constructor.name, code);
        }
      }
    }
  },

  'data: callbacks come in order, with nothing': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (const [name, from, to] of [
      ['client', client, server],
      ['server', server, client],
    ] as const) {
      let done = 0;
      const called =
        (what: string) =>
        (...args: unknown[]) => {
          done++;
          log.note(
            `${name}, sent`,
            what,
            args.filter((arg) => arg !== undefined && arg !== null),
          );
        };
      const [arrived, answered] = [happens(to, 'pong'), happens(from, 'pong')];
      from.send('one', called('one'));
      from.send('two', {}, called('two'));
      from.send(Buffer.alloc(100_000), { binary: true }, called('three'));
      from.ping('ping', undefined, called('ping'));
      from.pong('pong', undefined, called('pong'));
      log.note(`${name}, sent`, 'none was called at once', done);
      await until(() => done === 5, 'the callbacks');
      await Promise.all([arrived, answered]);
    }
    client.close();
    await over(server, client);
  },

  'data: a hundred messages of one turn keep their order': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (let i = 0; i < 100; i++) {
      client.send(`client ${i}`);
      server.send(Buffer.from(`server ${i}`));
    }
    client.close();
    await over(server, client);
  },

  'data: sent while the message before is handled': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    server.on('message', (data: Buffer) => {
      const count = Number(data.toString());
      for (let i = 0; i < count; i++) server.send(String(count - 1));
      if (count === 0) server.close(1000, 'zero');
    });
    client.on('message', (data: Buffer) => {
      client.send(data.toString());
    });
    client.send('3');
    await over(server, client);
  },

  'data: fragments, with control frames between': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      const got = happens(to, 'message');
      from.send('one ', { fin: false });
      from.ping('between');
      from.send('two ', { fin: false });
      from.send(Buffer.from('three'), { fin: true });
      await got;
      const bytes = happens(to, 'message');
      from.send(Buffer.from([1]), { fin: false });
      from.send(Buffer.alloc(70_000), { fin: false });
      from.send('', { fin: true });
      await bytes;
    }
    await log.saw('client', 'pong');
    await log.saw('server', 'pong');
  },

  'data: frames as they are on the wire': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    server.send('one', { fin: false });
    server.send('two', { fin: false, binary: true });
    server.send('', { fin: true });
    server.send(Buffer.from('whole'), { binary: false, compress: true });
    await wire.came(4);
    wire.write(text('in ', { fin: false }), ping('p'), continuation('out'));
    await happens(server, 'message');
    await wire.came(5);
  },

  'data: sending before it is open throws': async (ws, log) => {
    const { url, wss } = await serve(ws, log);
    const client = dial(ws, log, url);
    for (const method of ['send', 'ping', 'pong'] as const) {
      try {
        client[method as 'send']('early', () => {
          log.note('client', 'a callback');
        });
        log.note('client', method, 'did not throw');
      } catch (error) {
        log.note('client', method, error);
      }
    }
    log.note('client', 'buffered', client.bufferedAmount);
    await happens(wss, 'connection');
    await happens(client, 'open');
  },

  'data: sending after it is closed is an error of the callback': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    client.close();
    client.send('while closing', (error) => {
      log.note('client', 'closing', error);
    });
    await over(server, client);
    for (const [name, socket] of Object.entries({ server, client })) {
      const told = new Promise<void>((resolve) => {
        socket.send('late', (error) => {
          log.note(name, 'send', error);
        });
        socket.ping('late', undefined, (error) => {
          log.note(name, 'ping', error);
        });
        socket.pong('late', undefined, (error) => {
          log.note(name, 'pong', error);
          resolve();
        });
      });
      socket.send('nobody asks');
      log.note(name, 'the callbacks come later');
      await told;
    }
  },

  'data: binaryType, set before and on the way': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    log.note('client', 'binaryType', client.binaryType, server.binaryType);
    for (const type of ['arraybuffer', 'fragments', 'blob', 'nodebuffer', 'unknown'] as const) {
      client.binaryType = type as 'nodebuffer';
      server.binaryType = type as 'nodebuffer';
      log.note('client', 'binaryType', client.binaryType, server.binaryType);
      for (const data of [Buffer.from('some bytes'), Buffer.alloc(0), 'some text']) {
        const got = Promise.all([happens(server, 'message'), happens(client, 'message')]);
        client.send(data);
        server.send(data);
        for (const [message] of await got) {
          if (message instanceof Blob) log.note('blobs', show(await message.text()));
        }
      }
      const whole = happens(server, 'message');
      client.send(Buffer.from('in '), { fin: false });
      client.send(Buffer.from('two'), { fin: true });
      const [message] = await whole;
      if (message instanceof Blob) log.note('blobs', show(await message.text()));
    }
  },

  'data: a Blob between others keeps its place': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    for (const socket of [client, server]) {
      socket.send('before');
      socket.send(new Blob(['blob of ', new Uint8Array(70_000)]));
      socket.send('after');
      socket.ping('behind');
    }
    for (const name of ['server', 'client']) {
      await log.saw(name, 'pong');
      await log.saw(name, 'ping');
    }
    client.close(1000);
    await over(server, client);
  },

  'data: a handler that is slow to read a Buffer still has it': async (ws, log) => {
    const { server, client } = await pair(ws, log);
    const kept: Buffer[] = [];
    server.on('message', (data: Buffer) => kept.push(data));
    for (let i = 0; i < 50; i++) client.send(Buffer.alloc(1000, `${i} `));
    await until(() => kept.length === 50, 'all messages');
    for (const data of kept) log.note('kept', data);
  },
};
