// Payload of compressed messages → their bytes, by the calls that the pump makes. RFC 7692 7.2.2.

import { Delivery, ErrorCode, Role, State } from '../../../assembly/abi';
import { deflate } from '../../../assembly/deflate/deflate';
import {
  DEFLATE_NOW,
  INFLATE_WAIT,
  inflateEnd,
  inflatePayload,
  inflateTaken,
  inflating,
} from '../../../assembly/deflate/incoming';
import {
  WINDOW_MAX,
  windowAppend,
  windowHeld,
  windowTake,
} from '../../../assembly/deflate/windows';
import { stats } from '../../../assembly/memory';
import { BLOCK_MAX_BYTES, INGRESS_BYTES } from '../../../assembly/profile';
import { arenaBytes, arenaGive, arenaTake, Use } from '../../../assembly/session/arena';
import { release } from '../../../assembly/session/ending';
import { Session, sessionFree, sessionOpen } from '../../../assembly/session/session';
import { HERE, hex, isAscii, THERE } from '../bytes';

/** RFC 7692 7.2.3.1. */
const HELLO = 'f248cdc9c90700';

/** A session in the middle of a compressed message. */
function open(): Session {
  const s = sessionOpen(Role.SERVER, State.OPEN);
  s.deflateIn = <u8>(15 | DEFLATE_NOW);
  s.messageOpcode = 2;
  return s;
}

function free(s: Session): void {
  release(s);
  sessionFree(s);
  expect<u32>(stats().arenaUsed).toBe(0);
}

/** Takes `n` bytes at HERE, which are not masked; returns what inflatePayload does. */
function run(s: Session, n: u32, last: bool): i32 {
  return inflatePayload(s, HERE, n, last, false);
}

/** Ends a message, as the pump does. */
function over(s: Session): void {
  arenaGive(s.block, Use.IN);
  s.block = 0;
  s.messageLength = 0;
}

/** Writes so many zeros, compressed, at HERE; returns how many bytes that are. `flush`: more can follow. */
function zeros(bytes: u32, flush: bool = false): u32 {
  memory.fill(HERE, 0, bytes);
  const end = deflate(HERE, HERE, HERE + bytes, THERE, THERE + 4096, 9, 15, flush);
  memory.copy(HERE, THERE, end - THERE);
  return <u32>(end - THERE);
}

/** Whether none of the `n` bytes before the end of what was made is other than 0. */
function areZeros(s: Session, n: u32): bool {
  let sum: u32 = 0;
  for (let p = inflateEnd(s) - n; p < inflateEnd(s); p++) sum |= load<u8>(p);
  return sum == 0;
}

const MARK: u64 = 0x5ca1ab1e0ddba115;

/** Puts a word behind the session's block; returns the one that was there, which is the arena's. */
function guard(s: Session, word: u64): u64 {
  const end = s.block + arenaBytes(s.block);
  const was = load<u64>(end);
  store<u64>(end, word);
  return was;
}

describe('inflating', () => {
  it('is about the message under way', () => {
    const s = open();
    expect<bool>(inflating(s)).toBe(true);
    s.deflateIn = 15;
    expect<bool>(inflating(s)).toBe(false);
    free(s);
  });
});

describe('inflatePayload', () => {
  it('makes the bytes of a message', () => {
    const s = open();
    expect<i32>(run(s, hex(HERE, HELLO), true)).toBe(5);
    expect<u32>(inflateTaken(s)).toBe(7);
    expect<bool>(isAscii(inflateEnd(s) - 5, 5, 'Hello')).toBe(true);
    free(s);
  });

  it('makes them at every cut', () => {
    for (let cut = 0; cut <= 7; cut++) {
      const s = open();
      const n = hex(HERE, HELLO);
      const first = run(s, cut, false);
      s.messageLength = first;
      memory.copy(HERE, HERE + cut, n - cut);
      expect<i32>(first + run(s, n - cut, true)).toBe(5);
      expect<bool>(isAscii(inflateEnd(s) - 5, 5, 'Hello')).toBe(true);
      free(s);
    }
  });

  it('keeps the context in the session’s window', () => {
    const s = open();
    s.windowIn = <u16>windowTake();
    expect<i32>(run(s, hex(HERE, HELLO), true)).toBe(5);
    expect<u32>(windowHeld(s.windowIn)).toBe(5);
    over(s);
    // RFC 7692 7.2.3.2: the same message again refers to the first.
    expect<i32>(run(s, hex(HERE, 'f200110000'), true)).toBe(5);
    expect<bool>(isAscii(inflateEnd(s) - 5, 5, 'Hello')).toBe(true);
    expect<u32>(windowHeld(s.windowIn)).toBe(10);
    free(s);
  });

  it('takes no more of the window along than distances reach, so that a stream has room', () => {
    const s = open();
    s.streaming = true;
    s.deflateIn = <u8>(8 | DEFLATE_NOW);
    s.windowIn = <u16>windowTake();
    memory.fill(HERE, 97, WINDOW_MAX);
    windowAppend(s.windowIn, HERE, WINDOW_MAX);
    expect<i32>(run(s, 0, false)).toBe(0);
    const room = arenaBytes(s.block) - <u32>(inflateEnd(s) - s.block);
    expect<bool>(room >= 512 && room < arenaBytes(s.block)).toBe(true);
    free(s);
  });

  it('refuses a context where none is kept', () => {
    const s = open();
    run(s, hex(HERE, HELLO), true);
    over(s);
    expect<i32>(run(s, hex(HERE, 'f200110000'), true)).toBe(ErrorCode.DEFLATE);
    free(s);
  });

  it('refuses what is no DEFLATE, and what ends too soon', () => {
    const s = open();
    expect<i32>(run(s, hex(HERE, '07'), false)).toBe(ErrorCode.DEFLATE);
    free(s);
    const short = open();
    expect<i32>(run(short, hex(HERE, 'f248cd'), true)).toBe(ErrorCode.DEFLATE);
    free(short);
    const nothing = open();
    expect<i32>(run(nothing, 0, true)).toBe(ErrorCode.DEFLATE);
    free(nothing);
  });

  it('refuses a message of more than MESSAGE_MAX', () => {
    const s = open();
    s.messageMax = 5;
    expect<i32>(run(s, hex(HERE, HELLO), true)).toBe(5);
    over(s);
    s.messageMax = 4;
    expect<i32>(run(s, hex(HERE, HELLO), true)).toBe(ErrorCode.TOO_BIG);
    free(s);
  });

  it('gathers in a block that grows', () => {
    const s = open();
    s.messageMax = 0;
    expect<i32>(run(s, zeros(100_000), true)).toBe(100_000);
    expect<bool>(areZeros(s, 100_000)).toBe(true);
    expect<bool>(arenaBytes(s.block) > 100_000).toBe(true);
    free(s);
  });

  it('goes on as a stream where a block is too small, unless messages are whole', () => {
    const s = open();
    s.messageMax = 0;
    s.delivery = Delivery.AUTO;
    const n = zeros(200_000, true);
    memory.copy(HERE + n, HERE, n);
    const made = run(s, 2 * n, false);
    expect<bool>(s.streaming).toBe(true);
    expect<bool>(made > 200_000 && made < BLOCK_MAX_BYTES).toBe(true);
    expect<bool>(inflateTaken(s) < 2 * n).toBe(true);
    free(s);
    const whole = open();
    whole.messageMax = 0;
    whole.delivery = Delivery.WHOLE;
    expect<i32>(run(whole, 2 * n, false)).toBe(ErrorCode.TOO_BIG);
    free(whole);
  });

  it('writes nothing behind its block, whatever the end of a message makes', () => {
    const s = open();
    s.streaming = true;
    s.deflateIn = <u8>(8 | DEFLATE_NOW);
    // 768 bytes, all that the block has room for, and the first bit of a literal: its other bits are
    // in the 00 00 ff ff that every message ends with.
    const n = hex(HERE, '4a1c05a3600483');
    expect<i32>(run(s, 0, false)).toBe(0);
    expect<u32>(arenaBytes(s.block)).toBe(1024);
    const was = guard(s, MARK);
    let made = run(s, n, true);
    if (made > 0) {
      s.messageLength = made;
      const at = inflateTaken(s);
      made = inflatePayload(s, HERE + at, n - at, true, false);
    }
    expect<i32>(made).toBe(ErrorCode.DEFLATE);
    expect<u64>(guard(s, was)).toBe(MARK);
    free(s);
  });

  it('refuses the rest of a message when MESSAGE_MAX falls below what has come', () => {
    const s = open();
    s.messageMax = 0;
    s.streaming = true;
    const n = zeros(250_000);
    const made = run(s, n, true);
    const taken = inflateTaken(s);
    const was = guard(s, MARK);
    s.messageLength = made;
    s.messageMax = 1000;
    const rest = inflatePayload(s, HERE + taken, n - taken, true, false);
    expect<i32>(rest).toBe(ErrorCode.TOO_BIG);
    expect<u64>(guard(s, was)).toBe(MARK);
    free(s);
  });

  it('waits while what was told may not be moved, and streams all of a message', () => {
    const s = open();
    s.messageMax = 0;
    s.streaming = true;
    const n = zeros(250_000);
    let at: u32 = 0;
    let waits = 0;
    let wrong = 0;
    while (at < n && wrong == 0) {
      let made = inflatePayload(s, HERE + at, n - at, true, true);
      if (made == INFLATE_WAIT) {
        waits += 1;
        made = inflatePayload(s, HERE + at, n - at, true, false);
      }
      if (made < 0 || !areZeros(s, made)) wrong += 1;
      at += inflateTaken(s);
      s.messageLength += made;
    }
    expect<u32>(at).toBe(n);
    expect<i32>(wrong).toBe(0);
    expect<bool>(waits > 0).toBe(true);
    expect<u64>(s.messageLength).toBe(250_000);
    free(s);
  });

  it('waits for memory that events hold, and is refused when none does', () => {
    const s = open();
    s.delivery = Delivery.WHOLE;
    // The first block and all larger ones are taken.
    const n = zeros(100_000);
    const blocks = HERE + INGRESS_BYTES / 2;
    let taken = 0;
    for (let bytes: u32 = BLOCK_MAX_BYTES; bytes >= 256; bytes >>= 1) {
      for (let block = arenaTake(bytes, Use.IN); block; block = arenaTake(bytes, Use.IN)) {
        store<u32>(blocks + (taken << 2), <u32>block);
        taken += 1;
      }
    }
    expect<i32>(inflatePayload(s, HERE, n, true, true)).toBe(INFLATE_WAIT);
    expect<i32>(run(s, n, true)).toBe(ErrorCode.OVERLOAD);
    for (let i = 0; i < taken; i++) arenaGive(load<u32>(blocks + (i << 2)), Use.IN);
    expect<i32>(run(s, n, true)).toBe(100_000);
    free(s);
  });
});
