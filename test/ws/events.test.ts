// The EventTarget side of a WebSocket: addEventListener, onmessage and the like.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket } from '../../host/node/ws/index.js';
import type { CloseEvent, ErrorEvent, Event, MessageEvent } from '../../host/node/ws/index.js';
import { binary, close, frame, text } from '../conformance/frame.js';
import { until } from '../host/support/wait.js';
import { next, serving } from './support/serving.js';

test('what each event has', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const messages: MessageEvent[] = [];
  const closes: CloseEvent[] = [];
  ws.addEventListener('message', (event) => messages.push(event));
  ws.addEventListener('close', (event) => closes.push(event));
  peer.write(text('žluť'), binary(Buffer.of(1)), close(4000, 'why'));
  await until(() => closes.length === 1, "'close'");
  assert.deepEqual(
    messages.map(({ type, target, data }) => [type, target === ws, data]),
    [
      ['message', true, 'žluť'],
      ['message', true, Buffer.of(1)],
    ],
  );
  const [{ type, target, code, reason, wasClean }] = closes;
  assert.deepEqual(
    [type, target === ws, code, reason, wasClean],
    ['close', true, 4000, 'why', true],
  );
});

test('an error has its error and message; an end without Close frames was not clean', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const errors: ErrorEvent[] = [];
  const closes: CloseEvent[] = [];
  ws.onerror = (event) => errors.push(event);
  ws.onclose = (event) => closes.push(event);
  peer.write(frame({ opcode: 3 }));
  await until(() => closes.length === 1, "'close'");
  assert.equal(errors[0].type, 'error');
  assert.equal(errors[0].target, ws);
  assert.equal(errors[0].error.message, errors[0].message);
  assert.match(errors[0].message, /invalid opcode 3/);
  assert.deepEqual([closes[0].code, closes[0].wasClean], [1006, false]);
});

test('a listener is there once; once, objects, and removal', () => {
  const ws = new WebSocket(null);
  const told: string[] = [];
  const listener = function (this: WebSocket, event: Event) {
    told.push(`${event.type} ${String(this === ws)}`);
  };
  const object = {
    name: 'object',
    handleEvent(event: Event) {
      told.push(`${this.name} ${event.type}`);
    },
  };
  ws.addEventListener('open', listener);
  ws.addEventListener('open', listener);
  ws.addEventListener('open', object);
  ws.addEventListener('open', () => told.push('once'), { once: true });
  ws.emit('open');
  assert.deepEqual(told.splice(0), ['open true', 'object open', 'once']);
  ws.removeEventListener('open', object);
  ws.emit('open');
  assert.deepEqual(told.splice(0), ['open true']);
  ws.removeEventListener('open', listener);
  ws.removeEventListener('open', listener);
  assert.equal(ws.listenerCount('open'), 0);
  // What the EventTarget side does not have is nothing to it.
  ws.addEventListener('ping' as 'open', listener);
  ws.removeEventListener('ping' as 'open', listener);
  assert.equal(ws.listenerCount('ping'), 0);
});

test('onopen and the like: one listener each, apart from those that were added', () => {
  const ws = new WebSocket(null);
  const told: string[] = [];
  const both = () => told.push('both');
  for (const name of ['onopen', 'onmessage', 'onclose', 'onerror'] as const) {
    assert.equal(ws[name], null);
    ws[name] = both;
    assert.equal(ws[name], both);
  }
  ws.onopen = () => told.push('first');
  const second = () => told.push('second');
  ws.onopen = second;
  assert.equal(ws.onopen, second);
  ws.addEventListener('open', second);
  ws.emit('open');
  assert.deepEqual(told.splice(0), ['second', 'second']);
  ws.removeEventListener('open', second);
  ws.emit('open');
  assert.deepEqual(told.splice(0), ['second']);
  ws.onopen = 'nothing' as unknown as null;
  assert.equal(ws.onopen, null);
  ws.emit('open');
  assert.deepEqual(told, []);
  assert.equal(ws.listenerCount('open'), 0);
});

test('both sides hear the same events; listeners of the EventEmitter are no EventTarget’s', async (t) => {
  const { pair } = await serving(t);
  const { peer, ws } = await pair();
  const told: unknown[] = [];
  const listener = (data: unknown) => told.push(data);
  ws.on('message', listener);
  ws.onmessage = ({ data }) => told.push(data);
  assert.notEqual(ws.onmessage, listener);
  ws.removeEventListener('message', listener);
  const came = next(ws, 'message');
  peer.write(text('x'));
  await came;
  assert.deepEqual(told, [Buffer.from('x'), 'x']);
  ws.removeAllListeners('message');
  assert.equal(ws.onmessage, null);
});
