// limpetd --chat and --demo → the pages of `limpet serve`, and what is said to them.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { binary, PING, pong, text } from '../conformance/frame.js';
import { Peer } from '../host/support/peer.js';
import { pass } from '../host/support/wait.js';
import { skips, type Kind } from './support/build.js';
import { get, limpetd } from './support/limpetd.js';

type Said = Record<string, unknown> & { type: string };

/** A page's connection: what it asks, and what it is told. */
class Person {
  constructor(readonly peer: Peer) {}

  static async come(t: TestContext, port: number): Promise<Person> {
    const peer = await Peer.open(port, { path: '/chat' });
    t.after(() => peer.transport.destroy());
    return new Person(peer);
  }

  ask(what: object): void {
    this.peer.write(text(JSON.stringify(what)));
  }

  /** The next message of this type; lists of rooms are passed over for others. */
  async told(type: string): Promise<Said> {
    for (;;) {
      const said = JSON.parse(await this.peer.text()) as Said;
      if (said.type === type) return said;
      assert.equal(said.type, 'rooms', JSON.stringify(said));
    }
  }

  async refused(what: object): Promise<unknown> {
    this.ask(what);
    return (await this.told('error')).message;
  }

  async join(room: string, name: string): Promise<Said> {
    this.ask({ type: 'join', room, name });
    return this.told('joined');
  }
}

async function chat(t: TestContext, kind: Kind): Promise<void> {
  const { child, port } = await limpetd(t, kind, '--chat');
  assert.match(child.stdout, new RegExp(`chat at http://127\\.0\\.0\\.1:${port}/, Ctrl-C ends\n`));
  const ann = await Person.come(t, port);
  assert.deepEqual((await ann.told('rooms')).rooms, []);
  const first = await ann.join(' tea ', 'Ann "the cat"');
  assert.deepEqual(first.members, [{ id: first.you, name: 'Ann "the cat"' }]);
  assert.equal(first.room, 'tea');
  const bob = await Person.come(t, port);
  const second = await bob.join('tea', 'Bob');
  assert.deepEqual(second.members, [
    { id: second.you, name: 'Bob' },
    { id: first.you, name: 'Ann "the cat"' },
  ]);
  assert.deepEqual(await ann.told('came'), { type: 'came', id: second.you, name: 'Bob' });

  bob.ask({ type: 'typing', on: true });
  assert.deepEqual(await ann.told('typing'), { type: 'typing', id: second.you, on: true });
  bob.ask({ type: 'say', text: ' žluť \u0001 \\ 👋 ' });
  const said = { type: 'said', id: second.you, name: 'Bob', text: 'žluť \u0001 \\ 👋' };
  assert.deepEqual(await ann.told('said'), said);
  assert.deepEqual(await bob.told('said'), said);

  // Another room hears nothing, and the list has both.
  const eve = await Person.come(t, port);
  await eve.join('coffee', 'Eve');
  await pass(300);
  const lists = eve.peer.frames.map(({ payload }) => JSON.parse(payload.toString()) as Said);
  assert.deepEqual(lists.at(-1)?.rooms, [
    { name: 'tea', members: 2 },
    { name: 'coffee', members: 1 },
  ]);
  eve.peer.frames.length = 0;

  // From one room to the other, and out.
  bob.ask({ type: 'join', room: 'coffee', name: 'Bob' });
  assert.deepEqual(await ann.told('gone'), { type: 'gone', id: second.you });
  assert.equal((await eve.told('came')).name, 'Bob');
  assert.equal((await bob.told('joined')).room, 'coffee');
  bob.ask({ type: 'leave' });
  await bob.told('left');
  assert.equal((await eve.told('gone')).id, second.you);
  assert.equal(await bob.refused({ type: 'say', text: 'anybody?' }), 'join a room first');
  ann.peer.transport.destroy();
  await pass(300);
  const last = eve.peer.frames.map(({ payload }) => JSON.parse(payload.toString()) as Said).at(-1);
  assert.deepEqual(last?.rooms, [{ name: 'coffee', members: 1 }]);
}

for (const kind of ['wasm2c', 'asan'] as const) {
  test(`${kind}, --chat: rooms, names, messages, who types, who goes`, { skip: skips(kind) }, (t) =>
    chat(t, kind),
  );
}

const KIND = 'asan';
const skip = skips(KIND);

test('--chat: what cannot be is refused in words', { skip }, async (t) => {
  const { port } = await limpetd(t, KIND, '--chat');
  const ann = await Person.come(t, port);
  await ann.join('tea', 'Ann');
  const bob = await Person.come(t, port);
  const cases: [object, string][] = [
    [{ type: 'join', name: 'Bob' }, 'a room has a name'],
    [{ type: 'join', room: ' \u00a0 ', name: 'Bob' }, 'a room has a name'],
    [{ type: 'join', room: 7, name: 'Bob' }, 'a room has a name'],
    [{ type: 'join', room: 'tea' }, 'a person has a name'],
    [
      { type: 'join', room: 'x'.repeat(25), name: 'Bob' },
      'the name of a room has at most 24 characters',
    ],
    [
      { type: 'join', room: 'tea', name: '👋'.repeat(13) },
      'the name of a person has at most 24 characters',
    ],
    [{ type: 'join', room: 'a/b', name: 'Bob' }, 'the name of a room is without / + #'],
    [{ type: 'join', room: '#', name: 'Bob' }, 'the name of a room is without / + #'],
    [
      { type: 'join', room: 'tea', name: 'B\u202eob' },
      'the name of a person is letters, digits and signs',
    ],
    [
      { type: 'join', room: 't\u0000ea', name: 'Bob' },
      'the name of a room is letters, digits and signs',
    ],
    [{ type: 'join', room: 'tea', name: 'Bo\ud800b' }, ''],
    [{ type: 'join', room: 'tea', name: 'ANN' }, 'there is ANN in this room already'],
    [{ type: 'say', text: 'x' }, ''],
    [{ type: 'say', text: '   ' }, 'say something'],
    [{ type: 'say', text: 5 }, 'say something'],
    [{ type: 'say', text: 'x'.repeat(2001) }, 'a message has at most 2000 characters'],
    [{ type: 'dance' }, 'there are join, say, typing and leave'],
    [{ nothing: [{}, [1, -2.5e3, 'x', null, false]] }, 'there are join, say, typing and leave'],
  ];
  for (const [what, message] of cases) {
    if (message) assert.equal(await bob.refused(what), message, JSON.stringify(what));
    else bob.ask(what);
    // A half of a character is replaced, and the room is entered; then what is said is heard.
    if (!message && 'room' in what) await bob.told('joined');
    else if (!message) await bob.told('said');
  }
  const raw = [
    '',
    '[]',
    '{',
    '{"type"}',
    '{"type":"say",}',
    '{"a":tru}',
    '"text"',
    '{"a":"\\x"}',
    '{"a":1}x',
    '{"a":"\n"}',
    '['.repeat(2000),
  ];
  for (const bytes of raw) {
    bob.peer.write(text(bytes));
    assert.equal((await bob.told('error')).message, 'a message is a JSON object', bytes);
  }
  bob.peer.write(binary(Buffer.from('{"type":"leave"}')));
  assert.equal((await bob.told('error')).message, 'a message is a JSON object');
});

test('--chat: the page, under a policy of its own', { skip }, async (t) => {
  const { port } = await limpetd(t, KIND, '--chat');
  const { status, headers, body } = await get(port, '/');
  assert.equal(status, 200);
  assert.equal(body, readFileSync('build/chat.html', 'utf8'));
  const policy = headers.find(([name]) => name === 'content-security-policy')?.[1] ?? '';
  for (const tag of ['script', 'style']) {
    const [, own = ''] = new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, 's').exec(body) ?? [];
    const hash = createHash('sha256').update(own).digest('base64');
    assert.ok(policy.includes(`${tag}-src 'sha256-${hash}'`), policy);
  }
  assert.equal((await get(port, '/other')).status, 404);
  assert.equal((await get(port, '/', 'POST')).status, 405);
});

test('--demo: the page, its counters, pings and closing on command', { skip }, async (t) => {
  const { child, port } = await limpetd(t, KIND, '--demo');
  assert.match(child.stdout, /\necho at ws:\/\/127\.0\.0\.1:\d+\/echo, Ctrl-C ends\n/);
  assert.equal((await get(port, '/')).body, readFileSync('build/page.html', 'utf8'));
  const peer = await Peer.open(port, { path: '/echo?demo' });
  t.after(() => peer.transport.destroy());
  const notice = async () => {
    const line = await peer.text();
    assert.equal(line[0], '\u0001');
    return JSON.parse(line.slice(1)) as Record<string, unknown>;
  };
  assert.equal((await notice()).type, 'hello');
  peer.write(text('plain'));
  assert.equal(await peer.text(), 'plain');
  peer.write(text('/ping "a"'));
  const ping = await peer.frame();
  assert.deepEqual([ping.opcode, ping.payload.toString()], [PING, '"a"']);
  await pass(20);
  peer.write(pong(ping.payload));
  const answer = await notice();
  assert.deepEqual([answer.type, answer.payload], ['pong', '"a"']);
  assert.ok(
    Number(answer.rtt_ms) >= 19 && Number(answer.rtt_ms) < 5000,
    `${String(answer.rtt_ms)}`,
  );
  peer.write(text(`/ping ${'x'.repeat(126)}`));
  assert.deepEqual(await notice(), { type: 'error', message: 'a ping has at most 125 bytes' });
  peer.write(text('/close 1005'));
  assert.equal((await notice()).type, 'error');
  peer.write(text('/pingpong'));
  assert.equal(await peer.text(), '/pingpong');
  const stats = JSON.parse((await get(port, '/stats')).body) as Record<
    string,
    Record<string, number>
  >;
  assert.equal(stats.sessions.active, 1);
  assert.equal(stats.sessions.max, 16384);
  assert.equal(stats.messages.in, 5);
  peer.write(text('/close 3000 bye'));
  assert.deepEqual(await peer.closeFrame(), [3000, 'bye']);
  // Without the query nothing is a command.
  const other = await Peer.open(port, { path: '/echo' });
  t.after(() => other.transport.destroy());
  other.write(text('/close 3000 bye'));
  assert.equal(await other.text(), '/close 3000 bye');
});
