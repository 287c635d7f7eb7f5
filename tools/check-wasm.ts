// A .wasm file → what keeps it from being a statically allocated core without imports. The third
// layer of the proof that nothing allocates; the first two are in lib/compile.ts.

import type { AbiFunction } from './lib/abi-model.js';
import { CALL, CALL_INDIRECT, MEMORY_GROW, MEMORY_SIZE } from './lib/opcodes.js';
import { I32, readWasm, walkBody, type WasmModule } from './lib/wasm.js';

/** Exports of every module besides the functions of the ABI. */
const EXPORTS = new Map([
  ['memory', 'memory'],
  ['__heap_base', 'global'],
  ['__data_end', 'global'],
]);

/** Bytes of a page of linear memory. */
export const PAGE_BYTES = 65_536;

/** Complaints about a shipping module, one line each; none is the wish. */
export function checkWasm(
  bytes: Uint8Array,
  functions: readonly AbiFunction[],
  simd: boolean,
): string[] {
  const module = readWasm(bytes);
  // Imported functions come first in the count, so the rest would be complaints about the wrong ones.
  const [imported] = module.imports;
  if (imported) return [`imports ${imported}; the core imports nothing`];
  return [
    ...module.customSections.map((name) => `has a custom section "${name}"; nothing reads it`),
    ...(module.hasStart ? ['has a start section; hosts boot the core by its exports'] : []),
    ...checkExports(module, functions),
    ...checkMemory(module),
    ...checkGlobals(module),
    ...checkCode(bytes, module, simd),
    ...checkCalls(bytes, module),
  ];
}

/** Pages of linear memory, and the address up to which the module uses them. */
export function memoryOf(bytes: Uint8Array): { pages: number; staticEnd: number } {
  const module = readWasm(bytes);
  return {
    pages: module.memories[0]?.min ?? 0,
    staticEnd: exportedConstant(module, '__heap_base'),
  };
}

/** The name under which function `index` is exported, else its number. */
function functionName(module: WasmModule, index: number): string {
  const named = module.exports.find((entry) => entry.kind === 'function' && entry.index === index);
  return named?.name ?? `function ${index}`;
}

function* checkExports(module: WasmModule, functions: readonly AbiFunction[]): Iterable<string> {
  const kinds = new Map<string, string>([
    ...EXPORTS,
    ...functions.map(({ name }) => [name, 'function'] as const),
  ]);
  for (const { name, kind } of module.exports) {
    if (kinds.get(name) !== kind) yield `exports the ${kind} ${name}, which the ABI does not know`;
    kinds.delete(name);
  }
  for (const [name, kind] of kinds) yield `does not export the ${kind} ${name}`;
  for (const { name, params } of functions) {
    const found = module.exports.find((entry) => entry.name === name && entry.kind === 'function');
    const type = module.types[module.functions[found?.index ?? -1] ?? -1];
    if (!type) continue;
    const signature = [...type.params, ...type.results];
    if (signature.length !== params.length + 1 || signature.some((part) => part !== I32)) {
      yield `${name} does not take ${params.length} i32 and answer one, as the ABI has it`;
    }
  }
}

function* checkMemory(module: WasmModule): Iterable<string> {
  const [memory, ...more] = module.memories;
  if (!memory || more.length > 0) {
    yield `has ${module.memories.length} memories, not one`;
    return;
  }
  const { min, max } = memory;
  if (min !== max)
    yield `has a memory of ${min} to ${max ?? 'any number of'} pages; min must be max`;
  const base = exportedConstant(module, '__heap_base');
  const end = exportedConstant(module, '__data_end');
  if (base % 16 !== 0)
    yield `has its __heap_base at ${base}, which is no multiple of 16: pad the last region`;
  if (end > base || base > min * PAGE_BYTES) {
    yield `has __data_end ${end}, __heap_base ${base}, memory end ${min * PAGE_BYTES} out of order`;
  }
}

function* checkGlobals(module: WasmModule): Iterable<string> {
  for (const [index, { mutable, initial }] of module.globals.entries()) {
    if (mutable && initial !== 0n) {
      yield `global ${index} is mutable and starts with ${initial ?? 'another global'}; WAMR takes it for the stack pointer`;
    }
  }
}

function* checkCode(bytes: Uint8Array, module: WasmModule, simd: boolean): Iterable<string> {
  for (const [index, body] of module.bodies.entries()) {
    const found = new Set<string>();
    walkBody(bytes, body, ({ code, offset, feature }) => {
      const where = `at byte ${offset}, in ${functionName(module, index)}`;
      if (code === MEMORY_GROW) found.add(`memory.grow ${where}`);
      if (code === MEMORY_SIZE) found.add(`memory.size ${where}`);
      if (feature && !simd)
        found.add(`an instruction of ${feature} ${where}; a portable build has the MVP's only`);
    });
    yield* found;
  }
}

/** Calls that form no cycle: so the stack is as deep as the longest chain of them, and cannot overflow. */
function* checkCalls(bytes: Uint8Array, module: WasmModule): Iterable<string> {
  const callees = module.bodies.map(() => new Set<number>());
  for (const [index, body] of module.bodies.entries()) {
    const indirect: number[] = [];
    walkBody(bytes, body, ({ code, offset, index: callee }) => {
      if (code === CALL) callees[index]?.add(callee ?? 0);
      if (code === CALL_INDIRECT) indirect.push(offset);
    });
    if (indirect.length > 0)
      yield `calls through a table at byte ${indirect[0]}, in ${functionName(module, index)}`;
  }
  const done = new Set<number>();
  const chain: number[] = [];
  const cycleFrom = (index: number): number[] | undefined => {
    if (chain.includes(index)) return [...chain.slice(chain.indexOf(index)), index];
    if (done.has(index)) return undefined;
    chain.push(index);
    for (const callee of callees[index] ?? []) {
      const found = cycleFrom(callee);
      if (found) return found;
    }
    chain.pop();
    done.add(index);
    return undefined;
  };
  for (const index of callees.keys()) {
    const cycle = cycleFrom(index);
    if (!cycle) continue;
    yield `recursion: ${cycle.map((one) => functionName(module, one)).join(' calls ')}`;
    return;
  }
}

/** The value of an exported global; -1 without that export. */
function exportedConstant(module: WasmModule, name: string): number {
  const entry = module.exports.find((one) => one.kind === 'global' && one.name === name);
  return Number(module.globals[entry?.index ?? -1]?.initial ?? -1n);
}
