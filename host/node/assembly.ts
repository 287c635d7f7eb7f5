// CHUNK events of a message → the message, in Node's memory: for messages that are longer than the
// core's blocks.

import { EventFlag } from '../../build/limpet.abi.js';
import type { Link } from './link.js';

/** The largest buffer that is made for a message before its bytes have come. */
const TRUSTED_BYTES = 1 << 20;

/**
 * Adds a piece to the message that is under way for a connection.
 *
 * @param flags EventFlag bits: BEGIN starts a message
 * @param piece a view of linear memory
 * @param remaining bytes of the current frame that follow
 */
export function assemble(link: Link, flags: number, piece: Buffer, remaining: number): void {
  let { assembly } = link;
  if (flags & EventFlag.BEGIN || !assembly) {
    assembly = link.assembly = { buffer: Buffer.alloc(0), length: 0 };
  }
  const need = assembly.length + piece.length;
  if (need > assembly.buffer.length) {
    // Declared bytes are believed up to a bound, so that a header alone costs little memory; from
    // there on, and for fragments, the buffer doubles.
    const declared = Math.min(need + remaining, TRUSTED_BYTES);
    const bytes = flags & EventFlag.END ? need : Math.max(declared, 2 * need);
    const larger = Buffer.allocUnsafeSlow(bytes);
    assembly.buffer.copy(larger, 0, 0, assembly.length);
    assembly.buffer = larger;
  }
  piece.copy(assembly.buffer, assembly.length);
  assembly.length = need;
}

/** Takes the message that is whole now. */
export function assembled(link: Link): Buffer {
  const { assembly } = link;
  link.assembly = undefined;
  return assembly ? assembly.buffer.subarray(0, assembly.length) : Buffer.alloc(0);
}
