// What specs of sending share: sessions that end, options of the module, the output, payloads.

import { Option } from '../../assembly/abi';
import { TX_SPANS } from '../../assembly/memory';
import { release } from '../../assembly/session/ending';
import { queueSpans } from '../../assembly/session/queue';
import { optionAddress, Session, sessionFree } from '../../assembly/session/session';
import { HERE } from './bytes';

export function free(s: Session): void {
  release(s);
  sessionFree(s);
}

/** Sets an option of the module. */
export function set(option: Option, value: u32): void {
  store<u32>(optionAddress(changetype<Session>(0), option), value);
}

/** The first span. */
export function output(s: Session): usize {
  queueSpans(s);
  return load<u32>(TX_SPANS);
}

/** The same text again and again. */
export function repeated(n: u32): void {
  for (let i: u32 = 0; i < n; i++) store<u8>(HERE + i, <u8>(97 + (i % 13)));
}
