// Strings → the scratch region, where the core reads what is passed by pointer.

import { ErrorCode } from '../../build/limpet.abi.js';
import { LimpetError, type Core } from '../core/core.js';

/** Where a string lies. */
export interface Placed {
  ptr: number;
  len: number;
}

/** Puts strings behind one another in UTF-8, from `skip` bytes on. They are good until the next call. */
export function place(
  core: Core,
  memory: Buffer,
  texts: readonly (string | Uint8Array)[],
  skip = 0,
): Placed[] {
  let ptr = core.scratch + skip;
  const end = core.scratch + core.scratchSize;
  return texts.map((text) => {
    const len = typeof text === 'string' ? Buffer.byteLength(text) : text.length;
    if (ptr + len > end) {
      throw new LimpetError(`more than ${String(core.scratchSize)} bytes`, ErrorCode.ARGUMENT);
    }
    if (typeof text === 'string') memory.write(text, ptr, len, 'utf8');
    else memory.set(text, ptr);
    ptr += len;
    return { ptr: ptr - len, len };
  });
}
