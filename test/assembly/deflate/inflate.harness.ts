// deflate/inflate.ts for test/deflate/, which passes and gets numbers only.

import {
  Inflate,
  inflate as run,
  INFLATE_BYTES,
  inflateBegin,
  inflateEnded,
} from '../../../assembly/deflate/inflate';

export * from './arena';

export function inflate_bytes(): i32 {
  return INFLATE_BYTES;
}

export function inflate_begin(z: usize): void {
  inflateBegin(changetype<Inflate>(z));
}

/** Runs the stream at `z` over these bytes. */
export function inflate(z: usize, from: u32, end: u32, base: u32, to: u32, limit: u32): i32 {
  const stream = changetype<Inflate>(z);
  stream.from = from;
  stream.end = end;
  stream.base = base;
  stream.to = to;
  stream.limit = limit;
  return run(stream);
}

export function inflate_from(z: usize): u32 {
  return changetype<Inflate>(z).from;
}

export function inflate_to(z: usize): u32 {
  return changetype<Inflate>(z).to;
}

export function inflate_ended(z: usize): i32 {
  return inflateEnded(changetype<Inflate>(z));
}
