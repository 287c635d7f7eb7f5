// How the processes of a program begin and end: by order, by themselves, by force.

import assert from 'node:assert/strict';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { close } from '../conformance/frame.js';
import type { AllMetrics } from '../../host/node/index.js';
import { Child } from './support/child.js';
import { Crew, isThere, PROGRAM, type Client, type Who } from './support/crew.js';
import { until } from './support/wait.js';

/** Processes come and go; a busy machine takes longer. */
const PATIENCE_MS = 15_000;

/** One client on each worker, with who it is connected to. */
async function oneEach(crew: Crew, workers: number): Promise<(Client & { is: Who })[]> {
  const clients = await crew.opens(workers);
  return Promise.all(
    clients.map(async (client) => Object.assign(client, { is: await client.who() })),
  );
}

async function allEnd(pids: number[]): Promise<void> {
  await until(() => !pids.some(isThere), 'the end of all processes', PATIENCE_MS);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} to all processes: the primary closes, clients get 1001, exit code 0`, async (t) => {
    const crew = await Crew.start(t, { workers: 3 });
    const clients = await oneEach(crew, 3);
    const pids = clients.map(({ is }) => is.pid);
    assert.equal(new Set(pids).size, 3);
    // As a supervisor or a terminal sends it. The program listens to SIGTERM in the primary only.
    for (const pid of pids) process.kill(pid, signal);
    await clients[0].who();
    process.kill(crew.child.pid, 'SIGTERM');
    for (const { peer } of clients) {
      assert.deepEqual(await peer.closeFrame(), [1001, '']);
      peer.write(close(1001));
    }
    const { code, stderr } = await crew.child.ended(PATIENCE_MS);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(crew.child.stdout, /\nclosed\n$/);
    await allEnd(pids);
  });
}

test('the primary is killed: no worker stays', async (t) => {
  const crew = await Crew.start(t, { workers: 3 });
  const clients = await oneEach(crew, 3);
  crew.child.kill('SIGKILL');
  await allEnd(clients.map(({ is }) => is.pid));
  for (const { peer } of clients) assert.notEqual(await peer.overAs(), '');
});

test('a worker that ends, whatever way, is started again and gets its part', async (t) => {
  const crew = await Crew.start(t, { workers: 2 });
  const [stays, goes] = await oneEach(crew, 2);
  await stays.ask('join', { topic: 'a' });
  const ways: [what: string, how: object, ending: RegExp, error: string | undefined][] = [
    ['crash', {}, /"code":1\b/, 'ended with exit code 1'],
    ['exit', { code: 7 }, /"code":7\b/, 'ended with exit code 7'],
    ['closeHere', {}, /"code":0\b/, undefined],
  ];
  let victim: Client & { is: Who } = goes;
  for (const [what, how, ending, error] of ways) {
    const before = crew.lines.length;
    victim.ask(what, how).catch(() => undefined);
    await until(
      () => crew.lines.slice(before).some(({ state }) => state === 'listening'),
      `a new worker after ${what}`,
      PATIENCE_MS,
    );
    const [ended] = crew.lines.slice(before).filter(({ state }) => state === 'ended');
    assert.deepEqual([ended.id, ended.pid], [victim.is.worker, victim.is.pid], what);
    assert.match(JSON.stringify(ended), ending);
    const told = crew.lines.slice(before).flatMap((line) => line.error ?? []);
    assert.deepEqual(told, error ? [`worker ${victim.is.worker} ${error}`] : []);
    assert.notEqual(await victim.peer.overAs(), '');
    // The newcomer goes where there are fewest: to the new worker of the same number.
    const next = await crew.open();
    victim = Object.assign(next, { is: await next.who() });
    assert.equal(victim.is.worker, goes.is.worker, what);
    await victim.ask('say', { topic: 'a', text: what });
  }
  assert.deepEqual(await stays.hears(3), ['crash', 'exit', 'closeHere']);
  const { workers, active } = await stays.ask<AllMetrics>('metrics');
  assert.deepEqual([workers, active], [2, 2]);
});

test('a worker that hangs holds up neither the others nor those who ask all', async (t) => {
  const crew = await Crew.start(t, { workers: 3 });
  const [one, two, hangs] = await oneEach(crew, 3);
  for (const client of [one, two, hangs]) await client.ask('join', { topic: 'a' });
  process.kill(hangs.is.pid, 'SIGSTOP');
  t.after(() => {
    if (isThere(hangs.is.pid)) process.kill(hangs.is.pid, 'SIGKILL');
  });
  await one.ask('say', { topic: 'a', text: 'x' });
  await two.hears(1);
  const { workers } = await two.ask<AllMetrics>('metrics');
  assert.equal(workers, 2);
  process.kill(hangs.is.pid, 'SIGCONT');
  assert.deepEqual(await hangs.hears(1), ['x'], 'it comes once the worker goes on');
  const again = await two.ask<AllMetrics>('metrics');
  assert.equal(again.workers, 3);
});

test('a worker that stands still is sent so much and no more; the others get all', async (t) => {
  const crew = await Crew.start(t, { workers: 3 });
  const [one, two, hangs] = await oneEach(crew, 3);
  for (const client of [two, hangs]) await client.ask('join', { topic: 'a' });
  process.kill(hangs.is.pid, 'SIGSTOP');
  t.after(() => {
    if (isThere(hangs.is.pid)) process.kill(hangs.is.pid, 'SIGKILL');
  });
  const [count, bytes] = [20, 4 << 20];
  let got = 0;
  for (let i = 0; i < count; i++) {
    await one.ask('fill', { topic: 'a', bytes });
    await until(() => two.peer.frames.length > 0, 'a long message');
    got += two.peer.frames.splice(0).length;
  }
  assert.equal(got, count);
  assert.match(crew.child.stdout, /worker \d does not read: what is published is dropped for it/);
  process.kill(hangs.is.pid, 'SIGCONT');
  const { busDropped } = await hangs.ask<AllMetrics>('metrics');
  await until(() => hangs.heard.length === count - busDropped, 'what was not dropped');
  assert.ok(busDropped > 0 && busDropped < count / 2, `${busDropped} of ${count} dropped`);
});

test('a port that is taken: listen rejects, and nothing is started', async (t) => {
  const other = createNetServer().listen(0, '127.0.0.1');
  await until(() => other.listening, 'a port');
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const child = new Child(t, [PROGRAM, JSON.stringify({ workers: 2, where: port })]);
  const { code, stderr } = await child.ended(PATIENCE_MS);
  assert.deepEqual([code, stderr], [3, 'listen: EADDRINUSE\n']);
});

test('a worker that ends before it listens: listen rejects, and all end', async (t) => {
  const child = new Child(t, [PROGRAM, JSON.stringify({ workers: 2, fails: 2 })]);
  const { code, stderr } = await child.ended(PATIENCE_MS);
  assert.match(stderr, /this worker does not start/);
  assert.match(stderr, /\nlisten: worker 2 ended with exit code 1\n$/);
  assert.equal(code, 3);
});
