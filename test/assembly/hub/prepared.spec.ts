// A message that is kept: its frames, whom it reaches, when it goes back, and stale numbers.

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
import { payloadRelease, payloadReserve } from '../../../assembly/hub/frames';
import {
  prepare,
  PREPARED,
  preparedFind,
  preparedFree,
  preparedSend,
} from '../../../assembly/hub/prepared';
import { stats, txRecord } from '../../../assembly/memory';
import { ARENA_BYTES, BLOCK_MIN_BYTES } from '../../../assembly/profile';
import { seed } from '../../../assembly/protocol/entropy';
import { queueAcknowledge } from '../../../assembly/session/queue';
import { send, SEND_MAX } from '../../../assembly/session/send';
import { Session, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, isHex, THERE } from '../bytes';
import { emptyArena, fillArena, free, output, repeated, set } from '../sending';

const HELLO = '81 05 48 65 6c 6c 6f';

function open(deflateOut: u32 = 0, role: Role = Role.SERVER): Session {
  const s = sessionOpen(role, State.OPEN);
  s.queueMax = 1_000_000;
  s.highWater = 1_000_000;
  s.deflateOut = <u8>deflateOut;
  return s;
}

/** The number of a text. */
function text(words: string): i32 {
  return prepare(Opcode.TEXT, HERE, ascii(HERE, words));
}

/** As limpet_send_prepared does it. */
function sent(s: Session, number: i32): i32 {
  const record = preparedFind(number);
  return changetype<usize>(record) ? preparedSend(s, record) : ErrorCode.ARGUMENT;
}

/** As limpet_prepared_free does it. */
function freed(number: i32): i32 {
  const record = preparedFind(number);
  if (!changetype<usize>(record)) return ErrorCode.ARGUMENT;
  preparedFree(record);
  return 0;
}

/** Nothing is in use any more. */
function empty(): bool {
  return stats().arenaUsed == 0 && stats().preparedUsed == 0;
}

describe('prepare', () => {
  it('copies the message, whose place may be used again', () => {
    const number = text('Hello');
    const s = open();
    expect<bool>(number > 0).toBe(true);
    ascii(HERE, 'Adieu');
    expect<i32>(sent(s, number)).toBe(Sent.OK);
    expect<bool>(isHex(output(s), HELLO)).toBe(true);
    free(s);
    expect<i32>(freed(number)).toBe(0);
    expect<bool>(empty()).toBe(true);
  });

  it('takes the longest message that can be sent, and an empty one', () => {
    const longest = prepare(Opcode.BINARY, HERE, SEND_MAX);
    const none = prepare(Opcode.TEXT, HERE, 0);
    const s = open();
    expect<i32>(sent(s, longest)).toBe(Sent.OK);
    expect<bool>(isHex(output(s), '82 7f 00 00 00 00')).toBe(true);
    expect<u32>(s.queued).toBe(10 + SEND_MAX);
    queueAcknowledge(s, s.queued);
    expect<i32>(sent(s, none)).toBe(Sent.OK);
    expect<bool>(isHex(output(s), '81 00')).toBe(true);
    free(s);
    freed(longest);
    freed(none);
    expect<bool>(empty()).toBe(true);
  });

  it('keeps as many as there are rooms, and counts them', () => {
    const first = text('Hello');
    while (<i32>stats().preparedUsed < PREPARED) if (text('Hello') <= 0) break;
    expect<i32>(stats().preparedUsed).toBe(PREPARED);
    const used = stats().arenaUsed;
    expect<i32>(text('Hello')).toBe(ErrorCode.MEMORY);
    expect<u32>(stats().arenaUsed).toBe(used);
    expect<i32>(freed(first)).toBe(0);
    const again = text('Hello');
    expect<bool>(again > 0 && again != first).toBe(true);
    expect<i32>(again & 0xffff).toBe(first & 0xffff);
    // Slots that were used before are in a later generation.
    for (let slot = 0; slot < PREPARED; slot++) {
      for (let generation = 1; generation < 8; generation++) freed((generation << 16) | slot);
    }
    expect<bool>(empty()).toBe(true);
    expect<i32>(stats().preparedPeak).toBe(PREPARED);
  });

  it('answers MEMORY without a block, and keeps nothing', () => {
    fillArena();
    expect<bool>(stats().arenaUsed > <u32>ARENA_BYTES / 2).toBe(true);
    expect<i32>(text('Hello')).toBe(ErrorCode.MEMORY);
    expect<u32>(stats().preparedUsed).toBe(0);
    emptyArena();
    expect<bool>(empty()).toBe(true);
  });

  it('takes a payload from where payloadReserve left room, and another while that is left', () => {
    const at = payloadReserve(5);
    ascii(at, 'Later');
    const other = text('Hello');
    expect<bool>(isHex(at, '4c 61 74 65 72')).toBe(true);
    const number = prepare(Opcode.TEXT, at, 5);
    const s = open();
    sent(s, number);
    expect<bool>(isHex(output(s), '81 05 4c 61 74 65 72')).toBe(true);
    free(s);
    freed(other);
    freed(number);
    payloadRelease();
    expect<bool>(empty()).toBe(true);
  });
});

describe('preparedFind', () => {
  it('finds nothing under a number that is stale, or never was one', () => {
    const number = text('Hello');
    const slot = number & 0xffff;
    const s = open();
    expect<i32>(sent(s, 0)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(sent(s, -1)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(sent(s, -number)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(sent(s, number + 1)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(sent(s, number + 0x10000)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(sent(s, number | 0xffff)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(sent(s, slot)).toBe(ErrorCode.ARGUMENT);
    freed(number);
    for (let generation = 0; generation <= 0xffff; generation++) {
      if (freed((generation << 16) | slot) != ErrorCode.ARGUMENT) expect<i32>(generation).toBe(-1);
    }
    expect<u32>(s.queued).toBe(0);
    free(s);
    expect<bool>(empty()).toBe(true);
  });

  it('gives no number twice in 32,766 uses of a slot, and none that is 0 or negative', () => {
    const first = text('Hello');
    let last = first;
    freed(first);
    let wrong = 0;
    for (let i = 0; i < 32_766; i++) {
      const number = text('Hello');
      if (number <= 0 || number == first || number == last) wrong += 1;
      last = number;
      if (freed(number)) wrong += 1;
    }
    expect<i32>(wrong).toBe(0);
    expect<i32>(text('Hello')).toBe(first);
    freed(first);
    expect<bool>(empty()).toBe(true);
  });
});

describe('preparedSend', () => {
  it('refers all sessions to one frame, and counts each of them', () => {
    const number = text('Hello');
    const a = open();
    const b = open();
    const messages = stats().messagesOut;
    const bytes = stats().bytesOut;
    sent(a, number);
    sent(b, number);
    expect<usize>(output(a)).toBe(output(b));
    expect<u64>(stats().messagesOut - messages).toBe(2);
    expect<u64>(stats().bytesOut - bytes).toBe(10);
    expect<u64>(a.messagesOut).toBe(1);
    free(a);
    free(b);
    freed(number);
    expect<bool>(empty()).toBe(true);
  });

  it('stays as it is while it is queued, and goes back with what is written last', () => {
    const number = text('Hello');
    const s = open();
    sent(s, number);
    expect<i32>(freed(number)).toBe(0);
    expect<u32>(stats().preparedUsed).toBe(0);
    const other = text('Adieu');
    expect<bool>(isHex(output(s), HELLO)).toBe(true);
    freed(other);
    expect<bool>(stats().arenaUsed > 0).toBe(true);
    queueAcknowledge(s, 7);
    expect<bool>(empty()).toBe(true);
    free(s);
  });

  it('answers as limpet_send does', () => {
    const number = text('Hello');
    const s = open();
    s.queueMax = 14;
    s.highWater = 7;
    expect<i32>(sent(s, number)).toBe(Sent.OK);
    expect<i32>(sent(s, number)).toBe(Sent.BACKPRESSURE);
    expect<i32>(sent(s, number)).toBe(ErrorCode.FULL);
    s.fullPolicy = FullPolicy.DROP;
    expect<i32>(sent(s, number)).toBe(Sent.DROPPED);
    queueAcknowledge(s, s.queued);
    s.sending = true;
    expect<i32>(sent(s, number)).toBe(ErrorCode.STATE);
    s.sending = false;
    s.state = State.CLOSING;
    expect<i32>(sent(s, number)).toBe(ErrorCode.STATE);
    expect<u32>(s.queued).toBe(0);
    free(s);
    freed(number);
    expect<bool>(empty()).toBe(true);
  });

  it('keeps the order with what is sent otherwise', () => {
    const number = text('b');
    const s = open();
    send(s, Opcode.TEXT, HERE, ascii(HERE, 'a'));
    sent(s, number);
    send(s, Opcode.TEXT, HERE, ascii(HERE, 'c'));
    expect<bool>(isHex(output(s), '81 01 61 81 01 62 81 01 63')).toBe(true);
    expect<u32>(txRecord().count).toBe(1);
    free(s);
    freed(number);
    expect<bool>(empty()).toBe(true);
  });

  it('gives a client a copy of its own, masked', () => {
    seed(HERE, 32);
    const number = text('Hello');
    const s = open(0, Role.CLIENT);
    expect<i32>(sent(s, number)).toBe(Sent.OK);
    const at = output(s);
    expect<u32>(s.queued).toBe(11);
    expect<bool>(isHex(at, '81 85')).toBe(true);
    expect<u8>(load<u8>(at, 6) ^ load<u8>(at, 2)).toBe(0x48);
    free(s);
    freed(number);
    expect<bool>(empty()).toBe(true);
  });

  it('is compressed once for each window that is smaller than it, and once for all that are not', () => {
    repeated(1000);
    const number = prepare(Opcode.TEXT, HERE, 1000);
    const plain = stats().arenaUsed;
    const a = open(8);
    const b = open(10);
    const c = open(15);
    sent(b, number);
    const once = stats().arenaUsed;
    // The repeated text shrinks to less than a smallest block has room for.
    expect<u32>(once - plain).toBe(BLOCK_MIN_BYTES);
    sent(c, number);
    expect<u32>(stats().arenaUsed).toBe(once);
    expect<usize>(output(b)).toBe(output(c));
    expect<bool>(isHex(output(b), 'c1')).toBe(true);
    sent(a, number);
    expect<bool>(stats().arenaUsed > once).toBe(true);
    expect<bool>(output(a) != output(b)).toBe(true);
    free(a);
    free(b);
    free(c);
    // It stays compressed.
    const again = open(15);
    const kept = stats().arenaUsed;
    sent(again, number);
    expect<u32>(stats().arenaUsed).toBe(kept);
    expect<bool>(isHex(output(again), 'c1')).toBe(true);
    freed(number);
    expect<bool>(isHex(output(again), 'c1')).toBe(true);
    free(again);
    expect<bool>(empty()).toBe(true);
  });

  it('goes as it is with SEND_PLAIN, below the threshold, and where it would not shrink', () => {
    const s = open(15);
    repeated(100);
    const plain = prepare(Opcode.TEXT | SEND_PLAIN, HERE, 100);
    const small = prepare(Opcode.TEXT, HERE, 63);
    for (let i: u32 = 0; i < 64; i++) store<u8>(THERE + i, <u8>(i * 167));
    const dense = prepare(Opcode.BINARY, THERE, 64);
    const used = stats().arenaUsed;
    sent(s, plain);
    expect<bool>(isHex(output(s), '81 64')).toBe(true);
    queueAcknowledge(s, s.queued);
    sent(s, small);
    expect<bool>(isHex(output(s), '81 3f')).toBe(true);
    queueAcknowledge(s, s.queued);
    for (let i = 0; i < 2; i++) {
      sent(s, dense);
      expect<bool>(isHex(output(s), '82 40 00 a7')).toBe(true);
      queueAcknowledge(s, s.queued);
    }
    expect<u32>(stats().arenaUsed).toBe(used);
    // The threshold that holds is that of the moment.
    set(Option.DEFLATE_THRESHOLD, 0);
    sent(s, small);
    expect<bool>(isHex(output(s), 'c1')).toBe(true);
    set(Option.DEFLATE_THRESHOLD, 64);
    free(s);
    freed(plain);
    freed(small);
    freed(dense);
    expect<bool>(empty()).toBe(true);
  });

  it('becomes context of those that keep one, if it went compressed', () => {
    repeated(100);
    const number = prepare(Opcode.TEXT, HERE, 100);
    const s = open(15);
    s.windowOut = <u16>windowTake();
    sent(s, number);
    expect<u32>(windowHeld(s.windowOut)).toBe(100);
    sent(s, number);
    expect<u32>(windowHeld(s.windowOut)).toBe(200);
    s.deflateOut = 0;
    free(s);
    freed(number);
    expect<bool>(empty()).toBe(true);
  });

  it('goes as it is while the arena has no block, and compressed when it has one', () => {
    repeated(1000);
    const number = prepare(Opcode.TEXT, HERE, 1000);
    const s = open(15);
    fillArena();
    expect<i32>(sent(s, number)).toBe(Sent.OK);
    expect<bool>(isHex(output(s), '81 7e 03 e8')).toBe(true);
    emptyArena();
    queueAcknowledge(s, s.queued);
    expect<i32>(sent(s, number)).toBe(Sent.OK);
    expect<bool>(isHex(output(s), 'c1')).toBe(true);
    free(s);
    freed(number);
    expect<bool>(empty()).toBe(true);
  });
});
