// `workers` of limpet/ws: on a port of its own, and over a http(s).Server of the user's, which is
// written as for one process.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import type { AllMetrics } from '../../host/node/index.js';
import { Child } from '../host/support/child.js';
import { pass, until, within } from '../host/support/wait.js';
import { Certificate } from '../support/certificate.js';
import { limpet } from './support/limpet.js';

const PROGRAM = 'test/ws/support/crew.mjs';
const PATIENCE_MS = 15_000;

async function program(t: TestContext, options: object): Promise<{ child: Child; port: number }> {
  const child = new Child(t, [PROGRAM, JSON.stringify(options)]);
  return { child, port: await child.port(20_000) };
}

interface Client {
  ws: WebSocket;
  heard: string[];
}

async function open(t: TestContext, url: string): Promise<Client> {
  const ws = new WebSocket(url, { rejectUnauthorized: false });
  const heard: string[] = [];
  ws.on('message', (data: Buffer) => heard.push(data.toString()));
  t.after(() => {
    ws.terminate();
  });
  await within(once(ws, 'open'), 'a connection');
  return { ws, heard };
}

async function ask<T>({ ws, heard }: Client, what: string, text = ''): Promise<T> {
  ws.send(JSON.stringify({ ask: what, text }));
  const isAnswer = (message: string) => message.startsWith('{');
  await until(() => heard.some(isAnswer), `an answer to ${what}`);
  return JSON.parse(heard.splice(heard.findIndex(isAnswer), 1)[0]) as T;
}

interface Who {
  worker: number;
  size: number;
}

for (const over of ['port', 'http', 'https'] as const) {
  test(`over ${over}: rooms, counts and metrics of all workers; one is killed; the end`, async (t) => {
    const { cert, key } = new Certificate(['localhost']);
    const { child, port } = await program(t, { workers: 2, over, cert, key });
    const url = `${over === 'https' ? 'wss' : 'ws'}://127.0.0.1:${port}/`;
    const clients: Client[] = [];
    for (let i = 0; i < 4; i++) clients.push(await open(t, url));
    const who = await Promise.all(clients.map((client) => ask<Who>(client, 'who')));
    assert.deepEqual(who.map(({ worker }) => worker).sort(), [1, 1, 2, 2]);
    assert.ok(who.every(({ size }) => size === 2));
    clients[0].ws.send(JSON.stringify({ ask: 'say', text: 'to all' }));
    for (const { heard } of clients) await until(() => heard.length === 1, 'the message');
    const counts = await ask(clients[1], 'all', 'broadcast');
    assert.deepEqual(counts, { delivered: 4, over: 0, dropped: 0, workers: 2 });
    const { active, workers } = await ask<AllMetrics>(clients[2], 'metrics');
    assert.deepEqual([active, workers], [4, 2]);

    const victim = who[0].worker;
    const killed = clients.filter((_, i) => who[i].worker === victim);
    const stay = clients.filter((client) => !killed.includes(client));
    const ends = killed.map(({ ws }) => within(once(ws, 'close'), 'its end'));
    killed[0].ws.send(JSON.stringify({ ask: 'die' }));
    await Promise.all(ends);
    await until(() => /"state":"listening".*\n$/.test(child.stdout), 'its heir', PATIENCE_MS);
    const again = [await open(t, url), await open(t, url)];
    for (const client of again) assert.equal((await ask<Who>(client, 'who')).worker, victim);
    stay[0].ws.send(JSON.stringify({ ask: 'say', text: 'back' }));
    for (const { heard } of [...again, ...stay]) {
      await until(() => heard.at(-1) === 'back', 'the message');
    }
    const closes = [...again, ...stay].map(({ ws }) => within(once(ws, 'close'), 'its end'));
    child.kill('SIGTERM');
    for (const [code] of (await Promise.all(closes)) as [number][]) assert.equal(code, 1001);
    const { code, stderr } = await child.ended(PATIENCE_MS);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(child.stdout, /\nclosed\n$/);
  });
}

test('over http: plain requests go to all workers, a kept connection stays with one', async (t) => {
  const { port } = await program(t, { workers: 2, over: 'http' });
  const fetched = async (agent: Agent | false) => {
    const request = get({ port, host: '127.0.0.1', agent });
    const [response] = (await within(once(request, 'response'), 'an answer')) as [
      NodeJS.ReadableStream,
    ];
    let body = '';
    for await (const chunk of response) body += String(chunk);
    return body;
  };
  const answers = new Set<string>();
  for (let i = 0; i < 6; i++) answers.add(await fetched(false));
  assert.deepEqual([...answers].sort(), ['worker 1', 'worker 2']);
  const agent = new Agent({ keepAlive: true });
  t.after(() => {
    agent.destroy();
  });
  const kept = new Set<string>();
  for (let i = 0; i < 4; i++) kept.add(await fetched(agent));
  assert.equal(kept.size, 1);
});

test('maxConnections over a server of the user’s: each worker has its part', async (t) => {
  const { port } = await program(t, { workers: 2, over: 'http', maxConnections: 4 });
  for (let i = 0; i < 4; i++) await open(t, `ws://127.0.0.1:${port}/`);
  const fifth = new WebSocket(`ws://127.0.0.1:${port}/`);
  await within(once(fifth, 'error'), 'its refusal');
});

test('close without more: no newcomers, and the end with the last connection', async (t) => {
  const child = new Child(t, ['test/ws/support/closing.mjs']);
  const port = await child.port(20_000);
  const { ws } = await open(t, `ws://127.0.0.1:${port}/`);
  child.kill('SIGTERM');
  await until(() => child.stdout.includes('closing'), 'close');
  await pass(200);
  assert.equal(ws.readyState, WebSocket.OPEN);
  assert.ok(!child.stdout.includes('closed'));
  ws.close();
  const { code } = await child.ended(PATIENCE_MS);
  assert.equal(code, 0);
  assert.match(child.stdout, /\nclosed\n$/);
});

test('a port that is taken is an error event; noServer has no workers', async (t) => {
  const other = createNetServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const options = { workers: 2, over: 'port', port, host: '127.0.0.1' };
  const child = new Child(t, [PROGRAM, JSON.stringify(options)]);
  const { code, stdout } = await child.ended(PATIENCE_MS);
  assert.deepEqual([code, stdout], [0, 'error: EADDRINUSE\n']);
  const { WebSocketServer } = await limpet();
  assert.throws(
    () => new WebSocketServer({ noServer: true, workers: 2 } as object),
    /workers do not go with noServer/,
  );
});
