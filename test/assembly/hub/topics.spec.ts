// What is a topic name, what a pattern, and what neither. MQTT 5 4.7.

import { TOPIC_INVALID, TOPIC_NAME, TOPIC_PATTERN, topicKind } from '../../../assembly/hub/topics';
import { TOPIC_MAX_BYTES } from '../../../assembly/profile';
import { ascii, HERE, hex, THERE } from '../bytes';

/** The kind of a text, wherever it lies in a word and whatever follows it. */
function kind(text: string): i32 {
  const found = topicKind(HERE, ascii(HERE, text));
  for (let at: usize = 1; at < 9; at++) {
    const n = ascii(HERE + at, text);
    store<u8>(HERE + at + n, <u8>(at & 1 ? 0x2b : 0x23));
    if (topicKind(HERE + at, n) != found) return -1;
  }
  return found;
}

function kindOfHex(text: string): i32 {
  return topicKind(HERE, hex(HERE, text));
}

describe('topicKind', () => {
  it('takes names: levels that may be empty, spaces, $, any UTF-8', () => {
    expect<i32>(kind('a')).toBe(TOPIC_NAME);
    expect<i32>(kind('/')).toBe(TOPIC_NAME);
    expect<i32>(kind('//')).toBe(TOPIC_NAME);
    expect<i32>(kind('chat/room 1/')).toBe(TOPIC_NAME);
    expect<i32>(kind('/finance')).toBe(TOPIC_NAME);
    expect<i32>(kind('Accounts payable')).toBe(TOPIC_NAME);
    expect<i32>(kind('$SYS/monitor/Clients')).toBe(TOPIC_NAME);
    expect<i32>(kindOfHex('c3a9 2f f09f9880')).toBe(TOPIC_NAME);
    // MQTT 5 1.5.4: U+FEFF is not to be skipped.
    expect<i32>(kindOfHex('efbbbf')).toBe(TOPIC_NAME);
  });

  it('takes patterns: + for a level, # for the rest', () => {
    expect<i32>(kind('#')).toBe(TOPIC_PATTERN);
    expect<i32>(kind('+')).toBe(TOPIC_PATTERN);
    expect<i32>(kind('/#')).toBe(TOPIC_PATTERN);
    expect<i32>(kind('/+')).toBe(TOPIC_PATTERN);
    expect<i32>(kind('+/')).toBe(TOPIC_PATTERN);
    expect<i32>(kind('+/+')).toBe(TOPIC_PATTERN);
    expect<i32>(kind('+/tennis/#')).toBe(TOPIC_PATTERN);
    expect<i32>(kind('sport/+/player1')).toBe(TOPIC_PATTERN);
    expect<i32>(kind('sport/tennis/player1/#')).toBe(TOPIC_PATTERN);
    expect<i32>(kind('eightbyt/+')).toBe(TOPIC_PATTERN);
  });

  it('refuses a wildcard that is not a level, and a # that is not the last one', () => {
    expect<i32>(kind('sport/tennis#')).toBe(TOPIC_INVALID);
    expect<i32>(kind('sport/tennis/#/ranking')).toBe(TOPIC_INVALID);
    expect<i32>(kind('sport+')).toBe(TOPIC_INVALID);
    expect<i32>(kind('+sport')).toBe(TOPIC_INVALID);
    expect<i32>(kind('a/+b/c')).toBe(TOPIC_INVALID);
    expect<i32>(kind('++')).toBe(TOPIC_INVALID);
    expect<i32>(kind('+#')).toBe(TOPIC_INVALID);
    expect<i32>(kind('##')).toBe(TOPIC_INVALID);
    expect<i32>(kind('#/')).toBe(TOPIC_INVALID);
    expect<i32>(kind('#a')).toBe(TOPIC_INVALID);
    expect<i32>(kind('eightbyt#')).toBe(TOPIC_INVALID);
    expect<i32>(kind('eightbytes/seven+')).toBe(TOPIC_INVALID);
  });

  it('refuses U+0000 and what is not UTF-8', () => {
    expect<i32>(kindOfHex('00')).toBe(TOPIC_INVALID);
    expect<i32>(kindOfHex('6162636465666768 696a6b6c6d6e6f00')).toBe(TOPIC_INVALID);
    expect<i32>(kindOfHex('61 00 62')).toBe(TOPIC_INVALID);
    expect<i32>(kindOfHex('ff')).toBe(TOPIC_INVALID);
    expect<i32>(kindOfHex('c080')).toBe(TOPIC_INVALID);
    expect<i32>(kindOfHex('eda080')).toBe(TOPIC_INVALID);
    expect<i32>(kindOfHex('61 c3')).toBe(TOPIC_INVALID);
  });

  it('takes 1 to TOPIC_MAX_BYTES bytes', () => {
    for (let i: u32 = 0; i <= <u32>TOPIC_MAX_BYTES; i++) store<u8>(HERE + i, 0x61);
    expect<i32>(topicKind(HERE, 0)).toBe(TOPIC_INVALID);
    expect<i32>(topicKind(HERE, TOPIC_MAX_BYTES)).toBe(TOPIC_NAME);
    expect<i32>(topicKind(HERE, TOPIC_MAX_BYTES + 1)).toBe(TOPIC_INVALID);
    expect<i32>(topicKind(HERE, u32.MAX_VALUE)).toBe(TOPIC_INVALID);
  });

  it('reads nothing behind the last byte', () => {
    // The last bytes of linear memory are the specs' own allocator's, which gets them back.
    const end = (<usize>memory.size()) << 16;
    memory.copy(THERE, end - 20, 20);
    let wrong = 0;
    for (let n: u32 = 1; n < 20; n++) {
      memory.fill(end - n, 0x61, n);
      if (topicKind(end - n, n) != TOPIC_NAME) wrong += 1;
    }
    memory.copy(end - 20, THERE, 20);
    expect<i32>(wrong).toBe(0);
  });
});
