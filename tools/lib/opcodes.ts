// Opcode → the shape of its immediates. WebAssembly 5.4, "Instructions", with the prefixes 0xfc
// (5.4.5 to 5.4.8) and 0xfd (vector instructions); what asc can emit, and no more.

/** How the bytes after an opcode are read. */
export type Immediate =
  | 'none'
  | 'block' // a block type: one signed LEB128 of 33 bits
  | 'index' // one unsigned LEB128
  | 'index2' // two
  | 'labels' // a vector of indices, and one more
  | 'types' // a vector of value types
  | 'memarg' // alignment and offset
  | 'memargLane' // the same and a lane
  | 'lane'
  | 'i32'
  | 'i64'
  | 'f32'
  | 'f64'
  | 'v128'; // 16 bytes

export type Feature =
  'sign-extension' | 'nontrapping-f2i' | 'bulk-memory' | 'reference-types' | 'simd';

export interface Opcode {
  immediate: Immediate;
  /** What an engine needs past the MVP. */
  feature?: Feature;
}

export const MEMORY_SIZE = 0x3f;
export const MEMORY_GROW = 0x40;
export const CALL = 0x10;
export const CALL_INDIRECT = 0x11;
export const BLOCKS: ReadonlySet<number> = new Set([0x02, 0x03, 0x04]);
export const END = 0x0b;

/** First, last opcode of a run with the same immediates. */
type Run = readonly [first: number, last: number, immediate: Immediate, feature?: Feature];

const PLAIN: readonly Run[] = [
  [0x00, 0x01, 'none'], // unreachable, nop
  [0x02, 0x04, 'block'], // block, loop, if
  [0x05, 0x05, 'none'], // else
  [0x0b, 0x0b, 'none'], // end
  [0x0c, 0x0d, 'index'], // br, br_if
  [0x0e, 0x0e, 'labels'], // br_table
  [0x0f, 0x0f, 'none'], // return
  [CALL, CALL, 'index'],
  [CALL_INDIRECT, CALL_INDIRECT, 'index2'],
  [0x1a, 0x1b, 'none'], // drop, select
  [0x1c, 0x1c, 'types', 'reference-types'], // select t
  [0x20, 0x24, 'index'], // local.get, .set, .tee, global.get, .set
  [0x25, 0x26, 'index', 'reference-types'], // table.get, .set
  [0x28, 0x3e, 'memarg'], // loads, stores
  [0x3f, 0x40, 'index'], // memory.size, memory.grow
  [0x41, 0x41, 'i32'], // the four constants
  [0x42, 0x42, 'i64'],
  [0x43, 0x43, 'f32'],
  [0x44, 0x44, 'f64'],
  [0x45, 0xbf, 'none'], // comparisons, arithmetic, conversions
  [0xc0, 0xc4, 'none', 'sign-extension'], // i32.extend8_s to i64.extend32_s
  [0xd0, 0xd0, 'index', 'reference-types'], // ref.null
  [0xd1, 0xd1, 'none', 'reference-types'], // ref.is_null
  [0xd2, 0xd2, 'index', 'reference-types'], // ref.func
];

const PREFIX_FC: readonly Run[] = [
  [0, 7, 'none', 'nontrapping-f2i'], // i32.trunc_sat_f32_s to i64.trunc_sat_f64_u
  [8, 8, 'index2', 'bulk-memory'], // memory.init
  [9, 9, 'index', 'bulk-memory'], // data.drop
  [10, 10, 'index2', 'bulk-memory'], // memory.copy
  [11, 11, 'index', 'bulk-memory'], // memory.fill
  [12, 12, 'index2', 'bulk-memory'], // table.init
  [13, 13, 'index', 'bulk-memory'], // elem.drop
  [14, 14, 'index2', 'bulk-memory'], // table.copy
  [15, 17, 'index', 'reference-types'], // table.grow, .size, .fill
];

const PREFIX_FD: readonly Run[] = [
  [0, 11, 'memarg', 'simd'], // v128.load and its kin, v128.store
  [12, 13, 'v128', 'simd'], // v128.const, i8x16.shuffle
  [14, 20, 'none', 'simd'], // i8x16.swizzle, splats
  [21, 34, 'lane', 'simd'], // extract_lane, replace_lane
  [35, 83, 'none', 'simd'], // comparisons, v128.not to v128.any_true
  [84, 91, 'memargLane', 'simd'], // v128.load8_lane to v128.store64_lane
  [92, 93, 'memarg', 'simd'], // v128.load32_zero, v128.load64_zero
  [94, 255, 'none', 'simd'], // arithmetic
];

/** The opcodes after a prefix byte. */
export const PREFIXED: ReadonlyMap<number, ReadonlyMap<number, Opcode>> = new Map([
  [0xfc, table(PREFIX_FC)],
  [0xfd, table(PREFIX_FD)],
]);

/** The opcodes of one byte. */
export const OPCODES: ReadonlyMap<number, Opcode> = table(PLAIN);

function table(runs: readonly Run[]): Map<number, Opcode> {
  const opcodes = new Map<number, Opcode>();
  for (const [first, last, immediate, feature] of runs) {
    for (let code = first; code <= last; code++) {
      opcodes.set(code, feature === undefined ? { immediate } : { immediate, feature });
    }
  }
  return opcodes;
}
