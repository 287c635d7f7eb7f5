// Payloads → frames in the queue: kinds, limits, policies, counters.

import { ErrorCode, FullPolicy, Opcode, Role, SEND_MORE, Sent, State } from '../../../assembly/abi';
import { requestOf } from '../../../assembly/http/keep';
import { stats } from '../../../assembly/memory';
import { SEND_MAX, send, sendBegin, sendEnd, sendExternal } from '../../../assembly/session/send';
import { seed } from '../../../assembly/protocol/entropy';
import { Session, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, hex, isHex } from '../bytes';
import { free, output } from '../sending';

function open(role: Role): Session {
  const s = sessionOpen(role, State.OPEN);
  s.queueMax = 1_000_000;
  s.highWater = 1_000_000;
  return s;
}

describe('send', () => {
  it('writes plain frames for a server', () => {
    const s = open(Role.SERVER);
    expect<i32>(send(s, Opcode.TEXT, HERE, ascii(HERE, 'Hello'))).toBe(Sent.OK);
    expect<bool>(isHex(output(s), '81 05 48 65 6c 6c 6f')).toBe(true);
    free(s);
  });

  it('masks for a client, with another key each time', () => {
    hex(HERE, '0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20');
    seed(HERE, 32);
    const s = open(Role.CLIENT);
    ascii(HERE, 'Hello');
    send(s, Opcode.TEXT, HERE, 5);
    send(s, Opcode.TEXT, HERE, 5);
    const at = output(s);
    expect<bool>(isHex(at, '81 85')).toBe(true);
    expect<bool>(load<u32>(at, 2) != load<u32>(at, 13)).toBe(true);
    let wrong = 0;
    for (let i = 0; i < 5; i++) {
      if ((load<u8>(at + 6 + i) ^ load<u8>(at + 2 + (i & 3))) != load<u8>(HERE + i)) wrong += 1;
    }
    expect<i32>(wrong).toBe(0);
    expect<bool>(isHex(HERE, '48 65 6c 6c 6f')).toBe(true);
    free(s);
  });

  it('masks for a client with the key that the host gave, 0 as well, until it gives another', () => {
    const s = open(Role.CLIENT);
    s.keyed = true;
    s.request = 0x04030201;
    send(s, Opcode.TEXT, HERE, ascii(HERE, 'Hello'));
    send(s, Opcode.PING, HERE, 0);
    s.request = 0;
    send(s, Opcode.TEXT, HERE, 5);
    const frames = '81 85 01020304 49676f686e' + '89 80 01020304' + '81 85 00000000 48656c6c6f';
    expect<bool>(isHex(output(s), frames)).toBe(true);
    // It is no block of a request that is kept.
    expect<usize>(requestOf(s)).toBe(0);
    free(s);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('keeps fragments together', () => {
    const s = open(Role.SERVER);
    expect<i32>(send(s, Opcode.CONTINUATION, HERE, 1)).toBe(ErrorCode.STATE);
    expect<i32>(send(s, Opcode.TEXT | SEND_MORE, HERE, 1)).toBe(Sent.OK);
    expect<i32>(send(s, Opcode.BINARY, HERE, 1)).toBe(ErrorCode.STATE);
    expect<i32>(send(s, Opcode.PING, HERE, 1)).toBe(Sent.OK);
    expect<i32>(send(s, Opcode.CONTINUATION | SEND_MORE, HERE, 1)).toBe(Sent.OK);
    expect<i32>(send(s, Opcode.CONTINUATION, HERE, 1)).toBe(Sent.OK);
    expect<i32>(send(s, Opcode.CONTINUATION, HERE, 1)).toBe(ErrorCode.STATE);
    expect<u64>(s.messagesOut).toBe(1);
    expect<u64>(s.bytesOut).toBe(3);
    free(s);
  });

  it('refuses what is no kind, too long, or too late', () => {
    const s = open(Role.SERVER);
    expect<i32>(send(s, Opcode.CLOSE, HERE, 2)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(send(s, 3, HERE, 2)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(send(s, -1, HERE, 2)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(send(s, Opcode.PING | SEND_MORE, HERE, 2)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(send(s, Opcode.PING, HERE, 126)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(send(s, Opcode.BINARY, HERE, SEND_MAX + 1)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(send(s, Opcode.BINARY, HERE, SEND_MAX)).toBe(Sent.OK);
    s.state = State.CLOSING;
    expect<i32>(send(s, Opcode.TEXT, HERE, 1)).toBe(ErrorCode.STATE);
    expect<i32>(send(s, Opcode.PING, HERE, 1)).toBe(ErrorCode.STATE);
    free(s);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('obeys the policy of a full queue', () => {
    const s = open(Role.SERVER);
    s.queueMax = 12;
    expect<i32>(send(s, Opcode.TEXT, HERE, 11)).toBe(ErrorCode.FULL);
    expect<i32>(send(s, Opcode.TEXT, HERE, 10)).toBe(Sent.OK);
    s.fullPolicy = FullPolicy.DROP;
    expect<i32>(send(s, Opcode.TEXT, HERE, 0)).toBe(Sent.DROPPED);
    expect<i32>(send(s, Opcode.TEXT | SEND_MORE, HERE, 0)).toBe(ErrorCode.FULL);
    expect<i32>(send(s, Opcode.PING, HERE, 0)).toBe(Sent.OK);
    expect<u64>(s.messagesOut).toBe(1);
    free(s);
  });
});

describe('sendBegin and sendEnd', () => {
  it('let the host write the payload', () => {
    const s = open(Role.SERVER);
    const at = sendBegin(s, Opcode.BINARY, 3);
    hex(at, '010203');
    expect<i32>(sendEnd(s)).toBe(Sent.OK);
    expect<bool>(isHex(output(s), '82 03 01 02 03')).toBe(true);
    free(s);
  });
});

describe('sendExternal', () => {
  it('queues a header, and counts the payload', () => {
    const s = open(Role.SERVER);
    s.highWater = 100;
    expect<i32>(sendExternal(s, Opcode.BINARY, 70_000)).toBe(Sent.BACKPRESSURE);
    expect<u32>(s.queued).toBe(70_010);
    expect<bool>(isHex(output(s), '82 7f 00 00 00 00 00 01 11 70')).toBe(true);
    expect<i32>(sendExternal(s, Opcode.PING, 1)).toBe(ErrorCode.STATE);
    free(s);
    const client = open(Role.CLIENT);
    expect<i32>(sendExternal(client, Opcode.BINARY, 1)).toBe(ErrorCode.STATE);
    free(client);
  });
});
