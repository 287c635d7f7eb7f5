// assembly/index.ts → the functions of the ABI, each with what its parameters and result mean.

import ts from 'typescript';
import { complaintAt, docOf, documentedParams, featureOf, tagOf } from './abi-doc.js';
import type { AbiFunction } from './abi-model.js';

const PREFIX = 'limpet_';

export function readFunctions(source: ts.SourceFile): AbiFunction[] {
  return source.statements.filter(ts.isFunctionDeclaration).filter(isExported).map(readFunction);
}

function readFunction(node: ts.FunctionDeclaration): AbiFunction {
  const name = node.name?.text ?? 'default';
  if (!name.startsWith(PREFIX))
    throw complaintAt(node, `${name} is exported and does not begin with ${PREFIX}`);
  if (node.type?.getText() !== 'i32') throw complaintAt(node, `${name} must answer an i32`);
  const params = node.parameters.map((param) => readParam(node, name, param));
  const stranger = documentedParams(node).find(
    (one) => !params.some((param) => param.name === one),
  );
  if (stranger)
    throw complaintAt(node, `${name} documents @param ${stranger}, which it does not have`);
  const feature = featureOf(node);
  const told = { name, doc: docOf(node, name), params, returns: tagOf(node, name) };
  return feature === undefined ? told : { ...told, feature };
}

function readParam(
  node: ts.FunctionDeclaration,
  owner: string,
  param: ts.ParameterDeclaration,
): AbiFunction['params'][number] {
  const name = param.name.getText();
  if (param.type?.getText() !== 'i32') throw complaintAt(param, `${owner}: ${name} must be an i32`);
  if (param.initializer ?? param.questionToken) {
    throw complaintAt(param, `${owner}: ${name} is optional, which would add an export`);
  }
  return { name, doc: tagOf(node, owner, name) };
}

export function isExported(node: ts.Node): boolean {
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
}
