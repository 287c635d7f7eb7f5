// One message for many: when it is compressed, over which window, where its frames lie, who gets a copy.

import {
  ErrorCode,
  FullPolicy,
  Opcode,
  Option,
  Role,
  SEND_PLAIN,
  Sent,
  State,
} from '../../../assembly/abi';
import { windowHeld, windowTake } from '../../../assembly/deflate/windows';
import {
  framesBegin,
  framesEnd,
  framesSend,
  payloadReserve,
  shared,
} from '../../../assembly/hub/frames';
import { stats, txRecord } from '../../../assembly/memory';
import { ARENA_BYTES, BLOCK_MAX_BYTES } from '../../../assembly/profile';
import { seed } from '../../../assembly/protocol/entropy';
import { queueAcknowledge } from '../../../assembly/session/queue';
import { Session, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, isHex, THERE } from '../bytes';
import { emptyArena, fillArena, free, set, output, repeated } from '../sending';

function open(deflateOut: u32 = 0, role: Role = Role.SERVER): Session {
  const s = sessionOpen(role, State.OPEN);
  s.queueMax = 1_000_000;
  s.highWater = 1_000_000;
  s.deflateOut = <u8>deflateOut;
  return s;
}

/** The frame that is for a message of so many bytes: 0 = not compressed, n = over 2^(n + 7) bytes. */
function covers(kind: i32, bytes: u32): u32 {
  framesBegin(kind, HERE, bytes);
  framesEnd();
  return shared().covers;
}

describe('framesBegin', () => {
  it('compresses from the threshold on, unless the message is plain', () => {
    set(Option.DEFLATE_THRESHOLD, 64);
    expect<u32>(covers(Opcode.TEXT, 63)).toBe(0);
    expect<u32>(covers(Opcode.TEXT, 64)).toBe(1);
    expect<u32>(covers(Opcode.TEXT | SEND_PLAIN, 64)).toBe(0);
    set(Option.DEFLATE_THRESHOLD, 0);
    expect<u32>(covers(Opcode.TEXT, 0)).toBe(0);
    expect<u32>(covers(Opcode.TEXT, 1)).toBe(1);
    set(Option.DEFLATE_THRESHOLD, 64);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('takes the smallest window that a message does not exceed', () => {
    for (let frame: u32 = 1; frame < 8; frame++) {
      const bytes: u32 = 1 << (frame + 7);
      expect<u32>(covers(Opcode.BINARY, bytes)).toBe(frame);
      expect<u32>(covers(Opcode.BINARY, bytes + 1)).toBe(frame + 1);
    }
    // No window is larger than 2^15 bytes.
    expect<u32>(covers(Opcode.BINARY, 32_769)).toBe(8);
    expect<u32>(covers(Opcode.BINARY, 200_000)).toBe(8);
  });
});

describe('framesSend', () => {
  it('refers all to one frame, which goes back with the last of them', () => {
    const a = open();
    const b = open();
    const before = stats().messagesOut;
    const bytes = stats().bytesOut;
    framesBegin(Opcode.TEXT, HERE, ascii(HERE, 'Hello'));
    expect<i32>(framesSend(a)).toBe(Sent.OK);
    expect<i32>(framesSend(b)).toBe(Sent.OK);
    framesEnd();
    // The next one is sent to nobody, and counts for nobody.
    framesBegin(Opcode.TEXT, HERE, 5);
    framesEnd();
    expect<bool>(isHex(output(a), '81 05 48 65 6c 6c 6f')).toBe(true);
    expect<usize>(output(a)).toBe(output(b));
    expect<u64>(stats().messagesOut - before).toBe(2);
    expect<u64>(stats().bytesOut - bytes).toBe(10);
    queueAcknowledge(a, 7);
    expect<bool>(stats().arenaUsed > 0).toBe(true);
    queueAcknowledge(b, 7);
    expect<u32>(stats().arenaUsed).toBe(0);
    free(a);
    free(b);
  });

  it('has room up to QUEUE_MAX, and answers for the one past it as the policy says', () => {
    const s = open();
    ascii(HERE, 'Hello');
    s.queueMax = 14;
    s.highWater = 7;
    framesBegin(Opcode.BINARY, HERE, 5);
    expect<i32>(framesSend(s)).toBe(Sent.OK);
    expect<i32>(framesSend(s)).toBe(Sent.BACKPRESSURE);
    expect<i32>(framesSend(s)).toBe(ErrorCode.FULL);
    s.fullPolicy = FullPolicy.DROP;
    expect<i32>(framesSend(s)).toBe(Sent.DROPPED);
    framesEnd();
    expect<u32>(s.queued).toBe(14);
    expect<u64>(s.messagesOut).toBe(2);
    free(s);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('sends nothing to who is not open, or inside a fragmented message', () => {
    const s = open();
    framesBegin(Opcode.TEXT, HERE, 5);
    s.sending = true;
    expect<i32>(framesSend(s)).toBe(ErrorCode.STATE);
    s.sending = false;
    for (let state: i32 = State.HANDSHAKE; state <= State.CLOSED; state++) {
      if (state == State.OPEN) continue;
      s.state = state;
      expect<i32>(framesSend(s)).toBe(ErrorCode.STATE);
    }
    framesEnd();
    expect<u32>(s.queued + stats().arenaUsed).toBe(0);
    s.state = State.OPEN;
    free(s);
  });

  it('gives a client a copy of its own, masked', () => {
    seed(HERE, 32);
    const a = open(0, Role.CLIENT);
    const b = open(0, Role.CLIENT);
    framesBegin(Opcode.TEXT, HERE, ascii(HERE, 'Hello'));
    framesSend(a);
    framesSend(b);
    framesEnd();
    const first = output(a);
    expect<u32>(a.queued).toBe(11);
    expect<bool>(isHex(first, '81 85')).toBe(true);
    expect<bool>(load<u32>(first, 2) != load<u32>(output(b), 2)).toBe(true);
    expect<u8>(load<u8>(first, 6) ^ load<u8>(first, 2)).toBe(0x48);
    free(a);
    free(b);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('compresses over what the session agreed on, or over less if that covers all', () => {
    const small = open(8);
    const ten = open(10);
    const large = open(15);
    const plain = open();
    repeated(1000);
    framesBegin(Opcode.TEXT, HERE, 1000);
    framesSend(small);
    framesSend(ten);
    framesSend(large);
    framesSend(plain);
    framesEnd();
    expect<bool>(isHex(output(small), 'c1')).toBe(true);
    expect<bool>(isHex(output(ten), 'c1')).toBe(true);
    expect<usize>(output(ten)).toBe(output(large));
    expect<bool>(output(small) != output(large)).toBe(true);
    expect<bool>(isHex(output(plain), '81 7e 03e8')).toBe(true);
    expect<u32>(large.queued).toBe(2 + <u32>load<u8>(output(large), 1));
    free(small);
    free(ten);
    free(large);
    free(plain);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('sends what would not shrink as it is, once for all', () => {
    const a = open(15);
    const b = open();
    a.windowOut = <u16>windowTake();
    for (let i: u32 = 0; i < 64; i++) store<u8>(HERE + i, <u8>(i * 167));
    framesBegin(Opcode.BINARY, HERE, 64);
    framesSend(a);
    framesSend(b);
    framesEnd();
    expect<bool>(isHex(output(a), '82 40 00 a7')).toBe(true);
    expect<usize>(output(a)).toBe(output(b));
    // What goes as it is is no context. RFC 7692 7.2.1.
    expect<u32>(windowHeld(a.windowOut)).toBe(0);
    repeated(100);
    framesBegin(Opcode.TEXT, HERE, 100);
    framesSend(a);
    framesEnd();
    expect<u32>(windowHeld(a.windowOut)).toBe(100);
    free(a);
    free(b);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('drops who does not read once half of the arena is in use', () => {
    const slow = open();
    const quick = open();
    slow.over = true;
    fillArena(ARENA_BYTES / 2);
    framesBegin(Opcode.TEXT, HERE, 5);
    expect<i32>(framesSend(slow)).toBe(Sent.OK);
    framesEnd();
    fillArena(ARENA_BYTES / 2 + 1);
    const full = stats().queueFull;
    framesBegin(Opcode.TEXT, HERE, 5);
    expect<i32>(framesSend(slow)).toBe(ErrorCode.FULL);
    expect<i32>(framesSend(quick)).toBe(Sent.OK);
    framesEnd();
    expect<u64>(stats().queueFull - full).toBe(1);
    emptyArena();
    free(slow);
    free(quick);
    expect<u32>(stats().arenaUsed).toBe(0);
  });

  it('answers MEMORY without a block, and leaves nothing behind', () => {
    const a = open(15);
    const b = open();
    repeated(1000);
    fillArena();
    const used = stats().arenaUsed;
    framesBegin(Opcode.TEXT, HERE, 1000);
    expect<i32>(framesSend(a)).toBe(ErrorCode.MEMORY);
    expect<i32>(framesSend(b)).toBe(ErrorCode.MEMORY);
    framesEnd();
    expect<u32>(stats().arenaUsed).toBe(used);
    expect<u32>(a.queued + b.queued).toBe(0);
    expect<u64>(a.messagesOut + b.messagesOut).toBe(0);
    emptyArena();
    framesBegin(Opcode.TEXT, HERE, 1000);
    expect<i32>(framesSend(a)).toBe(Sent.OK);
    framesEnd();
    expect<bool>(isHex(output(a), 'c1')).toBe(true);
    free(a);
    free(b);
    expect<u32>(stats().arenaUsed).toBe(0);
  });
});

describe('payloadReserve', () => {
  it('leaves room for the header in front, so that nothing is copied', () => {
    const lengths: u32[] = [0, 125, 126, 65_535, 65_536];
    const headers: u32[] = [2, 2, 4, 4, 10];
    for (let i = 0; i < 5; i++) {
      const s = open();
      const at: usize = payloadReserve(lengths[i]);
      framesBegin(Opcode.BINARY | SEND_PLAIN, at, lengths[i]);
      expect<i32>(framesSend(s)).toBe(Sent.OK);
      framesEnd();
      expect<usize>(output(s)).toBe(at - headers[i]);
      expect<u32>(txRecord().bytes).toBe(headers[i] + lengths[i]);
      free(s);
      expect<u32>(stats().arenaUsed).toBe(0);
    }
  });

  it('gives the room back with the message, and with the next reservation', () => {
    expect<bool>(payloadReserve(1000) > 0).toBe(true);
    const used = stats().arenaUsed;
    expect<bool>(payloadReserve(1000) > 0).toBe(true);
    expect<u32>(stats().arenaUsed).toBe(used);
    framesBegin(Opcode.TEXT, THERE, 1);
    framesEnd();
    expect<u32>(stats().arenaUsed + shared().held).toBe(0);
  });

  it('answers MEMORY for what no block holds, and holds nothing', () => {
    expect<bool>(payloadReserve(10) > 0).toBe(true);
    expect<i32>(payloadReserve(BLOCK_MAX_BYTES)).toBe(ErrorCode.MEMORY);
    expect<u32>(stats().arenaUsed + shared().held).toBe(0);
  });
});
