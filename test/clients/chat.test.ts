// Headless Chromium on the page of `limpet serve --chat`: people with a page each, in rooms.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { chromium, type Browser, type Page } from 'playwright-core';
import { close, ping, PONG, text } from '../conformance/frame.js';
import { valuesOf } from '../conformance/http.js';
import { requestBytes } from '../conformance/http.js';
import { limpet, serve } from '../host/support/child.js';
import { Peer } from '../host/support/peer.js';
import { pass } from '../host/support/wait.js';

const EXECUTABLE = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-sync',
];
const SHOTS = 'build/screenshots';
const skip = existsSync(EXECUTABLE) ? false : `skipped: needs ${EXECUTABLE}`;
const DESK = { width: 1100, height: 760 };
const PHONE = { width: 390, height: 780 };

let browser: Browser | undefined;

before(async () => {
  if (skip) return;
  mkdirSync(SHOTS, { recursive: true });
  browser = await chromium.launch({ executablePath: EXECUTABLE, headless: true, args: FLAGS });
});
after(() => browser?.close());

/** What pages complain of, but the failures of a server that is not there. */
const complaints: string[] = [];

/** A page of its own for somebody, on the form. */
async function visit(
  t: TestContext,
  port: number,
  { viewport = DESK, dark = false, hash = '' } = {},
): Promise<Page> {
  assert.ok(browser);
  const context = await browser.newContext({ viewport, colorScheme: dark ? 'dark' : 'light' });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(5000);
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`http://127.0.0.1:${port}/${hash}`);
  return page;
}

async function enter(page: Page, name: string, room: string): Promise<void> {
  await page.fill('#name', name);
  await page.fill('#room', room);
  await page.click('#enter');
  await page.locator('#title', { hasText: room }).waitFor();
}

async function say(page: Page, words: string): Promise<void> {
  await page.fill('#text', words);
  await page.press('#text', 'Enter');
}

const said = (page: Page, words: string) => page.locator('#log .said', { hasText: words }).last();
const member = (page: Page, name: string) => page.locator('#members li', { hasText: name });
const room = (page: Page, name: string) => page.locator('#rooms button', { hasText: name });

test(
  'two people in a room read each other, and see who is there and who is typing',
  { skip },
  async (t) => {
    complaints.length = 0;
    const { port } = await serve(t, '--chat');
    const ada = await visit(t, port);
    const bob = await visit(t, port, { viewport: PHONE, dark: true });
    await ada.screenshot({ path: `${SHOTS}/chat-form.png` });
    await enter(ada, 'Ada', 'lounge');
    await enter(bob, 'Bob', 'lounge');
    await member(ada, 'Bob').waitFor();
    await member(ada, 'Ada (you)').waitFor();
    await ada.locator('#title-count', { hasText: '2 here' }).waitFor();
    await room(ada, 'lounge').locator('.count', { hasText: '2' }).waitFor();

    await bob.locator('#text').pressSequentially('Hel');
    await ada.locator('#typing', { hasText: 'Bob is typing' }).waitFor();
    assert.equal(await bob.locator('#typing').innerText(), '', 'nobody is told of himself');
    await say(bob, 'Hello, Ada 🐚');
    await said(ada, 'Hello, Ada 🐚').waitFor();
    assert.equal(await ada.locator('#typing').innerText(), '');
    assert.equal(await said(ada, 'Hello, Ada 🐚').locator('.who').innerText(), 'Bob');
    await say(ada, 'Hello, Bob.\nTwo lines? No: Enter sends.');
    await said(bob, 'Hello, Bob.').waitFor();
    await say(ada, 'And another one, which follows the first.');
    await said(bob, 'And another one').waitFor();
    for (const [page, name] of [
      [ada, 'desk'],
      [bob, 'phone'],
    ] as const) {
      await page.screenshot({ path: `${SHOTS}/chat-${name}.png` });
    }
    await bob.click('#menu');
    await member(bob, 'Ada').waitFor();
    await bob.screenshot({ path: `${SHOTS}/chat-phone-rooms.png` });
    await bob.click('#leave');
    await bob.locator('#join').waitFor();
    await ada.locator('#log .note', { hasText: 'Bob left' }).waitFor();
    await ada.locator('#title-count', { hasText: '1 here' }).waitFor();
    assert.deepEqual(complaints, []);
  },
);

test(
  'rooms are apart, are listed with their members, and go with the last one',
  { skip },
  async (t) => {
    const { port } = await serve(t, '--chat');
    const ada = await visit(t, port);
    const bob = await visit(t, port);
    await enter(ada, 'Ada', 'lounge');
    await enter(bob, 'Bob', 'žluťoučký kůň');
    await room(ada, 'žluťoučký kůň').waitFor();
    await say(bob, 'nobody in the lounge reads this');
    await said(bob, 'nobody in the lounge').waitFor();
    await room(ada, 'žluťoučký kůň').click();
    await member(bob, 'Ada').waitFor();
    await room(ada, 'lounge').waitFor({ state: 'detached' });
    await say(ada, 'here I am');
    await said(bob, 'here I am').waitFor();
    assert.equal(await ada.locator('#log', { hasText: 'nobody in the lounge' }).count(), 0);
    await bob.fill('#new-name', 'attic');
    await bob.press('#new-name', 'Enter');
    await bob.locator('#title', { hasText: 'attic' }).waitFor();
    await member(ada, 'Bob').waitFor({ state: 'detached' });
    await bob.close();
    await room(ada, 'attic').waitFor({ state: 'detached' });
    const carol = await visit(t, port, { hash: '#attic' });
    assert.equal(await carol.inputValue('#room'), 'attic');
  },
);

test('what people type is text, whatever it looks like', { skip }, async (t) => {
  const { port } = await serve(t, '--chat');
  const ada = await visit(t, port);
  const bob = await visit(t, port);
  const markup = '<img src=x onerror=alert(1)><b>bold</b> &amp; "quoted"';
  await enter(ada, '<b>Ada</b>', 'a room');
  await enter(bob, 'Bob', 'a room');
  await say(bob, markup);
  await said(ada, markup).waitFor();
  assert.equal(await said(ada, markup).locator('.text').innerText(), markup);
  assert.equal(await ada.locator('#log img, #log b, #members b').count(), 0);
  await member(bob, '<b>Ada</b>').waitFor();
});

test('what the server refuses is said on the form or in the room', { skip }, async (t) => {
  const { port } = await serve(t, '--chat');
  const ada = await visit(t, port);
  const other = await visit(t, port);
  await enter(ada, 'Ada', 'lounge');
  const refused = async (name: string, where: string, words: RegExp) => {
    await other.fill('#name', name);
    await other.fill('#room', where);
    await other.click('#enter');
    await other.locator('#join-error', { hasText: words }).waitFor();
  };
  await refused('ada', 'lounge', /there is ada in this room already/);
  await refused('Bob', 'a/b', /without \/ \+ #/);
  await refused('Bob', 'a+', /without \/ \+ #/);
  await refused('   ', 'lounge', /a person has a name/);
  await enter(other, 'Bob', 'cellar');
  await room(other, 'lounge').click();
  await other.locator('#title', { hasText: 'lounge' }).waitFor();
  await member(ada, 'Bob').waitFor();
});

test('the server goes and comes back: the page does, too, into its room', { skip }, async (t) => {
  const { child, port } = await serve(t, '--chat');
  const ada = await visit(t, port);
  await enter(ada, 'Ada', 'lounge');
  await say(ada, 'before');
  await said(ada, 'before').waitFor();
  child.kill('SIGINT');
  assert.equal((await child.ended()).code, 0);
  await ada.locator('#state', { hasText: 'connecting again' }).waitFor();
  assert.equal(await ada.locator('#send').isDisabled(), true);
  await serve(t, '--chat', '--port', String(port));
  await ada.locator('#log .note', { hasText: 'you are back' }).waitFor({ timeout: 15_000 });
  await say(ada, 'after');
  await said(ada, 'after').waitFor();
  await said(ada, 'before').waitFor();
});

// ------------------------------------------------- without a browser: bad input

/** A connection to the chat, and the messages of a type that come. */
async function talk(t: TestContext, port: number) {
  const peer = await Peer.open(port, { path: '/chat' });
  t.after(() => peer.transport.destroy());
  const ask = (what: unknown) => {
    peer.write(text(typeof what === 'string' ? what : JSON.stringify(what)));
  };
  const told = async (type: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const message = JSON.parse(await peer.text()) as Record<string, unknown>;
      if (message.type === type) return message;
    }
  };
  return { peer, ask, told };
}

test('the page is served under a policy, and everything else is 404 or 405', async (t) => {
  const { port } = await serve(t, '--chat');
  const get = async (line: string) => {
    const peer = await Peer.connect(port);
    peer.write(requestBytes(line, ['Host: x']));
    return peer.answer();
  };
  const page = await get('GET / HTTP/1.1');
  assert.equal(page.status, 200);
  assert.match(page.body.toString(), /^<!doctype html>/);
  const [policy] = valuesOf(page, 'content-security-policy');
  assert.match(
    policy ?? '',
    /default-src 'none'; script-src 'sha256-[\w+/]+=*'; style-src 'sha256-/,
  );
  assert.equal((await get('GET /other HTTP/1.1')).status, 404);
  assert.equal((await get('DELETE / HTTP/1.1')).status, 405);
  await assert.rejects(Peer.open(port, { path: '/elsewhere' }), /answered with 404/);
});

test('bad messages are answered with an error, and the connection stays', async (t) => {
  const { port } = await serve(t, '--chat');
  const { peer, ask, told } = await talk(t, port);
  const bad: [unknown, RegExp][] = [
    ['no JSON', /JSON object/],
    ['null', /JSON object/],
    ['[]', /join a room first/],
    ['"text"', /JSON object/],
    [{}, /join a room first/],
    [{ type: 'say', text: 'hello' }, /join a room first/],
    [{ type: 'join' }, /a room has a name/],
    [{ type: 'join', room: 5, name: {} }, /a room has a name/],
    [{ type: 'join', room: 'x'.repeat(25), name: 'Ada' }, /at most 24 characters/],
    [{ type: 'join', room: 'x', name: 'x'.repeat(100_000) }, /at most 24 characters/],
    [{ type: 'join', room: 'a/b', name: 'Ada' }, /without/],
    [{ type: 'join', room: '#', name: 'Ada' }, /without/],
    [{ type: 'join', room: 'a\u0000b', name: 'Ada' }, /letters, digits/],
    [{ type: 'join', room: 'a', name: 'A\u202eda' }, /letters, digits/],
  ];
  for (const [what, words] of bad) {
    ask(what);
    assert.match(String((await told('error')).message), words, JSON.stringify(what));
  }
  ask({ type: 'join', room: 'ok', name: 'Ada' });
  assert.equal((await told('joined')).room, 'ok');
  for (const [what, words] of [
    [{ type: 'shout', text: 'hello' }, /there are join/],
    [{ type: 'toString' }, /there are join/],
    [{ type: 'say', text: '   ' }, /say something/],
    [{ type: 'say', text: 7 }, /say something/],
    [{ type: 'say', text: 'x'.repeat(2001) }, /at most 2000/],
  ] as [unknown, RegExp][]) {
    ask(what);
    assert.match(String((await told('error')).message), words, JSON.stringify(what));
  }
  ask({ type: 'say', text: 'x'.repeat(2000) });
  assert.equal(String((await told('said')).text).length, 2000);
  peer.write(close(1000));
  assert.equal((await peer.closeFrame())[0], 1000);
});

test('a name that is far too long costs no more than to read it', async (t) => {
  const { port } = await serve(t, '--chat');
  const { ask, told } = await talk(t, port);
  // In the canonical order all of the marks below come before those above: UAX 15, 1.3.
  const marks = 'a' + '\u0301'.repeat(200_000) + '\u0316'.repeat(200_000);
  ask({ type: 'join', room: marks, name: 'Ada' });
  assert.match(String((await told('error')).message), /at most 24 characters/);
  // As letters and marks it is longer than it is when they are one.
  ask({ type: 'join', room: 'e\u0301'.repeat(24), name: 'Ada' });
  assert.equal((await told('joined')).room, '\u00e9'.repeat(24));
});

test('micro: a room for each, and names that are too long for it are refused', async (t) => {
  const { port } = await serve(t, '--chat', '--profile', 'micro');
  const people = [];
  // micro has 16 sessions; the lobby is a room, too.
  for (let i = 0; i < 14; i++) {
    const person = await talk(t, port);
    person.ask({ type: 'join', room: `room ${i}`, name: `p${i}` });
    await person.told('joined');
    people.push(person);
  }
  const [first] = people;
  assert.ok(first);
  first.ask({ type: 'join', room: 'a name that micro has no', name: 'somebody' });
  await first.told('joined');
  first.ask({ type: 'join', room: 'žluťoučký kůň úpěl ďáb', name: 'p0' });
  assert.match(String((await first.told('error')).message), /too long here/);
  first.ask({ type: 'say', text: 'still here' });
  assert.equal((await first.told('said')).name, 'somebody');
});

test('nano: it has no rooms, and says so before anybody comes', async (t) => {
  const { code, stderr } = await limpet(t, 'serve', '--chat', '--port', '0', '--profile', 'nano');
  assert.equal(code, 2);
  assert.match(stderr, /--chat needs a profile with rooms and metadata/);
});

test('who comes when no membership is left is told so with 1013, and the others stay', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-chat-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const core = join(folder, 'small.wasm');
  const built = await limpet(t, 'build', '--from', 'micro', '--memberships', '2', '--out', core);
  assert.equal(built.code, 0, built.stderr);
  const { port } = await serve(t, '--chat', '--profile', core);
  const first = await talk(t, port);
  await first.told('rooms');
  const second = await talk(t, port);
  await second.told('rooms');
  const { peer } = await talk(t, port);
  assert.deepEqual(await peer.closeFrame(), [1013, 'the chat is full']);
  first.peer.write(ping());
  assert.equal((await first.peer.frame()).opcode, PONG);
});

test('a connection that breaks off leaves its room', async (t) => {
  const { port } = await serve(t, '--chat');
  const ada = await talk(t, port);
  const bob = await talk(t, port);
  ada.ask({ type: 'join', room: 'lounge', name: 'Ada' });
  await ada.told('joined');
  bob.ask({ type: 'join', room: 'lounge', name: 'Bob' });
  const { id } = await ada.told('came');
  bob.peer.reset();
  assert.equal((await ada.told('gone')).id, id);
  await pass(150);
  const { rooms } = await ada.told('rooms');
  assert.deepEqual(rooms, [{ name: 'lounge', members: 1 }]);
});
