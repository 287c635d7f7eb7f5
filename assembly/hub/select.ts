// A SelectRecord → the sessions for which everything in it holds.

import { SelectRecord, State } from '../abi';
import { METADATA } from '../profile';
import { pool, Session, sessionAt } from '../session/session';
import { metaFind, metaValue, metaValueLength } from './metadata';
import { bytesEqual } from './table';

/** Whether a record, or a null one, names a session; without bits of states it is one of state OPEN. */
export function selects(select: SelectRecord, s: Session): bool {
  const record = changetype<usize>(select);
  const states = record ? select.states : 0;
  if (!(((states ? states : 1 << State.OPEN) >> s.state) & 1)) return false;
  if (!record) return true;
  return (
    s.handle != select.except &&
    s.openedAt >= select.openedFrom &&
    (!select.openedUntil || s.openedAt < select.openedUntil) &&
    s.messagesIn >= select.messagesInFrom &&
    (!select.messagesInTo || s.messagesIn <= select.messagesInTo) &&
    s.messagesOut >= select.messagesOutFrom &&
    (!select.messagesOutTo || s.messagesOut <= select.messagesOutTo) &&
    (!select.keyLen || hasMetadata(select, s))
  );
}

/** Whether a session has the key that a record names, with the value that it names, if it does. */
function hasMetadata(select: SelectRecord, s: Session): bool {
  if (!METADATA) return false;
  const entry = metaFind(s, select.keyPtr, select.keyLen);
  if (!entry || !select.valuePtr) return entry != 0;
  return bytesEqual(metaValue(entry), metaValueLength(entry), select.valuePtr, select.valueLen);
}

/** The handle of the next session behind `handle`'s slot (0: of all) that a record names, or 0. */
export function selectNext(select: SelectRecord, handle: i32): i32 {
  for (let slot: u32 = handle ? (handle & 0xffff) + 1 : 0; slot < pool().fresh; slot++) {
    const s = sessionAt(slot);
    // No record names what is in no use, whatever its states say.
    if (s.state != State.FREE && selects(select, s)) return s.handle;
  }
  return 0;
}
