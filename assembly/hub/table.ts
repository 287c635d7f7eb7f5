// Records of a static pool, found by a hash of their key: how rooms, memberships and levels of
// topics are kept. Taking, finding and giving back are O(1), as far as hashes spread.
//
//   pool     first record given back, 0 = none     records that were ever used
//   heads    a power of two of words: the first record of each chain, 0 = none
//   record   at 0, while it is in no use: the next one given back
//            at `link`, while it is in use: the next one of its chain, 0 = none
//
// Zeroed memory is an empty table. The hash has no secret: the same inputs give the same outputs. Who
// chooses keys can make them share a chain, which is as long as the pool at the most.

/** An odd number with bits all over: 2^64 over the golden ratio. */
const SPREAD: u64 = 0x9e3779b97f4a7c15;


@unmanaged
export class Pool {
  freed: u32;
  fresh: u32;
}

/** Two counters of StatsRecord that follow each other. */
@unmanaged
class Use {
  now: u32;
  peak: u32;
}

/**
 * Takes a record.
 *
 * @param pool the pool's two words
 * @param use where its use is counted
 * @param records where the first one lies
 * @param bytes of each
 * @param count how many there are; one of them is free
 */
export function recordTake(pool: usize, use: usize, records: usize, bytes: u32): usize {
  const p = changetype<Pool>(pool);
  let record: usize = p.freed;
  if (record) p.freed = load<u32>(record);
  else {
    record = records + p.fresh * bytes;
    p.fresh += 1;
  }
  const u = changetype<Use>(use);
  u.now += 1;
  u.peak = max(u.peak, u.now);
  return record;
}

/** Gives a record back that is in no chain. */
export function recordGive(pool: usize, use: usize, record: usize): void {
  const p = changetype<Pool>(pool);
  store<u32>(record, p.freed);
  p.freed = <u32>record;
  changetype<Use>(use).now -= 1;
}

/** Puts a record at the front of a chain. */
export function chainAdd(head: usize, record: usize, link: usize): void {
  store<u32>(record + link, load<u32>(head));
  store<u32>(head, <u32>record);
}

/** Takes a record out of its chain. */
export function chainRemove(head: usize, record: usize, link: usize): void {
  let owner = head;
  while (load<u32>(owner) != <u32>record) owner = <usize>load<u32>(owner) + link;
  store<u32>(owner, load<u32>(record + link));
}

/**
 * Carries a hash over 8 more bytes. Their high bits reach its low ones with the next word, so that
 * one follows the last word of a key.
 */
export function hashWord(hash: u64, word: u64): u64 {
  hash = (hash ^ word) * SPREAD;
  return hash ^ (hash >> 32);
}

/** The first 8 of `n` bytes as a word, with zeros behind the last one. Nothing is read behind it. */
export function wordAt(p: usize, n: u32): u64 {
  if (n >= 8) return load<u64>(p);
  let word: u64 = 0;
  while (n) {
    n -= 1;
    word = (word << 8) | load<u8>(p + n);
  }
  return word;
}

/** The hash of `n` bytes, 1 or more. */
export function hashBytes(p: usize, n: u32): u32 {
  let hash: u64 = n;
  const end = p + n;
  while (p < end) {
    hash = hashWord(hash, wordAt(p, <u32>(end - p)));
    p += 8;
  }
  return <u32>hashWord(hash, 0);
}

/** Whether `n` bytes at `p` are the `m` bytes at `q`. */
export function bytesEqual(p: usize, n: u32, q: usize, m: u32): bool {
  if (n != m) return false;
  const end = p + n;
  while (p < end) {
    const left = <u32>(end - p);
    if (wordAt(p, left) != wordAt(q, left)) return false;
    p += 8;
    q += 8;
  }
  return true;
}
