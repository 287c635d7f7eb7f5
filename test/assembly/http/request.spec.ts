// Heads → UPGRADE, REQUEST or an ErrorCode, through the session that gathers them. RFC 6455 4.2.1.

import { ErrorCode, EventKind, EventRecord, Role, State } from '../../../assembly/abi';
import { fieldsEnd, fieldsFrom, protocolAt } from '../../../assembly/http/request';
import {
  EVENT_BYTES,
  EVENT_ENTRIES,
  eventRing,
  fieldRecord,
  stats,
} from '../../../assembly/memory';
import { EVENTS } from '../../../assembly/profile';
import { gone } from '../../../assembly/session/ending';
import { eventsAcknowledge } from '../../../assembly/session/events';
import { receive } from '../../../assembly/receive';
import { Session, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, isAscii } from '../bytes';

const HOST = 'Host: a\r\n';
const UPGRADE = 'Upgrade: websocket\r\nConnection: Upgrade\r\n';
const VERSION = 'Sec-WebSocket-Version: 13\r\n';
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

let s: Session = changetype<Session>(0);

/** Feeds a head; returns the kind of the event, or the ErrorCode. */
function judge(line: string, fields: string): i32 {
  s = sessionOpen(Role.SERVER, State.HANDSHAKE);
  receive(s, HERE, ascii(HERE, line + '\r\n' + fields + '\r\n'));
  const e = last();
  return e.kind == EventKind.ERROR ? e.detail : <i32>e.kind;
}

/** The last event that says something. */
function last(): EventRecord {
  let index = eventRing().head;
  while (true) {
    index -= 1;
    const e = changetype<EventRecord>(EVENT_ENTRIES + (index & (EVENTS - 1)) * EVENT_BYTES);
    if (e.kind != EventKind.NONE) return e;
  }
}

/** The same, and the session's end. */
function judged(line: string, fields: string): i32 {
  const answer = judge(line, fields);
  end();
  return answer;
}

function end(): void {
  gone(s);
  eventsAcknowledge(eventRing().head - eventRing().tail);
}

describe('requestRead', () => {
  it('tells an opening handshake from a plain request', () => {
    expect<i32>(judged('GET / HTTP/1.1', HOST + UPGRADE + VERSION + KEY)).toBe(EventKind.UPGRADE);
    expect<i32>(judged('GET / HTTP/1.1', HOST)).toBe(EventKind.REQUEST);
    expect<i32>(judged('GET / HTTP/1.1', HOST + 'Upgrade: h2c\r\n')).toBe(EventKind.REQUEST);
    expect<i32>(judged('GET / HTTP/1.1', HOST + UPGRADE + VERSION + KEY)).toBe(EventKind.UPGRADE);
    expect<i32>(judged('POST / HTTP/1.1', HOST + 'Content-Length: 5\r\n')).toBe(EventKind.REQUEST);
  });

  it('names the rule that is broken', () => {
    expect<i32>(judged('GET / HTTP/1.1', UPGRADE + VERSION + KEY)).toBe(ErrorCode.HTTP_HOST);
    expect<i32>(judged('GET / HTTP/1.1', HOST + HOST)).toBe(ErrorCode.HTTP_HOST);
    expect<i32>(judged('GET / HTTP/1.0', HOST)).toBe(ErrorCode.HTTP_VERSION);
    expect<i32>(judged('GET / HTTP/1.1', HOST + UPGRADE + KEY)).toBe(ErrorCode.UPGRADE_VERSION);
    expect<i32>(judged('GET / HTTP/1.1', HOST + UPGRADE + VERSION)).toBe(ErrorCode.UPGRADE_KEY);
    expect<i32>(judged('GET / HTTP/1.1', HOST + VERSION + KEY)).toBe(ErrorCode.UPGRADE_HEADER);
    expect<i32>(judged('PUT / HTTP/1.1', HOST + UPGRADE + VERSION + KEY)).toBe(
      ErrorCode.UPGRADE_METHOD,
    );
    expect<i32>(judged('GET /#a HTTP/1.1', HOST)).toBe(ErrorCode.HTTP_SYNTAX);
    expect<i32>(judged('GET /', HOST)).toBe(ErrorCode.HTTP_SYNTAX);
    expect<i32>(judged('GET / HTTP/1.1', HOST + 'Content-Length: -1\r\n')).toBe(
      ErrorCode.HTTP_BODY,
    );
    expect<i32>(judged('GET / HTTP/1.1', HOST + 'Content-Length: 99999999999999999999\r\n')).toBe(
      ErrorCode.HTTP_BODY,
    );
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('tells the path, without query, of both forms of a target', () => {
    judge('GET /a/b?c=d HTTP/1.1', HOST);
    expect<bool>(isAscii(last().ptr, last().len, '/a/b')).toBe(true);
    end();
    judge('GET https://a:8/b?c HTTP/1.1', HOST);
    expect<bool>(isAscii(last().ptr, last().len, '/b')).toBe(true);
    end();
    judge('GET http://a HTTP/1.1', HOST);
    expect<bool>(isAscii(last().ptr, last().len, '/')).toBe(true);
    end();
  });
});

describe('protocolAt', () => {
  it('counts over all fields', () => {
    judge(
      'GET / HTTP/1.1',
      HOST +
        UPGRADE +
        'Sec-WebSocket-Protocol: a, b\r\n' +
        VERSION +
        KEY +
        'Sec-WebSocket-Protocol: c\r\n',
    );
    expect<i32>(protocolAt(fieldsFrom(s.block), fieldsEnd(s.block), 0)).toBe(0);
    expect<bool>(isAscii(fieldRecord().ptr, fieldRecord().len, 'a')).toBe(true);
    expect<i32>(protocolAt(fieldsFrom(s.block), fieldsEnd(s.block), 2)).toBe(0);
    expect<bool>(isAscii(fieldRecord().ptr, fieldRecord().len, 'c')).toBe(true);
    expect<i32>(protocolAt(fieldsFrom(s.block), fieldsEnd(s.block), 3)).toBe(ErrorCode.ABSENT);
    end();
  });
});
