// The event ring → the events that wait in it, and their acknowledgement.

import { EventRecord } from '../../assembly/abi';
import { EVENT_BYTES, eventRing } from '../../assembly/memory';
import { eventRingReady, eventsAcknowledge } from '../../assembly/session/events';

/** How many events wait. */
export function waiting(): u32 {
  return eventRing().head - eventRing().tail;
}

/** The newest event. */
export function newest(): EventRecord {
  const ring = eventRingReady();
  return changetype<EventRecord>(<usize>ring.base + ((ring.head - 1) & ring.mask) * EVENT_BYTES);
}

/** Whether one event waits, and it says this. It is acknowledged. */
export function told(kind: u32, flags: u32, code: u32, detail: i32): bool {
  const e = newest();
  const right = e.kind == kind && e.flags == flags && e.code == code && e.detail == detail;
  return acknowledge() == 1 && right;
}

/** Acknowledges all events; returns how many there were. */
export function acknowledge(): u32 {
  const n = waiting();
  eventsAcknowledge(n);
  return n;
}
