// Memory for test/deflate/, beside that of the core.

import { CODEC } from '../../../assembly/memory';
import { CODEC_BYTES } from '../../../assembly/deflate/layout';

const ARENA_BYTES: i32 = 8 << 20;
const ARENA: usize = memory.data(ARENA_BYTES, 16);

export function arena(): usize {
  return ARENA;
}

export function arena_bytes(): i32 {
  return ARENA_BYTES;
}

/** One past the last byte of the codec's tables; 16 bytes behind it are nobody's in debug builds. */
export function codec_end(): usize {
  return CODEC + CODEC_BYTES;
}
