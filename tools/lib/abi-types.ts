// The ABI → build/limpet.abi.ts: values and types for hosts in TypeScript.

import type { Abi, AbiEnum, AbiFunction, AbiRecord } from './abi-model.js';

export function writeTypes(abi: Abi): string {
  return (
    [
      `// The ABI of ${abi.name} ${abi.version}, made by tools/abi.ts: do not edit.`,
      ...Object.entries(abi.constants).map(
        ([name, { value, doc }]) => `${comment(doc)}export const ${name} = ${value};`,
      ),
      ...Object.entries(abi.enums).map(([name, entry]) => writeEnum(name, entry)),
      ...Object.entries(abi.records).map(([name, record]) => writeRecord(name, record)),
      writeExports(abi.functions),
      writeFeatures(abi.functions),
    ].join('\n\n') + '\n'
  );
}

function writeEnum(name: string, { doc, members }: AbiEnum): string {
  const lines = Object.entries(members).map(
    ([member, { value, doc }]) => `${comment(doc, '  ')}  ${member}: ${value},`,
  );
  return (
    `${comment(doc)}export const ${name} = {\n${lines.join('\n')}\n} as const;\n` +
    `export type ${name} = (typeof ${name})[keyof typeof ${name}];`
  );
}

/** Offsets from the record's address, and its size; and, for hosts that read all of it, what says something. */
function writeRecord(name: string, { doc, size, fields }: AbiRecord): string {
  const types = Object.entries(fields)
    .filter(([field]) => field !== 'reserved')
    .map(([field, { type }]) => `  ${field}: '${type}',`);
  const lines = Object.entries(fields).map(
    ([field, { offset, type, doc }]) => `${comment(`${type}. ${doc}`, '  ')}  ${field}: ${offset},`,
  );
  return (
    `${comment(`${doc}\n\nOffsets of its fields, and its size, in bytes.`)}export const ${name} = {\n` +
    `  size: ${size},\n${lines.join('\n')}\n} as const;\n\n` +
    `/** The types of the fields of ${name}. */\nexport const ${name}Types = {\n${types.join('\n')}\n} as const;`
  );
}

function writeExports(functions: AbiFunction[]): string {
  const lines = functions.map(({ name, doc, params, returns }) => {
    const tags = [
      ...params.map((param) => `@param ${param.name} ${param.doc}`),
      `@returns ${returns}`,
    ];
    const list = params.map((param) => `${param.name}: number`).join(', ');
    return `${comment(`${doc}\n\n${tags.join('\n')}`, '  ')}  ${name}(${list}): number;`;
  });
  return (
    `${comment('What an instance of the core exports; every number is an i32.')}export interface LimpetExports {\n` +
    '  readonly memory: WebAssembly.Memory;\n' +
    '  readonly __heap_base: WebAssembly.Global;\n' +
    '  readonly __data_end: WebAssembly.Global;\n' +
    `${lines.join('\n')}\n}`
  );
}

function writeFeatures(functions: AbiFunction[]): string {
  const lines = functions.flatMap(({ name, feature }) =>
    feature ? [`  ${name}: '${feature}',`] : [],
  );
  const doc = 'The exports that only cores with a feature have, and that feature.';
  return `${comment(doc)}export const FEATURE_EXPORTS = {\n${lines.join('\n')}\n} as const;`;
}

function comment(doc: string, indent = ''): string {
  const lines = doc.replaceAll('*/', '* /').split('\n');
  return lines.length === 1
    ? `${indent}/** ${doc} */\n`
    : `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}
