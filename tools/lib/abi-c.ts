// The ABI → build/limpet_core.h, C11 and C++11: constants, records, and the calls of an instance of
// the core, whichever engine of host/native/engine/ runs it.

import { writeErrorCodes } from './abi-c-errors.js';
import { upperSnake } from './profile.js';
import { INSTANCE_C } from './abi-c-instance.js';
import type { Abi, AbiEnum, AbiField, AbiFunction, AbiRecord, AbiType } from './abi-model.js';

/** AssemblyScript's types in C. A pointer is an offset in linear memory, not a C pointer. */
const C_TYPES: Readonly<Record<AbiType, string>> = {
  u8: 'uint8_t',
  i8: 'int8_t',
  bool: 'uint8_t',
  u16: 'uint16_t',
  i16: 'int16_t',
  u32: 'uint32_t',
  i32: 'int32_t',
  usize: 'uint32_t',
  u64: 'uint64_t',
  i64: 'int64_t',
};

export function writeCHeader(abi: Abi): string {
  return (
    [
      comment(preface(abi)).trimEnd(),
      '#ifndef LIMPET_CORE_H\n#define LIMPET_CORE_H',
      '#include <stddef.h>\n#include <stdint.h>',
      '#ifdef __cplusplus\n#define LIMPET_STATIC_ASSERT static_assert\n#else\n#define LIMPET_STATIC_ASSERT _Static_assert\n#endif',
      `/* The version of the package. */\n#define LIMPET_VERSION ${JSON.stringify(abi.version)}`,
      '#ifdef __cplusplus\nextern "C" {\n#endif',
      ...Object.entries(abi.constants).map(
        ([name, { value, doc }]) =>
          `${comment(doc)}#define LIMPET_${name} ${value < 0 ? `(${value})` : value}`,
      ),
      ...Object.entries(abi.enums).map(([name, entry]) => writeEnum(name, entry)),
      writeErrorCodes(abi.enums.ErrorCode),
      ...Object.entries(abi.records).map(([name, record]) => writeRecord(name, record)),
      INSTANCE_C,
      ...abi.functions.map(writeCall),
      writeLists(abi),
      '#ifdef __cplusplus\n}\n#endif',
      '#endif',
    ].join('\n\n') + '\n'
  );
}

function preface({ name, version }: Abi): string {
  return `The core of ${name} ${version} for C, made by tools/abi.ts: do not edit.

For who brings their own loop: bytes go in, events come out, bytes go out; no sockets, no clock, no
callbacks. With sockets and all: limpet.h. How a core is driven: docs/core.md, "Driving it".

Every call takes and answers 32-bit integers. What the text calls a pointer is an offset in
linear memory: limpet_core_memory(core) + pointer is where C finds it. Records are as they
lie there: little-endian. The text names calls as the module exports them: limpet_open is
limpet_core_open here. ErrorCode.SESSIONS is LIMPET_ERROR_CODE_SESSIONS, and so on.

One thread at a time uses a core. Cores share nothing: as many as there are threads may run at once.`;
}

function writeEnum(name: string, { doc, members }: AbiEnum): string {
  const upper = upperSnake(name);
  const lines = Object.entries(members).map(
    ([member, { value, doc }]) => `${comment(doc, '  ')}  LIMPET_${upper}_${member} = ${value}`,
  );
  return `${comment(doc)}enum limpet_${upper.toLowerCase()} {\n${lines.join(',\n')}\n};`;
}

function writeRecord(name: string, { doc, size, fields }: AbiRecord): string {
  const upper = upperSnake(name);
  const struct = `struct limpet_${upper.toLowerCase()}`;
  const entries = Object.entries(fields).map(([field, entry]) => ({
    snake: upperSnake(field).toLowerCase(),
    ...entry,
  }));
  return [
    `#define LIMPET_${upper}_SIZE ${size}u`,
    ...entries.map(
      ({ snake, offset }) => `#define LIMPET_${upper}_${snake.toUpperCase()}_OFFSET ${offset}u`,
    ),
    `${comment(doc)}${struct} {`,
    ...writeFields(entries, size),
    '};',
    `LIMPET_STATIC_ASSERT(sizeof(${struct}) == LIMPET_${upper}_SIZE, "${name}");`,
    ...entries.map(
      ({ snake }) =>
        `LIMPET_STATIC_ASSERT(offsetof(${struct}, ${snake}) == LIMPET_${upper}_${snake.toUpperCase()}_OFFSET, "${name}.${snake}");`,
    ),
  ].join('\n');
}

/** Holes become fields, so that the layout is the same where 64-bit integers align to 4. */
function* writeFields(fields: (AbiField & { snake: string })[], size: number): Iterable<string> {
  let end = 0;
  for (const { snake, offset, type, size: bytes, doc } of fields) {
    if (offset > end) yield `  uint8_t hole_${end}[${offset - end}];`;
    yield `${comment(doc, '  ')}  ${C_TYPES[type]} ${snake};`;
    end = offset + bytes;
  }
  if (size > end) yield `  uint8_t hole_${end}[${size - end}];`;
}

/** An export as a function of an instance. */
function writeCall({ name, doc, params, returns, feature }: AbiFunction): string {
  const text = [
    doc,
    ...params.map((param) => `${param.name}: ${param.doc}`),
    `Returns: ${returns}`,
    ...(feature ? [`Cores without the feature ${feature} answer ErrorCode.UNSUPPORTED.`] : []),
  ];
  const list = ['limpet_core *core', ...params.map((param) => `int32_t ${param.name}`)];
  const head = `LIMPET_CORE_API int32_t limpet_core_${nounVerb(name)}(`;
  const line = `${head}${list.join(', ')});`;
  return comment(text.join('\n')) + (line.length <= 100 ? line : `${head}\n${fill(list)});`);
}

/** Parameters on indented lines of 100 columns at the most. */
function fill(list: string[]): string {
  const lines: string[] = [];
  for (const entry of list) {
    const longer = `${lines.at(-1) ?? ''} ${entry},`;
    if (lines.length > 0 && longer.length <= 100) lines[lines.length - 1] = longer;
    else lines.push(`    ${entry},`);
  }
  return lines.join('\n').replace(/,$/, '');
}

/** For engines, and for whoever looks the exports of a module up by their names. */
function writeLists({ functions }: Abi): string {
  const features = [...new Set(functions.map(({ feature }) => feature))];
  const macroOf = (feature?: string) =>
    feature ? `LIMPET_EXPORTS_${upperSnake(feature)}` : 'LIMPET_EXPORTS';
  const lists = features.map((feature) => {
    const lines = functions
      .filter((one) => one.feature === feature)
      .map(({ name, params }) => `  X(${nounVerb(name)}, ${params.length})`);
    const where = feature ? `of cores with the feature ${feature}` : 'of every core';
    return `/* The exports ${where}: X(open, 1) is limpet_open, of one parameter. */\n#define ${macroOf(feature)}(X) \\\n${lines.join(' \\\n')}`;
  });
  const all = features.map((feature) => `  ${macroOf(feature)}(X)`).join(' \\\n');
  return [...lists, `/* All of them. */\n#define LIMPET_EXPORTS_ALL(X) \\\n${all}`].join('\n\n');
}

/** limpet_open → open: what all names for an export have in common. */
export function nounVerb(name: string): string {
  return name.replace(/^limpet_/, '');
}

/** A block comment; what would end it early, or start a second one, is taken apart. */
function comment(doc: string, indent = ''): string {
  const lines = doc.replaceAll('*/', '* /').replaceAll('/*', '/ *').split('\n');
  return `${indent}/* ${lines.join(`\n${indent} * `).replace(/ +$/gm, '')} */\n`;
}
