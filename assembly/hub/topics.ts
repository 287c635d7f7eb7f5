// Bytes → a topic name, a topic filter, or neither. MQTT 5 4.7, "Topic Names and Topic Filters".
//
//   name      chat/room 1       levels between slashes, which may be empty
//   pattern   chat/+/typing     a filter in which + stands for any one level
//             chat/#            and # for all that follows, its parent included; it comes last
//
// Both are UTF-8 of 1 to TOPIC_MAX_BYTES bytes without U+0000. A filter without wildcards is a name.

import { TOPIC_MAX_BYTES } from '../profile';
import { UTF8_COMPLETE, utf8Check } from '../protocol/utf8';

/** What topicKind answers. */
export const TOPIC_INVALID: i32 = 0;
export const TOPIC_NAME: i32 = 1;
export const TOPIC_PATTERN: i32 = 2;

export const LEVEL_END: u32 = 0x2f; // "/"
export const ANY_LEVEL: u32 = 0x2b; // "+"
export const ANY_REST: u32 = 0x23; // "#"

/** The lowest byte above the wildcards, and 0x01 and 0x80 of each byte of a word. */
const ABOVE: u64 = 0x2c;
const ONES: u64 = 0x0101010101010101;
const TOPS: u64 = 0x8080808080808080;

/** What `n` bytes are: a TOPIC_. */
export function topicKind(p: usize, n: u32): i32 {
  if (n - 1 >= <u32>TOPIC_MAX_BYTES) return TOPIC_INVALID;
  if (utf8Check(UTF8_COMPLETE, p, n) != UTF8_COMPLETE) return TOPIC_INVALID;
  let kind = TOPIC_NAME;
  let before = LEVEL_END;
  const end = p + n;
  while (p < end) {
    // Eight bytes above the wildcards are looked at in one.
    if (p + 8 <= end) {
      const word = load<u64>(p);
      if (!((word - ABOVE * ONES) & ~word & TOPS)) {
        before = <u32>(word >> 56);
        p += 8;
        continue;
      }
    }
    const byte: u32 = load<u8>(p);
    p += 1;
    // MQTT 5 4.7.3: "Topic Names and Topic Filters MUST NOT include the null character".
    if (!byte) return TOPIC_INVALID;
    if (byte == ANY_LEVEL || byte == ANY_REST) {
      // MQTT 5 4.7.1.2 and 4.7.1.3: it is a level of its own, and # "MUST be the last character".
      const alone = p == end || (byte == ANY_LEVEL && load<u8>(p) == LEVEL_END);
      if (before != LEVEL_END || !alone) return TOPIC_INVALID;
      kind = TOPIC_PATTERN;
    }
    before = byte;
  }
  return kind;
}
