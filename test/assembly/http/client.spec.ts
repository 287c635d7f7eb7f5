// What a client asks for, and how it judges the answer. RFC 6455 4.1.

import { ErrorCode, Role, State } from '../../../assembly/abi';
import { requestSend } from '../../../assembly/http/client';
import { eventRing, stats, TX_SPANS } from '../../../assembly/memory';
import { seed } from '../../../assembly/protocol/entropy';
import { gone, release } from '../../../assembly/session/ending';
import { eventsAcknowledge } from '../../../assembly/session/events';
import { queueSpans } from '../../../assembly/session/queue';
import { receive } from '../../../assembly/receive';
import { Session, sessionFree, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, hex, isAscii, THERE } from '../bytes';

let s: Session = changetype<Session>(0);

function ask(target: string, host: string, protocols: string, headers: string): i32 {
  seed(THERE, hex(THERE, '0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20'));
  s = sessionOpen(Role.CLIENT, State.HANDSHAKE);
  const a = ascii(THERE, target);
  const b = ascii(THERE + 100, host);
  const c = ascii(THERE + 200, protocols);
  const d = ascii(THERE + 300, headers);
  return requestSend(s, THERE, a, THERE + 100, b, THERE + 200, c, THERE + 300, d);
}

function refused(answer: i32): bool {
  release(s);
  sessionFree(s);
  return answer == ErrorCode.VALUE && stats().arenaUsed == 0;
}

describe('requestSend', () => {
  it('writes the request of RFC 6455 4.1', () => {
    expect<i32>(ask('/chat', 'server.example.com', 'chat, superchat', 'X: y\r\n')).toBe(0);
    queueSpans(s);
    const at: usize = load<u32>(TX_SPANS);
    const head =
      'GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ';
    expect<bool>(isAscii(at, head.length, head)).toBe(true);
    const tail = '==\r\nSec-WebSocket-Protocol: chat, superchat\r\nX: y\r\n\r\n';
    expect<bool>(isAscii(at + head.length + 22, tail.length, tail)).toBe(true);
    expect<u32>(s.queued).toBe(head.length + 22 + tail.length);
    release(s);
    sessionFree(s);
  });

  it('refuses what may not be sent, and leaves nothing behind', () => {
    expect<bool>(refused(ask('chat', 'a', '', ''))).toBe(true);
    expect<bool>(refused(ask('', 'a', '', ''))).toBe(true);
    expect<bool>(refused(ask('/a b', 'a', '', ''))).toBe(true);
    expect<bool>(refused(ask('/\r\nX: y', 'a', '', ''))).toBe(true);
    expect<bool>(refused(ask('/', '', '', ''))).toBe(true);
    expect<bool>(refused(ask('/', 'a\r\nX: y', '', ''))).toBe(true);
    expect<bool>(refused(ask('/', 'a', 'a b', ''))).toBe(true);
    expect<bool>(refused(ask('/', 'a', 'a,', ''))).toBe(true);
    expect<bool>(refused(ask('/', 'a', '', 'X: y\r\n\r\n'))).toBe(true);
    expect<bool>(refused(ask('/', 'a', '', 'Upgrade: y\r\n'))).toBe(true);
  });
});

describe('responseJudge', () => {
  it('refuses an answer without the right accept value', () => {
    ask('/', 'a', '', '');
    const n = ascii(
      HERE,
      'HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
    );
    expect<i32>(receive(s, HERE, n)).toBe(n);
    expect<i32>(s.state).toBe(State.ENDING);
    expect<i32>(s.cause).toBe(ErrorCode.RESPONSE_ACCEPT);
    gone(s);
    eventsAcknowledge(eventRing().head - eventRing().tail);
    expect<u32>(stats().arenaUsed).toBe(0);
    expect<u32>(stats().active).toBe(0);
  });
});
