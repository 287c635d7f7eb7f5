// The pump: in place or gathered, cut anywhere, and what is held when it has to wait.

import {
  Delivery,
  ErrorCode,
  EventFlag,
  EventKind,
  EventRecord,
  Option,
  Role,
  State,
} from '../../assembly/abi';
import { ARENA, EVENT_BYTES, EVENT_ENTRIES, eventRing, stats } from '../../assembly/memory';
import { EVENTS, INGRESS_BYTES } from '../../assembly/profile';
import { receive, receiveRoom } from '../../assembly/receive';
import { gone } from '../../assembly/session/ending';
import { eventsAcknowledge } from '../../assembly/session/events';
import { Session, sessionOpen } from '../../assembly/session/session';
import { HERE, hex, isAscii } from './bytes';
import { set } from './sending';

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

/** What the ERROR event says that broke a rule. */
function brokenBy(text: string, error: i32): u32 {
  const s = open();
  receive(s, HERE, hex(HERE, text));
  const e = event(1);
  expect<i32>(e.kind).toBe(EventKind.ERROR);
  expect<i32>(e.detail).toBe(error);
  const by = e.remaining;
  close(s);
  return by;
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

  it('takes as many frames of a message as FRAGMENTS_MAX says, whatever their length', () => {
    for (let most: u32 = 1; most <= 3; most++) {
      const s = open();
      s.fragmentsMax = most;
      // Each message begins anew.
      for (let again = 0; again < 2; again++) {
        for (let i: u32 = 0; i < most; i++) {
          const b0 = (i + 1 == most ? 0x80 : 0) | (i ? 0 : 2);
          store<u8>(HERE, <u8>b0);
          hex(HERE + 1, '8000000000');
          expect<i32>(receive(s, HERE, 6)).toBe(6);
        }
        expect<i32>(event(1).kind).toBe(EventKind.MESSAGE);
        eventsAcknowledge(1);
      }
      store<u8>(HERE, 2);
      for (let i: u32 = 0; i <= most; i++) {
        hex(HERE + 1, '8000000000');
        expect<i32>(receive(s, HERE, 6)).toBe(6);
        store<u8>(HERE, 0);
      }
      expect<i32>(event(1).kind).toBe(EventKind.ERROR);
      expect<i32>(event(1).detail).toBe(ErrorCode.FRAGMENTS);
      expect<i32>(event(1).code).toBe(1008);
      expect<u32>(event(1).remaining).toBe(0x8000);
      close(s);
    }
  });

  it('has no bound of frames with FRAGMENTS_MAX 0', () => {
    const s = open();
    receive(s, HERE, hex(HERE, '028000000000'));
    for (let i = 0; i < 1000; i++) receive(s, HERE, hex(HERE, '008000000000'));
    expect<u32>(s.continuations).toBe(1000);
    receive(s, HERE, hex(HERE, '808000000000'));
    expect<i32>(event(1).kind).toBe(EventKind.MESSAGE);
    close(s);
  });

  it('judges no text and no close reason with UTF8 0, not even one that is begun', () => {
    const s = open();
    // Half of a character came while it was judged.
    receive(s, HERE, hex(HERE, '018100000000' + 'e2'));
    set(Option.UTF8, 0);
    receive(s, HERE, hex(HERE, '808100000000' + 'ff'));
    expect<i32>(event(1).kind).toBe(EventKind.MESSAGE);
    expect<u32>(event(1).len).toBe(2);
    eventsAcknowledge(1);
    receive(s, HERE, hex(HERE, '888400000000' + '03e8ffff'));
    expect<i32>(event(1).kind).toBe(EventKind.CLOSING);
    expect<i32>(event(1).code).toBe(1000);
    set(Option.UTF8, 1);
    close(s);
  });

  it('tells what broke a rule: the frame, or the close code', () => {
    expect<u32>(brokenBy('858000000000', ErrorCode.OPCODE)).toBe(0x8085);
    expect<u32>(brokenBy('c18000000000', ErrorCode.RSV)).toBe(0x80c1);
    expect<u32>(brokenBy('098000000000', ErrorCode.CONTROL_FRAGMENTED)).toBe(0x8009);
    expect<u32>(brokenBy('89fe007e00000000', ErrorCode.CONTROL_LENGTH)).toBe(0xfe89);
    expect<u32>(brokenBy('8100', ErrorCode.UNMASKED)).toBe(0x0081);
    expect<u32>(brokenBy('808000000000', ErrorCode.CONTINUATION)).toBe(0x8080);
    expect<u32>(brokenBy('018000000000' + '828000000000', ErrorCode.INTERLEAVED)).toBe(0x8082);
    // A length of 2^53 bytes, and one of 2^31.
    expect<u32>(brokenBy('82ff002000000000000000000000', ErrorCode.TOO_BIG)).toBe(0x2000ff82);
    expect<u32>(brokenBy('82ff000000008000000000000000', ErrorCode.TOO_BIG)).toBe(0x0000ff82);
    expect<u32>(brokenBy('888100000000' + '07', ErrorCode.CLOSE_LENGTH)).toBe(7);
    expect<u32>(brokenBy('888200000000' + '03ed', ErrorCode.CLOSE_CODE)).toBe(1005);
    expect<u32>(brokenBy('888300000000' + '03e8ff', ErrorCode.CLOSE_REASON)).toBe(1000);
    // Neither one nor the other: the frame's masking key was there.
    expect<u32>(brokenBy('818101020304' + 'fe', ErrorCode.UTF8)).toBe(0);
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
