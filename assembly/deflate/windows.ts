// What a direction of a session agreed on, and the pool of the windows that keep a context from one
// message to the next. RFC 7692 7.1.1, "Context Takeover Control", and 7.1.2.
//
//   deflateIn, deflateOut     - - . T B B B B     0 = no permessage-deflate
//     B  window bits, 8 to 15: how far back that direction's distances reach
//     T  the direction keeps its context: DEFLATE_TAKEOVER
//     .  the message layer's
//
//   window    0 bytes held    4 next free window    8 ... 2^TAKEOVER_BITS bytes, filled from the end
//
// A window is named by its number + 1, so 0 is none. Those never used lie behind the fresh ones'
// count: zeroed memory is a pool of free windows. Taking and giving are O(1).

import { copyBytes, stats, WINDOW_BYTES, WINDOWS } from '../memory';
import { TAKEOVER_BITS, TAKEOVERS } from '../profile';
import { pool, Session } from '../session/session';

/** Of deflateIn and deflateOut: the window bits. */
export const DEFLATE_BITS: u32 = 0x0f;
/** Of deflateIn and deflateOut: the direction keeps its context over messages. */
export const DEFLATE_TAKEOVER: u32 = 0x10;

/** The most bytes that a window holds. */
export const WINDOW_MAX: u32 = 1 << TAKEOVER_BITS;

/** Number + 1 → where a window lies. */
export function windowAddress(window: u32): usize {
  return WINDOWS + (window - 1) * WINDOW_BYTES;
}

/** Takes an empty window: its number + 1, or 0 when none is free. */
export function windowTake(): u32 {
  const p = pool();
  let window = p.windowFreed;
  if (window) {
    p.windowFreed = load<u32>(windowAddress(window), 4);
    store<u32>(windowAddress(window), 0);
  } else {
    if (p.windowFresh == <u32>TAKEOVERS) return 0;
    // It is zero: what nobody writes to costs no page of the operating system yet.
    p.windowFresh += 1;
    window = p.windowFresh;
  }
  const st = stats();
  st.windowsUsed += 1;
  st.windowsPeak = max(st.windowsPeak, st.windowsUsed);
  return window;
}

/** Gives a window back, if it is one. */
export function windowGive(window: u32): void {
  if (!window) return;
  store<u32>(windowAddress(window), pool().windowFreed, 4);
  pool().windowFreed = window;
  stats().windowsUsed -= 1;
}

/** Gives back the window of what a session receives. */
export function windowInRelease(s: Session): void {
  windowGive(s.windowIn);
  s.windowIn = 0;
}

/** Gives back the window of what a session sends. */
export function windowOutRelease(s: Session): void {
  windowGive(s.windowOut);
  s.windowOut = 0;
}

/** Gives back both windows of a session. */
export function windowsRelease(s: Session): void {
  windowInRelease(s);
  windowOutRelease(s);
}

/** How many bytes of context a window holds. */
export function windowHeld(window: u32): u32 {
  return load<u32>(windowAddress(window));
}

/** The first byte of the context: the oldest; the newest lies before the window's end. */
export function windowFirst(window: u32): usize {
  return windowAddress(window) + WINDOW_BYTES - windowHeld(window);
}

/** Adds `n` bytes at `from` to a window's context, of which the last WINDOW_MAX stay. */
export function windowAppend(window: u32, from: usize, n: u32): void {
  const end = windowAddress(window) + WINDOW_BYTES;
  const added = min(n, WINDOW_MAX);
  const kept = min(windowHeld(window), WINDOW_MAX - added);
  // The kept ones move down.
  copyBytes(end - added - kept, end - kept, kept);
  copyBytes(end - added, from + (n - added), added);
  store<u32>(windowAddress(window), kept + added);
}
