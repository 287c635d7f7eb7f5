// The ABI → build/limpet_core.h, C11, for hosts that call the exports through a WASM engine.

import { writeErrorCodes } from './abi-c-errors.js';
import { upperSnake } from './profile.js';
import type { Abi, AbiEnum, AbiField, AbiRecord, AbiType } from './abi-model.js';

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
      `/* The ABI of ${abi.name} ${abi.version}, made by tools/abi.ts: do not edit.\n *\n` +
        ' * Every parameter and every result of an export is a 32-bit integer; pointers are offsets in\n' +
        ' * linear memory. Records are as they lie there: little-endian. */',
      '#ifndef LIMPET_CORE_H\n#define LIMPET_CORE_H',
      '#include <stddef.h>\n#include <stdint.h>',
      '#ifdef __cplusplus\n#define LIMPET_STATIC_ASSERT static_assert\n#else\n#define LIMPET_STATIC_ASSERT _Static_assert\n#endif',
      `/* The version of the package. */\n#define LIMPET_VERSION ${JSON.stringify(abi.version)}`,
      ...Object.entries(abi.constants).map(
        ([name, { value, doc }]) =>
          `${comment(doc)}#define LIMPET_${name} ${value < 0 ? `(${value})` : value}`,
      ),
      ...Object.entries(abi.enums).map(([name, entry]) => writeEnum(name, entry)),
      writeErrorCodes(abi.enums.ErrorCode),
      ...Object.entries(abi.records).map(([name, record]) => writeRecord(name, record)),
      writeExports(abi),
      '#endif',
    ].join('\n\n') + '\n'
  );
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

function writeExports(abi: Abi): string {
  const docs = abi.functions.map(({ name, doc, params, returns, feature }) =>
    comment(
      [
        `${name}(${params.map((param) => param.name).join(', ')})`,
        doc,
        ...params.map((param) => `${param.name}: ${param.doc}`),
        `Returns: ${returns}`,
        ...(feature ? [`Only in cores with the feature ${feature}.`] : []),
      ].join('\n'),
    ),
  );
  const lists = [...new Set(abi.functions.map(({ feature }) => feature))].map((feature) => {
    const lines = abi.functions
      .filter((one) => one.feature === feature)
      .map(({ name, params }) => `  X(${name}, ${params.length})`);
    const where = feature ? `of cores with the feature ${feature}` : 'of every core';
    const macro = feature ? `LIMPET_EXPORTS_${upperSnake(feature)}` : 'LIMPET_EXPORTS';
    return `/* X(name, number of parameters) for each export ${where}. */\n#define ${macro}(X) \\\n${lines.join(' \\\n')}`;
  });
  return [...docs, ...lists].join('\n');
}

/** A block comment; what would end it early, or start a second one, is taken apart. */
function comment(doc: string, indent = ''): string {
  const lines = doc.replaceAll('*/', '* /').replaceAll('/*', '/ *').split('\n');
  return `${indent}/* ${lines.join(`\n${indent} * `).replace(/ +$/gm, '')} */\n`;
}
