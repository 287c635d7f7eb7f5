// Addresses, subprotocols and options: what the constructor refuses, and what it makes of the rest.

import assert from 'node:assert/strict';
import { both, echo, ended, Limpet, opened, type Client } from './support/client.js';
import { test } from 'node:test';

/** What the constructor throws: class and message. */
function refusal(WebSocket: Client, ...args: unknown[]): string {
  try {
    const ws = new WebSocket(...(args as [string]));
    ws.on('error', () => undefined);
    ws.terminate();
  } catch (error) {
    return `${(error as Error).constructor.name}: ${(error as Error).message}`;
  }
  return 'none';
}

const SCHEMES =
  'SyntaxError: The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"';
const FRAGMENT = 'SyntaxError: The URL contains a fragment identifier';
const PROTOCOLS = 'SyntaxError: An invalid or duplicated subprotocol was specified';

both('addresses that are none', (_, WebSocket) => {
  const refused: [address: string, why: string][] = [
    ['foo', 'SyntaxError: Invalid URL: foo'],
    ['', 'SyntaxError: Invalid URL: '],
    ['/chat', 'SyntaxError: Invalid URL: /chat'],
    ['ws://foo bar.com/', 'SyntaxError: Invalid URL: ws://foo bar.com/'],
    ['ws://[::1', 'SyntaxError: Invalid URL: ws://[::1'],
    ['ws://127.0.0.1:65536', 'SyntaxError: Invalid URL: ws://127.0.0.1:65536'],
    ['ftp://127.0.0.1/', SCHEMES],
    ['mailto:a@example.org', SCHEMES],
    ['about:blank', SCHEMES],
    ['ws+unix:', "SyntaxError: The URL's pathname is empty"],
    ['ws://127.0.0.1:1/#test', FRAGMENT],
    ['wss://127.0.0.1:1/a?b#c', FRAGMENT],
    ['http://127.0.0.1:1/#test', FRAGMENT],
    ['ws+unix:/tmp/s.sock#test', FRAGMENT],
  ];
  for (const [address, why] of refused) assert.equal(refusal(WebSocket, address), why);
});

test('WHATWG: an empty fragment is one, too', () => {
  assert.equal(refusal(Limpet, 'ws://127.0.0.1:1/#'), FRAGMENT);
});

both('a URL object stays as it is, and is refused as a string is', (_, WebSocket) => {
  assert.equal(refusal(WebSocket, new URL('http://127.0.0.1:1/#x')), FRAGMENT);
  const url = new URL('http://127.0.0.1:1/chat');
  const ws = new WebSocket(url);
  ws.on('error', () => undefined);
  assert.equal(ws.url, 'ws://127.0.0.1:1/chat');
  assert.equal(url.href, 'http://127.0.0.1:1/chat');
  ws.terminate();
});

both('the url attribute', (_, WebSocket) => {
  const urls: [address: string, url: string][] = [
    ['ws://127.0.0.1:1', 'ws://127.0.0.1:1/'],
    ['WS://LOCALHOST:1/A?b c', 'ws://localhost:1/A?b%20c'],
    ['ws://127.0.0.1:80/x', 'ws://127.0.0.1/x'],
    ['http://127.0.0.1:1/x', 'ws://127.0.0.1:1/x'],
    ['https://127.0.0.1:1/x', 'wss://127.0.0.1:1/x'],
    ['ws://user:pass@127.0.0.1:1/', 'ws://user:pass@127.0.0.1:1/'],
    ['ws+unix:/nowhere/s.sock:/x?y', 'ws+unix:/nowhere/s.sock:/x?y'],
  ];
  for (const [address, url] of urls) {
    const ws = new WebSocket(address);
    ws.on('error', () => undefined);
    assert.deepEqual([ws.url, ws.readyState, ws.protocol, ws.extensions], [url, 0, '', '']);
    ws.terminate();
  }
});

both('subprotocols that are none', (_, WebSocket) => {
  const refused = [
    '',
    'a b',
    'a,b',
    'a/b',
    '"a"',
    'ž',
    'a\u0000',
    null,
    ['a', 'a'],
    ['a', ''],
    [1],
  ];
  for (const protocols of refused) {
    assert.equal(refusal(WebSocket, 'ws://127.0.0.1:1', protocols), PROTOCOLS, String(protocols));
    if (protocols === null) continue;
    assert.equal(refusal(WebSocket, 'ws://127.0.0.1:1', { protocols }), PROTOCOLS);
  }
  // Two names that differ in case are two names. RFC 6455 4.1.
  assert.equal(refusal(WebSocket, 'ws://127.0.0.1:1', ['chat', 'CHAT']), 'none');
});

both('the ways to say subprotocols and options', async (t, WebSocket) => {
  const { url, http } = await echo(t);
  const asked: string[] = [];
  http.on('upgrade', ({ headers }) => {
    asked.push(`${headers['sec-websocket-protocol']} ${String(headers['x-test'])}`);
  });
  const headers = { 'X-Test': '1' };
  const forms: [unknown[], seen: string, protocol: string][] = [
    [[], 'undefined undefined', ''],
    [['one'], 'one undefined', 'one'],
    [[['one', 'two']], 'one,two undefined', 'one'],
    [[[]], 'undefined undefined', ''],
    [[undefined, { headers }], 'undefined 1', ''],
    [[{ headers }], 'undefined 1', ''],
    [[{ headers, protocols: ['one', 'two'] }], 'one,two 1', 'one'],
    [[{ headers, protocols: 'one' }], 'one 1', 'one'],
    [[undefined, { headers, protocols: 'one' }], 'one 1', 'one'],
    [['two', { headers, protocols: 'one' }], 'two 1', 'two'],
    [[[], { headers, protocols: 'one' }], 'undefined 1', ''],
    [['one', null], 'one undefined', 'one'],
  ];
  for (const [args, seen, protocol] of forms) {
    const ws = new WebSocket(url, ...(args as []));
    await opened(ws);
    assert.deepEqual([asked.pop(), ws.protocol], [seen, protocol], JSON.stringify(args));
    ws.terminate();
  }
});

both('a version of the protocol that there is not', (_, WebSocket) => {
  assert.equal(
    refusal(WebSocket, 'ws://127.0.0.1:1', { protocolVersion: 1000 }),
    'RangeError: Unsupported protocol version: 1000 (supported versions: 8, 13)',
  );
});

both('what node:http refuses is thrown', (_, WebSocket) => {
  const refused = { 'X-Test': 'a\nb' };
  assert.match(
    refusal(WebSocket, 'ws://127.0.0.1:1', { headers: refused }),
    /^TypeError: Invalid char/,
  );
});

both('nobody listens', async (_, WebSocket) => {
  const ws = new WebSocket('ws://127.0.0.1:1');
  assert.deepEqual(await ended(ws), ['error connect ECONNREFUSED 127.0.0.1:1', 'close 1006']);
  assert.equal(ws.readyState, WebSocket.CLOSED);
});

test('at most 32 subprotocols', () => {
  const names = Array.from({ length: 33 }, (_, i) => `p${i}`);
  assert.equal(refusal(Limpet, 'ws://127.0.0.1:1', names.slice(1)), 'none');
  assert.equal(refusal(Limpet, 'ws://127.0.0.1:1', names), PROTOCOLS);
});
