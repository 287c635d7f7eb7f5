// A run of instructions → one call per instruction. WebAssembly 5.4: each opcode is followed by
// immediates whose shape the opcode alone tells (opcodes.ts); a run ends with the `end` that
// closes no block.

import { BLOCKS, END, OPCODES, PREFIXED, type Feature, type Immediate } from './opcodes.js';
import type { Cursor } from './wasm.js';

export interface Instruction {
  /** The opcode; after a prefix, the prefix in the bits from 16 on. */
  code: number;
  /** Where it stands in the file. */
  offset: number;
  /** What an engine needs past the MVP. */
  feature: Feature | undefined;
  /** Of a constant: its bits; zero if and only if the constant is. */
  value: bigint | undefined;
  /** Of what takes one index (a call, a local, a branch): that. */
  index: number | undefined;
}

export type CodeVisitor = (instruction: Instruction) => void;

export function walkCode(cursor: Cursor, visit: CodeVisitor): void {
  for (let depth = 1; depth > 0;) {
    const offset = cursor.at;
    const first = cursor.byte();
    const more = PREFIXED.get(first);
    const code = more ? cursor.u32() : first;
    const opcode = (more ?? OPCODES).get(code);
    if (!opcode)
      throw new Error(
        `unknown opcode ${hex(first)}${more ? ` ${hex(code)}` : ''} at byte ${offset}`,
      );
    const index = opcode.immediate === 'index' ? cursor.u32() : undefined;
    const value = readImmediate(cursor, opcode.immediate);
    const { feature } = opcode;
    visit({ code: more ? (first << 16) | code : code, offset, feature, value, index });
    if (more) continue;
    if (BLOCKS.has(code)) depth++;
    else if (code === END) depth--;
  }
}

/** Steps over the immediates that are not read yet; answers a constant's bits. */
function readImmediate(cursor: Cursor, immediate: Immediate): bigint | undefined {
  switch (immediate) {
    case 'none':
    case 'index':
      return undefined;
    case 'i32':
    case 'i64':
      return cursor.leb();
    case 'f32':
      return cursor.raw(4);
    case 'f64':
      return cursor.raw(8);
    case 'v128':
      return cursor.raw(16);
    case 'block':
      cursor.leb();
      return undefined;
    case 'index2':
      cursor.leb();
      cursor.leb();
      return undefined;
    case 'memarg':
      readMemarg(cursor);
      return undefined;
    case 'memargLane':
      readMemarg(cursor);
      cursor.byte();
      return undefined;
    case 'lane':
      cursor.byte();
      return undefined;
    case 'labels':
      cursor.vector(() => cursor.leb());
      cursor.leb();
      return undefined;
    case 'types':
      cursor.vector(() => cursor.byte());
      return undefined;
  }
}

/** Alignment, a memory's index if bit 6 of it is set, offset. */
function readMemarg(cursor: Cursor): void {
  if (cursor.u32() & 0x40) cursor.leb();
  cursor.leb();
}

function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, '0')}`;
}
