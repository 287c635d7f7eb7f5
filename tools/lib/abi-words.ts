// assembly/abi.ts → constants, enums and records with their offsets.
//
// A record is laid out as AssemblyScript does it: each field at the next multiple of its own size.
// Its size is rounded up to its largest field, as the stride of an array of them must be.

import ts from 'typescript';
import { complaintAt, docOf } from './abi-doc.js';
import { isExported } from './abi-functions.js';
import {
  TYPE_BYTES,
  type Abi,
  type AbiEnum,
  type AbiRecord,
  type AbiType,
  type AbiValue,
} from './abi-model.js';

export function readWords(source: ts.SourceFile): Pick<Abi, 'constants' | 'enums' | 'records'> {
  const constants: Record<string, AbiValue> = {};
  const enums: Record<string, AbiEnum> = {};
  const records: Record<string, AbiRecord> = {};
  for (const statement of source.statements.filter(isExported)) {
    if (ts.isVariableStatement(statement)) {
      for (const declaration of statement.declarationList.declarations) {
        const name = declaration.name.getText();
        constants[name] = {
          value: evaluate(declaration, constants, declaration.initializer),
          doc: docOf(statement, name),
        };
      }
    } else if (ts.isEnumDeclaration(statement)) {
      enums[statement.name.text] = readEnum(statement, constants);
    } else if (ts.isClassDeclaration(statement) && statement.name) {
      records[statement.name.text] = readRecord(statement, statement.name.text);
    } else {
      throw complaintAt(statement, 'neither a constant nor an enum nor a record');
    }
  }
  return { constants, enums, records };
}

function readEnum(node: ts.EnumDeclaration, constants: Record<string, AbiValue>): AbiEnum {
  const members: Record<string, AbiValue> = {};
  for (const member of node.members) {
    const name = member.name.getText();
    const known = { ...constants, ...members };
    members[name] = {
      value: evaluate(member, known, member.initializer),
      doc: docOf(member, `${node.name.text}.${name}`),
    };
  }
  return { doc: docOf(node, node.name.text), members };
}

function readRecord(node: ts.ClassDeclaration, owner: string): AbiRecord {
  const unmanaged = ts
    .getDecorators(node)
    ?.some(({ expression }) => expression.getText() === 'unmanaged');
  if (!unmanaged || node.heritageClauses)
    throw complaintAt(node, `${owner} must be an @unmanaged class of its own`);
  const record: AbiRecord = { size: 0, align: 1, doc: docOf(node, owner), fields: {} };
  for (const member of node.members) {
    const name = member.name?.getText() ?? '';
    const type = ts.isPropertyDeclaration(member) ? member.type?.getText() : undefined;
    if (!isAbiType(type)) {
      throw complaintAt(
        member,
        `${owner}.${name} is no field of ${Object.keys(TYPE_BYTES).join(', ')}`,
      );
    }
    const size = TYPE_BYTES[type];
    const offset = roundUp(record.size, size);
    record.fields[name] = { offset, type, size, doc: docOf(member, `${owner}.${name}`) };
    record.size = offset + size;
    record.align = Math.max(record.align, size);
  }
  record.size = roundUp(record.size, record.align);
  return record;
}

/** The value of a constant: numbers, names of earlier constants, and what JavaScript does with them. */
function evaluate(owner: ts.Node, known: Record<string, AbiValue>, node?: ts.Expression): number {
  if (node && ts.isNumericLiteral(node)) return Number(node.text);
  if (node && ts.isParenthesizedExpression(node)) return evaluate(owner, known, node.expression);
  if (node && ts.isIdentifier(node)) {
    const value = known[node.text]?.value;
    if (value !== undefined) return value;
  } else if (node && ts.isPrefixUnaryExpression(node)) {
    const operand = evaluate(owner, known, node.operand);
    if (node.operator === ts.SyntaxKind.MinusToken) return -operand;
    if (node.operator === ts.SyntaxKind.TildeToken) return ~operand;
  } else if (node && ts.isBinaryExpression(node)) {
    const left = evaluate(owner, known, node.left);
    const right = evaluate(owner, known, node.right);
    const operate = OPERATORS[node.operatorToken.getText()];
    if (operate) return operate(left, right);
  }
  throw complaintAt(owner, `${node?.getText() ?? 'nothing'} is no constant that the ABI can tell`);
}

const OPERATORS: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '|': (left, right) => left | right,
  '&': (left, right) => left & right,
  '<<': (left, right) => left << right,
};

function isAbiType(type: string | undefined): type is AbiType {
  return type !== undefined && type in TYPE_BYTES;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
