// kill -9 of a worker while 1,000 clients chat in rooms over four of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { Crew, type Line, type Who } from './support/crew.js';
import { pass, until } from './support/wait.js';

const WORKERS = 4;
const CLIENTS = 1000;
const ROOM = 10;
/** Messages of each client while a worker is killed, and after that. */
const [BEFORE, AFTER] = [4, 2];
/** A thousand clients on a busy machine. */
const PATIENCE_MS = 20_000;

/** A client that comes back when its connection breaks. */
class Chatter {
  /** How often each message of the room came. */
  readonly heard = new Map<string, number>();
  /** Connections so far, and whether the one there is has joined. */
  connections = 0;
  joined = false;
  is: Who | undefined;
  #socket: WebSocket | undefined;
  #ends = false;

  constructor(
    readonly number: number,
    private readonly port: number,
  ) {
    this.#connect();
  }

  get topic(): string {
    return `room/${Math.floor(this.number / ROOM)}`;
  }

  say(message: string): void {
    this.#ask({ ask: 'say', topic: this.topic, text: message });
  }

  end(): void {
    this.#ends = true;
    this.#socket?.terminate();
  }

  #connect(): void {
    this.connections++;
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/`, { perMessageDeflate: false });
    this.#socket = socket;
    socket.on('open', () => {
      this.#ask({ ask: 'join', topic: this.topic });
      this.#ask({ ask: 'who' });
    });
    socket.on('message', (data: Buffer) => {
      this.#message(data.toString());
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.joined = false;
      if (!this.#ends) setTimeout(() => this.#connect(), 20);
    });
  }

  #ask(what: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(what));
  }

  #message(message: string): void {
    if (!message.startsWith('{"ask"')) {
      this.heard.set(message, (this.heard.get(message) ?? 0) + 1);
      return;
    }
    const { ask, answer } = JSON.parse(message) as { ask: string; answer: Who };
    if (ask !== 'who') return;
    this.is = answer;
    this.joined = true;
  }
}

test('1,000 clients chat, and a worker is killed: the others miss nothing', async (t) => {
  const crew = await Crew.start(t, { workers: WORKERS });
  const clients: Chatter[] = [];
  t.after(() => {
    for (const client of clients) client.end();
  });
  for (let i = 0; i < CLIENTS; i++) {
    clients.push(new Chatter(i, crew.port));
    if (i % 50 === 49) await until(() => clients.every((c) => c.joined), 'clients', PATIENCE_MS);
  }
  const victim = clients[3].is;
  assert.ok(victim);
  const killed = clients.filter(({ is }) => is?.worker === victim.worker);
  const stay = clients.filter((client) => !killed.includes(client));
  assert.equal(killed.length, CLIENTS / WORKERS);
  const members = (client: Chatter) => stay.filter(({ topic }) => topic === client.topic);

  for (let n = 0; n < BEFORE; n++) {
    for (const client of clients) client.say(`${client.number} ${n}`);
    if (n === BEFORE / 2) process.kill(victim.pid, 'SIGKILL');
    await pass(5);
  }
  const got = (client: Chatter, from: Chatter, count: number) => {
    for (let n = 0; n < count; n++) if (client.heard.get(`${from.number} ${n}`) !== 1) return false;
    return true;
  };
  await until(
    () => stay.every((client) => members(client).every((from) => got(client, from, BEFORE))),
    'each message between those who stayed, once',
    PATIENCE_MS,
  );
  await until(() => clients.every(({ joined }) => joined), 'the clients are back', PATIENCE_MS);
  for (const client of stay) assert.equal(client.connections, 1, 'their connections went on');
  for (const client of killed) assert.ok(client.connections > 1);

  for (let n = BEFORE; n < BEFORE + AFTER; n++) {
    for (const client of clients) client.say(`${client.number} ${n}`);
  }
  const last = BEFORE + AFTER - 1;
  const room = (client: Chatter) => clients.filter(({ topic }) => topic === client.topic);
  await until(
    () => clients.every((c) => room(c).every((from) => c.heard.get(`${from.number} ${last}`))),
    'messages of all to all',
    PATIENCE_MS,
  );
  for (const client of clients) {
    for (const [message, times] of client.heard) assert.equal(times, 1, message);
  }
  await until(() => crew.lines.some(isBack(victim)), 'the worker is back', PATIENCE_MS);
});

/** Whether a line says that a worker listens in the place of one. */
function isBack(victim: Who): (line: Line) => boolean {
  return ({ id, pid, state }) =>
    id === victim.worker && state === 'listening' && pid !== victim.pid;
}
