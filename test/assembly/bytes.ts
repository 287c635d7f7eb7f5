// Texts → bytes in linear memory, and back to a yes or no: what the specs are written with.

import { Region } from '../../assembly/abi';
import { regionAddress } from '../../assembly/memory';

/** Where a spec may put bytes: two regions that the core does not touch by itself. */
export const HERE: usize = <usize>regionAddress(Region.INGRESS);
export const THERE: usize = <usize>regionAddress(Region.SCRATCH);

function digit(code: i32): i32 {
  return code > 96 ? code - 87 : code - 48;
}

/** Writes bytes given in hex, spaces between them or not; returns how many. */
export function hex(at: usize, text: string): u32 {
  let n: u32 = 0;
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) == 32) continue;
    const byte = (digit(text.charCodeAt(i)) << 4) | digit(text.charCodeAt(i + 1));
    store<u8>(at + n, <u8>byte);
    n += 1;
    i += 1;
  }
  return n;
}

/** Writes Latin-1 text; returns how many bytes. */
export function ascii(at: usize, text: string): u32 {
  for (let i = 0; i < text.length; i++) store<u8>(at + i, <u8>text.charCodeAt(i));
  return text.length;
}

/** Whether the bytes at `at` are these, given in hex. */
export function isHex(at: usize, text: string): bool {
  const n = hex(THERE + 4096, text);
  for (let i: u32 = 0; i < n; i++) {
    if (load<u8>(at + i) != load<u8>(THERE + 4096 + i)) return false;
  }
  return true;
}

/** Whether the `n` bytes at `at` are this text. */
export function isAscii(at: usize, n: u32, text: string): bool {
  if (n != <u32>text.length) return false;
  for (let i = 0; i < text.length; i++) {
    if (load<u8>(at + i) != <u8>text.charCodeAt(i)) return false;
  }
  return true;
}
