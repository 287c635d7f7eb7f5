// Payloads → compressed frames in the queue, and when they stay as they are. RFC 7692 6.1, 7.2.1.

import {
  ErrorCode,
  Opcode,
  Option,
  Role,
  SEND_MORE,
  SEND_PLAIN,
  Sent,
  State,
} from '../../../assembly/abi';
import { growth, GROWTH_MAX } from '../../../assembly/deflate/outgoing';
import { windowHeld, windowTake } from '../../../assembly/deflate/windows';
import { stats } from '../../../assembly/memory';
import { BLOCK_MAX_BYTES } from '../../../assembly/profile';
import { seed } from '../../../assembly/protocol/entropy';
import { queueAcknowledge } from '../../../assembly/session/queue';
import { SEND_MAX, send, sendExternal } from '../../../assembly/session/send';
import { Session, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, hex, isHex } from '../bytes';
import { free, set, output, repeated } from '../sending';

/** A session that compresses. */
function open(role: Role = Role.SERVER): Session {
  const s = sessionOpen(role, State.OPEN);
  s.deflateOut = 15;
  return s;
}

/** Bytes of which none is like another. */
function noise(n: u32): void {
  let x: u32 = 1;
  for (let i: u32 = 0; i < n; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    store<u8>(HERE + i, <u8>x);
  }
}

describe('a message', () => {
  it('is compressed, and its queue is as short as the frame', () => {
    const s = open();
    repeated(1000);
    expect<i32>(send(s, Opcode.TEXT, HERE, 1000)).toBe(Sent.OK);
    const frame = output(s);
    expect<bool>(isHex(frame, 'c1')).toBe(true);
    expect<u32>(s.queued).toBe(2 + load<u8>(frame, 1));
    expect<bool>(s.queued < 60).toBe(true);
    // The counters are those of the messages, not of the wire.
    expect<u64>(s.bytesOut).toBe(1000);
    free(s);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('goes as it is: plain, below the threshold, or when it would not shrink', () => {
    const s = open();
    repeated(1000);
    send(s, Opcode.TEXT | SEND_PLAIN, HERE, 1000);
    expect<bool>(isHex(output(s), '81 7e 03 e8 61 62 63')).toBe(true);
    expect<u32>(s.queued).toBe(1004);
    queueAcknowledge(s, 1004);
    send(s, Opcode.TEXT, HERE, 63);
    expect<bool>(isHex(output(s), '81 3f 61 62 63')).toBe(true);
    queueAcknowledge(s, 65);
    set(Option.DEFLATE_THRESHOLD, 0);
    send(s, Opcode.TEXT, HERE, ascii(HERE, 'Hello'));
    expect<bool>(isHex(output(s), '81 05 48 65 6c 6c 6f')).toBe(true);
    queueAcknowledge(s, 7);
    send(s, Opcode.TEXT, HERE, 0);
    expect<bool>(isHex(output(s), '81 00')).toBe(true);
    queueAcknowledge(s, 2);
    noise(1000);
    send(s, Opcode.BINARY, HERE, 1000);
    expect<bool>(isHex(output(s), '82 7e 03 e8')).toBe(true);
    expect<u32>(s.queued).toBe(1004);
    set(Option.DEFLATE_THRESHOLD, 64);
    free(s);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('leaves its bytes as context, and is shorter the second time', () => {
    const s = open();
    s.windowOut = <u16>windowTake();
    noise(200);
    memory.copy(HERE + 200, HERE, 20);
    send(s, Opcode.BINARY, HERE, 220);
    const first = s.queued;
    expect<u32>(windowHeld(s.windowOut)).toBe(220);
    send(s, Opcode.BINARY, HERE, 220);
    expect<bool>(s.queued - first < 30).toBe(true);
    expect<u32>(windowHeld(s.windowOut)).toBe(440);
    // What goes as it is is no context. RFC 7692 7.2.1.
    send(s, Opcode.BINARY | SEND_PLAIN, HERE, 220);
    expect<u32>(windowHeld(s.windowOut)).toBe(440);
    free(s);
  });

  it('of a client is masked behind its shorter header', () => {
    hex(HERE, '0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20');
    seed(HERE, 32);
    const s = open(Role.CLIENT);
    repeated(1000);
    send(s, Opcode.TEXT, HERE, 1000);
    const plain = open();
    send(plain, Opcode.TEXT, HERE, 1000);
    const frame = output(s);
    const bytes = s.queued - 6;
    let wrong = 0;
    const right = output(plain) + 2;
    for (let i: u32 = 0; i < bytes; i++) {
      const key = load<u8>(frame + 2 + (i & 3));
      if ((load<u8>(frame + 6 + i) ^ key) != load<u8>(right + i)) wrong += 1;
    }
    expect<bool>(isHex(frame, 'c1')).toBe(true);
    expect<u32>(load<u8>(frame, 1)).toBe(0x80 | bytes);
    expect<u32>(plain.queued).toBe(bytes + 2);
    expect<i32>(wrong).toBe(0);
    free(s);
    free(plain);
  });
});

describe('fragments', () => {
  it('share one RSV1, and do not have to shrink', () => {
    const s = open();
    repeated(1000);
    send(s, Opcode.TEXT | SEND_MORE, HERE, 1000);
    expect<bool>(isHex(output(s), '41')).toBe(true);
    queueAcknowledge(s, s.queued);
    noise(500);
    expect<i32>(send(s, Opcode.CONTINUATION | SEND_MORE, HERE, 500)).toBe(Sent.OK);
    expect<bool>(isHex(output(s), '00 7e')).toBe(true);
    expect<bool>(s.queued > 504 && s.queued <= 504 + growth(500)).toBe(true);
    queueAcknowledge(s, s.queued);
    expect<i32>(sendExternal(s, Opcode.CONTINUATION, 10)).toBe(ErrorCode.STATE);
    send(s, Opcode.CONTINUATION, HERE, 0);
    // An empty stored block less its lengths.
    expect<bool>(isHex(output(s), '80 01 00')).toBe(true);
    free(s);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('of a message that began as it is go on as they are', () => {
    const s = open();
    repeated(1000);
    send(s, Opcode.TEXT | SEND_MORE | SEND_PLAIN, HERE, 1000);
    queueAcknowledge(s, s.queued);
    send(s, Opcode.CONTINUATION, HERE, 1000);
    expect<bool>(isHex(output(s), '80 7e 03 e8 61 62')).toBe(true);
    free(s);
  });
});

describe('growth', () => {
  it('is enough for noise of any length, at every level', () => {
    const s = open();
    let wrong = 0;
    for (let level = 0; level < 10; level++) {
      set(Option.DEFLATE_LEVEL, level);
      for (let n: u32 = 1; n < 200_000; n = n * 3 + level) {
        repeated(200);
        // Level 0 makes nothing shorter: such a message does not begin compressed.
        set(Option.DEFLATE_LEVEL, 6);
        send(s, Opcode.BINARY | SEND_MORE, HERE, 200);
        set(Option.DEFLATE_LEVEL, level);
        queueAcknowledge(s, s.queued);
        noise(n);
        if (send(s, Opcode.CONTINUATION, HERE, n) < 0) wrong += 1;
        if (!isHex(output(s), '80')) wrong += 1;
        if (s.queued > n + growth(n) + 10) wrong += 1;
        queueAcknowledge(s, s.queued);
      }
    }
    set(Option.DEFLATE_LEVEL, 6);
    expect<i32>(wrong).toBe(0);
    expect<bool>(SEND_MAX + GROWTH_MAX < <u32>BLOCK_MAX_BYTES).toBe(true);
    free(s);
    expect<u32>(stats().arenaUsed).toBe(0);
  });
});
