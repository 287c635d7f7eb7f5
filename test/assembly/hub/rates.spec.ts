// Token buckets: exact to the millisecond for any limit and window, and in order for those who wait
// for the rate of all.

import { EventKind, EventRecord, Option, RatePolicy, Role, State } from '../../../assembly/abi';
import {
  rated,
  rateAt,
  rateJudge,
  ratesClear,
  rateSound,
  Verdict,
} from '../../../assembly/hub/rates';
import { EVENT_BYTES, EVENT_ENTRIES, eventRing, stats } from '../../../assembly/memory';
import { EVENTS } from '../../../assembly/profile';
import { receive, receiveRoom } from '../../../assembly/receive';
import { enter, gone } from '../../../assembly/session/ending';
import { eventsAcknowledge } from '../../../assembly/session/events';
import {
  clockSet,
  optionAddress,
  pool,
  Session,
  sessionOpen,
} from '../../../assembly/session/session';
import { tick } from '../../../assembly/session/ticking';
import { HERE, hex } from '../bytes';

let now: i32 = 1;

function pass(ms: i32): void {
  now += ms;
  clockSet(now);
}

function setDefault(option: Option, value: i32): void {
  store<i32>(optionAddress(changetype<Session>(0), option), value);
}

/** The rates of one session, those of all, and what happens past them; all buckets are full. */
function rates(policy: RatePolicy, messages: i32, bytes: i32, all: i32, allBytes: i32): void {
  setDefault(Option.RATE_POLICY, policy);
  setDefault(Option.RATE_MESSAGES, messages);
  setDefault(Option.RATE_BYTES, bytes);
  setDefault(Option.RATE_ALL_MESSAGES, all);
  setDefault(Option.RATE_ALL_BYTES, allBytes);
  setDefault(Option.RATE_WINDOW_MS, 1000);
  ratesClear();
}

function open(): Session {
  clockSet(now);
  return sessionOpen(Role.SERVER, State.OPEN);
}

function close(s: Session): void {
  gone(s);
  if (!rateSound(s)) expect<i32>(0).toBe(111);
  eventsAcknowledge(eventRing().head - eventRing().tail);
}

/** Judges a message of one frame. */
function judge(s: Session, bytes: u64): Verdict {
  const verdict = rateJudge(s, true, true, bytes);
  if (!rateSound(s)) expect<i32>(0).toBe(111);
  return verdict;
}

/** How long a session waits from now on, ms; -1 when it does not. */
function waits(s: Session): i64 {
  return s.slowed ? <i64>rateAt(s) - <i64>pool().clock : -1;
}

function lastKind(): u32 {
  const at = EVENT_ENTRIES + ((eventRing().head - 1) & (EVENTS - 1)) * EVENT_BYTES;
  return changetype<EventRecord>(at).kind;
}

describe('rateJudge', () => {
  it('has nothing to do without a rate', () => {
    rates(RatePolicy.DROP, 0, 0, 0, 0);
    expect<bool>(rated()).toBe(false);
    for (let option: i32 = Option.RATE_MESSAGES; option <= Option.RATE_ALL_BYTES; option++) {
      setDefault(option, 1);
      expect<bool>(rated()).toBe(true);
      setDefault(option, 0);
    }
  });

  it('lets pass a full bucket, and then exactly limit messages in each window', () => {
    const limits = [1, 2, 3, 7, 10, 999, 1000, 1001];
    const windows = [1, 2, 3, 10, 60, 997, 1000];
    for (let i = 0; i < limits.length; i++) {
      for (let j = 0; j < windows.length; j++) {
        const limit = limits[i];
        const window = windows[j];
        rates(RatePolicy.DROP, limit, 0, 0, 0);
        setDefault(Option.RATE_WINDOW_MS, window);
        const s = open();
        let passed: i64 = 0;
        let wrong = 0;
        // Each millisecond takes all that it can.
        for (let ms = 0; ms <= 60; ms++) {
          while (judge(s, 0) == Verdict.PASS) passed += 1;
          if (passed != limit + (<i64>ms * limit) / window) wrong += 1;
          pass(1);
        }
        if (wrong) expect<i32>(limit * 10000 + window).toBe(0);
        close(s);
      }
    }
  });

  it('counts bytes as exactly, and messages beside them', () => {
    rates(RatePolicy.DROP, 1000, 333, 0, 0);
    const s = open();
    expect<Verdict>(judge(s, 300)).toBe(Verdict.PASS);
    expect<Verdict>(judge(s, 34)).toBe(Verdict.DROP);
    expect<Verdict>(judge(s, 33)).toBe(Verdict.PASS);
    // 100 bytes come back in 300.3 ms.
    pass(300);
    expect<Verdict>(judge(s, 100)).toBe(Verdict.DROP);
    pass(1);
    expect<Verdict>(judge(s, 100)).toBe(Verdict.PASS);
    close(s);
  });

  it('takes nothing out of either bucket for a message that is dropped', () => {
    rates(RatePolicy.DROP, 3, 10, 0, 0);
    const s = open();
    expect<Verdict>(judge(s, 10)).toBe(Verdict.PASS);
    for (let i = 0; i < 10; i++) expect<Verdict>(judge(s, 1)).toBe(Verdict.DROP);
    expect<Verdict>(judge(s, 0)).toBe(Verdict.PASS);
    expect<Verdict>(judge(s, 0)).toBe(Verdict.PASS);
    expect<Verdict>(judge(s, 0)).toBe(Verdict.DROP);
    close(s);
  });

  it('lets a frame longer than the bucket pass when that is full, and not before it was paid for', () => {
    rates(RatePolicy.DROP, 0, 10, 0, 0);
    const s = open();
    expect<Verdict>(judge(s, 1000)).toBe(Verdict.PASS);
    pass(99_999);
    expect<Verdict>(judge(s, 11)).toBe(Verdict.DROP);
    expect<Verdict>(judge(s, 9)).toBe(Verdict.PASS);
    pass(901);
    expect<Verdict>(judge(s, 11)).toBe(Verdict.PASS);
    close(s);
  });

  it('does not overflow with the largest limits, windows and frames', () => {
    const most = i32.MAX_VALUE;
    rates(RatePolicy.QUEUE, most, most, most, most);
    setDefault(Option.RATE_WINDOW_MS, most);
    const s = open();
    expect<Verdict>(judge(s, i64.MAX_VALUE)).toBe(Verdict.PASS);
    // 2^31 ms for 2^31 - 1 bytes.
    expect<Verdict>(judge(s, i64.MAX_VALUE)).toBe(Verdict.WAIT);
    expect<i64>(waits(s)).toBe(most);
    const other = open();
    // Those in front and itself: as much as is ever owed at once.
    expect<Verdict>(judge(other, most)).toBe(Verdict.WAIT);
    expect<bool>(waits(other) >= most && waits(other) <= 2 * <i64>most).toBe(true);
    close(other);
    close(s);
  });

  it('gives the one who comes next in a slot full buckets', () => {
    rates(RatePolicy.REJECT, 1, 0, 0, 0);
    const s = open();
    expect<Verdict>(judge(s, 5)).toBe(Verdict.PASS);
    expect<Verdict>(judge(s, 5)).toBe(Verdict.REJECT);
    close(s);
    const next = open();
    expect<bool>(next == s).toBe(true);
    expect<Verdict>(judge(next, 5)).toBe(Verdict.PASS);
    close(next);
  });
});

describe('the rate of all', () => {
  it('is shared, whoever sends', () => {
    rates(RatePolicy.REJECT, 3, 0, 4, 0);
    const one = open();
    const two = open();
    for (let i = 0; i < 3; i++) expect<Verdict>(judge(one, 1)).toBe(Verdict.PASS);
    expect<Verdict>(judge(one, 1)).toBe(Verdict.REJECT);
    expect<Verdict>(judge(two, 1)).toBe(Verdict.PASS);
    expect<Verdict>(judge(two, 1)).toBe(Verdict.REJECT);
    pass(250);
    expect<Verdict>(judge(two, 1)).toBe(Verdict.PASS);
    expect<Verdict>(judge(two, 1)).toBe(Verdict.REJECT);
    close(one);
    close(two);
  });

  it('lets those who wait go on in their order, each at its moment', () => {
    rates(RatePolicy.QUEUE, 0, 0, 10, 0);
    const first = open();
    for (let i = 0; i < 10; i++) expect<Verdict>(judge(first, 1)).toBe(Verdict.PASS);
    const one = open();
    const two = open();
    const three = open();
    expect<Verdict>(judge(one, 1)).toBe(Verdict.WAIT);
    expect<Verdict>(judge(two, 1)).toBe(Verdict.WAIT);
    pass(50);
    expect<Verdict>(judge(three, 1)).toBe(Verdict.WAIT);
    expect<i64>(waits(one)).toBe(50);
    expect<i64>(waits(two)).toBe(150);
    expect<i64>(waits(three)).toBe(250);
    pass(50);
    tick();
    expect<i64>(waits(one)).toBe(-1);
    expect<i64>(waits(two)).toBe(100);
    // It was paid for while it waited.
    expect<Verdict>(judge(one, 1)).toBe(Verdict.PASS);
    expect<Verdict>(judge(one, 1)).toBe(Verdict.WAIT);
    expect<i64>(waits(one)).toBe(300);
    close(one);
    close(two);
    close(three);
    close(first);
  });

  it('gets back what a session that ends had taken for a frame that never passed', () => {
    rates(RatePolicy.QUEUE, 0, 0, 1, 100);
    const first = open();
    expect<Verdict>(judge(first, 100)).toBe(Verdict.PASS);
    const one = open();
    const two = open();
    expect<Verdict>(judge(one, 50_000)).toBe(Verdict.WAIT);
    expect<i64>(waits(one)).toBe(1000);
    close(one);
    expect<Verdict>(judge(two, 100)).toBe(Verdict.WAIT);
    expect<i64>(waits(two)).toBe(1000);
    close(two);
    close(first);
  });

  it('counts who waits once a wait, who is dropped once a message', () => {
    rates(RatePolicy.QUEUE, 1, 0, 0, 0);
    const before = stats().rateQueued;
    const s = open();
    hex(HERE, '818100000000' + '61' + '818100000000' + '62' + '818100000000' + '63');
    expect<i32>(receive(s, HERE, 21)).toBe(7);
    for (let i = 0; i < 5; i++) expect<i32>(receive(s, HERE + 7, 14)).toBe(0);
    expect<i32>(receiveRoom(s)).toBe(0);
    expect<u64>(stats().rateQueued - before).toBe(1);
    pass(1000);
    tick();
    expect<u32>(lastKind()).toBe(EventKind.READABLE);
    expect<i32>(receive(s, HERE + 7, 14)).toBe(7);
    expect<u64>(stats().rateQueued - before).toBe(2);
    close(s);
  });
});

describe('ratesClear', () => {
  it('fills all buckets and lets those go on who wait', () => {
    rates(RatePolicy.QUEUE, 1, 0, 2, 0);
    const one = open();
    const two = open();
    judge(one, 1);
    judge(one, 1);
    judge(two, 1);
    expect<bool>(one.slowed).toBe(true);
    ratesClear();
    expect<bool>(one.slowed).toBe(false);
    expect<u32>(lastKind()).toBe(EventKind.READABLE);
    // The frames for which they waited pass, and then what full buckets hold.
    expect<Verdict>(judge(one, 1)).toBe(Verdict.PASS);
    expect<Verdict>(judge(two, 1)).toBe(Verdict.PASS);
    expect<Verdict>(judge(one, 1)).toBe(Verdict.PASS);
    expect<Verdict>(judge(two, 1)).toBe(Verdict.PASS);
    expect<Verdict>(judge(two, 1)).toBe(Verdict.WAIT);
    close(one);
    close(two);
  });
});

describe('a session that leaves OPEN while it waits', () => {
  it('is read from again, and waits no more', () => {
    rates(RatePolicy.QUEUE, 1, 0, 0, 0);
    const s = open();
    judge(s, 1);
    judge(s, 1);
    expect<i32>(receiveRoom(s)).toBe(0);
    enter(s, State.CLOSING);
    expect<bool>(s.slowed).toBe(false);
    expect<bool>(receiveRoom(s) > 0).toBe(true);
    expect<u32>(lastKind()).toBe(EventKind.READABLE);
    close(s);
    rates(RatePolicy.DROP, 0, 0, 0, 0);
  });
});
