// Bytes of a .wasm file → what its sections say. WebAssembly 5.5, "Modules".
//   file     \0asm, version 1, then sections: id, size, contents
//   numbers  LEB128, seven bits a byte, the lowest first

import { walkCode, type CodeVisitor } from './wasm-code.js';

export interface WasmModule {
  customSections: string[];
  types: { params: number[]; results: number[] }[];
  imports: string[];
  /** Type index of each function. */
  functions: number[];
  memories: { min: number; max: number | undefined }[];
  globals: WasmGlobal[];
  exports: { name: string; kind: ExportKind; index: number }[];
  hasStart: boolean;
  /** Where the code section's bodies are; bodies[i] is functions[i] as long as nothing is imported. */
  bodies: { start: number; end: number }[];
}

export interface WasmGlobal {
  mutable: boolean;
  /** The constant it starts with, as its bits; undefined for another global's value. */
  initial: bigint | undefined;
}

export const EXPORT_KINDS = ['function', 'table', 'memory', 'global'] as const;
export type ExportKind = (typeof EXPORT_KINDS)[number];

export const I32 = 0x7f;

/** Reads the sections of a module; throws an Error for bytes that are none. */
export function readWasm(bytes: Uint8Array): WasmModule {
  const module: WasmModule = {
    customSections: [],
    types: [],
    imports: [],
    functions: [],
    memories: [],
    globals: [],
    exports: [],
    hasStart: false,
    bodies: [],
  };
  const cursor = new Cursor(bytes);
  if (cursor.word() !== 0x6d736100 || cursor.word() !== 1) throw new Error('not a wasm module');
  while (cursor.at < bytes.length) {
    const id = cursor.byte();
    const size = cursor.u32();
    const end = cursor.at + size;
    SECTIONS[id]?.(cursor, module, end);
    cursor.at = end;
  }
  return module;
}

type SectionReader = (cursor: Cursor, module: WasmModule, end: number) => void;

/** Section id → reader; tables (4), elements (9), data (11, 12) are of no interest here. */
const SECTIONS: Readonly<Record<number, SectionReader>> = {
  0: (cursor, module) => {
    module.customSections.push(cursor.name());
  },
  1: (cursor, module) => {
    module.types = cursor.vector(() => {
      if (cursor.byte() !== 0x60) throw new Error('a type that is no function type');
      const params = cursor.vector(() => cursor.byte());
      return { params, results: cursor.vector(() => cursor.byte()) };
    });
  },
  2: (cursor, module, end) => {
    // Any import is one too many: the first one's name is all that a complaint needs.
    const count = cursor.u32();
    if (count > 0) module.imports.push(`${cursor.name()}.${cursor.name()}`);
    cursor.at = end;
  },
  3: (cursor, module) => {
    module.functions = cursor.vector(() => cursor.u32());
  },
  5: (cursor, module) => {
    module.memories = cursor.vector(() => {
      const hasMax = (cursor.byte() & 1) === 1;
      return { min: cursor.u32(), max: hasMax ? cursor.u32() : undefined };
    });
  },
  6: (cursor, module) => {
    module.globals = cursor.vector(() => {
      cursor.byte(); // its type
      return { mutable: cursor.byte() === 1, initial: readInitial(cursor) };
    });
  },
  7: (cursor, module) => {
    module.exports = cursor.vector(() => {
      const name = cursor.name();
      const kind = EXPORT_KINDS[cursor.byte()];
      if (!kind) throw new Error(`export ${name} is of an unknown kind`);
      return { name, kind, index: cursor.u32() };
    });
  },
  8: (_, module) => {
    module.hasStart = true;
  },
  10: (cursor, module) => {
    module.bodies = cursor.vector(() => {
      const size = cursor.u32();
      const start = cursor.at;
      cursor.at = start + size;
      return { start, end: cursor.at };
    });
  },
};

/** Walks the instructions of a function body; they must end where the body ends. */
export function walkBody(
  bytes: Uint8Array,
  body: { start: number; end: number },
  visit: CodeVisitor,
): void {
  const cursor = new Cursor(bytes, body.start);
  cursor.vector(() => [cursor.u32(), cursor.byte()]); // the locals
  walkCode(cursor, visit);
  if (cursor.at !== body.end) throw new Error(`a body ends at byte ${cursor.at}, not ${body.end}`);
}

function readInitial(cursor: Cursor): bigint | undefined {
  let initial: bigint | undefined;
  walkCode(cursor, (instruction) => {
    if (instruction.value !== undefined) initial = instruction.value;
  });
  return initial;
}

/** A position in bytes that moves on as things are read. */
export class Cursor {
  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
  ) {}

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Error('the module ends too early');
    return byte;
  }

  /** Four bytes, the lowest first. */
  word(): number {
    return this.byte() | (this.byte() << 8) | (this.byte() << 16) | (this.byte() << 24);
  }

  u32(): number {
    return Number(this.leb());
  }

  /** An unsigned LEB128. A signed one has as many bytes and is zero for the same byte. */
  leb(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  /** The next `count` bytes as one number. */
  raw(count: number): bigint {
    let value = 0n;
    for (let i = 0; i < count; i++) value |= BigInt(this.byte()) << BigInt(8 * i);
    return value;
  }

  name(): string {
    const length = this.u32();
    this.at += length;
    return Buffer.from(this.bytes.subarray(this.at - length, this.at)).toString('utf8');
  }

  vector<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let count = this.u32(); count > 0; count--) items.push(read());
    return items;
  }
}
