// What a trusted peer says of the address that it speaks for → the session's address. A PROXY protocol
// header comes before the request (protocol/proxy.ts), X-Forwarded-For is one of its fields.

import { ErrorCode, Trust } from '../abi';
import { headRead } from '../http/handshake';
import { COMMA, fieldRead, skipSpace } from '../http/head';
import { fieldsEnd, fieldsFrom } from '../http/request';
import { FORWARDED_FOR, textIs } from '../http/text';
import { copyBytes, fieldRecord } from '../memory';
import { ipPortRead } from '../protocol/ip';
import { PROXY_KEPT, proxyNeed, proxyRead } from '../protocol/proxy';
import { arenaGive, arenaGrow, Use } from '../session/arena';
import { fail } from '../session/ending';
import { Session } from '../session/session';
import { addressDraft, addressMove } from './addresses';

const TRUST_PROXY: u32 = Trust.PROXY | Trust.PROXY_REQUIRED;

/** Whether a session's bytes may begin with a PROXY protocol header, or are inside of one. */
// @ts-ignore: decorator
@inline
export function proxyDue(s: Session): bool {
  return (s.trust & TRUST_PROXY) != 0;
}

/**
 * Takes what belongs to a PROXY protocol header. It is gathered in the block in which the head will be.
 *
 * @returns how far it came: `end` as long as the header is due
 */
export function proxyTake(s: Session, at: usize, end: usize): usize {
  const block = arenaGrow(s.block, 0, PROXY_KEPT, PROXY_KEPT);
  s.block = <u32>block;
  if (!block) {
    fail(s, ErrorCode.HTTP_OVERLOAD);
    return end;
  }
  let have = <u32>s.messageLength;
  let need = proxyNeed(block, have);
  while (need > <i32>have) {
    const take = min(<u32>need - have, <u32>(end - at));
    if (!take) {
      s.messageLength = have;
      return end;
    }
    // Of what lies behind the addresses nothing is kept.
    if (have < PROXY_KEPT) copyBytes(block + have, at, min(take, PROXY_KEPT - have));
    have += take;
    at += take;
    need = proxyNeed(block, have);
  }
  let error = need < 0 ? need : proxyRead(addressDraft(), block, have);
  if (error == ErrorCode.ABSENT && s.trust & Trust.PROXY_REQUIRED) error = ErrorCode.PROXY;
  if (error == ErrorCode.PROXY) {
    fail(s, error);
    return end;
  }
  if (error > 0) addressMove(s);
  s.trust &= <u8>Trust.FORWARDED;
  s.messageLength = 0;
  s.block = 0;
  // What looked like a header for at most 12 bytes is the beginning of a head.
  const first = changetype<usize>(s) + offsetof<Session>('header0');
  if (error < 0) copyBytes(first, block, have);
  arenaGive(block, Use.IN);
  if (error < 0) headRead(s, first, first + have);
  return at;
}

/**
 * Takes the address that X-Forwarded-For tells in a whole head, if it tells one: the last of the last
 * field. That is what the trusted peer appended itself; all before it came from others, and a client may write
 * there what it likes.
 */
export function forwardedTake(s: Session, block: usize): void {
  const field = fieldRecord();
  const end = fieldsEnd(block);
  let from: usize = 0;
  let last: usize = 0;
  for (let p = fieldsFrom(block); p < end;) {
    p = fieldRead(p, end);
    if (!textIs(field.namePtr, field.nameLen, FORWARDED_FOR)) continue;
    from = field.ptr;
    last = from + field.len;
  }
  let p = last;
  while (p > from && load<u8>(p - 1) != COMMA) p -= 1;
  if (ipPortRead(addressDraft(), skipSpace(p, last), last)) addressMove(s);
}
