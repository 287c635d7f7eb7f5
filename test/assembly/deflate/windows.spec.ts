// The pool of windows, and what a window keeps.

import { Role, State } from '../../../assembly/abi';
import {
  WINDOW_MAX,
  windowAddress,
  windowAppend,
  windowFirst,
  windowGive,
  windowHeld,
  windowsRelease,
  windowTake,
} from '../../../assembly/deflate/windows';
import { stats, WINDOW_BYTES, WINDOWS } from '../../../assembly/memory';
import { TAKEOVERS } from '../../../assembly/profile';
import { sessionFree, sessionOpen } from '../../../assembly/session/session';
import { ascii, HERE, isAscii } from '../bytes';

/** Appends text. */
function append(window: u32, text: string): void {
  windowAppend(window, HERE, ascii(HERE, text));
}

/** Whether a window holds this text and nothing else. */
function holds(window: u32, text: string): bool {
  return isAscii(windowFirst(window), windowHeld(window), text);
}

describe('windowTake', () => {
  it('gives each window once, then none', () => {
    for (let i = 0; i < TAKEOVERS; i++) expect<u32>(windowTake()).toBe(i + 1);
    expect<u32>(windowTake()).toBe(0);
    expect<u32>(windowTake()).toBe(0);
    expect<u32>(stats().windowsPeak).toBe(TAKEOVERS);
    expect<usize>(windowAddress(1)).toBe(WINDOWS);
    expect<usize>(windowAddress(2)).toBe(WINDOWS + WINDOW_BYTES);
  });

  it('gives what was given back, the last one first, and empty', () => {
    append(3, 'old');
    windowGive(7);
    expect<u32>(stats().windowsPeak).toBe(TAKEOVERS);
    windowGive(3);
    windowGive(0);
    expect<u32>(windowTake()).toBe(3);
    expect<u32>(windowHeld(3)).toBe(0);
    expect<u32>(windowTake()).toBe(7);
    expect<u32>(windowTake()).toBe(0);
    for (let i = TAKEOVERS; i > 0; i--) windowGive(i);
  });
});

describe('windowsRelease', () => {
  it('gives both windows of a session back', () => {
    const s = sessionOpen(Role.SERVER, State.OPEN);
    s.windowIn = <u16>windowTake();
    s.windowOut = <u16>windowTake();
    const out: u32 = s.windowOut;
    windowsRelease(s);
    expect<u32>(s.windowIn | s.windowOut).toBe(0);
    expect<u32>(windowTake()).toBe(out);
    windowGive(out);
    windowsRelease(s);
    sessionFree(s);
    // Nothing went back twice.
    const first = windowTake();
    expect<bool>(windowTake() == first).toBe(false);
  });
});

describe('windowAppend', () => {
  it('keeps what comes, the newest before the end', () => {
    const window = windowTake();
    append(window, 'Hello');
    expect<bool>(holds(window, 'Hello')).toBe(true);
    append(window, '');
    append(window, ', world, and all who live in it');
    expect<bool>(holds(window, 'Hello, world, and all who live in it')).toBe(true);
    expect<usize>(windowFirst(window) + windowHeld(window)).toBe(
      windowAddress(window) + WINDOW_BYTES,
    );
    windowGive(window);
  });

  it('keeps the last bytes of old and new, at every length', () => {
    const window = windowTake();
    const before = windowTake();
    let wrong = 0;
    let total: u32 = 0;
    for (let n: u32 = 0; n < WINDOW_MAX + 40; n += 1 + n / 3) {
      for (let i: u32 = 0; i < n; i++) store<u8>(HERE + i, <u8>((total + i) * 7));
      windowAppend(window, HERE, n);
      total += n;
      const held = windowHeld(window);
      if (held != min(total, WINDOW_MAX)) wrong += 1;
      const first = windowFirst(window);
      for (let i: u32 = 0; i < held; i++) {
        if (load<u8>(first + i) != <u8>((total - held + i) * 7)) wrong += 1;
      }
      if (windowHeld(before)) wrong += 1;
    }
    expect<i32>(wrong).toBe(0);
    expect<bool>(total > WINDOW_MAX * 2).toBe(true);
  });
});
