// A key and a value of one session ↔ an entry of the pool. Both are bytes of any kind.
//
//   METADATA   METADATA_ENTRIES x ENTRY_BYTES, then the names of http/keep.ts
//   entry      next, key length, value length, slot, key, value
//
// The entries of a session are chained from its record in the order in which their keys came; those
// freed are chained, too. A call looks at the entries of one session. They stay with it until its
// CLOSED event is acknowledged: what is known of a session can be read when its end is told.

import { ErrorCode } from '../abi';
import { copyBytes, fieldRecord, HUB_STATE, METADATA_TABLES, stats } from '../memory';
import { METADATA_ENTRIES, METADATA_KEY_BYTES, METADATA_VALUE_BYTES, SESSIONS } from '../profile';
import { Session } from '../session/session';
import { ENTRY_BYTES, METADATA_STATE } from './layout';
import { bytesEqual } from './table';


@unmanaged
class MetaState {
  /** First freed entry, 0 = none. */
  freed: u32;
  /** Entries never used begin at this one. */
  fresh: u32;
}


@unmanaged
class Entry {
  /** The session's next entry, or the next freed one; 0 = none. */
  next: u32;
  keyLength: u8;
  valueLength: u8;
  /** The session's slot; NO_SLOT in a freed entry. */
  slot: u16;
}

/** Where an entry's key and value begin. */
const KEY: usize = 8;
const VALUE: usize = KEY + METADATA_KEY_BYTES;
/** No session has this slot. */
const NO_SLOT: u16 = <u16>SESSIONS;

// @ts-ignore: decorator
@inline
function metaState(): MetaState {
  return changetype<MetaState>(HUB_STATE + METADATA_STATE);
}

/** An entry or null. */
// @ts-ignore: decorator
@inline
function entryAt(address: usize): Entry {
  return changetype<Entry>(address);
}

/** The word that points at the session's entry of a key; at the chain's end when it has none. */
function link(s: Session, key: usize, n: u32): usize {
  let at = changetype<usize>(s) + offsetof<Session>('metadata');
  for (let e: usize = load<u32>(at); e; e = load<u32>(at)) {
    if (bytesEqual(e + KEY, entryAt(e).keyLength, key, n)) return at;
    at = e;
  }
  return at;
}

/** The entry of a key, or 0. */
export function metaFind(s: Session, key: usize, n: u32): usize {
  return load<u32>(link(s, key, n));
}

/** Where an entry's value lies. */
// @ts-ignore: decorator
@inline
export function metaValue(entry: usize): usize {
  return entry + VALUE;
}

/** Bytes of an entry's value. */
// @ts-ignore: decorator
@inline
export function metaValueLength(entry: usize): u32 {
  return entryAt(entry).valueLength;
}

/** Takes an entry for a session; 0 when there is none (counted in StatsRecord.metadataFull). */
function entryTake(s: Session): usize {
  const state = metaState();
  const st = stats();
  let e: usize = state.freed;
  if (e) state.freed = entryAt(e).next;
  else if (state.fresh < <u32>METADATA_ENTRIES) {
    e = METADATA_TABLES + state.fresh * ENTRY_BYTES;
    state.fresh += 1;
  } else {
    st.metadataFull += 1;
    return 0;
  }
  entryAt(e).next = 0;
  entryAt(e).slot = <u16>s.handle;
  st.metadataUsed += 1;
  st.metadataPeak = max(st.metadataPeak, st.metadataUsed);
  return e;
}

/** Takes the entry that the word at `at` points at out of its chain, and frees it. */
function entryGive(at: usize): void {
  const state = metaState();
  const e: usize = load<u32>(at);
  store<u32>(at, entryAt(e).next);
  entryAt(e).slot = NO_SLOT;
  entryAt(e).next = state.freed;
  state.freed = <u32>e;
  stats().metadataUsed -= 1;
}

/**
 * Gives a key a value in place of the one that it has.
 *
 * @param key 1 to METADATA_KEY_BYTES bytes
 * @param value at most METADATA_VALUE_BYTES bytes
 * @returns 0, ErrorCode.ARGUMENT, or METADATA when no entry is free
 */
export function metaSet(s: Session, key: usize, n: u32, value: usize, length: u32): i32 {
  // n - 1: a key has a byte or more.
  if (n - 1 >= <u32>METADATA_KEY_BYTES || length > <u32>METADATA_VALUE_BYTES) {
    return ErrorCode.ARGUMENT;
  }
  const at = link(s, key, n);
  let e: usize = load<u32>(at);
  if (!e) {
    e = entryTake(s);
    if (!e) return ErrorCode.METADATA;
    store<u32>(at, <u32>e);
    entryAt(e).keyLength = <u8>n;
    copyBytes(e + KEY, key, n);
  }
  entryAt(e).valueLength = <u8>length;
  copyBytes(e + VALUE, value, length);
  return 0;
}

/** Key and value of an entry → the FieldRecord. */
export function metaTell(e: usize): void {
  const field = fieldRecord();
  field.namePtr = <u32>(e + KEY);
  field.nameLen = entryAt(e).keyLength;
  field.ptr = <u32>metaValue(e);
  field.len = metaValueLength(e);
}

/** Forgets a key; returns 1, or 0 when the session does not have it. */
export function metaDelete(s: Session, key: usize, n: u32): i32 {
  const at = link(s, key, n);
  if (!load<u32>(at)) return 0;
  entryGive(at);
  return 1;
}

/**
 * Tells a session's next entry.
 *
 * @param key 0 for the first one; else where the key lies that was told last
 * @returns 0; ErrorCode.ABSENT after the last entry, ARGUMENT when the one told last is not the
 *   session's (any more)
 */
export function metaNext(s: Session, key: usize): i32 {
  let at = changetype<usize>(s) + offsetof<Session>('metadata');
  if (key) {
    at = key - KEY;
    const number = <u32>(at - METADATA_TABLES) / ENTRY_BYTES;
    if (number >= metaState().fresh || METADATA_TABLES + number * ENTRY_BYTES != at) {
      return ErrorCode.ARGUMENT;
    }
    if (entryAt(at).slot != <u16>s.handle) return ErrorCode.ARGUMENT;
  }
  const e: usize = load<u32>(at);
  if (!e) return ErrorCode.ABSENT;
  metaTell(e);
  return 0;
}

/** Entries in a chain, for debug.ts; more than METADATA_ENTRIES when one of them is not of that slot. */
export function metaCount(first: u32, slot: u32): u32 {
  let count: u32 = 0;
  for (let e: usize = first; e && count <= <u32>METADATA_ENTRIES; e = entryAt(e).next) {
    count += entryAt(e).slot == <u16>slot ? 1 : METADATA_ENTRIES + 1;
  }
  return count;
}

/** Whether the entries of all sessions and those freed are all that were ever used; for debug.ts. */
export function metaSound(used: u32): bool {
  const state = metaState();
  return used == stats().metadataUsed && used + metaCount(state.freed, NO_SLOT) == state.fresh;
}

/** Frees all entries of a session. */
export function metaRelease(s: Session): void {
  const at = changetype<usize>(s) + offsetof<Session>('metadata');
  while (load<u32>(at)) entryGive(at);
}
