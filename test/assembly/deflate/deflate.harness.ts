// deflate/deflate.ts for test/deflate/, which passes and gets numbers only.

import { deflate as run } from '../../../assembly/deflate/deflate';
import { DEFLATE_WINDOW_BITS } from '../../../assembly/profile';

export * from './arena';

export function window_bits(): i32 {
  return DEFLATE_WINDOW_BITS;
}

export function deflate(
  base: u32,
  from: u32,
  end: u32,
  to: u32,
  limit: u32,
  level: i32,
  windowBits: i32,
  flush: i32,
): u32 {
  return <u32>run(base, from, end, to, limit, level, windowBits, flush != 0);
}
