// One message for many: records, counters, frames by window, what is left behind.

import {
  ErrorCode,
  FullPolicy,
  Opcode,
  Option,
  PublishRecord,
  Role,
  SelectRecord,
  Sent,
  State,
} from '../../../assembly/abi';
import { windowHeld, windowTake } from '../../../assembly/deflate/windows';
import { payloadReserve, shared } from '../../../assembly/hub/frames';
import { broadcast, publish, publishFlushed, sendMany } from '../../../assembly/hub/publish';
import { join, matchBegin, roomFind } from '../../../assembly/hub/rooms';
import { stats, TX_SPANS, txRecord, zeroWords } from '../../../assembly/memory';
import { seed } from '../../../assembly/protocol/entropy';
import { queueAcknowledge } from '../../../assembly/session/queue';
import { pool, Session, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, hex, isHex, THERE } from '../bytes';
import { free, set, output, repeated } from '../sending';

const NOBODY: SelectRecord = changetype<SelectRecord>(0);

function open(role: Role = Role.SERVER): Session {
  const s = sessionOpen(role, State.OPEN);
  s.queueMax = 1_000_000;
  s.highWater = 1_000_000;
  return s;
}

function subscribe(s: Session, topic: string): void {
  expect<i32>(join(s, THERE, ascii(THERE, topic))).toBe(1);
}

function toTopic(topic: string, text: string, except: i32 = 0): PublishRecord {
  expect<bool>(matchBegin(THERE, ascii(THERE, topic))).toBe(true);
  return publish(Opcode.TEXT, HERE, ascii(HERE, text), except);
}

describe('publish', () => {
  it('reaches each member once, but the one left out, and counts', () => {
    const a = open();
    const b = open();
    const c = open();
    subscribe(a, 'x/y');
    subscribe(a, 'x/+');
    subscribe(b, 'x/#');
    subscribe(c, 'x/y');
    const before = stats().delivered;
    const record = toTopic('x/y', 'Hello', c.handle);
    expect<u32>(record.delivered).toBe(2);
    expect<u32>(record.over | record.dropped | record.flush).toBe(0);
    expect<u64>(stats().delivered).toBe(before + 2);
    expect<bool>(isHex(output(a), '81 05 48 65 6c 6c 6f')).toBe(true);
    expect<usize>(output(a)).toBe(output(b));
    expect<u32>(a.queued).toBe(7);
    expect<u32>(c.queued).toBe(0);
    expect<u64>(a.messagesOut).toBe(1);
    expect<u64>(a.bytesOut).toBe(5);
    expect<u64>(c.messagesOut).toBe(0);
    const room = roomFind(THERE, ascii(THERE, 'x/#'));
    expect<u64>(room.messages).toBe(1);
    expect<u64>(room.bytes).toBe(5);
    free(a);
    free(b);
    free(c);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('leaves nothing in the arena when nobody takes it', () => {
    const a = open();
    a.sending = true;
    subscribe(a, 'x');
    const before = stats().undelivered;
    const record = toTopic('x', 'Hello');
    expect<u32>(record.delivered).toBe(0);
    expect<u32>(record.dropped).toBe(1);
    expect<u64>(stats().undelivered).toBe(before + 1);
    a.sending = false;
    a.queueMax = 6;
    expect<u32>(toTopic('x', 'Hello').dropped).toBe(1);
    expect<u32>(stats().arenaUsed).toBe(0);
    a.queueMax = 7;
    a.highWater = 6;
    const last = toTopic('x', 'Hello');
    expect<u32>(last.delivered).toBe(1);
    expect<u32>(last.over).toBe(1);
    expect<bool>(a.over).toBe(true);
    free(a);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('goes on when its numbers come round', () => {
    const a = open();
    subscribe(a, 'x');
    subscribe(a, '+');
    toTopic('x', '1');
    shared().number = 0xffff_fffe;
    for (let i = 0; i < 4; i++) expect<u32>(toTopic('x', '2').delivered).toBe(1);
    expect<u32>(shared().number).toBe(3);
    expect<u32>(a.queued).toBe(15);
    free(a);
  });
});

describe('broadcast', () => {
  it('reaches those that are open', () => {
    const a = open();
    const b = open();
    b.state = State.CLOSING;
    expect<u32>(broadcast(NOBODY, Opcode.BINARY, HERE, hex(HERE, '0102')).delivered).toBe(1);
    expect<bool>(isHex(output(a), '82 02 01 02')).toBe(true);
    expect<u32>(b.queued).toBe(0);
    free(a);
    free(b);
  });

  it('reaches those that a record names and that are open', () => {
    const select = changetype<SelectRecord>(THERE);
    const a = open();
    const b = open();
    const c = open();
    c.state = State.CLOSING;
    zeroWords(THERE, 80);
    select.states = 0xffff_ffff;
    select.except = a.handle;
    const record = broadcast(select, Opcode.TEXT, HERE, ascii(HERE, 'x'));
    expect<u32>(record.delivered).toBe(1);
    expect<u32>(record.dropped).toBe(0);
    expect<u32>(a.queued).toBe(0);
    expect<u32>(b.queued).toBe(3);
    expect<u32>(c.queued).toBe(0);
    free(a);
    free(b);
    free(c);
  });
});

describe('payloadReserve', () => {
  it('lets the payload lie where it is sent from', () => {
    const a = open();
    const b = open();
    const at = payloadReserve(5);
    ascii(at, 'Hello');
    broadcast(NOBODY, Opcode.TEXT, at, 5);
    expect<usize>(output(a)).toBe(<usize>at - 2);
    expect<usize>(output(b)).toBe(<usize>at - 2);
    expect<bool>(isHex(at - 2, '81 05 48 65 6c 6c 6f')).toBe(true);
    expect<u32>(shared().held).toBe(0);
    free(a);
    free(b);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('may be of another length than the message, or not used', () => {
    const a = open();
    let at = payloadReserve(300);
    ascii(at, 'Hello');
    broadcast(NOBODY, Opcode.TEXT, at, 5);
    expect<bool>(isHex(output(a), '81 05 48 65 6c 6c 6f')).toBe(true);
    at = payloadReserve(100_000);
    at = payloadReserve(1);
    broadcast(NOBODY, Opcode.TEXT, HERE, ascii(HERE, '!'));
    // The room that was made meanwhile is in another block.
    expect<u32>(<u32>output(a) + 7).not.toBe(load<u32>(TX_SPANS, 8));
    expect<bool>(isHex(load<u32>(TX_SPANS, 8), '81 01 21')).toBe(true);
    free(a);
    expect<u32>(stats().arenaUsed).toBe(0);
  });
});

describe('a batch', () => {
  it('is full after as many messages as BATCH says, and begins anew when all is written', () => {
    const a = open();
    set(Option.BATCH, 2);
    publishFlushed();
    const length = ascii(HERE, 'Hello');
    expect<u32>(broadcast(NOBODY, Opcode.TEXT, HERE, length).flush).toBe(0);
    expect<u32>(broadcast(NOBODY, Opcode.TEXT, HERE, length).flush).toBe(1);
    expect<u32>(broadcast(NOBODY, Opcode.TEXT, HERE, length).flush).toBe(0);
    publishFlushed();
    expect<u32>(broadcast(NOBODY, Opcode.TEXT, HERE, length).flush).toBe(0);
    set(Option.BATCH, 1);
    expect<u32>(broadcast(NOBODY, Opcode.TEXT, HERE, length).flush).toBe(1);
    set(Option.BATCH, 0);
    expect<u32>(broadcast(NOBODY, Opcode.TEXT, HERE, length).flush).toBe(0);
    free(a);
  });
});

describe('sendMany', () => {
  it('compresses once for each window, and leaves nothing behind', () => {
    const a = open();
    const b = open();
    const plain = open();
    const client = open(Role.CLIENT);
    seed(HERE, 32);
    a.deflateOut = 15;
    b.deflateOut = 8;
    b.windowOut = <u16>windowTake();
    repeated(1000);
    const sessions: usize[] = [
      changetype<usize>(a),
      changetype<usize>(b),
      changetype<usize>(plain),
      changetype<usize>(client),
    ];
    for (let i = 0; i < 4; i++) {
      store<i32>(THERE + (i << 2), changetype<Session>(sessions[i]).handle);
    }
    store<i32>(THERE, 0x7fff_0000, 16);
    sendMany(THERE, 5, Opcode.TEXT, HERE, 1000);
    for (let i = 0; i < 16; i += 4) expect<i32>(load<i32>(THERE + i)).toBe(Sent.OK);
    expect<i32>(load<i32>(THERE, 16)).toBe(ErrorCode.HANDLE);
    expect<bool>(isHex(output(a), 'c1')).toBe(true);
    expect<bool>(isHex(output(b), 'c1')).toBe(true);
    // 1,000 bytes: a window of 2^10 is as good as one of 2^15, one of 2^8 is not.
    expect<bool>(output(a) != output(b)).toBe(true);
    expect<u32>(windowHeld(b.windowOut)).toBe(1000);
    expect<u32>(plain.queued).toBe(1004);
    expect<u32>(client.queued).toBe(1008);
    expect<u32>(pool().sendDeflated).toBe(0);
    free(a);
    free(b);
    free(plain);
    free(client);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('compresses a short message once for all windows', () => {
    const a = open();
    const b = open();
    a.deflateOut = 15;
    b.deflateOut = 8;
    repeated(200);
    broadcast(NOBODY, Opcode.TEXT, HERE, 200);
    expect<usize>(output(a)).toBe(output(b));
    expect<bool>(isHex(output(a), 'c1')).toBe(true);
    // The header is the short one of what is left.
    expect<u32>(a.queued).toBe(2 + <u32>load<u8>(output(a), 1));
    expect<u32>(txRecord().count).toBe(1);
    queueAcknowledge(a, a.queued);
    free(a);
    free(b);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('answers as limpet_send does', () => {
    const a = open();
    a.queueMax = 6;
    a.fullPolicy = FullPolicy.DROP;
    const b = open();
    b.state = State.CLOSING;
    const c = open();
    c.highWater = 3;
    store<i32>(THERE, a.handle);
    store<i32>(THERE, b.handle, 4);
    store<i32>(THERE, c.handle, 8);
    sendMany(THERE, 3, Opcode.TEXT, HERE, ascii(HERE, 'Hello'));
    expect<i32>(load<i32>(THERE)).toBe(Sent.DROPPED);
    expect<i32>(load<i32>(THERE, 4)).toBe(ErrorCode.STATE);
    expect<i32>(load<i32>(THERE, 8)).toBe(Sent.BACKPRESSURE);
    free(a);
    free(b);
    free(c);
  });
});
