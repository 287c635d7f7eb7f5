// A message → everybody who is to have it: the members of rooms, all sessions, or a list of them.
//
//   limpet_publish     topic ─► rooms ─► members, each once          (rooms.ts)
//   limpet_broadcast   all sessions, or those that a SelectRecord names    (select.ts)
//   limpet_send_many   a list of handles, with an answer for each
//
// The frame is made once and referred to by each queue: see frames.ts.

import { ErrorCode, Option, PublishRecord, SelectRecord, Sent, State } from '../abi';
import { stats } from '../memory';
import { referenceOf } from '../session/queue';
import { optionDefault, pool, Session, sessionAt, sessionFind } from '../session/session';
import { framesBegin, framesEnd, framesSend, shared } from './frames';
import { matchNext, Member } from './rooms';
import { selects } from './select';

/** Begins a publication: its record is empty. */
function begin(kind: i32, from: usize, bytes: u32): void {
  const m = shared();
  m.delivered = m.over = m.dropped = m.flush = 0;
  framesBegin(kind, from, bytes);
}

/** Sends the message under way to a session that is open, and writes down what came of it. */
function offer(s: Session): void {
  if (s.state != State.OPEN) return;
  const m = shared();
  const answer = framesSend(s);
  if (answer == Sent.OK) {
    m.delivered += 1;
  } else if (answer == Sent.BACKPRESSURE) {
    m.delivered += 1;
    m.over += 1;
  } else {
    m.dropped += 1;
  }
}

/** Ends a publication. */
function end(): PublishRecord {
  framesEnd();
  const m = shared();
  const st = stats();
  st.published += 1;
  st.delivered += m.delivered;
  st.undelivered += m.dropped;
  const batch = optionDefault(Option.BATCH);
  m.waiting += u32(m.delivered != 0);
  if (batch && m.waiting >= batch) {
    m.waiting = 0;
    m.flush = 1;
  }
  return changetype<PublishRecord>(changetype<usize>(m));
}

/** All that was published is written: the batch begins anew. */
export function publishFlushed(): void {
  shared().waiting = 0;
}

/**
 * Sends a message to the members of all rooms that matchBegin looks for.
 *
 * @param except the handle of a session that gets nothing, 0 for none
 */
export function publish(kind: i32, from: usize, bytes: u32, except: i32): PublishRecord {
  begin(kind, from, bytes);
  const number = numberNext();
  for (let room = matchNext(); changetype<usize>(room); room = matchNext()) {
    room.messages += 1;
    room.bytes += bytes;
    let member = changetype<Member>(<usize>room.first);
    while (changetype<usize>(member)) {
      const s = sessionAt(member.slot);
      const reference = referenceOf(s);
      if (load<u32>(reference) != number && s.handle != except) {
        store<u32>(reference, number);
        offer(s);
      }
      member = changetype<Member>(<usize>member.next);
    }
  }
  return end();
}

/** The number of a publication: each session remembers its last one, so that two rooms do not send it twice. */
function numberNext(): u32 {
  const m = shared();
  m.number += 1;
  if (!m.number) {
    // They come round: what the sessions remember would be of long ago.
    m.number = 1;
    for (let slot: u32 = 0; slot < pool().fresh; slot++)
      store<u32>(referenceOf(sessionAt(slot)), 0);
  }
  return m.number;
}

/** Sends a message to all sessions that a record, or a null one, names and that are open. */
export function broadcast(select: SelectRecord, kind: i32, from: usize, bytes: u32): PublishRecord {
  begin(kind, from, bytes);
  for (let slot: u32 = 0; slot < pool().fresh; slot++) {
    const s = sessionAt(slot);
    if (selects(select, s)) offer(s);
  }
  return end();
}

/**
 * Sends a message to a list of sessions.
 *
 * @param list handles, four bytes each; over each its Sent or ErrorCode is written
 */
export function sendMany(list: usize, count: u32, kind: i32, from: usize, bytes: u32): void {
  framesBegin(kind, from, bytes);
  for (const end = list + (count << 2); list < end; list += 4) {
    const s = sessionFind(load<i32>(list));
    store<i32>(list, changetype<usize>(s) ? framesSend(s) : ErrorCode.HANDLE);
  }
  framesEnd();
}
