// Frames that break a rule, from a raw peer, to either side → the error, and the code of the Close frame.

import {
  binary,
  close,
  closePayload,
  continuation,
  frame,
  ping,
  text,
} from '../../conformance/frame.js';
import { pass } from '../../host/support/wait.js';
import type { Log } from './log.js';
import {
  dial,
  over,
  rawClient,
  rawServer,
  type ClientOptions,
  type Package,
  type Scenarios,
  type ServerOptions,
} from './parts.js';

/** Frames, given what masks them: a key, or null for none. */
type Frames = (key: Buffer | null) => Buffer[];

const OVER_LONG = Buffer.from([0xf4, 0x90, 0x80, 0x80]);

const BROKEN: Record<string, Frames> = {
  RSV2: (key) => [text('x', { key, rsv: 2 })],
  RSV3: (key) => [text('x', { key, rsv: 1 })],
  'RSV1, and nothing was agreed on': (key) => [text('x', { key, rsv: 4 })],
  'RSV1 of a continuation': (key) => [
    text('x', { key, fin: false }),
    continuation('x', { key, rsv: 4 }),
  ],
  'RSV1 of a ping': (key) => [ping('x', { key, rsv: 4 })],
  ...Object.fromEntries(
    [3, 4, 7, 11, 15].map((opcode) => [
      `opcode ${opcode}`,
      (key: Buffer | null) => [frame({ opcode, key, payload: Buffer.from('x') })],
    ]),
  ),
  'a continuation of nothing': (key) => [continuation('x', { key })],
  'text within a message': (key) => [text('x', { key, fin: false }), text('y', { key })],
  'bytes within a message': (key) => [text('x', { key, fin: false }), binary('y', { key })],
  'a ping in fragments': (key) => [ping('x', { key, fin: false })],
  'a Close frame in fragments': (key) => [close(1000, '', { key, fin: false })],
  'a ping of 126 bytes': (key) => [ping('x'.repeat(126), { key })],
  'a Close frame of 126 bytes': (key) => [close(1000, 'x'.repeat(124), { key })],
  'a Close frame of one byte': (key) => [frame({ opcode: 8, key, payload: Buffer.from([3]) })],
  ...Object.fromEntries(
    [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535].map((code) => [
      `close code ${code}`,
      (key: Buffer | null) => [frame({ opcode: 8, key, payload: closePayload(code) })],
    ]),
  ),
  'a reason that is no UTF-8': (key) => [close(1000, OVER_LONG, { key })],
  'text that is no UTF-8': (key) => [text(OVER_LONG, { key })],
  'text that ends within a character': (key) => [text(Buffer.from('ž').subarray(0, 1), { key })],
  'text that is no UTF-8 across fragments': (key) => [
    text(Buffer.from('a surrogate: \xed', 'latin1'), { key, fin: false }),
    continuation(Buffer.from([0xa0, 0x80]), { key }),
  ],
  'a length past 2^53': (key) => [frame({ opcode: 2, key, form: 64, length: 1n << 54n })],
  'after a message that was right': (key) => [text('right', { key }), frame({ opcode: 5, key })],
};

const KEY = Buffer.from([1, 2, 3, 4]);

/** A raw client sends these, and reads what the server says of it. */
async function toServer(
  ws: Package,
  log: Log,
  bytes: Buffer[],
  options: ServerOptions = {},
): Promise<void> {
  const { server, wire } = await rawClient(ws, log, options);
  wire.write(...bytes);
  await over(server);
  await wire.over();
}

/** A raw server sends these, and reads what the client says of it. */
async function toClient(
  ws: Package,
  log: Log,
  bytes: Buffer[],
  options: ClientOptions = {},
): Promise<void> {
  const { url, wires } = await rawServer(log, (wire) => wire.accept());
  const client = dial(ws, log, url, [], { perMessageDeflate: false, ...options });
  const wire = await wires;
  wire.write(...bytes);
  await over(client);
  await wire.over();
}

const broken: Scenarios = Object.fromEntries(
  Object.entries(BROKEN).flatMap(([title, frames]): [string, Scenarios[string]][] => [
    [`frames, to the server: ${title}`, (ws, log) => toServer(ws, log, frames(KEY))],
    [`frames, to the client: ${title}`, (ws, log) => toClient(ws, log, frames(null))],
  ]),
);

export const scenarios: Scenarios = {
  ...broken,

  'frames, to the server: no mask': (ws, log) => toServer(ws, log, [text('x', { key: null })]),
  'frames, to the client: a mask': (ws, log) => toClient(ws, log, [text('x', { key: KEY })]),

  'frames: maxPayload, by one frame': async (ws, log) => {
    await toServer(ws, log, [text('1234567'), text('12345678')], { maxPayload: 7 });
    await toClient(ws, log, [text('1234567', { key: null }), text('12345678', { key: null })], {
      maxPayload: 7,
    });
  },

  'frames: maxPayload, by the header alone': async (ws, log) => {
    const header = frame({ opcode: 2, form: 64, length: 1n << 40n });
    await toServer(ws, log, [header]);
  },

  'frames: maxPayload, by fragments together': async (ws, log) => {
    const bytes = [text('1234', { fin: false }), ping('a'), continuation('5678', { fin: false })];
    await toServer(ws, log, bytes, { maxPayload: 7 });
  },

  'frames: maxPayload 0 has no bound': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log, { maxPayload: 0 });
    wire.write(binary(Buffer.alloc(300_000)), close(1000));
    await over(server);
    await wire.over();
  },

  'frames: maxPayload does not count control frames': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log, { maxPayload: 4 });
    wire.write(ping('12345678'), text('1234'), close(1000, 'longer than four'));
    await over(server);
    await wire.over();
  },

  'frames: maxFragments': async (ws, log) => {
    const part = (fin: boolean) => continuation('x', { fin });
    await toServer(ws, log, [text('x', { fin: false }), part(false), part(true), close(1000)], {
      maxFragments: 3,
    });
    await toServer(ws, log, [text('x', { fin: false }), part(false), part(false), part(false)], {
      maxFragments: 3,
    });
  },

  'frames: maxBufferedChunks': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log, { maxBufferedChunks: 3 });
    const bytes = text('a message in many pieces');
    for (const byte of bytes.subarray(0, 12)) {
      wire.write(Buffer.from([byte]));
      await pass(5);
    }
    await over(server);
    await wire.over();
  },

  'frames: skipUTF8Validation': async (ws, log) => {
    const bytes = [text(OVER_LONG), close(1000, OVER_LONG)];
    await toServer(ws, log, bytes, { skipUTF8Validation: true });
  },

  'frames: the sender masks as it should not': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    server.send('masked by a server', { mask: true });
    server.ping('this too', true);
    server.send('and not');
    await wire.came(3);
  },

  'frames: a client that does not mask': async (ws, log) => {
    const { url, wires } = await rawServer(log, (wire) => wire.accept());
    const client = dial(ws, log, url);
    const wire = await wires;
    await log.saw('client', 'open');
    client.send('plain', { mask: false });
    client.ping('plain', false);
    client.send('masked');
    await wire.came(3);
  },

  'frames: byte by byte': async (ws, log) => {
    const { server, wire } = await rawClient(ws, log);
    const bytes = Buffer.concat([text('ž', { fin: false }), ping('p'), continuation('ž')]);
    for (const byte of bytes) {
      wire.write(Buffer.from([byte]));
      await pass(1);
    }
    await log.saw('server', 'žž');
    wire.write(close(1000));
    await over(server);
  },
};
