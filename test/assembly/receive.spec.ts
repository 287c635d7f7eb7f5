// The pump: in place or gathered, cut anywhere, and what is held when it has to wait.

import { Delivery, EventFlag, EventKind, EventRecord, Role, State } from '../../assembly/abi';
import { ARENA, EVENT_BYTES, EVENT_ENTRIES, eventRing, stats } from '../../assembly/memory';
import { EVENTS, INGRESS_BYTES } from '../../assembly/profile';
import { receive, receiveRoom } from '../../assembly/receive';
import { gone } from '../../assembly/session/ending';
import { eventsAcknowledge } from '../../assembly/session/events';
import { Session, sessionOpen } from '../../assembly/session/session';
import { HERE, hex, isAscii } from './bytes';

const HELLO = '818537fa213d7f9f4d5158';

function open(): Session {
  return sessionOpen(Role.SERVER, State.OPEN);
}

function close(s: Session): void {
  gone(s);
  eventsAcknowledge(eventRing().head - eventRing().tail);
  if (stats().arenaUsed || stats().active) expect<u32>(stats().arenaUsed + stats().active).toBe(0);
}

function event(back: u32): EventRecord {
  return changetype<EventRecord>(
    EVENT_ENTRIES + ((eventRing().head - back) & (EVENTS - 1)) * EVENT_BYTES,
  );
}

describe('receive', () => {
  it('delivers a whole message where it lies', () => {
    const s = open();
    const n = hex(HERE, HELLO);
    expect<i32>(receive(s, HERE, n)).toBe(n);
    expect<i32>(event(1).kind).toBe(EventKind.MESSAGE);
    expect<i32>(event(1).code).toBe(1);
    expect<u32>(event(1).ptr).toBe(<u32>HERE + 6);
    expect<bool>(isAscii(event(1).ptr, event(1).len, 'Hello')).toBe(true);
    expect<u32>(stats().arenaUsed).toBe(0);
    close(s);
  });

  it('gathers a message that is cut, at every cut', () => {
    for (let cut = 0; cut <= 11; cut++) {
      const s = open();
      hex(HERE, HELLO);
      expect<i32>(receive(s, HERE, cut)).toBe(cut);
      expect<i32>(receive(s, HERE + cut, 11 - cut)).toBe(11 - cut);
      expect<i32>(event(1).kind).toBe(EventKind.MESSAGE);
      expect<bool>(isAscii(event(1).ptr, event(1).len, 'Hello')).toBe(true);
      const gathered = cut > 6 && cut < 11;
      expect<bool>(<usize>event(1).ptr >= ARENA).toBe(gathered);
      close(s);
    }
  });

  it('stops when the ring is full, and goes on', () => {
    const s = open();
    let n: u32 = 0;
    for (let i = 0; i < EVENTS + 5; i++) n += hex(HERE + n, '828100000000' + '2a');
    const taken = receive(s, HERE, n);
    expect<bool>(taken < <i32>n && taken % 7 == 0).toBe(true);
    expect<i32>(receive(s, HERE + taken, n - taken)).toBe(0);
    eventsAcknowledge(eventRing().head - eventRing().tail);
    expect<i32>(receive(s, HERE + taken, n - taken)).toBe(n - taken);
    expect<u64>(s.messagesIn).toBe(EVENTS + 5);
    close(s);
  });

  it('takes nothing while it is paused', () => {
    const s = open();
    s.paused = 1;
    expect<i32>(receiveRoom(s)).toBe(0);
    expect<i32>(receive(s, HERE, hex(HERE, HELLO))).toBe(0);
    s.paused = 0;
    expect<i32>(receiveRoom(s)).toBe(INGRESS_BYTES);
    expect<i32>(receive(s, HERE, hex(HERE, HELLO))).toBe(11);
    close(s);
  });

  it('streams from where the bytes lie, with what is still to come', () => {
    const s = open();
    s.delivery = Delivery.STREAM;
    hex(HERE, '82fe0100' + '00000000' + '0102');
    receive(s, HERE, 10);
    expect<i32>(event(1).kind).toBe(EventKind.CHUNK);
    expect<i32>(event(1).flags).toBe(EventFlag.BEGIN);
    expect<u32>(event(1).remaining).toBe(254);
    expect<u32>(event(1).len).toBe(2);
    expect<u32>(stats().arenaUsed).toBe(0);
    close(s);
  });

  it('discards what comes behind the end', () => {
    const s = open();
    receive(s, HERE, hex(HERE, '888200000000' + '03e8'));
    expect<i32>(s.state).toBe(State.ENDING);
    expect<i32>(receive(s, HERE, hex(HERE, HELLO))).toBe(11);
    expect<u64>(s.messagesIn).toBe(0);
    close(s);
  });
});
