// Keys and values of sessions, and the pool of their entries.

import { ErrorCode, Role, State } from '../../../assembly/abi';
import {
  metaCount,
  metaDelete,
  metaFind,
  metaNext,
  metaRelease,
  metaSet,
  metaSound,
  metaTell,
  metaValue,
  metaValueLength,
} from '../../../assembly/hub/metadata';
import { ENTRY_BYTES } from '../../../assembly/hub/layout';
import { fieldRecord, stats } from '../../../assembly/memory';
import {
  METADATA_ENTRIES,
  METADATA_KEY_BYTES,
  METADATA_VALUE_BYTES,
} from '../../../assembly/profile';
import {
  Session,
  sessionAfter,
  sessionFind,
  sessionFree,
  sessionOpen,
} from '../../../assembly/session/session';
import { ascii, HERE, isAscii, THERE } from '../bytes';

function open(): Session {
  return sessionOpen(Role.SERVER, State.OPEN);
}

function close(s: Session): void {
  metaRelease(s);
  sessionFree(s);
}

function set(s: Session, key: string, value: string): i32 {
  return metaSet(s, HERE, ascii(HERE, key), THERE, ascii(THERE, value));
}

/** Whether the key has this value. */
function has(s: Session, key: string, value: string): bool {
  const e = metaFind(s, HERE, ascii(HERE, key));
  return e != 0 && isAscii(metaValue(e), metaValueLength(e), value);
}

function find(s: Session, key: string): usize {
  return metaFind(s, HERE, ascii(HERE, key));
}

function remove(s: Session, key: string): i32 {
  return metaDelete(s, HERE, ascii(HERE, key));
}

function told(key: string, value: string): bool {
  const field = fieldRecord();
  return isAscii(field.namePtr, field.nameLen, key) && isAscii(field.ptr, field.len, value);
}

describe('metaSet', () => {
  it('keeps values of each session under its own keys, and replaces them', () => {
    const a = open();
    const b = open();
    expect<i32>(set(a, 'role', 'admin')).toBe(0);
    expect<i32>(set(b, 'role', 'guest')).toBe(0);
    expect<i32>(set(a, 'user', 'ann')).toBe(0);
    expect<bool>(has(a, 'role', 'admin')).toBe(true);
    expect<bool>(has(b, 'role', 'guest')).toBe(true);
    expect<bool>(has(b, 'user', 'ann')).toBe(false);
    expect<i32>(set(a, 'role', 'x')).toBe(0);
    expect<bool>(has(a, 'role', 'x')).toBe(true);
    expect<u32>(stats().metadataUsed).toBe(3);
    expect<bool>(metaSound(3)).toBe(true);
    close(a);
    expect<bool>(has(b, 'role', 'guest')).toBe(true);
    close(b);
    expect<u32>(stats().metadataUsed).toBe(0);
    expect<bool>(metaSound(0)).toBe(true);
  });

  it('takes the longest key and value, any bytes, no value at all, and nothing longer', () => {
    const s = open();
    for (let i = 0; i < METADATA_KEY_BYTES + 1; i++) store<u8>(HERE + i, <u8>(255 - i));
    for (let i = 0; i < METADATA_VALUE_BYTES + 1; i++) store<u8>(THERE + i, <u8>i);
    expect<i32>(metaSet(s, HERE, METADATA_KEY_BYTES, THERE, METADATA_VALUE_BYTES)).toBe(0);
    expect<i32>(metaSet(s, HERE, METADATA_KEY_BYTES - 1, THERE, 0)).toBe(0);
    const whole = metaFind(s, HERE, METADATA_KEY_BYTES);
    expect<u32>(metaValueLength(whole)).toBe(METADATA_VALUE_BYTES);
    let same = 0;
    for (let i = 0; i < METADATA_VALUE_BYTES; i++) {
      same += i32(load<u8>(metaValue(whole) + i) == <u8>i);
    }
    expect<i32>(same).toBe(METADATA_VALUE_BYTES);
    const shorter = metaFind(s, HERE, METADATA_KEY_BYTES - 1);
    expect<bool>(shorter != 0 && shorter != whole).toBe(true);
    expect<u32>(metaValueLength(shorter)).toBe(0);
    const no = ErrorCode.ARGUMENT;
    expect<i32>(metaSet(s, HERE, METADATA_KEY_BYTES + 1, THERE, 0)).toBe(no);
    expect<i32>(metaSet(s, HERE, 1, THERE, METADATA_VALUE_BYTES + 1)).toBe(no);
    expect<i32>(metaSet(s, HERE, 0, THERE, 1)).toBe(no);
    expect<usize>(metaFind(s, HERE, METADATA_KEY_BYTES + 1)).toBe(0);
    expect<usize>(metaFind(s, HERE, 0)).toBe(0);
    expect<u32>(stats().metadataUsed).toBe(2);
    close(s);
  });

  it('fills the pool and no more; what is there can still be replaced', () => {
    const a = open();
    const b = open();
    const before = stats().metadataFull;
    set(b, 'k', 'v');
    // A call walks over the entries of its session: no more than 16 each.
    let full = open();
    let refused = 0;
    for (let taken = 1; taken < METADATA_ENTRIES; taken++) {
      if (taken % 16 == 0) full = open();
      store<u32>(HERE, taken);
      refused += metaSet(full, HERE, 4, THERE, 1);
    }
    expect<i32>(refused).toBe(0);
    expect<i32>(set(a, 'more', '')).toBe(ErrorCode.METADATA);
    expect<usize>(find(a, 'more')).toBe(0);
    expect<u64>(stats().metadataFull).toBe(before + 1);
    expect<i32>(set(b, 'k', 'another')).toBe(0);
    expect<bool>(has(b, 'k', 'another')).toBe(true);
    expect<u32>(stats().metadataPeak).toBe(METADATA_ENTRIES);
    expect<i32>(remove(b, 'k')).toBe(1);
    expect<i32>(set(a, 'more', 'room')).toBe(0);
    expect<bool>(has(a, 'more', 'room')).toBe(true);
    for (let handle = sessionAfter(0); handle; handle = sessionAfter(0)) {
      close(sessionFind(handle));
    }
    expect<u32>(stats().metadataUsed).toBe(0);
    expect<bool>(metaSound(0)).toBe(true);
  });
});

describe('metaDelete', () => {
  it('takes the first, a middle and the last key out of the chain', () => {
    const s = open();
    set(s, 'a', '1');
    set(s, 'b', '2');
    set(s, 'c', '3');
    set(s, 'd', '4');
    expect<i32>(remove(s, 'b')).toBe(1);
    expect<i32>(remove(s, 'b')).toBe(0);
    expect<i32>(remove(s, 'd')).toBe(1);
    expect<i32>(remove(s, 'a')).toBe(1);
    expect<bool>(has(s, 'c', '3')).toBe(true);
    expect<usize>(find(s, 'a') + find(s, 'b') + find(s, 'd')).toBe(0);
    expect<u32>(metaCount(s.metadata, s.handle & 0xffff)).toBe(1);
    close(s);
  });
});

describe('metaNext', () => {
  it('tells keys and values in the order in which the keys came', () => {
    const s = open();
    expect<i32>(metaNext(s, 0)).toBe(ErrorCode.ABSENT);
    set(s, 'b', '1');
    set(s, 'a', '2');
    set(s, 'b', '3');
    expect<i32>(metaNext(s, 0)).toBe(0);
    expect<bool>(told('b', '3')).toBe(true);
    expect<i32>(metaNext(s, fieldRecord().namePtr)).toBe(0);
    expect<bool>(told('a', '2')).toBe(true);
    expect<i32>(metaNext(s, fieldRecord().namePtr)).toBe(ErrorCode.ABSENT);
    metaTell(find(s, 'b'));
    expect<bool>(told('b', '3')).toBe(true);
    close(s);
  });

  it('takes no cursor of another session, of a deleted key, or made up', () => {
    const a = open();
    const b = open();
    set(a, 'x', '1');
    set(b, 'y', '2');
    expect<i32>(metaNext(b, 0)).toBe(0);
    const key: usize = fieldRecord().namePtr;
    expect<i32>(metaNext(a, key)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(metaNext(b, key - 1)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(metaNext(b, key + 4)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(metaNext(b, key + ENTRY_BYTES)).toBe(ErrorCode.ARGUMENT);
    remove(b, 'y');
    expect<i32>(metaNext(b, key)).toBe(ErrorCode.ARGUMENT);
    for (let made = 1; made < 9; made++) {
      expect<i32>(metaNext(a, made)).toBe(ErrorCode.ARGUMENT);
      expect<i32>(metaNext(a, 0 - made)).toBe(ErrorCode.ARGUMENT);
    }
    expect<i32>(metaNext(a, i32.MAX_VALUE)).toBe(ErrorCode.ARGUMENT);
    expect<i32>(metaNext(a, 1 << 31)).toBe(ErrorCode.ARGUMENT);
    close(a);
    close(b);
  });
});
