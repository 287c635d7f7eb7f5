// The client of limpet/ws beside the WHATWG standard "WebSockets": what code written for browsers and
// for Node's own WebSocket counts on.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { WebSocket as Undici } from 'undici';
import { WebSocket as Limpet } from '../../host/node/ws/index.js';
import { pass, within } from '../host/support/wait.js';
import { answering, echo, http, next, raw, switching } from './support/client.js';

/** Both, by what the standard has. */
const CLIENTS = [
  ['undici', Undici],
  ['limpet/ws', Limpet as unknown as typeof Undici],
] as const;
type Client = typeof Undici;

function standard(title: string, run: (t: TestContext, WebSocket: Client) => unknown): void {
  for (const [name, client] of CLIENTS)
    test(`${name}: ${title}`, (t) => run(t, client) as Promise<void>);
}

/** The next event of that type. */
function event<T = Event>(
  ws: InstanceType<Client>,
  type: 'open' | 'message' | 'close' | 'error',
): Promise<T> {
  const happened = new Promise<T>((resolve) => {
    ws.addEventListener(
      type,
      (one: unknown) => {
        resolve(one as T);
      },
      { once: true },
    );
  });
  return within(happened, `'${type}'`);
}

standard('what the constructor refuses is a SyntaxError', (_, WebSocket) => {
  const refused: [url: string, protocols?: string | string[]][] = [
    ['/relative'],
    ['ws://foo bar.com/'],
    ['ftp://127.0.0.1/'],
    ['about:blank'],
    ['ws://127.0.0.1:1/#'],
    ['ws://127.0.0.1:1/#test'],
    ['ws://127.0.0.1:1/', ''],
    ['ws://127.0.0.1:1/', 'a b'],
    ['ws://127.0.0.1:1/', ['a', 'a']],
    ['ws://127.0.0.1:1/', ['a,b']],
  ];
  for (const [url, protocols] of refused) {
    assert.throws(
      () => new WebSocket(url, protocols),
      { name: 'SyntaxError' },
      `${url} ${String(protocols)}`,
    );
  }
});

standard('http and https are ws and wss', async (t, WebSocket) => {
  const { port } = await echo(t);
  const ws = new WebSocket(`http://127.0.0.1:${port}/x?y`);
  assert.equal(ws.url, `ws://127.0.0.1:${port}/x?y`);
  await event(ws, 'open');
  ws.close();
  await event(ws, 'close');
});

standard(
  'a server that answers without a subprotocol, though some were asked for, fails',
  async (t, WebSocket) => {
    const url = await answering(t, (accept) => switching(accept));
    const ws = new WebSocket(url, ['one']);
    const failed = event(ws, 'error');
    const { code, wasClean } = await event<CloseEvent>(ws, 'close');
    await failed;
    assert.deepEqual([code, wasClean, ws.protocol], [1006, false, '']);
  },
);

standard('redirects are not followed', async (t, WebSocket) => {
  const { url } = await echo(t);
  const from = await http(t, (_, answer) => {
    answer.writeHead(302, { location: url }).end();
  });
  const ws = new WebSocket(from);
  const failed = event(ws, 'error');
  assert.equal((await event<CloseEvent>(ws, 'close')).code, 1006);
  await failed;
});

standard('open, message, close; error only when something failed', async (t, WebSocket) => {
  const { url } = await echo(t);
  const ws = new WebSocket(url);
  const types: string[] = [];
  for (const type of ['open', 'message', 'error', 'close'] as const) {
    ws.addEventListener(type, (one) => types.push(one.type));
  }
  assert.deepEqual([ws.readyState, ws.bufferedAmount, ws.extensions, ws.protocol], [0, 0, '', '']);
  await event(ws, 'open');
  ws.send('hello');
  const { data } = await event<MessageEvent<string>>(ws, 'message');
  ws.close(3000, 'enough');
  assert.equal(ws.readyState, 2);
  const { code, reason, wasClean } = await event<CloseEvent>(ws, 'close');
  assert.deepEqual([data, code, reason, wasClean], ['hello', 3000, 'enough', true]);
  assert.deepEqual([types, ws.readyState], [['open', 'message', 'close'], 3]);
});

test('close() while it is CONNECTING: CLOSING at once, then error and close', async (t) => {
  const ws = new Limpet(await raw(t, (socket) => socket.resume()));
  const types: string[] = [];
  ws.addEventListener('error', () => types.push('error'));
  ws.addEventListener('close', () => types.push('close'));
  const closed = next(ws, 'close');
  ws.close();
  assert.deepEqual([ws.readyState, types], [2, []]);
  await pass(10);
  assert.deepEqual(
    [types, ws.readyState, await closed],
    [['error', 'close'], 3, [1006, Buffer.alloc(0)]],
  );
});

standard('binaryType: arraybuffer and blob', async (t, WebSocket) => {
  const { url } = await echo(t);
  const ws = new WebSocket(url);
  await event(ws, 'open');
  for (const binaryType of ['arraybuffer', 'blob'] as const) {
    ws.binaryType = binaryType;
    ws.send(new Uint8Array([1, 2, 3]));
    const { data } = await event<MessageEvent<ArrayBuffer | Blob>>(ws, 'message');
    assert.ok(binaryType === 'blob' ? data instanceof Blob : data instanceof ArrayBuffer);
    const bytes = data instanceof Blob ? await data.arrayBuffer() : data;
    assert.deepEqual([...new Uint8Array(bytes)], [1, 2, 3]);
  }
  for (const data of [new Blob(['blob']), new Uint16Array([1, 2]), new ArrayBuffer(3)]) {
    ws.send(data as ArrayBuffer);
    const { data: back } = await event<MessageEvent<Blob>>(ws, 'message');
    const length = data instanceof Blob ? data.size : data.byteLength;
    assert.equal(back.size, length);
  }
  ws.close();
  await event(ws, 'close');
});

standard(
  'send while it is CONNECTING throws; behind the close it does not, and counts',
  async (t, WebSocket) => {
    const { url } = await echo(t);
    const ws = new WebSocket(url);
    assert.throws(() => {
      ws.send('x');
    });
    await event(ws, 'open');
    ws.close();
    await event(ws, 'close');
    const before = ws.bufferedAmount;
    ws.send('hello');
    if (WebSocket !== Undici) assert.equal(ws.bufferedAmount - before, 5);
  },
);

test('a client that is awaited keeps the process alive, and one that is over does not', async (t) => {
  const { url } = await echo(t);
  const script = `
    import { WebSocket } from ${JSON.stringify(pathToFileURL(resolve('build/ws.js')).href)};
    const ws = new WebSocket(${JSON.stringify(url)});
    ws.on('open', () => ws.send('hello'));
    ws.on('message', (data) => { console.log(String(data)); ws.close(); });
    const given = new WebSocket(${JSON.stringify(url)});
    given.on('error', () => console.log('given up'));
    given.terminate();
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await within(once(child, 'close'), 'the end of the process', 10_000)) as [number];
  assert.deepEqual([code, said.trim().split('\n').sort()], [0, ['given up', 'hello']]);
});
